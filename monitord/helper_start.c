/* A helper's program: forked, made its user, given its channel, run. */
#include <config.h>

#include "monitord/helpers.h"

#include "base/log.h"
#include "base/text.h"
#include "monitord/core.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHANNEL_FD 3
#define CHANNEL_BYTES 1048576

static int
open_program(const struct core *c, const char *program)
{
	char path[PATH_MAX];
	text_print(path, sizeof path, "%s/%s",
		   c->rules->settings.helpers != NULL ? c->rules->settings.helpers
						      : HELPERS_DIR,
		   program);
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd == -1)
		log_error("%s: %s", path, strerror(errno));
	return fd;
}

/* There may be no other left. */
static void
close_but(int one, int other)
{
	unsigned low = (unsigned)(one < other ? one : other),
		 high = (unsigned)(one < other ? other : one);
	if (low > 3)
		syscall(SYS_close_range, 3u, low - 1, 0);
	if (high > low + 1)
		syscall(SYS_close_range, low + 1, high - 1, 0);
	syscall(SYS_close_range, high + 1, ~0u, 0);
}

/* In the child: copies of everything, as the rules' arena is not there. */
static _Noreturn void
child(const struct helper_program *p, const struct account *account, int program, int channel,
      const char *folder)
{
	char name[32], argument[16], stream[128] = "MONITORD=1";
	char *argv[] = { name, p->argument != NULL ? argument : NULL, NULL };
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *envp[] = { path, stream, NULL };
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;
	text_print(name, sizeof name, "%s", p->name);
	text_print(argument, sizeof argument, "%s",
		   p->argument != NULL ? p->argument : "");
	if (getenv("JOURNAL_STREAM") != NULL)
		text_print(stream, sizeof stream, "JOURNAL_STREAM=%s",
			   getenv("JOURNAL_STREAM"));
	for (int s = 1; s < NSIG; s++)
		sigaction(s, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	close_but(program, channel);
	int null = open("/dev/null", O_RDWR);
	program = fcntl(program, F_DUPFD_CLOEXEC, 16);
	channel = fcntl(channel, F_DUPFD, 16);
	if (null == -1 || program == -1 || dup2(null, 0) == -1 || dup2(2, 1) == -1 ||
	    dup2(channel, CHANNEL_FD) == -1 || dup2(program, CHANNEL_FD + 1) == -1)
		_exit(126);
	fcntl(CHANNEL_FD + 1, F_SETFD, FD_CLOEXEC);
	syscall(SYS_close_range, CHANNEL_FD + 2, ~0u, 0);
	umask(077);
	if (chdir(folder) != 0 || !account_become(account))
		_exit(125);
	syscall(SYS_execveat, CHANNEL_FD + 1, "", argv, envp, AT_EMPTY_PATH);
	_exit(127);
}

static bool
make_folder(const struct core *c, enum role role, const char *folder, char *path, size_t cap)
{
	const struct account *a = &c->accounts[role];
	struct stat st;
	text_print(path, cap, "/");
	if (folder == NULL)
		return true;
	text_print(path, cap, "%s/%s", c->rules->settings.state, folder);
	bool good = (mkdir(path, 0700) == 0 || errno == EEXIST) && lstat(path, &st) == 0;
	if (good && !S_ISDIR(st.st_mode)) {
		good = false;
		errno = ENOTDIR;
	}
	good = good && (!a->set || lchown(path, a->uid, a->gid) == 0);
	if (!good)
		log_error("the helper %s cannot begin: folder %s: %s", role_name(role),
			  path, strerror(errno));
	return good;
}

pid_t
helper_start(const struct core *c, enum role role, const struct helper_program *p, int *channel)
{
	char folder[PATH_MAX];
	int fds[2] = { -1, -1 }, size = CHANNEL_BYTES;
	int program = open_program(c, p->name);
	bool good = program != -1 &&
		    make_folder(c, role, p->folder, folder, sizeof folder) &&
		    msg_pair(fds);
	pid_t pid = good ? fork() : -1;
	if (pid == 0)
		child(p, &c->accounts[role], program, fds[1], folder);
	if (program != -1)
		close(program);
	if (fds[1] != -1)
		close(fds[1]);
	if (pid == -1) {
		if (fds[0] != -1)
			close(fds[0]);
		return -1;
	}
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	*channel = fds[0];
	return pid;
}
