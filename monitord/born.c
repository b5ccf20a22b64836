/* Between clone and exec. The child may share our memory: raw calls only, but for what is done
 * in a copy (spawn.c: is_plain). */
#include "monitord/born.h"

#include "monitord/envfile.h"
#include "monitord/logfile.h"
#include "monitord/raw.h"
#include "monitord/spawn.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1)
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif
#define HIGH_FD (LOCK_FD + 1) /* from here on: out of the way of what the service gets */
static_assert(LOCK_FD > READY_FD_MOST, "the lock in the way of what the service asked for");

#define CALL0(name) raw_call(SYS_##name, 0, 0, 0, 0, 0)
#define CALL1(name, a) raw_call(SYS_##name, (long)(a), 0, 0, 0, 0)
#define CALL2(name, a, b) raw_call(SYS_##name, (long)(a), (long)(b), 0, 0, 0)
#define CALL3(name, a, b, c) raw_call(SYS_##name, (long)(a), (long)(b), (long)(c), 0, 0)
#define CALL4(name, a, b, c, d)                                                                    \
	raw_call(SYS_##name, (long)(a), (long)(b), (long)(c), (long)(d), 0)

char *
born_keep(struct born *b, const char *text)
{
	size_t n = strlen(text) + 1;
	if (sizeof b->bytes - b->used < n)
		return NULL;
	char *copy = b->bytes + b->used;
	memcpy(copy, text, n);
	b->used += n;
	return copy;
}

bool
born_set_env(struct born *b, const char *text)
{
	size_t name = strcspn(text, "=") + 1, k = 0;
	char *copy;
	while (k < b->env_count && strncmp(b->env[k], text, name) != 0)
		k++;
	if (k >= BORN_ENV - 1 || (copy = born_keep(b, text)) == NULL)
		return false;
	b->env[k] = copy; /* the later one replaces the earlier */
	b->env_count += k == b->env_count;
	return true;
}

/* ---- in the child ---- */

static noreturn void
leave(int code)
{
	for (;;)
		CALL1(exit_group, code);
}

static noreturn void
fail(struct born *b, enum born_step step, long error)
{
	struct spawn_failure f = { .error = (int)-error, .step = step };
	if (b->failure == -1) {
		b->failed = f;
		leave(127);
	}
	leave(CALL3(write, b->failure, &f, sizeof f) < 0 ? 126 : 127);
}

/* Its own table begins with what lies up to the one descriptor that it needs: of hundreds none
 * is copied at the clone, nor closed at the exec. Before this call it touches none. */
static void
leave_files(struct born *b)
{
	if (CALL3(close_range, b->in + 1, ~0u, CLOSE_RANGE_UNSHARE) == 0)
		return;
	long error = CALL1(unshare, CLONE_FILES); /* before Linux 5.9 */
	if (error != 0)
		fail(b, STEP_SETUP, error);
}

/* All zero is SIG_DFL with no flags, no restorer and an empty mask. By raw calls, as the C
 * library keeps 32 and 33 for itself, and refuses them. */
static void
reset_signals(const struct born *b)
{
	unsigned long dfl[4] = { 0 };
	uint64_t none = 0;
	for (int s = 1; s <= 64; s++)
		if ((b->ignored >> (s - 1) & 1) != 0)
			CALL4(rt_sigaction, s, dfl, NULL, 8);
	CALL4(rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
}

/* pid and start ticks, by the child itself: no window between its life and its record */
static void
write_record(struct born *b)
{
	struct {
		int64_t pid;
		uint64_t ticks;
	} r;
	r.pid = CALL0(getpid);
	r.ticks = process_start_ticks((pid_t)r.pid, false);
	long n = CALL4(pwrite64, b->record, &r, sizeof r, 0);
	if (n != (long)sizeof r)
		fail(b, STEP_SETUP, n < 0 ? n : -ENOSPC);
}

/* Before Linux 5.11: closes all but what the service gets, and the one that exec closes. */
static void
close_rest(int ready, int lock, int failure)
{
	int keep[3] = { ready, lock, failure }; /* in this order; -1: none */
	unsigned first = 3;
	for (int i = 0; i < 3; i++) {
		if (keep[i] == -1)
			continue;
		if ((unsigned)keep[i] > first)
			CALL3(close_range, first, keep[i] - 1, 0);
		first = (unsigned)keep[i] + 1;
	}
	CALL3(close_range, first, ~0u, 0);
}

/* Whether a descriptor has a number that another is to get, or that it must have already. */
static bool
in_the_way(const int *from, const int *to, int failure)
{
	for (int i = 0; i < 5; i++)
		for (int k = 0; from[i] != -1 && k < 5; k++)
			if (from[i] == to[k] || (failure != -1 && failure == to[k]))
				return true;
	return false;
}

static void
set_fds(struct born *b)
{
	int to[5] = { 0, 1, 2, b->lock == -1 ? -1 : b->lock_at,
		      b->ready == -1 ? -1 : b->ready_at };
	int from[5] = { b->in, b->out, b->err, b->lock, b->ready };
	if (in_the_way(from, to, b->failure)) {
		for (int i = 0; i < 5; i++) {
			if (from[i] == -1)
				continue;
			from[i] = (int)CALL3(fcntl, from[i], F_DUPFD_CLOEXEC, HIGH_FD);
			if (from[i] < 0)
				leave(126);
		}
		if (b->failure != -1)
			b->failure =
				(int)CALL3(fcntl, b->failure, F_DUPFD_CLOEXEC, HIGH_FD);
		if (b->failure < -1)
			leave(126);
	}
	/* exec closes all others: ours are marked so anyway, and now those that were left to us */
	bool marked = CALL3(close_range, 3, ~0u, CLOSE_RANGE_CLOEXEC) == 0;
	for (int i = 0; i < 5; i++)
		if (from[i] != -1 && CALL3(dup3, from[i], to[i], 0) < 0)
			leave(126);
	if (!marked)
		close_rest(to[4], to[3], b->failure);
}

static void
set_oom_score(struct born *b)
{
	char text[16];
	int n = snprintf(text, sizeof text, "%d", b->oom_score);
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd == -1 || write(fd, text, (size_t)n) != n)
		fail(b, STEP_LIMITS, -errno);
	close(fd);
}

/* Here and not in monitord: the file's disk may be slow. */
static void
read_env_file(struct born *b)
{
	static char text[ENVFILE_MAX];
	char *at = text, *line;
	bool good;
	/* what its groups may read, and not what root's may */
	if (b->root && b->account.set)
		CALL2(setgroups, b->account.group_count, b->account.groups);
	if (envfile_read(b->env_file, &b->account, text) == -1)
		fail(b, STEP_ENV_FILE, -errno);
	while ((line = envfile_next(&at, &good)) != NULL)
		if (!born_set_env(b, line))
			fail(b, STEP_ENV_FILE, -E2BIG);
	if (!good)
		fail(b, STEP_ENV_FILE, -EINVAL);
	b->env[b->env_count] = NULL;
}

/* Here and not in monitord: it lies on a mount that may hang. */
static void
open_log(struct born *b)
{
	int fd = logfile_open(b->log, &b->account);
	if (fd == -1 || dup2(fd, 1) == -1 || dup2(fd, 2) == -1)
		fail(b, STEP_LOG, -errno);
	close(fd);
}

static void
set_limits(struct born *b)
{
	long error = 0;
	struct rlimit64 files = { b->files.rlim_cur, b->files.rlim_max };
	if (files.rlim_max != 0)
		CALL4(prlimit64, 0, RLIMIT_NOFILE, &files, NULL);
	for (uint32_t i = 0; error == 0 && i < b->limit_count; i++) {
		struct rlimit64 l = { b->limits[i].value, b->limits[i].value };
		if (b->limits[i].value == UINT64_MAX)
			l.rlim_cur = l.rlim_max = RLIM64_INFINITY;
		error = CALL4(prlimit64, 0, b->limits[i].resource, &l, NULL);
	}
	if (error == 0 && b->nice_set)
		error = CALL3(setpriority, PRIO_PROCESS, 0, b->nice);
	if (error != 0)
		fail(b, STEP_LIMITS, error);
	if (b->oom_score_set)
		set_oom_score(b);
}

/* As account_become; of this process only, as the threads that the C library would ask are
 * none of its own. */
static void
become(struct born *b)
{
	const struct account *a = &b->account;
	long error = 0;
	if (!a->set)
		return;
	if (!b->root) {
		if (a->uid != (uid_t)CALL0(geteuid) || a->gid != (gid_t)CALL0(getegid))
			error = -EPERM;
	} else {
		error = CALL2(setgroups, a->group_count, a->groups);
		if (error == 0)
			error = CALL3(setresgid, a->gid, a->gid, a->gid);
		if (error == 0)
			error = CALL3(setresuid, a->uid, a->uid, a->uid);
	}
	if (error != 0)
		fail(b, STEP_USER, error);
}

void
born(void *arg)
{
	struct born *b = arg;
	long error;
	if (b->shares_files)
		leave_files(b);
	reset_signals(b);
	CALL0(setsid);
	if (b->record != -1)
		write_record(b);
	set_fds(b);
	CALL1(umask, b->umask);
	set_limits(b);
	if (b->env_file != NULL)
		read_env_file(b);
	if (b->log != NULL)
		open_log(b);
	become(b);
	if (b->dies_with_us && /* after the change of user, which clears it */
	    (CALL2(prctl, PR_SET_PDEATHSIG, SIGKILL) != 0 || CALL0(getppid) != b->parent))
		leave(126);
	error = CALL1(chdir, b->dir);
	if (error != 0)
		fail(b, STEP_DIR, error);
	error = CALL3(execve, b->argv[0], b->argv, b->env);
	/* the file is there: its first line names one that is not */
	bool there =
		error == -ENOENT && CALL4(faccessat, AT_FDCWD, b->argv[0], F_OK, 0) == 0;
	fail(b, there ? STEP_INTERPRETER : STEP_EXEC, error);
}
