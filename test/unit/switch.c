/* A switch of traffic: what is told of it, what it waits for, what becomes of it. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

#define SERVICES                                                                         \
	"[monitord]\nsmtp = h:25\nalert = ops\n[contact ops]\nmail = x@y\n"              \
	"[service a]\nrun = /a\ndrain = one\n[check ca]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n"           \
	"[service b]\nrun = /b\n[check cb]\nof = b\ntcp = h:1\ndown = 1\nup = 1\n"       \
	"[check cc]\ntcp = h:1\ndown = 1\nup = 1\n"                                      \
	"[check proof]\ntcp = h:1\ndown = 1\nup = 1\n"                                   \
	"[rule fat]\nwhen = a.memory > 1G\ndo = restart a\n"                             \
	"[rule halts]\nwhen = one.state = stuck\ndo = log\n"                             \
	"[route one]\nswitch = /s\nbackend = a check ca\nbackend = b check cb\n"         \
	"backend = c check cc\n"
static const char text[] = SERVICES "verify = proof within 3s\nreturn = after 10s\n";
static const char slow[] = SERVICES "verify = proof within 3s\nreturn = after 30m\n";
static const char all[] = SERVICES "verify = proof within 3s\nreturn = after 5s\nactive = all\nkeep = 1\n";
static const char flaps[] = SERVICES "return = after 5s\nactive = all\nflap = 2 in 1m\n";
#define BEGUN "adopted:a adopted:b go good:ca good:cb good:cc good:proof "
#define WELL BEGUN "seen:one=a +1s "
#define TO_B "bad:ca seen:one good:proof "
#define AGAIN(s) "killed:" s "=9 empty:" s " started:" s " "
#define OPEN "incident-open incident-close"

static const struct stage_row rows[] = {
	/* the first order of all; none before the front was seen, and we were told to go */
	{ BEGUN "seen:one=nobody", "route-ordered+",
	  "route:one=a route-ordered:one{route one: nobody to a}" },
	{ "adopted:a seen:one=nobody good:ca +1s go", NULL,
	  "start:b" },
	{ BEGUN "unseen:one +1m bad:ca", NULL,
	  "" },
	/* one too many: nothing is ordered, and that is said */
	{ WELL "!reroute:one=b !reroute:one=c !reroute:one=b !reroute:one=c !reroute:one=b !restore:one "
	  "seen:one good:proof ?one", NULL,
	  "route:one=b route:one=c route:one=b route:one=c answer:refused answer:refused "
	  "answer:done answer:done answer:done answer:done one=manual" },
	/* a choice by hand ends in its time, whether the front is seen or not */
	{ WELL "!reroute:one=c/60 seen:one good:proof reborn +61s", "route-released",
	  "route:one=c answer:done route-released:one" },
	/* better ones come back in their time, each of them */
	{ WELL "bad:ca seen:one good:proof bad:cb seen:one good:proof +1s good:cb +9s ?one +1s", NULL,
	  "route:one=b-a route:one=c-a,b one=rerouted route:one=b-a" },
	{ WELL "bad:ca seen:one bad:proof +3s seen:one good:proof +9s ?one +2s", NULL,
	  "route:one=b-a route:one=c-a one=rerouted route:one=b-a" },
	/* what the front says, or that it cannot be asked */
	{ WELL "*one unseen:one=b *one seen:one=a *one bad:ca *one +1s seen:one *one", NULL,
	  "one is primary since -1, wanted a, seen a, 0 bytes of error one is primary "
	  "since -1, wanted a, believed a, 127 bytes of error one is primary since -1, "
	  "wanted a, seen a, 0 bytes of error route:one=b-a one is rerouted since 1, "
	  "wanted b, seen a, 0 bytes of error one is rerouted since 1, wanted b, seen "
	  "b, 0 bytes of error" },
	{ WELL "# bad:ca # bad:cb # unseen:one # seen:one #", NULL,
	  "[a b ca halts cb cc proof one] route:one=b-a [ca a one] route:one=c-a,b [cb "
	  "b one] [one] [one]" },
	{ WELL "unseen:one seen:one=a lost:routes bad:ca +10s ?one", "route-undone",
	  "route:one=b-a one=rerouted" },
	/* nobody could carry out the order: that is no failed proof; if the front refuses it is */
	{ WELL "lost:routes bad:ca +10s ?one", "route-undone",
	  "route:one=b-a one=rerouted" },
	{ WELL "bad:ca unseen:one +4s ?one", "route-undone",
	  "route:one=b-a route:one=c-a route-undone:one one=rerouted" },
	/* it is part of the incident until it is back, and proven */
	{ WELL TO_B "good:ca +9s", OPEN,
	  "route:one=b-a incident-open:ca" },
	{ WELL TO_B "good:ca +10s seen:one +1s good:proof +1m", OPEN,
	  "route:one=b-a incident-open:ca route:one=a incident-close:ca" },
	{ WELL TO_B "bad:cb seen:one good:proof good:cb good:ca +9s", OPEN,
	  "route:one=b-a route:one=c-a,b incident-open:ca incident-open:cb "
	  "incident-close:cb" },
	{ WELL AGAIN("a") "good:ca seen:one good:proof +9s ?one", OPEN,
	  "route:one=b start:a incident-open:a one=rerouted" },
	/* a rule's restart leaves by plan, and belongs to the rule's incident */
	{ WELL "sample:a.memory=2e9 seen:one good:proof +1s exited:a=0 empty:a started:a good:ca "
	       "sample:a.memory=1 +3s ?one +10s", OPEN,
	  "route:one=b TERM:a(main) start:a incident-open:fat one=rerouted route:one=a "
	  "route:one=b" },
	{ WELL "!restart:a seen:one good:proof +1s exited:a=0 empty:a started:a good:ca +5s", OPEN,
	  "route:one=b TERM:a(main) start:a answer:done" },
	/* stopped by somebody, without a drain: that is told */
	{ WELL "!stop:a +3s", "incident-open+",
	  "route:one=b-a TERM:a(main) incident-open:one<route-ordered(ops){traffic of "
	  "route one is no longer carried by a but by b} route:one=c-a" },
	/* a choice by hand that falls is the check's matter */
	{ WELL "!reroute:one=c seen:one good:proof bad:cc seen:one good:proof good:cc +3s", OPEN,
	  "route:one=c answer:done route:one=a-c route:one=c incident-open:cc "
	  "incident-close:cc route:one=a" },
	{ WELL "!reroute:one=c seen:one good:proof +3s", OPEN,
	  "route:one=c answer:done" },
	/* the time of the proof begins when the switch is seen; what was asked before proves nothing */
	{ WELL "bad:ca +2s seen:one bad:proof +2s ?one +2s", "route-undone pace",
	  "pace:ca=now pace:cb=now route:one=b-a pace:proof=now pace:proof=now "
	  "one=rerouted route:one=c-a route-undone:one" },
	{ WELL "bad:ca seen:one stale:proof ?one +3s", "route-verified",
	  "route:one=b-a one=rerouted route:one=c-a" },
	/* undone: back to who carried it, though a better one is well, and not yet rested */
	{ WELL TO_B "good:ca +1s !reroute:one=c seen:one bad:proof +3s", "route-undone",
	  "route:one=b-a route:one=c answer:failed route:one=b route-undone:one" },
	/* by hand: remembered; to where it is already, at once; it forgives what failed its proof */
	{ WELL "hand:one=c", "remember",
	  "route:one=c remember" },
	{ WELL "!reroute:one=a/60 ?one +61s ?one", "remember route-released",
	  "answer:done remember one=manual route-released:one remember one=primary" },
	{ WELL "bad:ca seen:one bad:proof +3s seen:one good:proof !reroute:one=b", NULL,
	  "route:one=b-a route:one=c-a route:one=b-a" },
	/* why a planned restart went on without a whole drain */
	{ WELL "!restart:a +6s", "drain-late+",
	  "route:one=b route:one=c drain-late:a<command{a is restarted after 5.0 s "
	  "without a whole drain of route one: it was not seen out of it} TERM:a(main)" },
	{ WELL "!restart:a unseen:one +6s", "drain-late+",
	  "route:one=b route:one=c drain-late:a<command{a is restarted after 5.0 s "
	  "without a whole drain of route one: its front cannot be asked} TERM:a(main)" },
	{ WELL "!restart:a busy:one=a good:proof +6s", "drain-late+",
	  "route:one=b drain-late:a<command{a is restarted after 5.0 s without a whole "
	  "drain of route one: requests on it have not ended} TERM:a(main)" },
	/* stuck, until the proof is good */
	{ WELL "bad:cc bad:ca seen:one bad:proof +3s *one # +1s good:proof # *one", "rule-fired rule-cleared",
	  "route:one=b-a,c rule-fired:halts one is stuck since 4, wanted b, seen b, 0 "
	  "bytes of error [a b ca halts cb cc proof one] rule-cleared:halts [proof one "
	  "halts] one is rerouted since 5, wanted b, seen b, 0 bytes of error" },
};

/* What failed its proof is tried after half an hour, then an hour, which is the most; once
 * proven, it is as new. */
#define FAILS "seen:one bad:proof +3s seen:one good:proof "
static const struct stage_row tries[] = {
	{ WELL "bad:ca " FAILS "+29m ?one +1m " FAILS "+59m ?one +1m " FAILS "+59m ?one +1m", NULL,
	  "route:one=b-a route:one=c-a one=rerouted route:one=b-a route:one=c-a "
	  "one=rerouted route:one=b-a route:one=c-a one=rerouted route:one=b-a" },
	{ WELL "bad:ca " FAILS "+30m " FAILS "+1h seen:one good:proof bad:cb seen:one good:proof good:cb +30m " FAILS
	       "+29m ?one +1m", NULL,
	  "route:one=b-a route:one=c-a route:one=b-a route:one=c-a route:one=b-a "
	  "route:one=c-a,b route:one=b-a route:one=c-a one=rerouted route:one=b-a" },
};

static const struct stage_row of_all[] = {
	/* what joins and is not proven leaves again; alone */
	{ BEGUN "seen:one=a,b,c bad:ca seen:one good:proof good:ca +5s seen:one bad:proof +3s", "route-undone",
	  "route:one=b,c-a route:one=a,b,c route:one=b,c route-undone:one" },
	{ BEGUN "seen:one=a,b,c bad:ca seen:one good:proof good:ca +5s unknown:cb seen:one bad:proof +3s",
	  "route-undone",
	  "route:one=b,c-a route:one=a,b,c route:one=b,c route-undone:one" },
	/* found without one: it rests first */
	{ BEGUN "+10s seen:one=a,b +4s ?one +1s", NULL,
	  "one=rerouted route:one=a,b,c" },
};

/* It is part of the incident until it is back, whichever left. */
static const char rests[] = SERVICES "return = after 30m\nactive = all\n";
static const struct stage_row of_rests[] = {
	{ BEGUN "seen:one=a,b,c bad:cb seen:one good:cb +29m +2m seen:one +1m", OPEN,
	  "route:one=a,c-b incident-open:cb route:one=a,b,c incident-close:cb" },
};

/* Each time that it flaps is told. */
#define AWAY_AND_BACK(c) "bad:" c " seen:one good:" c " +5s seen:one "
static const struct stage_row of_flaps[] = {
	/* who is down, or to be out by order, leaves all the same */
	{ BEGUN "seen:one=a,b,c " AWAY_AND_BACK("ca") "bad:cb", NULL,
	  "route:one=b,c-a route:one=a,b,c route:one=a,c-b" },
	{ BEGUN "seen:one=a,b,c " AWAY_AND_BACK("cb") "!drain:a", NULL,
	  "route:one=a,c-b route:one=a,b,c route:one=b,c" },
	{ BEGUN "seen:one=a,b,c " AWAY_AND_BACK("ca") AWAY_AND_BACK("ca") "+2m seen:one "
	  AWAY_AND_BACK("ca") AWAY_AND_BACK("ca"), "page",
	  "route:one=b,c-a route:one=a,b,c route:one=b,c-a page:one route:one=a,b,c "
	  "route:one=b,c-a route:one=a,b,c route:one=b,c-a page:one" },
};

static void
switches(void **state)
{
	(void)state;
	stage_table(text, rows, COUNT(rows));
}

static void
tries_again(void **state)
{
	(void)state;
	stage_table(slow, tries, COUNT(tries));
	stage_table(all, of_all, COUNT(of_all));
	stage_table(rests, of_rests, COUNT(of_rests));
	stage_table(flaps, of_flaps, COUNT(of_flaps));
}

/* All stay in, as `keep` asks: a panic is told, and over when they are well. */
#define MEMBER(n) "[service s" n "]\nrun = /s\n[check c" n "]\nof = s" n "\ntcp = h:1\ndown = 1\nup = 1\n"
static const char farm[] =
	"[monitord]\nalert = ops\nsmtp = h:25\n[contact ops]\nmail = o@x.y\n" MEMBER("1")
		MEMBER("2") MEMBER("3") MEMBER("4") MEMBER("5") MEMBER("6") MEMBER("7") MEMBER("8")
	"[route farm]\nswitch = /s\nbackend = b1 check c1\nbackend = b2 check c2\n"
	"backend = b3 check c3\nbackend = b4 check c4\nactive = all\nkeep = 4\nreturn = after 1s\n";
static const struct stage_row panic[] = {
	/* together is within ten seconds */
	{ "adopted:s1 adopted:s2 adopted:s3 adopted:s4 adopted:s5 adopted:s6 adopted:s7 "
	  "adopted:s8 go good:c1 good:c2 good:c3 good:c4 good:c5 good:c6 good:c7 good:c8 "
	  "seen:farm=b1,b2,b3,b4 +1s bad:c1 +15s bad:c2 bad:c3 +1s bad:c4",
	  "page+",
	  "page:farm<check-down(ops){route farm: 3 of 4 backends fell at once, though "
	  "their processes live: the checks are not believed, all stay in}" },
	{ "adopted:s1 adopted:s2 adopted:s3 adopted:s4 adopted:s5 adopted:s6 adopted:s7 "
	  "adopted:s8 go good:c1 good:c2 good:c3 good:c4 good:c5 good:c6 good:c7 good:c8 "
	  "seen:farm=b1,b2,b3,b4 +1s !hold:s1 !hold:s2 !hold:s3 bad:c1 bad:c2 bad:c3 +5s "
	  "good:c1 good:c2 good:c3 +30s",
	  "incident-open+ incident-close",
	  "answer:done answer:done answer:done incident-open:s1<service-failing(ops){s1 "
	  "is failing: c1 is down} incident-open:s2<service-failing(ops){s2 is failing: "
	  "c2 is down} incident-open:s3<service-failing(ops){s3 is failing: c3 is down} "
	  "incident-close:s1 incident-close:s2 incident-close:s3" },
	{ "adopted:s1 adopted:s2 adopted:s3 adopted:s4 adopted:s5 adopted:s6 adopted:s7 "
	  "adopted:s8 go good:c1 good:c2 good:c3 good:c4 good:c5 good:c6 good:c7 good:c8 "
	  "seen:farm=b1,b2,b3,b4 +1s bad:c1 bad:c2 bad:c3 +5s good:c1 good:c2 good:c3 +30s",
	  "page incident-open+ incident-close",
	  "page:farm incident-open:c1<check-down(ops){c1 is down: it is bad} "
	  "incident-open:c2<check-down(ops){c2 is down: it is bad} "
	  "incident-open:c3<check-down(ops){c3 is down: it is bad} incident-close:c1 "
	  "incident-close:c2 incident-close:c3" },
};

static void
keeps_all_in(void **state)
{
	(void)state;
	stage_table(farm, panic, COUNT(panic));
}

int
test_switch(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(switches),
		cmocka_unit_test(tries_again),
		cmocka_unit_test(keeps_all_in),
	};
	return cmocka_run_group_tests_name("switch", tests, NULL, NULL);
}
