/* WebSocket (RFC 6455): the upgrade with the right proof, a ping that is answered, and a
 * close. Frames of data that the server sends in between are passed over. */
#include "probes/bytes.h"

#include "base/text.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define HEAD_MOST 16384
#define FRAME_MOST 262144
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
enum { CLOSE = 0x88, PING = 0x89, PONG = 0x8a };
enum { STEP_UPGRADE, STEP_PING, STEP_BYE };

/* 16 bytes in base64. */
static void
key_of(uint64_t unique, char out[32])
{
	unsigned char raw[16];
	memcpy(raw, &unique, 8);
	memcpy(raw + 8, "monitord", 8);
	EVP_EncodeBlock((unsigned char *)out, raw, 16);
}

/* Client's frames are masked; a mask of zeros leaves them as they are. */
static size_t
say_frame(char *buf, size_t cap, unsigned kind, const char *data, size_t size)
{
	struct bytes b = { .at = buf, .cap = cap };
	bytes_number(&b, kind, 1);
	bytes_number(&b, 0x80 | size, 1);
	bytes_number(&b, 0, 4);
	bytes_add(&b, data, size);
	return bytes_asked(&b);
}

size_t
websocket_ask(const struct asked *a, char *buf, size_t cap)
{
	const struct check *c = a->plan->check;
	char key[32];
	struct text t;
	if (a->step == STEP_PING)
		return say_frame(buf, cap, PING, "monitord", 8);
	if (a->step == STEP_BYE)
		return say_frame(buf, cap, CLOSE, "\003\350", 2);
	key_of(a->unique, key);
	text_begin(&t, buf, cap);
	text_add(&t,
		 strchr(c->host, ':') != NULL ? "GET %s HTTP/1.1\r\nHost: [%s]:%u\r\n"
					      : "GET %s HTTP/1.1\r\nHost: %s:%u\r\n",
		 c->target != NULL ? c->target : "/", c->host, c->port);
	text_add(&t,
		 "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
		 "13\r\n"
		 "Sec-WebSocket-Key: %s\r\n",
		 key);
	for (uint32_t i = 0; i < c->more->headers.count; i++)
		text_add(&t, "%s\r\n", c->more->headers.texts[i]);
	text_add(&t, "\r\n");
	return t.full ? 0 : t.length;
}

static enum judgement
judge_upgrade(struct reply *r, char why[MSG_TEXT])
{
	char key[32], text[100], wanted[40], got[64], shown[60];
	unsigned char hash[SHA_DIGEST_LENGTH];
	static const char status[] = "HTTP/1.1 101";
	const size_t whole = sizeof status - 1;
	size_t n = r->size < whole ? r->size : whole;
	bool longer = r->size > whole && r->bytes[whole] >= '0' && r->bytes[whole] <= '9';
	if (memcmp(r->bytes, status, n) != 0 || longer) {
		size_t line = 0;
		while (line < r->size && r->bytes[line] != '\r' && r->bytes[line] != '\n')
			line++;
		if (line == r->size && line < 40 && !r->ended)
			return JUDGE_MORE; /* the rest of the line says more */
		text_clean(shown, sizeof shown, r->bytes, line < 40 ? line : 40);
		text_print(why, MSG_TEXT, "expected HTTP/1.1 101, got '%s'", shown);
		return JUDGE_BAD;
	}
	const char *end = memmem(r->bytes, r->size, "\r\n\r\n", 4);
	if (end == NULL && r->size > HEAD_MOST) {
		text_print(why, MSG_TEXT, "a header section without an end");
		return JUDGE_BAD;
	}
	if (end == NULL)
		return JUDGE_MORE;
	const char *head = memchr(r->bytes, '\n', r->size);
	key_of(r->unique, key);
	snprintf(text, sizeof text, "%s" GUID, key);
	SHA1((unsigned char *)text, strlen(text), hash);
	EVP_EncodeBlock((unsigned char *)wanted, hash, sizeof hash);
	if (head >= end ||
	    !http_header(head + 1, (size_t)(end + 2 - head - 1), "sec-websocket-accept",
			 got, sizeof got) ||
	    strcmp(got, wanted) != 0) {
		text_print(why, MSG_TEXT, "its Sec-WebSocket-Accept is %s",
			   head < end ? "not what our key gives" : "missing");
		return JUDGE_BAD;
	}
	r->used = (size_t)(end + 4 - r->bytes);
	return JUDGE_NEXT;
}

/* Passes over frames until the pong, or the peer's close. */
static enum judgement
judge_frames(struct reply *r, unsigned wanted, char why[MSG_TEXT])
{
	for (r->used = 0;;) {
		const char *at = r->bytes + r->used;
		size_t left = r->size - r->used, head = 2;
		if (left < 2)
			break;
		unsigned kind = (unsigned char)at[0];
		uint64_t size = (unsigned char)at[1];
		unsigned more = size == 126 ? 2 : size == 127 ? 8 : 0;
		if ((kind & 0x70) != 0 || size > 127) {
			text_print(why, MSG_TEXT, "a frame that no server may send");
			return JUDGE_BAD;
		}
		if (left < head + more)
			break;
		if (more > 0)
			size = bytes_read(at + 2, more);
		head += more;
		if (size > FRAME_MOST) {
			text_print(why, MSG_TEXT, "a frame of more than 256 KiB");
			return JUDGE_BAD;
		}
		if (left < head + size)
			break;
		r->used += head + size;
		if (kind == wanted &&
		    (kind == CLOSE ||
		     (size == 8 && memcmp(at + head, "monitord", 8) == 0)))
			return JUDGE_NEXT;
		if (kind == CLOSE) {
			text_print(why, MSG_TEXT,
				   "it closed instead of answering a ping");
			return JUDGE_BAD;
		}
	}
	r->size -= r->used;
	memmove(r->bytes, r->bytes + r->used, r->size);
	return JUDGE_MORE;
}

enum judgement
websocket_judge(const struct plan *p, struct reply *r, struct answer *a,
		char why[MSG_TEXT])
{
	(void)p;
	(void)a;
	if (r->step == STEP_UPGRADE)
		return judge_upgrade(r, why);
	if (r->step == STEP_PING)
		return judge_frames(r, PONG, why);
	enum judgement j = judge_frames(r, CLOSE, why);
	return j == JUDGE_NEXT || (j == JUDGE_MORE && r->ended) ? JUDGE_GOOD : j;
}
