/* Routes: who should carry the traffic. Wanted against seen; every switch proven or
 * undone. */
#include "rules/decide_route.h"

#include "base/text.h"

void
route_arm(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	int64_t due = r->braked ? route_flap_over_ms(w, id) : NEVER;
	if (r->verify != VERIFY_NONE && r->verify_due_ms < due)
		due = r->verify_due_ms;
	for (uint32_t i = 0; i < c->backend_count && c->return_ms >= 0; i++)
		if ((r->wanted & BIT(i)) == 0 && r->good_since_ms[i] != 0 &&
		    r->good_since_ms[i] + c->return_ms > w->now_ms &&
		    r->good_since_ms[i] + c->return_ms < due)
			due = r->good_since_ms[i] + c->return_ms;
	for (uint32_t i = 0; i < c->backend_count; i++)
		if ((r->refused & BIT(i)) != 0 && r->retry_ms[i] < due)
			due = r->retry_ms[i];
	if (r->manual_until_ms != 0) {
		int64_t left = r->manual_until_ms - w->real_ms;
		int64_t ends = w->now_ms + (left > 0 ? left : 0);
		due = ends < due ? ends : due;
	}
	world_arm(w, OBJECT_ROUTE, id, due);
}

static void
tell_drained(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	for (uint32_t i = 0; i < c->backend_count; i++) {
		uint32_t service = c->backends[i].service;
		if (service != RULES_NONE && ((r->seen | r->wanted) & BIT(i)) == 0 &&
		    ((r->drained & BIT(i)) != 0 || w->services[service].lingers))
			if (!r->counts || (r->busy & BIT(i)) == 0)
				service_drained(w, service, r->counts);
	}
}

/* It should move once more, and has moved too often: it stays, and somebody must look. */
static void
tell_flap(struct world *w, uint32_t id)
{
	const struct route *c = conf(w, id);
	char text[300], names[200], span[32];
	w->routes[id].told_flap = true;
	route_names(w, id, w->routes[id].wanted, names, sizeof names);
	text_print(text, sizeof text, "route %s flaps: %u moves in %s; it stays with %s",
		   c->name, c->flap_count, text_duration(c->flap_ms, span, sizeof span),
		   names);
	route_page(w, id, text);
	world_tell(w, "route-flaps", OBJECT_ROUTE, id, "%s", text);
}

void
route_update(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	route_note_health(w, id);
	if (r->wanted == 0 && (!r->is_seen || !w->going)) {
		route_arm(w, id);
		rule_changed(w, OBJECT_ROUTE, id, false);
		return; /* first look what the front does */
	}
	uint64_t set = route_choose(w, id);
	bool moves = set != r->wanted && set != 0;
	r->braked = moves && r->wanted != 0 &&
		    !route_must_leave(w, id, r->wanted & ~set) && route_flapping(w, id);
	if (moves && !r->braked)
		route_order_set(w, id, set, "route-ordered", "");
	else if (moves && !r->told_flap)
		tell_flap(w, id);
	if (!r->braked)
		r->told_flap = false;
	if (r->state == ROUTE_PRIMARY || r->state == ROUTE_REROUTED)
		route_set_state(w, id,
				r->wanted == route_primary(w, id) ? ROUTE_PRIMARY
								  : ROUTE_REROUTED);
	if (r->state == ROUTE_PRIMARY && r->verify == VERIFY_NONE && !r->moved)
		incident_good(w, OBJECT_ROUTE, id);
	route_arm(w, id);
	rule_changed(w, OBJECT_ROUTE, id, false);
}

void
route_seen(struct world *w, const struct event *e)
{
	const struct msg_route_seen *seen = e->seen;
	uint32_t id = seen->route;
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	world_mark(w, OBJECT_ROUTE, id);
	if (seen->error != 0) {
		text_print(r->text, sizeof r->text, "%.*s", MSG_TEXT - 1, seen->text);
		r->error = true;
		r->is_seen = false;
		return;
	}
	r->error = false;
	r->text[0] = '\0';
	r->is_seen = true;
	r->seen = seen->active & route_all_of(c);
	if (w->rules->settings.dry_run)
		r->wanted = r->seen; /* ours is not to want */
	r->busy = seen->busy;
	r->counts = seen->counts != 0;
	if (r->wanted == 0 && r->number == 0 && r->seen != 0 &&
	    (c->all || __builtin_popcountll(r->seen) == 1)) {
		r->wanted = r->seen; /* what we found is where we begin */
		for (uint32_t i = 0; i < c->backend_count; i++)
			if (c->all && (r->wanted & BIT(i)) == 0)
				r->good_since_ms[i] = 0;
		if (route_is_by_hand(r))
			route_set_state(w, id, ROUTE_MANUAL);
	}
	if (seen->change != CHANGE_NONE && seen->number == r->number && !r->moved)
		route_changed(w, id, (enum route_change)seen->change);
	if (seen->change == CHANGE_NONE)
		r->unclear_ms = 0;
	tell_drained(w, id);
	if (r->moved && seen->number == r->number && r->seen == r->wanted)
		route_tell_moved(w, id);
	route_update(w, id);
}

void
route_timer(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	route_manual_ends(w, id);
	bool due = r->verify != VERIFY_NONE && w->now_ms >= r->verify_due_ms;
	if (due && r->verify == VERIFY_ORDERED && !r->is_seen && !r->error)
		r->verify_due_ms = w->now_ms +
				   conf(w, id)->verify_ms; /* nobody could carry it out */
	else if (due)
		route_verify_failed(w, id);
	route_update(w, id);
}

/* A planned restart takes its service out, or lets it in again. */
void
route_drain(struct world *w, uint32_t service, bool drain)
{
	if (drain || !w->services[service].drained) /* by order, that is */
		route_take(w, w->rules->services[service].drain, service, drain);
}

void
route_take(struct world *w, uint32_t id, uint32_t service, bool drain)
{
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	uint64_t places = route_places(w, id, service);
	if (!drain && c->all)
		r->planned |= r->drained & places;
	r->drained = drain ? r->drained | places : r->drained & ~places;
	route_update(w, id);
	if (drain)
		tell_drained(w, id);
}

void
route_awaited(struct world *w, uint32_t id, uint32_t service)
{
	w->routes[id].planned |= route_places(w, id, service);
}
