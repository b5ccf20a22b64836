/* Incidents: what belongs together is told once, when it begins and when it is over. */
#include "rules/world_state.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static uint32_t
index_of(const struct world *w, enum object_kind kind, uint32_t id)
{
	uint32_t i = w->nodes[w->base[kind] + id].incident;
	return i != NO_INCIDENT && w->incidents[i].id != 0 &&
			       w->incidents[i].state != INCIDENT_CLOSED
		       ? i
		       : NO_INCIDENT;
}

uint64_t
incident_of(struct world *w, enum object_kind kind, uint32_t id)
{
	uint32_t i = index_of(w, kind, id);
	return i != NO_INCIDENT ? w->incidents[i].id : 0;
}

static uint32_t
of_service(const struct world *w, uint32_t service)
{
	const struct service *s = &w->rules->services[service];
	uint32_t i = index_of(w, OBJECT_SERVICE, service);
	for (uint32_t k = 0; i == NO_INCIDENT && k < INCIDENTS; k++)
		if (w->incidents[k].id != 0 && w->incidents[k].state != INCIDENT_CLOSED &&
		    w->incidents[k].id == w->services[service].affected)
			i = k; /* what it depends on is ill */
	for (uint32_t k = 0; i == NO_INCIDENT && k < s->checks.count; k++)
		i = index_of(w, OBJECT_CHECK, s->checks.ids[k]);
	for (uint32_t k = 0; i == NO_INCIDENT && k < s->routes.count; k++) {
		uint32_t r = index_of(w, OBJECT_ROUTE, s->routes.ids[k]);
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
	uint32_t i = index_of(w, OBJECT_ROUTE, route);
	for (uint32_t k = 0; i == NO_INCIDENT && k < r->backend_count; k++)
		if (r->backends[k].service != RULES_NONE)
			i = index_of(w, OBJECT_SERVICE, r->backends[k].service);
	for (uint32_t k = 0; i == NO_INCIDENT && k < r->backend_count; k++)
		if (r->backends[k].check != RULES_NONE)
			i = index_of(w, OBJECT_CHECK, r->backends[k].check);
	return i;
}

/* Who needs whom: what is ill on the same path. */
static uint32_t
of_chain(const struct world *w, const struct chain *c, enum object_kind kind, uint32_t id)
{
	for (uint32_t p = 0, k = 0; p < c->path_count; p++) {
		bool member = false;
		uint32_t found = NO_INCIDENT;
		for (; k < c->path_ends[p]; k++) {
			const struct chain_link *link = &c->links[k];
			member = member || (link->kind == kind && link->id == id);
			if (found == NO_INCIDENT)
				found = link->kind == OBJECT_SERVICE
						? of_service(w, link->id)
						: index_of(w, link->kind, link->id);
		}
		if (member && found != NO_INCIDENT)
			return found;
	}
	return NO_INCIDENT;
}

static uint32_t
of_rule(const struct world *w, uint32_t rule)
{
	const struct rule *r = &w->rules->rules[rule];
	uint32_t i = index_of(w, OBJECT_RULE, rule);
	for (uint32_t k = 0; i == NO_INCIDENT && k < r->when.count; k++) {
		const struct op *op = &r->when.ops[k];
		if (op->kind != OP_TEST)
			continue;
		if (op->object == OBJECT_SERVICE)
			i = of_service(w, op->id);
		else if (op->object == OBJECT_CHECK &&
			 w->rules->checks[op->id].of != RULES_NONE)
			i = of_service(w, w->rules->checks[op->id].of);
		else
			i = index_of(w, op->object, op->id);
	}
	return i;
}

/* The open incident of something that the object belongs to. */
static uint32_t
related(const struct world *w, enum object_kind kind, uint32_t id)
{
	uint32_t i = NO_INCIDENT;
	switch (kind) {
	case OBJECT_SERVICE:
		i = of_service(w, id);
		for (uint32_t r = 0; i == NO_INCIDENT && r < w->rules->rule_count; r++)
			for (uint32_t a = 0; a < w->rules->rules[r].action_count; a++) {
				const struct action *x = &w->rules->rules[r].actions[a];
				if (x->id == id && x->kind <= ACTION_RELEASE &&
				    i == NO_INCIDENT)
					i = index_of(w, OBJECT_RULE, r);
			}
		break;
	case OBJECT_CHECK:
		i = index_of(w, kind, id);
		if (i == NO_INCIDENT && w->rules->checks[id].of != RULES_NONE)
			i = of_service(w, w->rules->checks[id].of);
		for (uint32_t k = 0;
		     i == NO_INCIDENT && k < w->rules->checks[id].verifies.count; k++)
			i = of_route(w, w->rules->checks[id].verifies.ids[k]);
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
	uint32_t own = id;
	enum object_kind own_kind = kind;
	if (kind == OBJECT_CHECK && w->rules->checks[id].of != RULES_NONE) {
		own = w->rules->checks[id].of;
		own_kind = OBJECT_SERVICE;
	}
	for (uint32_t c = 0; i == NO_INCIDENT && c < w->rules->chain_count; c++)
		i = of_chain(w, &w->rules->chains[c], own_kind, own);
	return i;
}

/* The oldest that is closed, or was never used; NO_INCIDENT: all are open. */
static uint32_t
take_place(struct world *w)
{
	uint32_t index = NO_INCIDENT;
	for (uint32_t k = 0; index == NO_INCIDENT && k < INCIDENTS; k++) {
		uint32_t i = (w->incident_next + k) % INCIDENTS;
		if (w->incidents[i].id == 0 || w->incidents[i].state == INCIDENT_CLOSED)
			index = i;
	}
	if (index == NO_INCIDENT)
		return index;
	w->incident_next = (index + 1) % INCIDENTS;
	for (uint32_t i = 0; i < w->node_count; i++)
		if (w->nodes[i].incident == index) {
			w->nodes[i].incident = NO_INCIDENT;
			w->nodes[i].bad = false;
		}
	return index;
}

static uint32_t
open_incident(struct world *w, enum object_kind kind, uint32_t id, const char *text)
{
	uint32_t index = take_place(w);
	if (index == NO_INCIDENT) /* a storm: it joins the newest, so that none is forgotten */
		return (w->incident_next + INCIDENTS - 1) % INCIDENTS;
	struct incident *x = &w->incidents[index];
	*x = (struct incident){ .id = w->last_event + 1,
				.root_kind = kind,
				.root_id = id,
				.since_ms = w->now_ms,
				.since_real_ms = w->real_ms,
				.event = w->last_event + 1 };
	text_print(x->text, sizeof x->text, "%s", text);
	world_arm(w, NODE_INCIDENTS, index, w->now_ms + OPEN_MAIL_MS);
	world_mark(w, NODE_INCIDENTS, index);
	return index;
}

void
incident_bad(struct world *w, enum object_kind kind, uint32_t id, const char *text)
{
	struct node *n = world_node(w, kind, id);
	uint32_t i = index_of(w, kind, id);
	if (n->bad && i != NO_INCIDENT)
		return;
	n->bad = false;
	if (i == NO_INCIDENT)
		i = related(w, kind, id);
	if (i == NO_INCIDENT)
		i = open_incident(w, kind, id, text);
	n->incident = i;
	n->bad = true;
	w->incidents[i].bad++;
	w->incidents[i].good_ms = 0;
}

void
incident_good(struct world *w, enum object_kind kind, uint32_t id)
{
	struct node *n = world_node(w, kind, id);
	if (!n->bad)
		return;
	n->bad = false;
	uint32_t i = n->incident;
	struct incident *x = &w->incidents[i];
	if (x->bad > 0)
		x->bad--;
	if (x->bad > 0)
		return;
	x->good_ms = w->now_ms;
	int64_t due = w->now_ms + SETTLE_MS;
	if (!x->told && x->since_ms + OPEN_MAIL_MS < due)
		due = x->since_ms + OPEN_MAIL_MS > w->now_ms ? x->since_ms + OPEN_MAIL_MS
							     : w->now_ms;
	world_arm(w, NODE_INCIDENTS, i, due);
}

static void
tell(struct world *w, uint32_t index, const char *kind, const char *text)
{
	struct incident *x = &w->incidents[index];
	w->cause = x->id;
	world_tell(w, kind, x->root_kind, x->root_id, "%s", text);
	struct journal_line *l = &w->out->list[w->out->count - 1].line;
	l->incident = x->id;
	world_mark(w, NODE_INCIDENTS, index);
}

void
incident_worse(struct world *w, enum object_kind kind, uint32_t id, const char *text)
{
	uint64_t cause = w->cause;
	incident_bad(w, kind, id, text);
	uint32_t index = world_node(w, kind, id)->incident;
	struct incident *x = &w->incidents[index];
	text_print(x->text, sizeof x->text, "%s", text);
	world_mark(w, NODE_INCIDENTS, index);
	if (x->told) {
		x->told_ms = w->now_ms;
		tell(w, index, "incident-remind", text);
	}
	w->cause = cause;
}

void
incident_timer(struct world *w, uint32_t index)
{
	struct incident *x = &w->incidents[index];
	char text[400], took[32];
	if (x->id == 0 || x->state == INCIDENT_CLOSED)
		return;
	if (!x->told) {
		x->told = true;
		x->told_ms = w->now_ms;
		tell(w, index, "incident-open", x->text);
	}
	if (x->bad > 0) {
		int64_t remind_ms = x->root_kind == OBJECT_RULE
					    ? w->rules->rules[x->root_id].remind_ms
					    : w->rules->settings.remind_ms;
		if (remind_ms > 0) {
			if (w->now_ms - x->told_ms >= remind_ms) {
				x->told_ms = w->now_ms;
				tell(w, index, "incident-remind", x->text);
			}
			world_arm(w, NODE_INCIDENTS, index, x->told_ms + remind_ms);
		}
		return;
	}
	if (x->good_ms + SETTLE_MS > w->now_ms) {
		world_arm(w, NODE_INCIDENTS, index, x->good_ms + SETTLE_MS);
		return;
	}
	x->state = INCIDENT_CLOSED;
	x->until_real_ms = w->real_ms - (x->good_ms != 0 ? w->now_ms - x->good_ms : 0);
	text_print(text, sizeof text, "over after %s: %s",
		   text_duration(x->until_real_ms - x->since_real_ms, took, sizeof took),
		   x->text);
	tell(w, index, "incident-close", text);
}

/* ---- an earlier life, and other rules ---- */

static enum object_kind
kind_of(const char *word)
{
	static const enum object_kind kinds[] = { OBJECT_SERVICE, OBJECT_CHECK,
						  OBJECT_ROUTE, OBJECT_RULE };
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
		if (strcmp(object_kind_name[kinds[k]], word) == 0)
			return kinds[k];
	return OBJECT_MONITORD;
}

/* What its root is called now; what has no section any more is monitord's to end. */
static void
set_root(struct world *w, struct incident *x, enum object_kind kind, const char *name)
{
	uint32_t id =
		kind != OBJECT_MONITORD ? rules_find(w->rules, kind, name) : RULES_NONE;
	x->root_kind = id != RULES_NONE ? kind : OBJECT_MONITORD;
	x->root_id = id != RULES_NONE ? id : 0;
}

static uint32_t
recall_new(struct world *w, const struct journal_line *l)
{
	uint32_t index = take_place(w);
	if (index == NO_INCIDENT)
		return index;
	w->incidents[index] = (struct incident){ .id = l->incident,
						 .since_real_ms = l->real_ms,
						 .event = l->id };
	/* nothing of it is bad until measured again, which gets its time */
	world_arm(w, NODE_INCIDENTS, index, w->now_ms + RECALL_MS);
	return index;
}

/* What was open is open still, and what was not yet told is told now. */
void
incident_recall(struct world *w, const struct journal_line *l)
{
	uint32_t index = NO_INCIDENT;
	bool opens = strcmp(l->kind, "incident-open") == 0;
	if (l->incident == 0)
		return;
	for (uint32_t i = 0; i < INCIDENTS; i++)
		if (w->incidents[i].id == l->incident)
			index = i;
	if (strcmp(l->kind, "incident-close") == 0) {
		if (index == NO_INCIDENT)
			return;
		w->incidents[index].state = INCIDENT_CLOSED;
		w->incidents[index].until_real_ms = l->real_ms;
		world_arm(w, NODE_INCIDENTS, index, NEVER);
		return;
	}
	bool new = index == NO_INCIDENT;
	if (new)
		index = recall_new(w, l);
	if (index == NO_INCIDENT)
		return;
	struct incident *x = &w->incidents[index];
	if (new || opens || (!x->told && strcmp(l->kind, "service-exited") == 0)) {
		set_root(w, x, kind_of(l->object_kind), l->object);
		text_print(x->text, sizeof x->text, "%s", l->text);
		if (x->root_kind != OBJECT_MONITORD)
			world_node(w, x->root_kind, x->root_id)->incident = index;
	}
	x->told = x->told || opens;
}

void
incidents_move(struct world *to, const struct world *from)
{
	memcpy(to->incidents, from->incidents, sizeof to->incidents);
	to->incident_next = from->incident_next;
	for (uint32_t i = 0; i < INCIDENTS; i++) {
		struct incident *x = &to->incidents[i];
		if (x->id != 0)
			set_root(to, x, x->root_kind,
				 rules_name(from->rules, x->root_kind, x->root_id));
	}
}
