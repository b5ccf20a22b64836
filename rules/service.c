/* Keys of [service]. */
#include "base/text.h"
#include "rules/keys.h"
#include "rules/units.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)

void
set_match(struct build *b, void *object, const struct entry *e)
{
	struct service *s = object;
	if (build_regex(b, e->value))
		s->match = e->value;
}

void
set_reload(struct build *b, void *object, const struct entry *e)
{
	struct service *s = object;
	if (*e->value == '/')
		s->reload_command = build_command(b, e->value);
	else if ((s->reload_signal = build_signal(e->value)) == 0)
		error(b, "reload: '%s' is neither a signal nor a command", e->value);
}

void
set_env(struct build *b, void *object, const struct entry *e)
{
	struct service *s = object;
	const char *equals = strchr(e->value, '=');
	size_t n = equals != NULL ? (size_t)(equals - e->value) : 0;
	if (n == 0 || strcspn(e->value, " \t\"") < n) {
		error(b, "env: expected NAME=VALUE, not '%s'", e->value);
		return;
	}
	build_add_text(b, &s->env, e->value);
}

/* [within T] at the end. */
static bool
within(struct build *b, const char **p, const char *word, int64_t *out_ms)
{
	char text[64], why[UNITS_WHY];
	if (!lex_next(b, p, text, sizeof text))
		return true;
	if (strcmp(text, word) != 0 || !lex_next(b, p, text, sizeof text)) {
		error(b, "%s: expected '%s T', not '%s'", b->entry->key, word, text);
		return false;
	}
	if (!units_duration(text, out_ms, why) || *out_ms == 0) {
		error(b, "%s: %s", b->entry->key, *out_ms == 0 ? "a time of 0" : why);
		return false;
	}
	return lex_end(b, *p);
}

void
set_ready(struct build *b, void *object, const struct entry *e)
{
	struct service *s = object;
	char word[RULES_NAME_MAX + 1], why[UNITS_WHY];
	const char *p = e->value;
	struct ready r = { .check = RULES_NONE, .within_ms = 60000 };
	lex_next(b, &p, word, sizeof word);
	if (strcmp(word, "check") == 0) {
		r.kind = READY_CHECK;
		if (!lex_next(b, &p, word, sizeof word)) {
			error(b, "ready: which check?");
			return;
		}
		r.check = build_resolve(b, word, OBJECT_CHECK);
		if (r.check == RULES_NONE)
			return;
	} else if (strcmp(word, "after") == 0) {
		r.kind = READY_AFTER;
		if (!lex_next(b, &p, word, sizeof word)) {
			error(b, "ready: expected after T");
			return;
		}
		if (!units_duration(word, &r.within_ms, why)) {
			error(b, "ready: after: %s", why);
			return;
		}
	} else if (strcmp(word, "exec") == 0) {
		r.kind = READY_EXEC;
	} else if (strcmp(word, "notify") == 0) {
		r.kind = READY_NOTIFY;
	} else if (strcmp(word, "fd") == 0) {
		uint64_t fd;
		r.kind = READY_FD;
		if (!lex_next(b, &p, word, sizeof word) ||
		    !units_count(word, READY_FD_LEAST, READY_FD_MOST, &fd, why)) {
			error(b, "ready: fd: expected a number from %d to %d",
			      READY_FD_LEAST, READY_FD_MOST);
			return;
		}
		r.fd = (int)fd;
	} else {
		error(b, "ready: expected check, notify, fd, after or exec, not '%s'",
		      word);
		return;
	}
	if (within(b, &p, "within", &r.within_ms))
		s->ready = r;
}

struct stops {
	struct service *s;
	uint32_t count;
};

static void
stop_item(struct build *b, void *arg, const char *text)
{
	struct stops *stops = arg;
	char word[32], why[UNITS_WHY];
	const char *p = text;
	struct stop_step step = { .patience_ms = 10000 };
	if (stops->count == STOP_STEPS_MAX) {
		error(b, "stop: more than %d steps", STOP_STEPS_MAX);
		return;
	}
	lex_next(b, &p, word, sizeof word);
	step.signal = build_signal(word);
	if (step.signal == 0)
		error(b, "stop: unknown signal '%s'", word);
	if (lex_next(b, &p, word, sizeof word) &&
	    !units_duration(word, &step.patience_ms, why))
		error(b, "stop: %s", why);
	lex_end(b, p);
	stops->s->stop[stops->count++] = step;
}

void
set_stop(struct build *b, void *object, const struct entry *e)
{
	struct stops stops = { .s = object };
	stops.s->stop_set = true;
	if (*e->value == '/') {
		stops.s->stop_command = build_command(b, e->value);
		return;
	}
	lex_list(b, e->value, stop_item, &stops);
	stops.s->stop_count = stops.count;
}

void
set_restart(struct build *b, void *object, const struct entry *e)
{
	struct service *s = object;
	static const char *const names[] = { "always", "failure", "never" };
	for (unsigned i = 0; i < 3; i++)
		if (strcmp(names[i], e->value) == 0) {
			s->restart = (enum restart_policy)i;
			return;
		}
	error(b, "restart: expected always, failure or never, not '%s'", e->value);
}

void
set_success(struct build *b, void *object, const struct entry *e)
{
	struct service *s = object;
	char word[64], why[UNITS_WHY], *rest, *code;
	const char *p = e->value;
	uint64_t n;
	bool any = false;
	memset(s->success_mask, 0, sizeof s->success_mask);
	while (lex_next(b, &p, word, sizeof word))
		for (rest = word; (code = strsep(&rest, ",")) != NULL;) {
			if (*code == '\0')
				continue; /* "0, 2" and "0 2" are one */
			if (!units_count(code, 0, 255, &n, why)) {
				error(b, "success: %s", why);
				return;
			}
			s->success_mask[n / 64] |= UINT64_C(1) << n % 64;
			any = true;
		}
	if (!any)
		error(b, "success: expected exit codes, 0 to 255");
}

void
set_backoff(struct build *b, void *object, const struct entry *e)
{
	struct service *s = object;
	const char *dots = strstr(e->value, "..");
	char first[32], why[UNITS_WHY];
	int64_t a, z;
	if (dots == NULL) {
		error(b, "backoff: expected FIRST..LAST, as 100ms..30s");
		return;
	}
	text_print(first, sizeof first, "%.*s", (int)(dots - e->value), e->value);
	if (!units_duration(first, &a, why) || !units_duration(dots + 2, &z, why)) {
		error(b, "backoff: %s", why);
		return;
	}
	if (a < 1 || z < a) {
		error(b, "backoff: '%s' is impossible", e->value);
		return;
	}
	s->backoff_first_ms = a;
	s->backoff_last_ms = z;
}

void
set_at_most(struct build *b, void *object, const struct entry *e)
{
	struct service *s = object;
	char word[32], why[UNITS_WHY];
	const char *p = e->value;
	uint64_t n;
	lex_next(b, &p, word, sizeof word);
	if (!units_count(word, 1, AT_MOST_MAX, &n, why)) {
		error(b, "at-most: %s", why);
		return;
	}
	s->at_most = (uint32_t)n;
	s->at_most_ms = -1;
	if (!within(b, &p, "in", &s->at_most_ms))
		return;
	if (s->at_most_ms == -1)
		error(b, "at-most: expected N in T, as 5 in 5m");
}

static void
depends_item(struct build *b, void *object, const char *text)
{
	struct service *s = object;
	bool check = build_lookup(b, text, OBJECT_SERVICE) == NULL &&
		     build_lookup(b, text, OBJECT_CHECK) != NULL;
	struct id_range r =
		build_resolve_all(b, text, check ? OBJECT_CHECK : OBJECT_SERVICE);
	for (uint32_t i = 0; i < r.count; i++)
		build_append(b, check ? &s->depends_checks : &s->depends_services,
			     r.first + i);
}

void
set_depends(struct build *b, void *object, const struct entry *e)
{
	lex_list(b, e->value, depends_item, object);
}

void
set_log(struct build *b, void *object, const struct entry *e)
{
	struct service *s = object;
	char word[4096], why[UNITS_WHY];
	const char *p = e->value;
	double size = 0;
	uint64_t keep = 1;
	lex_next(b, &p, word, sizeof word);
	s->log = keys_path(b, build_text(b, word, strlen(word)), e);
	if (!lex_next(b, &p, word, sizeof word))
		return;
	if (!units_size(word, &size, why)) {
		error(b, "log: %s", why);
		return;
	}
	if (size < 1024) {
		error(b, "log: rotating below 1K");
		return;
	}
	if (lex_next(b, &p, word, sizeof word) &&
	    (strcmp(word, "x") != 0 || !lex_next(b, &p, word, sizeof word) ||
	     !units_count(word, 1, 1000, &keep, why))) {
		error(b, "log: expected FILE SIZE x COUNT, as /var/log/a.log 50M x 5");
		return;
	}
	if (!lex_end(b, p))
		return;
	s->log_size = (uint64_t)size;
	s->log_keep = (uint32_t)keep;
}

void
set_drain(struct build *b, void *object, const struct entry *e)
{
	struct service *s = object;
	s->drain = build_resolve(b, e->value, OBJECT_ROUTE);
}

void
set_service_keep(struct build *b, void *object, const struct entry *e)
{
	struct service *s = object;
	char why[UNITS_WHY];
	uint64_t n;
	if (!units_count(e->value, 0, 999, &n, why))
		error(b, "keep: %s", why);
	s->keep = (uint32_t)n;
	s->keep_set = true;
}

void
set_on_boot(struct build *b, void *object, const struct entry *e)
{
	struct service *s = object;
	static const char *const names[] = { "start", "stay", "last" };
	for (unsigned i = 0; i < 3; i++)
		if (strcmp(names[i], e->value) == 0) {
			s->on_boot = (enum on_boot)i;
			return;
		}
	error(b, "on-boot: expected start, stay or last, not '%s'", e->value);
}
