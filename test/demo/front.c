/* A front: sends each request to the backend that the flag file names on its first line. */
#include "test/demo/demo.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static const char *flag_path;
static char **backends; /* NAME=PORT */
static int backend_count;

static unsigned
active_port(void)
{
	char line[128] = "";
	FILE *f = fopen(flag_path, "re");
	if (f != NULL) {
		if (fgets(line, sizeof line, f) == NULL)
			line[0] = '\0';
		fclose(f);
	}
	line[strcspn(line, "\n")] = '\0';
	for (int i = 0; i < backend_count; i++) {
		size_t n = strcspn(backends[i], "=");
		if (strlen(line) == n && strncmp(backends[i], line, n) == 0)
			return (unsigned)atoi(backends[i] + n + 1);
	}
	return (unsigned)atoi(strchr(backends[0], '=') + 1);
}

static void
relay(int client)
{
	char buf[8192];
	struct timeval limit = { .tv_sec = 2 };
	setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	size_t n = demo_read_head(client, buf, sizeof buf);
	if (n == 0)
		return;
	int backend = demo_connect(active_port(), 1000);
	size_t passed = 0;
	if (backend != -1 && demo_write(backend, buf, n) == 0) {
		ssize_t r;
		while ((r = read(backend, buf, sizeof buf)) > 0 &&
		       demo_write(client, buf, (size_t)r) == 0)
			passed += (size_t)r;
	}
	if (backend != -1)
		close(backend);
	if (passed == 0) {
		static const char bad[] =
			"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n"
			"Connection: close\r\n\r\n";
		demo_write(client, bad, sizeof bad - 1);
	}
}

static void *
serve(void *arg)
{
	int client = (int)(intptr_t)arg;
	relay(client);
	close(client);
	return NULL;
}

int
demo_front(int argc, char **argv)
{
	int listener = demo_listen((unsigned)atoi(argv[0]));
	flag_path = argv[1];
	backends = argv + 2;
	backend_count = argc - 2;
	for (int i = 0; i < backend_count; i++)
		if (strchr(backends[i], '=') == NULL) {
			fprintf(stderr, "demo: %s is not NAME=PORT\n", backends[i]);
			return 2;
		}
	for (;;) {
		pthread_t t;
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd == -1)
			continue;
		if (pthread_create(&t, NULL, serve, (void *)(intptr_t)fd) == 0)
			pthread_detach(t);
		else
			close(fd);
	}
}
