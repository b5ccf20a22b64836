/* What a rule can never do, or not alone. */
#include "rules/prove.h"

#include "base/text.h"

#include <string.h>

/* The instances of a section say the same. */
static bool
is_repeated(const struct rules *r, uint32_t i)
{
	const struct place *a = &r->rules[i].place,
			   *b = i > 0 ? &r->rules[i - 1].place : NULL;
	return b != NULL && b->file != NULL && strcmp(a->file, b->file) == 0 &&
	       a->line == b->line;
}

static void
prove_condition(struct build *b, const struct rule *x)
{
	enum possible when = condition_possible(&x->when, NULL);
	if (when == POSSIBLE_NEVER)
		build_error(b, x->when.place, "when: this can never be true");
	else if (when == POSSIBLE_ALWAYS)
		build_warning(b, x->when.place, "when: this is always true");
	if (x->clear.count == 0 || when != POSSIBLE_SOMETIMES)
		return;
	enum possible clear = condition_possible(&x->clear, NULL);
	if (clear == POSSIBLE_NEVER)
		build_error(
			b, x->clear.place,
			"clear: this can never be true: the rule would never be over");
	else if (clear == POSSIBLE_ALWAYS)
		build_warning(b, x->clear.place,
			      "clear: this is always true: the rule is over at once");
	else if (condition_possible(&x->when, &x->clear) != POSSIBLE_NEVER &&
		 x->clear.slots == 0)
		build_warning(b, x->clear.place,
			      "clear: this and 'when' can be true at the same time: it "
			      "would fire and be "
			      "over in turn");
}

/* No measurement goes beyond its limit. */
static void
prove_limits(struct build *b, const char *key, const struct condition *c)
{
	const struct rules *r = b->rules;
	char most[32];
	for (uint32_t i = 0; i < c->count; i++) {
		const struct op *op = &c->ops[i];
		bool above = op->kind == OP_TEST && op->function <= FUNCTION_P99 &&
			     (op->compare == COMPARE_GT || op->compare == COMPARE_GE);
		if (above && op->object == OBJECT_CHECK && op->metric == METRIC_LATENCY &&
		    op->value > (double)r->checks[op->id].timeout_ms)
			build_warning(
				b, c->place,
				"%s: '%s.latency' never goes beyond its timeout (%s)",
				key, r->checks[op->id].name,
				text_duration(r->checks[op->id].timeout_ms, most,
					      sizeof most));
		if (above && op->object == OBJECT_SERVICE &&
		    r->services[op->id].memory_max > 0 &&
		    (op->metric == METRIC_MEMORY || op->metric == METRIC_MEMORY_TOTAL) &&
		    op->value >= (double)r->services[op->id].memory_max)
			build_warning(b, c->place,
				      "%s: '%s.%s' never goes beyond its memory-max (%s)",
				      key, r->services[op->id].name,
				      metric_table[op->metric].name,
				      text_size((double)r->services[op->id].memory_max,
						most, sizeof most));
	}
}

/* While it holds it fires once a cooldown: that may be too rare to escalate. */
static void
prove_escalate(struct build *b, const struct rule *x)
{
	char rate[32], span[32];
	if (x->escalate_count == 0 ||
	    (int64_t)(x->escalate_need - 1) * x->cooldown_ms < x->escalate_ms)
		return;
	build_warning(b, x->place,
		      "[rule %s]: escalate: while it holds it fires each %s: %u times in "
		      "%s come only if it "
		      "is over in between",
		      x->name, text_duration(x->cooldown_ms, rate, sizeof rate),
		      x->escalate_need, text_duration(x->escalate_ms, span, sizeof span));
}

static void
prove_actions(struct build *b, const struct action *list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct action *a = &list[i];
		if ((a->kind == ACTION_DRAIN || a->kind == ACTION_UNDRAIN) &&
		    b->rules->services[a->id].routes.count == 0)
			build_error(b, a->place, "%s: '%s' is a backend of no route",
				    action_kind_name[a->kind],
				    b->rules->services[a->id].name);
	}
}

static bool
ends_process(const struct action *a)
{
	return a->kind == ACTION_RESTART || a->kind == ACTION_STOP ||
	       a->kind == ACTION_KILL;
}

/* One test of a process's own metric: op; and it only tells of it, or ends that process.
 */
static const struct op *
simple_test(const struct rule *x, bool *tells, bool *ends)
{
	const struct op *op = x->when.count == 1 ? &x->when.ops[0] : NULL;
	if (op == NULL || op->object != OBJECT_SERVICE || op->function != FUNCTION_NONE ||
	    op->window == WINDOW_OF || op->metric == METRIC_STATE || x->dry_run ||
	    x->during.count > 0)
		return NULL;
	*tells = x->action_count > 0;
	*ends = false;
	for (uint32_t i = 0; i < x->action_count; i++) {
		const struct action *a = &x->actions[i];
		*tells = *tells && (a->kind == ACTION_ALERT || a->kind == ACTION_PAGE ||
				    a->kind == ACTION_LOG);
		*ends = *ends || (ends_process(a) && a->id == op->id);
	}
	return op;
}

static bool
is_stricter(const struct op *a, const struct op *b)
{
	bool above = (a->compare == COMPARE_GT || a->compare == COMPARE_GE) &&
		     (b->compare == COMPARE_GT || b->compare == COMPARE_GE) &&
		     a->value >= b->value;
	bool below = (a->compare == COMPARE_LT || a->compare == COMPARE_LE) &&
		     (b->compare == COMPARE_LT || b->compare == COMPARE_LE) &&
		     a->value <= b->value;
	return (above || below) && a->window_ms > b->window_ms;
}

/* An alert that comes later than the end of what it is about never comes. */
static void
prove_order(struct build *b, uint32_t rule)
{
	const struct rules *r = b->rules;
	const struct rule *x = &r->rules[rule];
	bool tells = false, ends = false, other = false;
	const struct op *op = simple_test(x, &tells, &ends);
	if (op == NULL || !tells)
		return;
	for (uint32_t i = 0; i < r->rule_count; i++) {
		const struct op *end = simple_test(&r->rules[i], &other, &ends);
		if (end == NULL || !ends || end->id != op->id ||
		    end->metric != op->metric || !is_stricter(op, end))
			continue;
		build_warning(
			b, x->when.place,
			"when: this never comes: rule %s ends the process before (%s)",
			r->rules[i].name, r->rules[i].when.text);
		return;
	}
}

void
prove_rules(struct build *b)
{
	const struct rules *r = b->rules;
	bool orders = false;
	for (uint32_t i = 0; i < r->rule_count; i++) {
		const struct rule *x = &r->rules[i];
		prove_actions(b, x->actions, x->action_count);
		if (x->place.file == NULL || is_repeated(r, i))
			continue; /* made of a check's do */
		prove_condition(b, x);
		prove_limits(b, "when", &x->when);
		prove_limits(b, "clear", &x->clear);
		prove_escalate(b, x);
		prove_actions(b, x->escalate, x->escalate_count);
		for (uint32_t k = 0; k < x->action_count; k++)
			orders = orders || ends_process(&x->actions[k]);
	}
	for (uint32_t i = 0; orders && i < r->rule_count && r->rule_count <= 2000; i++)
		if (r->rules[i].place.file != NULL && !is_repeated(r, i))
			prove_order(b, i);
}
