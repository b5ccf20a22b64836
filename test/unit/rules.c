/* The unit tests of rules/. */
#include "test/unit/unit.h"

int
main(void)
{
	int failed = 0;
	failed += test_breaker();
	failed += test_evidence();
	failed += test_check();
	failed += test_condition();
	failed += test_choice();
	failed += test_doubt();
	failed += test_drain();
	failed += test_incident();
	failed += test_mistakes();
	failed += test_move();
	failed += test_need();
	failed += test_route();
	failed += test_prove();
	failed += test_rule();
	failed += test_series();
	failed += test_service();
	failed += test_source();
	failed += test_turn();
	failed += test_units();
	failed += test_values();
	return failed != 0;
}
