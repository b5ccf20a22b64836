/* How a chain is as a whole, from what is believed of its members: served by the first
 * choice, by another one, or not at all. */
#include "rules/decide.h"

#include "base/text.h"

#include <string.h>

static bool
backend_serves(const struct world *w, const struct backend *b)
{
	return b->check == RULES_NONE || w->checks[b->check].state != CHECK_DOWN;
}

/* While an order is out it is believed to be obeyed: else the switch fails, and is told.
 */
static uint64_t
carried_by(const struct route_view *r)
{
	return r->is_seen && !r->moved ? r->seen : r->wanted;
}

/* Somebody who is not known to be down carries its traffic. */
static bool
route_serves(const struct world *w, uint32_t id)
{
	const struct route *c = &w->rules->routes[id];
	const struct route_view *v = &w->routes[id];
	for (uint32_t i = 0; v->state != ROUTE_STUCK && i < c->backend_count; i++)
		if ((carried_by(v) >> i & 1) != 0 && backend_serves(w, &c->backends[i]))
			return true;
	return false;
}

static enum chain_state
of_route(const struct world *w, uint32_t id)
{
	if (carried_by(&w->routes[id]) == 0)
		return CHAIN_UNKNOWN;
	if (!route_serves(w, id))
		return CHAIN_DOWN;
	return w->routes[id].state == ROUTE_PRIMARY ? CHAIN_PRIMARY : CHAIN_SECONDARY;
}

/* One that is not well is no harm to the whole while others carry the traffic of its
 * route, and that route is in the chain: it is another's turn. */
static enum chain_state
of_service(const struct world *w, const struct chain *c, uint32_t id)
{
	const struct service_view *v = &w->services[id];
	const struct id_list *routes = &w->rules->services[id].routes;
	enum chain_state state = CHAIN_DOWN;
	if (v->held ? v->alive : v->state == SERVICE_UP)
		return CHAIN_PRIMARY;
	for (uint32_t k = 0; k < c->link_count; k++) {
		uint32_t route = c->links[k].id, i = 0;
		while (i < routes->count && routes->ids[i] != route)
			i++;
		if (c->links[k].kind != OBJECT_ROUTE || i == routes->count)
			continue;
		if (route_serves(w, route))
			return CHAIN_SECONDARY;
		if (carried_by(&w->routes[route]) == 0)
			state = CHAIN_UNKNOWN;
	}
	return state;
}

static enum chain_state
of_check(const struct world *w, uint32_t id)
{
	static const enum chain_state is[CHECK_STATES] = {
		[CHECK_UNKNOWN] = CHAIN_UNKNOWN,
		[CHECK_UP] = CHAIN_PRIMARY,
		[CHECK_DEGRADED] = CHAIN_PRIMARY,
		[CHECK_DOWN] = CHAIN_DOWN,
	};
	return is[w->checks[id].state];
}

static enum chain_state
of_link(const struct world *w, const struct chain *c, const struct chain_link *l)
{
	if (l->kind == OBJECT_SERVICE)
		return of_service(w, c, l->id);
	return l->kind == OBJECT_ROUTE ? of_route(w, l->id) : of_check(w, l->id);
}

/* What is worse of two; not to know is better only than to know that it is down. */
static bool
is_worse(enum chain_state a, enum chain_state b)
{
	static const unsigned char rank[CHAIN_STATES] = {
		[CHAIN_PRIMARY] = 0,
		[CHAIN_SECONDARY] = 1,
		[CHAIN_UNKNOWN] = 2,
		[CHAIN_DOWN] = 3,
	};
	return rank[a] > rank[b];
}

static void
say(const struct world *w, const struct chain_link *l, enum chain_state state, char *why,
    size_t cap)
{
	static const char *const words[CHAIN_STATES] = {
		[CHAIN_UNKNOWN] = "is not known to serve",
		[CHAIN_PRIMARY] = "serves",
		[CHAIN_SECONDARY] = "is not served by the first choice",
		[CHAIN_DOWN] = "does not serve",
	};
	text_print(why, cap, "%s %s", rules_name(w->rules, l->kind, l->id), words[state]);
}

/* Of those that are as bad as the whole, the last is named: what the others need. Where
 * the check sees it served, it is, whatever is not known of members. */
static enum chain_state
state_of(const struct world *w, uint32_t id, char *why, size_t cap)
{
	const struct chain *c = &w->rules->chains[id];
	enum chain_state end =
		c->check != RULES_NONE ? of_check(w, c->check) : CHAIN_UNKNOWN;
	enum chain_state state = CHAIN_PRIMARY;
	uint32_t at = RULES_NONE;
	*why = '\0';
	for (uint32_t i = 0; i < c->link_count; i++) {
		enum chain_state link = of_link(w, c, &c->links[i]);
		if (link == CHAIN_PRIMARY || is_worse(state, link) ||
		    (link == CHAIN_UNKNOWN && end == CHAIN_PRIMARY))
			continue;
		at = i;
		state = link;
	}
	if (at != RULES_NONE)
		say(w, &c->links[at], state, why, cap);
	if (end != CHAIN_DOWN)
		return state;
	text_print(why, cap, "%s is down end to end%s%s", w->rules->checks[c->check].name,
		   at != RULES_NONE ? ", as is " : "",
		   at != RULES_NONE
			   ? rules_name(w->rules, c->links[at].kind, c->links[at].id)
			   : "");
	return CHAIN_DOWN;
}

/* Not before it was served for the first time: that is told of its members. */
static void
tell(struct world *w, uint32_t id)
{
	static const char *const kinds[CHAIN_STATES] = {
		[CHAIN_PRIMARY] = "chain-primary",
		[CHAIN_SECONDARY] = "chain-secondary",
		[CHAIN_DOWN] = "chain-down",
	};
	static const char *const words[CHAIN_STATES] = {
		[CHAIN_PRIMARY] = "is served by its first choice",
		[CHAIN_SECONDARY] = "is served, but not by its first choice: ",
		[CHAIN_DOWN] = "is not served: ",
	};
	struct chain_view *v = &w->chains[id];
	if (v->state == CHAIN_DOWN && v->event == 0)
		return;
	v->event = world_tell(w, kinds[v->state], OBJECT_CHAIN, id, "chain %s %s%s",
			      w->rules->chains[id].name, words[v->state], v->text);
}

static void
look(struct world *w, uint32_t id)
{
	struct chain_view *v = &w->chains[id];
	char why[sizeof v->text];
	enum chain_state state = state_of(w, id, why, sizeof why);
	if (state == v->state && strcmp(why, v->text) == 0)
		return;
	memcpy(v->text, why, sizeof v->text);
	world_mark(w, OBJECT_CHAIN, id);
	if (state == v->state)
		return;
	v->state = state;
	if (state == CHAIN_UNKNOWN) {
		v->since_real_ms = w->real_ms;
	} else {
		/* what we lost sight of, and find as it was, has been so */
		bool other = state != v->known;
		v->known = state;
		v->known_real_ms = other ? w->real_ms : v->known_real_ms;
		v->since_real_ms = v->known_real_ms;
		if (other)
			tell(w, id);
	}
	rule_look(w, OBJECT_CHAIN, id);
}

void
chains_look(struct world *w)
{
	w->cause = 0; /* it may be due to any of what was decided */
	w->chains_due = false;
	for (uint32_t i = 0; i < w->rules->chain_count; i++) {
		if (!world_room(w)) {
			w->chains_due = true;
			break;
		}
		look(w, i);
	}
}

void
chains_move(struct world *to, const struct world *from)
{
	for (uint32_t i = 0; i < to->rules->chain_count; i++) {
		uint32_t old =
			rules_find(from->rules, OBJECT_CHAIN, to->rules->chains[i].name);
		if (old != RULES_NONE)
			to->chains[i] = from->chains[old];
	}
	to->chains_due = true;
}

void
chain_recall(struct world *w, const struct journal_line *l)
{
	uint32_t id = rules_find(w->rules, OBJECT_CHAIN, l->object);
	if (id == RULES_NONE || strncmp(l->kind, "chain-", 6) != 0)
		return;
	for (unsigned s = 0; s < CHAIN_STATES; s++)
		if (strcmp(l->kind + 6, chain_state_name[s]) == 0) {
			w->chains[id].known = (enum chain_state)s;
			w->chains[id].known_real_ms = l->real_ms;
			w->chains[id].event = l->id;
		}
}
