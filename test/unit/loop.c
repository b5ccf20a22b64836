#include "base/loop.h"

#include "base/clock.h"
#include "test/unit/unit.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define DEADLINE_MS 20000

static struct {
	struct loop *loop;
	char order[16];
	unsigned count, want;
} seen;

static void
expired(struct loop_timer *t)
{
	(void)t;
	loop_stop(seen.loop);
}

/* A watcher's argument: one letter, for the order. */
static void *
name_of(char letter)
{
	static char letters[128];
	letters[(unsigned char)letter] = letter;
	return &letters[(unsigned char)letter];
}

/* Runs until want things have happened, or the deadline. */
static void
run(unsigned want)
{
	struct loop_timer deadline = { 0 };
	seen.count = 0;
	seen.want = want;
	memset(seen.order, 0, sizeof seen.order);
	loop_timer_start(seen.loop, &deadline, DEADLINE_MS, 0, expired, NULL);
	loop_run(seen.loop);
	loop_timer_stop(&deadline);
}

static void
happened(const char *what)
{
	if (seen.count + 1 < sizeof seen.order)
		seen.order[seen.count] = *what;
	if (++seen.count >= seen.want)
		loop_stop(seen.loop);
}

static void
on_timer(struct loop_timer *t)
{
	happened(t->arg);
}

static int
set_up(void **state)
{
	(void)state;
	seen.loop = loop_new(0);
	return seen.loop == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	loop_free(&seen.loop);
	return seen.loop != NULL;
}

static void
timers_come_in_order(void **state)
{
	struct loop_timer a = { 0 }, b = { 0 }, c = { 0 }, never = { 0 };
	(void)state;
	loop_timer_start(seen.loop, &c, 60, 0, on_timer, name_of('c'));
	loop_timer_start(seen.loop, &a, 0, 0, on_timer, name_of('a'));
	loop_timer_start(seen.loop, &b, 30, 0, on_timer, name_of('b'));
	loop_timer_start(seen.loop, &never, 10, 0, on_timer, name_of('x'));
	loop_timer_stop(&never);
	assert_false(loop_timer_active(&never));
	assert_true(loop_timer_active(&c));
	run(3);
	assert_string_equal(seen.order, "abc");
	assert_false(loop_timer_active(&a)); /* once means once */
}

static void
starting_again_replaces(void **state)
{
	struct loop_timer a = { 0 }, b = { 0 };
	(void)state;
	loop_timer_start(seen.loop, &a, 0, 0, on_timer, name_of('x'));
	loop_timer_start(seen.loop, &a, 40, 0, on_timer, name_of('a'));
	loop_timer_start(seen.loop, &b, 10, 0, on_timer, name_of('b'));
	run(2);
	assert_string_equal(seen.order, "ba");
	loop_timer_start(seen.loop, &a, 1, 1, on_timer, name_of('r'));
	run(3);
	assert_string_equal(seen.order, "rrr");
	loop_timer_stop(&a);
	loop_timer_stop(&a);
}

static void
waits_at_least_as_long(void **state)
{
	struct loop_timer a = { 0 };
	(void)state;
	int64_t before = clock_ns();
	loop_timer_start(seen.loop, &a, 25, 0, on_timer, name_of('a'));
	run(1);
	assert_true(clock_ns() - before >= 24 * 1000000);
}

static void
on_io(struct loop_io *io, unsigned events)
{
	char byte;
	if ((events & LOOP_READ) != 0 && read(io->ev.fd, &byte, 1) == 1)
		happened(&byte);
	if ((events & LOOP_WRITE) != 0) {
		loop_io_stop(io);
		happened(io->arg);
	}
}

static void
descriptors_are_watched(void **state)
{
	int fds[2];
	struct loop_io in = { 0 }, out = { 0 };
	(void)state;
	assert_int_equal(pipe(fds), 0);
	loop_io_start(seen.loop, &in, fds[0], LOOP_READ, on_io, NULL);
	loop_io_start(seen.loop, &out, fds[1], LOOP_WRITE, on_io, name_of('w'));
	run(1);
	assert_string_equal(seen.order, "w");
	assert_false(loop_io_active(&out));
	assert_int_equal(write(fds[1], "12", 2), 2);
	run(2);
	assert_string_equal(seen.order, "12");
	loop_io_stop(&in);
	loop_io_stop(&in);
	close(fds[0]);
	close(fds[1]);
}

static void
on_signal(struct loop_signal *s)
{
	happened(s->arg);
}

static void
before_sleep(void *arg)
{
	unsigned *turns = arg;
	++*turns;
}

static void
signals_and_turns(void **state)
{
	struct loop_signal usr1 = { 0 };
	unsigned turns = 0;
	(void)state;
	loop_signal_start(seen.loop, &usr1, SIGUSR1, on_signal, name_of('s'));
	loop_before_sleep(seen.loop, before_sleep, &turns);
	assert_int_equal(raise(SIGUSR1), 0);
	run(1);
	assert_string_equal(seen.order, "s");
	assert_true(turns > 0);
	loop_before_sleep(seen.loop, NULL, NULL);
}

int
test_loop(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(timers_come_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(starting_again_replaces, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(waits_at_least_as_long, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(descriptors_are_watched, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(signals_and_turns, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
