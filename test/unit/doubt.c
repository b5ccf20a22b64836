/* Checks that fail together: ourselves in doubt. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

#define SERVICE(n, more)                                                                           \
	"[service s" n "]\nrun = /s\n" more "[check c" n "]\nof = s" n                              \
	"\ntcp = h:1\ndown = 2\nup = 1\ndo = restart\n"

static const char unrelated[] = SERVICE("1", "") SERVICE("2", "") SERVICE("3", "")
	"[route r]\nswitch = /s\nbackend = a check c1\nbackend = b check c2\nreturn = after 1s\n"
	"[rule nobody]\nwhen = r.healthy < 1\ndo = log\n";
static const char chain[] = SERVICE("1", "depends = s2\n") SERVICE("2", "depends = s3\n")
	SERVICE("3", "");
static const char two[] = SERVICE("1", "") SERVICE("2", "");
static const char five[] = SERVICE("1", "") SERVICE("2", "") SERVICE("3", "") SERVICE("4", "")
	SERVICE("5", "");

#define UP3 "adopted:s1 adopted:s2 adopted:s3 go good:c1 good:c2 good:c3 "
#define UP UP3 "seen:r=a +1s "
#define TOLD "checks-suspected check-down incident-open"
#define ALL_BAD "mute:c1 mute:c2 mute:c3 +100ms mute:c1 mute:c2 mute:c3 "

static const struct stage_row together[] = {
	/* one that fails alone is believed at once */
	{ UP "mute:c1 mute:c1", TOLD, "check-down:c1 route:r=b-a TERM:s1(main)" },
	/* all together: nothing is done, and it is told once */
	{ UP ALL_BAD "?c1 ?r +3s", TOLD, "checks-suspected:c1 c1=unknown r=primary incident-open:c1" },
	{ UP ALL_BAD "+1s " ALL_BAD "+1s " ALL_BAD "+1m ?s1 ?s2", TOLD,
	  "checks-suspected:c1 incident-open:c1 s1=up s2=up" },
	/* nor does a rule count who is healthy, while nobody knows */
	{ UP ALL_BAD "+3s " ALL_BAD, "rule-fired", "" },
	/* nor before they have been measured for the first time */
	{ "go started:s1 +3s started:s2 bad:c1 +3s", "rule-fired", "start:s1 start:s2 start:s3" },
	{ "adopted:s1 adopted:s2 adopted:s3 go bad:c1 +3s", "rule-fired", "" },
	{ "adopted:s1 adopted:s2 adopted:s3 go unknown:c1 unknown:c2 +3s", "rule-fired", "rule-fired:nobody" },
	{ "go failed:s1 failed:s2", "rule-fired", "start:s1 start:s2 start:s3 start:s1 rule-fired:nobody start:s2" },
	/* it passes, and all is as before */
	{ UP ALL_BAD "+3s good:c1 good:c2 good:c3 ?c1 +1m", TOLD " incident-close",
	  "checks-suspected:c1 incident-open:c1 c1=up incident-close:c1" },
	/* it passes for one after the other: who still fails does so by what began before */
	{ UP ALL_BAD "+3s good:c1 good:c2 mute:c3 ?c3 +50ms mute:c3 ?c3 good:c3 ?c3", "check-down",
	  "c3=unknown c3=unknown c3=up" },
	{ UP ALL_BAD "+3s good:c1 good:c2 mute:c3 +50ms mute:c3 good:c1 good:c2 +50ms mute:c3", "check-down",
	  "check-down:c3 TERM:s3(main)" },
	/* who was asked, and has not answered, is waited for as long as it may take */
	{ UP "mute:c1 +2.4s mute:c1 ?c1", TOLD, "check-down:c1 route:r=b-a TERM:s1(main) c1=down" },
	/* one of them is well: the others are believed */
	{ UP "mute:c1 mute:c2 +100ms good:c3 mute:c1 mute:c2", TOLD,
	  "check-down:c1 route:r=b-a TERM:s1(main) check-down:c2 TERM:s2(main)" },
	/* a death is no matter of belief; but traffic goes to nobody who is not proven */
	{ UP ALL_BAD "killed:s1=9 empty:s1 +100ms good:c2", TOLD,
	  "checks-suspected:c1 KILL:s1(tree) start:s1 route:r=b-a" },
	/* it cannot be us for ever */
	{ UP ALL_BAD "+5m " ALL_BAD "+5m +1s mute:c1 ?c1", "check-down", "check-down:c1 TERM:s1(main) c1=down" },
	/* over a reload */
	{ UP ALL_BAD "reload +1s mute:c1 ?c1 ?r", TOLD, "checks-suspected:c1 c1=unknown r=primary" },
};

/* Who needs the one that is ill may fail with it: that is held back for a minute only. */
static const struct stage_row in_a_chain[] = {
	{ UP3 "+1s " ALL_BAD "+59s mute:c3 ?c3 +2s mute:c3 ?c3", "check-down",
	  "c3=unknown check-down:c3 TERM:s3(main) c3=down" },
};

static const struct stage_row too_few[] = {
	{ "adopted:s1 adopted:s2 go good:c1 good:c2 +1s mute:c1 mute:c2 mute:c1 mute:c2", TOLD,
	  "check-down:c1 TERM:s1(main) check-down:c2 TERM:s2(main)" },
};

/* Most, though not all: three or more that have nothing to do with each other. */
static const struct stage_row most[] = {
	{ "adopted:s1 adopted:s2 adopted:s3 adopted:s4 adopted:s5 go good:c1 good:c2 good:c3 good:c4 "
	  "good:c5 +1s mute:c1 mute:c2 mute:c3 +100ms mute:c1 mute:c2 mute:c3 ?c1 +1m +1s mute:c1 ?c1",
	  TOLD, "checks-suspected:c1 c1=unknown incident-open:c1 check-down:c1 TERM:s1(main) c1=down" },
};

static void
nobody_acts_on_all_at_once(void **state)
{
	(void)state;
	stage_table(unrelated, together, COUNT(together));
	stage_table(chain, in_a_chain, COUNT(in_a_chain));
	stage_table(two, too_few, COUNT(too_few));
	stage_table(five, most, COUNT(most));
}

int
test_doubt(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(
		nobody_acts_on_all_at_once) };
	return cmocka_run_group_tests_name("doubt", tests, NULL, NULL);
}
