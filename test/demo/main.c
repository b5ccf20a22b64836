/* The demo's servers in one program: backend, front, mail sink, load. Loopback only. */
#include "test/demo/demo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in
loopback(unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)port) };
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

int
demo_listen(unsigned port)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_in a = loopback(port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (fd == -1 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 ||
	    listen(fd, 128) != 0) {
		fprintf(stderr, "demo: port %u: %s\n", port, strerror(errno));
		exit(1);
	}
	return fd;
}

int
demo_connect(unsigned port, int timeout_ms)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in a = loopback(port);
	struct timeval t = { .tv_sec = timeout_ms / 1000,
			     .tv_usec = timeout_ms % 1000 * 1000 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

size_t
demo_read_head(int fd, char *buf, size_t cap)
{
	size_t n = 0;
	while (n + 1 < cap) {
		ssize_t r = read(fd, buf + n, cap - 1 - n);
		if (r <= 0)
			break;
		n += (size_t)r;
		buf[n] = '\0';
		if (strstr(buf, "\r\n\r\n") != NULL)
			break;
	}
	buf[n] = '\0';
	return n;
}

int
demo_write(int fd, const char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t w = send(fd, bytes, size, MSG_NOSIGNAL);
		if (w <= 0)
			return -1;
		bytes += w;
		size -= (size_t)w;
	}
	return 0;
}

int64_t
demo_real_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int, char **);
		int least;
	} verbs[] = {
		{ "backend", demo_backend, 4 },
		{ "front", demo_front, 5 },
		{ "sink", demo_sink, 4 },
		{ "load", demo_load, 5 },
	};
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(argv[1], verbs[i].name) == 0 && argc >= verbs[i].least)
			return verbs[i].run(argc - 2, argv + 2);
	fprintf(stderr,
		"usage: monitord-demo backend NAME PORT | front PORT FLAG NAME=PORT ... |"
		" sink PORT MAILBOX | load PORT RATE SECONDS\n");
	return 2;
}
