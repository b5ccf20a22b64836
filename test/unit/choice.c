/* Who is chosen, in the corners that a change of decide_choice.c could hide in (test/mutate). */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

#define CHECK(n) "[check " n "]\ntcp = h:1\ndown = 2\nup = 1\n"
#define OF(s) "[service " s "]\nrun = /" s "\n[check c" s "]\nof = " s "\ntcp = h:1\ndown = 2\nup = 1\n"

static const char one[] = OF("a") OF("b") CHECK("cc") CHECK("proof")
	"[route one]\nswitch = /s\nbackend = a check ca\nbackend = b check cb\nbackend = c check cc\n"
	"verify = proof within 3s\nreturn = after 10s\n"
	"[rule few]\nwhen = one.healthy < 2\ndo = log\n";
#define TOLD "route-undone route-moved rule-fired"
#define WELL "adopted:a adopted:b go good:ca good:cb good:cc good:proof seen:one=a +1s "

static const struct stage_row ones[] = {
	/* who is stopped is dead, also while nobody else is proven */
	{ "adopted:a adopted:b go good:ca good:proof seen:one=a +1s !stop:a exited:a=0 empty:a good:cb good:cc bad:cc bad:cc",
	  TOLD, "TERM:a(main) answer:done route:one=b-a rule-fired:few" },
	/* but not before all that runs was told of */
	{ "adopted:b good:cb good:cc seen:one=a ?one go +0ms", TOLD,
	  "one=primary start:a route:one=b-a" },
	{ WELL "bad:cb bad:cb bad:cc good:proof bad:cc", TOLD, "rule-fired:few" },
	{ WELL "bad:cb bad:cb", TOLD, "" },
	/* one that once failed its proof is better than one that is down */
	{ WELL "bad:ca bad:ca seen:one bad:proof bad:proof +3s seen:one good:proof bad:cc bad:cc", TOLD,
	  "route:one=b-a route-moved:one route:one=c-a route-undone:one route-moved:one "
	  "route:one=b-a,c rule-fired:few" },
	/* a choice by hand that dies leaves to the first of the others */
	{ WELL "!reroute:one=b seen:one good:proof killed:b=9", TOLD,
	  "route:one=b route-moved:one answer:done route:one=a" },
	/* without a name, the next that is well; nobody, if there is none */
	{ WELL "bad:cb bad:cb !reroute:one", TOLD, "route:one=c-b" },
	{ WELL "bad:cb bad:cb bad:cc good:proof bad:cc !reroute:one", TOLD, "rule-fired:few answer:refused" },
	/* what a front forgot after an order, routes tells it by itself */
	{ WELL "!reroute:one=b seen:one good:proof anew:one=a ?one", TOLD " route-drifted",
	  "route:one=b route-moved:one answer:done one=manual" },
	/* what is as it was ordered is nobody's work */
	{ WELL "hand:one=a ?one", TOLD " route-by-hand", "one=primary" },
	/* restored while the first choice is ill, or nothing is to be restored */
	{ WELL "hand:one=c seen:one bad:ca bad:ca !restore:one ?one", "route-by-hand",
	  "route:one=c route-by-hand:one answer:done one=rerouted" },
	{ WELL "bad:cc bad:cc good:proof bad:ca bad:ca seen:one bad:proof +3s ?one !restore:one ?one",
	  "route-stuck", "route:one=b-a,c route-stuck:one one=stuck answer:done one=stuck" },
	/* slow is well enough */
	{ WELL "warn:ca warn:ca +1m ?one", TOLD, "one=primary" },
	/* the choice of now may be made for a time as well */
	{ WELL "+1m !reroute:one=a/60 +61s ?one", "route-released",
	  "answer:done route-released:one one=primary" },
	/* what a hand changes needs no proof; nor is it half of a change for what was one long ago */
	{ WELL "!reroute:one=b seen:one hand:one=c +3s ?one", TOLD " route-by-hand",
	  "route:one=b route-moved:one route:one=c answer:failed route-by-hand:one one=manual" },
	{ WELL "hand:one=a,b +2s hand:one=b +1m hand:one=b,c ?one", "route-by-hand route-drifted",
	  "route:one=b route-by-hand:one one=manual" },
	/* an operator gives a second chance to what was not proven */
	{ WELL "bad:ca bad:ca seen:one good:proof good:ca +10s seen:one bad:proof +3s seen:one "
	       "good:proof !restore:one",
	  "route-undone",
	  "route:one=b-a route:one=a route:one=b route-undone:one route:one=a" },
};

static const char zero[] = CHECK("ca") CHECK("cb") CHECK("cc") CHECK("proof")
	"[route all]\nswitch = /s\nbackend = a check ca\nbackend = b check cb\nbackend = c check cc\n"
	"active = all\nkeep = 2\nreturn = after 0ms\nverify = proof within 3s\n"
	"[route first]\nswitch = /t\nbackend = a check ca\nbackend = b check cb\nreturn = manual\n";
#define ALL "go good:ca good:cb good:cc good:proof seen:all=a,b,c seen:first=a +1s "

static const struct stage_row alls[] = {
	/* back at once */
	{ ALL "bad:ca bad:ca seen:all good:proof good:ca", "route-restored",
	  "route:all=b,c-a route:first=b-a route:all=a,b,c" },
	/* who came in and was not proven stays out for a while */
	{ ALL "bad:ca bad:ca seen:all good:proof +1ms good:ca seen:all bad:proof +3s seen:all "
	      "good:proof good:ca +5s +10s",
	  "route-undone",
	  "route:all=b,c-a route:first=b-a route:all=a,b,c route:all=b,c route-undone:all "
	  "route:all=a,b,c route:all=b,c route-undone:all" },
	/* too few: better one that was not proven than one that a hand took out */
	{ ALL "bad:cc bad:cc seen:all good:proof +1ms good:cc seen:all bad:proof +3s seen:all "
	      "hand:all=a", "route-undone",
	  "route:all=a,b-c route:all=a,b,c route:all=a,b route-undone:all route:all=a "
	  "route:all=a,c" },
	/* an order is carried out when the front says so */
	{ ALL "!reroute:first=b ?first seen:first", NULL,
	  "route:first=b first=manual answer:done" },
	/* too few: unknown ones stay in, and nobody comes in who is down */
	{ ALL "unknown:ca bad:cb bad:cb bad:cc bad:cc ?all", NULL, "route:all=a,c-b all=rerouted" },
	/* return = manual: nobody comes back by himself */
	{ ALL "bad:ca bad:ca seen:first seen:all good:proof good:ca seen:all good:proof +1h ?first "
	      "!restore:first", NULL,
	  "route:all=b,c-a route:first=b-a route:all=a,b,c first=rerouted route:first=a" },
};

static const char keeps[] = "[service a]\nrun = /a\n[check ca]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n"
	"[service b]\nrun = /b\n[check cb]\nof = b\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check cc]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[route all]\nswitch = /s\nbackend = a check ca\nbackend = b check cb\nbackend = c check cc\n"
	"active = all\nkeep = 2\nreturn = after 1h\n";
#define THREE "adopted:a adopted:b go good:ca good:cb good:cc seen:all=a,b,c +1s "

static const struct stage_row kept[] = {
	/* too few: who is well comes in unrested, for who is down */
	{ THREE "bad:cb seen:all bad:ca good:cb", NULL,
	  "route:all=a,c-b route:all=b,c-a" },
	{ THREE "bad:ca seen:all bad:cb good:ca", NULL,
	  "route:all=b,c-a route:all=a,c-b" },
	/* not one that nobody knows, for one that carried it */
	{ THREE "bad:ca seen:all unknown:ca bad:cb ?all", NULL,
	  "route:all=b,c-a all=rerouted" },
	/* an order takes none of the last two */
	{ THREE "bad:cc !drain:a", NULL,
	  "route:all=a,b-c answer:refused" },
	{ THREE "!drain:a", NULL,
	  "route:all=b,c" },
	/* what a hand put in stays only while its process lives */
	{ THREE "bad:cb seen:all hand:all=a,b,c +1m *all killed:b=9 empty:b started:b good:cb +1m *all", NULL,
	  "route:all=a,c-b route:all=a,b,c all is manual since 1, wanted a,b,c, seen "
	  "a,b,c, 0 bytes of error route:all=a,c start:b all is rerouted since 61, "
	  "wanted a,c, seen a,b,c, 0 bytes of error" },
};

static void
corners(void **state)
{
	(void)state;
	stage_table(one, ones, COUNT(ones));
	stage_table(zero, alls, COUNT(alls));
	stage_table(keeps, kept, COUNT(kept));
}

int
test_choice(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(corners) };
	return cmocka_run_group_tests_name("choice", tests, NULL, NULL);
}
