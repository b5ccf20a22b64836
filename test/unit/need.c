/* Who depends on whom: the order of stops, and who is told of a failure. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

static const char text[] =
	"[service db]\nrun = /db\n[check db-tcp]\nof = db\ntcp = h:1\ndown = 1\nup = 1\n"
	"[service app]\nrun = /app\ndepends = db\nstop = TERM 5s, KILL 5s\n"
	"[check app-http]\nof = app\ntcp = h:2\ndown = 1\nup = 1\n"
	"[service web]\nrun = /web\ndepends = app, net\n"
	"[check net]\ntcp = h:3\ndown = 1\n"
	"[service cache]\nrun = /cache\n"
	"[service seen]\nmatch = x\ndepends = db\n"
	"[chain c]\npath = cache -> db\n";
#define UP                                                                               \
	"adopted:db adopted:app adopted:web adopted:cache go good:db-tcp good:app-http " \
	"good:net "
#define TOLD "service-affected incident-open incident-close service-stopped"

static const struct stage_row stops[] = {
	/* who is needed goes last */
	{ UP "stop-all exited:web=0 empty:web exited:cache=0 empty:cache exited:app=0 "
	     "empty:app "
	     "exited:db=0 empty:db ?db",
	  TOLD,
	  "TERM:web(main) TERM:cache(main) service-stopped:web TERM:app(main) "
	  "service-stopped:cache service-stopped:app TERM:db(main) service-stopped:db "
	  "db=stopped" },
	/* by a chain too */
	{ UP "stop-all exited:web=0 empty:web exited:app=0 empty:app ?db exited:cache=0 "
	     "empty:cache ?db",
	  NULL,
	  "TERM:web(main) TERM:cache(main) TERM:app(main) db=up TERM:db(main) "
	  "db=stopping" },
	/* one that cannot be killed does not hold the rest for ever */
	{ UP
	  "stop-all exited:cache=0 empty:cache exited:web=0 empty:web +10s ?db +11s ?db",
	  NULL,
	  "TERM:web(main) TERM:cache(main) TERM:app(main) KILL:app(tree) KILL:app(tree) "
	  "db=up "
	  "KILL:app(tree) TERM:db(main) db=stopping" },
	/* what is watched only holds nobody up, what is dead already neither */
	{ "adopted:db found:seen go stop-all failed:app failed:cache", NULL,
	  "start:app start:cache TERM:app(rest) TERM:cache(rest) TERM:db(main)" },
	{ UP "killed:web=9 stop-all empty:web", NULL,
	  "KILL:web(tree) TERM:web(rest) TERM:cache(main) TERM:app(main)" },
	/* what waits to start does not */
	{ "adopted:app go stop-all exited:app=0 empty:app ?web ?db", NULL,
	  "start:db TERM:app(main) TERM:db(rest) web=stopped db=stopping" },
};

static const struct stage_row affected[] = {
	/* told once in an incident, with those that need them, and left alone */
	{ UP "killed:db=9 +3s ?app ?web", TOLD,
	  "KILL:db(tree) service-affected:app service-affected:web incident-open:db "
	  "app=up "
	  "web=up" },
	{ UP "killed:db=9 empty:db started:db good:db-tcp killed:db=9", TOLD,
	  "KILL:db(tree) service-affected:app service-affected:web start:db "
	  "KILL:db(tree)" },
	{ UP "bad:db-tcp", TOLD, "service-affected:app service-affected:web" },
	{ UP "bad:net", TOLD, "service-affected:web" },
	/* their own trouble is part of it */
	{ UP "bad:db-tcp bad:app-http +3s good:db-tcp good:app-http +6s", TOLD,
	  "service-affected:app service-affected:web incident-open:db-tcp "
	  "incident-close:db-tcp" },
	/* another time is another incident */
	{ UP "bad:db-tcp +3s good:db-tcp +6s bad:db-tcp", TOLD,
	  "service-affected:app service-affected:web incident-open:db-tcp "
	  "incident-close:db-tcp service-affected:app service-affected:web" },
	/* not what does not run, and nobody when it was asked for */
	{ UP "!stop:web exited:web=0 empty:web killed:db=9", TOLD,
	  "TERM:web(main) service-stopped:web answer:done KILL:db(tree) "
	  "service-affected:app" },
	{ UP "!stop:db exited:db=0 empty:db", TOLD,
	  "TERM:db(main) service-stopped:db answer:done" },
};

/* Several are needed: each counts, whichever comes first, and whatever needs it. */
static const char several[] =
	"[service x]\nrun = /x\n[service y]\nrun = /y\n[service z]\nrun = /z\n"
	"[check n1]\ntcp = h:1\ndown = 1\n[check n2]\ntcp = h:2\ndown = 1\n"
	"[check yc]\nof = y\ntcp = h:3\n"
	"[service two]\nrun = /t\ndepends = x, y\n[service top]\nrun = /p\ndepends = z, two\n"
	"[service net]\nrun = /n\ndepends = n1, n2\n[service late]\nrun = /l\n"
	"[service checked]\nrun = /c\ndepends = n1, yc\n[chain c]\npath = late -> x\npath = late -> y\n";
#define ALL "adopted:x adopted:y adopted:z adopted:two adopted:top adopted:net adopted:late "            \
	"adopted:checked go good:n1 good:n2 good:yc "
#define GONE(s) "exited:" s "=0 empty:" s " "
#define STOPS "TERM:top(main) TERM:net(main) TERM:late(main) TERM:checked(main) "

static const struct stage_row of_several[] = {
	{ ALL "killed:y=9", "service-affected+",
	  "KILL:y(tree) service-affected:two<service-exited{two needs y, which is not well: it is left "
	  "alone} service-affected:top<service-exited{top needs y, which is not well: it is left alone}" },
	{ ALL "bad:n2", "service-affected+",
	  "service-affected:net<check-down{net needs n2, which is not well: it is left alone}" },
	{ ALL "bad:n2 killed:x=9", "service-affected@",
	  "service-affected:net@n2 KILL:x(tree) service-affected:two@x service-affected:top@x" },
	/* each is stopped with monitord, none because another is */
	{ "adopted:net adopted:z go good:n1 good:n2 stop-all", "service-stopping+",
	  "start:x start:y service-stopping:x{x is being stopped with monitord} TERM:x(rest) "
	  "service-stopping:y{y is being stopped with monitord} TERM:y(rest) "
	  "service-stopping:z{z is being stopped with monitord} TERM:z(main) "
	  "service-stopping:net{net is being stopped with monitord} TERM:net(main)" },
	{ ALL "stop-all " GONE("net") GONE("checked") GONE("late") GONE("top"), NULL,
	  STOPS "TERM:z(main) TERM:two(main)" },
	{ ALL "stop-all " GONE("net") GONE("checked") GONE("late") GONE("top") GONE("two"), NULL,
	  STOPS "TERM:z(main) TERM:two(main) TERM:x(main) TERM:y(main)" },
	{ ALL "stop-all " GONE("net") GONE("checked") GONE("top") GONE("two") "?x ?y " GONE("late"), NULL,
	  STOPS "TERM:z(main) TERM:two(main) x=up y=up TERM:x(main) TERM:y(main)" },
	{ ALL "stop-all " GONE("net") GONE("late") GONE("top") GONE("two") "?y " GONE("checked"), NULL,
	  STOPS "TERM:z(main) TERM:two(main) TERM:x(main) y=up TERM:y(main)" },
};

static void
stops_in_reverse_order(void **state)
{
	(void)state;
	stage_table(text, stops, COUNT(stops));
}

static void
tells_who_is_affected(void **state)
{
	(void)state;
	stage_table(text, affected, COUNT(affected));
	stage_table(several, of_several, COUNT(of_several));
}

int
test_need(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(stops_in_reverse_order),
		cmocka_unit_test(tells_who_is_affected),
	};
	return cmocka_run_group_tests_name("need", tests, NULL, NULL);
}
