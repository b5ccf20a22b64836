/* The brake on actions: of the machine, and of each chain. */
#include "test/unit/stage.h"
#include "test/unit/unit.h"

#include <stdio.h>

#define UPS "start:a start:b "

static const char braked[] =
	"[monitord]\nsmtp = h:25\nalert = ops\nactions-at-most = 3 in 1m\n"
	"[contact ops]\nmail = a@b\n[contact web]\nmail = a@b\n"
	"[service a]\nrun = /a\n[service b]\nrun = /b\n"
	"[check c]\ntcp = h:1\ndown = 1\nup = 1\n[check d]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[rule on-a]\nwhen = c.down\ndo = signal(USR1) a, alert web\ncooldown = 5s\n"
	"[rule on-b]\nwhen = d.down\ndo = signal(USR2) b\ncooldown = 5s\n"
	"[chain web]\npath = b\nalert = web\nactions-at-most = 1 in 10m\n";

#define STARTED "go started:a started:b "
static const struct stage_row brakes[] = {
	/* told once; what tells is not braked; and goes on when the time is over */
	{ STARTED "bad:c +20s good:c", "actions-braked alert",
	  UPS "USR1:a(main) alert:on-a USR1:a(main) alert:on-a USR1:a(main) alert:on-a "
	      "actions-braked:on-a alert:on-a alert:on-a alert:on-a" },
	{ STARTED "bad:c +12s good:c +49s bad:c", "actions-braked",
	  UPS "USR1:a(main) USR1:a(main) USR1:a(main) USR1:a(main)" },
	/* a chain has its own, which the other's actions do not count for */
	{ STARTED "bad:c good:c bad:d +5s good:d", "actions-braked alert",
	  UPS "USR1:a(main) alert:on-a USR2:b(main) actions-braked:on-b alert:on-b" },
	{ STARTED "bad:d good:d +5s reload bad:d", "actions-braked", UPS "USR2:b(main) actions-braked:on-b" },
	/* told anew when it begins anew */
	{ STARTED "bad:c +18s good:c +2m bad:c +18s", "actions-braked",
	  UPS "USR1:a(main) USR1:a(main) USR1:a(main) actions-braked:on-a USR1:a(main) "
	      "USR1:a(main) USR1:a(main) actions-braked:on-a" },
	{ STARTED "bad:c +12s reload +5s", "actions-braked",
	  "start:a start:b USR1:a(main) USR1:a(main) USR1:a(main) actions-braked:on-a" },
	/* in which words, to whom; each time that it begins */
	{ STARTED "bad:c +15s good:c bad:d good:d +10m bad:d good:d +5s bad:d", "actions-braked+ alert+",
	  "start:a start:b USR1:a(main) alert:on-a<rule-fired(web){on-a: c.down} "
	  "USR1:a(main) alert:on-a<rule-fired(web){on-a: c.down} USR1:a(main) "
	  "alert:on-a<rule-fired(web){on-a: c.down} "
	  "actions-braked:on-a<rule-fired{brake: 3 actions in 1 min are the most on "
	  "this machine; 'signal(USR1) a' of rule on-a is not done} "
	  "alert:on-a<rule-fired(ops){brake: 3 actions in 1 min are the most on this "
	  "machine; 'signal(USR1) a' of rule on-a is not done} "
	  "alert:on-a<rule-fired(web){on-a: c.down} USR2:b(main) "
	  "actions-braked:on-b<rule-fired{brake: 1 actions in 10 min are the most on "
	  "chain web; 'signal(USR2) b' of rule on-b is not done} "
	  "alert:on-b<rule-fired(web){brake: 1 actions in 10 min are the most on chain "
	  "web; 'signal(USR2) b' of rule on-b is not done}" },
};

/* What belongs to a chain: its services, what their checks are of, its routes; a command by what its rule reads. */
static const char braked_chains[] =
	"[service a]\nrun = /a\n[service b]\nrun = /b\n[service o]\nrun = /o\n"
	"[check ca]\nof = a\ntcp = h:1\n[check cb]\nof = b\ntcp = h:1\n"
	"[check c]\ntcp = h:1\ndown = 1\nup = 1\n[check own]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[route r]\nswitch = /s\nbackend = a check ca\nbackend = b check cb\n"
	"[rule moves]\nwhen = c.down\ndo = reroute r\ncooldown = 5s\n"
	"[rule signals]\nwhen = c.down\ndo = signal(USR1) b\ncooldown = 5s\n"
	"[rule other]\nwhen = c.down\ndo = signal(USR1) o\ncooldown = 5s\n"
	"[rule runs]\nwhen = c.down or own.down\ndo = run /x\ncooldown = 5s\n"
	"[rule runs-too]\nwhen = c.down and second.up\ndo = run /x\ncooldown = 5s\n"
	"[rule runs-other]\nwhen = c.down\ndo = run /x\ncooldown = 5s\n"
	"[chain first]\npath = r -> cb -> own\nactions-at-most = 1 in 10m\n"
	"[chain second]\npath = o\nactions-at-most = 1 in 10m\n";
static const struct stage_row of_chains[] = {
	{ "adopted:a adopted:b adopted:o go good:ca good:cb good:own seen:r=a bad:c done:runs=0 done:runs-too=0 "
	  "done:runs-other=0 +5s", "actions-braked",
	 
	  "route:r=b actions-braked:signals USR1:o(main) actions-braked:runs-too "
	  "run:runs-other run:runs-other" },
};

/* What acts is braked, and what tells, or gives back, is not. */
static const struct {
	const char *action, *wanted;
} kinds[] = {
	{ "start b", "USR1:a(main) actions-braked:second" },
	{ "stop b", "USR1:a(main) actions-braked:second" },
	{ "restart b", "USR1:a(main) actions-braked:second" },
	{ "reload b", "USR1:a(main) actions-braked:second" },
	{ "kill b", "USR1:a(main) actions-braked:second" },
	{ "signal(USR2) b", "USR1:a(main) actions-braked:second" },
	{ "drain b", "USR1:a(main) actions-braked:second" },
	{ "reroute r", "USR1:a(main) actions-braked:second" },
	{ "run /x", "USR1:a(main) actions-braked:second" },
	{ "undrain b", "USR1:a(main)" },
	{ "hold b", "USR1:a(main) service-held:b" },
	{ "release b", "USR1:a(main)" },
	{ "restore r", "USR1:a(main)" },
	{ "alert ops", "USR1:a(main) alert:second" },
	{ "page ops", "USR1:a(main) page:second" },
	{ "log", "USR1:a(main) action-done:second" },
};

static void
what_acts(void **state)
{
	unsigned wrong = 0;
	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		char text[1000];
		struct stage_row row = {
			"adopted:a adopted:b go good:ca good:cb seen:r=a +1s bad:c",
			"actions-braked alert page action-done service-held",
			kinds[i].wanted
		};
		snprintf(
			text, sizeof text,
			"[monitord]\nsmtp = h:25\nactions-at-most = 1 in 1h\n"
			"[contact ops]\nmail = a@b\n"
			"[service a]\nrun = /a\n[service b]\nrun = /b\nreload = HUP\n"
			"[check ca]\nof = a\ntcp = h:1\n[check cb]\nof = b\ntcp = h:1\n"
			"[check c]\ntcp = h:1\ndown = 1\nup = 1\n"
			"[route r]\nswitch = /r\nbackend = a check ca\nbackend = b check cb\n"
			"[rule first]\nwhen = c.down\ndo = signal(USR1) a\n"
			"[rule second]\nwhen = c.down\ndo = %s\n",
			kinds[i].action);
		wrong += stage_differs(text, &row);
	}
	assert_int_equal(wrong, 0);
}

/* Neither chain's brake is opened by a reload. */
static const char two_chains[] =
	"[service a]\nrun = /a\n[service b]\nrun = /b\n"
	"[check c]\ntcp = h:1\ndown = 1\nup = 1\n[check d]\ntcp = h:1\ndown = 1\nup = 1\n"
	"[rule on-a]\nwhen = c.down\ndo = signal(USR1) a\ncooldown = 5s\n"
	"[rule on-b]\nwhen = d.down\ndo = signal(USR2) b\ncooldown = 5s\n"
	"[chain one]\npath = a\nactions-at-most = 1 in 10m\n"
	"[chain two]\npath = b\nactions-at-most = 1 in 10m\n";
static const struct stage_row reloaded[] = {
	{ STARTED "bad:c good:c bad:d good:d +5s reload bad:c bad:d", "actions-braked",
	  UPS "USR1:a(main) USR2:b(main) actions-braked:on-a actions-braked:on-b" },
};

static void
no_more_than(void **state)
{
	(void)state;
	stage_table(braked, brakes, COUNT(brakes));
	stage_table(two_chains, reloaded, COUNT(reloaded));
	stage_table(braked_chains, of_chains, COUNT(of_chains));
}

int
test_brake(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(no_more_than),
						   cmocka_unit_test(what_acts) };
	return cmocka_run_group_tests_name("brake", tests, NULL, NULL);
}
