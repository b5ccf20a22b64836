#include "probes/results.h"

#include <stdlib.h>

#define BATCH (MSG_PACKET_MAX / sizeof(struct msg_result))

bool
results_begin(struct results *r, struct helper *h, uint32_t check_count)
{
	uint8_t *waiting = calloc(check_count + 1, sizeof *waiting);
	if (waiting == NULL)
		return false;
	*r = (struct results){ .helper = h,
			       .waiting = waiting,
			       .check_count = check_count };
	r->last = &r->first;
	return true;
}

/* Takes the node behind *at out of the queue. */
static void
drop(struct results *r, struct result_node **at)
{
	struct result_node *node = *at;
	*at = node->next;
	if (*at == NULL)
		r->last = at;
	node->next = r->spare;
	r->spare = node;
}

bool
results_renumber(struct results *r, const uint32_t *new_id, uint32_t check_count)
{
	uint8_t *waiting = calloc(check_count + 1, sizeof *waiting);
	if (waiting == NULL)
		return false;
	uint32_t count = r->well_count;
	r->well_count = 0;
	for (uint32_t i = 0; i < count; i++)
		if (new_id[r->well[i].check] != UINT32_MAX) {
			r->well[r->well_count] = r->well[i];
			r->well[r->well_count++].check = new_id[r->well[i].check];
		}
	for (struct result_node **at = &r->first; *at != NULL;) {
		uint32_t id = new_id[(*at)->result.check];
		if (id == UINT32_MAX) {
			drop(r, at);
			continue;
		}
		(*at)->result.check = id;
		waiting[id]++;
		at = &(*at)->next;
	}
	free(r->waiting);
	r->waiting = waiting;
	r->check_count = check_count;
	return true;
}

static void
drop_oldest_of(struct results *r, uint32_t check)
{
	struct result_node **at = &r->first;
	while ((*at)->result.check != check)
		at = &(*at)->next;
	drop(r, at);
	r->waiting[check]--;
}

void
results_add(struct results *r, const struct msg_result *result)
{
	if (r->waiting[result->check] == 0 && r->well_count < RESULTS_WELL &&
	    msg_to_well(result, &r->well[r->well_count])) {
		r->well_count++;
		return;
	}
	if (r->waiting[result->check] == RESULTS_KEPT)
		drop_oldest_of(r, result->check);
	struct result_node *node = r->spare;
	if (node != NULL)
		r->spare = node->next;
	else if ((node = malloc(sizeof *node)) == NULL)
		return; /* the next measurement tells the same */
	node->next = NULL;
	node->result = *result;
	*r->last = node;
	r->last = &node->next;
	r->waiting[result->check]++;
}

void
results_flush(struct results *r)
{
	static struct msg_result batch[BATCH];
	if (r->well_count > 0 && !r->helper->full &&
	    helper_send(r->helper, MSG_WELL, r->well, r->well_count) == MSG_SENT)
		r->well_count = 0;
	if (r->well_count > 0)
		return;
	while (r->first != NULL && !r->helper->full) {
		size_t n = 0;
		for (struct result_node *node = r->first; node != NULL && n < BATCH;
		     node = node->next)
			batch[n++] = node->result;
		if (helper_send(r->helper, MSG_RESULT, batch, n) != MSG_SENT)
			return;
		for (; n > 0; n--) {
			r->waiting[r->first->result.check]--;
			drop(r, &r->first);
		}
	}
}
