/* What the kernel says of an end that is no child's, and of kills for want of memory. */
#include "monitord/process_state.h"

#include "test/unit/folder.h"
#include "test/unit/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static const struct {
	const char *record;
	pid_t pid;
} records[] = {
	{ "3,1,2,-;Out of memory: Killed process 4711 (java) total-vm:1kB", 4711 },
	{ "3,1,2,-;Memory cgroup out of memory: Killed process 12 (a b) x", 12 },
	{ "12,1,2,-;Out of memory: Killed process 4711 (java)", 0 }, /* a user's words */
	{ "3,1,2,-;Killed process (java)", 0 },
	{ "3,1,2,-;Killed process -1 (java)", 0 },
	{ "3,1,2,-;Killed process 99999999999 (java)", 0 },
	{ "3,1,2,-;Killed process 12", 0 },
	{ "3,1,2,-;oom_reaper: reaped process 12 (a)", 0 },
	{ "Killed process 12 (a)", 0 },
	{ ";Killed process 12 (a)", 0 },
	{ "", 0 },
};

static void
reads_the_kernels_log(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(records); i++)
		if (death_oom_victim(records[i].record) != records[i].pid)
			fail_msg("%s: got %d", records[i].record,
				 (int)death_oom_victim(records[i].record));
}

static struct processes owner = { .deaths = { .kmsg = -1 } };

/* A grandchild that ends at a byte on `go`; its parent reaps it at once, or never. */
static struct {
	int go, parent_says;
	pid_t parent;
} kin;

static void
grandchild(int go, int code, int sig)
{
	char byte;
	if (read(go, &byte, 1) != 1)
		_exit(98);
	if (sig != 0)
		kill(getpid(), sig);
	_exit(code);
}

static pid_t
begin(bool reaps, int code, int sig)
{
	int go[2], says[2];
	pid_t pid;
	assert_true(pipe2(go, O_CLOEXEC) == 0 && pipe2(says, O_CLOEXEC) == 0);
	kin.parent = fork();
	if (kin.parent == 0) {
		pid = fork();
		if (pid == 0)
			grandchild(go[0], code, sig);
		close(go[1]); /* so that its end is seen */
		if (write(says[1], &pid, sizeof pid) != sizeof pid ||
		    (reaps && waitpid(pid, NULL, 0) != pid) || write(says[1], "", 1) != 1)
			_exit(99);
		pause();
		_exit(0);
	}
	close(go[0]);
	close(says[1]);
	kin.go = go[1];
	kin.parent_says = says[0];
	assert_int_equal(read(says[0], &pid, sizeof pid), sizeof pid);
	return pid;
}

static struct event
end_of(bool reaps, int code, int sig, struct process *p)
{
	struct event e = { .kind = EVENT_EXITED };
	char byte;
	p->owner = &owner;
	p->pid = begin(reaps, code, sig);
	p->pidfd = pidfd_of(p->pid);
	assert_true(p->pidfd != -1);
	assert_int_equal(write(kin.go, "", 1), 1);
	struct pollfd end = { .fd = p->pidfd, .events = POLLIN };
	assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
	assert_int_equal(read(kin.parent_says, &byte, 1), 1); /* it has reaped */
	death_read(p, &e);
	kill(kin.parent, SIGKILL);
	waitpid(kin.parent, NULL, 0);
	close(p->pidfd);
	close(kin.go);
	close(kin.parent_says);
	return e;
}

static bool
kernel_keeps_it(void)
{
	struct utsname u;
	int major = 0, minor = 0;
	uname(&u);
	sscanf(u.release, "%d.%d", &major, &minor);
	return major > 6 || (major == 6 && minor >= 15);
}

static void
knows_how_strangers_end(void **state)
{
	static const struct {
		int code, signal;
	} ends[] = { { 0, 0 }, { 7, 0 }, { -1, SIGTERM }, { -1, SIGKILL } };
	(void)state;
	for (size_t i = 0; i < 2 * COUNT(ends); i++) {
		struct process p = { .group = -1 };
		bool reaps = i % 2 == 1;
		int code = ends[i / 2].code, sig = ends[i / 2].signal;
		struct event e = end_of(reaps, code, sig, &p);
		if (reaps && !kernel_keeps_it())
			code = -1, sig = 0;
		if (e.code != code || e.signal != sig || e.oom_killed || e.core_dumped)
			fail_msg("expected %d/%d, got %d/%d", code, sig, e.code,
				 e.signal);
	}
}

static void
counts_kills_for_memory(void **state)
{
	static const struct {
		const char *events;
		long kills;
	} texts[] = {
		{ "low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\noom_group_kill 0\n", 2 },
		{ "low 0\noom 3\n", -1 },
		{ "", -1 },
	};
	struct process p = { .oom_kills = 2 };
	(void)state;
	assert_int_equal(mkdir(folder_path("svc"), 0755), 0);
	p.group = open(folder_path("svc"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(cgroup_oom_kills(p.group), -1);
	for (size_t i = 0; i < COUNT(texts); i++) {
		folder_write("svc/memory.events", texts[i].events);
		assert_true(cgroup_oom_kills(p.group) == texts[i].kills);
	}
	folder_write("svc/memory.events", "low 0\noom_kill 3\n");
	assert_true(end_of(false, 0, SIGKILL, &p).oom_killed);
	assert_false(end_of(false, 0, SIGTERM, &p).oom_killed);
	p.oom_kills = 3; /* none since its start: somebody else's SIGKILL */
	assert_false(end_of(false, 0, SIGKILL, &p).oom_killed);
	close(p.group);
}

static void
believes_the_kernels_log_once(void **state)
{
	struct process p = { .group = -1 };
	(void)state;
	owner.deaths.victims[5] = p.pid = begin(false, 0, SIGKILL);
	p.owner = &owner;
	p.pidfd = pidfd_of(p.pid);
	assert_int_equal(write(kin.go, "", 1), 1);
	struct pollfd end = { .fd = p.pidfd, .events = POLLIN };
	assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
	for (int i = 0; i < 2; i++) {
		struct event e = { .kind = EVENT_EXITED };
		death_read(&p, &e);
		assert_int_equal(e.signal, SIGKILL);
		assert_int_equal(e.oom_killed, i == 0);
	}
	kill(kin.parent, SIGKILL);
	waitpid(kin.parent, NULL, 0);
	close(p.pidfd);
	close(kin.go);
	close(kin.parent_says);
}

int
test_death(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_kernels_log),
		cmocka_unit_test(knows_how_strangers_end),
		cmocka_unit_test_setup_teardown(counts_kills_for_memory, folder_make,
						folder_remove),
		cmocka_unit_test(believes_the_kernels_log_once),
	};
	return cmocka_run_group_tests_name("death", tests, NULL, NULL);
}
