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
	{ UP ALL_BAD "?c1 ?r +3s", TOLD,
	  "checks-suspected:c1 c1=unknown r=primary incident-open:c1" },
	{ UP ALL_BAD "+1s " ALL_BAD "+1s " ALL_BAD "+1m ?s1 ?s2", TOLD,
	  "checks-suspected:c1 incident-open:c1 s1=up s2=up" },
	/* nor does a rule count who is healthy, while nobody knows */
	{ UP ALL_BAD "+3s " ALL_BAD, "rule-fired", "" },
	/* nor before they have been measured for the first time */
	{ "go started:s1 +3s started:s2 bad:c1 +3s", "rule-fired", "start:s1 start:s2 start:s3" },
	{ "adopted:s1 adopted:s2 adopted:s3 go bad:c1 +3s", "rule-fired", "" },
	{ "adopted:s1 adopted:s2 adopted:s3 go unknown:c1 unknown:c2 +3s", "rule-fired",
	  "rule-fired:nobody" },
	{ "go failed:s1 failed:s2", "rule-fired",
	  "start:s1 start:s2 start:s3 start:s1 rule-fired:nobody start:s2" },
	/* what is not held back any more is counted */
	{ UP ALL_BAD "bad:c1 ?c2 bad:c2", "rule-fired",
	  "rule-fired:c1 TERM:s1(main) c2=unknown rule-fired:nobody rule-fired:c2 TERM:s2(main)" },
	{ UP ALL_BAD "changed:c1 bad:c2 bad:c2", "rule-fired",
	  "rule-fired:nobody rule-fired:c2 TERM:s2(main)" },
	{ UP ALL_BAD "unknown:c1 bad:c2 bad:c2", "rule-fired",
	  "rule-fired:nobody rule-fired:c2 TERM:s2(main)" },
	{ UP ALL_BAD "lost:net bad:c2 bad:c2", "rule-fired",
	  "rule-fired:nobody rule-fired:c2 TERM:s2(main)" },
	{ UP "+10s unknown:c1 unknown:c2", "rule-fired", "rule-fired:nobody" },
	{ UP ALL_BAD "*c1", NULL,
	  "c1 is unknown since 1, measured at 1100 ms, took 0 ms, 'not believed, as so many "
	  "fail: it is mute'" },
	/* it passes, and all is as before */
	{ UP ALL_BAD "+3s good:c1 good:c2 good:c3 ?c1 +1m", TOLD " incident-close",
	  "checks-suspected:c1 incident-open:c1 c1=up incident-close:c1" },
	/* it passes for one after the other: who still fails does so by what began before */
	{ UP ALL_BAD "+3s good:c1 good:c2 mute:c3 ?c3 +50ms mute:c3 ?c3 good:c3 ?c3", "check-down",
	  "c3=unknown c3=unknown c3=up" },
	{ UP ALL_BAD "+3s good:c1 good:c2 mute:c3 +50ms mute:c3 good:c1 good:c2 +50ms mute:c3",
	  "check-down",
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
	{ UP ALL_BAD "+5m " ALL_BAD "+5m +1s mute:c1 ?c1", "check-down",
	  "check-down:c1 TERM:s1(main) c1=down" },
	/* over a reload */
	{ UP ALL_BAD "reload +1s mute:c1 ?c1 ?r", TOLD,
	  "checks-suspected:c1 c1=unknown r=primary" },
};

/* As above, where a fall has no consequences of its own. */
#define PLAIN(n, more)                                                                             \
	"[service s" n "]\nrun = /s\n" more MORE(n, n)
#define MORE(n, of) "[check c" n "]\nof = s" of "\ntcp = h:1\ndown = 2\nup = 1\n"
#define ALONE(n) "[check c" n "]\ntcp = h:1\ndown = 2\nup = 1\n"
static const char three[] = PLAIN("1", "") PLAIN("2", "") PLAIN("3", "")
	"[rule gone]\nwhen = c3.down\ndo = log\nalert = none\n";
#define UP5 "adopted:s4 adopted:s5 " UP3 "good:c4 good:c5 "
/* c1 and c2 have just refused, and are asked in vain when c3 fails */
#define PENDING UP3 "+1s bad:c1 bad:c2 +100ms mute:c3 +100ms mute:c3 "
static const struct stage_row believed[] = {
	/* it is told each time anew */
	{ UP3 "+1s " ALL_BAD "+3s good:c1 good:c2 good:c3 +11m " ALL_BAD "+3s", TOLD,
	  "checks-suspected:c1 incident-open:c1 checks-suspected:c1 incident-open:c1" },
	{ UP3 "+1s " ALL_BAD "+3s bad:c1 bad:c2 bad:c3 good:c1 good:c2 good:c3 +11m " ALL_BAD "+3s",
	  TOLD, "checks-suspected:c1 incident-open:c1 check-down:c1 check-down:c2 check-down:c3 "
	  "incident-open:c2 incident-open:c3 checks-suspected:c1 incident-open:c1" },
	{ UP3 "+1s " ALL_BAD "+3s good:c1 good:c2 mute:c3 +50ms mute:c3 good:c3 +11m "
	  "" ALL_BAD "+3s",
	  TOLD, "checks-suspected:c1 incident-open:c1 checks-suspected:c1 incident-open:c1" },
	{ UP3 "+1s " ALL_BAD "reload good:c1 good:c2 good:c3 +11m " ALL_BAD "+3s", TOLD,
	  "checks-suspected:c1 incident-open:c1 checks-suspected:c1 incident-open:c1" },
	{ UP3 "+1s " ALL_BAD, "checks-suspected+",
	  "checks-suspected:c1{3 of 3 services fail their checks at once, though their "
	  "processes live: the network or monitord itself is suspected, and nothing is "
	  "done for them}" },
	/* what fails for long is another matter */
	{ UP3 "+1s mute:c1 +100ms mute:c1 +10.4s mute:c2 mute:c3 +100ms mute:c2 ?c2",
	  "check-down", "check-down:c1 check-down:c2 c2=down" },
	{ UP3 "+1s mute:c1 +100ms mute:c1 +9.8s mute:c2 mute:c3 +100ms mute:c2 ?c2",
	  "check-down", "check-down:c1 c2=unknown" },
	/* who refuses was heard, and who was not measured says nothing */
	{ UP3 "+1s mute:c1 mute:c2 bad:c3 +100ms mute:c1 mute:c2 bad:c3", "check-down",
	  "check-down:c1 check-down:c2 check-down:c3" },
	{ "adopted:s1 adopted:s2 adopted:s3 go good:c1 good:c2 +1s mute:c1 mute:c2 +100ms "
	  "mute:c1", "check-down", "check-down:c1" },
	/* who was asked is waited for, for as long as it may take, and a little longer */
	{ PENDING "?c3 +2.4s mute:c3 ?c3", "check-down", "c3=unknown c3=unknown" },
	{ PENDING "?c3 +2401ms mute:c3 ?c3", "check-down", "c3=unknown check-down:c3 c3=down" },
	{ UP3 "+1s bad:c1 bad:c2 +100ms mute:c3 +100ms reload mute:c3 ?c3", "check-down",
	  "c3=unknown" },
	/* as soon as one has answered who is left is believed, and nobody else for that */
	{ PENDING "good:c1 ?c3 ?c2", "check-down", "check-down:c3 c3=down c2=up" },
	{ PENDING "?s3 ?gone good:c1 ?s3", "rule-fired",
	  "s3=up gone=unknown rule-fired:gone s3=failing" },
	{ PENDING "good:c2 ?c3 ?c1", "check-down", "check-down:c3 c3=down c1=up" },
};
static const char slow[] = PLAIN("1", "") PLAIN("2", "") "timeout = 5s\n" PLAIN("3", "");
static const struct stage_row slowest[] = {
	{ PENDING "+5.4s mute:c3 ?c3", "check-down", "c3=unknown" },
	{ PENDING "+5401ms mute:c3 ?c3", "check-down", "check-down:c3 c3=down" },
};

/* Who is counted anew has not been failing for long. */
static const char timed[] = "[check c1]\ntcp = h:1\ndown = 5s\nup = 1\n" ALONE("2") ALONE("3");
static const struct stage_row not_long[] = {
	{ "go good:c1 good:c2 good:c3 +1s mute:c1 mute:c2 mute:c3 +5s mute:c1 mute:c2 mute:c3 good:c2 "
	  "good:c3 mute:c1 +1s mute:c1 ?c1 +5s good:c2 good:c3 mute:c1 ?c1 +5s mute:c1 ?c1", "check-down",
	  "c1=unknown c1=unknown check-down:c1 c1=down" },
};

/* Without a process nothing is known of the network by its silence. */
static const char seen[] = PLAIN("1", "") PLAIN("2", "") PLAIN("3", "")
	"[service w]\nmatch = w\n[check cw]\nof = w\ntcp = h:1\ndown = 2\nup = 1\n";
static const struct stage_row without[] = {
	{ "adopted:s1 adopted:s2 adopted:s3 go good:c1 good:c2 good:cw +1s mute:cw mute:c1 "
	  "mute:c2 +100ms "
	  "mute:cw mute:c1 mute:c2", "check-down", "check-down:cw check-down:c1 check-down:c2" },
	{ UP3 "found:w good:cw +1s dying:w=core mute:cw mute:c1 mute:c2 +100ms mute:cw mute:c1 "
	  "mute:c2",
	  "check-down", "check-down:cw check-down:c1 check-down:c2" },
	{ UP3 "good:cw +1s mute:cw " ALL_BAD "mute:cw", "check-down", "check-down:cw" },
	{ UP3 "good:cw +1s mute:cw", "pace", "pace:c1=now pace:c2=now pace:c3=now pace:cw=fast" },
};

/* Four are asked, one of a service, and nobody who would say nothing. */
static const char many[] = PLAIN("1", "") MORE("1b", "1") PLAIN("2", "") MORE("2b",
	  "2") PLAIN("3", "")
	PLAIN("4", "") PLAIN("5", "") PLAIN("6", "") PLAIN("7", "");
#define UP7 "adopted:s6 adopted:s7 " UP5 "good:c1b good:c2b good:c6 good:c7 "
#define LOOKS7                                                                                     \
	"pace:c6=now pace:c7=now pace:c4=now pace:c5=now pace:c1=now pace:c1b=now pace:c2=now "    \
	"pace:c2b=now pace:c3=now "
static const struct stage_row asked[] = {
	{ UP7 "+1s mute:c1", "pace",
	  LOOKS7 "pace:c2=now pace:c3=now pace:c4=now pace:c5=now pace:c1=fast" },
	{ UP7 "unknown:c2 unknown:c3 +1s mute:c1", "pace",
	  LOOKS7 "pace:c2b=now pace:c4=now pace:c5=now pace:c6=now pace:c1=fast" },
	{ UP7 "warn:c3 +1s mute:c1", "pace",
	  LOOKS7 "pace:c2=now pace:c3=now pace:c4=now pace:c5=now pace:c1=fast" },
	{ UP7 "+1s mute:c6", "pace",
	  LOOKS7 "pace:c7=now pace:c1=now pace:c2=now pace:c3=now pace:c6=fast" },
};

/* The best that a service's checks say is what it says. */
static const char twice[] = PLAIN("1", "") MORE("1b", "1") PLAIN("2", "") PLAIN("3",
	  "") MORE("3b", "3");
#define UP3B UP3 "good:c1b good:c3b "
static const struct stage_row best[] = {
	{ UP3B "+1s " ALL_BAD, "check-down", "check-down:c1 check-down:c2 check-down:c3" },
	{ UP3B "+1s unknown:c1b unknown:c3b " ALL_BAD "?c1", "check-down", "c1=unknown" },
	{ UP3B "+1s bad:c3b +100ms unknown:c1b mute:c3 mute:c1 mute:c2 +100ms mute:c3 mute:c1 "
	  "mute:c2 ?c1 +3s mute:c1 ?c1",
	  "check-down", "c1=unknown c1=unknown" },
};

static const char lone[] = ALONE("1") ALONE("2") ALONE("3") "[check disk]\nfilesystem = /\n";
static const struct stage_row of_none[] = {
	{ "go good:c1 good:c2 good:c3 good:disk +1s mute:c1", "pace",
	  "pace:c2=now pace:c3=now pace:c1=fast" },
	{ "go good:c1 good:c2 good:c3 +1s " ALL_BAD "?c1", "check-down", "c1=unknown" },
	{ "go good:c1 good:c2 good:c3 +1s bad:c1 bad:c2 +100ms mute:c3 +100ms mute:c3 ?c3",
	  "check-down", "c3=unknown" },
};

/* Who needs another that fails is none more; half of all are not most. */
static const char needs[] = PLAIN("1", "depends = s4, s2\n") PLAIN("2", "") PLAIN("3",
	  "") PLAIN("4", "");
static const struct stage_row roots[] = {
	{ "adopted:s4 " UP3 "good:c4 +1s " ALL_BAD "?c1", "check-down",
	  "check-down:c1 check-down:c2 check-down:c3 c1=down" },
};
static const char six[] = PLAIN("1", "") PLAIN("2", "") PLAIN("3", "") PLAIN("4", "") PLAIN("5",
	  "") PLAIN("6", "");
static const struct stage_row half[] = {
	{ "adopted:s6 " UP5 "good:c6 +1s mute:c1 mute:c2 mute:c3 +100ms good:c4 good:c5 good:c6 "
	  "mute:c1", "check-down", "check-down:c1" },
	{ "adopted:s6 " UP5 "good:c6 +1s bad:c2 bad:c3 +100ms mute:c1 +100ms good:c4 good:c5 "
	  "good:c6 mute:c1", "check-down", "check-down:c1" },
};
static const char four[] = PLAIN("1", "") PLAIN("2", "") PLAIN("3", "") PLAIN("4", "");
static const struct stage_row one_pending[] = {
	{ "adopted:s4 " UP3 "good:c4 +1s bad:c4 +100ms mute:c1 mute:c2 mute:c3 +100ms mute:c1 "
	  "?c1 +2.4s mute:c1 ?c1",
	  "check-down", "c1=unknown c1=unknown" },
	{ "adopted:s4 " UP3 "good:c4 +1s bad:c4 +100ms mute:c1 mute:c2 mute:c3 +100ms mute:c1 "
	  "?c1 +2401ms mute:c1 ?c1",
	  "check-down", "c1=unknown check-down:c1 c1=down" },
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
	{ "adopted:s1 adopted:s2 adopted:s3 adopted:s4 adopted:s5 go good:c1 good:c2 good:c3 "
	  "good:c4 "
	  "good:c5 +1s mute:c1 mute:c2 mute:c3 +100ms mute:c1 mute:c2 mute:c3 ?c1 +1m +1s "
	  "mute:c1 ?c1",
	  TOLD, "checks-suspected:c1 c1=unknown incident-open:c1 check-down:c1 TERM:s1(main) "
	  "c1=down" },
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

static void
who_is_believed(void **state)
{
	(void)state;
	stage_table(three, believed, COUNT(believed));
	stage_table(slow, slowest, COUNT(slowest));
	stage_table(timed, not_long, COUNT(not_long));
	stage_table(seen, without, COUNT(without));
	stage_table(many, asked, COUNT(asked));
	stage_table(twice, best, COUNT(best));
	stage_table(lone, of_none, COUNT(of_none));
	stage_table(needs, roots, COUNT(roots));
	stage_table(six, half, COUNT(half));
	stage_table(four, one_pending, COUNT(one_pending));
}

int
test_doubt(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_acts_on_all_at_once),
		cmocka_unit_test(who_is_believed)
	};
	return cmocka_run_group_tests_name("doubt", tests, NULL, NULL);
}
