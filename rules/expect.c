/* `expect` and `warn` of [check]: lists of tests of an answer. */
#include "base/text.h"
#include "rules/keys.h"
#include "rules/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)
#define STATUS_WORDS 16
#define EXPECTS_MAX 1024 /* lines of a section are many, tests of one thing are few */

static enum compare
take_compare(const char **p)
{
	static const enum compare order[] = { COMPARE_LE,        COMPARE_GE,   COMPARE_NE,
					      COMPARE_NOT_MATCH, COMPARE_LT,   COMPARE_GT,
					      COMPARE_EQ,        COMPARE_MATCH };
	lex_skip(p);
	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		size_t n = strlen(compare_name[order[i]]);
		if (strncmp(*p, compare_name[order[i]], n) == 0) {
			*p += n;
			return order[i];
		}
	}
	return COMPARE_PRESENT;
}

static bool
status_holds(enum compare compare, bool listed, uint64_t status, uint64_t than)
{
	static const bool sides[][3] = { /* below, the same, above */
					 [COMPARE_LT] = { true, false, false },
					 [COMPARE_LE] = { true, true, false },
					 [COMPARE_GT] = { false, false, true },
					 [COMPARE_GE] = { false, true, true }
	};
	if (compare < COMPARE_EQ)
		return sides[compare][(status >= than) + (status > than)];
	return listed == (compare != COMPARE_NE);
}

/* "200", "301..308" or "301-308" */
static bool
status_range(struct build *b, char *word, uint64_t *first, uint64_t *last)
{
	char why[UNITS_WHY];
	char *dots = strstr(word, "..");
	if (dots == NULL)
		dots = strchr(word, '-');
	const char *end = word;
	if (dots != NULL) {
		end = dots + (*dots == '.' ? 2 : 1);
		*dots = '\0';
	}
	if (!units_count(word, 100, 999, first, why) ||
	    !units_count(end, 100, 999, last, why)) {
		error(b, "%s: status %s", b->entry->key, why);
		return false;
	}
	if (*last < *first) {
		error(b, "%s: status '%s..%s' is impossible", b->entry->key, word, end);
		return false;
	}
	return true;
}

/* "status 200 204 301..308", "status < 400" */
static void
status_test(struct build *b, struct expect *x, const char *p)
{
	char word[64];
	bool quoted, listed[1000] = { false };
	uint64_t first = 0, last = 0;
	unsigned words = 0;
	enum compare compare = take_compare(&p);
	x->kind = EXPECT_STATUS;
	x->statuses = build_get(b, STATUS_WORDS * sizeof *x->statuses);
	for (; lex_word(b, &p, "", word, sizeof word, &quoted); words++) {
		if (!status_range(b, word, &first, &last))
			return;
		for (uint64_t s = first; s <= last; s++)
			listed[s] = true;
	}
	if (words == 0)
		error(b, "%s: which status?", b->entry->key);
	else if (compare == COMPARE_MATCH || compare == COMPARE_NOT_MATCH ||
		 (compare < COMPARE_EQ && (words > 1 || first != last)))
		error(b, "%s: status is compared by < <= > >= with one number, or listed",
		      b->entry->key);
	for (uint64_t s = 100; s < 1000 && !b->out_of_memory; s++)
		if (status_holds(compare, listed[s], s, first))
			x->statuses[s / 64] |= UINT64_C(1) << s % 64;
}

bool
expect_of_body(const struct expect *x)
{
	return x->kind == EXPECT_BODY || x->kind >= EXPECT_CONTAINS;
}

/* "body contains TEXT" */
static void
contains_test(struct build *b, struct expect *x, const char *p)
{
	char word[LINE_MAX_BYTES];
	bool quoted;
	x->kind = EXPECT_CONTAINS;
	if (!lex_word(b, &p, "", word, sizeof word, &quoted) || *word == '\0')
		error(b, "%s: body contains what?", b->entry->key);
	else if (lex_end(b, p))
		x->text = build_text(b, word, strlen(word));
}

/* "sha256 = HEX" */
static void
sha256_test(struct build *b, struct expect *x, const char *p)
{
	char word[80] = "";
	bool quoted;
	x->kind = EXPECT_SHA256;
	x->compare = take_compare(&p);
	lex_word(b, &p, "", word, sizeof word, &quoted);
	for (char *c = word; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'F')
			*c = (char)(*c + 32);
	if ((x->compare != COMPARE_EQ && x->compare != COMPARE_NE) ||
	    strlen(word) != 64 || word[strspn(word, "0123456789abcdef")] != '\0')
		error(b, "%s: expected sha256 = 64 hex digits", b->entry->key);
	else if (lex_end(b, p))
		x->text = build_text(b, word, 64);
}

/* "json /a/0/b = up", "json /count > 3", "json /list" (it is there) */
static void
json_test(struct build *b, struct expect *x, const char *p)
{
	char word[LINE_MAX_BYTES];
	bool quoted;
	x->kind = EXPECT_JSON; /* a ~ within the pointer is its own */
	if (!lex_word(b, &p, "<>=!", word, sizeof word, &quoted) || *word != '/') {
		error(b, "%s: json: expected a pointer as /status", b->entry->key);
		return;
	}
	for (const char *c = strchr(word, '~'); c != NULL; c = strchr(c + 1, '~'))
		if (c[1] != '0' && c[1] != '1') {
			error(b, "%s: json: in a pointer ~0 stands for ~ and ~1 for /",
			      b->entry->key);
			return;
		}
	x->header = build_text(b, word, strlen(word));
	lex_skip(&p);
	x->compare = take_compare(&p);
	if (x->compare == COMPARE_PRESENT && *p == '\0')
		return;
	if (x->compare == COMPARE_PRESENT ||
	    !lex_word(b, &p, "", word, sizeof word, &quoted)) {
		error(b, "%s: json: expected a comparison and a value", b->entry->key);
		return;
	}
	if (!lex_end(b, p))
		return;
	x->text = build_text(b, word, strlen(word));
	if (x->compare == COMPARE_MATCH || x->compare == COMPARE_NOT_MATCH)
		build_regex(b, x->text);
	else if (x->compare < COMPARE_EQ) {
		char *end;
		x->value = strtod(word, &end);
		if (end == word || *end != '\0' || !isfinite(x->value))
			error(b, "%s: json: '%.40s' is no number", b->entry->key, word);
	}
}

static void
text_test(struct build *b, struct expect *x, const char *p, const char *what)
{
	char word[LINE_MAX_BYTES];
	bool quoted;
	x->compare = take_compare(&p);
	if (x->compare == COMPARE_PRESENT && *p == '\0' && x->kind == EXPECT_HEADER)
		return;
	if (!lex_word(b, &p, "", word, sizeof word, &quoted)) {
		error(b, "%s: %s: a value is missing", b->entry->key, what);
		return;
	}
	if (!lex_end(b, p))
		return;
	x->text = build_text(b, word, strlen(word));
	switch (x->compare) {
	case COMPARE_MATCH:
	case COMPARE_NOT_MATCH:
		build_regex(b, x->text);
		break;
	case COMPARE_EQ:
	case COMPARE_NE:
		break;
	case COMPARE_LT:
	case COMPARE_LE:
	case COMPARE_GT:
	case COMPARE_GE: {
		char why[UNITS_WHY];
		if (x->kind != EXPECT_BODY)
			error(b, "%s: a %s is compared by = != ~ or !~", b->entry->key,
			      what);
		else if (!units_size(word, &x->value, why))
			error(b, "%s: %s %s", b->entry->key, what, why);
		break;
	}
	case COMPARE_PRESENT:
	case COMPARES:
		error(b, "%s: %s: expected a comparison before '%s'", b->entry->key, what,
		      word);
		break;
	}
}

/* The check's own verdict is no measurement of it. */
static bool
is_verdict(enum metric m)
{
	return m == METRIC_UP || m == METRIC_DOWN || m == METRIC_DEGRADED;
}

/* "latency < 500ms", "used < 80%" (of its whole), "mounted" */
static void
metric_test(struct build *b, struct check *c, struct expect *x, const char *word,
	    const char *p)
{
	char value[64], why[UNITS_WHY];
	bool quoted;
	x->kind = EXPECT_METRIC;
	x->metric = metric_find(word, strlen(word), 'C');
	if (build_is_label(c, x->metric)) {
		x->metric = build_label(b, c, word);
		if (x->metric == METRICS_COUNT)
			return;
		x->header = check_metric_name(c, x->metric);
	}
	x->compare = take_compare(&p);
	if (x->metric == METRICS_COUNT || is_verdict(x->metric) ||
	    metric_table[x->metric].unit == UNIT_TEXT) {
		error(b,
		      "%s: expected status, header, body, json, sha256 or a metric, not '%s'",
		      b->entry->key, word);
		return;
	}
	if (metric_table[x->metric].unit == UNIT_YESNO) {
		if (x->compare != COMPARE_PRESENT)
			error(b, "%s: %s stands alone: it is a yes/no metric",
			      b->entry->key, word);
		else
			lex_end(b, p);
		return;
	}
	if (x->compare >= COMPARE_MATCH ||
	    !lex_word(b, &p, "", value, sizeof value, &quoted)) {
		error(b, "%s: %s: a comparison is missing", b->entry->key, word);
		return;
	}
	if (strchr(value, '%') != NULL && metric_percent(x->metric) != METRICS_COUNT)
		x->metric = metric_percent(x->metric);
	if (!units_value(value, metric_table[x->metric].unit, &x->value, why))
		error(b, "%s: %s: %s", b->entry->key, word, why);
	else
		lex_end(b, p);
}

struct expect_items {
	struct expect list[32];
	uint32_t count;
	struct check *check;
};

static void
expect_item(struct build *b, void *arg, const char *text)
{
	struct expect_items *items = arg;
	char word[128];
	bool quoted;
	const char *p = text;
	if (items->count == 32) {
		error(b, "%s: more than 32 tests", b->entry->key);
		return;
	}
	struct expect *x = &items->list[items->count++];
	*x = (struct expect){ .compare = COMPARE_PRESENT, .metric = METRICS_COUNT };
	lex_word(b, &p, "<>=!~", word, sizeof word, &quoted);
	if (strcmp(word, "status") == 0) {
		lex_skip(&p);
		status_test(b, x, p);
	} else if (strcmp(word, "header") == 0) {
		x->kind = EXPECT_HEADER;
		lex_word(b, &p, "<>=!~", word, sizeof word, &quoted);
		for (char *c = word; *c != '\0'; c++)
			if (*c >= 'A' && *c <= 'Z')
				*c = (char)(*c + 32);
		x->header = build_text(b, word, strlen(word));
		lex_skip(&p);
		text_test(b, x, p, "header");
	} else if (strcmp(word, "body") == 0) {
		x->kind = EXPECT_BODY;
		lex_skip(&p);
		if (strncmp(p, "contains ", 9) == 0)
			contains_test(b, x, p + 9);
		else
			text_test(b, x, p, "body");
	} else if (strcmp(word, "target") == 0) {
		x->kind = EXPECT_TARGET;
		lex_skip(&p);
		text_test(b, x, p, "target");
	} else if (strcmp(word, "sha256") == 0) {
		sha256_test(b, x, p);
	} else if (strcmp(word, "json") == 0) {
		lex_skip(&p);
		json_test(b, x, p);
	} else {
		metric_test(b, items->check, x, word, p);
	}
}

/* Those of expect stand before those of warn, each in the order of their lines. */
static void
expects(struct build *b, struct check *c, const char *value, bool warn)
{
	struct expect_items items = { .check = c };
	uint16_t *count = warn ? &c->warn_count : &c->expect_count;
	uint32_t there = (uint32_t)c->expect_count + c->warn_count;
	uint32_t at = warn ? there : c->expect_count;
	lex_list(b, value, expect_item, &items);
	if (*count + items.count > EXPECTS_MAX) {
		error(b, "%s: more than %d tests in one check", b->entry->key,
		      EXPECTS_MAX);
		return;
	}
	struct expect *all = build_get(b, (there + items.count + 1) * sizeof *all);
	if (b->out_of_memory)
		return;
	for (uint32_t i = 0; i < there; i++)
		all[i < at ? i : i + items.count] = c->expects[i];
	memcpy(all + at, items.list, items.count * sizeof *all);
	c->expects = all;
	*count = (uint16_t)(*count + items.count);
}

void
set_expect(struct build *b, void *object, const struct entry *e)
{
	struct check *c = object;
	uint32_t first = c->expect_count;
	expects(b, c, e->value, false);
	for (uint32_t i = first; i < c->expect_count; i++)
		c->expects[i].turn = c->more->say_count;
}

void
set_warn(struct build *b, void *object, const struct entry *e)
{
	expects(b, object, e->value, true);
}
