/* Conditions: `tomcat.memory > 1.5G for 30s and not (a.up or b.down 3 of 5)` -> postfix ops.
 * Recursive descent; the depth is bounded. Binding: not, window, and, or. */
#include "base/text.h"
#include "rules/build.h"
#include "rules/units.h"
#include "rules/world.h"

#include <string.h>

#define OPS_MAX 256
#define DEPTH_MAX 32
#define WINDOW_MAX 64

struct parser {
	struct build *b;
	const char *p;
	struct op ops[OPS_MAX];
	uint32_t count, slots;
	unsigned depth;
	bool failed;
};

const char *const compare_name[COMPARES] = {
	[COMPARE_LT] = "<",  [COMPARE_LE] = "<=",   [COMPARE_GT] = ">",	      [COMPARE_GE] = ">=",
	[COMPARE_EQ] = "=",  [COMPARE_NE] = "!=",   [COMPARE_MATCH] = "~", [COMPARE_NOT_MATCH] = "!~",
	[COMPARE_PRESENT] = "",
};

#define fail(x, ...)                                                                               \
	do {                                                                                       \
		if (!(x)->failed)                                                                  \
			build_error((x)->b, (x)->b->entry->place, __VA_ARGS__);                    \
		(x)->failed = true;                                                                \
	} while (0)

static struct op *
add(struct parser *x)
{
	static struct op spare;
	if (x->count == OPS_MAX) {
		fail(x, "%s: the condition has more than %d parts", x->b->entry->key, OPS_MAX);
		return &spare;
	}
	x->ops[x->count] = (struct op){ .id = RULES_NONE };
	return &x->ops[x->count++];
}

static bool
word_is(struct parser *x, const char *word)
{
	size_t n = strlen(word);
	lex_skip(&x->p);
	if (strncmp(x->p, word, n) != 0 || strchr(" \t(", x->p[n]) == NULL)
		return false;
	x->p += n;
	return true;
}

/* for DURATION, or N of M */
static void
window(struct parser *x, struct op *op)
{
	char word[64], why[UNITS_WHY];
	bool quoted;
	uint64_t n, m;
	if (word_is(x, "for")) {
		if (!lex_word(x->b, &x->p, ")", word, sizeof word, &quoted) ||
		    !units_duration(word, &op->window_ms, why)) {
			fail(x, "%s: 'for' %s", x->b->entry->key, *word != '\0' ? why : "needs a duration");
			return;
		}
		op->window = WINDOW_FOR;
		op->slot = x->slots++;
		return;
	}
	lex_skip(&x->p);
	if (*x->p < '0' || *x->p > '9')
		return;
	if (!lex_word(x->b, &x->p, ")", word, sizeof word, &quoted) ||
	    !units_count(word, 1, WINDOW_MAX, &n, why)) {
		fail(x, "%s: %s", x->b->entry->key, why);
		return;
	}
	if (!word_is(x, "of") || !lex_word(x->b, &x->p, ")", word, sizeof word, &quoted)) {
		fail(x, "%s: expected N of M", x->b->entry->key);
		return;
	}
	if (!units_count(word, 1, WINDOW_MAX, &m, why) || n > m) {
		fail(x, "%s: '%llu of %s' is impossible", x->b->entry->key, (unsigned long long)n, word);
		return;
	}
	op->window = WINDOW_OF;
	op->need = (uint32_t)n;
	op->of = (uint32_t)m;
	op->slot = x->slots++;
}

static bool
find_object(struct parser *x, const char *word, size_t dot, struct op *op)
{
	static const struct {
		enum object_kind kind;
		char letter;
	} kinds[] = { { OBJECT_SERVICE, 'S' }, { OBJECT_CHECK, 'C' }, { OBJECT_ROUTE, 'R' } };
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
		if (op->id == RULES_NONE) {
			x->failed = true;
		} else if (op->metric == METRICS_COUNT) {
			const char *best = NULL;
			unsigned least = 4;
			for (unsigned m = 0; m < METRICS_COUNT; m++)
				if (strchr(metric_table[m].objects, kinds[i].letter) != NULL &&
				    text_distance(metric, metric_table[m].name) < least) {
					least = text_distance(metric, metric_table[m].name);
					best = metric_table[m].name;
				}
			fail(x, "%s: a %s has no metric '%s'%s%s%s", x->b->entry->key,
			     object_kind_name[op->object], metric, best != NULL ? " (did you mean '" : "",
			     best != NULL ? best : "", best != NULL ? "'?)" : "");
		}
		return true;
	}
	fail(x, "%s: no service, check or route '%s'%s", x->b->entry->key, name,
	     build_nearest(x->b, name, OBJECT_KINDS, hint, sizeof hint));
	return true;
}

/* A state that the object never has would make its rule silently dead. */
static void
known_state(struct parser *x, const struct op *op)
{
	static const struct {
		const char *const *words;
		size_t count;
	} states[OBJECT_KINDS] = {
		[OBJECT_SERVICE] = { service_state_name, SERVICE_STATES },
		[OBJECT_CHECK] = { check_state_name, CHECK_STATES },
		[OBJECT_ROUTE] = { route_state_name, ROUTE_STATES },
	};
	char list[200];
	struct text t;
	text_begin(&t, list, sizeof list);
	for (size_t i = 0; i < states[op->object].count; i++) {
		if (strcmp(op->text, states[op->object].words[i]) == 0)
			return;
		text_add(&t, "%s%s", i > 0 ? ", " : "", states[op->object].words[i]);
	}
	fail(x, "%s: '%.64s' is no state; a %s is %s", x->b->entry->key, op->text,
	     object_kind_name[op->object], list);
}

static void
test(struct parser *x)
{
	char word[RULES_NAME_MAX * 2 + 2], value[LINE_MAX_BYTES], why[UNITS_WHY];
	bool quoted;
	if (!lex_word(x->b, &x->p, "()<>=!~", word, sizeof word, &quoted)) {
		fail(x, "%s: a test is missing before '%.40s'", x->b->entry->key, x->p);
		return;
	}
	lex_skip(&x->p);
	if (*x->p == '(') {
		fail(x, "%s: '%s(…)': functions are not supported yet", x->b->entry->key, word);
		return;
	}
	struct op *op = add(x);
	const char *dot = strrchr(word, '.');
	if (dot == NULL || !find_object(x, word, (size_t)(dot - word), op)) {
		fail(x, "%s: expected OBJECT.METRIC, not '%s'", x->b->entry->key, word);
		return;
	}
	if (x->failed)
		return;
	enum unit unit = metric_table[op->metric].unit;
	op->compare = COMPARE_PRESENT;
	static const enum compare order[] = { COMPARE_LE, COMPARE_GE,	   COMPARE_NE, COMPARE_NOT_MATCH,
					      COMPARE_LT, COMPARE_GT, COMPARE_EQ, COMPARE_MATCH };
	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		size_t n = strlen(compare_name[order[i]]);
		if (strncmp(x->p, compare_name[order[i]], n) == 0) {
			op->compare = order[i];
			x->p += n;
			break;
		}
	}
	if (op->compare == COMPARE_PRESENT) {
		if (unit != UNIT_YESNO)
			fail(x, "%s: '%s' needs a comparison: only yes/no metrics stand alone",
			     x->b->entry->key, word);
	} else if (!lex_word(x->b, &x->p, ")", value, sizeof value, &quoted)) {
		fail(x, "%s: a value is missing behind '%s %s'", x->b->entry->key, word,
		     compare_name[op->compare]);
	} else if (unit == UNIT_TEXT && op->compare >= COMPARE_EQ) {
		op->text = build_text(x->b, value, strlen(value));
		if (op->compare >= COMPARE_MATCH)
			fail(x, "%s: ~ in a condition is not supported yet", x->b->entry->key);
		else if (op->metric == METRIC_STATE)
			known_state(x, op);
	} else if (op->compare == COMPARE_MATCH || op->compare == COMPARE_NOT_MATCH) {
		fail(x, "%s: '%s' is no text: ~ does not fit", x->b->entry->key, word);
	} else if (unit != UNIT_PERCENT && strchr(value, '%') != NULL &&
		   metric_percent(op->metric) != METRICS_COUNT) {
		op->metric = metric_percent(op->metric);
		if (!units_value(value, UNIT_PERCENT, &op->value, why))
			fail(x, "%s: %s: %s", x->b->entry->key, word, why);
	} else if (unit == UNIT_BYTES && strchr(value, '%') != NULL) {
		fail(x, "%s: a percentage of '%s' is not supported yet", x->b->entry->key, word);
	} else if (!units_value(value, unit, &op->value, why)) {
		fail(x, "%s: %s: %s", x->b->entry->key, word, why);
	}
}

static void or_terms(struct parser *x);

/* A test or a parenthesis, perhaps with not before it; the op that its window belongs to. */
static void
bare_term(struct parser *x)
{
	if (x->failed)
		return;
	if (++x->depth > DEPTH_MAX) {
		fail(x, "%s: nested deeper than %d", x->b->entry->key, DEPTH_MAX);
		return;
	}
	if (word_is(x, "not")) {
		bare_term(x);
		add(x)->kind = OP_NOT;
	} else if (lex_skip(&x->p), *x->p == '(') {
		x->p++;
		or_terms(x);
		lex_skip(&x->p);
		if (*x->p != ')')
			fail(x, "%s: ')' is missing", x->b->entry->key);
		else
			x->p++;
		if (!x->failed)
			add(x)->kind = OP_GROUP;
	} else {
		test(x);
	}
	x->depth--;
}

/* With the window that may follow: it is about all of `not a.up`. */
static void
term(struct parser *x)
{
	bare_term(x);
	if (x->failed)
		return;
	struct op *op = &x->ops[x->count - 1];
	if (op->kind == OP_NOT) {
		op = add(x);
		op->kind = OP_GROUP;
	}
	if (!x->failed)
		window(x, op);
}

static void
and_terms(struct parser *x)
{
	term(x);
	while (!x->failed && word_is(x, "and")) {
		term(x);
		add(x)->kind = OP_AND;
	}
}

static void
or_terms(struct parser *x)
{
	and_terms(x);
	while (!x->failed && word_is(x, "or")) {
		and_terms(x);
		add(x)->kind = OP_OR;
	}
}

void
build_condition(struct build *b, const char *value, struct condition *out)
{
	struct parser x = { .b = b, .p = value };
	or_terms(&x);
	lex_skip(&x.p);
	if (!x.failed && *x.p != '\0')
		fail(&x, "%s: expected 'and', 'or' or the end before '%.60s'", b->entry->key, x.p);
	if (x.failed)
		return;
	struct op *ops = build_get(b, x.count * sizeof *ops);
	if (b->out_of_memory)
		return;
	memcpy(ops, x.ops, x.count * sizeof *ops);
	*out = (struct condition){
		.count = x.count, .ops = ops, .slots = x.slots, .text = value
	};
}
