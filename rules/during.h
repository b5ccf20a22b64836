/* rules/during.h: the times of a week at which something is done: `Mon-Fri 08:00-18:00`.
 * Local time is an argument: milliseconds since 1970 plus the zone's offset at that moment. */
#ifndef RULES_DURING_H
#define RULES_DURING_H

#include "rules/rules.h"

/* No times: always. */
bool during_holds(const struct during *d, int64_t local_ms);
/* After so long that may have changed; 0 < it <= DURING_LOOK_MS, so that a change of the
 * zone's offset is noticed. */
#define DURING_LOOK_MS 900000
int64_t during_changes_ms(const struct during *d, int64_t local_ms);

#endif
