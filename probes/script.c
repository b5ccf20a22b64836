#include "probes/script.h"

#include "base/clock.h"
#include "base/text.h"
#include "probes/expect.h"
#include "probes/perf.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define GRACE_MS 3000 /* monitord ends a script at its timeout; this is for its answer */

static void
let_go(struct script *s)
{
	for (struct script **at = &s->all->running; *at != NULL;
	     at = &(*at)->next_running)
		if (*at == s) {
			*at = s->next_running;
			break;
		}
	loop_io_stop(&s->io);
	loop_timer_stop(&s->deadline);
	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
	s->token = 0;
}

static double
label_value(const struct script *s, unsigned i)
{
	const char *const *labels = s->plan.check->more->labels;
	return labels != NULL && labels[i] != NULL
		       ? perf_value(s->output, s->size, labels[i])
		       : (double)NAN;
}

static void
add_labels(const struct script *s, struct msg_result *m)
{
	for (unsigned i = 0; i < LABELS_MAX && m->value_count < MSG_VALUES; i++) {
		double value = label_value(s, i);
		if (!isnan(value))
			m->value[m->value_count++] =
				(struct msg_value){ .metric = METRIC_LABEL1 + i,
						    .value = value };
	}
}

static void
finish(struct script *s, enum outcome outcome, const char *why, int code)
{
	struct msg_result m;
	memset(&m, 0, sizeof m);
	m.check = s->check;
	m.outcome = outcome;
	m.began_ns = s->began_ns;
	m.latency_ns = clock_ns() - s->began_ns;
	text_clean(m.text, sizeof m.text, why, strlen(why));
	if (code >= 0) {
		m.value[m.value_count++] =
			(struct msg_value){ .metric = METRIC_STATUS, .value = code };
		add_labels(s, &m);
	}
	let_go(s);
	if (s->schedule.pace != PACE_OFF)
		results_add(s->all->results, &m);
	schedule_done(&s->schedule);
}

static void
on_deadline(struct loop_timer *timer)
{
	finish(timer->arg, OUTCOME_UNKNOWN, "nobody told how the script ended", -1);
}

/* Reads what there is; keeps the first bytes, so that no script can fill us. */
static void
on_output(struct loop_io *io, unsigned events)
{
	struct script *s = io->arg;
	char rest[4096];
	(void)events;
	for (int turn = 0; turn < 16; turn++) {
		bool room = s->size < sizeof s->output;
		ssize_t n = room ? read(s->fd, s->output + s->size,
					sizeof s->output - s->size)
				 : read(s->fd, rest, sizeof rest);
		if (n < 0)
			return;
		if (n == 0) {
			loop_io_stop(&s->io);
			return;
		}
		s->size += room ? (size_t)n : 0;
	}
}

void
script_opened(struct script *s, int fd)
{
	char why[MSG_TEXT];
	if (fd < 0) {
		text_print(why, sizeof why, "the script could not be started: %s",
			   strerror(-fd));
		finish(s, -fd == ENOENT || -fd == EACCES ? OUTCOME_BAD : OUTCOME_UNKNOWN,
		       why, -1);
		return;
	}
	s->fd = fd;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	loop_io_start(s->all->helper->loop, &s->io, fd, LOOP_READ, on_output, s);
}

static enum outcome
tested(struct script *s, int code, char why[MSG_TEXT])
{
	struct answer a = { .body = s->output, .body_size = s->size };
	for (unsigned m = 0; m < METRICS_COUNT; m++)
		a.value[m] = (double)NAN;
	a.value[METRIC_STATUS] = code;
	a.value[METRIC_BYTES] = (double)s->size;
	for (unsigned i = 0; i < LABELS_MAX; i++)
		a.value[METRIC_LABEL1 + i] = label_value(s, i);
	a.value[METRIC_LATENCY] = (double)(clock_ns() - s->began_ns) / 1e6;
	if (!expect_all(&s->plan, &a, false, why))
		return OUTCOME_BAD;
	return expect_warns(&s->plan, &a, why) ? OUTCOME_WARN : OUTCOME_GOOD;
}

/* The first line of output, without performance data. */
static size_t
first_line(const struct script *s)
{
	size_t n = 0;
	while (n < s->size && s->output[n] != '\n' && s->output[n] != '|')
		n++;
	while (n > 0 && (s->output[n - 1] == ' ' || s->output[n - 1] == '\r'))
		n--;
	return n;
}

void
script_ended(struct script *s, const struct msg_script_end *end)
{
	static const enum outcome outcomes[] = { OUTCOME_GOOD, OUTCOME_WARN, OUTCOME_BAD,
						 OUTCOME_UNKNOWN };
	char line[MSG_TEXT], why[MSG_TEXT], after[32];
	enum outcome outcome = OUTCOME_BAD;
	if (s->fd != -1)
		on_output(&s->io, LOOP_READ); /* a grandchild may hold it open: what is
						 there counts */
	text_clean(line, sizeof line, s->output, first_line(s));
	text_print(why, sizeof why, "%s", line);
	if (end->timed_out)
		text_print(why, sizeof why, "killed: it did not end within %s",
			   text_duration(s->plan.check->timeout_ms, after, sizeof after));
	else if (end->signal != 0)
		text_print(why, sizeof why, "killed by signal %d (%s)", end->signal,
			   sigabbrev_np(end->signal) != NULL ? sigabbrev_np(end->signal)
							     : "?");
	else if (end->code >= 0 && end->code <= 3)
		outcome = outcomes[end->code];
	else if (end->code > 3)
		text_print(why, sizeof why, "exit code %d: %.90s", end->code, line);
	else
		text_print(why, sizeof why, "it could not be run");
	if (end->code > 0 && end->code <= 3 && *line == '\0')
		text_print(why, sizeof why, "exit code %d", end->code);
	if (outcome == OUTCOME_GOOD)
		outcome = tested(s, end->code, why);
	finish(s, outcome, outcome == OUTCOME_GOOD ? "" : why, end->code);
}

static void
on_due(struct schedule *schedule)
{
	struct script *s =
		(struct script *)((char *)schedule - offsetof(struct script, schedule));
	struct scripts *all = s->all;
	struct msg_open open = { .what = OPEN_CHECK_SCRIPT,
				 .id = s->check,
				 .token = ++all->token };
	s->began_ns = clock_ns();
	s->size = 0;
	s->token = open.token;
	s->next_running = all->running;
	all->running = s;
	loop_timer_start(all->helper->loop, &s->deadline,
			 s->plan.check->timeout_ms + GRACE_MS, 0, on_deadline, s);
	if (helper_send(all->helper, MSG_OPEN, &open, 1) != MSG_SENT)
		finish(s, OUTCOME_UNKNOWN, "the channel to monitord is full", -1);
}

struct script *
script_of_token(const struct scripts *all, uint64_t token)
{
	struct script *s = all->running;
	while (s != NULL && s->token != token)
		s = s->next_running;
	return s;
}

bool
script_begin(struct script *s, struct scripts *all, uint32_t check)
{
	const struct check *c = &all->rules->checks[check];
	s->all = all;
	s->check = check;
	s->fd = -1;
	if (!plan_make(&s->plan, all->rules, check))
		return false;
	if (all->timetable.loop == NULL)
		timetable_begin(&all->timetable, all->helper->loop, on_due);
	return schedule_begin(&s->schedule, &all->timetable, c->name, c->every_ms,
			      c->fast_ms);
}

bool
script_carry(struct script *s, uint32_t check)
{
	const struct check *c = &s->all->rules->checks[check];
	struct plan plan;
	if (!plan_make(&plan, s->all->rules, check)) {
		plan_free(&plan);
		return false;
	}
	plan_free(&s->plan);
	s->plan = plan;
	s->check = check;
	schedule_change(&s->schedule, c->name, c->every_ms, c->fast_ms);
	return true;
}

void
script_stop(struct script *s)
{
	if (s->token != 0)
		let_go(s);
	schedule_end(&s->schedule);
	plan_free(&s->plan);
}
