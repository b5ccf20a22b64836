/* monitorctl: what it makes of times, names and answers, without a daemon. */
#include "status/ctl.h"

#include "test/unit/status.h"
#include "test/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static void
times_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{ "2023-11-14T22:13:20.123Z", 1700000000123 },
		{ "2023-11-14T22:13:20Z", 1700000000000 },
		{ "2023-11-14T23:13:20+01:00", 1700000000000 },
		{ "2023-11-14T21:43:20.5-00:30", 1700000000500 },
		{ "2023-11-14T22:13:20", -1 },
		{ "2023-11-14", -1 },
		{ "2023-11-14T22:13:20Zx", -1 },
		{ "2023-11-14T22:13:20+1", -1 },
		{ "10m", -1 },
		{ "", -1 },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (time_of(rows[i].text) != rows[i].ms)
			fail_msg("%s: expected %lld, got %lld", rows[i].text,
				 (long long)rows[i].ms, (long long)time_of(rows[i].text));
}

static json_t *
status(void)
{
	return json_loads(
		"{\"services\":[{\"name\":\"w-1\",\"family\":\"w\",\"depends\":[\"db\"],"
		"\"groups\":[\"tier\",\"path\"]},"
		"{\"name\":\"w-2\",\"family\":\"w\"},{\"name\":\"db\",\"family\":null,"
		"\"groups\":[\"tier\"]}],"
		"\"checks\":[{\"name\":\"web\",\"of\":\"w-1\"}],"
		"\"routes\":[{\"name\":\"site\"}],\"rules\":[],"
		"\"chains\":[{\"name\":\"path\",\"paths\":[[\"site\",\"w-1\",\"db\"],"
		"[\"web\",\"db\"]]}]}",
		0, NULL);
}

/* The names of what is found, with a space behind each. */
static void
names(const json_t *found, char *out)
{
	size_t i;
	json_t *x;
	*out = '\0';
	json_array_foreach(found, i, x)
	{
		strcat(out, text_of(json_object_get(x, "object"), "name"));
		strcat(out, " ");
	}
}

static void
names_stand_for_objects(void **state)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{ "db", "db " },
		{ "web", "web " },
		{ "w", "w-1 w-2 " },
		{ "all", "w-2 db w-1 " },
		{ "path", "db w-1 site web " },
		{ "tier", "db w-1 " },
		{ "@tier", "db w-1 " },
		{ "@path", "w-1 " },
	};
	char got[200];
	json_t *root = status();
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		json_t *found = find_objects(root, rows[i].name);
		names(found, got);
		assert_string_equal(got, rows[i].want);
		json_decref(found);
	}
	assert_null(find_objects(root, "nobody"));
	assert_null(find_objects(root, "@w"));
	json_decref(root);
}

static void
answers_give_exit_codes(void **state)
{
	static const struct {
		long code;
		enum ctl_exit want;
	} rows[] = {
		{ 200, CTL_DONE },         { 202, CTL_DONE },
		{ 400, CTL_WRONG_USE },    { 403, CTL_NOT_ALLOWED },
		{ 404, CTL_NO_SUCH_NAME }, { 409, CTL_NOT_REACHED },
		{ 502, CTL_NOT_REACHED },  { 504, CTL_NOT_REACHED },
	};
	char body[] = "{\"error\":\"as expected\"}";
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct answer a = { .code = rows[i].code,
				    .bytes = body,
				    .size = strlen(body) };
		assert_int_equal(answer_exit(&a, "test"), rows[i].want);
	}
}

static void
details_are_said(void **state)
{
	static const struct {
		const char *kind, *object, *want;
	} rows[] = {
		{ "service", "{\"pid\":7,\"memory\":1536,\"cpu\":1.25,\"restarts\":1}",
		  "pid 7, 1.5 KiB, cpu 1.2%, 1 restart" },
		{ "service",
		  "{\"pid\":null,\"exit\":{\"code\":3,\"signal\":null},"
		  "\"stopped_by_command\":true}",
		  "last exit: code 3, by command" },
		{ "service",
		  "{\"pid\":null,\"exit\":{\"code\":0,\"signal\":null},"
		  "\"finished\":true}",
		  "last exit: code 0, finished" },
		{ "check", "{\"error\":\"refused\",\"latency_ms\":2}", "refused" },
		{ "check", "{\"error\":null,\"latency_ms\":2,\"age_s\":1}", "2.0 ms" },
		{ "check", "{}", "not measured yet" },
		{ "route", "{\"active\":[\"a\"],\"wanted\":[\"a\",\"b\"]}",
		  "active: a; wanted: a, b" },
		{ "rule", "{\"when\":\"x.down\"}", "x.down" },
	};
	char got[300];
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		json_t *o = json_loads(rows[i].object, 0, NULL);
		assert_non_null(o);
		assert_string_equal(detail_of(rows[i].kind, o, got, sizeof got),
				    rows[i].want);
		json_decref(o);
	}
}

int
test_status_ctl(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(names_stand_for_objects),
		cmocka_unit_test(answers_give_exit_codes),
		cmocka_unit_test(details_are_said),
	};
	return cmocka_run_group_tests_name("monitorctl", tests, NULL, NULL);
}
