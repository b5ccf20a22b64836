/* monitorctl top: everything on one screen, what is wrong first, until q. */
#include "status/ctl.h"

#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define REFRESH_MS 2000
#define NAME_WIDTH 24

enum order { ORDER_STATE, ORDER_NAME, ORDER_CPU, ORDER_MEMORY, ORDERS };
static const char *const order_name[ORDERS] = { "state", "name", "cpu", "memory" };

struct top {
	struct ctl *ctl;
	json_t *status; /* NULL: no answer */
	json_t *rows;   /* of {"kind","object"}, sorted */
	enum order order;
	bool wrong_only;
	size_t first; /* row on top */
	unsigned lines, columns;
};

static struct termios before;
static volatile sig_atomic_t ended, resized;

static void
on_signal(int number)
{
	if (number == SIGWINCH)
		resized = 1;
	else
		ended = 1;
}

/* ---- the terminal ---- */

static bool
screen_on(void)
{
	struct termios raw;
	struct sigaction act = { .sa_handler = on_signal };
	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return false;
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH };
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		sigaction(signals[i], &act, NULL);
	raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	fputs("\033[?1049h\033[?25l", stdout); /* the other screen, no cursor */
	return true;
}

static void
screen_off(void)
{
	fputs("\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

static void
measure(struct top *t)
{
	struct winsize w = { 0 };
	ioctl(STDOUT_FILENO, TIOCGWINSZ, &w);
	t->lines = w.ws_row > 4 ? w.ws_row : 24;
	t->columns = w.ws_col > 20 ? w.ws_col : 80;
}

/* ---- rows ---- */

static int
rank_of(const json_t *row)
{
	static const int ranks[TONES] = { [TONE_BAD] = 0,
					  [TONE_WARN] = 1,
					  [TONE_DIM] = 2,
					  [TONE_PLAIN] = 2,
					  [TONE_GOOD] = 3 };
	return ranks[state_tone(text_of(json_object_get(row, "object"), "state"))];
}

static int
by_number(const json_t *a, const json_t *b, const char *key)
{
	double x = number_of(json_object_get(a, "object"), key),
	       y = number_of(json_object_get(b, "object"), key);
	x = isnan(x) ? -1 : x;
	y = isnan(y) ? -1 : y;
	return x > y ? -1 : x < y;
}

static enum order sorted_by; /* qsort has no argument */

static int
compare(const void *x, const void *y)
{
	const json_t *a = *(json_t *const *)x, *b = *(json_t *const *)y;
	int n = sorted_by == ORDER_STATE    ? rank_of(a) - rank_of(b)
		: sorted_by == ORDER_CPU    ? by_number(a, b, "cpu")
		: sorted_by == ORDER_MEMORY ? by_number(a, b, "memory")
					    : 0;
	return n != 0 ? n
		      : strcmp(text_of(json_object_get(a, "object"), "name"),
			       text_of(json_object_get(b, "object"), "name"));
}

static void
sort_rows(struct top *t)
{
	json_t *all = everything(t->status);
	size_t count = json_array_size(all), kept = 0;
	json_t **list = calloc(count + 1, sizeof(json_t *));
	for (size_t i = 0; list != NULL && i < count; i++) {
		json_t *row = json_array_get(all, i);
		if (!t->wrong_only || rank_of(row) < 3)
			list[kept++] = row;
	}
	sorted_by = t->order;
	if (list != NULL)
		qsort(list, kept, sizeof *list, compare);
	json_decref(t->rows);
	t->rows = json_array();
	for (size_t i = 0; i < kept; i++)
		json_array_append(t->rows, list[i]);
	free(list);
	json_decref(all);
}

static void
ask(struct top *t)
{
	enum ctl_exit code;
	t->ctl->quiet = true; /* a lost daemon is said on the screen, and asked again */
	json_decref(t->status);
	t->status = http_json(t->ctl, "/v1/status", &code);
	if (t->status != NULL)
		sort_rows(t);
}

/* ---- drawing ---- */

/* One line, cut to the screen; the colour does not count. */
static void
print_line(const struct top *t, enum tone tone, const char *text)
{
	int width = (int)t->columns;
	size_t bytes = 0;
	while (text[bytes] != '\0' && width > 0) {
		width -= ((unsigned char)text[++bytes] & 0xc0) !=
			 0x80; /* a character ends */
	}
	printf("%s%.*s%s\033[K\r\n", tone_on(tone), (int)bytes, text, tone_off());
}

static size_t
count_wrong(const json_t *status)
{
	json_t *all = everything(status), *row;
	size_t i, n = 0;
	json_array_foreach(all, i, row) n += rank_of(row) == 0;
	json_decref(all);
	return n;
}

static void
draw_head(const struct top *t)
{
	char line[400], up[32], count[64];
	if (t->status == NULL) {
		print_line(t, TONE_BAD, "monitord does not answer");
		return;
	}
	const json_t *m = json_object_get(t->status, "monitord");
	size_t wrong = count_wrong(t->status);
	text_print(line, sizeof line, "monitord %s on %s, up %s: ", text_of(m, "version"),
		   text_of(m, "host"),
		   text_duration((int64_t)(number_of(m, "uptime_s") * 1000), up,
				 sizeof up));
	for (unsigned k = 0; k < CTL_KINDS; k++) {
		size_t used = strlen(line);
		text_print(line + used, sizeof line - used, "%s%s", k > 0 ? ", " : "",
			   text_count(json_array_size(
					      json_object_get(t->status, ctl_list[k])),
				      ctl_kind[k], count, sizeof count));
	}
	print_line(t, TONE_PLAIN, line);
	text_print(line, sizeof line, "%zu wrong", wrong);
	print_line(t, wrong > 0 ? TONE_BAD : TONE_GOOD, wrong > 0 ? line : "all is well");
}

static void
draw_row(const struct top *t, const json_t *row)
{
	char line[600], detail[300], since[40];
	const json_t *o = json_object_get(row, "object");
	const char *state = text_of(o, "state");
	text_print(line, sizeof line, "%-7s %-*.*s %-9s %-14s %s", text_of(row, "kind"),
		   NAME_WIDTH, NAME_WIDTH, text_of(o, "name"),
		   *state != '\0' ? state : "-",
		   ago(text_of(o, "since"), since, sizeof since),
		   detail_of(text_of(row, "kind"), o, detail, sizeof detail));
	print_line(t, state_tone(state), line);
}

static void
draw(struct top *t)
{
	char line[200];
	size_t count = json_array_size(t->rows), room = t->lines - 4;
	if (t->first + room > count)
		t->first = count > room ? count - room : 0;
	fputs("\033[H", stdout);
	draw_head(t);
	if (t->status != NULL) {
		text_print(line, sizeof line, "%-7s %-*s %-9s %-14s %s", "KIND",
			   NAME_WIDTH, "NAME", "STATE", "SINCE", "DETAIL");
		print_line(t, TONE_DIM, line);
		for (size_t i = t->first; i < count && i < t->first + room; i++)
			draw_row(t, json_array_get(t->rows, i));
	}
	fputs("\033[J", stdout); /* what was below */
	text_print(line, sizeof line, "q quit  s sorted by %s  f %s  up/down, %zu of %zu",
		   order_name[t->order],
		   t->wrong_only ? "what is not well" : "everything",
		   count > 0 ? t->first + 1 : 0, count);
	printf("\033[%u;1H", t->lines);
	printf("%s%.*s%s", tone_on(TONE_DIM), (int)t->columns, line, tone_off());
	fflush(stdout);
}

/* ---- keys ---- */

static void
move(struct top *t, long by)
{
	long at = (long)t->first + by;
	t->first = at < 0 ? 0 : (size_t)at;
}

static void
on_key(struct top *t, const char *key)
{
	if (*key == 'q')
		ended = 1;
	else if (*key == 's')
		t->order = (t->order + 1) % ORDERS;
	else if (*key == 'f')
		t->wrong_only = !t->wrong_only;
	else if (*key == 'j' || strcmp(key, "\033[B") == 0)
		move(t, 1);
	else if (*key == 'k' || strcmp(key, "\033[A") == 0)
		move(t, -1);
	else if (*key == ' ' || strcmp(key, "\033[6~") == 0)
		move(t, (long)t->lines - 5);
	else if (*key == 'b' || strcmp(key, "\033[5~") == 0)
		move(t, 5 - (long)t->lines);
	if ((*key == 's' || *key == 'f') && t->status != NULL)
		sort_rows(t);
}

/* Until the time is over; a key is drawn at once. False: the terminal has gone. */
static bool
wait_for_keys(struct top *t)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	char key[16];
	if (poll(&p, 1, REFRESH_MS) <= 0)
		return true;
	ssize_t n = read(STDIN_FILENO, key, sizeof key - 1);
	if (n == 0 || (n < 0 && errno != EINTR))
		return false;
	key[n > 0 ? n : 0] = '\0';
	on_key(t, key);
	return true;
}

enum ctl_exit
ctl_top(struct ctl *ctl)
{
	struct top t = { .ctl = ctl };
	enum ctl_exit code;
	json_t *first =
		http_json(ctl, "/v1/status", &code); /* what is wrong with it is told */
	if (first == NULL)
		return code;
	json_decref(first);
	if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1 || !screen_on()) {
		fputs("monitorctl: top needs a terminal; see status --watch\n", stderr);
		return CTL_WRONG_USE;
	}
	while (!ended) {
		measure(&t);
		ask(&t);
		draw(&t);
		if (!wait_for_keys(&t))
			break;
		resized = 0;
	}
	screen_off();
	json_decref(t.rows);
	json_decref(t.status);
	return CTL_DONE;
}
