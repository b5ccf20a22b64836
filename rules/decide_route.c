/* Routes: who should carry the traffic. Wanted against seen; every switch proven or
 * undone. */
#include "rules/world_state.h"

#include "base/text.h"

#include <string.h>

#define BIT(i) (UINT64_C(1) << (i))
#define MOVES_MAX 16
#define REFUSE_MS                                                                        \
	10000 /* a backend that failed a verify is tried again, at the earliest */
#define REFUSE_MOST_MS 3600000

enum health { HEALTH_BAD, HEALTH_UNKNOWN, HEALTH_GOOD };

static const struct route *
conf(const struct world *w, uint32_t id)
{
	return &w->rules->routes[id];
}

static enum health
health(const struct world *w, uint32_t id, uint32_t i)
{
	const struct backend *b = &conf(w, id)->backends[i];
	if (b->service != RULES_NONE) {
		const struct service_view *s = &w->services[b->service];
		bool runs = s->alive && !s->dying &&
			    (s->state == SERVICE_UP || s->state == SERVICE_FAILING ||
			     s->state == SERVICE_FAILED); /* it was left alone */
		if (!runs)
			return s->state == SERVICE_STOPPED && !s->occupied && !w->going
				       ? HEALTH_UNKNOWN
				       : HEALTH_BAD;
	}
	if (b->check == RULES_NONE)
		return HEALTH_GOOD;
	switch (w->checks[b->check].state) {
	case CHECK_UP:
	case CHECK_DEGRADED:
		return HEALTH_GOOD;
	case CHECK_DOWN:
		return HEALTH_BAD;
	case CHECK_UNKNOWN:
	case CHECK_STATES:
		break;
	}
	return HEALTH_UNKNOWN;
}

uint32_t
route_healthy(const struct world *w, uint32_t id)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < conf(w, id)->backend_count; i++)
		n += health(w, id, i) == HEALTH_GOOD;
	return n;
}

static void
names(const struct world *w, uint32_t id, uint64_t set, char *out, size_t cap)
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

static uint64_t
all_of(const struct route *c)
{
	return c->backend_count >= 64 ? UINT64_MAX : BIT(c->backend_count) - 1;
}

/* The set when everything is well. */
static uint64_t
primary(const struct world *w, uint32_t id)
{
	const struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	if (c->all)
		return all_of(c);
	return r->manual != RULES_NONE ? BIT(r->manual) : BIT(0);
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

static uint64_t
choose_one(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	uint64_t usable = 0, well = 0;
	for (uint32_t i = 0; i < c->backend_count; i++)
		if (health(w, id, i) == HEALTH_GOOD && (r->drained & BIT(i)) == 0)
			well |= BIT(i);
	usable = well & ~r->refused;
	bool keeps = false, bad = false; /* may the present one stay? must it go? */
	for (uint32_t i = 0; i < c->backend_count; i++)
		if ((r->wanted & BIT(i)) != 0) {
			bad = health(w, id, i) == HEALTH_BAD;
			keeps = !bad && ((r->drained | r->refused) & BIT(i)) == 0;
		}
	if (usable == 0 && bad)
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
		enum health h = health(w, id, i);
		bool in = (r->wanted & BIT(i)) != 0;
		if (((r->drained | r->refused) & BIT(i)) != 0)
			continue;
		if ((h == HEALTH_GOOD && (in || rested(w, id, i))) ||
		    (h == HEALTH_UNKNOWN && in))
			set |= BIT(i);
	}
	/* too few: those that are good but not rested, or were refused, then what carried
	 * it */
	for (int pass = 0; pass < 6; pass++)
		for (uint32_t i = 0; i < c->backend_count; i++) {
			if ((uint32_t)__builtin_popcountll(set) >= c->keep)
				return set;
			bool good = health(w, id, i) == HEALTH_GOOD;
			bool in = (r->wanted & BIT(i)) != 0;
			bool drained = (r->drained & BIT(i)) != 0;
			if ((pass == 0 && good && !drained && (r->refused & BIT(i)) == 0) ||
			    (pass == 1 && good && !drained) ||
			    (pass == 2 && good && in) ||
			    (pass == 3 && in && health(w, id, i) == HEALTH_UNKNOWN) ||
			    (pass == 4 && good) || (pass == 5 && in))
				set |= BIT(i);
		}
	return set;
}

static void
set_state(struct world *w, uint32_t id, enum route_state state)
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
			      (service != RULES_NONE &&
			       (w->services[service].lingers || w->services[service].leaves));
	return !ends_by_itself && health(w, id, i) == HEALTH_BAD;
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
		bool first = s != NULL && s->state == SERVICE_STARTING && s->up_ms == 0 &&
			     s->exit_code == -1 && s->exit_signal == 0;
		if ((left & BIT(i)) == 0)
			continue;
		if (s != NULL && incident_of(w, OBJECT_SERVICE, service) != 0)
			return false;
		if (!first && (r->drained & BIT(i)) == 0)
			return r->manual != RULES_NONE;
	}
	return true;
}

static void
order(struct world *w, uint32_t id, uint64_t set, const char *kind, const char *why)
{
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	char from[300], to[300], text[660];
	names(w, id, r->wanted, from, sizeof from);
	names(w, id, set, to, sizeof to);
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
	bool away = set != primary(w, id);
	text_print(text, sizeof text,
		   "traffic of route %s is no longer carried by %s but by %s", c->name,
		   from, to);
	if (away && r->undo != 0 && !by_plan(w, id, r->undo & ~set))
		incident_bad(w, OBJECT_ROUTE, id, text);
	set_state(w, id,
		  r->manual != RULES_NONE ? ROUTE_MANUAL
		  : away                  ? ROUTE_REROUTED
					  : ROUTE_PRIMARY);
	r->cause = world_tell(w, kind, OBJECT_ROUTE, id, "route %s: %s to %s%s", c->name,
			      from, to, why);
	r->verify = c->verify != RULES_NONE ? VERIFY_ORDERED : VERIFY_NONE;
	r->verify_due_ms = w->now_ms + c->verify_ms;
	r->moves_ms[r->move_next++ % MOVES_MAX] = w->now_ms;
	world_mark(w, OBJECT_ROUTE, id);
}

static bool
flapping(const struct world *w, uint32_t id)
{
	const struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	uint32_t n = 0;
	for (uint32_t i = 0; i < MOVES_MAX && i < r->move_next; i++)
		n += w->now_ms - r->moves_ms[i] < c->flap_ms;
	return c->flap_count > 0 && n >= c->flap_count;
}

/* When the oldest of the moves that make it flap is forgotten. */
static int64_t
flap_over_ms(const struct world *w, uint32_t id)
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

static void
arm(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	int64_t due = r->braked ? flap_over_ms(w, id) : NEVER;
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
			service_drained(w, service);
	}
}

static void
note_health(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	for (uint32_t i = 0; i < c->backend_count; i++) {
		enum health h = health(w, id, i);
		bool drained = (r->drained & BIT(i)) != 0;
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

/* One of these cannot go on carrying traffic: no brake holds that move. */
static bool
must_leave(const struct world *w, uint32_t id, uint64_t set)
{
	bool must = (set & (w->routes[id].drained | w->routes[id].refused)) != 0;
	for (uint32_t i = 0; i < conf(w, id)->backend_count; i++)
		must = must || ((set & BIT(i)) != 0 && health(w, id, i) == HEALTH_BAD);
	return must;
}

void
route_update(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	note_health(w, id);
	if (r->wanted == 0 && (!r->is_seen || !w->going)) {
		arm(w, id);
		return; /* first look what the front does */
	}
	uint64_t set = c->all ? choose_all(w, id) : choose_one(w, id);
	bool moves = set != r->wanted && set != 0;
	r->braked = moves && r->wanted != 0 && !must_leave(w, id, r->wanted & ~set) &&
		    flapping(w, id);
	if (moves && !r->braked)
		order(w, id, set, "route-ordered", "");
	if (r->state == ROUTE_PRIMARY || r->state == ROUTE_REROUTED)
		set_state(w, id,
			  r->wanted == primary(w, id) ? ROUTE_PRIMARY : ROUTE_REROUTED);
	if (r->state == ROUTE_PRIMARY && r->verify == VERIFY_NONE && !r->moved)
		incident_good(w, OBJECT_ROUTE, id);
	arm(w, id);
	rule_changed(w, OBJECT_ROUTE, id, false);
}

static void
proven(struct world *w, uint32_t id)
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

static void
tell_moved(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	char to[300];
	bool home = r->wanted == primary(w, id) && r->manual == RULES_NONE;
	names(w, id, r->wanted, to, sizeof to);
	r->moved = false;
	w->cause = r->cause;
	r->cause =
		world_tell(w, home ? "route-restored" : "route-moved", OBJECT_ROUTE, id,
			   home ? "traffic of route %s is back with %s"
				: "traffic of route %s goes to %s",
			   c->name, to);
	if (r->verify == VERIFY_ORDERED) {
		r->verify = VERIFY_ASKED;
		r->verify_due_ms = w->now_ms + c->verify_ms;
		r->verify_after_ns = w->now_ms * 1000000;
		check_pace(w, c->verify, PACE_NOW);
	} else {
		proven(w, id);
	}
}

void
route_seen(struct world *w, const struct event *e)
{
	const struct msg_route_seen *seen = e->seen;
	uint32_t id = seen->route;
	struct route_view *r = &w->routes[id];
	const struct route *c = conf(w, id);
	memcpy(r->text, seen->text, sizeof r->text);
	r->text[sizeof r->text - 1] = '\0';
	world_mark(w, OBJECT_ROUTE, id);
	if (seen->error != 0) {
		r->error = true;
		r->is_seen = false;
		arm(w, id);
		return;
	}
	r->error = false;
	r->text[0] = '\0';
	r->is_seen = true;
	r->seen = seen->active & all_of(c);
	if (r->wanted == 0 && r->number == 0 && r->seen != 0 &&
	    (c->all || __builtin_popcountll(r->seen) == 1)) {
		r->wanted = r->seen; /* what we found is where we begin */
		for (uint32_t i = 0; i < c->backend_count; i++)
			if (c->all && (r->wanted & BIT(i)) == 0)
				r->good_since_ms[i] = 0;
		if (r->wanted != primary(w, id))
			set_state(w, id, ROUTE_REROUTED);
	}
	tell_drained(w, id);
	if (r->moved && seen->number == r->number && r->seen == r->wanted)
		tell_moved(w, id);
	route_update(w, id);
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
		set_state(w, id,
			  r->wanted == primary(w, id) ? ROUTE_PRIMARY : ROUTE_REROUTED);
	if (good) {
		world_tell(w, "route-verified", OBJECT_ROUTE, id,
			   "route %s: the switch is verified by %s", c->name,
			   w->rules->checks[c->verify].name);
		proven(w, id);
		arm(w, id);
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

static void
verify_failed(struct world *w, uint32_t id)
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
		if ((r->undo & BIT(i)) != 0 && health(w, id, i) == HEALTH_GOOD &&
		    ((r->drained | r->refused) & BIT(i)) == 0)
			back |= BIT(i);
	if (c->all && failed != 0 && (r->wanted & ~failed) != 0)
		back = r->wanted & ~failed;
	if (back == 0 && !c->all) {
		uint64_t next = choose_one(w, id);
		back = next != r->wanted ? next : 0;
	}
	world_answer(w, r->waiters, -1, ANSWER_FAILED, "the switch was not verified");
	if (back != 0 && back != r->wanted) {
		r->manual = RULES_NONE; /* the choice that was not proven is none */
		order(w, id, back, "route-undone", why);
		return;
	}
	if (r->undo == 0)
		return; /* the first order of all: nothing was moved */
	set_state(w, id, ROUTE_STUCK);
	char text[300];
	text_print(text, sizeof text,
		   "route %s is stuck%s, and there is no other backend", c->name, why);
	incident_bad(w, OBJECT_ROUTE, id, text);
	world_tell(w, "route-stuck", OBJECT_ROUTE, id, "%s", text);
}

void
route_timer(struct world *w, uint32_t id)
{
	struct route_view *r = &w->routes[id];
	if (r->verify != VERIFY_NONE && w->now_ms >= r->verify_due_ms)
		verify_failed(w, id);
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
			health(w, id, i) == HEALTH_GOOD &&
			(w->routes[id].drained & BIT(i)) == 0;
	return good >= (c->all && c->keep > 1 ? c->keep : 1);
}

bool
route_unmeasured(const struct world *w, uint32_t id, uint32_t service)
{
	uint64_t places = route_places(w, id, service);
	for (uint32_t i = 0; i < conf(w, id)->backend_count; i++)
		if ((places & BIT(i)) != 0 && health(w, id, i) == HEALTH_UNKNOWN)
			return true;
	return false;
}

void
route_manual(struct world *w, uint32_t id, uint32_t backend)
{
	struct route_view *r = &w->routes[id];
	r->manual = backend;
	if (backend == RULES_NONE && r->state == ROUTE_MANUAL)
		set_state(w, id,
			  r->wanted == primary(w, id) ? ROUTE_PRIMARY : ROUTE_REROUTED);
	if (backend != RULES_NONE)
		set_state(w, id, ROUTE_MANUAL);
	uint64_t back = primary(w, id);
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
		if ((r->wanted & BIT(i)) == 0 && health(w, e->id, i) == HEALTH_GOOD)
			target = i;
	if (target >= c->backend_count) {
		*why = "no other backend is healthy";
		return false;
	}
	if (health(w, e->id, target) != HEALTH_GOOD) {
		*why = "that backend is not proven up";
		return false;
	}
	r->refused &= ~BIT(target);
	route_manual(w, e->id, target);
	if (r->moved || r->verify != VERIFY_NONE)
		return world_wait(r->waiters, e->token, e->verb);
	return false;
}
