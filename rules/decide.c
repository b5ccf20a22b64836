/* decide(): one event in, decisions out; time is an argument. */
#include "rules/world_state.h"

#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void
timers(struct world *w)
{
	while (w->heap_count > 0 && world_room(w)) {
		uint32_t index = w->heap[0];
		if (w->nodes[index].due_ms > w->now_ms)
			return;
		static const enum object_kind order[] = { NODE_HOLDS,    NODE_INCIDENTS,
							  OBJECT_CHAIN,  OBJECT_RULE,
							  OBJECT_ROUTE,  OBJECT_CHECK,
							  OBJECT_SERVICE };
		size_t k = 0;
		while (index < w->base[order[k]])
			k++;
		uint32_t id = index - w->base[order[k]];
		world_arm(w, order[k], id, NEVER);
		w->cause = 0;
		switch (order[k]) {
		case OBJECT_SERVICE:
			service_timer(w, id);
			break;
		case OBJECT_ROUTE:
			route_timer(w, id);
			break;
		case OBJECT_RULE:
			rule_timer(w, id);
			break;
		case NODE_INCIDENTS:
			incident_timer(w, id);
			break;
		case NODE_HOLDS:
			service_hold_timer(w, id);
			break;
		case OBJECT_CHECK:
		case OBJECT_CHAIN:
		case OBJECT_KINDS:
			break;
		}
	}
}

static void
answer(struct world *w, const struct event *e, enum command_answer a, const char *text)
{
	struct decision *d = world_decide(w, DECIDE_ANSWER, 0);
	d->token = e->token;
	d->answer = a;
	d->event = a == ANSWER_REFUSED ? 0 : w->last_event;
	text_print(d->text, sizeof d->text, "%s", text);
}

static void
command(struct world *w, const struct event *e)
{
	char who[WORLD_PERSON];
	static const char *const words[VERBS] = {
		[VERB_START] = "start",	    [VERB_STOP] = "stop",	[VERB_RESTART] = "restart",
		[VERB_RELOAD_SERVICE] = "reload", [VERB_HOLD] = "hold", [VERB_RELEASE] = "release",
		[VERB_REROUTE] = "reroute", [VERB_RESTORE] = "restore", [VERB_RELOAD] = "reload-rules",
		[VERB_TEST] = "test",	    [VERB_ACK] = "ack",
		[VERB_DRAIN] = "drain",	    [VERB_UNDRAIN] = "undrain",
		[VERB_SILENCE] = "silence", [VERB_UNSILENCE] = "unsilence",
	};
	bool route = e->verb == VERB_REROUTE || e->verb == VERB_RESTORE;
	const char *why = "";
	if (e->verb == VERB_ACK || e->verb == VERB_SILENCE || e->verb == VERB_UNSILENCE) {
		bool good = e->verb == VERB_ACK ? incident_ack(w, e, &why)
						: silence_command(w, e, &why);
		answer(w, e, good ? ANSWER_DONE : ANSWER_REFUSED, why);
		if (good && e->verb != VERB_ACK)
			world_decide(w, DECIDE_REMEMBER, 0);
		return;
	}
	if (e->verb == VERB_RELOAD || e->verb == VERB_TEST) {
		enum decision_kind kind =
			e->verb == VERB_RELOAD ? DECIDE_RELOAD_RULES : DECIDE_TEST;
		world_tell(w, "command", OBJECT_MONITORD, 0, "%s by %s", words[e->verb],
			   world_person(e->uid, who));
		world_decide(w, kind, e->id)->token = e->token;
		return;
	}
	if (e->id >= (route ? w->rules->route_count : w->rules->service_count)) {
		answer(w, e, ANSWER_REFUSED, "no such object");
		return;
	}
	if (w->rules->settings.dry_run) {
		answer(w, e, ANSWER_REFUSED, "this is a dry run: nothing is done");
		return;
	}
	bool named = e->verb == VERB_REROUTE &&
		     e->target < w->rules->routes[e->id].backend_count;
	char span[48] = "", took[32];
	if ((e->verb == VERB_HOLD || e->verb == VERB_REROUTE) && e->seconds > 0)
		text_print(span, sizeof span, " for %s, %u s",
			   text_duration((int64_t)e->seconds * 1000, took, sizeof took),
			   e->seconds);
	w->cause =
		world_tell(w, "command", route ? OBJECT_ROUTE : OBJECT_SERVICE, e->id,
			   "%s%s%s by %s%s", words[e->verb], named ? " to " : "",
			   named ? w->rules->routes[e->id].backends[e->target].name : "",
			   world_person(e->uid, who), span);
	bool waits = route ? route_command(w, e, &why) : service_command(w, e, &why);
	if (!waits)
		answer(w, e, *why != '\0' ? ANSWER_REFUSED : ANSWER_DONE, why);
	world_decide(w, DECIDE_REMEMBER, 0);
}

static void
helper_lost(struct world *w, enum role role)
{
	if (role == ROLE_NET || role == ROLE_LOCAL)
		check_role_lost(w, role);
	if (role == ROLE_ROUTES)
		for (uint32_t i = 0; i < w->rules->route_count; i++) {
			w->routes[i].is_seen = false;
			world_mark(w, OBJECT_ROUTE, i);
		}
}

/* A reload gave it another section: what was measured or run means something else. */
static void
changed(struct world *w, const struct event *e)
{
	if (e->object == OBJECT_SERVICE && w->services[e->id].alive &&
	    !w->services[e->id].held && w->rules->services[e->id].run.count > 0) {
		w->cause = world_tell(w, "service-changed", OBJECT_SERVICE, e->id,
				      "%s has another section now: it is restarted",
				      w->rules->services[e->id].name);
		w->services[e->id].owed = true;
		w->services[e->id].given_up = false; /* it is another now */
		service_restart(w, e->id);
	}
	if (e->object == OBJECT_CHECK)
		check_forget(w, e->id);
}

/* "KIND words for people" */
static void
note(struct world *w, const struct event *e)
{
	const char *text = e->text;
	bool of_service = e->object == OBJECT_SERVICE && e->id < w->rules->service_count;
	char kind[24];
	size_t n = strcspn(text, " ");
	text_print(kind, sizeof kind, "%.*s", (int)n, text);
	world_tell(w, kind, of_service ? OBJECT_SERVICE : OBJECT_MONITORD,
		   of_service ? e->id : 0, "%s", text[n] != '\0' ? text + n + 1 : text);
}

/* What a rule reads may never have an event of its own: a service that stays stopped. */
static void
rules_look(struct world *w)
{
	for (uint32_t i = 0; i < w->rules->rule_count; i++)
		world_arm(w, OBJECT_RULE, i, w->now_ms);
}

static void
dispatch(struct world *w, const struct event *e)
{
	switch (e->kind) {
	case EVENT_TIMER:
		break;
	case EVENT_ADOPTED:
	case EVENT_STARTED:
	case EVENT_START_FAILED:
	case EVENT_WAITS:
	case EVENT_READY:
	case EVENT_DYING:
	case EVENT_EVIDENCE:
	case EVENT_EXITED:
	case EVENT_EMPTY:
	case EVENT_FOUND:
	case EVENT_SAMPLE:
		assert(e->id < w->rules->service_count);
		service_event(w, e);
		break;
	case EVENT_GO:
		w->going = true;
		w->go_next = 0;
		for (uint32_t i = 0; i < w->rules->route_count; i++)
			/* what does not run is dead from now on */
			world_arm(w, OBJECT_ROUTE, i, w->now_ms);
		rules_look(w);
		break;
	case EVENT_RESULT:
		check_result(w, e);
		break;
	case EVENT_ROUTE_SEEN:
		route_seen(w, e);
		break;
	case EVENT_HELPER_LOST:
		helper_lost(w, e->role);
		break;
	case EVENT_HELPER_BACK:
		break;
	case EVENT_COMMAND:
		command(w, e);
		break;
	case EVENT_RUN_DONE:
		rule_run_done(w, e);
		break;
	case EVENT_NOTE:
		note(w, e);
		break;
	case EVENT_STOP_ALL:
		w->stopping_all = w->stops_left = !w->rules->settings.dry_run;
		break;
	case EVENT_CHANGED:
		changed(w, e);
		break;
	case EVENT_LATE:
		for (uint32_t i = 0; i < w->rules->check_count; i++)
			w->checks[i].valid_ns = w->now_ms * 1000000;
		break;
	case EVENT_KINDS:
		break;
	}
}

void
decide(struct world *w, const struct event *e, int64_t now_ms, int64_t real_ms, struct decisions *out)
{
	w->now_ms = now_ms;
	w->real_ms = real_ms;
	w->out = out;
	w->cause = 0;
	out->count = 0;
	if (w->recalled)
		recall_settle(w);
	dispatch(w, e);
	if (w->waiting_rules > 0)
		rule_progress(w);
	if (w->going && w->go_next < w->rules->service_count)
		service_go(w);
	if (e->kind == EVENT_TIMER)
		timers(w);
	if (w->stopping_all && w->stops_left)
		service_stop_all(w);
	if (w->affected > 0)
		need_tell(w);
	if (w->turns > 0 && !w->stopping_all)
		service_turns(w);
	if (w->going)
		service_pending(w);
	if (w->going && w->chains_due)
		chains_look(w);
	dry_drop(w);
	w->out = NULL;
}

/* ---- reload ---- */

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
	s->starting_next = own.starting_next;
	s->crash_ms = own.crash_ms;
	s->crash_cap = own.crash_cap;
	move_crashes(s, old);
	s->pending = s->tell_affected = false;
	s->moved = reached;
	to->turns += s->in_turn;
	if (old->pending) /* it still waits for its turn, or for what it depends on */
		service_start(to, id);
	if (s->state == SERVICE_STARTING)
		to->starting++;
}

static void
move_check(struct world *to, uint32_t n, const struct world *from, uint32_t o)
{
	struct check_view *c = &to->checks[n], own = *c;
	const struct check_view *old = &from->checks[o];
	*c = *old;
	c->first_value = own.first_value;
	c->value_room = own.value_room;
	c->value_count =
		old->value_count < own.value_room ? old->value_count : own.value_room;
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

void
world_move(struct world *to, const struct world *from, int64_t now_ms)
{
	const struct rules *rt = to->rules, *rf = from->rules;
	(void)now_ms;
	to->moved = true;
	to->last_event = from->last_event;
	to->last_token = from->last_token;
	to->random = from->random;
	to->suspects = from->suspects;
	to->suspected_ms = from->suspected_ms;
	incidents_move(to, from);
	for (uint32_t i = 0; i <= NODE_SILENCE; i++)
		move_deadline(to, from, NODE_INCIDENTS, i, i);
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
	for (uint32_t o = 0; o < rf->check_count; o++) {
		uint32_t n = rules_find(rt, OBJECT_CHECK, rf->checks[o].name);
		if (n == RULES_NONE || rt->checks[n].kind != rf->checks[o].kind)
			continue;
		move_check(to, n, from, o);
		to->held += from->checks[o].held;
		move_deadline(to, from, OBJECT_CHECK, n, o);
	}
	for (uint32_t o = 0; o < rf->route_count; o++) {
		uint32_t n = rules_find(rt, OBJECT_ROUTE, rf->routes[o].name);
		if (n == RULES_NONE || !same_backends(&rt->routes[n], &rf->routes[o]))
			continue;
		to->routes[n] = from->routes[o];
		move_deadline(to, from, OBJECT_ROUTE, n, o);
	}
	to->going = from->going;
	if (to->going)
		rules_look(to);
	for (uint32_t o = 0; o < rf->rule_count; o++) {
		const char *name = rf->rules[o].name;
		uint32_t n = 0;
		while (n < rt->rule_count && strcmp(rt->rules[n].name, name) != 0)
			n++;
		if (n == rt->rule_count ||
		    strcmp(rt->rules[n].when.text, rf->rules[o].when.text) != 0)
			continue;
		struct rule_view *r = &to->ruleviews[n];
		struct slot *slots = r->slots, *clear = r->clear_slots;
		memcpy(slots, from->ruleviews[o].slots,
		       rt->rules[n].when.slots * sizeof *slots);
		*r = from->ruleviews[o];
		r->slots = slots;
		r->clear_slots = clear;
		r->actions = NULL; /* what ran of the old rules ends there */
		r->wait_service = RULES_NONE;
		r->wait_token = 0;
		world_arm(to, OBJECT_RULE, n, NEVER); /* it has been looked at */
		move_deadline(to, from, OBJECT_RULE, n, o);
	}
	memory_move(to, from);
	brakes_move(to, from);
	chains_move(to, from);
	to->zone_s = from->zone_s;
	drains_again(to);
	recount_incidents(to, from);
	to->stopping_all = to->stops_left = from->stopping_all;
	to->go_next = 0;
}
