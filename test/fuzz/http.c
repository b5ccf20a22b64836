/* Any bytes as an HTTP answer. The first two say how it is asked for and cut: bit 0 keeps
 * the body, bit 1 is HEAD, bit 2 stops after 3 bytes of body; the second is the seed.
 * What comes out does not depend on the cuts, and nothing is kept that was not sent. */
#include "test/fuzz/fuzz.h"

#include "probes/http.h"

#include <string.h>

enum { KEEP = 1, HEAD = 2, ENOUGH = 4 };

struct reading {
	struct http http;
	char *bytes;
	size_t size;
	enum http_read got;
	unsigned heads;
};

static void
step(struct reading *r, bool ended, unsigned flags)
{
	char why[64];
	do {
		size_t before = r->size;
		memset(why, 0, sizeof why);
		r->got = http_read(&r->http, r->bytes, &r->size, ended, flags & HEAD,
				   flags & KEEP, why, sizeof why);
		const struct http *h = &r->http;
		PROMISE(r->size <= before);
		PROMISE((r->got == HTTP_READ_BAD) == (why[0] != '\0'));
		PROMISE(memchr(why, '\0', sizeof why) != NULL);
		if (h->stage > HTTP_HEAD && r->got != HTTP_READ_BAD) {
			PROMISE(h->head_begin <= h->head_end &&
				h->head_end <= h->body_end);
			PROMISE(h->body_end <= r->size);
			PROMISE(h->head_end <= HTTP_HEAD_MAX);
			PROMISE(h->body_end - h->head_end <= HTTP_BODY_MAX);
			PROMISE((flags & KEEP) != 0 || h->body_end == h->head_end);
			PROMISE(h->status >= 200 || h->status == 101);
		}
		r->heads += r->got == HTTP_READ_HEAD;
	} while (r->got == HTTP_READ_HEAD);
}

/* seed 0: all at once; 1: byte by byte; else pieces by chance. */
static void
read_all(struct reading *r, const uint8_t *bytes, size_t size, unsigned flags,
	 uint32_t seed)
{
	uint32_t chance = seed;
	*r = (struct reading){ .bytes = malloc(size + 1), .got = HTTP_READ_MORE };
	if (r->bytes == NULL)
		exit(1);
	r->http.enough = (flags & ENOUGH) != 0 ? 3 : 0;
	for (size_t at = 0; at < size && r->got == HTTP_READ_MORE;) {
		chance = chance * 1664525u + 1013904223u;
		size_t n = seed < 2 ? size : 1 + (chance >> 16) % 97;
		n = seed == 1 ? 1 : n < size - at ? n : size - at;
		memcpy(r->bytes + r->size, bytes + at, n);
		r->size += n;
		at += n;
		step(r, false, flags);
	}
	if (r->got == HTTP_READ_MORE)
		step(r, true, flags);
	PROMISE(r->got == HTTP_READ_DONE || r->got == HTTP_READ_BAD);
}

static void
look_for_headers(const struct reading *r)
{
	static const char *const names[] = { "content-length", "transfer-encoding", "a",
					     "" };
	char value[32];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		for (size_t cap = 1; cap <= sizeof value; cap += 31) {
			http_header(r->bytes + r->http.head_begin,
				    r->http.head_end - r->http.head_begin, names[i],
				    value, cap);
			PROMISE(memchr(value, '\0', cap) != NULL);
		}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct reading whole, cut;
	if (size < 2)
		return 0;
	unsigned flags = bytes[0];
	read_all(&whole, bytes + 2, size - 2, flags, 0);
	if (whole.got == HTTP_READ_DONE) {
		PROMISE(whole.heads == 1);
		look_for_headers(&whole);
	}
	for (uint32_t seed = 1; seed < 3; seed++) {
		read_all(&cut, bytes + 2, size - 2, flags,
			 seed + (seed > 1 ? bytes[1] : 0));
		PROMISE(cut.got == whole.got);
		size_t kept = cut.http.body_end - cut.http.head_end;
		if (whole.got == HTTP_READ_DONE && (flags & ENOUGH) == 0) {
			PROMISE(cut.http.status == whole.http.status);
			PROMISE(cut.http.body_size == whole.http.body_size);
			PROMISE(kept == whole.http.body_end - whole.http.head_end);
			PROMISE(memcmp(cut.bytes + cut.http.head_begin,
				       whole.bytes + whole.http.head_begin,
				       cut.http.body_end - cut.http.head_begin) == 0);
		}
		free(cut.bytes);
	}
	free(whole.bytes);
	return 0;
}
