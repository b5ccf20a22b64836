/* History: the archive on disk, and the lanes that fill it. */
#include "status/history.h"

#include "rules/parse.h"
#include "test/unit/status.h"
#include "test/unit/unit.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NOON INT64_C(1700006400) /* a multiple of every tier's span but the last's */

static char folder[] = "/tmp/history.XXXXXX";

static int
begin(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/history.XXXXXX");
	return mkdtemp(folder) != NULL && chdir(folder) == 0 ? 0 : -1;
}

static int
end(void **state)
{
	static const char *const names[] = { "history.db", "history.db-wal",
					     "history.db-shm", "history.db.damaged",
					     "other" };
	(void)state;
	for (unsigned i = 0; i < COUNT(names); i++)
		remove(names[i]);
	return chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

/* One block of a metric whose slots from first to last hold value. */
static void
put(struct batch *b, const char *object, enum tier tier, int64_t span, bool merge,
    unsigned first, unsigned last, double value)
{
	struct block_head head = { .tier = (uint8_t)tier, .merge = merge, .span = span };
	struct column c = { 0 };
	snprintf(head.object, sizeof head.object, "%s", object);
	for (unsigned i = first; i <= last; i++)
		assert_true(column_put(&c, i, value + (i % 3)));
	assert_true(column_flush(&c));
	batch_open(b, &head);
	batch_column(b, METRIC_CPU, &c);
	batch_close(b);
	column_empty(&c);
}

static void
blocks_are_kept_and_merged(void **state)
{
	struct archive *a = archive_new("history.db", 8 << 20);
	struct batch b = { 0 };
	float out[PACK_SLOTS];
	(void)state;
	put(&b, "service/a", TIER_10S, NOON / 3600, false, 0, 99, 10);
	put(&b, "service/a", TIER_10S, NOON / 3600, true, 90, 199, 20);
	assert_true(archive_write(a, &b, NOON));
	batch_empty(&b);
	archive_free(&a);
	a = archive_new("history.db", 8 << 20); /* names and blocks outlive us */
	assert_true(archive_read(a, "service/a", TIER_10S, NOON / 3600, METRIC_CPU, out));
	for (unsigned i = 0; i < PACK_SLOTS; i++) {
		float want = i < 90    ? 10 + (float)(i % 3)
			     : i < 200 ? 20 + (float)(i % 3)
				       : (float)NAN;
		if (isnan(want) ? !isnan(out[i]) : fabsf(out[i] - want) > 0)
			fail_msg("slot %u: expected %g, got %g", i, (double)want,
				 (double)out[i]);
	}
	assert_false(
		archive_read(a, "service/b", TIER_10S, NOON / 3600, METRIC_CPU, out));
	assert_false(
		archive_read(a, "service/a", TIER_10S, NOON / 3600, METRIC_MEMORY, out));
	assert_false(archive_read(a, "service/a", TIER_1M, NOON / 3600, METRIC_CPU, out));
	archive_free(&a);
}

static void
what_is_old_goes(void **state)
{
	struct archive *a = archive_new("history.db", 8 << 20);
	struct batch b = { 0 };
	float out[PACK_SLOTS];
	(void)state;
	put(&b, "service/a", TIER_10S, NOON / 3600, false, 0, 9, 1);
	put(&b, "service/a", TIER_1M, NOON / 21600, false, 0, 9, 1);
	assert_true(archive_write(a, &b, NOON));
	batch_empty(&b);
	put(&b, "service/b", TIER_10S, NOON / 3600 + 30, false, 0, 9, 1);
	assert_true(archive_write(a, &b, NOON + 30 * 3600));
	assert_false(
		archive_read(a, "service/a", TIER_10S, NOON / 3600, METRIC_CPU, out));
	assert_true(archive_read(a, "service/a", TIER_1M, NOON / 21600, METRIC_CPU, out));
	batch_empty(&b);
	archive_free(&a);
}

/* Random values cost most: the file stays within its size, and the newest are there. */
static void
the_size_is_kept(void **state)
{
	struct archive *a = archive_new("history.db", 4 << 20);
	struct batch b = { 0 };
	float out[PACK_SLOTS];
	struct stat st;
	char name[32];
	(void)state;
	srandom(1);
	for (unsigned hour = 0; hour < 12; hour++) {
		for (unsigned i = 0; i < 1000; i++) {
			struct block_head head = { .tier = TIER_10S,
						   .span = NOON / 3600 + hour };
			struct column c = { 0 };
			snprintf(head.object, sizeof head.object, "service/s-%u", i);
			for (unsigned k = 0; k < PACK_SLOTS; k++)
				column_put(&c, k, (double)random());
			column_flush(&c);
			batch_open(&b, &head);
			batch_column(&b, METRIC_CPU, &c);
			batch_close(&b);
			column_empty(&c);
		}
		assert_true(archive_write(a, &b, NOON + hour * 3600));
		batch_empty(&b);
		assert_true(archive_size(a) <= 4 << 20);
	}
	snprintf(name, sizeof name, "service/s-%u", 999);
	assert_true(archive_read(a, name, TIER_10S, NOON / 3600 + 11, METRIC_CPU, out));
	assert_false(archive_read(a, name, TIER_10S, NOON / 3600, METRIC_CPU, out));
	assert_int_equal(stat("history.db", &st), 0);
	assert_true(st.st_size <=
		    6 << 20); /* the peak of one hour comes before the room */
	archive_free(&a);
}

static void
a_damaged_file_is_set_aside(void **state)
{
	struct batch b = { 0 };
	float out[PACK_SLOTS];
	char junk[8192];
	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		FILE *f = fopen("history.db", round == 0 ? "w" : "r+");
		assert_non_null(f);
		memset(junk, 'x', sizeof junk);
		fseek(f, round == 0 ? 0 : 100, SEEK_SET);
		assert_int_equal(fwrite(junk, 1, sizeof junk, f), sizeof junk);
		fclose(f);
		struct archive *a = archive_new("history.db", 4 << 20);
		put(&b, "service/a", TIER_10S, NOON / 3600, false, 0, 9, 1);
		bool good = archive_write(a, &b, NOON) || archive_write(a, &b, NOON);
		if (!good)
			fail_msg("round %u: %s", round, archive_why(a));
		assert_int_equal(archive_set_aside(a), 1);
		assert_true(archive_read(a, "service/a", TIER_10S, NOON / 3600,
					 METRIC_CPU, out));
		assert_int_equal(access("history.db.damaged", F_OK), 0);
		batch_empty(&b);
		archive_free(&a);
	}
}

static void
a_disk_that_fails_harms_nothing(void **state)
{
	struct archive *a = archive_new("no/such/folder/history.db", 4 << 20);
	struct batch b = { 0 };
	float out[PACK_SLOTS];
	(void)state;
	put(&b, "service/a", TIER_10S, NOON / 3600, false, 0, 9, 1);
	assert_false(archive_write(a, &b, NOON));
	assert_string_not_equal(archive_why(a), "");
	assert_false(
		archive_read(a, "service/a", TIER_10S, NOON / 3600, METRIC_CPU, out));
	archive_free(&a);
	assert_int_equal(symlink("other", "history.db"), 0); /* nor is a link followed */
	a = archive_new("history.db", 4 << 20);
	assert_false(archive_write(a, &b, NOON));
	assert_int_equal(access("other", F_OK), -1);
	archive_free(&a);
	batch_empty(&b);
}

/* A full disk: nothing of the batch is there, and once there is room it goes on. */
static void
a_full_disk_is_waited_for(void **state)
{
	struct archive *a = archive_new("history.db", 4 << 20);
	struct batch b = { 0 };
	float out[PACK_SLOTS];
	struct rlimit old, small;
	(void)state;
	put(&b, "service/a", TIER_10S, NOON / 3600, false, 0, 9, 1);
	assert_true(archive_write(a, &b, NOON));
	batch_empty(&b);
	for (unsigned i = 0; i < 200; i++) {
		char name[32];
		snprintf(name, sizeof name, "service/b-%u", i);
		put(&b, name, TIER_10S, NOON / 3600, false, 0, PACK_SLOTS - 1, i);
	}
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 32768;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_false(archive_write(a, &b, NOON));
	assert_string_not_equal(archive_why(a), "");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_true(archive_read(a, "service/a", TIER_10S, NOON / 3600, METRIC_CPU, out));
	assert_false(
		archive_read(a, "service/b-0", TIER_10S, NOON / 3600, METRIC_CPU, out));
	assert_true(archive_write(a, &b, NOON));
	assert_string_equal(archive_why(a), "");
	assert_true(
		archive_read(a, "service/b-0", TIER_10S, NOON / 3600, METRIC_CPU, out));
	assert_int_equal(archive_set_aside(a), 0);
	batch_empty(&b);
	archive_free(&a);
}

static void
months_add_up(void **state)
{
	struct archive *a = archive_new("history.db", 4 << 20);
	struct block_head head = { .kind = BLOCK_MONTH,
				   .span = 2023 * 12 + 10,
				   .object = "check/c" };
	int64_t ms[AVAILABILITIES] = { 1000, 200, 30, 4 }, got[AVAILABILITIES];
	struct batch b = { 0 };
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		batch_open(&b, &head);
		batch_bytes(&b, ms, sizeof ms);
		batch_close(&b);
	}
	assert_true(archive_write(a, &b, NOON));
	assert_true(archive_month(a, "check/c", head.span, got));
	assert_int_equal(got[AVAILABLE], 2000);
	assert_int_equal(got[BROKEN], 400);
	assert_int_equal(got[UNTOLD], 8);
	assert_false(archive_month(a, "check/c", head.span + 1, got));
	assert_int_equal(history_month(NOON * 1000), head.span);
	batch_empty(&b);
	archive_free(&a);
}

static char taken[256];

static void
on_incident(void *arg, uint64_t id, const char *json, size_t size)
{
	size_t used = strlen(taken);
	(void)arg;
	snprintf(taken + used, sizeof taken - used, "%d=%.*s ", (int)id, (int)size, json);
}

static void
put_incident(struct batch *b, int64_t id, bool add, int64_t since_s, const char *json)
{
	struct block_head head = { .kind = BLOCK_INCIDENT, .merge = add, .span = id };
	struct incident_times times = { since_s * 1000, (since_s + 60) * 1000 };
	batch_open(b, &head);
	batch_bytes(b, &times, sizeof times);
	batch_bytes(b, json, strlen(json));
	batch_close(b);
}

static void
past(struct archive *a, int64_t since_s, int64_t until_s, unsigned most, const char *want)
{
	taken[0] = '\0';
	archive_incidents(a, since_s * 1000, until_s * 1000, most, on_incident, NULL);
	assert_string_equal(taken, want);
}

/* What is a part of it does not replace the whole; the oldest go. */
static void
incidents_outlive_us(void **state)
{
	struct archive *a = archive_new("history.db", 64 * 32768);
	struct batch b = { 0 };
	(void)state;
	put_incident(&b, 1, false, NOON, "one");
	put_incident(&b, 2, true, NOON + 600, "a part of two");
	put_incident(&b, 2, false, NOON + 600, "two");
	put_incident(&b, 1, true, NOON, "a part of one");
	assert_true(archive_write(a, &b, NOON));
	batch_empty(&b);
	archive_free(&a);
	a = archive_new("history.db", 64 * 32768);
	past(a, NOON, NOON + 3600, 9, "2=two 1=one ");
	past(a, NOON, NOON + 3600, 1, "2=two ");
	past(a, NOON + 60, NOON + 600, 9, "1=one ");
	past(a, NOON + 61, NOON + 600, 9, "");
	taken[0] = '\0';
	archive_incident(a, 2, on_incident, NULL);
	archive_incident(a, 3, on_incident, NULL);
	assert_string_equal(taken, "2=two ");
	for (int64_t id = 3; id < 100; id++)
		put_incident(&b, id, false, NOON + 600 + id, "more");
	assert_true(archive_write(a, &b, NOON));
	batch_empty(&b);
	taken[0] = '\0';
	archive_incident(a, 35, on_incident, NULL);
	archive_incident(a, 36, on_incident, NULL);
	assert_string_equal(taken, "36=more ");
	put_incident(&b, 100, false, NOON + 367 * 86400, "a year later");
	assert_true(archive_write(a, &b, NOON));
	batch_empty(&b);
	past(a, 0, NOON * 2, 9, "100=a year later ");
	assert_string_equal(archive_why(a), "");
	archive_free(&a);
}

/* ---- lanes ---- */

static struct store store;
static struct history history;

static void
load(const char *text)
{
	char path[] = "r.ini";
	struct source one = { .path = path, .text = strdup(text), .size = strlen(text) };
	struct sources s = { .list = &one, .count = 1 };
	int fd = memfd_create("rules", MFD_CLOEXEC);
	assert_true(fd != -1 && sources_write(&s, fd));
	history_unload(&history);
	assert_true(store_load(&store, fd, 1));
	close(fd);
	free(one.text);
}

static void
set_service(uint32_t id, enum service_state state, double memory)
{
	static struct msg_packet p;
	struct msg_service_view v;
	memset(&v, 0, sizeof v);
	v.service = id;
	v.state = state;
	v.pid = 1;
	v.cpu = v.threads = v.fds = (double)NAN;
	v.memory = memory;
	p.head = (struct msg_head){ .kind = MSG_SERVICE_VIEW, .count = 1 };
	memcpy(p.items, &v, sizeof v);
	store_take(&store, &p);
}

static void
end_history(struct loop **loop)
{
	history_end(&history);
	rules_free(&store.rules);
	for (unsigned k = 0; k < OBJECT_KINDS; k++) {
		free(store.views[k].items);
		free(store.views[k].known);
	}
	loop_free(loop);
}

static json_t *answered;

static void
on_answer(void *arg, struct ask *ask)
{
	struct loop *loop = arg;
	answered = json_loadb(ask->answer, ask->answer_size, 0, NULL);
	ask_free(ask);
	loop_stop(loop);
}

static json_t *
ask_series(struct loop *loop, const char *name, int64_t since_s, int64_t until_s,
	   unsigned points)
{
	struct ask *a = calloc(1, sizeof *a);
	snprintf(a->object, sizeof a->object, "service/%s", name);
	a->metric = METRIC_MEMORY;
	a->since_s = since_s;
	a->until_s = until_s;
	a->points = points;
	history_fill(&history, OBJECT_SERVICE, store_find(&store, OBJECT_SERVICE, name),
		     a);
	assert_true(recorder_ask(history.recorder, a));
	loop_run(loop);
	assert_non_null(answered);
	return answered;
}

static double
value_at(const json_t *series, const char *part, size_t i)
{
	const json_t *v = json_array_get(json_object_get(series, part), i);
	return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

#define RULES "[monitord]\nhistory = 8M\n[service one]\nrun = /bin/one\n"

/* Two hours, and a reload in the middle: what is on disk and what is not yet read as one.
 */
static void
a_series_is_whole(void **state)
{
	struct loop *loop = loop_new(0);
	int64_t noon =
		time(NULL) / 3600 * 3600 - 7200; /* what is older than a day goes */
	(void)state;
	memset(&store, 0, sizeof store);
	store_begin(&store);
	history_begin(&history, loop, &store);
	load(RULES);
	history_load(&history, on_answer, loop);
	loop_timer_stop(&history.timer); /* the test is the clock */
	for (int64_t t = 0; t < 7200; t += 10) {
		if (t == 3000) {
			load("[service zero]\nrun = /bin/zero\n" RULES);
			history_load(&history, on_answer, loop);
			loop_timer_stop(&history.timer);
		}
		set_service(store_find(&store, OBJECT_SERVICE, "one"), SERVICE_UP,
			    (double)(t / 600 * 100));
		history_sample(&history, (noon + t) * 1000);
	}
	while (history.batch.size >
	       0) /* until the thread takes it; it writes, then answers */
		recorder_write(history.recorder, &history.batch);
	json_t *s = ask_series(loop, "one", noon, noon + 7200, 720);
	assert_int_equal(json_integer_value(json_object_get(s, "step_s")), 10);
	assert_int_equal(json_array_size(json_object_get(s, "values")), 720);
	for (size_t i = 0; i < 720; i++)
		if (!(fabs(value_at(s, "values", i) - (double)(i / 60 * 100)) < 0.5))
			fail_msg("slot %zu: %g", i, value_at(s, "values", i));
	json_decref(s);
	s = ask_series(loop, "one", noon, noon + 7200, 6); /* 1,200 s each: two values */
	assert_int_equal(json_integer_value(json_object_get(s, "step_s")), 1200);
	assert_true(fabs(value_at(s, "values", 1) - 250) < 1);
	assert_true(fabs(value_at(s, "low", 1) - 200) < 1);
	assert_true(fabs(value_at(s, "high", 1) - 300) < 1);
	json_decref(s);
	end_history(&loop);
}

/* What is on disk a minute after it was sampled, though nobody ended in good order. */
static void
kill_costs_a_minute(void **state)
{
	struct loop *loop = loop_new(0);
	int64_t noon = time(NULL) / 3600 * 3600 - 7200;
	(void)state;
	memset(&store, 0, sizeof store);
	store_begin(&store);
	history_begin(&history, loop, &store);
	load(RULES);
	history_load(&history, on_answer, loop);
	loop_timer_stop(&history.timer);
	for (int64_t t = 0; t < 330; t += 10) {
		set_service(0, SERVICE_UP, 100);
		history_sample(&history, (noon + t) * 1000);
	}
	while (history.batch.size > 0)
		recorder_write(history.recorder, &history.batch);
	struct ask *a = calloc(1, sizeof *a); /* with nothing of the open blocks */
	strcpy(a->object, "service/one");
	a->metric = METRIC_MEMORY;
	a->since_s = noon;
	a->until_s = noon + 600;
	a->points = 60;
	assert_true(recorder_ask(history.recorder, a));
	loop_run(loop);
	for (size_t i = 0; i <= (330 - 60) / 10; i++)
		if (isnan(value_at(answered, "values", i)))
			fail_msg("slot %zu is lost", i);
	json_decref(answered);
	end_history(&loop);
}

int
test_status_history(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(blocks_are_kept_and_merged, begin, end),
		cmocka_unit_test_setup_teardown(what_is_old_goes, begin, end),
		cmocka_unit_test_setup_teardown(the_size_is_kept, begin, end),
		cmocka_unit_test_setup_teardown(a_damaged_file_is_set_aside, begin, end),
		cmocka_unit_test_setup_teardown(a_disk_that_fails_harms_nothing, begin,
						end),
		cmocka_unit_test_setup_teardown(a_full_disk_is_waited_for, begin, end),
		cmocka_unit_test_setup_teardown(months_add_up, begin, end),
		cmocka_unit_test_setup_teardown(incidents_outlive_us, begin, end),
		cmocka_unit_test_setup_teardown(a_series_is_whole, begin, end),
		cmocka_unit_test_setup_teardown(kill_costs_a_minute, begin, end),
	};
	return cmocka_run_group_tests_name("status/history", tests, NULL, NULL);
}
