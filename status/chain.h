/* status/chain.h: how a chain as a whole is, from what is believed of its members: served
 * by the first choice, by another one, or not at all. */
#ifndef STATUS_CHAIN_H
#define STATUS_CHAIN_H

#include "status/store.h"

enum chain_state { CHAIN_UNKNOWN, CHAIN_PRIMARY, CHAIN_SECONDARY, CHAIN_DOWN, CHAIN_STATES };
extern const char *const chain_state_name[CHAIN_STATES];

/* why: which member makes it so; "" where all are well. */
enum chain_state chain_state_of(const struct store *s, uint32_t id, char *why, size_t cap);

#endif
