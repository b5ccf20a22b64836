/* Incidents: one root, joined by its symptoms, told when they open and close. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

static const char text[] =
	"[monitord]\nremind = 1m\n"
	"[service a]\nrun = /a\n[check ca]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n"
	"[service b]\nrun = /b\n[check cb]\nof = b\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check lone]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check other]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[rule slow]\nwhen = lone.latency > 1h\ndo = log\n"
	"[rule also]\nwhen = other.down\ndo = log\nremind = 10m\n"
	"[chain both]\npath = b -> a\n";
#define TOLD "incident-open incident-close incident-remind"
#define UP "adopted:a adopted:b go good:ca good:cb good:lone "

static const struct stage_row rows[] = {
	/* gathers for two seconds, closes once all has been well for two */
	{ UP "bad:lone +1.9s", TOLD, "" },
	{ UP "bad:lone +2s", TOLD, "incident-open:lone" },
	{ UP "bad:lone +5s good:lone +1.9s", TOLD, "incident-open:lone" },
	{ UP "bad:lone +5s good:lone +2s", TOLD,
	  "incident-open:lone incident-close:lone" },
	{ UP "bad:lone +5s good:lone +1s bad:lone +10s", TOLD,
	  "incident-open:lone" }, /* the same one */
	{ UP "bad:lone +500ms good:lone +10s", TOLD,
	  "incident-open:lone incident-close:lone" },
	/* a service, its check, and what needs it: one */
	{ UP "bad:ca +3s", TOLD, "incident-open:ca" },
	{ UP "killed:a=9 +1s bad:cb +3s", TOLD, "KILL:a(tree) incident-open:a" },
	{ UP "bad:ca bad:cb +3s good:ca +10s", TOLD, "incident-open:ca" },
	{ UP "bad:ca bad:cb +3s good:ca good:cb +10s", TOLD,
	  "incident-open:ca incident-close:ca" },
	/* what has nothing to do with it: another */
	{ UP "bad:ca bad:lone +3s", TOLD, "incident-open:ca incident-open:lone" },
	/* told again while it lasts */
	{ UP "bad:lone +2s +60s +60s good:lone +2s", TOLD,
	  "incident-open:lone incident-remind:lone incident-remind:lone "
	  "incident-close:lone" },
	/* what an operator does is none; what is held is told of */
	{ UP "!stop:a exited:a=0 empty:a +1m", TOLD, "TERM:a(main) answer:done" },
	{ UP "!hold:a killed:a=9 empty:a +3s", TOLD,
	  "answer:done KILL:a(tree) incident-open:a" },
};

static void
open_join_close(void **state)
{
	(void)state;
	stage_table(text, rows, COUNT(rows));
}

int
test_incident(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(open_join_close) };
	return cmocka_run_group_tests_name("incident", tests, NULL, NULL);
}
