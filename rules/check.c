/* Keys of [check]. */
#include "base/text.h"
#include "rules/keys.h"
#include "rules/units.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)
#define STATUS_WORDS 16

const char *const check_kind_name[CHECK_KINDS] = {
	[CHECK_HTTP] = "http", [CHECK_TCP] = "tcp",	  [CHECK_AJP] = "ajp",
	[CHECK_UNIX] = "unix", [CHECK_SCRIPT] = "script",
};

bool
build_regex(struct build *b, const char *regex)
{
	int code;
	size_t at;
	PCRE2_UCHAR text[160];
	pcre2_code *re = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
				       PCRE2_NEVER_BACKSLASH_C | PCRE2_MATCH_INVALID_UTF, &code, &at,
				       NULL);
	if (re != NULL) {
		pcre2_code_free(re);
		return true;
	}
	pcre2_get_error_message(code, text, sizeof text);
	error(b, "%s: regex '%.80s': %s (at %zu)", b->entry->key, regex, (const char *)text, at);
	return false;
}

void
set_of(struct build *b, void *object, const struct entry *e)
{
	struct check *c = object;
	c->of = build_resolve(b, e->value, OBJECT_SERVICE);
}

static void
http_address(struct build *b, struct check *c, const char *url)
{
	static const char scheme[] = "http://";
	if (strncmp(url, scheme, sizeof scheme - 1) != 0) {
		error(b, "http: expected http://HOST[:PORT]/PATH, not '%.80s'", url);
		return;
	}
	const char *host = url + sizeof scheme - 1;
	size_t n = strcspn(host, "/?#");
	if (memchr(host, '@', n) != NULL || strpbrk(url, " \t\"#") != NULL) {
		error(b, "http: no user, blank, quote or '#' may stand in the address");
		return;
	}
	char *address = build_text(b, host, n);
	c->host_header = address;
	if (strrchr(address, ':') == NULL || (*address == '[' && address[n - 1] == ']')) {
		char with[LINE_MAX_BYTES];
		size_t m = text_print(with, sizeof with, "%s:80", address);
		address = build_text(b, with, m);
	}
	build_address(b, address, &c->host, &c->port);
	const char *target = host + n;
	if (*target == '/') {
		c->target = target;
	} else {
		char with[LINE_MAX_BYTES];
		size_t m = text_print(with, sizeof with, "/%s", target);
		c->target = build_text(b, with, m);
	}
}

void
set_kind(struct build *b, void *object, const struct entry *e)
{
	struct check *c = object;
	if (c->kind != CHECK_KINDS) {
		error(b, "%s: the check is one of %s already", e->key, check_kind_name[c->kind]);
		return;
	}
	for (unsigned k = 0; k < CHECK_KINDS; k++)
		if (strcmp(check_kind_name[k], e->key) == 0)
			c->kind = (enum check_kind)k;
	switch (c->kind) {
	case CHECK_HTTP:
		http_address(b, c, e->value);
		break;
	case CHECK_TCP:
	case CHECK_AJP:
		build_address(b, e->value, &c->host, &c->port);
		break;
	case CHECK_UNIX:
		if (*e->value != '/' || strlen(e->value) > 107)
			error(b, "unix: an absolute path of up to 107 bytes is needed");
		c->path = e->value;
		break;
	case CHECK_SCRIPT:
		c->script = build_command(b, e->value);
		break;
	case CHECK_KINDS:
		break;
	}
}

void
set_header(struct build *b, void *object, const struct entry *e)
{
	struct check *c = object;
	size_t n = strcspn(e->value, ":");
	if (n == 0 || e->value[n] == '\0' || strcspn(e->value, " \t\"(),/;<=>?@[\\]{}") < n) {
		error(b, "header: expected NAME: VALUE, not '%.80s'", e->value);
		return;
	}
	const char **texts = build_get(b, (c->headers.count + 1) * sizeof *texts);
	if (b->out_of_memory)
		return;
	if (c->headers.count > 0)
		memcpy(texts, c->headers.texts, c->headers.count * sizeof *texts);
	texts[c->headers.count++] = e->value;
	c->headers.texts = texts;
}

void
set_method(struct build *b, void *object, const struct entry *e)
{
	struct check *c = object;
	if (strcmp(e->value, "GET") != 0 && strcmp(e->value, "HEAD") != 0)
		error(b, "method: expected GET or HEAD, not '%.40s'", e->value);
	else
		c->method = e->value;
}

static enum compare
take_compare(const char **p)
{
	static const enum compare order[] = { COMPARE_LE, COMPARE_GE,	   COMPARE_NE, COMPARE_NOT_MATCH,
					      COMPARE_LT, COMPARE_GT, COMPARE_EQ, COMPARE_MATCH };
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

/* "status 200 204 301..308" */
static void
status_test(struct build *b, struct expect *x, const char *p)
{
	char word[64], why[UNITS_WHY];
	bool quoted;
	x->kind = EXPECT_STATUS;
	x->statuses = build_get(b, STATUS_WORDS * sizeof *x->statuses);
	if (take_compare(&p) > COMPARE_EQ || *p == '\0')
		if (*p == '\0')
			error(b, "%s: which status?", b->entry->key);
	while (lex_word(b, &p, "", word, sizeof word, &quoted)) {
		char *dots = strstr(word, "..");
		uint64_t first, last;
		if (dots == NULL)
			dots = strchr(word, '-');
		const char *end = word;
		if (dots != NULL) {
			end = dots + (*dots == '.' ? 2 : 1);
			*dots = '\0';
		}
		if (!units_count(word, 100, 999, &first, why) || !units_count(end, 100, 999, &last, why)) {
			error(b, "%s: status %s", b->entry->key, why);
			return;
		}
		if (last < first) {
			error(b, "%s: status '%s..%s' is impossible", b->entry->key, word, end);
			return;
		}
		for (; first <= last && !b->out_of_memory; first++)
			x->statuses[first / 64] |= UINT64_C(1) << first % 64;
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
		if (x->kind == EXPECT_HEADER)
			error(b, "%s: a header is compared by = != ~ or !~", b->entry->key);
		else if (!units_size(word, &x->value, why))
			error(b, "%s: %s %s", b->entry->key, what, why);
		break;
	}
	case COMPARE_PRESENT:
	case COMPARES:
		error(b, "%s: %s: expected a comparison before '%s'", b->entry->key, what, word);
		break;
	}
}

struct expect_items {
	struct expect list[32];
	uint32_t count;
};

static void
expect_item(struct build *b, void *arg, const char *text)
{
	struct expect_items *items = arg;
	char word[128], value[64], why[UNITS_WHY];
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
		text_test(b, x, p, "body");
	} else {
		x->kind = EXPECT_METRIC;
		x->metric = metric_find(word, strlen(word), 'C');
		x->compare = take_compare(&p);
		if (x->metric == METRICS_COUNT || metric_table[x->metric].unit == UNIT_YESNO ||
		    metric_table[x->metric].unit == UNIT_TEXT)
			error(b, "%s: expected status, header, body or a metric, not '%s'",
			      b->entry->key, word);
		else if (x->compare >= COMPARE_MATCH || !lex_word(b, &p, "", value, sizeof value, &quoted))
			error(b, "%s: %s: a comparison is missing", b->entry->key, word);
		else if (!units_value(value, metric_table[x->metric].unit, &x->value, why))
			error(b, "%s: %s: %s", b->entry->key, word, why);
		else
			lex_end(b, p);
	}
}

static void
expects(struct build *b, const char *value, struct expect **list, uint32_t *count)
{
	struct expect_items items = { .count = 0 };
	lex_list(b, value, expect_item, &items);
	struct expect *all = build_get(b, (*count + items.count + 1) * sizeof *all);
	if (b->out_of_memory)
		return;
	if (*count > 0)
		memcpy(all, *list, *count * sizeof *all);
	memcpy(all + *count, items.list, items.count * sizeof *all);
	*list = all;
	*count += items.count;
}

void
set_expect(struct build *b, void *object, const struct entry *e)
{
	struct check *c = object;
	expects(b, e->value, &c->expects, &c->expect_count);
}

void
set_warn(struct build *b, void *object, const struct entry *e)
{
	struct check *c = object;
	expects(b, e->value, &c->warns, &c->warn_count);
}

/* "2", "3 of 5" or "10s"; [monitord] holds the defaults in members of its own. */
static void
rise_fall(struct build *b, const char *value, bool with_of, uint32_t *need, uint32_t *of, int64_t *ms)
{
	char word[32], why[UNITS_WHY];
	bool quoted;
	const char *p = value;
	uint64_t n, m;
	lex_word(b, &p, "", word, sizeof word, &quoted);
	if (word[strspn(word, "0123456789")] != '\0') {
		int64_t time;
		if (!units_duration(word, &time, why))
			error(b, "%s: %s", b->entry->key, why);
		else if (time == 0)
			error(b, "%s: a time of 0", b->entry->key);
		else if (lex_end(b, p))
			*ms = time;
		return;
	}
	if (!units_count(word, 1, 64, &n, why)) {
		error(b, "%s: %s", b->entry->key, why);
		return;
	}
	m = n;
	if (lex_word(b, &p, "", word, sizeof word, &quoted)) {
		if (!with_of || strcmp(word, "of") != 0 || !lex_word(b, &p, "", word, sizeof word, &quoted) ||
		    !units_count(word, 1, 64, &m, why)) {
			error(b, "%s: expected N%s or a time, not '%s'", b->entry->key,
			      with_of ? ", N of M" : "", value);
			return;
		}
		if (n > m) {
			error(b, "%s: '%s' is impossible", b->entry->key, value);
			return;
		}
		if (!lex_end(b, p))
			return;
	}
	*ms = 0;
	*need = (uint32_t)n;
	if (of != NULL)
		*of = (uint32_t)m;
}

void
set_down(struct build *b, void *object, const struct entry *e)
{
	struct settings *s = &b->rules->settings;
	struct check *c = object;
	if (object == s)
		rise_fall(b, e->value, true, &s->down_need, &s->down_of, &s->down_ms);
	else
		rise_fall(b, e->value, true, &c->down_need, &c->down_of, &c->down_ms);
}

void
set_up(struct build *b, void *object, const struct entry *e)
{
	struct settings *s = &b->rules->settings;
	struct check *c = object;
	if (object == s)
		rise_fall(b, e->value, false, &s->up_need, NULL, &s->up_ms);
	else
		rise_fall(b, e->value, false, &c->up_need, NULL, &c->up_ms);
}

/* The rule that it is short for was made with the other objects; here its actions come in. */
void
set_check_do(struct build *b, void *object, const struct entry *e)
{
	struct check *c = object;
	if (c->rule == RULES_NONE)
		return; /* its making was refused and told */
	struct rule *r = &b->rules->rules[c->rule];
	*r = (struct rule){ .id = c->rule, .name = c->name, .timeout_ms = 30000,
			    .cooldown_ms = b->rules->settings.cooldown_ms, .alert = c->alert };
	struct op *op = build_get(b, sizeof *op);
	if (b->out_of_memory)
		return;
	*op = (struct op){ .kind = OP_TEST, .object = OBJECT_CHECK, .id = c->id, .metric = METRIC_DOWN,
			   .compare = COMPARE_PRESENT };
	char text[RULES_NAME_MAX + 8];
	size_t n = text_print(text, sizeof text, "%s.down", c->name);
	r->when = (struct condition){ .count = 1, .ops = op, .text = build_text(b, text, n) };
	build_actions(b, e->value, c->of, &r->actions, &r->action_count);
}
