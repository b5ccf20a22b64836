/* Services: their events and deadlines. Starting, stopping, dying and commands have files of their
 * own. */
#include "rules/decide_service.h"

#include "base/text.h"

#include <assert.h>

void
service_set_state(struct world *w, uint32_t id, enum service_state state)
{
	struct service_view *s = &w->services[id];
	if (s->state == state)
		return;
	if (s->state == SERVICE_STARTING)
		w->starting--;
	if (state == SERVICE_STARTING)
		w->starting++;
	s->state = state;
	s->since_real_ms = w->real_ms;
	world_mark(w, OBJECT_SERVICE, id);
	rule_look(w, OBJECT_SERVICE, id);
}

void
service_update_routes(struct world *w, uint32_t id)
{
	const struct id_list *routes = &conf(w, id)->routes;
	for (uint32_t i = 0; i < routes->count; i++)
		if (world_room(w))
			route_update(w, routes->ids[i]);
		else
			world_arm(w, OBJECT_ROUTE, routes->ids[i], w->now_ms);
}

void
service_pace_checks(struct world *w, uint32_t id, enum pace pace)
{
	const struct id_list *checks = &conf(w, id)->checks;
	for (uint32_t i = 0; i < checks->count; i++)
		check_pace(w, checks->ids[i], pace);
}

bool
service_steady(const struct world *w, uint32_t id)
{
	const struct service_view *s = &w->services[id];
	return !s->draining && !s->pending && !s->in_turn &&
	       (s->state == SERVICE_UP || s->state == SERVICE_FAILING ||
		s->state == SERVICE_FAILED || s->state == SERVICE_STOPPED);
}

bool
service_quiet(const struct world *w, uint32_t id)
{
	const struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	/* what is only watched stops without us: its checks go on to speak for it */
	bool stopped = s->state == SERVICE_STOPPED &&
		       (s->by_command || c->run.count > 0 || c->start.count > 0);
	return s->held || s->state == SERVICE_STARTING || s->state == SERVICE_STOPPING ||
	       stopped || s->state == SERVICE_BACKOFF || s->state == SERVICE_FAILED;
}
/* ---- events and time ---- */

static void
sample(struct world *w, const struct event *e)
{
	struct service_view *s = &w->services[e->id];
	const struct msg_sample *m = e->sample;
	if (!s->alive || m->pid != s->pid)
		return;
	bool first = s->sample_ms == 0;
	s->sample_ms = w->now_ms;
	for (uint32_t i = 0; i < m->value_count && i < MSG_SAMPLE_VALUES; i++)
		if (metric_sample_slot(m->value[i].metric) < MSG_SAMPLE_VALUES)
			s->values[metric_sample_slot(m->value[i].metric)] =
				(float)m->value[i].value;
	if (first)
		world_mark(w, OBJECT_SERVICE, e->id);
	else
		world_mark_later(w, OBJECT_SERVICE, e->id);
	rule_changed(w, OBJECT_SERVICE, e->id, true);
}

static void
found(struct world *w, const struct event *e)
{
	struct service_view *s = &w->services[e->id];
	if (e->pid == 0 || (s->alive && s->pid == e->pid))
		return;
	if (s->alive && s->state == SERVICE_STOPPING)
		service_left(w, e->id); /* it was another one that is to end */
	s->draining = false;
	turn_leave(w, e->id);
	service_began(w, e->id, e->pid, w->now_ms);
	w->cause = s->event;
	world_tell(w, "service-started", OBJECT_SERVICE, e->id, "%s is process %d",
		   conf(w, e->id)->name, e->pid);
	service_set_state(w, e->id, SERVICE_STARTING);
	for (uint32_t i = 0; i < conf(w, e->id)->checks.count; i++)
		check_forget(w, conf(w, e->id)->checks.ids[i]);
	service_pace_checks(w, e->id, PACE_FAST);
	world_arm(w, OBJECT_SERVICE, e->id, w->now_ms + conf(w, e->id)->ready.within_ms);
	if (service_is_ready(w, e->id))
		service_became_up(w, e->id);
}

static void
ready(struct world *w, const struct event *e)
{
	if (w->services[e->id].state == SERVICE_STARTING)
		service_became_up(w, e->id);
	service_dying(w, e, false); /* it thought better of it */
}

static void
dying(struct world *w, const struct event *e)
{
	service_dying(w, e, true);
}

static void
left(struct world *w, const struct event *e)
{
	service_left(w, e->id);
}

void
service_event(struct world *w, const struct event *e)
{
	static void (*const take[EVENT_KINDS])(struct world *, const struct event *) = {
		[EVENT_ADOPTED] = service_adopted,
		[EVENT_STARTED] = service_started,
		[EVENT_START_FAILED] = service_start_failed,
		[EVENT_WAITS] = service_waits,
		[EVENT_READY] = ready,
		[EVENT_DYING] = dying,
		[EVENT_EVIDENCE] = evidence_came,
		[EVENT_EXITED] = service_exited,
		[EVENT_EMPTY] = service_empty,
		[EVENT_FOUND] = found,
		[EVENT_LEFT] = left,
		[EVENT_SAMPLE] = sample,
	};
	assert(take[e->kind] != NULL); /* the others are of no service */
	take[e->kind](w, e);
}

/* It is drained, or the time for that is over. */
static void
drain_is_over(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	s->draining = false;
	if (s->drain_ms == 0)
		drain_is_late(w, id);
	if (turn_has_come(w, id)) {
		service_stop(w, id, AFTER_START);
	} else { /* another has died meanwhile */
		route_drain(w, id, false);
		turn_wait(w, id);
	}
}

static void
backoff_is_over(struct world *w, uint32_t id)
{
	if (w->services[id].occupied)
		service_stop_step(w, id); /* left-overs of a dead main process */
	else
		service_start(w, id);
}

/* The time to be ready is over. */
static void
start_is_due(struct world *w, uint32_t id)
{
	const struct service *c = conf(w, id);
	if (service_is_ready(w, id) ||
	    (c->ready.kind == READY_DEFAULT && w->services[id].alive))
		service_became_up(w, id);
	else if (service_ready_unmeasured(w, id))
		world_arm(w, OBJECT_SERVICE, id, w->now_ms + c->ready.within_ms);
	else
		service_not_ready(w, id);
}

void
service_timer(struct world *w, uint32_t id)
{
	static void (*const due[SERVICE_STATES])(struct world *, uint32_t) = {
		[SERVICE_BACKOFF] = backoff_is_over,
		[SERVICE_STARTING] = start_is_due,
		[SERVICE_STOPPING] = service_stop_step,
		[SERVICE_FAILED] = service_retry,
	};
	struct service_view *s = &w->services[id];
	w->cause = s->event;
	if (s->lingers)
		service_kill_rest(w, id);
	else if (s->gathering != 0)
		evidence_over(w, id);
	else if (s->draining)
		drain_is_over(w, id);
	else if (due[s->state] != NULL)
		due[s->state](w, id);
}

/* A check of it has another state now. */
void
service_check_changed(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	uint32_t down = RULES_NONE, seen = RULES_NONE;
	if (s->state == SERVICE_STARTING) {
		if (s->alive && service_is_ready(w, id))
			service_became_up(w, id);
		return;
	}
	for (uint32_t i = 0; i < c->checks.count; i++) {
		const struct check_view *v = &w->checks[c->checks.ids[i]];
		if (v->fell) /* and nobody has seen it well since */
			down = c->checks.ids[i];
		if (v->fell && v->state == CHECK_DOWN)
			seen = down; /* not only before we lost sight of it */
	}
	if (s->state == SERVICE_UP && seen != RULES_NONE) {
		char text[200];
		service_set_state(w, id, SERVICE_FAILING);
		text_print(text, sizeof text, "%s is failing: %s is down", c->name,
			   w->rules->checks[seen].name);
		incident_bad(w, OBJECT_SERVICE, id, text);
		world_tell(w, "service-failing", OBJECT_SERVICE, id, "%s", text);
		need_failed(w, OBJECT_SERVICE, id);
	} else if (s->state == SERVICE_FAILING && down == RULES_NONE) {
		service_set_state(w, id, SERVICE_UP);
		s->proven = true;
		world_tell(w, "service-up", OBJECT_SERVICE, id,
			   "%s is up: no check of it is down", c->name);
		incident_good(w, OBJECT_SERVICE, id);
	}
	rule_changed(w, OBJECT_SERVICE, id, false);
}

static void
arm_hold(struct world *w, uint32_t id)
{
	int64_t until = w->services[id].hold_until_ms;
	int64_t left = until > w->real_ms ? until - w->real_ms : 0;
	world_arm(w, NODE_HOLDS, id, until != 0 ? w->now_ms + left : NEVER);
}

void
service_hold_for(struct world *w, uint32_t id, uint32_t seconds)
{
	w->services[id].hold_until_ms =
		seconds > 0 ? w->real_ms + (int64_t)seconds * 1000 : 0;
	arm_hold(w, id);
	world_mark(w, OBJECT_SERVICE, id);
	service_hold(w, id, true);
}

/* Its end is a time of day: a clock that was set moves it. */
void
service_hold_timer(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	if (!s->held || s->hold_until_ms == 0)
		return;
	if (w->real_ms < s->hold_until_ms) {
		arm_hold(w, id);
		return;
	}
	w->cause = s->event;
	service_hold(w, id, false);
	world_decide(w, DECIDE_REMEMBER, 0);
}

/* What waits is an action too; but of a restart that has stopped it already nothing is kept back:
 * it would rest stopped by nobody's order. */
static void
drop_what_waits(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	bool restarts = s->pending && s->after == AFTER_START;
	bool waits = (s->pending && !restarts) || s->in_turn || s->draining;
	if (!restarts)
		service_unlist(w, id);
	turn_leave(w, id);
	s->kill_next = false;
	if (s->draining) {
		s->draining = false; /* its deadline does nothing then */
		if (s->state == SERVICE_FAILED)
			service_arm_retry(w, id);
		route_drain(w, id, false);
	}
	if (waits) {
		world_answer(w, s->waiters, VERB_START, ANSWER_FAILED, "it is held");
		world_answer(w, s->waiters, VERB_RESTART, ANSWER_FAILED, "it is held");
	}
}

void
service_set_held(struct world *w, uint32_t id, bool hold)
{
	struct service_view *s = &w->services[id];
	if (s->held == hold)
		return;
	s->held = hold;
	world_mark(w, OBJECT_SERVICE, id);
	rule_look(w, OBJECT_SERVICE, id);
	world_tell(w, hold ? "service-held" : "service-released", OBJECT_SERVICE, id,
		   "%s is %s", conf(w, id)->name,
		   hold ? "held: told of, not acted on" : "released");
	if (hold)
		drop_what_waits(w, id);
}

void
service_hold(struct world *w, uint32_t id, bool hold)
{
	struct service_view *s = &w->services[id];
	if (s->held == hold)
		return;
	service_set_held(w, id, hold);
	if (!hold && !s->occupied && !s->by_command && !s->finished &&
	    s->state != SERVICE_FAILED)
		service_start(w, id);
}
