/* rules/private.h: what lies behind a struct rules besides itself. */
#ifndef RULES_PRIVATE_H
#define RULES_PRIVATE_H

#include "base/arena.h"
#include "rules/build.h"

struct rules_private {
	struct rules rules;
	struct arena *arena;
	const struct name_row *names;
	size_t name_cap; /* a power of two */
};

/* NULL: none. */
const struct name_row *names_find(const struct name_row *names, size_t cap, const char *name,
				  enum object_kind kind);

#endif
