#include "monitord/spawn.h"

#include "base/text.h"
#include "monitord/born.h"
#include "monitord/nursery.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD /* before glibc 2.36 */
#define P_PIDFD 3
#endif

static struct {
	pid_t pid; /* 0: not begun */
	bool root;
	struct rlimit files;
	uint64_t ignored;
	int null;
} own = { .ignored = ~UINT64_C(0), .null = -1 };

int
pidfd_of(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

uint64_t
pidfd_identity(int pidfd)
{
	static enum { UNASKED, NONE, UNIQUE } has;
	struct statfs fs;
	struct stat st;
	if (has == UNASKED)
		has = fstatfs(pidfd, &fs) == 0 && fs.f_type == 0x50494446 ? UNIQUE : NONE;
	return has == UNIQUE && fstat(pidfd, &st) == 0 ? st.st_ino : 0;
}

int
pidfd_kill(int pidfd, int signal)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int
pidfd_wait(int pidfd, siginfo_t *info, int options)
{
	return waitid((idtype_t)P_PIDFD, (id_t)pidfd, info, options);
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

/* ---- clone ---- */

static pid_t
clone_copying(struct clone_args *args, struct born *b)
{
	b->ignored = ~UINT64_C(0); /* all of them: handlers are there in it as well */
	pid_t pid = (pid_t)syscall(SYS_clone3, args, sizeof *args);
	if (pid == 0)
		born(b);
	return pid;
}

/* ---- before it ---- */

static void
set_own(struct born *b, const char *name, const char *value)
{
	char bytes[400];
	struct text text;
	text_begin(&text, bytes, sizeof bytes);
	text_put(&text, name);
	text_put(&text, "=");
	text_put(&text, value);
	born_set_env(b, bytes);
}

static bool
pack_words(const struct spawn *s, struct born *b)
{
	const struct service *c = s->service;
	const struct account *a = &b->account;
	bool has = a->set && a->name[0] != '\0';
	const char *home = getenv("HOME"), *user = getenv("USER");
	size_t n = 0;
	b->used = b->env_count = 0;
	b->dir = born_keep(b, s->dir != NULL                ? s->dir
			      : c != NULL && c->dir != NULL ? c->dir
							    : "/");
	for (; s->argv[n] != NULL && n < BORN_ARGV - 1; n++)
		if ((b->argv[n] = born_keep(b, s->argv[n])) == NULL)
			return false;
	b->argv[n] = NULL;
	set_own(b, "PATH",
		"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	set_own(b, "HOME", has ? a->home : home != NULL ? home : "/");
	set_own(b, "USER", has ? a->name : user != NULL ? user : "root");
	set_own(b, "LOGNAME", has ? a->name : user != NULL ? user : "root");
	set_own(b, "SHELL", has ? a->shell : "/bin/sh");
	if (s->notify != NULL)
		set_own(b, "NOTIFY_SOCKET", s->notify);
	for (size_t i = 0; s->env != NULL && s->env[i] != NULL; i++)
		if (!born_set_env(b, s->env[i]))
			return false;
	for (uint32_t i = 0; c != NULL && i < c->env.count; i++)
		if (!born_set_env(b, c->env.texts[i]))
			return false;
	b->env[b->env_count] = NULL;
	b->env_file = c != NULL && c->env_file != NULL ? born_keep(b, c->env_file) : NULL;
	b->log = s->log != NULL ? born_keep(b, s->log) : NULL;
	return true;
}

static void
pack_settings(const struct spawn *s, struct born *b)
{
	const struct service *c = s->service;
	b->limit_count = c != NULL && c->limit_count < BORN_LIMITS ? c->limit_count : 0;
	if (b->limit_count > 0)
		memcpy(b->limits, c->limits, b->limit_count * sizeof *b->limits);
	b->files = own.files;
	b->umask = c != NULL && c->umask >= 0 ? c->umask : 022;
	b->nice_set = c != NULL && c->nice_set;
	b->nice = b->nice_set ? c->nice : 0;
	b->oom_score_set = c != NULL && c->oom_score_set;
	b->oom_score = b->oom_score_set ? c->oom_score : 0;
	b->dies_with_us = s->dies_with_us;
	b->parent = own.pid != 0 ? own.pid : getpid();
	b->root = own.pid != 0 ? own.root : geteuid() == 0;
	b->ignored = own.ignored;
}

static bool
pack(const struct spawn *s, struct born *b, int failure, int null)
{
	b->account.set = false;
	if (s->account != NULL && s->account->set)
		b->account = *s->account;
	pack_settings(s, b);
	b->in = s->in != -1 ? s->in : null;
	b->out = s->out != -1 ? s->out : null;
	b->err = s->err != -1 ? s->err : null;
	b->lock = s->lock;
	b->lock_at = LOCK_FD;
	b->ready = s->ready;
	b->ready_at = s->service != NULL ? s->service->ready.fd : 0;
	b->record = s->record;
	b->failure = failure;
	b->failed.error = 0;
	if (pack_words(s, b))
		return true;
	errno = E2BIG;
	return false;
}

void
spawn_begin(const struct rlimit *files)
{
	struct sigaction now;
	own.pid = getpid();
	own.root = geteuid() == 0;
	own.files = *files;
	own.ignored = 0;
	for (int s = 1; s < NSIG; s++)
		if (sigaction(s, NULL, &now) != 0 || now.sa_handler == SIG_IGN)
			own.ignored |= UINT64_C(1) << (s - 1);
	own.null = open("/dev/null", O_RDWR | O_CLOEXEC);
	nursery_begin();
}

/* It can do without the C library between clone and exec, that is without errno and stdio. */
static bool
is_plain(const struct spawn *s)
{
	const struct service *c = s->service;
	return s->record == -1 && s->log == NULL &&
	       (c == NULL || (c->env_file == NULL && !c->oom_score_set));
}

/* It needs none of our descriptors but the one of /dev/null, which is never closed. */
static bool
can_share_files(const struct spawn *s, int failure)
{
	return own.null != -1 && failure == -1 && s->in == -1 && s->out == -1 &&
	       s->err == -1 && s->lock == -1 && s->ready == -1;
}

/* n: NULL, or where it stands while it has our memory. -1: errno. */
static pid_t
make(const struct spawn *s, struct nursery *n, int failure, int *pidfd)
{
	static struct born copied;
	struct clone_args args = { .flags = CLONE_PIDFD, .exit_signal = SIGCHLD };
	struct born *b = n != NULL ? nursery_born(n) : &copied;
	int null = own.null != -1 ? own.null : open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid = -1;
	args.pidfd = (uintptr_t)pidfd;
	if (s->cgroup != -1) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned)s->cgroup;
	}
	b->shares_files = n != NULL && can_share_files(s, failure);
	if (b->shares_files)
		args.flags |= CLONE_FILES;
	if (null != -1 && pack(s, b, failure, null))
		pid = n != NULL ? nursery_clone(n, &args) : clone_copying(&args, b);
	int error = errno;
	if (null != own.null)
		close(null);
	errno = error;
	return pid;
}

/* Its exec is told by a pipe that it closes. */
static bool
spawn_told(const struct spawn *s, struct nursery *n, struct spawned *out)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return false;
	out->pid = make(s, n, fds[1], &out->pidfd);
	if (out->pid == -1 && n != NULL && (errno == EINVAL || errno == ENOSYS))
		out->pid = make(s, NULL, fds[1], &out->pidfd);
	int error = errno;
	close(fds[1]);
	if (out->pid == -1)
		close(fds[0]);
	errno = error;
	out->failure = fds[0];
	return out->pid != -1;
}

bool
spawn(const struct spawn *s, struct spawned *out)
{
	struct nursery *n = is_plain(s) ? nursery_take() : NULL;
	*out = (struct spawned){ .pid = -1, .pidfd = -1, .failure = -1 };
	if (!s->untold || n == NULL)
		return spawn_told(s, n, out);
	out->pid = make(s, n, -1, &out->pidfd);
	if (out->pid == -1)
		return (errno == EINVAL || errno == ENOSYS) && spawn_told(s, NULL, out);
	nursery_keep(n);
	out->nursery = n;
	return true;
}

bool
spawn_ask(const struct spawned *s, struct spawn_failure *failure)
{
	if (s->nursery != NULL)
		return nursery_ask(s->nursery, failure);
	ssize_t n = read(s->failure, failure, sizeof *failure);
	if (n != (ssize_t)sizeof *failure)
		failure->error = 0;
	return n != -1 || errno != EAGAIN;
}

void
spawn_forget(struct spawned *s)
{
	if (s->nursery != NULL)
		nursery_forget(s->nursery);
	if (s->failure != -1)
		close(s->failure);
	s->nursery = NULL;
	s->failure = -1;
}

void
spawn_failure_text(const struct spawn_failure *f, const char *program, char *out, size_t cap)
{
	static const char *const steps[BORN_STEPS] = {
		[STEP_SETUP] = "preparing",
		[STEP_LIMITS] = "setting limits of",
		[STEP_ENV_FILE] = "the env-file of",
		[STEP_LOG] = "the log of",
		[STEP_USER] = "the user of",
		[STEP_DIR] = "the folder (dir) of",
		[STEP_EXEC] = "running",
		[STEP_INTERPRETER] = "the interpreter of",
	};
	text_print(out, cap, "%s %s: %s",
		   f->step >= 0 && f->step < BORN_STEPS ? steps[f->step] : "starting",
		   program, strerror(f->error));
}
