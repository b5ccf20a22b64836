/* SSH (RFC 4253): its version, and that it begins to exchange keys: a daemon that cannot
 * read its host keys still greets. */
#include "probes/bytes.h"

#include "base/text.h"

#include <string.h>

#define GREETING_MOST 8192 /* lines before the version, which a server may send */
#define PACKET_MOST 35000
enum { KEY_EXCHANGE = 20, DISCONNECT = 1, BY_APPLICATION = 11 };
enum { STEP_VERSION, STEP_KEYS, STEP_BYE };

size_t
ssh_ask(const struct asked *a, char *buf, size_t cap)
{
	static const char bye[] = "health check";
	struct bytes b = { .at = buf, .cap = cap };
	if (a->step == STEP_VERSION)
		return ASK_NOTHING;
	if (a->step == STEP_KEYS)
		return text_print(buf, cap, "SSH-2.0-monitord\r\n");
	/* size, padding, kind, reason, text, language, and padding to 8 bytes */
	size_t payload = 1 + 4 + 4 + sizeof bye - 1 + 4;
	unsigned padding = 8 - (unsigned)((payload + 5) % 8) + 8;
	bytes_number(&b, payload + 1 + padding, 4);
	bytes_number(&b, padding, 1);
	bytes_number(&b, DISCONNECT, 1);
	bytes_number(&b, BY_APPLICATION, 4);
	bytes_number(&b, sizeof bye - 1, 4);
	bytes_text(&b, bye);
	bytes_number(&b, 0, 4);
	for (unsigned i = 0; i < padding; i++)
		bytes_number(&b, 0, 1);
	return bytes_asked(&b);
}

static enum judgement
judge_version(struct reply *r, char why[MSG_TEXT])
{
	char shown[60];
	for (r->used = 0;;) {
		const char *line = r->bytes + r->used;
		const char *stop =
			r->size > r->used ? memchr(line, '\n', r->size - r->used) : NULL;
		if (stop == NULL)
			break;
		size_t size = (size_t)(stop - line);
		r->used += size + 1;
		if (r->used > GREETING_MOST)
			break;
		if (size < 4 || memcmp(line, "SSH-", 4) != 0)
			continue;
		if (size >= 8 && (memcmp(line, "SSH-2.0-", 8) == 0 ||
				  memcmp(line, "SSH-1.99", 8) == 0))
			return JUDGE_NEXT;
		text_clean(shown, sizeof shown, line, size);
		text_print(why, MSG_TEXT, "it speaks '%s', expected SSH-2.0", shown);
		return JUDGE_BAD;
	}
	if (r->size <= GREETING_MOST && !r->ended)
		return JUDGE_MORE;
	text_clean(shown, sizeof shown, r->bytes, r->size);
	text_print(why, MSG_TEXT, "no version of SSH: got '%s'", shown);
	return JUDGE_BAD;
}

static enum judgement
judge_keys(struct reply *r, char why[MSG_TEXT])
{
	if (r->size < 6)
		return JUDGE_MORE;
	uint64_t size = bytes_read(r->bytes, 4);
	if (size < 22 || size > PACKET_MOST ||
	    (unsigned char)r->bytes[5] != KEY_EXCHANGE ||
	    (unsigned char)r->bytes[4] + 18u > size) {
		char shown[60];
		text_clean(shown, sizeof shown, r->bytes, r->size < 40 ? r->size : 40);
		text_print(why, MSG_TEXT, "it does not begin to exchange keys: got '%s'",
			   shown);
		return JUDGE_BAD;
	}
	if (r->size < size + 4)
		return JUDGE_MORE;
	r->used = size + 4;
	return JUDGE_NEXT;
}

enum judgement
ssh_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	(void)p;
	(void)a;
	if (r->step == STEP_VERSION)
		return judge_version(r, why);
	if (r->step == STEP_KEYS)
		return judge_keys(r, why);
	return r->ended ? JUDGE_GOOD : JUDGE_MORE;
}
