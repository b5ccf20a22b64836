/* killer PID N: kills PID at its N-th system call from now on, before the kernel carries it out.
 * Prints "ready" when it counts, then "killed CALL", the call's number; or, told to end by TERM or
 * when PID ends by itself, "seen COUNT". Only the one process is watched: children run free. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t told;

static void
on_term(int sig)
{
	(void)sig;
	told = 1;
}

static int
fail(const char *what)
{
	perror(what);
	return 1;
}

/* The call that it is about to make; -1: it comes back from one, or stands for another reason. */
static long
call_of(pid_t pid, int status)
{
	struct __ptrace_syscall_info info;
	memset(&info, 0, sizeof info);
	if (WSTOPSIG(status) != (SIGTRAP | 0x80) ||
	    ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return -1;
	return (long)info.entry.nr;
}

/* Goes on; a signal that it was stopped for is handed to it. */
static int
go_on(pid_t pid, int status)
{
	int sig = WSTOPSIG(status) & 0x7f;
	bool event = status >> 16 != 0 || WSTOPSIG(status) == (SIGTRAP | 0x80);
	return (int)ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)(event ? 0 : sig));
}

int
main(int argc, char **argv)
{
	struct sigaction quick = { .sa_handler = on_term };
	pid_t pid = argc == 3 ? atoi(argv[1]) : 0;
	long when = argc == 3 ? atol(argv[2]) : 0, count = 0, call;
	int status;
	if (pid <= 1 || when < 1) {
		fprintf(stderr, "usage: killer PID N\n");
		return 2;
	}
	sigaction(SIGTERM, &quick, NULL);
	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD) != 0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0 || waitpid(pid, &status, 0) != pid)
		return fail("attaching");
	if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) != 0)
		return fail("watching");
	printf("ready\n");
	fflush(stdout);
	while (!told) {
		if (waitpid(pid, &status, 0) != pid) {
			if (errno == EINTR)
				continue;
			return fail("waiting");
		}
		if (!WIFSTOPPED(status))
			break; /* it has ended by itself */
		call = call_of(pid, status);
		if (call >= 0 && ++count == when) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			printf("killed %ld\n", call);
			return 0;
		}
		go_on(pid, status);
	}
	if (told && ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 && waitpid(pid, &status, 0) == pid)
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	printf("seen %ld\n", count);
	return 0;
}
