/* monitorctl graph and availability: history, drawn in the terminal. */
#include "status/ctl.h"

#include "base/text.h"

#include <inttypes.h>
#include <langinfo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define ROWS 12
#define COLUMNS_MOST 240
#define LABEL 10 /* of the values, in front of the picture */
#define DOTS_WIDE 2
#define DOTS_HIGH 4

/* A picture of dots: braille holds 2 x 4 of them in a cell, ASCII one. */
struct picture {
	unsigned columns;                        /* cells */
	unsigned wide, high;                     /* dots of a cell */
	unsigned char cells[ROWS][COLUMNS_MOST]; /* bits, column by column */
};

/* The bits of a braille pattern (Unicode 28xx) by column and row of the dot. */
static const unsigned char braille[DOTS_WIDE][DOTS_HIGH] = {
	{ 0x01, 0x02, 0x04, 0x40 },
	{ 0x08, 0x10, 0x20, 0x80 },
};

static void
set_dot(struct picture *p, unsigned x, unsigned y)
{
	unsigned row = ROWS - 1 - y / p->high, column = x / p->wide;
	if (row < ROWS && column < p->columns)
		p->cells[row][column] |=
			p->wide == 1 ? 1
				     : braille[x % p->wide][p->high - 1 - y % p->high];
}

static void
print_row(const struct picture *p, unsigned row)
{
	unsigned used = p->columns;
	while (used > 0 && p->cells[row][used - 1] == 0)
		used--;
	for (unsigned i = 0; i < used; i++) {
		unsigned char c = p->cells[row][i];
		if (p->wide == 1 || c == 0)
			putchar(c != 0 ? '*' : ' ');
		else /* U+2800 and the bits, as UTF-8 */
			printf("%c%c%c", 0xe2, 0xa0 | c >> 6, 0x80 | (c & 0x3f));
	}
}

static bool
is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static unsigned
terminal_columns(void)
{
	struct winsize w;
	const char *set = getenv("COLUMNS");
	long n = set != NULL ? strtol(set, NULL, 10) : 0;
	if (n <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0)
		n = w.ws_col;
	return n < 40 ? 80 : n > COLUMNS_MOST ? COLUMNS_MOST : (unsigned)n;
}

/* "1.5 GiB", "12 %", "3.4 ms" */
static char *
value_text(double v, const char *unit, char *out, size_t cap)
{
	bool bytes = strncmp(unit, "bytes", 5) == 0;
	if (isnan(v))
		text_print(out, cap, "-");
	else if (bytes)
		text_size(v, out, cap);
	else if (strcmp(unit, "ms") == 0 && fabs(v) >= 1000)
		text_duration((int64_t)v, out, cap);
	else
		text_print(out, cap, "%.4g%s", v,
			   strcmp(unit, "percent") == 0 ? " %"
			   : strcmp(unit, "ms") == 0    ? " ms"
							: "");
	return out;
}

struct range {
	double low, high, sum, last;
	size_t count;
};

static double
number_at(const json_t *series, const char *part, size_t i)
{
	const json_t *v = json_array_get(json_object_get(series, part), i);
	return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static struct range
range_of(const json_t *series)
{
	struct range r = { .low = (double)NAN, .high = (double)NAN, .last = (double)NAN };
	size_t count = json_array_size(json_object_get(series, "values"));
	for (size_t i = 0; i < count; i++) {
		double mean = number_at(series, "values", i);
		if (isnan(mean))
			continue;
		r.low = fmin(r.low, number_at(series, "low", i));
		r.high = fmax(r.high, number_at(series, "high", i));
		r.sum += mean;
		r.last = mean;
		r.count++;
	}
	return r;
}

/* Bounds of the picture: from 0 where all is above it, else with a little room. */
static void
bounds_of(const struct range *r, double *bottom, double *top)
{
	*bottom = r->low > 0 ? 0 : r->low;
	*top = r->high > *bottom ? r->high : *bottom + 1;
}

static unsigned
height_of(const struct picture *p, double v, double bottom, double top)
{
	double at = (v - bottom) / (top - bottom) * (ROWS * p->high - 1);
	return at < 0 ? 0 : (unsigned)lround(at);
}

/* From the lowest to the highest sample of each step, joined to its neighbour's mean. */
static void
draw(struct picture *p, const json_t *series, double bottom, double top)
{
	size_t count = json_array_size(json_object_get(series, "values"));
	unsigned dots = p->columns * p->wide, before = 0;
	bool joined = false;
	for (unsigned x = 0; x < dots; x++) {
		size_t i = count * x / dots;
		double mean = number_at(series, "values", i);
		if (isnan(mean)) {
			joined = false;
			continue;
		}
		unsigned low = height_of(p, number_at(series, "low", i), bottom, top),
			 high = height_of(p, number_at(series, "high", i), bottom, top),
			 at = height_of(p, mean, bottom, top);
		if (joined && before < low)
			low = before;
		if (joined && before > high)
			high = before;
		for (unsigned y = low; y <= high; y++)
			set_dot(p, x, y);
		before = at;
		joined = true;
	}
}

static char *
clock_text(int64_t ms, bool days, char *out, size_t cap)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	if (localtime_r(&s, &tm) == NULL ||
	    strftime(out, cap, days ? "%m-%d %H:%M" : "%H:%M:%S", &tm) == 0)
		text_print(out, cap, "-");
	return out;
}

static void
print_times(const json_t *series, unsigned columns)
{
	int64_t since = time_of(text_of(series, "since")),
		until = time_of(text_of(series, "until"));
	bool days = until - since > 86400000;
	char a[24], b[24], c[24];
	clock_text(since, days, a, sizeof a);
	clock_text((since + until) / 2, days, b, sizeof b);
	clock_text(until, days, c, sizeof c);
	int half = (int)columns / 2, width = (int)strlen(b);
	printf("%*s %s%*s%s%*s\n", LABEL, "", a, half - width / 2 - (int)strlen(a), "", b,
	       (int)columns - half - width + width / 2, c);
}

static void
print_picture(const struct picture *p, const json_t *series, double bottom, double top)
{
	const char *unit = text_of(series, "unit");
	bool utf8 = p->wide > 1;
	char text[40];
	for (unsigned row = 0; row < ROWS; row++) {
		double v = top - (top - bottom) * row / (ROWS - 1);
		bool named = row == 0 || row == ROWS - 1 || row == ROWS / 2;
		printf("%*s %s", LABEL - 1,
		       named ? value_text(v, unit, text, sizeof text) : "",
		       utf8 ? (named ? "\xe2\x94\xa4" : "\xe2\x94\x82")
			    : (named ? "+" : "|"));
		fputs(tone_on(TONE_GOOD), stdout);
		print_row(p, row);
		printf("%s\n", tone_off());
	}
	print_times(series, p->columns);
}

static void
print_graph(const json_t *series)
{
	static struct picture p;
	struct range r = range_of(series);
	const char *unit = text_of(series, "unit");
	char text[4][40], span[40];
	double bottom, top;
	printf("%s %s, steps of %s\n", text_of(series, "object"),
	       text_of(series, "metric"),
	       text_duration((int64_t)number_of(series, "step_s") * 1000, span,
			     sizeof span));
	if (r.count == 0) {
		puts("nothing was recorded in this time");
		return;
	}
	p.wide = is_utf8() ? DOTS_WIDE : 1;
	p.high = is_utf8() ? DOTS_HIGH : 1;
	p.columns = terminal_columns() - LABEL - 2;
	bounds_of(&r, &bottom, &top);
	draw(&p, series, bottom, top);
	print_picture(&p, series, bottom, top);
	printf("lowest %s, mean %s, highest %s, last %s\n",
	       value_text(r.low, unit, text[0], sizeof text[0]),
	       value_text(r.sum / (double)r.count, unit, text[1], sizeof text[1]),
	       value_text(r.high, unit, text[2], sizeof text[2]),
	       value_text(r.last, unit, text[3], sizeof text[3]));
}

bool
add_time(struct text *path, const char *key, const char *value)
{
	if (value == NULL)
		return true;
	int64_t ms = time_of(value);
	if (ms >= 0)
		text_add(path, "&%s=%" PRId64, key, ms / 1000);
	else if (value[strspn(value, "0123456789.msdh")] == '\0' && *value != '\0')
		text_add(path, "&%s=%s", key, value);
	else
		fprintf(stderr,
			"monitorctl: --%s %s: expected a duration like 6h, or a time "
			"like 2026-11-24T12:00:00Z\n",
			key, value);
	return ms >= 0 || value[strspn(value, "0123456789.msdh")] == '\0';
}

static enum ctl_exit
list_metrics(const struct ctl *ctl, const json_t *answer)
{
	size_t i;
	json_t *name;
	if (ctl->json) {
		print_json(answer);
		return CTL_DONE;
	}
	printf("metrics of %s:", text_of(answer, "object"));
	json_array_foreach(json_object_get(answer, "metrics"), i, name)
		printf(" %s", json_string_value(name));
	putchar('\n');
	return CTL_DONE;
}

enum ctl_exit
ctl_graph(struct ctl *ctl)
{
	char path[400];
	struct text t;
	enum ctl_exit code;
	for (int i = 0; i < ctl->count; i++)
		if (!is_name(ctl->names[i]))
			return no_name("graph", ctl->names[i]);
	text_begin(&t, path, sizeof path);
	text_add(&t, "/v1/series?object=%s", ctl->names[0]);
	if (ctl->count > 1)
		text_add(&t, "&metric=%s&points=%u", ctl->names[1],
			 (terminal_columns() - LABEL - 2) * (is_utf8() ? DOTS_WIDE : 1));
	if (!add_time(&t, "since", ctl->since) || !add_time(&t, "until", ctl->until))
		return CTL_WRONG_USE;
	json_t *answer = http_json(ctl, path, &code);
	if (answer == NULL)
		return code;
	if (ctl->count == 1)
		list_metrics(ctl, answer);
	else if (ctl->json)
		print_json(answer);
	else
		print_graph(answer);
	json_decref(answer);
	return CTL_DONE;
}

static void
print_availability(const json_t *o)
{
	char text[2][40];
	double percent = number_of(o, "availability_percent");
	printf("%s %s: ", text_of(o, "object"), text_of(o, "month"));
	if (isnan(percent))
		printf("not known");
	else
		printf("%.3f %% available", percent);
	printf(", down %s, stopped as planned %s",
	       text_duration((int64_t)(number_of(o, "down_s") * 1000), text[0],
			     sizeof text[0]),
	       text_duration((int64_t)(number_of(o, "planned_s") * 1000), text[1],
			     sizeof text[1]));
	printf(", not known %s\n",
	       text_duration((int64_t)(number_of(o, "unknown_s") * 1000), text[0],
			     sizeof text[0]));
}

enum ctl_exit
ctl_availability(struct ctl *ctl)
{
	char path[300];
	enum ctl_exit code, worst = CTL_DONE;
	for (int i = 0; i < ctl->count; i++) {
		if (!is_name(ctl->names[i]) ||
		    (ctl->month != NULL && !is_name_bytes(ctl->month)))
			return no_name("availability", ctl->names[i]);
		text_print(path, sizeof path, "/v1/availability?object=%s%s%s",
			   ctl->names[i], ctl->month != NULL ? "&month=" : "",
			   ctl->month != NULL ? ctl->month : "");
		json_t *answer = http_json(ctl, path, &code);
		worst = worst == CTL_DONE ? code : worst;
		if (answer != NULL && ctl->json)
			print_json(answer);
		else if (answer != NULL)
			print_availability(answer);
		json_decref(answer);
	}
	return worst;
}
