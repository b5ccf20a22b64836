/* What is right and what is wrong: the tests of `expect` and `warn`. */
#include "probes/expect.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

#define MATCH_LIMIT 100000 /* the library's own lets a bad pattern run for 135 ms */
#define ACTIVE "{active}"

static void (*show)(const struct plan *p, const struct answer *a);

void
expect_show(void (*fn)(const struct plan *p, const struct answer *a))
{
	show = fn;
}

bool
expect_matches(const pcre2_code *re, const char *text, size_t size, size_t *end)
{
	static pcre2_match_data *data;
	static pcre2_match_context *context;
	if (data == NULL) {
		data = pcre2_match_data_create(1, NULL);
		context = pcre2_match_context_create(NULL);
		if (context != NULL)
			pcre2_set_match_limit(context, MATCH_LIMIT);
	}
	bool fits = data != NULL && context != NULL &&
		    pcre2_match(re, (PCRE2_SPTR)text, size, 0, 0, data, context) >= 0;
	*end = fits ? pcre2_get_ovector_pointer(data)[1] : 0;
	return fits;
}

static bool
compares(enum compare compare, double a, double b)
{
	switch (compare) {
	case COMPARE_LT:
		return a < b;
	case COMPARE_LE:
		return a <= b;
	case COMPARE_GT:
		return a > b;
	case COMPARE_GE:
		return a >= b;
	case COMPARE_EQ:
		return fabs(a - b) < 1e-9;
	case COMPARE_NE:
		return fabs(a - b) >= 1e-9;
	case COMPARE_PRESENT:
		return a != 0;
	case COMPARE_MATCH:
	case COMPARE_NOT_MATCH:
	case COMPARES:
		break;
	}
	return false;
}

#define EXACT_MS 10000   /* below these nothing is rounded for people */
#define EXACT_BYTES 1e6

/* A value as people write it: "1.5 GiB", "91.2%", "12 ms", "3". */
static char *
value_text(enum metric m, double value, char *out, size_t cap)
{
	enum unit unit = metric_table[m].unit;
	char size[32];
	if (unit == UNIT_BYTES && value < EXACT_BYTES)
		text_print(out, cap, "%.0fB", value);
	else if (unit == UNIT_BYTES || unit == UNIT_RATE)
		text_print(out, cap, "%s%s", text_size(value, size, sizeof size),
			   unit == UNIT_RATE ? "/s" : "");
	else if (unit == UNIT_PERCENT)
		text_print(out, cap, "%.4g%%", value);
	else if (unit == UNIT_MS && value >= EXACT_MS)
		text_duration((int64_t)value, out, cap);
	else
		text_print(out, cap, "%.6g%s", value, unit == UNIT_MS ? " ms" : "");
	return out;
}

/* Of a script it may be a label of its own. */
static const char *
name_of(const struct expect *x)
{
	return x->header != NULL ? x->header : metric_table[x->metric].name;
}

/* "used-percent 91.2%", "not mounted" */
static void
metric_found(const struct expect *x, double value, char *out, size_t cap)
{
	enum metric m = x->metric;
	const char *name = name_of(x);
	char words[48];
	if (isnan(value))
		text_print(out, cap, "%s was not measured", name);
	else if (metric_table[m].unit == UNIT_YESNO)
		text_print(out, cap, "%s%s", value != 0 ? "" : "not ", name);
	else
		text_print(out, cap, "%s %s", name,
			   value_text(m, value, words, sizeof words));
}

/* A backend that the rules call by its VCL, v_primary.apache, calls itself apache. */
static const char *
short_name(const char *name)
{
	const char *dot = strrchr(name, '.');
	return dot != NULL ? dot + 1 : name;
}

static bool
is_one_of(const char *text, size_t size, const struct answer *a)
{
	for (size_t i = 0; i < a->active_count; i++) {
		const char *own = short_name(a->active[i]);
		if ((strlen(a->active[i]) == size &&
		     memcmp(a->active[i], text, size) == 0) ||
		    (strlen(own) == size && memcmp(own, text, size) == 0))
			return true;
	}
	return false;
}

static bool
text_holds(const struct expect *x, const pcre2_code *re, const struct answer *a,
	   const char *text, size_t size)
{
	bool same;
	size_t end;
	if (x->compare == COMPARE_MATCH || x->compare == COMPARE_NOT_MATCH)
		return expect_matches(re, text, size, &end) ==
		       (x->compare == COMPARE_MATCH);
	same = strcmp(x->text, ACTIVE) == 0
		       ? is_one_of(text, size, a)
		       : strlen(x->text) == size && memcmp(x->text, text, size) == 0;
	return same == (x->compare == COMPARE_EQ);
}

/* The part of the body that was kept. */
static size_t
kept_size(const struct answer *a)
{
	return a->body_size < HTTP_BODY_MAX ? a->body_size : HTTP_BODY_MAX;
}

static bool
body_holds(const struct expect *x, const pcre2_code *re, const struct answer *a, char *found,
	   size_t cap)
{
	char hex[65];
	size_t size = kept_size(a);
	text_print(found, cap, "a body of %zu bytes", a->body_size);
	if (a->body_size > HTTP_BODY_MAX)
		text_print(found, cap,
			   "a body of %zu bytes, of which 256 KiB were looked at",
			   a->body_size);
	if (a->sha256 != NULL && x->kind == EXPECT_SHA256) {
		text_print(found, cap, "sha256 %s", a->sha256);
		return (strcmp(a->sha256, x->text) == 0) == (x->compare == COMPARE_EQ);
	}
	if (a->body == NULL)
		return false;
	switch (x->kind) {
	case EXPECT_CONTAINS:
		return memmem(a->body, size, x->text, strlen(x->text)) != NULL;
	case EXPECT_SHA256:
		if (size < a->body_size || !body_sha256(a->body, size, hex))
			return false;
		text_print(found, cap, "sha256 %s", hex);
		return (strcmp(hex, x->text) == 0) == (x->compare == COMPARE_EQ);
	case EXPECT_JSON:
		return body_json(x, re, a->body, size, found, cap);
	case EXPECT_BODY:
		return text_holds(x, re, a, a->body, size);
	case EXPECT_STATUS:
	case EXPECT_HEADER:
	case EXPECT_METRIC:
	case EXPECT_TARGET:
		break;
	}
	return false;
}

/* found: what was there, for people. */
static bool
holds(const struct expect *x, const pcre2_code *re, const struct answer *a, char *found,
      size_t cap)
{
	char value[2048];
	switch (x->kind) {
	case EXPECT_STATUS:
		text_print(found, cap, "status %u", a->status);
		return a->status > 0 && a->status < 1000 &&
		       (x->statuses[a->status / 64] >> a->status % 64 & 1) != 0;
	case EXPECT_HEADER:
		if (a->head == NULL ||
		    !http_header(a->head, a->head_size, x->header, value, sizeof value)) {
			text_print(found, cap, "no header %s", x->header);
			return x->compare == COMPARE_NE ||
			       x->compare == COMPARE_NOT_MATCH;
		}
		text_print(found, cap, "header %s: %.60s", x->header, value);
		return x->compare == COMPARE_PRESENT ||
		       text_holds(x, re, a, value, strlen(value));
	case EXPECT_BODY:
		text_print(found, cap, "a body of %zu bytes", a->body_size);
		if (x->compare < COMPARE_EQ)
			return compares(x->compare, (double)a->body_size, x->value);
		return body_holds(x, re, a, found, cap);
	case EXPECT_CONTAINS:
	case EXPECT_SHA256:
	case EXPECT_JSON:
		return body_holds(x, re, a, found, cap);
	case EXPECT_TARGET:
		if (a->target == NULL) {
			text_print(found, cap, "no link");
			return x->compare == COMPARE_NE ||
			       x->compare == COMPARE_NOT_MATCH;
		}
		text_clean(value, sizeof value, a->target, strlen(a->target));
		text_print(found, cap, "target %.60s", value);
		return text_holds(x, re, a, a->target, strlen(a->target));
	case EXPECT_METRIC:
		metric_found(x, a->value[x->metric], found, cap);
		return !isnan(a->value[x->metric]) &&
		       compares(x->compare, a->value[x->metric], x->value);
	}
	return false;
}

/* The test as a user would write it. */
static void
wording(const struct expect *x, const struct answer *a, char *out, size_t cap)
{
	struct text t;
	char value[48];
	text_begin(&t, out, cap);
	switch (x->kind) {
	case EXPECT_STATUS:
		text_add(&t, "status");
		for (unsigned s = 100, n = 0; s < 1000 && n < 4; s++)
			if ((x->statuses[s / 64] >> s % 64 & 1) != 0)
				text_add(&t, n++ < 3 ? " %u" : " …", s);
		return;
	case EXPECT_HEADER:
		text_add(&t, "header %s", x->header);
		break;
	case EXPECT_BODY:
		text_add(&t, "body");
		break;
	case EXPECT_TARGET:
		text_add(&t, "target");
		break;
	case EXPECT_CONTAINS:
		text_add(&t, "body contains %.60s", x->text);
		return;
	case EXPECT_SHA256:
		text_add(&t, "sha256 %s %.64s", compare_name[x->compare], x->text);
		return;
	case EXPECT_JSON:
		text_add(&t, "json %.60s", x->header);
		if (x->text != NULL)
			text_add(&t, " %s %.60s", compare_name[x->compare], x->text);
		return;
	case EXPECT_METRIC:
		text_add(&t, "%s", name_of(x));
		if (x->compare != COMPARE_PRESENT)
			text_add(&t, " %s %s", compare_name[x->compare],
				 value_text(x->metric, x->value, value, sizeof value));
		return;
	}
	if (x->compare == COMPARE_PRESENT)
		return;
	text_add(&t, " %s ", compare_name[x->compare]);
	if (x->text != NULL && strcmp(x->text, ACTIVE) == 0)
		for (size_t i = 0; i < a->active_count; i++)
			text_add(&t, "%s%s", i > 0 ? " or " : "", a->active[i]);
	else if (x->text != NULL && x->compare >= COMPARE_EQ)
		text_add(&t, "%.60s", x->text);
	else
		text_add(&t, "%.0f bytes", x->value);
}

bool
expect_all(const struct plan *p, const struct answer *a, bool early, char why[MSG_TEXT])
{
	const struct check *c = p->check;
	char found[MSG_TEXT], wanted[MSG_TEXT];
	if (show != NULL && !early)
		show(p, a);
	for (uint32_t i = 0; i < c->expect_count; i++) {
		const struct expect *x = &c->expects[i];
		if (early && x->kind != EXPECT_STATUS && x->kind != EXPECT_HEADER)
			continue;
		if (x->kind == EXPECT_BODY && a->in_turn)
			continue;
		if (holds(x, p->tests->expects[i], a, found, sizeof found))
			continue;
		wording(x, a, wanted, sizeof wanted);
		text_print(why, MSG_TEXT, "%s, expected %s", found, wanted);
		return false;
	}
	return true;
}

bool
expect_warns(const struct plan *p, const struct answer *a, char why[MSG_TEXT])
{
	const struct check *c = p->check;
	const struct expect *warns = check_warns(c);
	char found[MSG_TEXT], wanted[MSG_TEXT];
	for (uint32_t i = 0; i < c->warn_count; i++) {
		if (!holds(&warns[i], p->tests->warns[i], a, found, sizeof found))
			continue;
		wording(&warns[i], a, wanted, sizeof wanted);
		text_print(why, MSG_TEXT, "%s: warning at %s", found, wanted);
		return true;
	}
	return false;
}

void
expect_each(const struct plan *p, bool warns, const struct answer *a,
	    void (*fn)(void *arg, bool is_so, const char *wording, const char *found),
	    void *arg)
{
	const struct check *c = p->check;
	const struct expect *list = warns ? check_warns(c) : c->expects;
	char found[MSG_TEXT], words[MSG_TEXT];
	for (uint32_t i = 0; i < (warns ? c->warn_count : c->expect_count); i++) {
		bool in_turn = !warns && list[i].kind == EXPECT_BODY && a->in_turn;
		bool is_so =
			in_turn ||
			holds(&list[i], (warns ? p->tests->warns : p->tests->expects)[i],
			      a, found, sizeof found);
		wording(&list[i], a, words, sizeof words);
		fn(arg, is_so, words, in_turn ? "in its turn" : found);
	}
}

bool
expect_unknown(const struct plan *p, const struct answer *a)
{
	const struct check *c = p->check;
	for (uint32_t i = 0; i < c->expect_count && a->active_count == 0; i++)
		if (c->expects[i].text != NULL && strcmp(c->expects[i].text, ACTIVE) == 0)
			return true;
	return false;
}

bool
expect_elsewhere(const struct plan *p, const struct answer *a)
{
	struct answer any = *a;
	char why[MSG_TEXT];
	any.active_count = a->known_count;
	return a->head != NULL && a->known_count > a->active_count &&
	       !expect_all(p, a, true, why) && expect_all(p, &any, true, why);
}
