/* monitorctl explain: for each reason why nothing is done, a sentence. */
#include "status/ctl.h"

#include "test/unit/status.h"
#include "test/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OBJECTS                                                                          \
	"\"services\":[{\"name\":\"web\",\"state\":\"up\",\"memory\":20971520},"         \
	"{\"name\":\"old\",\"state\":\"stopping\"}],"                                    \
	"\"checks\":[{\"name\":\"web-http\",\"of\":\"web\",\"state\":\"down\"},"         \
	"{\"name\":\"far\",\"state\":\"unknown\",\"error\":\"not believed, as so many "  \
	"fail: no answer\"}],"                                                           \
	"\"routes\":[],\"rules\":[],\"chains\":[{\"name\":\"site\",\"paths\":[[\"web\"," \
	"\"old\"]]}],"
#define STATUS "{\"monitord\":{\"dry_run\":false}," OBJECTS "\"silences\":[]}"
#define DRY "{\"monitord\":{\"dry_run\":true}," OBJECTS "\"silences\":[]}"
#define SILENCED(kind, name)                                                             \
	"{\"monitord\":{\"dry_run\":false}," OBJECTS "\"silences\":[{\"kind\":\"" kind   \
	"\",\"name\":\"" name                                                            \
	"\",\"until\":\"2023-11-14T22:13:20Z\",\"who\":\"ann\",\"reason\":\"moving\"}]}"
#define QUIET_OF(name)                                                                   \
	"  nobody is told until 2023-11-14 22:13:20.000: " name                          \
	" is silenced by ann (moving)\n"
#define EVENT(kind, object, text)                                                        \
	"{\"id\":1,\"time\":\"2023-11-14T22:13:20Z\",\"kind\":\"" kind                   \
	"\",\"object\":\"" object "\",\"text\":\"" text "\"}"
#define RULE(more)                                                                       \
	"{\"name\":\"leak\",\"when\":\"web.memory > 1G\",\"during\":true," more "}"
#define QUIET_RULE "\"truth\":\"false\",\"firing\":false"
#define FIRING "\"truth\":\"true\",\"firing\":true,\"cooldown_s\":300"
#define NOW "  now:\n    web.memory is 20.0 MiB\n"

static const struct {
	const char *kind, *object, *status, *events, *want;
} rows[] = {
	{ "service", "{\"name\":\"web\",\"state\":\"up\"}", STATUS, "", "" },
	/* dry run, of all or of one rule */
	{ "service", "{\"name\":\"web\",\"state\":\"up\"}", DRY, "",
	  "  nothing is done: monitord makes a dry run\n" },
	{ "rule", RULE(FIRING ",\"dry_run\":true"), STATUS, "",
	  NOW "  it fires, and does nothing: mode = dry-run\n" },
	/* a hold; a stop by command; a drain; hands off */
	{ "service", "{\"name\":\"web\",\"state\":\"held\",\"hold\":true}", STATUS, "",
	  "  held: it is told of, not acted on, until it is released\n" },
	{ "rule", RULE(FIRING), STATUS,
	  EVENT("action-skipped", "leak",
		"'restart web' of rule leak is not done: web is held by an operator"),
	  NOW "  not done at 2023-11-14 22:13:20.000: 'restart web' of rule leak is not "
	      "done: web is held by "
	      "an operator\n  it fires; while it holds it acts again after each 300 s "
	      "(cooldown)\n" },
	{ "service",
	  "{\"name\":\"web\",\"state\":\"stopped\",\"stopped_by_command\":true}", STATUS,
	  "",
	  "  stopped by command: nothing starts it, and its checks alert nobody, until "
	  "it is started\n" },
	{ "service", "{\"name\":\"web\",\"state\":\"up\",\"drained\":true}", STATUS, "",
	  "  drained: out of its routes, until it is undrained\n" },
	{ "service", "{\"name\":\"web\",\"state\":\"failed\"}", STATUS, "",
	  "  it has failed too often: it is left to operators, and to its retry\n" },
	/* a silence, of all, of itself, of its service, of a chain; not of another */
	{ "service", "{\"name\":\"web\",\"state\":\"up\"}", SILENCED("monitord", "all"),
	  "", QUIET_OF("all") },
	{ "check", "{\"name\":\"web-http\",\"state\":\"down\"}",
	  SILENCED("check", "web-http"), "", QUIET_OF("web-http") },
	{ "check", "{\"name\":\"web-http\",\"of\":\"web\",\"state\":\"down\"}",
	  SILENCED("service", "web"), "", QUIET_OF("web") },
	{ "service", "{\"name\":\"old\",\"state\":\"up\"}", SILENCED("chain", "site"), "",
	  QUIET_OF("site") },
	{ "service", "{\"name\":\"new\",\"state\":\"up\"}", SILENCED("chain", "site"), "",
	  "" },
	{ "route", "{\"name\":\"web\",\"state\":\"primary\"}", SILENCED("service", "web"),
	  "", "" },
	/* the brake; until something is done again */
	{ "rule", RULE(QUIET_RULE), STATUS,
	  EVENT("actions-braked", "leak", "brake: 3 actions in 1 min are the most"),
	  NOW "  not done at 2023-11-14 22:13:20.000: brake: 3 actions in 1 min are the "
	      "most\n" },
	{ "rule", RULE(QUIET_RULE), STATUS,
	  EVENT("actions-braked", "leak", "brake") "," EVENT("action-done", "leak",
							     "run ended"),
	  NOW },
	{ "rule", RULE(QUIET_RULE), STATUS, EVENT("actions-braked", "other", "brake"),
	  NOW },
	/* its cooldown */
	{ "rule", RULE(FIRING), STATUS, "",
	  NOW "  it fires; while it holds it acts again after each 300 s (cooldown)\n" },
	/* unknown, our own failure */
	{ "rule", RULE("\"truth\":\"unknown\",\"firing\":false"), STATUS, "",
	  NOW "  unknown: a metric in it has no fresh value, so it neither fires nor "
	      "clears\n" },
	{ "check", "{\"name\":\"x\",\"state\":\"unknown\",\"error\":\"not measured\"}",
	  STATUS, "",
	  "  unknown is our own failure to measure: nothing is done for it\n" },
	/* doubt */
	{ "check",
	  "{\"name\":\"far\",\"state\":\"unknown\",\"error\":\"not believed, as so many "
	  "fail: x\"}",
	  STATUS, "",
	  "  it fails, and is not believed: so many fail at once that the network, or "
	  "monitord itself, is "
	  "suspected\n" },
	{ "rule", "{\"name\":\"r\",\"when\":\"far.down\",\"truth\":\"unknown\"}", STATUS,
	  "",
	  "  now:\n    far is unknown\n    far fails, and is not believed: so many fail "
	  "at once\n"
	  "  unknown: a metric in it has no fresh value, so it neither fires nor "
	  "clears\n" },
	/* its service does not serve, by plan */
	{ "check", "{\"name\":\"x\",\"of\":\"old\",\"state\":\"down\"}", STATUS, "",
	  "  its service is stopping: meanwhile it alerts nobody, and nothing is done "
	  "for it\n" },
	/* the panic brake of a farm, and flapping */
	{ "route", "{\"name\":\"farm\",\"state\":\"primary\"}", STATUS,
	  EVENT("route-panic", "farm", "x"),
	  "  most of its backends fell at once, though their processes live: their "
	  "checks are not believed, "
	  "and all stay in\n" },
	{ "route", "{\"name\":\"farm\",\"state\":\"primary\"}", STATUS,
	  EVENT("route-panic", "farm", "x") "," EVENT("route-calm", "farm", "y"), "" },
	{ "route", "{\"name\":\"farm\",\"state\":\"rerouted\"}", STATUS,
	  EVENT("route-flaps", "farm",
		"route farm flaps: 3 moves in 10 min; it stays with b"),
	  "  it stays as it is: route farm flaps: 3 moves in 10 min; it stays with b\n" },
	{ "route", "{\"name\":\"farm\",\"state\":\"manual\"}", STATUS, "",
	  "  moved by hand: it stays so while that backend is healthy, until it is "
	  "restored\n" },
	{ "route", "{\"name\":\"farm\",\"state\":\"stuck\"}", STATUS, "",
	  "  stuck: no switch could be verified, and there is nobody else to try\n" },
	/* a window that is not full */
	{ "rule", RULE(QUIET_RULE ",\"true_at\":\"2023-11-14T22:13:20Z\""), STATUS, "",
	  NOW "  what it waits for has begun: it is true at 2023-11-14 22:13:20.000, if "
	      "that goes on (for)\n" },
	{ "rule", RULE(QUIET_RULE ",\"samples\":2,\"samples_needed\":3"), STATUS, "",
	  NOW "  what it waits for was so in 2 samples, and 3 are needed\n" },
	/* not its hours */
	{ "rule",
	  "{\"name\":\"leak\",\"when\":\"web.memory > "
	  "1G\",\"during\":false,\"truth\":\"true\"}",
	  STATUS, "", NOW "  it does not act now: these are not its hours (during)\n" },
};

static json_t *
json_of(const char *text)
{
	json_error_t error;
	json_t *o = json_loads(text, 0, &error);
	if (o == NULL)
		fail_msg("%s: %s", error.text, text);
	return o;
}

static void
every_reason_is_said(void **state)
{
	size_t wrong = 0;
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < COUNT(rows); i++) {
		char list[1000], *got = NULL;
		size_t size = 0;
		FILE *out = open_memstream(&got, &size);
		assert_non_null(out);
		snprintf(list, sizeof list, "[%s]", rows[i].events);
		json_t *status = json_of(rows[i].status), *events = json_of(list),
		       *o = json_of(rows[i].object);
		print_why_not(out, status, events, rows[i].kind, o);
		fclose(out);
		if (strcmp(got, rows[i].want) != 0) {
			print_error("of %s\nexpected:\n%sgot:\n%s", rows[i].object,
				    rows[i].want, got);
			wrong++;
		}
		free(got);
		json_decref(status);
		json_decref(events);
		json_decref(o);
	}
	if (wrong > 0)
		fail_msg("%zu of %zu differ", wrong, COUNT(rows));
}

int
test_status_why(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(
		every_reason_is_said) };
	return cmocka_run_group_tests_name("why nothing is done", tests, NULL, NULL);
}
