/* The parser's tools: problems, memory, names. */
#include "rules/build.h"

#include "base/text.h"
#include "rules/keys.h"
#include "rules/private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_problem(struct build *b, struct place place, bool warning, const char *format,
			va_list args) __attribute__((format(printf, 4, 0)));

static void
add_problem(struct build *b, struct place place, bool warning, const char *format, va_list args)
{
	struct problems *p = b->problems;
	if (!warning)
		p->errors++;
	if (p->count >= PROBLEMS_MAX)
		return;
	struct problem *list = reallocarray(p->list, p->count + 1, sizeof *list);
	char *file = strdup(place.file != NULL ? place.file : "");
	if (list != NULL)
		p->list = list;
	if (list == NULL || file == NULL) {
		free(file);
		b->out_of_memory = true;
		return;
	}
	struct problem *new = &list[p->count++];
	char text[600];
	*new = (struct problem){ .file = file, .line = place.line, .warning = warning };
	vsnprintf(text, sizeof text, format, args);
	text_clean(new->text, sizeof new->text, text, strlen(text));
}

void
build_error(struct build *b, struct place place, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add_problem(b, place, false, format, args);
	va_end(args);
}

void
build_warning(struct build *b, struct place place, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	add_problem(b, place, true, format, args);
	va_end(args);
}

void *
build_get(struct build *b, size_t size)
{
	static _Alignas(16) char spare[4096];
	void *p = arena_get(b->arena, size);
	if (p != NULL)
		return p;
	b->out_of_memory = true;
	memset(spare, 0, sizeof spare);
	return size <= sizeof spare ? spare : NULL;
}

char *
build_text(struct build *b, const char *text, size_t length)
{
	static char spare[1];
	char *p = arena_text(b->arena, text, length);
	if (p != NULL)
		return p;
	b->out_of_memory = true;
	spare[0] = '\0';
	return spare;
}

static bool
grow_texts(struct build *b)
{
	size_t cap = b->text_cap == 0 ? 1024 : 2 * b->text_cap;
	const char **texts = calloc(cap, sizeof *texts);
	if (texts == NULL)
		return false;
	for (size_t i = 0; i < b->text_cap; i++)
		if (b->texts[i] != NULL) {
			size_t k = text_hash(b->texts[i]) & (cap - 1);
			while (texts[k] != NULL)
				k = (k + 1) & (cap - 1);
			texts[k] = b->texts[i];
		}
	free(b->texts);
	b->texts = texts;
	b->text_cap = cap;
	return true;
}

const char *
build_same(struct build *b, const char *text, size_t length)
{
	char word[256];
	if (length >= sizeof word ||
	    (2 * (b->text_used + 1) > b->text_cap && !grow_texts(b)))
		return build_text(b, text, length);
	text_print(word, sizeof word, "%.*s", (int)length, text);
	size_t i = text_hash(word) & (b->text_cap - 1);
	while (b->texts[i] != NULL && strcmp(b->texts[i], word) != 0)
		i = (i + 1) & (b->text_cap - 1);
	if (b->texts[i] != NULL)
		return b->texts[i];
	const char *new = build_text(b, text, length);
	if (!b->out_of_memory) {
		b->texts[i] = new;
		b->text_used++;
	}
	return new;
}

static bool
grow(struct build *b)
{
	size_t cap = b->name_cap == 0 ? 256 : 2 * b->name_cap;
	struct name_row *names = calloc(cap, sizeof *names);
	if (names == NULL) {
		b->out_of_memory = true;
		return false;
	}
	for (size_t i = 0; i < b->name_cap; i++)
		if (b->names[i].name != NULL) {
			size_t k = text_hash(b->names[i].name) & (cap - 1);
			while (names[k].name != NULL)
				k = (k + 1) & (cap - 1);
			names[k] = b->names[i];
		}
	free(b->names);
	b->names = names;
	b->name_cap = cap;
	return true;
}

bool
build_register(struct build *b, const char *name, enum object_kind kind, uint32_t id, bool family)
{
	if (2 * (b->name_used + 1) > b->name_cap && !grow(b))
		return false;
	size_t i = text_hash(name) & (b->name_cap - 1);
	while (b->names[i].name != NULL)
		i = (i + 1) & (b->name_cap - 1);
	b->names[i] = (struct name_row){
		.name = name, .kind = kind, .id = id, .family = family
	};
	b->name_used++;
	return true;
}

const struct name_row *
build_lookup(const struct build *b, const char *name, enum object_kind kind)
{
	if (b->name_cap == 0)
		return NULL;
	for (size_t i = text_hash(name) & (b->name_cap - 1); b->names[i].name != NULL;
	     i = (i + 1) & (b->name_cap - 1))
		if (b->names[i].kind == kind && strcmp(b->names[i].name, name) == 0)
			return &b->names[i];
	return NULL;
}

const char *
build_nearest(const struct build *b, const char *name, enum object_kind kind, char *out, size_t cap)
{
	struct text_nearest nearest = { .word = name,
					.distance = strlen(name) < 4 ? 2 : 4 };
	for (size_t i = 0; i < b->name_cap; i++) {
		const struct name_row *row = &b->names[i];
		bool fits = row->name != NULL &&
			    (kind == OBJECT_KINDS ? row->kind != OBJECT_CONTACT &&
							    row->kind != OBJECT_CHAIN
						  : row->kind == kind);
		if (fits)
			text_nearer(&nearest, row->name);
	}
	return text_hint(&nearest, out, cap);
}

static const struct name_row *
found(struct build *b, const char *name, enum object_kind kind)
{
	const struct name_row *row = build_lookup(b, name, kind), *other = NULL;
	char hint[96];
	for (unsigned k = 0; row == NULL && other == NULL && k < OBJECT_KINDS; k++)
		other = build_lookup(b, name, (enum object_kind)k);
	if (other != NULL)
		build_error(b, b->entry->place, "%s: '%.80s' is a %s, not a %s",
			    b->entry->key, name, object_kind_name[other->kind],
			    object_kind_name[kind]);
	else if (row == NULL)
		build_error(b, b->entry->place, "%s: no %s '%.80s'%s", b->entry->key,
			    object_kind_name[kind], name,
			    build_nearest(b, name, kind, hint, sizeof hint));
	return row;
}

/* NAME of a family and the number of the instance that is being parsed. */
static uint32_t
instance_id(struct build *b, const struct name_row *row)
{
	const struct section *s = &b->sections[row->id];
	return b->instance >= s->first && b->instance <= s->last
		       ? s->id + b->instance - s->first
		       : RULES_NONE;
}

uint32_t
build_resolve(struct build *b, const char *name, enum object_kind kind)
{
	const struct name_row *row = found(b, name, kind);
	if (row == NULL)
		return RULES_NONE;
	if (!row->family)
		return row->id;
	uint32_t id = b->instance != 0 ? instance_id(b, row) : RULES_NONE;
	if (id == RULES_NONE)
		build_error(b, b->entry->place,
			    "%s: '%s' has instances: name one, as %s-%u", b->entry->key,
			    name, name, b->sections[row->id].first);
	return id;
}

struct id_range
build_resolve_all(struct build *b, const char *name, enum object_kind kind)
{
	const struct name_row *row = found(b, name, kind);
	if (row == NULL)
		return (struct id_range){ 0, 0 };
	uint32_t one = !row->family       ? row->id
		       : b->instance != 0 ? instance_id(b, row)
					  : RULES_NONE;
	if (one != RULES_NONE)
		return (struct id_range){ one, 1 };
	const struct section *s = &b->sections[row->id];
	return (struct id_range){ s->id, s->last - s->first + 1 };
}

void *
build_grow(struct build *b, const void *list, uint32_t count, size_t size)
{
	struct growing *g = &b->growing;
	if (list == NULL || g->list != list || g->count != count || g->cap == count) {
		uint32_t cap = count < 4 ? count + 1 : 2 * count;
		void *new = build_get(b, cap * size);
		if (b->out_of_memory)
			return NULL;
		if (count > 0)
			memcpy(new, list, count * size);
		*g = (struct growing){ .list = new, .cap = cap };
	}
	g->count = count + 1;
	return g->list;
}

void
build_add_text(struct build *b, struct text_list *list, const char *text)
{
	const char **texts = build_grow(b, list->texts, list->count, sizeof *texts);
	if (texts == NULL)
		return;
	texts[list->count++] = text;
	list->texts = texts;
}

void
build_append(struct build *b, struct id_list *list, uint32_t id)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (list->ids[i] == id)
			return;
	uint32_t *ids = build_grow(b, list->ids, list->count, sizeof *ids);
	if (ids == NULL)
		return;
	ids[list->count++] = id;
	list->ids = ids;
}

/* NULL: none begins there. */
static const struct section *
section_at(const struct build *b, struct place place)
{
	for (size_t i = 0; i < b->section_count; i++)
		if (b->sections[i].place.line == place.line && place.file != NULL &&
		    strcmp(b->sections[i].place.file, place.file) == 0)
			return &b->sections[i];
	return NULL;
}

static bool
is_one(const char *keys, const char *key)
{
	size_t n = strlen(key);
	for (const char *p = keys; (p = strstr(p, key)) != NULL; p += n)
		if ((p == keys || p[-1] == ' ') && (p[n] == '\0' || p[n] == ' '))
			return true;
	return false;
}

unsigned
build_holds(const struct build *b, struct place place, const char *keys)
{
	const struct section *s = section_at(b, place);
	unsigned n = 0;
	for (size_t i = 0; s != NULL && i < s->count; i++) {
		bool first = is_one(keys, s->entries[i].key);
		for (size_t k = 0; first && k < i; k++)
			first = strcmp(s->entries[k].key, s->entries[i].key) != 0;
		n += first;
	}
	return n;
}

bool
build_told(const struct build *b, struct place place, const char *keys)
{
	const struct section *s = section_at(b, place);
	bool told = s != NULL && (s->torn || build_holds(b, place, keys) > 0);
	for (size_t i = 0; s != NULL && !told && i < s->count; i++)
		told = keys_find(s->kind, s->entries[i].key, strlen(s->entries[i].key)) ==
		       NULL;
	return told;
}
