#include "probes/kind.h"

#include <stdlib.h>
#include <string.h>

/* lines: ^ and $ are those of each line. */
static bool
compile(pcre2_code **out, const struct expect *x, bool lines)
{
	int code;
	size_t at;
	uint32_t options = PCRE2_NEVER_BACKSLASH_C | PCRE2_MATCH_INVALID_UTF;
	if (x->compare != COMPARE_MATCH && x->compare != COMPARE_NOT_MATCH)
		return true;
	pcre2_compile_context *context = pcre2_compile_context_create(NULL);
	if (context == NULL)
		return false;
	if (lines)
		pcre2_set_newline(context, PCRE2_NEWLINE_ANYCRLF);
	*out = pcre2_compile((PCRE2_SPTR)x->text, PCRE2_ZERO_TERMINATED,
			     options | (lines ? PCRE2_MULTILINE : 0), &code, &at,
			     context);
	pcre2_compile_context_free(context);
	if (*out != NULL)
		pcre2_jit_compile(
			*out, PCRE2_JIT_COMPLETE); /* without it the matcher interprets */
	return *out != NULL;
}

static bool
compile_all(pcre2_code ***out, const struct expect *list, uint32_t count, bool lines)
{
	if (count == 0)
		return true;
	*out = calloc(count, sizeof **out);
	bool good = *out != NULL;
	for (uint32_t i = 0; good && i < count; i++)
		good = compile(&(*out)[i], &list[i],
			       lines && list[i].kind == EXPECT_BODY);
	return good;
}

static bool
needs_body(const struct expect *x)
{
	return expect_of_body(x) ||
	       (x->kind == EXPECT_METRIC && x->metric == METRIC_BYTES);
}

static void
look_at(struct plan *p, const struct expect *list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		p->wants_body = p->wants_body || needs_body(&list[i]);
		if (expect_of_body(&list[i]) &&
		    (list[i].kind != EXPECT_BODY || list[i].compare >= COMPARE_EQ))
			p->keeps_body = true;
	}
}

bool
plan_wants(const struct plan *p, enum metric m)
{
	return (p->tests->wanted[m / 64] >> m % 64 & 1) != 0;
}

static void
want(struct plan_tests *t, enum metric m)
{
	if (m < METRICS_COUNT)
		t->wanted[m / 64] |= UINT64_C(1) << m % 64;
}

static void
want_read(struct plan_tests *t, const struct condition *c, uint32_t check)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (c->ops[i].kind == OP_TEST && c->ops[i].object == OBJECT_CHECK &&
		    c->ops[i].id == check)
			want(t, c->ops[i].metric);
}

/* What rules read first: only these cost more of an answer. */
static void
want_all(struct plan *p, struct plan_tests *t, const struct rules *rules, uint32_t check)
{
	const struct check *c = p->check;
	for (uint32_t i = 0; i < rules->rule_count; i++) {
		want_read(t, &rules->rules[i].when, check);
		want_read(t, &rules->rules[i].clear, check);
	}
	if (plan_wants(p, METRIC_BYTES)) {
		p->wants_body = true;
		t->body_enough = 0;
	}
	for (uint32_t i = 0; i < c->expect_count; i++)
		want(t, c->expects[i].metric);
	for (uint32_t i = 0; i < c->warn_count; i++)
		want(t, check_warns(c)[i].metric);
}

/* "body > 1K" holds before the body's end; with anything else the end must be seen. */
static uint64_t
enough(const struct check *c)
{
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < c->warn_count; i++)
		if (needs_body(&check_warns(c)[i]))
			return 0;
	for (uint32_t i = 0; i < c->expect_count; i++) {
		const struct expect *x = &c->expects[i];
		if (!needs_body(x))
			continue;
		if (x->kind != EXPECT_BODY || x->compare != COMPARE_GT)
			return 0;
		if ((uint64_t)x->value + 1 > bytes)
			bytes = (uint64_t)x->value + 1;
	}
	return bytes;
}

static const struct plan_tests nothing;

bool
plan_make(struct plan *p, const struct rules *rules, uint32_t check)
{
	const struct check *c = &rules->checks[check];
	struct plan_tests *t = calloc(1, sizeof *t);
	*p = (struct plan){ .check = c,
			    .route = RULES_NONE,
			    .tests = t != NULL ? t : &nothing };
	if (t == NULL)
		return false;
	look_at(p, c->expects, c->expect_count);
	look_at(p, check_warns(c), c->warn_count);
	p->unique = c->target != NULL && strstr(c->target, PLAN_UNIQUE) != NULL;
	for (uint32_t i = 0; i < c->more->headers.count; i++)
		p->unique = p->unique ||
			    strstr(c->more->headers.texts[i], PLAN_UNIQUE) != NULL;
	t->body_enough = enough(c);
	if (c->kind == CHECK_APACHE || c->kind == CHECK_TOMCAT) {
		p->wants_body = p->keeps_body = true; /* what is measured stands in it */
		t->body_enough = 0;
	}
	p->talks = kind_table[c->kind].judge != NULL &&
		   (!check_can_talk(c) || c->more->say_count > 0 || p->wants_body);
	want_all(p, t, rules, check);
	if (c->more->verifies.count > 0)
		p->route = c->more->verifies.ids[c->more->verifies.count - 1];
	if (!compile_all(&t->expects, c->expects, c->expect_count, check_can_talk(c)) ||
	    !compile_all(&t->warns, check_warns(c), c->warn_count, false))
		return false;
	if (memcmp(t, &nothing, sizeof *t) == 0) {
		free(t);
		p->tests = &nothing;
	}
	return true;
}

static void
free_all(pcre2_code ***list, uint32_t count)
{
	for (uint32_t i = 0; *list != NULL && i < count; i++)
		pcre2_code_free((*list)[i]);
	free(*list);
	*list = NULL;
}

void
plan_free(struct plan *p)
{
	if (p->check == NULL)
		return;
	if (p->tests != &nothing) {
		struct plan_tests *t = (struct plan_tests *)(uintptr_t)p->tests;
		free_all(&t->expects, p->check->expect_count);
		free_all(&t->warns, p->check->warn_count);
		free(t);
	}
	p->tests = &nothing;
	p->check = NULL;
}

bool
plan_starttls(const struct plan *p)
{
	const struct tls_wish *t = p->check->more->tls;
	return t != NULL && t->encrypt == ENCRYPT_STARTTLS;
}
