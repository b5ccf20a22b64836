#include "monitord/spawn.h"

#include "base/text.h"
#include "monitord/born.h"
#include "monitord/raw.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif
#define NURSERIES 16 /* children that have our memory at a time; one more gets a copy */
#define STACK 32768

/* Where a child reads and stands that shares our memory, until its exec or its end. */
struct nursery {
	int taken; /* zeroed by the kernel when the child lets go (CLONE_CHILD_CLEARTID) */
	struct born born;
	_Alignas(64) char stack[STACK];
};

static struct {
	bool begun;
	struct rlimit files;
	uint64_t ignored;
	int null;
	bool shares; /* children may share our memory */
	struct nursery *nurseries[NURSERIES];
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

/* Debuggers and tools that follow each child do not know one that shares memory. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SHARING 0
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SHARING 0
#endif
#endif
#ifndef SHARING
#define SHARING RAW_CALLS
#endif

/* Runs fn(arg) in the child, on the stack that args names: no call of the C library can. */
static long
clone_onto(const struct clone_args *args, void (*fn)(void *), void *arg)
{
#if SHARING && defined __x86_64__
	long result;
	register void (*f)(void *) __asm__("r8") = fn;
	register void *a __asm__("r9") = arg;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r9, %%rdi\n\t"
			 "call *%%r8\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(result)
			 : "0"(SYS_clone3), "D"(args), "S"(sizeof *args), "r"(f), "r"(a)
			 : "rcx", "r11", "memory");
	return result;
#elif SHARING && defined __aarch64__
	register long x8 __asm__("x8") = SYS_clone3;
	register long x0 __asm__("x0") = (long)args;
	register long x1 __asm__("x1") = sizeof *args;
	register void (*f)(void *) __asm__("x10") = fn;
	register void *a __asm__("x11") = arg;
	__asm__ volatile("svc 0\n\t"
			 "cbnz x0, 1f\n\t"
			 "mov x29, xzr\n\t"
			 "mov x0, x11\n\t"
			 "blr x10\n\t"
			 "brk 0\n"
			 "1:"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(f), "r"(a)
			 : "x30", "memory");
	return x0;
#else
	(void)args;
	(void)fn;
	(void)arg;
	return -ENOSYS;
#endif
}

/* One that no child uses; NULL: none. */
static struct nursery *
nursery(void)
{
	for (unsigned i = 0; own.shares && i < NURSERIES; i++) {
		struct nursery **n = &own.nurseries[i];
		if (*n == NULL) {
			void *m = mmap(NULL, sizeof **n, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (m == MAP_FAILED)
				return NULL;
			madvise(m, sizeof **n, MADV_DONTFORK);
			*n = m;
		}
		if (__atomic_load_n(&(*n)->taken, __ATOMIC_ACQUIRE) == 0)
			return *n;
	}
	return NULL;
}

void
spawn_rest(void)
{
	for (unsigned i = 1; i < NURSERIES; i++) { /* the first stays warm for the next death */
		struct nursery *n = own.nurseries[i];
		if (n != NULL && __atomic_load_n(&n->taken, __ATOMIC_ACQUIRE) == 0)
			madvise(n, sizeof *n, MADV_DONTNEED);
	}
}

/* A child that has our memory, so that no page table is copied for it and no page of ours is
 * write-protected. Until its exec it can be signalled: it must have none of our handlers. */
static pid_t
clone_sharing(struct clone_args *args, struct nursery *n)
{
	sigset_t all, before;
	args->flags |= CLONE_VM | CLONE_CLEAR_SIGHAND | CLONE_CHILD_CLEARTID;
	args->stack = (uintptr_t)n->stack;
	args->stack_size = sizeof n->stack;
	args->child_tid = (uintptr_t)&n->taken;
	__atomic_store_n(&n->taken, 1, __ATOMIC_RELEASE);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	long pid = clone_onto(args, born, &n->born);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		__atomic_store_n(&n->taken, 0, __ATOMIC_RELEASE);
	errno = pid < 0 ? (int)-pid : 0;
	return pid < 0 ? -1 : (pid_t)pid;
}

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
	char text[400];
	text_print(text, sizeof text, "%s=%s", name, value);
	born_set_env(b, text);
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
	b->dir = born_keep(b, s->dir != NULL ? s->dir : c != NULL && c->dir != NULL ? c->dir : "/");
	for (; s->argv[n] != NULL && n < BORN_ARGV - 1; n++)
		if ((b->argv[n] = born_keep(b, s->argv[n])) == NULL)
			return false;
	b->argv[n] = NULL;
	set_own(b, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
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
	b->parent = getpid();
	b->root = geteuid() == 0;
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
	if (pack_words(s, b))
		return true;
	errno = E2BIG;
	return false;
}

static bool
core_dumps_of_all(void)
{
	char c = '1';
	int fd = open("/proc/sys/fs/suid_dumpable", O_RDONLY | O_CLOEXEC);
	bool read_it = fd != -1 && read(fd, &c, 1) == 1;
	if (fd != -1)
		close(fd);
	return !read_it || c == '1';
}

void
spawn_begin(const struct rlimit *files)
{
	struct sigaction now;
	own.files = *files;
	own.ignored = 0;
	for (int s = 1; s < NSIG; s++)
		if (sigaction(s, NULL, &now) != 0 || now.sa_handler == SIG_IGN)
			own.ignored |= UINT64_C(1) << (s - 1);
	own.null = open("/dev/null", O_RDWR | O_CLOEXEC);
	/* who becomes another user while it has our memory must not be open to that user's
	 * ptrace(2): the kernel sees to that, but for this setting */
	own.shares = SHARING && !core_dumps_of_all();
}

/* It can do without the C library between clone and exec, that is without errno and stdio. */
static bool
is_plain(const struct spawn *s)
{
	const struct service *c = s->service;
	return s->record == -1 && s->log == NULL &&
	       (c == NULL || (c->env_file == NULL && !c->oom_score_set));
}

/* n: NULL, or where it stands while it has our memory. -1: errno. */
static pid_t
make(const struct spawn *s, struct nursery *n, int failure, int *pidfd)
{
	static struct born copied;
	struct clone_args args = { .flags = CLONE_PIDFD, .exit_signal = SIGCHLD };
	struct born *b = n != NULL ? &n->born : &copied;
	int null = own.null != -1 ? own.null : open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid = -1;
	args.pidfd = (uintptr_t)pidfd;
	if (s->cgroup != -1) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (unsigned)s->cgroup;
	}
	if (null != -1 && pack(s, b, failure, null))
		pid = n != NULL ? clone_sharing(&args, n) : clone_copying(&args, b);
	int error = errno;
	if (null != own.null)
		close(null);
	errno = error;
	return pid;
}

bool
spawn(const struct spawn *s, struct spawned *out)
{
	struct nursery *n = is_plain(s) ? nursery() : NULL;
	int fds[2], pidfd = -1;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return false;
	pid_t pid = make(s, n, fds[1], &pidfd);
	if (pid == -1 && n != NULL && (errno == EINVAL || errno == ENOSYS)) {
		own.shares = false; /* before Linux 5.5 */
		pid = make(s, NULL, fds[1], &pidfd);
	}
	int error = errno;
	close(fds[1]);
	if (pid == -1)
		close(fds[0]);
	errno = error;
	*out = (struct spawned){ .pid = pid, .pidfd = pidfd, .failure = fds[0] };
	return pid != -1;
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
	text_print(out, cap, "%s %s: %s", f->step >= 0 && f->step < BORN_STEPS ? steps[f->step] : "starting",
		   program, strerror(f->error));
}
