#include "rules/rules.h"

#include "base/text.h"
#include "rules/private.h"

#include <assert.h>
#include <string.h>

const char *const object_kind_name[OBJECT_KINDS] = {
	[OBJECT_MONITORD] = "monitord", [OBJECT_SERVICE] = "service", [OBJECT_CHECK] = "check",
	[OBJECT_RULE] = "rule",		[OBJECT_ROUTE] = "route",     [OBJECT_CHAIN] = "chain",
	[OBJECT_CONTACT] = "contact",
};

/* A place of the table: 0, or the kind and the id. */
#define NAME_BITS 29
#define NAME_ID ((UINT32_C(1) << NAME_BITS) - 1)

void
names_put(uint32_t *names, size_t cap, const struct name_row *row)
{
	size_t i = text_hash(row->name) & (cap - 1);
	assert(row->id < NAME_ID);
	while (names[i] != 0)
		i = (i + 1) & (cap - 1);
	names[i] = (uint32_t)row->kind << NAME_BITS | (row->id + 1);
}

uint32_t
rules_find(const struct rules *rules, enum object_kind kind, const char *name)
{
	/* its first member */
	const struct rules_private *p = (const struct rules_private *)rules;
	size_t cap = p->name_cap;
	for (size_t i = text_hash(name) & (cap - 1); p->names[i] != 0;
	     i = (i + 1) & (cap - 1)) {
		uint32_t id = (p->names[i] & NAME_ID) - 1;
		if (p->names[i] >> NAME_BITS == (uint32_t)kind &&
		    strcmp(rules_name(rules, kind, id), name) == 0)
			return id;
	}
	return RULES_NONE;
}

uint32_t
rules_rule(const struct rules *r, const char *name)
{
	uint32_t id = rules_find(r, OBJECT_RULE, name);
	uint32_t check =
		id == RULES_NONE ? rules_find(r, OBJECT_CHECK, name) : RULES_NONE;
	return check != RULES_NONE ? r->checks[check].rule : id;
}

char *
rules_counts(const struct rules *rules, char *out, size_t cap)
{
	static const enum object_kind kinds[] = { OBJECT_SERVICE, OBJECT_CHECK,
						  OBJECT_RULE, OBJECT_ROUTE };
	char count[64];
	struct text t;
	text_begin(&t, out, cap);
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		text_add(&t, "%s%s", i > 0 ? ", " : "",
			 text_count(rules_count(rules, kinds[i]),
				    object_kind_name[kinds[i]], count, sizeof count));
	return out;
}

uint32_t
rules_count(const struct rules *rules, enum object_kind kind)
{
	switch (kind) {
	case OBJECT_SERVICE:
		return rules->service_count;
	case OBJECT_CHECK:
		return rules->check_count;
	case OBJECT_RULE:
		return rules->rule_count;
	case OBJECT_ROUTE:
		return rules->route_count;
	case OBJECT_CHAIN:
		return rules->chain_count;
	case OBJECT_CONTACT:
		return rules->contact_count;
	case OBJECT_MONITORD:
	case OBJECT_KINDS:
		break;
	}
	return 0;
}

const char *
rules_name(const struct rules *rules, enum object_kind kind, uint32_t id)
{
	if (id >= rules_count(rules, kind))
		return kind == OBJECT_MONITORD ? "monitord" : "";
	switch (kind) {
	case OBJECT_SERVICE:
		return rules->services[id].name;
	case OBJECT_CHECK:
		return rules->checks[id].name;
	case OBJECT_RULE:
		return rules->rules[id].name;
	case OBJECT_ROUTE:
		return rules->routes[id].name;
	case OBJECT_CHAIN:
		return rules->chains[id].name;
	case OBJECT_CONTACT:
		return rules->contacts[id].name;
	case OBJECT_MONITORD:
	case OBJECT_KINDS:
		break;
	}
	return "";
}

struct place
check_place(const struct rules *rules, const struct check *c)
{
	return (struct place){ rules->files[c->file], c->line };
}

const struct expect *
check_warns(const struct check *c)
{
	return c->warn_count > 0 ? c->expects + c->expect_count : NULL;
}

int64_t
rules_every_ms(const struct rules *rules, enum object_kind kind, uint32_t id)
{
	return kind == OBJECT_SERVICE ? rules->services[id].every_ms
	       : kind == OBJECT_CHECK ? rules->checks[id].every_ms
				      : 0;
}

/* The alert of the first chain that the object stands in. */
static const struct alerts_to *
chain_alerts(const struct rules *rules, enum object_kind kind, uint32_t id)
{
	for (uint32_t c = 0; c < rules->chain_count; c++) {
		const struct chain *chain = &rules->chains[c];
		for (uint32_t i = 0; chain->alert.set && i < chain->link_count; i++)
			if (chain->links[i].kind == kind && chain->links[i].id == id)
				return &chain->alert;
	}
	return NULL;
}

const struct alerts_to *
rules_alerts(const struct rules *rules, enum object_kind kind, uint32_t id)
{
	const struct alerts_to *own = NULL, *chain;
	assert(id < rules_count(rules, kind) || kind == OBJECT_MONITORD);
	switch (kind) {
	case OBJECT_SERVICE:
		own = &rules->services[id].alert;
		break;
	case OBJECT_CHECK:
		own = &rules->checks[id].more->alert;
		break;
	case OBJECT_RULE:
		own = &rules->rules[id].alert;
		break;
	case OBJECT_ROUTE:
		own = &rules->routes[id].alert;
		break;
	case OBJECT_CHAIN:
		own = &rules->chains[id].alert;
		break;
	case OBJECT_MONITORD:
	case OBJECT_CONTACT:
	case OBJECT_KINDS:
		break;
	}
	if (own != NULL && own->set)
		return own;
	if (kind == OBJECT_CHECK && rules->checks[id].of != RULES_NONE)
		return rules_alerts(rules, OBJECT_SERVICE, rules->checks[id].of);
	chain = chain_alerts(rules, kind, id);
	return chain != NULL ? chain : &rules->settings.alert;
}

const struct during *
rules_during(const struct rules *rules, enum object_kind kind, uint32_t id)
{
	const struct during *d = kind == OBJECT_SERVICE ? &rules->services[id].during
				 : kind == OBJECT_CHECK ? &rules->checks[id].more->during
				 : kind == OBJECT_ROUTE ? &rules->routes[id].during
							: NULL;
	if (d != NULL && d->count > 0)
		return d;
	if (kind == OBJECT_CHECK && rules->checks[id].of != RULES_NONE)
		return rules_during(rules, OBJECT_SERVICE, rules->checks[id].of);
	return NULL;
}

void
rules_free(struct rules **rp)
{
	if (*rp != NULL) {
		struct arena *arena = ((struct rules_private *)*rp)->arena;
		arena_free(&arena);
	}
	*rp = NULL;
}
