/* What each helper can do no more, and still can: asked of the kernel, in a child of its
 * own. */
#include "base/sandbox.h"

#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/monitord-sandbox-XXXXXX"; /* stands for the helper's own */

static int
opens(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);
	return fd == -1 ? errno : 0;
}

static int
own_file(void)
{
	return opens("made", O_RDWR | O_CREAT);
}

static int
foreign_file(void)
{
	return opens("/tmp/monitord-sandbox-foreign", O_WRONLY | O_CREAT);
}

static int
foreign_secret(void)
{
	return opens("/root", O_RDONLY | O_DIRECTORY);
}

static int
hosts(void)
{
	return opens("/etc/passwd", O_RDONLY);
}

static int
null_device(void)
{
	return opens("/dev/null", O_RDONLY);
}

static int
removes(void)
{
	return unlink("/tmp/monitord-sandbox-victim") == 0 ? 0 : errno;
}

static int
executes(void)
{
	char name[] = "true";
	char *const argv[] = { name, NULL };
	execv("/bin/true", argv);
	return errno;
}

static int
calls_out(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) == -1 ? errno : 0;
}

static int
asks_the_kernel(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0) == -1 ? errno : 0;
}

static void *
idles(void *arg)
{
	return arg;
}

static int
moves_in(void)
{
	return unshare(CLONE_NEWUSER) == 0 ? 0 : errno;
}

/* In both: 0, or errno. */
static int
born(long pid)
{
	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return pid > 0 ? 0 : errno;
}

/* As fork(2) has it, with more flags. */
static int
bears(unsigned long flags)
{
	return born(syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL));
}

static int
has_a_child(void)
{
	return bears(0);
}

static int
has_a_child_elsewhere(void)
{
	return bears(CLONE_NEWUSER);
}

static int
has_a_child_by_clone3(void)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	return born(syscall(SYS_clone3, &args, sizeof args));
}

static int
has_a_thread(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, idles, NULL);
	return error != 0 ? error : pthread_join(thread, NULL);
}

static const struct row {
	const char *name;
	int (*act)(void);
	unsigned may;     /* roles that can */
	bool by_landlock; /* that forbids it to the others, not seccomp */
} table[] = {
	{ "reads /etc/passwd", hosts, HELPERS, false },
	{ "opens /dev/null", null_device, HELPERS, false },
	{ "makes a file in its own folder", own_file, READERS, false },
	{ "makes a file in /tmp", foreign_file, 0, true },
	{ "removes a file in /tmp", removes, 0, true },
	{ "looks into /root", foreign_secret, TO(ROLE_LOCAL) | TO(ROLE_ALERTS), true },
	{ "executes", executes, TO(ROLE_ALERTS), false },
	{ "makes a network socket", calls_out, HELPERS & ~TO(ROLE_LOCAL), false },
	{ "makes a netlink socket", asks_the_kernel, HELPERS, false },
	{ "enters a namespace", moves_in, 0, false },
	{ "has a child", has_a_child, HELPERS, false },
	{ "has a child in a namespace", has_a_child_elsewhere, 0, false },
	{ "has one there by clone3", has_a_child_by_clone3, 0, false },
	{ "has a thread", has_a_thread, HELPERS, false },
};

/* errno of the act in a helper's place; 0: done. */
static int
played(enum role role, const struct row *row)
{
	int status = 0;
	pid_t pid = fork();
	if (pid == 0) {
		if (chdir(folder) != 0)
			_exit(255);
		sandbox_enter(role);
		_exit(row->act());
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void
rooms(void **state)
{
	(void)state;
	unsigned bad = 0;
	for (unsigned role = ROLE_MONITORD + 1; role < ROLES; role++)
		for (size_t i = 0; i < COUNT(table); i++) {
			const struct row *row = &table[i];
			bool may = (row->may & TO(role)) != 0;
			if (!may && row->by_landlock && sandbox_landlock() == 0)
				continue;
			int fd = open("/tmp/monitord-sandbox-victim", O_CREAT | O_WRONLY,
				      0600);
			close(fd);
			int error = played((enum role)role, row);
			if ((error == 0) == may)
				continue;
			print_error("%s %s: errno %d\n", role_name((enum role)role),
				    row->name, error);
			bad++;
		}
	unlink("/tmp/monitord-sandbox-victim");
	unlink("/tmp/monitord-sandbox-foreign");
	assert_int_equal(bad, 0);
}

static int
set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

static int
tear_down(void **state)
{
	char path[64];
	(void)state;
	snprintf(path, sizeof path, "%s/made", folder);
	unlink(path);
	return rmdir(folder);
}

int
test_sandbox(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(rooms) };
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
