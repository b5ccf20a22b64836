/* Reloads: what is carried over, what begins anew, what is gone. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

#define A "[service a]\nrun = /a\n[check ca]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n"
#define B "[service b]\nrun = /b\n[check cb]\nof = b\ntcp = h:1\ndown = 1\nup = 1\n"
#define N "[service n]\nrun = /n\nrestart = never\n"
#define D "[service d]\nrun = /d\ndepends = a\n"
#define R "[rule r]\nwhen = cb.down\ndo = run /x, log\ncooldown = 10s\n"
#define STOP "[rule s]\nwhen = cb.down\ndo = stop a\n"

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
};

static void
carries_over(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		stage_reload(rows[i].from, rows[i].to, &rows[i].row);
}

int
test_move(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(carries_over) };
	return cmocka_run_group_tests_name("move", tests, NULL, NULL);
}
