/* The unit tests of probes/. */
#include "test/unit/probes.h"

size_t
cut_next(unsigned cut, size_t left, uint32_t *chance)
{
	if (cut == CUT_NEVER || left == 0)
		return left;
	if (cut == CUT_ALWAYS)
		return 1;
	*chance = *chance * 1664525u + 1013904223u + cut;
	size_t n = 1 + (*chance >> 16) % (left < 64 ? left : left / 4);
	return n;
}

int
main(void)
{
	int failed = 0;
	failed += test_probes_expect();
	failed += test_probes_h2();
	failed += test_probes_http();
	failed += test_probes_http_ask();
	failed += test_probes_http_check();
	failed += test_probes_http_limits();
	failed += test_probes_kinds();
	failed += test_probes_mysql();
	failed += test_probes_perf();
	failed += test_probes_resolve();
	failed += test_probes_results();
	failed += test_probes_schedule();
	failed += test_probes_sockets();
	failed += test_probes_talks();
	failed += test_probes_tree();
	failed += test_probes_worker();
	return failed != 0;
}
