/* Services: starting, stopping, dying, held; each state with each event. */
#include "test/unit/stage.h"

#include "rules/world.h"
#include "test/unit/book.h"
#include "test/unit/unit.h"

#include <string.h>

static const char text[] =
	"[service a]\nrun = /a\nstop = TERM 5s, QUIT 2s, KILL\nat-most = 3 in 1m\n"
	"[service b]\nrun = /b\ndepends = a, c-tcp\nready = after 2s\n"
	"[check c-tcp]\ntcp = h:1\n"
	"[service f]\nrun = /f\nrestart = failure\nsuccess = 0 3\n"
	"[service n]\nrun = /n\nrestart = never\n"
	"[service w]\nmatch = w\nstart = /w start\nstop = /w stop\n"
	"[service v]\nmatch = v\n"
	"[service r]\nrun = /r\nready = check r-tcp within 3s\n"
	"[check r-tcp]\nof = r\ntcp = h:1\n";
#define TOLD "service-up service-failed service-backoff service-stopped start-failed"

/* Every row begins with all others stopped by command: nothing of theirs is in the way.
 */
#define ONLY_A "!stop:b !stop:f !stop:n !stop:w !stop:r go "
#define D5 "answer:done answer:done answer:done answer:done answer:done "
#define ONLY_F "!stop:b !stop:a !stop:n !stop:w !stop:r go "
#define ONLY_N "!stop:b !stop:a !stop:f !stop:w !stop:r go "
#define ONLY_W "!stop:b !stop:a !stop:f !stop:n !stop:r go "
#define ONLY_R "!stop:b !stop:a !stop:f !stop:n !stop:w go "
#define ONLY_AB "!stop:f !stop:n !stop:w !stop:r go "
#define D4 "answer:done answer:done answer:done answer:done "

static const struct stage_row rows[] = {
	/* a healthy life, a death, a life again */
	{ ONLY_A "started:a ?a", TOLD, D5 "start:a service-up:a a=up" },
	{ ONLY_A "started:a +5s killed:a=9 ?a empty:a ?a started:a ?a", TOLD,
	  D5 "start:a service-up:a KILL:a(tree) a=backoff start:a a=starting "
	     "service-up:a a=up" },
	{ ONLY_A "started:a +5s exited:a=0 empty:a", TOLD,
	  D5 "start:a service-up:a KILL:a(tree) start:a" },
	{ ONLY_F "started:f +5s exited:f=3 empty:f ?f +1m", TOLD,
	  D5 "start:f service-up:f KILL:f(tree) service-stopped:f f=stopped" },
	{ ONLY_F "started:f +5s exited:f=1 empty:f", TOLD,
	  D5 "start:f service-up:f KILL:f(tree) start:f" },
	{ ONLY_N "started:n +5s killed:n=11 empty:n ?n +1m", TOLD,
	  D5 "start:n service-up:n KILL:n(tree) service-stopped:n n=stopped" },
	/* P1: not beside what is left of it */
	{ ONLY_A "started:a +5s killed:a=9 +9s ?a", TOLD,
	  D5 "start:a service-up:a KILL:a(tree) a=backoff" },
	{ ONLY_A "started:a +5s killed:a=9 +25s ?a", TOLD,
	  D5 "start:a service-up:a KILL:a(tree) KILL:a(tree) KILL:a(tree) a=backoff" },
	/* crashes: later and later, then hands off */
	{ ONLY_A "started:a exited:a=1 empty:a started:a exited:a=1 empty:a ?a +90ms ?a "
		 "+40ms ?a",
	  TOLD,
	  D5 "start:a service-up:a KILL:a(tree) start:a service-up:a KILL:a(tree) "
	     "service-backoff:a "
	     "a=backoff a=backoff start:a a=starting" },
	{ ONLY_A "started:a exited:a=1 empty:a started:a exited:a=1 empty:a +1s "
		 "started:a exited:a=1 "
		 "empty:a +1s started:a exited:a=1 empty:a ?a +10m ?a !start:a",
	  "service-failed",
	  D5 "start:a KILL:a(tree) start:a KILL:a(tree) start:a KILL:a(tree) start:a "
	     "KILL:a(tree) service-failed:a a=failed a=failed start:a" },
	{ ONLY_A "failed:a ?a +200ms ?a", TOLD,
	  D5 "start:a start-failed:a start:a a=starting a=starting" },
	/* stopping: a ladder to the main process, then what outlives it */
	{ ONLY_A "started:a !stop:a ?a exited:a=0 ?a empty:a ?a +1m", TOLD,
	  D5 "start:a service-up:a TERM:a(main) a=stopping a=stopping service-stopped:a "
	     "answer:done "
	     "a=stopped" },
	{ ONLY_A "started:a !stop:a +4.9s +0.2s +2s ?a", NULL,
	  D5 "start:a TERM:a(main) QUIT:a(main) KILL:a(tree) a=stopping" },
	{ ONLY_A "started:a !stop:a exited:a=0 +200ms", NULL,
	  D5 "start:a TERM:a(main) TERM:a(rest)" },
	{ ONLY_A "started:a !restart:a exited:a=0 empty:a ?a started:a", NULL,
	  D5 "start:a TERM:a(main) start:a a=starting answer:done" },
	{ ONLY_A "started:a !restart:a !stop:a exited:a=0 empty:a ?a", NULL,
	  D5 "start:a TERM:a(main) answer:failed answer:done a=stopped" },
	{ ONLY_A "!stop:a ?a failed:a ?a +1m", NULL,
	  D5 "start:a TERM:a(rest) a=stopping answer:done a=stopped" },
	{ ONLY_A "!restart:a failed:a ?a +200ms ?a", NULL,
	  D5 "start:a TERM:a(rest) answer:failed start:a a=starting a=starting" },
	/* depends: up before it starts, a check too */
	{ ONLY_AB "?b started:a ?b good:c-tcp ?b started:b ?b +2s ?b", NULL,
	  D4 "start:a b=stopped b=stopped start:b b=starting b=starting b=up" },
	{ ONLY_AB "!stop:b !start:b !stop:b !start:b started:a good:c-tcp", NULL,
	  D4 "start:a answer:done answer:failed answer:done start:b" },
	{ ONLY_AB "!hold:b started:a good:c-tcp ?b !release:b ?b", NULL,
	  D4 "start:a answer:done b=held answer:done start:b b=starting" },
	/* ready: in time, or a failed start */
	{ ONLY_R "started:r ?r good:r-tcp ?r", TOLD,
	  D5 "start:r r=starting service-up:r r=up" },
	{ ONLY_R "started:r bad:r-tcp +3s ?r exited:r=0 empty:r ?r", "start-failed",
	  D5 "start:r start-failed:r TERM:r(main) r=stopping start:r r=starting" },
	/* what its start waits for takes longer: its time begins with its life */
	{ ONLY_R "waits:r +1h ?r started:r +2s ?r good:r-tcp ?r", "service-waits start-failed service-up",
	  D5 "start:r service-waits:r r=starting r=starting service-up:r r=up" },
	{ ONLY_R "waits:r +1h !stop:r empty:r ?r", "service-waits start-failed service-stopped",
	  D5 "start:r service-waits:r TERM:r(rest) service-stopped:r answer:done r=stopped" },
	/* held: told of, not acted on */
	{ ONLY_A "started:a !hold:a killed:a=9 empty:a ?a +1m !release:a ?a", NULL,
	  D5 "start:a answer:done KILL:a(tree) a=held answer:done start:a a=starting" },
	/* for a time only: released by itself, also over our death */
	{ ONLY_A "started:a !hold:a=60 killed:a=9 empty:a +59s ?a +1s ?a", NULL,
	  D5 "start:a answer:done KILL:a(tree) a=held start:a a=starting" },
	{ ONLY_A "started:a !hold:a=60 killed:a=9 empty:a +30s reborn +29s ?a +1s ?a",
	  NULL, D5 "start:a answer:done KILL:a(tree) a=held start:a a=starting" },
	{ ONLY_A "started:a !hold:a=60 reload +59s ?a +1s ?a", NULL,
	  D5 "start:a answer:done a=held a=up" },
	{ ONLY_A
	  "started:a !hold:a=60 !hold:a +1h ?a !hold:a=5 !release:a !hold:a +1h ?a",
	  NULL,
	  D5 "start:a answer:done answer:done a=held answer:done answer:done answer:done "
	     "a=held" },
	/* watched */
	{ ONLY_W "?w found:w ?w !stop:w ?w exited:w=-1 empty:w ?w", NULL,
	  D5 "start:w w=starting w=up stop-command:w w=stopping answer:done w=stopped" },
	{ "found:v ?v exited:v=-1 empty:v ?v +1m !restart:v", NULL,
	  "v=up v=stopped answer:refused" },
	/* adopted: as it was, and never a second one */
	{ "adopted:a adopted:r !stop:f !stop:n !stop:w !stop:b go ?a ?r", NULL,
	  D4 "a=up r=up" },
	{ "!stop:a go ?a", NULL,
	  "answer:done start:f start:n start:w start:r a=stopped" },
	{ ONLY_A "started:a stop-all killed:a=15 empty:a ?a +1m", NULL,
	  D5 "start:a TERM:a(main) a=stopped" },
};

static void
lives(void **state)
{
	(void)state;
	stage_table(text, rows, COUNT(rows));
}

/* ---- states x events ---- */

static const struct {
	enum service_state state;
	const char *how; /* the events that lead there, one letter each: see letter() */
} ways[] = {
	{ SERVICE_STOPPED, "p" },     { SERVICE_STARTING, "gs" },
	{ SERVICE_UP, "gsr" },        { SERVICE_FAILING, "gsrbb" },
	{ SERVICE_STOPPING, "gsrp" }, { SERVICE_BACKOFF, "gsrx" },
	{ SERVICE_FAILED, "gfff" },   { SERVICE_HELD, "gsrh" },
};

static struct decisions out;
static struct world *world;
static const struct rules *rules;
static int64_t now_ms;
static struct {
	bool alive, occupied;
	uint64_t last;
} outside;

/* Whatever happened, what is decided must make sense. */
static void
sensible(char what)
{
	for (size_t i = 0; i < out.count; i++) {
		const struct decision *d = &out.list[i];
		if (d->kind == DECIDE_START) {
			if (outside.occupied)
				fail_msg("'%c' starts a second instance", what);
			outside.occupied = true;
		}
		if (d->kind == DECIDE_SIGNAL && !outside.occupied)
			fail_msg("'%c' signals what is not there", what);
		if (d->kind == DECIDE_TELL) {
			assert_true(d->line.id == outside.last + 1); /* ids grow by one */
			assert_true(d->line.cause < d->line.id);
			assert_true(d->line.text[0] != '\0' && d->line.kind[0] != '\0');
			outside.last = d->line.id;
		}
	}
	assert_true(world_service_state(world, 0) < SERVICE_STATES);
}

static void
tell(struct event e, char what)
{
	decide(world, &e, now_ms, 1800000000000 + now_ms, &out);
	sensible(what);
}

static void
letter(char c)
{
	struct msg_result r = { .began_ns = now_ms * 1000000 };
	struct msg_sample m = { .pid = 7, .value_count = 1 };
	struct event e = { .code = -1,
			   .text = "why",
			   .result = &r,
			   .sample = &m,
			   .target = RULES_NONE };
	static const struct {
		char letter;
		enum event_kind kind;
	} kinds[] = { { 'g', EVENT_GO },           { 't', EVENT_TIMER },
		      { 'a', EVENT_ADOPTED },      { 's', EVENT_STARTED },
		      { 'f', EVENT_START_FAILED }, { 'r', EVENT_READY },
		      { 'y', EVENT_DYING },        { 'x', EVENT_EXITED },
		      { 'e', EVENT_EMPTY },        { 'w', EVENT_FOUND },
		      { 'v', EVENT_LEFT },         { 'b', EVENT_RESULT },
		      { 'o', EVENT_RESULT },       { 'u', EVENT_RESULT },
		      { 'm', EVENT_SAMPLE },       { 'l', EVENT_HELPER_LOST },
		      { 'L', EVENT_LATE },         { 'c', EVENT_CHANGED },
		      { 'z', EVENT_STOP_ALL },     { 'n', EVENT_NOTE },
		      { '1', EVENT_COMMAND },      { 'p', EVENT_COMMAND },
		      { '3', EVENT_COMMAND },      { '4', EVENT_COMMAND },
		      { 'h', EVENT_COMMAND },      { '6', EVENT_COMMAND },
		      { 'd', EVENT_RUN_DONE } };
	size_t i = 0;
	while (kinds[i].letter != c)
		i++;
	e.kind = kinds[i].kind;
	e.object = OBJECT_SERVICE;
	r.outcome = c == 'o' ? OUTCOME_GOOD : c == 'u' ? OUTCOME_UNKNOWN : OUTCOME_BAD;
	if (c == 's' || c == 'a' || c == 'w') {
		e.pid = 7;
		outside.alive = outside.occupied = true;
	}
	if (c == 'f' || c == 'e' || c == 'v')
		outside.alive = outside.occupied = false;
	if (c == 'x')
		outside.alive = false;
	e.verb = c == '1'   ? VERB_START
		 : c == 'p' ? VERB_STOP
		 : c == '3' ? VERB_RESTART
		 : c == '4' ? VERB_RELOAD_SERVICE
		 : c == 'h' ? VERB_HOLD
			    : VERB_RELEASE;
	e.token = (uint64_t)(unsigned char)c;
	e.started_ms = now_ms;
	now_ms += 10;
	if (c == 't')
		now_ms = world_deadline(world) != INT64_MAX &&
					 world_deadline(world) > now_ms
				 ? world_deadline(world)
				 : now_ms;
	tell(e, c);
	for (int turn = 0; world_deadline(world) <= now_ms; turn++) {
		assert_true(turn < 1000);
		tell((struct event){ .kind = EVENT_TIMER }, 't');
	}
}

/* What the process engine would not tell: a second start, a death of the dead. */
static bool
possible(char c)
{
	if (strchr("swa", c) != NULL)
		return !outside.alive && (outside.occupied || c == 'w');
	if (c == 'x' || c == 'v')
		return outside.alive;
	if (c == 'e' || c == 'f')
		return outside.occupied && !outside.alive;
	return true;
}

static void
begin(enum service_state want, const char *how)
{
	world_free(&world);
	now_ms = 1000000;
	world = world_new(rules, 1, "host", now_ms);
	assert_non_null(world);
	memset(&outside, 0, sizeof outside);
	for (; *how != '\0'; how++) {
		letter(*how);
		if (*how == 'f')
			letter('t');
	}
	if (world_service_state(world, 0) != want)
		fail_msg("expected %s, got %s", service_state_name[want],
			 service_state_name[world_service_state(world, 0)]);
}

/* Every state, then every two events in a row, possible or not for those that name none.
 */
static void
each_state_takes_each_event(void **state)
{
	static const char events[] = "gtasfrxewvboumlLcznp1346hd";
	struct rules *own = book("[service a]\nrun = /a\nready = check c\nat-most = 2 in "
				 "1h\nreload = HUP\n"
				 "[check c]\nof = a\ntcp = h:1\n[rule r]\nwhen = "
				 "a.memory > 1G\ndo = run /x\n");
	(void)state;
	rules = own;
	for (size_t s = 0; s < COUNT(ways); s++)
		for (const char *one = events; *one != '\0'; one++)
			for (const char *two = events; *two != '\0'; two++) {
				begin(ways[s].state, ways[s].how);
				if (possible(*one))
					letter(*one);
				if (possible(*two))
					letter(*two);
			}
	world_free(&world);
	rules_free(&own);
}

/* What is told of a life: in which words, by what, and to whom. */
static const char said[] =
	"[monitord]\nsmtp = h:25\nalert = ops\n[contact ops]\nmail = a@b\n"
	"[service a]\nrun = /a\nbackoff = 1s..4s\nat-most = 3 in 10m\nretry = 1m\nstop = TERM 2s, KILL\n"
	"ready = check ca within 10s\n[check ca]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n"
	"[service n]\nrun = /n\nrestart = never\non-boot = stay\n"
	"[service f]\nrun = /f\nrestart = failure\non-boot = stay\n"
	"[service d]\nrun = /d\ndepends = a\non-boot = stay\n"
	"[service w]\npidfile = /w\nstart = /s\nstop = /t\non-boot = stay\n"
	"[service g]\nrun = /g\nevidence = sockets\non-boot = stay\n"
	"[rule g-sick]\nwhen = g.memory > 1M\ndo = restart g\n";
#define SAID                                                                                       \
	"service-starting+ service-started+ service-up+ service-failing+ service-stopping+ "       \
	"service-exited+ service-stopped+ service-backoff+ service-failed+ service-retry+ "        \
	"service-restart+ start-failed+ service-affected+ service-held+ service-released+ "        \
	"service-dying+ service-adopted+ service-signalled+ service-evidence+ incident-open+ "      \
	"incident-close+ incident-remind+"
#define BEGUN "adopted:a go good:ca +1s "

static const struct stage_row words[] = {
	{ BEGUN "bad:ca +3s good:ca +30s", SAID,
	  "service-adopted:a{a runs already, as process 1} service-failing:a<check-down{a is "
	  "failing: ca is down} incident-open:ca<check-down(ops){ca is down: it is bad} "
	  "service-up:a{a is up: no check of it is down} incident-close:ca<check-down(ops){over "
	  "after 3.0 s: ca is down: it is bad}" },
	{ BEGUN "killed:a=9 empty:a started:a +10s", SAID,
	  "service-adopted:a{a runs already, as process 1} service-exited:a{a exited: killed by "
	  "signal 9 (SIGKILL), after 1.0 s} KILL:a(tree) service-starting:a<service-exited{a is "
	  "being started again} start:a service-started:a<service-starting{a runs as process 2} "
	  "incident-open:a<service-exited(ops){a exited: killed by signal 9 (SIGKILL)}" },
	{ BEGUN "exited:a=3 empty:a started:a exited:a=4 empty:a +1s started:a exited:a=5 empty:a +3s failed:a +1m "
	       "started:a good:ca +2s", SAID,
	  "service-adopted:a{a runs already, as process 1} service-exited:a{a exited: exit code "
	  "3, after 1.0 s} KILL:a(tree) service-starting:a<service-exited{a is being started "
	  "again} start:a service-started:a<service-starting{a runs as process 2} "
	  "service-exited:a{a exited: exit code 4, after 0 ms} KILL:a(tree) "
	  "service-backoff:a<service-exited{a is started again in 1.0 s} "
	  "service-starting:a<service-backoff{a is being started again} start:a "
	  "service-started:a<service-starting{a runs as process 3} service-exited:a{a exited: "
	  "exit code 5, after 0 ms} KILL:a(tree) service-backoff:a<service-exited{a is started "
	  "again in 2.0 s} incident-open:a<service-exited(ops){a exited: exit code 3} "
	  "service-starting:a<service-backoff{a is being started again} start:a "
	  "start-failed:a{a cannot be started: no such file} service-failed:a<start-failed{a "
	  "has failed: more than 3 restarts in 10 min; it is tried once more in 1 min} "
	  "incident-remind:a<service-exited(ops){a has failed: more than 3 restarts in 10 min; "
	  "it is tried once more in 1 min} service-retry:a<service-failed{a has failed, and is "
	  "tried once more} service-starting:a<service-retry{a is being started again} start:a "
	  "service-started:a<service-starting{a runs as process 4} "
	  "service-up:a<service-started{a is up, 0 ms after its start}" },
	{ BEGUN "!stop:a exited:a=0 empty:a !start:a started:a +2s good:ca", SAID,
	  "service-adopted:a{a runs already, as process 1} service-stopping:a<command{a is "
	  "being stopped} TERM:a(main) service-exited:a{a exited as asked: exit code 0, after "
	  "1.0 s} service-stopped:a<service-exited{a is stopped: nothing of it is left} "
	  "answer:done service-starting:a<command{a is being started again} start:a "
	  "service-started:a<service-starting{a runs as process 2} "
	  "service-up:a<service-started{a is up, 2.0 s after its start} answer:done" },
	{ BEGUN "!stop:a +2s +10s +10s", SAID,
	  "service-adopted:a{a runs already, as process 1} service-stopping:a<command{a is "
	  "being stopped} TERM:a(main) KILL:a(tree) KILL:a(tree) "
	  "service-signalled:a<service-stopping{a cannot be killed: no second instance is "
	  "started beside it} answer:failed KILL:a(tree)" },
	{ BEGUN "!restart:a exited:a=0 empty:a failed:a", SAID,
	  "service-adopted:a{a runs already, as process 1} service-stopping:a<command{a is "
	  "being stopped to be started again} TERM:a(main) service-exited:a{a exited as asked: "
	  "exit code 0, after 1.0 s} service-stopped:a<service-exited{a is stopped: nothing of "
	  "it is left} service-starting:a<service-stopped{a is being started again} start:a "
	  "start-failed:a{a cannot be started: no such file} answer:failed "
	  "service-starting:a<start-failed{a is being started again} start:a" },
	{ BEGUN "!start:n started:n exited:n=3 empty:n +1m", SAID,
	  "service-adopted:a{a runs already, as process 1} service-starting:n<command{n is "
	  "being started} start:n service-started:n<service-starting{n runs as process 2} "
	  "service-up:n<service-started{n is up, 0 ms after its start} answer:done "
	  "service-exited:n{n exited: exit code 3, after 0 ms} KILL:n(tree) "
	  "service-stopped:n<service-exited{n has ended, and is not started again} "
	  "incident-open:n<service-exited(ops){n exited: exit code 3}" },
	{ BEGUN "!start:f started:f exited:f=3 empty:f started:f +5s exited:f=0 empty:f +1m", SAID,
	  "service-adopted:a{a runs already, as process 1} service-starting:f<command{f is "
	  "being started} start:f service-started:f<service-starting{f runs as process 2} "
	  "service-up:f<service-started{f is up, 0 ms after its start} answer:done "
	  "service-exited:f{f exited: exit code 3, after 0 ms} KILL:f(tree) "
	  "service-starting:f<service-exited{f is being started again} start:f "
	  "service-started:f<service-starting{f runs as process 3} "
	  "service-up:f<service-started{f is up, 0 ms after its start} "
	  "incident-open:f<service-exited(ops){f exited: exit code 3} "
	  "incident-close:f<service-exited(ops){over after 0 ms: f exited: exit code 3} "
	  "service-exited:f{f exited: exit code 0, after 5.0 s} KILL:f(tree) "
	  "service-stopped:f<service-exited{f has ended well, and is not started again}" },
	{ BEGUN "!start:d started:d +2s killed:a=6 +3s", SAID,
	  "service-adopted:a{a runs already, as process 1} service-starting:d<command{d is "
	  "being started} start:d service-started:d<service-starting{d runs as process 2} "
	  "service-up:d<service-started{d is up, 0 ms after its start} answer:done "
	  "service-exited:a{a exited: killed by signal 6 (SIGABRT), after 3.0 s} KILL:a(tree) "
	  "service-affected:d<service-exited{d needs a, which is not well: it is left alone} "
	  "incident-open:a<service-exited(ops){a exited: killed by signal 6 (SIGABRT)}" },
	{ BEGUN "!start:w started:w found:w +1s exited:w=-1 empty:w started:w found:w !stop:w", SAID,
	  "service-adopted:a{a runs already, as process 1} service-starting:w<command{w is "
	  "being started} start:w service-started:w<service-starting{w runs as process 2} "
	  "service-up:w<service-started{w is up, 0 ms after its start} answer:done "
	  "service-started:w<service-up{w is process 3} service-up:w<service-started{w is up, 0 "
	  "ms after its start} service-exited:w{w exited: cause not known, after 1.0 s} "
	  "service-starting:w<service-exited{w is being started} start:w "
	  "service-started:w<service-starting{w runs as process 4} "
	  "service-up:w<service-started{w is up, 0 ms after its start} "
	  "service-started:w<service-up{w is process 5} service-up:w<service-started{w is up, 0 "
	  "ms after its start} service-stopping:w<command{w is being stopped} stop-command:w" },
	{ BEGUN "!hold:a killed:a=9 empty:a +1m !release:a started:a", SAID,
	  "service-adopted:a{a runs already, as process 1} service-held:a<command{a is held: "
	  "told of, not acted on} answer:done service-exited:a{a exited: killed by signal 9 "
	  "(SIGKILL), after 1.0 s} KILL:a(tree) incident-open:a<service-exited(ops){a exited: "
	  "killed by signal 9 (SIGKILL)} service-released:a<command{a is released} answer:done "
	  "service-starting:a<service-released{a is being started again} start:a "
	  "service-started:a<service-starting{a runs as process 2}" },
	{ BEGUN "dying:a=core ready:a dying:a killed:a=11", SAID,
	  "service-adopted:a{a runs already, as process 1} service-dying:a{a is dying: no such "
	  "file} service-dying:a{a is dying: no such file} service-exited:a{a exited: killed by "
	  "signal 11 (SIGSEGV), after 1.0 s} KILL:a(tree)" },
	{ BEGUN "!start:g started:g sample:g.memory=2e6 evidence:g=two evidence:g exited:g=0 empty:g started:g", SAID,
	  "service-adopted:a{a runs already, as process 1} service-starting:g<command{g is "
	  "being started} start:g service-started:g<service-starting{g runs as process 2} "
	  "service-up:g<service-started{g is up, 0 ms after its start} answer:done "
	  "service-restart:g<rule-fired{g is restarted by g-sick} "
	  "service-stopping:g<rule-fired{g is being stopped to be started again} evidence:g "
	  "service-evidence:g<service-stopping{g: two} TERM:g(main) service-exited:g{g exited "
	  "as asked: exit code 0, after 0 ms} service-stopped:g<service-exited{g is stopped: "
	  "nothing of it is left} service-starting:g<service-stopped{g is being started again} "
	  "start:g service-started:g<service-starting{g runs as process 3} "
	  "service-up:g<service-started{g is up, 0 ms after its start}" },
	{ BEGUN "!start:g started:g sample:g.memory=2e6 +3s exited:g=0 empty:g", SAID,
	  "service-adopted:a{a runs already, as process 1} service-starting:g<command{g is "
	  "being started} start:g service-started:g<service-starting{g runs as process 2} "
	  "service-up:g<service-started{g is up, 0 ms after its start} answer:done "
	  "service-restart:g<rule-fired{g is restarted by g-sick} "
	  "service-stopping:g<rule-fired{g is being stopped to be started again} evidence:g "
	  "incident-open:g-sick<rule-fired(ops){g-sick: g.memory is 1.9 MiB (> 1.0 MiB)} "
	  "TERM:g(main) service-exited:g{g exited as asked: exit code 0, after 3.0 s} "
	  "service-stopped:g<service-exited{g is stopped: nothing of it is left} "
	  "service-starting:g<service-stopped{g is being started again} start:g" },
	{ BEGUN "# !stop:a # exited:a=0 # empty:a # !start:a # started:a # good:ca # !hold:a #", NULL,
	  "[a ca] TERM:a(main) [a] [a ca] answer:done [a] start:a [a] [a] answer:done [ca a] "
	  "answer:done [a]" },
};

static void
in_words(void **state)
{
	(void)state;
	stage_table(said, words, COUNT(words));
}

int
test_service(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_words),
		cmocka_unit_test(lives),
		cmocka_unit_test(each_state_takes_each_event),
	};
	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
