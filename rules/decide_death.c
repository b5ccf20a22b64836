/* What the death of a service means: its cause, what is left of it, back-off, giving up.
 */
#include "rules/decide_service.h"

#include "base/text.h"

#include <signal.h>
#include <string.h>

#define STABLE_MS 1000 /* up for so long: the back-off begins anew */

static void
exit_text(const struct event *e, char *out, size_t cap)
{
	if (e->signal != 0)
		text_print(out, cap, "killed by signal %d (SIG%s)%s%s", e->signal,
			   sigabbrev_np(e->signal) != NULL ? sigabbrev_np(e->signal)
							   : "?",
			   e->core_dumped ? ", core dumped" : "",
			   e->oom_killed ? ", by the kernel for want of memory" : "");
	else if (e->code >= 0)
		text_print(out, cap, "exit code %d", e->code);
	else
		text_print(out, cap, "cause not known");
}

/* One more that at-most counts. */
void
service_count(struct service_view *s, int64_t at_ms)
{
	s->crash_ms[s->crash_next++ % s->crash_cap] = at_ms;
}

void
service_note_crash(struct service_view *s, int64_t at_ms)
{
	bool stable = s->proven && at_ms - s->up_ms >= STABLE_MS;
	if (stable)
		s->crashes = 0;
	if (stable && s->trial) { /* the one try went well, for a while */
		s->given_up = s->trial = false;
		s->crash_next = 0;
	}
	s->proven = false;
	s->crashes++;
	service_count(s, at_ms);
}

bool
service_too_often(const struct world *w, uint32_t id)
{
	const struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	uint32_t n = 0;
	for (uint32_t i = 0; i < s->crash_cap && i < s->crash_next; i++)
		n += w->now_ms - s->crash_ms[i] < c->at_most_ms;
	return c->at_most > 0 && n > c->at_most;
}

int64_t
service_backoff(struct world *w, uint32_t id)
{
	const struct service *c = conf(w, id);
	uint32_t n = w->services[id].crashes;
	if (n <= 1)
		return 0; /* after a healthy life: at once */
	int64_t delay = c->backoff_first_ms;
	for (n -= 2; n > 0 && delay < c->backoff_last_ms; n--)
		delay *= 2;
	if (delay > c->backoff_last_ms)
		delay = c->backoff_last_ms;
	return delay + delay / 10 * (int64_t)(world_random(w) % 100) / 100;
}

void
service_give_up(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	char text[300], in[32], next[64] = "nothing more is done", wait[32];
	if (c->retry_ms > 0)
		text_print(next, sizeof next, "it is tried once more in %s",
			   text_duration(c->retry_ms, wait, sizeof wait));
	if (s->given_up)
		text_print(text, sizeof text, "%s has failed again: %s", c->name, next);
	else
		text_print(text, sizeof text,
			   "%s has failed: more than %u restarts in %s; %s", c->name,
			   c->at_most, text_duration(c->at_most_ms, in, sizeof in), next);
	bool again = s->given_up;
	s->given_up = true;
	service_set_state(w, id, SERVICE_FAILED);
	service_arm_retry(w, id);
	w->cause = world_tell(w, "service-failed", OBJECT_SERVICE, id, "%s", text);
	if (!again) /* of a try that failed too `remind` tells */
		incident_worse(w, OBJECT_SERVICE, id, text);
	service_remember(w, id);
	world_answer(w, s->waiters, -1, ANSWER_FAILED, "it has failed");
}

void
service_arm_retry(struct world *w, uint32_t id)
{
	int64_t after = conf(w, id)->retry_ms;
	world_arm(w, OBJECT_SERVICE, id, after > 0 ? w->now_ms + after : NEVER);
}

/* The breaker is half open: one start, whose end decides. */
void
service_retry(struct world *w, uint32_t id)
{
	const struct service *c = conf(w, id);
	if (w->services[id].held) {
		service_arm_retry(w, id);
		return;
	}
	w->services[id].trial = true;
	world_tell(w, "service-retry", OBJECT_SERVICE, id,
		   "%s has failed, and is tried once more", c->name);
	service_restart(w, id);
}

static bool
succeeded(const struct world *w, uint32_t id)
{
	const struct service_view *s = &w->services[id];
	return s->exit_signal == 0 && s->exit_code >= 0 &&
	       (conf(w, id)->success_mask[s->exit_code / 64] >> s->exit_code % 64 & 1) !=
		       0;
}

/* After the end that it had. */
static bool
restarts_it(const struct world *w, uint32_t id)
{
	const struct service *c = conf(w, id);
	return (c->run.count > 0 || c->start.count > 0) && c->restart != RESTART_NEVER &&
	       (c->restart == RESTART_ALWAYS || !succeeded(w, id));
}

/* Its section lets it end, and that with success: nothing is wrong with that. */
static bool
ended_well(const struct world *w, uint32_t id)
{
	const struct service *c = conf(w, id);
	return (c->run.count > 0 || c->start.count > 0) && !restarts_it(w, id) &&
	       succeeded(w, id);
}

static void
ended_for_good(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	s->finished = ended_well(w, id);
	if (c->run.count > 0 || c->start.count > 0)
		world_tell(w, "service-stopped", OBJECT_SERVICE, id,
			   "%s has ended%s, and is not started again", c->name,
			   s->finished ? " well" : "");
	if (s->finished)
		service_is_over(w, id);
	world_mark(w, OBJECT_SERVICE, id);
	world_answer(w, s->waiters, -1, s->finished ? ANSWER_DONE : ANSWER_FAILED,
		     s->finished ? "it has ended well"
				 : "it has ended, and is not started again");
}

/* Nothing of it is left after a death of its own, or it could not be started. */
void
service_after_crash(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	char delay_text[32];
	if (s->held || w->stopping_all || s->by_command || !restarts_it(w, id)) {
		service_set_state(w, id, SERVICE_STOPPED);
		if (!restarts_it(w, id))
			ended_for_good(w, id);
		else if (s->held)
			world_answer(w, s->waiters, -1, ANSWER_FAILED,
				     "it has ended, and is held");
		return;
	}
	service_note_crash(s, w->now_ms);
	if (s->crashes == 1)
		/* it is no longer one that was never tried */
		service_update_routes(w, id);
	if (s->given_up || service_too_often(w, id)) {
		service_give_up(w, id);
		return;
	}
	int64_t delay = service_backoff(w, id);
	service_set_state(w, id, SERVICE_BACKOFF);
	if (delay == 0) {
		service_start(w, id);
		return;
	}
	world_tell(w, "service-backoff", OBJECT_SERVICE, id, "%s is started again in %s",
		   c->name, text_duration(delay, delay_text, sizeof delay_text));
	world_arm(w, OBJECT_SERVICE, id, w->now_ms + delay);
}

/* We died after its end. True: it is not to be started now. */
bool
service_resume_ended(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	uint32_t newest = (s->crash_next + s->crash_cap - 1) % s->crash_cap;
	if (!restarts_it(w, id)) {
		ended_for_good(w, id);
		return true;
	}
	if (s->crashes == 0)
		return false;
	if (s->given_up || service_too_often(w, id)) {
		service_give_up(w, id);
		return true;
	}
	int64_t due = s->crash_ms[newest] + service_backoff(w, id);
	if (due <= w->now_ms)
		return false;
	service_set_state(w, id, SERVICE_BACKOFF);
	world_arm(w, OBJECT_SERVICE, id, due);
	return true;
}

/* A rule restarts it: at-most counts that like a crash. False: once too often. */
bool
service_count_restart(struct world *w, uint32_t id, const char *by)
{
	struct service_view *s = &w->services[id];
	if (s->draining || s->state == SERVICE_STOPPING)
		return true; /* it is under way */
	service_count(s, w->now_ms);
	if (service_too_often(w, id)) {
		service_give_up(w, id);
		return false;
	}
	world_tell(w, "service-restart", OBJECT_SERVICE, id, "%s", by);
	return true;
}

/* It carried traffic, as the fronts said, and all of that goes to others now. */
static bool
traffic_left(const struct world *w, uint32_t id)
{
	const struct service *c = conf(w, id);
	bool carried = false;
	for (uint32_t i = 0; i < c->routes.count; i++) {
		const struct route_view *r = &w->routes[c->routes.ids[i]];
		uint64_t places = route_places(w, c->routes.ids[i], id);
		if ((r->wanted & places) != 0)
			return false;
		carried = carried || (r->is_seen && (r->seen & places) != 0);
	}
	return carried;
}

void
service_kill_rest(struct world *w, uint32_t id)
{
	if (dry_instead(w, OBJECT_SERVICE, id, "killed: its left-overs"))
		return;
	struct decision *d = world_decide(w, DECIDE_SIGNAL, id);
	d->signal = SIGKILL;
	d->scope = SCOPE_TREE;
	w->services[id].lingers = false;
	w->services[id].step = conf(w, id)->stop_count;
	world_arm(w, OBJECT_SERVICE, id, w->now_ms + UNKILLABLE_MS);
}

void
service_dying(struct world *w, const struct event *e, bool dying)
{
	struct service_view *s = &w->services[e->id];
	if (!s->alive || s->dying == dying || s->state == SERVICE_STOPPING)
		return;
	s->dying = dying;
	s->leaves = dying && !e->core_dumped;
	if (dying)
		w->cause = world_tell(w, "service-dying", OBJECT_SERVICE, e->id,
				      "%s is dying: %s", conf(w, e->id)->name, e->text);
	service_update_routes(w, e->id);
}

void
service_exited(struct world *w, const struct event *e)
{
	struct service_view *s = &w->services[e->id];
	const struct service *c = conf(w, e->id);
	char how[128], lived[32];
	bool asked = s->state == SERVICE_STOPPING;
	if (!s->alive)
		return;
	s->alive = s->dying = s->leaves = s->kill_next = false;
	s->gathering = 0; /* what there is of it is told all the same */
	s->exit_code = e->code;
	s->exit_signal = e->signal;
	exit_text(e, how, sizeof how);
	bool wrong = !asked && !ended_well(w, e->id);
	if (wrong) {
		char text[200];
		text_print(text, sizeof text, "%s exited: %s", c->name, how);
		incident_bad(w, OBJECT_SERVICE, e->id, text);
	}
	if (!asked)
		service_set_state(w, e->id, SERVICE_BACKOFF);
	w->cause =
		world_tell(w, "service-exited", OBJECT_SERVICE, e->id,
			   "%s exited%s: %s, after %s", c->name, asked ? " as asked" : "",
			   how,
			   text_duration(w->now_ms - s->started_ms, lived, sizeof lived));
	s->draining = false;
	turn_leave(w, e->id);
	s->lingers = !asked &&
		     !watched(c); /* its children may be in the middle of an answer */
	service_update_routes(w, e->id); /* traffic leaves before anything else */
	s->lingers = s->lingers && traffic_left(w, e->id);
	world_mark(w, OBJECT_SERVICE, e->id);
	for (uint32_t i = 0; i < c->checks.count; i++)
		check_forget(w, c->checks.ids[i]);
	if (asked) {
		s->step = 0; /* the same ladder for what outlives it, from the first
				signal */
		world_arm(w, OBJECT_SERVICE, e->id, w->now_ms + 100);
	} else if (s->lingers) {
		s->drain_ms = 0;
		world_arm(w, OBJECT_SERVICE, e->id, w->now_ms + LINGER_SEEN_MS);
	} else if (!watched(c)) {
		service_kill_rest(w, e->id);
	} else {
		world_arm(w, OBJECT_SERVICE, e->id, NEVER); /* it is not ours to end */
	}
	if (wrong) {
		need_failed(w, OBJECT_SERVICE, e->id);
		evidence_of_crash(w, e->id);
	}
	rule_changed(w, OBJECT_SERVICE, e->id, false);
}

void
service_empty(struct world *w, const struct event *e)
{
	struct service_view *s = &w->services[e->id];
	const struct service *c = conf(w, e->id);
	bool asked = s->state == SERVICE_STOPPING;
	if (!s->occupied || s->alive)
		return;
	s->occupied = s->lingers = false;
	world_arm(w, OBJECT_SERVICE, e->id, NEVER);
	w->cause = s->event;
	if (!asked) {
		service_after_crash(w, e->id);
		return;
	}
	service_set_state(w, e->id, SERVICE_STOPPED);
	world_tell(w, "service-stopped", OBJECT_SERVICE, e->id,
		   "%s is stopped: nothing of it is left", c->name);
	world_answer(w, s->waiters, VERB_STOP, ANSWER_DONE, "stopped");
	if (s->after == AFTER_STAY)
		service_remember(w, e->id);
	if (s->after == AFTER_START && !s->by_command) {
		service_start_again(w, e->id);
	} else if (s->after == AFTER_CRASH) {
		service_after_crash(w, e->id);
	} else {
		service_is_over(w, e->id);
		rule_changed(w, OBJECT_SERVICE, e->id, false);
	}
}

void
service_start_failed(struct world *w, const struct event *e)
{
	struct service_view *s = &w->services[e->id];
	const struct service *c = conf(w, e->id);
	char text[300];
	if (!s->occupied)
		return; /* it was stopped before its start command ended */
	s->occupied = s->alive = false;
	text_print(text, sizeof text, "%s cannot be started: %s", c->name, e->text);
	incident_bad(w, OBJECT_SERVICE, e->id, text);
	w->cause = world_tell(w, "start-failed", OBJECT_SERVICE, e->id, "%s", text);
	s->exit_code = -1;
	s->exit_signal = 0;
	world_answer(w, s->waiters, VERB_START, ANSWER_FAILED, text);
	world_answer(w, s->waiters, VERB_RESTART, ANSWER_FAILED, text);
	if (s->state == SERVICE_STOPPING && (s->after == AFTER_STAY || s->by_command)) {
		service_set_state(w, e->id, SERVICE_STOPPED);
		world_arm(w, OBJECT_SERVICE, e->id, NEVER);
		world_answer(w, s->waiters, VERB_STOP, ANSWER_DONE, "stopped");
		service_is_over(w, e->id);
	} else {
		service_after_crash(w, e->id);
	}
}
