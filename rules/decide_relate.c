/* Incidents: what belongs together, and what of it explains the rest. */
#include "rules/decide_incident.h"

uint32_t
incident_index(const struct world *w, enum object_kind kind, uint32_t id)
{
	uint32_t i = node_incident(&w->nodes[w->base[kind] + id]);
	return i != NO_INCIDENT && w->incidents[i].id != 0 &&
			       w->incidents[i].state != INCIDENT_CLOSED
		       ? i
		       : NO_INCIDENT;
}

uint64_t
incident_of(struct world *w, enum object_kind kind, uint32_t id)
{
	uint32_t i = incident_index(w, kind, id);
	return i != NO_INCIDENT ? w->incidents[i].id : 0;
}

static uint32_t
of_service(const struct world *w, uint32_t service)
{
	const struct service *s = &w->rules->services[service];
	uint32_t i = incident_index(w, OBJECT_SERVICE, service);
	uint32_t end = w->services[service].affected != 0 ? w->incident_end : 0;
	for (uint32_t k = 0; i == NO_INCIDENT && k < end; k++)
		if (w->incidents[k].id != 0 && w->incidents[k].state != INCIDENT_CLOSED &&
		    w->incidents[k].id == w->services[service].affected)
			i = k; /* what it depends on is ill */
	for (uint32_t k = 0; i == NO_INCIDENT && k < s->checks.count; k++)
		i = incident_index(w, OBJECT_CHECK, s->checks.ids[k]);
	for (uint32_t k = 0; i == NO_INCIDENT && k < s->routes.count; k++) {
		uint32_t r = incident_index(w, OBJECT_ROUTE, s->routes.ids[k]);
		/* that another backend of the route is ill is no cause of this one's
		 * illness */
		if (r != NO_INCIDENT && w->incidents[r].root_kind == OBJECT_ROUTE)
			i = r;
	}
	return i;
}

static uint32_t
of_route(const struct world *w, uint32_t route)
{
	const struct route *r = &w->rules->routes[route];
	uint32_t i = incident_index(w, OBJECT_ROUTE, route);
	for (uint32_t k = 0; i == NO_INCIDENT && k < r->backend_count; k++)
		if (r->backends[k].service != RULES_NONE)
			i = incident_index(w, OBJECT_SERVICE, r->backends[k].service);
	for (uint32_t k = 0; i == NO_INCIDENT && k < r->backend_count; k++)
		if (r->backends[k].check != RULES_NONE)
			i = incident_index(w, OBJECT_CHECK, r->backends[k].check);
	return i;
}

/* The link is the object, the service of that check, or a check of that service. */
static bool
is_named(const struct world *w, struct chain_link link, enum object_kind kind, uint32_t id)
{
	if (link.kind == kind)
		return link.id == id;
	if (kind == OBJECT_CHECK)
		return link.kind == OBJECT_SERVICE && w->rules->checks[id].of == link.id;
	return kind == OBJECT_SERVICE && link.kind == OBJECT_CHECK &&
	       w->rules->checks[link.id].of == id;
}

static uint32_t
of_link(const struct world *w, struct chain_link link)
{
	uint32_t of =
		link.kind == OBJECT_CHECK ? w->rules->checks[link.id].of : RULES_NONE;
	if (link.kind == OBJECT_SERVICE)
		return of_service(w, link.id);
	uint32_t i = incident_index(w, link.kind, link.id);
	return i == NO_INCIDENT && of != RULES_NONE
		       ? incident_index(w, OBJECT_SERVICE, of)
		       : i;
}

/* Who needs whom: what is ill on the same path. */
static uint32_t
of_chain(const struct world *w, const struct chain *c, enum object_kind kind, uint32_t id)
{
	for (uint32_t p = 0, k = 0; p < c->path_count; p++) {
		bool member = false;
		uint32_t found = NO_INCIDENT;
		for (; k < c->path_ends[p]; k++) {
			member = member || is_named(w, c->links[k], kind, id);
			if (found == NO_INCIDENT)
				found = of_link(w, c->links[k]);
		}
		if (member && found != NO_INCIDENT)
			return found;
	}
	return NO_INCIDENT;
}

/* What is ill of a chain that is not served. */
static uint32_t
of_members(const struct world *w, const struct chain *c)
{
	uint32_t i = NO_INCIDENT;
	for (uint32_t k = c->link_count; i == NO_INCIDENT && k > 0; k--)
		i = of_link(w, c->links[k - 1]);
	if (i == NO_INCIDENT && c->check != RULES_NONE)
		i = incident_index(w, OBJECT_CHECK, c->check);
	return i;
}

/* What its condition reads. */
static uint32_t
of_rule(const struct world *w, uint32_t rule)
{
	const struct rule *r = &w->rules->rules[rule];
	uint32_t i = NO_INCIDENT;
	for (uint32_t k = 0; i == NO_INCIDENT && k < r->when.count; k++) {
		const struct op *op = &r->when.ops[k];
		if (op->kind != OP_TEST)
			continue;
		if (op->object == OBJECT_SERVICE)
			i = of_service(w, op->id);
		else if (op->object == OBJECT_CHAIN)
			i = of_members(w, &w->rules->chains[op->id]);
		else if (op->object == OBJECT_CHECK &&
			 w->rules->checks[op->id].of != RULES_NONE)
			i = of_service(w, w->rules->checks[op->id].of);
		else
			i = incident_index(w, op->object, op->id);
	}
	return i;
}

/* ---- who explains whom ---- */

/* Its service, where it is a check of one. */
static void
owner_of(const struct world *w, enum object_kind *kind, uint32_t *id)
{
	if (*kind != OBJECT_CHECK || w->rules->checks[*id].of == RULES_NONE)
		return;
	*id = w->rules->checks[*id].of;
	*kind = OBJECT_SERVICE;
}

/* Right of it on a path of the chain. */
static bool
deeper_in(const struct world *w, const struct chain *c, struct chain_link what,
	  struct chain_link root)
{
	for (uint32_t p = 0, k = 0; p < c->path_count; p++) {
		bool passed = false;
		for (; k < c->path_ends[p]; k++) {
			if (passed && is_named(w, c->links[k], what.kind, what.id))
				return true;
			passed = passed || is_named(w, c->links[k], root.kind, root.id);
		}
	}
	return false;
}

static bool
depends_on(const struct world *w, uint32_t service, enum object_kind kind, uint32_t id)
{
	const struct id_list *services = &w->rules->services[service].depends_services,
			     *checks = &w->rules->services[service].depends_checks;
	for (uint32_t i = 0; i < services->count; i++)
		if (is_named(w, (struct chain_link){ OBJECT_SERVICE, services->ids[i] },
			     kind, id))
			return true;
	for (uint32_t i = 0; i < checks->count; i++)
		if (is_named(w, (struct chain_link){ OBJECT_CHECK, checks->ids[i] }, kind,
			     id))
			return true;
	return false;
}

bool
incident_explains(const struct world *w, enum object_kind kind, uint32_t id,
		  enum object_kind root_kind, uint32_t root_id)
{
	enum object_kind own_kind = kind, own_root = root_kind;
	uint32_t own = id, root = root_id;
	owner_of(w, &own_kind, &own);
	owner_of(w, &own_root, &root);
	if (own_kind == own_root && own == root) /* the death of what the check is of */
		return kind == OBJECT_SERVICE && root_kind == OBJECT_CHECK &&
		       !w->services[id].alive;
	for (uint32_t c = 0; c < w->rules->chain_count; c++)
		if (deeper_in(w, &w->rules->chains[c], (struct chain_link){ kind, id },
			      (struct chain_link){ root_kind, root_id }))
			return true;
	return own_root == OBJECT_SERVICE && depends_on(w, root, kind, id);
}

bool
incident_has_causes(const struct world *w, enum object_kind kind, uint32_t id)
{
	enum object_kind own_kind = kind;
	uint32_t own = id;
	owner_of(w, &own_kind, &own);
	if (w->rules->chain_count > 0 || own_kind != kind)
		return true;
	if (kind != OBJECT_SERVICE)
		return false;
	const struct service *s = &w->rules->services[own];
	return s->depends_services.count > 0 || s->depends_checks.count > 0;
}

/* False: nothing depends on it, and no incident of another can be due to it. */
static bool
is_on_a_path(const struct world *w, enum object_kind kind, uint32_t id)
{
	if (w->rules->chain_count > 0)
		return true;
	bool needed = kind == OBJECT_CHECK && w->rules->checks[id].is_needed;
	owner_of(w, &kind, &id);
	return needed ||
	       (kind == OBJECT_SERVICE && (w->rules->services[id].is_needed ||
					   w->rules->services[id].checks.count > 0));
}

/* An open incident whose root needs what is wrong now: it was seen first by chance. */
static uint32_t
explained_by(const struct world *w, enum object_kind kind, uint32_t id)
{
	uint32_t end = is_on_a_path(w, kind, id) ? w->incident_end : 0;
	for (uint32_t i = 0; i < end; i++) {
		const struct incident *x = &w->incidents[i];
		if (x->id != 0 && x->state != INCIDENT_CLOSED &&
		    x->root_kind != OBJECT_MONITORD &&
		    incident_explains(w, kind, id, x->root_kind, x->root_id))
			return i;
	}
	return NO_INCIDENT;
}

/* The rule restarts or stops it, or would do so next. */
static bool
acts_on(const struct rule *r, uint32_t service)
{
	for (uint32_t a = 0; a < r->action_count + r->escalate_count; a++) {
		const struct action *x = a < r->action_count
						 ? &r->actions[a]
						 : &r->escalate[a - r->action_count];
		if (x->id == service && x->kind <= ACTION_RELEASE)
			return true;
	}
	return false;
}

static uint32_t
of_check(const struct world *w, uint32_t check)
{
	const struct check *c = &w->rules->checks[check];
	uint32_t i = c->of != RULES_NONE ? of_service(w, c->of) : NO_INCIDENT;
	for (uint32_t k = 0; i == NO_INCIDENT && k < c->more->verifies.count; k++)
		i = of_route(w, c->more->verifies.ids[k]);
	return i;
}

uint32_t
incident_related(const struct world *w, enum object_kind kind, uint32_t id)
{
	uint32_t i = NO_INCIDENT;
	switch (kind) {
	case OBJECT_SERVICE:
		i = of_service(w, id);
		for (uint32_t r = 0; i == NO_INCIDENT && r < w->rules->rule_count; r++)
			if (acts_on(&w->rules->rules[r], id))
				i = incident_index(w, OBJECT_RULE, r);
		break;
	case OBJECT_CHECK:
		i = of_check(w, id);
		break;
	case OBJECT_ROUTE:
		i = of_route(w, id);
		break;
	case OBJECT_RULE:
		i = of_rule(w, id);
		break;
	case OBJECT_MONITORD:
	case OBJECT_CHAIN:
	case OBJECT_CONTACT:
	case OBJECT_KINDS:
		return NO_INCIDENT;
	}
	for (uint32_t c = 0; i == NO_INCIDENT && c < w->rules->chain_count; c++)
		i = of_chain(w, &w->rules->chains[c], kind, id);
	return i != NO_INCIDENT ? i : explained_by(w, kind, id);
}
