#include "probes/schedule.h"

#include "base/clock.h"
#include "base/text.h"
#include "test/unit/probes.h"

#include <string.h>

#define DEADLINE_MS 20000

/* A schedule whose measurements take no time, or end when the test says so. */
static struct {
	struct schedule schedule; /* first: due() finds the rest by it */
	struct timetable table;
	struct loop *loop;
	unsigned count, want; /* measurements begun; the loop stops at want */
	bool slow;            /* the test calls schedule_done() */
	int64_t began_ms[64];
} our;

static void
on_due(struct schedule *s)
{
	assert_ptr_equal(s, &our.schedule);
	assert_true(s->running);
	if (our.count < COUNT(our.began_ms))
		our.began_ms[our.count] = clock_ms();
	our.count++;
	if (!our.slow)
		schedule_done(s);
	if (our.count >= our.want)
		loop_stop(our.loop);
}

static void
expired(struct loop_timer *t)
{
	(void)t;
	loop_stop(our.loop);
}

/* Runs until want measurements have begun since the last call, at most limit_ms. */
static void
run(unsigned want, int64_t limit_ms)
{
	struct loop_timer limit = { 0 };
	our.count = 0;
	our.want = want;
	loop_timer_start(our.loop, &limit, limit_ms, 0, expired, NULL);
	loop_run(our.loop);
	loop_timer_stop(&limit);
}

static void
start(const char *name, int64_t every_ms, int64_t fast_ms)
{
	our.slow = false;
	assert_true(schedule_begin(&our.schedule, &our.table, name, every_ms, fast_ms));
}

static int
begin(void **state)
{
	(void)state;
	memset(&our, 0, sizeof our);
	our.loop = loop_new(0);
	timetable_begin(&our.table, our.loop, on_due);
	return our.loop != NULL ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	schedule_end(&our.schedule);
	timetable_end(&our.table);
	loop_free(&our.loop);
	return 0;
}

/* ---- */

static int64_t
phase_of(const char *name, int64_t every_ms)
{
	return (int64_t)(text_hash(name) >> 1) % every_ms;
}

/* All but the first begin on the name's grid, or as much behind as the machine is late,
 * and each in a slot of its own. */
static void
lies_on_the_names_grid(void **state)
{
	(void)state;
	for (const char *name = "c"; *name != '\0'; name++) {
		start(name, 50, 10);
		schedule_pace(&our.schedule, PACE_NORMAL);
		run(12, DEADLINE_MS);
		assert_int_equal(our.count, 12);
		int64_t phase = phase_of(name, 50);
		for (unsigned i = 1; i < our.count; i++)
			assert_true((our.began_ms[i] - phase) / 50 >
				    (our.began_ms[i - 1] - phase) / 50);
		schedule_end(&our.schedule);
	}
}

static void
spreads_over_the_interval(void **state)
{
	unsigned tenth[10] = { 0 };
	char name[32];
	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		text_print(name, sizeof name, "tomcat-%u-http", i);
		start(name, 5000, 1000);
		assert_int_equal(our.schedule.phase_ms, phase_of(name, 5000));
		tenth[our.schedule.phase_ms / 500]++;
	}
	for (unsigned i = 0; i < 10; i++)
		assert_in_range(tenth[i], 50, 150);
}

static void
begins_soon_however_long_the_interval(void **state)
{
	(void)state;
	start("daily", 86400000, 1000);
	schedule_pace(&our.schedule, PACE_NORMAL);
	run(1, DEADLINE_MS);
	assert_int_equal(our.count, 1);
}

static void
goes_fast(void **state)
{
	(void)state;
	int64_t begin_ms = clock_ms();
	start("c", 86400000, 20);
	schedule_pace(&our.schedule, PACE_FAST);
	run(6, DEADLINE_MS);
	assert_int_equal(our.count, 6);
	/* one may be late, and the next one near it; none comes before its time */
	assert_true(our.began_ms[5] - begin_ms >= 5 * 20);
	schedule_pace(&our.schedule, PACE_FAST); /* once more changes nothing */
	run(3, DEADLINE_MS);
	assert_int_equal(our.count, 3);
}

static void
is_silent_when_off(void **state)
{
	(void)state;
	start("c", 10, 10);
	run(1, 60);
	assert_int_equal(our.count, 0); /* it begins that way */
	schedule_pace(&our.schedule, PACE_NORMAL);
	run(2, DEADLINE_MS);
	schedule_pace(&our.schedule, PACE_OFF);
	run(1, 60);
	assert_int_equal(our.count, 0);
	schedule_pace(&our.schedule, PACE_NOW);
	run(3, DEADLINE_MS); /* and goes on as normal */
	assert_int_equal(our.count, 3);
}

/* One at once, whatever pace was told before or comes with it. */
static void
begins_at_once(void **state)
{
	static const enum pace before[] = { PACE_OFF, PACE_NORMAL, PACE_FAST },
			       after[] = { PACE_NORMAL, PACE_FAST, PACE_NOW };
	(void)state;
	for (size_t b = 0; b < COUNT(before); b++)
		for (size_t a = 0; a < COUNT(after); a++) {
			start("c", 86400000, 86400000);
			schedule_pace(&our.schedule, PACE_NOW); /* the first of all */
			run(1, DEADLINE_MS);
			assert_int_equal(our.count, 1);
			schedule_pace(&our.schedule, before[b]);
			schedule_pace(&our.schedule, PACE_NOW);
			schedule_pace(&our.schedule, after[a]);
			run(1, DEADLINE_MS);
			if (our.count != 1)
				fail_msg("pace %d, now, pace %d: nothing began",
					 (int)before[b], (int)after[a]);
			run(1, 60); /* and no second time */
			assert_int_equal(our.count, 0);
			schedule_end(&our.schedule);
		}
}

static void
forgets_now_when_off(void **state)
{
	(void)state;
	start("c", 86400000, 86400000);
	schedule_pace(&our.schedule, PACE_NOW);
	run(1, DEADLINE_MS);
	schedule_pace(&our.schedule, PACE_NOW);
	schedule_pace(&our.schedule, PACE_OFF);
	schedule_pace(&our.schedule, PACE_NORMAL);
	run(1, 60);
	assert_int_equal(our.count, 0);
}

/* While one runs no other begins; slots that passed are not made up for. */
static void
skips_while_one_runs(void **state)
{
	(void)state;
	start("c", 10, 10);
	our.slow = true;
	schedule_pace(&our.schedule, PACE_FAST);
	run(1, DEADLINE_MS);
	run(1, 60);
	assert_int_equal(our.count, 0);
	schedule_pace(&our.schedule, PACE_NOW);
	schedule_change(&our.schedule, "c", 20, 20);
	run(1, 60);
	assert_int_equal(our.count, 0);
	schedule_pace(&our.schedule, PACE_NORMAL);
	schedule_change(&our.schedule, "c", 86400000, 86400000);
	schedule_done(&our.schedule);
	run(1, DEADLINE_MS); /* the one that was asked for */
	assert_int_equal(our.count, 1);
	schedule_done(&our.schedule);
	run(1, 60);
	assert_int_equal(our.count, 0);
}

static void
changes_its_interval(void **state)
{
	(void)state;
	start("c", 86400000, 86400000);
	schedule_pace(&our.schedule, PACE_NOW);
	run(1, DEADLINE_MS);
	schedule_change(&our.schedule, "c", 10, 10);
	run(5, DEADLINE_MS);
	assert_int_equal(our.count, 5);
	assert_int_equal(our.schedule.phase_ms, phase_of("c", 10));
}

/* Many, with times of their own, and some that end: each of the others begins when it is
 * due, in order. */
#define MANY 300
static struct {
	struct schedule list[MANY];
	unsigned begun[MANY], all;
	int64_t last_ms;
	struct loop *loop;
} many;

static void
one_of_many(struct schedule *s)
{
	many.begun[s - many.list]++;
	many.all++;
	many.last_ms = clock_ms();
	schedule_done(s);
	if (many.all >= 4 * MANY)
		loop_stop(many.loop);
}

static void
shares_a_timetable(void **state)
{
	struct timetable table = { 0 };
	struct loop_timer limit = { 0 };
	char name[32];
	(void)state;
	many.loop = our.loop;
	timetable_begin(&table, our.loop, one_of_many);
	for (unsigned i = 0; i < MANY; i++) {
		text_print(name, sizeof name, "check-%u", i);
		assert_true(schedule_begin(&many.list[i], &table, name, 20 + i % 7, 10));
		schedule_pace(&many.list[i], i % 3 == 0 ? PACE_FAST : PACE_NORMAL);
	}
	for (unsigned i = 0; i < MANY; i += 5)
		schedule_end(&many.list[i]);
	for (unsigned i = 1; i < MANY; i += 5)
		schedule_pace(&many.list[i], PACE_OFF);
	loop_timer_start(our.loop, &limit, DEADLINE_MS, 0, expired, NULL);
	loop_run(our.loop);
	loop_timer_stop(&limit);
	assert_true(many.all >= 4 * MANY);
	for (unsigned i = 0; i < MANY; i++) {
		bool ends = i % 5 == 0 || i % 5 == 1;
		assert_int_equal(many.begun[i] == 0, ends);
		if (!ends) /* nobody is passed over: the slowest has had its turns */
			assert_true(many.begun[i] >= 2);
		schedule_end(&many.list[i]);
	}
	timetable_end(&table);
}

int
test_probes_schedule(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(lies_on_the_names_grid),
		TEST(spreads_over_the_interval),
		TEST(begins_soon_however_long_the_interval),
		TEST(goes_fast),
		TEST(is_silent_when_off),
		TEST(begins_at_once),
		TEST(forgets_now_when_off),
		TEST(skips_while_one_runs),
		TEST(changes_its_interval),
		TEST(shares_a_timetable),
	};
	return cmocka_run_group_tests_name("probes_schedule", tests, NULL, NULL);
}
