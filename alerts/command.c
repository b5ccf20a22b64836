/* The child that runs a contact's command. */
#include "alerts/delivery.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CODE_DELIVERED 200 /* as a page would be */

static void
run(const struct job *job, int in, pid_t parent)
{
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *envp[] = { path, NULL };
	int null = open("/dev/null", O_RDWR);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || null == -1 || dup2(in, 0) == -1 || dup2(null, 1) == -1 ||
	    dup2(null, 2) == -1)
		_exit(126);
	close_range(3, ~0u, 0);
	setpgid(0, 0); /* what it begins ends with it */
	execve(job->argv[0], job->argv, envp);
	_exit(127);
}

/* Standard input is a pipe that it may leave unread. */
static void
feed(int fd, const char *text)
{
	for (size_t left = strlen(text); left > 0;) {
		ssize_t n = write(fd, text, left);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text += n;
		left -= (size_t)n;
	}
}

static pid_t child;

static void
on_alarm(int signal)
{
	(void)signal;
	kill(-child, SIGKILL);
	kill(child, SIGKILL);
}

void
command_deliver(const struct job *job, int fd)
{
	struct sigaction late = { .sa_handler = on_alarm }, ignore = { .sa_handler = SIG_IGN };
	int fds[2], status = 0;
	char text[80];
	pid_t parent = getpid();
	sigaction(SIGPIPE, &ignore, NULL);
	if (pipe2(fds, O_CLOEXEC) != 0 || (child = fork()) == -1) {
		answer_put(fd, 0, 0, 0, strerror(errno));
		return;
	}
	if (child == 0)
		run(job, fds[0], parent);
	sigaction(SIGALRM, &late, NULL);
	alarm(RUN_SECONDS);
	close(fds[0]);
	feed(fds[1], job->requests[0].content);
	close(fds[1]);
	while (waitpid(child, &status, 0) == -1 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		text_print(text, sizeof text, "exit code 0");
	else if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		text_print(text, sizeof text, "exit code 127: it cannot be run");
	else if (WIFEXITED(status))
		text_print(text, sizeof text, "exit code %d", WEXITSTATUS(status));
	else
		text_print(text, sizeof text, "killed by signal %d", WTERMSIG(status));
	answer_put(fd, 0, WIFEXITED(status) && WEXITSTATUS(status) == 0 ? CODE_DELIVERED : 0, 0, text);
}
