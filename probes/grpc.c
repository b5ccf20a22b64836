/* The health service of gRPC (grpc.health.v1.Health/Check), over HTTP/2: the server says
 * SERVING of itself or, with a path, of that service. What is asked and answered is written
 * as HTTP/1.1 here; probes/h2.c makes streams of it. */
#include <config.h>

#include "probes/bytes.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FRAME 5 /* compressed or not, and the size of a message */
#define MESSAGE_MOST 65536
enum { HEALTH_UNKNOWN, SERVING, NOT_SERVING, SERVICE_UNKNOWN, HEALTHS };
enum { CODE_OK = 0, CODE_NOT_FOUND = 5, CODE_UNIMPLEMENTED = 12, CODES = 17 };

static const char *
service_name(const struct plan *p)
{
	const char *target = p->check->target;
	return target != NULL ? target + 1 : "";
}

/* ---- asking ---- */

/* A number in pieces of 7 bits, the least first. */
static void
put_varint(struct bytes *b, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		bytes_number(b, (n & 0x7f) | 0x80, 1);
	bytes_number(b, n, 1);
}

/* HealthCheckRequest: field 1, the service; none: the server as a whole. */
static void
put_message(struct bytes *b, const char *service)
{
	char inner[2048]; /* a longer name nobody has */
	struct bytes in = { .at = inner, .cap = sizeof inner };
	size_t n = strlen(service);
	if (n > 0) {
		bytes_number(&in, 0x0a, 1);
		put_varint(&in, n);
		bytes_add(&in, service, n);
	}
	bytes_number(b, 0, 1);
	bytes_number(b, in.size, 4);
	bytes_add(b, inner, in.size);
	b->full = b->full || in.full;
}

size_t
grpc_ask(const struct asked *a, char *buf, size_t cap)
{
	const struct check *c = a->plan->check;
	char host[300] = "localhost";
	struct text t;
	text_begin(&t, buf, cap);
	text_put(&t, "POST /grpc.health.v1.Health/Check HTTP/1.1\r\n");
	if (c->host != NULL)
		check_host(c, host, sizeof host);
	text_add(&t, "Host: %s\r\n", host);
	text_add(&t,
		 "TE: trailers\r\nContent-Type: application/grpc\r\n"
		 "User-Agent: monitord/" PACKAGE_VERSION "\r\nGRPC-Timeout: %lldm\r\n",
		 (long long)c->timeout_ms);
	for (uint32_t i = 0; i < c->more->headers.count; i++)
		text_add(&t, "%s\r\n", c->more->headers.texts[i]);
	text_put(&t, "\r\n");
	struct bytes b = { .at = buf, .size = t.length, .cap = cap, .full = t.full };
	put_message(&b, service_name(a->plan));
	return bytes_asked(&b);
}

/* ---- the answer ---- */

/* "%20": a message is percent-encoded, as far as its sender thought so. */
static void
decode(const char *text, char *out, size_t cap)
{
	char raw[256];
	size_t n = 0;
	for (; *text != '\0' && n < sizeof raw; text++) {
		char hex[3] = "";
		if (*text == '%' && text[1] != '\0' && text[2] != '\0')
			memcpy(hex, text + 1, 2);
		bool coded = strspn(hex, "0123456789abcdefABCDEF") == 2;
		raw[n++] = coded ? (char)strtoul(hex, NULL, 16) : *text;
		text += coded ? 2 : 0;
	}
	text_clean(out, cap, raw, n);
}

/* False: it goes on past the end, or has more bytes than a number may. */
static bool
take_varint(const char **at, const char *end, uint64_t *n)
{
	*n = 0;
	for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
		unsigned byte = (unsigned char)*(*at)++;
		*n |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

/* HealthCheckResponse: field 1, its status; others are passed over. False: no message. */
static bool
take_health(const char *at, const char *end, uint64_t *health)
{
	uint64_t tag, n;
	*health = HEALTH_UNKNOWN;
	while (at < end) {
		if (!take_varint(&at, end, &tag))
			return false;
		switch (tag & 7) {
		case 0:
			if (!take_varint(&at, end, &n))
				return false;
			if (tag >> 3 == 1)
				*health = n;
			continue;
		case 1:
			n = 8;
			break;
		case 2:
			if (!take_varint(&at, end, &n))
				return false;
			break;
		case 5:
			n = 4;
			break;
		default:
			return false;
		}
		if (n > (uint64_t)(end - at))
			return false;
		at += n;
	}
	return true;
}

static enum judgement
judge_health(const struct plan *p, const char *body, size_t size, char why[MSG_TEXT])
{
	static const char *const words[HEALTHS] = { "UNKNOWN", "SERVING", "NOT_SERVING",
						    "SERVICE_UNKNOWN" };
	uint64_t length = size >= FRAME ? bytes_read(body + 1, 4) : UINT64_MAX, health;
	const char *name = service_name(p);
	if (length > MESSAGE_MOST || size - FRAME < length)
		return kind_wrong(why, "its answer has no whole message");
	if (body[0] != 0)
		return kind_wrong(why,
				  "its message is compressed, which nobody asked for");
	if (!take_health(body + FRAME, body + FRAME + length, &health))
		return kind_wrong(why, "its message makes no sense");
	if (health == SERVING)
		return JUDGE_GOOD;
	text_print(why, MSG_TEXT, "%s%.60s%s%s", *name != '\0' ? "'" : "", name,
		   *name != '\0' ? "' is " : "it is ",
		   health < HEALTHS ? words[health] : "in a state without a name");
	return JUDGE_BAD;
}

static enum judgement
judge_code(const struct plan *p, const char *text, const char *message, char why[MSG_TEXT])
{
	static const char *const names[CODES] = {
		"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED",
		"NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
		"FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL",
		"UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"
	};
	char shown[70];
	size_t digits = strspn(text, "0123456789");
	unsigned long code = digits > 0 && digits < 4 && text[digits] == '\0'
				     ? strtoul(text, NULL, 10)
				     : CODES;
	if (code == CODE_OK)
		return JUDGE_GOOD;
	decode(message, shown, sizeof shown);
	if (code == CODE_NOT_FOUND && *service_name(p) != '\0')
		text_print(why, MSG_TEXT, "it knows no service '%.60s' (grpc-status 5)",
			   service_name(p));
	else if (code == CODE_UNIMPLEMENTED)
		text_print(
			why, MSG_TEXT,
			"it has no health service, grpc.health.v1.Health (grpc-status 12)");
	else
		text_print(why, MSG_TEXT, "grpc-status %.3s%s%s%s%s", text,
			   code < CODES ? " " : "", code < CODES ? names[code] : "",
			   *shown != '\0' ? ": " : "", shown);
	return JUDGE_BAD;
}

/* The head alone, or the trailers behind a body, tell how it went. */
static enum judgement
judge_end(const struct plan *p, const struct reply *r, char why[MSG_TEXT])
{
	const struct http *h = &r->http;
	const char *head = r->bytes + h->head_begin, *trailer = r->bytes + h->body_end;
	size_t head_size = h->head_end - h->head_begin;
	char code[16], message[256] = "";
	bool behind =
		http_header(trailer, h->trailer_kept, "grpc-status", code, sizeof code);
	if (!behind && !http_header(head, head_size, "grpc-status", code, sizeof code))
		return kind_wrong(why, "its answer ends without a grpc-status");
	if (!http_header(trailer, h->trailer_kept, "grpc-message", message,
			 sizeof message))
		http_header(head, head_size, "grpc-message", message, sizeof message);
	enum judgement j = judge_code(p, code, message, why);
	return j == JUDGE_GOOD ? judge_health(p, r->bytes + h->head_end,
					      h->body_end - h->head_end, why)
			       : j;
}

static enum judgement
judge_head(const struct reply *r, char why[MSG_TEXT])
{
	const struct http *h = &r->http;
	char type[60];
	bool typed = http_header(r->bytes + h->head_begin, h->head_end - h->head_begin,
				 "content-type", type, sizeof type);
	if (h->status != 200)
		text_print(why, MSG_TEXT, "status %u, expected 200", h->status);
	else if (!typed || strncasecmp(type, "application/grpc", 16) != 0)
		text_print(why, MSG_TEXT, "not gRPC: its content-type is '%s'", type);
	else
		return JUDGE_MORE;
	return JUDGE_BAD;
}

enum judgement
grpc_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	(void)a;
	r->http.keep_trailer = true;
	for (;;) {
		enum http_read got = http_read(&r->http, r->bytes, &r->size, r->ended,
					       false, true, why, MSG_TEXT);
		if (got == HTTP_READ_BAD)
			return JUDGE_BAD;
		if (got == HTTP_READ_MORE)
			return JUDGE_MORE;
		if (got == HTTP_READ_DONE)
			return judge_end(p, r, why);
		if (judge_head(r, why) == JUDGE_BAD)
			return JUDGE_BAD;
	}
}
