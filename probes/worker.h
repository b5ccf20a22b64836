/* probes/worker.h: threads for what may block for ever: a look at a dead mount keeps one
 * of them, and nothing else waits for it. */
#ifndef PROBES_WORKER_H
#define PROBES_WORKER_H

#include "base/loop.h"

#include <stdatomic.h>

#define WORKERS_MAX 64 /* threads; what is given beyond waits for one of them */

/* One piece of work, the caller's, which must stay until done(). Between give and done it
 * is the thread's, but for hurry. */
struct work {
	void (*run)(struct work *w);  /* in a thread: touches nothing but *w */
	void (*done)(struct work *w); /* in the loop */
	atomic_bool hurry; /* nobody waits for the outcome any more: run() ends soon */
	struct work *next;
};

struct workers;

/* NULL: no descriptor, or out of memory. They live as long as the program. */
struct workers *workers_new(struct loop *loop);
void workers_give(struct workers *ws, struct work *w);

#endif
