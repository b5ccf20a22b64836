#include "test/unit/probes.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

/* before + n times fill + after */
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
	{ "HTTP/1.1 200 ", 'x', 4082, "\r\n\r\n", NULL, 0 },
	{ "HTTP/1.1 200 ", 'x', 4083, "\r\n\r\n", "first line does not end", 0 },
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

int
test_probes_http_limits(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_its_limits),
		cmocka_unit_test(ends_what_has_no_end),
	};
	return cmocka_run_group_tests_name("probes_http_limits", tests, NULL, NULL);
}
