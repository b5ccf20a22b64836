/* probes/results.h: verdicts on their way to monitord. What is good and says nothing more
 * gathers in little room; the others of one loop turn travel in few packets, and while the
 * channel is full the last RESULTS_KEPT of each check wait. */
#ifndef PROBES_RESULTS_H
#define PROBES_RESULTS_H

#include "base/helper.h"

#define RESULTS_KEPT 64
#define RESULTS_WELL (MSG_PACKET_MAX / sizeof(struct msg_well))

struct result_node {
	struct result_node *next;
	struct msg_result result;
};

struct results {
	struct helper *helper;
	struct result_node *first, **last, *spare;
	uint8_t *waiting; /* by check: how many */
	uint32_t check_count;
	uint32_t well_count; /* they go first: none is of a check that has others waiting */
	struct msg_well well[RESULTS_WELL];
};

/* False: out of memory, nothing changed. */
bool results_begin(struct results *r, struct helper *h, uint32_t check_count);
/* After a reload: new_id[old check] is its id now, UINT32_MAX: what waits for it is
 * dropped. */
bool results_renumber(struct results *r, const uint32_t *new_id, uint32_t check_count);
void results_add(struct results *r, const struct msg_result *result);
void results_flush(struct results *r);

#endif
