/* base/arena.h: memory that is given out once and freed whole. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena;

/* NULL: out of memory. The memory is not copied into forked children (MADV_DONTFORK) when
 * private_to_parent is not 0: a child must not touch it. */
struct arena *arena_new(int private_to_parent);
void arena_free(struct arena **ap);
void *arena_get(struct arena *a, size_t size); /* zeroed, 16-byte aligned; NULL: none left */
char *arena_text(struct arena *a, const char *text, size_t length); /* copy, NUL-ended */
size_t arena_used(const struct arena *a);

#endif
