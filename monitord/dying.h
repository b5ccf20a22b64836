/* monitord/dying.h: helpers that were killed and are not gone yet. One that a dead disk
 * holds in a system call may take for ever: nobody waits for it, its successor works
 * meanwhile. */
#ifndef MONITORD_DYING_H
#define MONITORD_DYING_H

#include "base/loop.h"

#include <sys/types.h>

#define DYING_MAX 4 /* of one helper; more are stuck in the same place, and would be too */

struct dying {
	struct corpse {
		pid_t pid; /* 0: free */
		int pidfd; /* -1: none, it is looked at when another place is asked for */
		struct loop_io io;
	} list[DYING_MAX];
};

/* One more may be killed: those that have ended meanwhile are reaped. */
bool dying_room(struct dying *d);

/* Our own child, killed here, with room for it; pidfd is taken. It is reaped when it
 * ends. */
void dying_add(struct dying *d, struct loop *loop, pid_t pid, int pidfd);

void dying_forget(struct dying *d); /* we end: init reaps those that are left */

#endif
