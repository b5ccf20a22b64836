/* When evidence is gathered before a process ends, and what waits for it. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

static const char text[] =
	"[service a]\nrun = /a\nlog = /l\nstop = TERM 10s, KILL 5s\nready = check c within 5s\n"
	"evidence = log 50 lines, sockets, signal QUIT within 2s, threads\n"
	"[service p]\nrun = /p\nlog = /m\nready = exec\n"
	"[service v]\nmatch = v\nevidence = sockets\n"
	"[rule w]\nwhen = v.fds > 10\ndo = kill v\n"
	"[rule x]\nwhen = v.memory > 1G\ndo = kill v\n"
	"[check c]\nof = a\ntcp = h:1\ndown = 1\nup = 1\n"
	"[rule r]\nwhen = a.memory > 1G\ndo = restart a\n"
	"[rule s]\nwhen = a.memory > 2G\ndo = stop a\n"
	"[rule k]\nwhen = a.fds > 10\ndo = kill a\n"
	"[rule q]\nwhen = p.fds > 10\ndo = restart p\n";
#define A "!stop:p go started:a good:c "
#define P "!stop:a go started:p "
#define BEGUN "answer:done start:a "
#define EXITED "exited:a=0 empty:a "

static const struct stage_row rows[] = {
	/* nothing is wrong: an operator waits for nothing */
	{ A "!restart:a", NULL, BEGUN "TERM:a(main)" },
	{ A "!stop:a " EXITED, NULL, BEGUN "TERM:a(main) answer:done" },
	/* a rule's restart: first the evidence, then the ladder */
	{ A "sample:a.memory=1.5e9 +1s evidence:a=x evidence:a=y evidence:a", "service-evidence",
	  BEGUN "evidence:a service-evidence:a service-evidence:a TERM:a(main)" },
	{ A "sample:a.memory=1.5e9 evidence:a " EXITED "started:a good:c ?a", NULL,
	  BEGUN "evidence:a TERM:a(main) start:a a=up" },
	{ A "sample:a.memory=3e9 evidence:a " EXITED "?a", NULL,
	  BEGUN "evidence:a TERM:a(main) a=stopped" },
	/* it does not come: 2 s for the answer and 3 for the rest, no more */
	{ A "sample:a.memory=1.5e9 +4999ms ?a", NULL, BEGUN "evidence:a a=stopping" },
	{ A "sample:a.memory=1.5e9 +5s evidence:a ?a", NULL,
	  BEGUN "evidence:a TERM:a(main) a=stopping" },
	/* it dies meanwhile */
	{ A "sample:a.memory=1.5e9 " EXITED "evidence:a=late evidence:a ?a", "service-evidence",
	  BEGUN "evidence:a start:a service-evidence:a a=starting" },
	/* an order comes meanwhile */
	{ A "sample:a.memory=1.5e9 !stop:a evidence:a " EXITED "?a", NULL,
	  BEGUN "evidence:a TERM:a(main) answer:done a=stopped" },
	/* a sick one is looked at whoever restarts it; once */
	{ A "bad:c !restart:a evidence:a +10s " EXITED, NULL,
	  BEGUN "evidence:a TERM:a(main) KILL:a(tree) start:a" },
	/* a start that is not ready in time */
	{ "!stop:p go started:a bad:c +5s evidence:a", NULL, BEGUN "evidence:a TERM:a(main)" },
	/* who does not obey is looked at before the KILL */
	{ A "!stop:a +10s evidence:a=x evidence:a +5s", NULL,
	  BEGUN "TERM:a(main) evidence:a KILL:a(tree) KILL:a(tree)" },
	/* but not what outlives it, nor when all are stopped */
	{ A "!stop:a exited:a=0 +100ms +10s", NULL,
	  BEGUN "TERM:a(main) TERM:a(rest) KILL:a(tree)" },
	{ A "stop-all +10s", NULL, BEGUN "TERM:a(main) KILL:a(tree)" },
	/* a rule's kill waits too */
	{ A "sample:a.fds=20 evidence:a=x evidence:a", NULL, BEGUN "evidence:a KILL:a(tree)" },
	{ A "sample:a.fds=20 +5s ?a", NULL, BEGUN "evidence:a KILL:a(tree) a=up" },
	{ A "sample:a.fds=20 killed:a=9 empty:a evidence:a", NULL,
	  BEGUN "evidence:a KILL:a(tree) start:a" },
	{ A "sample:a.fds=20 sample:a.memory=1.5e9 ?a evidence:a", NULL,
	  BEGUN "evidence:a a=stopping TERM:a(main)" }, /* and so does what comes meanwhile */
	{ A "sample:a.fds=20 !hold:a evidence:a ?a", NULL, "answer:done start:a evidence:a answer:done a=held" },
	/* another process of that name is another matter */
	{ P "found:v sample:v.fds=20 found:v +1s sample:v.memory=2e9 +5s", NULL,
	  "answer:done start:p evidence:v evidence:v KILL:v(tree)" },
	/* an answer to an earlier question ends no later one */
	{ A "sample:a.memory=1.5e9 +6s " EXITED "started:a good:c +6m sample:a.memory=1.5e9 ?a", NULL,
	  BEGUN "evidence:a TERM:a(main) start:a evidence:a a=stopping" },
	/* it belongs to what it was gathered for, where the service has no incident of its own */
	{ A "sample:a.fds=20 evidence:a=x", "service-evidence@",
	  BEGUN "evidence:a service-evidence:a@k" },
	{ A "bad:c sample:a.fds=20 evidence:a=x", "service-evidence@",
	  BEGUN "evidence:a service-evidence:a@c" },
	{ A "!restart:a +10s evidence:a=x", "service-evidence@",
	  BEGUN "TERM:a(main) evidence:a service-evidence:a@none" },
	/* over a reload */
	{ A "sample:a.memory=1.5e9 reload evidence:a", NULL, BEGUN "evidence:a TERM:a(main)" },
	{ A "sample:a.memory=1.5e9 reload +6s", NULL, BEGUN "evidence:a TERM:a(main)" },
	/* of a crash only what it wrote is left; without the key as well */
	{ A "killed:a=11", "evidence", BEGUN "KILL:a(tree) evidence:a" },
	{ P "killed:p=11", "evidence", "answer:done start:p KILL:p(tree) evidence:p" },
	{ P "sample:p.fds=20", NULL, "answer:done start:p TERM:p(main)" },
};

/* Nobody wrote anything, and nobody asked for more. */
static const char plain[] = "[service a]\nrun = /a\nready = exec\n";
static const struct stage_row of_nothing[] = {
	{ "adopted:a go killed:a=11", "evidence", "KILL:a(tree)" },
};

/* Then its stop goes on as it is told to. */
static const char commanded[] =
	"[service u]\nmatch = u\nstart = /s\nstop = /stop\nevidence = sockets\n"
	"[rule y]\nwhen = u.fds > 10\ndo = restart u\n";
static const struct stage_row by_command[] = {
	{ "found:u go sample:u.fds=20 evidence:u", NULL, "evidence:u stop-command:u" },
};

static void
gathers(void **state)
{
	(void)state;
	stage_table(text, rows, COUNT(rows));
	stage_table(plain, of_nothing, COUNT(of_nothing));
	stage_table(commanded, by_command, COUNT(by_command));
}

int
test_evidence(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(gathers) };
	return cmocka_run_group_tests_name("evidence", tests, NULL, NULL);
}
