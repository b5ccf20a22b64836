/* Out of the routes by order, until it is undrained. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

static const char text[] =
	"[service a]\nrun = /a\ndrain = one\n[check ca]\nof = a\ntcp = h:1\ndown = 1\nup "
	"= 1\n"
	"[service b]\nrun = /b\n[check cb]\nof = b\ntcp = h:1\ndown = 1\nup = 1\n"
	"[service lone]\nrun = /l\n"
	"[route one]\nswitch = /1\nbackend = a check ca\nbackend = b check cb\n"
	"return = after 5s\n"
	"[route all]\nswitch = /2\nbackend = a check ca\nbackend = b check cb\nactive = "
	"all\n"
	"[rule fat]\nwhen = a.memory > 1G\ndo = drain a\n"
	"[rule thin]\nwhen = a.memory < 1M\ndo = undrain a\n";
#define UP                                                                               \
	"adopted:a adopted:b adopted:lone go good:ca good:cb seen:one=a seen:all=a,b "   \
	"+10s "
#define OUT "!drain:a seen:one=b seen:all=b "
#define TOLD "service-drained service-undrained incident-open action-done"
#define GONE "service-drained:a route:one=b route:all=b "

static const struct stage_row rows[] = {
	/* answered once no front sends it traffic */
	{ UP "!drain:a seen:one=b ?a seen:all=b +1m ?one", TOLD,
	  GONE "a=up answer:done one=rerouted" },
	/* back by order: at once among all, after its rest as the first choice */
	{ UP OUT "!undrain:a +5s", TOLD,
	  GONE "answer:done service-undrained:a route:all=a,b answer:done route:one=a" },
	/* so already */
	{ UP OUT "!drain:a !undrain:b", TOLD,
	  GONE "answer:done answer:done answer:done" },
	/* not the last one that is healthy, nor what carries nothing */
	{ UP "bad:cb !drain:a", "service-drained", "route:all=a-b answer:refused" },
	{ UP "!drain:lone", TOLD, "answer:refused" },
	/* a restart does not let it in again */
	{ UP OUT "!restart:a +1s exited:a=0 empty:a started:a good:ca +1m ?one", TOLD,
	  GONE "answer:done TERM:a(main) start:a answer:done one=rerouted" },
	/* better than one that is dead */
	{ UP OUT "bad:cb", "service-drained", GONE "answer:done route:all=a-b" },
	/* it survives a reload and our death */
	{ UP OUT "reload +1m ?one", TOLD, GONE "answer:done one=rerouted" },
	{ UP OUT "reborn good:ca good:cb seen:one=b seen:all=b +2m", TOLD,
	  GONE "answer:done" },
	{ UP OUT "!undrain:a reborn good:ca good:cb seen:one=b seen:all=a,b +10s", TOLD,
	  GONE "answer:done service-undrained:a route:all=a,b answer:done route:one=a" },
	/* a hand at the front does not undo an order, now or later */
	{ UP OUT "hand:all=a,b seen:all=b !undrain:a bad:ca ?all", "route-by-hand",
	  "route:one=b route:all=b answer:done route:all=a,b route-by-hand:all route:all=b "
	  "route:all=a,b answer:done route:all=b-a all=rerouted" },
	/* let in again before it was out: that ends who waited; remembered, and seen */
	{ UP "!drain:a !undrain:a", TOLD,
	  "service-drained:a route:one=b route:all=b service-undrained:a answer:failed "
	  "route:all=a,b answer:done" },
	{ UP "# !drain:a # seen:one=b seen:all=b *a !undrain:a", "remember",
	  "[a b lone ca cb one all] route:one=b route:all=b remember remember [a one "
	  "all] answer:done a is up since 0, process 1 of 0, 0 restarts, memory nan, "
	  "cpu nan, drained route:all=a,b remember answer:done remember" },
	/* not where one of its fronts has no other */
	{ UP "seen:one=a bad:cb good:cb !drain:a !drain:b", NULL,
	  "route:all=a-b route:one=b route:all=b answer:refused" },
	{ UP "hand:all=a seen:all !drain:a", NULL, "route:all=a answer:refused" },
	/* who cannot wait is told so */
	{ UP "!drain:a !drain:a !drain:a !drain:a !drain:a !drain:a !drain:a !drain:a !drain:a", NULL,
	  "route:one=b route:all=b answer:refused answer:refused answer:refused answer:refused "
	  "answer:refused" },
	/* the second one as well: over our death */
	{ UP "!drain:b seen:all=a reborn good:ca good:cb seen:one=a seen:all=a +2m *all", NULL,
	  "route:all=a answer:done all is rerouted since 10, wanted a, seen a, 0 bytes "
	  "of error" },
	/* by a rule; nothing is told of what is so already */
	{ UP OUT "sample:a.memory=2e9", "action-done", "route:one=b route:all=b answer:done" },
	{ UP "sample:a.memory=2e9", TOLD, "service-drained:a route:one=b route:all=b" },
	{ UP "sample:a.memory=2e9 sample:a.memory=1", TOLD,
	  GONE "service-undrained:a route:all=a,b" },
};

static void
out_until_undrained(void **state)
{
	(void)state;
	stage_table(text, rows, COUNT(rows));
}

int
test_drain(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(
		out_until_undrained) };
	return cmocka_run_group_tests_name("drain", tests, NULL, NULL);
}
