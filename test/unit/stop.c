/* How a service stops, and how it is restarted by plan. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

#define TEXT(mode)                                                                       \
	"[monitord]\nsmtp = h:25\nalert = ops\n" mode "[contact ops]\nmail = x@y\n"      \
	"[service a]\nrun = /a\nstop = TERM 5s, KILL\non-boot = stay\n"                  \
	"[service k]\nrun = /k\nstop = KILL\nevidence = sockets\non-boot = stay\n"       \
	"[service w]\nmatch = w\nstart = /s\nstop = /t\non-boot = stay\n"                \
	"[service b]\nrun = /b\ndepends = c\non-boot = stay\n[check c]\ntcp = h:1\n"     \
	"[service f]\nrun = /f\nrestart = failure\non-boot = stay\n"                     \
	"[rule again]\nwhen = again-now.down\ndo = restart f\n"                          \
	"[check again-now]\ntcp = h:1\ndown = 1\nup = 1\n"                               \
	"[service d]\nrun = /d\ndrain = r\nstop = TERM 5s, KILL\non-boot = stay\n"       \
	"[check cd]\nof = d\ntcp = h:1\ndown = 1\nup = 1\n"                              \
	"[service e]\nrun = /e\non-boot = stay\n"                                        \
	"[check ce]\nof = e\ntcp = h:1\ndown = 1\nup = 1\n"                              \
	"[route r]\nswitch = /r\nbackend = d check cd\nbackend = e check ce\nreturn = "  \
	"after 5s\n"
static const char text[] = TEXT("");
static const char dry[] = TEXT("mode = dry-run\n");
#define A "adopted:a go "
#define K "adopted:k go "
#define W "go !start:w found:w "
#define F "adopted:f go good:again-now "
#define D "adopted:d adopted:e go good:cd good:ce seen:r=d +10s "
#define GONE(s) "exited:" s "=0 empty:" s " "

static const struct stage_row rows[] = {
	/* what cannot be killed is told once, and once more in another life */
	{ A "!stop:a +1m", "service-signalled+ incident-open+",
	  "TERM:a(main) KILL:a(tree) KILL:a(tree) "
	  "service-signalled:a<service-stopping{a cannot be killed: no second instance "
	  "is started beside it} answer:failed KILL:a(tree) "
	  "incident-open:a<service-signalled(ops){a cannot be killed: no second "
	  "instance is started beside it} KILL:a(tree) KILL:a(tree) KILL:a(tree)" },
	{ A "!stop:a +1m " GONE("a") "!start:a started:a !stop:a +1m", "service-signalled",
	  "TERM:a(main) KILL:a(tree) KILL:a(tree) service-signalled:a answer:failed "
	  "KILL:a(tree) KILL:a(tree) KILL:a(tree) KILL:a(tree) start:a answer:done "
	  "TERM:a(main) KILL:a(tree) KILL:a(tree) service-signalled:a answer:failed "
	  "KILL:a(tree) KILL:a(tree) KILL:a(tree) KILL:a(tree)" },
	/* a KILL that is all it was to get asks nothing first */
	{ K "!stop:k", NULL,
	  "KILL:k(tree)" },
	/* a stop command has half a minute */
	{ W "+10s !stop:w +25s ?w +6s", NULL,
	  "start:w answer:done stop-command:w w=stopping TERM:w(main)" },
	/* a stop ends a drain, and what waits for what it depends on */
	{ D "!restart:d !stop:d seen:r +6s", NULL,
	  "route:r=e answer:failed TERM:d(main) KILL:d(tree)" },
	{ "go !start:b !stop:b good:c +1m ?b", NULL,
	  "answer:failed answer:done b=stopped" },
	/* between crashes it stays away */
	{ A "exited:a=1 empty:a started:a exited:a=1 empty:a ?a !stop:a ?a +1h", NULL,
	  "KILL:a(tree) start:a KILL:a(tree) a=backoff answer:done a=stopped" },
	/* one order after the other: the last counts */
	{ A "!stop:a !restart:a " GONE("a"), NULL,
	  "TERM:a(main) answer:done start:a" },
	{ D "!restart:d +3s !restart:d +3s", NULL,
	  "route:r=e TERM:d(main)" },
	{ D "!restart:d +3s !restart:d seen:r +1s", NULL,
	  "route:r=e TERM:d(main)" },
	/* a hold does not end what has begun, though its start waits for what it depends on */
	{ "adopted:b go good:c !restart:b bad:c bad:c " GONE("b") "!hold:b +1m ?b good:c good:c "
	  "?b started:b ?b reload", NULL,
	  "TERM:b(main) answer:done b=held start:b b=held answer:done b=held" },
	/* it is answered when all are stopped; none is begun any more */
	{ D "!restart:d +1s stop-all !start:d !restart:b !stop:d " GONE("d") "?d", NULL,
	  "route:r=e answer:failed TERM:d(main) TERM:e(main) answer:refused "
	  "answer:refused answer:done d=stopped" },
	{ D "!restart:d seen:r +1s stop-all " GONE("d") "+1m ?d", NULL,
	  "route:r=e TERM:d(main) answer:failed TERM:e(main) KILL:e(tree) KILL:e(tree) "
	  "KILL:e(tree) KILL:e(tree) KILL:e(tree) KILL:e(tree) d=stopped" },
	{ "adopted:b go !start:d stop-all", NULL, "start:d answer:failed TERM:b(main) TERM:d(rest)" },
	{ "go !start:b stop-all", NULL, "answer:failed" },
	/* a hold ends it, and traffic comes back */
	{ D "!restart:d seen:r !hold:d +6s seen:r +1s due?", NULL,
	  "route:r=e answer:failed answer:done route:r=d at-rest" },
	/* each drain is seen anew; that it is seen twice costs no time */
	{ D "!restart:d seen:r +1s " GONE("d") "started:d good:cd +10s seen:r !restart:d seen:r +1s", NULL,
	  "route:r=e TERM:d(main) start:d answer:done route:r=d route:r=e TERM:d(main)" },
	{ D "!restart:d seen:r +400ms seen:r +200ms", NULL,
	  "route:r=e TERM:d(main)" },
	/* what waits after a crash waits for what it depends on: as one that is stopped */
	{ "go good:c !start:b started:b exited:b=1 empty:b started:b exited:b=1 empty:b ?b "
	  "lost:net !restart:b ?b +1h good:c",
	  NULL,
	  "start:b answer:done KILL:b(tree) start:b KILL:b(tree) b=backoff b=stopped "
	  "start:b" },
	/* a rule starts what has ended well after crashes: as if it were the first time */
	{ F "exited:f=1 empty:f started:f exited:f=1 empty:f +1s started:f exited:f=0 empty:f "
	    "bad:again-now started:f exited:f=1 empty:f ?f",
	  NULL,
	  "KILL:f(tree) start:f KILL:f(tree) start:f KILL:f(tree) start:f KILL:f(tree) "
	  "start:f f=starting" },
};

/* What is watched is found in another way: who was it so far goes on by itself, and is no more. */
static const char seen[] = "[service w]\nmatch = w\n[check cw]\nof = w\ntcp = h:1\ndown = 1\nup = 1\n"
			   "[service x]\npidfile = /x\nstart = /s\nstop = /t\nready = exec\non-boot = stay\n"
			   "[service y]\nmatch = y\nstart = /s\nstop = /t\non-boot = stay\ndrain = r\nready = exec\n[check cy]\nof = y\ntcp = h:1\nup = 1\n"
			   "[check cz]\ntcp = h:1\nup = 1\n"
			   "[route r]\nswitch = /r\nbackend = y check cy\nbackend = z check cz\n"
			   "[rule gone]\nwhen = not y.up\ndo = log\n";
#define S "go found:w found:y good:cw good:cy good:cz seen:r=y +10s "
#define SX S "found:x "
#define W_AND_Y "service-started:w service-started:y "
#define LEFT "service-left service-started service-stopped service-exited incident-open "
static const struct stage_row left_rows[] = {
	/* another one by itself: what was to become of the last is no more */
	{ S "!restart:y seen:r=z found:y good:cy +10s seen:r=y +1m !restart:y seen:r=z +1s", NULL,
	  "route:r=z answer:done route:r=y route:r=z stop-command:y" },
	/* none is named: it is as before the first was found; nobody is told of a death */
	{ S "left:w ?w good:cw +1m due?", LEFT, W_AND_Y "service-left:w w=stopped at-rest" },
	{ S "left:y ?y", "rule-fired", "route:r=z-y rule-fired:gone start:y y=starting" },
	{ S "left:w found:w ?w good:cw ?w", LEFT,
	  W_AND_Y "service-left:w service-started:w w=starting w=up" },
	{ S "left:w", "service-left+",
	  "service-left:w{w is found in another way now: process 1 is not its any more}" },
	/* another is: that one begins, and is measured anew */
	{ S "found:w=99 ?w ?cw good:cw ?w *w", LEFT,
	  W_AND_Y "service-started:w w=starting cw=unknown w=up w is up since 10, process 99 of 10, 0 restarts, "
	  "memory nan, cpu nan" },
	/* what was wrong with the other one is over */
	{ S "bad:cw +3s left:w ?w good:cw +1m", LEFT "incident-close",
	  W_AND_Y "incident-open:cw service-left:w w=stopped incident-close:cw" },
	/* with a start command it is started, but not what was stopped by command */
	{ SX "left:x ?x", LEFT,
	  W_AND_Y "service-started:x service-left:x start:x x=starting" },
	{ SX "!stop:x left:x ?x +1m", LEFT,
	  W_AND_Y "service-started:x stop-command:x service-left:x answer:done x=stopped" },
	{ SX "!hold:x left:x ?x", LEFT,
	  W_AND_Y "service-started:x answer:done service-left:x x=held" },
	{ SX "!restart:x left:x ?x", LEFT,
	  W_AND_Y "service-started:x stop-command:x service-left:x start:x x=starting" },
	/* the same if another is found while one is being stopped: it is not that one's end */
	{ SX "!stop:x found:x=99 ?x +1m ?x", LEFT,
	  W_AND_Y "service-started:x stop-command:x service-left:x answer:done service-started:x x=up x=up" },
	/* a restart was for the other one; traffic comes back */
	{ S "!restart:y found:y=99 ?y good:cy +1m seen:r ?r", LEFT,
	  W_AND_Y "route:r=z service-started:y answer:done y=up route:r=y r=primary" },
};

/* By another section or what we were told before; in a dry run nothing goes out of a route either. */
static const struct stage_row dry_rows[] = {
	/* nor is there a start behind a crash */
	{ A "exited:a=1 empty:a ?a", "dry-run",
	  "dry-run:a dry-run:a a=stopped" },
	{ A "exited:a=1 +1m ?a", "dry-run service-signalled",
	  "dry-run:a a=backoff" },
	{ D "changed:d +1m ?d", "dry-run",
	  "dry-run:d d=up" },
};
static const struct stage_row dry_reload = { A "!stop:a reload reborn +1m ?a", "dry-run service-stopping",
	  "service-stopping:a TERM:a(main) dry-run:a a=up" };

static void
stops(void **state)
{
	(void)state;
	stage_table(text, rows, COUNT(rows));
}

static void
found_in_another_way(void **state)
{
	(void)state;
	stage_table(seen, left_rows, COUNT(left_rows));
}

static void
dry_run_stops_nothing(void **state)
{
	(void)state;
	stage_table(dry, dry_rows, COUNT(dry_rows));
	stage_reload(text, dry, &dry_reload);
}

int
test_stop(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(stops), cmocka_unit_test(found_in_another_way),
		cmocka_unit_test(dry_run_stops_nothing)
	};
	return cmocka_run_group_tests_name("stop", tests, NULL, NULL);
}
