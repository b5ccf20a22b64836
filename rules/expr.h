/* rules/expr.h: between expr.c, the grammar of conditions, and operand.c, their tests. */
#ifndef RULES_EXPR_H
#define RULES_EXPR_H

#include "rules/build.h"

#define OPS_MAX 256

struct parser {
	struct build *b;
	const char *p;
	struct op ops[OPS_MAX];
	uint32_t count, slots;
	unsigned depth;
	bool failed;
};

/* Only the first mistake of a condition is told: the others follow from it. */
#define expr_fail(x, ...)                                                                          \
	do {                                                                                       \
		if (!(x)->failed)                                                                  \
			build_error((x)->b, (x)->b->entry->place, __VA_ARGS__);                    \
		(x)->failed = true;                                                                \
	} while (0)

struct op *expr_add(struct parser *x);
/* OBJECT.METRIC or FUNCTION(OBJECT.METRIC, DURATION), perhaps compared with a value. */
void expr_test(struct parser *x);

#endif
