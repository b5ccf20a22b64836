/* Packed columns: what comes back is what went in, to 13 bits. */
#include "status/pack.h"

#include "test/unit/status.h"
#include "test/unit/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void
same_slots(const float *got, const float *want, const char *name)
{
	for (unsigned i = 0; i < PACK_SLOTS; i++)
		if (isnan(want[i]) ? !isnan(got[i]) : fabsf(got[i] - want[i]) > 0)
			fail_msg("%s: slot %u: expected %g, got %g", name, i,
				 (double)want[i], (double)got[i]);
}

/* Puts every value, NaNs left out or put by turns, and reads it back. */
static size_t
round_trip(const double *values, const char *name)
{
	struct column c = { 0 };
	float want[PACK_SLOTS], got[PACK_SLOTS];
	unsigned last = 0;
	for (unsigned i = 0; i < PACK_SLOTS; i++) {
		want[i] = pack_round(values[i]);
		if (!isnan(values[i]) || i % 2 == 0) {
			assert_true(column_put(&c, i, values[i]));
			last = i + 1;
		}
	}
	assert_true(column_flush(&c));
	assert_int_equal(pack_read(c.bytes, c.size, got), last);
	same_slots(got, want, name);
	size_t size = c.size;
	column_empty(&c);
	return size;
}

static void
what_goes_in_comes_out(void **state)
{
	double v[PACK_SLOTS];
	(void)state;
	for (unsigned i = 0; i < PACK_SLOTS; i++)
		v[i] = 1;
	assert_true(round_trip(v, "constant") <= 8);
	for (unsigned i = 0; i < PACK_SLOTS; i++)
		v[i] = (double)NAN;
	assert_true(round_trip(v, "nothing") <= 8);
	for (unsigned i = 0; i < PACK_SLOTS; i++)
		v[i] = i % 7 == 0 ? (double)NAN : i % 5;
	round_trip(v, "gaps");
	srandom(1);
	for (unsigned i = 0; i < PACK_SLOTS; i++)
		v[i] = (double)random() / RAND_MAX * 100;
	assert_true(round_trip(v, "random") <= PACK_SLOTS * 5 / 2);
	for (unsigned i = 0; i < PACK_SLOTS; i++)
		v[i] = (i % 2 == 0 ? 1 : -1) * pow(10, (double)(i % 60) - 30);
	round_trip(v, "extremes");
	v[3] = (double)INFINITY;
	v[4] = 1e300;
	round_trip(v, "no floats");
}

static void
whole_numbers_are_exact(void **state)
{
	(void)state;
	for (int i = -8192; i <= 8192; i++)
		assert_true(pack_round(i) >= (float)i && pack_round(i) <= (float)i);
	for (double v = 1e-6; v < 1e15; v *= 1.37)
		assert_true(fabs((double)pack_round(v) - v) / v < 0.00013);
}

static void
slots_are_put_once(void **state)
{
	struct column c = { 0 };
	float got[PACK_SLOTS];
	(void)state;
	assert_true(column_put(&c, 5, 1));
	assert_true(column_put(&c, 5, 2)); /* a clock that went back */
	assert_true(column_put(&c, 3, 2));
	assert_true(column_put(&c, PACK_SLOTS, 2));
	assert_true(column_flush(&c));
	assert_int_equal(pack_read(c.bytes, c.size, got), 6);
	assert_true(isnan(got[3]) && got[5] >= 1 && got[5] <= 1);
	column_empty(&c);
}

static void
malformed_columns_are_told(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} rows[] = {
		{ "\x00", 1 },                     /* a run without a length */
		{ "\x02\x00\xff\x7f", 4 },         /* longer than an hour */
		{ "\x80", 1 },                     /* a number that is cut */
		{ "\x80\x80\x80\x80\x80\x01", 6 }, /* too long */
		{ "\xff\xff\xff\xff\x0f", 5 },     /* no float */
	};
	float got[PACK_SLOTS];
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(pack_read((const unsigned char *)rows[i].bytes,
					   rows[i].size, got),
				 -1);
}

int
test_status_pack(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(whole_numbers_are_exact),
		cmocka_unit_test(slots_are_put_once),
		cmocka_unit_test(malformed_columns_are_told),
	};
	return cmocka_run_group_tests_name("status/pack", tests, NULL, NULL);
}
