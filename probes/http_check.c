/* The http check: its request, and what to think of the answer. */
#include <config.h>

#include "probes/kind.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>

/* text with each {unique} replaced. */
static void
add_unique(struct text *t, const char *text, uint64_t unique)
{
	static const char word[] = "{unique}";
	for (const char *at; (at = strstr(text, word)) != NULL;
	     text = at + sizeof word - 1)
		text_add(t, "%.*s%016llx", (int)(at - text), text,
			 (unsigned long long)unique);
	text_add(t, "%s", text);
}

static bool
has_header(const struct check *c, const char *name)
{
	size_t n = strlen(name);
	for (uint32_t i = 0; i < c->headers.count; i++)
		if (strncasecmp(c->headers.texts[i], name, n) == 0 &&
		    c->headers.texts[i][n] == ':')
			return true;
	return false;
}

size_t
http_ask(const struct asked *a, char *buf, size_t cap)
{
	const struct check *c = a->plan->check;
	struct text t;
	text_begin(&t, buf, cap);
	text_add(&t, "%s ", c->method != NULL ? c->method : "GET");
	add_unique(&t, c->target, a->unique);
	text_add(&t, " HTTP/1.1\r\n");
	if (!has_header(c, "Host"))
		text_add(&t, "Host: %s\r\n", c->host_header);
	if (!has_header(c, "User-Agent"))
		text_add(&t, "User-Agent: monitord/" PACKAGE_VERSION "\r\n");
	if (!has_header(c, "Accept"))
		text_add(&t, "Accept: */*\r\n");
	if (!has_header(c, "Connection"))
		text_add(&t, "Connection: close\r\n");
	for (uint32_t i = 0; i < c->headers.count; i++) {
		add_unique(&t, c->headers.texts[i], a->unique);
		text_add(&t, "\r\n");
	}
	text_add(&t, "\r\n");
	return t.full ? 0 : t.length;
}

static void
fill(const struct plan *p, const struct reply *r, struct answer *a)
{
	const struct http *h = &r->http;
	a->status = h->status;
	a->value[METRIC_STATUS] = h->status;
	a->head = r->bytes + h->head_begin;
	a->head_size = h->head_end - h->head_begin;
	a->body_size = (size_t)h->body_size;
	if (p->keeps_body)
		a->body = r->bytes + h->head_end;
	if (p->wants_body && h->stage == HTTP_DONE)
		a->value[METRIC_BYTES] = (double)h->body_size;
}

static bool
expects_status(const struct check *c)
{
	for (uint32_t i = 0; i < c->expect_count; i++)
		if (c->expects[i].kind == EXPECT_STATUS)
			return true;
	return false;
}

/* The header section is complete: is it what it should be, and is it all that is wanted?
 */
static enum judgement
judge_head(const struct plan *p, const struct reply *r, const struct answer *a,
	   char why[MSG_TEXT])
{
	if (!expects_status(p->check) && (r->http.status < 200 || r->http.status > 299)) {
		text_print(why, MSG_TEXT, "status %u, expected 2xx", r->http.status);
		return JUDGE_BAD;
	}
	if (!expect_all(p, a, true, why))
		return JUDGE_BAD;
	return p->wants_body ? JUDGE_MORE : JUDGE_GOOD;
}

enum judgement
http_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	const char *method = p->check->method;
	bool is_head = method != NULL && strcmp(method, "HEAD") == 0;
	r->http.enough = p->body_enough;
	for (;;) {
		enum http_read got = http_read(&r->http, r->bytes, &r->size, r->ended,
					       is_head, p->keeps_body, why, MSG_TEXT);
		if (got == HTTP_READ_BAD)
			return JUDGE_BAD;
		if (r->http.stage > HTTP_HEAD)
			fill(p, r, a);
		if (got == HTTP_READ_DONE)
			return JUDGE_GOOD;
		if (got == HTTP_READ_MORE)
			return JUDGE_MORE;
		enum judgement j = judge_head(p, r, a, why);
		if (j != JUDGE_MORE)
			return j;
	}
}
