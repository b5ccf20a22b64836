/* rules/same.h: whether a section that was read again still asks for the same. */
#ifndef RULES_SAME_H
#define RULES_SAME_H

#include "rules/rules.h"

bool same_text(const char *a, const char *b); /* NULL equals only NULL */

/* Nothing changed that costs a restart of the process. */
bool same_process(const struct service *a, const struct service *b);

/* Of two that are watched: whom the one names the other does as well. Of others: true. */
bool same_search(const struct service *a, const struct service *b);

/* These of the rules in x do what those of the rules in y do. */
bool same_actions(const struct rules *x, const struct action *a, uint32_t a_count,
		  const struct rules *y, const struct action *b, uint32_t b_count);

/* Nothing changed that costs a new measurement. */
bool same_measurement(const struct check *a, const struct check *b);

#endif
