/* What belongs together: who joins an incident of what else, and who is to blame. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

#define CHECK(name) "[check " name "]\ntcp = h:1\ndown = 1\nup = 1\n"
#define SERVICE(name) "[service " name "]\nrun = /s\nready = exec\n"
#define CHECK_OF(name, of) "[check " name "]\nof = " of "\ntcp = h:1\ndown = 1\nup = 1\n"
#define OPS "[monitord]\nsmtp = h:25\nalert = ops\n[contact ops]\nmail = ops@h\n"
#define OPEN "incident-open incident-close"

/* A chain may name a service by its check. */
static const char paths[] =
	OPS SERVICE("a") CHECK_OF("ca", "a") SERVICE("b") CHECK_OF("cb", "b") CHECK("w")
	CHECK("lone") CHECK("v") SERVICE("d") CHECK_OF("cd", "d") SERVICE("e") "depends = lone\n"
	"[chain one]\npath = w -> ca\npath = v -> ca\n[chain two]\npath = cb -> lone\n"
	"[chain three]\npath = d -> cd\n";
#define WELL "adopted:a adopted:b adopted:d adopted:e go good:ca good:cb good:w good:lone good:v good:cd +1s "
static const struct stage_row on_paths[] = {
	{ WELL "bad:w bad:ca +3s", OPEN, "incident-open:ca" },
	{ WELL "bad:ca bad:w +3s", OPEN, "incident-open:ca" },
	{ WELL "bad:w killed:a=9 +3s", OPEN, "KILL:a(tree) incident-open:a" },
	{ WELL "killed:a=9 +1s bad:w +3s", OPEN, "KILL:a(tree) incident-open:a" },
	{ WELL "bad:cb bad:lone +3s", OPEN, "incident-open:lone" },
	{ WELL "bad:lone +1s bad:cb +3s", OPEN, "incident-open:lone" },
	/* who is on no path with it has nothing to do with it */
	{ WELL "bad:w killed:b=9 +3s", OPEN, "KILL:b(tree) incident-open:w incident-open:b" },
	/* two that need the same, seen before that */
	{ WELL "bad:w bad:v bad:ca +3s", OPEN, "incident-open:ca incident-close:v" },
	/* a service that died is the root, though the chain has its check behind it */
	{ WELL "killed:d=9 empty:d started:d bad:cd +3s", OPEN, "KILL:d(tree) start:d incident-open:d" },
	/* what a service depends on need not be in the chain */
	{ WELL "killed:e=9 +1s bad:lone +3s", OPEN, "KILL:e(tree) incident-open:lone" },
};

/* The instances of a family do not need one another. */
static const char farm[] = OPS SERVICE("w") "[service t]\ninstances = 1..3\nrun = /s\nready = exec\n" SERVICE(
	"d") "[chain farm]\npath = w -> t -> d\n";
#define FARM "adopted:w adopted:t-1 adopted:t-2 adopted:t-3 adopted:d go +1s "
static const struct stage_row on_a_farm[] = {
	{ FARM "killed:t-1=9 +1s killed:t-3=9 +3s", OPEN,
	  "KILL:t-1(tree) KILL:t-3(tree) incident-open:t-1 incident-open:t-3" },
	{ FARM "killed:w=9 +1s killed:t-3=9 +3s", OPEN, "KILL:w(tree) KILL:t-3(tree) incident-open:t-3" },
	{ FARM "killed:t-1=9 killed:t-2=9 killed:d=9 +3s", OPEN,
	  "KILL:t-1(tree) KILL:t-2(tree) KILL:d(tree) incident-open:d incident-close:t-2" },
	/* and are started together, when what they need is there */
	{ "go !start:w !start:t-1 !start:t-2 !start:t-3 !start:d started:d", "", "start:d answer:done start:t-1 start:t-2 start:t-3" },
};

/* What a rule does, or would do next, belongs to the rule's incident. */
static const char ruled[] =
	OPS SERVICE("b") SERVICE("a") CHECK("lone") CHECK("other") CHECK("third")
	"[rule frees]\nwhen = third.down\ndo = release b\n"
	"[rule first]\nwhen = other.down\ndo = log, restart b\ncooldown = 1h\n"
	"[rule second]\nwhen = lone.down\ndo = log\ncooldown = 10s\nescalate = 2 in 1m -> restart a\n";
#define RULED "adopted:a adopted:b go good:lone good:other good:third +1s "
static const struct stage_row by_rules[] = {
	{ RULED "bad:lone +10s exited:a=0 empty:a started:a +3s", OPEN,
	  "incident-open:lone TERM:a(main) start:a" },
	{ RULED "bad:other exited:b=0 empty:b started:b +3s", OPEN,
	  "TERM:b(main) start:b incident-open:other" },
	{ RULED "bad:third killed:b=9 +3s", OPEN, "KILL:b(tree) incident-open:third" },
	{ RULED "bad:other exited:b=0 empty:b started:b +1s killed:a=9 +3s", OPEN,
	  "TERM:b(main) start:b KILL:a(tree) incident-open:other incident-open:a" },
};

/* Who is seen to be ill before what it depends on, which may be a check, and that one of a service. */
static const char depending[] =
	OPS SERVICE("db") CHECK_OF("db-tcp", "db") CHECK_OF("db-disk", "db") SERVICE("app")
	"depends = db-tcp\n" SERVICE("web") "depends = lone, db\n" CHECK("lone") CHECK("other")
	SERVICE("far") "depends = app, db, other, lone\n" CHECK_OF("app-http", "app")
	CHECK_OF("web-http", "web");
#define DEPENDING "adopted:db adopted:app adopted:web adopted:far go good:app-http good:web-http good:db-tcp good:db-disk good:lone good:other +1s "
static const struct stage_row by_need[] = {
	{ DEPENDING "killed:app=9 +1s bad:db-tcp +3s", OPEN, "KILL:app(tree) incident-open:db-tcp" },
	{ DEPENDING "killed:app=9 +1s killed:db=9 +3s", OPEN,
	  "KILL:app(tree) KILL:db(tree) incident-open:db" },
	{ DEPENDING "killed:app=9 +1s bad:db-disk +3s", OPEN,
	  "KILL:app(tree) incident-open:app incident-open:db-disk" },
	{ DEPENDING "killed:web=9 +1s bad:db-disk +3s", OPEN, "KILL:web(tree) incident-open:db-disk" },
	{ DEPENDING "killed:web=9 +1s bad:lone +3s", OPEN, "KILL:web(tree) incident-open:lone" },
	{ DEPENDING "killed:web=9 +1s bad:other +3s", OPEN,
	  "KILL:web(tree) incident-open:web incident-open:other" },
	{ DEPENDING "killed:far=9 +1s bad:lone +3s", OPEN, "KILL:far(tree) incident-open:lone" },
	{ DEPENDING "killed:far=9 +1s killed:db=9 +3s", OPEN,
	  "KILL:far(tree) KILL:db(tree) incident-open:db" },
	/* by its check as well, and by several */
	{ DEPENDING "bad:app-http bad:web-http killed:db=9 +3s", OPEN,
	  "KILL:db(tree) incident-open:db incident-close:web-http" },
	/* or after it; of several that are ill, by that which it needs */
	{ DEPENDING "bad:other bad:db-tcp killed:app=9 +3s", "incident-open service-exited@",
	  "service-exited:app@db-tcp KILL:app(tree) incident-open:other incident-open:db-tcp" },
	/* its checks, each of them, are ill with it */
	{ DEPENDING "bad:db-disk +1s bad:db-tcp +3s", OPEN, "incident-open:db-disk" },
	{ DEPENDING "killed:db=9 +1s empty:db started:db bad:db-disk +3s", OPEN,
	  "KILL:db(tree) start:db incident-open:db" },
};

/* Routes: with their backends, and with what proves them. */
#define BACKENDS "backend = a check ca\nbackend = b check cb\nbackend = c check cc\n"
static const char routed[] =
	OPS SERVICE("a") CHECK_OF("ca", "a") SERVICE("b") CHECK_OF("cb", "b") CHECK("cc") CHECK("proof")
	"[route spare]\nswitch = /u\nbackend = b check cb\nbackend = c check cc\nverify = proof within 3s\n"
	"[route one]\nswitch = /s\n" BACKENDS "[route all]\nswitch = /t\nactive = all\n"
	BACKENDS "verify = proof within 3s\n";
#define ROUTED "adopted:a adopted:b go good:ca good:cb good:cc good:proof seen:spare=b good:proof seen:one=a seen:all=a,b,c good:proof +1s "
static const struct stage_row by_routes[] = {
	/* whichever backend is ill, the route is a part of that */
	{ ROUTED "killed:b=9 +3s", "incident-open route-ordered@",
	  "route:spare=c route-ordered:spare@b route:all=a,c route-ordered:all@b KILL:b(tree) "
	  "incident-open:b" },
	{ ROUTED "bad:cc +3s", "incident-open route-ordered@",
	  "route:all=a,b-c route-ordered:all@cc incident-open:cc" },
	/* what fails its proof as well */
	{ ROUTED "bad:ca +1s bad:proof +3s", "incident-open",
	  "route:one=b-a route:all=b,c-a incident-open:ca" },
	/* who falls after somebody stopped another backend is a part of that; but of no other illness */
	{ ROUTED "!stop:a +1s bad:cb +3s", "incident-open",
	  "route:one=b-a route:all=b,c-a TERM:a(main) route:spare=c-b route:one=c-a,b "
	  "route:all=c-a,b incident-open:one incident-open:all" },
	{ ROUTED "bad:ca +1s bad:cb +3s", "incident-open",
	  "route:one=b-a route:all=b,c-a route:spare=c-b route:one=c-a,b incident-open:ca "
	  "route:all=c incident-open:cb" },
};

static void
joins(void **state)
{
	(void)state;
	stage_table(paths, on_paths, COUNT(on_paths));
	stage_table(farm, on_a_farm, COUNT(on_a_farm));
	stage_table(ruled, by_rules, COUNT(by_rules));
	stage_table(depending, by_need, COUNT(by_need));
	stage_table(routed, by_routes, COUNT(by_routes));
}

int
test_relate(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(joins) };
	return cmocka_run_group_tests_name("relate", tests, NULL, NULL);
}
