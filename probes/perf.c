#include "probes/perf.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct pair {
	const char *label;
	size_t length;
	bool quoted; /* within it '' stands for one quote */
	const char *value;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The next LABEL=…, at *at, which is moved behind it. False: there is none. */
static bool
take_pair(const char **at, const char *end, struct pair *out)
{
	const char *p = *at;
	while (p < end && is_blank(*p))
		p++;
	out->quoted = p < end && *p == '\'';
	out->label = p += out->quoted;
	if (out->quoted)
		while (p < end && (*p != '\'' || (p + 1 < end && p[1] == '\'')))
			p += *p == '\'' ? 2 : 1;
	else
		while (p < end && *p != '=' && !is_blank(*p))
			p++;
	if (p >= end)
		return false;
	out->length = (size_t)(p - out->label);
	p += out->quoted;
	out->value = p < end && *p == '=' ? p + 1 : NULL;
	while (p < end && !is_blank(*p))
		p++;
	*at = p;
	return true;
}

static bool
is_label(const struct pair *p, const char *label)
{
	size_t i = 0;
	for (; i < p->length && *label != '\0'; i++, label++) {
		if (p->label[i] != *label)
			return false;
		i += p->quoted && p->label[i] == '\'';
	}
	return i == p->length && *label == '\0';
}

/* "U" is the plugin's word for a value that it could not find. */
static double
number(const char *at, const char *end)
{
	char text[40] = "", *behind;
	size_t n = (size_t)(end - at) < sizeof text - 1 ? (size_t)(end - at)
							: sizeof text - 1;
	memcpy(text, at, n);
	if (strspn(text, "-+.0123456789") == 0)
		return (double)NAN;
	double value = strtod(text, &behind);
	return behind != text && isfinite(value) ? value : (double)NAN;
}

/* Behind the '|' of the first line, and behind one of a later line to the end. */
double
perf_value(const char *output, size_t size, const char *label)
{
	const char *end = output + size;
	const char *line = memchr(output, '\n', size);
	if (line == NULL)
		line = end;
	const char *parts[2] = { memchr(output, '|', (size_t)(line - output)),
				 memchr(line, '|', (size_t)(end - line)) };
	const char *ends[2] = { line, end };
	for (unsigned i = 0; i < 2; i++) {
		struct pair p;
		if (parts[i] == NULL)
			continue;
		for (const char *at = parts[i] + 1;
		     at < ends[i] && take_pair(&at, ends[i], &p);)
			if (p.value != NULL && is_label(&p, label))
				return number(p.value, ends[i]);
	}
	return (double)NAN;
}
