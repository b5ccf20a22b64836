/* What people do to a route by hand. */
#include "rules/decide_route.h"

#include "base/text.h"

#include <string.h>

void
route_manual(struct world *w, uint32_t id, uint32_t backend)
{
	struct route_view *r = &w->routes[id];
	r->manual = backend;
	if (backend == RULES_NONE && r->state == ROUTE_MANUAL)
		route_set_state(w, id,
				r->wanted == route_primary(w, id) ? ROUTE_PRIMARY
								  : ROUTE_REROUTED);
	if (backend != RULES_NONE)
		route_set_state(w, id, ROUTE_MANUAL);
	uint64_t back = route_primary(w, id);
	if (backend == RULES_NONE)
		r->refused &= ~back;
	if (backend == RULES_NONE) /* an operator's restore waits for no hold-down */
		for (uint32_t i = 0; i < conf(w, id)->backend_count; i++)
			if ((back & BIT(i)) != 0 && r->good_since_ms[i] != 0 &&
			    conf(w, id)->return_ms >= 0)
				r->good_since_ms[i] = w->now_ms - conf(w, id)->return_ms;
	route_update(w, id);
}

bool
route_command(struct world *w, const struct event *e, const char **why)
{
	struct route_view *r = &w->routes[e->id];
	const struct route *c = conf(w, e->id);
	uint32_t target = e->target;
	if (e->verb == VERB_RESTORE) {
		route_manual(w, e->id, RULES_NONE);
		if (r->moved || r->verify != VERIFY_NONE)
			return world_wait(r->waiters, e->token, e->verb);
		return false;
	}
	if (c->all) {
		*why = "all backends of this route carry the traffic";
		return false;
	}
	for (uint32_t i = 0; target == RULES_NONE && i < c->backend_count; i++)
		if ((r->wanted & BIT(i)) == 0 && route_health(w, e->id, i) == HEALTH_GOOD)
			target = i;
	if (target >= c->backend_count) {
		*why = "no other backend is healthy";
		return false;
	}
	if (route_health(w, e->id, target) != HEALTH_GOOD) {
		*why = "that backend is not proven up";
		return false;
	}
	r->refused &= ~BIT(target);
	route_manual(w, e->id, target);
	if (r->moved || r->verify != VERIFY_NONE)
		return world_wait(r->waiters, e->token, e->verb);
	return false;
}
