/* Kills a process at one of its system calls: killat PID N [NAME-FILE]. Says "ready" once it
 * counts. The N-th call is not carried out. Ends when the process has; SIGTERM gives up. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define SYSCALL_STOP (SIGTRAP | 0x80)

/* Goes on to the next stop; a signal that came is handed on. False: it has ended. */
static int
next_stop(pid_t pid, int *signal)
{
	int status;
	if (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)*signal) != 0)
		return 0;
	while (waitpid(pid, &status, __WALL) == -1)
		if (errno != EINTR)
			return 0;
	if (!WIFSTOPPED(status))
		return 0;
	*signal = status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status);
	return 1;
}

int
main(int argc, char **argv)
{
	pid_t pid = argc > 2 ? (pid_t)atol(argv[1]) : 0;
	long n = argc > 2 ? atol(argv[2]) : 0, entries = 0;
	int status, signal = 0, inside = 0;
	if (pid < 1 || n < 1)
		return 2;
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD) != 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0 || waitpid(pid, &status, __WALL) != pid) {
		perror("killat");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (next_stop(pid, &signal)) {
		if (signal != SYSCALL_STOP)
			continue;
		signal = 0;
		inside = !inside;
		if (inside && ++entries == n) {
			sigset_t term;
			sigemptyset(&term);
			sigaddset(&term, SIGTERM);
			sigprocmask(SIG_BLOCK, &term, NULL); /* whoever kills says so */
			kill(pid, SIGKILL);
			waitpid(pid, &status, __WALL);
			printf("killed at call %ld\n", entries);
			return 0;
		}
	}
	printf("ended after %ld calls\n", entries);
	return 0;
}
