/* What a death leads to, and what an operator may ask of a service. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

static const char text[] =
	"[monitord]\nsmtp = h:25\nalert = ops\n[contact ops]\nmail = x@y\n"
	"[service a]\nrun = /a\nreload = HUP\non-boot = stay\nbackoff = 1s..3s\n"
	"[service n]\nrun = /n\nrestart = never\non-boot = stay\n"
	"[service f]\nrun = /f\nrestart = failure\non-boot = stay\n"
	"[service m]\nrun = /m\nrestart = never\non-boot = stay\nready = check cm\n"
	"[check cm]\nof = m\ntcp = h:1\ndown = 1\nup = 1\n"
	"[service g]\nrun = /g\nat-most = 1 in 1m\non-boot = last\n"
	"[service t]\nrun = /t\nat-most = 2 in 1h\nretry = 5m\non-boot = stay\n"
	"[service k]\nrun = /k\non-boot = stay\n"
	"[check k1]\nof = k\ntcp = h:1\ndown = 1\nup = 1\n[check k2]\nof = k\ntcp = h:1\ndown = 1\nup = 1\n"
	"[service v]\nmatch = v\n"
	"[check v1]\nof = v\ntcp = h:1\ndown = 1\nup = 1\n[check v2]\nof = v\ntcp = h:1\ndown = 1\nup = 1\n"
	"[service l]\nmatch = l\nstart = /s\nready = check cl within 5s\non-boot = stay\n"
	"[check cl]\nof = l\ntcp = h:1\ndown = 1\nup = 1\n"
	"[service d]\nrun = /d\ndrain = one\non-boot = stay\nat-most = 1 in 5s\nretry = 5m\n"
	"[check cd]\nof = d\ntcp = h:1\ndown = 1\nup = 1\n"
	"[route zero]\nswitch = /z\nbackend = v check v1\nbackend = d check cd\nreturn = after 1h\n"
	"[route one]\nswitch = /s\nbackend = d check cd\nbackend = v check v1\nreturn = after 1h\n"
	"[rule big]\nwhen = a.memory > 1G\ndo = log\n[rule stays]\nwhen = k.state = stopped\ndo = log\n"
	"[rule halts]\nwhen = k.state = failing\ndo = log\n"
	"[rule leak]\nwhen = g.memory > 1G\ndo = restart g\n[rule ends]\nwhen = g.fds > 9\ndo = stop g\n"
	"[rule late]\nwhen = g.state = starting for 5s\ndo = stop g\n"
	"[rule slow]\nwhen = d.cpu > 90%\ndo = restart d\n";
#define A "adopted:a !stop:g go "
#define G "adopted:g go "
#define T "adopted:t !stop:g go "
#define K "adopted:k !stop:g go good:k1 good:k2 +1s "
#define D "adopted:d found:v !stop:g go good:cd good:v1 good:v2 seen:one=d seen:zero=v +1s "
#define CRASH(s) "exited:" s "=1 empty:" s " "
#define ENDS(s) "exited:" s "=0 empty:" s " "
#define OPEN "incident-open incident-close"

static const struct stage_row deaths[] = {
	/* later each time, but not later than the most; after a second of health at once */
	{ A CRASH("a") "started:a " CRASH("a") "+1200ms started:a " CRASH("a") "+2s ?a +300ms started:a "
	  CRASH("a") "+3s +400ms started:a " CRASH("a") "+3s +400ms ?a", "service-backoff+",
	  "answer:done KILL:a(tree) start:a KILL:a(tree) "
	  "service-backoff:a<service-exited{a is started again in 1.0 s} start:a "
	  "KILL:a(tree) service-backoff:a<service-exited{a is started again in 2.0 s} "
	  "a=backoff start:a KILL:a(tree) service-backoff:a<service-exited{a is started "
	  "again in 3.2 s} start:a KILL:a(tree) service-backoff:a<service-exited{a is "
	  "started again in 3.2 s} start:a a=starting" },
	{ A CRASH("a") "started:a " CRASH("a") "+1200ms started:a +1500ms " CRASH("a") "started:a " CRASH("a"),
	  "service-backoff+",
	  "answer:done KILL:a(tree) start:a KILL:a(tree) "
	  "service-backoff:a<service-exited{a is started again in 1.0 s} start:a "
	  "KILL:a(tree) start:a KILL:a(tree) service-backoff:a<service-exited{a is "
	  "started again in 1.0 s}" },
	/* given up: told, and remembered where the next boot asks */
	{ G CRASH("g") "started:g " CRASH("g") "+1h ?g", "service-failed+ remember",
	  "KILL:g(tree) start:g remember KILL:g(tree) service-failed:g<service-exited{g "
	  "has failed: more than 1 restarts in 1 min; nothing more is done} remember "
	  "g=failed" },
	/* a try that went well for a while: at-most counts anew */
	{ T CRASH("t") "started:t " CRASH("t") "+1s started:t " CRASH("t") "+5m started:t +2s " CRASH("t") "started:t "
	  CRASH("t") "+2s ?t", "service-failed service-retry",
	  "answer:done KILL:t(tree) start:t KILL:t(tree) start:t KILL:t(tree) "
	  "service-failed:t service-retry:t start:t KILL:t(tree) start:t KILL:t(tree) "
	  "start:t t=starting" },
	/* what may end, and does so with success, is no incident */
	{ "adopted:n !stop:g go " ENDS("n") "+1m *n", OPEN " service-stopped",
	  "answer:done KILL:n(tree) service-stopped:n incident-open:stays n is "
	  "stopped since 0, process 0 of -1, 0 restarts, memory nan, cpu nan, finished" },
	{ "adopted:n !stop:g go exited:n=1 empty:n +1m *n !stop:n +1m", OPEN " service-stopped",
	  "answer:done KILL:n(tree) service-stopped:n incident-open:n "
	  "incident-open:stays n is stopped since 0, process 0 of -1, 0 restarts, "
	  "memory nan, cpu nan answer:done incident-close:n" },
	{ "adopted:f !stop:g go " ENDS("f") "+1m ?f", OPEN " service-stopped",
	  "answer:done KILL:f(tree) service-stopped:f incident-open:stays f=stopped" },
	{ "adopted:f !stop:g go " ENDS("f") "reborn +1m *f !start:f *f", OPEN " service-stopped",
	  "answer:done KILL:f(tree) service-stopped:f incident-open:stays f is stopped "
	  "since -1, process 0 of -1, 0 restarts, memory nan, cpu nan, finished start:f "
	  "f is starting since 60, process 0 of -1, 1 restarts, memory nan, cpu nan" },
	{ "adopted:f !stop:g go exited:f=0 reborn +1m *f", OPEN " service-stopped",
	  "answer:done KILL:f(tree) service-stopped:f incident-open:stays f is stopped "
	  "since -1, process 0 of -1, 0 restarts, memory nan, cpu nan, finished" },
	{ "adopted:f !stop:g go exited:f=1 empty:f started:f +1s " ENDS("f") "+1m ?f", OPEN " service-stopped",
	  "answer:done KILL:f(tree) start:f KILL:f(tree) service-stopped:f "
	  "incident-open:f incident-close:f incident-open:stays f=stopped" },
	/* nor are its checks, and who asked for its start hears of it */
	{ "adopted:m !stop:g go good:cm +1s bad:cm +3s " ENDS("m") "+1m ?cm", OPEN,
	  "answer:done incident-open:stays incident-open:cm KILL:m(tree) "
	  "incident-close:cm cm=unknown" },
	{ "adopted:f !stop:g go !restart:m started:m " ENDS("m") "!restart:m started:m exited:m=1 empty:m", OPEN,
	  "answer:done start:m KILL:m(tree) answer:done start:m KILL:m(tree) "
	  "answer:failed" },
	/* one that is held meanwhile is not started because it is released */
	{ "adopted:n !stop:g go " ENDS("n") "!hold:n !release:n", NULL,
	  "answer:done KILL:n(tree) answer:done answer:done" },
	/* only watched: no word of a stop, and its checks speak for it */
	{ "found:v !stop:g go good:v1 good:v2 exited:v=-1 empty:v bad:v1 bad:v2 +3s", "service-stopped check-down",
	  "answer:done check-down:v1 check-down:v2" },
	/* all its checks are another's now */
	{ K CRASH("k") "started:k good:k1 ?k good:k2 ?k", NULL,
	  "answer:done KILL:k(tree) start:k k=starting k=up" },
	/* the dead die once, and say nothing */
	{ A "exited:a=1 exited:a=1 sample:a.memory=2e9 ?big", "service-exited",
	  "answer:done service-exited:a KILL:a(tree) big=unknown" },
	{ A "empty:a empty:a ?a", NULL,
	  "answer:done a=up" },
	/* the last requests: out of all its routes first, then what is left of it is killed, in a second */
	{ D "killed:d=9 +900ms +200ms empty:d", NULL,
	  "answer:done route:one=v KILL:d(tree) start:d" },
	{ D "killed:d=9 seen:one=v +400ms +200ms +20s", NULL,
	  "answer:done route:one=v KILL:d(tree) KILL:d(tree) KILL:d(tree)" },
	{ D "!restart:d killed:d=9 empty:d started:d good:cd +1m ?d", NULL,
	  "answer:done route:one=v start:d answer:done d=up" },
	/* the second death as the first */
	{ D "killed:d=9 seen:one=v +1s empty:d started:d good:cd !restore:one seen:one=d +5s killed:d=9 +900ms seen:one=v "
	    "+400ms ?d +200ms", NULL,
	  "answer:done route:one=v KILL:d(tree) start:d route:one=d answer:done "
	  "route:one=v d=backoff KILL:d(tree)" },
	/* dying: told once, and not of the dead or the stopping */
	{ D "dying:d dying:d killed:d=15 dying:d", "service-dying",
	  "answer:done service-dying:d route:one=v" },
	{ D "!stop:d dying:d", "service-dying",
	  "answer:done route:one=v-d TERM:d(main)" },
	/* a stop: remembered, and over */
	{ G "!stop:g exited:g=0 empty:g", "remember",
	  "TERM:g(main) remember answer:done remember" },
	{ A CRASH("a") "started:a +3s !stop:a " ENDS("a") "+1m", OPEN,
	  "answer:done KILL:a(tree) start:a incident-open:a incident-close:a "
	  "incident-open:stays TERM:a(main) answer:done" },
	{ K "?stays !stop:k " ENDS("k") "+0ms ?stays", NULL,
	  "answer:done stays=false TERM:k(main) answer:done stays=true" },
	/* a start that fails after an end of its own says nothing of that end */
	{ A "exited:a=3 empty:a failed:a *a", NULL,
	  "answer:done KILL:a(tree) start:a a is backoff since 0, process 0 of -1, 1 "
	  "restarts, memory nan, cpu nan" },
	{ "!stop:g go !start:a failed:a", "start-failed+",
	  "answer:done start:a start-failed:a{a cannot be started: no such file} "
	  "answer:failed start:a" },
	{ "!stop:g go !start:a !stop:a failed:a +1m ?a", OPEN,
	  "answer:done start:a answer:failed TERM:a(rest) answer:done incident-open:a "
	  "incident-close:a incident-open:stays a=stopped" },
};

/* Later ends of the same, and those that we did not see. */
static const struct stage_row ends[] = {
	/* one that came by itself, and was not well, had no healthy life */
	{ "!stop:g go !start:l found:l good:cl +2s " CRASH("l") "found:l good:cl " CRASH("l")
	  "?l +50ms found:l bad:cl +2s " CRASH("l") "?l", NULL,
	  "answer:done start:l answer:done start:l l=backoff l=backoff" },
	/* we were killed between its end and what follows */
	{ A CRASH("a") "started:a exited:a=1 +400ms reborn ?a +700ms ?a", NULL,
	  "answer:done KILL:a(tree) start:a KILL:a(tree) a=backoff start:a a=starting" },
	{ A CRASH("a") "started:a exited:a=1 +2s reborn ?a", NULL,
	  "answer:done KILL:a(tree) start:a KILL:a(tree) start:a a=starting" },
	{ A "!restart:a exited:a=0 reborn ?a", NULL,
	  "answer:done TERM:a(main) start:a a=starting" },
	{ D CRASH("d") "started:d " CRASH("d") "+5m started:d exited:d=1 reborn ?d +5m ?d", "service-failed service-retry",
	  "answer:done route:one=v start:d service-failed:d service-retry:d start:d "
	  "service-failed:d d=failed service-retry:d start:d d=starting" },
	/* a restart that is under way is counted once; a rule's last word counts */
	{ G "!restart:g sample:g.memory=2e9 " ENDS("g") "started:g sample:g.memory=1 sample:g.memory=2e9",
	  "service-restart service-failed",
	  "TERM:g(main) start:g answer:done service-restart:g TERM:g(main)" },
	{ D "!restart:d sample:d.cpu=95 seen:one=v +1s", "service-restart",
	  "answer:done route:one=v TERM:d(main)" },
	{ G "sample:g.fds=10 sample:g.memory=2e9 " ENDS("g") "?g", NULL,
	  "TERM:g(main) start:g g=starting" },
	/* what is left of it cannot be killed */
	{ D "killed:d=9 +35s", "service-signalled",
	  "answer:done route:one=v KILL:d(tree) KILL:d(tree) service-signalled:d "
	  "KILL:d(tree) KILL:d(tree)" },
	/* what died was not drained, and the next restart is one of its own */
	{ D "!restart:d killed:d=9 empty:d started:d good:cd +1m seen:one !restart:d +1s", NULL,
	  "answer:done route:one=v start:d answer:done TERM:d(main)" },
	{ D "killed:d=9 !restart:d empty:d started:d good:cd +1m seen:one !restart:d +1s", NULL,
	  "answer:done route:one=v TERM:d(rest) start:d answer:done TERM:d(main)" },
	/* nothing is known of the dead */
	{ K "killed:k=9 ?k1 ?k2", NULL,
	  "answer:done KILL:k(tree) k1=unknown k2=unknown" },
	{ G "!restart:g +1s " ENDS("g") "started:g old:g.memory=2e9 *g +1s ?leak", NULL,
	  "TERM:g(main) start:g answer:done g is up since 1, process 2 of 1, 1 "
	  "restarts, memory nan, cpu nan leak=unknown" },
	/* who was ill at first had a healthy life once it was well */
	{ K CRASH("k") "started:k " CRASH("k") "+1s started:k bad:k1 good:k2 +31s ?k good:k1 ?k +2s " CRASH("k") "?k", NULL,
	  "answer:done KILL:k(tree) start:k KILL:k(tree) start:k k=failing k=up "
	  "KILL:k(tree) start:k k=starting" },
	/* that we lost sight of a check makes nobody ill */
	{ K CRASH("k") "started:k bad:k1 unknown:k1 +30s ?k unknown:k2 good:k2 ?k", NULL,
	  "answer:done KILL:k(tree) start:k k=up k=up" },
	/* why a rule fired: by what led to the state that it asks for */
	{ K "bad:k2", "rule-fired+",
	  "answer:done rule-fired:halts<check-down{halts: k.state is failing}" },
	{ K "!stop:k " ENDS("k"), "rule-fired+",
	  "answer:done TERM:k(main) answer:done rule-fired:stays<service-exited{stays: "
	  "k.state is stopped}" },
	/* a restart is no stop */
	{ K "!restart:k " ENDS("k") "+0ms", "rule-fired",
	  "answer:done TERM:k(main) start:k" },
	{ A "!stop:a changed:a " ENDS("a") "+1m ?a", NULL,
	  "answer:done TERM:a(main) answer:done a=stopped" },
	/* a failed start is no success, and no restart */
	{ "adopted:f !stop:g go " ENDS("f") "!start:f failed:f ?f", NULL,
	  "answer:done KILL:f(tree) start:f answer:failed start:f f=starting" },
	{ A "killed:a=9 empty:a failed:a +2s *a", NULL,
	  "answer:done KILL:a(tree) start:a start:a a is starting since 1, process 0 of "
	  "-1, 1 restarts, memory nan, cpu nan" },
	{ "go !start:g +5s failed:g +1m ?g", NULL,
	  "start:g TERM:g(rest) answer:failed g=stopped" },
};

static const struct stage_row orders[] = {
	/* done already, said at once */
	{ A "!start:a", NULL,
	  "answer:done answer:done" },
	{ K "bad:k2 !start:k ?k", NULL,
	  "answer:done answer:done k=failing" },
	{ A "!restart:a !restart:a !restart:a !restart:a !restart:a", NULL,
	  "answer:done TERM:a(main) answer:refused" },
	{ A "!hold:a !start:a ?a", NULL,
	  "answer:done answer:done answer:done a=up" },
	{ A "!reload:a exited:a=1 !reload:a !reload:n", NULL,
	  "answer:done reload:a answer:done KILL:a(tree) answer:refused answer:refused" },
	/* left alone when it was given up; an order forgives, and its checks count again */
	{ "found:v !stop:g go !start:v !restart:v !stop:v", NULL,
	  "answer:done answer:refused answer:refused TERM:v(main)" },
	/* what is stopped by order is over, and is measured no more */
	{ A CRASH("a") "started:a " CRASH("a") "+3s !stop:a +1m", OPEN,
	  "answer:done KILL:a(tree) start:a KILL:a(tree) start:a incident-open:a "
	  "incident-open:stays TERM:a(rest) KILL:a(tree) KILL:a(tree) answer:failed "
	  "KILL:a(tree) KILL:a(tree) KILL:a(tree) KILL:a(tree)" },
	{ "!stop:g go !stop:k", "pace",
	  "answer:done pace:k1=off pace:k2=off answer:done" },
	/* holds end: told, remembered; a second one counts from then */
	{ A "!hold:a=60 +60s *a !hold:a +2m ?a", "service-released+ service-held remember",
	  "answer:done remember service-held:a answer:done remember "
	  "service-released:a<service-held{a is released} remember a is up since 0, "
	  "process 1 of 0, 0 restarts, memory nan, cpu nan service-held:a answer:done "
	  "remember a=held" },
	{ A "# !hold:a=60 # !hold:a=120 # +61s ?a # +60s ?a #", NULL,
	  "answer:done [a] answer:done [a] answer:done [a] a=held [stays halts late] a=up "
	  "[a]" },
	/* a hold ends what was planned: it goes on as it is, and a rule or an order may ask again */
	{ D "!restart:d !hold:d seen:one=v +1m ?d !release:d !restart:d seen:one +1s", NULL,
	  "answer:done route:one=v answer:failed answer:done d=held answer:done "
	  "TERM:d(main)" },
	{ D "sample:d.cpu=95 seen:one=v +1s " ENDS("d") "started:d good:cd sample:d.cpu=1 sample:d.cpu=95 ?d +1s "
	    "!restart:d !hold:d +1s !release:d +5m", "service-failed service-retry",
	  "answer:done route:one=v TERM:d(main) start:d service-failed:d d=failed "
	  "answer:failed answer:done answer:done service-retry:d TERM:d(main)" },
	/* but a restart that has stopped it is done, and so is its start after that */
	{ A "!restart:a !hold:a " ENDS("a") "?a started:a ?a " CRASH("a") "+1m ?a", "service-up",
	  "answer:done TERM:a(main) answer:done start:a a=held service-up:a answer:done "
	  "a=held KILL:a(tree) a=held" },
	{ A "!restart:a !hold:a " CRASH("a") "failed:a +1m ?a", NULL,
	  "answer:done TERM:a(main) answer:done start:a answer:failed a=held" },
	{ A "exited:a=1 !hold:a empty:a !start:a !hold:a empty:a", NULL,
	  "answer:done KILL:a(tree) answer:done start:a answer:done answer:failed" },
	{ A "!hold:a=60 !release:a +2m", "remember",
	  "answer:done remember answer:done remember answer:done remember" },
	/* that nobody holds is released without a start */
	{ "adopted:n !stop:g go " ENDS("n") "!release:n +1m ?n", NULL,
	  "answer:done KILL:n(tree) answer:done n=stopped" },
	/* ordered to start while it runs, left alone: it is what its checks say, and its incident is over */
	{ G "sample:g.memory=2e9 " ENDS("g") "started:g sample:g.memory=1 sample:g.memory=2e9 ?g sample:g.memory=1 +3s "
	    "!start:g +1m ?g", OPEN,
	  "TERM:g(main) start:g g=failed incident-open:leak incident-open:stays "
	  "answer:done incident-close:leak g=up" },
	{ D "sample:d.cpu=95 seen:one=v +1s " ENDS("d") "started:d good:cd sample:d.cpu=1 sample:d.cpu=95 bad:cd ?d !start:d "
	    "?d", NULL,
	  "answer:done route:one=v TERM:d(main) start:d d=failed answer:done d=failing" },
	{ A "# !hold:a # !start:a # ?a", "service-released",
	  "answer:done [a] answer:done [a] service-released:a answer:done [a] a=up" },
	/* failing by any of its checks; rules see it */
	{ K "bad:k2 +0ms ?k good:k2 +0ms ?k", "rule-fired rule-cleared",
	  "answer:done rule-fired:halts k=failing rule-cleared:halts k=up" },
	/* found: its checks are asked anew, all of them; once more is not another; nobody is nobody */
	{ "!stop:g go good:v1 good:v2 found:v=5 ?v good:v1 ?v good:v2 ?v found:v=5 ?v found:v=0 ?v", "pace service-started",
	  "answer:done service-started:v pace:v1=fast pace:v2=fast v=starting "
	  "v=starting pace:v1=normal pace:v2=normal v=up v=up v=up" },
	{ "!stop:g go found:v=5 +29s ?v +2s ?v", NULL,
	  "answer:done v=starting v=up" },
	/* nobody measures whether it is ready: that is no failed start, until somebody does */
	{ "!stop:g go !start:l found:l +6s ?l bad:cl +5s ?l", "start-failed",
	  "answer:done start:l l=starting start-failed:l answer:failed l=failing" },
	{ "!stop:g go found:l bad:cl +2s found:l *l", NULL,
	  "answer:done l is starting since 0, process 2 of 2, 0 restarts, memory nan, "
	  "cpu nan" },
};

static void
dies(void **state)
{
	(void)state;
	stage_table(text, deaths, COUNT(deaths));
	stage_table(text, ends, COUNT(ends));
}

static void
obeys(void **state)
{
	(void)state;
	stage_table(text, orders, COUNT(orders));
}

int
test_crash(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(dies),
						   cmocka_unit_test(obeys) };
	return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
