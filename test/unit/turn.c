/* Instances are restarted by plan one after the other. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

#define FAMILY(more)                                                                     \
	"[service t]\ninstances = 1..3\nrun = /t\nat-most = 1 in 1m\n" more              \
	"ready = check c-%i within 5s\n"                                                 \
	"[check c]\nof = t\ntcp = h:1\ndown = 1\nup = 1\n"
static const char text[] = FAMILY("");
static const char two[] = FAMILY("keep = 1\n");
static const char routed[] =
	FAMILY("drain = r\n") "[route r]\nswitch = /r\nbackend = x check c-1\nbackend = "
			      "y check c-2\n"
			      "backend = z check c-3\nactive = all\nkeep = 2\n";

static const char enough[] = /* for the route one is */
	FAMILY("drain = r\n") "[route r]\nswitch = /r\nbackend = x check c-1\n"
			      "backend = y check c-2\nbackend = z check c-3\nactive = all\n";

#define UP "adopted:t-1 adopted:t-2 adopted:t-3 go good:c-1 good:c-2 good:c-3 "
#define TOLD "restart-refused service-waits"
#define DOWN(n) "exited:t-" n "=0 empty:t-" n " "
#define CRASH(n) "killed:t-" n "=9 empty:t-" n " "
#define LOST CRASH("3") "started:t-3 " CRASH("3") "?t-3 "
#define BACK(n) "started:t-" n " good:c-" n " "

static const struct stage_row rows[] = {
	/* each is ready before the next goes */
	{ UP "!restart:t-1 !restart:t-2 !restart:t-3 " DOWN("1") "?t-2 " BACK("1")
		  DOWN("2") BACK("2") DOWN("3") BACK("3"),
	  NULL,
	  "TERM:t-1(main) start:t-1 t-2=up answer:done TERM:t-2(main) start:t-2 "
	  "answer:done "
	  "TERM:t-3(main) start:t-3 answer:done" },
	/* what is not up has nothing to lose */
	{ UP "bad:c-2 !restart:t-1 !restart:t-2", TOLD,
	  "service-waits:t-1 TERM:t-2(main)" },
	/* one that does not come back stops the row */
	{ UP "!restart:t-1 !restart:t-2 " DOWN(
		  "1") "started:t-1 killed:t-1=9 empty:t-1 "
		       "started:t-1 killed:t-1=9 empty:t-1 ?t-1 ?t-2",
	  TOLD,
	  "TERM:t-1(main) service-waits:t-2 start:t-1 KILL:t-1(tree) start:t-1 "
	  "KILL:t-1(tree) "
	  "answer:failed restart-refused:t-2 answer:failed t-1=failed t-2=up" },
	/* nor does it begin when one is lost; what another section asks for waits for its return */
	{ UP LOST "!restart:t-1", TOLD,
	  "KILL:t-3(tree) start:t-3 KILL:t-3(tree) t-3=failed restart-refused:t-1 "
	  "answer:failed" },
	{ UP LOST "changed:t-1 !start:t-3 " BACK("3") "?t-1", TOLD,
	  "KILL:t-3(tree) start:t-3 KILL:t-3(tree) t-3=failed service-waits:t-1 "
	  "start:t-3 answer:done TERM:t-1(main) t-1=stopping" },
	{ UP "changed:t-1 " DOWN("1") BACK("1") LOST "!restart:t-1", TOLD,
	  "TERM:t-1(main) start:t-1 KILL:t-3(tree) start:t-3 KILL:t-3(tree) t-3=failed "
	  "restart-refused:t-1 answer:failed" },
	/* those that an operator stopped are not counted */
	{ UP "!stop:t-3 " DOWN("3") "!restart:t-1", TOLD,
	  "TERM:t-3(main) answer:done TERM:t-1(main)" },
	/* stopped, held or dead meanwhile: it leaves the row */
	{ UP "!restart:t-1 !restart:t-2 !stop:t-2 " DOWN("1") BACK("1") "?t-2", NULL,
	  "TERM:t-1(main) answer:failed TERM:t-2(main) start:t-1 answer:done "
	  "t-2=stopping" },
	{ UP "!restart:t-1 !restart:t-2 !hold:t-2 " DOWN("1") BACK("1") "+1m ?t-2", NULL,
	  "TERM:t-1(main) answer:failed answer:done start:t-1 answer:done t-2=held" },
	{ UP "!restart:t-1 !restart:t-2 killed:t-2=9 empty:t-2 " BACK("2") DOWN("1"),
	  NULL, "TERM:t-1(main) KILL:t-2(tree) start:t-2 answer:done start:t-1" },
	/* it is refused once, not with all that happens later */
	{ UP "!restart:t-1 !restart:t-2 " DOWN("1") "started:t-1 " CRASH("1") "started:t-1 "
	     CRASH("1") "bad:c-2 good:c-2 +1m", TOLD, "TERM:t-1(main) service-waits:t-2 start:t-1 "
	     "KILL:t-1(tree) start:t-1 KILL:t-1(tree) answer:failed restart-refused:t-2 answer:failed" },
	/* that it waits is shown, and that it is why it goes later */
	{ UP "!restart:t-1 # !restart:t-2 #", NULL, "TERM:t-1(main) [t-1 t-2 t-3 c-1 c-2 c-3] [t-2]" },
	{ UP "!restart:t-1 !restart:t-2 " DOWN("1") BACK("1"), "service-stopping+",
	  "service-stopping:t-1<command{t-1 is being stopped to be started again} "
	  "TERM:t-1(main) start:t-1 answer:done "
	  "service-stopping:t-2<service-waits{t-2 is being stopped to be started again} "
	  "TERM:t-2(main)" },
};

/* What a rule wanted in vain is no trouble of the service: it is over with the rule. */
static const char ruled[] =
	FAMILY("") "[rule big]\nwhen = t-1.memory > 1M\ndo = restart t-1\ncooldown = 1h\n";
static const struct stage_row refused[] = {
	{ UP LOST "sample:t-1.memory=2e6 +3s sample:t-1.memory=1 +1m",
	  "restart-refused incident-open incident-close",
	  "KILL:t-3(tree) start:t-3 KILL:t-3(tree) t-3=failed restart-refused:t-1 "
	  "incident-open:t-3 incident-open:big incident-close:big" },
};

static const struct stage_row keeps_one[] = {
	/* one at a time all the same */
	{ UP "!restart:t-1 !restart:t-2", TOLD, "TERM:t-1(main) service-waits:t-2" },
	{ UP "bad:c-3 !restart:t-1 " DOWN("1") "?t-1", TOLD,
	  "TERM:t-1(main) start:t-1 t-1=starting" },
	{ UP "bad:c-3 bad:c-2 !restart:t-1", TOLD, "service-waits:t-1" },
};

static const struct stage_row drains[] = {
	/* out of the route, down, up, back at once, then the next */
	{ UP "seen:r=x,y,z !restart:t-1 !restart:t-2 seen:r=y,z +500ms " DOWN("1")
		  BACK("1") "seen:r=x,y,z seen:r=x,z +500ms",
	  NULL,
	  "route:r=y,z TERM:t-1(main) start:t-1 answer:done route:r=x,y,z route:r=x,z "
	  "TERM:t-2(main)" },
	/* what only starts carries nothing: down at once */
	{ UP "seen:r=x,y,z !stop:t-1 " DOWN("1") "!start:t-1 started:t-1 !restart:t-1",
	  NULL, "route:r=y,z-x TERM:t-1(main) answer:done start:t-1 TERM:t-1(main)" },
	/* another dies while it drains: it stays */
	{ UP "seen:r=x,y,z !restart:t-1 seen:r=y,z killed:t-2=9 +500ms ?t-1 empty:t-2 " BACK("2") "seen:r=x,y,z +500ms",
	  NULL,
	  "route:r=y,z route:r=x,z t-1=up start:t-2 route:r=y,z TERM:t-1(main)" },
	{ UP "seen:r=x,y,z !restart:t-1 seen:r=y,z killed:t-2=9 +500ms ?t-1", NULL,
	  "route:r=y,z route:r=x,z t-1=up" },
	/* none goes while the route does not know how another is; of itself it need not */
	{ UP "seen:r=x,y,z unknown:c-3 !restart:t-1 +1m ?t-1 good:c-3", TOLD,
	  "service-waits:t-1 t-1=up route:r=y,z" },
	{ UP "seen:r=x,y,z unknown:c-1 !restart:t-1", TOLD, "route:r=y,z" },
	/* one that is up, but nobody can measure, may not be the one that is left */
	{ UP "seen:r=x,y,z unknown:c-1 !restart:t-2 +1m good:c-1", TOLD,
	  "service-waits:t-2 route:r=x,z" },
};

static const struct stage_row let_in[] = {
	/* it stays, so it carries traffic again, though there is enough without it */
	{ UP "seen:r=x,y,z !restart:t-1 seen:r=y,z killed:t-2=9 +500ms ?t-1", NULL,
	  "route:r=y,z route:r=z route:r=x,z t-1=up" },
};

static const char by_themselves[] = "[service t]\ninstances = 1..2\nmatch = t-%i\nstart = /s\n"
				    "stop = TERM 5s, KILL\nready = exec\n";

static const struct stage_row watched[] = {
	/* another process by itself is as good as a restart */
	{ "go found:t-1 found:t-2 !restart:t-1 !restart:t-2 found:t-2 " DOWN("1") "found:t-1 +1m ?t-2", TOLD,
	  "start:t-1 start:t-2 TERM:t-1(main) service-waits:t-2 answer:done start:t-1 "
	  "answer:done t-2=up" },
};

static void
one_after_the_other(void **state)
{
	(void)state;
	stage_table(text, rows, COUNT(rows));
	stage_table(two, keeps_one, COUNT(keeps_one));
	stage_table(ruled, refused, COUNT(refused));
	stage_table(by_themselves, watched, COUNT(watched));
}

static void
out_of_the_route_first(void **state)
{
	(void)state;
	stage_table(routed, drains, COUNT(drains));
	stage_table(enough, let_in, COUNT(let_in));
}

int
test_turn(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_after_the_other),
		cmocka_unit_test(out_of_the_route_first),
	};
	return cmocka_run_group_tests_name("turn", tests, NULL, NULL);
}
