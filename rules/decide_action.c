/* What a rule does once it has fired: its actions, one after the other. */
#include "rules/decide.h"

#include "base/text.h"

#include <signal.h>
#include <string.h>

#define ACTION_MS 120000 /* the next action does not wait longer for this one */

static const struct rule *
conf(const struct world *w, uint32_t id)
{
	return &w->rules->rules[id];
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
restart(struct world *w, uint32_t id, const struct action *a)
{
	const struct service_view *s = &w->services[a->id];
	char text[200];
	text_print(text, sizeof text, "%s is restarted by %s",
		   w->rules->services[a->id].name, conf(w, id)->name);
	if (s->state == SERVICE_BACKOFF || s->pending) {
		tell_skipped(w, id, a, "is being started again already");
		return;
	}
	incident_bad(w, OBJECT_SERVICE, a->id,
		     text); /* part of the rule's, until it is up */
	evidence_suspect(w, a->id, incident_of(w, OBJECT_RULE, id));
	if (service_count_restart(w, a->id, text))
		service_restart(w, a->id);
}

static void
send_signal(struct world *w, const struct action *a)
{
	struct decision *d = world_decide(w, DECIDE_SIGNAL, a->id);
	d->signal = a->signal;
	d->scope = SCOPE_MAIN;
	world_tell(w, "service-signalled", OBJECT_SERVICE, a->id, "%s gets SIG%s",
		   w->rules->services[a->id].name, sigabbrev_np(d->signal));
}

static void
drain(struct world *w, uint32_t id, const struct action *a)
{
	const char *why = "";
	if (!service_drain(w, a->id, a->kind == ACTION_DRAIN, &why))
		world_tell(w, "action-done", OBJECT_RULE, id, "drain %s: %s",
			   w->rules->services[a->id].name, why);
}

static void
service_action(struct world *w, uint32_t id, const struct action *a)
{
	struct rule_view *r = &w->ruleviews[id];
	struct service_view *s = &w->services[a->id];
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
		restart(w, id, a);
		break;
	case ACTION_RELOAD:
		world_decide(w, DECIDE_RELOAD, a->id);
		return;
	case ACTION_KILL:
		evidence_suspect(w, a->id, incident_of(w, OBJECT_RULE, id));
		if (!evidence_kill(w, a->id))
			service_kill(w, a->id);
		return;
	case ACTION_SIGNAL:
		send_signal(w, a);
		return;
	case ACTION_DRAIN:
	case ACTION_UNDRAIN:
		drain(w, id, a);
		return;
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

void
rule_go_on(struct world *w, uint32_t id)
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
		rule_go_on(w, id);
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
		rule_go_on(w, e->id);
	}
}
