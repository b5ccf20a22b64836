/* Who may carry the traffic of a route, and who should: health, preference, keep.
 *
 * Panic: where more than half of many fell by their checks, and their processes live, it
 * is more likely the measurement than they: a check's word then counts for nothing. */
#include "rules/decide_route.h"

#include "base/text.h"

#define PANIC_LEAST 3  /* backends */
#define PANIC_MS 10000 /* fallen within so much time: at once */

static bool
runs(const struct world *w, const struct backend *b)
{
	if (b->service == RULES_NONE)
		return true;
	const struct service_view *s = &w->services[b->service];
	return s->alive && !s->dying &&
	       (s->state == SERVICE_UP || s->state == SERVICE_FAILING ||
		s->state == SERVICE_FAILED); /* it was left alone */
}

enum health
route_health(const struct world *w, uint32_t id, uint32_t i)
{
	const struct backend *b = &conf(w, id)->backends[i];
	if (!runs(w, b)) {
		const struct service_view *s = &w->services[b->service];
		return s->state == SERVICE_STOPPED && !s->occupied && !w->going
			       ? HEALTH_UNKNOWN
			       : HEALTH_BAD;
	}
	if (b->check == RULES_NONE)
		return HEALTH_GOOD;
	static const enum health by_check[CHECK_STATES] = {
		[CHECK_UNKNOWN] = HEALTH_UNKNOWN,
		[CHECK_UP] = HEALTH_GOOD,
		[CHECK_DEGRADED] = HEALTH_GOOD,
		[CHECK_DOWN] = HEALTH_BAD,
	};
	enum health h = by_check[w->checks[b->check].state];
	return h == HEALTH_BAD && w->routes[id].panic ? HEALTH_UNKNOWN : h;
}

uint32_t
route_healthy(const struct world *w, uint32_t id)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < conf(w, id)->backend_count; i++)
		n += route_health(w, id, i) == HEALTH_GOOD;
	return n;
}

bool
route_doubted(const struct world *w, uint32_t id)
{
	for (uint32_t i = 0; i < conf(w, id)->backend_count; i++) {
		uint32_t check = conf(w, id)->backends[i].check;
		if (check != RULES_NONE && w->checks[check].held)
			return true;
	}
	return false;
}

bool
route_is_new(const struct world *w, uint32_t id)
{
	for (uint32_t i = 0; i < conf(w, id)->backend_count; i++) {
		const struct backend *b = &conf(w, id)->backends[i];
		if (b->service != RULES_NONE && service_is_coming(w, b->service))
			return true;
		if (b->check != RULES_NONE && runs(w, b) && !w->checks[b->check].judged)
			return true;
	}
	return false;
}

uint64_t
route_all_of(const struct route *c)
{
	return c->backend_count >= 64 ? UINT64_MAX : BIT(c->backend_count) - 1;
}

uint64_t
route_primary(const struct world *w, uint32_t id)
{
	const struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	if (c->all)
		return route_all_of(c) & ~r->hand_out;
	return r->manual != RULES_NONE ? BIT(r->manual) : BIT(0);
}

/* Not to be chosen, whatever its health. */
static uint64_t
barred(const struct route_view *r)
{
	return r->drained | r->hand_out;
}

static bool
rested(const struct world *w, uint32_t id, uint32_t i)
{
	const struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	if (i == r->manual || (r->planned & BIT(i)) != 0)
		return true;
	return c->return_ms >= 0 && r->good_since_ms[i] != 0 &&
	       w->now_ms - r->good_since_ms[i] >= c->return_ms;
}

uint64_t
route_choose_one(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	uint64_t well = 0, ill = 0;
	for (uint32_t i = 0; i < c->backend_count; i++) {
		enum health h = route_health(w, id, i);
		well |= h == HEALTH_GOOD ? BIT(i) : 0;
		ill |= h == HEALTH_BAD ? BIT(i) : 0;
	}
	well &= ~barred(r);
	uint64_t usable = well & ~r->refused;
	/* the present one may stay */
	bool keeps = (r->wanted & ~(ill | barred(r) | r->refused)) != 0;
	if (usable == 0 && (r->wanted & ill) != 0)
		usable = well; /* better one that once failed its proof than one that is
				  down */
	uint32_t first = r->manual != RULES_NONE ? r->manual : 0;
	for (uint32_t k = 0; k < c->backend_count; k++) {
		uint32_t i = k == 0 ? first : k <= first ? k - 1 : k;
		if ((r->wanted & BIT(i)) != 0 && keeps)
			return BIT(i); /* nothing better has rested long enough */
		if ((usable & BIT(i)) != 0 && (!keeps || rested(w, id, i)))
			return BIT(i);
	}
	return r->wanted; /* never off the last */
}

static uint64_t
choose_all(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	uint64_t set = 0;
	for (uint32_t i = 0; i < c->backend_count; i++) {
		enum health h = route_health(w, id, i);
		bool in = (r->wanted & BIT(i)) != 0;
		if (((barred(r) | r->refused) & BIT(i)) != 0)
			continue;
		bool by_hand = (r->hand_in & r->wanted & BIT(i)) != 0;
		if (by_hand || (h == HEALTH_GOOD && (in || rested(w, id, i))) ||
		    (h == HEALTH_UNKNOWN && in))
			set |= BIT(i);
	}
	/* too few: those that are good but not rested, or were refused, then what carried
	 * it */
	for (int pass = 0; pass < 6; pass++)
		for (uint32_t i = 0; i < c->backend_count; i++) {
			if ((uint32_t)__builtin_popcountll(set) >= c->keep)
				return set;
			bool good = route_health(w, id, i) == HEALTH_GOOD;
			bool in = (r->wanted & BIT(i)) != 0;
			bool drained = (barred(r) & BIT(i)) != 0;
			if ((pass == 0 && good && !drained &&
			     (r->refused & BIT(i)) == 0) ||
			    (pass == 1 && good && !drained) ||
			    (pass == 2 && good && in) ||
			    (pass == 3 && in &&
			     route_health(w, id, i) == HEALTH_UNKNOWN) ||
			    (pass == 4 && good) || (pass == 5 && in))
				set |= BIT(i);
		}
	return set;
}

uint64_t
route_choose(struct world *w, uint32_t id)
{
	return conf(w, id)->all ? choose_all(w, id) : route_choose_one(w, id);
}

bool
route_must_leave(const struct world *w, uint32_t id, uint64_t set)
{
	bool must = (set & (barred(&w->routes[id]) | w->routes[id].refused)) != 0;
	for (uint32_t i = 0; i < conf(w, id)->backend_count; i++)
		must = must ||
		       ((set & BIT(i)) != 0 && route_health(w, id, i) == HEALTH_BAD);
	return must;
}

static void
note_panic(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	uint32_t fallen = 0, now = 0;
	char text[200];
	for (uint32_t i = 0; i < c->backend_count; i++) {
		uint32_t check = c->backends[i].check;
		if (check == RULES_NONE || !runs(w, &c->backends[i]))
			continue;
		bool down = w->checks[check].state == CHECK_DOWN;
		/* what cannot be measured ends no panic: it would move traffic */
		fallen += down || w->checks[check].state == CHECK_UNKNOWN;
		now += down && w->now_ms - w->checks[check].bad_since_ms <= PANIC_MS;
	}
	bool most = 2 * (r->panic ? fallen : now) > c->backend_count;
	if (!c->all || c->backend_count < PANIC_LEAST || r->panic == most)
		return;
	r->panic = most;
	text_print(text, sizeof text,
		   "route %s: %u of %u backends fell at once, though their processes "
		   "live: the "
		   "checks are not believed, all stay in",
		   c->name, now, c->backend_count);
	if (most)
		route_page(w, id, text);
	world_tell(w, most ? "route-panic" : "route-calm", OBJECT_ROUTE, id, "%s",
		   most ? text : "most backends are well again: their checks count");
}

void
route_note_health(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	note_panic(w, id);
	for (uint32_t i = 0; i < c->backend_count; i++) {
		enum health h = route_health(w, id, i);
		bool drained = (r->drained & BIT(i)) != 0;
		if (!runs(w, &c->backends[i]) || drained)
			/* a hand put in another process, or we took it out */
			r->hand_in &= ~BIT(i);
		if (h == HEALTH_BAD || drained || (r->wanted & BIT(i)) != 0)
			r->planned &= ~BIT(i);
		if (h == HEALTH_BAD || drained || w->now_ms >= r->retry_ms[i])
			r->refused &= ~BIT(i);
		if (h != HEALTH_GOOD || drained)
			r->good_since_ms[i] =
				h == HEALTH_UNKNOWN && !drained ? r->good_since_ms[i] : 0;
		else if (r->good_since_ms[i] == 0)
			r->good_since_ms[i] = w->now_ms;
	}
}

uint64_t
route_places(const struct world *w, uint32_t id, uint32_t service)
{
	const struct route *c = conf(w, id);
	uint64_t places = 0;
	for (uint32_t i = 0; i < c->backend_count; i++)
		if (c->backends[i].service == service)
			places |= BIT(i);
	return places;
}

bool
route_can_lose(struct world *w, uint32_t id, uint32_t service)
{
	const struct route *c = conf(w, id);
	uint32_t good = 0;
	for (uint32_t i = 0; i < c->backend_count; i++)
		good += c->backends[i].service != service &&
			route_health(w, id, i) == HEALTH_GOOD &&
			(barred(&w->routes[id]) & BIT(i)) == 0;
	return good >= (c->all && c->keep > 1 ? c->keep : 1);
}

bool
route_unmeasured(const struct world *w, uint32_t id, uint32_t service)
{
	uint64_t places = route_places(w, id, service);
	for (uint32_t i = 0; i < conf(w, id)->backend_count; i++)
		if ((places & BIT(i)) != 0 && route_health(w, id, i) == HEALTH_UNKNOWN)
			return true;
	return false;
}
