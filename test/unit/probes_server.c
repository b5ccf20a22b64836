#include "test/unit/probes_server.h"

#include "test/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIFE_S 120

static const char good[] = "HTTP/1.1 200 OK\r\nX-Backend: apache\r\nContent-Length: 5\r\n"
			   "\r\nhello";

/* False: the peer is gone. */
static bool
say(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
		if (n <= 0)
			return false;
		bytes += n;
		size -= (size_t)n;
	}
	return true;
}

static void
say_text(int fd, const char *text)
{
	say(fd, text, strlen(text));
}

static void
drip(int fd)
{
	static const struct timespec pause = { .tv_nsec = 100000000 };
	for (const char *c = good; *c != '\0' && say(fd, c, 1); c++)
		nanosleep(&pause, NULL);
}

static void
reset(int fd)
{
	static const struct linger now = { .l_onoff = 1 };
	say(fd, good, 20);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void
serve(int fd, enum manner manner)
{
	char request[4096];
	if (manner == MANNER_TALK)
		say_text(fd, "220 hello\r\n");
	if (manner == MANNER_BANNER)
		say_text(fd, "SSH-2.0-OpenSSH_9.2p1\r\n");
	if (manner == MANNER_CLOSE || recv(fd, request, sizeof request, 0) <= 0)
		return;
	switch (manner) {
	case MANNER_GOOD:
		say_text(fd, good);
		break;
	case MANNER_SICK:
		say_text(fd, "HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n");
		break;
	case MANNER_DRIP:
		drip(fd);
		break;
	case MANNER_HEADER:
		for (say_text(fd, "HTTP/1.1 200 OK\r\n"); say(fd, "A: bcdefgh\r\n", 12);)
			continue;
		break;
	case MANNER_BODY:
		for (say_text(fd, "HTTP/1.1 200 OK\r\n\r\n");
		     say(fd, request, sizeof request);)
			continue;
		break;
	case MANNER_RESET:
		reset(fd);
		break;
	case MANNER_CPONG:
		say(fd, "AB\0\1\11", 5);
		break;
	case MANNER_TALK:
		say_text(fd, "250 at your service\r\n");
		break;
	case MANNER_REFUSE:
	case MANNER_FULL:
	case MANNER_HANG:
	case MANNER_BANNER:
	case MANNER_CLOSE:
	case MANNERS:
		break;
	}
}

static void
run(int listener, enum manner manner)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(LIFE_S);
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		if (fd == -1 && errno != ECONNABORTED && errno != EINTR)
			_exit(1);
		if (fd == -1 || manner == MANNER_HANG) /* it is held until we end */
			continue;
		serve(fd, manner);
		close(fd);
	}
}

/* Connections until one does not come through. */
static void
fill_queue(struct server *s, const struct sockaddr_in *a)
{
	for (unsigned i = 0; i < COUNT(s->held); i++) {
		s->held[i] =
			socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		assert_true(s->held[i] >= 0);
		struct pollfd p = { .fd = s->held[i], .events = POLLOUT };
		connect(s->held[i], (const struct sockaddr *)a, sizeof *a);
		if (poll(&p, 1, 300) == 0)
			return;
	}
	fail_msg("an accept queue of 1 took %zu connections", COUNT(s->held));
}

void
server_begin(struct server *s, enum manner manner)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof a;
	*s = (struct server){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
	assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &size), 0);
	s->port = ntohs(a.sin_port);
	if (manner == MANNER_REFUSE)
		return;
	assert_int_equal(listen(s->fd, manner == MANNER_FULL ? 0 : 1024), 0);
	if (manner == MANNER_FULL) {
		fill_queue(s, &a);
		return;
	}
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid == 0)
		run(s->fd, manner);
}

void
server_end(struct server *s)
{
	if (s->pid > 0) {
		kill(s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	for (unsigned i = 0; i < COUNT(s->held); i++)
		if (s->held[i] > 0)
			close(s->held[i]);
	if (s->port != 0)
		close(s->fd);
	*s = (struct server){ .fd = -1 };
}
