/* What functions over time remember of the believed states. */
#include "rules/decide.h"

#include "base/arena.h"

#include <string.h>

static bool
is_of_process(enum metric m)
{
	return m != METRIC_UP && m != METRIC_STATE && m != METRIC_RESTARTS &&
	       m != METRIC_EXIT_CODE && m != METRIC_PID;
}

/* It comes with a measurement; the others change by what happens. */
bool
memory_is_sampled(enum object_kind kind, enum metric m)
{
	if (kind == OBJECT_SERVICE)
		return is_of_process(m);
	return kind == OBJECT_CHECK && m != METRIC_UP && m != METRIC_DOWN &&
	       m != METRIC_DEGRADED && m != METRIC_STATE;
}

static bool
index_series(struct world *w, enum object_kind kind)
{
	const struct rules *rules = w->rules;
	struct readers *r = &w->series_of[kind];
	uint32_t count = rules_count(rules, kind);
	r->first = arena_get(w->arena, (count + 2) * sizeof *r->first);
	r->rules = arena_get(w->arena, (rules->series_count + 1) * sizeof *r->rules);
	if (r->first == NULL || r->rules == NULL)
		return false;
	for (uint32_t i = 0; i < rules->series_count; i++)
		if (rules->series[i].object == kind)
			r->first[rules->series[i].id + 2]++;
	for (uint32_t i = 1; i <= count; i++)
		r->first[i + 1] += r->first[i];
	for (uint32_t i = 0; i < rules->series_count; i++)
		if (rules->series[i].object ==
		    kind) /* each start moves to its end, the next one's */
			r->rules[r->first[rules->series[i].id + 1]++] = i;
	return true;
}

bool
memory_begin(struct world *w)
{
	const struct rules *rules = w->rules;
	static const enum object_kind kinds[] = { OBJECT_SERVICE, OBJECT_CHECK,
						  OBJECT_ROUTE, OBJECT_CHAIN };
	w->series = arena_get(w->arena, rules->series_count * sizeof *w->series + 1);
	if (w->series == NULL)
		return false;
	if (rules->series_count == 0)
		return true;
	for (uint32_t i = 0; i < rules->series_count; i++) {
		const struct series *s = &rules->series[i];
		struct series_view *v = &w->series[i];
		v->cap = series_cap(s, rules_every_ms(rules, s->object, s->id));
		v->slices = arena_get(w->arena, v->cap * sizeof *v->slices);
		if (series_counts(s))
			v->counts = arena_get(w->arena, series_counters(v->cap) *
								sizeof *v->counts);
		if (v->slices == NULL || (series_counts(s) && v->counts == NULL))
			return false;
	}
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
		if (!index_series(w, kinds[k]))
			return false;
	return true;
}

void
memory_take(struct world *w, enum object_kind kind, uint32_t id, bool sample)
{
	const struct readers *r = &w->series_of[kind];
	double v;
	if (r->first == NULL)
		return;
	for (uint32_t i = r->first[id]; i < r->first[id + 1]; i++) {
		const struct series *s = &w->rules->series[r->rules[i]];
		if ((sample || !memory_is_sampled(kind, s->metric)) &&
		    metric_value(w, kind, id, s->metric, &v))
			series_push(&w->series[r->rules[i]], s, w->now_ms, v);
	}
}

static void
forget(struct world *w, enum object_kind kind, uint32_t id)
{
	const struct readers *r = &w->series_of[kind];
	for (uint32_t i = r->first[id]; i < r->first[id + 1]; i++)
		if (memory_is_sampled(kind, w->rules->series[r->rules[i]].metric))
			series_forget(&w->series[r->rules[i]]);
}

void
memory_forget(struct world *w, uint32_t service)
{
	const struct id_list *checks = &w->rules->services[service].checks;
	if (w->rules->series_count == 0)
		return;
	forget(w, OBJECT_SERVICE, service);
	for (uint32_t i = 0; i < checks->count; i++)
		forget(w, OBJECT_CHECK, checks->ids[i]);
}

static bool
same_series(const struct world *to, uint32_t n, const struct world *from, uint32_t o)
{
	const struct series *a = &to->rules->series[n], *b = &from->rules->series[o];
	return a->object == b->object && a->metric == b->metric &&
	       a->function == b->function && a->span_ms == b->span_ms &&
	       to->series[n].cap == from->series[o].cap;
}

void
memory_move(struct world *to, const struct world *from)
{
	for (uint32_t n = 0; n < to->rules->series_count && from->rules->series_count > 0;
	     n++) {
		const struct series *s = &to->rules->series[n];
		struct series_view *v = &to->series[n];
		uint32_t old = rules_find(from->rules, s->object,
					  rules_name(to->rules, s->object, s->id));
		const struct readers *r = &from->series_of[s->object];
		for (uint32_t i = old != RULES_NONE ? r->first[old] : 0;
		     old != RULES_NONE && i < r->first[old + 1]; i++) {
			const struct series_view *o = &from->series[r->rules[i]];
			if (!same_series(to, n, from, r->rules[i]))
				continue;
			struct series_view own = *v;
			*v = *o;
			v->slices = own.slices;
			v->counts = own.counts;
			memcpy(v->slices, o->slices, v->cap * sizeof *v->slices);
			if (v->counts != NULL)
				memcpy(v->counts, o->counts,
				       series_counters(v->cap) * sizeof *v->counts);
			break;
		}
	}
}
