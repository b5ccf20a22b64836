#include "probes/kind.h"

#include "probes/expect.h"

#include "base/text.h"
#include "test/unit/book.h"
#include "test/unit/probes.h"

#include <math.h>
#include <string.h>

#define ROUTE                                                                            \
	"[check c]\nhttp = http://127.0.0.1:1/x\nexpect = header X-Backend %s "          \
	"{active}\n"                                                                     \
	"[route r]\nswitch = /tmp/flag\nbackend = v_primary.apache\nbackend = tomcat\n"  \
	"active = all\nverify = c within 3s\n"

/* Which names the front's word may be, while so many of the backends are active. */
static const struct {
	const char *compare, *head;
	size_t active; /* how many of "v_primary.apache", "tomcat" */
	bool holds, elsewhere;
} active_rows[] = {
	{ "=", "X-Backend: apache\r\n\r\n", 1, true, false },
	{ "=", "X-Backend: v_primary.apache\r\n\r\n", 1, true, false },
	{ "=", "X-Backend: tomcat\r\n\r\n", 1, false, true },
	{ "=", "X-Backend: tomcat\r\n\r\n", 2, true, false },
	{ "=", "X-Backend: apache\r\n\r\n", 2, true, false },
	{ "=", "X-Backend: apach\r\n\r\n", 2, false, false },
	{ "=", "X-Backend: v_primary\r\n\r\n", 2, false, false },
	{ "=", "X-Backend: {active}\r\n\r\n", 2, false, false },
	{ "=", "X-Backend:\r\n\r\n", 2, false, false },
	{ "=", "\r\n", 2, false, false },
	{ "!=", "X-Backend: tomcat\r\n\r\n", 1, true, false },
	{ "!=", "X-Backend: apache\r\n\r\n", 1, false, false },
};

static void
knows_who_is_active(void **state)
{
	static const char *const names[] = { "v_primary.apache", "tomcat" };
	char text[512], why[MSG_TEXT];
	struct plan p;
	(void)state;
	for (size_t i = 0; i < COUNT(active_rows); i++) {
		struct answer a = { .head = active_rows[i].head,
				    .head_size = strlen(active_rows[i].head),
				    .status = 200,
				    .active = names };
		text_print(text, sizeof text, ROUTE, active_rows[i].compare);
		struct rules *r = book(text);
		assert_true(plan_make(&p, r, 0));
		assert_int_equal(p.route, 0);
		assert_true(expect_unknown(&p, &a)); /* nobody knows yet */
		a.active_count = active_rows[i].active;
		a.known_count = COUNT(names);
		assert_false(expect_unknown(&p, &a));
		if (expect_all(&p, &a, false, why) != active_rows[i].holds)
			fail_msg("row %zu: expected %d, %s", i, active_rows[i].holds,
				 why);
		if (*active_rows[i].compare == '=')
			assert_int_equal(expect_elsewhere(&p, &a),
					 active_rows[i].elsewhere);
		if (!active_rows[i].holds && active_rows[i].active == 2)
			assert_non_null(strstr(why, "v_primary.apache or tomcat"));
		plan_free(&p);
		rules_free(&r);
	}
}

/* expect of a check with 10 bytes of output "ok: 7 of 9", and no latency. */
static const struct {
	const char *expect;
	bool holds;
	const char *why;
} script_rows[] = {
	{ "bytes = 10B", true, "" },
	{ "bytes != 10B", false, "bytes 10B, expected bytes != 10B" },
	{ "bytes <= 10B", true, "" },
	{ "bytes >= 11B", false, "bytes 10B, expected bytes >= 11B" },
	{ "latency < 1s", false, "latency was not measured, expected latency < 1000 ms" },
	{ "body ~ ^ok", true, "" },
	{ "body !~ 7", false, "a body of 10 bytes, expected body !~ 7" },
	{ "body = \"ok: 7 of 9\"", true, "" },
	{ "body != \"ok: 7 of 9\"", false, "expected body != ok: 7 of 9" },
	{ "header X", false, "no header x, expected header x" },
};

static void
tests_what_scripts_say(void **state)
{
	char text[512], why[MSG_TEXT];
	struct plan p;
	(void)state;
	for (size_t i = 0; i < COUNT(script_rows); i++) {
		struct answer a = { .body = "ok: 7 of 9", .body_size = 10 };
		for (unsigned m = 0; m < METRICS_COUNT; m++)
			a.value[m] = (double)NAN;
		a.value[METRIC_BYTES] = 10;
		text_print(text, sizeof text,
			   "[check c]\nhttp = http://h:1/\nexpect = %s\n",
			   script_rows[i].expect);
		struct rules *r = book(text);
		assert_true(plan_make(&p, r, 0));
		why[0] = '\0';
		if (expect_all(&p, &a, false, why) != script_rows[i].holds ||
		    strstr(why, script_rows[i].why) == NULL)
			fail_msg("'%s': expected %d '%s', got '%s'",
				 script_rows[i].expect, script_rows[i].holds,
				 script_rows[i].why, why);
		plan_free(&p);
		rules_free(&r);
	}
}

/* A pattern that tries for ever is given up: it does not fit, and does not stop us. */
static void
gives_up_bad_patterns(void **state)
{
	char text[512], why[MSG_TEXT], body[4096];
	struct plan p;
	(void)state;
	memset(body, 'a', sizeof body);
	struct answer a = { .body = body, .body_size = sizeof body };
	text_print(
		text, sizeof text,
		"[check c]\nhttp = http://h:1/\nexpect = body ~ \"(a+)+$|(a|aa)+b\"\n");
	struct rules *r = book(text);
	assert_true(plan_make(&p, r, 0));
	body[sizeof body - 1] = 'c';
	assert_false(expect_all(&p, &a, false, why));
	plan_free(&p);
	rules_free(&r);
}

static void
plans_what_to_read(void **state)
{
	static const struct {
		const char *lines;
		bool wants, keeps;
	} rows[] = {
		{ "", false, false },
		{ "expect = status 200, header A ~ b, latency < 1s", false, false },
		{ "expect = body > 1B", true, false },
		{ "expect = bytes > 1B", true, false },
		{ "expect = body ~ x", true, true },
		{ "warn = body < 1B", true, false },
		{ "warn = body !~ x", true, true },
		{ "[rule r]\nwhen = c.bytes > 1B\ndo = log", true, false },
		{ "[rule r]\nwhen = c.down\nclear = c.bytes > 1B\ndo = log", true,
		  false },
		{ "[check d]\nhttp = http://h/\n[rule r]\nwhen = d.bytes > 1B\ndo = log",
		  false, false },
	};
	char text[512];
	struct plan p;
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		text_print(text, sizeof text, "[check c]\nhttp = http://h/\n%s\n",
			   rows[i].lines);
		struct rules *r = book(text);
		assert_true(plan_make(&p, r, rules_find(r, OBJECT_CHECK, "c")));
		if (p.wants_body != rows[i].wants || p.keeps_body != rows[i].keeps)
			fail_msg("'%s': wants %d, keeps %d", rows[i].lines, p.wants_body,
				 p.keeps_body);
		plan_free(&p);
		rules_free(&r);
	}
}

int
test_probes_expect(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_who_is_active),
		cmocka_unit_test(tests_what_scripts_say),
		cmocka_unit_test(gives_up_bad_patterns),
		cmocka_unit_test(plans_what_to_read),
	};
	return cmocka_run_group_tests_name("probes_expect", tests, NULL, NULL);
}
