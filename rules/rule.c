/* Keys of [rule]. */
#include "rules/keys.h"
#include "rules/units.h"

#include <string.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)

bool
build_times(struct build *b, const char **p, uint32_t *count, int64_t *ms)
{
	char word[64], why[UNITS_WHY];
	uint64_t n;
	lex_next(b, p, word, sizeof word);
	if (!units_count(word, 1, TIMES_IN_MAX, &n, why)) {
		error(b, "%s: %s", b->entry->key, why);
		return false;
	}
	if (!lex_next(b, p, word, sizeof word) || strcmp(word, "in") != 0 ||
	    !lex_next(b, p, word, sizeof word) || !units_duration(word, ms, why) ||
	    *ms == 0) {
		error(b, "%s: expected N in T, as 3 in 10m", b->entry->key);
		return false;
	}
	*count = (uint32_t)n;
	return true;
}

void
set_when(struct build *b, void *object, const struct entry *e)
{
	build_condition(b, e->value, &((struct rule *)object)->when);
}

void
set_clear(struct build *b, void *object, const struct entry *e)
{
	build_condition(b, e->value, &((struct rule *)object)->clear);
}

void
set_do(struct build *b, void *object, const struct entry *e)
{
	struct rule *r = object;
	build_actions(b, e->value, RULES_NONE, &r->actions, &r->action_count);
}

void
set_escalate(struct build *b, void *object, const struct entry *e)
{
	struct rule *r = object;
	char word[8];
	const char *p = e->value;
	if (!build_times(b, &p, &r->escalate_need, &r->escalate_ms))
		return;
	if (!lex_next(b, &p, word, sizeof word) || strcmp(word, "->") != 0) {
		error(b, "escalate: expected N in T -> actions");
		return;
	}
	lex_skip(&p);
	build_actions(b, p, RULES_NONE, &r->escalate, &r->escalate_count);
}

void
set_mode(struct build *b, void *object, const struct entry *e)
{
	struct rule *r = object;
	r->dry_run = strcmp(e->value, "dry-run") == 0;
	if (!r->dry_run && strcmp(e->value, "act") != 0)
		error(b, "mode: expected act or dry-run, not '%.40s'", e->value);
}
