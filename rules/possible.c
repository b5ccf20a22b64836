/* Can a condition be true at all? It is only about how each metric stands to the values
 * that it is compared with: so a value at, below and above each, in all combinations,
 * shows it. */
#include "rules/prove.h"
#include "rules/world.h"

#include <math.h>

#define VARIABLES 8
#define VALUES 40
#define TRIES 20000
#define STACK 256

struct variable { /* a metric, the state of an object, or whether a window is full */
	enum object_kind object; /* OBJECT_KINDS: a window */
	uint32_t id, series;
	enum metric metric;
	enum function function;
	uint32_t count, at;
	double values[VALUES];
};

struct trial {
	struct variable list[VARIABLES];
	uint32_t count;
	bool too_much;
};

/* What up, down, degraded and rerouted say is said of the state. */
static uint32_t
states_of(const struct op *op)
{
#define STATE(s) (UINT32_C(1) << (s))
	if (op->metric == METRIC_STATE)
		return op->states;
	if (op->object == OBJECT_SERVICE)
		return STATE(SERVICE_UP);
	if (op->object == OBJECT_CHAIN)
		return op->metric == METRIC_UP
			       ? STATE(CHAIN_PRIMARY) | STATE(CHAIN_SECONDARY)
		       : op->metric == METRIC_DOWN ? STATE(CHAIN_DOWN)
						   : STATE(CHAIN_SECONDARY);
	if (op->object == OBJECT_ROUTE)
		return (STATE(ROUTE_STATES) - 1) & ~STATE(ROUTE_PRIMARY);
	return op->metric == METRIC_UP     ? STATE(CHECK_UP) | STATE(CHECK_DEGRADED)
	       : op->metric == METRIC_DOWN ? STATE(CHECK_DOWN)
					   : STATE(CHECK_DEGRADED);
#undef STATE
}

static bool
is_state(const struct op *op)
{
	enum metric m = op->metric;
	return op->function == FUNCTION_NONE &&
	       (m == METRIC_STATE || m == METRIC_UP || m == METRIC_DOWN ||
		m == METRIC_DEGRADED || m == METRIC_REROUTED);
}

static double
least_of(const struct op *op)
{
	bool any = op->function == FUNCTION_RATE || op->function == FUNCTION_GROWTH ||
		   op->function == FUNCTION_FORECAST || op->metric == METRIC_DAYS_LEFT;
	return any ? -(double)INFINITY : 0;
}

static double
most_of(const struct op *op)
{
	static const bool whole[METRICS_COUNT] = {
		[METRIC_FREE_PERCENT] = true,        [METRIC_USED_PERCENT] = true,
		[METRIC_INODES_USED_PERCENT] = true, [METRIC_MEMORY_USED_PERCENT] = true,
		[METRIC_SWAP_USED_PERCENT] = true,   [METRIC_CPU_USED] = true,
		[METRIC_CPU_SYSTEM] = true,          [METRIC_CPU_WAIT] = true,
		[METRIC_CPU_STEAL] = true,           [METRIC_PRESSURE_CPU] = true,
		[METRIC_PRESSURE_MEMORY] = true,     [METRIC_PRESSURE_IO] = true,
		[METRIC_FDS_PERCENT] = true,         [METRIC_BACKLOG_PERCENT] = true,
		[METRIC_SERVERS_UP_PERCENT] = true,
	};
	bool turned = op->function == FUNCTION_RATE || op->function == FUNCTION_GROWTH ||
		      op->function == FUNCTION_FORECAST;
	if (turned)
		return (double)INFINITY;
	if (op->metric == METRIC_EXIT_CODE)
		return 255;
	return whole[op->metric] ? 100 : (double)INFINITY;
}

static void
add_value(struct trial *t, struct variable *v, const struct op *op, double value)
{
	if (op->object != OBJECT_KINDS && (value < least_of(op) || value > most_of(op)))
		return;
	for (uint32_t i = 0; i < v->count; i++)
		if (!(fabs(v->values[i] - value) > 0))
			return;
	if (v->count < VALUES)
		v->values[v->count++] = value;
	else
		t->too_much = true;
}

static struct variable *
variable_of(struct trial *t, const struct op *op, bool window)
{
	struct variable key = { .object = op->object,
				.id = op->id,
				.metric = op->metric,
				.function = op->function,
				.series = op->series };
	if (window)
		key = (struct variable){ .object = OBJECT_KINDS, .id = op->slot };
	else if (is_state(op))
		key.metric = METRIC_STATE;
	for (uint32_t i = 0; i < t->count; i++) {
		struct variable *v = &t->list[i];
		if (v->object == key.object && v->id == key.id &&
		    v->metric == key.metric && v->function == key.function &&
		    v->series == key.series)
			return v;
	}
	if (t->count == VARIABLES) {
		t->too_much = true;
		return &t->list[0];
	}
	t->list[t->count] = key;
	return &t->list[t->count++];
}

static void
add_op(struct trial *t, const struct op *op)
{
	static const unsigned states[OBJECT_KINDS] = { [OBJECT_SERVICE] = SERVICE_STATES,
						       [OBJECT_CHECK] = CHECK_STATES,
						       [OBJECT_ROUTE] = ROUTE_STATES,
						       [OBJECT_CHAIN] = CHAIN_STATES };
	const struct op window = { .object = OBJECT_KINDS };
	if (op->window != WINDOW_NONE)
		for (int full = 0; full < 2; full++)
			add_value(t, variable_of(t, op, true), &window, full);
	if (op->kind != OP_TEST)
		return;
	struct variable *v = variable_of(t, op, false);
	bool whole = metric_table[op->metric].unit == UNIT_COUNT &&
		     op->function == FUNCTION_NONE && op->metric != METRIC_LOAD1 &&
		     op->metric != METRIC_LOAD5 && op->metric != METRIC_LOAD15;
	double step = whole ? 1 : fabs(op->value) * 1e-6 + 1e-6;
	if (is_state(op)) {
		for (unsigned s = 0; s < states[op->object]; s++)
			add_value(t, v, op, s);
	} else if (op->compare == COMPARE_PRESENT) {
		add_value(t, v, op, 0);
		add_value(t, v, op, 1);
	} else {
		add_value(t, v, op, op->value - step);
		add_value(t, v, op, op->value);
		add_value(t, v, op, op->value + step);
		add_value(t, v, op, isfinite(least_of(op)) ? least_of(op) : op->value);
		add_value(t, v, op, isfinite(most_of(op)) ? most_of(op) : op->value);
	}
}

static bool
holds(const struct op *op, double v)
{
	if (is_state(op))
		return (states_of(op) >> (unsigned)v & 1) != 0;
	const bool by[COMPARES] = {
		[COMPARE_LT] =
			v<op->value, [COMPARE_LE] = v <= op->value, [COMPARE_GT] = v> op
				->value,
		[COMPARE_GE] = v >= op->value,
		[COMPARE_EQ] = !(fabs(v - op->value) > 0),
		[COMPARE_NE] = fabs(v - op->value) > 0,
		[COMPARE_PRESENT] = v > 0,
	};
	return by[op->compare];
}

static double
now_of(struct trial *t, const struct op *op, bool window)
{
	const struct variable *v = variable_of(t, op, window);
	return v->values[v->at];
}

static bool
true_now(struct trial *t, const struct condition *c)
{
	bool stack[STACK];
	uint32_t n = 0;
	for (uint32_t i = 0; i < c->count; i++) {
		const struct op *op = &c->ops[i];
		if (op->kind == OP_TEST)
			stack[n++] = holds(op, now_of(t, op, false));
		else if (op->kind == OP_NOT)
			stack[n - 1] = !stack[n - 1];
		else if (op->kind == OP_AND)
			n--, stack[n - 1] = stack[n - 1] && stack[n];
		else if (op->kind == OP_OR)
			n--, stack[n - 1] = stack[n - 1] || stack[n];
		/* `for` needs it now, and for some time; N of M may be about other
		 * samples */
		if (op->window == WINDOW_FOR)
			stack[n - 1] = stack[n - 1] && now_of(t, op, true) > 0;
		else if (op->window == WINDOW_OF)
			stack[n - 1] = now_of(t, op, true) > 0;
	}
	return n == 1 && stack[0];
}

static bool
next(struct trial *t)
{
	for (uint32_t i = 0; i < t->count; i++) {
		if (++t->list[i].at < t->list[i].count)
			return true;
		t->list[i].at = 0;
	}
	return false;
}

enum possible
condition_possible(const struct condition *first, const struct condition *second)
{
	struct trial t = { .count = 0 };
	const struct condition *both[2] = { first, second };
	uint64_t tries = 1, good = 0;
	for (int k = 0; k < 2; k++)
		for (uint32_t i = 0; both[k] != NULL && i < both[k]->count; i++) {
			if (k == 1 && both[k]->ops[i].window != WINDOW_NONE)
				return POSSIBLE_SOMETIMES; /* its slots are others than
							      the first's */
			add_op(&t, &both[k]->ops[i]);
		}
	for (uint32_t i = 0; i < t.count; i++) {
		tries *= t.list[i].count;
		if (tries > TRIES || tries == 0)
			t.too_much = true;
		if (t.too_much)
			break;
	}
	if (t.too_much)
		return POSSIBLE_SOMETIMES;
	do
		good += true_now(&t, first) && (second == NULL || true_now(&t, second));
	while (next(&t));
	return good == 0       ? POSSIBLE_NEVER
	       : good == tries ? POSSIBLE_ALWAYS
			       : POSSIBLE_SOMETIMES;
}
