/* When a service starts, and when it counts as up. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

static const char text[] =
	"[monitord]\nsmtp = h:25\nalert = ops\n[contact ops]\nmail = x@y\n"
	/* needs two services and two checks */
	"[service x]\nrun = /x\non-boot = stay\n[service y]\nrun = /y\non-boot = stay\n"
	"[check cx]\ntcp = h:1\ndown = 1\nup = 1\n[check cy]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[service n]\nrun = /n\ndepends = x, y, cx, cy\non-boot = stay\n"
	"[service m]\nrun = /m\ndepends = x\non-boot = stay\n"
	/* ways to be ready */
	"[service a]\nrun = /a\non-boot = last\n"
	"[check a1]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check a2]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n"
	"[service t]\nrun = /t\nready = after 2s\non-boot = stay\n"
	"[check ct]\nof = t\ntcp = h:1\ndown = 1\nup = 1\n"
	"[service e]\nrun = /e\nready = exec\non-boot = stay\n"
	"[service o]\nrun = /o\nready = notify within 3s\nstop = TERM 5s, KILL\non-boot = stay\n"
	"[check o1]\nof = o\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check o2]\nof = o\ntcp = h:1\ndown = 1\nup = 1\nwarn = latency > 1s\n"
	"[service w]\nmatch = w\nstart = /s\nstop = TERM 5s, KILL\non-boot = stay\n"
	"[check cw]\nof = w\ntcp = h:1\ndown = 1\nup = 1\n"
	"[service l]\nmatch = l\nstart = /s\nready = check cl within 5s\non-boot = stay\n"
	"[check cl]\nof = l\ntcp = h:1\ndown = 1\nup = 1\n"
	"[rule second]\nwhen = o.pid > 1\ndo = log\n"
	"[rule big]\nwhen = a.memory > 1G\ndo = log\n"
	"[rule old]\nwhen = o.cpu > 90%\ndo = restart o\n"
	"[route r]\nswitch = /r\nbackend = t check ct\nbackend = w check cw\nactive = all\n";
#define NEEDS "adopted:x go good:cx good:cy "
#define GONE(s) "exited:" s "=0 empty:" s " "
#define CRASH(s) "exited:" s "=1 empty:" s " "

static const struct stage_row rows[] = {
	/* all that it needs, not only the first */
	{ NEEDS "!start:n +1m !start:y started:y", NULL,
	  "start:y answer:done start:n" },
	{ "adopted:x adopted:y go good:cx !start:n +1m good:cy", NULL,
	  "start:n" },
	/* those that wait keep their order, whoever leaves it and comes again */
	{ "go good:cx good:cy !start:n !start:m !stop:n !start:n !start:x started:x !start:y started:y", NULL,
	  "answer:failed answer:done start:x answer:done start:m start:y answer:done "
	  "start:n" },
	{ "go !start:m # ", NULL,
	  "[m]" },
	/* held or all stopped: no start comes of a wait */
	{ "adopted:y go " CRASH("y") "started:y " CRASH("y") "?y !hold:y +1h ?y !release:y", NULL,
	  "KILL:y(tree) start:y KILL:y(tree) y=backoff answer:done y=held answer:done "
	  "start:y" },
	{ "adopted:y go " CRASH("y") "started:y " CRASH("y") "?y stop-all +1h ?y", NULL,
	  "KILL:y(tree) start:y KILL:y(tree) y=backoff y=backoff" },
	/* nor of one that waits after a death, whatever was ordered before */
	{ "adopted:x adopted:m go !restart:m " GONE("m") "started:m killed:x=9 empty:x killed:m=9 empty:m ?m "
	  "!hold:m started:x +1m ?m", NULL,
	  "TERM:m(main) start:m answer:done KILL:x(tree) start:x KILL:m(tree) m=backoff "
	  "answer:done m=held" },
	/* that it runs is worth remembering where the next boot asks */
	{ "go !start:x", "remember",
	  "remember start:x" },
	{ "!stop:a go !start:a", "remember",
	  "answer:done remember remember start:a remember" },
	/* default: all its checks */
	{ "!stop:a go !start:a started:a good:a1 ?a good:a2 ?a", NULL,
	  "answer:done start:a a=starting answer:done a=up" },
	{ "!stop:a go !start:a started:a good:a1 bad:a2 +33s ?a", "service-failing+ incident-open+ pace",
	  "pace:a1=off pace:a2=off answer:done start:a pace:a1=fast pace:a2=fast "
	  "service-failing:a<service-started{a runs, but a check of it is down} "
	  "answer:done pace:a1=normal pace:a2=normal "
	  "incident-open:a<service-failing(ops){a runs, but a check of it is down} "
	  "a=failing" },
	/* what failed while it started says nothing: it is asked again */
	{ "go !start:o started:o bad:o1 bad:o2 ready:o ?o", "pace check-down",
	  "start:o pace:o1=fast pace:o2=fast pace:o1=now pace:o2=now answer:done o=up" },
	{ "go !start:o started:o good:o1 warn:o2 ready:o", "check-degraded+",
	  "start:o answer:done check-degraded:o2<service-started{o2 is degraded: it is "
	  "warn}" },
	/* after a time: from its start, not from the order, whatever its checks say */
	{ "go !start:t +1s started:t good:ct +1900ms ?t +200ms ?t", NULL,
	  "start:t t=starting answer:done t=up" },
	{ "adopted:w good:cw go seen:r=w !start:t started:t good:ct +1s +2s", NULL,
	  "start:t answer:done route:r=t,w" },
	/* at once; or when it says so, from its start */
	{ "go !start:e ?e started:e ?e", NULL,
	  "start:e e=starting answer:done e=up" },
	{ "go !start:o +2s started:o +2s ?o +2s", "start-failed",
	  "start:o o=starting start-failed:o answer:failed TERM:o(main)" },
	{ "go !start:o started:o +1s ready:o ?o", NULL,
	  "start:o answer:done o=up" },
	/* a start that nothing is heard of */
	{ "go !start:o +6s", "start-failed+ incident-open+",
	  "start:o start-failed:o<service-starting{o was not ready within 3.0 s} "
	  "answer:failed TERM:o(rest) incident-open:o<start-failed(ops){o was not ready "
	  "within 3.0 s}" },
	{ "go !start:w +3m ?w found:w good:cw ?w", "start-failed+",
	  "start:w start-failed:w<service-starting{w was not ready within 30 s} "
	  "answer:failed start:w start-failed:w<service-starting{w was not ready within "
	  "30 s} start:w start-failed:w<service-starting{w was not ready within 30 s} "
	  "start:w start-failed:w<service-starting{w was not ready within 30 s} start:w "
	  "start-failed:w<service-starting{w was not ready within 30 s} start:w "
	  "w=starting w=up" },
	/* what is only watched is left alone when it is late, and serves when it can */
	{ "go !start:l found:l bad:cl +5s ?l +5m good:cl ?l", "start-failed+ service-up+ incident-open+",
	  "start:l start-failed:l<service-started{l was not ready within 5.0 s} "
	  "answer:failed l=failing incident-open:l<start-failed(ops){l was not ready "
	  "within 5.0 s} service-up:l{l is up: no check of it is down} l=up" },
	{ "go !start:l bad:cl +5s ?l +10s found:l good:cl ?l", "start-failed+ service-up+",
	  "start:l start-failed:l<service-starting{l was not ready within 5.0 s} "
	  "answer:failed start:l l=starting start-failed:l<service-starting{l was not "
	  "ready within 5.0 s} start:l service-up:l<service-started{l is up, 0 ms after "
	  "its start} l=up" },
	/* nor is what is held: told once, and ended only when it is released and still late */
	{ "go !start:o started:o !hold:o +10s ?o !release:o +3s", "service-waits+ incident-open+ start-failed",
	  "start:o answer:done service-waits:o<service-held{o was not ready within 3.0 "
	  "s, and is held} incident-open:o<service-waits(ops){o was not ready within "
	  "3.0 s} o=held answer:done start-failed:o answer:failed TERM:o(main)" },
	{ "go !start:o started:o !hold:o +10s ready:o ?o !release:o ?o +1m", "service-waits start-failed",
	  "start:o answer:done service-waits:o answer:done o=held answer:done o=up" },
	{ "go !start:m !hold:m !release:m !start:x started:x", NULL,
	  "answer:failed answer:done answer:done start:x answer:done start:m" },
	/* a stop before it was there keeps its own times */
	{ "go !start:o !stop:o started:o +4s +2s", NULL,
	  "start:o answer:failed TERM:o(rest) KILL:o(tree)" },
	/* its start waits, and is told why; not when it is stopped */
	{ "go !start:o waits:o +1h ?o started:o +4s", "service-waits+ start-failed",
	  "start:o service-waits:o<service-starting{o waits: no such file} o=starting "
	  "start-failed:o answer:failed TERM:o(main)" },
	{ "go !start:o !stop:o waits:o +4s +2s", "service-waits",
	  "start:o answer:failed TERM:o(rest) KILL:o(tree)" },
	{ "go !start:o started:o waits:o +3s", "service-waits start-failed",
	  "start:o start-failed:o answer:failed TERM:o(main)" },
	/* a life after another: nothing of the old one counts */
	{ "adopted:a go good:a1 good:a2 sample:a.memory=2e9 sample:a.cpu=50 +5s *a !restart:a *a " GONE("a")
	  "+5s started:a *a &big", NULL,
	  "a is up since 0, process 1 of 0, 0 restarts, memory 2e+09, cpu 50 "
	  "TERM:a(main) a is stopping since 5, process 1 of 0, 0 restarts, memory "
	  "2e+09, cpu 50 start:a a is starting since 5, process 2 of 10, 1 restarts, "
	  "memory nan, cpu nan big is unknown and fires, fired 1, since 0" },
	{ "adopted:a go good:a1 good:a2 " CRASH("a") "started:a # sample:a.memory=1 # sample:a.memory=1 #", NULL,
	  "KILL:a(tree) start:a [a a1 a2] [a big] []" },
	{ "adopted:a go good:a1 good:a2 sample:a.memory=1 # age # sample:a.memory=1 # age #", NULL,
	  "[a a1 a2 big] [] [] [a]" },
	{ "adopted:a go good:a1 good:a2 exited:a=1 good:a1 good:a2 empty:a started:a good:a1 ?a good:a2 ?a", NULL,
	  "KILL:a(tree) start:a a=starting a=up" },
	/* a start that failed after a rule's restart is no end of a healthy life */
	{ "adopted:o go good:o1 good:o2 +5s " CRASH("o") "started:o ready:o +5s sample:o.cpu=95 +1s " GONE("o")
	  "started:o exited:o=1 empty:o ?o", NULL,
	  "KILL:o(tree) start:o TERM:o(main) start:o KILL:o(tree) o=backoff" },
	/* nor is one that was found when we began, however it stood then */
	{ "adopted:o=7 go good:o1 good:o2 *o " CRASH("o") "started:o " CRASH("o") "+1s started:o reborn +5s " CRASH("o")
	  "?o", NULL,
	  "o is up since 0, process 1 of 0, 7 restarts, memory nan, cpu nan "
	  "KILL:o(tree) start:o KILL:o(tree) start:o KILL:o(tree) start:o o=starting" },
	/* rules look at a new process at once */
	{ "adopted:y go !start:o started:o +0ms ?second", NULL,
	  "start:o second=true" },
	/* watched: a new process serves, whatever the old one was about to do */
	{ "adopted:t go good:ct found:w good:cw seen:r=t,w dying:w seen:r +1s found:w good:cw +1m", NULL,
	  "route:r=t route:r=t,w" },
	/* watched: left to itself once it was up; the ladder begins anew in each life */
	{ "go found:w good:cw exited:w=-1 +2m ?w", NULL,
	  "w=backoff" },
	{ "go !start:w found:w good:cw !stop:w exited:w=-1 +200ms empty:w found:w exited:w=-1 +31s", NULL,
	  "start:w answer:done TERM:w(main) TERM:w(rest) answer:done" },
	/* who is stopped by order is ill no more, nor are its checks */
	{ "adopted:t go " CRASH("t") "started:t +1s !stop:t " GONE("t") "+1m", "incident-open incident-close",
	  "KILL:t(tree) start:t TERM:t(main) answer:done incident-open:t "
	  "incident-close:t" },
	{ "adopted:a go good:a1 good:a2 bad:a2 +3s !stop:a " GONE("a") "+1m", "incident-open incident-close",
	  "incident-open:a2 TERM:a(main) answer:done incident-close:a2" },
	{ "adopted:a go good:a1 good:a2 bad:a2 +3s " CRASH("a") "started:a " CRASH("a") "!stop:a +1m",
	  "incident-open incident-close",
	  "incident-open:a2 KILL:a(tree) start:a KILL:a(tree) answer:done "
	  "incident-close:a" },
	/* stopped or held in an earlier life */
	{ "adopted:a go good:a1 good:a2 !stop:a " GONE("a") "away:a reborn ?a", "pace",
	  "pace:a1=now pace:a2=now pace:a1=off pace:a2=off TERM:a(main) answer:done "
	  "pace:a1=off pace:a2=off a=stopped" },
	{ "adopted:a go good:a1 good:a2 !hold:a reborn ?a", "pace",
	  "pace:a1=now pace:a2=now answer:done pace:a1=now pace:a2=now a=held" },
	{ "found:w go good:cw !stop:w exited:w=-1 empty:w found:w reborn ?w", NULL,
	  "TERM:w(main) answer:done w=up" },
};

static void
starts(void **state)
{
	(void)state;
	stage_table(text, rows, COUNT(rows));
}

/* The order of a chain at the first start; it forbids nothing. */
static const char chained[] =
	"[service x]\nrun = /x\n[service a]\nrun = /a\ndepends = x, y\n[service y]\nrun = /y\n"
	"[service q]\nrun = /q\ndepends = cq\n[check cq]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[service b]\nrun = /b\n[service s]\nrun = /s\n"
	"[chain one]\npath = b -> a\n[chain two]\npath = b -> s\n[chain three]\npath = s -> q\n";

static const struct stage_row order[] = {
	{ "go started:x started:y started:a started:s ?b", NULL,
	  "start:x start:y start:s start:a start:b b=starting" },
	/* that it is only to come is enough */
	{ "!stop:s go +0ms", NULL,
	  "answer:done start:x start:y" },
	/* both that it needs */
	{ "go started:x started:y started:a ?b good:cq started:q", NULL,
	  "start:x start:y start:s start:a b=stopped start:q" },
	/* what it needs was stopped, or has failed, or runs */
	{ "!stop:a !stop:s go +0ms", NULL,
	  "answer:done answer:done start:x start:y start:b" },
	{ "!stop:y go started:x good:cq started:q started:s", NULL,
	  "answer:done start:x start:s start:q start:b" },
	/* a check that is down keeps back what depends on it, and nothing else */
	{ "bad:cq go", NULL,
	  "start:x start:y start:s" },
	/* only the first time */
	{ "adopted:a adopted:s !stop:b go killed:a=9 empty:a !start:b", NULL,
	  "answer:done start:x start:y KILL:a(tree) start:b" },
};

static void
in_order(void **state)
{
	(void)state;
	stage_table(chained, order, COUNT(order));
}

/* A new process: what is measured of it first is seen at once, and rules look at it before it is
 * ready. */
static const char fresh[] =
	"[service a]\nrun = /a\nready = notify within 30s\n"
	"[rule runs]\nwhen = a.pid > 0\ndo = log\ncooldown = 1h\n"
	"[rule new]\nwhen = a.uptime < 1h\ndo = log\ncooldown = 1h\n";
static const struct stage_row new_process[] = {
	{ "go +5s started:a +0ms ?runs", "rule-fired",
	  "start:a rule-fired:runs rule-fired:new runs=true" },
	{ "go started:a sample:a.memory=1 sample:a.memory=2 killed:a=9 empty:a started:a +0ms # "
	  "sample:a.memory=3 # sample:a.memory=4 #", NULL,
	  "start:a KILL:a(tree) start:a [a runs new] [a] []" },
};

/* Not ready by the check that says so, it carries traffic as far as the route's check is well. */
static const char late[] =
	"[service l]\nmatch = l\nstart = /s\nready = check cl within 5s\n"
	"[check cl]\nof = l\ntcp = h:1\n[check cm]\nof = l\ntcp = h:2\n[check co]\ntcp = h:3\n"
	"[route r]\nswitch = /r\nbackend = o check co\nbackend = l check cm\nactive = all\n"
	"return = after 0ms\n";
static const struct stage_row not_ready[] = {
	{ "found:l go good:co seen:r=o bad:cl good:cm +4.9s ?l +100ms ?l", NULL,
	  "l=starting route:r=o,l l=failing" },
};

static void
what_it_carries_with_it(void **state)
{
	(void)state;
	stage_table(fresh, new_process, COUNT(new_process));
	stage_table(late, not_ready, COUNT(not_ready));
}

/* Whoever is up wakes nobody any more. */
static void
at_rest(void **state)
{
	static const char alone[] = "[service e]\nrun = /e\nready = exec\n";
	static const struct stage_row quiet[] = {
		{ "go due? started:e ?e due?", NULL, "start:e awake e=up at-rest" },
		{ "go started:e !stop:e " GONE("e") "due?", NULL,
		  "start:e TERM:e(main) answer:done at-rest" },
		{ "go !stop:e failed:e +5s due?", NULL,
		  "start:e TERM:e(rest) answer:done at-rest" },
	};
	(void)state;
	stage_table(alone, quiet, COUNT(quiet));
}

int
test_start(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts), cmocka_unit_test(in_order),
		cmocka_unit_test(what_it_carries_with_it), cmocka_unit_test(at_rest)
	};
	return cmocka_run_group_tests_name("start", tests, NULL, NULL);
}
