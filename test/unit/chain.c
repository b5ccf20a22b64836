/* How a chain is as a whole: by its members, its routes and its end-to-end check; since
 * when; and what rules read of it. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

#include <stdio.h>

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

/* Whom the route leaves where it is; a chain may have the name of a check. */
static const char more[] =
	"[service front]\nrun = /f\n[service a]\nrun = /a\n[service b]\nrun = /b\n"
	"[service d]\nrun = /d\non-boot = stay\n[service db]\nrun = /d\n"
	"[check ca]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check cb]\nof = b\ntcp = h:2\ndown = 1\nup = 1\n"
	"[check cd]\nof = d\ntcp = h:2\ndown = 1\nup = 1\n"
	"[check all]\ntcp = h:3\ndown = 1\nup = 1\n[check two]\ntcp = h:3\ndown = 1\nup = 1\n"
	"[route r]\nswitch = /s\nbackend = a check ca\nbackend = b check cb\nreturn = manual\n"
	"[route q]\nswitch = /s\nbackend = d check cd\nbackend = b check cb\nreturn = manual\n"
	"[chain other]\npath = front -> r -> d\n"
	"[chain all]\npath = all -> two\n"
	"[chain mixed]\npath = front -> r -> all\n"
	"[chain deep]\npath = front -> r -> db\n[chain cb]\npath = front\n";
#define MORE                                                                                       \
	"adopted:front adopted:a adopted:b adopted:d adopted:db seen:r=a seen:q=d good:ca good:cb " \
	"good:cd good:all good:two go +10s "
static const struct stage_row of_more[] = {
	/* a service whose other route is in the chain has nobody to stand in for it there */
	{ MORE "killed:d=9 ?other", "", "route:q=b other=down@10:d does not serve" },
	/* warnings are no failures; not to be known is worse than the second choice */
	{ MORE "warn:all +1s ?all", "", "all=primary@0" },
	{ MORE "bad:ca unknown:all +1s ?mixed", "",
	  "route:r=b-a mixed=unknown@10:all is not known to serve" },
	{ MORE "bad:ca !stop:db exited:db=0 empty:db +1s ?deep", "",
	  "route:r=b-a TERM:db(main) answer:done deep=down@10:db does not serve" },
	/* since when it is not known, by whomever */
	{ MORE "unknown:all +5s ?all unknown:two +1s ?all", "",
	  "all=unknown@10:all is not known to serve all=unknown@10:two is not known to "
	  "serve" },
	/* what it was in an earlier life */
	{ MORE "bad:all reborn good:two +1s ?all", "chain-down+ chain-primary+",
	  "chain-primary:other{chain other is served by its first choice} "
	  "chain-primary:all{chain all is served by its first choice} "
	  "chain-primary:mixed{chain mixed is served by its first choice} "
	  "chain-primary:deep{chain deep is served by its first choice} "
	  "chain-primary:cb{chain cb is served by its first choice} chain-down:all{chain "
	  "all is not served: all does not serve} chain-down:mixed{chain mixed is not "
	  "served: all does not serve} all=unknown@-1:all is not known to serve" },
	{ MORE "reborn killed:db=9 +1s ?deep", "chain-down",
	  "KILL:db(tree) chain-down:deep deep=down@10:db does not serve" },
	{ MORE "bad:cb reborn good:ca +1s", "chain-primary chain-down",
	  "chain-primary:other chain-primary:all chain-primary:mixed chain-primary:deep "
	  "chain-primary:cb" },
	{ MORE "bad:all +5s reborn good:two bad:all good:all ?all", "", "all=primary@15" },
};
static const char dry[] =
	"[monitord]\nmode = dry-run\n[check ca]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check cb]\ntcp = h:2\ndown = 1\nup = 1\n"
	"[route r]\nswitch = /s\nbackend = a check ca\nbackend = b check cb\n[chain web]\npath "
	  "= r\n";
static const struct stage_row in_a_dry_run[] = {
	/* what another could do is not what is done */
	{ "go seen:r=a good:ca good:cb +1s bad:ca +1s ?web", "", "web=down@1:r does not serve" },
};
/* A reload: a chain that is new is looked at, and one that is gone is recalled by nobody. */
static const struct {
	const char *to;
	struct stage_row row;
} reloads[] = {
	{ "[service db]\nrun = /d\n[chain deep]\npath = db\n[chain new]\npath = db\n",
	  { "adopted:db go reload +1s ?deep ?new", "", "deep=primary@0 new=primary@0" } },
	{ "[service db]\nrun = /d\n[service x]\nmatch = x\n",
	  { "adopted:db go reload reborn ?db", "", "db=up" } },
};
/* In words. */
static const struct stage_row words[] = {
	{ RUN "bad:ca +1s good:ca seen:r=b +6s seen:r !stop:db exited:db=0 empty:db +1s",
	  "chain-primary+ chain-secondary+ chain-down+",
	  "chain-primary:web{chain web is served by its first choice} "
	  "chain-primary:seen{chain seen is served by its first choice} route:r=b-a "
	  "chain-secondary:web{chain web is served, but not by its first choice: a is not "
	  "served by the first choice} chain-secondary:seen{chain seen is served, but not "
	  "by its first choice: r is not served by the first choice} route:r=a "
	  "chain-primary:web{chain web is served by its first choice} "
	  "chain-primary:seen{chain seen is served by its first choice} TERM:db(main) "
	  "chain-down:web{chain web is not served: db does not serve} answer:done" },
	/* of one that was never served its members are told */
	{ "adopted:front go +1s ?web", "chain-down start-failed",
	  "start:db web=down@0:db does not serve" },
	{ RUN "unknown:ca unknown:cb unknown:all +1s ?seen", "", "seen=primary@0" },
};

#define MANY 1200

/* All of them at once are more than one event has room for. */
static void
many_change_together(void **state)
{
	static char rules[MANY * 40], script[] = "adopted:db go +1s ?c0 ?c1199 !stop:db "
						 "exited:db=0 empty:db +1s ?c0 ?c1199";
	struct stage_row row = {
		script, "",
		"c0=primary@0 c1199=primary@0 TERM:db(main) answer:done c0=down@1:db does not "
		"serve c1199=down@1:db does not serve"
	};
	size_t n = (size_t)snprintf(rules, sizeof rules, "[service db]\nrun = /d\n");
	(void)state;
	for (int i = 0; i < MANY; i++)
		n += (size_t)snprintf(rules + n, sizeof rules - n,
				      "[chain c%d]\npath = db\n", i);
	stage_table(rules, &row, 1);
}

static void
served_by_whom(void **state)
{
	(void)state;
	stage_table(text, rows, COUNT(rows));
	stage_table(more, of_more, COUNT(of_more));
	stage_table(dry, in_a_dry_run, COUNT(in_a_dry_run));
	for (size_t i = 0; i < COUNT(reloads); i++)
		stage_reload("[service db]\nrun = /d\n[chain deep]\npath = db\n",
			     reloads[i].to, &reloads[i].row);
	stage_table(text, words, COUNT(words));
}

int
test_chain(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(served_by_whom), cmocka_unit_test(many_change_together)
	};
	return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
