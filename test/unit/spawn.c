/* One new process: what it is born with, and what is said when it cannot be. */
#include "monitord/spawn.h"

#include "test/unit/book.h"
#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static struct {
	char out[16384];
	struct spawn_failure failure; /* error 0: none */
	int status;
	pid_t pid;
} child;

/* Runs the service `run` says and gathers what it writes. */
static void
run(const char *text, const struct account *account)
{
	struct rules *r = book(text);
	int fds[2];
	struct spawned p;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	struct spawn s = { .argv = r->services[0].run.argv,
			   .account = account,
			   .service = &r->services[0],
			   .in = -1,
			   .out = fds[1],
			   .err = fds[1],
			   .cgroup = -1,
			   .record = -1,
			   .lock = -1,
			   .ready = -1 };
	memset(&child, 0, sizeof child);
	assert_true(spawn(&s, &p));
	close(fds[1]);
	struct pollfd end = { .fd = p.pidfd, .events = POLLIN };
	assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
	child.pid = p.pid;
	assert_int_equal(waitpid(p.pid, &child.status, 0), p.pid);
	ssize_t n = read(p.failure, &child.failure, sizeof child.failure);
	assert_true(n == 0 || n == (ssize_t)sizeof child.failure);
	n = read(fds[0], child.out, sizeof child.out - 1);
	child.out[n > 0 ? n : 0] = '\0';
	close(fds[0]);
	close(p.failure);
	close(p.pidfd);
	rules_free(&r);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
environment_is_built_from_nothing(void **state)
{
	struct account a = { .name = "joe", .home = "/home/joe", .shell = "/bin/joesh" };
	char *lines[64], *rest = child.out, text[4096] = "";
	size_t count = 0;
	(void)state;
	a.set = true;
	a.uid = geteuid();
	a.gid = getegid();
	setenv("LEAKED", "secret", 1);
	run("[service a]\nrun = /usr/bin/env\nenv = A=b c ' d\nenv = HOME=/srv\nenv = "
	    "EMPTY=\n",
	    &a);
	unsetenv("LEAKED");
	for (char *line; (line = strsep(&rest, "\n")) != NULL && count < 64;)
		if (*line != '\0')
			lines[count++] = line;
	qsort(lines, count, sizeof *lines, by_text);
	for (size_t i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s\n",
			 lines[i]);
	assert_string_equal(
		text,
		"A=b c ' d\nEMPTY=\nHOME=/srv\nLOGNAME=joe\n"
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
		"SHELL=/bin/joesh\nUSER=joe\n");
}

static const struct {
	const char *section, *out;
} births[] = {
	{ "run = /usr/bin/printf %s| a \"b c\" $HOME | * ' \"\\\"\"\n",
	  "a|b c|$HOME|||*|'|\"|" },
	{ "run = /bin/pwd\n", "/\n" },
	{ "run = /bin/pwd\ndir = /usr\n", "/usr\n" },
	{ "run = /bin/sh -c \"umask\"\n", "0022\n" },
	{ "run = /bin/sh -c \"umask\"\numask = 027\n", "0027\n" },
	{ "run = /bin/sh -c \"ulimit -n; ulimit -H -n; ulimit -c\"\nlimits = nofile 97, "
	  "core 0\n",
	  "97\n97\n0\n" },
	{ "run = /usr/bin/nice\nnice = 7\n", "7\n" },
	{ "run = /bin/sh -c \"echo 0 1 2; ls /proc/self/fd | tail -n +5\"\n",
	  "0 1 2\n" }, /* ls has one */
	{ "run = /bin/grep -E \"Sig(Blk|Ign)\" /proc/self/status\n",
	  "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n" },
	{ "run = /bin/sh -c \"test $(cut -d ' ' -f 6 /proc/$$/stat) = $$ && echo leads "
	  "its session\"\n",
	  "leads its session\n" },
	{ "run = /bin/cat\n", "" }, /* standard input is at its end */
};

static void
is_born_as_its_section_says(void **state)
{
	sigset_t some;
	(void)state;
	signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	sigemptyset(&some);
	sigaddset(&some, SIGUSR2);
	sigprocmask(SIG_BLOCK, &some, NULL);
	for (size_t i = 0; i < COUNT(births); i++) {
		char text[1000];
		snprintf(text, sizeof text, "[service a]\n%s", births[i].section);
		run(text, NULL);
		assert_int_equal(child.failure.error, 0);
		if (strcmp(child.out, births[i].out) != 0)
			fail_msg("of\n%sexpected:\n%sgot:\n%s", births[i].section,
				 births[i].out, child.out);
	}
	sigprocmask(SIG_UNBLOCK, &some, NULL);
	signal(SIGPIPE, SIG_DFL);
}

static const struct {
	const char *section;
	int error;
	const char *text;
} failures[] = {
	{ "run = /no/such/program\n", ENOENT, "running X: No such file or directory" },
	{ "run = /etc/passwd\n", EACCES, "running X: Permission denied" },
	{ "run = /usr\n", EACCES, "running X: Permission denied" },
	{ "run = /bin/true\ndir = /no/such/folder\n", ENOENT,
	  "the folder (dir) of X: No such file or directory" },
};

static void
says_why_it_cannot(void **state)
{
	char text[1000];
	(void)state;
	for (size_t i = 0; i < COUNT(failures); i++) {
		snprintf(text, sizeof text, "[service a]\n%s", failures[i].section);
		run(text, NULL);
		assert_int_equal(child.failure.error, failures[i].error);
		spawn_failure_text(&child.failure, "X", text, sizeof text);
		assert_string_equal(text, failures[i].text);
		assert_true(WIFEXITED(child.status) && WEXITSTATUS(child.status) == 127);
	}
}

static bool shares; /* our memory with children */

static void
start_untold(const char *const *argv, struct spawned *p)
{
	struct spawn s = { .argv = argv,
			   .in = -1,
			   .out = -1,
			   .err = -1,
			   .cgroup = -1,
			   .record = -1,
			   .lock = -1,
			   .ready = -1,
			   .untold = true };
	assert_true(spawn(&s, p));
	assert_true((p->nursery != NULL) == shares);
	assert_true((p->failure == -1) == shares);
}

static void
ends(const struct spawned *p, int status)
{
	int found;
	assert_int_equal(waitpid(p->pid, &found, 0), p->pid);
	assert_int_equal(found, status);
	close(p->pidfd);
}

/* Where nobody is woken by its exec, its memory says how that went; and is free for the next. */
static void
is_asked_how_its_exec_went(void **state)
{
	const char *const missing[] = { "/no/such/program", NULL }, *const good[] = {
		"/bin/sleep", "600", NULL
	};
	struct spawn_failure f;
	struct spawned p;
	(void)state;
	for (int i = 0; i < 40; i++) { /* more than there is room for at a time */
		start_untold(missing, &p);
		struct pollfd end = { .fd = p.pidfd, .events = POLLIN };
		assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
		assert_true(spawn_ask(&p, &f)); /* who ended has got there */
		assert_int_equal(f.error, ENOENT);
		spawn_failure_text(&f, "X", child.out, sizeof child.out);
		assert_string_equal(child.out, "running X: No such file or directory");
		spawn_forget(&p);
		spawn_forget(&p);
		ends(&p, 127 << 8);
	}
	start_untold(good, &p);
	for (int i = 0; i < PATIENCE_MS && !spawn_ask(&p, &f); i++)
		usleep(1000);
	assert_true(spawn_ask(&p, &f) || p.nursery == NULL);
	assert_int_equal(f.error, 0);
	spawn_forget(&p);
	assert_int_equal(pidfd_kill(p.pidfd, SIGKILL), 0);
	ends(&p, SIGKILL);
}

/* Who has no descriptor of ours but /dev/null shares the table of them for a moment. */
static void
leaves_our_descriptors(void **state)
{
	const char *const looks[] = {
		"/bin/sh", "-c",
		"for f in 3 4 5 6 7 8 20 60; do [ ! -e /proc/$$/fd/$f ] || exit 1; done; "
		"exec >&- 2>&- 0<&-",
		NULL
	};
	struct spawned p;
	(void)state;
	int marked = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 20),
	    plain = dup2(STDERR_FILENO, 60);
	assert_true(marked >= 20 && plain == 60);
	for (int i = 0; i < 20; i++) {
		start_untold(looks, &p);
		ends(&p, 0);
		assert_true(fcntl(marked, F_GETFD) == FD_CLOEXEC);
		assert_true(fcntl(plain, F_GETFD) == 0);
		spawn_forget(&p);
	}
	close(marked);
	close(plain);
}

static void
runs_as_another(void **state)
{
	struct account a = {
		.uid = 65534, .gid = 65533, .group_count = 1, .groups = { 65532 }
	};
	(void)state;
	a.set = true;
	run("[service a]\nrun = /bin/sh -c \"id -u; id -g; id -G\"\n", &a);
	if (geteuid() == 0) {
		assert_string_equal(child.out, "65534\n65533\n65533 65532\n");
		return;
	}
	spawn_failure_text(&child.failure, "X", child.out, sizeof child.out);
	assert_memory_equal(child.out, "the user of X",
			    13); /* it never runs as the wrong one */
}

static void
tells_processes_apart(void **state)
{
	(void)state;
	uint64_t own = process_start_ticks(getpid(), true);
	assert_true(own > 0);
	assert_true(process_start_ticks(getpid(), false) == own);
	pid_t pid = fork();
	if (pid == 0)
		_exit(3);
	siginfo_t info;
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(process_start_ticks(pid, true), 0); /* a zombie has no life */
	assert_true(process_start_ticks(pid, false) >= own);
	int fd = pidfd_of(pid);
	assert_true(fd != -1);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(process_start_ticks(pid, false), 0);
	assert_int_equal(pidfd_kill(fd, SIGKILL),
			 -1); /* whoever has its number now is safe */
	assert_int_equal(errno, ESRCH);
	close(fd);
}

/* More than have room in our memory, each with an argument of its own; all are what they were
 * told to be, although the later are made before the earlier have read theirs. */
static void
many_at_once(void **state)
{
	enum { MANY = 60 };
	static struct spawned p[MANY];
	static int fds[MANY][2];
	static char text[MANY][16];
	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(text[i], sizeof text[i], "%d", i);
		const char *const argv[] = { "/bin/echo", text[i], NULL };
		assert_int_equal(pipe2(fds[i], O_CLOEXEC), 0);
		struct spawn s = { .argv = argv,
				   .in = -1,
				   .out = fds[i][1],
				   .err = -1,
				   .cgroup = -1,
				   .record = -1,
				   .lock = -1,
				   .ready = -1 };
		assert_true(spawn(&s, &p[i]));
		close(fds[i][1]);
	}
	for (int i = 0; i < MANY; i++) {
		char out[64], want[64];
		ssize_t n = read(fds[i][0], out, sizeof out - 1);
		out[n > 0 ? n : 0] = '\0';
		snprintf(want, sizeof want, "%d\n", i);
		assert_string_equal(out, want);
		assert_int_equal(waitpid(p[i].pid, NULL, 0), p[i].pid);
		close(fds[i][0]);
		close(p[i].failure);
		close(p[i].pidfd);
	}
}

/* As nursery.c says: not in a sanitizer's build, nor where dumps are all users'. */
static bool
may_share(void)
{
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__ ||                       \
	(!defined __x86_64__ && !defined __aarch64__)
	return false;
#else
	char c = '1';
	int fd = open("/proc/sys/fs/suid_dumpable", O_RDONLY | O_CLOEXEC);
	bool read_it = fd != -1 && read(fd, &c, 1) == 1;
	if (fd != -1)
		close(fd);
	return read_it && c != '1';
#endif
}

static int
as_the_daemon(void **state)
{
	struct rlimit files;
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	shares = may_share();
	return getrlimit(RLIMIT_NOFILE, &files) != 0 ? -1 : (spawn_begin(&files), 0);
}

int
test_spawn(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(environment_is_built_from_nothing),
		cmocka_unit_test(is_born_as_its_section_says),
		cmocka_unit_test(says_why_it_cannot),
		cmocka_unit_test(is_asked_how_its_exec_went),
		cmocka_unit_test(leaves_our_descriptors),
		cmocka_unit_test(runs_as_another),
		cmocka_unit_test(many_at_once),
		cmocka_unit_test(tells_processes_apart),
	};
	return cmocka_run_group_tests_name("spawn in a copy of our memory", tests, NULL,
					   NULL) +
	       cmocka_run_group_tests_name("spawn in our memory", tests, as_the_daemon,
					   NULL);
}
