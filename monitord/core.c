/* The loop around decide(): events in, decisions carried out, one timer for all deadlines. */
#include "monitord/core.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "monitord/notify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_MINUTE 60000
#define PENDING 16 /* more than ever wait, but where many services begin at once */

/* ---- carrying out ---- */

static void
tell(struct core *c, const struct journal_line *line)
{
	traces_told(c, line);
	journal_add(&c->journal, line);
	if (c->ids_kept != 0)
		keep_ids(c);
	if (strncmp(line->kind, "incident-", 9) == 0)
		notify_status(c);
	if (!c->quiet)
		log_info("%s%s%s: %s", line->kind, line->object[0] != '\0' ? " " : "",
			 line->object, line->text);
}

static void
start(struct core *c, uint32_t id)
{
	struct msg_service_view v;
	world_service_view(c->world, id, &v);
	process_remember(c->processes, id, v.restarts, v.by_command);
	process_start(c->processes, id);
	if (c->rules->services[id].match != NULL)
		ids_add(&c->watches, id); /* look now: it may run already */
}

/* Whether it has an effect: a signal has none where nobody is left that it could reach. */
static bool
acts(const struct core *c, const struct decision *d)
{
	return d->kind != DECIDE_TELL &&
	       (d->kind != DECIDE_SIGNAL || process_may_live(c->processes, d->id));
}

static void
perform(struct core *c, const struct decision *d)
{
	if (acts(c, d))
		journal_flush(&c->journal); /* the intent before the effect */
	switch (d->kind) {
	case DECIDE_TELL:
		tell(c, &d->line);
		break;
	case DECIDE_START:
		start(c, d->id);
		break;
	case DECIDE_SIGNAL:
		process_signal(c->processes, d->id, d->signal, d->scope);
		break;
	case DECIDE_EVIDENCE:
		process_evidence(c->processes, d->id, d->token);
		break;
	case DECIDE_STOP_COMMAND:
		process_stop_command(c->processes, d->id);
		break;
	case DECIDE_RELOAD:
		process_reload(c->processes, d->id);
		break;
	case DECIDE_ROUTE:
		c->order_cut[d->id] = d->order.cut;
		ids_add(&c->orders, d->id);
		break;
	case DECIDE_PACE:
		if (d->pace == PACE_NOW)
			c->pace_now[d->id] = 1;
		ids_add(&c->paces, d->id);
		break;
	case DECIDE_RUN:
		core_run(c, d);
		break;
	case DECIDE_ANSWER:
		command_answer(c, d->token, d->answer, d->event, d->text);
		break;
	case DECIDE_RELOAD_RULES:
		c->reload_asked = true;
		c->reload_token = d->token;
		break;
	case DECIDE_TEST:
		trial_begin(c, d->token, d->id);
		break;
	case DECIDE_REMEMBER:
		keep_write(c);
		break;
	case DECIDE_KINDS:
		break;
	}
}

/* ---- events ---- */

static void
decide_one(struct core *c, const struct event *e)
{
	int64_t real_ms = clock_real_ms();
	if (real_ms / MS_MINUTE != c->zone_minute) {
		c->zone_minute = real_ms / MS_MINUTE;
		world_zone(c->world, clock_zone_s(real_ms));
	}
	decide(c->world, e, clock_ms(), real_ms, &c->decisions);
	for (size_t i = 0; i < c->decisions.count; i++)
		perform(c, &c->decisions.list[i]);
	switch (e->kind) {
	case EVENT_ADOPTED:
	case EVENT_STARTED:
	case EVENT_EXITED:
	case EVENT_FOUND:
	case EVENT_LEFT:
		ids_add(&c->watches, e->id);
		break;
	case EVENT_TIMER:
	case EVENT_GO:
	case EVENT_START_FAILED:
	case EVENT_WAITS:
	case EVENT_READY:
	case EVENT_DYING:
	case EVENT_EVIDENCE:
	case EVENT_EMPTY:
	case EVENT_RESULT:
	case EVENT_SAMPLE:
	case EVENT_ROUTE_SEEN:
	case EVENT_HELPER_LOST:
	case EVENT_HELPER_BACK:
	case EVENT_COMMAND:
	case EVENT_RUN_DONE:
	case EVENT_NOTE:
	case EVENT_STOP_ALL:
	case EVENT_LATE:
	case EVENT_CHANGED:
	case EVENT_KINDS:
		break;
	}
}

/* As many services may be found at once as starts-at-once lets begin. */
static bool
make_room(struct core *c)
{
	unsigned cap = c->pending_cap == 0 ? PENDING : 2 * c->pending_cap;
	struct pending_event *list = reallocarray(NULL, cap, sizeof *list);
	if (list == NULL)
		return false;
	for (unsigned i = 0; i < c->pending_count; i++)
		list[i] = c->pending[(c->pending_first + i) % c->pending_cap];
	free(c->pending);
	c->pending = list;
	c->pending_first = 0;
	c->pending_cap = cap;
	return true;
}

static void
put_off(struct core *c, const struct event *e)
{
	if (c->pending_count == c->pending_cap && !make_room(c)) {
		log_error("out of memory: an event was lost");
		return;
	}
	struct pending_event *p =
		&c->pending[(c->pending_first + c->pending_count++) % c->pending_cap];
	p->event = *e;
	text_print(p->text, sizeof p->text, "%s", e->text != NULL ? e->text : "");
}

static bool
take_pending(struct core *c, struct pending_event *p)
{
	if (c->pending_count == 0)
		return false;
	*p = c->pending[c->pending_first];
	p->event.text = p->text;
	c->pending_first = (c->pending_first + 1) % c->pending_cap;
	c->pending_count--;
	return true;
}

static void
asked_reload(struct core *c)
{
	char text[MSG_TEXT * 4];
	uint64_t token = c->reload_token;
	c->reload_asked = false;
	bool good = core_reload(c, text, sizeof text);
	if (token != 0)
		command_answer(c, token, good ? ANSWER_DONE : ANSWER_REFUSED,
			       good ? world_last_event(c->world) : 0, text);
}

static void
on_deadline(struct loop_timer *timer)
{
	struct event e = { .kind = EVENT_TIMER };
	core_event(timer->arg, &e);
}

static void
arm_deadline(struct core *c)
{
	int64_t due = world_deadline(c->world);
	if (due == c->due_ms && loop_timer_active(&c->deadline))
		return; /* as after nearly each result */
	c->due_ms = due;
	if (due == INT64_MAX)
		loop_timer_stop(&c->deadline);
	else
		loop_timer_start(c->loop, &c->deadline, due - clock_ms(), 0, on_deadline,
				 c);
}

void
core_event(struct core *c, const struct event *e)
{
	struct pending_event p;
	if (c->deciding) {
		put_off(c, e);
		return;
	}
	c->deciding = true;
	decide_one(c, e);
	while (take_pending(c, &p))
		decide_one(c, &p.event);
	c->deciding = false;
	if (c->reload_asked)
		asked_reload(c);
	arm_deadline(c);
}

void
core_note(struct core *c, const char *kind, const char *format, ...)
{
	char words[400], text[500];
	va_list args;
	va_start(args, format);
	vsnprintf(words, sizeof words, format, args);
	va_end(args);
	text_print(text, sizeof text, "%s %s", kind, words);
	struct event e = { .kind = EVENT_NOTE, .text = text };
	core_event(c, &e);
}
