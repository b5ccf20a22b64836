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

const struct name_row *
names_find(const struct name_row *names, size_t cap, const char *name, enum object_kind kind)
{
	if (cap == 0)
		return NULL;
	for (size_t i = text_hash(name) & (cap - 1); names[i].name != NULL; i = (i + 1) & (cap - 1))
		if (names[i].kind == kind && strcmp(names[i].name, name) == 0)
			return &names[i];
	return NULL;
}

uint32_t
rules_find(const struct rules *rules, enum object_kind kind, const char *name)
{
	const struct rules_private *p = (const struct rules_private *)rules; /* its first member */
	const struct name_row *row = names_find(p->names, p->name_cap, name, kind);
	return row != NULL && !row->family ? row->id : RULES_NONE;
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
		own = &rules->checks[id].alert;
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
				 : kind == OBJECT_CHECK ? &rules->checks[id].during
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
