#include "probes/match.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#define LIMIT 100000 /* the library's own lets a bad pattern run for 135 ms */

struct match {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *context;
};

struct match *
match_new(const char *regex)
{
	int code;
	size_t at;
	struct match *m = calloc(1, sizeof *m);
	if (m == NULL)
		return NULL;
	m->code = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
				PCRE2_NEVER_BACKSLASH_C | PCRE2_MATCH_INVALID_UTF, &code,
				&at, NULL);
	m->data = pcre2_match_data_create(1, NULL);
	m->context = pcre2_match_context_create(NULL);
	if (m->code == NULL || m->data == NULL || m->context == NULL) {
		match_free(&m);
		return NULL;
	}
	pcre2_jit_compile(m->code, PCRE2_JIT_COMPLETE);
	pcre2_set_match_limit(m->context, LIMIT);
	return m;
}

void
match_free(struct match **mp)
{
	struct match *m = *mp;
	*mp = NULL;
	if (m == NULL)
		return;
	pcre2_code_free(m->code);
	pcre2_match_data_free(m->data);
	pcre2_match_context_free(m->context);
	free(m);
}

bool
match_fits(const struct match *m, const char *text, size_t size)
{
	return pcre2_match(m->code, (PCRE2_SPTR)text, size, 0, 0, m->data, m->context) >=
	       0;
}
