/* More incidents than are remembered at once, and what of them an earlier life knew. */
#include "test/unit/unit.h"

#include "base/text.h"
#include "rules/parse.h"
#include "rules/world.h"

#include <string.h>

#define STORM 600 /* more than are remembered at once */
#define MANY 400
#define CROWD 1200 /* more than there is room for in one turn */

static struct {
	struct world *world;
	int64_t now_ms;
	unsigned opened, closed, moved, affected, fired, signalled, answered, unexplained;
	char text[200]; /* of the last that was closed */
	struct decisions out;
} storm;

static void
feed(const struct event *e)
{
	decide(storm.world, e, storm.now_ms, storm.now_ms, &storm.out);
	for (size_t i = 0; i < storm.out.count; i++) {
		const struct decision *d = &storm.out.list[i];
		bool tell = d->kind == DECIDE_TELL;
		storm.moved += d->kind == DECIDE_ROUTE;
		storm.signalled += d->kind == DECIDE_SIGNAL;
		storm.answered += d->kind == DECIDE_ANSWER;
		storm.affected += tell && strcmp(d->line.kind, "service-affected") == 0;
		storm.unexplained += tell &&
				     strcmp(d->line.kind, "service-affected") == 0 &&
				     d->line.cause == 0;
		storm.fired += tell && strcmp(d->line.kind, "rule-fired") == 0;
		storm.opened += tell && strcmp(d->line.kind, "incident-open") == 0;
		if (tell && strcmp(d->line.kind, "incident-close") == 0) {
			storm.closed++;
			text_print(storm.text, sizeof storm.text, "%s", d->line.text);
		}
	}
}

static void
they_are(uint32_t first, uint32_t end, enum outcome outcome, int64_t then_ms)
{
	for (uint32_t i = first; i < end; i++) {
		struct msg_result m = { .check = i,
					.outcome = outcome,
					.began_ns = storm.now_ms * 1000000 };
		struct event e = { .kind = EVENT_RESULT, .id = i, .result = &m };
		feed(&e);
	}
	struct event timer = { .kind = EVENT_TIMER };
	for (int64_t until = storm.now_ms + then_ms;
	     world_deadline(storm.world) <= until;) {
		int64_t due = world_deadline(storm.world);
		storm.now_ms = due > storm.now_ms ? due : storm.now_ms;
		feed(&timer);
	}
	storm.now_ms += then_ms;
}

/* A world of these sections, of which nothing is known yet. */
static struct rules *
begin_with(char *bytes, size_t size)
{
	static char path[] = "r.ini";
	struct source source = { .path = path, .text = bytes, .size = size };
	struct sources sources = { .list = &source, .count = 1 };
	struct problems problems = { 0 };
	struct event go = { .kind = EVENT_GO };
	struct rules *rules = rules_parse(&sources, &problems);
	assert_non_null(rules);
	problems_free(&problems);
	memset(&storm, 0, sizeof storm);
	storm.now_ms = 1000;
	storm.world = world_new(rules, 1, "host", storm.now_ms);
	assert_non_null(storm.world);
	feed(&go);
	return rules;
}

/* So many checks, and rules that read the first. */
static struct rules *
begin(unsigned rule_count)
{
	static char bytes[STORM * 128];
	struct text t;
	text_begin(&t, bytes, sizeof bytes);
	for (unsigned i = 0; i < STORM; i++)
		text_add(&t, "[check c%u]\ntcp = h:1\ndown = 1\nup = 1\n", i);
	for (unsigned i = 0; i < rule_count; i++)
		text_add(&t, "[rule r%u]\nwhen = c0.down\ndo = log\n", i);
	return begin_with(bytes, t.length);
}

static void
end(struct rules *rules)
{
	world_free(&storm.world);
	rules_free(&rules);
}

/* Which check's incident is remembered in this place. */
static uint32_t
root_at(uint32_t place)
{
	struct msg_incident_view v;
	world_incident_view(storm.world, place, &v);
	return v.root_id;
}

static void
a_storm_forgets_none(void **state)
{
	struct rules *rules = begin(0);
	uint32_t places = world_incidents(storm.world);
	(void)state;
	they_are(0, STORM - 20, OUTCOME_BAD, 5000);
	they_are(STORM - 20, STORM, OUTCOME_BAD, 5000); /* when all places are told of */
	assert_int_equal(storm.opened, places);
	assert_int_equal(storm.closed, 0);
	they_are(0, places - 1, OUTCOME_GOOD, 60000);
	assert_int_equal(storm.closed, places - 1); /* the newest has the others */
	they_are(places, STORM, OUTCOME_GOOD, 60000);
	assert_int_equal(storm.closed, places - 1);
	they_are(places - 1, places, OUTCOME_GOOD, 60000);
	assert_int_equal(storm.closed, places);
	for (uint32_t i = 0; i < places; i++) {
		struct msg_incident_view v;
		world_incident_view(storm.world, i, &v);
		assert_true(v.incident == 0 || v.state == INCIDENT_CLOSED);
	}
	end(rules);
}

/* What a silence hid is told when it ends, in portions, and all of it. */
static void
a_silence_ends_for_all(void **state)
{
	struct event silence = { .kind = EVENT_COMMAND,
				 .verb = VERB_SILENCE,
				 .object = OBJECT_MONITORD,
				 .seconds = 600 };
	(void)state;
	for (int by_hand = 0; by_hand < 2; by_hand++) {
		struct rules *rules = begin(0);
		uint32_t places = world_incidents(storm.world);
		feed(&silence);
		they_are(0, STORM, OUTCOME_BAD, 5000);
		assert_int_equal(storm.opened, places);
		if (by_hand) {
			struct event over = silence;
			over.verb = VERB_UNSILENCE;
			feed(&over);
		}
		they_are(0, 0, OUTCOME_GOOD, by_hand ? 0 : 600000);
		assert_int_equal(storm.opened, 2 * places);
		end(rules);
	}
}

/* What one sample leads to is done in portions, and all of it. */
static void
all_rules_fire(void **state)
{
	struct rules *rules = begin(STORM);
	(void)state;
	they_are(0, 1, OUTCOME_GOOD, 1000);
	they_are(0, 1, OUTCOME_BAD, 0);
	assert_int_equal(storm.fired, STORM);
	end(rules);
}

/* Of those that are over, not of those that are not. */
static void
the_oldest_is_forgotten_first(void **state)
{
	struct rules *rules = begin(0);
	uint32_t places = world_incidents(storm.world);
	(void)state;
	they_are(0, places, OUTCOME_BAD, 5000);
	they_are(1, places, OUTCOME_GOOD, 60000);
	assert_int_equal(storm.opened, places);
	assert_int_equal(storm.closed, places - 1);
	for (uint32_t i = 1; i < 4; i++) {
		they_are(places + i, places + i + 1, OUTCOME_BAD, 5000);
		they_are(places + i, places + i + 1, OUTCOME_GOOD, 60000);
		assert_int_equal(storm.opened, places + i);
		assert_int_equal(root_at(i), places + i);
	}
	assert_int_equal(root_at(0), 0);
	assert_int_equal(root_at(places - 1), places - 1);
	/* whose place another has now begins one of its own */
	they_are(1, 2, OUTCOME_UNKNOWN, 0);
	they_are(1, 2, OUTCOME_GOOD, 0);
	they_are(1, 2, OUTCOME_BAD, 5000);
	assert_int_equal(storm.opened, places + 4);
	assert_int_equal(root_at(4), 1);
	/* whose place nobody took is in it still, and out of it when it is well */
	they_are(0, 1, OUTCOME_GOOD, 60000);
	assert_int_equal(storm.closed, places + 3);
	end(rules);
}

/* More than one event has room for: none waits for another event. */
static void
many_are_served_at_once(void **state)
{
	static char bytes[MANY * 80];
	struct text t;
	(void)state;
	text_begin(&t, bytes, sizeof bytes);
	text_add(&t, "[check x]\ntcp = h:1\ndown = 1\nup = 1\n"
		     "[check y]\ntcp = h:2\ndown = 1\nup = 1\n");
	for (unsigned i = 0; i < MANY; i++)
		text_add(&t,
			 "[route r%u]\nswitch = /r%u\nbackend = x check x\n"
			 "backend = y check y\n",
			 i, i);
	struct rules *rules = begin_with(bytes, t.length);
	for (uint32_t i = 0; i < MANY; i++) {
		struct msg_route_seen x = { .route = i, .active = 1 };
		struct event e = { .kind = EVENT_ROUTE_SEEN, .id = i, .seen = &x };
		feed(&e);
	}
	they_are(0, 2, OUTCOME_GOOD, 1000);
	storm.moved = 0;
	they_are(0, 1, OUTCOME_BAD, 0);
	assert_int_equal(storm.moved, MANY);
	end(rules);
}

static void
many_need_who_has_died(void **state)
{
	static char bytes[CROWD * 80];
	struct text t;
	(void)state;
	text_begin(&t, bytes, sizeof bytes);
	text_add(&t, "[service store]\nrun = /s\n");
	for (unsigned i = 0; i < CROWD; i++)
		text_add(&t, "[service s%u]\nrun = /s\ndepends = store\n", i);
	struct rules *rules = begin_with(bytes, t.length);
	for (uint32_t id = 0; id <= CROWD; id++) {
		struct event e = { .kind = EVENT_ADOPTED,
				   .id = id,
				   .pid = (int32_t)id + 2 };
		feed(&e);
	}
	struct event exit = { .kind = EVENT_EXITED, .signal = 9 };
	feed(&exit);
	they_are(0, 0, OUTCOME_GOOD, 0);
	assert_int_equal(storm.affected, CROWD);
	assert_int_equal(storm.unexplained, 0);
	end(rules);
}

/* All are told to stop, and all who wait for their start hear that it will not come. */
static void
many_stop(void **state)
{
	static char bytes[MANY * 60];
	struct text t;
	(void)state;
	text_begin(&t, bytes, sizeof bytes);
	for (unsigned i = 0; i < MANY; i++)
		text_add(&t, "[service s%u]\nrun = /s\nready = notify\non-boot = stay\n",
			 i);
	struct rules *rules = begin_with(bytes, t.length);
	for (uint32_t id = 0; id < MANY; id++) {
		struct event start = { .kind = EVENT_COMMAND,
				       .verb = VERB_START,
				       .id = id,
				       .token = id + 1 };
		struct event e = { .kind = EVENT_STARTED,
				   .id = id,
				   .pid = (int32_t)id + 2 };
		feed(&start);
		feed(&e);
	}
	assert_int_equal(storm.answered, 0);
	struct event stop = { .kind = EVENT_STOP_ALL };
	feed(&stop);
	they_are(0, 0, OUTCOME_GOOD, 0);
	assert_int_equal(storm.signalled, MANY);
	assert_int_equal(storm.answered, MANY);
	end(rules);
}

/* Each of so many who wait, though nothing is there that could be stopped. */
static void
many_wait(void **state)
{
	static char bytes[MANY * 60];
	struct text t;
	(void)state;
	text_begin(&t, bytes, sizeof bytes);
	text_add(&t, "[check net]\ntcp = h:1\n");
	for (unsigned i = 0; i < MANY; i++)
		text_add(&t, "[service s%u]\nrun = /s\ndepends = net\n", i);
	struct rules *rules = begin_with(bytes, t.length);
	for (uint32_t id = 0; id < 4 * MANY; id++) {
		struct event start = { .kind = EVENT_COMMAND,
				       .verb = VERB_START,
				       .id = id / 4,
				       .token = id + 1 };
		feed(&start);
	}
	assert_int_equal(storm.answered, 0);
	struct event stop = { .kind = EVENT_STOP_ALL };
	feed(&stop);
	they_are(0, 0, OUTCOME_GOOD, 0);
	assert_int_equal(storm.signalled, 0);
	assert_int_equal(storm.answered, 4 * MANY);
	end(rules);
}

/* The clock is young: what has not happened did not happen a moment ago. */
static void
twice_is_no_flap_after_a_boot(void **state)
{
	struct rules *rules = begin(0);
	(void)state;
	they_are(0, 1, OUTCOME_BAD, 100);
	they_are(0, 1, OUTCOME_GOOD, 100);
	they_are(0, 1, OUTCOME_BAD, 3000);
	they_are(0, 1, OUTCOME_GOOD, 60000);
	assert_int_equal(storm.closed, 1);
	end(rules);
}

/* It began half a minute before monitord was begun anew, hours after the host was: also where
 * the first line that is left is none of an incident's own. */
static void
what_it_took_is_remembered(void **state)
{
	static char path[] = "r.ini",
		    bytes[] = "[check c]\ntcp = h:1\ndown = 1\nup = 1\n";
	static const char *const kinds[] = { "check-down", "incident-open" };
	struct source source = { .path = path, .text = bytes, .size = sizeof bytes - 1 };
	struct sources sources = { .list = &source, .count = 1 };
	struct problems problems = { 0 };
	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct rules *rules = rules_parse(&sources, &problems);
		struct journal_line l = { .id = 5, .incident = 5 };
		struct event go = { .kind = EVENT_GO };
		assert_non_null(rules);
		storm.closed = 0;
		storm.now_ms = 4 * 3600000;
		storm.world = world_new(rules, 1, "host", storm.now_ms);
		l.real_ms = storm.now_ms - 30000;
		text_print(l.kind, sizeof l.kind, "%s", kinds[i]);
		text_print(l.object_kind, sizeof l.object_kind, "check");
		text_print(l.object, sizeof l.object, "c");
		text_print(l.text, sizeof l.text, "c is down");
		world_recall(storm.world, &l);
		feed(&go);
		they_are(0, 1, OUTCOME_GOOD, 600000);
		assert_int_equal(storm.closed, 1);
		if (strncmp(storm.text, "over after 30 s: ", 17) != 0)
			fail_msg("%s: %s", kinds[i], storm.text);
		world_free(&storm.world);
		rules_free(&rules);
	}
	problems_free(&problems);
}

int
test_storm(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_storm_forgets_none),
		cmocka_unit_test(many_are_served_at_once),
		cmocka_unit_test(many_need_who_has_died),
		cmocka_unit_test(many_stop),
		cmocka_unit_test(many_wait),
		cmocka_unit_test(all_rules_fire),
		cmocka_unit_test(a_silence_ends_for_all),
		cmocka_unit_test(the_oldest_is_forgotten_first),
		cmocka_unit_test(twice_is_no_flap_after_a_boot),
		cmocka_unit_test(what_it_took_is_remembered)
	};
	return cmocka_run_group_tests_name("storm", tests, NULL, NULL);
}
