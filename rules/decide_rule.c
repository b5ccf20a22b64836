/* Rules: when they fire, and when they are over. */
#include "rules/decide.h"

#include "base/text.h"
#include "rules/during.h"

#include <string.h>

#define FIRES_MAX 16

static const struct rule *
conf(const struct world *w, uint32_t id)
{
	return &w->rules->rules[id];
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
	rule_go_on(w, id);
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
