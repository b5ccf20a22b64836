/* Keys of [chain]: the paths of its members. */
#include "rules/keys.h"

#include <string.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)
#define MEMBERS_MOST 64

struct path {
	struct chain_link links[MEMBERS_MOST];
	uint32_t count;
};

/* Of that kind: an object, or all instances of a service. False: there are too many. */
static bool
add_member(struct build *b, struct path *p, enum object_kind kind, const char *word)
{
	struct id_range r = build_resolve_all(b, word, kind);
	if (r.count > MEMBERS_MOST - p->count) {
		error(b, "path: more than %d members, at '%s'", MEMBERS_MOST, word);
		return false;
	}
	for (uint32_t k = 0; r.count > 0 && k < p->count; k++)
		if (p->links[k].kind == kind && p->links[k].id == r.first)
			error(b, "path: '%s' stands twice", word);
	for (uint32_t k = 0; k < r.count; k++)
		p->links[p->count++] = (struct chain_link){ kind, r.first + k };
	return true;
}

/* Of the first kind that has an object of that name. */
static bool
add_members(struct build *b, struct path *p, const char *word)
{
	static const enum object_kind kinds[] = { OBJECT_SERVICE, OBJECT_CHECK,
						  OBJECT_ROUTE };
	char hint[96];
	bool found = false;
	for (size_t i = 0; !found && i < sizeof kinds / sizeof *kinds; i++) {
		found = build_lookup(b, word, kinds[i]) != NULL;
		if (found && !add_member(b, p, kinds[i], word))
			return false;
	}
	if (!found)
		error(b, "path: no service, check or route '%s'%s", word,
		      build_nearest(b, word, OBJECT_KINDS, hint, sizeof hint));
	return true;
}

static void
append(struct build *b, struct chain *c, const struct path *p)
{
	struct chain_link *all =
		build_get(b, (c->link_count + p->count + 1) * sizeof *all);
	uint32_t *ends = build_get(b, (c->path_count + 1) * sizeof *ends);
	if (b->out_of_memory)
		return;
	if (c->link_count > 0)
		memcpy(all, c->links, c->link_count * sizeof *all);
	memcpy(all + c->link_count, p->links, p->count * sizeof *all);
	if (c->path_count > 0)
		memcpy(ends, c->path_ends, c->path_count * sizeof *ends);
	c->link_count += p->count;
	ends[c->path_count++] = c->link_count;
	c->links = all;
	c->path_ends = ends;
}

void
set_path(struct build *b, void *object, const struct entry *e)
{
	struct path path = { .count = 0 };
	char word[RULES_NAME_MAX + 1];
	const char *p = e->value;
	bool ends_open = false;
	for (bool arrow = false; lex_next(b, &p, word, sizeof word); arrow = !arrow) {
		ends_open = arrow && strcmp(word, "->") == 0;
		if (arrow && !ends_open)
			error(b, "path: expected '->' before '%s'", word);
		if (!arrow && !add_members(b, &path, word))
			return;
	}
	if (ends_open)
		error(b, "path: a member is missing behind '->'");
	append(b, object, &path);
}
