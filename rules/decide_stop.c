/* How a service stops, and how it is restarted by plan. */
#include "rules/decide_service.h"

#include "base/text.h"

#include <signal.h>

void
service_stop_step(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	bool last = s->step >= c->stop_count;
	struct stop_step step =
		last ? (struct stop_step){ SIGKILL, UNKILLABLE_MS } : c->stop[s->step];
	if (last && !s->told_unkillable && c->stop_count > 0 && s->step > c->stop_count) {
		char text[200];
		s->told_unkillable = true;
		text_print(text, sizeof text,
			   "%s cannot be killed: no second instance is started beside it",
			   c->name);
		incident_bad(w, OBJECT_SERVICE, id, text);
		world_tell(w, "service-signalled", OBJECT_SERVICE, id, "%s", text);
		world_answer(w, s->waiters, -1, ANSWER_FAILED, "it cannot be killed");
	}
	if (step.signal == SIGKILL && s->step > 0 && evidence_first(w, id))
		return; /* it did not do as it was told: that is worth a look */
	struct decision *d = world_decide(w, DECIDE_SIGNAL, id);
	d->signal = step.signal;
	d->scope = step.signal == SIGKILL ? SCOPE_TREE
		   : s->alive             ? SCOPE_MAIN
					  : SCOPE_REST;
	s->step++;
	world_arm(w, OBJECT_SERVICE, id, w->now_ms + step.patience_ms);
}

void
service_stop_begin(struct world *w, uint32_t id)
{
	if (conf(w, id)->stop_command.count > 0) {
		world_decide(w, DECIDE_STOP_COMMAND, id);
		world_arm(w, OBJECT_SERVICE, id, w->now_ms + 30000);
	} else {
		service_stop_step(w, id);
	}
}

void
service_stop(struct world *w, uint32_t id, enum after_stop after)
{
	struct service_view *s = &w->services[id];
	bool sick = s->suspect || s->state == SERVICE_FAILING;
	s->draining = false;
	turn_leave(w, id);
	service_unlist(w, id);
	if (s->occupied && dry_instead(w, OBJECT_SERVICE, id,
				       after == AFTER_STAY ? "stopped" : "restarted"))
		return;
	s->after = after;
	if (s->state == SERVICE_STOPPING)
		return;
	if (!s->occupied) {
		service_set_state(w, id, SERVICE_STOPPED);
		return;
	}
	w->cause = world_tell(w, "service-stopping", OBJECT_SERVICE, id,
			      "%s is being stopped%s", conf(w, id)->name,
			      after == AFTER_START || after == AFTER_CRASH
				      ? " to be started again"
			      : w->stopping_all ? " with monitord"
						: "");
	service_set_state(w, id, SERVICE_STOPPING);
	s->step = 0;
	if (after == AFTER_STAY)
		service_pace_checks(w, id, PACE_OFF);
	service_update_routes(w, id);
	if (!sick || !evidence_first(w, id))
		service_stop_begin(w, id);
}

void
service_is_over(struct world *w, uint32_t id)
{
	const struct id_list *checks = &conf(w, id)->checks;
	const struct service_view *s = &w->services[id];
	incident_good(w, OBJECT_SERVICE, id);
	for (uint32_t i = 0; (s->by_command || s->finished) && i < checks->count; i++)
		incident_good(w, OBJECT_CHECK, checks->ids[i]);
}

void
service_left(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	bool stays =
		s->by_command || (s->state == SERVICE_STOPPING && s->after == AFTER_STAY);
	if (!s->alive)
		return;
	w->cause = world_tell(
		w, "service-left", OBJECT_SERVICE, id,
		"%s is found in another way now: process %d is not its any more", c->name,
		s->pid);
	s->alive = s->dying = s->leaves = s->occupied = false;
	s->draining = s->kill_next = s->given_up = s->trial = false;
	s->gathering = 0;
	turn_leave(w, id);
	service_unlist(w, id);
	world_arm(w, OBJECT_SERVICE, id, NEVER);
	service_set_state(w, id, SERVICE_STOPPED);
	incident_good(w, OBJECT_SERVICE, id);
	for (uint32_t i = 0; i < c->checks.count; i++)
		check_forget(w, c->checks.ids[i]); /* they measured the other one */
	service_update_routes(w, id);
	world_answer(w, s->waiters, VERB_STOP, ANSWER_DONE, "it is another now");
	if (!stays)
		service_start(w, id);
	if (!s->pending)
		world_answer(w, s->waiters, -1, ANSWER_FAILED, "it is another now");
	world_mark(w, OBJECT_SERVICE, id);
	rule_changed(w, OBJECT_SERVICE, id, false);
}

/* A planned restart: out of its route first, if another backend is healthy. */
void
service_restart(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	if (s->in_turn ||
	    (s->occupied && dry_instead(w, OBJECT_SERVICE, id, "restarted")))
		return;
	if (s->draining || s->state == SERVICE_STOPPING) {
		s->after = AFTER_START;
		return;
	}
	if (!s->occupied) {
		s->crashes = 0;
		service_set_state(w, id, SERVICE_STOPPED);
		service_start(w, id);
		return;
	}
	if (!turn_has_come(w, id)) {
		if (turn_is_hopeless(w, id) && !s->owed)
			turn_refuse(w, id);
		else
			turn_wait(w, id);
		return;
	}
	if (s->alive && s->state != SERVICE_STARTING && c->drain != RULES_NONE &&
	    route_can_lose(w, c->drain, id)) {
		s->draining = true;
		s->drain_ms = 0;
		world_arm(w, OBJECT_SERVICE, id,
			  w->now_ms + w->rules->routes[c->drain].drain_ms);
		route_drain(w, id, true);
		return;
	}
	service_stop(w, id, AFTER_START);
}

void
service_drained(struct world *w, uint32_t id, bool counted)
{
	struct service_view *s = &w->services[id];
	service_is_out(w, id);
	if ((!s->draining && !s->lingers) || s->drain_ms != 0)
		return;
	s->drain_ms = w->now_ms;
	world_arm(w, OBJECT_SERVICE, id, w->now_ms + (counted ? 0 : DRAIN_GRACE_MS));
}

void
service_kill(struct world *w, uint32_t id)
{
	struct decision *d = world_decide(w, DECIDE_SIGNAL, id);
	d->signal = SIGKILL;
	d->scope = SCOPE_TREE;
	world_tell(w, "service-signalled", OBJECT_SERVICE, id, "%s gets SIGKILL",
		   conf(w, id)->name);
}
