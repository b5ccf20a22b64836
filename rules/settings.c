/* Keys of [monitord]. */
#include "rules/keys.h"
#include "rules/units.h"

#include <string.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)
#define HISTORY_LEAST (4 << 20)

void
set_ignored(struct build *b, void *object, const struct entry *e)
{
	(void)b;
	(void)object;
	/* read before: include by sources_read, instances when objects were counted */
	(void)e;
}

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
