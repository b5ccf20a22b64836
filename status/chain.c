#include "status/chain.h"

#include "base/text.h"
#include "rules/world.h"

const char *const chain_state_name[CHAIN_STATES] = {
	[CHAIN_UNKNOWN] = "unknown",
	[CHAIN_PRIMARY] = "primary",
	[CHAIN_SECONDARY] = "secondary",
	[CHAIN_DOWN] = "down",
};

static bool
backend_serves(const struct store *s, const struct backend *b)
{
	struct msg_check_view room;
	const struct msg_check_view *c =
		b->check != RULES_NONE ? store_check(s, b->check, &room) : NULL;
	return b->check == RULES_NONE || (c != NULL && c->state != CHECK_DOWN);
}

/* Somebody who is not known to be down carries its traffic. */
static bool
route_serves(const struct store *s, uint32_t id)
{
	const struct route *c = &s->rules->routes[id];
	const struct msg_route_view *v = store_route(s, id);
	for (uint32_t i = 0; v != NULL && v->state != ROUTE_STUCK && i < c->backend_count;
	     i++)
		if ((v->active >> i & 1) != 0 && backend_serves(s, &c->backends[i]))
			return true;
	return false;
}

static enum chain_state
of_route(const struct store *s, uint32_t id)
{
	const struct msg_route_view *v = store_route(s, id);
	if (v == NULL || v->active == 0)
		return CHAIN_UNKNOWN;
	if (!route_serves(s, id))
		return CHAIN_DOWN;
	return v->state == ROUTE_PRIMARY ? CHAIN_PRIMARY : CHAIN_SECONDARY;
}

/* One that is not well is no harm to the whole while others carry the traffic of its
 * route, and that route is in a chain: it is another's turn. */
static enum chain_state
of_service(const struct store *s, const struct chain *c, uint32_t id)
{
	const struct msg_service_view *v = store_service(s, id);
	const struct id_list *routes = &s->rules->services[id].routes;
	if (v == NULL)
		return CHAIN_UNKNOWN;
	if (v->state == SERVICE_UP || (v->state == SERVICE_HELD && v->pid != 0))
		return CHAIN_PRIMARY;
	for (uint32_t i = 0; i < routes->count; i++)
		for (uint32_t k = 0; k < c->link_count; k++)
			if (c->links[k].kind == OBJECT_ROUTE &&
			    c->links[k].id == routes->ids[i] &&
			    route_serves(s, routes->ids[i]))
				return CHAIN_SECONDARY;
	return CHAIN_DOWN;
}

static enum chain_state
of_check(const struct store *s, uint32_t id)
{
	struct msg_check_view room;
	const struct msg_check_view *v = store_check(s, id, &room);
	if (v == NULL || v->state == CHECK_UNKNOWN)
		return CHAIN_UNKNOWN;
	return v->state == CHECK_DOWN ? CHAIN_DOWN : CHAIN_PRIMARY;
}

static enum chain_state
of_link(const struct store *s, const struct chain *c, const struct chain_link *l)
{
	if (l->kind == OBJECT_SERVICE)
		return of_service(s, c, l->id);
	return l->kind == OBJECT_ROUTE ? of_route(s, l->id) : of_check(s, l->id);
}

/* What is worse of two; not to know is better only than to know that it is down. */
static enum chain_state
worse(enum chain_state a, enum chain_state b)
{
	static const unsigned char rank[CHAIN_STATES] = {
		[CHAIN_PRIMARY] = 0,
		[CHAIN_SECONDARY] = 1,
		[CHAIN_UNKNOWN] = 2,
		[CHAIN_DOWN] = 3,
	};
	return rank[a] >= rank[b] ? a : b;
}

static void
say(const struct store *s, const struct chain_link *l, enum chain_state state, char *why,
    size_t cap)
{
	static const char *const words[CHAIN_STATES] = {
		[CHAIN_UNKNOWN] = "is not known to serve",
		[CHAIN_PRIMARY] = "serves",
		[CHAIN_SECONDARY] = "is not served by the first choice",
		[CHAIN_DOWN] = "does not serve",
	};
	text_print(why, cap, "%s %s", rules_name(s->rules, l->kind, l->id), words[state]);
}

/* Of those that are as bad as the whole, the last is named: what the others need. Where
 * the check sees it served, it is, whatever is not known of members. */
enum chain_state
chain_state_of(const struct store *s, uint32_t id, char *why, size_t cap)
{
	const struct chain *c = &s->rules->chains[id];
	enum chain_state end =
		c->check != RULES_NONE ? of_check(s, c->check) : CHAIN_UNKNOWN;
	enum chain_state state = CHAIN_PRIMARY;
	uint32_t at = RULES_NONE;
	text_print(why, cap, "%s", "");
	for (uint32_t i = 0; i < c->link_count; i++) {
		enum chain_state link = of_link(s, c, &c->links[i]);
		if (link == CHAIN_UNKNOWN && end == CHAIN_PRIMARY)
			continue;
		if (link != CHAIN_PRIMARY && worse(link, state) == link)
			at = i;
		state = worse(link, state);
	}
	if (at != RULES_NONE)
		say(s, &c->links[at], state, why, cap);
	if (end != CHAIN_DOWN)
		return state;
	text_print(why, cap, "%s is down end to end%s%s", s->rules->checks[c->check].name,
		   at != RULES_NONE ? ", as is " : "",
		   at != RULES_NONE
			   ? rules_name(s->rules, c->links[at].kind, c->links[at].id)
			   : "");
	return CHAIN_DOWN;
}
