/* Rules: when they fire, again, more so, and no longer; what they do in order. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

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

int
test_rule(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(fire_and_clear) };
	return cmocka_run_group_tests_name("rule", tests, NULL, NULL);
}
