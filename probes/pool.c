#include "probes/pool.h"

#include <assert.h>
#include <stdbool.h>
#include <sys/mman.h>

#define SLAB ((size_t)64 * 1024)
#define ALIGN ((size_t)16)

struct place { /* before each thing */
	struct slab *of;
	struct place *next; /* spare */
};

struct slab {
	struct slab *next;
	size_t used; /* things */
	struct place *spare;
};
static_assert(sizeof(struct place) % ALIGN == 0, "things would not be aligned");

static struct slab *
slab_new(size_t size)
{
	struct slab *s = mmap(NULL, SLAB, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s == MAP_FAILED)
		return NULL;
	size_t first = (sizeof *s + ALIGN - 1) / ALIGN * ALIGN;
	size_t step = sizeof(struct place) + (size + ALIGN - 1) / ALIGN * ALIGN;
	assert(first + step <= SLAB);
	s->next = NULL;
	s->used = 0;
	s->spare = NULL;
	for (size_t at = first + (SLAB - first) / step * step; at >= first + step;) {
		at -= step; /* the lowest is the first to be taken */
		struct place *p = (struct place *)(void *)((char *)s + at);
		*p = (struct place){ .of = s, .next = s->spare };
		s->spare = p;
	}
	return s;
}

void *
pool_take(struct pool *p)
{
	struct slab **at = &p->slabs;
	while (*at != NULL && (*at)->spare == NULL)
		at = &(*at)->next;
	if (*at == NULL && (*at = slab_new(p->size)) != NULL)
		p->empty++;
	if (*at == NULL)
		return NULL;
	struct place *place = (*at)->spare;
	(*at)->spare = place->next;
	if ((*at)->used++ == 0 && p->empty > 0 && --p->empty < p->least)
		p->least = p->empty;
	return place + 1;
}

void
pool_rest(struct pool *p)
{
	unsigned keep = p->empty - p->least > 1 ? p->empty - p->least : 1, kept = 0;
	for (struct slab **at = &p->slabs; *at != NULL;) { /* the newest go */
		struct slab *s = *at;
		if (s->used > 0 || kept < keep) {
			kept += s->used == 0;
			at = &s->next;
			continue;
		}
		*at = s->next;
		munmap(s, SLAB);
	}
	p->empty = p->least = kept;
}

void
pool_give(struct pool *p, void *thing)
{
	struct place *place = (struct place *)thing - 1;
	struct slab *s = place->of;
	assert(s->used > 0);
	place->next = s->spare;
	s->spare = place;
	if (--s->used == 0)
		p->empty++;
}
