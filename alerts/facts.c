/* What the rules know beside the spool's lines: who needs what is wrong, and the chain. */
#include "alerts/alerts.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct node {
	enum object_kind kind;
	uint32_t id;
};

/* The object of that name, and what it is of. */
static bool
find(const struct rules *r, const char *name, struct node *own, struct node *owner)
{
	static const enum object_kind kinds[] = { OBJECT_SERVICE, OBJECT_CHECK,
						  OBJECT_ROUTE, OBJECT_RULE };
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		own->kind = kinds[i];
		own->id = rules_find(r, kinds[i], name);
		if (own->id == RULES_NONE)
			continue;
		*owner = *own;
		if (own->kind == OBJECT_CHECK && r->checks[own->id].of != RULES_NONE)
			*owner = (struct node){ OBJECT_SERVICE, r->checks[own->id].of };
		return true;
	}
	return false;
}

static bool
is_member(const struct job *j, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(j->members[i].name, name) == 0)
			return true;
	return false;
}

static void
add_member(struct job *j, size_t *count, size_t cap, const char *name, enum mark mark)
{
	if (*count == cap || is_member(j, *count, name))
		return;
	j->members[*count].mark = mark;
	text_print(j->members[(*count)++].name, sizeof j->members->name, "%s", name);
}

/* Of the paths that have what is wrong: those left of it need it; the first of them is drawn.
 * False: it is on none. */
static bool
fill_chain(const struct rules *r, const struct chain *c, struct node root, struct letter *l, struct job *j,
	   size_t *count, size_t cap)
{
	bool drawn = false;
	for (uint32_t p = 0, first = 0; p < c->path_count; first = c->path_ends[p++]) {
		uint32_t at = first;
		while (at < c->path_ends[p] &&
		       (c->links[at].kind != root.kind || c->links[at].id != root.id))
			at++;
		if (at == c->path_ends[p])
			continue;
		for (uint32_t k = first; k < c->path_ends[p]; k++) {
			const char *name =
				rules_name(r, c->links[k].kind, c->links[k].id);
			enum mark mark = l->phase == PHASE_CLOSE ? MARK_WELL
					 : k == at               ? MARK_ROOT
					 : is_member(j, l->member_count, name)
						 ? MARK_WRONG
					 : k < at ? MARK_AFFECTED
						  : MARK_UNKNOWN;
			if (k < at)
				add_member(j, count, cap, name, MARK_AFFECTED);
			/* a picture has room for so many: of a longer path what is next to the root */
			uint32_t from = c->path_ends[p] - first > LETTER_CHAIN &&
							at - first > LETTER_CHAIN / 2
						? at - LETTER_CHAIN / 2
						: first;
			if (drawn || k < from || l->chain_count == LETTER_CHAIN)
				continue;
			text_print(l->chain[l->chain_count].name, JOURNAL_NAME, "%s",
				   name);
			l->chain[l->chain_count++].mark = mark;
		}
		drawn = true;
	}
	return drawn;
}

/* Who depends on the root, and on those, as long as there is room. */
static void
add_dependants(const struct rules *r, struct node root, struct job *j, size_t *count, size_t cap)
{
	bool more = true;
	while (more) {
		size_t before = *count;
		for (uint32_t i = 0; i < r->service_count; i++) {
			const struct service *s = &r->services[i];
			bool needs = false;
			for (uint32_t k = 0; k < s->depends_services.count; k++) {
				uint32_t id = s->depends_services.ids[k];
				needs = needs ||
					(root.kind == OBJECT_SERVICE && root.id == id) ||
					is_member(j, *count, r->services[id].name);
			}
			for (uint32_t k = 0; k < s->depends_checks.count; k++)
				needs = needs || (root.kind == OBJECT_CHECK &&
						  root.id == s->depends_checks.ids[k]);
			if (needs)
				add_member(j, count, cap, s->name, MARK_AFFECTED);
		}
		more = *count > before;
	}
}

/* A check whose service is named anyhow is not named beside it. Services stay: each finds
 * its own. Returns how many are left. */
static size_t
drop_checks(const struct rules *r, struct job *j, size_t count)
{
	size_t left = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t id = rules_find(r, OBJECT_CHECK, j->members[i].name);
		uint32_t of = id != RULES_NONE ? r->checks[id].of : RULES_NONE;
		if (of == RULES_NONE || j->members[i].mark == MARK_ROOT ||
		    !is_member(j, count, r->services[of].name))
			j->members[left++] = j->members[i];
	}
	return left;
}

void
facts_fill(const struct alerts *a, const struct spool_alert *alert, struct job *j, struct letter *l)
{
	const struct rules *r = a->rules;
	size_t cap = (size_t)r->service_count + r->check_count + r->route_count +
		     r->rule_count + 1;
	struct node own, owner;
	j->members = calloc(cap, sizeof *j->members);
	if (j->members == NULL)
		return;
	size_t count = spool_members(a->spool, alert, j->members, cap);
	l->members = j->members;
	l->member_count = count;
	if (!find(r, l->about.object, &own, &owner))
		return;
	bool there = false;
	for (uint32_t c = 0; c < r->chain_count && !there; c++)
		there = fill_chain(r, &r->chains[c], own, l, j, &count, cap) ||
			fill_chain(r, &r->chains[c], owner, l, j, &count, cap);
	add_dependants(r, owner, j, &count, cap);
	const char *name = rules_name(r, owner.kind, owner.id);
	/* the root, and the checks of it, are not affected by it */
	for (size_t i = 0; i < count; i++)
		for (uint32_t k = 0; k < r->check_count; k++)
			if (strcmp(j->members[i].name, l->about.object) == 0 ||
			    strcmp(j->members[i].name, name) == 0 ||
			    (owner.kind == OBJECT_SERVICE &&
			     r->checks[k].of == owner.id &&
			     strcmp(r->checks[k].name, j->members[i].name) == 0))
				j->members[i].mark = MARK_ROOT;
	l->member_count = drop_checks(r, j, count);
}
