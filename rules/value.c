/* Values that more than one section uses: commands, alerts, addresses, actions. */
#include "base/text.h"
#include "rules/build.h"
#include "rules/units.h"

#include <arpa/inet.h>
#include <string.h>

#define WORDS_MAX 1024
#define HOST_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"

/* A word that only means something to a shell. */
static bool
is_of_a_shell(const char *word)
{
	static const char *const words[] = { "|",  ">", ">>", "<",    "&&",
					     "||", "&", "2>", "2>&1", ">/dev/null" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i], word) == 0)
			return true;
	return false;
}

struct command
build_command(struct build *b, const char *value)
{
	char word[LINE_MAX_BYTES + 1];
	const char *argv[WORDS_MAX], *p = value;
	size_t count = 0;
	bool quoted;
	struct command none = { 0 };
	if (*value != '/' && strncmp(value, "\"/", 2) != 0) {
		build_error(b, b->entry->place, "%s: a command begins with '/'",
			    b->entry->key);
		return none;
	}
	while (lex_word(b, &p, "", word, sizeof word, &quoted)) {
		if (count == WORDS_MAX) {
			build_error(b, b->entry->place, "%s: more than %d words",
				    b->entry->key, WORDS_MAX);
			return none;
		}
		argv[count++] = build_text(b, word, strlen(word));
	}
	for (size_t i = 1; i < count; i++)
		if (is_of_a_shell(argv[i]))
			build_warning(
				b, b->entry->place,
				"%s: '%s' is an argument as it stands: a command runs without a shell",
				b->entry->key, argv[i]);
	const char **list = build_get(b, (count + 1) * sizeof *list);
	if (b->out_of_memory)
		return none;
	memcpy(list, argv, count * sizeof *list);
	return (struct command){ .count = (uint32_t)count, .argv = list };
}

struct alert_items {
	struct alert_to *to;
	uint32_t count;
};

static void
alert_item(struct build *b, void *arg, const char *text)
{
	struct alert_items *items = arg;
	char name[RULES_NAME_MAX + 1], word[32], why[UNITS_WHY];
	bool quoted;
	const char *p = text;
	int64_t after = 0;
	if (!lex_word(b, &p, "", name, sizeof name, &quoted))
		return;
	uint32_t id = build_resolve(b, name, OBJECT_CONTACT);
	if (lex_word(b, &p, "", word, sizeof word, &quoted)) {
		if (strcmp(word, "after") != 0 ||
		    !lex_word(b, &p, "", word, sizeof word, &quoted)) {
			build_error(b, b->entry->place,
				    "%s: expected CONTACT [after T], not '%s'",
				    b->entry->key, text);
			return;
		}
		if (!units_duration(word, &after, why)) {
			build_error(b, b->entry->place, "%s: %s", b->entry->key, why);
			return;
		}
	}
	struct alert_to *to = id != RULES_NONE ? build_grow(b, items->to, items->count,
							    sizeof *items->to)
					       : NULL;
	if (to == NULL)
		return;
	to[items->count++] = (struct alert_to){ .contact = id, .after_ms = after };
	items->to = to;
}

void
build_alerts(struct build *b, const char *value, struct alerts_to *out)
{
	struct alert_items items = { 0 };
	out->set = true;
	if (strcmp(value, "none") == 0)
		return;
	lex_list(b, value, alert_item, &items);
	out->to = items.to;
	out->count = items.count;
}

/* HOST:PORT, [IPV6]:PORT */
bool
build_address(struct build *b, const char *value, const char **host, uint16_t *port)
{
	const char *colon = strrchr(value, ':'), *begin = value;
	char why[UNITS_WHY];
	uint64_t n;
	struct in6_addr six;
	if (colon == NULL || colon == value || strpbrk(value, " \t/") != NULL) {
		build_error(b, b->entry->place, "%s: expected HOST:PORT, not '%s'",
			    b->entry->key, value);
		return false;
	}
	if (!units_count(colon + 1, 1, 65535, &n, why)) {
		build_error(b, b->entry->place, "%s: port %s", b->entry->key, why);
		return false;
	}
	size_t length = (size_t)(colon - value);
	if (*value == '[' && value[length - 1] == ']') {
		begin++;
		length -= 2;
		*host = build_same(b, begin, length);
		if (inet_pton(AF_INET6, *host, &six) != 1) {
			build_error(b, b->entry->place, "%s: '%s' is no IPv6 address",
				    b->entry->key, *host);
			return false;
		}
	} else if (memchr(value, ':', length) != NULL) {
		build_error(b, b->entry->place,
			    "%s: an IPv6 address stands in brackets: [::1]:80",
			    b->entry->key);
		return false;
	} else {
		*host = build_same(b, begin, length);
		if (strspn(*host, HOST_BYTES) != length || length > 253) {
			build_error(b, b->entry->place, "%s: '%.80s' is no host",
				    b->entry->key, *host);
			return false;
		}
	}
	*port = (uint16_t)n;
	return true;
}

const char *const action_kind_name[ACTION_KINDS] = {
	[ACTION_START] = "start",     [ACTION_STOP] = "stop",	  [ACTION_RESTART] = "restart",
	[ACTION_RELOAD] = "reload",   [ACTION_KILL] = "kill",	  [ACTION_SIGNAL] = "signal",
	[ACTION_HOLD] = "hold",	      [ACTION_RELEASE] = "release", [ACTION_REROUTE] = "reroute",
	[ACTION_RESTORE] = "restore", [ACTION_RUN] = "run",	  [ACTION_ALERT] = "alert",
	[ACTION_PAGE] = "page",	      [ACTION_LOG] = "log",	  [ACTION_DRAIN] = "drain",
	[ACTION_UNDRAIN] = "undrain",
};

struct action_items {
	struct action *list;
	uint32_t count, own;
};

static void
add_action(struct build *b, struct action_items *items, const struct action *a)
{
	struct action *list =
		build_grow(b, items->list, items->count, sizeof *items->list);
	if (list == NULL)
		return;
	list[items->count++] = *a;
	items->list = list;
}

static bool
can_start(const struct build *b, uint32_t id)
{
	const struct service *s = &b->rules->services[id];
	return s->run.count > 0 || s->start.count > 0;
}

/* Services are parsed before rules and checks, so what they can do is known here. */
static void
service_action(struct build *b, struct action_items *items, struct action a, const char *name)
{
	struct id_range r = { items->own, 1 };
	if (*name != '\0')
		r = build_resolve_all(b, name, OBJECT_SERVICE);
	else if (items->own == RULES_NONE) {
		build_error(b, b->entry->place, "%s: '%s' of which service?",
			    b->entry->key, action_kind_name[a.kind]);
		return;
	}
	for (uint32_t id = r.first; id < r.first + r.count; id++) {
		const struct service *s = &b->rules->services[id];
		if ((a.kind == ACTION_START || a.kind == ACTION_RESTART) &&
		    !can_start(b, id)) {
			build_error(b, b->entry->place,
				    "%s: '%s' has no run and no start: it cannot be %s",
				    b->entry->key, s->name,
				    a.kind == ACTION_START ? "started" : "restarted");
			return;
		}
		if (a.kind == ACTION_RELOAD && s->reload_signal == 0 &&
		    s->reload_command.count == 0) {
			build_error(b, b->entry->place, "%s: '%s' has no reload",
				    b->entry->key, s->name);
			return;
		}
		a.id = id;
		add_action(b, items, &a);
	}
}

static void
no_backend(struct build *b, const struct route *r, const char *word)
{
	struct text_nearest nearest = { .word = word, .distance = 4 };
	char hint[96];
	for (uint32_t i = 0; i < r->backend_count; i++)
		text_nearer(&nearest, r->backends[i].name);
	build_error(b, b->entry->place, "%s: no backend '%s' in route %s%s",
		    b->entry->key, word, r->name, text_hint(&nearest, hint, sizeof hint));
}

static void
reroute_action(struct build *b, struct action_items *items, struct action a, const char *name,
	       const char **p)
{
	char word[RULES_NAME_MAX * 3];
	bool quoted;
	a.id = build_resolve(b, name, OBJECT_ROUTE);
	if (a.id == RULES_NONE)
		return;
	if (a.kind == ACTION_REROUTE && lex_word(b, p, "", word, sizeof word, &quoted)) {
		const struct route *r = &b->rules->routes[a.id];
		if (strcmp(word, "to") != 0 ||
		    !lex_word(b, p, "", word, sizeof word, &quoted)) {
			build_error(b, b->entry->place,
				    "%s: expected reroute ROUTE [to BACKEND]",
				    b->entry->key);
			return;
		}
		for (uint32_t i = 0; i < r->backend_count; i++)
			if (strcmp(r->backends[i].name, word) == 0)
				a.backend = i;
		if (a.backend == RULES_NONE) {
			no_backend(b, r, word);
			return;
		}
	}
	add_action(b, items, &a);
}

static enum action_kind
action_find(const char *verb)
{
	for (unsigned i = 0; i < ACTION_KINDS; i++)
		if (strcmp(action_kind_name[i], verb) == 0)
			return (enum action_kind)i;
	return ACTION_KINDS;
}

static void
unknown_action(struct build *b, const char *verb)
{
	struct text_nearest nearest = { .word = verb, .distance = 3 };
	char hint[96];
	for (unsigned i = 0; i < ACTION_KINDS; i++)
		text_nearer(&nearest, action_kind_name[i]);
	build_error(b, b->entry->place, "%s: unknown action '%s'%s", b->entry->key, verb,
		    text_hint(&nearest, hint, sizeof hint));
}

static void
contact_action(struct build *b, struct action_items *items, struct action a, const char *name)
{
	if (*name == '\0') {
		build_error(b, b->entry->place, "%s: '%s' whom? A contact is missing",
			    b->entry->key, action_kind_name[a.kind]);
		return;
	}
	a.id = build_resolve(b, name, OBJECT_CONTACT);
	if (a.id != RULES_NONE)
		add_action(b, items, &a);
}

/* "(NAME)" at *p. False: told. */
static bool
signal_name(struct build *b, const char **p, struct action *a)
{
	char name[32] = "";
	bool quoted;
	if (**p == '(') {
		(*p)++;
		lex_word(b, p, ")", name, sizeof name, &quoted);
		lex_skip(p);
		*p += **p == ')';
	}
	a->signal = build_signal(name);
	if (a->signal == 0)
		build_error(b, b->entry->place,
			    "%s: %s%s%sexpected signal(NAME), as signal(HUP)",
			    b->entry->key, *name != '\0' ? "'" : "", name,
			    *name != '\0' ? "' is no signal: " : "");
	return a->signal != 0;
}

static void
action_item(struct build *b, void *arg, const char *text)
{
	struct action_items *items = arg;
	char verb[64], name[RULES_NAME_MAX * 3] = "";
	const char *p = text;
	bool quoted;
	struct action a = { .id = RULES_NONE,
			    .backend = RULES_NONE,
			    .place = b->entry->place };
	if (!lex_word(b, &p, "(", verb, sizeof verb, &quoted))
		return;
	a.kind = action_find(verb);
	if (a.kind == ACTION_KINDS) {
		unknown_action(b, verb);
		return;
	}
	if (a.kind == ACTION_RUN) {
		lex_skip(&p);
		a.command = build_command(b, p);
		add_action(b, items, &a);
		return;
	}
	if (a.kind == ACTION_SIGNAL && !signal_name(b, &p, &a))
		return;
	lex_word(b, &p, "", name, sizeof name, &quoted);
	if (a.kind == ACTION_ALERT || a.kind == ACTION_PAGE)
		contact_action(b, items, a, name);
	else if (a.kind == ACTION_REROUTE || a.kind == ACTION_RESTORE)
		reroute_action(b, items, a, name, &p);
	else if (a.kind == ACTION_LOG)
		add_action(b, items, &a);
	else
		service_action(b, items, a, name);
	lex_skip(&p);
	if (*p != '\0')
		build_error(b, b->entry->place, "%s: '%s' behind the action",
			    b->entry->key, p);
}

void
build_actions(struct build *b, const char *value, uint32_t own, const struct action **out,
	      uint32_t *count)
{
	struct action_items items = { .own = own };
	lex_list(b, value, action_item, &items);
	*out = items.list;
	*count = b->out_of_memory ? 0 : items.count;
}
