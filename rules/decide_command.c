/* What operators command of a service. */
#include "rules/decide_service.h"

/* start and restart. True: the answer comes with the outcome. */
static bool
start_command(struct world *w, const struct event *e, const char **why)
{
	struct service_view *s = &w->services[e->id];
	const struct service *c = conf(w, e->id);
	if (c->run.count == 0 && c->start.count == 0)
		*why = "it has no run and no start";
	else if (w->stopping_all)
		*why = WORLD_ENDS;
	if (**why != '\0')
		return false;
	if (!world_may_wait(s->waiters)) {
		*why = WORLD_MANY_WAIT;
		return false;
	}
	s->by_command = false;
	service_set_held(w, e->id, false);
	if (e->verb == VERB_START &&
	    (s->state == SERVICE_UP || s->state == SERVICE_FAILING))
		return false;
	world_wait(s->waiters, e->token, e->verb);
	s->crash_next = s->crashes = 0;
	s->given_up = s->trial = false;
	if (e->verb == VERB_START && s->alive && s->state == SERVICE_FAILED) {
		service_set_state(w, e->id, SERVICE_UP); /* it ran all the time */
		world_arm(w, OBJECT_SERVICE, e->id, NEVER);
		world_answer(w, s->waiters, -1, ANSWER_DONE, "up");
		incident_good(w, OBJECT_SERVICE, e->id);
		service_check_changed(w, e->id);
		return true;
	}
	if (e->verb == VERB_RESTART || s->state == SERVICE_STOPPING)
		service_restart(w, e->id);
	else if (s->state != SERVICE_STARTING)
		service_start(w, e->id);
	return true;
}

/* True: the answer comes with the outcome. */
static bool
stop_command(struct world *w, const struct event *e)
{
	struct service_view *s = &w->services[e->id];
	s->by_command = true;
	world_answer(w, s->waiters, -1, ANSWER_FAILED, "stopped by another command");
	if (!s->occupied) {
		service_stop(w, e->id, AFTER_STAY);
		service_pace_checks(w, e->id, PACE_OFF);
		service_is_over(w, e->id);
		return false;
	}
	world_wait(s->waiters, e->token, VERB_STOP);
	service_stop(w, e->id, AFTER_STAY);
	return true;
}

static void
reload_command(struct world *w, const struct event *e, const char **why)
{
	const struct service *c = conf(w, e->id);
	if (c->reload_signal == 0 && c->reload_command.count == 0)
		*why = "it has no reload";
	else if (!w->services[e->id].alive)
		*why = "it does not run";
	else
		world_decide(w, DECIDE_RELOAD, e->id);
}

/* True: the answer comes with the outcome. */
bool
service_command(struct world *w, const struct event *e, const char **why)
{
	switch (e->verb) {
	case VERB_START:
	case VERB_RESTART:
		return start_command(w, e, why);
	case VERB_STOP:
		return stop_command(w, e);
	case VERB_RELOAD_SERVICE:
		reload_command(w, e, why);
		return false;
	case VERB_HOLD:
		service_hold_for(w, e->id, e->seconds);
		return false;
	case VERB_RELEASE:
		service_hold(w, e->id, false);
		return false;
	case VERB_DRAIN:
	case VERB_UNDRAIN:
		return service_drain_command(w, e, why);
	case VERB_REROUTE:
	case VERB_RESTORE:
	case VERB_RELOAD:
	case VERB_TEST:
	case VERB_SILENCE:
	case VERB_UNSILENCE:
	case VERB_ACK:
	case VERB_RIGHTS:
	case VERBS:
		break;
	}
	return false;
}
