/* Three-valued evaluation of conditions. */
#include "rules/decide.h"

#include "base/text.h"
#include "rules/units.h"

#include <math.h>
#include <string.h>

#define STACK 256

static unsigned
state_number(const struct world *w, enum object_kind kind, uint32_t id)
{
	return kind == OBJECT_SERVICE ? (unsigned)world_service_state(w, id)
	       : kind == OBJECT_CHECK ? (unsigned)w->checks[id].state
	       : kind == OBJECT_ROUTE ? (unsigned)w->routes[id].state
				      : (unsigned)w->chains[id].state;
}

bool
metric_value(const struct world *w, enum object_kind kind, uint32_t id, enum metric m, double *out)
{
	*out = (double)NAN;
	if (m == METRIC_STATE) {
		*out = state_number(w, kind, id);
	} else if (kind == OBJECT_SERVICE) {
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
			 w->now_ms - s->sample_ms < 3 * w->rules->services[id].every_ms +
							    2000 + w->patience_ms)
			*out = world_sampled(s, m);
	} else if (kind == OBJECT_CHECK) {
		const struct check_view *c = &w->checks[id];
		uint32_t of = w->rules->checks[id].of;
		/* while its service starts or stops it says nothing that a rule could act on */
		bool quiet =
			of != RULES_NONE && !w->services[of].held && service_quiet(w, of);
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
			if (w->value_metrics[c->first_value + i] == m &&
			    m != METRIC_LATENCY)
				*out = w->values[c->first_value + i];
	} else if (kind == OBJECT_ROUTE) {
		if (m == METRIC_HEALTHY)
			*out = route_doubted(w, id) || route_is_new(w, id)
				       ? (double)NAN
				       : (double)route_healthy(w, id);
		else if (m == METRIC_REROUTED)
			*out = w->routes[id].state != ROUTE_PRIMARY;
	} else if (kind == OBJECT_CHAIN && w->chains[id].state != CHAIN_UNKNOWN) {
		if (m == METRIC_UP)
			*out = w->chains[id].state != CHAIN_DOWN;
		else if (m == METRIC_DOWN)
			*out = w->chains[id].state == CHAIN_DOWN;
		else if (m == METRIC_REROUTED)
			*out = w->chains[id].state == CHAIN_SECONDARY;
	}
	return !isnan(*out);
}

static enum truth
as_truth(bool b)
{
	return b ? TRUTH_TRUE : TRUTH_FALSE;
}

static enum truth
compare(enum compare how, double v, double than)
{
	switch (how) {
	case COMPARE_LT:
		return as_truth(v < than);
	case COMPARE_LE:
		return as_truth(v <= than);
	case COMPARE_GT:
		return as_truth(v > than);
	case COMPARE_GE:
		return as_truth(v >= than);
	case COMPARE_EQ:
		return as_truth(fabs(v - than) < 1e-9);
	case COMPARE_NE:
		return as_truth(fabs(v - than) >= 1e-9);
	case COMPARE_PRESENT:
		return as_truth(v != 0);
	case COMPARE_MATCH:
	case COMPARE_NOT_MATCH:
	case COMPARES:
		break;
	}
	return TRUTH_UNKNOWN;
}

/* A maximum of less than the whole window can only grow, a minimum only shrink. */
static bool
is_final(const struct op *op, enum truth t)
{
	bool above = op->compare == COMPARE_GT || op->compare == COMPARE_GE;
	bool below = op->compare == COMPARE_LT || op->compare == COMPARE_LE;
	if (op->function == FUNCTION_MAX)
		return (above && t == TRUTH_TRUE) || (below && t == TRUTH_FALSE);
	if (op->function == FUNCTION_MIN)
		return (below && t == TRUTH_TRUE) || (above && t == TRUTH_FALSE);
	return op->function == FUNCTION_CHANGED && t == TRUTH_TRUE;
}

static bool
function_value(const struct world *w, const struct op *op, double *out, bool *whole)
{
	const struct series_view *v = &w->series[op->series];
	const struct series *s = &w->rules->series[op->series];
	struct series_line line;
	if (op->function != FUNCTION_FORECAST)
		return series_value(v, s, w->now_ms, out, whole);
	/* from the last sample on: time alone, or news of our own, changes nothing */
	if (!series_fit(v, s, v->last_ms, &line))
		return false;
	*whole = true;
	*out = line.value + line.slope * (double)s->span_ms / 1000;
	return true;
}

static enum truth
test(const struct world *w, const struct op *op)
{
	double v;
	bool whole = true;
	if (op->metric == METRIC_STATE && op->function == FUNCTION_NONE)
		return as_truth((op->states >> state_number(w, op->object, op->id) & 1) !=
				0);
	if (!metric_value(w, op->object, op->id, op->metric, &v))
		return TRUTH_UNKNOWN;
	if (op->function != FUNCTION_NONE && !function_value(w, op, &v, &whole))
		return TRUTH_UNKNOWN;
	enum truth t = compare(op->compare, v, op->value);
	return whole || is_final(op, t) ? t : TRUTH_UNKNOWN;
}

/* What has changed has no longer changed once that is too long ago: nothing is measured then. */
static void
change_ends(const struct world *w, const struct op *op, int64_t *due_ms)
{
	const struct series_view *v = &w->series[op->series];
	int64_t end_ms = v->changed_ms + w->rules->series[op->series].span_ms + 1;
	if (v->changed_ms != 0 && end_ms > w->now_ms && end_ms < *due_ms)
		*due_ms = end_ms;
}

/* Of the last samples of N of M. */
static uint32_t
window_count(const struct op *op, const struct slot *s)
{
	uint64_t mask = op->of >= 64 ? UINT64_MAX : (UINT64_C(1) << op->of) - 1;
	return (uint32_t)__builtin_popcountll(s->bits & mask);
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
		return as_truth(window_count(op, s) >= op->need);
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
			stack[n].t =
				window(w, op, test(w, op), slots, stack[n].fresh, due_ms);
			if (op->function == FUNCTION_CHANGED)
				change_ends(w, op, due_ms);
			n++;
			break;
		case OP_NOT:
			if (stack[n - 1].t != TRUTH_UNKNOWN)
				stack[n - 1].t = as_truth(stack[n - 1].t == TRUTH_FALSE);
			break;
		case OP_GROUP:
			stack[n - 1].t = window(w, op, stack[n - 1].t, slots,
						stack[n - 1].fresh, due_ms);
			break;
		case OP_AND:
		case OP_OR: {
			enum truth a = stack[n - 2].t, b = stack[n - 1].t;
			/* what decides alone, then what is not known, then what both are */
			enum truth strong = op->kind == OP_AND ? TRUTH_FALSE : TRUTH_TRUE;
			n--;
			stack[n - 1].fresh = stack[n - 1].fresh || stack[n].fresh;
			if (a != strong && (b == strong || b == TRUTH_UNKNOWN))
				stack[n - 1].t = b;
			break;
		}
		}
	}
	return n == 1 ? stack[0].t : TRUTH_UNKNOWN;
}

struct waiting
condition_waits(const struct condition *c, const struct slot *slots, int64_t now_ms)
{
	struct waiting x = { 0 };
	for (uint32_t i = 0; i < c->count && c->slots > 0; i++) {
		const struct op *op = &c->ops[i];
		const struct slot *s = &slots[op->slot];
		int64_t due = s->since_ms + op->window_ms;
		uint32_t n = window_count(op, s);
		if (op->window == WINDOW_FOR && s->since_ms != 0 && due > now_ms &&
		    (x.true_ms == 0 || due < x.true_ms))
			x.true_ms = due;
		if (op->window == WINDOW_OF && n > 0 && n < op->need && x.needed == 0) {
			x.samples = n;
			x.needed = op->need;
		}
	}
	return x;
}

/* It is measured of the service's process, by itself or through a check. */
static bool
is_of(const struct world *w, const struct op *op, uint32_t service)
{
	uint32_t of = op->object == OBJECT_SERVICE ? op->id
		      : op->object == OBJECT_CHECK ? w->rules->checks[op->id].of
						   : RULES_NONE;
	return of == service && memory_is_sampled(op->object, op->metric);
}

void
condition_forget(const struct world *w, const struct condition *c, struct slot *slots,
		 uint32_t service)
{
	bool stack[STACK];
	uint32_t n = 0;
	for (uint32_t i = 0; i < c->count && n < STACK; i++) {
		const struct op *op = &c->ops[i];
		if (op->kind == OP_TEST) {
			stack[n++] = is_of(w, op, service);
		} else if (op->kind == OP_AND || op->kind == OP_OR) {
			stack[n - 2] = stack[n - 2] || stack[n - 1];
			n--;
		}
		if (op->window != WINDOW_NONE && stack[n - 1])
			slots[op->slot] = (struct slot){ 0 };
	}
}

/* "a.memory reaches 2 GiB in 14m (1.7 GiB now, a line with r² 0.97)" */
static void
forecast_text(const struct world *w, const struct op *op, const char *want, struct text *t)
{
	const struct series *s = &w->rules->series[op->series];
	struct series_line line;
	char have[64], in[64];
	const struct series_view *v = &w->series[op->series];
	if (!series_fit(v, s, v->last_ms, &line))
		return;
	double gap = op->value - line.value,
	       ms = line.slope > 0 || line.slope < 0 ? gap / line.slope * 1000 : 0;
	units_text(metric_table[op->metric].unit, w->series[op->series].last, have,
		   sizeof have);
	if (ms > 0 && ms < 1e15)
		text_add(t, " reaches %s in %s (%s now, a line with r\302\262 %.2f)",
			 want,
			 text_duration((int64_t)(ms / 1000 + 1) * 1000, in, sizeof in),
			 have, line.fit);
	else
		text_add(t, " stays %s %s (%s now)", compare_name[op->compare], want,
			 have);
}

static void
test_text(const struct world *w, const struct op *op, struct text *t)
{
	const struct metric_row *m = &metric_table[op->metric];
	const char *name = rules_name(w->rules, op->object, op->id);
	const char *metric =
		op->object == OBJECT_CHECK
			? check_metric_name(&w->rules->checks[op->id], op->metric)
			: m->name;
	char have[64], want[64], span[64];
	double v;
	bool whole;
	enum unit unit = op->function == FUNCTION_RATE && m->unit == UNIT_BYTES
				 ? UNIT_RATE
				 : m->unit;
	units_text(unit, op->value, want, sizeof want);
	if (op->function == FUNCTION_NONE || op->function == FUNCTION_FORECAST)
		text_add(t, "%s.%s", name, metric);
	else
		text_add(t, "%s(%s.%s, %s)", function_name[op->function], name, metric,
			 text_duration(w->rules->series[op->series].span_ms, span,
				       sizeof span));
	if (op->function == FUNCTION_FORECAST) {
		forecast_text(w, op, want, t);
	} else if (op->compare != COMPARE_PRESENT && m->unit != UNIT_TEXT &&
		   (op->function != FUNCTION_NONE
			    ? function_value(w, op, &v, &whole)
			    : metric_value(w, op->object, op->id, op->metric, &v))) {
		units_text(unit, v, have, sizeof have);
		text_add(t, " is %s (%s %s)", have, compare_name[op->compare], want);
	} else if (op->metric == METRIC_STATE && op->function == FUNCTION_NONE) {
		static const char *const *const words[OBJECT_KINDS] = {
			[OBJECT_SERVICE] = service_state_name,
			[OBJECT_CHECK] = check_state_name,
			[OBJECT_ROUTE] = route_state_name,
			[OBJECT_CHAIN] = chain_state_name,
		};
		text_add(t, " is %s",
			 words[op->object][state_number(w, op->object, op->id)]);
	}
}

void
condition_text(const struct world *w, const struct condition *c, char *out, size_t cap)
{
	struct text t;
	char held[64];
	text_begin(&t, out, cap);
	for (uint32_t i = 0; i < c->count; i++) {
		const struct op *op = &c->ops[i];
		if (op->kind != OP_TEST || test(w, op) != TRUTH_TRUE)
			continue;
		if (t.length > 0)
			text_add(&t, ", ");
		test_text(w, op, &t);
		if (op->window == WINDOW_FOR)
			text_add(&t, " for %s",
				 text_duration(op->window_ms, held, sizeof held));
		else if (op->window == WINDOW_OF)
			text_add(&t, " in %u of %u samples", op->need, op->of);
	}
}
