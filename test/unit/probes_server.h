/* test/unit/probes_server.h: peers that behave badly, each a process of its own on a
 * loopback port; it ends by itself after two minutes. */
#ifndef TEST_UNIT_PROBES_SERVER_H
#define TEST_UNIT_PROBES_SERVER_H

#include <sys/types.h>

enum manner {
	MANNER_GOOD,   /* 200, X-Backend: apache, a body of 5 bytes */
	MANNER_SICK,   /* 500 */
	MANNER_REFUSE, /* nobody listens */
	MANNER_FULL,   /* its accept queue is full */
	MANNER_HANG,   /* accepts, and not a byte */
	MANNER_DRIP,   /* a right answer, one byte each 100 ms */
	MANNER_HEADER, /* header lines without end */
	MANNER_BODY,   /* a body without end */
	MANNER_BANNER, /* speaks first, and something else */
	MANNER_RESET,  /* half an answer, then a reset */
	MANNER_CLOSE,  /* closes without a byte */
	MANNER_CPONG,  /* AJP */
	MANNER_TALK,   /* greets, waits, greets again, and closes */
	MANNERS
};

struct server {
	pid_t pid;   /* 0: none */
	int fd;      /* what this process holds of it */
	int held[8]; /* MANNER_FULL: what fills its queue; 0: none */
	unsigned port;
};

void server_begin(struct server *s, enum manner manner);
void server_end(struct server *s);

#endif
