/* Routes: who carries the traffic, and when that moves. */
#include "test/unit/stage.h"

#include "rules/world.h"
#include "test/unit/book.h"
#include "test/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char text[] =
	"[service a]\nrun = /a\ndrain = one\n[check ca]\nof = a\ntcp = h:1\ndown = 2\nup "
	"= 1\n"
	"[service b]\nrun = /b\n[check cb]\nof = b\ntcp = h:1\ndown = 2\nup = 1\n"
	"[check cc]\ntcp = h:1\ndown = 2\nup = 1\n[check proof]\ntcp = h:1\ndown = 2\nup "
	"= 1\n"
	"[route one]\nswitch = /s\nbackend = a check ca\nbackend = b check cb\nbackend = "
	"c check cc\n"
	"verify = proof within 3s\nreturn = after 10s\n";
#define TOLD "route-moved route-restored route-verified route-undone route-stuck"
/* a carries the traffic, and all are well */
#define WELL "adopted:a adopted:b go good:ca good:cb good:cc good:proof seen:one=a +1s "

#define HAND TOLD " route-by-hand route-drifted"

static const struct stage_row one[] = {
	{ WELL "?one", TOLD, "one=primary" },
	/* a death moves it at once, a check when it falls, and unknown not at all */
	{ WELL "killed:a=9 ?one", TOLD, "route:one=b one=rerouted" },
	/* nor does it wait for the core to be written */
	{ WELL "dying:a=core ?one", TOLD " service-dying",
	  "service-dying:a route:one=b-a one=rerouted" },
	{ WELL "dying:a dying:a killed:a=6", TOLD, "route:one=b" },
	{ WELL "dying:b", TOLD, "" },
	{ WELL "dying:a ready:a ?one", TOLD, "route:one=b one=rerouted" }, /* returns later */
	{ WELL "bad:ca ?one bad:ca", TOLD, "one=primary route:one=b-a" },
	{ WELL "unknown:ca unknown:ca lost:net +1m ?one", TOLD, "one=primary" },
	/* what is left of it may end its answers, then it is killed */
	{ WELL "killed:a=9 seen:one +500ms", TOLD,
	  "route:one=b route-moved:one KILL:a(tree)" },
	/* in the order of preference, never to what is down or unknown */
	{ WELL "bad:cb bad:cb killed:a=9", TOLD, "route:one=c-b" },
	{ WELL "unknown:cb bad:ca bad:ca", TOLD, "route:one=c-a" },
	/* never off the last */
	{ WELL "bad:cb bad:cb bad:cc bad:cc bad:ca bad:ca ?one +1m ?one", TOLD,
	  "one=primary one=primary" },
	/* a switch is verified, */
	{ WELL "bad:ca bad:ca seen:one good:proof ?one", TOLD,
	  "route:one=b-a route-moved:one route-verified:one one=rerouted" },
	{ WELL "bad:ca bad:ca seen:one=a good:proof seen:one good:proof", TOLD,
	  "route:one=b-a route-moved:one route-verified:one" },
	/* or the next is tried */
	{ WELL "bad:ca bad:ca seen:one bad:proof bad:proof +3s seen:one good:proof ?one",
	  TOLD,
	  "route:one=b-a route-moved:one route:one=c-a route-undone:one route-moved:one "
	  "route-verified:one one=rerouted" },
	/* or it is undone */
	{ WELL "!reroute:one=b seen:one bad:proof +3s ?one", TOLD,
	  "route:one=b route-moved:one answer:failed route:one=a route-undone:one "
	  "one=primary" },
	/* or stuck */
	{ WELL "bad:cc bad:cc good:proof bad:ca bad:ca seen:one bad:proof +3s ?one", TOLD,
	  "route:one=b-a,c route-moved:one route-stuck:one one=stuck" },
	/* back once the better one has been well for its time */
	{ WELL "bad:ca bad:ca seen:one good:proof good:ca +9s ?one +2s seen:one ?one",
	  TOLD,
	  "route:one=b-a route-moved:one route-verified:one one=rerouted route:one=a "
	  "route-restored:one "
	  "one=primary" },
	{ WELL
	  "bad:ca bad:ca seen:one good:proof good:ca +9s bad:ca bad:ca good:ca +9s ?one",
	  TOLD, "route:one=b-a route-moved:one route-verified:one one=rerouted" },
	/* an operator's choice stays until it is taken back */
	{ WELL "!reroute:one=c seen:one good:proof +1m ?one !restore:one seen:one "
	       "good:proof ?one",
	  TOLD,
	  "route:one=c route-moved:one route-verified:one answer:done one=manual "
	  "route:one=a "
	  "route-restored:one route-verified:one answer:done one=primary" },
	/* or until its time is over, also where we died meanwhile */
	{ WELL "!reroute:one=c/60 seen:one good:proof +59s ?one +2s seen:one good:proof ?one",
	  TOLD " route-released",
	  "route:one=c route-moved:one route-verified:one answer:done one=manual "
	  "route-released:one route:one=a route-restored:one route-verified:one one=primary" },
	{ WELL "!reroute:one=c/60 seen:one good:proof reborn adopted:a adopted:b go good:ca good:cb "
	       "good:cc seen:one=c +30s ?one +31s",
	  "route-released",
	  "route:one=c answer:done one=manual route-released:one route:one=a" },
	{ WELL "bad:cb bad:cb !reroute:one=b", TOLD, "answer:refused" },
	/* a planned restart leaves the route first */
	{ WELL "!restart:a seen:one +500ms exited:a=0 empty:a started:a", TOLD,
	  "route:one=b route-moved:one TERM:a(main) start:a" },
	{ WELL "!restart:a +4.9s +200ms", TOLD,
	  "route:one=b route:one=c route-undone:one TERM:a(main)" }, /* the front says
									nothing */
	{ WELL "bad:cb bad:cb bad:cc bad:cc !restart:a", TOLD,
	  "TERM:a(main)" }, /* nobody else is well */
	/* a front that can count says when its requests have ended: no time is waited for, */
	{ WELL "!restart:a busy:one=a good:proof +3s idle:one +0ms", TOLD " drain-late",
	  "route:one=b route-moved:one route-verified:one TERM:a(main)" },
	/* but for the limit, and that is told */
	{ WELL "!restart:a busy:one=a good:proof +4.9s good:proof busy:one=a +200ms",
	  TOLD " drain-late",
	  "route:one=b route-moved:one route-verified:one drain-late:a TERM:a(main)" },
	/* routes is lost: put off by the limit once, told, done */
	{ WELL "lost:routes !restart:a +2.9s +2.2s", "drain-late",
	  "route:one=b drain-late:a TERM:a(main)" },
	/* the front cannot be asked: what is wanted stays */
	{ WELL "unseen:one ?one seen:one=a", TOLD, "one=primary" },
	/* at our start what does not run is dead: that waits for no check */
	{ "adopted:b good:cb good:cc seen:one=a go +0ms ?one", TOLD,
	  "start:a route:one=b-a one=rerouted" },
	/* a hand at the front is respected, and is the first choice until it is restored */
	{ WELL "hand:one=c ?one +1m ?one !restore:one seen:one good:proof", HAND,
	  "route:one=c route-by-hand:one one=manual one=manual route:one=a "
	  "route-restored:one route-verified:one answer:done" },
	{ WELL "hand:one=c seen:one bad:cc bad:cc seen:one good:proof ?one", HAND,
	  "route:one=c route-by-hand:one route:one=a-c route-moved:one route-verified:one "
	  "one=manual" },
	/* over our death too */
	{ WELL "hand:one=c seen:one reborn good:ca good:cb good:cc seen:one=c +1m ?one", HAND,
	  "route:one=c route-by-hand:one one=manual" },
	/* nobody is no choice */
	{ WELL "hand:one=nobody ?one", HAND, "route-drifted:one route:one=a one=primary" },
	{ WELL "hand:one=a,b +2s hand:one=a,b +1s hand:one=a,b ?one", HAND,
	  "route-drifted:one route:one=a one=primary" },
	{ WELL "hand:one=a,b +2s hand:one=b ?one", HAND,
	  "route:one=b route-by-hand:one one=manual" },
	{ WELL "hand:one=a,b seen:one=a +1m hand:one=a,b ?one", HAND, "one=primary" },
	/* what a front forgot before anything was ordered is told again */
	{ WELL "anew:one=c ?one", HAND, "route-drifted:one route:one=a one=primary" },
	/* an order that was not yet carried out is no hand's work */
	{ WELL "killed:a=9 hand:one=a ?one", HAND, "route:one=b one=rerouted" },
	/* a backend that we found active is where we begin */
	{ "adopted:a adopted:b go good:ca good:cb seen:one=b ?one +11s", TOLD,
	  "one=rerouted route:one=a" },
};

/* What is told of a switch: in which words, by what, and to whom. */
static const char said[] =
	"[monitord]\nsmtp = h:25\nalert = ops, boss after 1h, both\n[contact ops]\nmail = a@b\n"
	"[contact boss]\nmail = a@b\n[contact both]\nmail = a@b\n"
	"[service a]\nrun = /a\n[check ca]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n"
	"[service b]\nrun = /b\n[check cb]\nof = b\ntcp = h:1\ndown = 1\nup = 1\n"
	"[check proof]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[route one]\nswitch = /s\nbackend = a check ca\nbackend = b check cb\nverify = proof within 3s\n"
	"return = after 5s\nflap = 3 in 10m\n";
#define SAID                                                                                       \
	"route-ordered+ route-moved+ route-restored+ route-verified+ route-undone+ route-stuck+ page+ " \
	"route-flaps+ route-by-hand+ route-drifted+ route-released+ incident-open+"
#define BEGUN "adopted:a adopted:b go good:ca good:cb good:proof seen:one=a +1s "

static const struct stage_row words[] = {
	{ BEGUN "bad:ca seen:one good:proof +3s good:ca +5s seen:one good:proof", SAID,
	  "route:one=b-a route-ordered:one<check-down{route one: a to b} "
	  "route-moved:one<route-ordered{traffic of route one goes to b} "
	  "route-verified:one<route-moved{route one: the switch is verified by proof} "
	  "incident-open:ca<check-down(ops,both){ca is down: it is bad} route:one=a "
	  "route-ordered:one{route one: b to a} route-restored:one<route-ordered{traffic of "
	  "route one is back with a} route-verified:one<route-restored{route one: the switch is "
	  "verified by proof}" },
	{ BEGUN "bad:ca seen:one bad:proof +3s", SAID,
	  "route:one=b-a route-ordered:one<check-down{route one: a to b} "
	  "route-moved:one<route-ordered{traffic of route one goes to b} "
	  "incident-open:ca<check-down(ops,both){ca is down: it is bad} "
	  "page:one<route-moved(ops,both){route one is stuck: proof did not pass within the "
	  "time, and there is no other backend} route-stuck:one<route-moved{route one is stuck: "
	  "proof did not pass within the time, and there is no other backend}" },
	{ BEGUN "!reroute:one=b/60 seen:one good:proof +61s", SAID,
	  "route:one=b route-ordered:one<command{route one: a to b} "
	  "route-moved:one<route-ordered{traffic of route one goes to b} "
	  "route-verified:one<route-moved{route one: the switch is verified by proof} "
	  "answer:done route-released:one{route one: the time of the choice by hand is over} "
	  "route:one=a route-ordered:one<route-released{route one: b to a}" },
	{ BEGUN "!reroute:one=b seen:one bad:proof +3s", SAID,
	  "route:one=b route-ordered:one<command{route one: a to b} "
	  "route-moved:one<route-ordered{traffic of route one goes to b} "
	  "incident-open:proof<check-down(ops,both){proof is down: it is bad} answer:failed "
	  "route:one=a route-undone:one<route-moved{route one: b to a: proof did not pass "
	  "within the time}" },
	{ BEGUN "hand:one=b hand:one=nobody", SAID,
	  "route:one=b route-by-hand:one{route one: by a hand at the front, it is carried by b, "
	  "no longer by a; left so until it is restored} route-drifted:one{route one: the front "
	  "was changed to what cannot be} route:one=b" },
	{ BEGUN "anew:one=b", SAID,
	  "route-drifted:one{route one: the front began anew: it is told again} route:one=a" },
	{ BEGUN "bad:ca seen:one good:proof good:ca +6s seen:one good:proof bad:ca seen:one good:proof "
	       "good:ca +6s ?one", SAID,
	  "route:one=b-a route-ordered:one<check-down{route one: a to b} "
	  "route-moved:one<route-ordered{traffic of route one goes to b} "
	  "route-verified:one<route-moved{route one: the switch is verified by proof} "
	  "incident-open:ca<check-down(ops,both){ca is down: it is bad} route:one=a "
	  "route-ordered:one{route one: b to a} route-restored:one<route-ordered{traffic of "
	  "route one is back with a} route-verified:one<route-restored{route one: the switch is "
	  "verified by proof} route:one=b-a route-ordered:one<check-down{route one: a to b} "
	  "route-moved:one<route-ordered{traffic of route one goes to b} "
	  "route-verified:one<route-moved{route one: the switch is verified by proof} "
	  "page:one(ops,both){route one flaps: 3 moves in 10 min; it stays with b} "
	  "route-flaps:one{route one flaps: 3 moves in 10 min; it stays with b} one=rerouted" },
	{ BEGUN "# killed:a=9 # seen:one # good:proof # bad:cb # unseen:one #", NULL,
	  "[a b ca cb proof one] route:one=b [a one ca] [one] [] [cb b] [one]" },
};

static void
in_words(void **state)
{
	(void)state;
	stage_table(said, words, COUNT(words));
}

static const char many[] =
	"[check ca]\ntcp = h:1\n[check cb]\ntcp = h:1\n[check cc]\ntcp = h:1\n"
	"[route all]\nswitch = /s\nbackend = a check ca\nbackend = b check cb\n"
	"backend = c check cc\nactive = all\nkeep = 2\nreturn = after 5s\nflap = 2 in "
	"1m\n";
#define ALL "go good:ca good:cb good:cc seen:all=a,b,c +1s "

static const struct stage_row all[] = {
	{ ALL "?all", NULL, "all=primary" },
	{ ALL "bad:ca bad:ca ?all", NULL, "route:all=b,c-a all=rerouted" },
	{ ALL "bad:ca bad:ca bad:cb bad:cb ?all", NULL,
	  "route:all=b,c-a all=rerouted" }, /* keep */
	{ ALL "bad:ca bad:ca good:ca good:ca +4s +1s", NULL,
	  "route:all=b,c-a route:all=a,b,c" },
	{ ALL "unknown:ca unknown:cb ?all", NULL, "all=primary" },
	{ ALL "!reroute:all", NULL, "answer:refused" },
	/* it flaps: out at once, back only when the minute is over, and one page */
	{ ALL "bad:ca bad:ca good:ca good:ca +5s bad:ca bad:ca good:ca good:ca +30s ?all "
	      "+40s ?all",
	  "page route-flaps",
	  "route:all=b,c-a route:all=a,b,c route:all=b,c-a page:all route-flaps:all "
	  "all=rerouted route:all=a,b,c all=primary" },
	/* a hand took one out, and put it in again */
	{ ALL "hand:all=a,b ?all +1m ?all !restore:all seen:all ?all", "route-by-hand",
	  "route:all=a,b route-by-hand:all all=manual all=manual route:all=a,b,c answer:done "
	  "all=primary" },
	{ ALL "hand:all=a,b seen:all hand:all=a,b,c ?all", "route-by-hand",
	  "route:all=a,b route-by-hand:all route:all=a,b,c route-by-hand:all all=manual" },
	{ ALL "hand:all=b,c reborn good:ca good:cb good:cc seen:all=b,c +1m ?all",
	  "route-by-hand", "route:all=b,c route-by-hand:all all=manual" },
	{ ALL "hand:all=nobody ?all", "route-by-hand route-drifted",
	  "route-drifted:all route:all=a,b,c all=primary" },
};

/* The first start of a chain: traffic is where the front had it, on who is not there yet. */
static const char starting[] =
	"[monitord]\nalert = ops\nsmtp = h:25\n[contact ops]\nmail = o@x.y\n"
	"[service a]\nrun = /a\nready = notify within 60s\nrestart = never\n[check ca]\nof = a\n"
	"tcp = h:1\nup = 1\n"
	"[service b]\nrun = /b\nready = notify within 60s\n[check cb]\nof = b\ntcp = h:1\nup = 1\n"
	"[route one]\nswitch = /s\nbackend = a check ca\nbackend = b check cb\nreturn = after 1h\n"
	"[chain all]\npath = a -> b\n";
#define FIRST "go seen:one=a +0ms started:b ready:b good:cb seen:one "
#define OPENS "incident-open route-moved route-restored"

static const struct stage_row starts[] = {
	/* the second comes first: nobody is told, and nobody waits for the hold-down */
	{ FIRST "started:a +5s ready:a good:ca seen:one ?one", OPENS,
	  "start:b start:a route:one=b-a route-moved:one route:one=a route-restored:one "
	  "one=primary" },
	/* what fails at that is told of, and waits */
	{ FIRST "started:a exited:a=1 empty:a +1m ?one !start:a started:a ready:a good:ca +1m ?one",
	  OPENS, "start:b start:a route:one=b-a route-moved:one KILL:a(tree) incident-open:a "
		 "one=rerouted start:a answer:done one=rerouted" },
	/* what dies later waits for the hold-down as ever */
	{ FIRST "started:a ready:a good:ca seen:one killed:a=9 empty:a !start:a started:a ready:a "
		"good:ca +1m ?one",
	  OPENS, "start:b start:a route:one=b-a route-moved:one route:one=a route-restored:one "
		 "route:one=b start:a answer:done incident-open:a one=rerouted" },
};

static void
a_first_start_alerts_nobody(void **state)
{
	(void)state;
	stage_table(starting, starts, COUNT(starts));
}

/* More than half of a farm at once, by its checks only. */
#define MEMBER(n) "[service s" n "]\nrun = /s\n[check c" n "]\nof = s" n "\ntcp = h:1\ndown = 1\nup = 1\n"
static const char farm[] =
	"[monitord]\nalert = ops\nsmtp = h:25\n[contact ops]\nmail = o@x.y\n" MEMBER("1")
		MEMBER("2") MEMBER("3") MEMBER("4") MEMBER("5") MEMBER("6") MEMBER("7") MEMBER("8")
	"[route farm]\nswitch = /s\nbackend = b1 check c1\nbackend = b2 check c2\n"
	"backend = b3 check c3\nbackend = b4 check c4\nactive = all\nreturn = after 1s\n";
#define FARM                                                                              \
	"adopted:s1 adopted:s2 adopted:s3 adopted:s4 adopted:s5 adopted:s6 adopted:s7 "    \
	"adopted:s8 go good:c1 good:c2 good:c3 good:c4 good:c5 good:c6 good:c7 good:c8 "   \
	"seen:farm=b1,b2,b3,b4 +1s "

static const struct stage_row panics[] = {
	{ FARM "bad:c1 bad:c2 bad:c3 ?farm", "page route-panic",
	  "route:farm=b2,b3,b4-b1 route:farm=b3,b4-b1,b2 page:farm route-panic:farm "
	  "farm=rerouted" },
	{ FARM "bad:c1 bad:c2 bad:c3 bad:c4 ?farm", "page",
	  "route:farm=b2,b3,b4-b1 route:farm=b3,b4-b1,b2 page:farm farm=rerouted" },
	/* the death of a process is no matter of belief */
	{ FARM "bad:c1 bad:c2 bad:c3 killed:s3=9", "page",
	  "route:farm=b2,b3,b4-b1 route:farm=b3,b4-b1,b2 page:farm route:farm=b4-b1,b2" },
	/* one after the other is no panic */
	{ FARM "bad:c1 +20s bad:c2 +20s bad:c3", "page",
	  "route:farm=b2,b3,b4-b1 route:farm=b3,b4-b1,b2 route:farm=b4-b1,b2,b3" },
	{ FARM "bad:c1 +8s bad:c2 +8s bad:c3", "page",
	  "route:farm=b2,b3,b4-b1 route:farm=b3,b4-b1,b2 route:farm=b4-b1,b2,b3" },
	/* it ends when they are seen well, and not because they cannot be seen */
	{ FARM "bad:c1 bad:c2 bad:c3 unknown:c1 unknown:c2 unknown:c3 bad:c4", "route-calm",
	  "route:farm=b2,b3,b4-b1 route:farm=b3,b4-b1,b2" },
	{ FARM "bad:c1 bad:c2 bad:c3 good:c3 good:c1 +2s", "route-calm",
	  "route:farm=b2,b3,b4-b1 route:farm=b3,b4-b1,b2 route-calm:farm route:farm=b1,b3,b4-b2" },
};

static void
most_of_a_farm_at_once_is_not_believed(void **state)
{
	(void)state;
	stage_table(farm, panics, COUNT(panics));
}

static void
one_carries_it(void **state)
{
	(void)state;
	stage_table(text, one, COUNT(one));
}

static void
all_carry_it(void **state)
{
	(void)state;
	stage_table(many, all, COUNT(all));
}

/* ---- more routes than one call has room for ---- */

#define MANY 1500

static struct decisions out;
static struct world *world;

static uint64_t
tell(const struct event *e, enum decision_kind kind, const char *line)
{
	uint64_t count = 0;
	decide(world, e, 2000, 2000, &out);
	for (size_t i = 0; i < out.count; i++)
		count += out.list[i].kind == kind &&
			 (line == NULL || strcmp(out.list[i].line.kind, line) == 0);
	return count;
}

/* The event, and the turns that it takes. */
static uint64_t
tell_all(struct event e, enum decision_kind kind, const char *line)
{
	uint64_t count = tell(&e, kind, line);
	e = (struct event){ .kind = EVENT_TIMER };
	for (int turn = 0; world_deadline(world) <= 2000 && turn < 100; turn++)
		count += tell(&e, kind, line);
	return count;
}

static void
all_seen(const struct rules *r, uint64_t number, uint64_t active)
{
	for (uint32_t i = 0; i < r->route_count; i++) {
		struct msg_route_seen seen = { .route = i,
					       .number = number,
					       .active = active };
		struct event e = { .kind = EVENT_ROUTE_SEEN, .id = i, .seen = &seen };
		tell(&e, DECIDE_KINDS, NULL);
	}
}

static void
one_event_moves_and_proves_them_all(void **state)
{
	size_t cap = 200000, at = 0;
	char *text_of_many = malloc(cap);
	(void)state;
	assert_non_null(text_of_many);
	at += (size_t)sprintf(text_of_many,
			      "[service a]\nrun = /a\n[check c]\nof = a\ntcp = h:1\n"
			      "[check p]\ntcp = h:1\n");
	for (unsigned i = 0; i < MANY; i++)
		at += (size_t)snprintf(
			text_of_many + at, cap - at,
			"[route r%u]\nswitch = /s\nbackend = x check c\nbackend = y\n"
			"verify = p\n",
			i);
	struct rules *r = book(text_of_many);
	world = world_new(r, 1, "host", 1000);
	tell_all((struct event){ .kind = EVENT_ADOPTED, .pid = 7 }, DECIDE_KINDS, NULL);
	tell_all((struct event){ .kind = EVENT_GO }, DECIDE_KINDS, NULL);
	all_seen(r, 0, 1);
	assert_int_equal(tell_all((struct event){ .kind = EVENT_EXITED, .code = 1 },
				  DECIDE_ROUTE, NULL),
			 MANY);
	all_seen(r, 1, 2);
	uint64_t verified = 0;
	for (int turn = 0; turn < 10;
	     turn++) { /* what did not fit waits for the next result */
		struct msg_result p = { .check = 1,
					.outcome = OUTCOME_GOOD,
					.began_ns = 2000 * INT64_C(1000000) };
		struct event e = { .kind = EVENT_RESULT, .id = 1, .result = &p };
		verified += tell_all(e, DECIDE_TELL, "route-verified");
	}
	assert_int_equal(verified, MANY);
	world_free(&world);
	rules_free(&r);
	free(text_of_many);
}

int
test_route(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_words),
		cmocka_unit_test(one_carries_it),
		cmocka_unit_test(all_carry_it),
		cmocka_unit_test(a_first_start_alerts_nobody),
		cmocka_unit_test(most_of_a_farm_at_once_is_not_believed),
		cmocka_unit_test(one_event_moves_and_proves_them_all),
	};
	return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
