/* Any text up to an empty line as the tests of an http check, any bytes behind it as an
 * answer to it: the verdict and its clean reason do not depend on how the answer is cut.
 */
#include "test/fuzz/fuzz.h"
#include "test/fuzz/section.h"

#include "probes/expect.h"
#include "probes/kind.h"

#include <math.h>
#include <string.h>

#define CHECK "[check c]\nhttp = http://127.0.0.1:1/x\n"

static enum judgement
judge(const struct plan *plan, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	static const char *const names[] = { "v.apache", "tomcat" };
	*a = (struct answer){ .active = names, .active_count = 2 };
	for (unsigned m = 0; m < METRICS_COUNT; m++)
		a->value[m] = (double)NAN;
	a->value[METRIC_LATENCY] = 5;
	return http_judge(plan, r, a, why);
}

static enum outcome
verdict(const struct plan *plan, const uint8_t *bytes, size_t size, size_t piece)
{
	struct reply r = { .bytes = malloc(size + 1) };
	struct answer a;
	char why[MSG_TEXT] = "";
	enum judgement j = JUDGE_MORE;
	enum outcome o = OUTCOME_BAD;
	if (r.bytes == NULL)
		exit(1);
	for (size_t at = 0; at < size && j == JUDGE_MORE;) {
		size_t n = piece < size - at ? piece : size - at;
		memcpy(r.bytes + r.size, bytes + at, n);
		r.size += n;
		at += n;
		j = judge(plan, &r, &a, why);
	}
	r.ended = true;
	if (j == JUDGE_MORE)
		j = judge(plan, &r, &a, why);
	PROMISE(j == JUDGE_GOOD || j == JUDGE_BAD || j == JUDGE_REDIRECT);
	if (j == JUDGE_REDIRECT) { /* what would be asked there */
		char request[4096];
		struct asked asked = { .plan = plan, .hop = r.hop };
		PROMISE(r.hop != NULL && r.hop->port != 0);
		PROMISE(http_ask(&asked, request, sizeof request) <= sizeof request);
		free(r.bytes);
		return OUTCOME_UNKNOWN;
	}
	if (j == JUDGE_GOOD && expect_all(plan, &a, false, why))
		o = expect_warns(plan, &a, why) ? OUTCOME_WARN : OUTCOME_GOOD;
	PROMISE((o == OUTCOME_GOOD) == (why[0] == '\0'));
	PROMISE(memchr(why, '\0', sizeof why) != NULL);
	free(r.bytes);
	return o;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const uint8_t *end = memmem(bytes, size, "\n\n", 2);
	if (end == NULL)
		return 0;
	size_t lines = (size_t)(end - bytes) + 1, rest = size - lines - 1;
	struct rules *rules = section_parse(CHECK, bytes, lines);
	uint32_t id = rules != NULL ? rules_find(rules, OBJECT_CHECK, "c") : RULES_NONE;
	struct plan plan;
	if (id != RULES_NONE && rules->checks[id].kind == CHECK_HTTP) {
		char request[PLAN_REQUEST];
		PROMISE(plan_make(&plan, rules, id));
		struct asked asked = { .plan = &plan, .unique = 1 };
		PROMISE(http_ask(&asked, request, sizeof request) < sizeof request);
		enum outcome whole = verdict(&plan, bytes + lines + 1, rest, rest);
		PROMISE(whole == verdict(&plan, bytes + lines + 1, rest, 1));
		PROMISE(whole == verdict(&plan, bytes + lines + 1, rest, 13));
		plan_free(&plan);
	}
	rules_free(&rules);
	return 0;
}
