/* Traffic fronts, and the routes helper between them and the core. */
#include "test/sim/sim.h"

#define LOOK_MS 1000
#define RETRY_MS 200

uint64_t
front_usual(uint32_t route)
{
	const struct route *c = &sim.rules->routes[route];
	return c->all ? (UINT64_C(1) << c->backend_count) - 1 : 1;
}

void
front_order(const struct decision *d)
{
	struct front *f = &sim.fronts[d->id];
	if (sim.lost[ROLE_ROUTES])
		return;
	f->ordered = d->order.active;
	f->ordered_number = d->order.number;
	later(1 + draw(20), (struct due){ .kind = DUE_LOOK, .id = d->id, .number = 1 });
}

/* What routes makes of it; a front that began anew, after an order, is told again. */
static enum route_change
apply(struct front *f)
{
	if (f->ordered_number == 0) { /* as it was first seen is right */
		bool same = f->first == 0 || f->active == f->first;
		f->first = f->first != 0 ? f->first : f->active;
		return same ? CHANGE_NONE : f->by_hand ? CHANGE_BY_HAND : CHANGE_ANEW;
	}
	if (f->number == f->ordered_number && f->active != f->ordered && f->by_hand)
		return CHANGE_BY_HAND;
	enum route_change change =
		f->number == f->ordered_number && f->active != f->ordered ? CHANGE_ANEW
									  : CHANGE_NONE;
	f->active = f->ordered;
	f->number = f->ordered_number;
	f->by_hand = false;
	return change;
}

void
front_look(uint32_t route, bool once)
{
	struct front *f = &sim.fronts[route];
	struct msg_route_seen m = { .route = route };
	struct event e = { .kind = EVENT_ROUTE_SEEN, .id = route, .seen = &m };
	if (!once)
		later(LOOK_MS * sim.slow, (struct due){ .kind = DUE_LOOK, .id = route });
	if (sim.lost[ROLE_ROUTES])
		return;
	m.error = f->down || draw(30) == 0;
	if (!m.error)
		m.change = apply(f);
	m.number = f->number;
	m.active = m.error ? 0 : f->active;
	m.counts = route != 0;
	m.busy = m.counts && draw(3) == 0 ? draw(8) & ~f->active : 0;
	if (m.error && once && !f->down)
		later(RETRY_MS,
		      (struct due){ .kind = DUE_LOOK, .id = route, .number = 1 });
	handle(&e);
}

void
front_fault(void)
{
	uint32_t route = draw(sim.rules->route_count);
	struct front *f = &sim.fronts[route];
	const char *name = sim.rules->routes[route].name;
	switch (draw(3)) {
	case 0:
		f->down = !f->down;
		note("front of %s %s", name, f->down ? "is down" : "is up");
		break;
	case 1:
		f->active = front_usual(route);
		f->by_hand = false;
		note("front of %s begins anew with %llx", name,
		     (unsigned long long)f->active);
		break;
	default:
		f->active = 1 + draw((1u << sim.rules->routes[route].backend_count) - 1);
		f->by_hand = true;
		note("front of %s by hand: %llx", name, (unsigned long long)f->active);
		break;
	}
}

void
fronts_forgotten(uint32_t route, bool all)
{
	struct front *f = &sim.fronts[route];
	struct msg_route_order o;
	f->number = f->ordered_number = f->first = 0;
	f->by_hand = false; /* who changed it, a new routes cannot know */
	if (!all && world_order(sim.world, route, &o)) {
		f->ordered = o.active;
		f->ordered_number = o.number;
	}
	later(5, (struct due){ .kind = DUE_LOOK, .id = route, .number = 1 });
}
