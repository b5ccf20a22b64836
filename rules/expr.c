/* Conditions: `tomcat.memory > 1.5G for 30s and not (a.up or b.down 3 of 5)` -> postfix ops.
 * Recursive descent; the depth is bounded. Binding: not, window, and, or. */
#include "rules/expr.h"

#include "base/text.h"
#include "rules/units.h"

#include <string.h>

#define DEPTH_MAX 32
#define WINDOW_MAX 64

const char *const compare_name[COMPARES] = {
	[COMPARE_LT] = "<",  [COMPARE_LE] = "<=",   [COMPARE_GT] = ">",	      [COMPARE_GE] = ">=",
	[COMPARE_EQ] = "=",  [COMPARE_NE] = "!=",   [COMPARE_MATCH] = "~", [COMPARE_NOT_MATCH] = "!~",
	[COMPARE_PRESENT] = "",
};

struct op *
expr_add(struct parser *x)
{
	static struct op spare;
	if (x->count == OPS_MAX) {
		expr_fail(x, "%s: the condition has more than %d parts", x->b->entry->key,
			  OPS_MAX);
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
			expr_fail(x, "%s: 'for' %s", x->b->entry->key,
				  *word != '\0' ? why : "needs a duration");
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
		expr_fail(x, "%s: %s", x->b->entry->key, why);
		return;
	}
	if (!word_is(x, "of") ||
	    !lex_word(x->b, &x->p, ")", word, sizeof word, &quoted)) {
		expr_fail(x, "%s: expected N of M", x->b->entry->key);
		return;
	}
	if (!units_count(word, 1, WINDOW_MAX, &m, why) || n > m) {
		expr_fail(x, "%s: '%llu of %s' is impossible", x->b->entry->key,
			  (unsigned long long)n, word);
		return;
	}
	op->window = WINDOW_OF;
	op->need = (uint32_t)n;
	op->of = (uint32_t)m;
	op->slot = x->slots++;
}

static void or_terms(struct parser *x);

/* A test or a parenthesis, perhaps with not before it; the op that its window belongs to. */
static void
bare_term(struct parser *x)
{
	if (x->failed)
		return;
	if (++x->depth > DEPTH_MAX) {
		expr_fail(x, "%s: nested deeper than %d", x->b->entry->key, DEPTH_MAX);
		return;
	}
	if (word_is(x, "not")) {
		bare_term(x);
		expr_add(x)->kind = OP_NOT;
	} else if (lex_skip(&x->p), *x->p == '(') {
		x->p++;
		or_terms(x);
		lex_skip(&x->p);
		if (*x->p != ')')
			expr_fail(x, "%s: ')' is missing", x->b->entry->key);
		else
			x->p++;
		if (!x->failed)
			expr_add(x)->kind = OP_GROUP;
	} else {
		expr_test(x);
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
		op = expr_add(x);
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
		expr_add(x)->kind = OP_AND;
	}
}

static void
or_terms(struct parser *x)
{
	and_terms(x);
	while (!x->failed && word_is(x, "or")) {
		and_terms(x);
		expr_add(x)->kind = OP_OR;
	}
}

void
build_condition(struct build *b, const char *value, struct condition *out)
{
	struct parser x = { .b = b, .p = value };
	or_terms(&x);
	lex_skip(&x.p);
	if (!x.failed && (strncmp(x.p, "&&", 2) == 0 || strncmp(x.p, "||", 2) == 0))
		expr_fail(&x, "%s: '%.2s' is written '%s' here", b->entry->key, x.p,
			  *x.p == '&' ? "and" : "or");
	else if (!x.failed && *x.p != '\0')
		expr_fail(&x, "%s: expected 'and', 'or' or the end before '%.60s'",
			  b->entry->key, x.p);
	if (x.failed)
		return;
	struct op *ops = build_get(b, x.count * sizeof *ops);
	if (b->out_of_memory)
		return;
	memcpy(ops, x.ops, x.count * sizeof *ops);
	*out = (struct condition){ .count = x.count,
				   .ops = ops,
				   .slots = x.slots,
				   .text = value,
				   .place = b->entry->place };
}
