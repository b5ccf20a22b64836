/* Reloads: what is carried over, what begins anew, what is gone. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

#define CHECK(name) "[check " name "]\ntcp = h:1\ndown = 1\nup = 1\n"
#define A "[service a]\nrun = /a\n[check ca]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n"
#define B "[service b]\nrun = /b\n[check cb]\nof = b\ntcp = h:1\ndown = 1\nup = 1\n"
#define N "[service n]\nrun = /n\nrestart = never\n"
#define D "[service d]\nrun = /d\ndepends = a\n"
#define R "[rule r]\nwhen = cb.down\ndo = run /x, log\ncooldown = 10s\n"
#define STOP "[rule s]\nwhen = cb.down\ndo = stop a\n"
#define LONE CHECK("lone")
#define OTHER CHECK("other")
#define OPS "[monitord]\nsmtp = h:25\nalert = ops\n[contact ops]\nmail = a@b\n"
#define MOST(name, limit, more)                                                                    \
	"[service " name "]\nrun = /f\nready = exec\nat-most = " limit "\n" more
#define HTTP(name) "[check " name "]\nhttp = http://h/\ndown = 1\nup = 1\n"
#define BACKEND(name) "backend = " name " check c" name "\n"
#define ROUTE(name, backends)                                                                      \
	"[route " name "]\nswitch = /" name "\n" backends "return = after 5s\n"
#define LATE "[rule late]\nwhen = lone.down for 10s\ndo = log\nclear = lone.up for 10s\n"
#define EARLY "[rule early]\nwhen = other.down for 10s\ndo = log\nclear = other.up for 10s\n"
#define LATER MOST("f", "63 in 1h", "backoff = 1000s..1000s\non-boot = stay\n")
#define LATE_CRASHES(then) "!start:f started:f " CRASH("f") "started:f " then CRASH("f")
#define TWO(does, more) "[rule r]\nwhen = cb.down\ndo = " does "\ncooldown = 1h\n" more
#define SOON "[monitord]\ncooldown = 30s\n"
#define CRASH(s) "exited:" s "=1 empty:" s " "

static const struct {
	const char *from, *to;
	struct stage_row row;
} rows[] = {
	/* states and processes stay, whatever their numbers become */
	{ A B,
	  B A,
	  { "adopted:a adopted:b go good:ca bad:cb reload ?a ?b ?ca ?cb", NULL,
	    "a=up b=failing ca=up cb=down" } },
	{ A B, A B D, { "adopted:a adopted:b go good:ca reload go", NULL, "start:d" } },
	{ A B D,
	  A B D,
	  { "adopted:b go ?d reload started:a good:ca", NULL,
	    "start:a d=stopped start:d" } },
	/* a crash that waits for what it depends on, or for its time, still does */
	{ A D,
	  A D,
	  { "adopted:a adopted:d go good:ca bad:ca killed:d=9 empty:d reload good:ca",
	    NULL, "KILL:d(tree) start:d" } },
	{ A,
	  A,
	  { "go started:a exited:a=1 empty:a started:a exited:a=1 empty:a reload +1s",
	    NULL, "start:a KILL:a(tree) start:a KILL:a(tree) start:a" } },
	/* a reload starts nothing that was stopped for a reason */
	{ N,
	  N A,
	  { "go started:n exited:n=0 empty:n reload +1s ?n", NULL,
	    "start:n KILL:n(tree) start:a n=stopped" } },
	{ A B STOP,
	  A B STOP,
	  { "adopted:a adopted:b go bad:cb exited:a=0 empty:a reload +1s ?a", NULL,
	    "TERM:a(main) a=stopped" } },
	{ A,
	  A B,
	  { "adopted:a go !stop:a exited:a=0 empty:a reload ?a", NULL,
	    "TERM:a(main) answer:done start:b a=stopped" } },
	/* incidents keep their root, or lose it with its section */
	{ A B,
	  B A,
	  { "adopted:a adopted:b go good:ca good:cb bad:ca reload +3s good:ca +6s",
	    "incident-open incident-close", "incident-open:ca incident-close:ca" } },
	{ A B,
	  A,
	  { "adopted:a adopted:b go bad:cb reload +1m", "incident-open incident-close",
	    "incident-open:monitord incident-close:monitord" } },
	{ A B,
	  A,
	  { "adopted:a adopted:b go bad:cb +3s reload +1m",
	    "incident-open incident-close",
	    "incident-open:cb incident-close:monitord" } },
	/* a rule whose command was on its way acts again */
	{ B R, B R, { "adopted:b go bad:cb reload done:r=0 +20s", NULL, "run:r run:r" } },
	/* before anything was begun, too: it begins then */
	{ A, A B, { "reload go", NULL, "start:a start:b" } },
	/* no reload is a boot */
	{ A, A "[service s]\nrun = /s\non-boot = stay\n", { "adopted:a go reload +1s", NULL,
	  "start:s" } },
	/* crashes are not forgiven, the newest as many as at-most counts now */
	{ MOST("f", "2 in 10s", ""),
	  MOST("f", "2 in 10s", "") A,
	  { "adopted:f go " CRASH("f") "+20s started:f " CRASH("f") "+1s started:f reload "
	    CRASH("f") "+1s started:f " CRASH("f") "?f", NULL,
	    "KILL:f(tree) start:f KILL:f(tree) start:f start:a KILL:f(tree) start:f "
	    "KILL:f(tree) f=failed" } },
	{ MOST("f", "1 in 1s", ""),
	  MOST("f", "3 in 10m", ""),
	  { "adopted:f go " CRASH("f") "started:f +5s " CRASH("f") "started:f +5s " CRASH("f")
	    "started:f +5s reload " CRASH("f") "?f", NULL,
	    "KILL:f(tree) start:f KILL:f(tree) start:f KILL:f(tree) start:f KILL:f(tree) "
	    "start:f f=starting" } },
	{ MOST("f", "4 in 10s", ""),
	  MOST("f", "1 in 10s", ""),
	  { "adopted:f go " CRASH("f") "started:f +20s " CRASH("f") "started:f +20s " CRASH("f")
	    "started:f +1s " CRASH("f") "started:f reload " CRASH("f") "?f", NULL,
	    "KILL:f(tree) start:f KILL:f(tree) start:f KILL:f(tree) start:f KILL:f(tree) "
	    "start:f KILL:f(tree) f=failed" } },
	{ MOST("f", "4 in 10s", ""),
	  MOST("f", "1 in 10s", ""),
	  { "adopted:f go " CRASH("f") "started:f +5s " CRASH("f") "started:f +13s " CRASH("f")
	    "started:f +2s reload " CRASH("f") "?f", NULL,
	    "KILL:f(tree) start:f KILL:f(tree) start:f KILL:f(tree) start:f KILL:f(tree) "
	  "f=failed" } },
	{ MOST("f", "1 in 1s", ""),
	  MOST("f", "2 in 10m", ""),
	  { "adopted:f go " CRASH("f") "started:f +5s " CRASH("f") "started:f +5s " CRASH("f")
	    "started:f +5s reload " CRASH("f") "?f", NULL,
	    "KILL:f(tree) start:f KILL:f(tree) start:f KILL:f(tree) start:f KILL:f(tree) "
	  "f=failed" } },
	{ MOST("g", "1 in 10s", "") MOST("f", "1 in 10s", ""),
	  MOST("f", "1 in 10s", "") MOST("g", "1 in 10s", ""),
	  { "adopted:f adopted:g go " CRASH("g") "started:g +15s " CRASH("f") "started:f +5s "
	    CRASH("f") "reload " CRASH("g") "?g", NULL,
	    "KILL:g(tree) start:g KILL:f(tree) start:f KILL:f(tree) KILL:g(tree) start:g "
	  "g=starting" } },
	/* what has failed is tried when its section says so now */
	{ MOST("f", "1 in 10m", "retry = 10m\n"),
	  MOST("f", "1 in 10m", "retry = 1m\n"),
	  { "adopted:f go " CRASH("f") "started:f " CRASH("f") "+30s reload +59s ?f +2s ?f", NULL,
	    "KILL:f(tree) start:f KILL:f(tree) f=failed start:f f=starting" } },
	{ MOST("f", "1 in 10m", "retry = 10m\n"),
	  MOST("f", "1 in 10m", "retry = 10m\nnice = 1\n"),
	  { "adopted:f go " CRASH("f") "started:f " CRASH("f") "+9m reload +61s ?f", NULL,
	    "KILL:f(tree) start:f KILL:f(tree) start:f f=starting" } },
	{ MOST("f", "1 in 10m", "retry = 10m\n"),
	  MOST("f", "1 in 10m", "retry = 1m\n"),
	  { "adopted:f go reload +61s ?f due?", NULL, "f=up at-rest" } },
	/* a restart whose turn has not come */
	{ "[service t]\ninstances = 1..2\nrun = /t\nready = exec\n",
	  A "[service t]\ninstances = 1..2\nrun = /t\nready = exec\n",
	  { "adopted:t-1 adopted:t-2 go !restart:t-1 !restart:t-2 reload exited:t-1=0 empty:t-1 "
	    "started:t-1 exited:t-2=0 empty:t-2 started:t-2", NULL,
	    "TERM:t-1(main) start:a start:t-1 answer:done TERM:t-2(main) start:t-2 "
	    "answer:done" } },
	/* what was measured, and why it failed */
	{ HTTP("h") HTTP("g") HTTP("i"),
	  HTTP("i") HTTP("g") HTTP("h"),
	  { "go good:h=200 bad:g=404 good:i reload *h *g *i", NULL,
	    "h is up since 0, measured at 5 ms, took 5 ms, 'it is good' value 26=200 value "
	    "27=400 g is down since 0, measured at 5 ms, took 5 ms, 'it is bad' value "
	    "26=404 value 27=808 i is up since 0, measured at 0 ms, took 0 ms, 'it is good'" } },
	{ HTTP("h") HTTP("g"),
	  HTTP("g") HTTP("n") HTTP("h"),
	  { "go good:h=200 bad:g=404 reload good:n=500 *g", NULL,
	    "g is down since 0, measured at 5 ms, took 5 ms, 'it is bad' value 26=404 value "
	  "27=808" } },
	/* what is wrong goes on, told as if nothing had been */
	{ OPS LONE OTHER,
	  OPS OTHER LONE,
	  { "go good:lone good:other bad:other +1s reload +1s +10m", "incident-open incident-close",
	    "incident-open:other" } },
	{ OPS LONE OTHER,
	  OPS OTHER LONE,
	  { "go good:lone good:other bad:other +1s reload +1s", "incident-open",
	  "incident-open:other" } },
	{ OPS LONE OTHER,
	  OPS OTHER LONE,
	  { "go good:lone good:other bad:other +1s reload +990ms", "incident-open", "" } },
	/* of two whose sections go both end, in the right words */
	{ OPS LONE OTHER A,
	  OPS A,
	  { "adopted:a go good:ca bad:lone bad:other +10s reload +1900ms +1m",
	    "incident-open incident-close+",
	    "incident-open:lone incident-open:other "
	    "incident-close:monitord<check-down(ops){over after 10 s: lone is down: it is "
	    "bad} incident-close:monitord<check-down(ops){over after 10 s: other is down: "
	    "it is bad}" } },
	{ OPS LONE OTHER A,
	  OPS A,
	  { "adopted:a go good:ca bad:lone bad:other reload +1900ms", "incident-open",
	    "" } },
	/* silences end when they were to */
	{ OPS LONE,
	  OPS OTHER LONE,
	  { "go good:lone !silence:lone=60 bad:lone +30s reload +31s", "silence-over incident-open",
	    "answer:done incident-open:lone silence-over:lone incident-open:lone" } },
	/* who carries the traffic, and since when; among other backends that is found out anew */
	{ A B CHECK("cc") ROUTE("q", BACKEND("a") BACKEND("b")) ROUTE("r",
	  BACKEND("a") BACKEND("b")),
	  A B CHECK("cc") ROUTE("q", BACKEND("a") BACKEND("b") "keep = 1\n")
	  ROUTE("r", BACKEND("a") BACKEND("b")),
	  { "adopted:a adopted:b go good:ca good:cb seen:q=a seen:r=a bad:ca seen:q=b seen:r=b +1s "
	    "good:ca +1s reload +3900ms ?q ?r +200ms ?q ?r", NULL,
	    "route:q=b-a route:r=b-a q=rerouted r=rerouted route:q=a route:r=a q=primary "
	    "r=primary" } },
	{ A B CHECK("cc") ROUTE("r", BACKEND("a") BACKEND("b")),
	  A B CHECK("cc") ROUTE("r", BACKEND("a") BACKEND("b") BACKEND("c")),
	  { "adopted:a adopted:b go good:ca good:cb good:cc seen:r=a bad:ca seen:r=b +10s ?r "
	  "reload "
	    "seen:r=b +1s ?r good:ca +6s", NULL,
	    "route:r=b-a r=rerouted r=rerouted route:r=a" } },
	{ A B CHECK("cc") ROUTE("r", BACKEND("a") BACKEND("b")),
	  A B CHECK("cc") ROUTE("r", BACKEND("a") BACKEND("c")),
	  { "adopted:a adopted:b go good:ca good:cb good:cc seen:r=a bad:ca seen:r=b +10s ?r "
	  "reload "
	    "seen:r=b +1s ?r good:ca +6s", NULL,
	    "route:r=b-a r=rerouted route:r=c-a r=rerouted route:r=a" } },
	/* who was chosen by hand still is, if it is still there, and as long as it was to be */
	{ A B CHECK("cc") ROUTE("r", BACKEND("a") BACKEND("b")),
	  A B CHECK("cc") ROUTE("r", BACKEND("c") BACKEND("a") BACKEND("b")),
	  { "adopted:a adopted:b go good:ca good:cb good:cc seen:r=a !reroute:r=b/60 seen:r=b +10s "
	    "reload seen:r=b ?r +49s ?r +1s seen:r ?r", "route-released",
	    "route:r=b answer:done r=manual r=manual route-released:r route:r=c r=primary" } },
	{ A B CHECK("cc") ROUTE("r", BACKEND("a") BACKEND("b")),
	  A B CHECK("cc") ROUTE("r", BACKEND("c") BACKEND("a")),
	  { "adopted:a adopted:b go good:ca good:cb good:cc seen:r=a !reroute:r=b/60 seen:r=b +10s "
	    "reload seen:r=a +1m ?r", "route-released",
	    "route:r=b answer:done route:r=c r=primary" } },
	{ A B CHECK("cc") ROUTE("r", BACKEND("a") BACKEND("b") "active = all\n"),
	  A B CHECK("cc") ROUTE("r", BACKEND("c") BACKEND("a") BACKEND("b") "active = all\n"),
	  { "adopted:a adopted:b go good:ca good:cb good:cc seen:r=a,b +1m hand:r=b +10s "
	    "reload seen:r=b +1m ?r", "route-by-hand",
	    "route:r=b route-by-hand:r route:r=c,b r=manual" } },
	{ A B CHECK("cc") ROUTE("r", BACKEND("a") BACKEND("b")),
	  A B CHECK("cc") ROUTE("r", BACKEND("c") BACKEND("a") BACKEND("b")),
	  { "adopted:a adopted:b go good:ca good:cb good:cc seen:r=a !reroute:r=b/60 seen:r=b +10s "
	    "reload +50s ?r", "route-released", "route:r=b answer:done route-released:r r=primary" } },
	{ A B CHECK("cc") ROUTE("r", BACKEND("a") BACKEND("b") "active = all\n"),
	  A B CHECK("cc") ROUTE("r", BACKEND("c") BACKEND("a") BACKEND("b") "active = all\n"),
	  { "adopted:a adopted:b go good:ca bad:cb good:cc seen:r=a +1m hand:r=a,b +10s "
	    "reload seen:r=a,b +1m ?r", "route-by-hand", "route:r=a,b route-by-hand:r route:r=c,a,b r=manual" } },
	/* one that has no section any more, and one that follows it */
	{ A B ROUTE("q", BACKEND("a") BACKEND("b")) ROUTE("r", BACKEND("a") BACKEND("b")),
	  A B ROUTE("r", BACKEND("a") BACKEND("b")),
	  { "adopted:a adopted:b go good:ca good:cb seen:q=a seen:r=a !reroute:r=b seen:r=b "
	  "reload ?r", NULL,
	    "route:r=b answer:done r=manual" } },
	/* its order to be out of them holds */
	{ A B CHECK("cc") ROUTE("r", BACKEND("a") BACKEND("b")),
	  A B CHECK("cc") ROUTE("r", BACKEND("a") BACKEND("b") BACKEND("c")),
	  { "adopted:a adopted:b go good:ca good:cb good:cc seen:r=a +10s !drain:a seen:r=b reload "
	    "seen:r=b +1m ?r", NULL,
	    "route:r=b answer:done r=rerouted" } },
	/* windows go on, of what was so and what was not; a rule that is gone is in nobody's way */
	{ LONE OTHER EARLY LATE,
	  OTHER LONE "[rule new]\nwhen = lone.up\ndo = log\n" LATE EARLY,
	  { "go good:lone good:other bad:lone bad:other +5s reload +4900ms ~late ~early +200ms "
	  "?late ?early",
	    "rule-fired", "late=false in 100 ms early=false in 100 ms rule-fired:late "
	    "rule-fired:early "
	    "late=true early=true" } },
	{ LONE OTHER EARLY LATE,
	  OTHER LONE LATE EARLY,
	  { "go good:lone good:other bad:lone bad:other +11s good:lone good:other +5s reload "
	  "+4900ms "
	    "+200ms", "rule-cleared", "rule-cleared:late rule-cleared:early" } },
	{ LONE OTHER EARLY LATE "[rule third]\nwhen = lone.up\ndo = log\n",
	  OTHER LONE EARLY,
	  { "go good:lone good:other bad:lone bad:other +5s reload +4900ms +200ms",
	  "rule-fired", "rule-fired:third rule-fired:early" } },
	/* another condition to clear begins anew */
	{ LONE LATE,
	  LONE "[rule late]\nwhen = lone.down for 10s\ndo = log\nclear = lone.up for 7s\n",
	  { "go good:lone bad:lone +11s good:lone +5s reload +3s ?late +5s",
	  "rule-fired rule-cleared",
	    "rule-fired:late late=false rule-cleared:late" } },
	/* that of a check's `do` has the check's name */
	{ SOON LONE "do = log\n" OTHER "do = log\n",
	  SOON OTHER "do = log\n" LONE "do = log\n",
	  { "go good:lone good:other bad:lone reload +20s &lone +15s", "rule-fired",
	  "rule-fired:lone lone is true, fired 1, since 0 rule-fired:lone" } },
	/* the end of an old rule's command is none of the new one's */
	{ B "[rule r]\nwhen = cb.down\ndo = run /x, stop b\ncooldown = 10s\n",
	  B "[rule r]\nwhen = cb.down\ndo = run /y, stop b\ncooldown = 10s\n",
	  { "adopted:b go bad:cb reload +10s done-before:r=0 ?b done:r=0", NULL,
	    "run:r cut{of what rule r had begun this is not done, as it is another now: stop b} "
	    "run:r b=failing TERM:b(main)" } },
	/* an action that was waited for is waited for no longer, and does not hold up the next */
	{ A B "[rule r]\nwhen = cb.down\ndo = restart a, run /x\ncooldown = 10s\n",
	  A B "[rule r]\nwhen = cb.down\ndo = restart a, run /x, log\ncooldown = 10s\n",
	  { "adopted:a adopted:b go bad:cb reload exited:a=0 empty:a started:a good:ca +20s "
	  "exited:a=0 "
	    "empty:a started:a good:ca", NULL,
	    "TERM:a(main) cut{of what rule r had begun this is not done, as it is another "
	    "now: run /x} start:a TERM:a(main) KILL:a(tree) start:a run:r" } },
	/* one that does the same goes on, whatever else is new, and what it waits for is still that */
	{ A B TWO("restart a, run /x, log", ""),
	  B CHECK("c0") "[rule q]\nwhen = c0.down\ndo = log\n" A TWO("restart a, run /x, log", "remind = 1h\n"),
	  { "adopted:a adopted:b go bad:cb reload +1s exited:a=0 empty:a +1s started:a good:ca done:r=0", "action-done",
	    "TERM:a(main) start:a run:r action-done:r action-done:r" } },
	{ A B TWO("run /x, restart a, log", ""),
	  B CHECK("c0") "[rule q]\nwhen = c0.down\ndo = log\n" A TWO("run /x, restart a, log", ""),
	  { "adopted:a adopted:b go bad:cb reload reload done:r=0 exited:a=0 empty:a started:a good:ca", "action-done", "run:r action-done:r TERM:a(main) start:a action-done:r" } },
	{ A B TWO("restart a, run /x, log", ""), A B TWO("restart a, run /x, log", ""),
	  { "adopted:a adopted:b go bad:cb reload +125s done:r=0", "action-done", "TERM:a(main) KILL:a(tree) KILL:a(tree) KILL:a(tree) KILL:a(tree) "
	    "KILL:a(tree) KILL:a(tree) KILL:a(tree) KILL:a(tree) KILL:a(tree) "
	    "KILL:a(tree) KILL:a(tree) run:r KILL:a(tree) action-done:r action-done:r" } },
	/* what an escalation has begun too, and a check's `do` */
	{ A B TWO("log", "escalate = 1 in 1m -> restart a, run /x\n"), B A TWO("log", "escalate = 1 in 1m -> restart a, run /x\n"),
	  { "adopted:a adopted:b go bad:cb reload exited:a=0 empty:a started:a good:ca", NULL, "TERM:a(main) start:a run:r" } },
	{ A CHECK("cb") "do = restart a, run /x\n", CHECK("ca2") A CHECK("cb") "do = restart a, run /x\n",
	  { "adopted:a go bad:cb reload exited:a=0 empty:a started:a good:ca", NULL, "TERM:a(main) start:a run:cb" } },
	/* but not in a dry run, nor of another condition, and not what is done to others */
	{ A B TWO("restart a, run /x", ""), A B TWO("restart a, run /x", "mode = dry-run\n"),
	  { "adopted:a adopted:b go bad:cb reload exited:a=0 empty:a started:a good:ca", NULL, "TERM:a(main) cut{of what rule r had begun this is not done, as it is another "
	    "now: run /x} start:a" } },
	{ A B TWO("restart a, run /x", ""), A B "[rule r]\nwhen = cb.down or ca.down\ndo = restart a, run /x\ncooldown = 1h\n",
	  { "adopted:a adopted:b go bad:cb reload good:cb exited:a=0 empty:a started:a good:ca", NULL, "TERM:a(main) cut{of what rule r had begun this is not done, as it is another "
	    "now: run /x} start:a run:r" } },
	{ A B N TWO("restart a, stop b", ""), A B N TWO("restart a, stop n", ""),
	  { "adopted:a adopted:b adopted:n go bad:cb reload exited:a=0 empty:a started:a good:ca", NULL, "TERM:a(main) cut{of what rule r had begun this is not done, as it is another "
	    "now: stop b} start:a" } },
	{ A B TWO("restart a, stop b", ""), A B,
	  { "adopted:a adopted:b go bad:cb reload exited:a=0 empty:a started:a good:ca", NULL, "TERM:a(main) cut{of what rule r had begun this is not done, as it has no "
	    "section any more: stop b} start:a" } },
	/* nothing is left to do: nothing is said */
	{ A B TWO("restart a", ""), A B,
	  { "adopted:a adopted:b go bad:cb reload", NULL, "TERM:a(main)" } },
	/* what is looked back on, and what time it is there */
	{ A "[rule r]\nwhen = growth(a.memory, 1m) > 100M\ndo = log\n",
	  A B "[rule r]\nwhen = growth(a.memory, 1m) > 100M\ndo = log\n",
	  { "adopted:a go sample:a.memory=1e8 +30s sample:a.memory=1e8 reload +20s "
	  "sample:a.memory=1.3e8 +9s "
	    "sample:a.memory=2.2e8 +2s", "rule-fired", "start:b rule-fired:r TERM:b(rest)" } },
	{ "[rule day]\nwhen = lone.down\ndo = log\nduring = 09:00-11:00\n" LONE,
	  "[rule day]\nwhen = lone.down\ndo = log\nduring = 09:00-11:00\n" OTHER LONE,
	  { "zone:7200 go good:lone reload bad:lone +1s", "rule-fired", "rule-fired:day" } },
	/* delays are no more alike after it than before */
	{ LATER, LATER, { LATE_CRASHES("") LATE_CRASHES(""), "service-backoff+",
	  "answer:done KILL:f(tree) KILL:f(tree) service-backoff:f<service-exited{f is "
	  "started again in 16 min 40 s} answer:done KILL:f(tree) KILL:f(tree) "
	  "service-backoff:f<service-exited{f is started again in 16 min 42 s}" } },
	{ LATER, LATER, { LATE_CRASHES("") LATE_CRASHES("reload "), "service-backoff+",
	  "answer:done KILL:f(tree) KILL:f(tree) service-backoff:f<service-exited{f is "
	  "started again in 16 min 40 s} answer:done KILL:f(tree) KILL:f(tree) "
	  "service-backoff:f<service-exited{f is started again in 16 min 42 s}" } },
	/* all of them are being stopped: they go on with it, and nothing is begun */
	{ A D,
	  A D N,
	  { "adopted:a adopted:d go good:ca stop-all reload exited:d=0 empty:d exited:a=0 "
	  "empty:a +1m ?a",
	    NULL, "TERM:d(main) TERM:a(main) a=stopped" } },
};

static void
carries_over(void **state)
{
	unsigned wrong = 0;
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		wrong += stage_reload_differs(rows[i].from, rows[i].to, &rows[i].row);
	assert_int_equal(wrong, 0);
}

int
test_move(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(carries_over) };
	return cmocka_run_group_tests_name("move", tests, NULL, NULL);
}
