/* A reload: what is believed, remembered and under way goes over to a world of new rules. What has
 * the same kind and name, and says the same of what matters, goes on; the rest begins anew. */
#include "rules/decide.h"

#include "base/text.h"
#include "rules/same.h"

#include <string.h>

/* The newest of them, as many as are remembered now. */
static void
move_crashes(struct service_view *to, const struct service_view *from)
{
	uint32_t n =
		from->crash_next < from->crash_cap ? from->crash_next : from->crash_cap;
	if (n > to->crash_cap)
		n = to->crash_cap;
	for (uint32_t i = 0; i < n; i++)
		to->crash_ms[i] =
			from->crash_ms[(from->crash_next - n + i) % from->crash_cap];
	to->crash_next = n;
}

static void
move_service(struct world *to, uint32_t id, const struct service_view *old, bool reached)
{
	struct service_view *s = &to->services[id], own = *s;
	*s = *old;
	s->crash_ms = own.crash_ms;
	s->crash_cap = own.crash_cap;
	move_crashes(s, old);
	s->pending = s->tell_affected = false;
	s->moved = reached;
	to->turns += s->in_turn;
	if (old->pending) /* it still waits for its turn, or for what it depends on */
		service_start_again(to, id);
	if (s->state == SERVICE_STARTING)
		to->starting++;
}

static void
move_check(struct world *to, uint32_t n, const struct world *from, uint32_t o)
{
	struct check_view *c = &to->checks[n], own = *c;
	const struct check_view *old = &from->checks[o];
	*c = *old; /* of one kind they have room for as many values */
	c->first_value = own.first_value;
	memcpy(to->values + c->first_value, from->values + old->first_value,
	       c->value_count * sizeof *to->values);
	memcpy(to->value_metrics + c->first_value, from->value_metrics + old->first_value,
	       c->value_count);
	if (old->has_text)
		memcpy(to->texts[n], from->texts[o], sizeof to->texts[n]);
	if (from->asked_ms[o] != 0)
		to->asked_ms[n] = from->asked_ms[o];
}

static void
move_deadline(struct world *to, const struct world *from, enum object_kind kind, uint32_t new_id,
	      uint32_t old_id)
{
	const struct node *old = &from->nodes[from->base[kind] + old_id];
	struct node *new = world_node(to, kind, new_id);
	new->bad = old->bad;
	new->behind_incident = old->behind_incident;
	if (old->heap != 0)
		world_arm(to, kind, new_id, old->due_ms);
}

static bool
same_backends(const struct route *a, const struct route *b)
{
	bool same = a->backend_count == b->backend_count && a->driver == b->driver;
	for (uint32_t i = 0; same && i < a->backend_count; i++)
		same = strcmp(a->backends[i].name, b->backends[i].name) == 0;
	return same;
}

/* Among other backends it begins anew; but who was chosen by hand still is. */
static void
move_hand(struct world *to, uint32_t n, const struct world *from, uint32_t o)
{
	const struct route *c = &to->rules->routes[n], *was = &from->rules->routes[o];
	const struct route_view *old = &from->routes[o];
	struct route_view *r = &to->routes[n];
	for (uint32_t i = 0; i < was->backend_count; i++)
		for (uint32_t k = 0; k < c->backend_count; k++) {
			if (strcmp(was->backends[i].name, c->backends[k].name) != 0)
				continue;
			r->hand_out |= (old->hand_out >> i & 1) << k;
			r->hand_in |= (old->hand_in >> i & 1) << k;
			r->manual = old->manual == i ? k : r->manual;
		}
	if (r->manual != RULES_NONE)
		r->manual_until_ms = old->manual_until_ms;
	world_arm(to, OBJECT_ROUTE, n, to->now_ms);
}

/* What was bad and has no section any more is bad no longer: such an incident must end. */
static void
recount_incidents(struct world *to, const struct world *from)
{
	for (uint32_t i = 0; i < to->incident_end; i++)
		to->incidents[i].bad = 0;
	for (uint32_t i = 0; i < to->node_count; i++)
		if (to->nodes[i].bad && node_incident(&to->nodes[i]) != NO_INCIDENT)
			to->incidents[node_incident(&to->nodes[i])].bad++;
	for (uint32_t i = 0; i < to->incident_end; i++) {
		struct incident *x = &to->incidents[i];
		if (x->state == INCIDENT_CLOSED || x->bad > 0 ||
		    from->incidents[i].bad == 0)
			continue;
		x->good_ms = to->now_ms;
		world_arm(to, NODE_INCIDENTS, i, to->now_ms + SETTLE_MS);
	}
}

static void
move_services(struct world *to, const struct world *from)
{
	const struct rules *rt = to->rules, *rf = from->rules;
	for (uint32_t o = 0; o < rf->service_count; o++) {
		uint32_t n = rules_find(rt, OBJECT_SERVICE, rf->services[o].name);
		if (n == RULES_NONE)
			continue;
		move_service(to, n, &from->services[o], o < from->go_next);
		move_deadline(to, from, OBJECT_SERVICE, n, o);
		move_deadline(to, from, NODE_HOLDS, n, o);
		if (to->services[n].state == SERVICE_FAILED &&
		    rt->services[n].retry_ms != rf->services[o].retry_ms)
			service_arm_retry(to, n);
	}
}

static void
move_checks(struct world *to, const struct world *from)
{
	const struct rules *rt = to->rules, *rf = from->rules;
	for (uint32_t o = 0; o < rf->check_count; o++) {
		uint32_t n = rules_find(rt, OBJECT_CHECK, rf->checks[o].name);
		if (n == RULES_NONE || rt->checks[n].kind != rf->checks[o].kind)
			continue;
		move_check(to, n, from, o);
		to->held += from->checks[o].held;
		move_deadline(to, from, OBJECT_CHECK, n, o);
	}
}

static void
move_routes(struct world *to, const struct world *from)
{
	const struct rules *rt = to->rules, *rf = from->rules;
	for (uint32_t o = 0; o < rf->route_count; o++) {
		uint32_t n = rules_find(rt, OBJECT_ROUTE, rf->routes[o].name);
		if (n == RULES_NONE)
			continue;
		if (!same_backends(&rt->routes[n], &rf->routes[o])) {
			move_hand(to, n, from, o);
			continue;
		}
		to->routes[n] = from->routes[o];
		move_deadline(to, from, OBJECT_ROUTE, n, o);
	}
}

/* ---- rules ---- */

/* Those of the new rule that go on where these are; NULL: none does. */
static const struct action *
successors(const struct rules *to, uint32_t n, const struct world *from, uint32_t o)
{
	const struct rule_view *r = &from->ruleviews[o];
	const struct rule *c = n != RULES_NONE ? &to->rules[n] : NULL,
			  *was = &from->rules->rules[o];
	if (c == NULL || c->dry_run || to->settings.dry_run ||
	    strcmp(c->when.text, was->when.text) != 0)
		return NULL;
	bool up = r->actions == was->escalate;
	const struct action *list = up ? c->escalate : c->actions;
	uint32_t count = up ? c->escalate_count : c->action_count;
	return same_actions(from->rules, r->actions, r->action_count, to, list, count)
		       ? list
		       : NULL;
}

/* The view is a copy of the old one. */
static void
move_actions(struct world *to, uint32_t n, const struct world *from, uint32_t o)
{
	struct rule_view *r = &to->ruleviews[n];
	if (r->actions != NULL)
		r->actions = successors(to->rules, n, from, o);
	if (r->actions == NULL) { /* what ran of the old rules ends there */
		r->wait_service = RULES_NONE;
		r->wait_token = 0;
		return;
	}
	if (r->wait_service != RULES_NONE) /* it is one that they name */
		r->wait_service = rules_find(to->rules, OBJECT_SERVICE,
					     from->rules->services[r->wait_service].name);
	to->waiting[to->waiting_rules++] = n;
}

bool
world_cuts(const struct world *from, uint32_t rule, const struct rules *to, char *text, size_t cap)
{
	const struct rule_view *r = &from->ruleviews[rule];
	const char *name = from->rules->rules[rule].name;
	char one[200];
	struct text t;
	uint32_t n = rules_rule(to, name);
	if (r->actions == NULL || r->action_at == r->action_count ||
	    successors(to, n, from, rule) != NULL)
		return false;
	text_begin(&t, text, cap);
	text_add(&t, "of what rule %s had begun this is not done, as it %s: ", name,
		 n == RULES_NONE ? "has no section any more" : "is another now");
	for (uint32_t i = r->action_at; i < r->action_count; i++) {
		action_text(from, &r->actions[i], one, sizeof one);
		text_add(&t, "%s%s", i > r->action_at ? ", " : "", one);
	}
	return true;
}

static void
move_rule(struct world *to, uint32_t n, const struct world *from, uint32_t o)
{
	struct rule_view *r = &to->ruleviews[n];
	const struct rule *c = &to->rules->rules[n];
	struct slot *slots = r->slots, *clear = r->clear_slots;
	bool clears_as_before =
		same_text(c->clear.text, from->rules->rules[o].clear.text);
	memcpy(slots, from->ruleviews[o].slots, c->when.slots * sizeof *slots);
	if (clears_as_before)
		memcpy(clear, from->ruleviews[o].clear_slots,
		       c->clear.slots * sizeof *clear);
	*r = from->ruleviews[o];
	r->slots = slots;
	r->clear_slots = clear;
	move_actions(to, n, from, o);
	world_arm(to, OBJECT_RULE, n, NEVER); /* it has been looked at */
	move_deadline(to, from, OBJECT_RULE, n, o);
	if (!clears_as_before)
		world_arm(to, OBJECT_RULE, n, to->now_ms);
}

static void
move_rules(struct world *to, const struct world *from)
{
	const struct rules *rt = to->rules, *rf = from->rules;
	for (uint32_t o = 0; o < rf->rule_count; o++) {
		uint32_t n = rules_rule(rt, rf->rules[o].name);
		if (n != RULES_NONE &&
		    strcmp(rt->rules[n].when.text, rf->rules[o].when.text) == 0)
			move_rule(to, n, from, o);
	}
}

void
world_move(struct world *to, const struct world *from)
{
	to->moved = true;
	to->last_event = from->last_event;
	to->last_token = from->last_token;
	to->random = from->random;
	to->suspected_ms = from->suspected_ms;
	incidents_move(to, from);
	for (uint32_t i = 0; i <= NODE_SILENCE; i++)
		move_deadline(to, from, NODE_INCIDENTS, i, i);
	move_services(to, from);
	move_checks(to, from);
	to->suspects = to->held > 0 && from->suspects;
	move_routes(to, from);
	to->going = from->going;
	if (to->going)
		rule_look_all(to);
	move_rules(to, from);
	memory_move(to, from);
	brakes_move(to, from);
	chains_move(to, from);
	to->zone_s = from->zone_s;
	drains_again(to);
	recount_incidents(to, from);
	to->stopping_all = to->stops_left = from->stopping_all;
}
