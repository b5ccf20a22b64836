/* How a chain is as a whole: by its members, its routes and its end-to-end check; since
 * when; and what rules read of it. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

static const char text[] =
	"[monitord]\nsmtp = h:25\n[contact ops]\nmail = a@b\n"
	"[service front]\nrun = /f\n[service a]\nrun = /a\n[service b]\nrun = /b\n"
	"[service db]\nrun = /d\n"
	"[check ca]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check cb]\nof = b\ntcp = h:2\ndown = 1\nup = 1\n"
	"[check all]\ntcp = h:3\ndown = 1\nup = 1\n"
	"[route r]\nswitch = /s\nbackend = a check ca\nbackend = b check cb\nreturn = "
	"after 5s\n"
	"[chain web]\npath = front -> r -> a -> db\n"
	"[chain seen]\npath = front -> r\ncheck = all\n"
	"[rule served]\nwhen = web.down for 10s\ndo = page ops\n"
	"[rule second]\nwhen = web.rerouted\ndo = log\n"
	"[rule lost]\nwhen = seen.state = down or not seen.up\ndo = log\n"
	"[rule moves]\nwhen = changed(web.state, 1m) and web.up\ndo = log\n";

#define RUN                                                                              \
	"adopted:front adopted:a adopted:b adopted:db seen:r=a good:ca good:cb "         \
	"good:all go +10s "
#define TOLD "chain-primary chain-secondary chain-down rule-fired rule-cleared page"
#define BEGUN "chain-primary:web chain-primary:seen "

static const struct stage_row rows[] = {
	{ "?web ?seen", TOLD, "web=unknown@-1 seen=unknown@-1" }, /* before it begins */
	{ RUN "?web ?seen", TOLD, BEGUN "web=primary@0 seen=primary@0" },
	/* by the second choice; back with the first */
	{ RUN "bad:ca +1s ?web ?seen", TOLD,
	  BEGUN "route:r=b-a chain-secondary:web chain-secondary:seen rule-fired:second "
		"rule-fired:moves "
		"web=secondary@10:a is not served by the first choice "
		"seen=secondary@10:r is not served by the first choice" },
	{ RUN "bad:ca seen:r +1s good:ca +5s seen:r +1s ?web", TOLD,
	  BEGUN
	  "route:r=b-a chain-secondary:web chain-secondary:seen rule-fired:second "
	  "rule-fired:moves route:r=a "
	  "chain-primary:web chain-primary:seen rule-cleared:second web=primary@16" },
	/* a member that nobody stands in for: the last of them is named, as the others
	   need it */
	{ RUN "!stop:db exited:db=0 empty:db +1s ?web ?seen", TOLD,
	  BEGUN "TERM:db(main) chain-down:web answer:done web=down@10:db does not serve "
		"seen=primary@0" },
	{ RUN "!stop:front exited:front=0 empty:front +1s ?seen", TOLD,
	  BEGUN
	  "TERM:front(main) chain-down:web chain-down:seen answer:done rule-fired:lost "
	  "seen=down@10:front does not serve" },
	/* served by nobody for 10 s: a rule pages */
	{ RUN "bad:ca bad:cb +9s ?web", TOLD,
	  BEGUN "route:r=b-a chain-secondary:web chain-secondary:seen "
		"chain-down:web chain-down:seen rule-fired:lost "
		"web=down@10:a does not serve" },
	{ RUN "bad:ca bad:cb +10s", "rule-fired page",
	  "route:r=b-a rule-fired:lost rule-fired:served page:served" },
	/* the check sees it from end to end, whatever is believed of members */
	{ RUN "bad:all +1s ?web ?seen", TOLD,
	  BEGUN "chain-down:seen rule-fired:lost web=primary@0 seen=down@10:all is down "
		"end to end" },
	{ RUN "bad:all bad:ca bad:cb +1s ?seen", "",
	  "route:r=b-a seen=down@10:all is down end to end, as is r" },
	{ RUN "bad:all +1s good:all +1s ?seen", "chain-primary rule-cleared",
	  "chain-primary:web chain-primary:seen chain-primary:seen rule-cleared:lost "
	  "seen=primary@11" },
	/* what we lost sight of is not known, and has been so all the time if it is found
	   so */
	{ RUN "unknown:all +5s ?seen", "", "seen=primary@0" }, /* its members are known */
	{ RUN "bad:all +1s unknown:all +1s ?seen +1s bad:all ?seen",
	  "chain-down chain-primary",
	  "chain-primary:web chain-primary:seen chain-down:seen chain-primary:seen "
	  "seen=primary@11 "
	  "chain-down:seen seen=down@13:all is down end to end" },
	/* a hold is no harm while it runs */
	{ RUN "!hold:db +1s ?web killed:db=9 empty:db +1s ?web", "",
	  "answer:done web=primary@0 KILL:db(tree) web=down@11:db does not serve" },
	/* over our own death and a reload */
	{ RUN "bad:ca +5s reborn bad:ca good:cb good:all seen:r=b +1s ?web",
	  "chain-secondary",
	  "route:r=b-a chain-secondary:web chain-secondary:seen chain-secondary:seen "
	  "web=secondary@10:a is not served by the first choice" },
	{ RUN "bad:ca +5s reload +1s ?web", "chain-secondary",
	  "route:r=b-a chain-secondary:web chain-secondary:seen web=secondary@10:a is "
	  "not served by the "
	  "first choice" },
};

static void
served_by_whom(void **state)
{
	(void)state;
	stage_table(text, rows, COUNT(rows));
}

int
test_chain(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(served_by_whom) };
	return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
