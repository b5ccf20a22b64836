/* Keys that hold actions back: during, actions-at-most, mode; and what replay looks back on:
 * record. */
#include "rules/keys.h"

#include "base/text.h"
#include "rules/units.h"

#include <string.h>

#define SPANS_MAX 32
#define MINUTES_DAY 1440
#define MINUTES_WEEK (7 * MINUTES_DAY)
#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)

static const char *const day_name[7] = {
	"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"
};

struct spans {
	struct week_span list[SPANS_MAX];
	uint32_t count;
	bool failed;
};

static unsigned
day_find(const char *word, size_t length)
{
	unsigned d = 0;
	while (d < 7 && (length != 3 || strncmp(day_name[d], word, 3) != 0))
		d++;
	return d;
}

/* "Mon" or "Mon-Fri" */
static bool
days(const char *word, unsigned *first, unsigned *last)
{
	const char *dash = strchr(word, '-');
	size_t n = dash != NULL ? (size_t)(dash - word) : strlen(word);
	*first = day_find(word, n);
	*last = dash != NULL ? day_find(dash + 1, strlen(dash + 1)) : *first;
	return *first < 7 && *last < 7;
}

/* "08:00": minutes of the day; 24:00 is its end. */
static bool
clock_time(const char *text, size_t length, unsigned *out)
{
	static const char form[] = "dd:dd";
	bool good = length == 5;
	for (size_t i = 0; good && i < 5; i++)
		good = form[i] == 'd' ? text[i] >= '0' && text[i] <= '9'
				      : text[i] == form[i];
	if (!good)
		return false;
	unsigned hour = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
	unsigned minute = (unsigned)(text[3] - '0') * 10 + (unsigned)(text[4] - '0');
	*out = hour * 60 + minute;
	return minute < 60 && *out <= MINUTES_DAY;
}

static bool
clock_span(const char *word, unsigned *from, unsigned *to)
{
	const char *dash = strchr(word, '-');
	return dash != NULL && clock_time(word, (size_t)(dash - word), from) &&
	       clock_time(dash + 1, strlen(dash + 1), to) && *from != *to &&
	       *from < MINUTES_DAY;
}

/* One span a day, over midnight if it ends before it begins. */
static void
during_item(struct build *b, void *arg, const char *text)
{
	struct spans *s = arg;
	char word[32] = "";
	const char *p = text;
	bool quoted, more;
	unsigned first = 0, last = 6, from = 0, to = MINUTES_DAY;
	more = lex_word(b, &p, "", word, sizeof word, &quoted);
	bool has_days = days(word, &first, &last);
	if (!has_days) {
		first = 0;
		last = 6;
	} else {
		more = lex_word(b, &p, "", word, sizeof word, &quoted);
	}
	bool good = more ? clock_span(word, &from, &to) : has_days;
	lex_skip(&p);
	if (!good || *p != '\0') {
		s->failed = true;
		error(b,
		      "%s: '%s' is no time: expected DAYS HH:MM-HH:MM, as Mon-Fri "
		      "08:00-18:00",
		      b->entry->key, text);
		return;
	}
	for (unsigned d = first;; d = (d + 1) % 7) {
		unsigned end = d * MINUTES_DAY + to + (to <= from ? MINUTES_DAY : 0);
		if (s->count == SPANS_MAX) {
			s->failed = true;
			error(b, "%s: more than %d times", b->entry->key, SPANS_MAX);
			return;
		}
		s->list[s->count++] =
			(struct week_span){ .from = (uint16_t)(d * MINUTES_DAY + from),
					    .to = (uint16_t)(end % MINUTES_WEEK) };
		if (d == last)
			break;
	}
}

/* "Mon-Fri 08:00-18:00, Sat 10:00-12:00" */
static void
read_during(struct build *b, const char *value, struct during *out)
{
	struct spans s = { .count = 0 };
	if (!lex_list(b, value, during_item, &s) || s.failed)
		return;
	struct week_span *list = build_get(b, (s.count + 1) * sizeof *list);
	if (b->out_of_memory)
		return;
	memcpy(list, s.list, s.count * sizeof *list);
	*out = (struct during){ .count = s.count, .spans = list };
}

void
set_rule_during(struct build *b, void *object, const struct entry *e)
{
	read_during(b, e->value, &((struct rule *)object)->during);
}

void
set_service_during(struct build *b, void *object, const struct entry *e)
{
	read_during(b, e->value, &((struct service *)object)->during);
}

void
set_check_during(struct build *b, void *object, const struct entry *e)
{
	read_during(b, e->value, &build_more(b, object)->during);
}

void
set_route_during(struct build *b, void *object, const struct entry *e)
{
	read_during(b, e->value, &((struct route *)object)->during);
}

void
set_contact_during(struct build *b, void *object, const struct entry *e)
{
	read_during(b, e->value, &((struct contact *)object)->during);
}

static void
actions_at_most(struct build *b, const char *value, struct at_most *out)
{
	char word[64], why[UNITS_WHY];
	const char *p = value;
	bool quoted;
	uint64_t n;
	lex_word(b, &p, "", word, sizeof word, &quoted);
	if (!units_count(word, 1, AT_MOST_MAX, &n, why)) {
		error(b, "%s: %s", b->entry->key, why);
		return;
	}
	if (!lex_word(b, &p, "", word, sizeof word, &quoted) || strcmp(word, "in") != 0 ||
	    !lex_word(b, &p, "", word, sizeof word, &quoted) ||
	    !units_duration(word, &out->within_ms, why) || out->within_ms == 0)
		error(b, "%s: expected N in T, as 10 in 1m", b->entry->key);
	else if (lex_end(b, p))
		out->count = (uint32_t)n;
}

void
set_chain_actions(struct build *b, void *object, const struct entry *e)
{
	actions_at_most(b, e->value, &((struct chain *)object)->actions);
}

void
set_chain_check(struct build *b, void *object, const struct entry *e)
{
	((struct chain *)object)->check = build_resolve(b, e->value, OBJECT_CHECK);
}

void
set_daemon_actions(struct build *b, void *object, const struct entry *e)
{
	actions_at_most(b, e->value, &((struct settings *)object)->actions);
}

void
set_daemon_mode(struct build *b, void *object, const struct entry *e)
{
	struct settings *s = object;
	s->dry_run = strcmp(e->value, "dry-run") == 0;
	if (!s->dry_run && strcmp(e->value, "act") != 0)
		error(b, "mode: expected act or dry-run, not '%.40s'", e->value);
}

#define RECORD_LEAST (1 << 20)

/* "7d", "7d 200M" or "off" */
void
set_record(struct build *b, void *object, const struct entry *e)
{
	struct settings *s = object;
	char word[64] = "", why[UNITS_WHY];
	const char *p = e->value;
	bool quoted;
	double size;
	if (strcmp(e->value, "off") == 0) {
		s->record_ms = 0;
		return;
	}
	lex_word(b, &p, "", word, sizeof word, &quoted);
	if (!units_duration(word, &s->record_ms, why) || s->record_ms < 3600000) {
		error(b, "record: expected off, or an hour and more, as 7d, not '%s'",
		      word);
		return;
	}
	if (!lex_word(b, &p, "", word, sizeof word, &quoted))
		return;
	if (!units_size(word, &size, why))
		error(b, "record: %s", why);
	else if (size < RECORD_LEAST)
		error(b, "record: less than 1M keeps nothing; 'off' keeps it off");
	else if (lex_end(b, p))
		s->record_bytes = (uint64_t)size;
}
