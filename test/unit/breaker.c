/* Giving up on a service, and trying it again. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

static const char text[] =
	"[monitord]\nremind = 10m\n"
	"[service a]\nrun = /a\nat-most = 1 in 1m\nretry = 30m\nready = check c within "
	"5s\n"
	"[check c]\nof = a\ntcp = h:1\n"
	"[service n]\nrun = /n\nat-most = 1 in 1m\n"
	"[rule r]\nwhen = a.memory > 1G\ndo = restart n\ncooldown = 1s\n";
#define TOLD "service-failed service-retry service-up"
#define ONLY_A "!stop:n go "
#define ONLY_N "!stop:a go "
#define FAILS "started:a killed:a=9 empty:a "
#define GIVEN_UP "answer:done start:a KILL:a(tree) start:a KILL:a(tree) service-failed:a "

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
	  "answer:done start:n service-up:n KILL:n(tree) start:n service-up:n "
	  "KILL:n(tree) "
	  "service-failed:n n=failed n=failed" },
	/* told, and again while it lasts; over with the try that went well */
	{ ONLY_A FAILS FAILS "+29m +59s +500ms", "incident-open incident-remind",
	  "answer:done start:a KILL:a(tree) start:a KILL:a(tree) incident-open:a "
	  "incident-remind:a incident-remind:a" },
	{ ONLY_A FAILS "+3s " FAILS "+1m +30m started:a good:c +5s",
	  "incident-open incident-remind incident-close",
	  "answer:done start:a KILL:a(tree) start:a incident-open:a KILL:a(tree) "
	  "incident-remind:a incident-remind:a incident-remind:a incident-remind:a "
	  "start:a "
	  "incident-close:a" },
};

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
	};
	return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
