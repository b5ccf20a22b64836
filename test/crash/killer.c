/* killer PID N: kills PID at its N-th system call from now on, before the kernel carries it out.
 * killer -r N PROGRAM ARG ...: the same for a program that it runs, from its exec on.
 * killer -w N PROGRAM ARG ...: where it waits for a child for the N-th time.
 * Prints "ready PID" when it counts, then "killed CALL", the call's number; or, told to end by
 * TERM or when PID ends by itself, "seen COUNT". Only the one process is watched: children run
 * free, and who was run goes on when it is let go. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
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

/* Stands before its exec until it is watched. */
static pid_t
run(char **argv)
{
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	raise(SIGSTOP);
	execv(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

static bool
attach(pid_t pid, bool ran)
{
	int status;
	if (ran && (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status)))
		return false;
	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC) !=
		    0 ||
	    ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) != 0)
		return false;
	if (ran)
		kill(pid, SIGCONT);
	return waitpid(pid, &status, 0) == pid &&
	       ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0;
}

int
main(int argc, char **argv)
{
	struct sigaction quick = { .sa_handler = on_term };
	bool waits = argc > 3 && strcmp(argv[1], "-w") == 0;
	bool ran = waits || (argc > 3 && strcmp(argv[1], "-r") == 0), counts = !ran;
	long when = argc >= 3 ? atol(argv[2]) : 0, count = 0, call;
	pid_t pid = ran ? run(argv + 3) : argc == 3 ? atoi(argv[1]) : 0;
	int status;
	if (pid <= 1 || when < 1) {
		fprintf(stderr, "usage: killer PID N | -r|-w N PROGRAM ARG ...\n");
		return 2;
	}
	sigaction(SIGTERM, &quick, NULL);
	if (!attach(pid, ran))
		return fail("attaching");
	printf("ready %d\n", (int)pid);
	fflush(stdout);
	while (!told) {
		if (waitpid(pid, &status, 0) != pid) {
			if (errno == EINTR)
				continue;
			return fail("waiting");
		}
		if (!WIFSTOPPED(status))
			break; /* it has ended by itself */
		counts = counts || status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8);
		call = call_of(pid, status);
		if (waits && call != SYS_wait4)
			call = -1;
		if (call >= 0 && counts && ++count == when) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			printf("killed %ld\n", call);
			return 0;
		}
		go_on(pid, status);
	}
	if (told && ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 &&
	    waitpid(pid, &status, 0) == pid)
		ptrace(PTRACE_DETACH, pid, NULL, NULL);
	printf("seen %ld\n", count);
	return 0;
}
