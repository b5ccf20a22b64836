/* Keys unit and groups of [service]. */
#include "rules/keys.h"

#include "base/text.h"

#include <string.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)
#define UNIT_MAX 255 /* UNIT_NAME_MAX of systemd, without its end */
#define UNIT_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\@"

void
set_unit(struct build *b, void *object, const struct entry *e)
{
	struct service *s = object;
	char name[UNIT_MAX + 16];
	size_t n = strlen(e->value);
	const char *dot = strrchr(e->value, '.');
	if (strspn(e->value, UNIT_CHARS) != n || n > UNIT_MAX || *e->value == '-' ||
	    *e->value == '.') {
		error(b, "unit: '%s' is no name of a unit", e->value);
		return;
	}
	if (dot != NULL && strcmp(dot, ".service") != 0) {
		error(b, "unit: '%s': only a .service has a main process", e->value);
		return;
	}
	n = text_print(name, sizeof name, "%s%s", e->value,
		       dot == NULL ? ".service" : "");
	s->unit = build_text(b, name, n);
}

static struct command
systemctl(struct build *b, const char *verb, const char *unit)
{
	char line[UNIT_MAX + 64];
	size_t n = text_print(line, sizeof line, RULES_SYSTEMCTL " %s %s", verb, unit);
	return build_command(b, build_text(b, line, n));
}

void
unit_defaults(struct build *b, struct service *s)
{
	if (s->unit == NULL || s->run.count > 0 || b->out_of_memory)
		return;
	if (s->start.count == 0)
		s->start = systemctl(b, "start", s->unit);
	if (!s->stop_set)
		s->stop_command = systemctl(b, "stop", s->unit);
	if (s->reload_signal == 0 && s->reload_command.count == 0)
		s->reload_command = systemctl(b, "reload", s->unit);
}

static void
group_item(struct build *b, void *object, const char *text)
{
	struct service *s = object;
	const char *name = *text == '@' ? text + 1 : text;
	size_t n = strlen(name);
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	if (n == 0 || n > RULES_NAME_MAX || strspn(name, letters) == 0 ||
	    strspn(name,
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") !=
		    n) {
		error(b, "groups: '%s' is no name", text);
		return;
	}
	build_add_text(b, &s->groups, build_text(b, name, n));
}

void
set_groups(struct build *b, void *object, const struct entry *e)
{
	lex_list(b, e->value, group_item, object);
}
