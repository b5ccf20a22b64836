/* What people read: times, colours, details. */
#include "status/ctl.h"

#include "base/clock.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static bool
colours(void)
{
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");
	return isatty(STDOUT_FILENO) == 1 && (none == NULL || *none == '\0') &&
	       term != NULL && strcmp(term, "dumb") != 0;
}

const char *
tone_on(enum tone tone)
{
	static const char *const codes[TONES] = {
		[TONE_PLAIN] = "",        [TONE_GOOD] = "\033[32m",
		[TONE_WARN] = "\033[33m", [TONE_BAD] = "\033[1;31m",
		[TONE_DIM] = "\033[2m",
	};
	return colours() ? codes[tone] : "";
}

const char *
tone_off(void)
{
	return colours() ? "\033[0m" : "";
}

enum tone
state_tone(const char *state)
{
	static const struct {
		const char *state;
		enum tone tone;
	} rows[] = {
		{ "up", TONE_GOOD },     { "primary", TONE_GOOD },
		{ "quiet", TONE_GOOD },  { "closed", TONE_GOOD },
		{ "down", TONE_BAD },    { "failed", TONE_BAD },
		{ "failing", TONE_BAD }, { "backoff", TONE_BAD },
		{ "stuck", TONE_BAD },   { "firing", TONE_BAD },
		{ "open", TONE_BAD },    { "stopped", TONE_DIM },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].state, state) == 0)
			return rows[i].tone;
	return TONE_WARN;
}

const char *
text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text != NULL ? text : "";
}

double
number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

/* RFC 3339 as clock_rfc3339 writes it, the fraction optional, and local offsets too. */
int64_t
time_of(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	double fraction = 0;
	int hours = 0, minutes = 0, used = 0;
	if (rest == NULL)
		return -1;
	if (*rest == '.') {
		char *end;
		fraction = strtod(rest, &end);
		rest = end;
	}
	if (strcmp(rest, "Z") != 0 && strcmp(rest, "z") != 0) {
		if ((*rest != '+' && *rest != '-') ||
		    sscanf(rest + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 ||
		    rest[1 + used] != '\0')
			return -1;
		if (*rest == '-') {
			hours = -hours;
			minutes = -minutes;
		}
	}
	return ((int64_t)timegm(&tm) - hours * 3600 - minutes * 60) * 1000 +
	       (int64_t)lround(fraction * 1000);
}

char *
local_time(const char *rfc3339, char *out, size_t cap)
{
	int64_t ms = time_of(rfc3339);
	time_t s = ms / 1000;
	struct tm tm;
	char clock[40];
	text_print(out, cap, "-");
	if (ms < 0 || localtime_r(&s, &tm) == NULL)
		return out;
	strftime(clock, sizeof clock, "%Y-%m-%d %H:%M:%S", &tm);
	text_print(out, cap, "%s.%03d", clock, (int)(ms % 1000));
	return out;
}

char *
ago(const char *rfc3339, char *out, size_t cap)
{
	int64_t ms = time_of(rfc3339), now = clock_real_ms();
	if (ms < 0)
		text_print(out, cap, "-");
	else
		text_duration(now > ms ? now - ms : 0, out, cap);
	return out;
}

/* ---- details ---- */

static void
add_names(struct text *t, const char *before, const json_t *names)
{
	size_t i;
	json_t *name;
	if (json_array_size(names) > 0)
		text_add(t, "%s", before);
	json_array_foreach(names, i, name)
		text_add(t, "%s%s", i > 0 ? ", " : "", json_string_value(name));
}

static void
service_detail(const json_t *o, struct text *t)
{
	char size[32];
	double pid = number_of(o, "pid"), memory = number_of(o, "memory"),
	       cpu = number_of(o, "cpu");
	const json_t *end = json_object_get(o, "exit");
	if (!isnan(pid))
		text_add(t, "pid %.0f", pid);
	if (!isnan(memory))
		text_add(t, ", %s", text_size(memory, size, sizeof size));
	if (!isnan(cpu))
		text_add(t, ", cpu %.1f%%", cpu);
	if (number_of(o, "restarts") > 0)
		text_add(t, "%s%.0f restart%s", t->length > 0 ? ", " : "",
			 number_of(o, "restarts"),
			 number_of(o, "restarts") > 1 ? "s" : "");
	if (!isnan(number_of(end, "signal")))
		text_add(t, "%slast exit: signal %.0f", t->length > 0 ? ", " : "",
			 number_of(end, "signal"));
	else if (!isnan(number_of(end, "code")))
		text_add(t, "%slast exit: code %.0f", t->length > 0 ? ", " : "",
			 number_of(end, "code"));
	if (json_is_true(json_object_get(o, "stopped_by_command")))
		text_add(t, "%sby command", t->length > 0 ? ", " : "");
	if (json_is_true(json_object_get(o, "finished")))
		text_add(t, "%sfinished", t->length > 0 ? ", " : "");
}

static void
check_detail(const json_t *o, struct text *t)
{
	double latency = number_of(o, "latency_ms"), age = number_of(o, "age_s");
	char text[32];
	if (*text_of(o, "error") != '\0')
		text_add(t, "%s", text_of(o, "error"));
	else if (!isnan(latency))
		text_add(t, "%.1f ms", latency);
	else
		text_add(t, "not measured yet");
	if (!isnan(age) && age > 60)
		text_add(t, ", measured %s ago",
			 text_duration((int64_t)(age * 1000), text, sizeof text));
}

char *
detail_of(const char *kind, const json_t *o, char *out, size_t cap)
{
	struct text t;
	text_begin(&t, out, cap);
	if (strcmp(kind, "service") == 0)
		service_detail(o, &t);
	else if (strcmp(kind, "check") == 0)
		check_detail(o, &t);
	else if (strcmp(kind, "rule") == 0)
		text_add(&t, "%s", text_of(o, "when"));
	else {
		add_names(&t, "active: ", json_object_get(o, "active"));
		if (!json_equal(json_object_get(o, "active"),
				json_object_get(o, "wanted")))
			add_names(&t, "; wanted: ", json_object_get(o, "wanted"));
		if (*text_of(o, "text") != '\0')
			text_add(&t, "%s%s", t.length > 0 ? "; " : "",
				 text_of(o, "text"));
	}
	return out;
}
