#include "status/incidents.h"

#include "base/text.h"
#include "rules/parse.h"
#include "test/unit/status.h"
#include "test/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct incidents incidents;

static int
begin(void **state)
{
	(void)state;
	memset(&incidents, 0, sizeof incidents);
	return 0;
}

static void
line(uint64_t id, uint64_t incident, const char *kind, const char *object,
     const char *text)
{
	struct journal_line l = { .id = id,
				  .incident = incident,
				  .real_ms = (int64_t)id * 1000 };
	text_print(l.kind, sizeof l.kind, "%s", kind);
	text_print(l.object_kind, sizeof l.object_kind, "service");
	text_print(l.object, sizeof l.object, "%s", object);
	text_print(l.text, sizeof l.text, "%s", text);
	incidents_line(&incidents, &l);
}

static void
same(uint64_t id, const char *want)
{
	struct json j;
	json_begin(&j);
	assert_true(incidents_one(&incidents, id, &j));
	char *got = json_end(&j, NULL);
	assert_string_equal(got, want);
	free(got);
}

static void
view(uint64_t id, enum incident_state is)
{
	struct msg_incident_view v;
	memset(&v, 0, sizeof v);
	v.incident = id;
	v.state = is;
	v.since_real_ms = 5000;
	text_print(v.text, sizeof v.text, "web exited");
	incidents_view(&incidents, &v, NULL);
}

static void
lines_gather(void **state)
{
	(void)state;
	line(4, 0, "service-up", "other", "none of its");
	line(5, 5, "service-exited", "web", "web exited");
	line(6, 5, "check-down", "web-http", "no answer");
	line(7, 5, "service-started", "web", "web runs");
	line(7, 5, "command", "web", "silence by uid 0: known, 60 s");
	line(7, 5, "command", "web", "unsilence by uid 0");
	line(8, 5, "check-down", "web-http", "again");
	view(5, INCIDENT_OPEN);
	assert_int_equal(incidents_open(&incidents), 1);
	same(5, "{\"id\":5,\"state\":\"open\",\"root\":\"web\",\"root_kind\":\"service\","
		"\"symptoms\":[\"web-http\"],\"actions\":[\"web runs\"],"
		"\"since\":\"1970-01-01T00:00:05.000Z\",\"until\":null,\"who\":null,"
		"\"why\":null,"
		"\"text\":\"web exited\"}");
	line(29, 5, "incident-close", "web", "over"); /* well for 21 s by then */
	assert_int_equal(incidents_open(&incidents), 0);
	same(5,
	     "{\"id\":5,\"state\":\"closed\",\"root\":\"web\",\"root_kind\":\"service\","
	     "\"symptoms\":[\"web-http\"],\"actions\":[\"web runs\"],"
	     "\"since\":\"1970-01-01T00:00:05.000Z\",\"until\":\"1970-01-01T00:00:08."
	     "000Z\","
	     "\"who\":null,\"why\":null,\"text\":\"over\"}");
}

/* Of an earlier life of monitord, which did not live to tell its end. */
static void
what_monitord_forgot_is_over(void **state)
{
	(void)state;
	line(5, 5, "service-exited", "web", "web exited");
	line(6, 5, "service-started", "web", "web runs");
	assert_int_equal(incidents_open(&incidents), 0);
	same(5,
	     "{\"id\":5,\"state\":\"closed\",\"root\":\"web\",\"root_kind\":\"service\","
	     "\"symptoms\":[],\"actions\":[\"web runs\"],"
	     "\"since\":\"1970-01-01T00:00:05.000Z\",\"until\":\"1970-01-01T00:00:06."
	     "000Z\","
	     "\"who\":null,\"why\":null,\"text\":\"web exited\"}");
}

/* The records of a batch, a line each: "id", "+" where it adds to what is there, its times, and
 * whether it is over. */
static void
records(struct batch *b, const char *want)
{
	char got[512] = "";
	struct text t;
	struct block_head head;
	struct incident_times times;
	text_begin(&t, got, sizeof got);
	for (size_t at = 0; at < b->size; at += head.size) {
		memcpy(&head, b->bytes + at, sizeof head);
		memcpy(&times, b->bytes + at + sizeof head, sizeof times);
		const char *json =
			(const char *)b->bytes + at + sizeof head + sizeof times;
		size_t size = head.size - sizeof head - sizeof times;
		assert_int_equal(head.kind, BLOCK_INCIDENT);
		text_add(&t, "%d%s %d..%d %s; ", (int)head.span, head.merge ? "+" : "",
			 (int)times.since_ms / 1000, (int)times.until_ms / 1000,
			 memmem(json, size, "\"closed\"", 8) != NULL ? "over" : "open");
	}
	assert_string_equal(got, want);
	batch_empty(b);
}

static void
what_changes_is_saved_once(void **state)
{
	struct batch b = { 0 };
	(void)state;
	line(5, 5, "service-exited", "web", "web exited");
	view(5, INCIDENT_OPEN);
	line(9, 7, "check-down", "x", "the journal holds no line 7 any more");
	incidents_save(&incidents, &b); /* nobody may live to tell its end */
	records(&b, "5 5..5 over; 7+ 9..9 over; ");
	incidents_save(&incidents, &b);
	records(&b, "");
	line(11, 5, "service-started", "web", "web runs");
	incidents_save(&incidents, &b);
	records(&b, "5 5..11 over; ");
	incidents_between(&incidents, 0, 100000, &b);
	records(&b, "5 5..11 open; 7+ 9..9 over; ");
	incidents_between(&incidents, 10000, 100000, &b);
	records(&b, "5 5..11 open; ");
	incidents_between(&incidents, 0, 5000, &b);
	records(&b, "");
	line(40, 5, "incident-close", "web", "over");
	view(5, INCIDENT_CLOSED);
	incidents_between(&incidents, 12000, 100000, &b);
	records(&b, "");
}

static void
memory_is_bounded(void **state)
{
	struct json j;
	char name[32];
	(void)state;
	for (uint64_t id = 1; id <= 3 * INCIDENTS_KEPT; id++)
		line(id, id, "incident-open", "web", "web is down");
	json_begin(&j);
	assert_false(incidents_one(&incidents, 2 * INCIDENTS_KEPT, &j));
	assert_true(incidents_one(&incidents, 2 * INCIDENTS_KEPT + 1, &j));
	free(json_end(&j, NULL));
	for (uint64_t id = 1; id < 100; id++) {
		snprintf(name, sizeof name, "object%d", (int)id);
		line(3 * INCIDENTS_KEPT + id, 3 * INCIDENTS_KEPT, "service-started", name,
		     name);
	}
	const struct incident *last = NULL;
	for (size_t i = 0; i < INCIDENTS_KEPT; i++)
		if (incidents.list[i].id == 3 * INCIDENTS_KEPT)
			last = &incidents.list[i];
	assert_non_null(last);
	assert_int_equal(last->symptom_count, INCIDENT_SYMPTOMS);
	assert_int_equal(last->action_count, INCIDENT_ACTIONS);
	assert_string_equal(last->actions[INCIDENT_ACTIONS - 1], "object99");
}

/* What is wrong now stays when others come, and stands in its place by time. */
static void
what_is_open_stays(void **state)
{
	struct json j;
	(void)state;
	for (uint64_t id = 5; id <= 6; id++) {
		line(id, id, "service-exited", "web", "web exited");
		view(id, INCIDENT_OPEN);
	}
	for (uint64_t id = 10; id < 10 + 2 * INCIDENTS_KEPT; id++)
		line(id, id, "incident-open", "web", "web is down");
	assert_int_equal(incidents_open(&incidents), 2);
	json_begin(&j);
	incidents_json(&incidents, &j);
	char *text = json_end(&j, NULL);
	assert_memory_equal(text, "[{\"id\":5,", 9);
	assert_non_null(strstr(text, ",{\"id\":6,"));
	free(text);
}

static void
a_view_is_believed(void **state)
{
	struct msg_incident_view v;
	(void)state;
	memset(&v, 0, sizeof v);
	v.incident = 5;
	v.state = INCIDENT_STATES;
	incidents_view(&incidents, &v, NULL);
	assert_int_equal(incidents.count, 0);
	line(5, 5, "service-exited", "web", "web exited");
	v.state = INCIDENT_CLOSED;
	v.until_real_ms = 6000;
	incidents_view(&incidents, &v, NULL);
	assert_int_equal(incidents_open(&incidents), 0);
	assert_int_equal(incidents.list[0].until_real_ms, 6000);
	assert_string_equal(incidents.list[0].root, "web");
}

/* What was first seen is a symptom once its cause is known, whichever of view and lines is
 * read first. */
static void
a_root_is_revised(void **state)
{
	static char path[] = "r.ini",
		    text[] = "[check web]\ntcp = h:1\n[check store]\ntcp = h:2\n";
	struct source source = { .path = path, .text = text, .size = sizeof text - 1 };
	struct sources sources = { .list = &source, .count = 1 };
	struct problems problems = { 0 };
	struct rules *rules = rules_parse(&sources, &problems);
	struct msg_incident_view v;
	(void)state;
	assert_non_null(rules);
	for (unsigned late = 0; late < 2; late++) {
		memset(&incidents, 0, sizeof incidents);
		memset(&v, 0, sizeof v);
		v.incident = 5;
		v.state = INCIDENT_OPEN;
		v.root_kind = OBJECT_CHECK;
		v.root_id = rules_find(rules, OBJECT_CHECK, "store");
		v.since_real_ms = 5000;
		text_print(v.text, sizeof v.text, "store is down");
		if (late)
			incidents_view(&incidents, &v, rules);
		line(5, 5, "check-down", "web", "web is down");
		line(6, 5, "check-down", "store", "store is down");
		incidents_view(&incidents, &v, rules);
		same(5,
		     "{\"id\":5,\"state\":\"open\",\"root\":\"store\",\"root_kind\":\"check\","
		     "\"symptoms\":[\"web\"],\"actions\":[],\"since\":\"1970-01-01T00:00:05.000Z\","
		     "\"until\":null,\"who\":null,\"why\":null,\"text\":\"store is down\"}");
	}
	rules_free(&rules);
	problems_free(&problems);
}

int
test_status_incidents(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lines_gather, begin),
		cmocka_unit_test_setup(what_monitord_forgot_is_over, begin),
		cmocka_unit_test_setup(what_changes_is_saved_once, begin),
		cmocka_unit_test_setup(memory_is_bounded, begin),
		cmocka_unit_test_setup(what_is_open_stays, begin),
		cmocka_unit_test_setup(a_view_is_believed, begin),
		cmocka_unit_test_setup(a_root_is_revised, begin),
	};
	return cmocka_run_group_tests_name("status/incidents", tests, NULL, NULL);
}
