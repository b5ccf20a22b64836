/* The http check: its request, and what to think of the answer. */
#include <config.h>

#include "probes/expect.h"
#include "probes/kind.h"

#include "base/text.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

/* text with each {unique} replaced. */
static void
add_unique(struct text *t, const struct asked *a, const char *text)
{
	static const char word[] = PLAN_UNIQUE;
	for (const char *at; a->plan->unique && (at = strstr(text, word)) != NULL;
	     text = at + sizeof word - 1)
		text_add(t, "%.*s%016llx", (int)(at - text), text,
			 (unsigned long long)a->unique);
	text_put(t, text);
}

static bool
is_header(const char *line, const char *name)
{
	size_t n = strlen(name);
	return strncasecmp(line, name, n) == 0 && line[n] == ':';
}

static bool
has_header(const struct check *c, const char *name)
{
	for (uint32_t i = 0; i < c->more->headers.count; i++)
		if (is_header(c->more->headers.texts[i], name))
			return true;
	return false;
}

/* A secret as it stands in its file, without the line's end. */
static size_t
secret_size(const struct blob *b)
{
	size_t n = b->size;
	while (n > 0 && (b->bytes[n - 1] == '\n' || b->bytes[n - 1] == '\r'))
		n--;
	return n;
}

/* False: a secret that no header can carry. */
static bool
add_credentials(struct text *t, const struct http_wish *h, const struct blob *secret)
{
	char plain[1024];
	unsigned char coded[1400];
	size_t n = secret_size(secret);
	if (n > 768 || memchr(secret->bytes, '\n', n) != NULL)
		return false;
	if (h->bearer) {
		text_add(t, "Authorization: Bearer %.*s\r\n", (int)n, secret->bytes);
		return true;
	}
	size_t size = text_print(plain, sizeof plain, "%.200s:%.*s", h->auth_user, (int)n,
				 secret->bytes);
	EVP_EncodeBlock(coded, (const unsigned char *)plain, (int)size);
	text_add(t, "Authorization: Basic %s\r\n", coded);
	OPENSSL_cleanse(plain, sizeof plain);
	return true;
}

/* What is sent behind the header section; NULL: nothing. */
static const char *
body_of(const struct asked *a, size_t *size)
{
	const struct http_wish *h = a->plan->check->more->http;
	*size = 0;
	if (h == NULL || (a->hop != NULL && a->hop->bare))
		return NULL;
	if (a->files != NULL && a->files[FILE_BODY].bytes != NULL) {
		*size = a->files[FILE_BODY].size;
		return a->files[FILE_BODY].bytes;
	}
	*size = h->body_size;
	return h->body;
}

static const char *
method_of(const struct check *c, const struct hop *hop)
{
	return c->more->method == NULL || (hop != NULL && hop->bare) ? "GET"
								     : c->more->method;
}

static void
add_host(struct text *t, const struct check *c)
{
	char host[300];
	check_host(c, host, sizeof host);
	text_put(t, host);
}

static void
add_headers(struct text *t, const struct asked *a)
{
	const struct check *c = a->plan->check;
	const struct hop *hop = a->hop;
	if (hop != NULL || !has_header(c, "Host")) {
		text_put(t, "Host: ");
		if (hop != NULL)
			text_put(t, hop->host_header);
		else
			add_host(t, c);
		text_put(t, "\r\n");
	}
	if (!has_header(c, "User-Agent"))
		text_put(t, "User-Agent: monitord/" PACKAGE_VERSION "\r\n");
	if (!has_header(c, "Accept"))
		text_put(t, "Accept: */*\r\n");
	if (!has_header(c, "Connection"))
		text_put(t, "Connection: close\r\n");
	for (uint32_t i = 0; i < c->more->headers.count; i++) {
		const char *line = c->more->headers.texts[i];
		if (hop != NULL && (is_header(line, "Host") ||
				    (hop->foreign && (is_header(line, "Authorization") ||
						      is_header(line, "Cookie")))))
			continue;
		add_unique(t, a, line);
		text_put(t, "\r\n");
	}
}

size_t
http_ask(const struct asked *a, char *buf, size_t cap)
{
	const struct check *c = a->plan->check;
	const struct hop *hop = a->hop;
	const struct blob *secret = a->files != NULL ? &a->files[FILE_SECRET] : NULL;
	size_t size;
	const char *body = body_of(a, &size);
	struct text t;
	text_begin(&t, buf, cap);
	text_put(&t, method_of(c, hop));
	text_put(&t, " ");
	add_unique(&t, a, hop != NULL ? hop->target : c->target);
	text_put(&t, " HTTP/1.1\r\n");
	add_headers(&t, a);
	if (secret != NULL && secret->bytes != NULL && (hop == NULL || !hop->foreign) &&
	    !add_credentials(&t, c->more->http, secret))
		return 0;
	if (body != NULL && !has_header(c, "Content-Length"))
		text_add(&t, "Content-Length: %zu\r\n", size);
	text_put(&t, "\r\n");
	if (t.full || size > cap - t.length)
		return 0;
	if (body != NULL)
		memcpy(buf + t.length, body, size);
	return t.length + size;
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

static bool
redirects(const struct check *c, unsigned status)
{
	return c->more->http != NULL && c->more->http->redirects > 0 &&
	       (status == 301 || status == 302 || status == 303 || status == 307 ||
		status == 308);
}

static enum judgement
follow(const struct plan *p, struct reply *r, char why[MSG_TEXT])
{
	static struct hop to;
	char location[sizeof to.target];
	const struct check *c = p->check;
	const struct http *h = &r->http;
	if (r->hops >= c->more->http->redirects) {
		text_print(why, MSG_TEXT, "more than %u redirect%s",
			   c->more->http->redirects,
			   c->more->http->redirects > 1 ? "s" : "");
		return JUDGE_BAD;
	}
	if (!http_header(r->bytes + h->head_begin, h->head_end - h->head_begin,
			 "location", location, sizeof location) ||
	    *location == '\0') {
		text_print(why, MSG_TEXT, "status %u without a Location", h->status);
		return JUDGE_BAD;
	}
	if (!hop_make(&to, c, r->hop, h->status, location, why, MSG_TEXT))
		return JUDGE_BAD;
	r->hop = &to;
	return JUDGE_REDIRECT;
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
	bool is_head = strcmp(method_of(p->check, r->hop), "HEAD") == 0;
	r->http.enough = p->tests->body_enough;
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
		if (redirects(p->check, r->http.status))
			return follow(p, r, why);
		enum judgement j = judge_head(p, r, a, why);
		if (j != JUDGE_MORE)
			return j;
	}
}
