/* What only monitord may read of a service. */
#include "monitord/measure.h"

#include "test/unit/unit.h"

#include <math.h>
#include <stdint.h>

static void
reads_disk_traffic(void **state)
{
	uint64_t bytes[2] = { 0 };
	(void)state;
	assert_true(measure_io(
		"rchar: 5\nwchar: 6\nsyscr: 1\nsyscw: 1\nread_bytes: 4096\n"
		"write_bytes: 18446744073709551615\ncancelled_write_bytes: 0\n",
		bytes));
	assert_true(bytes[0] == 4096 && bytes[1] == UINT64_MAX);
	assert_false(measure_io("rchar: 5\nread_bytes: 1\n", bytes));
	assert_false(measure_io("", bytes));
	/* not that of writes that were taken back */
	assert_false(
		measure_io("a: 1\nread_bytes: 1\ncancelled_write_bytes: 7\n", bytes));
}

static void
reads_pressure(void **state)
{
	static const struct {
		const char *text;
		double value; /* NaN: none */
	} rows[] = {
		{ "some avg10=0.25 avg60=0.10 avg300=0.00 total=99\nfull avg10=0.00 …\n",
		  0.25 },
		{ "some avg10=100.00 avg60=3\n", 100 },
		{ "some avg10=x", (double)NAN },
		{ "full avg10=1.0", (double)NAN },
		{ "", (double)NAN },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		double got = measure_pressure(rows[i].text);
		if (isnan(rows[i].value) ? !isnan(got)
					 : !(fabs(got - rows[i].value) < 1e-9))
			fail_msg("row %zu: got %g, expected %g", i, got, rows[i].value);
	}
}

int
test_measure(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_disk_traffic),
		cmocka_unit_test(reads_pressure),
	};
	return cmocka_run_group_tests_name("measure", tests, NULL, NULL);
}
