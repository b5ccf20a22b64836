/* probes/worker.h: threads for what may block for ever: a look at a dead mount keeps one
 * of them, and nothing else waits for it. */
#ifndef PROBES_WORKER_H
#define PROBES_WORKER_H

#include "base/loop.h"

#include <stdatomic.h>

#define WORKERS_MAX 64 /* threads; what is given beyond waits for one of them */
#define WORKERS_PLACE 16 /* of them, for one place: it may be one that answers nobody */

enum work_stage { WORK_WAITS, WORK_RUNS, WORK_ENDED };

/* One piece of work, the caller's, which must stay until done(). Between give and done it
 * is the thread's, but for hurry. */
struct work {
	void (*run)(struct work *w);  /* in a thread: touches nothing but *w */
	void (*done)(struct work *w); /* in the loop */
	atomic_bool hurry; /* nobody waits for the outcome any more: run() ends soon */
	uint64_t place; /* where it may be stuck together with others; 0: nowhere */
	/* the workers' own: */
	struct work *next;
	enum work_stage stage;
	bool late;    /* its thread is given up */
	bool counted; /* in its place */
};

struct workers;

/* NULL: no descriptor, or out of memory. They live as long as the program. */
struct workers *workers_new(struct loop *loop);
void workers_give(struct workers *ws, struct work *w);
/* Nobody waits any more for what was given. True: no thread had begun it, none will, and done() is
 * not called. False: its thread is given up, and another one may take its part until it is back. */
bool workers_late(struct workers *ws, struct work *w);

#endif
