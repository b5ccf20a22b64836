/* Incidents: one root, joined by its symptoms, told when they open and close. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

static const char text[] =
	"[monitord]\nremind = 1m\nsmtp = h:25\nalert = ops, boss after 15m\n"
	"[contact ops]\nmail = ops@h\nescalate = 5m -> oncall\n"
	"[contact oncall]\nmail = oncall@h\n[contact boss]\nmail = boss@h\n"
	"[service a]\nrun = /a\n[check ca]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n"
	"[service b]\nrun = /b\n[check cb]\nof = b\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check lone]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check other]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[rule slow]\nwhen = lone.latency > 1h\ndo = log\n"
	"[rule also]\nwhen = other.down\ndo = log\nremind = 10m\n"
	"[chain both]\npath = b -> a\n";
/* In which words, by what, and to whom. */
#define SAID                                                                                       \
	"incident-open+ incident-close+ incident-remind+ incident-again+ incident-escalate+ "      \
	"incident-ack+ silence-over+ command+ alert+"
#define BEGUN "adopted:a adopted:b go good:ca good:cb good:lone good:other "

static const struct stage_row words[] = {
	{ BEGUN "bad:lone +4m +2m good:lone +30s", SAID,
	  "incident-open:lone<check-down(ops){lone is down: it is bad} "
	  "incident-remind:lone<check-down(ops){lone is down: it is bad} "
	  "incident-remind:lone<check-down(ops){lone is down: it is bad} "
	  "incident-remind:lone<check-down(ops){lone is down: it is bad} "
	  "incident-remind:lone<check-down(ops){lone is down: it is bad} "
	  "incident-escalate:lone<check-down(oncall){nobody has taken it for 5 min: lone is "
	  "down: it is bad} incident-remind:lone<check-down(ops,oncall){lone is down: it is "
	  "bad} incident-close:lone<check-down(ops,oncall){over after 6 min: lone is down: it "
	  "is bad}" },
	{ BEGUN "bad:lone +3s !ack:lone +20m good:lone +30s", SAID,
	  "incident-open:lone<check-down(ops){lone is down: it is bad} "
	  "incident-ack:lone<check-down(ops){acknowledged by me: planned} answer:done "
	  "incident-close:lone<check-down(ops){over after 20 min 3 s: lone is down: it is bad}" },
	{ BEGUN "bad:lone +16m", SAID,
	  "incident-open:lone<check-down(ops){lone is down: it is bad} "
	  "incident-remind:lone<check-down(ops){lone is down: it is bad} "
	  "incident-remind:lone<check-down(ops){lone is down: it is bad} "
	  "incident-remind:lone<check-down(ops){lone is down: it is bad} "
	  "incident-remind:lone<check-down(ops){lone is down: it is bad} "
	  "incident-escalate:lone<check-down(oncall){nobody has taken it for 5 min: lone is "
	  "down: it is bad} incident-remind:lone<check-down(ops,oncall){lone is down: it is "
	  "bad} incident-remind:lone<check-down(ops,oncall){lone is down: it is bad} "
	  "incident-remind:lone<check-down(ops,oncall){lone is down: it is bad} "
	  "incident-remind:lone<check-down(ops,oncall){lone is down: it is bad} "
	  "incident-remind:lone<check-down(ops,oncall){lone is down: it is bad} "
	  "incident-remind:lone<check-down(ops,oncall){lone is down: it is bad} "
	  "incident-remind:lone<check-down(ops,oncall){lone is down: it is bad} "
	  "incident-remind:lone<check-down(ops,oncall){lone is down: it is bad} "
	  "incident-remind:lone<check-down(ops,oncall){lone is down: it is bad} "
	  "incident-remind:lone<check-down(ops,oncall){lone is down: it is bad} "
	  "incident-escalate:lone<check-down(boss){nobody has taken it for 15 min: lone is "
	  "down: it is bad} incident-remind:lone<check-down(ops,oncall,boss){lone is down: it "
	  "is bad}" },
	{ BEGUN "bad:lone +3s good:lone +10s bad:lone +3s good:lone +6m", SAID,
	  "incident-open:lone<check-down(ops){lone is down: it is bad} "
	  "incident-close:lone<check-down(ops){over after 3.0 s: lone is down: it is bad} "
	  "incident-again:lone<check-down(ops){lone flaps: wrong 2 times in 15 s; you hear "
	  "again when it has been well for 5 min: lone is down: it is bad} "
	  "incident-close:lone<check-down(ops){over after 16 s: lone is down: it is bad}" },
	{ BEGUN "bad:cb +3s bad:ca +1m", SAID,
	  "incident-open:cb<check-down(ops){cb is down: it is bad} "
	  "incident-remind:ca<check-down(ops){ca is down: it is bad}" },
	{ BEGUN "killed:a=9 +1s bad:cb +3s", SAID,
	  "KILL:a(tree) incident-open:a<service-exited(ops){a exited: killed by signal 9 "
	  "(SIGKILL)}" },
	{ BEGUN "!silence:lone=60 bad:lone +30s +31s", SAID,
	  "command:lone{silence for 1 min, 60 s, by me: planned} answer:done "
	  "incident-open:lone<check-down{lone is down: it is bad} silence-over:lone<command{the "
	  "silence of lone (planned) is over: 1 incident is open} "
	  "incident-open:lone<check-down(ops){lone is down: it is bad}" },
	{ BEGUN "!silence:both=60 bad:ca +30s !unsilence:both +1s", SAID,
	  "command:both{silence for 1 min, 60 s, by me: planned} answer:done "
	  "incident-open:ca<check-down{ca is down: it is bad} command:both{unsilence by uid 0} "
	  "silence-over:both<command{the silence of both (planned) was ended: 1 incident is "
	  "open} incident-open:ca<check-down(ops){ca is down: it is bad} answer:done" },
	{ BEGUN "bad:lone +3s !silence:lone=60 good:lone +30s +31s", SAID,
	  "incident-open:lone<check-down(ops){lone is down: it is bad} command:lone{silence for "
	  "1 min, 60 s, by me: planned} answer:done incident-close:lone<check-down(ops){over "
	  "after 3.0 s: lone is down: it is bad} silence-over:lone<command{the silence of lone "
	  "(planned) is over: all is well}" },
	{ BEGUN "bad:other +11m", SAID,
	  "incident-open:other<check-down(ops){other is down: it is bad} "
	  "incident-remind:other<check-down(ops){other is down: it is bad} "
	  "incident-remind:other<check-down(ops){other is down: it is bad} "
	  "incident-remind:other<check-down(ops){other is down: it is bad} "
	  "incident-remind:other<check-down(ops){other is down: it is bad} "
	  "incident-escalate:other<check-down(oncall){nobody has taken it for 5 min: other is "
	  "down: it is bad} incident-remind:other<check-down(ops,oncall){other is down: it is "
	  "bad} incident-remind:other<check-down(ops,oncall){other is down: it is bad} "
	  "incident-remind:other<check-down(ops,oncall){other is down: it is bad} "
	  "incident-remind:other<check-down(ops,oncall){other is down: it is bad} "
	  "incident-remind:other<check-down(ops,oncall){other is down: it is bad} "
	  "incident-remind:other<check-down(ops,oncall){other is down: it is bad}" },
	{ BEGUN "bad:lone reborn adopted:a adopted:b go +1s", SAID, "" },
	/* died before it was told: told as soon as it would have been, and may prove itself */
	{ BEGUN "bad:lone reborn adopted:a adopted:b go +9s", SAID,
	  "incident-open:lone<check-down(ops){lone is down: it is bad (failing for 0 ms)}" },
	{ BEGUN "bad:lone reborn adopted:a adopted:b go +9s bad:lone +10s", SAID,
	  "incident-open:lone<check-down(ops){lone is down: it is bad (failing for 0 ms)}" },
	{ BEGUN "bad:lone reborn adopted:a adopted:b go +2s good:lone +9s", SAID,
	  "incident-open:lone<check-down(ops){lone is down: it is bad (failing for 0 ms)} "
	  "incident-close:lone<check-down(ops){over after 0 ms: lone is down: it is bad (failing for 0 ms)}" },
	{ BEGUN "bad:lone +3s reborn adopted:a adopted:b go +9s", SAID,
	  "incident-open:lone<check-down(ops){lone is down: it is bad}" },
	{ BEGUN "bad:lone +3s reborn bad:lone +3s good:lone +30s", SAID,
	  "incident-open:lone<check-down(ops){lone is down: it is bad} "
	  "incident-close:lone<check-down(ops){over after 6.0 s: lone is down: it is bad}" },
	/* acknowledged before it was told: whoever is told later than others is not told for that */
	{ BEGUN "bad:lone +1s !ack:lone reborn adopted:a adopted:b go bad:lone +1m", SAID, 
	  "incident-ack:lone<check-down(ops){acknowledged by me: planned} answer:done "
	  "incident-open:lone<check-down(ops){lone is down: it is bad (failing for 0 ms)}" },
	/* that one of them is well again puts off no reminder of the other */
	{ BEGUN "bad:ca bad:cb +61s good:cb +1s", SAID, 
	  "incident-open:ca<check-down(ops){ca is down: it is bad} "
	  "incident-remind:ca<check-down(ops){ca is down: it is bad}" },
	{ BEGUN "# bad:lone +3s # !ack:lone # good:lone +30s #", NULL,
	  "[a b both ca cb lone slow other also] [lone] answer:done [] [lone]" },
};

#define TOLD "incident-open incident-close incident-remind incident-again"
#define ALSO " incident-escalate incident-ack silence-over"
#define UP "adopted:a adopted:b go good:ca good:cb good:lone "

static const struct stage_row rows[] = {
	/* gathers for two seconds, closes once all was well twice as long as it was not */
	{ UP "bad:lone +1.9s", TOLD, "" },
	{ UP "bad:lone +2s", TOLD, "incident-open:lone" },
	{ UP "bad:lone +5s good:lone +9.9s", TOLD, "incident-open:lone" },
	{ UP "bad:lone +5s good:lone +10s", TOLD,
	  "incident-open:lone incident-close:lone" },
	{ UP "bad:lone +50s good:lone +19.9s", TOLD, "incident-open:lone" },
	{ UP "bad:lone +50s good:lone +20s", TOLD,
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
	/* what explains the rest is the root, whenever it is seen */
	{ UP "bad:cb +1s bad:ca +3s", TOLD, "incident-open:ca" },
	{ UP "bad:cb +1s killed:a=9 +3s", TOLD, "KILL:a(tree) incident-open:a" },
	{ UP "bad:ca +1s bad:cb +3s", TOLD, "incident-open:ca" },
	{ UP "bad:ca +1s killed:a=9 +3s", TOLD, "KILL:a(tree) incident-open:a" },
	{ UP "bad:cb +3s bad:ca +3s good:ca good:cb +20s", TOLD,
	  "incident-open:cb incident-close:ca" },
	/* what has nothing to do with it: another */
	{ UP "bad:ca bad:lone +3s", TOLD, "incident-open:ca incident-open:lone" },
	/* told again while it lasts */
	{ UP "bad:lone +2s +60s +60s good:lone +20s", TOLD,
	  "incident-open:lone incident-remind:lone incident-remind:lone "
	  "incident-close:lone" },
	/* what an operator does is none; what is held is told of */
	{ UP "!stop:a exited:a=0 empty:a +1m", TOLD, "TERM:a(main) answer:done" },
	{ UP "!hold:a killed:a=9 empty:a +3s", TOLD,
	  "answer:done KILL:a(tree) incident-open:a" },
	{ UP "!ack:lone", TOLD ALSO, "answer:refused" },
	/* acknowledged: no reminder, but the end is told */
	{ UP "bad:lone +3s !ack:lone +5m good:lone +20s", TOLD ALSO,
	  "incident-open:lone incident-ack:lone answer:done incident-close:lone" },
	{ UP "bad:lone +1s !ack:lone +5m", TOLD ALSO,
	  "incident-ack:lone answer:done incident-open:lone" },
};

static const char later[] =
	"[monitord]\nremind = 10m\nsmtp = h:25\nalert = ops, boss after 15m\n"
	"[contact ops]\nmail = ops@h\nescalate = 5m -> oncall\n"
	"[contact oncall]\nmail = oncall@h\n[contact boss]\nmail = boss@h\n"
	"[check lone]\ntcp = h:1\ndown = 1\nup = 1\n";
#undef UP
#define UP "go good:lone "
static const struct stage_row escalations[] = {
	/* nobody takes it: others hear, each once, as long as it lasts */
	{ UP "bad:lone +301s", TOLD ALSO, "incident-open:lone" },
	{ UP "bad:lone +302s", TOLD ALSO,
	  "incident-open:lone incident-escalate:lone" },
	{ UP "bad:lone +16m", TOLD ALSO,
	  "incident-open:lone incident-escalate:lone incident-remind:lone "
	  "incident-escalate:lone" },
	{ UP "bad:lone +3s !ack:lone +20m", TOLD ALSO,
	  "incident-open:lone incident-ack:lone answer:done" },
	{ UP "bad:lone +3s good:lone +30m", TOLD ALSO,
	  "incident-open:lone incident-close:lone" },
	{ UP "bad:lone +3s !ack:lone reborn go bad:lone +30m", TOLD ALSO,
	  "incident-open:lone incident-ack:lone answer:done" },
	{ UP "bad:lone +6m reborn go bad:lone +5m", TOLD ALSO,
	  "incident-open:lone incident-escalate:lone incident-remind:lone" },
};
#undef UP
#define UP "adopted:a adopted:b go good:ca good:cb good:lone "

/* Flaps are told when they begin and when they are over. */
#define FLAP5 "bad:lone +5s good:lone +5s "
#define FLAP30 "bad:lone +30s good:lone +30s "
#define TIMES5(x) x x x x x
static const struct stage_row flaps[] = {
	{ UP TIMES5(TIMES5(FLAP5)) TIMES5(TIMES5(FLAP5)) TIMES5(FLAP5) TIMES5(FLAP5), TOLD,
	  "incident-open:lone incident-again:lone" },
	{ UP TIMES5(TIMES5(FLAP5)) TIMES5(TIMES5(FLAP5)) TIMES5(FLAP5) TIMES5(FLAP5) "+5m",
	  TOLD, "incident-open:lone incident-again:lone incident-close:lone" },
	{ UP TIMES5(FLAP30) TIMES5(FLAP30) "+5m", TOLD,
	  "incident-open:lone incident-close:lone incident-again:lone "
	  "incident-close:lone" },
	/* over for long: another incident */
	{ UP "bad:lone +5s good:lone +11m bad:lone +2s", TOLD,
	  "incident-open:lone incident-close:lone incident-open:lone" },
	/* a service that dies again is no flap yet */
	{ UP "killed:a=9 empty:a +1s started:a good:ca +2s +1m killed:a=9 empty:a +1s "
	     "started:a good:ca +1m",
	  TOLD,
	  "KILL:a(tree) start:a incident-open:a incident-close:a KILL:a(tree) "
	  "start:a incident-again:a incident-close:a" },
	/* and what is forgotten on the way stays one incident */
	{ UP TIMES5(FLAP5) "reborn adopted:a adopted:b go good:lone +1m", TOLD,
	  "incident-open:lone incident-again:lone" },
};

static const struct stage_row silences[] = {
	{ UP "!silence:lone=600 bad:lone +3s good:lone +1m", TOLD ALSO,
	  "answer:done incident-open:lone incident-close:lone" },
	{ UP "!silence:lone=600 bad:lone +11m", TOLD ALSO,
	  "answer:done incident-open:lone silence-over:lone incident-open:lone "
	  "incident-remind:lone" },
	{ UP "!silence:both=600 !silence:lone=60 bad:ca +2m", TOLD ALSO,
	  "answer:done answer:done incident-open:ca silence-over:lone" },
	{ UP "!silence:a=600 bad:ca +3s !unsilence:a", TOLD ALSO,
	  "answer:done incident-open:ca silence-over:a incident-open:ca answer:done" },
	{ UP "!silence:lone=60 +2m bad:lone +3s", TOLD ALSO,
	  "answer:done silence-over:lone incident-open:lone" },
	{ UP "bad:lone +3s !silence:lone=600 +9m !unsilence:lone", TOLD ALSO,
	  "incident-open:lone answer:done silence-over:lone incident-remind:lone answer:done" },
	{ UP "!silence:nobody=600", TOLD ALSO, "answer:done" }, /* all */
	{ UP "!silence:lone", TOLD ALSO, "answer:refused" },
	{ UP "!unsilence:lone", TOLD ALSO, "answer:done" },
	{ UP "!silence:lone=600 bad:lone +3s reborn adopted:a adopted:b go bad:lone +8m",
	  TOLD ALSO, "answer:done incident-open:lone" },
	{ UP "!silence:lone=600 bad:lone +3s reborn adopted:a adopted:b go bad:lone +601s",
	  TOLD ALSO,
	  "answer:done incident-open:lone silence-over:lone incident-open:lone" },
};

/* From Friday, 08:16:40, on. */
static const char hours[] =
	"[monitord]\nsmtp = h:25\nalert = ops\n[contact ops]\nmail = ops@h\n"
	"[service a]\nmatch = a\nduring = Mon-Fri 09:00-17:00\n"
	"[check lone]\ntcp = h:1\ndown = 1\nup = 1\nduring = 09:00-09:30\n"
	"[check ca]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n"
	"[rule r]\nwhen = lone.down\ndo = log\nalert = ops\n";
static const struct stage_row off_hours[] = {
	/* it is one all the same, and told when its time comes; or not at all */
	{ "go good:lone bad:lone +3s", TOLD, "incident-open:lone" },
	{ "go good:lone bad:lone +43m", TOLD, "incident-open:lone" },
	{ "go good:lone bad:lone +43m +20s", TOLD, "incident-open:lone incident-open:lone" },
	{ "go good:lone bad:lone +30m good:lone +20m", TOLD, "incident-open:lone incident-close:lone" },
	{ "go good:lone +44m bad:lone +3s", TOLD, "incident-open:lone" },
	{ "go good:lone +44m bad:lone +3s +1h good:lone +1m", TOLD, "incident-open:lone incident-close:lone" },
	{ "go found:a good:ca bad:ca +45m", TOLD, "incident-open:ca incident-open:ca" }, /* its service's */
	{ "go good:lone bad:lone +3s reborn go bad:lone +44m", TOLD, "incident-open:lone incident-open:lone" },
};

static void
only_in_its_times(void **state)
{
	(void)state;
	stage_table(hours, off_hours, COUNT(off_hours));
}

static void
in_words(void **state)
{
	(void)state;
	stage_table(text, words, COUNT(words));
}

static void
open_join_close(void **state)
{
	(void)state;
	stage_table(text, rows, COUNT(rows));
	stage_table(later, escalations, COUNT(escalations));
}

static void
flapping(void **state)
{
	(void)state;
	stage_table(text, flaps, COUNT(flaps));
}

static void
silence(void **state)
{
	(void)state;
	stage_table(text, silences, COUNT(silences));
}

/* Those that need it died a moment before it was seen to be dead, and are up again. */
static void
the_cause_may_be_seen_last(void **state)
{
	static const char needs[] =
		"[monitord]\nsmtp = h:25\nalert = ops\n[contact ops]\nmail = ops@h\n"
		"[service store]\nrun = /s\nready = exec\n"
		"[service u]\nrun = /u\nready = exec\ndepends = store\n"
		"[service v]\nrun = /v\nready = exec\ndepends = store\n"
		"[service w]\nrun = /w\nready = exec\n";
	static const struct stage_row late[] = {
		{ "adopted:store adopted:u adopted:v adopted:w go "
		  "killed:u=9 empty:u started:u killed:v=9 empty:v started:v "
		  "killed:w=9 empty:w started:w "
		  "killed:store=9 empty:store +3s started:store +30s", "incident-open incident-close",
		  "KILL:u(tree) start:u KILL:v(tree) start:v KILL:w(tree) start:w "
		  "KILL:store(tree) start:store incident-open:store incident-close:v "
		  "incident-open:w incident-close:w incident-close:store" },
		/* and is no other one in the next life */
		{ "adopted:store adopted:u adopted:v adopted:w go "
		  "killed:u=9 empty:u started:u killed:v=9 empty:v started:v "
		  "killed:store=9 empty:store +3s started:store +30s "
		  "reborn adopted:store adopted:u adopted:v adopted:w go +1m", "incident-open incident-close",
		  "KILL:u(tree) start:u KILL:v(tree) start:v "
		  "KILL:store(tree) start:store incident-open:store incident-close:v "
		  "incident-close:store" },
	};
	(void)state;
	stage_table(needs, late, COUNT(late));
}

int
test_incident(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(open_join_close),
		cmocka_unit_test(in_words),
		cmocka_unit_test(flapping),
		cmocka_unit_test(silence),
		cmocka_unit_test(only_in_its_times),
		cmocka_unit_test(the_cause_may_be_seen_last)
	};
	return cmocka_run_group_tests_name("incident", tests, NULL, NULL);
}
