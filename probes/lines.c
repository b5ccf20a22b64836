/* Protocols of lines: each says a line and waits for an answer that begins well. SMTP
 * (RFC 5321), LMTP (RFC 2033), FTP (RFC 959, 4217), IMAP (RFC 9051), POP3 (RFC 1939,
 * 2595). All end with a goodbye: a peer that is left without one says so in its log. */
#include "probes/bytes.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

enum style { STYLE_CODE /* 250-…, 250 … */, STYLE_MARK /* +OK */, STYLE_TAG /* a OK */ };
enum when { WHEN_ALWAYS, WHEN_STARTTLS, WHEN_LOGIN, WHEN_TLS_AGAIN };

struct line {
	const char *say;   /* {user} and {password} are replaced; NULL: the peer speaks */
	const char *wants; /* the answer's begin; several: "230|331" */
	enum when when;
	bool tls; /* behind the answer the handshake is made */
};

#define LINES_MAX 8
static const struct dialect {
	enum style style;
	struct line lines[LINES_MAX];
} dialects[CHECK_KINDS] = {
	[CHECK_SMTP] = { STYLE_CODE,
			 { { NULL, "220", WHEN_ALWAYS, false },
			   { "EHLO {us}", "250", WHEN_ALWAYS, false },
			   { "STARTTLS", "220", WHEN_STARTTLS, true },
			   { "EHLO {us}", "250", WHEN_STARTTLS, false },
			   { "QUIT", "221", WHEN_ALWAYS, false } } },
	[CHECK_LMTP] = { STYLE_CODE,
			 { { NULL, "220", WHEN_ALWAYS, false },
			   { "LHLO {us}", "250", WHEN_ALWAYS, false },
			   { "STARTTLS", "220", WHEN_STARTTLS, true },
			   { "LHLO {us}", "250", WHEN_STARTTLS, false },
			   { "QUIT", "221", WHEN_ALWAYS, false } } },
	[CHECK_FTP] = { STYLE_CODE,
			{ { NULL, "220", WHEN_ALWAYS, false },
			  { "AUTH TLS", "234", WHEN_STARTTLS, true },
			  { "USER {user}", "331|230", WHEN_LOGIN, false },
			  { "PASS {password}", "230|202", WHEN_LOGIN, false },
			  { "QUIT", "221", WHEN_ALWAYS, false } } },
	[CHECK_POP3] = { STYLE_MARK,
			 { { NULL, "+OK", WHEN_ALWAYS, false },
			   { "STLS", "+OK", WHEN_STARTTLS, true },
			   { "USER {user}", "+OK", WHEN_LOGIN, false },
			   { "PASS {password}", "+OK", WHEN_LOGIN, false },
			   { "QUIT", "+OK", WHEN_ALWAYS, false } } },
	[CHECK_IMAP] = { STYLE_TAG,
			 { { NULL, "* OK|* PREAUTH", WHEN_ALWAYS, false },
			   { "a STARTTLS", "a OK", WHEN_STARTTLS, true },
			   { "b LOGIN \"{user}\" \"{password}\"", "b OK", WHEN_LOGIN,
			     false },
			   { "c LOGOUT", "c OK", WHEN_ALWAYS, false } } },
};

static bool
is_due(const struct plan *p, const struct line *l)
{
	return l->when == WHEN_ALWAYS || (l->when == WHEN_STARTTLS && plan_starttls(p)) ||
	       (l->when == WHEN_LOGIN && bytes_user(p) != NULL);
}

/* The line of a step; NULL: all is said. */
static const struct line *
line_of(const struct plan *p, unsigned step)
{
	const struct dialect *d = &dialects[p->check->kind];
	for (unsigned i = 0; i < LINES_MAX && d->lines[i].wants != NULL; i++)
		if (is_due(p, &d->lines[i]) && step-- == 0)
			return &d->lines[i];
	return NULL;
}

/* Within IMAP's quotes a quote and a backslash are escaped. */
static void
add_value(struct bytes *b, const char *text, size_t size, bool escaped)
{
	for (size_t i = 0; i < size; i++) {
		if (escaped && (text[i] == '"' || text[i] == '\\'))
			bytes_text(b, "\\");
		bytes_add(b, text + i, 1);
	}
}

size_t
lines_ask(const struct asked *a, char *buf, size_t cap)
{
	struct bytes b = { .at = buf, .cap = cap };
	const struct line *l = line_of(a->plan, a->step);
	const char *user = bytes_user(a->plan);
	struct blob password = bytes_secret(a->files);
	bool quoted = dialects[a->plan->check->kind].style == STYLE_TAG;
	if (l == NULL || l->say == NULL)
		return ASK_NOTHING;
	if (memchr(password.bytes != NULL ? password.bytes : "", '\n', password.size) !=
	    NULL)
		return 0; /* it would be a line of its own */
	for (const char *at = l->say; *at != '\0';) {
		size_t n = strcspn(at, "{");
		bytes_add(&b, at, n);
		at += n;
		if (strncmp(at, "{us}", 4) == 0)
			bytes_text(&b, "monitord");
		else if (strncmp(at, "{user}", 6) == 0)
			add_value(&b, user, strlen(user), quoted);
		else if (*at == '{')
			add_value(&b, password.bytes, password.size, quoted);
		at += strcspn(at, "}");
		at += *at == '}';
	}
	bytes_text(&b, "\r\n");
	return bytes_asked(&b);
}

/* Is this the last line of an answer? */
static bool
is_last(enum style style, const char *line, size_t size, const char *tag)
{
	if (style == STYLE_CODE)
		return size < 4 || line[3] != '-';
	if (style == STYLE_TAG && tag != NULL)
		return size >= 2 && line[0] == tag[0] && line[1] == ' ';
	return true;
}

static bool
begins(const char *line, size_t size, const char *wants)
{
	for (;;) {
		size_t n = strcspn(wants, "|");
		if (size >= n && memcmp(line, wants, n) == 0)
			return true;
		if (wants[n] == '\0')
			return false;
		wants += n + 1;
	}
}

/* Of a code with several lines each has the code: the first tells. */
static enum judgement
judge_line(const struct plan *p, struct reply *r, const struct line *l, const char *line,
	   size_t size, char why[MSG_TEXT])
{
	enum style style = dialects[p->check->kind].style;
	char shown[90];
	if (is_last(style, line, size, l->say) || style == STYLE_CODE) {
		if (!begins(line, size, l->wants)) {
			text_clean(shown, sizeof shown, line, size);
			text_print(why, MSG_TEXT, "%s: got '%s'",
				   l->say != NULL ? "it does not go along"
						  : "it does not greet",
				   shown);
			return JUDGE_BAD;
		}
		if (is_last(style, line, size, l->say))
			return l->tls ? JUDGE_STARTTLS : JUDGE_NEXT;
	}
	(void)r;
	return JUDGE_MORE;
}

enum judgement
lines_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	const struct line *l = line_of(p, r->step);
	(void)a;
	assert(l != NULL);
	for (r->used = 0;;) {
		const char *line = r->bytes + r->used;
		const char *stop =
			r->size > r->used ? memchr(line, '\n', r->size - r->used) : NULL;
		if (stop == NULL)
			return JUDGE_MORE;
		size_t size = (size_t)(stop - line);
		r->used += size + 1;
		if (size > 0 && line[size - 1] == '\r')
			size--;
		enum judgement j = judge_line(p, r, l, line, size, why);
		if (j == JUDGE_NEXT && line_of(p, r->step + 1) == NULL)
			return JUDGE_GOOD;
		if (j != JUDGE_MORE)
			return j;
	}
}
