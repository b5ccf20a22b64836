/* probes/pool.h: things of one size, in slabs: but for a few, those that nobody uses are given
 * back, so that a rush of things costs memory only while it lasts. */
#ifndef PROBES_POOL_H
#define PROBES_POOL_H

#include <stddef.h>

struct slab;

struct pool { /* zero-filled but for size */
	size_t size;
	struct slab *slabs; /* the oldest first: they are filled first, too */
};

void *pool_take(struct pool *p); /* not zeroed, 16-byte aligned; NULL: out of memory */
void pool_give(struct pool *p, void *thing);

#endif
