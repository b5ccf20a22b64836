/* Kept texts: the same as those rendered anew, and forgotten with what they tell of. */
#include "status/objects.h"
#include "status/shelf.h"
#include "status/whole.h"

#include "rules/parse.h"
#include "test/unit/status.h"
#include "test/unit/unit.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RULES                                                                            \
	"[service one]\nrun = /bin/one\n[check web]\nof = one\nhttp = "                  \
	"http://127.0.0.1:80/\n"                                                         \
	"[route site]\nswitch = /tmp/f\nbackend = a check web\nbackend = b\n"            \
	"[rule leak]\nwhen = one.memory > 1G\ndo = restart one\n"

static struct store store;
static struct shelf shelf;

static int
begin(void **state)
{
	char path[] = "r.ini";
	struct source one = { .path = path,
			      .text = strdup(RULES),
			      .size = strlen(RULES) };
	struct sources s = { .list = &one, .count = 1 };
	int fd = memfd_create("rules", MFD_CLOEXEC);
	(void)state;
	memset(&store, 0, sizeof store);
	store_begin(&store);
	bool good = fd != -1 && sources_write(&s, fd) && store_load(&store, fd, 1);
	close(fd);
	free(one.text);
	shelf_load(&shelf, store.rules);
	return good ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	shelf_load(&shelf, NULL);
	rules_free(&store.rules);
	for (unsigned k = 0; k < OBJECT_KINDS; k++) {
		free(store.views[k].items);
		free(store.views[k].known);
	}
	return 0;
}

static void
take_check(enum check_state state)
{
	static struct msg_packet p;
	struct msg_check_view v;
	memset(&v, 0, sizeof v);
	v.state = state;
	v.measured_ns = 1000000;
	v.latency_ns = 1500000;
	p.head = (struct msg_head){ .kind = MSG_CHECK_VIEW, .count = 1 };
	memcpy(p.items, &v, sizeof v);
	store_take(&store, &p);
	shelf_forget(&shelf, &store, OBJECT_CHECK, 0);
}

static json_t *
kept(enum object_kind kind)
{
	struct json j;
	json_begin(&j);
	json_open(&j, '[');
	shelf_write(&shelf, &store, kind, 0, &j);
	shelf_write(&shelf, &store, kind, 0, &j); /* once rendered, once kept */
	json_close(&j, ']');
	char *text = json_end(&j, NULL);
	json_t *both = json_loads(text, 0, NULL);
	assert_non_null(both);
	free(text);
	return both;
}

/* What passes by itself is a number, and greater than any before. */
static void
take_clock(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);
	if (value == NULL)
		return;
	assert_true(json_is_number(value) || json_is_null(value));
	json_object_del(object, key);
}

static void
kept_is_as_rendered(void **state)
{
	static const enum object_kind kinds[] = { OBJECT_SERVICE, OBJECT_CHECK,
						  OBJECT_ROUTE, OBJECT_RULE };
	(void)state;
	take_check(CHECK_UP);
	for (unsigned i = 0; i < COUNT(kinds); i++) {
		json_t *both = kept(kinds[i]), *a = json_array_get(both, 0),
		       *b = json_array_get(both, 1);
		take_clock(a, "age_s");
		take_clock(b, "age_s");
		assert_true(json_equal(a, b));
		json_decref(both);
	}
}

static void
ages_pass_while_it_is_kept(void **state)
{
	(void)state;
	take_check(CHECK_UP);
	json_t *both = kept(OBJECT_CHECK);
	double before =
		json_number_value(json_object_get(json_array_get(both, 1), "age_s"));
	json_decref(both);
	usleep(20000);
	both = kept(OBJECT_CHECK);
	double after =
		json_number_value(json_object_get(json_array_get(both, 0), "age_s"));
	assert_true(before > 0 && after >= before + 0.019);
	json_decref(both);
}

static void
a_check_takes_its_routes_along(void **state)
{
	(void)state;
	take_check(CHECK_UP);
	json_decref(kept(OBJECT_ROUTE));
	take_check(CHECK_DOWN);
	json_t *both = kept(OBJECT_ROUTE);
	const json_t *backend =
		json_array_get(json_object_get(json_array_get(both, 1), "backends"), 0);
	assert_string_equal(json_string_value(json_object_get(backend, "state")), "down");
	json_decref(both);
}

static void
the_whole_is_shared_until_something_changes(void **state)
{
	struct whole w = { 0 };
	char a[64], b[64];
	struct MHD_Response *slow[WHOLES_MAX];
	(void)state;
	take_check(CHECK_UP);
	struct MHD_Response *r = whole_get(&w, &store, &shelf);
	whole_tag(&shelf, a, sizeof a);
	assert_non_null(r);
	assert_ptr_equal(whole_get(&w, &store, &shelf), r);
	take_check(CHECK_DOWN);
	whole_tag(&shelf, b, sizeof b);
	assert_string_not_equal(a, b);
	assert_non_null(whole_get(&w, &store, &shelf));
	assert_int_equal(w.alive, 1); /* nobody read the first any more */
	MHD_destroy_response(w.response);
	w.response = NULL;
	assert_int_equal(w.alive, 0);
	for (unsigned i = 0; i < WHOLES_MAX;
	     i++) { /* slow readers, each of another state */
		take_check(i % 2 == 0 ? CHECK_UP : CHECK_DOWN);
		slow[i] = whole_get(&w, &store, &shelf);
		assert_non_null(slow[i]);
		w.response = NULL; /* it is theirs */
	}
	take_check(CHECK_UP);
	assert_null(whole_get(&w, &store, &shelf));
	for (unsigned i = 0; i < WHOLES_MAX; i++)
		MHD_destroy_response(slow[i]);
	assert_non_null(whole_get(&w, &store, &shelf));
	MHD_destroy_response(w.response);
}

int
test_status_shelf(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_is_as_rendered),
		cmocka_unit_test(ages_pass_while_it_is_kept),
		cmocka_unit_test(a_check_takes_its_routes_along),
		cmocka_unit_test(the_whole_is_shared_until_something_changes),
	};
	return cmocka_run_group_tests_name("status/shelf", tests, begin, end);
}
