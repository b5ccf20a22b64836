/* monitord/whole.h: what a service's use is a part of: its memory-max or the machine's
 * memory, the machine's swap, the process's own limit of descriptors. */
#ifndef MONITORD_WHOLE_H
#define MONITORD_WHOLE_H

#include "base/msg.h"
#include "rules/rules.h"

/* Adds the percentages of what the sample holds. Its pid must have been proven to be the
 * service's. */
void whole_add(const struct service *s, struct msg_sample *m);

#endif
