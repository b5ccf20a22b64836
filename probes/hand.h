/* probes/hand.h: `monitord-probes check FILE NAME`, for people who write rules. */
#ifndef PROBES_HAND_H
#define PROBES_HAND_H

#include "base/msg.h"
#include "rules/parse.h"

/* Exit codes, as monitorctl's. */
enum { HAND_UP = 0, HAND_NOT_DONE = 1, HAND_WRONG_USE = 2, HAND_DOWN = 3, HAND_NO_NAME = 4 };

int hand_main(const char *path, const char *name);

/* Prints a verdict and its values. */
void hand_report(const struct msg_result *m);
/* Does it by a helper of our own, whose monitord we play. */
int hand_helper(const struct sources *sources, const struct rules *rules, uint32_t check);

#endif
