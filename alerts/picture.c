#include "alerts/picture.h"

#include "base/clock.h"
#include "base/text.h"
#include "rules/metric.h"

#include <cairo.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SCALE 2 /* pixels for each point: sharp on every screen */
#define BOX_HEIGHT 34
#define BOX_PAD 14
#define ARROW 34
#define ROW_WIDTH 640
#define CHART_WIDTH 640
#define CHART_HEIGHT 200

struct colour {
	double r, g, b;
};
static const struct colour ink = { 0.12, 0.14, 0.16 }, pale = { 0.82, 0.85, 0.88 },
			   red = { 0.71, 0.14, 0.09 }, blue = { 0.04, 0.41, 0.85 },
			   grey = { 0.34, 0.38, 0.42 };
static const struct colour fill[MARKS] = {
	[MARK_UNKNOWN] = { 0.96, 0.97, 0.98 }, [MARK_ROOT] = { 0.71, 0.14, 0.09 },
	[MARK_WRONG] = { 0.99, 0.89, 0.87 },   [MARK_AFFECTED] = { 1.0, 0.94, 0.80 },
	[MARK_WELL] = { 0.86, 0.96, 0.89 },
};

static void
set(cairo_t *c, struct colour x)
{
	cairo_set_source_rgb(c, x.r, x.g, x.b);
}

static void
font(cairo_t *c, double size, bool bold)
{
	cairo_select_font_face(c, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
			       bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
	cairo_set_font_size(c, size);
}

static double
width_of(cairo_t *c, const char *text)
{
	cairo_text_extents_t e;
	cairo_text_extents(c, text, &e);
	return e.x_advance;
}

static void
say(cairo_t *c, double x, double y, const char *text)
{
	cairo_move_to(c, x, y);
	cairo_show_text(c, text);
}

static cairo_status_t
on_png(void *arg, const unsigned char *bytes, unsigned size)
{
	int fd = *(int *)arg;
	while (size > 0) {
		ssize_t n = write(fd, bytes, size);
		if (n <= 0)
			return CAIRO_STATUS_WRITE_ERROR;
		bytes += n;
		size -= (unsigned)n;
	}
	return CAIRO_STATUS_SUCCESS;
}

static cairo_t *
begin(int width, int height, cairo_surface_t **surface)
{
	*surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width * SCALE,
					      height * SCALE);
	cairo_t *c = cairo_create(*surface);
	cairo_scale(c, SCALE, SCALE);
	cairo_set_source_rgb(c, 1, 1, 1);
	cairo_paint(c);
	return c;
}

static void
end(cairo_t *c, cairo_surface_t *surface, int fd)
{
	cairo_destroy(c);
	cairo_surface_write_to_png_stream(surface, on_png, &fd);
	cairo_surface_destroy(surface);
}

/* ---- the chain ---- */

static void
rounded(cairo_t *c, double x, double y, double w, double h)
{
	double r = 6;
	cairo_new_path(c);
	cairo_arc(c, x + w - r, y + r, r, -M_PI / 2, 0);
	cairo_arc(c, x + w - r, y + h - r, r, 0, M_PI / 2);
	cairo_arc(c, x + r, y + h - r, r, M_PI / 2, M_PI);
	cairo_arc(c, x + r, y + r, r, M_PI, 3 * M_PI / 2);
	cairo_close_path(c);
}

static void
arrow(cairo_t *c, double x, double y, double length)
{
	set(c, grey);
	cairo_set_line_width(c, 1.5);
	cairo_move_to(c, x + 5, y);
	cairo_line_to(c, x + length - 6, y);
	cairo_stroke(c);
	cairo_move_to(c, x + length - 4, y);
	cairo_line_to(c, x + length - 11, y - 4);
	cairo_line_to(c, x + length - 11, y + 4);
	cairo_close_path(c);
	cairo_fill(c);
}

/* Places the links in rows; draws them if `draw`. Returns the height. */
static double
lay_out(cairo_t *c, const struct letter *l, bool draw)
{
	static const char *const word[MARKS] = { [MARK_ROOT] = "the cause",
						 [MARK_WRONG] = "wrong",
						 [MARK_AFFECTED] = "affected",
						 [MARK_WELL] = "well",
						 [MARK_UNKNOWN] = "" };
	double x = 2, y = 2;
	for (size_t i = 0; i < l->chain_count; i++) {
		const struct letter_link *link = &l->chain[i];
		char name[36];
		text_print(name, sizeof name, "%.32s", link->name);
		font(c, 13, link->mark == MARK_ROOT);
		double w = width_of(c, name) + 2 * BOX_PAD;
		w = w < 70 ? 70 : w;
		if (i > 0 && x + ARROW + w > ROW_WIDTH) {
			x = 2;
			y += BOX_HEIGHT + 24;
			if (draw)
				arrow(c, x, y + BOX_HEIGHT / 2.0, ARROW);
			x += ARROW;
		} else if (i > 0) {
			if (draw)
				arrow(c, x, y + BOX_HEIGHT / 2.0, ARROW);
			x += ARROW;
		}
		if (draw) {
			rounded(c, x, y, w, BOX_HEIGHT);
			set(c, fill[link->mark]);
			cairo_fill_preserve(c);
			set(c, link->mark == MARK_ROOT ? red : pale);
			cairo_set_line_width(c, 1);
			cairo_stroke(c);
			if (link->mark == MARK_ROOT)
				cairo_set_source_rgb(c, 1, 1, 1);
			else
				set(c, ink);
			say(c, x + (w - width_of(c, name)) / 2, y + BOX_HEIGHT / 2.0 + 5,
			    name);
			font(c, 10, false);
			set(c, link->mark == MARK_ROOT ? red : grey);
			say(c, x + (w - width_of(c, word[link->mark])) / 2,
			    y + BOX_HEIGHT + 13, word[link->mark]);
		}
		x += w;
	}
	return y + BOX_HEIGHT + 20;
}

static void
draw_chain(const struct letter *l, int fd)
{
	cairo_surface_t *surface;
	cairo_t *c = begin(10, 10, &surface);
	double height = lay_out(c, l, false);
	cairo_destroy(c);
	cairo_surface_destroy(surface);
	c = begin(ROW_WIDTH, (int)height, &surface);
	lay_out(c, l, true);
	end(c, surface, fd);
}

/* ---- the chart ---- */

struct axis {
	double least, most; /* of the values, rounded outwards */
	double left, top, width, height;
	int32_t span_ms;
};

static double
y_of(const struct axis *a, double value)
{
	return a->top + a->height * (1 - (value - a->least) / (a->most - a->least));
}

static struct axis
scale_of(const struct msg_trace *t)
{
	struct axis a = { .least = t->threshold,
			  .most = t->threshold,
			  .left = 66,
			  .top = 26,
			  .width = CHART_WIDTH - 66 - 12,
			  .height = CHART_HEIGHT - 26 - 26,
			  .span_ms = 1 };
	for (uint32_t i = 0; i < t->count; i++) {
		a.least = fmin(a.least, t->value[i]);
		a.most = fmax(a.most, t->value[i]);
		a.span_ms = t->ago_ms[i] > a.span_ms ? t->ago_ms[i] : a.span_ms;
	}
	if (a.least > 0 && a.least < a.most / 2)
		a.least = 0;
	double room = (a.most - a.least) * 0.08;
	a.most += room > 0 ? room : fabs(a.most) * 0.1 + 1;
	return a;
}

static const char *
value_text(const struct msg_trace *t, double value, char *out, size_t cap)
{
	enum unit unit = metric_table[t->metric].unit;
	char size[40];
	if (unit == UNIT_BYTES || unit == UNIT_RATE)
		text_print(out, cap, "%s%s", text_size(value, size, sizeof size),
			   unit == UNIT_RATE ? "/s" : "");
	else if (unit == UNIT_MS)
		text_duration((int64_t)value, out, cap);
	else
		text_print(out, cap, unit == UNIT_PERCENT ? "%.4g%%" : "%.4g", value);
	return out;
}

static void
draw_axis(cairo_t *c, const struct axis *a, const struct letter *l)
{
	const struct msg_trace *t = &l->trace;
	char text[64];
	font(c, 10, false);
	for (int i = 0; i <= 4; i++) {
		double v = a->least + (a->most - a->least) * i / 4, y = y_of(a, v);
		set(c, pale);
		cairo_set_line_width(c, 0.5);
		cairo_move_to(c, a->left, y);
		cairo_line_to(c, a->left + a->width, y);
		cairo_stroke(c);
		set(c, grey);
		value_text(t, v, text, sizeof text);
		say(c, a->left - 6 - width_of(c, text), y + 3, text);
	}
	for (int i = 0; i <= 2; i++) {
		time_t s =
			(time_t)((t->real_ms - (int64_t)a->span_ms * (2 - i) / 2) / 1000);
		struct tm tm;
		gmtime_r(&s, &tm);
		strftime(text, sizeof text, i == 2 ? "%H:%M:%S UTC" : "%H:%M:%S", &tm);
		double x = a->left + a->width * i / 2 -
			   (i == 0 ? 0 : width_of(c, text) / (i == 1 ? 2 : 1));
		say(c, x, CHART_HEIGHT - 8, text);
	}
	font(c, 12, true);
	set(c, ink);
	text_print(text, sizeof text, "%.40s %.20s", l->trace_name,
		   metric_table[t->metric].name);
	say(c, a->left, 16, text);
}

static void
draw_threshold(cairo_t *c, const struct axis *a, const struct msg_trace *t)
{
	static const double dash[] = { 5, 3 };
	char text[64], value[40];
	double y = y_of(a, t->threshold);
	set(c, red);
	cairo_set_line_width(c, 1.2);
	cairo_set_dash(c, dash, 2, 0);
	cairo_move_to(c, a->left, y);
	cairo_line_to(c, a->left + a->width, y);
	cairo_stroke(c);
	cairo_set_dash(c, NULL, 0, 0);
	font(c, 10, true);
	text_print(text, sizeof text, "%s %s",
		   t->compare < COMPARES ? compare_name[t->compare] : "",
		   value_text(t, t->threshold, value, sizeof value));
	say(c, a->left + 4, y - 4, text);
}

static void
draw_line(cairo_t *c, const struct axis *a, const struct msg_trace *t)
{
	set(c, blue);
	cairo_set_line_width(c, 1.8);
	cairo_set_line_join(c, CAIRO_LINE_JOIN_ROUND);
	for (uint32_t i = 0; i < t->count; i++) {
		double x = a->left + a->width * (1 - (double)t->ago_ms[i] / a->span_ms);
		if (i == 0)
			cairo_move_to(c, x, y_of(a, t->value[i]));
		else
			cairo_line_to(c, x, y_of(a, t->value[i]));
	}
	cairo_stroke(c);
}

static void
draw_trace(const struct letter *l, int fd)
{
	cairo_surface_t *surface;
	cairo_t *c = begin(CHART_WIDTH, CHART_HEIGHT, &surface);
	struct axis a = scale_of(&l->trace);
	draw_axis(c, &a, l);
	draw_line(c, &a, &l->trace);
	draw_threshold(c, &a, &l->trace);
	end(c, surface, fd);
}

/* ---- in a process of its own ---- */

static size_t
collect(int fd, char *out, size_t cap)
{
	int64_t until = clock_ms() + PICTURE_MS;
	size_t used = 0;
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = until - clock_ms();
		if (left <= 0 || used == cap)
			return 0;
		int n = poll(&p, 1, (int)left);
		if (n == -1 && errno == EINTR)
			continue;
		if (n != 1)
			return 0;
		ssize_t got = read(fd, out + used, cap - used);
		if (got == 0)
			return used;
		if (got < 0 && errno != EINTR)
			return 0;
		used += got > 0 ? (size_t)got : 0;
	}
}

static size_t
draw(const struct letter *l, void (*drawing)(const struct letter *, int), char *out, size_t cap)
{
	int fds[2], status = 0;
	pid_t parent = getpid();
	if (pipe(fds) != 0)
		return 0;
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		drawing(l, fds[1]);
		_exit(0);
	}
	close(fds[1]);
	size_t n = pid > 0 ? collect(fds[0], out, cap) : 0;
	close(fds[0]);
	if (pid > 0) {
		kill(pid, SIGKILL); /* our own child, not yet waited for */
		while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
			;
	}
	return n;
}

size_t
picture_chain(const struct letter *l, char *out, size_t cap)
{
	return l->chain_count > 1 ? draw(l, draw_chain, out, cap) : 0;
}

size_t
picture_trace(const struct letter *l, char *out, size_t cap)
{
	return l->trace.count > 2 && l->trace.metric < METRICS_COUNT
		       ? draw(l, draw_trace, out, cap)
		       : 0;
}
