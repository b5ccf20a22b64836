/* Three-valued evaluation of conditions. */
#include "rules/world_state.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

#define STACK 256

bool
metric_value(const struct world *w, enum object_kind kind, uint32_t id, enum metric m, double *out)
{
	*out = (double)NAN;
	if (kind == OBJECT_SERVICE) {
		const struct service_view *s = &w->services[id];
		if (m == METRIC_UP)
			*out = s->state == SERVICE_UP;
		else if (m == METRIC_RESTARTS)
			*out = s->restarts;
		else if (m == METRIC_PID && s->alive)
			*out = s->pid;
		else if (m == METRIC_UPTIME && s->alive)
			*out = (double)(w->now_ms - s->started_ms);
		else if (m == METRIC_EXIT_CODE && s->exit_code >= 0)
			*out = s->exit_code;
		else if (s->alive && s->sample_ms != 0 &&
			 w->now_ms - s->sample_ms < 3 * w->rules->services[id].every_ms + 2000)
			*out = s->values[m];
	} else if (kind == OBJECT_CHECK) {
		const struct check_view *c = &w->checks[id];
		uint32_t of = w->rules->checks[id].of;
		/* while its service starts or stops it says nothing that a rule could act on */
		bool quiet = of != RULES_NONE && !w->services[of].held && service_quiet(w, of);
		bool known = c->state != CHECK_UNKNOWN && !quiet;
		if (m == METRIC_AGE && c->measured_ns != 0)
			*out = (double)(w->now_ms - c->measured_ns / 1000000);
		else if (!known)
			return false;
		else if (m == METRIC_UP)
			*out = c->state != CHECK_DOWN;
		else if (m == METRIC_DOWN)
			*out = c->state == CHECK_DOWN;
		else if (m == METRIC_DEGRADED)
			*out = c->state == CHECK_DEGRADED;
		else if (m == METRIC_LATENCY && c->measured_ns != 0)
			*out = (double)c->latency_ns / 1e6;
		for (uint32_t i = 0; i < c->value_count; i++)
			if (c->values[i].metric == m && m != METRIC_LATENCY)
				*out = c->values[i].value;
	} else if (kind == OBJECT_ROUTE) {
		if (m == METRIC_HEALTHY)
			*out = route_healthy(w, id);
		else if (m == METRIC_REROUTED)
			*out = w->routes[id].state != ROUTE_PRIMARY;
	}
	return !isnan(*out);
}

static const char *
state_word(const struct world *w, const struct op *op)
{
	if (op->object == OBJECT_SERVICE)
		return service_state_name[world_service_state(w, op->id)];
	if (op->object == OBJECT_CHECK)
		return check_state_name[w->checks[op->id].state];
	return route_state_name[w->routes[op->id].state];
}

static enum truth
as_truth(bool b)
{
	return b ? TRUTH_TRUE : TRUTH_FALSE;
}

static enum truth
test(const struct world *w, const struct op *op)
{
	double v;
	if (op->metric == METRIC_STATE) {
		bool same = strcmp(state_word(w, op), op->text) == 0;
		return as_truth(op->compare == COMPARE_EQ ? same : !same);
	}
	if (!metric_value(w, op->object, op->id, op->metric, &v))
		return TRUTH_UNKNOWN;
	switch (op->compare) {
	case COMPARE_LT:
		return as_truth(v < op->value);
	case COMPARE_LE:
		return as_truth(v <= op->value);
	case COMPARE_GT:
		return as_truth(v > op->value);
	case COMPARE_GE:
		return as_truth(v >= op->value);
	case COMPARE_EQ:
		return as_truth(fabs(v - op->value) < 1e-9);
	case COMPARE_NE:
		return as_truth(fabs(v - op->value) >= 1e-9);
	case COMPARE_PRESENT:
		return as_truth(v != 0);
	case COMPARE_MATCH:
	case COMPARE_NOT_MATCH:
	case COMPARES:
		break;
	}
	return TRUTH_UNKNOWN;
}

static enum truth
window(const struct world *w, const struct op *op, enum truth t, struct slot *slots, bool fresh,
       int64_t *due_ms)
{
	struct slot *s = &slots[op->slot];
	if (op->window == WINDOW_FOR) {
		if (t == TRUTH_FALSE)
			s->since_ms = 0;
		if (t != TRUTH_TRUE)
			return t;
		if (s->since_ms == 0)
			s->since_ms = w->now_ms;
		if (w->now_ms - s->since_ms >= op->window_ms)
			return TRUTH_TRUE;
		if (s->since_ms + op->window_ms < *due_ms)
			*due_ms = s->since_ms + op->window_ms;
		return TRUTH_FALSE;
	}
	if (op->window == WINDOW_OF) {
		if (fresh && t != TRUTH_UNKNOWN) {
			s->bits = s->bits << 1 | (t == TRUTH_TRUE);
			s->count += s->count < 64;
		}
		if (s->count == 0)
			return TRUTH_UNKNOWN;
		uint64_t mask = op->of >= 64 ? UINT64_MAX : (UINT64_C(1) << op->of) - 1;
		return as_truth((uint32_t)__builtin_popcountll(s->bits & mask) >= op->need);
	}
	return t;
}

enum truth
condition_eval(const struct world *w, const struct condition *c, struct slot *slots,
	       enum object_kind fresh_kind, uint32_t fresh_id, int64_t *due_ms)
{
	struct {
		enum truth t;
		bool fresh;
	} stack[STACK];
	uint32_t n = 0;
	for (uint32_t i = 0; i < c->count && n < STACK; i++) {
		const struct op *op = &c->ops[i];
		switch (op->kind) {
		case OP_TEST:
			stack[n].fresh = op->object == fresh_kind && op->id == fresh_id;
			stack[n].t = window(w, op, test(w, op), slots, stack[n].fresh, due_ms);
			n++;
			break;
		case OP_NOT:
			if (stack[n - 1].t != TRUTH_UNKNOWN)
				stack[n - 1].t = as_truth(stack[n - 1].t == TRUTH_FALSE);
			break;
		case OP_GROUP:
			stack[n - 1].t = window(w, op, stack[n - 1].t, slots, stack[n - 1].fresh, due_ms);
			break;
		case OP_AND:
		case OP_OR: {
			enum truth a = stack[n - 2].t, b = stack[n - 1].t;
			enum truth strong = op->kind == OP_AND ? TRUTH_FALSE : TRUTH_TRUE;
			n--;
			stack[n - 1].fresh = stack[n - 1].fresh || stack[n].fresh;
			if (a == strong || b == strong)
				stack[n - 1].t = strong;
			else if (a == TRUTH_UNKNOWN || b == TRUTH_UNKNOWN)
				stack[n - 1].t = TRUTH_UNKNOWN;
			else
				stack[n - 1].t = strong == TRUTH_FALSE ? TRUTH_TRUE : TRUTH_FALSE;
			break;
		}
		}
	}
	return n == 1 ? stack[0].t : TRUTH_UNKNOWN;
}

/* Of the process itself, so that a new one begins them anew. */
static bool
is_sample(const struct op *op, uint32_t service)
{
	return op->object == OBJECT_SERVICE && op->id == service && op->metric != METRIC_UP &&
	       op->metric != METRIC_STATE && op->metric != METRIC_RESTARTS &&
	       op->metric != METRIC_EXIT_CODE;
}

void
condition_forget(const struct condition *c, struct slot *slots, uint32_t service)
{
	bool stack[STACK];
	uint32_t n = 0;
	for (uint32_t i = 0; i < c->count && n < STACK; i++) {
		const struct op *op = &c->ops[i];
		if (op->kind == OP_TEST) {
			stack[n++] = is_sample(op, service);
		} else if (op->kind == OP_AND || op->kind == OP_OR) {
			n--;
			stack[n - 1] = stack[n - 1] || stack[n];
		}
		if (op->window != WINDOW_NONE && stack[n - 1])
			slots[op->slot] = (struct slot){ 0 };
	}
}

static void
value_text(enum unit unit, double v, char *out, size_t cap)
{
	if (unit == UNIT_BYTES)
		text_size(v, out, cap);
	else if (unit == UNIT_MS)
		text_duration((int64_t)v, out, cap);
	else
		text_print(out, cap, unit == UNIT_PERCENT ? "%.1f%%" : "%g", v);
}

void
condition_text(const struct world *w, const struct condition *c, char *out, size_t cap)
{
	struct text t;
	char have[64], want[64], held[64];
	double v;
	text_begin(&t, out, cap);
	for (uint32_t i = 0; i < c->count; i++) {
		const struct op *op = &c->ops[i];
		if (op->kind != OP_TEST || test(w, op) != TRUTH_TRUE)
			continue;
		const struct metric_row *m = &metric_table[op->metric];
		text_add(&t, "%s%s.%s", t.length > 0 ? ", " : "", rules_name(w->rules, op->object, op->id),
			 m->name);
		if (op->compare != COMPARE_PRESENT && op->metric != METRIC_STATE &&
		    metric_value(w, op->object, op->id, op->metric, &v)) {
			value_text(m->unit, v, have, sizeof have);
			value_text(m->unit, op->value, want, sizeof want);
			text_add(&t, " is %s (%s %s)", have, compare_name[op->compare], want);
		}
		if (op->window == WINDOW_FOR)
			text_add(&t, " for %s", text_duration(op->window_ms, held, sizeof held));
		else if (op->window == WINDOW_OF)
			text_add(&t, " in %u of %u samples", op->need, op->of);
	}
}
