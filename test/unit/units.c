#include "rules/units.h"

#include "test/unit/unit.h"

#include <math.h>
#include <stdio.h>

static const struct {
	const char *text;
	int64_t ms; /* -1: refused */
} durations[] = {
	{ "250ms", 250 },    { "5s", 5000 },
	{ "2m", 120000 },    { "1h", 3600000 },
	{ "7d", 604800000 }, { "0s", 0 },
	{ "1.5s", 1500 },    { "0.001s", 1 },
	{ "1.001s", 1001 },  { "8.205s", 8205 },
	{ "0.5h", 1800000 }, { "3650d", 315360000000 },
	{ "5", -1 },         { "", -1 },
	{ "s", -1 },         { "5 s", -1 },
	{ "5s ", -1 },       { " 5s", -1 },
	{ "+5s", -1 },       { "-5s", -1 },
	{ "5S", -1 },        { "5min", -1 },
	{ "1e3s", -1 },      { "0x5s", -1 },
	{ "infs", -1 },      { ".5s", -1 },
	{ "5.s", -1 },       { "1.2.3s", -1 },
	{ "1.0005s", -1 },   { "0.0000001s", -1 },
	{ "3651d", -1 },     { "99999999999999999999s", -1 },
	{ "5M", -1 },        { "5%", -1 },
};

static const struct {
	const char *text;
	double bytes; /* -1: refused */
} sizes[] = {
	{ "100B", 100 },        { "64K", 65536 },        { "512M", 536870912 },
	{ "1.5G", 1610612736 }, { "1T", 1099511627776 }, { "0B", 0 },
	{ "64", -1 },           { "64KB", -1 },          { "64k", -1 },
	{ "-1K", -1 },          { "4194304T", -1 },      { "999999999999999999T", -1 },
	{ "5s", -1 },
};

static const struct {
	const char *text;
	enum unit unit;
	double value; /* -1: refused */
} values[] = {
	{ "5", UNIT_COUNT, 5 },           { "5.5", UNIT_COUNT, 5.5 },
	{ "5%", UNIT_COUNT, -1 },         { "80%", UNIT_PERCENT, 80 },
	{ "80", UNIT_PERCENT, -1 },       { "250%", UNIT_PERCENT, 250 }, /* of one core */
	{ "10M/s", UNIT_RATE, 10485760 }, { "10M", UNIT_RATE, -1 },
	{ "10/s", UNIT_RATE, -1 },        { "500ms", UNIT_MS, 500 },
	{ "500", UNIT_MS, -1 },           { "1G", UNIT_BYTES, 1073741824 },
	{ "yes", UNIT_YESNO, -1 },        { "up", UNIT_TEXT, -1 },
};

static const struct {
	const char *text;
	uint64_t least, most;
	bool good;
} counts[] = {
	{ "1", 1, 64, true },
	{ "64", 1, 64, true },
	{ "0", 1, 64, false },
	{ "65", 1, 64, false },
	{ "", 0, 64, false },
	{ "-1", 0, UINT64_MAX, false },
	{ "+1", 0, 64, false },
	{ " 1", 0, 64, false },
	{ "1 ", 0, 64, false },
	{ "1.0", 0, 64, false },
	{ "0x1", 0, 64, false },
	{ "18446744073709551615", 0, UINT64_MAX, true },
	{ "18446744073709551616", 0, UINT64_MAX, false },
};

static void
durations_have_units(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(durations); i++) {
		char why[UNITS_WHY];
		int64_t ms = -1;
		bool good = units_duration(durations[i].text, &ms, why);
		if (good != (durations[i].ms >= 0) || (good && ms != durations[i].ms))
			fail_msg("'%s': expected %lld, got %lld", durations[i].text,
				 (long long)durations[i].ms, good ? (long long)ms : -1LL);
	}
}

static void
every_millisecond_can_be_written(void **state)
{
	(void)state;
	for (int64_t ms = 1; ms < 100000; ms++) {
		char text[32], why[UNITS_WHY];
		int64_t back = -1;
		snprintf(text, sizeof text, "%lld.%03llds", (long long)ms / 1000,
			 (long long)ms % 1000);
		if (!units_duration(text, &back, why) || back != ms)
			fail_msg("%s gives %lld", text, (long long)back);
	}
}

static void
sizes_have_units(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		char why[UNITS_WHY];
		double bytes = -1;
		bool good = units_size(sizes[i].text, &bytes, why);
		if (good != (sizes[i].bytes >= 0) ||
		    (good && fabs(bytes - sizes[i].bytes) > 0))
			fail_msg("'%s': expected %g, got %g", sizes[i].text,
				 sizes[i].bytes, good ? bytes : -1);
	}
}

static void
thresholds_have_their_metrics_unit(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		char why[UNITS_WHY];
		double v = -1;
		bool good = units_value(values[i].text, values[i].unit, &v, why);
		if (good != (values[i].value >= 0) ||
		    (good && fabs(v - values[i].value) > 0))
			fail_msg("'%s': expected %g, got %g", values[i].text,
				 values[i].value, good ? v : -1);
	}
}

static void
counts_are_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(counts); i++) {
		char why[UNITS_WHY];
		uint64_t n;
		if (units_count(counts[i].text, counts[i].least, counts[i].most, &n,
				why) != counts[i].good)
			fail_msg("'%s' was %s", counts[i].text,
				 counts[i].good ? "refused" : "taken");
	}
}

static const struct {
	enum unit unit;
	double value;
	const char *text;
} shown[] = {
	{ UNIT_BYTES, 1536, "1.5 KiB" }, { UNIT_RATE, 1048576, "1.0 MiB/s" },
	{ UNIT_MS, 0.25, "0.25 ms" },	 { UNIT_MS, 999, "999 ms" },
	{ UNIT_MS, 1500, "1.5 s" },	 { UNIT_PERCENT, 94.06, "94.1%" },
	{ UNIT_YESNO, 1, "yes" },	 { UNIT_YESNO, 0, "no" },
	{ UNIT_COUNT, 12345678, "12345678" }, { UNIT_NONE, 1.0 / 3, "0.333333" },
	{ UNIT_COUNT, -2, "-2" },
};

static void
for_people(void **state)
{
	char text[32];
	(void)state;
	for (size_t i = 0; i < COUNT(shown); i++) {
		units_text(shown[i].unit, shown[i].value, text, sizeof text);
		assert_string_equal(text, shown[i].text);
	}
	units_text(UNIT_RATE, 1048576, text, 6);
	assert_string_equal(text, "1.0 M");
}

int
test_units(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_have_units),
		cmocka_unit_test(every_millisecond_can_be_written),
		cmocka_unit_test(sizes_have_units),
		cmocka_unit_test(thresholds_have_their_metrics_unit),
		cmocka_unit_test(counts_are_whole),
		cmocka_unit_test(for_people),
	};
	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
