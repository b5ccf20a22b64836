/* The tests of conditions: what is compared with what. */
#include "rules/expr.h"

#include "base/text.h"
#include "rules/units.h"
#include "rules/world.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define MATCH_LIMIT 100000 /* steps of one regex */
#define SAME_SERIES 64     /* so far back one is looked for that can be shared */

const char *const function_name[FUNCTIONS] = {
	[FUNCTION_NONE] = "",           [FUNCTION_AVG] = "avg",
	[FUNCTION_MAX] = "max",         [FUNCTION_MIN] = "min",
	[FUNCTION_P95] = "p95",         [FUNCTION_P99] = "p99",
	[FUNCTION_RATE] = "rate",       [FUNCTION_GROWTH] = "growth",
	[FUNCTION_CHANGED] = "changed", [FUNCTION_FORECAST] = "forecast",
};

static const struct {
	const char *const *words;
	unsigned count;
} states[OBJECT_KINDS] = {
	[OBJECT_SERVICE] = { service_state_name, SERVICE_STATES },
	[OBJECT_CHECK] = { check_state_name, CHECK_STATES },
	[OBJECT_ROUTE] = { route_state_name, ROUTE_STATES },
	[OBJECT_CHAIN] = { chain_state_name, CHAIN_STATES },
};

/* ---- what is measured ---- */

static void
no_metric(struct parser *x, enum object_kind kind, char letter, const char *metric)
{
	struct text_nearest nearest = { .word = metric, .distance = 4 };
	char hint[96];
	for (unsigned m = 0; m < METRICS_COUNT; m++)
		if (strchr(metric_table[m].objects, letter) != NULL)
			text_nearer(&nearest, metric_table[m].name);
	expr_fail(x, "%s: a %s has no metric '%s'%s", x->b->entry->key,
		  object_kind_name[kind], metric, text_hint(&nearest, hint, sizeof hint));
}

static void
take_label(struct parser *x, struct check *c, const char *label, struct op *op)
{
	op->metric = build_label(x->b, c, label);
	x->failed = x->failed || op->metric == METRICS_COUNT;
}

static bool
find_object(struct parser *x, const char *word, size_t dot, struct op *op)
{
	static const struct {
		enum object_kind kind;
		char letter;
	} kinds[] = { { OBJECT_SERVICE, 'S' },
		      { OBJECT_CHECK, 'C' },
		      { OBJECT_ROUTE, 'R' },
		      { OBJECT_CHAIN, 'P' } };
	char name[RULES_NAME_MAX + 1], hint[96];
	if (dot == 0 || dot > RULES_NAME_MAX)
		return false;
	text_print(name, sizeof name, "%.*s", (int)dot, word);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (build_lookup(x->b, name, kinds[i].kind) == NULL)
			continue;
		op->object = kinds[i].kind;
		op->id = build_resolve(x->b, name, kinds[i].kind);
		const char *metric = word + dot + 1;
		op->metric = metric_find(metric, strlen(metric), kinds[i].letter);
		if (op->id == RULES_NONE)
			x->failed = true;
		else if (op->object == OBJECT_CHECK &&
			 build_is_label(&x->b->rules->checks[op->id], op->metric))
			take_label(x, &x->b->rules->checks[op->id], metric, op);
		else if (op->metric == METRICS_COUNT)
			no_metric(x, op->object, kinds[i].letter, metric);
		return true;
	}
	if (build_lookup(x->b, name, OBJECT_RULE) != NULL) {
		expr_fail(x, "%s: '%s' is a rule, and rules have no metrics",
			  x->b->entry->key, name);
		return true;
	}
	expr_fail(x, "%s: no service, check, route or chain '%s'%s", x->b->entry->key,
		  name, build_nearest(x->b, name, OBJECT_KINDS, hint, sizeof hint));
	return true;
}

static void
metric(struct parser *x, const char *word, struct op *op)
{
	const char *dot = strrchr(word, '.');
	if (dot == NULL || !find_object(x, word, (size_t)(dot - word), op))
		expr_fail(x, "%s: expected OBJECT.METRIC, not '%s'", x->b->entry->key,
			  word);
}

/* ---- functions over time ---- */

static enum function
function_find(const char *word)
{
	for (unsigned f = FUNCTION_AVG; f < FUNCTIONS; f++)
		if (strcmp(function_name[f], word) == 0)
			return (enum function)f;
	return FUNCTION_NONE;
}

static void
no_function(struct parser *x, const char *word)
{
	struct text_nearest nearest = { .word = word, .distance = 3 };
	char hint[96];
	for (unsigned f = FUNCTION_AVG; f < FUNCTIONS; f++)
		text_nearer(&nearest, function_name[f]);
	if (nearest.best != NULL)
		expr_fail(x, "%s: no function '%s'%s", x->b->entry->key, word,
			  text_hint(&nearest, hint, sizeof hint));
	else
		expr_fail(
			x,
			"%s: no function '%s'; there are avg, max, min, p95, p99, rate, growth, changed "
			"and forecast",
			x->b->entry->key, word);
}

/* The rest of FUNCTION(OBJECT.METRIC, DURATION), behind its name. */
static void
function(struct parser *x, const char *name, struct op *op, int64_t *span_ms)
{
	char word[RULES_NAME_MAX * 2 + 2], span[64],
		why[UNITS_WHY] = "looks back less than a second";
	bool quoted;
	op->function = function_find(name);
	if (op->function == FUNCTION_NONE) {
		no_function(x, name);
		return;
	}
	x->p++;
	if (!lex_word(x->b, &x->p, ",()", word, sizeof word, &quoted) ||
	    (lex_skip(&x->p), *x->p != ',')) {
		expr_fail(x, "%s: expected %s(OBJECT.METRIC, DURATION)", x->b->entry->key,
			  name);
		return;
	}
	x->p++;
	metric(x, word, op);
	if (x->failed)
		return;
	if (!lex_word(x->b, &x->p, ",()", span, sizeof span, &quoted) ||
	    (lex_skip(&x->p), *x->p != ')')) {
		expr_fail(x, "%s: expected %s(%s, DURATION)", x->b->entry->key, name,
			  word);
		return;
	}
	x->p++;
	if (!units_duration(span, span_ms, why) || *span_ms < 1000)
		expr_fail(x, "%s: %s(%s, %s): %s", x->b->entry->key, name, word, span,
			  why);
	int64_t every_ms =
		x->failed ? 0 : rules_every_ms(x->b->rules, op->object, op->id);
	bool sampled = op->metric != METRIC_STATE && op->metric != METRIC_UP;
	if (!x->failed && sampled && *span_ms < 2 * every_ms) {
		char every[32];
		expr_fail(x, "%s: %s(%s, %s) is never known: it is measured every %s",
			  x->b->entry->key, name, word, span,
			  text_duration(every_ms, every, sizeof every));
	}
}

/* Its memory: one that an earlier test has, or a new one. */
static void
find_series(struct parser *x, struct op *op, int64_t span_ms)
{
	struct build *b = x->b;
	struct series s = { .object = op->object,
			    .id = op->id,
			    .metric = op->metric,
			    .function = op->function,
			    .span_ms = span_ms };
	for (uint32_t i = b->series_count; i > 0 && i + SAME_SERIES > b->series_count;
	     i--) {
		const struct series *o = &b->series[i - 1];
		if (o->object == s.object && o->id == s.id && o->metric == s.metric &&
		    o->function == s.function && o->span_ms == s.span_ms) {
			op->series = i - 1;
			return;
		}
	}
	if (b->series_count == b->series_cap) {
		uint32_t cap = b->series_cap == 0 ? 64 : 2 * b->series_cap;
		struct series *list = reallocarray(b->series, cap, sizeof *list);
		if (list == NULL) {
			b->out_of_memory = x->failed = true;
			return;
		}
		b->series = list;
		b->series_cap = cap;
	}
	op->series = b->series_count;
	b->series[b->series_count++] = s;
}

/* What a function of a metric is measured in. */
static enum unit
unit_of(struct parser *x, const struct op *op, const char *word)
{
	enum unit unit = metric_table[op->metric].unit;
	bool number = unit != UNIT_TEXT && unit != UNIT_YESNO;
	if (op->function == FUNCTION_CHANGED)
		return UNIT_YESNO;
	if (op->function != FUNCTION_NONE && !number)
		expr_fail(x, "%s: %s is for numbers, and '%s' is none", x->b->entry->key,
			  function_name[op->function], word);
	if (op->function == FUNCTION_RATE && unit == UNIT_BYTES)
		return UNIT_RATE;
	if (op->function == FUNCTION_RATE && (unit == UNIT_MS || unit == UNIT_RATE))
		expr_fail(x, "%s: rate is for sizes, counts and percentages, not '%s'",
			  x->b->entry->key, word);
	return unit;
}

/* ---- comparisons ---- */

static enum compare
take_compare(struct parser *x)
{
	static const enum compare order[] = { COMPARE_LE,        COMPARE_GE,   COMPARE_NE,
					      COMPARE_NOT_MATCH, COMPARE_LT,   COMPARE_GT,
					      COMPARE_EQ,        COMPARE_MATCH };
	lex_skip(&x->p);
	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		size_t n = strlen(compare_name[order[i]]);
		if (strncmp(x->p, compare_name[order[i]], n) == 0) {
			x->p += n;
			return order[i];
		}
	}
	return COMPARE_PRESENT;
}

/* Which states a regex fits: they are few, so it is asked once and for all. */
static uint32_t
matching_states(struct parser *x, const struct op *op)
{
	int code;
	PCRE2_SIZE offset;
	uint32_t set = 0;
	pcre2_code *re = pcre2_compile((PCRE2_SPTR)op->text, PCRE2_ZERO_TERMINATED,
				       PCRE2_UTF, &code, &offset, NULL);
	pcre2_match_data *m =
		re != NULL ? pcre2_match_data_create_from_pattern(re, NULL) : NULL;
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	if (m == NULL || limits == NULL) {
		x->b->out_of_memory = true;
	} else {
		pcre2_set_match_limit(limits, MATCH_LIMIT);
		for (unsigned i = 0; i < states[op->object].count; i++) {
			const char *word = states[op->object].words[i];
			if (pcre2_match(re, (PCRE2_SPTR)word, strlen(word), 0, 0, m,
					limits) >= 0)
				set |= UINT32_C(1) << i;
		}
	}
	pcre2_match_context_free(limits);
	pcre2_match_data_free(m);
	pcre2_code_free(re);
	return set;
}

/* A state that the object never has would make its rule silently dead. */
static void
state_set(struct parser *x, struct op *op)
{
	char list[200];
	struct text t;
	uint32_t all = (UINT32_C(1) << states[op->object].count) - 1;
	text_begin(&t, list, sizeof list);
	for (unsigned i = 0; i < states[op->object].count; i++) {
		if (strcmp(op->text, states[op->object].words[i]) == 0)
			op->states = UINT32_C(1) << i;
		text_add(&t, "%s%s", i > 0 ? ", " : "", states[op->object].words[i]);
	}
	if (op->compare >= COMPARE_MATCH) {
		if (!build_regex(x->b, op->text)) {
			x->failed = true;
			return;
		}
		op->states = matching_states(x, op);
	}
	if (op->states == 0)
		expr_fail(x, "%s: '%.64s' %s; a %s is %s", x->b->entry->key, op->text,
			  op->compare >= COMPARE_MATCH ? "fits no state" : "is no state",
			  object_kind_name[op->object], list);
	if (op->compare == COMPARE_NE || op->compare == COMPARE_NOT_MATCH)
		op->states = all & ~op->states;
}

static void
number(struct parser *x, struct op *op, enum unit unit, const char *word,
       const char *value)
{
	char why[UNITS_WHY];
	bool percent = strchr(value, '%') != NULL && unit != UNIT_PERCENT;
	if (percent && metric_percent(op->metric) != METRICS_COUNT) {
		op->metric = metric_percent(op->metric);
		unit = UNIT_PERCENT;
	} else if (percent && unit == UNIT_BYTES) {
		expr_fail(x, "%s: '%s' is part of no whole: a percentage does not fit",
			  x->b->entry->key, word);
	}
	if (!units_value(value, unit, &op->value, why))
		expr_fail(x, "%s: %s: %s", x->b->entry->key, word, why);
}

static void
comparison(struct parser *x, struct op *op, enum unit unit, const char *word)
{
	char value[LINE_MAX_BYTES];
	bool quoted, stands_alone = unit == UNIT_YESNO;
	op->compare = take_compare(x);
	if (op->compare == COMPARE_EQ && *x->p == '=')
		expr_fail(x, "%s: '==' is written '=' here", x->b->entry->key);
	else if (op->compare == COMPARE_PRESENT) {
		if (!stands_alone)
			expr_fail(x,
				  "%s: '%s' needs a comparison: only yes/no metrics "
				  "stand alone",
				  x->b->entry->key, word);
	} else if (!lex_word(x->b, &x->p, ")", value, sizeof value, &quoted)) {
		expr_fail(x, "%s: a value is missing behind '%s %s'", x->b->entry->key,
			  word, compare_name[op->compare]);
	} else if (unit == UNIT_TEXT && op->compare >= COMPARE_EQ) {
		op->text = build_text(x->b, value, strlen(value));
		state_set(x, op);
	} else if (op->compare >= COMPARE_MATCH) {
		expr_fail(x, "%s: '%s' is no text: ~ does not fit", x->b->entry->key,
			  word);
	} else {
		number(x, op, unit, word, value);
	}
}

void
expr_test(struct parser *x)
{
	char word[RULES_NAME_MAX * 2 + 2];
	bool quoted;
	int64_t span_ms = 0;
	if (!lex_word(x->b, &x->p, "()<>=!~", word, sizeof word, &quoted)) {
		expr_fail(x, "%s: a test is missing before '%.40s'", x->b->entry->key,
			  x->p);
		return;
	}
	struct op *op = expr_add(x);
	lex_skip(&x->p);
	if (*x->p == '(')
		function(x, word, op, &span_ms);
	else
		metric(x, word, op);
	if (x->failed)
		return;
	enum unit unit = unit_of(x, op, metric_table[op->metric].name);
	if (!x->failed)
		comparison(x, op, unit, word);
	if (!x->failed && op->function != FUNCTION_NONE)
		find_series(x, op, span_ms);
}
