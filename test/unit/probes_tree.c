#include "probes/tree.h"

#include "base/text.h"
#include "probes/commands.h"
#include "test/unit/probes.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXTRA 40 /* descriptors */

/* Field n of /proc/PID/stat (proc(5)), n > 2. */
static unsigned long long
stat_field(pid_t pid, int n)
{
	char path[64], line[2048];
	text_print(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	fclose(f);
	char *at = strrchr(line, ')') + 1;
	for (; n > 3; n--)
		at = strchr(at + 1, ' ');
	return strtoull(at, NULL, 10);
}

/* A child that waits for its end, or has ended and is not reaped. */
static pid_t
child(bool ends)
{
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	alarm(60); /* whatever becomes of the test */
	while (!ends)
		pause();
	_exit(0);
}

static void
await_zombie(pid_t pid)
{
	siginfo_t info;
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void
reap(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void
sees_this_process_as_the_kernel_does(void **state)
{
	struct tree *t = tree_new();
	(void)state;
	assert_non_null(t);
	for (volatile unsigned i = 0; i < 60000000; i++) /* some ticks of CPU */
		continue;
	tree_begin(t);
	tree_want(t, getpid());
	tree_want(t, 0);
	assert_true(tree_look(t, false, 1000000000));
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	const struct tree_process *p = tree_find(t, getpid());
	assert_non_null(p);
	assert_int_equal(p->pid, getpid());
	assert_int_equal(p->parent, getppid());
	assert_int_equal(p->start_ticks, stat_field(getpid(), 22));
	assert_int_equal(p->threads, 1);
	assert_false(p->zombie);
	uint64_t hertz = (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t ticks =
		(uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * hertz +
		(uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * hertz / 1000000;
	assert_in_range(p->cpu_ticks, 1, ticks + 1);
	assert_true(p->cpu_ticks + 5 > ticks); /* what came since was less than 50 ms */
	assert_in_range(p->memory, (uint64_t)u.ru_maxrss * 512,
			(uint64_t)u.ru_maxrss * 2048);
	assert_null(tree_find(t, getppid())); /* nobody wanted it */
	tree_begin(t);
	assert_true(tree_look(t, false, 1000000000));
	assert_null(tree_find(t, getpid())); /* nor this any more */
	tree_free(&t);
	assert_null(t);
}

static void
counts_descriptors(void **state)
{
	int fds[EXTRA], before = tree_fds(getpid());
	(void)state;
	assert_true(before > 2);
	for (int i = 0; i < EXTRA; i++)
		assert_true((fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0);
	assert_int_equal(tree_fds(getpid()), before + EXTRA);
	for (int i = 0; i < EXTRA; i++)
		close(fds[i]);
	assert_int_equal(tree_fds(getpid()), before);
	pid_t gone = child(true);
	waitpid(gone, NULL, 0);
	assert_int_equal(tree_fds(gone), -1);
}

/* More than libproc2 takes at once, of which some have gone. */
static void
looks_at_many(void **state)
{
	enum { MANY = 300 };
	static pid_t pids[MANY];
	struct tree *t = tree_new();
	(void)state;
	tree_begin(t);
	for (int i = 0; i < MANY; i++) {
		pids[i] = child(false);
		tree_want(t, pids[i]);
	}
	for (int i = 0; i < MANY; i += 2)
		reap(pids[i]);
	assert_true(tree_look(t, false, 1000000000));
	for (int i = 0; i < MANY; i++) {
		const struct tree_process *p = tree_find(t, pids[i]);
		assert_int_equal(p != NULL, i % 2);
		if (p == NULL)
			continue;
		assert_int_equal(p->parent, getpid());
		assert_int_equal(p->start_ticks, stat_field(pids[i], 22));
		reap(pids[i]);
	}
	tree_free(&t);
}

static void
sums_what_is_below(void **state)
{
	struct tree *t = tree_new();
	struct tree_sum sum;
	int told[2];
	(void)state;
	tree_begin(t);
	assert_true(tree_look(t, true, 1000000000));
	tree_below(t, getpid(), &sum);
	assert_int_equal(sum.count, 0);
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	pid_t parent = fork();
	if (parent == 0) { /* with a child that waits and one that has ended */
		pid_t pids[2] = { child(false), child(true) };
		await_zombie(pids[1]);
		assert_int_equal(write(told[1], pids, sizeof pids), sizeof pids);
		alarm(60);
		pause();
		_exit(0);
	}
	pid_t grand[2];
	assert_int_equal(read(told[0], grand, sizeof grand), sizeof grand);
	tree_begin(t);
	assert_true(tree_look(t, true, 1000000000));
	tree_below(t, getpid(), &sum);
	assert_int_equal(sum.count, 3);
	assert_int_equal(sum.zombies, 1);
	assert_true(sum.memory > 0);
	tree_below(t, parent, &sum);
	assert_int_equal(sum.count, 2);
	tree_below(t, grand[0], &sum);
	assert_int_equal(sum.count, 0);
	kill(grand[0], SIGKILL);
	reap(parent);
	close(told[0]);
	close(told[1]);
	tree_free(&t);
}

/* sleep, under a name of its own. */
static pid_t
sleeper(const char *name)
{
	int told[2];
	char byte;
	assert_int_equal(pipe2(told, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/sleep", name, "60", (char *)NULL);
		_exit(127);
	}
	close(told[1]);
	assert_int_equal(read(told[0], &byte, 1), 0); /* it has become what it is to be */
	close(told[0]);
	return pid;
}

struct search {
	struct loop *loop;
	struct commands *commands;
	struct match *match;
	const uid_t *owner;
	struct commands_process found;
	bool done;
};

static void
on_commands(void *arg, const struct commands_read *r)
{
	struct search *s = arg;
	s->found = commands_match(r, s->match, s->owner);
	s->done = true;
	loop_stop(s->loop);
}

static void
expired(struct loop_timer *t)
{
	loop_stop(t->arg);
}

/* 0: none. */
static pid_t
matching(struct search *s, const char *regex)
{
	struct loop_timer limit = { 0 };
	s->match = match_new(regex);
	s->done = false;
	assert_non_null(s->match);
	commands_ask(s->commands, on_commands, s);
	loop_timer_start(s->loop, &limit, 30000, 0, expired, s->loop);
	loop_run(s->loop);
	loop_timer_stop(&limit);
	assert_true(s->done);
	match_free(&s->match);
	return s->found.pid;
}

static void
finds_the_oldest_that_matches(void **state)
{
	static struct search s; /* its threads stay */
	char name[64], whole[80], other[80];
	(void)state;
	s.loop = loop_new(0);
	s.commands = commands_new(s.loop, workers_new(s.loop));
	assert_non_null(s.commands);
	text_print(name, sizeof name, "monitord-test-%d", (int)getpid());
	text_print(whole, sizeof whole, "^%s 60$", name);
	text_print(other, sizeof other, "%s[^ ]", name);
	assert_int_equal(matching(&s, whole), 0);
	pid_t first = sleeper(name);
	unsigned long long began = stat_field(first, 22);
	pid_t second = sleeper(name);
	while (stat_field(second, 22) == began) { /* a tick lies between them */
		reap(second);
		second = sleeper(name);
	}
	assert_int_equal(matching(&s, whole), first);
	assert_int_equal(s.found.start_ticks, began);
	assert_int_equal(matching(&s, other), 0);
	uid_t own = geteuid(), another = own + 1;
	s.owner = &own;
	assert_int_equal(matching(&s, whole), first);
	s.owner = &another;
	assert_int_equal(matching(&s, whole), 0);
	s.owner = NULL;
	kill(first, SIGKILL);
	await_zombie(first); /* a dead one is none */
	assert_int_equal(matching(&s, whole), second);
	reap(first);
	reap(second);
}

/* All threads wait elsewhere for longer than anybody is patient with a process. */
static struct stuck {
	struct work work;
	int from;
} stuck[WORKERS_MAX];

static void
wait_for_end(struct work *w)
{
	char byte;
	ssize_t n = read(((struct stuck *)w)->from, &byte, 1);
	assert_int_equal(n, 0);
}

static void
let_it_be(struct work *w)
{
	(void)w;
}

static void
let_them_go(struct loop_timer *t)
{
	close(*(int *)t->arg);
}

static void
finds_when_all_threads_wait(void **state)
{
	static struct search s;
	struct loop_timer release = { 0 };
	char name[64], whole[80];
	int ends[2];
	(void)state;
	s.loop = loop_new(0);
	struct workers *workers = workers_new(s.loop);
	s.commands = commands_new(s.loop, workers);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		stuck[i] = (struct stuck){ { .run = wait_for_end, .done = let_it_be },
					   ends[0] };
		workers_give(workers, &stuck[i].work);
	}
	text_print(name, sizeof name, "monitord-stuck-%d", (int)getpid());
	text_print(whole, sizeof whole, "^%s 60$", name);
	pid_t pid = sleeper(name);
	loop_timer_start(s.loop, &release, 1000, 0, let_them_go, &ends[1]);
	assert_int_equal(matching(&s, whole), pid);
	reap(pid);
	close(ends[0]);
}

static void
on_refused(void *arg, const struct commands_read *r)
{
	struct search *s = arg;
	s->done = true;
	assert_int_equal(commands_error(r), EMFILE);
	loop_stop(s->loop);
}

static void
knows_that_it_could_not_look(void **state)
{
	static struct search s;
	struct loop_timer limit = { 0 };
	struct rlimit before, none;
	(void)state;
	s.loop = loop_new(0);
	s.commands = commands_new(s.loop, workers_new(s.loop));
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	int free_one = open("/dev/null", O_RDONLY | O_CLOEXEC);
	none.rlim_cur = (rlim_t)free_one;
	close(free_one);
	loop_timer_start(s.loop, &limit, 30000, 0, expired, s.loop);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	commands_ask(s.commands, on_refused, &s);
	loop_run(s.loop);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	loop_timer_stop(&limit);
	assert_true(s.done);
}

int
test_probes_tree(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sees_this_process_as_the_kernel_does),
		cmocka_unit_test(counts_descriptors),
		cmocka_unit_test(looks_at_many),
		cmocka_unit_test(sums_what_is_below),
		cmocka_unit_test(finds_the_oldest_that_matches),
		cmocka_unit_test(finds_when_all_threads_wait),
		cmocka_unit_test(knows_that_it_could_not_look),
	};
	return cmocka_run_group_tests_name("probes_tree", tests, NULL, NULL);
}
