/* Keys of [chain]: the paths of its members. */
#include "rules/keys.h"

#include <string.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)
#define MEMBERS_MOST 64
#define WAYS_MOST 1024

/* One instance of each family is a way through it: instances do not need one another. */
struct path {
	struct member { enum object_kind kind; struct id_range range; } members[MEMBERS_MOST];
	uint32_t count, ways;
};

/* Of that kind: an object, or all instances of a service. False: there are too many. */
static bool
add_member(struct build *b, struct path *p, enum object_kind kind, const char *word)
{
	struct id_range r = build_resolve_all(b, word, kind);
	if (p->count == MEMBERS_MOST) {
		error(b, "path: more than %d members, at '%s'", MEMBERS_MOST, word);
		return false;
	}
	if (r.count > WAYS_MOST / p->ways) {
		error(b, "path: more than %d ways through instances, at '%s'", WAYS_MOST,
		      word);
		return false;
	}
	if (r.count == 0)
		return true;
	for (uint32_t k = 0; k < p->count; k++) {
		struct id_range other = p->members[k].range;
		if (p->members[k].kind == kind && r.first < other.first + other.count &&
		    other.first < r.first + r.count)
			error(b, "path: '%s' stands twice", word);
	}
	p->members[p->count++] = (struct member){ kind, r };
	p->ways *= r.count;
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
	uint32_t link_count = c->link_count + p->ways * p->count,
		 path_count = c->path_count + p->ways;
	struct chain_link *links = build_get(b, (link_count + 1) * sizeof *links);
	uint32_t *ends = build_get(b, (path_count + 1) * sizeof *ends);
	if (b->out_of_memory)
		return;
	if (c->link_count > 0)
		memcpy(links, c->links, c->link_count * sizeof *links);
	if (c->path_count > 0)
		memcpy(ends, c->path_ends, c->path_count * sizeof *ends);
	for (uint32_t way = 0; way < p->ways; way++) {
		uint32_t rest = way;
		for (uint32_t k = p->count; k-- > 0;) {
			const struct member *m = &p->members[k];
			links[c->link_count + k] = (struct chain_link){
				m->kind, m->range.first + rest % m->range.count
			};
			rest /= m->range.count;
		}
		c->link_count += p->count;
		ends[c->path_count++] = c->link_count;
	}
	c->links = links;
	c->path_ends = ends;
}

void
set_path(struct build *b, void *object, const struct entry *e)
{
	struct path path = { .ways = 1 };
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
