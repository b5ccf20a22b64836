/* The store, and what is written from it: objects and metrics. */
#include "status/store.h"

#include "rules/parse.h"
#include "status/metrics.h"
#include "status/objects.h"
#include "status/values.h"
#include "test/unit/status.h"
#include "test/unit/unit.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define OLD                                                                              \
	"[service one]\nrun = /bin/one\n[service two]\nrun = /bin/two\n"                 \
	"[check web]\nof = two\nhttp = http://127.0.0.1:80/x\n"                          \
	"expect = status 200 301..308, header Content-Type ~ ^image/, body > 1K\n"       \
	"warn = latency > 300ms\n"                                                       \
	"[route site]\nswitch = /tmp/f\nbackend = a check web\nbackend = b\n"            \
	"[rule leak]\nwhen = two.memory > 1G\ndo = restart two\n"                        \
	"[chain path]\npath = site -> two\n"
/* two comes first now; one is gone, the route's backends are others */
#define NEW                                                                              \
	"[service two]\nrun = /bin/two\n[service zero]\nrun = /bin/zero\n"               \
	"[check web]\nof = two\nhttp = http://127.0.0.1:80/x\n"                          \
	"[route site]\nswitch = /tmp/f\nbackend = b\nbackend = a check web\n"

static struct store store;

static void
load(const char *text, uint32_t generation)
{
	char path[] = "r.ini";
	struct source one = { .path = path, .text = strdup(text), .size = strlen(text) };
	struct sources s = { .list = &one, .count = 1 };
	int fd = memfd_create("rules", MFD_CLOEXEC);
	assert_true(fd != -1 && sources_write(&s, fd));
	assert_true(store_load(&store, fd, generation));
	close(fd);
	free(one.text);
}

static void
take(enum msg_kind kind, const void *item)
{
	static struct msg_packet p;
	p.head = (struct msg_head){ .kind = (uint16_t)kind, .count = 1 };
	memcpy(p.items, item, msg_item_size(kind));
	store_take(&store, &p);
}

static int
begin(void **state)
{
	(void)state;
	memset(&store, 0, sizeof store);
	store_begin(&store);
	load(OLD, 1);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	rules_free(&store.rules);
	for (unsigned k = 0; k < OBJECT_KINDS; k++) {
		free(store.views[k].items);
		free(store.views[k].known);
	}
	return 0;
}

/* Parses what the store says of an object. */
static json_t *
object(enum object_kind kind, const char *name)
{
	struct json j;
	uint32_t id = store_find(&store, kind, name);
	assert_int_not_equal(id, RULES_NONE);
	json_begin(&j);
	object_json(&store, kind, id, &j);
	char *text = json_end(&j, NULL);
	json_t *root = json_loads(text, 0, NULL);
	assert_non_null(root);
	free(text);
	return root;
}

static void
same_value(json_t *root, const char *key, const char *want)
{
	char *got =
		json_dumps(json_object_get(root, key), JSON_COMPACT | JSON_ENCODE_ANY);
	assert_non_null(got);
	if (strcmp(got, want) != 0)
		fail_msg("%s: expected %s, got %s", key, want, got);
	free(got);
}

static void
take_service(const char *name, int32_t pid)
{
	struct msg_service_view v;
	memset(&v, 0, sizeof v);
	v.service = store_find(&store, OBJECT_SERVICE, name);
	v.state = SERVICE_UP;
	v.since_real_ms = 1700000000123;
	v.started_real_ms = 1700000000000;
	v.pid = pid;
	v.exit_code = -1;
	v.exit_signal = 9;
	v.restarts = 3;
	v.cpu = v.threads = v.fds = (double)NAN;
	v.memory = 1048576;
	v.event = 7;
	take(MSG_SERVICE_VIEW, &v);
}

static void
missing_is_null(void **state)
{
	static const char *const keys[] = { "state",    "since", "pid",
					    "uptime_s", "cpu",   "memory" };
	json_t *o = object(OBJECT_SERVICE, "two");
	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++)
		same_value(o, keys[i], "null");
	same_value(o, "exit", "{\"code\":null,\"signal\":null}");
	same_value(o, "checks", "[\"web\"]");
	same_value(o, "chain", "[\"path\"]");
	json_decref(o);
}

static void
a_service_shows_its_view(void **state)
{
	(void)state;
	take_service("two", 1234);
	json_t *o = object(OBJECT_SERVICE, "two");
	same_value(o, "state", "\"up\"");
	same_value(o, "since", "\"2023-11-14T22:13:20.123Z\"");
	same_value(o, "pid", "1234");
	same_value(o, "restarts", "3");
	same_value(o, "memory", "1048576");
	same_value(o, "cpu", "null");
	same_value(o, "exit", "{\"code\":null,\"signal\":9}");
	same_value(o, "hold", "false");
	json_decref(o);
}

static void
a_check_shows_its_values(void **state)
{
	struct msg_check_view v;
	(void)state;
	memset(&v, 0, sizeof v);
	v.check = store_find(&store, OBJECT_CHECK, "web");
	v.state = CHECK_DOWN;
	v.measured_ns = 1;
	v.latency_ns = 1500000;
	v.value_count = 2;
	v.value[0] = (struct msg_value){ .metric = METRIC_STATUS, .value = 503 };
	v.value[1] = (struct msg_value){ .metric = METRICS_COUNT, .value = 1 };
	memcpy(v.text, "status \"503\"", 13);
	take(MSG_CHECK_VIEW, &v);
	json_t *o = object(OBJECT_CHECK, "web");
	same_value(o, "state", "\"down\"");
	same_value(o, "of", "\"two\"");
	same_value(o, "latency_ms", "1.5");
	same_value(o, "error", "\"status \\\"503\\\"\"");
	same_value(o, "metrics", "{\"status\":503}");
	same_value(o, "expect",
		   "[\"status 200 301..308\",\"header content-type ~ ^image/\","
		   "\"body > 1K\"]");
	same_value(o, "warn", "[\"latency > 300ms\"]");
	json_decref(o);
}

static void
take_route(uint64_t active)
{
	struct msg_route_view v;
	memset(&v, 0, sizeof v);
	v.route = store_find(&store, OBJECT_ROUTE, "site");
	v.state = ROUTE_REROUTED;
	v.active = active;
	v.wanted = 3;
	take(MSG_ROUTE_VIEW, &v);
}

static void
a_route_names_its_backends(void **state)
{
	(void)state;
	take_route(2);
	json_t *o = object(OBJECT_ROUTE, "site");
	same_value(o, "active", "[\"b\"]");
	same_value(o, "wanted", "[\"a\",\"b\"]");
	same_value(o, "state", "\"rerouted\"");
	same_value(json_array_get(json_object_get(o, "backends"), 1), "state", "\"up\"");
	json_decref(o);
}

static void
a_reload_matches_by_name(void **state)
{
	(void)state;
	take_service("one", 11);
	take_service("two", 22);
	take_route(2);
	load(NEW, 2);
	assert_int_equal(store_find(&store, OBJECT_SERVICE, "one"), RULES_NONE);
	json_t *two = object(OBJECT_SERVICE, "two"),
	       *zero = object(OBJECT_SERVICE, "zero");
	json_t *site = object(OBJECT_ROUTE, "site");
	same_value(two, "pid", "22");
	same_value(zero, "pid", "null");
	same_value(site, "state", "null");
	json_decref(two);
	json_decref(zero);
	json_decref(site);
}

static void
ids_out_of_range_are_ignored(void **state)
{
	struct msg_service_view v;
	(void)state;
	memset(&v, 0, sizeof v);
	v.service = 2;
	take(MSG_SERVICE_VIEW, &v);
	v.service = UINT32_MAX;
	take(MSG_SERVICE_VIEW, &v);
	json_t *o = object(OBJECT_SERVICE, "two");
	same_value(o, "state", "null");
	json_decref(o);
}

static void
the_nearest_name_is_told(void **state)
{
	(void)state;
	assert_string_equal(store_nearest(&store, OBJECT_SERVICE, "tow"), "two");
	assert_null(store_nearest(&store, OBJECT_SERVICE, "elephant"));
	assert_null(store_nearest(&store, OBJECT_CONTACT, "ops"));
}

/* Who is ended because it hangs is no planned stop. */
static void
what_ends_the_sick_is_not_planned(void **state)
{
	static const struct {
		enum service_state state;
		uint16_t suspect, finished;
		uint32_t by_command;
		enum availability is;
	} rows[] = {
		{ SERVICE_UP, 0, 0, 0, AVAILABLE },
		{ SERVICE_FAILING, 0, 0, 0, BROKEN },
		{ SERVICE_STOPPING, 0, 0, 0, PLANNED },
		{ SERVICE_STOPPING, 1, 0, 0, BROKEN },
		{ SERVICE_STOPPING, 1, 0, 1, PLANNED },
		{ SERVICE_STOPPED, 0, 0, 1, PLANNED },
		{ SERVICE_STOPPED, 0, 0, 0, BROKEN },
		{ SERVICE_STOPPED, 0, 1, 0, PLANNED },
	};
	struct msg_service_view v;
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		memset(&v, 0, sizeof v);
		v.service = 1;
		v.state = rows[i].state;
		v.suspect = rows[i].suspect;
		v.finished = rows[i].finished;
		v.by_command = rows[i].by_command;
		take(MSG_SERVICE_VIEW, &v);
		assert_int_equal(availability_of(&store, OBJECT_SERVICE, 1), rows[i].is);
	}
}

static void
metrics_are_openmetrics(void **state)
{
	struct json out;
	(void)state;
	take_service("two", 1234);
	json_begin(&out);
	metrics_text(&store, NULL, false, &out);
	char *text = json_end(&out, NULL);
	assert_non_null(text);
	assert_non_null(strstr(text, "# TYPE monitord_service_restarts counter\n"));
	assert_non_null(
		strstr(text, "\nmonitord_service_restarts_total{service=\"two\"} 3\n"));
	assert_non_null(
		strstr(text,
		       "\nmonitord_service_memory_bytes{service=\"two\"} 1048576\n"));
	assert_non_null(strstr(text, "\nmonitord_service_state{service=\"two\","
				     "monitord_service_state=\"up\"} 1\n"));
	assert_null(strstr(text, "nan"));
	assert_null(strstr(text, "{service=\"one\"}"));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	free(text);
}

int
test_status_store(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(missing_is_null, begin, end),
		cmocka_unit_test_setup_teardown(a_service_shows_its_view, begin, end),
		cmocka_unit_test_setup_teardown(a_check_shows_its_values, begin, end),
		cmocka_unit_test_setup_teardown(a_route_names_its_backends, begin, end),
		cmocka_unit_test_setup_teardown(a_reload_matches_by_name, begin, end),
		cmocka_unit_test_setup_teardown(ids_out_of_range_are_ignored, begin, end),
		cmocka_unit_test_setup_teardown(the_nearest_name_is_told, begin, end),
		cmocka_unit_test_setup_teardown(what_ends_the_sick_is_not_planned, begin,
						end),
		cmocka_unit_test_setup_teardown(metrics_are_openmetrics, begin, end),
	};
	return cmocka_run_group_tests_name("status/store", tests, NULL, NULL);
}
