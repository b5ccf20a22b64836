/* A service for tests that does what its arguments say, one after the other:
 *   ready N      a newline on descriptor N, which is then closed
 *   say TEXT     a datagram to $NOTIFY_SOCKET; '|' stands for a newline
 *   child TEXT   the same, said by a child that has ended before it goes on
 *   print TEXT   a line on standard output
 *   chat N       N numbered lines there, as fast as it can
 *   fill MB      memory that is touched
 *   sleep MS     nothing for so long
 *   pin PID      whoever kills that process finds it undead while we live, as one whose system
 *                call never ends
 *   leave MS     a daemon of its own session that lives so long; its pid is printed
 *   answer TEXT  to each SIGQUIT from now on, a line on standard output
 *   deaf N       to signal N
 *   bind PORT    listens there, on loopback, and accepts nobody
 *   spin MS      uses a CPU
 *   pin PID      holds it in its end, so that nothing can kill it
 *   bomb         forks as fast as it can, for ever, and so do its children
 *   strangers FILE  children that live for some ms, by turns, for ever; who is ended by a
 *                signal, though nobody sent one, adds a line to FILE
 *   orphans N    so many children that have lost their parent, and end at once
 *   sole FILE    locks it as long as it lives; who finds it locked adds a line to FILE.twice
 *   crash        SIGSEGV, with a core where limits allow one
 *   exit N       its end
 *   wait         for a signal, a minute at most
 * Without exit it ends with 0. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void
fail(const char *what)
{
	perror(what);
	exit(99);
}

static void
say(const char *text)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char line[1000];
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	if (path == NULL || strlen(path) >= sizeof a.sun_path || fd == -1)
		fail("NOTIFY_SOCKET");
	memcpy(a.sun_path, path, strlen(path));
	snprintf(line, sizeof line, "%s", text);
	for (char *p = line; *p != '\0'; p++)
		if (*p == '|')
			*p = '\n';
	if (sendto(fd, line, strlen(line), 0, (struct sockaddr *)&a, sizeof a) == -1)
		fail(path);
	close(fd);
}

static void
child_says(const char *text)
{
	pid_t pid = fork();
	if (pid == 0) {
		say(text);
		usleep(300000); /* who is gone cannot be asked whose it was */
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void
chat(long lines)
{
	for (long i = 1; i <= lines; i++) {
		char line[100];
		int n = snprintf(line, sizeof line,
				 "line %ld of a writer that never reopens\n", i);
		if (write(1, line, (size_t)n) != n)
			fail("chat");
	}
}

static void
leave(long ms)
{
	pid_t pid = fork();
	if (pid == 0) {
		if (setsid() == -1)
			_exit(99);
		usleep((useconds_t)ms * 1000);
		_exit(0);
	}
	printf("%d\n", (int)pid);
	fflush(stdout);
}

static char *volatile filled; /* somebody may look at it: the compiler must write it */

static void
fill(size_t mb)
{
	filled = malloc(mb << 20);
	if (filled == NULL)
		fail("fill");
	memset(filled, 7, mb << 20);
}

static char answer[200];

static void
on_quit(int sig)
{
	(void)sig;
	if (write(1, answer, strlen(answer)) < 0)
		_exit(98);
}

static void
answers(const char *text)
{
	snprintf(answer, sizeof answer, "%.198s\n", text);
	signal(SIGQUIT, on_quit);
}

static void
bind_port(const char *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)atoi(port)),
				 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 5) != 0)
		fail("bind");
}

/* Two at once are one too many. A child of it does not count, as its lock is not its own. */
static void
sole(const char *path)
{
	char twice[500];
	struct flock own = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd == -1)
		fail(path);
	if (fcntl(fd, F_SETLK, &own) == 0)
		return;
	fcntl(fd, F_GETLK, &own);
	snprintf(twice, sizeof twice, "%s.twice", path);
	FILE *f = fopen(twice, "a");
	if (f == NULL)
		fail(twice);
	fprintf(f, "%d beside %d\n", (int)getpid(), (int)own.l_pid);
	fclose(f);
}

static void
bomb(void)
{
	for (;;)
		if (fork() == -1)
			usleep(1000);
}

/* Numbers of processes that others had a moment ago are theirs. */
static void
strangers(const char *path)
{
	for (unsigned turn = 0;; turn++) {
		int status = 0;
		pid_t pid = fork();
		if (pid == 0) {
			usleep(turn % 7 * 1000);
			_exit(0);
		}
		for (int flags = turn % 8 == 7 ? 0 : WNOHANG;
		     (pid = waitpid(-1, &status, flags)) > 0;)
			if (WIFSIGNALED(status)) {
				FILE *f = fopen(path, "a");
				if (f == NULL)
					fail(path);
				fprintf(f, "%d was killed by signal %d\n", (int)pid,
					WTERMSIG(status));
				fclose(f);
			}
	}
}

static void
orphans(long count)
{
	for (long i = 0; i < count; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			if (fork() == 0)
				usleep(1000); /* its parent goes first */
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

static void
spin(long ms)
{
	clock_t end = clock() + ms * (CLOCKS_PER_SEC / 1000);
	while (clock() < end)
		;
}

static void
crash(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	setrlimit(RLIMIT_CORE, &all);
	raise(SIGSEGV);
}

static void
pin(pid_t pid)
{
	if (ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXIT) != 0)
		fail("pin");
	printf("pinned\n");
	fflush(stdout);
}

static void
act(const char *verb, const char *arg)
{
	if (strcmp(verb, "ready") == 0) {
		if (write(atoi(arg), "\n", 1) != 1)
			fail("ready");
		close(atoi(arg));
	} else if (strcmp(verb, "say") == 0) {
		say(arg);
	} else if (strcmp(verb, "child") == 0) {
		child_says(arg);
	} else if (strcmp(verb, "print") == 0) {
		printf("%s\n", arg);
		fflush(stdout);
	} else if (strcmp(verb, "chat") == 0) {
		chat(atol(arg));
	} else if (strcmp(verb, "fill") == 0) {
		fill((size_t)atol(arg));
	} else if (strcmp(verb, "sleep") == 0) {
		usleep((useconds_t)atol(arg) * 1000);
	} else if (strcmp(verb, "answer") == 0) {
		answers(arg);
	} else if (strcmp(verb, "deaf") == 0) {
		signal(atoi(arg), SIG_IGN);
	} else if (strcmp(verb, "bind") == 0) {
		bind_port(arg);
	} else if (strcmp(verb, "sole") == 0) {
		sole(arg);
	} else if (strcmp(verb, "strangers") == 0) {
		strangers(arg);
	} else if (strcmp(verb, "orphans") == 0) {
		orphans(atol(arg));
	} else if (strcmp(verb, "spin") == 0) {
		spin(atol(arg));
	} else if (strcmp(verb, "leave") == 0) {
		leave(atol(arg));
	} else if (strcmp(verb, "pin") == 0) {
		pin(atoi(arg));
	} else if (strcmp(verb, "exit") == 0) {
		exit(atoi(arg));
	} else {
		fprintf(stderr, "puppet: %s?\n", verb);
		exit(99);
	}
}

/* Under AddressSanitizer it dies of its faults, cores and all, as other programs do. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
	return "disable_coredump=0:handle_segv=0";
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "crash") == 0)
			crash();
		else if (strcmp(argv[i], "bomb") == 0)
			bomb();
		else if (strcmp(argv[i], "wait") == 0)
			for (unsigned left = 60; left > 0;)
				/* a signal that it answers ends it not */
				left = sleep(left);
		else if (i + 1 < argc)
			act(argv[i], argv[i + 1]), i++;
	}
	return 0;
}
