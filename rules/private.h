/* rules/private.h: what lies behind a struct rules besides itself. */
#ifndef RULES_PRIVATE_H
#define RULES_PRIVATE_H

#include "base/arena.h"
#include "rules/build.h"

struct rules_private {
	struct rules rules;
	struct arena *arena;
	const uint32_t *names; /* a hash table of kinds and ids: the objects know their names */
	size_t name_cap;       /* a power of two; one place in four is free */
};

/* Into a place of the table that is free. */
void names_put(uint32_t *names, size_t cap, const struct name_row *row);

#endif
