/* The unit tests of base/. */
#include "test/unit/unit.h"

int
main(void)
{
	int failed = 0;
	failed += test_arena();
	failed += test_clock();
	failed += test_file();
	failed += test_helper();
	failed += test_journal();
	failed += test_loop();
	failed += test_msg();
	failed += test_sandbox();
	failed += test_text();
	return failed != 0;
}
