/* HAProxy's administration socket: `show info`, and `show stat` as a table whose first
 * line names its columns (management guide, chapter 9). It closes behind the answer. */
#include "probes/kind.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum column {
	COLUMN_PROXY,
	COLUMN_NAME,
	COLUMN_QUEUE,
	COLUMN_SESSIONS,
	COLUMN_STATUS,
	COLUMNS
};
static const char *const column_name[COLUMNS] = { "# pxname", "svname", "qcur", "scur",
						  "status" };
#define FIELDS_MAX 160 /* of a line that are looked at */
#define FIELD_CAP 128

struct table {
	int at[COLUMNS];    /* which field; -1: none */
	const char *wanted; /* this backend only; NULL: all */
	bool found, has_status;
	bool up; /* what its BACKEND line says */
	double queue, sessions;
	unsigned servers, servers_up;
};

size_t
haproxy_ask(const struct asked *a, char *buf, size_t cap)
{
	(void)a;
	return text_print(buf, cap, "show info;show stat\n");
}

/* The field'th of a line of comma separated values. */
static void
field(const char *line, size_t size, int which, char out[FIELD_CAP])
{
	const char *end = line + size;
	for (; which > 0 && line < end; which--) {
		const char *comma = memchr(line, ',', (size_t)(end - line));
		line = comma != NULL ? comma + 1 : end;
	}
	const char *comma = memchr(line, ',', (size_t)(end - line));
	text_clean(out, FIELD_CAP, line, (size_t)((comma != NULL ? comma : end) - line));
}

static void
take_title(struct table *t, const char *line, size_t size)
{
	char name[FIELD_CAP];
	for (unsigned k = 0; k < COLUMNS; k++)
		t->at[k] = -1;
	for (int i = 0; i < FIELDS_MAX; i++) {
		field(line, size, i, name);
		for (unsigned k = 0; k < COLUMNS; k++)
			if (t->at[k] == -1 && strcmp(name, column_name[k]) == 0)
				t->at[k] = i;
	}
}

static double
number(const char *line, size_t size, int which)
{
	char text[FIELD_CAP];
	if (which < 0)
		return 0;
	field(line, size, which, text);
	return strtod(text, NULL);
}

static void
take_row(struct table *t, const char *line, size_t size)
{
	char proxy[FIELD_CAP], name[FIELD_CAP], status[FIELD_CAP];
	if (t->at[COLUMN_PROXY] < 0 || t->at[COLUMN_NAME] < 0 || t->at[COLUMN_STATUS] < 0)
		return;
	field(line, size, t->at[COLUMN_PROXY], proxy);
	field(line, size, t->at[COLUMN_NAME], name);
	field(line, size, t->at[COLUMN_STATUS], status);
	if (*name == '\0' || strcmp(name, "FRONTEND") == 0 ||
	    (t->wanted != NULL && strcmp(t->wanted, proxy) != 0))
		return;
	if (strcmp(name, "BACKEND") == 0) {
		t->found = true;
		t->up = strncmp(status, "UP", 2) == 0;
		t->queue += number(line, size, t->at[COLUMN_QUEUE]);
		t->sessions += number(line, size, t->at[COLUMN_SESSIONS]);
		return;
	}
	t->servers++;
	t->servers_up += strncmp(status, "UP", 2) == 0 || strcmp(status, "no check") == 0;
}

/* "Uptime_sec: 12" */
static double
info(const char *line, size_t size, const char *name)
{
	size_t n = strlen(name);
	char text[32];
	if (size <= n + 1 || memcmp(line, name, n) != 0 || line[n] != ':')
		return -1;
	text_clean(text, sizeof text, line + n + 1, size - n - 1);
	return strtod(text, NULL);
}

struct info {
	double sessions, most, uptime_s;
	bool found;
};

static void
take_info(struct info *i, const char *line, size_t size)
{
	const struct {
		const char *name;
		double *to;
	} rows[] = { { "CurrConns", &i->sessions },
		     { "Maxconn", &i->most },
		     { "Uptime_sec", &i->uptime_s } };
	for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
		double n = info(line, size, rows[k].name);
		if (n >= 0) {
			*rows[k].to = n;
			i->found = true;
		}
	}
}

static void
fill(struct answer *a, const struct table *t, const struct info *i)
{
	a->value[METRIC_SERVERS] = t->servers;
	a->value[METRIC_SERVERS_UP] = t->servers_up;
	if (t->servers > 0)
		a->value[METRIC_SERVERS_UP_PERCENT] = 100.0 * t->servers_up / t->servers;
	a->value[METRIC_QUEUE] = t->queue;
	a->value[METRIC_SESSIONS] = t->wanted != NULL ? t->sessions : i->sessions;
	if (i->most > 0)
		a->value[METRIC_SESSIONS_PERCENT] =
			100.0 * a->value[METRIC_SESSIONS] / i->most;
	a->value[METRIC_UPTIME] = i->uptime_s * 1000;
}

enum judgement
haproxy_judge(const struct plan *p, struct reply *r, struct answer *a, char why[MSG_TEXT])
{
	struct table t = { .wanted = p->check->target };
	struct info i = { 0 };
	const char *end = r->bytes + r->size;
	bool titled = false;
	if (!r->ended)
		return JUDGE_MORE;
	for (const char *line = r->bytes; line < end;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t size = (size_t)((stop != NULL ? stop : end) - line);
		if (!titled && size > 8 && memcmp(line, "# pxname", 8) == 0) {
			take_title(&t, line, size);
			titled = true;
		} else if (titled) {
			take_row(&t, line, size);
		} else {
			take_info(&i, line, size);
		}
		line = stop != NULL ? stop + 1 : end;
	}
	if (!titled || !i.found) {
		char shown[60];
		text_clean(shown, sizeof shown, r->bytes, r->size);
		text_print(why, MSG_TEXT, "not HAProxy's socket: got '%s'", shown);
		return JUDGE_BAD;
	}
	fill(a, &t, &i);
	if (t.wanted != NULL && !t.found)
		text_print(why, MSG_TEXT, "HAProxy has no backend %.60s", t.wanted);
	else if (t.wanted != NULL && !t.up)
		text_print(why, MSG_TEXT,
			   "backend %.60s is down: none of its %u servers is up",
			   t.wanted, t.servers);
	else
		return JUDGE_GOOD;
	return JUDGE_BAD;
}
