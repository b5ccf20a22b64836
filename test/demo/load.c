/* A load: requests on schedule, one connection each; prints each change of who answers,
 * each window of failures, and the totals. */
#include "test/demo/demo.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;

static void
stop(int sig)
{
	(void)sig;
	stopped = 1;
}

/* The name of the backend that answered 200 in who, or false. */
static int
ask(unsigned port, char *who, size_t cap)
{
	static const char request[] =
		"GET / HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n";
	char reply[4096];
	int fd = demo_connect(port, 1000), good = 0;
	if (fd == -1)
		return 0;
	if (demo_write(fd, request, sizeof request - 1) == 0 &&
	    demo_read_head(fd, reply, sizeof reply) > 0 &&
	    strncmp(reply, "HTTP/1.1 200", 12) == 0) {
		const char *h = strstr(reply, "X-Backend: ");
		snprintf(who, cap, "%.*s", h != NULL ? (int)strcspn(h + 11, "\r") : 1,
			 h != NULL ? h + 11 : "?");
		good = 1;
	}
	close(fd);
	return good;
}

int
demo_load(int argc, char **argv)
{
	(void)argc;
	unsigned port = (unsigned)atoi(argv[0]);
	int64_t gap_ns = 1000000000 / atoi(argv[1]);
	int64_t end = demo_real_ms() + atoi(argv[2]) * 1000LL, failing_since = 0;
	unsigned long total = 0, failed = 0, window = 0;
	char last[64] = "", who[64];
	struct timespec next;
	signal(SIGTERM, stop);
	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!stopped && demo_real_ms() < end) {
		int64_t began = demo_real_ms();
		total++;
		if (!ask(port, who, sizeof who)) {
			failed++;
			window++;
			if (failing_since == 0)
				failing_since = began;
		} else {
			if (failing_since != 0)
				printf("%lld failed %lu requests in %lld ms\n",
				       (long long)began, window,
				       (long long)(began - failing_since));
			failing_since = 0;
			window = 0;
			if (strcmp(who, last) != 0)
				printf("%lld served by %s\n", (long long)began, who);
			snprintf(last, sizeof last, "%s", who);
		}
		next.tv_nsec += gap_ns;
		next.tv_sec += next.tv_nsec / 1000000000;
		next.tv_nsec %= 1000000000;
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
	printf("%lld total %lu requests, %lu failed\n", (long long)demo_real_ms(), total,
	       failed);
	return 0;
}
