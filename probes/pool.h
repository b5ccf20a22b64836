/* probes/pool.h: things of one size, in slabs. Slabs that nobody uses stay until pool_rest(), so
 * that none is mapped anew in each turn, and a rush of things costs memory only for a while. */
#ifndef PROBES_POOL_H
#define PROBES_POOL_H

#include <stddef.h>

struct slab;

struct pool { /* zero-filled but for size */
	size_t size;
	struct slab *slabs; /* the oldest first: they are filled first, too */
	unsigned empty, least; /* slabs that nobody uses; the fewest since pool_rest() */
};

void *pool_take(struct pool *p); /* not zeroed, 16-byte aligned; NULL: out of memory */
void pool_give(struct pool *p, void *thing);
/* Gives back what has not been used since the last time, but for one slab. */
void pool_rest(struct pool *p);

#endif
