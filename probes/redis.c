/* Redis: AUTH, PING, INFO and QUIT in one go (RESP); their answers in turn. One that is
 * loading its data, or that has lost its primary, answers a PING with an error. */
#include "probes/bytes.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

static void
say(struct bytes *b, const char *const *words, const size_t *sizes, unsigned count)
{
	char head[32];
	text_print(head, sizeof head, "*%u\r\n", count);
	bytes_text(b, head);
	for (unsigned i = 0; i < count; i++) {
		text_print(head, sizeof head, "$%zu\r\n", sizes[i]);
		bytes_text(b, head);
		bytes_add(b, words[i], sizes[i]);
		bytes_text(b, "\r\n");
	}
}

size_t
redis_ask(const struct asked *a, char *buf, size_t cap)
{
	struct bytes b = { .at = buf, .cap = cap };
	struct blob secret = bytes_secret(a->files);
	const char *user = bytes_user(a->plan);
	const char *words[3] = { "AUTH", user, secret.bytes };
	size_t sizes[3] = { 4, user != NULL ? strlen(user) : 0, secret.size };
	if (secret.size > 0 && user == NULL) {
		words[1] = secret.bytes;
		sizes[1] = secret.size;
	}
	if (secret.size > 0)
		say(&b, words, sizes, user != NULL ? 3 : 2);
	bytes_text(&b, "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nINFO\r\n*1\r\n$4\r\nQUIT\r\n");
	return bytes_asked(&b);
}

struct reader {
	const char *at, *end;
};

/* The next answer: a line, or a text of known size. JUDGE_NEXT: it is whole. */
static enum judgement
take(struct reader *r, const char **text, size_t *size)
{
	const char *line = r->at;
	const char *stop = memmem(line, (size_t)(r->end - line), "\r\n", 2);
	if (stop == NULL)
		return r->end - line > 4096 ? JUDGE_BAD : JUDGE_MORE;
	*text = line;
	*size = (size_t)(stop - line);
	r->at = stop + 2;
	if (*line != '$' || *size < 2 || line[1] == '-')
		return JUDGE_NEXT;
	size_t length = 0;
	for (const char *c = line + 1; c < stop; c++) {
		if (*c < '0' || *c > '9' || length > 10000000)
			return JUDGE_BAD;
		length = length * 10 + (size_t)(*c - '0');
	}
	if ((size_t)(r->end - r->at) < length + 2)
		return JUDGE_MORE;
	*text = r->at;
	*size = length;
	r->at += length + 2;
	return JUDGE_NEXT;
}

static bool
begins(const char *text, size_t size, const char *with)
{
	size_t n = strlen(with);
	return size >= n && memcmp(text, with, n) == 0;
}

static enum judgement
refused(const char *what, const char *text, size_t size, char why[MSG_TEXT])
{
	char shown[90];
	text_clean(shown, sizeof shown, text, size);
	text_print(why, MSG_TEXT, "%s: %s", what, *shown == '-' ? shown + 1 : shown);
	return JUDGE_BAD;
}

static void
fill(struct answer *a, const char *info, size_t size)
{
	double most, of_link, since;
#define FIELD(name) bytes_line_number(info, size, name, ':')
	bool replica = memmem(info, size, "\nrole:slave", 11) != NULL;
	if (memmem(info, size, "\nrole:", 6) != NULL)
		a->value[METRIC_PRIMARY] = !replica;
	a->value[METRIC_REPLICAS] = FIELD("connected_slaves");
	a->value[METRIC_CLIENTS] = FIELD("connected_clients");
	most = FIELD("maxclients");
	if (most > 0)
		a->value[METRIC_CLIENTS_PERCENT] = 100 * a->value[METRIC_CLIENTS] / most;
	a->value[METRIC_MEMORY_USED] = FIELD("used_memory");
	most = FIELD("maxmemory");
	if (most > 0)
		a->value[METRIC_MEMORY_USED_PERCENT] =
			100 * a->value[METRIC_MEMORY_USED] / most;
	a->value[METRIC_UPTIME] = FIELD("uptime_in_seconds") * 1000;
	a->value[METRIC_EVICTIONS] = FIELD("evicted_keys");
	of_link = FIELD("master_last_io_seconds_ago");
	since = FIELD("master_link_down_since_seconds");
	if (replica)
		a->value[METRIC_LAG] = 1000 * (isnan(since) ? of_link : since);
#undef FIELD
}

enum judgement
redis_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	struct reader in = { r->bytes, r->bytes + r->size };
	const char *text, *info = NULL;
	size_t size, info_size = 0;
	bool auth = p->check->more->files != NULL &&
		    p->check->more->files[FILE_SECRET] != NULL;
	if (r->size > 0 && memchr("+-$", r->bytes[0], 3) == NULL)
		return refused("not Redis: got", r->bytes, r->size, why);
	for (unsigned i = auth ? 0 : 1; i < 4; i++) {
		enum judgement j = take(&in, &text, &size);
		if (j == JUDGE_MORE && i == 3 && r->ended)
			break;
		if (j == JUDGE_BAD)
			return refused("not Redis: got", r->bytes, r->size, why);
		if (j == JUDGE_MORE)
			return j;
		if (i == 0 && !begins(text, size, "+OK"))
			return refused("it does not let us in", text, size, why);
		if (i == 1 && !begins(text, size, "+PONG"))
			return refused("a ping", text, size, why);
		if (i == 2 && !begins(text, size, "-")) {
			info = text;
			info_size = size;
		}
	}
	if (info != NULL)
		fill(a, info, info_size);
	return JUDGE_GOOD;
}
