/* rules/prove.h: inside the checker: what only the whole of the rules shows, by noun. */
#ifndef RULES_PROVE_H
#define RULES_PROVE_H

#include "rules/build.h"

enum possible { POSSIBLE_NEVER, POSSIBLE_SOMETIMES, POSSIBLE_ALWAYS };

/* Whether both conditions can be true together; second may be NULL. All values that matter
 * are tried; where they are too many, SOMETIMES. */
enum possible condition_possible(const struct condition *first, const struct condition *second);

void prove_check(struct build *b, struct check *c); /* prove_check.c; sets what follows */
void prove_rules(struct build *b);                  /* prove_rule.c */
void prove_unused(struct build *b);                 /* prove_use.c */
void prove_metrics(struct build *b);

#endif
