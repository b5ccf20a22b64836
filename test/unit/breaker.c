/* Giving up on a service, and trying it again. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

static const char text[] =
	"[monitord]\nremind = 10m\n"
	"[service a]\nrun = /a\nat-most = 1 in 1m\nretry = 30m\nready = check c within "
	"5s\n"
	"[check c]\nof = a\ntcp = h:1\n"
	"[service n]\nrun = /n\nat-most = 1 in 1m\n"
	"[service b]\nrun = /b\nbackoff = 10s..1m\n"
	"[service o]\nrun = /o\nrestart = failure\n";
#define TOLD "service-failed service-retry service-up"
#define ONLY_A "!stop:n !stop:b !stop:o go "
#define ONLY_N "!stop:a !stop:b !stop:o go "
#define ONLY_B "!stop:a !stop:n !stop:o go "
#define ONLY_O "!stop:a !stop:n !stop:b go "
#define D3 "answer:done answer:done answer:done "
#define FAILS "started:a killed:a=9 empty:a "
#define GIVEN_UP D3 "start:a KILL:a(tree) start:a KILL:a(tree) service-failed:a "

static const struct stage_row rows[] = {
	/* one start each time, and no more */
	{ ONLY_A FAILS FAILS "+29m ?a +2m ?a", TOLD,
	  GIVEN_UP "a=failed service-retry:a start:a a=starting" },
	{ ONLY_A FAILS FAILS "+31m " FAILS "?a +29m ?a +2m ?a", TOLD,
	  GIVEN_UP
	  "service-retry:a start:a KILL:a(tree) service-failed:a a=failed a=failed "
	  "service-retry:a start:a a=starting" },
	{ ONLY_A FAILS FAILS "+31m failed:a ?a +31m ?a", TOLD,
	  GIVEN_UP "service-retry:a start:a service-failed:a a=failed service-retry:a "
		   "start:a a=starting" },
	/* not ready in time is a failed try too */
	{ ONLY_A FAILS FAILS "+30m started:a bad:c +5s exited:a=0 empty:a ?a", TOLD,
	  GIVEN_UP "service-retry:a start:a TERM:a(main) service-failed:a a=failed" },
	/* healthy: up, and what was before counts no more */
	{ ONLY_A FAILS FAILS "+31m started:a good:c ?a +2s killed:a=9 empty:a ?a", TOLD,
	  GIVEN_UP "service-retry:a start:a service-up:a a=up KILL:a(tree) start:a "
		   "a=starting" },
	/* up for a moment only */
	{ ONLY_A FAILS FAILS "+31m started:a good:c killed:a=9 empty:a ?a", TOLD,
	  GIVEN_UP "service-retry:a start:a service-up:a KILL:a(tree) service-failed:a "
		   "a=failed" },
	/* an operator's word: at once, and everything is forgiven */
	{ ONLY_A FAILS FAILS "!start:a " FAILS "?a", TOLD,
	  GIVEN_UP "start:a KILL:a(tree) start:a a=starting" },
	/* not what is held; later it is tried again */
	{ ONLY_A FAILS FAILS "!hold:a +31m !release:a ?a +31m", TOLD,
	  GIVEN_UP "answer:done answer:done a=failed service-retry:a start:a" },
	/* a reload does not forget it */
	{ ONLY_A FAILS FAILS "+10m reload +21m", TOLD,
	  GIVEN_UP "service-retry:a start:a" },
	/* without the key: hands off, also a rule's */
	{ ONLY_N "started:n killed:n=9 empty:n started:n killed:n=9 empty:n ?n +5h ?n",
	  TOLD,
	  D3 "start:n service-up:n KILL:n(tree) start:n service-up:n "
	     "KILL:n(tree) "
	     "service-failed:n n=failed n=failed" },
	/* told, and again while it lasts; over with the try that went well */
	{ ONLY_A FAILS FAILS "+29m +59s +500ms", "incident-open incident-remind",
	  D3 "start:a KILL:a(tree) start:a KILL:a(tree) incident-open:a "
	     "incident-remind:a incident-remind:a" },
	{ ONLY_A FAILS "+3s " FAILS "+1m +30m started:a good:c +20s",
	  "incident-open incident-remind incident-close",
	  D3 "start:a KILL:a(tree) start:a incident-open:a KILL:a(tree) "
	     "incident-remind:a incident-remind:a incident-remind:a incident-remind:a "
	     "start:a "
	     "incident-close:a" },
};

/* Our own death forgets none of it. */
static const struct stage_row lives[] = {
	{ ONLY_A FAILS FAILS "reborn ?a +29m ?a +2m ?a", TOLD,
	  GIVEN_UP "a=failed a=failed service-retry:a start:a a=starting" },
	{ ONLY_A FAILS FAILS "+10m reborn +21m " FAILS "reborn ?a", TOLD,
	  GIVEN_UP "service-retry:a start:a KILL:a(tree) service-failed:a a=failed" },
	{ ONLY_A FAILS "reborn started:a killed:a=9 empty:a ?a", TOLD,
	  D3
	  "start:a KILL:a(tree) start:a start:a KILL:a(tree) service-failed:a a=failed" },
	{ ONLY_A "started:a good:c +20s reborn killed:a=9 empty:a", TOLD,
	  D3 "start:a service-up:a KILL:a(tree) start:a" },
	/* the delay is not cut short */
	{ ONLY_B
	  "started:b exited:b=1 empty:b started:b exited:b=1 empty:b ?b reborn ?b +1s ?b "
	  "+11s ?b",
	  NULL,
	  D3 "start:b KILL:b(tree) start:b KILL:b(tree) b=backoff b=backoff "
	     "b=backoff start:b b=starting" },
	/* what ended meanwhile is told, and counts */
	{ ONLY_A "started:a good:c +20s away:a reborn ?a started:a away:a reborn ?a",
	  "service-exited service-failed",
	  D3 "start:a service-exited:a start:a a=starting service-exited:a "
	     "service-failed:a a=failed" },
	/* what had ended for good, or was stopped, stays so; a restart goes on */
	{ ONLY_O "started:o exited:o=0 empty:o reborn ?o", NULL,
	  D3 "start:o KILL:o(tree) o=stopped" },
	{ ONLY_O "started:o exited:o=0 reborn ?o", NULL,
	  D3 "start:o KILL:o(tree) o=stopped" },
	{ ONLY_A "started:a good:c !restart:a reborn exited:a=0 empty:a ?a",
	  "service-exited",
	  D3 "start:a TERM:a(main) TERM:a(main) service-exited:a start:a a=starting" },
	{ ONLY_A "started:a good:c !restart:a exited:a=0 empty:a reborn ?a", NULL,
	  D3 "start:a TERM:a(main) start:a start:a a=starting" },
	{ ONLY_A "started:a good:c stop-all reborn exited:a=0 empty:a reborn ?a", NULL,
	  D3 "start:a TERM:a(main) TERM:a(main) start:a start:a a=starting" },
	/* so does a stop with monitord that its death broke off: none of them is a crash */
	{ ONLY_A "started:a good:c stop-all away:a reborn ?a", "service-exited service-backoff",
	  D3 "start:a TERM:a(main) service-exited:a start:a a=starting" },
	{ ONLY_A "started:a good:c stop-all reborn killed:a=15 empty:a started:a good:c "
		 "stop-all reborn killed:a=15 empty:a started:a good:c "
		 "stop-all reborn killed:a=15 empty:a ?a",
	  "service-backoff service-failed",
	  D3 "start:a TERM:a(main) TERM:a(main) start:a TERM:a(main) TERM:a(main) start:a "
	     "TERM:a(main) TERM:a(main) start:a a=starting" },
};

static void
remembers(void **state)
{
	(void)state;
	stage_table(text, lives, COUNT(lives));
}

static const char leak[] =
	"[service n]\nrun = /n\nat-most = 1 in 1m\nretry = 30m\n"
	"[rule r]\nwhen = n.memory > 1G\ndo = restart n\ncooldown = 1s\n";
#define LEAKS "sample:n.memory=2e9 "
#define AGAIN "exited:n=0 empty:n started:n "
#define TWICE "adopted:n go " LEAKS AGAIN "+5s " LEAKS

/* at-most counts restarts by rules too; then the process is left alone. */
static const struct stage_row by_rules[] = {
	{ TWICE "?n +10m ?n", TOLD,
	  "TERM:n(main) start:n service-up:n service-failed:n n=failed n=failed" },
	{ TWICE "+1s " LEAKS "+1s killed:n=9 empty:n ?n", TOLD,
	  "TERM:n(main) start:n service-up:n service-failed:n KILL:n(tree) "
	  "service-failed:n "
	  "n=failed" },
	{ TWICE "+30m ?n " AGAIN "?n", TOLD,
	  "TERM:n(main) start:n service-up:n service-failed:n service-retry:n "
	  "TERM:n(main) "
	  "n=stopping start:n service-up:n n=up" },
	{ TWICE "!start:n ?n", TOLD,
	  "TERM:n(main) start:n service-up:n service-failed:n answer:done n=up" },
	{ TWICE "reborn ?n +30m", TOLD,
	  "TERM:n(main) start:n service-up:n service-failed:n n=failed service-retry:n "
	  "TERM:n(main)" },
};

/* A hold that is taken back at once, while it drains for its try: the next is after `retry`. */
static const char drains[] =
	"[service n]\nrun = /n\nat-most = 1 in 1m\nretry = 30m\ndrain = r\nready = exec\n"
	"[check cn]\nof = n\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check x]\ntcp = h:1\ndown = 1\nup = 1\n[route r]\nswitch = /r\nbackend = n check cn\nbackend = x check x\n"
	"return = after 0ms\n"
	"[rule fat]\nwhen = n.memory > 1G\ndo = restart n\ncooldown = 1s\n";
static const struct stage_row held[] = {
	{ "adopted:n go good:x good:cn seen:r=n +1s " LEAKS "seen:r=x +500ms " AGAIN "good:cn "
	  "seen:r=n +5s " LEAKS
	  "+30m ?n !hold:n !release:n +29m ?n +1m", TOLD,
	  "route:r=x TERM:n(main) start:n service-up:n route:r=n service-failed:n service-retry:n "
	  "route:r=x n=failed route:r=n answer:done answer:done n=failed service-retry:n route:r=x" },
};

static void
counts_rules(void **state)
{
	(void)state;
	stage_table(leak, by_rules, COUNT(by_rules));
	stage_table(drains, held, COUNT(held));
}

static const char boots[] = "[service a]\nrun = /a\non-boot = start\n"
			    "[service s]\nrun = /s\non-boot = stay\n"
			    "[service l]\nrun = /l\non-boot = last\nat-most = 1 in 1h\n";
#define RUNS(s) "started:" s " "
#define OFF(s) "away:" s " "

static const struct stage_row after_boot[] = {
	/* what is not held is not released */
	{ "go !release:s ?s", NULL, "start:a answer:done s=stopped" },
	{ "go ?a ?s ?l !start:s !start:l", NULL,
	  "start:a a=starting s=stopped l=stopped start:s start:l" },
	/* as it was when the machine went down */
	{ "go " RUNS("a") "!start:l " RUNS("l") OFF("a") OFF("l") "boot", NULL,
	  "start:a start:l answer:done start:a start:l" },
	{ "go " RUNS("a") "!start:l " RUNS("l") "!stop:l exited:l=0 empty:l " OFF(
		  "a") "boot ?l",
	  NULL,
	  "start:a start:l answer:done TERM:l(main) answer:done start:a l=stopped" },
	{ "go " RUNS("a") "!start:s " RUNS("s") OFF("a") OFF("s") "boot ?s", NULL,
	  "start:a start:s answer:done start:a s=stopped" },
	/* our own death is no boot */
	{ "go " RUNS("a") "!start:s " RUNS("s") OFF("s") "reborn", NULL,
	  "start:a start:s answer:done start:s" },
	/* what had failed may try again */
	{ "go " RUNS("a") "exited:a=1 empty:a " RUNS("a") "!start:l " RUNS(
		  "l") "exited:l=1 "
		       "empty:l " RUNS("l") "exited:l=1 empty:l ?l " OFF(
			       "a") "boot ?l !start:l",
	  NULL,
	  "start:a KILL:a(tree) start:a start:l answer:done KILL:l(tree) start:l "
	  "KILL:l(tree) "
	  "l=failed start:a l=stopped start:l" },
};

static void
boots_as_asked(void **state)
{
	(void)state;
	stage_table(boots, after_boot, COUNT(after_boot));
}

static void
gives_up_and_tries_again(void **state)
{
	(void)state;
	stage_table(text, rows, COUNT(rows));
}

int
test_breaker(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_up_and_tries_again),
		cmocka_unit_test(remembers),
		cmocka_unit_test(boots_as_asked),
		cmocka_unit_test(counts_rules),
	};
	return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
