#include "rules/units.h"

#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct suffix {
	const char *name;
	double factor;
};

static const struct suffix durations[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }, { NULL, 0 },
};
static const struct suffix sizes[] = {
	{ "B", 1 },
	{ "K", 1024.0 },
	{ "M", 1024.0 * 1024 },
	{ "G", 1024.0 * 1024 * 1024 },
	{ "T", 1024.0 * 1024 * 1024 * 1024 },
	{ NULL, 0 },
};
static const struct suffix rates[] = {
	{ "B/s", 1 },
	{ "K/s", 1024.0 },
	{ "M/s", 1024.0 * 1024 },
	{ "G/s", 1024.0 * 1024 * 1024 },
	{ NULL, 0 },
};

#define DURATION_UNITS "a unit is needed: ms, s, m, h or d"
#define SIZE_UNITS "a unit is needed: B, K, M, G or T"
#define RATE_UNITS "a unit is needed: B/s, K/s, M/s or G/s"

/* Digits, perhaps a point and digits; nothing that strtod takes besides (inf, hex, signs). */
static bool
number(const char *text, double *out, const char **rest)
{
	size_t n = strspn(text, "0123456789");
	if (n == 0 || n > 18)
		return false;
	if (text[n] == '.') {
		size_t f = strspn(text + n + 1, "0123456789");
		if (f == 0 || f > 9)
			return false;
		n += f + 1;
	}
	char copy[32];
	text_print(copy, sizeof copy, "%.*s", (int)n, text);
	*out = strtod(copy, NULL);
	*rest = text + n;
	return true;
}

static bool
with_suffix(const char *text, const struct suffix *table, const char *units, const char *what,
	    double *out, char why[UNITS_WHY])
{
	const char *rest;
	if (!number(text, out, &rest)) {
		text_print(why, UNITS_WHY, "'%.60s' is no %s", text, what);
		return false;
	}
	for (; table->name != NULL; table++)
		if (strcmp(rest, table->name) == 0) {
			*out *= table->factor;
			return true;
		}
	if (*rest == '\0')
		text_print(why, UNITS_WHY, "'%.60s': %s", text, units);
	else
		text_print(why, UNITS_WHY, "'%.60s' is no %s (%s)", text, what, units);
	return false;
}

bool
units_duration(const char *text, int64_t *out_ms, char why[UNITS_WHY])
{
	double ms;
	if (!with_suffix(text, durations, DURATION_UNITS, "duration", &ms, why))
		return false;
	if (ms > 10 * 365 * 86400000.0) {
		text_print(why, UNITS_WHY, "'%.60s' is more than ten years", text);
		return false;
	}
	*out_ms = llround(ms);
	/* 1.001 s is no exact double */
	if (fabs((double)*out_ms - ms) > 1e-9 + ms * 1e-15) {
		text_print(why, UNITS_WHY, "'%.60s' is finer than a millisecond", text);
		return false;
	}
	return true;
}

bool
units_size(const char *text, double *out, char why[UNITS_WHY])
{
	if (!with_suffix(text, sizes, SIZE_UNITS, "size", out, why))
		return false;
	if (*out >= 0x1p62) { /* what takes it as a whole number must be able to */
		text_print(why, UNITS_WHY, "'%.60s' is more than four million TiB", text);
		return false;
	}
	return true;
}

bool
units_count(const char *text, uint64_t least, uint64_t most, uint64_t *out, char why[UNITS_WHY])
{
	char *end;
	errno = 0;
	unsigned long long n =
		isdigit((unsigned char)*text) ? strtoull(text, &end, 10) : 0;
	if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || n < least ||
	    n > most) {
		text_print(why, UNITS_WHY, "'%.60s' is no whole number from %llu to %llu",
			   text, (unsigned long long)least, (unsigned long long)most);
		return false;
	}
	*out = n;
	return true;
}

static bool
plain(const char *text, const char *unit, double *out, char why[UNITS_WHY])
{
	const char *rest;
	if (!number(text, out, &rest) || strcmp(rest, unit) != 0) {
		text_print(
			why, UNITS_WHY,
			*unit == '%'
				? "'%.60s' is no percentage: a number and %% are needed"
				: "'%.60s' is no number: this metric has no unit",
			text);
		return false;
	}
	return true;
}

bool
units_value(const char *text, enum unit unit, double *out, char why[UNITS_WHY])
{
	int64_t ms;
	switch (unit) {
	case UNIT_NONE:
	case UNIT_COUNT:
		return plain(text, "", out, why);
	case UNIT_PERCENT:
		return plain(text, "%", out, why);
	case UNIT_BYTES:
		return units_size(text, out, why);
	case UNIT_RATE:
		return with_suffix(text, rates, RATE_UNITS, "rate", out, why);
	case UNIT_MS:
		if (!units_duration(text, &ms, why))
			return false;
		*out = (double)ms;
		return true;
	case UNIT_YESNO:
		text_print(why, UNITS_WHY,
			   "a yes/no metric stands alone, without a comparison");
		return false;
	case UNIT_TEXT:
		text_print(why, UNITS_WHY, "a text is compared by = != ~ or !~");
		return false;
	}
	return false;
}

void
units_text(enum unit unit, double v, char *out, size_t cap)
{
	bool is_whole = v == floor(v) && fabs(v) < 1e15;
	switch (unit) {
	case UNIT_BYTES:
	case UNIT_RATE:
		text_size(v, out, cap);
		if (unit == UNIT_RATE)
			text_print(out + strlen(out), cap - strlen(out), "/s");
		break;
	case UNIT_MS:
		if (v >= 1000)
			text_duration((int64_t)v, out, cap);
		else
			text_print(out, cap, "%.3g ms", v);
		break;
	case UNIT_PERCENT:
		text_print(out, cap, "%.1f%%", v);
		break;
	case UNIT_YESNO:
		text_print(out, cap, "%s", v > 0 ? "yes" : "no");
		break;
	case UNIT_NONE:
	case UNIT_COUNT:
	case UNIT_TEXT:
		text_print(out, cap, is_whole ? "%.0f" : "%g", v);
		break;
	}
}
