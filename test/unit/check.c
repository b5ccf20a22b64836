/* Checks: when they fall and rise, and what does not count. */
#include "test/unit/stage.h"

#include "rules/world_state.h"
#include "test/unit/book.h"
#include "test/unit/unit.h"

#include <math.h>
#include <string.h>

static const char text[] =
	"[check two]\ntcp = h:1\n"
	"[check of]\ntcp = h:1\ndown = 2 of 3\nup = 1\n"
	"[check time]\ntcp = h:1\ndown = 5s\nup = 3s\n"
	"[service a]\nrun = /a\n[check mine]\nof = a\ntcp = h:1\ndown = 1\n"
	"[check one]\ntcp = h:1\ndown = 1\nup = 3\n";
/* In which words, by what, and how often they are measured. */
#define SAID "check-down+ check-up+ check-degraded+ incident-open+ service-failing+ pace"
#define BEGUN "adopted:a go good:two good:of good:time good:mine good:one +1s "

static const struct stage_row words[] = {
	{ BEGUN "bad:two +1s bad:two good:two +1s good:two", SAID,
	  "pace:mine=now pace:two=fast check-down:two{two is down: it is bad (failing for 1.0 "
	  "s)} pace:two=normal pace:two=fast check-up:two{two is up again} pace:two=normal" },
	{ BEGUN "warn:two +3s good:two", SAID,
	  "pace:mine=now check-degraded:two{two is degraded: it is warn} "
	  "incident-open:two<check-degraded{two is degraded: it is warn} check-up:two{two is up "
	  "again}" },
	{ BEGUN "warn:two bad:two bad:two warn:two warn:two good:two", SAID,
	  "pace:mine=now check-degraded:two{two is degraded: it is warn} pace:two=fast "
	  "check-down:two{two is down: it is bad (failing for 0 ms)} pace:two=normal "
	  "pace:two=fast check-degraded:two{two is degraded: it is warn} pace:two=normal "
	  "check-up:two{two is up again}" },
	{ BEGUN "bad:time +5s bad:time good:time +3s good:time", SAID,
	  "pace:mine=now pace:time=fast check-down:time{time is down: it is bad (failing for "
	  "5.0 s)} pace:time=normal pace:time=fast incident-open:time<check-down{time is down: "
	  "it is bad} check-up:time{time is up again} pace:time=normal" },
	{ BEGUN "bad:one good:one good:one good:one", SAID,
	  "pace:mine=now check-down:one{one is down: it is bad (failing for 0 ms)} "
	  "pace:one=fast check-up:one{one is up again} pace:one=normal" },
	{ BEGUN "bad:mine good:mine good:mine", SAID,
	  "pace:mine=now check-down:mine{mine is down: it is bad (failing for 0 ms)} "
	  "service-failing:a<check-down{a is failing: mine is down} pace:mine=fast "
	  "check-up:mine{mine is up again} pace:mine=normal" },
	{ BEGUN "!stop:a bad:mine", SAID,
	  "pace:mine=now pace:mine=off TERM:a(main)" },
	{ BEGUN "killed:a=9 empty:a started:a warn:mine +1m", SAID,
	  "pace:mine=now KILL:a(tree) start:a pace:mine=fast pace:mine=normal "
	  "check-degraded:mine<service-started{mine is degraded: it is warn} "
	  "incident-open:a<service-exited{a exited: killed by signal 9 (SIGKILL)}" },
	{ BEGUN "unknown:two +1s bad:two unknown:two bad:two bad:two", SAID,
	  "pace:mine=now pace:two=fast check-down:two{two is down: it is bad (failing for 0 "
	  "ms)} pace:two=normal" },
	{ BEGUN "late bad:two +1s bad:two bad:two", SAID,
	  "pace:mine=now pace:two=fast check-down:two{two is down: it is bad (failing for 1.0 "
	  "s)} pace:two=normal" },
	{ BEGUN "lost:net +1s bad:two bad:two", SAID,
	  "pace:mine=now pace:two=fast check-down:two{two is down: it is bad (failing for 0 "
	  "ms)} pace:two=normal" },
	{ BEGUN "# bad:two # bad:two # good:two good:two # good:two # warn:two # lost:net #", NULL,
	  "[a two of time mine one] [two] [two] [two] [] [two] [two of time mine one]" },
};

static void
in_words(void **state)
{
	(void)state;
	stage_table(text, words, COUNT(words));
}

#define TOLD "check-down check-up check-degraded"

static const struct stage_row rows[] = {
	{ "?two good:two ?two", TOLD, "two=unknown two=up" },
	{ "good:two bad:two ?two bad:two ?two", TOLD, "two=up check-down:two two=down" },
	{ "bad:two bad:two good:two ?two good:two ?two", TOLD,
	  "check-down:two two=down check-up:two two=up" },
	{ "bad:two bad:two good:two bad:two good:two ?two", TOLD,
	  "check-down:two two=down" },
	{ "good:two bad:two good:two bad:two ?two", TOLD,
	  "two=up" }, /* never two in a row */
	/* of what another section measures nothing is known */
	{ "good:two bad:two changed:two bad:two ?two bad:two ?two", TOLD, "two=unknown check-down:two two=down" },
	{ "good:time bad:time +4s changed:time bad:time +2s bad:time ?time", TOLD, "time=unknown" },
	{ "bad:one changed:one good:one ?one", TOLD, "check-down:one one=up" },
	{ "good:time bad:time +4s unknown:time bad:time +2s bad:time ?time", TOLD, "time=unknown" },
	/* N of M */
	{ "good:of bad:of good:of bad:of ?of", TOLD, "check-down:of of=down" },
	{ "good:of bad:of good:of good:of bad:of ?of", TOLD, "of=up" },
	{ "bad:of bad:of good:of bad:of ?of", TOLD,
	  "check-down:of check-up:of of=up" }, /* begins anew */
	/* times */
	{ "bad:time +4s bad:time ?time +1s bad:time ?time", TOLD,
	  "time=unknown check-down:time time=down" },
	{ "good:time bad:time +4s good:time bad:time +4s bad:time ?time", TOLD,
	  "time=up" },
	{ "bad:time +5s bad:time good:time +2s good:time ?time +1s good:time ?time", TOLD,
	  "check-down:time time=down check-up:time time=up" },
	/* unknown neither falls nor rises, and breaks what was in a row */
	{ "good:two unknown:two unknown:two unknown:two ?two", TOLD, "two=unknown" },
	{ "good:two bad:two unknown:two bad:two ?two", TOLD, "check-down:two two=down" },
	{ "bad:one good:one good:one unknown:one good:one ?one", TOLD,
	  "check-down:one one=unknown" },
	{ "good:two lost:net ?two bad:two ?two", TOLD, "two=unknown two=unknown" },
	{ "bad:one lost:net +1s good:one ?one", TOLD, "check-down:one one=unknown" },
	{ "bad:one good:one good:one lost:net +1s good:one ?one", TOLD,
	  "check-down:one one=unknown" },
	{ "good:one lost:local ?one", TOLD, "one=up" }, /* not its helper */
	/* what is degraded all through its service's start is told once that is over */
	{ "go started:a warn:mine ?mine +10s warn:mine ?mine", TOLD,
	  "start:a check-degraded:mine mine=degraded mine=degraded" },
	/* a warning is up, but told */
	{ "good:two warn:two ?two good:two ?two", TOLD,
	  "check-degraded:two two=degraded check-up:two two=up" },
	{ "bad:two bad:two warn:two warn:two ?two", TOLD,
	  "check-down:two check-degraded:two two=degraded" },
	/* the pace follows the doubt */
	{ "good:two bad:two bad:two good:two good:two", "pace",
	  "pace:two=fast pace:two=normal pace:two=fast pace:two=normal" },
	/* of a service: nothing counts while that starts */
	{ "go started:a good:mine +2s exited:a=1 bad:mine", TOLD,
	  "start:a KILL:a(tree)" },
	{ "go started:a good:mine bad:mine ?a ?mine", TOLD,
	  "start:a check-down:mine a=failing mine=down" },
	{ "go started:a bad:mine ?mine ?a +30s ?a", TOLD " service-failing",
	  "start:a mine=down a=starting service-failing:a a=failing" },
	/* what a stalled loop left behind proves nothing */
	{ "good:one late bad:one +1ms bad:one ?one", TOLD, "check-down:one one=down" },
};

/* Who measures what; what status knows of it. */
static const char kinds[] =
	"[check script]\nscript = /x\n[check file]\nfile = /f\n[check directory]\ndirectory = /d\n"
	"[check fifo]\nfifo = /p\n[check disk]\nfilesystem = /\n[check host]\nsystem = yes\n"
	"[check eth]\nnetwork = lo\n[check ear]\nlisten = tcp 127.0.0.1:1\n"
	"[check log]\nlog = /l\nmatch = x\n[check tcp]\ntcp = h:1\n[check http]\nhttp = http://127.0.0.1/\n"
	"[service a]\nrun = /a\n[rule big]\nwhen = a.memory > 1G\ndo = log\n"
	"[service b]\nrun = /b\n[rule both]\nwhen = tcp.down or b.memory > 1G\ndo = log\n";
#define GOOD_ALL "good:script good:file good:directory good:fifo good:disk good:host good:eth good:ear good:log " \
	"good:tcp good:http "
#define ASK_ALL "?script ?file ?directory ?fifo ?disk ?host ?eth ?ear ?log ?tcp ?http "
static const struct stage_row helpers[] = {
	{ GOOD_ALL "lost:local " ASK_ALL, NULL,
	  "script=unknown file=unknown directory=unknown fifo=unknown disk=unknown "
	  "host=unknown eth=unknown ear=unknown log=unknown tcp=up http=up" },
	{ GOOD_ALL "lost:net " ASK_ALL, NULL,
	  "script=up file=up directory=up fifo=up disk=up host=up eth=up ear=up log=up "
	  "tcp=unknown http=unknown" },
	{ "*http +2s good:http=200 *http +1s bad:http *http bad:http *http +1s lost:net *http +1s good:http *http", NULL,
	  "http is unknown since -1, measured at 0 ms, took 0 ms, '' http is up since "
	  "2, measured at 2005 ms, took 5 ms, 'it is good' value 26=200 value 27=400 "
	  "http is up since 2, measured at 3000 ms, took 0 ms, 'it is bad' http is down "
	  "since 3, measured at 3000 ms, took 0 ms, 'it is bad' http is unknown since "
	  "4, measured at 0 ms, took 0 ms, 'not measured: the helper is being replaced' "
	  "http is unknown since 4, measured at 5000 ms, took 0 ms, 'it is good'" },
	/* what was measured before it was lost counts no more, and samples are none */
	{ "good:http lost:net stale:http ?http", NULL,
	  "http=unknown" },
	{ "adopted:a adopted:b go sample:a.memory=2e9 +0ms ?big lost:net ?big lost:local sample:a.cpu=1 +0ms ?big", NULL,
	  "big=true big=true big=true" },
	{ "adopted:a adopted:b go good:tcp sample:b.memory=2e9 +0ms ?both lost:local good:tcp ?both", NULL,
	  "both=true both=unknown" },
	/* what was measured anew is told later */
	{ "good:http=200 # good:http=300 # age #", NULL,
	  "[http] [] [http]" },
};

/* What a probe may say: a text without an end, and what we do not know. */
static void
of_odd_results(void **state)
{
	static struct decisions out;
	struct rules *rules = book("[check c]\ntcp = h:1\ndown = 1\nup = 1\n");
	struct world *w = world_new(rules, 1, "host", 1000);
	struct msg_result m = { .outcome = OUTCOME_GOOD,
				.began_ns = INT64_C(2000000000) };
	struct event e = { .kind = EVENT_RESULT, .result = &m };
	enum object_kind kind;
	uint32_t id;
	(void)state;
	memset(m.text, 'x', sizeof m.text);
	decide(w, &e, 2000, 2000, &out);
	while (world_take_dirty(w, &kind, &id))
		;
	decide(w, &e, 2001, 2001, &out);
	assert_false(world_is_dirty(w)); /* it said the same */
	assert_int_equal(world_check_state(w, 0), CHECK_UP);
	m.outcome = OUTCOMES;
	decide(w, &e, 2002, 2002, &out);
	assert_int_equal(world_check_state(w, 0), CHECK_UNKNOWN);
	world_free(&w);
	rules_free(&rules);
}

static void
rise_and_fall(void **state)
{
	(void)state;
	stage_table(text, rows, COUNT(rows));
	stage_table(kinds, helpers, COUNT(helpers));
}

static void
who_is_dead_uses_nothing(void **state)
{
	struct rules *r = book("[service a]\nrun = /a\n");
	struct world *w = world_new(r, 1, "host", 1000);
	struct msg_service_view v;
	(void)state;
	w->services[0].alive = true;
	w->services[0].values[metric_sample_slot(METRIC_MEMORY)] = 5;
	world_service_view(w, 0, &v);
	assert_true(v.memory > 4);
	w->services[0].alive = false;
	world_service_view(w, 0, &v);
	assert_true(isnan(v.memory));
	assert_true(isnan((double)v.values[metric_sample_slot(METRIC_MEMORY)]));
	world_free(&w);
	rules_free(&r);
}

int
test_check(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rise_and_fall),
		cmocka_unit_test(in_words),
		cmocka_unit_test(of_odd_results),
		cmocka_unit_test(who_is_dead_uses_nothing),
	};
	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
