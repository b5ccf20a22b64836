/* The last minutes of what thresholds look at: of each metric that a rule, or a check's
 * expect or warn, compares with a number. Memory is of a size that the rules give; when an
 * incident is told whose root is such a rule or check, alerts gets it for a chart. */
#include "monitord/core.h"

#include "base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STEP_MS 1000 /* between two points, at least */

struct trace {
	enum object_kind root_kind; /* rule or check: whose threshold it is */
	uint32_t root_id;
	enum object_kind kind; /* service or check: what is measured */
	uint32_t id;
	enum metric metric;
	enum compare compare;
	double threshold;
	uint32_t first, count; /* a ring */
	int64_t at_ms[MSG_TRACE_POINTS];
	float value[MSG_TRACE_POINTS]; /* a chart has no more digits */
};

struct traces {
	uint32_t count, cap;
	struct trace *list;
	uint32_t *services, *checks; /* first of each in `next`, + 1; 0: none */
	uint32_t *next;
};

static bool
is_number(enum metric m, enum compare compare)
{
	enum unit unit = m < METRICS_COUNT ? metric_table[m].unit : UNIT_TEXT;
	return unit != UNIT_TEXT && unit != UNIT_YESNO && compare <= COMPARE_NE;
}

static void
add(struct traces *t, struct trace new)
{
	if (t->count == t->cap)
		return; /* counted before: never */
	uint32_t *first =
		new.kind == OBJECT_SERVICE ? &t->services[new.id] : &t->checks[new.id];
	t->list[t->count] = new;
	t->next[t->count] = *first;
	*first = ++t->count;
}

static const struct op *
threshold_of(const struct rule *r)
{
	for (uint32_t i = 0; i < r->when.count; i++) {
		const struct op *op = &r->when.ops[i];
		if (op->kind == OP_TEST && op->function == FUNCTION_NONE &&
		    (op->object == OBJECT_SERVICE || op->object == OBJECT_CHECK) &&
		    is_number(op->metric, op->compare))
			return op;
	}
	return NULL;
}

static const struct expect *
expect_of(const struct check *c)
{
	for (uint32_t i = 0; i < (uint32_t)c->expect_count + c->warn_count; i++)
		if (c->expects[i].kind == EXPECT_METRIC &&
		    is_number(c->expects[i].metric, c->expects[i].compare))
			return &c->expects[i];
	return NULL;
}

static void
fill(struct traces *t, const struct rules *r)
{
	for (uint32_t i = 0; i < r->rule_count; i++) {
		const struct op *op = threshold_of(&r->rules[i]);
		if (op != NULL)
			add(t, (struct trace){ .root_kind = OBJECT_RULE,
					       .root_id = i,
					       .kind = op->object,
					       .id = op->id,
					       .metric = op->metric,
					       .compare = op->compare,
					       .threshold = op->value });
	}
	for (uint32_t i = 0; i < r->check_count; i++) {
		const struct expect *e = expect_of(&r->checks[i]);
		if (e != NULL)
			add(t, (struct trace){ .root_kind = OBJECT_CHECK,
					       .root_id = i,
					       .kind = OBJECT_CHECK,
					       .id = i,
					       .metric = e->metric,
					       .compare = e->compare,
					       .threshold = e->value });
	}
}

void
traces_free(struct core *c)
{
	if (c->traces != NULL) {
		free(c->traces->list);
		free(c->traces->services);
		free(c->traces->checks);
		free(c->traces->next);
	}
	free(c->traces);
	c->traces = NULL;
}

bool
traces_new(struct core *c)
{
	const struct rules *r = c->rules;
	struct traces *t = c->traces = calloc(1, sizeof *t);
	if (t == NULL)
		return false;
	for (uint32_t i = 0; i < r->rule_count; i++)
		t->cap += threshold_of(&r->rules[i]) != NULL;
	for (uint32_t i = 0; i < r->check_count; i++)
		t->cap += expect_of(&r->checks[i]) != NULL;
	t->list = calloc(t->cap + 1, sizeof *t->list);
	t->next = calloc(t->cap + 1, sizeof *t->next);
	t->services = calloc(r->service_count + 1, sizeof *t->services);
	t->checks = calloc(r->check_count + 1, sizeof *t->checks);
	if (t->list == NULL || t->next == NULL || t->services == NULL ||
	    t->checks == NULL) {
		traces_free(c);
		return false;
	}
	fill(t, r);
	return true;
}

static void
push(struct trace *t, double value)
{
	int64_t now = clock_ms();
	uint32_t last = (t->first + t->count + MSG_TRACE_POINTS - 1) % MSG_TRACE_POINTS;
	if (!isfinite(value))
		return;
	if (t->count > 0 && now - t->at_ms[last] < STEP_MS) {
		/* the newest: it may be the one that trips */
		t->value[last] = (float)value;
		return;
	}
	if (t->count == MSG_TRACE_POINTS) {
		t->first = (t->first + 1) % MSG_TRACE_POINTS;
		t->count--;
	}
	uint32_t at = (t->first + t->count++) % MSG_TRACE_POINTS;
	t->at_ms[at] = now;
	t->value[at] = (float)value;
}

static void
take(struct traces *t, uint32_t first, const struct msg_value *values, uint32_t count, double latency_ms)
{
	for (uint32_t i = first; i != 0; i = t->next[i - 1]) {
		struct trace *x = &t->list[i - 1];
		if (x->metric == METRIC_LATENCY && x->kind == OBJECT_CHECK) {
			push(x, latency_ms);
			continue;
		}
		for (uint32_t k = 0; k < count; k++)
			if (values[k].metric == (uint32_t)x->metric)
				push(x, values[k].value);
	}
}

void
traces_result(struct core *c, const struct msg_result *m)
{
	if (c->traces != NULL && m->outcome != OUTCOME_UNKNOWN)
		take(c->traces, c->traces->checks[m->check], m->value, m->value_count,
		     (double)m->latency_ns / 1e6);
}

void
traces_sample(struct core *c, const struct msg_sample *m)
{
	if (c->traces != NULL)
		take(c->traces, c->traces->services[m->service], m->value, m->value_count,
		     0);
}

static struct trace *
find(const struct core *c, const struct journal_line *line)
{
	for (uint32_t i = 0; i < c->traces->count; i++) {
		struct trace *t = &c->traces->list[i];
		if (strcmp(object_kind_name[t->root_kind], line->object_kind) == 0 &&
		    strcmp(rules_name(c->rules, t->root_kind, t->root_id),
			   line->object) == 0)
			return t;
	}
	return NULL;
}

void
traces_told(struct core *c, const struct journal_line *line)
{
	struct helper_slot *h = &c->helpers[ROLE_ALERTS];
	struct msg_trace m;
	if (strcmp(line->kind, "incident-open") != 0 || c->traces == NULL ||
	    h->state != HELPER_READY)
		return;
	const struct trace *t = find(c, line);
	if (t == NULL || t->count == 0)
		return;
	uint32_t last = (t->first + t->count - 1) % MSG_TRACE_POINTS;
	memset(&m, 0, sizeof m);
	m.incident = line->incident;
	m.real_ms = line->real_ms - (clock_ms() - t->at_ms[last]);
	m.kind = t->kind;
	m.id = t->id;
	m.metric = t->metric;
	m.compare = t->compare;
	m.threshold = t->threshold;
	m.count = t->count;
	for (uint32_t i = 0; i < t->count; i++) {
		uint32_t at = (t->first + i) % MSG_TRACE_POINTS;
		m.ago_ms[i] = (int32_t)(t->at_ms[last] - t->at_ms[at]);
		m.value[i] = (double)t->value[at];
	}
	helper_put(h, MSG_TRACE, &m, -1); /* no room: a mail without a chart */
}
