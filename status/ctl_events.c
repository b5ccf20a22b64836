/* monitorctl events. */
#include "status/ctl.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLLOW_TRIES 50 /* 10 s in all */
#define FOLLOW_PAUSE_US 200000
#define FOLLOW_LIVED_MS 1000 /* a connection that lasted so long: count anew */

struct reading {
	struct ctl *ctl;
	int64_t from_ms; /* events before it are left out */
	uint64_t last;   /* id of the last one read */
};

/* "10m": so long ago. Negative: it is no duration. */
static int64_t
duration_of(const char *text)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "ms", 1 },
		      { "s", 1000 },
		      { "m", 60000 },
		      { "h", 3600000 },
		      { "d", 86400000 } };
	char *end;
	errno = 0;
	long long n = strtoll(text, &end, 10);
	if (end == text || errno != 0 || n < 0 || n > 100000000)
		return -1;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (strcmp(end, units[i].unit) == 0)
			return n * units[i].ms;
	return -1;
}

/* An id, a duration or a time. */
static bool
since_of(const char *text, uint64_t *id, int64_t *from_ms)
{
	int64_t ms = duration_of(text);
	*id = 0;
	*from_ms = 0;
	if (text[0] != '\0' && text[strspn(text, "0123456789")] == '\0') {
		*id = strtoull(text, NULL, 10);
		return true;
	}
	*from_ms = ms >= 0 ? clock_real_ms() - ms : time_of(text);
	return *from_ms >= 0;
}

static void
print_event(const json_t *e)
{
	char when[40];
	const char *kind = text_of(e, "kind");
	bool bad = strstr(kind, "down") != NULL || strstr(kind, "failed") != NULL ||
		   strstr(kind, "exited") != NULL || strstr(kind, "open") != NULL ||
		   strstr(kind, "stuck") != NULL;
	printf("%s%s%s  #%-5.0f %s%-16s%s  %s\n", tone_on(TONE_DIM),
	       local_time(text_of(e, "time"), when, sizeof when), tone_off(),
	       number_of(e, "id"), tone_on(bad ? TONE_BAD : TONE_PLAIN), kind,
	       bad ? tone_off() : "", text_of(e, "text"));
}

static bool
on_event(void *arg, const char *line, size_t size)
{
	struct reading *r = arg;
	json_t *e = json_loadb(line, size, 0, NULL);
	if (e == NULL)
		return false;
	r->ctl->quiet = r->ctl->follow; /* from now on it is tried again */
	r->last = (uint64_t)json_integer_value(json_object_get(e, "id"));
	if (r->from_ms == 0 || time_of(text_of(e, "time")) >= r->from_ms) {
		if (r->ctl->json)
			puts(line);
		else
			print_event(e);
	}
	json_decref(e);
	return !r->ctl->follow || fflush(stdout) == 0; /* the reader may have gone */
}

static long
read_events(const struct ctl *ctl, struct reading *r)
{
	char path[96];
	text_print(path, sizeof path, "/v1/events?since=%" PRIu64 "%s", r->last,
		   ctl->follow ? "&follow=1" : "");
	return http_lines(ctl, path, on_event, r);
}

/* Whoever follows goes on where it was when the helper that answers, or monitord itself,
 * is replaced. */
static long
follow_events(struct ctl *ctl, struct reading *r)
{
	long code = read_events(ctl, r);
	for (int try = 1; code < 0 && r->last != 0 && try <= FOLLOW_TRIES; try++) {
		int64_t began_ms = clock_ms();
		ctl->quiet = try < FOLLOW_TRIES;
		usleep(FOLLOW_PAUSE_US);
		code = read_events(ctl, r);
		if (clock_ms() - began_ms > FOLLOW_LIVED_MS)
			try = 0;
	}
	return code;
}

enum ctl_exit
ctl_events(struct ctl *ctl)
{
	struct reading r = { .ctl = ctl };
	if (ctl->since != NULL && !since_of(ctl->since, &r.last, &r.from_ms)) {
		fprintf(stderr,
			"monitorctl: --since %s: expected an id, a duration like 10m, or "
			"a time "
			"like 2026-11-24T12:00:00Z\n",
			ctl->since);
		return CTL_WRONG_USE;
	}
	long code = ctl->follow ? follow_events(ctl, &r) : read_events(ctl, &r);
	return code == 200   ? CTL_DONE
	       : code == 403 ? CTL_NOT_ALLOWED
	       : code < 0    ? CTL_NO_DAEMON
			     : CTL_NOT_REACHED;
}
