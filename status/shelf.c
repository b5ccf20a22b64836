#include "status/shelf.h"

#include "status/objects.h"

#include <stdlib.h>
#include <string.h>

struct kept {
	char *bytes; /* NULL: to be rendered */
	uint32_t size;
	struct json_hole hole;
};

static void
empty(struct shelf *s)
{
	for (unsigned k = 0; k < OBJECT_KINDS; k++) {
		for (uint32_t i = 0; i < s->counts[k]; i++)
			free(s->texts[k][i].bytes);
		free(s->texts[k]);
		s->texts[k] = NULL;
		s->counts[k] = 0;
	}
}

void
shelf_load(struct shelf *s, const struct rules *rules)
{
	static const enum object_kind kinds[] = { OBJECT_SERVICE, OBJECT_CHECK,
						  OBJECT_ROUTE, OBJECT_RULE,
						  OBJECT_CHAIN };
	empty(s);
	free(json_end(&s->scratch, NULL));
	s->version++;
	for (unsigned i = 0; rules != NULL && i < sizeof kinds / sizeof *kinds; i++) {
		uint32_t count = rules_count(rules, kinds[i]);
		s->texts[kinds[i]] = calloc(count + 1, sizeof(struct kept));
		s->counts[kinds[i]] = s->texts[kinds[i]] != NULL ? count : 0;
	}
}

static void
forget(struct shelf *s, enum object_kind kind, uint32_t id)
{
	if (id >= s->counts[kind] || s->texts[kind][id].bytes == NULL)
		return;
	free(s->texts[kind][id].bytes);
	s->texts[kind][id].bytes = NULL;
}

void
shelf_forget(struct shelf *s, const struct store *store, enum object_kind kind,
	     uint32_t id)
{
	s->version++;
	forget(s, kind, id);
	if (kind != OBJECT_CHECK || store->rules == NULL ||
	    id >= store->rules->check_count)
		return;
	const struct id_list *routes =
		&store->rules->checks[id].more->routes; /* they tell its state */
	for (uint32_t i = 0; i < routes->count; i++)
		forget(s, OBJECT_ROUTE, routes->ids[i]);
}

/* Into as much memory as it takes, no more. False: there is none. */
static bool
render(struct json *scratch, const struct store *store, enum object_kind kind, uint32_t id,
       struct kept *k)
{
	json_again(scratch);
	scratch->keep_hole = true;
	object_json(store, kind, id, scratch);
	k->hole = scratch->hole;
	k->size = (uint32_t)scratch->length;
	k->bytes = scratch->failed ? NULL : malloc(scratch->length);
	if (k->bytes != NULL)
		memcpy(k->bytes, scratch->bytes, scratch->length);
	return k->bytes != NULL;
}

void
shelf_write(struct shelf *s, const struct store *store, enum object_kind kind,
	    uint32_t id, struct json *j)
{
	struct kept *k = id < s->counts[kind] ? &s->texts[kind][id] : NULL;
	if (k != NULL && (k->bytes != NULL || render(&s->scratch, store, kind, id, k)))
		json_kept(j, k->bytes, k->size, &k->hole);
	else
		object_json(store, kind, id, j);
}
