#include "probes/look.h"

#include "base/clock.h"
#include "base/text.h"
#include "probes/expect.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct look {
	struct looks *all;
	uint32_t check;
	struct plan plan;
	struct schedule schedule;
	struct loop_timer deadline;
	struct sight *sight;
	bool busy; /* a thread has the sight, perhaps past its deadline */
	int64_t began_ns;
	uint64_t token; /* of the OPEN that is under way, 0: none */
	struct look *next_opening;
};

static void (*const kinds[CHECK_KINDS])(struct sight *s) = {
	[CHECK_FILE] = file_look,     [CHECK_DIRECTORY] = file_look,
	[CHECK_FIFO] = file_look,     [CHECK_FILESYSTEM] = filesystem_look,
	[CHECK_SYSTEM] = system_look, [CHECK_NETWORK] = network_look,
	[CHECK_LISTEN] = listen_look, [CHECK_LOG] = log_look,
};

bool
look_is_kind(enum check_kind kind)
{
	return kinds[kind] != NULL;
}

void
sight_says(struct sight *s, enum outcome outcome, const char *format, ...)
{
	char text[MSG_TEXT * 2];
	va_list ap;
	va_start(ap, format);
	int n = vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	s->outcome = outcome;
	text_clean(s->why, sizeof s->why, text, n > 0 ? strlen(text) : 0);
}

void
sight_failed(struct sight *s, int error)
{
	bool absent = error == ENOENT || error == ENOTDIR;
	s->denied = (error == EACCES || error == EPERM) && s->fd == -1;
	sight_says(s, absent ? OUTCOME_BAD : OUTCOME_UNKNOWN, "%s", strerror(error));
}

double
sight_percent(double part, double whole)
{
	return whole > 0 ? part * 100 / whole : (double)NAN;
}

/* ---- verdicts ---- */

/* There may be more values than a result holds: those that somebody reads go first. */
static void
fill_values(struct msg_result *m, const struct sight *s)
{
	for (unsigned turn = 0; turn < 2; turn++)
		for (unsigned i = 0; i < METRICS_COUNT; i++)
			if (s->wanted[i] == (turn == 0) && !isnan(s->value[i]) &&
			    m->value_count < MSG_VALUES)
				m->value[m->value_count++] =
					(struct msg_value){ .metric = i,
							    .value = s->value[i] };
}

/* s: whose values go along; NULL: none. */
static void
report(struct look *l, enum outcome outcome, const char *why, const struct sight *s)
{
	struct msg_result m;
	memset(&m, 0, sizeof m);
	m.check = l->check;
	m.outcome = outcome;
	m.began_ns = l->began_ns;
	m.latency_ns = clock_ns() - l->began_ns;
	text_print(m.text, sizeof m.text, "%s", why);
	if (s != NULL)
		fill_values(&m, s);
	loop_timer_stop(&l->deadline);
	if (l->schedule.pace != PACE_OFF)
		results_add(l->all->results, &m);
	schedule_done(&l->schedule);
}

static void
judge(struct look *l)
{
	struct sight *s = l->sight;
	struct answer a = { .head = NULL };
	char why[MSG_TEXT];
	if (s->outcome != OUTCOME_GOOD && s->outcome != OUTCOME_WARN) {
		report(l, s->outcome, s->why, s);
		return;
	}
	memcpy(a.value, s->value, sizeof a.value);
	if (s->sha256[0] != '\0')
		a.sha256 = s->sha256;
	a.target = s->target != NULL && *s->target != '\0' ? s->target : NULL;
	a.value[METRIC_LATENCY] = (double)(clock_ns() - l->began_ns) / 1e6;
	if (!expect_all(&l->plan, &a, false, why))
		report(l, OUTCOME_BAD, why, s);
	else if (expect_warns(&l->plan, &a, why))
		report(l, OUTCOME_WARN, why, s);
	else
		report(l, s->outcome, s->why, s);
}

/* ---- looking ---- */

static void
run(struct work *w)
{
	struct sight *s = (struct sight *)((char *)w - offsetof(struct sight, work));
	for (unsigned m = 0; m < METRICS_COUNT; m++)
		s->value[m] = (double)NAN;
	s->denied = false;
	sight_says(s, OUTCOME_UNKNOWN, "%s", "");
	kinds[s->kind](s);
}

static void
free_sight(struct sight *s)
{
	if (s->fd != -1)
		close(s->fd);
	log_free(s->log);
	free(s->match);
	free(s->target);
	free(s->path);
	free(s);
}

static void
stop_opening(struct look *l)
{
	for (struct look **at = &l->all->opening; *at != NULL; at = &(*at)->next_opening)
		if (*at == l) {
			*at = l->next_opening;
			break;
		}
	l->token = 0;
}

/* monitord opens it for us; the deadline holds for both. */
static bool
ask_to_open(struct look *l)
{
	struct msg_open open = { .what = OPEN_CHECK_FILE,
				 .id = l->check,
				 .token = l->all->token + 1 };
	if (helper_send(l->all->helper, MSG_OPEN, &open, 1) != MSG_SENT)
		return false;
	l->token = ++l->all->token;
	l->next_opening = l->all->opening;
	l->all->opening = l;
	return true;
}

static void
done(struct work *w)
{
	struct sight *s = (struct sight *)((char *)w - offsetof(struct sight, work));
	struct look *l = s->look;
	if (l == NULL) {
		free_sight(s);
		return;
	}
	l->busy = false;
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
	if (!loop_timer_active(&l->deadline))
		return; /* too late: it is told already */
	if (s->denied && ask_to_open(l))
		return;
	judge(l);
}

/* Those whose paths lie on one mount, as far as it is known without looking, may be stuck there
 * together: behind a link it is known by what was seen last. */
static uint64_t
place_of(const struct look *l)
{
	static const bool on_mounts[CHECK_KINDS] = {
		[CHECK_FILE] = true, [CHECK_DIRECTORY] = true,  [CHECK_FIFO] = true,
		[CHECK_LOG] = true,  [CHECK_FILESYSTEM] = true,
	};
	if (!on_mounts[l->sight->kind])
		return 0;
	uint64_t mount = mounts_of(l->all->mounts, l->sight->path);
	return (l->sight->device * UINT64_C(0x9e3779b97f4a7c15) ^ mount) | 1;
}

static void
give(struct look *l)
{
	l->busy = true;
	l->sight->work.place = place_of(l);
	l->sight->began_ns = l->began_ns;
	atomic_store(&l->sight->work.hurry, false);
	workers_give(l->all->workers, &l->sight->work);
}

static void
on_deadline(struct loop_timer *timer)
{
	struct look *l = timer->arg;
	char why[MSG_TEXT], after[32];
	if (l->token != 0)
		stop_opening(l);
	atomic_store(&l->sight->work.hurry, true);
	if (l->busy && workers_late(l->all->workers, &l->sight->work))
		l->busy = false;
	text_print(why, sizeof why,
		   "nothing was seen within %s: a dead mount, or too much",
		   text_duration(l->plan.check->timeout_ms, after, sizeof after));
	report(l, OUTCOME_UNKNOWN, why, NULL);
}

static void
on_due(struct schedule *schedule)
{
	struct look *l =
		(struct look *)((char *)schedule - offsetof(struct look, schedule));
	l->began_ns = clock_ns();
	if (l->busy) {
		report(l, OUTCOME_UNKNOWN, "the last look has not come back yet", NULL);
		return;
	}
	loop_timer_start(l->all->helper->loop, &l->deadline, l->plan.check->timeout_ms, 0,
			 on_deadline, l);
	give(l);
}

struct look *
look_of_token(const struct looks *all, uint64_t token)
{
	struct look *l = all->opening;
	while (l != NULL && l->token != token)
		l = l->next_opening;
	return l;
}

void
look_opened(struct look *l, int fd)
{
	stop_opening(l);
	if (fd < 0) {
		l->sight->fd = -1;
		sight_failed(l->sight, -fd);
		judge(l);
		return;
	}
	l->sight->fd = fd;
	give(l);
}

/* ---- life ---- */

static void
want(bool *wanted, const struct condition *c, uint32_t check)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (c->ops[i].object == OBJECT_CHECK && c->ops[i].id == check &&
		    c->ops[i].metric < METRICS_COUNT)
			wanted[c->ops[i].metric] = true;
}

/* A sight that a thread has keeps the old wishes for once. */
static void
set_wanted(struct look *l)
{
	const struct rules *r = l->all->rules;
	const struct check *c = l->plan.check;
	bool *wanted = l->sight->wanted;
	if (l->busy)
		return;
	memset(wanted, 0, sizeof l->sight->wanted);
	for (uint32_t i = 0; i < c->expect_count; i++)
		if (c->expects[i].metric < METRICS_COUNT)
			wanted[c->expects[i].metric] = true;
		else if (c->expects[i].kind == EXPECT_SHA256)
			wanted[METRIC_CHECKSUM] = true;
	for (uint32_t i = 0; i < c->warn_count; i++)
		if (check_warns(c)[i].metric < METRICS_COUNT)
			wanted[check_warns(c)[i].metric] = true;
	for (uint32_t i = 0; i < r->rule_count; i++) {
		want(wanted, &r->rules[i].when, l->check);
		want(wanted, &r->rules[i].clear, l->check);
	}
}

static bool
has_target(const struct expect *list, uint32_t count)
{
	bool found = false;
	for (uint32_t i = 0; i < count; i++)
		found = found || list[i].kind == EXPECT_TARGET;
	return found;
}

bool
look_begin(struct look **out, struct looks *all, uint32_t check)
{
	const struct check *c = &all->rules->checks[check];
	struct look *l = calloc(1, sizeof *l);
	struct sight *s = calloc(1, sizeof *s);
	char *path = strdup(c->path != NULL ? c->path : c->host != NULL ? c->host : "");
	*out = l;
	char *match = c->more->match != NULL ? strdup(c->more->match) : NULL;
	if (l == NULL || s == NULL || path == NULL ||
	    (c->more->match != NULL && match == NULL) ||
	    !plan_make(&l->plan, all->rules, check))
		return false; /* the caller ends the program */
	s->work.run = run;
	s->work.done = done;
	s->look = l;
	s->kind = c->kind;
	s->path = path;
	s->port = c->port;
	s->match = match;
	s->fd = -1;
	if ((has_target(c->expects, c->expect_count) ||
	     has_target(check_warns(c), c->warn_count)) &&
	    (s->target = calloc(1, SIGHT_TARGET)) == NULL)
		return false;
	l->all = all;
	l->check = check;
	l->sight = s;
	set_wanted(l);
	if (all->timetable.loop == NULL)
		timetable_begin(&all->timetable, all->helper->loop, on_due);
	return schedule_begin(&l->schedule, &all->timetable, c->name, c->every_ms,
			      c->fast_ms);
}

bool
look_carry(struct look *l, uint32_t check)
{
	const struct check *c = &l->all->rules->checks[check];
	struct plan plan;
	if (!plan_make(&plan, l->all->rules, check)) {
		plan_free(&plan);
		return false;
	}
	plan_free(&l->plan);
	l->plan = plan;
	l->check = check;
	set_wanted(l);
	schedule_change(&l->schedule, c->name, c->every_ms, c->fast_ms);
	return true;
}

void
look_end(struct look **lp)
{
	struct look *l = *lp;
	*lp = NULL;
	if (l->token != 0)
		stop_opening(l);
	l->sight->look = NULL;
	atomic_store(&l->sight->work.hurry, true);
	if (!l->busy || workers_late(l->all->workers, &l->sight->work))
		free_sight(l->sight);
	loop_timer_stop(&l->deadline);
	schedule_end(&l->schedule);
	plan_free(&l->plan);
	free(l);
}

void
look_pace(struct look *l, enum pace pace)
{
	schedule_pace(&l->schedule, pace);
}
