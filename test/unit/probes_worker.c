/* Threads for what may block for ever: who is stuck in one place has only some of them, and none
 * for good. */
#include "probes/worker.h"

#include "probes/mounts.h"
#include "test/unit/probes.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char table[] =
	"22 27 0:21 / /proc rw,nosuid shared:4 - proc proc rw\n"
	"27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw\n"
	"90 27 0:44 / /srv/far rw - nfs4 far:/ rw\n"
	"91 90 0:45 / /srv/far/two\\040words rw - nfs4 far:/two rw\n"
	"92 27 0:46 / /srv/far rw - tmpfs over rw\n"
	"93 27 0:47 / /srv/b\\134s rw - tmpfs none rw";

static const struct {
	const char *path;
	uint64_t mount;
} paths[] = {
	{ "/", 27 },
	{ "/srv", 27 },
	{ "/srv/far", 92 },
	{ "/srv/far/", 92 },
	{ "/srv/far/file", 92 },
	{ "/srv/farther", 27 },
	{ "/srv/far/two words", 91 },
	{ "/srv/far/two words/x", 91 },
	{ "/srv/far/two", 92 },
	{ "/proc/1/stat", 22 },
	{ "/procs", 27 },
	{ "/srv/b\\s/x", 93 },
};

static void
the_longest_mount_point_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++)
		assert_int_equal(mounts_find(table, paths[i].path), paths[i].mount);
	assert_int_equal(mounts_find("", "/x"), 0);
	assert_int_equal(mounts_find("\n\n12\n12 13 14 15\n12 13 14 15 \n", "/x"), 0);
	static struct mounts *m; /* it lives as long as the program */
	m = mounts_new();
	assert_non_null(m);
	uint64_t root = mounts_of(m, "/"), proc = mounts_of(m, "/proc/1");
	assert_true(root != 0 && proc != 0 && root != proc);
	assert_int_equal(mounts_of(m, "/no-such-thing"), root);
}

/* ---- threads ---- */

struct job {
	struct work work; /* its first member */
	bool stuck; /* until `free` says so */
	bool is_done;
};

static struct {
	struct loop *loop;
	struct workers *workers;
	atomic_uint stuck, free;
	unsigned done, wanted;
} t;

static void
run(struct work *w)
{
	const struct job *j = (const struct job *)w;
	if (!j->stuck)
		return;
	atomic_fetch_add(&t.stuck, 1);
	while (atomic_load(&t.free) == 0)
		usleep(1000);
	atomic_fetch_sub(&t.stuck, 1);
}

static void
on_done(struct work *w)
{
	struct job *j = (struct job *)w;
	assert_false(j->is_done);
	j->is_done = true;
	if (++t.done == t.wanted)
		loop_stop(t.loop);
}

static void
on_limit(struct loop_timer *timer)
{
	(void)timer;
	fail_msg("%u of %u were done", t.done, t.wanted);
}

static void
await_done(unsigned wanted)
{
	struct loop_timer limit = { .loop = NULL };
	t.wanted = wanted;
	loop_timer_start(t.loop, &limit, 20000, 0, on_limit, NULL);
	if (t.done < wanted)
		loop_run(t.loop);
	loop_timer_stop(&limit);
	assert_int_equal(t.done, wanted);
}

static void
await_stuck(unsigned wanted)
{
	for (unsigned i = 0; i < 20000 && atomic_load(&t.stuck) != wanted; i++)
		usleep(1000);
	assert_int_equal(atomic_load(&t.stuck), wanted);
}

static void
give(struct job *j, uint64_t place, bool stuck)
{
	*j = (struct job){ .work = { .run = run, .done = on_done, .place = place },
			   .stuck = stuck };
	workers_give(t.workers, &j->work);
}

static int
begin(void **state)
{
	(void)state;
	memset(&t, 0, sizeof t);
	t.loop = loop_new(0);
	t.workers = t.loop != NULL ? workers_new(t.loop) : NULL;
	return t.workers == NULL; /* they live as long as the program */
}

/* More stuck in one place than there are threads: the others are done all the same. */
static void
one_place_has_some(void **state)
{
	static struct job far[3 * WORKERS_MAX], near[3 * WORKERS_MAX];
	unsigned began = 0;
	(void)state;
	for (unsigned i = 0; i < COUNT(far); i++)
		give(&far[i], 7, true);
	await_stuck(WORKERS_PLACE);
	for (unsigned i = 0; i < COUNT(near); i++)
		give(&near[i], i % 3, false);
	await_done(COUNT(near));
	assert_int_equal(atomic_load(&t.stuck), WORKERS_PLACE);
	/* at their deadlines */
	for (unsigned i = 0; i < COUNT(far) - 1; i++)
		began += !workers_late(t.workers, &far[i].work);
	assert_int_equal(began, WORKERS_PLACE);
	atomic_store(&t.free, 1);
	await_done(COUNT(near) + WORKERS_PLACE + 1);
	for (unsigned i = 0; i < COUNT(far); i++)
		assert_int_equal(far[i].is_done,
				 i < WORKERS_PLACE || i == COUNT(far) - 1);
	/* and the place is as before */
	for (unsigned i = 0; i < COUNT(far); i++)
		give(&far[i], 7, true);
	await_done(COUNT(near) + WORKERS_PLACE + 1 + COUNT(far));
}

/* All threads are stuck, in many places: who is late is given up, and others take the part. */
static void
the_late_are_given_up(void **state)
{
	static struct job far[2 * WORKERS_MAX], near[8];
	(void)state;
	for (unsigned i = 0; i < COUNT(far); i++)
		give(&far[i], 100 + i, true);
	await_stuck(WORKERS_MAX);
	for (unsigned i = 0; i < COUNT(far) / 2; i++)
		assert_false(workers_late(t.workers, &far[i].work));
	await_stuck(COUNT(far));
	for (unsigned i = 0; i < COUNT(near); i++)
		give(&near[i], 0, false);
	for (unsigned i = 0; i < COUNT(far); i++) /* some a second time: nothing more */
		assert_false(workers_late(t.workers, &far[i].work));
	await_done(COUNT(near));
	atomic_store(&t.free, 1);
	await_done(COUNT(near) + COUNT(far));
	for (unsigned i = 0; i < COUNT(far); i++) {
		assert_false(workers_late(t.workers, &far[i].work)); /* it has ended */
		give(&far[i], 1, i % 2 == 0);
	}
	await_done(COUNT(near) + 2 * COUNT(far));
}

int
test_probes_worker(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_mount_point_counts),
		cmocka_unit_test_setup(one_place_has_some, begin),
		cmocka_unit_test_setup(the_late_are_given_up, begin),
	};
	return cmocka_run_group_tests_name("workers", tests, NULL, NULL);
}
