/* Which views have changed since status took them. */
#include "rules/world_state.h"

void
world_mark(struct world *w, enum object_kind kind, uint32_t id)
{
	uint32_t index = w->base[kind] + id;
	/* members of chains: what became of them is looked at behind the event */
	if (w->rules->chain_count > 0 &&
	    (kind == OBJECT_SERVICE || kind == OBJECT_CHECK || kind == OBJECT_ROUTE))
		w->chains_due = true;
	if ((w->marks[index] & MARK_DIRTY) != 0)
		return;
	w->marks[index] |= MARK_DIRTY;
	w->dirty[(w->dirty_first + w->dirty_count++) % w->node_count] = index;
}

void
world_mark_later(struct world *w, enum object_kind kind, uint32_t id)
{
	uint32_t index = w->base[kind] + id;
	if (w->marks[index] != 0)
		return;
	w->marks[index] = MARK_STALE;
	w->stale[w->stale_count++] = index;
}

bool
world_is_stale(const struct world *w)
{
	return w->stale_count > 0;
}

void
world_age(struct world *w)
{
	for (uint32_t i = 0; i < w->stale_count; i++) {
		uint8_t *mark = &w->marks[w->stale[i]];
		bool dirty = (*mark & MARK_DIRTY) != 0;
		*mark = MARK_DIRTY;
		if (dirty)
			continue;
		w->dirty[(w->dirty_first + w->dirty_count++) % w->node_count] =
			w->stale[i];
	}
	w->stale_count = 0;
}

bool
world_is_dirty(const struct world *w)
{
	return w->dirty_count > 0;
}

bool
world_take_dirty(struct world *w, enum object_kind *kind, uint32_t *id)
{
	static const enum object_kind order[] = { NODE_INCIDENTS, OBJECT_CHAIN,
						  OBJECT_RULE,    OBJECT_ROUTE,
						  OBJECT_CHECK,   OBJECT_SERVICE };
	if (w->dirty_count == 0)
		return false;
	uint32_t index = w->dirty[w->dirty_first];
	w->dirty_first = (w->dirty_first + 1) % w->node_count;
	w->dirty_count--;
	w->marks[index] &= (uint8_t)~MARK_DIRTY;
	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (index >= w->base[order[i]]) {
			*kind = order[i];
			*id = index - w->base[order[i]];
			break;
		}
	return true;
}

void
world_dirty_again(struct world *w, enum object_kind kind, uint32_t id)
{
	world_mark(w, kind, id);
}

void
world_all_dirty(struct world *w)
{
	static const enum object_kind kinds[] = { OBJECT_SERVICE, OBJECT_CHECK,
						  OBJECT_ROUTE, OBJECT_RULE,
						  OBJECT_CHAIN };
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
		for (uint32_t i = 0; i < rules_count(w->rules, kinds[k]); i++)
			world_mark(w, kinds[k], i);
	for (uint32_t i = 0; i < w->incident_end; i++)
		if (w->incidents[i].id != 0)
			world_mark(w, NODE_INCIDENTS, i);
	for (uint32_t i = 0; i < SILENCES; i++)
		world_mark(w, NODE_INCIDENTS, NODE_SILENCES + i);
}
