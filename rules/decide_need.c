/* Who depends on whom: the order of stops, and who is affected when something fails. */
#include "rules/decide_incident.h"
#include "rules/decide_service.h"

static bool
depends_on(const struct service *c, enum object_kind kind, uint32_t id)
{
	const struct id_list *list =
		kind == OBJECT_SERVICE ? &c->depends_services : &c->depends_checks;
	for (uint32_t i = 0; i < list->count; i++)
		if (list->ids[i] == id)
			return true;
	return false;
}

/* By what it needs itself, or by what that needs. */
static bool
is_affected(const struct world *w, uint32_t id, enum object_kind kind, uint32_t by,
	    uint64_t incident)
{
	const struct service *c = conf(w, id);
	if (depends_on(c, kind, by))
		return true;
	for (uint32_t i = 0; i < c->depends_services.count; i++)
		if (w->services[c->depends_services.ids[i]].affected == incident)
			return true;
	return false;
}

void
need_failed(struct world *w, enum object_kind kind, uint32_t by)
{
	bool is_needed = kind == OBJECT_SERVICE ? w->rules->services[by].is_needed
						: w->rules->checks[by].is_needed;
	uint32_t index = is_needed ? incident_index(w, kind, by) : NO_INCIDENT;
	uint64_t incident = index != NO_INCIDENT ? w->incidents[index].id : 0;
	bool more = incident != 0;
	while (more) {
		more = false;
		for (uint32_t id = 0; id < w->rules->service_count; id++) {
			struct service_view *s = &w->services[id];
			if (s->affected == incident || !s->occupied ||
			    !is_affected(w, id, kind, by, incident))
				continue;
			s->affected = incident;
			s->affected_kind = kind;
			s->affected_by = by;
			w->affected += !s->tell_affected;
			s->tell_affected = more = true;
			w->incidents[index].affects = true;
		}
	}
}

void
need_tell(struct world *w)
{
	uint64_t cause = w->cause;
	for (uint32_t id = 0; id < w->rules->service_count && w->affected > 0; id++) {
		struct service_view *s = &w->services[id];
		if (!s->tell_affected)
			continue;
		if (!world_room(w))
			break;
		s->tell_affected = false;
		w->affected--;
		w->cause = s->affected_kind == OBJECT_SERVICE
				   ? w->services[s->affected_by].event
				   : w->checks[s->affected_by].event;
		world_tell(w, "service-affected", OBJECT_SERVICE, id,
			   "%s needs %s, which is not well: it is left alone",
			   conf(w, id)->name,
			   rules_name(w->rules, s->affected_kind, s->affected_by));
		w->out->list[w->out->count - 1].line.incident = s->affected;
	}
	w->cause = cause;
}

/* Holds up the stop of all that this service needs. */
static void
hold_up(struct world *w, uint32_t id)
{
	const struct service *c = conf(w, id);
	for (uint32_t i = 0; i < c->depends_services.count; i++)
		w->services[c->depends_services.ids[i]].needed = true;
	for (uint32_t i = 0; i < c->after.count; i++)
		w->services[c->after.ids[i]].needed = true;
	for (uint32_t i = 0; i < c->depends_checks.count; i++) {
		uint32_t of = w->rules->checks[c->depends_checks.ids[i]].of;
		if (of != RULES_NONE)
			w->services[of].needed = true;
	}
}

/* Who waits for a start of it waits in vain. Many may: the rest hears in a later turn. */
static void
give_notice(struct world *w, uint32_t id)
{
	struct waiter *waiters = w->services[id].waiters;
	if (!world_room(w)) {
		w->stops_left = w->stops_due = true;
		return;
	}
	world_answer(w, waiters, VERB_START, ANSWER_FAILED, WORLD_ENDS);
	world_answer(w, waiters, VERB_RESTART, ANSWER_FAILED, WORLD_ENDS);
}

/* What nobody needs any more is next: those that need it are gone, or cannot be killed,
 * which the last step of their ladder shows. */
void
service_stop_all(struct world *w)
{
	uint32_t n = w->rules->service_count;
	w->stops_left = w->stops_due = false;
	for (uint32_t id = 0; id < n; id++) {
		w->services[id].needed = false;
		service_unlist(w, id);
		give_notice(w, id);
	}
	for (uint32_t id = 0; id < n; id++)
		if (w->services[id].occupied && !w->services[id].told_unkillable &&
		    !watched(conf(w, id)))
			hold_up(w, id);
	for (uint32_t id = 0; id < n; id++) {
		struct service_view *s = &w->services[id];
		if (!s->occupied || watched(conf(w, id)) || s->state == SERVICE_STOPPING)
			continue;
		w->stops_left = true;
		w->cause = 0;
		if (!s->needed && world_room(w))
			service_stop(w, id, AFTER_STAY);
		else if (!s->needed)
			w->stops_due = true;
	}
}
