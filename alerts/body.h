/* alerts/body.h: what a mail says, in the order in which a woken person wants to know it.
 */
#ifndef ALERTS_BODY_H
#define ALERTS_BODY_H

#include "alerts/letter.h"

/* What is wrong; who is served by whom; what was done and whether it is verified; what
 * comes next; evidence; commands. UTF-8 lines that end in '\n', cut at cap - 1. Returns
 * the length. */
size_t body_write(const struct letter *l, char *out, size_t cap);

#endif
