/* FastCGI (specification 1.0). Without a path GET_VALUES, which its process answers by
 * itself; with one, a request to the script or, of PHP-FPM, its ping: that needs a free
 * worker. */
#include "probes/bytes.h"

#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	BEGIN = 1,
	END = 3,
	PARAMS = 4,
	STDIN = 5,
	STDOUT = 6,
	STDERR = 7,
	GET_VALUES = 9,
	VALUES = 10
};
#define HEAD 8
#define TEXT_MOST 1024

struct output {
	size_t size; /* of the text, as far as it is kept */
	char text[TEXT_MOST];
};
static_assert(sizeof(struct output) <= FASTCGI_KEPT, "probes/kind.h knows the size");

static void
put_head(struct bytes *b, unsigned kind, unsigned request, size_t size)
{
	bytes_number(b, 1, 1);
	bytes_number(b, kind, 1);
	bytes_number(b, request, 2);
	bytes_number(b, size, 2);
	bytes_number(b, 0, 2);
}

static void
put_pair(struct bytes *b, const char *name, const char *value)
{
	size_t n = strlen(value);
	bytes_number(b, strlen(name), 1);
	bytes_number(b, n < 128 ? n : n | 0x80000000u, n < 128 ? 1 : 4);
	bytes_text(b, name);
	bytes_text(b, value);
}

size_t
fastcgi_ask(const struct asked *a, char *buf, size_t cap)
{
	const char *target = a->plan->check->target;
	char inner[8192], path[2048];
	struct bytes in = { .at = inner, .cap = sizeof inner },
		     b = { .at = buf, .cap = cap };
	if (target == NULL) {
		put_pair(&in, "FCGI_MPXS_CONNS", "");
		put_head(&b, GET_VALUES, 0, in.size);
		bytes_add(&b, inner, in.size);
		return bytes_asked(&b);
	}
	const char *query = strchr(target, '?');
	text_print(path, sizeof path, "%.*s",
		   (int)(query != NULL ? (size_t)(query - target) : strlen(target)),
		   target);
	const char *const pairs[][2] = {
		{ "SCRIPT_NAME", path },
		{ "SCRIPT_FILENAME", path },
		{ "REQUEST_METHOD", "GET" },
		{ "QUERY_STRING", query != NULL ? query + 1 : "" },
		{ "REQUEST_URI", target },
		{ "SERVER_PROTOCOL", "HTTP/1.1" },
		{ "GATEWAY_INTERFACE", "CGI/1.1" },
		{ "SERVER_NAME", "localhost" },
		{ "SERVER_PORT", "80" },
		{ "REMOTE_ADDR", "127.0.0.1" },
		{ "SERVER_SOFTWARE", "monitord" },
		{ "REDIRECT_STATUS", "200" },
	};
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		put_pair(&in, pairs[i][0], pairs[i][1]);
	put_head(&b, BEGIN, 1, 8);
	bytes_add(&b, "\0\1\0\0\0\0\0\0",
		  8); /* a responder; the connection ends behind it */
	put_head(&b, PARAMS, 1, in.size);
	bytes_add(&b, inner, in.size);
	put_head(&b, PARAMS, 1, 0);
	put_head(&b, STDIN, 1, 0);
	return in.full ? 0 : bytes_asked(&b);
}

/* "Status: 404 Not Found" among the headers; without it the status is 200. */
static enum judgement
judge_output(const struct plan *p, struct output *o, struct answer *a, char why[MSG_TEXT])
{
	char text[32];
	bool expected = false;
	const char *end = memmem(o->text, o->size, "\r\n\r\n", 4);
	size_t behind = 4;
	if (end == NULL) {
		end = memmem(o->text, o->size, "\n\n", 2);
		behind = 2;
	}
	if (end == NULL) {
		text_print(why, MSG_TEXT, "its answer has no header section");
		return JUDGE_BAD;
	}
	size_t head = (size_t)(end - o->text) + behind / 2;
	a->status = 200;
	if (http_header(o->text, head, "status", text, sizeof text))
		a->status = strspn(text, "0123456789") == 3
				    ? (unsigned)strtoul(text, NULL, 10)
				    : 0;
	a->value[METRIC_STATUS] = a->status;
	a->body = end + behind;
	a->body_size = o->size - (size_t)(a->body - o->text);
	for (uint32_t i = 0; i < p->check->expect_count; i++)
		expected = expected || p->check->expects[i].kind == EXPECT_STATUS;
	if (expected || (a->status >= 200 && a->status <= 299))
		return JUDGE_GOOD;
	text_print(why, MSG_TEXT, "status %u, expected 2xx", a->status);
	return JUDGE_BAD;
}

static enum judgement
judge_end(const struct plan *p, struct output *o, const char *at, size_t size,
	  struct answer *a, char why[MSG_TEXT])
{
	static const char *const states[] = { "", "it serves one request at a time",
					      "it is overloaded",
					      "it knows no such role" };
	unsigned state = size >= 8 ? (unsigned char)at[4] : 0;
	if (state == 0)
		return judge_output(p, o, a, why);
	text_print(why, MSG_TEXT, "%s",
		   state <= 3 ? states[state] : "it refuses the request");
	return JUDGE_BAD;
}

static enum judgement
judge_record(const struct plan *p, struct output *o, const char *at, size_t size,
	     struct answer *a, char why[MSG_TEXT])
{
	size_t room = TEXT_MOST - o->size;
	switch ((unsigned char)at[1]) {
	case VALUES:
		return p->check->target == NULL ? JUDGE_GOOD : JUDGE_MORE;
	case STDOUT:
		memcpy(o->text + o->size, at + HEAD, size < room ? size : room);
		o->size += size < room ? size : room;
		return JUDGE_MORE;
	case END:
		return judge_end(p, o, at + HEAD, size, a, why);
	default: /* what it tells of errors */
		return JUDGE_MORE;
	}
}

enum judgement
fastcgi_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	for (r->used = 0; r->size > r->used;) {
		const char *at = r->bytes + r->used;
		size_t left = r->size - r->used;
		if (at[0] != 1) {
			char shown[50];
			text_clean(shown, sizeof shown, at, left);
			text_print(why, MSG_TEXT, "not FastCGI: got '%s'", shown);
			return JUDGE_BAD;
		}
		if (left < HEAD)
			break;
		size_t size = bytes_read(at + 4, 2),
		       all = HEAD + size + (unsigned char)at[6];
		if (left < all)
			break;
		r->used += all;
		enum judgement j = judge_record(p, r->kept, at, size, a, why);
		if (j != JUDGE_MORE)
			return j;
	}
	r->size -= r->used;
	memmove(r->bytes, r->bytes + r->used, r->size);
	return JUDGE_MORE;
}
