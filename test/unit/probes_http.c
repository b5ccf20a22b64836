#include "test/unit/probes.h"

#include <stdlib.h>
#include <string.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

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
		if (r->http.stage > HTTP_HEAD && got != HTTP_READ_BAD) {
			assert_true(r->http.head_begin <= r->http.head_end);
			assert_true(r->http.head_end <= r->http.body_end);
			assert_true(r->http.body_end <= r->size);
		}
	} while (got == HTTP_READ_HEAD);
	return got;
}

void
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
		cmocka_unit_test(finds_headers),
	};
	return cmocka_run_group_tests_name("probes_http", tests, NULL, NULL);
}
