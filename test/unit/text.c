#include "base/text.h"

#include "test/unit/unit.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *in;
	size_t size; /* 0: to the NUL */
	size_t cap;
	const char *out;
} cleaned[] = {
	{ "plain", 0, 64, "plain" },
	{ "", 0, 64, "" },
	{ "a\r\nb\tc\x7f", 0, 64, "a  b c " },
	{ "a\0b", 3, 64, "a b" },
	{ "gr\xc3\xbc\xc3\x9f", 0, 64, "gr\xc3\xbc\xc3\x9f" },
	{ "\xe2\x82\xac\xf0\x9f\x98\x80", 0, 64, "\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ "\xff\xfe", 0, 64, "??" },
	{ "\xc3", 0, 64, "?" },                /* cut off */
	{ "\xc0\xaf", 0, 64, "??" },           /* overlong '/' */
	{ "\xe0\x80\xaf", 0, 64, "???" },      /* overlong, three bytes */
	{ "\xed\xa0\x80", 0, 64, "???" },      /* a surrogate */
	{ "\xf4\x90\x80\x80", 0, 64, "????" }, /* past U+10FFFF */
	{ "a\xc2\x85z", 0, 64, "a z" },        /* C1 next line */
	{ "a\xe2\x80\xa8z", 0, 64, "a z" },    /* line separator */
	{ "a\xe2\x80\xaez\xe2\x81\xa6", 0, 64, "a z " }, /* it would read backwards */
	{ "\xe2\x80\xa6\xe2\x81\xaa", 0, 64, "\xe2\x80\xa6\xe2\x81\xaa" },
	{ "\x1b[31mred", 0, 64, " [31mred" },
	{ "abcdef", 0, 4, "abc" },
	{ "ab\xc3\xbc", 0, 4, "ab" }, /* no half character */
	{ "abc", 0, 1, "" },
};

static void
cleans(void **state)
{
	char out[64];
	(void)state;
	for (size_t i = 0; i < COUNT(cleaned); i++) {
		size_t size =
			cleaned[i].size != 0 ? cleaned[i].size : strlen(cleaned[i].in);
		size_t n = text_clean(out, cleaned[i].cap, cleaned[i].in, size);
		assert_string_equal(out, cleaned[i].out);
		assert_int_equal(n, strlen(out));
	}
}

static void
cleaning_again_changes_nothing(void **state)
{
	unsigned char in[3];
	char once[16], twice[16];
	(void)state;
	for (unsigned i = 0; i < 1u << 16; i++) { /* all pairs, in the middle of a text */
		in[0] = (unsigned char)(i >> 8);
		in[1] = (unsigned char)i;
		in[2] = 'z';
		size_t n = text_clean(once, sizeof once, in, sizeof in);
		assert_int_equal(text_clean(twice, sizeof twice, once, n), n);
		assert_memory_equal(once, twice, n + 1);
	}
}

static void
prints_bounded(void **state)
{
	char out[8];
	struct text t;
	const char *volatile missing = NULL;
	(void)state;
	assert_int_equal(text_print(out, sizeof out, "%s", "seven77"), 7);
	assert_int_equal(text_print(out, sizeof out, "%s", "eight888"), 7);
	assert_string_equal(out, "eight88");
	text_begin(&t, out, sizeof out);
	text_add(&t, "%d", 1234);
	text_add(&t, "%s", "567");
	assert_false(t.full);
	text_add(&t, "%s", "8");
	assert_true(t.full);
	assert_string_equal(out, "1234567");
	text_add(&t, "%s", ""); /* nothing more, and no harm */
	assert_int_equal(t.length, 7);
	assert_int_equal(text_print(out, sizeof out, "%s", ""), 0);
	assert_string_equal(out, "");
	assert_int_equal(text_print(out, sizeof out, "%s", missing), 6);
	assert_int_equal(text_print(out, 1, "%s", "cut"), 0);
	assert_string_equal(out, "");
}

static void
puts_numbers(void **state)
{
	static const struct {
		uint64_t n;
		const char *text;
	} numbers[] = { { 0, "0" },
			{ 9, "9" },
			{ 10, "10" },
			{ UINT64_MAX, "18446744073709551615" } };
	char out[24];
	struct text t;
	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		text_begin(&t, out, sizeof out);
		text_put_number(&t, numbers[i].n);
		assert_string_equal(out, numbers[i].text);
		assert_false(t.full);
	}
	text_begin(&t, out, 3);
	text_put_number(&t, 1234);
	assert_string_equal(out, "12");
	assert_true(t.full);
}

static const struct {
	const char *a, *b;
	unsigned distance;
} distances[] = {
	{ "", "", 0 },
	{ "restart", "restart", 0 },
	{ "", "abc", 3 },
	{ "restrat", "restart", 1 }, /* a transposition is one slip */
	{ "timout", "timeout", 1 },
	{ "kitten", "sitting", 3 },
	{ "ab", "ba", 1 },
	{ "memory", "memroy-total", 7 },
};

static void
measures_distance(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(distances); i++) {
		assert_int_equal(text_distance(distances[i].a, distances[i].b),
				 distances[i].distance);
		assert_int_equal(text_distance(distances[i].b, distances[i].a),
				 distances[i].distance);
	}
	char long_a[200], long_b[200];
	memset(long_a, 'a', sizeof long_a);
	memset(long_b, 'b', sizeof long_b);
	long_a[199] = long_b[199] = '\0';
	assert_int_equal(text_distance(long_a, long_b),
			 64); /* what is longer does not count */
}

static void
another_word_is_no_misspelt_one(void **state)
{
	static const struct {
		const char *word, *candidate;
		bool near;
	} rows[] = {
		{ "nope", "site", false },
		{ "ab", "xy", false },
		{ "tow", "two", true },
		{ "tomcta", "tomcat", true },
		{ "apache-htpp", "apache-http", true },
		{ "redis", "nginx", false },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text_nearest n = text_nearest_of(rows[i].word);
		text_nearer(&n, rows[i].candidate);
		if ((n.best != NULL) != rows[i].near)
			fail_msg("%s for %s", rows[i].candidate, rows[i].word);
	}
}

static void
says_why_a_file_is_refused(void **state)
{
	(void)state;
	assert_string_equal(text_file_error(EINVAL), "it is no file");
	assert_string_equal(text_file_error(ELOOP), "it is a symbolic link");
	assert_string_equal(text_file_error(ENOENT), strerror(ENOENT));
}

/* RFC 3720 appendix B.4 */
static void
sums_crc32c(void **state)
{
	unsigned char bytes[32] = { 0 };
	(void)state;
	assert_int_equal(text_crc32c("", 0), 0);
	assert_int_equal(text_crc32c("123456789", 9), 0xe3069283u);
	assert_int_equal(text_crc32c(bytes, 32), 0x8a9136aau);
	memset(bytes, 0xff, 32);
	assert_int_equal(text_crc32c(bytes, 32), 0x62a8ab43u);
	for (unsigned i = 0; i < 32; i++)
		bytes[i] = (unsigned char)i;
	assert_int_equal(text_crc32c(bytes, 32), 0x46dd794eu);
	for (unsigned i = 0; i < 32; i++)
		bytes[i] = (unsigned char)(31 - i);
	assert_int_equal(text_crc32c(bytes, 32), 0x113fdb5cu);
}

static const struct {
	int64_t ms;
	const char *text;
} durations[] = {
	{ 0, "0 ms" },
	{ 999, "999 ms" },
	{ 1000, "1.0 s" },
	{ 2450, "2.4 s" },
	{ 9999, "9.9 s" },
	{ 10000, "10 s" },
	{ 59999, "59 s" },
	{ 60000, "1 min" },
	{ 200000, "3 min 20 s" },
	{ 3600000, "1 h" },
	{ 7500000, "2 h 5 min" },
	{ 86400000, "1 d" },
	{ 315360000000, "3650 d" },
};

static const struct {
	double bytes;
	const char *text;
} sizes[] = {
	{ 0, "0 bytes" },          { 512, "512 bytes" },
	{ 1023, "1023 bytes" },    { 1024, "1.0 KiB" },
	{ 1610612736, "1.5 GiB" }, { 1099511627776.0 * 2048, "2048.0 TiB" },
};

static void
speaks_to_people(void **state)
{
	char out[32];
	(void)state;
	for (size_t i = 0; i < COUNT(durations); i++)
		assert_string_equal(text_duration(durations[i].ms, out, sizeof out),
				    durations[i].text);
	for (size_t i = 0; i < COUNT(sizes); i++)
		assert_string_equal(text_size(sizes[i].bytes, out, sizeof out),
				    sizes[i].text);
}

/* FNV-1a, 64 bits: draft-eastlake-fnv, section 6.1 */
static void
hashes(void **state)
{
	(void)state;
	assert_true(text_hash("") == 0xcbf29ce484222325u);
	assert_true(text_hash("a") == 0xaf63dc4c8601ec8cu);
	assert_true(text_hash("foobar") == 0x85944171f73967e8u);
}

int
test_text(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(cleans),
		cmocka_unit_test(cleaning_again_changes_nothing),
		cmocka_unit_test(prints_bounded),
		cmocka_unit_test(puts_numbers),
		cmocka_unit_test(measures_distance),
		cmocka_unit_test(another_word_is_no_misspelt_one),
		cmocka_unit_test(says_why_a_file_is_refused),
		cmocka_unit_test(sums_crc32c),
		cmocka_unit_test(speaks_to_people),
		cmocka_unit_test(hashes),
	};
	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
