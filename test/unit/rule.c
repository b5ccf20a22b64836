/* Rules: when they fire, again, more so, and no longer; what they do in order. */
#include "rules/decide.h"
#include "test/unit/book.h"
#include "test/unit/stage.h"
#include "test/unit/unit.h"

#include <stdio.h>

static const char text[] =
	"[monitord]\nsmtp = h:25\n[contact ops]\nmail = a@b\n[contact boss]\nmail = a@b\n"
	"[service a]\nrun = /a\n[service b]\nrun = /b\n"
	"[check c]\ntcp = h:1\ndown = 1\nup = 1\n[check d]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check e]\nof = a\ntcp = h:1\ndown = 1\nup = 1\ndo = restart, alert ops\n"
	"[rule fires]\nwhen = c.down\ndo = alert ops\ncooldown = 1m\n"
	"[rule more]\nwhen = c.down\ndo = log\ncooldown = 10s\n"
	"escalate = 3 in 1m -> alert boss, signal(USR1) b\n"
	"[rule dry]\nwhen = c.down\ndo = restart b\nmode = dry-run\n"
	"[rule own]\nwhen = d.down\nclear = d.up for 5s\ndo = restart b, run /x, alert "
	"ops\n";
#define UP "go started:a good:e started:b "
#define UPS "start:a start:b "

static const struct stage_row rows[] = {
	/* at once, again after its cooldown, and the third time within a minute more than
	   that */
	{ UP "bad:c +25s good:c",
	  "rule-fired rule-escalated rule-cleared rule-dry-run alert",
	  UPS
	  "rule-fired:fires alert:fires rule-fired:more rule-dry-run:dry rule-fired:more "
	  "rule-escalated:more alert:more USR1:b(main) rule-cleared:fires "
	  "rule-cleared:more "
	  "rule-cleared:dry" },
	{ UP "bad:c +59s +2s", "alert",
	  UPS "alert:fires alert:more USR1:b(main) alert:more USR1:b(main) alert:fires" },
	/* at once when it was over */
	{ UP "bad:c good:c bad:c", "rule-fired",
	  UPS "rule-fired:fires rule-fired:more rule-fired:fires rule-fired:more" },
	/* unknown neither fires nor clears */
	{ UP "bad:c unknown:c +5s ?fires good:c", "rule-cleared rule-escalated",
	  UPS "fires=unknown rule-cleared:fires rule-cleared:more rule-cleared:dry" },
	{ UP "unknown:c ?fires +1h", "rule-fired", UPS "fires=unknown" },
	/* clear has a condition of its own */
	{ UP "bad:d good:d +4s ?own +1s", "rule-fired rule-cleared",
	  UPS "rule-fired:own TERM:b(main) own=false rule-cleared:own" },
	/* one after the other, each when the last has ended */
	{ UP "bad:d exited:b=0 empty:b started:b done:own=0", "alert action-done",
	  UPS "TERM:b(main) start:b run:own action-done:own alert:own" },
	{ UP "bad:d exited:b=0 empty:b started:b done:own=7", "alert action-done",
	  UPS
	  "TERM:b(main) start:b run:own action-done:own alert:own" }, /* well or not */
	{ UP "bad:d exited:b=0 empty:b started:b +34s", "alert",
	  UPS "TERM:b(main) start:b run:own" },
	{ UP "bad:d exited:b=0 empty:b started:b +40s good:c", "alert",
	  UPS "TERM:b(main) start:b run:own alert:own" }, /* never for ever */
	/* an operator's word beats every rule */
	{ UP "!hold:b bad:d done:own=0", "alert", UPS "answer:done run:own alert:own" },
	{ UP "!stop:b exited:b=0 empty:b bad:d done:own=0", "alert",
	  UPS "TERM:b(main) answer:done run:own alert:own" },
	/* and what is not done is told, with its reason */
	{ UP "!hold:b bad:d", "action-skipped", UPS "answer:done action-skipped:own run:own" },
	{ UP "!hold:b bad:c +25s", "action-skipped", UPS "answer:done action-skipped:more" },
	{ UP "!stop:b exited:b=0 empty:b bad:d", "action-skipped",
	  UPS "TERM:b(main) answer:done action-skipped:own run:own" },
	{ UP "killed:b=9 bad:d", "action-skipped",
	  UPS "KILL:b(tree) action-skipped:own" }, /* it is on its way, and waited for */
	{ UP "bad:d +30s good:d +5s bad:d", "rule-fired action-skipped",
	  UPS "rule-fired:own TERM:b(main) KILL:b(tree) KILL:b(tree) KILL:b(tree) rule-fired:own "
	      "action-skipped:own" },
	/* a check's do, on its service; its next action waits until that is up again */
	{ UP "bad:e exited:a=0 empty:a started:a", "alert", UPS "TERM:a(main) start:a" },
	{ UP "bad:e exited:a=0 empty:a started:a good:e", "alert",
	  UPS "TERM:a(main) start:a alert:e" },
};

static void
fire_and_clear(void **state)
{
	(void)state;
	stage_table(text, rows, COUNT(rows));
}

/* What each action is, word by word, and what it leaves undone. */
static const char each_text[] =
	"[monitord]\nsmtp = h:25\n[contact ops]\nmail = a@b\n[contact boss]\nmail = a@b\n"
	"[service a]\nrun = /a\nreload = HUP\nrestart = never\nstop = TERM 5s, KILL\n"
	"[service b]\nrun = /b\n"
	"[service e]\nrun = /e\nevidence = sockets\n"
	"[check ca]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check cb]\nof = b\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check t]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check u]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[route r]\nswitch = /s\nbackend = a check ca\nbackend = b check cb\n"
	"[rule x]\nwhen = t.down\ncooldown = 1m\n";
#define TWO_KILLS " KILL:a(tree) KILL:a(tree)"
#define TWELVE_KILLS TWO_KILLS TWO_KILLS TWO_KILLS TWO_KILLS TWO_KILLS TWO_KILLS
#define ALL_UP                                                                                     \
	"adopted:a adopted:b adopted:e seen:r=a good:ca good:cb good:t good:u go +10s "

static const struct {
	const char *action;
	struct stage_row row;
} each[] = {
	{ "start a", { "bad:t", "action-skipped", "" } }, /* it runs */
	{ "start a", { "exited:a=0 empty:a +1m bad:t started:a good:t +1m ?a", "service-starting",
		       "route:r=b service-starting:a start:a a=up" } },
	{ "stop a", { "bad:t", "service-stopping+",
		      "service-stopping:a<rule-fired{a is being stopped} route:r=b-a TERM:a(main)" } },
	{ "restart a", { "bad:t", "service-restart+",
			 "service-restart:a<rule-fired{a is restarted by x} route:r=b-a TERM:a(main)" } },
	{ "reload a", { "bad:t", NULL, "reload:a" } },
	{ "reload a, log", { "bad:t", "action-done", "reload:a action-done:x" } },
	{ "kill a", { "bad:t", "service-signalled+",
		      "KILL:a(tree) service-signalled:a<rule-fired{a gets SIGKILL}" } },
	{ "signal(USR1) a", { "bad:t", "service-signalled+",
			      "USR1:a(main) service-signalled:a<rule-fired{a gets SIGUSR1}" } },
	{ "signal(USR1) a", { "!drain:a seen:r +1m bad:t", "service-undrained",
			      "route:r=b answer:done USR1:a(main)" } }, /* and no more than that */
	/* of what is ended because it is sick, evidence is gathered first */
	{ "restart e", { "bad:t", NULL, "evidence:e" } },
	{ "stop e", { "bad:t", NULL, "evidence:e" } },
	{ "kill e", { "bad:t", NULL, "evidence:e" } },
	{ "hold a", { "bad:t ?a", "service-held+", "service-held:a<rule-fired{a is held: told of, not acted on} a=held" } },
	{ "release a", { "!hold:a bad:t ?a", "service-released+",
			 "answer:done service-released:a<rule-fired{a is released} a=up" } },
	{ "drain a", { "bad:t", "service-drained", "service-drained:a route:r=b" } },
	{ "drain a", { "bad:cb bad:t", "action-done+",
		       "action-done:x<rule-fired{drain a: too few other backends are healthy}" } },
	{ "undrain a", { "!drain:a seen:r +1m bad:t", "service-undrained",
			 "route:r=b answer:done service-undrained:a" } },
	{ "reroute r", { "bad:t", "action-done", "route:r=b" } },
	{ "reroute r to b", { "bad:t ?r", "action-done", "route:r=b r=manual" } },
	{ "reroute r to b", { "bad:cb bad:t", "action-done+",
			      "action-done:x<rule-fired{reroute r: that backend is not proven up}" } },
	{ "restore r", { "!reroute:r=b seen:r bad:t ?r", NULL, "route:r=b answer:done route:r=a r=primary" } },
	{ "log", { "bad:t", "action-done+ rule-fired+",
		   "rule-fired:x<check-down{x: t.down} action-done:x<rule-fired{x: t.down}" } },
	{ "alert ops, page boss", { "bad:t", "alert+ page+",
				    "alert:x<rule-fired(ops){x: t.down} page:x<rule-fired(boss){x: t.down}" } },
	{ "alert ops", { "!silence:x=60 bad:t", "alert+", "answer:done alert:x<rule-fired{x: t.down}" } },
	{ "run /x, log", { "bad:t done:x=3", "run action-done+",
			   "run:x number 0 of event 5{t.down} action-done:x<rule-fired{run ended with exit "
			   "code 3: said} action-done:x<rule-fired{x: t.down}" } },
	{ "log, run /x", { "bad:t +34s done:x=0", "run action-done+",
			   "action-done:x<rule-fired{x: t.down} run:x number 1 of event 5{t.down} "
			   "action-done:x<rule-fired{run ended with exit code 0: said}" } },
	{ "run /x, log", { "bad:t died:x=9", "action-done+",
			   "run:x action-done:x<rule-fired{run ended by signal 9: said} "
			   "action-done:x<rule-fired{x: t.down}" } },
	{ "run /x, log", { "bad:t +34999ms", "action-done", "run:x" } }, /* 30 s, and 5 */
	{ "run /x, log", { "bad:t +35s", "action-done", "run:x action-done:x" } },
	{ "run /x, log", { "bad:t +35s done:x=0 +1m", "action-done", "run:x action-done:x action-done:x run:x action-done:x" } },
	{ "restart a, log", { "bad:t +119999ms", "action-done", "route:r=b-a TERM:a(main)" TWELVE_KILLS } },
	{ "restart a, log", { "bad:t +2m", "action-done", "route:r=b-a TERM:a(main)" TWELVE_KILLS " action-done:x" } },
	/* what is seen of it, and when */
	{ "log", { "# bad:t +1m &x # good:t &x #", NULL,
		   "[a b e r ca cb t x u] x is true, fired 2, since 70 [t x] x is false, fired 2, since 70 [t x]" } },
	{ "log", { "# unknown:t # unknown:t # &x", NULL,
		   "[a b e r ca cb t x u] [t x] [] x is unknown, fired 0, since -1" } },
	{ "log", { "bad:t # +1m #", NULL, "[a b e r ca cb t x u] [x]" } },
	{ "log\nclear = u.down", { "bad:t # +10s bad:u # &x", NULL,
				  "[a b e r ca cb t x u] [u x] x is true and does not fire, fired 1, since 20" } },
	{ "log\n[rule y]\nwhen = a.exit-code = 0\ndo = log",
	  { "?y exited:a=0 empty:a ?y", NULL, "y=unknown route:r=b y=true" } },
	{ "log\n[rule y]\nwhen = t.down or u.down\ndo = log", { "bad:t", "rule-fired", "rule-fired:x rule-fired:y" } },
	/* what comes of the same news behind a rule that fired is not that rule's doing */
	{ "log\n[rule y]\nwhen = a.state = failing\ndo = log",
	  { "bad:ca", "rule-fired route-ordered+",
	    "rule-fired:y route:r=b-a route-ordered:r<check-down{route r: a to b}" } },
	/* a new process begins windows anew: of each rule, also that over which a rule is over */
	{ "log\n[rule y]\nwhen = a.cpu > 99% for 5s\ndo = log\n[rule z]\nwhen = a.memory > 1M for 5s\ndo = log",
	  { "sample:a.memory=2e6 +4s !restart:a exited:a=0 empty:a started:a good:ca sample:a.memory=2e6 +4s ?z +1s ?z", NULL,
	    "route:r=b-a TERM:a(main) start:a answer:done z=false z=true" } },
	{ "log\n[rule y]\nwhen = a.memory > 1M\nclear = a.memory < 1M for 5s\ndo = log\ncooldown = 1h",
	  { "sample:a.memory=2e6 sample:a.memory=1 +4s !restart:a exited:a=0 empty:a started:a good:ca "
	    "sample:a.memory=1 +4s &y +1s &y", NULL,
	    "route:r=b-a TERM:a(main) start:a answer:done y is false and fires, fired 1, since 10 "
	    "y is false, fired 1, since 19" } },
	{ "log\n[rule y]\nwhen = t.down\ndo = log",
	  { "bad:t", "rule-fired+", "rule-fired:x<check-down{x: t.down} rule-fired:y<check-down{y: t.down}" } },
	/* it has an incident of its own where nothing else is wrong, and as a check's only that one */
	{ "log\n[rule y]\nwhen = a.memory > 1M\ndo = log\ncooldown = 5s",
	  { "sample:a.memory=2e6 +3s sample:a.memory=3e6 +3s sample:a.memory=3e6 +1s sample:a.memory=1e6 +30s",
	    "incident-open+ incident-close+ incident-again",
	    "incident-open:y<rule-fired{y: a.memory is 1.9 MiB (> 1.0 MiB)} incident-close:y<rule-fired{over "
	    "after 7.0 s: y: a.memory is 1.9 MiB (> 1.0 MiB)}" } },
	{ "log\n[rule y]\nwhen = a.memory > 1M\ndo = log\nmode = dry-run",
	  { "sample:a.memory=2e6 +3s", "incident-open rule-dry-run", "rule-dry-run:y" } },
	{ "log\n[check v]\nof = b\ntcp = h:1\ndown = 1\ndo = alert ops",
	  { "bad:v +3s", "incident-open alert", "alert:v incident-open:v" } },
	{ "log\nescalate = 2 in 2m -> run /y", { "bad:t +1m +59s", "run rule-escalated+",
						  "rule-escalated:x{x: t.down} run:x number 0 of escalate of "
						  "event 8{t.down}" } },
	{ "log\nescalate = 2 in 1m -> page boss", { "bad:t +2m", "page", "" } }, /* a minute ago is too long */
	{ "run /x, log", { "bad:t +35s", "action-done+", "run:x action-done:x<rule-fired{x: t.down}" } },
	/* what is only sent, or is no restart, waits for nobody */
	{ "signal(USR1) b, log", { "killed:b=9 empty:b bad:t", "action-done", "KILL:b(tree) start:b USR1:b(main) action-done:x" } },
	{ "release b, log", { "killed:b=9 empty:b bad:t", "action-done", "KILL:b(tree) start:b action-done:x" } },
	{ "hold b, log", { "killed:b=9 empty:b bad:t", "action-done", "KILL:b(tree) start:b action-done:x" } },
	{ "restart b, log", { "killed:b=9 bad:t", "action-skipped+",
			      "KILL:b(tree) action-skipped:x<rule-fired{'restart b' of rule x is not done: b is being "
			      "started again already}" } },
	/* what two rules wait for, each for itself */
	{ "run /x, log\n[rule y]\nwhen = u.down\ndo = run /y, log\ncooldown = 1m",
	  { "bad:u bad:t done:x=0 done:x=0 +35s", "action-done",
	    "run:y run:x action-done:x action-done:x action-done:x action-done:y" } },
	/* in a dry run */
	{ "restart a, signal(HUP) b, kill b, run /x y, alert ops, page boss, reroute r to b, restore r, log\n"
	  "mode = dry-run",
	  { "bad:t", "rule-dry-run+",
	    "rule-dry-run:x<check-down{x: t.down; it would have done: restart a, signal(HUP) b, kill b, run /x, "
	    "alert ops, page boss, reroute r to b, restore r, log}" } },
	{ "log\nescalate = 2 in 5m -> stop a\nmode = dry-run",
	  { "bad:t +1m", "rule-dry-run+",
	    "rule-dry-run:x<check-down{x: t.down; it would have done: log} rule-dry-run:x{x: t.down; it would "
	    "have done: stop a}" } },
	/* what is told of it: an incident, and its end */
	{ "log", { "bad:t +3s good:t +30s", "incident-open incident-close rule-cleared+",
		   "incident-open:t rule-cleared:x<rule-fired{x is over} incident-close:t" } },
};

static void
each_action(void **state)
{
	size_t wrong = 0;
	(void)state;
	for (size_t i = 0; i < COUNT(each); i++) {
		char rules[2000], script[600];
		struct stage_row row = each[i].row;
		snprintf(rules, sizeof rules, "%sdo = %s\n", each_text, each[i].action);
		snprintf(script, sizeof script, ALL_UP "%s", row.script);
		row.script = script;
		if (stage_differs(rules, &row)) {
			print_error("do = %s\n", each[i].action);
			wrong++;
		}
	}
	if (wrong > 0)
		fail_msg("%zu of %zu differ", wrong, COUNT(each));
}

/* The stage begins on Friday, 15 January 2027, at 08:16:40 UTC. */
static const char hours[] =
	"[check c]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[rule day]\nwhen = c.down\ndo = log\ncooldown = 1h\nduring = Mon-Fri 08:00-18:00\n"
	"[rule night]\nwhen = c.down\ndo = log\nduring = 22:00-06:00\ncooldown = 30d\n"
	"[rule weekend]\nwhen = c.down\ndo = log\nduring = Sat-Sun, Mon 08:00-09:00\n"
	"cooldown = 30d\n";

static const struct stage_row in_time[] = {
	{ "go bad:c", "rule-fired", "rule-fired:day" },
	{ "go bad:c +9h", "rule-fired",
	  "rule-fired:day rule-fired:day rule-fired:day rule-fired:day rule-fired:day rule-fired:day "
	  "rule-fired:day rule-fired:day rule-fired:day rule-fired:day" },
	{ "go +9h +40m bad:c", "rule-fired", "rule-fired:day" },  /* 17:56 */
	{ "go +9h +43m +20s bad:c", "rule-fired", "" },		   /* 18:00 */
	{ "go +9h +43m +20s bad:c +3h +59m", "rule-fired", "" },  /* 21:59 */
	{ "go +9h +43m +20s bad:c +4h", "rule-fired", "rule-fired:night" },
	{ "go +9h +43m +20s bad:c +1h good:c +3h", "rule-fired", "" }, /* over before its time */
	{ "go +9h +43m +20s bad:c +6h", "rule-fired", "rule-fired:night rule-fired:weekend" },
	{ "go +9h +43m +20s +1s bad:c +7h good:c +50h bad:c", "rule-fired",
	  "rule-fired:night rule-fired:weekend rule-fired:night" }, /* Monday, 03:00 */
	{ "zone:-3600 go bad:c", "rule-fired", "" }, /* 07:16 there */
	{ "zone:7200 go bad:c", "rule-fired", "rule-fired:day" },
	{ "go +3d +1h bad:c", "rule-fired", "rule-fired:day" },	     /* Monday, 09:16 */
	{ "go +3d bad:c", "rule-fired", "rule-fired:day rule-fired:weekend" },
};

static void
only_during(void **state)
{
	(void)state;
	stage_table(hours, in_time, COUNT(in_time));
}

#define DRY                                                                                        \
	"[monitord]\nmode = dry-run\n[service a]\nrun = /a\n[service b]\nrun = /b\n"              \
	"[check c]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n"                                         \
	"[check d]\nof = b\ntcp = h:1\ndown = 1\nup = 1\n"                                         \
	"[route r]\nswitch = /s\nbackend = a check c\nbackend = b check d\n"                       \
	"[rule leak]\nwhen = a.memory > 1M\ndo = restart a, signal(HUP) b, run /x\ncooldown = 1m\n"
#define BOTH_UP "adopted:a adopted:b seen:r=a good:c good:d go "

static const struct stage_row dry_run[] = {
	{ "go", "dry-run", "dry-run:a dry-run:b" }, /* started, that is */
	{ "adopted:b go +1h", "dry-run", "dry-run:a" },
	{ BOTH_UP "sample:a.memory=2e6 +5s sample:a.memory=2e6", "dry-run rule-dry-run",
	  "rule-dry-run:leak" },
	{ BOTH_UP "exited:a=1 empty:a +1h", "dry-run service-exited",
	  "service-exited:a dry-run:r dry-run:a dry-run:a" }, /* the rest killed, and started */
	{ BOTH_UP "bad:c good:c +2m bad:c", "dry-run", "dry-run:r" },
	{ BOTH_UP "bad:c seen:r=b ?r", "dry-run", "dry-run:r r=rerouted" }, /* by another's hand */
	{ BOTH_UP "!restart:a !stop:a !reroute:r=b", "dry-run",
	  "answer:refused answer:refused answer:refused" },
	{ BOTH_UP "stop-all +1m ?a", "dry-run", "a=up" },
};

static void
does_nothing(void **state)
{
	(void)state;
	stage_table(DRY, dry_run, COUNT(dry_run));
}

/* Whatever led to it: no order leaves the core of a dry run, and all else stays in its place. */
static void
drops_orders(void **state)
{
	static const enum decision_kind stay[] = { DECIDE_TELL,         DECIDE_EVIDENCE,
						   DECIDE_PACE,         DECIDE_ANSWER,
						   DECIDE_RELOAD_RULES, DECIDE_TEST,
						   DECIDE_REMEMBER };
	static struct decisions out;
	(void)state;
	for (int dry = 0; dry < 2; dry++) {
		struct rules *rules = book(dry ? DRY : "[service a]\nrun = /a\n");
		struct world *w = world_new(rules, 1, "host", 1000);
		assert_non_null(w);
		w->out = &out;
		out.count = DECIDE_KINDS;
		for (unsigned i = 0; i < DECIDE_KINDS; i++)
			out.list[i] = (struct decision){ .kind = (enum decision_kind)i,
							 .id = i };
		dry_drop(w);
		assert_int_equal(out.count, dry ? COUNT(stay) : DECIDE_KINDS);
		for (unsigned i = 0; dry && i < COUNT(stay); i++) {
			assert_int_equal(out.list[i].kind, stay[i]);
			assert_int_equal(out.list[i].id, stay[i]);
		}
		world_free(&w);
		rules_free(&rules);
	}
}

/* A command of rules that are no more has ended. */
static void
ends_of_nobody(void **state)
{
	static struct decisions out;
	struct rules *rules =
		book("[service a]\nrun = /a\n[rule r]\nwhen = a.up\ndo = log\n");
	struct world *w = world_new(rules, 1, "host", 1000);
	struct event e = { .kind = EVENT_RUN_DONE, .id = 1, .token = 1, .text = "" };
	(void)state;
	assert_non_null(w);
	decide(w, &e, 1000, 1000, &out);
	assert_int_equal(out.count, 0);
	world_free(&w);
	rules_free(&rules);
}

/* What never has an event of its own is looked at when all begins, and when a rule is
 * new. */
static void
looks_at_what_rests(void **state)
{
	static const char rests[] =
		"[service a]\nrun = /a\non-boot = stay\n[service b]\nrun = /b\n";
	static const char watched[] =
		"[service a]\nrun = /a\non-boot = stay\n[service b]\nrun = /b\n"
		"[rule rests]\nwhen = a.state = stopped for 5s\ndo = log\ncooldown = 1h\n"
		"[rule quiet]\nwhen = not a.up\ndo = log\ncooldown = 1h\n";
	static const struct stage_row begins[] = {
		{ "go +4s", "rule-fired", "start:b rule-fired:quiet" },
		{ "go +5s", "rule-fired", "start:b rule-fired:quiet rule-fired:rests" },
		{ "go +6s !start:a started:a +30s", "rule-fired rule-cleared",
		  "start:b rule-fired:quiet rule-fired:rests start:a answer:done "
		  "rule-cleared:rests rule-cleared:quiet" },
		{ "+1h", "rule-fired", "" }, /* not before it begins */
	};
	static const struct stage_row comes = {
		"go started:b +1h reload +5s", "rule-fired",
		"start:b rule-fired:quiet rule-fired:rests"
	};
	(void)state;
	stage_table(watched, begins, COUNT(begins));
	stage_reload(rests, watched, &comes);
}

/* Every state of a service is seen, also one that no other news comes with. */
static const char states[] =
	"[service a]\nrun = /a\nat-most = 2 in 10m\nbackoff = 5s..5s\n"
	"[rule starting]\nwhen = a.state = starting for 10s\ndo = log\ncooldown = 1h\n"
	"[rule backoff]\nwhen = a.state = backoff for 3s\ndo = log\ncooldown = 1h\n"
	"[rule failed]\nwhen = a.state = failed\ndo = log\ncooldown = 1h\n"
	"[rule stopping]\nwhen = a.state = stopping for 3s\ndo = log\ncooldown = 1h\n"
	"[rule stopped]\nwhen = a.state = stopped for 3s\ndo = log\ncooldown = 1h\n"
	"[rule held]\nwhen = a.state = held for 3s\ndo = log\ncooldown = 1h\n"
	"[rule other]\nwhen = changed(a.pid, 1m)\ndo = log\ncooldown = 1h\n";
#define RUNS "go started:a +1m "
#define DIES "killed:a=9 empty:a "

static const struct stage_row all_states[] = {
	{ RUNS DIES "+9s ?a ?starting", "rule-fired",
	  "start:a KILL:a(tree) start:a a=starting starting=false" },
	{ RUNS DIES "+10s", "rule-fired", "start:a KILL:a(tree) start:a rule-fired:starting" },
	{ RUNS DIES "started:a " DIES "+3s ?a", "rule-fired",
	  "start:a KILL:a(tree) start:a rule-fired:other KILL:a(tree) rule-fired:backoff a=backoff" },
	{ RUNS DIES "started:a " DIES "+6s started:a " DIES "+1s ?a", "rule-fired",
	  "start:a KILL:a(tree) start:a rule-fired:other KILL:a(tree) rule-fired:backoff start:a "
	  "KILL:a(tree) rule-fired:failed a=failed" },
	{ RUNS DIES "started:a +1s", "rule-fired", "start:a KILL:a(tree) start:a rule-fired:other" },
	{ RUNS "!stop:a +3s", "rule-fired", "start:a TERM:a(main) rule-fired:stopping" },
	{ RUNS "!stop:a exited:a=0 empty:a +3s", "rule-fired",
	  "start:a TERM:a(main) answer:done rule-fired:stopped" },
	{ RUNS "!hold:a +3s", "rule-fired", "start:a answer:done rule-fired:held" },
	{ RUNS "!hold:a=2 +1s ?held +2s ?held", "rule-fired",
	  "start:a answer:done held=false held=false" },
};

static void
sees_all_states(void **state)
{
	(void)state;
	stage_table(states, all_states, COUNT(all_states));
}

int
test_rule(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fire_and_clear), cmocka_unit_test(each_action),
		cmocka_unit_test(only_during),
		cmocka_unit_test(does_nothing),   cmocka_unit_test(drops_orders),
		cmocka_unit_test(ends_of_nobody), cmocka_unit_test(looks_at_what_rests),
		cmocka_unit_test(sees_all_states)
	};
	return cmocka_run_group_tests_name("rule", tests, NULL, NULL);
}
