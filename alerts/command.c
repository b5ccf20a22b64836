/* The child that runs a contact's command, and ends with all that this began when it has
 * had its time. */
#include "alerts/delivery.h"

#include "base/file.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CODE_DELIVERED 200 /* as a page would be */
#define ROUNDS 50	   /* each ends a generation of what was begun */

static void
run(const struct job *job, int in, pid_t parent)
{
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *envp[] = { path, NULL };
	int null = open("/dev/null", O_RDWR);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || null == -1 || dup2(in, 0) == -1 ||
	    dup2(null, 1) == -1 || dup2(null, 2) == -1)
		_exit(126);
	close_range(3, ~0u, 0);
	setpgid(0, 0); /* what it begins ends with it */
	execve(job->argv[0], job->argv, envp);
	_exit(127);
}

static pid_t child;
static volatile sig_atomic_t late;

static void
on_alarm(int signal)
{
	(void)signal;
	late = 1;
	kill(-child, SIGKILL);
	kill(child, SIGKILL);
}

/* Standard input is a pipe that it may leave unread. */
static void
feed(int fd, const char *text)
{
	for (size_t left = strlen(text); left > 0 && !late;) {
		ssize_t n = write(fd, text, left);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		left -= (size_t)n;
	}
}

static bool
is_ours(const char *pid)
{
	char path[64], text[512];
	long parent = 0;
	text_print(path, sizeof path, "/proc/%.20s/stat", pid);
	file_read(AT_FDCWD, path, text, sizeof text);
	const char *name_end = strrchr(text, ')'); /* its name may hold anything */
	return name_end != NULL && sscanf(name_end, ") %*c %ld", &parent) == 1 &&
	       parent == getpid();
}

/* What left the group as a session of its own is our child once its parent is gone. */
static void
end_offspring(void)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		DIR *d = opendir("/proc");
		struct dirent *e;
		while (d != NULL && (e = readdir(d)) != NULL)
			if (*e->d_name >= '1' && *e->d_name <= '9' && is_ours(e->d_name))
				kill(atoi(e->d_name), SIGKILL); /* not yet waited for */
		if (d != NULL)
			closedir(d);
		if (waitpid(-1, NULL, 0) == -1 && errno == ECHILD)
			return;
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

static bool
tell_outcome(int status, unsigned run_s, char *text, size_t cap)
{
	bool good = !late && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (late)
		text_print(text, cap, "killed: it took longer than %u s", run_s);
	else if (WIFEXITED(status))
		text_print(text, cap, "exit code %d%s", WEXITSTATUS(status),
			   WEXITSTATUS(status) == 127 ? ": it cannot be run" : "");
	else
		text_print(text, cap, "killed by signal %d", WTERMSIG(status));
	return good;
}

void
command_deliver(const struct job *job, int fd)
{
	struct sigaction alarmed = { .sa_handler = on_alarm },
			 ignore = { .sa_handler = SIG_IGN };
	int fds[2], status = 0;
	char text[80];
	pid_t parent = getpid();
	sigaction(SIGPIPE, &ignore, NULL);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (pipe2(fds, O_CLOEXEC) != 0 || (child = fork()) == -1) {
		answer_put(fd, 0, 0, 0, strerror(errno));
		return;
	}
	if (child == 0)
		run(job, fds[0], parent);
	sigaction(SIGALRM, &alarmed, NULL);
	alarm(job->run_s);
	close(fds[0]);
	feed(fds[1], job->requests[0].content);
	close(fds[1]);
	while (waitpid(child, &status, 0) == -1 && errno == EINTR)
		;
	alarm(0);
	if (late)
		end_offspring();
	bool good = tell_outcome(status, job->run_s, text, sizeof text);
	answer_put(fd, 0, good ? CODE_DELIVERED : 0, 0, text);
}
