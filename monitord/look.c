/* Whose processes are measured: those that rules read, and all of them for the history and while
 * clients look. With nobody who wants to know, nothing is read and nobody wakes. */
#include "monitord/core.h"

#include <stdlib.h>

#define LOOK_MS 60000 /* a client that was there so long ago looks no more */
#define FIRST_MS 200  /* a first look waits so long for what is not measured yet */

/* What is known without looking at its process. */
static bool
is_known(enum metric m)
{
	return m == METRIC_UP || m == METRIC_STATE || m == METRIC_PID ||
	       m == METRIC_UPTIME || m == METRIC_RESTARTS || m == METRIC_EXIT_CODE;
}

static void
note(unsigned char *measured, const struct condition *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		if (c->ops[i].kind == OP_TEST && c->ops[i].object == OBJECT_SERVICE &&
		    !is_known(c->ops[i].metric))
			measured[c->ops[i].id] = 1;
}

bool
look_new(struct core *c)
{
	const struct rules *r = c->rules;
	c->measured = calloc(r->service_count + 1, 1);
	for (uint32_t i = 0; c->measured != NULL && i < r->rule_count; i++) {
		note(c->measured, &r->rules[i].when);
		note(c->measured, &r->rules[i].clear);
	}
	c->measures = false;
	for (uint32_t i = 0; c->measured != NULL && i < r->service_count; i++)
		c->measures =
			c->measures || c->measured[i] || r->services[i].match != NULL;
	return c->measured != NULL;
}

bool
look_measures(const struct core *c, uint32_t service)
{
	return c->look.on || c->rules->settings.history_bytes > 0 ||
	       c->measured[service] || c->rules->services[service].match != NULL;
}

bool
look_needs_local(const struct core *c)
{
	return c->rules->service_count > 0 &&
	       (c->look.on || c->rules->settings.history_bytes > 0 || c->measures);
}

bool
look_any(const struct core *c)
{
	const struct settings *s = &c->rules->settings;
	bool records =
		s->record_ms > 0 && (c->rules->check_count > 0 || look_needs_local(c));
	return c->look.on || c->look.followed || s->history_bytes > 0 || records;
}

static void
answer(struct core *c, uint64_t token, bool read, bool act)
{
	struct msg_who_done done = { .token = token, .may_read = read, .may_act = act };
	c->answered = true; /* what was measured for it goes first */
	helper_control(&c->helpers[ROLE_STATUS], MSG_WHO_DONE, &done, sizeof done, -1);
}

static void
answer_all(struct core *c)
{
	struct look *l = &c->look;
	loop_timer_stop(&l->late);
	for (uint32_t i = 0; i < l->count; i++)
		answer(c, l->waiting[i].token, l->waiting[i].read, l->waiting[i].act);
	l->count = l->due = 0;
}

static void
on_first_late(struct loop_timer *timer)
{
	answer_all(timer->arg);
}

static void
measure_all(struct core *c)
{
	uint64_t ticks;
	for (uint32_t i = 0; i < c->rules->service_count; i++) {
		if (look_measures(c, i))
			continue; /* it was, already */
		ids_add(&c->watches, i);
		c->look.due += process_pid(c->processes, i, &ticks) != 0;
	}
	c->look.on = true;
	helpers_wanted(c);
}

static void
on_end(struct loop_timer *timer)
{
	struct core *c = timer->arg;
	c->look.on = false;
	for (uint32_t i = 0; i < c->rules->service_count; i++) {
		if (look_measures(c, i))
			continue;
		ids_add(&c->watches, i);
		world_forget_sample(c->world, i);
	}
	helpers_wanted(c);
}

void
look_who(struct core *c, uint64_t token, bool read, bool act)
{
	struct look *l = &c->look;
	world_age(c->world); /* it sees what is known now */
	if (!read) {
		answer(c, token, read, act);
		return;
	}
	loop_timer_start(c->loop, &l->end, LOOK_MS, 0, on_end, c);
	if (!l->on) {
		measure_all(c);
		loop_timer_start(c->loop, &l->late, FIRST_MS, 0, on_first_late, c);
	}
	if (l->due == 0 || l->count == LOOKERS) {
		answer(c, token, read, act);
		return;
	}
	l->waiting[l->count].token = token;
	l->waiting[l->count].read = read;
	l->waiting[l->count++].act = act;
}

void
look_sample(struct core *c)
{
	if (c->look.due > 0 && --c->look.due == 0)
		answer_all(c);
}

void
look_end(struct core *c)
{
	loop_timer_stop(&c->look.end);
	loop_timer_stop(&c->look.late);
}
