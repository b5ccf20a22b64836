/* What functions over time remember: against sums over all samples, in a fixed memory. */
#include "rules/series.h"
#include "test/unit/unit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_MAX 20000

static struct series_view view;
static double values[SAMPLES_MAX];
static int64_t times[SAMPLES_MAX];
static unsigned count;

static void
begin(const struct series *s, int64_t every_ms)
{
	free(view.slices);
	free(view.counts);
	view = (struct series_view){ .cap = series_cap(s, every_ms) };
	view.slices = calloc(view.cap, sizeof *view.slices);
	if (series_counts(s))
		view.counts = calloc(series_counters(view.cap), sizeof *view.counts);
	count = 0;
}

static void
push(const struct series *s, int64_t now_ms, double value)
{
	assert_true(count < SAMPLES_MAX);
	times[count] = now_ms;
	values[count++] = value;
	series_push(&view, s, now_ms, value);
}

static int
by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

/* The same over all samples of the window. */
static double
truth(const struct series *s, int64_t now_ms)
{
	static double in[SAMPLES_MAX];
	unsigned n = 0, from = count;
	double sum = 0, least = (double)INFINITY, most = -(double)INFINITY;
	while (from > 0 && now_ms - times[from - 1] <= s->span_ms)
		from--;
	for (unsigned i = from; i < count; i++) {
		in[n++] = values[i];
		sum += values[i];
		least = fmin(least, values[i]);
		most = fmax(most, values[i]);
	}
	double grown = in[n - 1] - in[0],
	       s_gone = (double)(times[count - 1] - times[from]) / 1000;
	if (s->function == FUNCTION_P95 || s->function == FUNCTION_P99) {
		qsort(in, n, sizeof *in, by_value);
		unsigned rank = (n * (s->function == FUNCTION_P95 ? 95 : 99) + 99) / 100;
		return in[rank - 1];
	}
	switch (s->function) {
	case FUNCTION_AVG:
		return sum / n;
	case FUNCTION_MAX:
		return most;
	case FUNCTION_MIN:
		return least;
	case FUNCTION_GROWTH:
		return grown;
	case FUNCTION_RATE:
		return grown / s_gone;
	case FUNCTION_NONE:
	case FUNCTION_P95:
	case FUNCTION_P99:
	case FUNCTION_CHANGED:
	case FUNCTION_FORECAST:
	case FUNCTIONS:
		break;
	}
	return (double)NAN;
}

static double
noise(unsigned i)
{
	return (double)(i * 7919 % 1009) / 1009;
}

/* One sample a slice: exact. Thousands: within what the header says. */
static void
like_all_samples(void **state)
{
	(void)state;
	static const struct {
		int64_t every_ms, pushed_ms, span_ms;
		double error; /* of the values' range */
	} rows[] = {
		{ 5000, 5000, 300000, 1e-9 },   { 1000, 1000, 10000, 1e-9 },
		{ 60000, 60000, 300000, 1e-9 }, { 5000, 500, 300000, 0.05 },
		{ 1000, 100, 600000, 0.05 },
	};
	for (size_t r = 0; r < COUNT(rows); r++)
		for (enum function f = FUNCTION_AVG; f <= FUNCTION_GROWTH; f++) {
			struct series s = { .metric = METRIC_MEMORY,
					    .function = f,
					    .span_ms = rows[r].span_ms };
			double got, range = f == FUNCTION_RATE
						    ? 1e9 / ((double)s.span_ms / 1000)
						    : 1e9;
			bool whole;
			begin(&s, rows[r].every_ms);
			for (unsigned i = 0;
			     i < 20000 && (int64_t)i * rows[r].pushed_ms < 3 * s.span_ms;
			     i++)
				push(&s, 1000 + i * rows[r].pushed_ms,
				     1e6 +
					     1e9 * noise(i) *
						     (f == FUNCTION_RATE ||
								      f == FUNCTION_GROWTH
							      ? 0.01
							      : 1) +
					     1e5 * i);
			assert_true(
				series_value(&view, &s, times[count - 1], &got, &whole));
			assert_true(whole);
			double want = truth(&s, times[count - 1]);
			bool percent = f == FUNCTION_P95 || f == FUNCTION_P99;
			double allowed = percent ? 0.06 * want
						 : rows[r].error * range + 1e-9 * want;
			if (fabs(got - want) > allowed)
				fail_msg("row %zu, %s: %g, not %g", r, function_name[f],
					 got, want);
		}
}

/* Within 4 % of what it counts, from microseconds to days and from bytes to terabytes. */
static void
percentiles_of_any_size(void **state)
{
	(void)state;
	static const enum metric metrics[] = { METRIC_LATENCY, METRIC_MEMORY,
					       METRIC_CPU };
	static const double least[] = { 0.002, 200, 0.01 }, most[] = { 8e8, 8e13, 1e5 };
	for (size_t m = 0; m < COUNT(metrics); m++)
		for (double v = least[m]; v < most[m]; v *= 1.37) {
			struct series s = { .metric = metrics[m],
					    .function = FUNCTION_P99,
					    .span_ms = 60000 };
			double got;
			bool whole;
			begin(&s, 1000);
			for (unsigned i = 0; i < 100; i++)
				push(&s, 1000 + i * 500, i == 0 ? 0 : v);
			assert_true(
				series_value(&view, &s, times[count - 1], &got, &whole));
			if (fabs(got - v) > 0.04 * v)
				fail_msg("%s %g: %g", metric_table[metrics[m]].name, v,
					 got);
		}
}

static void
knows_when_it_covers(void **state)
{
	(void)state;
	struct series s = { .metric = METRIC_MEMORY,
			    .function = FUNCTION_MAX,
			    .span_ms = 60000 };
	double v;
	bool whole;
	begin(&s, 5000);
	assert_false(series_value(&view, &s, 0, &v, &whole));
	for (int64_t t = 0; t <= 50000; t += 5000) {
		push(&s, 1000 + t, 7);
		assert_true(series_value(&view, &s, 1000 + t, &v, &whole));
		assert_false(whole);
	}
	push(&s, 56000, 7);
	assert_true(series_value(&view, &s, 56000, &v, &whole));
	assert_true(whole);
	/* nobody looked for longer than the window: anew */
	push(&s, 56000 + 60001, 9);
	assert_true(series_value(&view, &s, 56000 + 60001, &v, &whole));
	assert_false(whole);
	assert_true(v > 8 && v < 10);
	series_forget(&view);
	assert_false(series_value(&view, &s, 56000 + 60001, &v, &whole));
}

static bool
fit(double slope, double scatter, double start, unsigned samples,
    struct series_line *line)
{
	struct series s = { .metric = METRIC_MEMORY,
			    .function = FUNCTION_FORECAST,
			    .span_ms = 600000 };
	begin(&s, 5000);
	for (unsigned i = 0; i < samples; i++) /* after a year of uptime */
		push(&s, 31536000000 + i * 5000,
		     start + slope * i * 5 + scatter * (noise(i) - 0.5));
	return series_fit(&view, &s, times[count - 1], line);
}

static void
lines(void **state)
{
	(void)state;
	struct series_line line;
	assert_true(
		fit(1e5, 0, 1e12, 120, &line)); /* 100 kB a second on top of a terabyte */
	assert_true(fabs(line.slope - 1e5) < 1 && line.fit > 0.999999);
	assert_true(fabs(line.value - (1e12 + 1e5 * 595)) < 100);
	assert_true(fit(-1e5, 0, 1e12, 120, &line));
	assert_true(fabs(line.slope + 1e5) < 1);
	assert_true(fit(1e5, 1e7, 1e9, 120, &line)); /* noisy, and a line */
	assert_true(line.fit > FORECAST_FIT && line.fit < 0.999 &&
		    fabs(line.slope / 1e5 - 1) < 0.2);
	assert_false(fit(1e5, 1e8, 1e9, 120, &line)); /* more noise than line */
	assert_true(fit(0, 1e8, 1e9, 120, &line));    /* no trend at all: it stays */
	assert_true(!(line.slope > 0 || line.slope < 0) &&
		    fabs(line.value / 1e9 - 1) < 0.05);
	assert_true(fit(0, 0, 1e9, 120, &line)); /* a flat line fits itself */
	assert_true(fabs(line.value - 1e9) < 1);
	assert_false(fit(1e5, 0, 1e9, 11, &line)); /* too few */
	assert_false(fit(1e5, 0, 1e9, 30, &line)); /* less than a quarter of the window */
	assert_true(fit(1e5, 0, 1e9, 31, &line));
}

static void
changes(void **state)
{
	(void)state;
	struct series s = { .metric = METRIC_PID,
			    .function = FUNCTION_CHANGED,
			    .span_ms = 60000 };
	double v;
	bool whole;
	begin(&s, 5000);
	push(&s, 1000, 5);
	push(&s, 6000, 5);
	assert_true(series_value(&view, &s, 6000, &v, &whole) && !(v > 0));
	push(&s, 11000, 6);
	for (int64_t t = 16000; t <= 71000; t += 5000)
		push(&s, t, 6);
	assert_true(series_value(&view, &s, 71000, &v, &whole) && v > 0);
	push(&s, 76000, 6);
	assert_true(series_value(&view, &s, 76000, &v, &whole) && !(v > 0));
}

/* The mark that moves by a step or two is where a count of all samples finds it. */
static void
percentiles_move(void **state)
{
	static const int64_t spans[] = { 20000, 60000, 3600000 };
	(void)state;
	srand48(7);
	for (size_t k = 0; k < COUNT(spans); k++) {
		struct series s = { .metric = METRIC_LATENCY,
				    .function = k == 1 ? FUNCTION_P95 : FUNCTION_P99,
				    .span_ms = spans[k] };
		unsigned percent = k == 1 ? 95 : 99;
		int64_t now = 1000;
		begin(&s, 1000);
		for (unsigned i = 0; i < 3000; i++) {
			uint64_t total = 0, below = 0;
			double v;
			bool whole;
			/* now and then a long gap, a new process, a burst of what is slow */
			now += drand48() < 0.01 ? spans[k] / 2
						: (int64_t)(drand48() * 2000);
			if (drand48() < 0.002)
				series_forget(&view);
			series_push(&view, &s, now,
				    exp(drand48() * 8 - 1) +
					    (i / 300 % 2 == 0 ? 0 : 500));
			assert_true(series_value(&view, &s, now, &v, &whole));
			for (unsigned x = 0; x < view.used; x++)
				total += view.slices[(view.first + x) % view.cap].count;
			assert_int_equal(view.total, total);
			for (unsigned c = 0; c < view.mark; c++)
				for (unsigned x = 0; x < view.cap; x++)
					below += view.counts[x * SERIES_CODES + c];
			assert_int_equal(view.below, below);
			for (unsigned x = 0; x < view.cap; x++)
				below += view.counts[x * SERIES_CODES + view.mark];
			assert_true(100 * view.below < total * percent);
			assert_true(100 * below >= total * percent);
		}
		/* with time alone the oldest go, and then all */
		double before, v;
		bool whole;
		assert_true(series_value(&view, &s, now, &before, &whole));
		for (int64_t t = now; t - now <= spans[k]; t += 500)
			assert_true(series_value(&view, &s, t, &v, &whole));
		assert_false(series_value(&view, &s, now + spans[k] + 1, &v, &whole));
	}
}

static int
clean(void **state)
{
	(void)state;
	free(view.slices);
	free(view.counts);
	return 0;
}

int
test_series(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(like_all_samples),
		cmocka_unit_test(percentiles_of_any_size),
		cmocka_unit_test(percentiles_move),
		cmocka_unit_test(knows_when_it_covers),
		cmocka_unit_test(lines),
		cmocka_unit_test(changes),
	};
	return cmocka_run_group_tests_name("series", tests, NULL, clean);
}
