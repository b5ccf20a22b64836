/* Sections -> struct rules: objects are counted and named first, so that keys may name any
 * of them; then the keys are parsed, kind by kind; then what needs the whole is proven. */
#include "rules/parse.h"

#include "base/text.h"
#include "rules/build.h"
#include "rules/keys.h"
#include "rules/private.h"
#include "rules/units.h"

#include <stdlib.h>
#include <string.h>

/* %i -> the instance; any other % stays. */
static const char *
substitute(struct build *b, const char *value, uint32_t instance)
{
	char out[8 * LINE_MAX_BYTES + 64];
	struct text t;
	if (instance == 0 || strstr(value, "%i") == NULL)
		return value;
	text_begin(&t, out, sizeof out);
	for (const char *p = value; *p != '\0';) {
		size_t n = strcspn(p, "%");
		text_add(&t, "%.*s", (int)n, p);
		p += n;
		if (p[0] == '%' && p[1] == 'i') {
			text_add(&t, "%u", instance);
			p += 2;
		} else if (*p != '\0') {
			text_add(&t, "%%");
			p++;
		}
	}
	return build_text(b, out, t.length);
}

static void
init_service(struct build *b, struct service *s)
{
	const struct settings *d = &b->rules->settings;
	s->umask = -1;
	s->drain = RULES_NONE;
	s->ready = (struct ready){ .kind = READY_DEFAULT,
				   .check = RULES_NONE,
				   .within_ms = 30000 };
	s->stop[0] = (struct stop_step){ .signal = build_signal("TERM"),
					 .patience_ms = 10000 };
	s->stop[1] = (struct stop_step){ .signal = build_signal("KILL"),
					 .patience_ms = 10000 };
	s->stop_count = 2;
	s->success_mask[0] = 1;
	s->backoff_first_ms = 100;
	s->backoff_last_ms = 30000;
	s->every_ms = d->every_ms;
}

static void
init_check(struct build *b, struct check *c)
{
	const struct settings *d = &b->rules->settings;
	c->kind = CHECK_KINDS;
	c->of = RULES_NONE;
	c->every_ms = (int32_t)d->every_ms;
	c->down_need = (uint8_t)d->down_need;
	c->down_of = (uint8_t)d->down_of;
	c->down_ms = d->down_ms;
	c->up_need = (uint8_t)d->up_need;
	c->up_ms = d->up_ms;
}

/* The struct of object number id, initialised with its name and defaults. */
static void *
object(struct build *b, const struct section *s, uint32_t id, const char *name, uint32_t instance)
{
	struct rules *r = b->rules;
	switch (s->kind) {
	case OBJECT_SERVICE: {
		struct service *x = &r->services[id];
		*x = (struct service){
			.id = id, .name = name, .place = s->place, .instance = instance
		};
		x->family = instance != 0 ? s->name : NULL;
		init_service(b, x);
		return x;
	}
	case OBJECT_CHECK: {
		struct check *x = &r->checks[id];
		uint32_t rule = x->rule;
		*x = (struct check){
			.id = id, .name = name, .rule = rule, .more = &check_nothing
		};
		x->line = s->place.line;
		while (r->files[x->file] != s->place.file)
			x->file++;
		init_check(b, x);
		x->severity = SEVERITY_CRITICAL;
		return x;
	}
	case OBJECT_RULE: {
		struct rule *x = &r->rules[id];
		*x = (struct rule){
			.id = id, .name = name, .place = s->place, .timeout_ms = 30000
		};
		x->cooldown_ms = r->settings.cooldown_ms;
		x->remind = r->settings.remind;
		x->severity = SEVERITY_CRITICAL;
		return x;
	}
	case OBJECT_ROUTE: {
		struct route *x = &r->routes[id];
		*x = (struct route){ .id = id,
				     .name = name,
				     .place = s->place,
				     .driver = DRIVERS,
				     .keep = 1,
				     .verify = RULES_NONE,
				     .verify_ms = 10000,
				     .return_ms = 60000,
				     .drain_ms = 5000 };
		return x;
	}
	case OBJECT_CHAIN:
		r->chains[id] = (struct chain){
			.id = id, .name = name, .place = s->place, .check = RULES_NONE
		};
		return &r->chains[id];
	case OBJECT_CONTACT:
		r->contacts[id] = (struct contact){ .id = id,
						    .name = name,
						    .place = s->place,
						    .rate_count = 10,
						    .rate_ms = 600000 };
		return &r->contacts[id];
	case OBJECT_MONITORD:
	case OBJECT_KINDS:
		break;
	}
	return &r->settings;
}

/* The first entry with e's key: in its section, or, as [monitord] may stand in several files,
 * in all of those. */
static const struct entry *
first_entry(const struct build *b, const struct section *s, const struct entry *e)
{
	const struct entry *first = NULL;
	if (s->kind != OBJECT_MONITORD)
		return build_entry(s, e->key);
	for (size_t i = 0; first == NULL && i < b->section_count; i++)
		if (b->sections[i].kind == OBJECT_MONITORD)
			first = build_entry(&b->sections[i], e->key);
	return first;
}

static void
parse_entries(struct build *b, const struct section *s, void *x, uint32_t instance)
{
	for (size_t i = 0; i < s->count; i++) {
		struct entry e = s->entries[i];
		const struct key *k = keys_find(s->kind, e.key, strlen(e.key));
		const struct entry *first = first_entry(b, s, &s->entries[i]);
		if (k != NULL && !k->repeats && first != &s->entries[i]) {
			bool here = strcmp(first->place.file, e.place.file) == 0;
			if (instance <= s->first)
				build_error(b, e.place,
					    "%s: stands in %s%sline %u already", e.key,
					    here ? "" : first->place.file,
					    here ? "" : ", ", first->place.line);
			continue;
		}
		e.value = substitute(b, e.value, instance);
		b->instance = instance;
		keys_apply(b, s->kind, x, &e);
	}
}

static void
parse_section(struct build *b, const struct section *s)
{
	if (s->kind == OBJECT_MONITORD)
		b->rules->settings.place = s->place;
	if (!s->expanded) {
		parse_entries(b, s, object(b, s, s->id, s->name, 0), 0);
		return;
	}
	struct problems *told = b->problems, repeated = { 0 };
	for (uint32_t i = s->first; i <= s->last; i++) {
		size_t errors = b->problems->errors;
		char name[RULES_NAME_MAX + 16];
		size_t n = text_print(name, sizeof name, "%s-%u", s->name, i);
		void *x = object(b, s, s->id + i - s->first, build_text(b, name, n), i);
		parse_entries(b, s, x, i);
		if (b->problems->errors > errors)
			/* the other instances have the same mistakes */
			b->problems = &repeated;
	}
	b->problems = told;
	problems_free(&repeated);
}

/* A rule for each check with `do`, behind the written ones. */
static void
make_check_rules(struct build *b, uint32_t *count)
{
	for (size_t i = 0; i < b->section_count; i++) {
		struct section *s = &b->sections[i];
		if (s->kind != OBJECT_CHECK || build_entry(s, "do") == NULL)
			continue;
		uint32_t n = s->expanded ? s->last - s->first + 1 : 1;
		for (uint32_t k = 0; k < n; k++)
			b->rules->checks[s->id + k].rule = (*count)++;
	}
}

static void *
objects(struct build *b, uint32_t count, size_t size)
{
	return build_get(b, (size_t)count * size + 1);
}

static void
make_objects(struct build *b)
{
	uint32_t count[OBJECT_KINDS + 1] = { 0 };
	struct rules *r = b->rules;
	build_names(b, count);
	r->service_count = count[OBJECT_SERVICE];
	r->check_count = count[OBJECT_CHECK];
	r->route_count = count[OBJECT_ROUTE];
	r->chain_count = count[OBJECT_CHAIN];
	r->contact_count = count[OBJECT_CONTACT];
	r->services = objects(b, r->service_count, sizeof *r->services);
	r->checks = objects(b, r->check_count, sizeof *r->checks);
	r->routes = objects(b, r->route_count, sizeof *r->routes);
	r->chains = objects(b, r->chain_count, sizeof *r->chains);
	r->contacts = objects(b, r->contact_count, sizeof *r->contacts);
	if (b->out_of_memory)
		return;
	for (uint32_t i = 0; i < r->check_count; i++)
		r->checks[i].rule = RULES_NONE;
	make_check_rules(b, &count[OBJECT_RULE]);
	r->rule_count = count[OBJECT_RULE];
	r->rules = objects(b, r->rule_count, sizeof *r->rules);
}

static void
init_settings(struct settings *s)
{
	*s = (struct settings){ .socket = "/run/monitord/status.sock",
				.state = "/var/lib/monitord",
				.uid_base = 64900,
				.starts_at_once = 16,
				.history_bytes = 200u << 20,
				.record_ms = INT64_C(7) * 86400000,
				.record_bytes = 200u << 20,
				.every_ms = 5000,
				.timeout_ms = 2000,
				.cooldown_ms = 300000,
				.down_need = 2,
				.down_of = 2,
				.up_need = 2 };
}

static void
parse_all(struct build *b)
{
	static const enum object_kind order[] = { OBJECT_MONITORD, OBJECT_CONTACT,
						  OBJECT_SERVICE,  OBJECT_ROUTE,
						  OBJECT_CHECK,    OBJECT_RULE,
						  OBJECT_CHAIN };
	init_settings(&b->rules->settings);
	for (size_t o = 0; o < sizeof order / sizeof *order; o++) {
		for (size_t i = 0; i < b->section_count && !b->out_of_memory; i++)
			if (b->sections[i].kind == order[o])
				parse_section(b, &b->sections[i]);
	}
}

/* The names that can be looked for later: only what is not a family. */
static bool
index_names(struct build *b, struct rules_private *all)
{
	size_t cap = 64;
	while (cap * 3 / 4 < b->name_used)
		cap *= 2;
	uint32_t *names = build_get(b, cap * sizeof *names);
	if (b->out_of_memory)
		return false;
	for (size_t i = 0; i < b->name_cap; i++)
		if (b->names[i].name != NULL && !b->names[i].family)
			names_put(names, cap, &b->names[i]);
	all->names = names;
	all->name_cap = cap;
	return true;
}

struct rules *
rules_parse(const struct sources *s, struct problems *p)
{
	struct build b = { .problems = p };
	struct rules *result = NULL;
	size_t before = p->errors;
	b.arena = arena_new(1);
	struct rules_private *all =
		b.arena != NULL ? arena_get(b.arena, sizeof *all) : NULL;
	if (all == NULL) {
		b.out_of_memory = true;
		goto out;
	}
	all->arena = b.arena;
	b.rules = &all->rules;
	all->rules.files = build_get(&b, (s->count + 1) * sizeof *all->rules.files);
	for (size_t i = 0; i < s->count && !b.out_of_memory; i++)
		build_read(&b, &s->list[i]);
	make_objects(&b);
	if (!b.out_of_memory)
		parse_all(&b);
	b.rules->series = build_get(&b, (b.series_count + 1) * sizeof *b.series);
	if (!b.out_of_memory && b.series_count > 0)
		memcpy(b.rules->series, b.series, b.series_count * sizeof *b.series);
	b.rules->series_count = b.series_count;
	if (!b.out_of_memory)
		build_prove(&b);
	if (!b.out_of_memory && p->errors == before && index_names(&b, all))
		result = &all->rules;
out:
	if (b.out_of_memory)
		build_error(&b, (struct place){ s->count > 0 ? s->list[0].path : "", 0 },
			    "out of memory");
	for (size_t i = 0; i < b.section_count; i++)
		free(b.sections[i].entries);
	free(b.sections);
	free(b.names);
	free(b.texts);
	free(b.series);
	if (result == NULL)
		arena_free(&b.arena);
	return result;
}
