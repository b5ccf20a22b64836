#include "status/json.h"

#include "test/unit/status.h"
#include "test/unit/unit.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void
same(struct json *j, const char *want)
{
	size_t length;
	char *got = json_end(j, &length);
	assert_non_null(got);
	assert_string_equal(got, want);
	assert_int_equal(length, strlen(want));
	free(got);
}

static void
strings_are_escaped(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "plain", "\"plain\"" },
		{ "", "null" },
		{ NULL, "null" },
		{ "a \"b\" \\c", "\"a \\\"b\\\" \\\\c\"" },
		{ "line\nline\ttab", "\"line line tab\"" },
		{ "\x7f\x1b[31m", "\"  [31m\"" },
		{ "h\xc3\xa9", "\"h\xc3\xa9\"" },
		{ "\xff\xc3", "\"\?\?\"" },
		{ "</script>", "\"</script>\"" },
		{ "\\", "\"\\\\\"" },
	};
	struct json j;
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		json_begin(&j);
		json_text(&j, rows[i].text);
		same(&j, rows[i].want);
	}
}

static void
numbers_are_short(void **state)
{
	static const struct {
		double n;
		const char *want;
	} rows[] = {
		{ 0, "0" },         { 200, "200" },    { -1.5, "-1.5" },
		{ 0.123, "0.123" }, { 1e20, "1e+20" }, { 1073741824, "1073741824" },
	};
	struct json j;
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		json_begin(&j);
		json_number(&j, rows[i].n);
		same(&j, rows[i].want);
	}
	json_begin(&j);
	json_open(&j, '[');
	json_number(&j, (double)NAN);
	json_number(&j, (double)INFINITY);
	json_close(&j, ']');
	same(&j, "[null,null]");
}

static void
commas_stand_between(void **state)
{
	struct json j;
	(void)state;
	json_begin(&j);
	json_open(&j, '{');
	json_key_text(&j, "name", "a");
	json_key_id(&j, "event", 0);
	json_key(&j, "list");
	json_open(&j, '[');
	json_open(&j, '{');
	json_close(&j, '}');
	json_open(&j, '[');
	json_close(&j, ']');
	json_yes(&j, true);
	json_close(&j, ']');
	json_key_time(&j, "since", 1700000000123);
	json_key_time(&j, "until", 0);
	json_close(&j, '}');
	same(&j, "{\"name\":\"a\",\"event\":null,\"list\":[{},[],true],"
		 "\"since\":\"2023-11-14T22:13:20.123Z\",\"until\":null}");
}

/* Whatever bytes a text holds, another's parser takes what we write. */
static void
every_byte_parses(void **state)
{
	struct json j;
	(void)state;
	for (int a = 1; a < 256; a++)
		for (int b = 1; b < 256; b++) {
			const char text[] = { (char)a, (char)b, '\0' };
			json_begin(&j);
			json_open(&j, '[');
			json_text(&j, text);
			json_close(&j, ']');
			char *got = json_end(&j, NULL);
			json_t *root = json_loads(got, 0, NULL);
			if (json_array_size(root) != 1)
				fail_msg("bytes %02x %02x give %s", (unsigned)a,
					 (unsigned)b, got);
			json_decref(root);
			free(got);
		}
}

int
test_status_json(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(numbers_are_short),
		cmocka_unit_test(commas_stand_between),
		cmocka_unit_test(every_byte_parses),
	};
	return cmocka_run_group_tests_name("status/json", tests, NULL, NULL);
}
