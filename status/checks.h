/* status/checks.h: the newest views of the checks, in little room: as many values as their
 * kinds measure, and texts only where there are any. */
#ifndef STATUS_CHECKS_H
#define STATUS_CHECKS_H

#include "base/msg.h"
#include "rules/rules.h"

struct checks;

/* None is known yet. NULL: out of memory. */
struct checks *checks_new(const struct rules *rules);
void checks_free(struct checks **cp);

/* Values that its kind does not have room for are left out. v->check: of the rules. */
void checks_take(struct checks *c, const struct msg_check_view *v);
bool checks_known(const struct checks *c, uint32_t id);
/* What was taken last, of one that is known. */
void checks_view(const struct checks *c, uint32_t id, struct msg_check_view *out);

#endif
