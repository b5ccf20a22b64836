/* What people do to a route by hand. */
#include "rules/decide_route.h"

#define UNCLEAR_MS 3000 /* a hand has so long to come from one backend to another */

bool
route_is_by_hand(const struct route_view *r)
{
	return r->manual != RULES_NONE || r->hand_out != 0 || r->hand_in != 0;
}

/* The front is told what it does already, so that it is ours to keep; no switch of before is to be
 * proven any more. */
static void
adopt(struct world *w, uint32_t id, uint64_t set)
{
	struct route_view *r = &w->routes[id];
	r->wanted = r->undo = set;
	r->number++;
	r->verify = VERIFY_NONE;
	struct decision *d = world_decide(w, DECIDE_ROUTE, id);
	d->order = (struct msg_route_order){ .route = id,
					     .number = r->number,
					     .active = set };
	world_answer(w, r->waiters, -1, ANSWER_FAILED, "the front was changed by a hand");
}

/* Respected, until it is restored: what a hand took out stays out, what it put in stays
 * in while its process lives, and one backend is the first choice. */
static void
by_hand(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	char was[200], is[200];
	route_names(w, id, r->wanted, was, sizeof was);
	route_names(w, id, r->seen, is, sizeof is);
	if (conf(w, id)->all) {
		uint64_t in = r->seen & ~r->wanted, out = r->wanted & ~r->seen;
		r->hand_out = (r->hand_out | out) & ~in;
		r->hand_in = (r->hand_in | (in & ~r->drained)) & ~out;
	} else {
		r->manual = (uint32_t)__builtin_ctzll(r->seen);
	}
	adopt(w, id, r->seen);
	route_set_state(w, id, ROUTE_MANUAL);
	r->cause = world_tell(
		w, "route-by-hand", OBJECT_ROUTE, id,
		"route %s: by a hand at the front, it is carried by %s, no longer by %s; "
		"left so until it is restored",
		conf(w, id)->name, is, was);
	world_decide(w, DECIDE_REMEMBER, 0);
}

void
route_changed(struct world *w, uint32_t id, enum route_change change)
{
	struct route_view *r = &w->routes[id];
	bool clear = conf(w, id)->all ? r->seen != 0 : __builtin_popcountll(r->seen) == 1;
	if (r->wanted == 0 || r->seen == r->wanted)
		return;
	if (change == CHANGE_BY_HAND && !clear && r->seen != 0) {
		r->unclear_ms = r->unclear_ms != 0 ? r->unclear_ms : w->now_ms;
		if (w->now_ms - r->unclear_ms < UNCLEAR_MS)
			return; /* half of a change, maybe */
	}
	r->unclear_ms = 0;
	if (change == CHANGE_BY_HAND && clear) {
		by_hand(w, id);
		return;
	}
	/* nobody, or more than one where one is wanted, is no choice; and what the front
	 * forgot it is told again: by routes itself, if it was ever ordered */
	if (change == CHANGE_BY_HAND || r->number == 0) {
		w->cause = world_tell(w, "route-drifted", OBJECT_ROUTE, id,
				      "route %s: the front %s", conf(w, id)->name,
				      change == CHANGE_BY_HAND
					      ? "was changed to what cannot be"
					      : "began anew: it is told again");
		adopt(w, id, r->wanted);
	}
}

void
route_manual(struct world *w, uint32_t id, uint32_t backend)
{
	struct route_view *r = &w->routes[id];
	r->manual = backend;
	r->manual_until_ms = 0;
	r->hand_out = r->hand_in = 0;
	if (backend == RULES_NONE && r->state == ROUTE_MANUAL)
		route_set_state(w, id,
				r->wanted == route_primary(w, id) ? ROUTE_PRIMARY
								  : ROUTE_REROUTED);
	if (backend != RULES_NONE)
		route_set_state(w, id, ROUTE_MANUAL);
	uint64_t back = route_primary(w, id);
	if (backend == RULES_NONE) { /* an operator's restore waits for no hold-down */
		r->refused &= ~back;
		r->planned |= back;
	}
	route_update(w, id);
}

bool
route_command(struct world *w, const struct event *e, const char **why)
{
	struct route_view *r = &w->routes[e->id];
	const struct route *c = conf(w, e->id);
	uint32_t target = e->target;
	if (e->token != 0 && !world_may_wait(r->waiters)) {
		*why = WORLD_MANY_WAIT;
		return false;
	}
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
	if (e->seconds > 0)
		r->manual_until_ms = w->real_ms + (int64_t)e->seconds * 1000;
	route_arm(w, e->id);
	if (r->moved || r->verify != VERIFY_NONE)
		return world_wait(r->waiters, e->token, e->verb);
	return false;
}

/* Its end is a time of day: a clock that was set moves it. */
void
route_manual_ends(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	if (r->manual_until_ms == 0 || w->real_ms < r->manual_until_ms)
		return;
	w->cause = world_tell(w, "route-released", OBJECT_ROUTE, id,
			      "route %s: the time of the choice by hand is over",
			      conf(w, id)->name);
	route_manual(w, id, RULES_NONE);
	world_decide(w, DECIDE_REMEMBER, 0);
}
