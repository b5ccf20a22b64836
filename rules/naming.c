/* Which objects there are: sections, and services and what follows them in instances; each with a
 * name, before any key is read. */
#include "rules/build.h"

#include "base/text.h"
#include "rules/units.h"

#include <string.h>

#define INSTANCES_MAX 1000

const struct entry *
build_entry(const struct section *s, const char *key)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->entries[i].key, key) == 0)
			return &s->entries[i];
	return NULL;
}

/* Which sections are made once for each instance: a service by `instances`, a check by its
 * `of`, a rule by a family that its condition names. */
static void
find_instances(struct build *b, struct section *s)
{
	const struct entry *e;
	uint64_t first, last;
	char why[UNITS_WHY], word[32];
	if (s->kind == OBJECT_SERVICE && (e = build_entry(s, "instances")) != NULL) {
		const char *dots = strstr(e->value, "..");
		text_print(word, sizeof word, "%.*s",
			   dots != NULL ? (int)(dots - e->value) : 0, e->value);
		if (dots == NULL || !units_count(word, 1, 100000, &first, why) ||
		    !units_count(dots + 2, 1, 100000, &last, why) || last < first ||
		    last - first >= INSTANCES_MAX) {
			build_error(b, e->place,
				    "instances: expected FIRST..LAST, as 1..3");
			return;
		}
		s->expanded = true;
		s->first = (uint32_t)first;
		s->last = (uint32_t)last;
	}
}

static const struct section *
family_of(struct build *b, const char *name, size_t length)
{
	char word[RULES_NAME_MAX + 1];
	if (length == 0 || length > RULES_NAME_MAX)
		return NULL;
	text_print(word, sizeof word, "%.*s", (int)length, name);
	const struct name_row *row = build_lookup(b, word, OBJECT_SERVICE);
	if (row == NULL)
		row = build_lookup(b, word, OBJECT_CHECK);
	return row != NULL && row->family ? &b->sections[row->id] : NULL;
}

static void
inherit_instances(struct build *b, struct section *s)
{
	const struct section *family = NULL;
	const struct entry *e = build_entry(s, s->kind == OBJECT_CHECK ? "of" : "when");
	if (e == NULL)
		return;
	if (s->kind == OBJECT_CHECK)
		family = family_of(b, e->value, strlen(e->value));
	for (const char *p = e->value;
	     s->kind == OBJECT_RULE && family == NULL && *p != '\0';) {
		size_t n = strcspn(p, " \t()<>=!~\"");
		const char *dot = memrchr(p, '.', n);
		if (dot != NULL)
			family = family_of(b, p, (size_t)(dot - p));
		p += n;
		p += strspn(p, " \t()<>=!~\"");
	}
	if (family != NULL) {
		s->expanded = true;
		s->first = family->first;
		s->last = family->last;
	}
}

/* services, checks, rules and routes share one set of names; chains and contacts have own */
static const enum object_kind shared[] = { OBJECT_SERVICE, OBJECT_CHECK, OBJECT_RULE, OBJECT_ROUTE };

static bool
taken(struct build *b, const struct section *s, const char *name)
{
	bool in_shared = s->kind != OBJECT_CHAIN && s->kind != OBJECT_CONTACT;
	for (size_t i = 0; i < sizeof shared / sizeof *shared + 1; i++) {
		enum object_kind kind = i == 0 ? s->kind : shared[i - 1];
		if ((i == 0 || in_shared) && build_lookup(b, name, kind) != NULL) {
			build_error(b, s->place,
				    kind == s->kind
					    ? "[%s %s] stands twice"
					    : "[%s %s]: another section has this name",
				    object_kind_name[s->kind], name);
			return true;
		}
	}
	return false;
}

/* Names the objects of a section and counts them; ids are given in order. */
static void
name_section(struct build *b, size_t index, uint32_t *count)
{
	struct section *s = &b->sections[index];
	s->id = *count;
	if (s->kind == OBJECT_MONITORD)
		return;
	if (taken(b, s, s->name)) {
		s->kind = OBJECT_KINDS; /* left out */
		return;
	}
	build_register(b, s->name, s->kind, s->expanded ? (uint32_t)index : *count,
		       s->expanded);
	*count += s->expanded ? s->last - s->first + 1 : 1;
	for (uint32_t i = s->first; s->expanded && i <= s->last; i++) {
		char name[RULES_NAME_MAX + 16];
		size_t n = text_print(name, sizeof name, "%s-%u", s->name, i);
		if (n > RULES_NAME_MAX && i == s->last)
			build_error(
				b, s->place,
				"[%s %s]: with its number the name is longer than %d bytes",
				object_kind_name[s->kind], s->name, RULES_NAME_MAX);
		if (!taken(b, s, name))
			build_register(b, build_text(b, name, n), s->kind,
				       s->id + i - s->first, false);
	}
}

void
build_names(struct build *b, uint32_t count[OBJECT_KINDS + 1])
{
	static const enum object_kind order[] = { OBJECT_SERVICE, OBJECT_CHECK,
						  OBJECT_RULE,    OBJECT_ROUTE,
						  OBJECT_CHAIN,   OBJECT_CONTACT };
	for (size_t i = 0; i < b->section_count; i++)
		find_instances(b, &b->sections[i]);
	for (size_t o = 0; o < sizeof order / sizeof *order; o++)
		for (size_t i = 0; i < b->section_count; i++) {
			if (b->sections[i].kind != order[o])
				continue;
			if (order[o] == OBJECT_CHECK || order[o] == OBJECT_RULE)
				inherit_instances(b, &b->sections[i]);
			name_section(b, i, &count[order[o]]);
		}
}
