/* The unit tests of rules/. */
#include "test/unit/unit.h"

#include <stdlib.h>

/* MONITORD_FIRST: the first group that fails is enough (test/mutate). */
int
main(void)
{
	static int (*const groups[])(void) = {
		test_condition, test_rule,   test_service, test_route,	test_brake,	test_breaker,
		test_evidence,	test_check,  test_choice,  test_doubt,	test_drain,
		test_incident,	test_incident_ends, test_relate, test_storm, test_silence, test_telling, test_move,   test_need,	   test_turn,	test_series,
		test_chain,     test_start,  test_stop, test_switch, test_crash,
		test_mistakes,	test_prove,  test_source,  test_units,	test_values,
		test_same,	test_decide,    test_keys,
	};
	int failed = 0;
	for (size_t i = 0; i < COUNT(groups); i++) {
		failed += groups[i]();
		if (failed != 0 && getenv("MONITORD_FIRST") != NULL)
			break;
	}
	return failed != 0;
}
