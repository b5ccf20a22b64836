/* The unit tests of monitord/: what needs neither the daemon nor its rights. */
#include "test/unit/unit.h"

int
main(void)
{
	int failed = 0;
	failed += test_absent();
	failed += test_account();
	failed += test_cgroup();
	failed += test_death();
	failed += test_envfile();
	failed += test_job();
	failed += test_logfile();
	failed += test_measure();
	failed += test_process();
	failed += test_ring();
	failed += test_spawn();
	return failed != 0;
}
