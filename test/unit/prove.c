/* What the checker proves of rules: what can never be, what is for nobody. */
#include "test/unit/book.h"
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

#define NEVER "r.ini:8: when: this can never be true\n"
#define ALWAYS "r.ini:8: warning: when: this is always true\n"

static const struct {
	const char *when, *mistakes;
} possible[] = {
	{ "a.memory > 1M", "" },
	{ "a.memory < 0B", NEVER },
	{ "a.memory >= 0B", ALWAYS },
	{ "a.memory > 2M and a.memory < 1M", NEVER },
	{ "a.memory > 1M and a.memory < 2M", "" },
	{ "a.memory > 1M and a.memory < 1M", NEVER },
	{ "a.memory >= 1M and a.memory <= 1M", "" },
	{ "a.memory > 2M or a.memory < 1M", "" },
	{ "a.memory > 1M or a.memory < 2M", ALWAYS },
	{ "a.memory > 2M and not a.memory > 1M", NEVER },
	{ "a.memory > 2M for 1m and a.memory < 1M", NEVER },
	{ "a.memory > 2M and not a.memory > 1M for 1m",
	  NEVER }, /* not binds more than for */
	{ "a.memory > 2M for 1m and not (a.memory > 2M for 2m)", "" },
	{ "a.memory > 2M 3 of 5 and a.memory < 1M", "" }, /* of other samples */
	{ "not (a.memory >= 0B for 1m)", "" },            /* while it does not yet last */
	{ "a.memory > 2M and b.memory < 1M", "" },        /* of two services */
	{ "a.memory > 2M and max(a.memory, 1m) < 1M", "" }, /* not looked into */
	{ "growth(a.memory, 1m) < 0B", "" },
	{ "a.threads > 5 and a.threads < 6", NEVER }, /* they are counted */
	{ "a.cpu > 350%", "" },                       /* of four cores */
	{ "d.used > 101%", NEVER },
	{ "d.used > 90% and d.free > 20%", "" }, /* two metrics */
	{ "c.up and c.down", NEVER },
	{ "c.up and c.state = down", NEVER },
	{ "c.up and c.state = degraded", "" },
	{ "c.up or c.down", "" }, /* it may be unknown */
	{ "not c.up and not c.down and c.state != unknown", NEVER },
	{ "a.up and a.state = failing", NEVER },
	{ "a.state ~ u and a.state = backoff", NEVER }, /* up and ... failure? none */
	{ "a.exit-code > 255", NEVER },
	{ "r.rerouted and r.state = primary", NEVER },
	{ "r.rerouted or r.state = primary", ALWAYS },
	{ "w.up and w.down", NEVER },
	{ "w.up or w.down", "" }, /* it may be unknown */
	{ "w.rerouted and w.down", NEVER },
	{ "w.up and w.state = secondary", "" },
	{ "w.rerouted and not w.state = secondary", NEVER },
	{ "w.up and not w.state = secondary and not w.state = primary", NEVER },
	{ "c.status = 200 and c.status = 404", NEVER },
	{ "c.status != 200 or c.status != 404", ALWAYS },
	{ "a.memory > 1M and b.memory > 1M and a.cpu > 1% and b.cpu > 1% and a.fds > 1 "
	  "and b.fds > 1 and "
	  "a.threads > 1 and b.threads > 1 and a.swap > 1M",
	  "" }, /* too much to try */
};

static void
what_can_never_be(void **state)
{
	size_t wrong = 0;
	(void)state;
	for (size_t i = 0; i < COUNT(possible); i++) {
		char text[1000];
		snprintf(
			text, sizeof text,
			"[service a]\nrun = /a\n[service b]\nrun = /b\n[check c]\nhttp = "
			"http://h/\n[rule x]\n"
			"when = %s\ndo = log\n[check d]\nfilesystem = /\n[route "
			"r]\nswitch = /s\n"
			"backend = c check c\n[chain w]\npath = a -> b\n",
			possible[i].when);
		const char *got = book_mistakes(text, strlen(text));
		if (strcmp(got, possible[i].mistakes) == 0)
			continue;
		print_error("%s\nexpected: %sgot: %s\n", possible[i].when,
			    possible[i].mistakes, got);
		wrong++;
	}
	if (wrong > 0)
		fail_msg("%zu differ", wrong);
}

#define ALWAYS_4 "r.ini:4: warning: when: this is always true\n"
#define ALL(where)                                                                                 \
	"r.ini:" where ": to monitorctl 'all' is all services: it cannot name this one\n"
#define AB "[service a]\nrun = /a\n[service b]\nrun = /b\n"
static const struct book_row rows[] = {
	/* clear and when */
	{ AB "[rule x]\nwhen = a.memory > 2M\nclear = a.memory < 1M\ndo = log\n", "" },
	{ AB "[rule x]\nwhen = a.memory > 1M\nclear = a.memory < 2M\ndo = log\n",
	  "r.ini:7: warning: clear: this and 'when' can be true at the same time: it "
	  "would fire and be over "
	  "in turn\n" },
	{ AB "[rule x]\nwhen = a.memory > 1M for 5m\nclear = a.memory < 2M\ndo = log\n",
	  "r.ini:7: warning: clear: this and 'when' can be true at the same time: it "
	  "would fire and be over "
	  "in turn\n" },
	{ AB "[rule x]\nwhen = a.memory > 1M\nclear = a.memory < 0B\ndo = log\n",
	  "r.ini:7: clear: this can never be true: the rule would never be over\n" },
	{ AB "[rule x]\nwhen = a.memory > 1M\nclear = a.memory >= 0B\ndo = log\n",
	  "r.ini:7: warning: clear: this is always true: the rule is over at once\n" },
	/* an alert that never comes */
	{ AB "[rule x]\nwhen = a.memory > 1M for 30s\ndo = restart a\n"
	     "[rule y]\nwhen = a.memory > 2M for 1m\ndo = log\n",
	  "r.ini:9: warning: when: this never comes: rule x ends the process before "
	  "(a.memory > 1M for 30s)\n" },
	{ AB "[rule x]\nwhen = a.memory > 1M for 30s\ndo = restart a\n"
	     "[rule y]\nwhen = a.memory > 2M\ndo = log\n",
	  "" },
	{ AB "[rule x]\nwhen = a.memory > 1M for 30s\ndo = restart a\n"
	     "[rule y]\nwhen = a.memory > 512K for 1m\ndo = log\n",
	  "" },
	{ AB "[rule x]\nwhen = a.memory > 1M for 30s\ndo = restart a\n"
	     "[rule y]\nwhen = b.memory > 2M for 1m\ndo = log\n",
	  "" },
	{ AB "[rule x]\nwhen = a.memory > 1M for 30s\ndo = restart a\nmode = dry-run\n"
	     "[rule y]\nwhen = a.memory > 2M for 1m\ndo = log\n",
	  "" },
	{ AB "[rule x]\nwhen = a.memory > 1M for 30s\ndo = restart b\n"
	     "[rule y]\nwhen = a.memory > 2M for 1m\ndo = log\n",
	  "" },
	/* escalate that is too rare */
	{ AB
	  "[rule x]\nwhen = a.memory > 1M\ndo = log\nescalate = 3 in 10m -> restart a\n",
	  "r.ini:5: warning: [rule x]: escalate: while it holds it fires each 5 min: "
	  "3 times in 10 min "
	  "come only if it is over in between\n" },
	{ AB "[rule x]\nwhen = a.memory > 1M\ndo = log\ncooldown = 1m\nescalate = 3 in "
	     "10m -> restart a\n",
	  "" },
	/* what serves nobody */
	{ CONTACT, "r.ini:3: warning: [contact ops]: nobody alerts it\n" },
	{ CONTACT "[service a]\nrun = /a\nalert = ops\n", "" },
	{ CONTACT "[service a]\nrun = /a\n[rule x]\nwhen = a.up\ndo = page ops\n", "" },
	{ "[route r]\nswitch = /s\nbackend = a\n",
	  "r.ini:1: warning: [route r]: backend 'a' has no check: it is always taken for "
	  "healthy\n" },
	/* whom anybody can pass for */
	{ "[service a]\ninstances = 1..2\nmatch = \"^/a %i\"\n",
	  "r.ini:1: warning: [service a]: match without user: a process that anybody begins may be "
	  "taken for it\n" },
	{ "[service a]\nmatch = a\nuser = root\n", "" },
	/* what cannot be done, or known */
	{ AB "[rule x]\nwhen = a.memory > 1M\ndo = drain a\n",
	  "r.ini:7: drain: 'a' is a backend of no route\n" },
	{ "[service a]\nmatch = a\nuser = root\n[rule x]\nwhen = a.exit-code = 1\ndo = log\n",
	  "r.ini:5: when: 'a.exit-code' is never known: the service is watched, not "
	  "run\n" },
	{ "[check c]\ntcp = h:1\nexpect = backlog < 5\n",
	  "r.ini:1: expect: 'c.backlog': a check of kind tcp has no such metric (listen "
	  "has)\n" },
	{ "[check c]\ntcp = h:1\nevery = 1s\ntimeout = 3s\n",
	  "r.ini:1: warning: [check c]: its timeout (3.0 s) is longer than every (1.0 "
	  "s): who hangs is "
	  "measured once in a timeout only\n" },
	{ "[check c]\ntcp = h:1\nevery = 1s\n",
	  "" }, /* the default is nobody's mistake */
	/* what is written as in another language, or half */
	{ AB "[rule x]\nwhen = a.memory > 1M && a.cpu > 1%\ndo = log\n",
	  "r.ini:6: when: '&&' is written 'and' here\n" },
	{ AB "[rule x]\nwhen = a.memory > 1M || a.cpu > 1%\ndo = log\n",
	  "r.ini:6: when: '||' is written 'or' here\n" },
	{ AB "[rule x]\nwhen = a.state == up\ndo = log\n", "r.ini:6: when: '==' is written '=' here\n" },
	{ AB "[rule x]\nwhen = average(a.memory, 5m) > 1M\ndo = log\n",
	  "r.ini:6: when: no function 'average'; there are avg, max, min, p95, p99, rate, growth, changed and "
	  "forecast\n" },
	{ AB "[rule x]\nwhen = a.up\ndo = log\n[rule y]\nwhen = x.firing\ndo = log\n",
	  "r.ini:9: when: 'x' is a rule, and rules have no metrics\n" },
	{ AB "[rule x]\nwhen = a.memory > 1M\nor a.cpu > 1%\ndo = log\n",
	  "r.ini:7: expected KEY = VALUE or [KIND NAME]: a line that goes on with the one above begins with a "
	  "blank\n" },
	{ AB "[rule x]\nwhen = a.up\ndo = alert\n", "r.ini:7: do: 'alert' whom? A contact is missing\n" },
	{ AB "[rule x]\nwhen = a.up\ndo = signal(USR3) a\n",
	  "r.ini:7: do: 'USR3' is no signal: expected signal(NAME), as signal(HUP)\n" },
	{ AB "[rule x]\nwhen = a.up\ndo = run /bin/echo a | /bin/mail root\n",
	  "r.ini:7: warning: do: '|' is an argument as it stands: a command runs without a shell\n" },
	{ AB "[rule x]\nwhen = a.up\ndo = run /bin/sh -c \"echo a | mail root\"\n", "" },
	{ AB "[chain c]\npath = a ->\n", "r.ini:6: path: a member is missing behind '->'\n" },
	{ "[service a]\ninstances = 1..32\nrun = /a\n[service b]\ninstances = 1..33\nrun = /b\n"
	  "[chain c]\npath = a -> b\n",
	  "r.ini:8: path: more than 1024 ways through instances, at 'b'\n" },
	{ "[service a]\ninstances = 1..2\nrun = /a\n[chain c]\npath = a -> a-2\n",
	  "r.ini:5: path: 'a-2' stands twice\n" },
	{ AB "[chain c]\npath = a -> b -> a\n", "r.ini:1: depends or chains go round: a -> b -> a\nr.ini:6: path: 'a' stands twice\n" },
	{ "[check c]\ntcp = h:1\n[route r]\nswitch = /s\nbackend = apache check c\nbackend = tomcat check c\n"
	  "[rule x]\nwhen = c.down\ndo = reroute r to tomact\n",
	  "r.ini:9: do: no backend 'tomact' in route r (did you mean 'tomcat'?)\n" },
	/* what proves nothing, or is never reached */
	{ "[check c]\ntcp = h:1\n[route r]\nswitch = /s\nbackend = a check c\nverify = c\n",
	  "r.ini:3: warning: [route r]: verify: check 'c' looks at backend 'a' itself: it proves nothing of "
	  "the front\n" },
	{ "[check c]\nfilesystem = /\n[rule x]\nwhen = c.status = 200\ndo = log\n",
	  "r.ini:4: when: 'c.status': a check of kind filesystem has no such metric (http, https, ajp, fastcgi, "
	  "apache-status, tomcat has)\n" },
	{ "[check c]\ntcp = h:1\n[rule x]\nwhen = c.latency > 2001ms\ndo = log\n",
	  "r.ini:4: warning: when: 'c.latency' never goes beyond its timeout (2.0 s)\n" },
	{ "[check c]\ntcp = h:1\n[rule x]\nwhen = p95(c.latency, 5m) >= 3s\ndo = log\n",
	  "r.ini:4: warning: when: 'c.latency' never goes beyond its timeout (2.0 s)\n" },
	{ "[check c]\ntcp = h:1\n[rule x]\nwhen = c.latency > 2s or c.latency < 5s\ndo = log\n", ALWAYS_4 },
	{ "[service a]\nrun = /a\nmemory-max = 1G\n[rule x]\nwhen = a.memory >= 1G\ndo = restart a\n",
	  "r.ini:5: warning: when: 'a.memory' never goes beyond its memory-max (1.0 GiB)\n" },
	{ "[service a]\nrun = /a\nmemory-max = 1G\n[rule x]\nwhen = a.memory > 900M\ndo = restart a\n", "" },
	{ "[service a]\nrun = /a\nmemory-max = 1G\n[rule x]\nwhen = a.memory < 2G and a.up\ndo = log\n", "" },
	/* a name that monitorctl takes for another thing */
	{ "[service all]\nrun = /a\n", ALL("1: warning: [service all]") },
	{ "[check all]\ntcp = h:1\n", ALL("1: warning: [check all]") },
	{ AB "[rule all]\nwhen = a.up\ndo = log\n", ALL("5: warning: [rule all]") },
	{ AB "[chain all]\npath = a -> b\n", ALL("5: warning: [chain all]") },
	{ "[check c]\ntcp = h:1\n[route all]\nswitch = /s\nbackend = c check c\n",
	  ALL("3: warning: [route all]") },
	/* once for all instances */
	{ "[service a]\nrun = /a\ninstances = 1..3\n[rule x]\nwhen = a.memory < 0B\ndo = "
	  "log\n",
	  "r.ini:5: when: this can never be true\n" },
};

static void
what_the_whole_shows(void **state)
{
	(void)state;
	book_table(rows, COUNT(rows));
}

int
test_prove(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_can_never_be),
		cmocka_unit_test(what_the_whole_shows),
	};
	return cmocka_run_group_tests_name("prove", tests, NULL, NULL);
}
