/* A backend: says its name; GET /leak makes it keep more and more memory. */
#include "test/demo/demo.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define LEAK_STEP (1u << 20)
#define LEAK_STEPS 256u /* 256 MiB, then it stops */

static void *
leak(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < LEAK_STEPS; i++) {
		char *p = malloc(LEAK_STEP);
		if (p != NULL)
			memset(p, (int)(i | 1), LEAK_STEP);
		nanosleep(&(struct timespec){ .tv_nsec = 20 * 1000 * 1000 }, NULL);
	}
	return NULL;
}

static void
answer(int fd, const char *name)
{
	char head[2048], reply[512];
	struct timeval limit = { .tv_sec = 2 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (demo_read_head(fd, head, sizeof head) == 0)
		return;
	if (strncmp(head, "GET /leak ", 10) == 0) {
		pthread_t t;
		if (pthread_create(&t, NULL, leak, NULL) == 0)
			pthread_detach(t);
	}
	int n = snprintf(
		reply, sizeof reply,
		"HTTP/1.1 200 OK\r\nX-Backend: %s\r\nContent-Type: text/plain\r\n"
		"Content-Length: %zu\r\nConnection: close\r\n\r\nhello from %s\n",
		name, strlen(name) + 12, name);
	demo_write(fd, reply, (size_t)n);
}

int
demo_backend(int argc, char **argv)
{
	(void)argc;
	int listener = demo_listen((unsigned)atoi(argv[1]));
	printf("%s serves on port %s\n", argv[0], argv[1]);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd == -1)
			continue;
		answer(fd, argv[0]);
		close(fd);
	}
}
