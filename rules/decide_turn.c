/* Instances of one service are restarted by plan one after the other: never fewer than
 * `keep` of them are up. */
#include "rules/decide_service.h"

static bool
is_up(const struct service_view *s)
{
	return s->alive && s->state == SERVICE_UP && !s->draining;
}

/* On its way down by plan, or up again. */
static bool
is_under_way(const struct service_view *s)
{
	return s->draining || s->pending || s->state == SERVICE_STARTING ||
	       s->state == SERVICE_BACKOFF ||
	       (s->state == SERVICE_STOPPING && s->after != AFTER_STAY);
}

struct mates {                          /* the others of its family */
	uint32_t up, under_way, asleep; /* asleep: stopped by an operator */
	uint32_t lost;                  /* neither up nor coming */
	uint32_t count;
	bool unmeasured; /* one is up, and its route does not know yet */
};

static void
add_mate(const struct world *w, uint32_t id, uint32_t mate, struct mates *m)
{
	const struct service_view *s = &w->services[mate];
	uint32_t drain = conf(w, id)->drain;
	m->count++;
	if (is_up(s))
		m->up++;
	else if (is_under_way(s))
		m->under_way++;
	else if (s->by_command)
		m->asleep++;
	else if (s->state == SERVICE_FAILED || s->state == SERVICE_STOPPED)
		m->lost++;
	if (is_up(s) && drain != RULES_NONE && route_unmeasured(w, drain, mate))
		m->unmeasured = true;
}

/* A family's ids follow each other. */
static struct mates
mates_of(const struct world *w, uint32_t id)
{
	struct mates m = { 0 };
	const char *family = conf(w, id)->family;
	uint32_t first = id, end = id + 1;
	while (first > 0 && conf(w, first - 1)->family == family)
		first--;
	while (end < w->rules->service_count && conf(w, end)->family == family)
		end++;
	for (uint32_t k = first; k < end; k++)
		if (k != id)
			add_mate(w, id, k, &m);
	return m;
}

/* So many of the others must be up; by default all that operators let run. */
static uint32_t
kept(const struct world *w, uint32_t id, const struct mates *m)
{
	const struct service *c = conf(w, id);
	return c->keep_set ? c->keep : m->count - m->asleep;
}

static bool
alone(const struct world *w, uint32_t id)
{
	return conf(w, id)->family == NULL || !is_up(&w->services[id]);
}

bool
turn_has_come(const struct world *w, uint32_t id)
{
	struct mates m = mates_of(w, id);
	return alone(w, id) ||
	       (m.under_way == 0 && !m.unmeasured && m.up >= kept(w, id, &m));
}

/* What is lost does not come back by itself. */
bool
turn_is_hopeless(const struct world *w, uint32_t id)
{
	struct mates m = mates_of(w, id);
	return !alone(w, id) && m.count - m.asleep - m.lost < kept(w, id, &m);
}

void
turn_wait(struct world *w, uint32_t id)
{
	w->services[id].in_turn = true;
	w->turns++;
	world_mark(w, OBJECT_SERVICE, id);
	world_tell(w, "service-waits", OBJECT_SERVICE, id,
		   "%s is restarted when its turn comes: enough others of %s must be up",
		   conf(w, id)->name, conf(w, id)->family);
}

void
turn_leave(struct world *w, uint32_t id)
{
	if (!w->services[id].in_turn)
		return;
	w->services[id].in_turn = false;
	w->turns--;
}

void
service_turns(struct world *w)
{
	for (uint32_t id = 0; id < w->rules->service_count && w->turns > 0; id++) {
		struct service_view *s = &w->services[id];
		if (!s->in_turn || !world_room(w))
			continue;
		w->cause = s->event;
		if (turn_has_come(w, id)) {
			turn_leave(w, id);
			service_restart(w, id);
		} else if (turn_is_hopeless(w, id) && !s->owed) {
			turn_leave(w, id);
			turn_refuse(w, id);
		}
	}
}

void
turn_refuse(struct world *w, uint32_t id)
{
	static const char why[] = "too few of the others would be up: see keep";
	world_tell(w, "restart-refused", OBJECT_SERVICE, id, "%s is not restarted: %s",
		   conf(w, id)->name, why);
	world_answer(w, w->services[id].waiters, VERB_RESTART, ANSWER_FAILED, why);
	if (w->services[id].state == SERVICE_UP)
		incident_good(w, OBJECT_SERVICE, id); /* a rule wanted it */
}
