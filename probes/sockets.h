/* probes/sockets.h: TCP sockets that are connected again and again, each time from a new port.
 *
 * connect(2) with AF_UNSPEC dissolves a connection as a close by reset does, its peer sees the
 * same, and the socket stays: that saves four system calls of seven, and the kernel the making
 * of it. They are watched edge-triggered in an epoll set of their own: who owns one reads until
 * there is no more, or takes it out of the set (sockets_part). */
#ifndef PROBES_SOCKETS_H
#define PROBES_SOCKETS_H

#include "base/loop.h"
#include "probes/pool.h"

#define SOCKETS_SPARE 256 /* more than these are not kept */

struct socket {
	int fd;
	bool v6;
	uint64_t turn;       /* it was taken while the events of this turn were handled */
	void *owner;         /* NULL: spare */
	struct socket *next; /* spare, or gone */
};

struct sockets { /* zero-filled before sockets_begin() */
	struct loop_io io;
	int set; /* the epoll set; -1: none, and no socket is ever kept */
	/* LOOP_READ | LOOP_WRITE: may be done now. True: what the owner waits for is
	 * another thing now, which may have happened, too: once more. */
	bool (*event)(void *owner, unsigned events);
	struct socket *spare[2], *gone; /* by v6; gone: events of this turn may name them */
	unsigned spares;
	uint64_t turn;
	bool busy; /* the events of a turn are being handled */
	struct pool pool;
};

void sockets_begin(struct sockets *s, struct loop *loop,
		   bool (*event)(void *owner, unsigned events));
void sockets_end(struct sockets *s); /* none is owned */

/* Not connected, non-blocking. NULL: errno says why, ENOSYS that there are none. */
struct socket *sockets_take(struct sockets *s, bool v6, void *owner);
/* Its connection ends by a reset. False: that cannot be done, it is still the owner's. */
bool sockets_keep(struct sockets *s, struct socket *k);
void sockets_close(struct sockets *s, struct socket *k);
/* Its descriptor, which is watched no more and is the caller's. */
int sockets_part(struct sockets *s, struct socket *k);
void sockets_trim(struct sockets *s); /* one spare less, if there is one */

#endif
