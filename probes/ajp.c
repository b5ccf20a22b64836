/* AJP13 of Tomcat's connectors (AJPv13 extension 3.1.1): packets 0x12 0x34 to the
 * container, 'A' 'B' from it. CPING and CPONG: a worker thread answers, so it tells when
 * all are stuck. With a path, a real request: it proves the application, and the secret.
 */
#include "probes/kind.h"

#include "base/text.h"

#include <string.h>

#define HEAD 4 /* two letters, and the size of the rest */
#define PACKET_MAX 8192
enum { SEND_BODY = 3, SEND_HEADERS = 4, END = 5, GET_BODY = 6 };

static const char cping[] = { 0x12, 0x34, 0x00, 0x01, 0x0a };
static const char cpong[] = { 'A', 'B', 0x00, 0x01, 0x09 };

static void
add_number(struct text *t, size_t n)
{
	if (t->cap - t->length < 3) {
		t->full = true;
		return;
	}
	t->bytes[t->length++] = (char)(n >> 8);
	t->bytes[t->length++] = (char)n;
}

static void
add_byte(struct text *t, unsigned byte)
{
	if (t->cap - t->length < 2)
		t->full = true;
	else
		t->bytes[t->length++] = (char)byte;
}

static void
add_string(struct text *t, const char *bytes, size_t size)
{
	add_number(t, size);
	if (t->cap - t->length < size + 2) {
		t->full = true;
		return;
	}
	memcpy(t->bytes + t->length, bytes, size);
	t->length += size;
	add_byte(t, 0);
}

static void
add_text(struct text *t, const char *text)
{
	add_string(t, text, strlen(text));
}

/* A file often ends with a line's end that is no part of the secret. */
static size_t
without_newline(const char *text, size_t size)
{
	while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == '\r'))
		size--;
	return size;
}

static size_t
ask_forward(const struct asked *a, char *buf, size_t cap)
{
	const struct check *c = a->plan->check;
	const char *query = strchr(c->target, '?');
	size_t path = query != NULL ? (size_t)(query - c->target) : strlen(c->target);
	struct text t = { .bytes = buf, .cap = cap < PACKET_MAX ? cap : PACKET_MAX };
	add_number(&t, 0x1234);
	add_number(&t, 0); /* the size, put in below */
	add_byte(&t, 2);   /* a request */
	add_byte(&t, 2);   /* GET */
	add_text(&t, "HTTP/1.1");
	add_string(&t, c->target, path);
	add_text(&t, "127.0.0.1");
	add_number(&t, 0xffff); /* no name of the client */
	add_text(&t, c->host);
	add_number(&t, 80);
	add_byte(&t, 0); /* no TLS */
	add_number(&t, 2);
	add_number(&t, 0xa00b); /* Host */
	add_text(&t, c->host);
	add_number(&t, 0xa00e); /* User-Agent */
	add_text(&t, "monitord");
	if (query != NULL) {
		add_byte(&t, 5);
		add_text(&t, query + 1);
	}
	if (a->files != NULL && a->files[FILE_SECRET].bytes != NULL) {
		const struct blob *secret = &a->files[FILE_SECRET];
		add_byte(&t, 12);
		add_string(&t, secret->bytes,
			   without_newline(secret->bytes, secret->size));
	}
	add_byte(&t, 0xff);
	buf[2] = (char)((t.length - HEAD) >> 8);
	buf[3] = (char)(t.length - HEAD);
	return t.full ? 0 : t.length;
}

size_t
ajp_ask(const struct asked *a, char *buf, size_t cap)
{
	if (cap < 128)
		return 0;
	if (a->plan->check->target != NULL)
		return ask_forward(a, buf, cap);
	memcpy(buf, cping, sizeof cping);
	return sizeof cping;
}

static enum judgement
not_ajp(const struct reply *r, const char *wanted, char why[MSG_TEXT])
{
	char shown[40];
	text_clean(shown, sizeof shown, r->bytes, r->size);
	text_print(why, MSG_TEXT, "not AJP: expected %s, got '%s'", wanted, shown);
	return JUDGE_BAD;
}

static enum judgement
judge_cpong(const struct reply *r, char why[MSG_TEXT])
{
	size_t n = r->size < sizeof cpong ? r->size : sizeof cpong;
	if (memcmp(r->bytes, cpong, n) != 0)
		return not_ajp(r, "CPONG", why);
	if (n ==
	    sizeof cpong) /* what follows may or may not have come: it decides nothing */
		return JUDGE_GOOD;
	if (r->ended) {
		text_print(why, MSG_TEXT, "closed after %zu of %zu bytes of CPONG",
			   r->size, sizeof cpong);
		return JUDGE_BAD;
	}
	return JUDGE_MORE;
}

static unsigned
number16(const char *at)
{
	return (unsigned)(unsigned char)at[0] << 8 | (unsigned char)at[1];
}

/* The answer is complete; without an expected status, 2xx is right. */
static enum judgement
judge_status(const struct plan *p, struct answer *a, unsigned status, char why[MSG_TEXT])
{
	bool expected = false;
	a->status = status;
	a->value[METRIC_STATUS] = status;
	for (uint32_t i = 0; i < p->check->expect_count; i++)
		expected = expected || p->check->expects[i].kind == EXPECT_STATUS;
	if (expected || (status >= 200 && status <= 299))
		return JUDGE_GOOD;
	text_print(why, MSG_TEXT, "status %u, expected 2xx%s", status,
		   status != 403                   ? ""
		   : p->check->more->files != NULL ? ": is the secret wrong?"
						   : ": does it want a secret?");
	return JUDGE_BAD;
}

enum judgement
ajp_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	unsigned *status = r->kept;
	if (p->check->target == NULL)
		return judge_cpong(r, why);
	for (r->used = 0;;) {
		const char *at = r->bytes + r->used;
		size_t left = r->size - r->used, size;
		if (memcmp(at, "AB", left < 2 ? left : 2) != 0)
			return not_ajp(r, "a packet of the answer", why);
		if (left < HEAD ||
		    left < (size = number16(at + 2)) + HEAD) /* a packet is small */
			break;
		unsigned type = size > 0 ? (unsigned char)at[HEAD] : 0;
		if (type < SEND_BODY || type > GET_BODY ||
		    (*status == 0 && type != SEND_HEADERS) ||
		    (type == SEND_HEADERS && size < 3))
			return not_ajp(r, "an answer", why);
		if (type == SEND_HEADERS)
			*status = number16(at + HEAD + 1);
		if (type == END)
			return judge_status(p, a, *status, why);
		r->used += HEAD + size;
	}
	r->size -= r->used; /* the body of the answer is of no use */
	memmove(r->bytes, r->bytes + r->used, r->size);
	return JUDGE_MORE;
}
