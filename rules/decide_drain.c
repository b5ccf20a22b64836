/* Taken out of its routes by order, until an order lets it in again. */
#include "rules/decide_service.h"

#include "base/text.h"

/* No front sends it traffic, as far as is known, and none is asked to. */
static bool
is_out(const struct world *w, uint32_t id)
{
	const struct id_list *routes = &conf(w, id)->routes;
	for (uint32_t i = 0; i < routes->count; i++) {
		const struct route_view *r = &w->routes[routes->ids[i]];
		uint64_t places = route_places(w, routes->ids[i], id);
		if (((r->wanted | r->seen) & places) != 0)
			return false;
	}
	return true;
}

static const char *
refusal(struct world *w, uint32_t id)
{
	const struct id_list *routes = &conf(w, id)->routes;
	if (routes->count == 0)
		return "it is a backend of no route";
	for (uint32_t i = 0; i < routes->count; i++)
		if (!route_can_lose(w, routes->ids[i], id))
			return "too few other backends are healthy";
	return NULL;
}

bool
service_drain(struct world *w, uint32_t id, bool drain, const char **why)
{
	struct service_view *s = &w->services[id];
	const struct id_list *routes = &conf(w, id)->routes;
	if (s->drained == drain)
		return true;
	if (drain && (*why = refusal(w, id)) != NULL)
		return false;
	*why = "";
	s->drained = drain;
	world_mark(w, OBJECT_SERVICE, id);
	w->cause =
		world_tell(w, drain ? "service-drained" : "service-undrained",
			   OBJECT_SERVICE, id,
			   drain ? "%s is taken out of its routes, until it is undrained"
				 : "%s may carry traffic again",
			   conf(w, id)->name);
	if (!drain)
		world_answer(w, s->waiters, VERB_DRAIN, ANSWER_FAILED, "undrained");
	for (uint32_t i = 0; i < routes->count; i++)
		if (drain || !s->draining || routes->ids[i] != conf(w, id)->drain)
			route_take(w, routes->ids[i], id, drain);
	world_decide(w, DECIDE_REMEMBER, 0);
	return true;
}

bool
service_drain_command(struct world *w, const struct event *e, const char **why)
{
	struct service_view *s = &w->services[e->id];
	bool drain = e->verb == VERB_DRAIN;
	if (drain && e->token != 0 && !world_may_wait(s->waiters)) {
		*why = WORLD_MANY_WAIT;
		return false;
	}
	if (!service_drain(w, e->id, drain, why) || !drain || is_out(w, e->id))
		return false;
	return world_wait(s->waiters, e->token, e->verb);
}

void
service_is_out(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	if (s->drained && is_out(w, id))
		world_answer(w, s->waiters, VERB_DRAIN, ANSWER_DONE, "drained");
}

/* Of services that were drained in an earlier life, or under other rules. */
void
drains_again(struct world *w)
{
	for (uint32_t id = 0; id < w->rules->service_count; id++)
		for (uint32_t i = 0;
		     w->services[id].drained && i < conf(w, id)->routes.count; i++) {
			uint32_t route = conf(w, id)->routes.ids[i];
			w->routes[route].drained |= route_places(w, route, id);
		}
}

void
drain_is_late(struct world *w, uint32_t id)
{
	const struct service *c = conf(w, id);
	const struct route_view *r = &w->routes[c->drain];
	uint64_t places = route_places(w, c->drain, id);
	const char *why = r->error || !r->is_seen   ? "its front cannot be asked"
			  : (r->seen & places) != 0 ? "it was not seen out of it"
						    : "requests on it have not ended";
	char took[32];
	w->cause = world_tell(
		w, "drain-late", OBJECT_SERVICE, id,
		"%s is restarted after %s without a whole drain of route %s: %s", c->name,
		text_duration(w->rules->routes[c->drain].drain_ms, took, sizeof took),
		w->rules->routes[c->drain].name, why);
}
