/* probes/results.h: verdicts on their way to monitord. Those of one loop turn travel in
 * few packets; while the channel is full the last RESULTS_KEPT of each check wait. */
#ifndef PROBES_RESULTS_H
#define PROBES_RESULTS_H

#include "base/helper.h"

#define RESULTS_KEPT 64

struct result_node {
	struct result_node *next;
	struct msg_result result;
};

struct results {
	struct helper *helper;
	struct result_node *first, **last, *spare;
	uint32_t *waiting; /* by check: how many */
	uint32_t check_count;
};

/* False: out of memory, nothing changed. */
bool results_begin(struct results *r, struct helper *h, uint32_t check_count);
/* After a reload: new_id[old check] is its id now, UINT32_MAX: what waits for it is
 * dropped. */
bool results_renumber(struct results *r, const uint32_t *new_id, uint32_t check_count);
void results_add(struct results *r, const struct msg_result *result);
void results_flush(struct results *r);

#endif
