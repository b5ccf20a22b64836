/* What a name on the command line stands for. */
#include "status/ctl.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

const char *const ctl_kind[CTL_KINDS] = { "service", "check", "route", "rule" };
const char *const ctl_list[CTL_KINDS] = { "services", "checks", "routes", "rules" };

static json_t *
named(const json_t *list, const char *name)
{
	size_t i;
	json_t *o;
	json_array_foreach(list, i,
			   o) if (strcmp(text_of(o, "name"), name) == 0) return o;
	return NULL;
}

static void
nearest_in(const json_t *list, struct text_nearest *nearest)
{
	size_t i;
	json_t *o;
	json_array_foreach(list, i, o) text_nearer(nearest, text_of(o, "name"));
}

static void
complain(const json_t *status, const char *name)
{
	struct text_nearest nearest = text_nearest_of(name);
	char hint[96];
	for (unsigned k = 0; k < CTL_KINDS; k++)
		nearest_in(json_object_get(status, ctl_list[k]), &nearest);
	nearest_in(json_object_get(status, "chains"), &nearest);
	fprintf(stderr, "monitorctl: no such name: %s%s\n", name,
		text_hint(&nearest, hint, sizeof hint));
}

json_t *
find_quietly(const json_t *status, const char *name, const char **kind)
{
	for (unsigned k = 0; k < CTL_KINDS; k++) {
		json_t *o = named(json_object_get(status, ctl_list[k]), name);
		*kind = ctl_kind[k];
		if (o != NULL)
			return o;
	}
	return NULL;
}

json_t *
find_object(const json_t *status, const char *name, const char **kind)
{
	json_t *o = find_quietly(status, name, kind);
	if (o == NULL)
		complain(status, name);
	return o;
}

const json_t *
find_chain(const json_t *status, const char *name)
{
	return named(json_object_get(status, "chains"), name);
}

/* Once each. */
static void
add(json_t *found, const char *kind, json_t *object)
{
	size_t i;
	json_t *x;
	json_array_foreach(found, i,
			   x) if (json_object_get(x, "object") == object) return;
	json_array_append_new(found,
			      json_pack("{s:s,s:O}", "kind", kind, "object", object));
}

/* Who is needed comes first: each path from its end. */
static void
add_chain(const json_t *status, const json_t *chain, json_t *found)
{
	size_t p;
	json_t *path, *o;
	const char *kind;
	json_array_foreach(json_object_get(chain, "paths"), p,
			   path) for (size_t i = json_array_size(path); i-- > 0;)
	{
		o = find_quietly(status, json_string_value(json_array_get(path, i)),
				 &kind);
		if (o != NULL)
			add(found, kind, o);
	}
}

static bool
holds(const json_t *found, const char *name)
{
	for (size_t i = 0; i < json_array_size(found); i++)
		if (strcmp(text_of(json_object_get(json_array_get(found, i), "object"),
				   "name"),
			   name) == 0)
			return true;
	return false;
}

/* Something that it depends on is among the wanted, and was not found yet. */
static bool
comes_later(const json_t *service, const json_t *wanted, const json_t *found)
{
	const json_t *depends = json_object_get(service, "depends");
	for (size_t i = 0; i < json_array_size(depends); i++) {
		const char *name = json_string_value(json_array_get(depends, i));
		if (name != NULL && named(wanted, name) != NULL && !holds(found, name))
			return true;
	}
	return false;
}

/* Who is needed comes first. */
static void
add_in_order(const json_t *wanted, json_t *found)
{
	size_t before, n = json_array_size(wanted);
	do {
		before = json_array_size(found);
		for (size_t i = 0; i < n; i++)
			if (!comes_later(json_array_get(wanted, i), wanted, found))
				add(found, "service", json_array_get(wanted, i));
	} while (json_array_size(found) > before && json_array_size(found) < n);
}

static bool
is_in(const json_t *service, const char *group)
{
	size_t i;
	json_t *x;
	json_array_foreach(json_object_get(service, "groups"), i,
			   x) if (strcmp(json_string_value(x), group) == 0) return true;
	return false;
}

/* @NAME is a group, whatever else has that name. */
static bool
is_meant(const json_t *service, const char *name)
{
	if (*name == '@')
		return is_in(service, name + 1);
	return strcmp(name, "all") == 0 ||
	       strcmp(text_of(service, "family"), name) == 0 || is_in(service, name);
}

json_t *
find_objects(const json_t *status, const char *name)
{
	json_t *found = json_array(), *wanted = json_array(), *o;
	const char *kind;
	const json_t *chain = named(json_object_get(status, "chains"), name);
	size_t i;
	if ((o = find_quietly(status, name, &kind)) != NULL)
		add(found, kind, o);
	else if (chain != NULL)
		add_chain(status, chain, found);
	else
		json_array_foreach(json_object_get(status, "services"), i,
				   o) if (is_meant(o, name)) json_array_append(wanted, o);
	add_in_order(wanted, found);
	json_decref(wanted);
	if (json_array_size(found) > 0 || strcmp(name, "all") == 0)
		return found;
	complain(status, name);
	json_decref(found);
	return NULL;
}
