/* Keys of [service] that say what its processes may take. */
#include "rules/keys.h"
#include "rules/units.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)

static const struct {
	const char *name;
	int resource;
} resources[] = {
	{ "core", RLIMIT_CORE },   { "cpu", RLIMIT_CPU },	  { "data", RLIMIT_DATA },
	{ "fsize", RLIMIT_FSIZE }, { "memlock", RLIMIT_MEMLOCK }, { "nofile", RLIMIT_NOFILE },
	{ "nproc", RLIMIT_NPROC }, { "stack", RLIMIT_STACK },	  { "as", RLIMIT_AS },
};

static void
limit_item(struct build *b, void *object, const char *text)
{
	struct service *s = object;
	char name[32], value[64], why[UNITS_WHY];
	const char *p = text;
	size_t i = 0;
	uint64_t n = UINT64_MAX;
	double size;
	if (!lex_next(b, &p, name, sizeof name) ||
	    !lex_next(b, &p, value, sizeof value)) {
		error(b, "limits: expected NAME VALUE, not '%s'", text);
		return;
	}
	if (!lex_end(b, p))
		return;
	while (i < sizeof resources / sizeof *resources &&
	       strcmp(resources[i].name, name) != 0)
		i++;
	if (i == sizeof resources / sizeof *resources) {
		error(b, "limits: unknown limit '%s'", name);
		return;
	}
	if (strcmp(value, "unlimited") != 0 &&
	    !units_count(value, 0, INT64_MAX, &n, why)) {
		if (!units_size(value, &size, why)) {
			error(b, "limits: %s %s", name, why);
			return;
		}
		n = (uint64_t)size;
	}
	struct limit *list = build_get(b, (s->limit_count + 1) * sizeof *list);
	if (b->out_of_memory)
		return;
	if (s->limit_count > 0)
		memcpy(list, s->limits, s->limit_count * sizeof *list);
	list[s->limit_count++] =
		(struct limit){ .resource = resources[i].resource, .value = n };
	s->limits = list;
}

void
set_limits(struct build *b, void *object, const struct entry *e)
{
	lex_list(b, e->value, limit_item, object);
}

void
set_umask(struct build *b, void *object, const struct entry *e)
{
	struct service *s = object;
	size_t n = strspn(e->value, "01234567");
	if (n == 0 || n > 4 || e->value[n] != '\0' || strtol(e->value, NULL, 8) > 0777)
		error(b, "umask: '%s' is no octal number up to 777", e->value);
	else
		s->umask = (int)strtol(e->value, NULL, 8);
}

void
set_nice(struct build *b, void *object, const struct entry *e)
{
	struct service *s = object;
	char why[UNITS_WHY];
	bool minus = *e->value == '-';
	uint64_t n;
	if (!units_count(e->value + minus, 0, minus ? 20 : 19, &n, why)) {
		error(b, "nice: '%s' is no number from -20 to 19", e->value);
		return;
	}
	s->nice = minus ? -(int)n : (int)n;
	s->nice_set = true;
}

void
set_memory_max(struct build *b, void *object, const struct entry *e)
{
	struct service *s = object;
	char why[UNITS_WHY];
	double size;
	if (!units_size(e->value, &size, why))
		error(b, "memory-max: %s", why);
	else if (size < 1 << 20)
		error(b, "memory-max: less than 1M");
	else
		s->memory_max = (uint64_t)size;
}

void
set_cpu_max(struct build *b, void *object, const struct entry *e)
{
	struct service *s = object;
	char why[UNITS_WHY];
	double percent;
	if (!units_value(e->value, UNIT_PERCENT, &percent, why))
		error(b, "cpu-max: %s", why);
	else if (percent < 1 || percent > 100000)
		error(b, "cpu-max: '%s' is not within 1%% and 100000%%", e->value);
	else
		s->cpu_max = (uint32_t)percent;
}

void
set_oom_score(struct build *b, void *object, const struct entry *e)
{
	struct service *s = object;
	char why[UNITS_WHY];
	bool minus = *e->value == '-';
	uint64_t n;
	if (!units_count(e->value + minus, 0, 1000, &n, why)) {
		error(b, "oom-score: '%s' is no number from -1000 to 1000", e->value);
		return;
	}
	s->oom_score = minus ? -(int)n : (int)n;
	s->oom_score_set = true;
}
