/* Keys of [rule], [route], [chain], [contact] and [monitord]. */
#include "base/text.h"
#include "rules/keys.h"
#include "rules/units.h"

#include <string.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)

/* "N in T" */
static bool
times_in(struct build *b, const char **p, uint32_t *count, int64_t *ms)
{
	char word[64], why[UNITS_WHY];
	uint64_t n;
	lex_next(b, p, word, sizeof word);
	if (!units_count(word, 1, TIMES_IN_MAX, &n, why)) {
		error(b, "%s: %s", b->entry->key, why);
		return false;
	}
	if (!lex_next(b, p, word, sizeof word) || strcmp(word, "in") != 0 ||
	    !lex_next(b, p, word, sizeof word) || !units_duration(word, ms, why) ||
	    *ms == 0) {
		error(b, "%s: expected N in T, as 3 in 10m", b->entry->key);
		return false;
	}
	*count = (uint32_t)n;
	return true;
}

void
set_ignored(struct build *b, void *object, const struct entry *e)
{
	(void)b;
	(void)object;
	/* read before: include by sources_read, instances when objects were counted */
	(void)e;
}

/* ---- rule ---- */
void
set_when(struct build *b, void *object, const struct entry *e)
{
	build_condition(b, e->value, &((struct rule *)object)->when);
}

void
set_clear(struct build *b, void *object, const struct entry *e)
{
	build_condition(b, e->value, &((struct rule *)object)->clear);
}

void
set_do(struct build *b, void *object, const struct entry *e)
{
	struct rule *r = object;
	build_actions(b, e->value, RULES_NONE, &r->actions, &r->action_count);
}

void
set_escalate(struct build *b, void *object, const struct entry *e)
{
	struct rule *r = object;
	char word[8];
	const char *p = e->value;
	if (!times_in(b, &p, &r->escalate_need, &r->escalate_ms))
		return;
	if (!lex_next(b, &p, word, sizeof word) || strcmp(word, "->") != 0) {
		error(b, "escalate: expected N in T -> actions");
		return;
	}
	lex_skip(&p);
	build_actions(b, p, RULES_NONE, &r->escalate, &r->escalate_count);
}

void
set_mode(struct build *b, void *object, const struct entry *e)
{
	struct rule *r = object;
	r->dry_run = strcmp(e->value, "dry-run") == 0;
	if (!r->dry_run && strcmp(e->value, "act") != 0)
		error(b, "mode: expected act or dry-run, not '%.40s'", e->value);
}

/* ---- route ---- */
void
set_active(struct build *b, void *object, const struct entry *e)
{
	struct route *r = object;
	r->all = strcmp(e->value, "all") == 0;
	if (!r->all && strcmp(e->value, "1") != 0)
		error(b, "active: expected 1 or all, not '%.40s'", e->value);
}

void
set_keep(struct build *b, void *object, const struct entry *e)
{
	struct route *r = object;
	char why[UNITS_WHY];
	uint64_t n;
	if (!units_count(e->value, 1, RULES_BACKENDS_MAX, &n, why))
		error(b, "keep: %s", why);
	else
		r->keep = (uint32_t)n;
}

void
set_verify(struct build *b, void *object, const struct entry *e)
{
	struct route *r = object;
	char word[RULES_NAME_MAX + 1], why[UNITS_WHY];
	const char *p = e->value;
	lex_next(b, &p, word, sizeof word);
	r->verify = build_resolve(b, word, OBJECT_CHECK);
	if (lex_next(b, &p, word, sizeof word) &&
	    (strcmp(word, "within") != 0 || !lex_next(b, &p, word, sizeof word) ||
	     !units_duration(word, &r->verify_ms, why) || r->verify_ms == 0))
		error(b, "verify: expected CHECK within T");
	else
		lex_end(b, p);
}

void
set_return(struct build *b, void *object, const struct entry *e)
{
	struct route *r = object;
	char word[32], why[UNITS_WHY];
	const char *p = e->value;
	lex_next(b, &p, word, sizeof word);
	if (strcmp(word, "manual") == 0) {
		r->return_ms = -1;
	} else if (strcmp(word, "after") != 0 || !lex_next(b, &p, word, sizeof word)) {
		error(b, "return: expected 'after T' or 'manual'");
		return;
	} else if (!units_duration(word, &r->return_ms, why)) {
		error(b, "return: %s", why);
		return;
	}
	lex_end(b, p);
}

void
set_flap(struct build *b, void *object, const struct entry *e)
{
	struct route *r = object;
	const char *p = e->value;
	if (times_in(b, &p, &r->flap_count, &r->flap_ms))
		lex_end(b, p);
}

/* ---- chain ---- */
void
set_path(struct build *b, void *object, const struct entry *e)
{
	static const enum object_kind kinds[] = { OBJECT_SERVICE, OBJECT_CHECK,
						  OBJECT_ROUTE };
	struct chain *c = object;
	struct chain_link links[64];
	char word[RULES_NAME_MAX + 1], hint[96];
	const char *p = e->value;
	uint32_t count = 0;
	bool ends_open = false;
	for (bool arrow = false; lex_next(b, &p, word, sizeof word); arrow = !arrow) {
		ends_open = arrow && strcmp(word, "->") == 0;
		if (arrow) {
			if (strcmp(word, "->") != 0)
				error(b, "path: expected '->' before '%s'", word);
			continue;
		}
		bool found = false;
		for (size_t i = 0; !found && i < sizeof kinds / sizeof *kinds; i++) {
			if (build_lookup(b, word, kinds[i]) == NULL)
				continue;
			found = true;
			struct id_range r = build_resolve_all(b, word, kinds[i]);
			if (r.count > 64 - count) {
				error(b, "path: more than 64 members, at '%s'", word);
				return;
			}
			for (uint32_t k = 0; r.count > 0 && k < count; k++)
				if (links[k].kind == kinds[i] && links[k].id == r.first)
					error(b, "path: '%s' stands twice", word);
			for (uint32_t k = 0; k < r.count; k++)
				links[count++] =
					(struct chain_link){ kinds[i], r.first + k };
		}
		if (!found)
			error(b, "path: no service, check or route '%s'%s", word,
			      build_nearest(b, word, OBJECT_KINDS, hint, sizeof hint));
	}
	if (ends_open)
		error(b, "path: a member is missing behind '->'");
	struct chain_link *all = build_get(b, (c->link_count + count + 1) * sizeof *all);
	uint32_t *ends = build_get(b, (c->path_count + 1) * sizeof *ends);
	if (b->out_of_memory)
		return;
	if (c->link_count > 0)
		memcpy(all, c->links, c->link_count * sizeof *all);
	memcpy(all + c->link_count, links, count * sizeof *all);
	if (c->path_count > 0)
		memcpy(ends, c->path_ends, c->path_count * sizeof *ends);
	c->link_count += count;
	ends[c->path_count++] = c->link_count;
	c->links = all;
	c->path_ends = ends;
}

/* ---- monitord ---- */
static void
smtp_item(struct build *b, void *arg, const char *text)
{
	struct settings *s = arg;
	const char *host;
	uint16_t port;
	if (build_address(b, text, &host, &port))
		build_add_text(b, &s->smtp, text);
}

void
set_smtp(struct build *b, void *object, const struct entry *e)
{
	lex_list(b, e->value, smtp_item, object);
}

void
set_http(struct build *b, void *object, const struct entry *e)
{
	struct settings *s = object;
	const char *host;
	uint16_t port;
	if (build_address(b, e->value, &host, &port))
		s->http = e->value;
}

void
set_smtp_tls(struct build *b, void *object, const struct entry *e)
{
	struct settings *s = object;
	static const char *const names[] = {
		[SMTP_TLS_NO] = "no", [SMTP_TLS_STARTTLS] = "starttls", [SMTP_TLS_OPTIONAL] = "optional",
	};
	for (unsigned i = 0; i < 3; i++)
		if (strcmp(names[i], e->value) == 0) {
			s->smtp_tls = (enum smtp_tls)i;
			return;
		}
	error(b, "smtp-tls: expected no, optional or starttls, not '%.40s'", e->value);
}

void
set_uid_base(struct build *b, void *object, const struct entry *e)
{
	struct settings *s = object;
	char why[UNITS_WHY];
	uint64_t n;
	if (!units_count(e->value, 1000, 2000000000, &n, why))
		error(b, "uid-base: %s", why);
	else
		s->uid_base = (uint32_t)n;
}

void
set_on_stop(struct build *b, void *object, const struct entry *e)
{
	struct settings *s = object;
	s->stop_services_on_stop = strcmp(e->value, "stop") == 0;
	if (!s->stop_services_on_stop && strcmp(e->value, "leave") != 0)
		error(b, "on-stop: expected leave or stop, not '%.40s'", e->value);
}

void
set_starts(struct build *b, void *object, const struct entry *e)
{
	struct settings *s = object;
	char why[UNITS_WHY];
	uint64_t n;
	if (!units_count(e->value, 1, 10000, &n, why))
		error(b, "starts-at-once: %s", why);
	else
		s->starts_at_once = (uint32_t)n;
}

#define HISTORY_LEAST (4 << 20)

void
set_history(struct build *b, void *object, const struct entry *e)
{
	struct settings *s = object;
	char why[UNITS_WHY];
	double size = 0;
	if (strcmp(e->value, "off") == 0)
		s->history_bytes = 0;
	else if (!units_size(e->value, &size, why))
		error(b, "history: off, or a size: %s", why);
	else if (size < HISTORY_LEAST)
		error(b, "history: less than 4M keeps nothing; 'off' keeps it off");
	else
		s->history_bytes = (uint64_t)size;
}
