/* Performance data of monitoring plugins. */
#include "probes/perf.h"

#include "test/unit/probes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *output, *label;
	double value; /* NaN: none */
} rows[] = {
	{ "DISK OK | /=2643MB;5948;5958;0;5968 /boot=68MB;88", "/", 2643 },
	{ "DISK OK | /=2643MB;5948;5958;0;5968 /boot=68MB;88", "/boot", 68 },
	{ "DISK OK | /=2643MB;5948;5958;0;5968 /boot=68MB;88", "/var", (double)NAN },
	{ "PING ok - RTA = 0.5 ms|rta=0.500000ms;3;5;0 pl=0%;80;100;0", "rta", 0.5 },
	{ "PING ok - RTA = 0.5 ms|rta=0.500000ms;3;5;0 pl=0%;80;100;0", "pl", 0 },
	{ "ok | 'free space'=-12.5GB a=1", "free space", -12.5 },
	{ "ok | 'it''s'=3 a=1", "it's", 3 },
	{ "ok | 'it''s'=3 a=1", "a", 1 },
	{ "ok | a=U", "a", (double)NAN },
	{ "ok | a=", "a", (double)NAN },
	{ "ok | a", "a", (double)NAN },
	{ "ok | a=nan b=inf", "a", (double)NAN },
	{ "ok | a=1e999", "a", (double)NAN },
	{ "ok a=1", "a", (double)NAN },
	{ "ok\nmore a=1", "a", (double)NAN },
	{ "ok | a=1\nlong text\nmore | b=2\nc=3", "b", 2 },
	{ "ok | a=1\nlong text\nmore | b=2\nc=3", "c", 3 },
	{ "ok | a=1\nlong text\nmore | b=2\nc=3", "a", 1 },
	{ "ok |", "a", (double)NAN },
	{ "ok | 'a", "a", (double)NAN },
	{ "ok | 'a''", "a'", (double)NAN },
	{ "", "a", (double)NAN },
};

static void
finds_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t n = strlen(rows[i].output);
		char *exact = malloc(n + 1); /* nothing stands behind it */
		assert_non_null(exact);
		memcpy(exact, rows[i].output, n);
		double got = perf_value(exact, n, rows[i].label);
		free(exact);
		if (isnan(rows[i].value) ? !isnan(got)
					 : !(fabs(got - rows[i].value) < 1e-9))
			fail_msg("row %zu: %s of '%s' is %g, expected %g", i,
				 rows[i].label, rows[i].output, got, rows[i].value);
	}
}

int
test_probes_perf(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_values),
	};
	return cmocka_run_group_tests_name("probes_perf", tests, NULL, NULL);
}
