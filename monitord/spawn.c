#include "monitord/spawn.h"

#include "base/text.h"
#include "monitord/envfile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HIGH_FD (LOCK_FD + 1) /* from here on: out of the way of what the service gets */
static_assert(LOCK_FD > READY_FD_MOST, "the lock in the way of what the service asked for");
#define ENV_MAX 512
#define ARGV_MAX 1025
#define LIMITS_MAX 16

/* All that the child reads: the rules' arena is not there in it (MADV_DONTFORK). */
struct packed {
	char *argv[ARGV_MAX];
	char *env[ENV_MAX];
	size_t env_count;
	char *dir;
	struct limit limits[LIMITS_MAX];
	uint32_t limit_count;
	int umask, nice;
	bool nice_set;
	char *env_file; /* NULL: none */
	int oom_score;
	bool oom_score_set;
	pid_t parent;
	int ready; /* the descriptor's number in the service */
	struct account account;
	size_t used;
	char bytes[256 * 1024];
};

static struct rlimit files_limit; /* as we were started */

enum step {
	STEP_SETUP, STEP_LIMITS, STEP_ENV_FILE, STEP_USER, STEP_DIR, STEP_EXEC, STEP_INTERPRETER,
	STEPS
};

int
pidfd_of(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int
pidfd_kill(int pidfd, int signal)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

uint64_t
process_start_ticks(pid_t pid, bool want_alive)
{
	char path[64], text[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return 0;
	ssize_t n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	char *p = strrchr(text, ')');
	if (p == NULL || (want_alive && (p[2] == 'Z' || p[2] == 'X')))
		return 0;
	for (int field = 2; field < 22 && p != NULL; field++)
		p = strchr(p + 1, ' ');
	return p != NULL ? strtoull(p + 1, NULL, 10) : 0;
}

/* ---- on both sides of the clone: no allocation ---- */

/* A copy in p; NULL once p is full. */
static char *
keep(struct packed *p, const char *text)
{
	size_t n = strlen(text) + 1;
	if (sizeof p->bytes - p->used < n)
		return NULL;
	char *copy = p->bytes + p->used;
	memcpy(copy, text, n);
	p->used += n;
	return copy;
}

static bool
set_env(struct packed *p, const char *text)
{
	size_t name = strcspn(text, "=") + 1, k = 0;
	char *copy;
	while (k < p->env_count && strncmp(p->env[k], text, name) != 0)
		k++;
	if (k >= ENV_MAX - 1 || (copy = keep(p, text)) == NULL)
		return false;
	p->env[k] = copy; /* the later one replaces the earlier */
	p->env_count += k == p->env_count;
	return true;
}

/* ---- in the child: async-signal-safe calls only, no memory of the arena ---- */

static int failure_fd; /* the child's */

static void
fail(enum step step)
{
	struct spawn_failure f = { .error = errno, .step = step };
	if (write(failure_fd, &f, sizeof f) < 0)
		_exit(126);
	_exit(127);
}

static void
reset_signals(void)
{
	/* by raw calls: the C library keeps 32 and 33 for itself, and refuses them; all zero is
	 * SIG_DFL with no flags, no restorer and an empty mask */
	unsigned long dfl[4] = { 0 };
	sigset_t none;
	for (int s = 1; s < NSIG; s++)
		syscall(SYS_rt_sigaction, s, dfl, NULL, (size_t)8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* pid and start ticks, by the child itself: no window between its life and its record */
static void
write_record(int fd)
{
	struct {
		int64_t pid;
		uint64_t ticks;
	} r;
	r.pid = (int64_t)syscall(SYS_getpid);
	r.ticks = process_start_ticks((pid_t)r.pid, false);
	if (pwrite(fd, &r, sizeof r, 0) != (ssize_t)sizeof r)
		fail(STEP_SETUP);
}

/* Closes all but what the service gets, and the one that exec closes. */
static void
close_rest(int ready, int lock)
{
	int keep[3] = { ready, lock, failure_fd }; /* in this order; -1: none */
	unsigned first = 3;
	for (int i = 0; i < 3; i++) {
		if (keep[i] == -1)
			continue;
		if ((unsigned)keep[i] > first)
			syscall(SYS_close_range, first, (unsigned)keep[i] - 1, 0);
		first = (unsigned)keep[i] + 1;
	}
	syscall(SYS_close_range, first, ~0u, 0);
}

static void
set_fds(const struct spawn *s, const struct packed *p, int failure, int null)
{
	int to[5] = { 0, 1, 2, s->lock == -1 ? -1 : LOCK_FD, s->ready == -1 ? -1 : p->ready };
	int fds[5] = { s->in, s->out, s->err, s->lock, s->ready };
	for (int i = 0; i < 5; i++) { /* out of the way of the targets first */
		int from = fds[i] != -1 ? fds[i] : i < 3 ? null : -1;
		fds[i] = from != -1 ? fcntl(from, F_DUPFD_CLOEXEC, HIGH_FD) : -1;
		if (fds[i] == -1 && from != -1)
			_exit(126);
	}
	failure_fd = fcntl(failure, F_DUPFD_CLOEXEC, HIGH_FD);
	if (failure_fd == -1)
		_exit(126);
	for (int i = 0; i < 5; i++)
		if (fds[i] != -1 && dup3(fds[i], to[i], 0) == -1)
			_exit(126);
	close_rest(to[4], to[3]);
}

static void
set_oom_score(int score)
{
	char text[16];
	int n = snprintf(text, sizeof text, "%d", score);
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd == -1 || write(fd, text, (size_t)n) != n)
		fail(STEP_LIMITS);
	close(fd);
}

/* Here and not in monitord: the file's disk may be slow. */
static void
read_env_file(struct packed *p)
{
	static char text[ENVFILE_MAX];
	char *at = text, *line;
	bool good;
	if (envfile_read(p->env_file, p->account.uid, text) == -1)
		fail(STEP_ENV_FILE);
	while ((line = envfile_next(&at, &good)) != NULL)
		if (!set_env(p, line)) {
			errno = E2BIG;
			fail(STEP_ENV_FILE);
		}
	if (!good) {
		errno = EINVAL;
		fail(STEP_ENV_FILE);
	}
	p->env[p->env_count] = NULL;
}

static void
child(const struct spawn *s, struct packed *p, int failure, int null)
{
	failure_fd = failure;
	reset_signals();
	setsid();
	if (s->record != -1)
		write_record(s->record);
	set_fds(s, p, failure, null);
	umask((mode_t)p->umask);
	if (files_limit.rlim_max != 0)
		setrlimit(RLIMIT_NOFILE, &files_limit);
	for (uint32_t i = 0; i < p->limit_count; i++) {
		struct rlimit l = { p->limits[i].value, p->limits[i].value };
		if (p->limits[i].value == UINT64_MAX)
			l.rlim_cur = l.rlim_max = RLIM_INFINITY;
		if (setrlimit((__rlimit_resource_t)p->limits[i].resource, &l) != 0)
			fail(STEP_LIMITS);
	}
	if (p->nice_set && setpriority(PRIO_PROCESS, 0, p->nice) != 0)
		fail(STEP_LIMITS);
	if (p->oom_score_set)
		set_oom_score(p->oom_score);
	if (p->env_file != NULL)
		read_env_file(p);
	if (!account_become(&p->account))
		fail(STEP_USER);
	if (s->dies_with_us && /* after the change of user, which clears it */
	    (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != p->parent))
		_exit(126);
	if (chdir(p->dir) != 0)
		fail(STEP_DIR);
	execve(p->argv[0], p->argv, p->env);
	if (errno == ENOENT && access(p->argv[0], F_OK) == 0) {
		errno = ENOENT; /* the file is there: its first line names one that is not */
		fail(STEP_INTERPRETER);
	}
	fail(STEP_EXEC);
}

/* ---- in monitord ---- */

static void
set_own(struct packed *p, const char *name, const char *value)
{
	char text[400];
	text_print(text, sizeof text, "%s=%s", name, value);
	set_env(p, text);
}

static bool
pack(const struct spawn *s, struct packed *p)
{
	static const struct account own;
	const struct service *c = s->service;
	const struct account *a = s->account != NULL ? s->account : &own;
	bool has = a->set && a->name[0] != '\0';
	const char *home = getenv("HOME"), *user = getenv("USER");
	size_t n = 0;
	p->used = p->env_count = 0;
	p->account = *a;
	p->dir = keep(p, s->dir != NULL ? s->dir : c != NULL && c->dir != NULL ? c->dir : "/");
	for (; s->argv[n] != NULL && n < ARGV_MAX - 1; n++)
		if ((p->argv[n] = keep(p, s->argv[n])) == NULL)
			return false;
	p->argv[n] = NULL;
	set_own(p, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	set_own(p, "HOME", has ? a->home : home != NULL ? home : "/");
	set_own(p, "USER", has ? a->name : user != NULL ? user : "root");
	set_own(p, "LOGNAME", has ? a->name : user != NULL ? user : "root");
	set_own(p, "SHELL", has ? a->shell : "/bin/sh");
	if (s->notify != NULL)
		set_own(p, "NOTIFY_SOCKET", s->notify);
	for (uint32_t i = 0; c != NULL && i < c->env.count; i++)
		if (!set_env(p, c->env.texts[i]))
			return false;
	p->env[p->env_count] = NULL;
	p->limit_count = c != NULL && c->limit_count < LIMITS_MAX ? c->limit_count : 0;
	if (p->limit_count > 0)
		memcpy(p->limits, c->limits, p->limit_count * sizeof *p->limits);
	p->umask = c != NULL && c->umask >= 0 ? c->umask : 022;
	p->nice_set = c != NULL && c->nice_set;
	p->nice = p->nice_set ? c->nice : 0;
	p->env_file = c != NULL && c->env_file != NULL ? keep(p, c->env_file) : NULL;
	p->oom_score_set = c != NULL && c->oom_score_set;
	p->oom_score = p->oom_score_set ? c->oom_score : 0;
	p->parent = getpid();
	p->ready = c != NULL ? c->ready.fd : 0;
	return true;
}

void
spawn_files(const struct rlimit *files)
{
	files_limit = *files;
}

bool
spawn(const struct spawn *s, struct spawned *out)
{
	static struct packed packed;
	int fds[2] = { -1, -1 }, pidfd = -1, null = -1, error;
	if (!pack(s, &packed)) {
		errno = E2BIG;
		return false;
	}
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null == -1 || pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		goto failed;
	struct clone_args args = { .flags = CLONE_PIDFD, .exit_signal = SIGCHLD };
	args.pidfd = (uintptr_t)&pidfd;
	if (s->cgroup != -1) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned)s->cgroup;
	}
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
	if (pid == 0)
		child(s, &packed, fds[1], null);
	if (pid == -1)
		goto failed;
	close(fds[1]);
	close(null);
	*out = (struct spawned){ .pid = pid, .pidfd = pidfd, .failure = fds[0] };
	return true;
failed:
	error = errno;
	if (null != -1)
		close(null);
	if (fds[0] != -1)
		close(fds[0]);
	if (fds[1] != -1)
		close(fds[1]);
	errno = error;
	return false;
}

void
spawn_failure_text(const struct spawn_failure *f, const char *program, char *out, size_t cap)
{
	static const char *const steps[STEPS] = {
		[STEP_SETUP] = "preparing",
		[STEP_LIMITS] = "setting limits of",
		[STEP_ENV_FILE] = "the env-file of",
		[STEP_USER] = "the user of",
		[STEP_DIR] = "the folder (dir) of",
		[STEP_EXEC] = "running",
		[STEP_INTERPRETER] = "the interpreter of",
	};
	text_print(out, cap, "%s %s: %s", f->step >= 0 && f->step < STEPS ? steps[f->step] : "starting",
		   program, strerror(f->error));
}
