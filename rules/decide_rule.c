/* Rules: when they fire, what they do in order, when they are over. */
#include "rules/decide.h"

#include "base/text.h"
#include "rules/during.h"

#include <signal.h>
#include <string.h>

#define FIRES_MAX 16
#define ACTION_MS 120000 /* the next action does not wait longer for this one */

static const struct rule *
conf(const struct world *w, uint32_t id)
{
	return &w->rules->rules[id];
}

/* What a rule does not do, and why, is told: else nobody would know that it would have. */
static void
tell_skipped(struct world *w, uint32_t id, const struct action *a, const char *why)
{
	char what[200];
	action_text(w, a, what, sizeof what);
	world_tell(w, "action-skipped", OBJECT_RULE, id,
		   "'%s' of rule %s is not done: %s %s", what, conf(w, id)->name,
		   w->rules->services[a->id].name, why);
}

/* An operator's word beats every rule; after too many crashes only `retry` and operators may.
 * NULL: it may be done. */
static const char *
forbids(const struct service_view *s, enum action_kind kind)
{
	if (kind != ACTION_RELEASE && s->held)
		return "is held by an operator";
	if (kind != ACTION_RELEASE && s->by_command)
		return "was stopped by command";
	if (s->given_up && (kind == ACTION_START || kind == ACTION_RESTART))
		return "has failed too often, and is left to operators and its retry";
	return NULL;
}

static void
service_action(struct world *w, uint32_t id, const struct action *a)
{
	struct rule_view *r = &w->ruleviews[id];
	struct service_view *s = &w->services[a->id];
	char text[200];
	const char *why_not = forbids(s, a->kind);
	if (why_not != NULL) {
		tell_skipped(w, id, a, why_not);
		return;
	}
	switch (a->kind) {
	case ACTION_START:
		service_start(w, a->id);
		break;
	case ACTION_STOP:
		evidence_suspect(w, a->id, incident_of(w, OBJECT_RULE, id));
		service_stop(w, a->id, AFTER_STAY);
		break;
	case ACTION_RESTART:
		text_print(text, sizeof text, "%s is restarted by %s",
			   w->rules->services[a->id].name, w->rules->rules[id].name);
		if (s->state == SERVICE_BACKOFF || s->pending) {
			tell_skipped(w, id, a, "is being started again already");
			break;
		}
		incident_bad(w, OBJECT_SERVICE, a->id,
			     text); /* part of the rule's, until it is up */
		evidence_suspect(w, a->id, incident_of(w, OBJECT_RULE, id));
		if (service_count_restart(w, a->id, text))
			service_restart(w, a->id);
		break;
	case ACTION_RELOAD:
		world_decide(w, DECIDE_RELOAD, a->id);
		return;
	case ACTION_KILL:
		evidence_suspect(w, a->id, incident_of(w, OBJECT_RULE, id));
		if (!evidence_kill(w, a->id))
			service_kill(w, a->id);
		return;
	case ACTION_SIGNAL: {
		struct decision *d = world_decide(w, DECIDE_SIGNAL, a->id);
		d->signal = a->signal;
		d->scope = SCOPE_MAIN;
		world_tell(w, "service-signalled", OBJECT_SERVICE, a->id, "%s gets SIG%s",
			   w->rules->services[a->id].name, sigabbrev_np(d->signal));
		return;
	}
	case ACTION_DRAIN:
	case ACTION_UNDRAIN: {
		const char *why = "";
		if (!service_drain(w, a->id, a->kind == ACTION_DRAIN, &why))
			world_tell(w, "action-done", OBJECT_RULE, id, "drain %s: %s",
				   w->rules->services[a->id].name, why);
		return;
	}
	case ACTION_HOLD:
		service_hold_for(w, a->id, 0);
		return;
	case ACTION_RELEASE:
		service_hold(w, a->id, false);
		return;
	case ACTION_REROUTE:
	case ACTION_RESTORE:
	case ACTION_RUN:
	case ACTION_ALERT:
	case ACTION_PAGE:
	case ACTION_LOG:
	case ACTION_KINDS:
		return;
	}
	if (!service_steady(w, a->id)) {
		r->wait_service = a->id;
		r->wait_due_ms = w->now_ms + ACTION_MS;
		w->waiting[w->waiting_rules++] = id;
	}
}

static void
contact_action(struct world *w, uint32_t id, const struct action *a)
{
	bool page = a->kind == ACTION_PAGE;
	world_tell(w, page ? "page" : "alert", OBJECT_RULE, id, "%s: %s",
		   conf(w, id)->name, w->ruleviews[id].text);
	struct journal_line *l = &w->out->list[w->out->count - 1].line;
	if (!silenced(w, OBJECT_RULE, id))
		text_print(l->to, sizeof l->to, "%s", w->rules->contacts[a->id].name);
}

static void
act(struct world *w, uint32_t id, const struct action *a)
{
	struct rule_view *r = &w->ruleviews[id];
	struct decision *d;
	switch (a->kind) {
	case ACTION_REROUTE: {
		struct event e = { .verb = VERB_REROUTE,
				   .id = a->id,
				   .target = a->backend };
		const char *why = "";
		route_command(w, &e, &why);
		if (*why != '\0')
			world_tell(w, "action-done", OBJECT_RULE, id, "reroute %s: %s",
				   w->rules->routes[a->id].name, why);
		break;
	}
	case ACTION_RESTORE:
		route_manual(w, a->id, RULES_NONE);
		break;
	case ACTION_RUN:
		d = world_decide(w, DECIDE_RUN, id);
		d->token = r->wait_token = ++w->last_token;
		d->action =
			(uint32_t)(r->action_at |
				   (r->actions == conf(w, id)->escalate ? 0x10000 : 0));
		d->event = r->fired_event;
		text_print(d->text, sizeof d->text, "%s", r->text);
		r->wait_due_ms = w->now_ms + conf(w, id)->timeout_ms + 5000;
		w->waiting[w->waiting_rules++] = id;
		break;
	case ACTION_ALERT:
	case ACTION_PAGE:
		contact_action(w, id, a);
		break;
	case ACTION_LOG:
		world_tell(w, "action-done", OBJECT_RULE, id, "%s: %s", conf(w, id)->name,
			   r->text);
		break;
	case ACTION_START:
	case ACTION_STOP:
	case ACTION_RESTART:
	case ACTION_RELOAD:
	case ACTION_KILL:
	case ACTION_SIGNAL:
	case ACTION_HOLD:
	case ACTION_RELEASE:
	case ACTION_DRAIN:
	case ACTION_UNDRAIN:
		service_action(w, id, a);
		break;
	case ACTION_KINDS:
		break;
	}
}

/* Goes on with the actions until one has to be waited for. */
static void
go_on(struct world *w, uint32_t id)
{
	struct rule_view *r = &w->ruleviews[id];
	while (r->actions != NULL && r->wait_service == RULES_NONE &&
	       r->wait_token == 0) {
		if (r->action_at == r->action_count) {
			r->actions = NULL;
			break;
		}
		const struct action *a = &r->actions[r->action_at];
		w->cause = r->fired_event;
		if (!brake_stops(w, id, a))
			act(w, id, a);
		r->action_at++;
	}
}

void
rule_progress(struct world *w)
{
	for (uint32_t i = 0; i < w->waiting_rules && world_room(w);) {
		uint32_t id = w->waiting[i];
		struct rule_view *r = &w->ruleviews[id];
		bool over = w->now_ms >= r->wait_due_ms;
		if (r->wait_service != RULES_NONE &&
		    (over || service_steady(w, r->wait_service))) {
			r->wait_service = RULES_NONE;
		} else if (r->wait_token != 0 && over) {
			r->wait_token = 0;
		} else {
			i++;
			continue;
		}
		w->waiting[i] = w->waiting[--w->waiting_rules];
		go_on(w, id);
	}
}

void
rule_run_done(struct world *w, const struct event *e)
{
	if (e->id >= w->rules->rule_count)
		return;
	struct rule_view *r = &w->ruleviews[e->id];
	w->cause = r->fired_event;
	if (e->signal != 0)
		world_tell(w, "action-done", OBJECT_RULE, e->id,
			   "run ended by signal %d%s%s", e->signal,
			   e->text != NULL && *e->text != '\0' ? ": " : "",
			   e->text != NULL ? e->text : "");
	else
		world_tell(w, "action-done", OBJECT_RULE, e->id,
			   "run ended with exit code %d%s%s", e->code,
			   e->text != NULL && *e->text != '\0' ? ": " : "",
			   e->text != NULL ? e->text : "");
	if (r->wait_token == e->token && e->token != 0) {
		uint32_t i = 0;
		while (w->waiting[i] != e->id)
			i++;
		w->waiting[i] = w->waiting[--w->waiting_rules];
		r->wait_token = 0;
		go_on(w, e->id);
	}
}

static bool
escalates(struct world *w, uint32_t id)
{
	struct rule_view *r = &w->ruleviews[id];
	const struct rule *c = conf(w, id);
	uint32_t n = 0;
	r->fire_ms[r->fire_next++ % FIRES_MAX] = w->now_ms;
	for (uint32_t i = 0; i < FIRES_MAX && i < r->fire_next; i++)
		n += w->now_ms - r->fire_ms[i] < c->escalate_ms;
	if (c->escalate_count == 0 || n < c->escalate_need)
		return false;
	r->fire_next = 0;
	return true;
}

void
action_text(const struct world *w, const struct action *a, char *out, size_t cap)
{
	const struct rules *r = w->rules;
	const char *verb = action_kind_name[a->kind];
	if (a->kind == ACTION_LOG)
		text_print(out, cap, "log");
	else if (a->kind == ACTION_RUN)
		text_print(out, cap, "run %s",
			   a->command.count > 0 ? a->command.argv[0] : "");
	else if (a->kind == ACTION_ALERT || a->kind == ACTION_PAGE)
		text_print(out, cap, "%s %s", verb, r->contacts[a->id].name);
	else if (a->kind == ACTION_REROUTE || a->kind == ACTION_RESTORE)
		text_print(out, cap, "%s %s%s%s", verb, r->routes[a->id].name,
			   a->backend != RULES_NONE ? " to " : "",
			   a->backend != RULES_NONE
				   ? r->routes[a->id].backends[a->backend].name
				   : "");
	else if (a->kind == ACTION_SIGNAL)
		text_print(out, cap, "signal(%s) %s", sigabbrev_np(a->signal),
			   r->services[a->id].name);
	else
		text_print(out, cap, "%s %s", verb, r->services[a->id].name);
}

static void
tell_dry(struct world *w, uint32_t id, const char *text, bool up)
{
	const struct rule *c = conf(w, id);
	char actions[300], one[200];
	struct text t;
	text_begin(&t, actions, sizeof actions);
	for (uint32_t i = 0; i < (up ? c->escalate_count : c->action_count); i++) {
		action_text(w, up ? &c->escalate[i] : &c->actions[i], one, sizeof one);
		text_add(&t, "%s%s", i > 0 ? ", " : "", one);
	}
	world_tell(w, "rule-dry-run", OBJECT_RULE, id, "%s; it would have done: %s", text,
		   actions);
}

static void
fire(struct world *w, uint32_t id)
{
	struct rule_view *r = &w->ruleviews[id];
	const struct rule *c = conf(w, id);
	char text[400];
	bool again = r->firing;
	condition_text(w, &c->when, r->text, sizeof r->text);
	text_print(text, sizeof text, "%s: %s", c->name, r->text);
	r->firing = true;
	r->fired++;
	r->fired_ms = w->now_ms;
	r->since_real_ms = w->real_ms;
	world_mark(w, OBJECT_RULE, id);
	if (!again && c->place.file != NULL &&
	    !c->dry_run) /* a check's `do`: the check tells */
		incident_bad(w, OBJECT_RULE, id, text);
	bool up = escalates(w, id);
	if (c->dry_run || w->rules->settings.dry_run) {
		tell_dry(w, id, text, up);
		return;
	}
	w->cause = r->fired_event = world_tell(w, up ? "rule-escalated" : "rule-fired",
					       OBJECT_RULE, id, "%s", text);
	if (r->actions != NULL) {
		world_tell(
			w, "action-skipped", OBJECT_RULE, id,
			"rule %s does nothing more yet: what it began before has not ended",
			c->name);
		return;
	}
	r->actions = up ? c->escalate : c->actions;
	r->action_count = up ? c->escalate_count : c->action_count;
	r->action_at = 0;
	go_on(w, id);
}

static void
evaluate(struct world *w, uint32_t id, enum object_kind kind, uint32_t object)
{
	struct rule_view *r = &w->ruleviews[id];
	const struct rule *c = conf(w, id);
	int64_t due = NEVER;
	enum truth old = r->truth;
	r->truth = condition_eval(w, &c->when, r->slots, kind, object, &due);
	struct waiting waiting = r->waiting;
	r->waiting = (struct waiting){ 0 };
	if (c->when.slots > 0 && r->truth != TRUTH_TRUE)
		r->waiting = condition_waits(&c->when, r->slots, w->now_ms);
	if (r->truth != old || r->waiting.true_ms != waiting.true_ms ||
	    r->waiting.samples != waiting.samples)
		world_mark(w, OBJECT_RULE, id);
	int64_t local_ms = w->real_ms + (int64_t)w->zone_s * 1000;
	bool over = r->truth == TRUTH_FALSE, open = during_holds(&c->during, local_ms);
	if (c->clear.count > 0)
		over = condition_eval(w, &c->clear, r->clear_slots, kind, object, &due) ==
		       TRUTH_TRUE;
	bool acts = r->truth == TRUTH_TRUE &&
		    (!r->firing || w->now_ms - r->fired_ms >= c->cooldown_ms);
	if (acts && open) {
		fire(w, id);
	} else if (r->firing && over) {
		r->firing = false;
		r->since_real_ms = w->real_ms;
		world_mark(w, OBJECT_RULE, id);
		w->cause = r->fired_event;
		world_tell(w, "rule-cleared", OBJECT_RULE, id, "%s is over", c->name);
		incident_good(w, OBJECT_RULE, id);
	}
	if (r->firing && r->truth == TRUTH_TRUE && r->fired_ms + c->cooldown_ms < due)
		due = r->fired_ms + c->cooldown_ms;
	if (acts && !open) { /* it waits for its time */
		int64_t opens = w->now_ms + during_changes_ms(&c->during, local_ms);
		due = opens < due || due <= w->now_ms ? opens : due;
	}
	if (due <= w->now_ms && due != NEVER)
		due = w->now_ms + 1;
	world_arm(w, OBJECT_RULE, id, due);
}

static const struct readers *
readers_of(const struct world *w, enum object_kind kind)
{
	return kind == OBJECT_SERVICE ? &w->service_rules
	       : kind == OBJECT_CHECK ? &w->check_rules
	       : kind == OBJECT_ROUTE ? &w->route_rules
				      : &w->chain_rules;
}

void
rule_changed(struct world *w, enum object_kind kind, uint32_t id, bool is_sample)
{
	const struct readers *r = readers_of(w, kind);
	uint64_t cause = w->cause;
	memory_take(w, kind, id, is_sample);
	for (uint32_t i = r->first[id]; i < r->first[id + 1]; i++) {
		if (i > r->first[id] && r->rules[i] == r->rules[i - 1])
			continue; /* it reads two metrics of the same object */
		w->cause = cause;
		if (!world_room(w)) {
			world_arm(w, OBJECT_RULE, r->rules[i], w->now_ms);
			continue;
		}
		evaluate(w, r->rules[i], is_sample ? kind : OBJECT_KINDS, id);
	}
	w->cause = cause;
}

void
rule_look(struct world *w, enum object_kind kind, uint32_t id)
{
	const struct readers *r = readers_of(w, kind);
	if (!w->going)
		return; /* it looks at all of them then */
	memory_take(w, kind, id, false);
	for (uint32_t i = r->first[id]; i < r->first[id + 1]; i++)
		world_arm(w, OBJECT_RULE, r->rules[i], w->now_ms);
}

static void
forget(struct world *w, const struct readers *r, uint32_t id, uint32_t service)
{
	for (uint32_t i = r->first[id]; i < r->first[id + 1]; i++) {
		struct rule_view *v = &w->ruleviews[r->rules[i]];
		const struct rule *c = conf(w, r->rules[i]);
		condition_forget(w, &c->when, v->slots, service);
		condition_forget(w, &c->clear, v->clear_slots, service);
	}
}

void
rule_forget(struct world *w, uint32_t service)
{
	const struct id_list *checks = &w->rules->services[service].checks;
	memory_forget(w, service);
	forget(w, &w->service_rules, service, service);
	for (uint32_t i = 0; i < checks->count; i++)
		forget(w, &w->check_rules, checks->ids[i], service);
}

void
rule_timer(struct world *w, uint32_t id)
{
	evaluate(w, id, OBJECT_KINDS, 0);
}
