/* LDAP 3 (RFC 4511): StartTLS if it is wished, a bind, anonymous or with a password, and
 * a search for the root entry, which any server shows to anybody. */
#include "probes/bytes.h"

#include "base/text.h"

#include <string.h>

#define MESSAGE_MOST 1000000
enum { ID_TLS = 1, ID_BIND, ID_SEARCH };
enum {
	BIND_DONE = 0x61,
	ENTRY = 0x64,
	SEARCH_DONE = 0x65,
	REFERENCE = 0x73,
	EXTENDED = 0x78
};
enum { RESULT_OK, RESULT_REFERRAL = 10 };
enum { STEP_TLS, STEP_BIND, STEP_SEARCH, STEP_BYE };

/* Where there is no StartTLS the steps begin with the bind. */
static unsigned
step_of(const struct plan *p, unsigned step)
{
	return plan_starttls(p) ? step : step + STEP_BIND;
}

static void
put(struct bytes *b, unsigned tag, const void *data, size_t size)
{
	bytes_number(b, tag, 1);
	if (size < 128)
		bytes_number(b, size, 1);
	else {
		bytes_number(b, 0x82, 1);
		bytes_number(b, size, 2);
	}
	bytes_add(b, data, size);
}

/* A message of that id around what is in `body`. */
static size_t
wrap(char *buf, size_t cap, unsigned id, const struct bytes *body)
{
	char inner[2048];
	struct bytes b = { .at = buf, .cap = cap },
		     in = { .at = inner, .cap = sizeof inner };
	char number = (char)id;
	put(&in, 0x02, &number, 1);
	bytes_add(&in, body->at, body->size);
	put(&b, 0x30, inner, in.size);
	return body->full || in.full ? 0 : bytes_asked(&b);
}

static void
add_bind(struct bytes *b, const struct asked *a)
{
	char inner[1536];
	struct bytes in = { .at = inner, .cap = sizeof inner };
	const char *user = bytes_user(a->plan) != NULL ? bytes_user(a->plan) : "";
	struct blob password = bytes_secret(a->files);
	put(&in, 0x02, "\3", 1);
	put(&in, 0x04, user, strlen(user));
	put(&in, 0x80, password.bytes, password.size);
	put(b, 0x60, inner, in.size);
	b->full = b->full || in.full;
}

size_t
ldap_ask(const struct asked *a, char *buf, size_t cap)
{
	static const char tls[] = "\x80\x16"
				  "1.3.6.1.4.1.1466.20037";
	/* base "", this entry only, no aliases, no limits, (objectClass=*), attribute 1.1
	 */
	static const char search[] =
		"\4\0\n\1\0\n\1\0\2\1\0\2\1\0\1\1\0\x87\13objectClass\060\5\4\003"
		"1.1";
	char space[1600];
	struct bytes body = { .at = space, .cap = sizeof space };
	switch (step_of(a->plan, a->step)) {
	case STEP_TLS:
		put(&body, 0x77, tls, sizeof tls - 1);
		return wrap(buf, cap, ID_TLS, &body);
	case STEP_BIND:
		add_bind(&body, a);
		return wrap(buf, cap, ID_BIND, &body);
	case STEP_SEARCH:
		put(&body, 0x63, search, sizeof search - 1);
		return wrap(buf, cap, ID_SEARCH, &body);
	default:
		put(&body, 0x42, NULL, 0);
		return wrap(buf, cap, ID_SEARCH + 1, &body);
	}
}

struct part { /* a tag and what belongs to it */
	unsigned tag;
	const char *at;
	size_t size;
};

/* The next part, at *at, which is moved behind it. JUDGE_MORE: it is not there whole. */
static enum judgement
take(const char **at, const char *end, struct part *out)
{
	if (end - *at < 2)
		return JUDGE_MORE;
	size_t head = 2, size = (unsigned char)(*at)[1];
	if (size >= 0x80) {
		unsigned n = size & 0x7f;
		if (n == 0 || n > 4)
			return JUDGE_BAD;
		if ((size_t)(end - *at) < 2 + n)
			return JUDGE_MORE;
		size = bytes_read(*at + 2, n);
		head += n;
	}
	if (size > MESSAGE_MOST)
		return JUDGE_BAD;
	if ((size_t)(end - *at) < head + size)
		return JUDGE_MORE;
	*out = (struct part){ (unsigned char)**at, *at + head, size };
	*at += head + size;
	return JUDGE_NEXT;
}

static enum judgement
not_ldap(const struct reply *r, char why[MSG_TEXT])
{
	char shown[60];
	text_clean(shown, sizeof shown, r->bytes, r->size);
	text_print(why, MSG_TEXT, "not LDAP: got '%s'", shown);
	return JUDGE_BAD;
}

/* code, DN, text */
static enum judgement
judge_result(const struct part *p, const char *what, char why[MSG_TEXT])
{
	struct part code, dn, text = { 0 };
	char shown[70] = "";
	const char *at = p->at, *end = p->at + p->size;
	if (take(&at, end, &code) != JUDGE_NEXT || code.tag != 0x0a || code.size != 1) {
		text_print(why, MSG_TEXT, "%s: the answer makes no sense", what);
		return JUDGE_BAD;
	}
	if (code.at[0] == RESULT_OK || code.at[0] == RESULT_REFERRAL)
		return JUDGE_NEXT;
	if (take(&at, end, &dn) == JUDGE_NEXT && take(&at, end, &text) == JUDGE_NEXT)
		text_clean(shown, sizeof shown, text.at, text.size);
	text_print(why, MSG_TEXT, "%s: result %d%s%s", what,
		   (int)(unsigned char)code.at[0], *shown != '\0' ? ": " : "", shown);
	return JUDGE_BAD;
}

/* One message; JUDGE_MORE: the next one tells. */
static enum judgement
judge_message(unsigned step, const struct reply *r, const struct part *message,
	      char why[MSG_TEXT])
{
	struct part id, op;
	const char *at = message->at, *end = message->at + message->size;
	if (message->tag != 0x30 || take(&at, end, &id) != JUDGE_NEXT || id.tag != 0x02 ||
	    take(&at, end, &op) != JUDGE_NEXT)
		return not_ldap(r, why);
	if (op.tag == EXTENDED && id.size == 1 && id.at[0] == 0)
		return judge_result(&op, "it says goodbye", why) == JUDGE_BAD
			       ? JUDGE_BAD
			       : JUDGE_MORE;
	if (step == STEP_TLS && op.tag == EXTENDED) {
		enum judgement j = judge_result(&op, "StartTLS", why);
		return j == JUDGE_NEXT ? JUDGE_STARTTLS : j;
	}
	if (step == STEP_BIND && op.tag == BIND_DONE)
		return judge_result(&op, "the bind", why);
	if (step == STEP_SEARCH && (op.tag == ENTRY || op.tag == REFERENCE))
		return JUDGE_MORE;
	if (step == STEP_SEARCH && op.tag == SEARCH_DONE)
		return judge_result(&op, "the search for the root entry", why);
	return not_ldap(r, why);
}

enum judgement
ldap_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	unsigned step = step_of(p, r->step);
	struct part message;
	(void)a;
	if (step >= STEP_BYE)
		return r->ended ? JUDGE_GOOD : JUDGE_MORE;
	for (;;) {
		const char *at = r->bytes;
		enum judgement j = take(&at, r->bytes + r->size, &message);
		if (j == JUDGE_BAD || (r->size > 0 && r->bytes[0] != 0x30))
			return not_ldap(r, why);
		if (j == JUDGE_MORE)
			return j;
		j = judge_message(step, r, &message, why);
		r->used = (size_t)(at - r->bytes);
		if (j != JUDGE_MORE)
			return j;
		r->size -= r->used; /* an entry: it says nothing more */
		memmove(r->bytes, r->bytes + r->used, r->size);
	}
}
