/* A switch of traffic: ordered, told, then proven or undone. */
#include "rules/decide_route.h"

#include "base/text.h"

#define REFUSE_MS                                                                        \
	10000 /* a backend that failed a verify is tried again, at the earliest */
#define REFUSE_MOST_MS 3600000

void
route_names(const struct world *w, uint32_t id, uint64_t set, char *out, size_t cap)
{
	struct text t;
	text_begin(&t, out, cap);
	for (uint32_t i = 0; i < conf(w, id)->backend_count; i++)
		if ((set & BIT(i)) != 0)
			text_add(&t, "%s%s", t.length > 0 ? ", " : "",
				 conf(w, id)->backends[i].name);
	if (t.length == 0)
		text_add(&t, "nobody");
}

void
route_page(struct world *w, uint32_t id, const char *text)
{
	const struct alerts_to *to = rules_alerts(w->rules, OBJECT_ROUTE, id);
	struct text t;
	incident_bad(w, OBJECT_ROUTE, id, text);
	world_tell(w, "page", OBJECT_ROUTE, id, "%s", text);
	struct journal_line *l = &w->out->list[w->out->count - 1].line;
	text_begin(&t, l->to, sizeof l->to);
	for (uint32_t i = 0; to != NULL && i < to->count; i++)
		if (to->to[i].after_ms == 0)
			text_add(&t, "%s%s", t.length > 0 ? "," : "",
				 w->rules->contacts[to->to[i].contact].name);
}

void
route_set_state(struct world *w, uint32_t id, enum route_state state)
{
	struct route_view *r = &w->routes[id];
	if (r->state == state)
		return;
	r->state = state;
	r->since_real_ms = w->real_ms;
	world_mark(w, OBJECT_ROUTE, id);
	rule_changed(w, OBJECT_ROUTE, id, false);
}

static bool
cut_now(const struct world *w, uint32_t id, uint32_t i)
{
	uint32_t service = conf(w, id)->backends[i].service;
	bool ends_by_itself = (w->routes[id].drained & BIT(i)) != 0 ||
			      (service != RULES_NONE && (w->services[service].lingers ||
							 w->services[service].leaves));
	return !ends_by_itself && route_health(w, id, i) == HEALTH_BAD;
}

/* Its first start is due or under way, and it has not failed. */
static bool
is_first_start(const struct service_view *s)
{
	return (s->state == SERVICE_STARTING || s->pending) && service_is_new(s);
}

/* These leave because somebody asked for it, or have never yet been up: nobody is told,
 * but what belongs to an incident already is part of it. */
static bool
by_plan(struct world *w, uint32_t id, uint64_t left)
{
	const struct route_view *r = &w->routes[id];
	for (uint32_t i = 0; i < conf(w, id)->backend_count; i++) {
		uint32_t service = conf(w, id)->backends[i].service;
		const struct service_view *s =
			service != RULES_NONE ? &w->services[service] : NULL;
		bool first = s != NULL && is_first_start(s);
		if ((left & BIT(i)) == 0)
			continue;
		if (s != NULL && incident_of(w, OBJECT_SERVICE, service) != 0)
			return false;
		if (!first && (r->drained & BIT(i)) == 0)
			return r->manual != RULES_NONE;
	}
	return true;
}

void
route_order_set(struct world *w, uint32_t id, uint64_t set, const char *kind,
		const char *why)
{
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	char from[300], to[300], text[660];
	route_names(w, id, r->wanted, from, sizeof from);
	route_names(w, id, set, to, sizeof to);
	if (w->rules->settings.dry_run) {
		if (r->dry_set != set)
			world_tell(w, "dry-run", OBJECT_ROUTE, id,
				   "route %s would go from %s to %s now%s", c->name, from,
				   to, why);
		r->dry_set = set;
		return;
	}
	r->undo = r->wanted;
	r->wanted = set;
	r->number++;
	r->moved = true;
	struct decision *d = world_decide(w, DECIDE_ROUTE, id);
	d->order = (struct msg_route_order){ .route = id,
					     .number = r->number,
					     .active = set };
	for (uint32_t i = 0; i < c->backend_count; i++)
		if ((set & BIT(i)) == 0 && cut_now(w, id, i))
			d->order.cut |= BIT(i);
	bool away = set != route_primary(w, id);
	text_print(text, sizeof text,
		   "traffic of route %s is no longer carried by %s but by %s", c->name,
		   from, to);
	if (away && r->undo != 0 && !by_plan(w, id, r->undo & ~set))
		incident_bad(w, OBJECT_ROUTE, id, text);
	route_set_state(w, id,
			route_is_by_hand(r) ? ROUTE_MANUAL
			: away              ? ROUTE_REROUTED
					    : ROUTE_PRIMARY);
	r->cause = world_tell(w, kind, OBJECT_ROUTE, id, "route %s: %s to %s%s", c->name,
			      from, to, why);
	r->verify = c->verify != RULES_NONE ? VERIFY_ORDERED : VERIFY_NONE;
	r->verify_due_ms = w->now_ms + c->verify_ms;
	r->moves_ms[r->move_next++ % MOVES_MAX] = w->now_ms;
	world_mark(w, OBJECT_ROUTE, id);
}

bool
route_flapping(const struct world *w, uint32_t id)
{
	const struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	uint32_t n = 0;
	for (uint32_t i = 0; i < MOVES_MAX && i < r->move_next; i++)
		n += w->now_ms - r->moves_ms[i] < c->flap_ms;
	return c->flap_count > 0 && n >= c->flap_count;
}

int64_t
route_flap_over_ms(const struct world *w, uint32_t id)
{
	const struct route_view *r = &w->routes[id];
	int64_t over = NEVER;
	for (uint32_t i = 0; i < MOVES_MAX && i < r->move_next; i++) {
		int64_t due = r->moves_ms[i] + conf(w, id)->flap_ms;
		if (due > w->now_ms && due < over)
			over = due;
	}
	return over;
}

void
route_proven(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	r->verify = VERIFY_NONE;
	for (uint32_t i = 0; i < conf(w, id)->backend_count; i++)
		if ((r->wanted & BIT(i)) != 0)
			r->refusals[i] = 0;
	if (r->state == ROUTE_PRIMARY)
		incident_good(w, OBJECT_ROUTE, id);
	world_answer(w, r->waiters, -1, ANSWER_DONE, "moved and verified");
}

void
route_tell_moved(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	char to[300];
	bool home = r->wanted == route_primary(w, id) && r->manual == RULES_NONE;
	route_names(w, id, r->wanted, to, sizeof to);
	r->moved = false;
	w->cause = r->cause;
	r->cause =
		world_tell(w, home ? "route-restored" : "route-moved", OBJECT_ROUTE, id,
			   home && r->undo != 0 ? "traffic of route %s is back with %s"
						: "traffic of route %s goes to %s",
			   c->name, to);
	if (r->verify == VERIFY_ORDERED) {
		r->verify = VERIFY_ASKED;
		r->verify_due_ms = w->now_ms + c->verify_ms;
		r->verify_after_ns = w->now_ms * 1000000;
		check_pace(w, c->verify, PACE_NOW);
	} else {
		route_proven(w, id);
	}
}

/* The verify check has spoken. */
void
route_verify_result(struct world *w, uint32_t id, bool good, int64_t began_ns)
{
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	bool unstuck = good && r->state == ROUTE_STUCK && r->verify == VERIFY_NONE;
	if ((r->verify != VERIFY_ASKED && !unstuck) || began_ns < r->verify_after_ns)
		return;
	w->cause = r->cause;
	if (unstuck)
		route_set_state(w, id,
				r->wanted == route_primary(w, id) ? ROUTE_PRIMARY
								  : ROUTE_REROUTED);
	if (good) {
		world_tell(w, "route-verified", OBJECT_ROUTE, id,
			   "route %s: the switch is verified by %s", c->name,
			   w->rules->checks[c->verify].name);
		route_proven(w, id);
	} else {
		check_pace(w, c->verify, PACE_NOW); /* until the time is over */
	}
}

/* These are not chosen for a while, twice as long after each failure, at most an hour. */
static void
refuse(struct world *w, uint32_t id, uint64_t set)
{
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	int64_t first = c->return_ms > REFUSE_MS ? c->return_ms : REFUSE_MS;
	for (uint32_t i = 0; i < c->backend_count; i++) {
		if ((set & BIT(i)) == 0)
			continue;
		uint32_t doubled = r->refusals[i] < 8 ? r->refusals[i] : 8;
		int64_t wait = first << doubled < REFUSE_MOST_MS ? first << doubled
								 : REFUSE_MOST_MS;
		r->refused |= BIT(i);
		r->refusals[i]++;
		r->retry_ms[i] = c->return_ms >= 0 ? w->now_ms + wait : NEVER;
	}
}

void
route_verify_failed(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	char why[200];
	uint64_t failed = r->wanted & ~r->undo;
	r->verify = VERIFY_NONE;
	w->cause = r->cause;
	refuse(w, id, failed);
	text_print(why, sizeof why, ": %s did not pass within the time",
		   w->rules->checks[c->verify].name);
	uint64_t back = 0;
	for (uint32_t i = 0; i < c->backend_count; i++)
		if ((r->undo & BIT(i)) != 0 && route_health(w, id, i) == HEALTH_GOOD &&
		    ((r->drained | r->refused) & BIT(i)) == 0)
			back |= BIT(i);
	if (c->all && failed != 0 && (r->wanted & ~failed) != 0)
		back = r->wanted & ~failed;
	if (back == 0 && !c->all) {
		uint64_t next = route_choose_one(w, id);
		back = next != r->wanted ? next : 0;
	}
	world_answer(w, r->waiters, -1, ANSWER_FAILED, "the switch was not verified");
	if (back != 0 && back != r->wanted) {
		r->manual = RULES_NONE; /* the choice that was not proven is none */
		route_order_set(w, id, back, "route-undone", why);
		return;
	}
	if (r->undo == 0)
		return; /* the first order of all: nothing was moved */
	route_set_state(w, id, ROUTE_STUCK);
	char text[300];
	text_print(text, sizeof text,
		   "route %s is stuck%s, and there is no other backend", c->name, why);
	route_page(w, id, text);
	world_tell(w, "route-stuck", OBJECT_ROUTE, id, "%s", text);
}
