/* The believed states, as messages for status. */
#include "rules/world_state.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

double
world_sampled(const struct service_view *s, enum metric m)
{
	size_t slot = metric_sample_slot(m);
	return slot < MSG_SAMPLE_VALUES ? (double)s->values[slot] : (double)NAN;
}

void
world_service_view(const struct world *w, uint32_t id, struct msg_service_view *v)
{
	const struct service_view *s = &w->services[id];
	memset(v, 0, sizeof *v);
	v->service = id;
	v->state = world_service_state(w, id);
	if (s->pending && v->state == SERVICE_STOPPED)
		/* it waits for its turn, or for what it needs */
		v->state = SERVICE_STARTING;
	v->since_real_ms = s->since_real_ms;
	v->started_real_ms = s->alive ? s->started_real_ms : 0;
	v->pid = s->alive ? s->pid : 0;
	v->exit_code = s->exit_code;
	v->exit_signal = s->exit_signal;
	v->restarts = s->restarts;
	v->held = s->held;
	v->by_command = s->by_command;
	v->suspect = s->suspect;
	v->finished = s->finished && v->state == SERVICE_STOPPED;
	v->drained = s->drained;
	v->hold_until_real_ms = s->held ? s->hold_until_ms : 0;
	v->event = s->event;
	for (unsigned m = 0; m < MSG_SAMPLE_VALUES; m++) /* who is dead uses nothing */
		v->values[m] = s->alive ? s->values[m] : (float)NAN;
	v->cpu = (double)v->values[metric_sample_slot(METRIC_CPU)];
	v->memory = (double)v->values[metric_sample_slot(METRIC_MEMORY)];
	v->threads = (double)v->values[metric_sample_slot(METRIC_THREADS)];
	v->fds = (double)v->values[metric_sample_slot(METRIC_FDS)];
}

void
world_forget_sample(struct world *w, uint32_t service)
{
	struct service_view *s = &w->services[service];
	if (s->sample_ms == 0)
		return;
	s->sample_ms = 0;
	for (unsigned m = 0; m < MSG_SAMPLE_VALUES; m++)
		s->values[m] = NAN;
	world_mark(w, OBJECT_SERVICE, service);
}

void
world_check_view(const struct world *w, uint32_t id, struct msg_check_view *v)
{
	const struct check_view *c = &w->checks[id];
	memset(v, 0, sizeof *v);
	v->check = id;
	v->state = c->state;
	v->since_real_ms = c->since_real_ms;
	v->measured_ns = c->measured_ns;
	v->latency_ns = c->latency_ns;
	v->value_count = c->value_count;
	v->event = c->event;
	for (uint32_t i = 0; i < c->value_count; i++)
		v->value[i] =
			(struct msg_value){ .metric =
						    w->value_metrics[c->first_value + i],
					    .value = w->values[c->first_value + i] };
	if (c->has_text)
		memcpy(v->text, w->texts[id], sizeof v->text);
}

void
world_route_view(const struct world *w, uint32_t id, struct msg_route_view *v)
{
	const struct route_view *r = &w->routes[id];
	memset(v, 0, sizeof *v);
	v->route = id;
	v->state = r->state;
	v->since_real_ms = r->since_real_ms;
	v->active = r->is_seen ? r->seen : r->wanted;
	v->wanted = r->wanted;
	v->seen = r->is_seen;
	v->event = r->event;
	memcpy(v->text, r->text, sizeof v->text);
}

void
world_rule_view(const struct world *w, uint32_t id, struct msg_rule_view *v)
{
	const struct rule_view *r = &w->ruleviews[id];
	memset(v, 0, sizeof *v);
	v->rule = id;
	v->truth = r->truth;
	v->firing = r->firing;
	v->fired = r->fired;
	v->since_real_ms = r->since_real_ms;
	v->event = r->event;
	if (r->waiting.true_ms != 0)
		v->true_at_real_ms = w->real_ms + (r->waiting.true_ms - w->now_ms);
	v->samples = r->waiting.samples;
	v->samples_needed = r->waiting.needed;
}

void
world_chain_view(const struct world *w, uint32_t id, struct msg_chain_view *v)
{
	const struct chain_view *c = &w->chains[id];
	memset(v, 0, sizeof *v);
	v->chain = id;
	v->state = c->state;
	v->since_real_ms = c->since_real_ms;
	v->event = c->event;
	text_print(v->text, sizeof v->text, "%s", c->text);
}

uint32_t
world_incidents(const struct world *w)
{
	(void)w;
	return INCIDENTS;
}

uint32_t
world_open_incidents(const struct world *w)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < w->incident_end; i++)
		n += w->incidents[i].id != 0 && w->incidents[i].state != INCIDENT_CLOSED;
	return n;
}

void
world_incident_view(const struct world *w, uint32_t index, struct msg_incident_view *v)
{
	const struct incident *i = &w->incidents[index];
	memset(v, 0, sizeof *v);
	v->incident = i->id;
	v->state = i->state;
	v->root_kind = i->root_kind;
	v->root_id = i->root_id;
	v->since_real_ms = i->since_real_ms;
	v->until_real_ms = i->until_real_ms;
	v->event = i->event;
	text_print(v->who, sizeof v->who, "%s", i->who);
	text_print(v->why, sizeof v->why, "%s", i->why);
	text_print(v->text, sizeof v->text, "%s", i->text);
}

void
world_silence_view(const struct world *w, uint32_t slot, struct msg_silence_view *v)
{
	const struct silence *s = &w->silences[slot];
	memset(v, 0, sizeof *v);
	v->slot = slot;
	v->kind = s->kind;
	v->id = s->id;
	v->until_real_ms = s->until_real_ms;
	v->event = s->event;
	text_print(v->who, sizeof v->who, "%s", s->who);
	text_print(v->why, sizeof v->why, "%s", s->why);
}

uint32_t
world_manual(const struct world *w, uint32_t route)
{
	return w->routes[route].manual;
}

int64_t
world_manual_until(const struct world *w, uint32_t route)
{
	return w->routes[route].manual_until_ms;
}

enum pace
world_pace(const struct world *w, uint32_t check)
{
	return (enum pace)w->checks[check].pace;
}

bool
world_order(const struct world *w, uint32_t route, struct msg_route_order *o)
{
	const struct route_view *r = &w->routes[route];
	memset(o, 0, sizeof *o);
	o->route = route;
	o->number = r->number;
	o->active = r->wanted;
	return r->number != 0 && !w->rules->settings.dry_run;
}

enum service_state
world_service_state(const struct world *w, uint32_t id)
{
	return w->services[id].held ? SERVICE_HELD : w->services[id].state;
}

enum check_state
world_check_state(const struct world *w, uint32_t id)
{
	return w->checks[id].state;
}

const char *
world_person(uint32_t uid, char out[WORLD_PERSON])
{
	if (uid == UINT32_MAX)
		text_print(out, WORLD_PERSON, "a token");
	else
		text_print(out, WORLD_PERSON, "uid %u", uid);
	return out;
}
