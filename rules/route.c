/* Keys of [route] beside those that name its driver and backends (driver.c). */
#include "rules/keys.h"
#include "rules/units.h"

#include <string.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)

void
set_active(struct build *b, void *object, const struct entry *e)
{
	struct route *r = object;
	r->all = strcmp(e->value, "all") == 0;
	if (!r->all && strcmp(e->value, "1") != 0)
		error(b, "active: expected 1 or all, not '%.40s'", e->value);
}

void
set_keep(struct build *b, void *object, const struct entry *e)
{
	struct route *r = object;
	char why[UNITS_WHY];
	uint64_t n;
	if (!units_count(e->value, 1, RULES_BACKENDS_MAX, &n, why))
		error(b, "keep: %s", why);
	else
		r->keep = (uint32_t)n;
}

void
set_verify(struct build *b, void *object, const struct entry *e)
{
	struct route *r = object;
	char word[RULES_NAME_MAX + 1], why[UNITS_WHY];
	const char *p = e->value;
	lex_next(b, &p, word, sizeof word);
	r->verify = build_resolve(b, word, OBJECT_CHECK);
	if (lex_next(b, &p, word, sizeof word) &&
	    (strcmp(word, "within") != 0 || !lex_next(b, &p, word, sizeof word) ||
	     !units_duration(word, &r->verify_ms, why) || r->verify_ms == 0))
		error(b, "verify: expected CHECK within T");
	else
		lex_end(b, p);
}

void
set_return(struct build *b, void *object, const struct entry *e)
{
	struct route *r = object;
	char word[32], why[UNITS_WHY];
	const char *p = e->value;
	lex_next(b, &p, word, sizeof word);
	if (strcmp(word, "manual") == 0) {
		r->return_ms = -1;
	} else if (strcmp(word, "after") != 0 || !lex_next(b, &p, word, sizeof word)) {
		error(b, "return: expected 'after T' or 'manual'");
		return;
	} else if (!units_duration(word, &r->return_ms, why)) {
		error(b, "return: %s", why);
		return;
	}
	lex_end(b, p);
}

void
set_flap(struct build *b, void *object, const struct entry *e)
{
	struct route *r = object;
	const char *p = e->value;
	if (build_times(b, &p, &r->flap_count, &r->flap_ms))
		lex_end(b, p);
}
