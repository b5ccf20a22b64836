/* The deadlines of the world: a binary heap of node indexes. */
#include "rules/world_state.h"

static void
place(struct world *w, uint32_t at, uint32_t node)
{
	w->heap[at] = node;
	w->nodes[node].heap = at + 1;
}

/* What is due at once is so in the order of the nodes, whatever else waits. */
static bool
sooner(const struct world *w, uint32_t a, uint32_t b)
{
	int64_t one = w->nodes[a].due_ms, other = w->nodes[b].due_ms;
	return one != other ? one < other : a < b;
}

static void
sift(struct world *w, uint32_t at)
{
	uint32_t node = w->heap[at];
	while (at > 0 && sooner(w, node, w->heap[(at - 1) / 2])) {
		place(w, at, w->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	for (;;) {
		uint32_t child = 2 * at + 1;
		if (child >= w->heap_count)
			break;
		if (child + 1 < w->heap_count &&
		    sooner(w, w->heap[child + 1], w->heap[child]))
			child++;
		if (!sooner(w, w->heap[child], node))
			break;
		place(w, at, w->heap[child]);
		at = child;
	}
	place(w, at, node);
}

void
world_arm(struct world *w, enum object_kind kind, uint32_t id, int64_t due_ms)
{
	uint32_t index = w->base[kind] + id;
	struct node *n = &w->nodes[index];
	n->due_ms = due_ms;
	if (due_ms != NEVER) {
		if (n->heap == 0)
			place(w, w->heap_count++, index);
		sift(w, n->heap - 1);
	} else if (n->heap != 0) {
		uint32_t hole = n->heap - 1, last = w->heap[--w->heap_count];
		n->heap = 0;
		if (last != index) {
			place(w, hole, last);
			sift(w, hole);
		}
	}
}

int64_t
world_deadline(const struct world *w)
{
	int64_t due = w->heap_count > 0 ? w->nodes[w->heap[0]].due_ms : NEVER;
	if (w->going && w->go_next < w->rules->service_count)
		due = 0; /* more to start: at once */
	/* an action waits no longer than that */
	for (uint32_t i = 0; i < w->waiting_rules; i++)
		if (w->ruleviews[w->waiting[i]].wait_due_ms < due)
			due = w->ruleviews[w->waiting[i]].wait_due_ms;
	if ((w->stopping_all && w->stops_due) || w->affected > 0 ||
	    (w->going && w->chains_due))
		due = 0;
	return due;
}
