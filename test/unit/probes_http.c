#include "test/unit/probes.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

struct reading { /* all that came of one answer */
	enum http_read got;
	unsigned heads;
	struct http http;
	char *bytes;
	size_t size;
	char why[128];
};

static enum http_read
step(struct reading *r, bool ended, bool is_head, bool keep)
{
	enum http_read got;
	do {
		size_t before = r->size;
		got = http_read(&r->http, r->bytes, &r->size, ended, is_head, keep,
				r->why, sizeof r->why);
		r->heads += got == HTTP_READ_HEAD;
		assert_true(r->size <= before);
		assert_true(r->http.head_begin <= r->http.head_end);
		if (r->http.stage > HTTP_HEAD && got != HTTP_READ_BAD) {
			assert_true(r->http.head_end <= r->http.body_end);
			assert_true(r->http.body_end <= r->size);
		}
	} while (got == HTTP_READ_HEAD);
	return got;
}

/* Reads an answer of size bytes, cut as asked, and the peer's end. */
static void
read_cut(struct reading *r, const char *bytes, size_t size, unsigned cut, bool is_head,
	 bool keep)
{
	uint32_t chance = 1;
	*r = (struct reading){ .got = HTTP_READ_MORE, .bytes = malloc(size + 1) };
	assert_non_null(r->bytes);
	for (size_t at = 0; at < size && r->got == HTTP_READ_MORE;) {
		size_t n = cut_next(cut, size - at, &chance);
		memcpy(r->bytes + r->size, bytes + at, n);
		r->size += n;
		at += n;
		r->got = step(r, false, is_head, keep);
	}
	if (r->got == HTTP_READ_MORE)
		r->got = step(r, true, is_head, keep);
}

struct row {
	const char *bytes;
	size_t size;
	unsigned status;  /* 0: not accepted */
	const char *body; /* of an accepted answer */
	const char *why;  /* of a refused one: words of the reason */
};

static bool
same(const struct row *row, const struct reading *r)
{
	if (row->status == 0)
		return r->got == HTTP_READ_BAD && strstr(r->why, row->why) != NULL;
	size_t n = r->http.body_end - r->http.head_end;
	return r->got == HTTP_READ_DONE && r->heads == 1 &&
	       r->http.status == row->status && n == strlen(row->body) &&
	       r->http.body_size == n &&
	       memcmp(r->bytes + r->http.head_end, row->body, n) == 0;
}

static void
read_table(const struct row *rows, size_t count, bool is_head)
{
	unsigned failed = 0;
	for (size_t i = 0; i < count; i++)
		for (unsigned cut = 0; cut < CUTS; cut++) {
			struct reading r;
			read_cut(&r, rows[i].bytes, rows[i].size, cut, is_head, true);
			if (!same(&rows[i], &r)) {
				print_error(
					"row %zu, cut %u: '%.60s'\nexpected %u '%s', "
					"got %d, status %u, %u heads, %llu bytes, '%s'\n",
					i, cut, rows[i].bytes, rows[i].status,
					rows[i].status ? rows[i].body : rows[i].why,
					(int)r.got, r.http.status, r.heads,
					(unsigned long long)r.http.body_size, r.why);
				failed++;
				cut = CUTS;
			}
			free(r.bytes);
		}
	assert_int_equal(failed, 0);
}

static const struct row status_lines[] = {
	{ BYTES("HTTP/1.1 200 OK\r\n\r\n"), 200, "", NULL },
	{ BYTES("HTTP/1.0 200 OK\r\n\r\nold"), 200, "old", NULL },
	{ BYTES("HTTP/1.1 200\r\n\r\n"), 200, "", NULL },
	{ BYTES("HTTP/1.1 200 \r\n\r\n"), 200, "", NULL },
	{ BYTES("HTTP/1.1 200 200\r\n\r\n"), 200, "", NULL },
	{ BYTES("HTTP/1.1 404 a  b\tc \xfc\r\n\r\n"), 404, "", NULL },
	{ BYTES("HTTP/1.1 999 x\r\n\r\n"), 999, "", NULL },
	{ BYTES("HTTP/1.1 101 x\r\n\r\n"), 101, "", NULL },
	{ BYTES("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), 200, "", NULL },
	{ BYTES("HTTP/1.1 103 Hints\r\nLink: a\r\n\r\nHTTP/1.1 204 x\r\n\r\n"), 204, "",
	  NULL },
	{ BYTES("HTTP/1.1 100 x\r\n\r\nHTTP/1.1 500 x\r\nContent-Length: 2\r\n\r\nno"),
	  500, "no", NULL },
	{ BYTES("HTTP/1.1 100 x\r\n\r\n"), 0, NULL, "closed without an answer" },
	{ BYTES("HTTP/1.1 100 x\r\n\r\nSSH-2.0-x\r\n"), 0, NULL, "no HTTP answer" },
	{ BYTES("HTTP/1.1 20 OK\r\n\r\n"), 0, NULL, "no HTTP answer: 'HTTP/1.1 20 OK'" },
	{ BYTES("HTTP/1.1 2000 OK\r\n\r\n"), 0, NULL, "no HTTP answer" },
	{ BYTES("HTTP/1.1 1000\r\n\r\n"), 0, NULL, "no HTTP answer" },
	{ BYTES("HTTP/1.1 099 x\r\n\r\n"), 0, NULL, "no HTTP answer" },
	{ BYTES("HTTP/1.1 2x0 x\r\n\r\n"), 0, NULL, "no HTTP answer" },
	{ BYTES("HTTP/1.1  200 OK\r\n\r\n"), 0, NULL, "no HTTP answer" },
	{ BYTES("HTTP/1.1\t200 OK\r\n\r\n"), 0, NULL, "no HTTP answer" },
	{ BYTES("HTTP/1.10 200 OK\r\n\r\n"), 0, NULL, "no HTTP answer" },
	{ BYTES("HTTP/1.1 200 a\0b\r\n\r\n"), 0, NULL, "no HTTP answer" },
	{ BYTES("HTTP/1.1 200 a\rb\r\n\r\n"), 0, NULL, "no HTTP answer" },
	{ BYTES("HTTP/2 200\r\n\r\n"), 0, NULL, "no HTTP answer" },
	{ BYTES("HTTP/2.0 200 OK\r\n\r\n"), 0, NULL, "no HTTP answer" },
	{ BYTES("http/1.1 200 OK\r\n\r\n"), 0, NULL, "no HTTP answer" },
	{ BYTES(" HTTP/1.1 200 OK\r\n\r\n"), 0, NULL, "no HTTP answer" },
	{ BYTES("\r\nHTTP/1.1 200 OK\r\n\r\n"), 0, NULL, "no HTTP answer" },
	{ BYTES("SSH-2.0-OpenSSH_9.2p1\r\n"), 0, NULL, "no HTTP answer" },
	{ BYTES("\x15\x03\x01\x00\x02\x02\x0a"), 0, NULL, "no HTTP answer" },
	{ BYTES("\0\0\0\0"), 0, NULL, "no HTTP answer" },
	{ BYTES("HTTP/1.1 200 O"), 0, NULL, "closed within the header section" },
	{ BYTES(""), 0, NULL, "closed without an answer" },
};

static void
reads_status_lines(void **state)
{
	(void)state;
	read_table(status_lines, COUNT(status_lines), false);
}

static const struct row sections[] = {
	{ BYTES("HTTP/1.1 200 OK\nA: b\nContent-Length: 1\n\nx"), 200, "x", NULL },
	{ BYTES(OK "A: b\nC:\r\nD:  \t \r\n!#$%&'*+-.^_`|~9zZ: x\xff\r\n\n"), 200, "",
	  NULL },
	{ BYTES(OK "A: b\r\n"), 0, NULL, "closed within the header section" },
	{ BYTES(OK "A: b\r\n\r"), 0, NULL, "closed within the header section" },
	{ BYTES(OK "A: b\r\n c: folded\r\n\r\n"), 0, NULL, "not well-formed" },
	{ BYTES(OK "A: b\r\n\tc: folded\r\n\r\n"), 0, NULL, "not well-formed" },
	{ BYTES(OK " A: b\r\n\r\n"), 0, NULL, "not well-formed" },
	{ BYTES(OK "A : b\r\n\r\n"), 0, NULL, "not well-formed" },
	{ BYTES(OK ": b\r\n\r\n"), 0, NULL, "not well-formed" },
	{ BYTES(OK "A\r\n\r\n"), 0, NULL, "not well-formed" },
	{ BYTES(OK "A(: b\r\n\r\n"), 0, NULL, "not well-formed" },
	{ BYTES(OK "\xc3\xa4: b\r\n\r\n"), 0, NULL, "not well-formed" },
	{ BYTES(OK "A: b\0c\r\n\r\n"), 0, NULL, "not well-formed" },
	{ BYTES(OK "A\0: b\r\n\r\n"), 0, NULL, "not well-formed" },
	{ BYTES(OK "A: b\x7f\r\n\r\n"), 0, NULL, "not well-formed" },
	{ BYTES(OK "A: b\r\r\n\r\n"), 0, NULL, "not well-formed" },
	{ BYTES(OK "A: b\rC: d\r\n\r\n"), 0, NULL, "not well-formed" },
	{ BYTES(OK "\r\r\n"), 0, NULL, "not well-formed" },
};

static void
reads_header_sections(void **state)
{
	(void)state;
	read_table(sections, COUNT(sections), false);
}

static const struct row bodies[] = {
	{ BYTES(OK "\r\nuntil it closes"), 200, "until it closes", NULL },
	{ BYTES(OK "Content-Length: 0\r\n\r\n"), 200, "", NULL },
	{ BYTES(OK "content-length:5 \t\r\n\r\nhello"), 200, "hello", NULL },
	{ BYTES(OK "Content-Length: 5\r\n\r\nhellothere"), 200, "hello", NULL },
	{ BYTES(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), 200, "hello",
	  NULL },
	{ BYTES(OK "Content-Length: 5\r\n\r\nhell"), 0, NULL,
	  "closed within the body, after 4 bytes" },
	{ BYTES(OK "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), 0, NULL,
	  "Content-Length" },
	{ BYTES(OK "Content-Length: 5, 5\r\n\r\nhello"), 0, NULL, "Content-Length" },
	{ BYTES(OK "Content-Length: \r\n\r\n"), 0, NULL, "Content-Length" },
	{ BYTES(OK "Content-Length: -1\r\n\r\n"), 0, NULL, "Content-Length" },
	{ BYTES(OK "Content-Length: +5\r\n\r\nhello"), 0, NULL, "Content-Length" },
	{ BYTES(OK "Content-Length: 0x5\r\n\r\nhello"), 0, NULL, "Content-Length" },
	{ BYTES(OK "Content-Length: 99999999999999999999\r\n\r\n"), 0, NULL,
	  "Content-Length" },
	{ BYTES(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 0, NULL,
	  "both" },
	{ BYTES(OK "Transfer-Encoding: gzip\r\n\r\n"), 0, NULL, "transfer coding" },
	{ BYTES(OK "Transfer-Encoding: gzip, chunked\r\n\r\n"), 0, NULL,
	  "transfer coding" },
	{ BYTES(OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 0,
	  NULL, "transfer coding" },
	{ BYTES(OK "Transfer-Encoding:\r\n\r\n"), 0, NULL, "transfer coding" },
	{ BYTES(OK "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n"), 200, "", NULL },
	{ BYTES(CHUNKED "5\r\nhello\r\n6;a=b\r\n there\r\n0\r\n\r\n"), 200, "hello there",
	  NULL },
	{ BYTES(CHUNKED "A ; x=\"y z\"\r\n0123456789\r\n00\r\n\r\n"), 200, "0123456789",
	  NULL },
	{ BYTES(CHUNKED "1\nx\n0\n\n"), 200, "x", NULL },
	{ BYTES(CHUNKED "1\r\nx\r\n0;last\r\nA: b\r\nC: d\r\n\r\nmore"), 200, "x", NULL },
	{ BYTES(CHUNKED "1\r\nx\r\n0\r\nnot a trailer\r\n\r\n"), 0, NULL, "trailer" },
	{ BYTES(CHUNKED "1\r\nx\r\n0\r\nA: b\r\n"), 0, NULL, "closed within the body" },
	{ BYTES(CHUNKED "1\r\nx\r\n0\r\n"), 0, NULL, "closed within the body" },
	{ BYTES(CHUNKED "1\r\nx\r\n"), 0, NULL, "closed within the body, after 1 bytes" },
	{ BYTES(CHUNKED "3\r\nx"), 0, NULL, "closed within the body, after 1 bytes" },
	{ BYTES(CHUNKED), 0, NULL, "closed within the body, after 0 bytes" },
	{ BYTES(CHUNKED "1\r\nxy\r\n0\r\n\r\n"), 0, NULL, "longer than its size" },
	{ BYTES(CHUNKED "\r\nx"), 0, NULL, "no number" },
	{ BYTES(CHUNKED "-1\r\nx"), 0, NULL, "no number" },
	{ BYTES(CHUNKED "g\r\nx"), 0, NULL, "no number" },
	{ BYTES(CHUNKED "0x1\r\nx"), 0, NULL, "no number" },
	{ BYTES(CHUNKED " 1\r\nx"), 0, NULL, "no number" },
	{ BYTES(CHUNKED "1 x\r\nx\r\n0\r\n\r\n"), 0, NULL, "no number" },
	{ BYTES(CHUNKED "1\r\r\nx\r\n0\r\n\r\n"), 0, NULL, "no number" },
	{ BYTES(CHUNKED "ffffffffffffffff\r\nx"), 0, NULL, "no number" },
	{ BYTES(CHUNKED "10000000000000001\r\nx"), 0, NULL, "no number" },
	{ BYTES("HTTP/1.1 204 x\r\nContent-Length: 5\r\n\r\n"), 204, "", NULL },
	{ BYTES("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n"), 304, "", NULL },
	{ BYTES("HTTP/1.1 304 x\r\nTransfer-Encoding: chunked\r\n\r\n"), 304, "", NULL },
};

static void
reads_bodies(void **state)
{
	(void)state;
	read_table(bodies, COUNT(bodies), false);
}

static const struct row of_head[] = {
	{ BYTES(OK "Content-Length: 5\r\n\r\n"), 200, "", NULL },
	{ BYTES(CHUNKED), 200, "", NULL },
	{ BYTES(OK "\r\n"), 200, "", NULL },
	{ BYTES(OK "Content-Length: x\r\n\r\n"), 0, NULL, "Content-Length" },
};

static void
reads_answers_to_head(void **state)
{
	(void)state;
	read_table(of_head, COUNT(of_head), true);
}

/* ---- limits: before + n times fill + after ---- */

static char *
build(const char *before, char fill, size_t n, const char *after, size_t *size)
{
	size_t b = strlen(before), a = strlen(after);
	char *bytes = malloc(b + n + a + 1);
	assert_non_null(bytes);
	memcpy(bytes, before, b);
	memset(bytes + b, fill, n);
	memcpy(bytes + b + n, after, a + 1);
	*size = b + n + a;
	return bytes;
}

static const struct {
	const char *before;
	char fill;
	size_t n;
	const char *after;
	const char *why; /* NULL: it is accepted */
	uint64_t body_size;
} limits[] = {
	/* a section of exactly 32 KiB, and one byte more */
	{ OK "A: ", 'x', HTTP_HEAD_MAX - 24, "\r\n\r\n", NULL, 0 },
	{ OK "A: ", 'x', HTTP_HEAD_MAX - 23, "\r\n\r\n", "32 KiB", 0 },
	{ OK "A: ", 'x', 60000, "\r\n\r\n", "32 KiB", 0 },
	{ OK "A: ", 'x', 60000, "", "32 KiB", 0 },
	{ OK "A: b\r\n", '\r', 60000, "", "32 KiB", 0 },
	{ "HTTP/1.1 200 ", 'x', 60000, "", "first line does not end", 0 },
	/* the section of an interim answer counts for itself */
	{ "HTTP/1.1 103 x\r\nA: ", 'x', 20000, "\r\n\r\n" OK "\r\n", NULL, 0 },
	/* lines of the chunked coding */
	{ CHUNKED "1;", 'x', 1022, "\r\ny\r\n0\r\n\r\n", "does not end", 0 },
	{ CHUNKED "1;", 'x', 1021, "\r\ny\r\n0\r\n\r\n", NULL, 1 },
	{ CHUNKED "1;", 'x', 5000, "", "does not end", 0 },
	{ CHUNKED "0\r\nA: ", 'x', 1018, "\r\n\r\n", NULL, 0 },
	{ CHUNKED "0\r\nA: ", 'x', 1025, "\r\n\r\n", "does not end", 0 },
	/* a body past what is kept, with a trailer behind it */
	{ CHUNKED "186a0\r\n", 'x', 100000, "\r\n0\r\nA: b\r\n\r\n", NULL, 100000 },
	{ CHUNKED "493e0\r\n", 'x', 300000, "\r\n0\r\nA: b\r\n\r\n", NULL, 300000 },
	{ OK "\r\n", 'x', HTTP_BODY_MAX + 1, "", NULL, HTTP_BODY_MAX + 1 },
	{ OK "Content-Length: 300000\r\n\r\n", 'x', 299999, "",
	  "closed within the body, after 299999 bytes", 0 },
};

static void
limits_hold(size_t i, unsigned cut, bool keep)
{
	struct reading r;
	size_t size;
	char *bytes = build(limits[i].before, limits[i].fill, limits[i].n,
			    limits[i].after, &size);
	read_cut(&r, bytes, size, cut, false, keep);
	size_t kept = r.http.body_end - r.http.head_end;
	if (limits[i].why != NULL) {
		if (r.got != HTTP_READ_BAD || strstr(r.why, limits[i].why) == NULL)
			fail_msg("limit %zu, cut %u: got %d '%s', expected '%s'", i, cut,
				 (int)r.got, r.why, limits[i].why);
	} else {
		if (r.got != HTTP_READ_DONE || r.http.body_size != limits[i].body_size)
			fail_msg("limit %zu, cut %u: got %d, %llu bytes, '%s'", i, cut,
				 (int)r.got, (unsigned long long)r.http.body_size, r.why);
		size_t most = limits[i].body_size < HTTP_BODY_MAX
				      ? (size_t)limits[i].body_size
				      : HTTP_BODY_MAX;
		assert_int_equal(kept, keep ? most : 0);
		for (size_t k = 0; k < kept; k++)
			assert_true(r.bytes[r.http.head_end + k] == limits[i].fill ||
				    limits[i].body_size == 1);
	}
	free(r.bytes);
	free(bytes);
}

static void
keeps_its_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(limits); i++)
		for (unsigned cut = 0; cut < 6; cut++) {
			limits_hold(i, cut, true);
			limits_hold(i, cut, false);
		}
}

/* many times the same lines, then the end of the section */
static void
many(const char *first, const char *line, unsigned n, const char *last, const char *why)
{
	for (unsigned cut = 0; cut < 4; cut++) {
		struct reading r;
		size_t cap = strlen(first) + strlen(line) * n + strlen(last) + 1,
		       size = 0;
		char *bytes = malloc(cap);
		assert_non_null(bytes);
		size += text_print(bytes, cap, "%s", first);
		for (unsigned i = 0; i < n; i++)
			size += text_print(bytes + size, cap - size, "%s", line);
		size += text_print(bytes + size, cap - size, "%s", last);
		read_cut(&r, bytes, size, cut, false, false);
		if (why == NULL)
			assert_int_equal(r.got, HTTP_READ_DONE);
		else if (r.got != HTTP_READ_BAD || strstr(r.why, why) == NULL)
			fail_msg("cut %u: got %d '%s', expected '%s'", cut, (int)r.got,
				 r.why, why);
		free(r.bytes);
		free(bytes);
	}
}

static void
ends_what_has_no_end(void **state)
{
	(void)state;
	many("", "HTTP/1.1 100 x\r\n\r\n", 16, OK "\r\n", NULL);
	many("", "HTTP/1.1 100 x\r\n\r\n", 17, OK "\r\n", "interim answers without end");
	many(OK, "A: bcdefghijklmnop\r\n", 4000, "\r\n", "32 KiB");
	many(CHUNKED "0\r\n", "A: bcdefghijklmnop\r\n", 1600, "\r\n", NULL);
	many(CHUNKED "0\r\n", "A: bcdefghijklmnop\r\n", 1700, "\r\n", "trailer");
}

/* ---- headers ---- */

#define HEAD                                                                             \
	"Content-Type:  text/html \r\nX-A: one\r\nx-a:two\r\nEmpty:\r\nX-AB: no\r\n"     \
	"Raw: a\xff\tb\r\n\r\n"

static const struct {
	const char *name, *value; /* NULL: it is not there */
} headers[] = {
	{ "content-type", "text/html" },
	{ "x-a", "one, two" },
	{ "empty", "" },
	{ "x-ab", "no" },
	{ "raw", "a? b" },
	{ "x", NULL },
	{ "x-abc", NULL },
	{ "", NULL },
	{ "content-typ", NULL },
};

static void
finds_headers(void **state)
{
	char out[64];
	(void)state;
	for (size_t i = 0; i < COUNT(headers); i++) {
		bool found = http_header(HEAD, sizeof HEAD - 1, headers[i].name, out,
					 sizeof out);
		assert_int_equal(found, headers[i].value != NULL);
		assert_string_equal(out, found ? headers[i].value : "");
	}
	for (size_t cap = 1; cap < 9; cap++) {
		assert_true(http_header(HEAD, sizeof HEAD - 1, "x-a", out, cap));
		assert_true(strlen(out) < cap);
		assert_memory_equal(out, "one, two", strlen(out));
	}
}

int
test_probes_http(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_status_lines),
		cmocka_unit_test(reads_header_sections),
		cmocka_unit_test(reads_bodies),
		cmocka_unit_test(reads_answers_to_head),
		cmocka_unit_test(keeps_its_limits),
		cmocka_unit_test(ends_what_has_no_end),
		cmocka_unit_test(finds_headers),
	};
	return cmocka_run_group_tests_name("probes_http", tests, NULL, NULL);
}
