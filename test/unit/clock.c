#include "base/clock.h"

#include "test/unit/unit.h"

#include <string.h>

static const struct {
	int64_t ms;
	const char *text;
} times[] = {
	{ 0, "1970-01-01T00:00:00.000Z" },
	{ 1, "1970-01-01T00:00:00.001Z" },
	{ -1, "1969-12-31T23:59:59.999Z" },
	{ -1000, "1969-12-31T23:59:59.000Z" },
	{ 951782399999, "2000-02-28T23:59:59.999Z" },
	{ 951782400000, "2000-02-29T00:00:00.000Z" }, /* a leap day of a leap century */
	{ 1795435200123, "2026-11-23T12:00:00.123Z" },
	{ 2147483648000, "2038-01-19T03:14:08.000Z" }, /* past 31 bits */
	{ 253402300799999, "9999-12-31T23:59:59.999Z" },
};

static void
writes_rfc3339(void **state)
{
	char out[32];
	(void)state;
	for (size_t i = 0; i < COUNT(times); i++)
		assert_string_equal(clock_rfc3339(times[i].ms, out, sizeof out),
				    times[i].text);
}

static void
goes_forward(void **state)
{
	(void)state;
	int64_t last = clock_ns();
	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_ns();
		assert_true(now >= last);
		last = now;
	}
	assert_in_range(clock_ms() - last / 1000000, 0, 60000);
	assert_true(clock_real_ms() > 1700000000000);
}

static void
knows_the_boot(void **state)
{
	const char *id = clock_boot_id();
	(void)state;
	assert_int_equal(strlen(id), 36);
	assert_int_equal(strspn(id, "0123456789abcdef-"), 36);
	assert_string_equal(id, clock_boot_id());
}

int
test_clock(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_rfc3339),
		cmocka_unit_test(goes_forward),
		cmocka_unit_test(knows_the_boot),
	};
	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
