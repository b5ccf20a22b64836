#include "probes/plan.h"

#include <stdlib.h>

static bool
compile(pcre2_code **out, const struct expect *x)
{
	int code;
	size_t at;
	if (x->compare != COMPARE_MATCH && x->compare != COMPARE_NOT_MATCH)
		return true;
	*out = pcre2_compile((PCRE2_SPTR)x->text, PCRE2_ZERO_TERMINATED,
			     PCRE2_NEVER_BACKSLASH_C | PCRE2_MATCH_INVALID_UTF, &code,
			     &at, NULL);
	if (*out != NULL)
		pcre2_jit_compile(
			*out, PCRE2_JIT_COMPLETE); /* without it the matcher interprets */
	return *out != NULL;
}

static bool
compile_all(pcre2_code ***out, const struct expect *list, uint32_t count)
{
	*out = calloc(count + 1, sizeof **out);
	bool good = *out != NULL;
	for (uint32_t i = 0; good && i < count; i++)
		good = compile(&(*out)[i], &list[i]);
	return good;
}

static void
look_at(struct plan *p, const struct expect *list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		bool size = list[i].compare < COMPARE_EQ;
		if (list[i].kind == EXPECT_BODY)
			p->wants_body = true;
		if (list[i].kind == EXPECT_BODY && !size)
			p->keeps_body = true;
		if (list[i].kind == EXPECT_METRIC && list[i].metric == METRIC_BYTES)
			p->wants_body = true;
	}
}

static bool
reads_bytes(const struct condition *c, uint32_t check)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (c->ops[i].kind == OP_TEST && c->ops[i].object == OBJECT_CHECK &&
		    c->ops[i].id == check && c->ops[i].metric == METRIC_BYTES)
			return true;
	return false;
}

bool
plan_make(struct plan *p, const struct rules *rules, uint32_t check)
{
	const struct check *c = &rules->checks[check];
	*p = (struct plan){ .check = c, .route = RULES_NONE };
	look_at(p, c->expects, c->expect_count);
	look_at(p, c->warns, c->warn_count);
	for (uint32_t i = 0; i < rules->rule_count && !p->wants_body; i++)
		p->wants_body = reads_bytes(&rules->rules[i].when, check) ||
				reads_bytes(&rules->rules[i].clear, check);
	for (uint32_t i = 0; i < rules->route_count; i++)
		if (rules->routes[i].verify == check)
			p->route = i;
	return compile_all(&p->expects, c->expects, c->expect_count) &&
	       compile_all(&p->warns, c->warns, c->warn_count);
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
	free_all(&p->expects, p->check->expect_count);
	free_all(&p->warns, p->check->warn_count);
	p->check = NULL;
}
