/* Services: when they start, when they count as up, how they stop, what a death means. */
#include "rules/world_state.h"

#include "base/text.h"

#include <math.h>
#include <signal.h>
#include <string.h>

#define STABLE_MS 1000	  /* up for so long: the back-off begins anew */
#define UNKILLABLE_MS 10000
#define CHAIN_DEPTH 16 /* so far along a chain a first start looks */

static const struct service *
conf(const struct world *w, uint32_t id)
{
	return &w->rules->services[id];
}

static bool
watched(const struct service *c)
{
	return c->run.count == 0;
}

static void
set_state(struct world *w, uint32_t id, enum service_state state)
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
}

static void
update_routes(struct world *w, uint32_t id)
{
	const struct id_list *routes = &conf(w, id)->routes;
	for (uint32_t i = 0; i < routes->count; i++)
		if (world_room(w))
			route_update(w, routes->ids[i]);
		else
			world_arm(w, OBJECT_ROUTE, routes->ids[i], w->now_ms);
}

static void
pace_checks(struct world *w, uint32_t id, enum pace pace)
{
	const struct id_list *checks = &conf(w, id)->checks;
	for (uint32_t i = 0; i < checks->count; i++)
		check_pace(w, checks->ids[i], pace);
}

bool
service_steady(const struct world *w, uint32_t id)
{
	const struct service_view *s = &w->services[id];
	return !s->draining && !s->pending &&
	       (s->state == SERVICE_UP || s->state == SERVICE_FAILING || s->state == SERVICE_FAILED ||
		s->state == SERVICE_STOPPED);
}

bool
service_quiet(const struct world *w, uint32_t id)
{
	const struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	/* what is only watched stops without us: its checks go on to speak for it */
	bool stopped = s->state == SERVICE_STOPPED &&
		       (s->by_command || c->run.count > 0 || c->start.count > 0);
	return s->held || s->state == SERVICE_STARTING || s->state == SERVICE_STOPPING || stopped ||
	       s->state == SERVICE_BACKOFF || s->state == SERVICE_FAILED;
}

/* ---- starting ---- */

static bool
depends_met(const struct world *w, uint32_t id)
{
	const struct service *c = conf(w, id);
	for (uint32_t i = 0; i < c->depends_services.count; i++)
		if (w->services[c->depends_services.ids[i]].state != SERVICE_UP)
			return false;
	for (uint32_t i = 0; i < c->depends_checks.count; i++) {
		enum check_state state = w->checks[c->depends_checks.ids[i]].state;
		if (state != CHECK_UP && state != CHECK_DEGRADED)
			return false;
	}
	return true;
}

/* It has never been up, and is on its way: nothing that it needs has given up. */
static bool
is_coming(const struct world *w, uint32_t id, unsigned depth)
{
	const struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	if (s->up_ms != 0 || depth == 0)
		return false;
	if (s->state == SERVICE_STARTING)
		return true;
	if (!s->pending)
		return false;
	for (uint32_t i = 0; i < c->depends_services.count; i++)
		if (w->services[c->depends_services.ids[i]].state != SERVICE_UP &&
		    !is_coming(w, c->depends_services.ids[i], depth - 1))
			return false;
	return c->depends_checks.count == 0 || depends_met(w, id);
}

/* The chain's order at the first start: what it needs goes first. It forbids nothing: when
 * that has failed, or runs already, it goes too. */
static bool
chain_lets(const struct world *w, uint32_t id)
{
	const struct service *c = conf(w, id);
	for (uint32_t i = 0; w->services[id].up_ms == 0 && i < c->after.count; i++)
		if (is_coming(w, c->after.ids[i], CHAIN_DEPTH))
			return false;
	return true;
}

void
service_start(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	if (s->occupied || s->pending || w->stopping_all || s->held)
		return;
	if (conf(w, id)->run.count == 0 && conf(w, id)->start.count == 0)
		return;
	s->pending = true;
	s->starting_next = RULES_NONE;
	if (w->pending_last == RULES_NONE)
		w->pending_first = id;
	else
		w->services[w->pending_last].starting_next = id;
	w->pending_last = id;
	world_mark(w, OBJECT_SERVICE, id);
}

/* It waits for its turn no longer. */
static void
unlist(struct world *w, uint32_t id)
{
	uint32_t before = RULES_NONE;
	if (!w->services[id].pending)
		return;
	w->services[id].pending = false;
	for (uint32_t i = w->pending_first; i != id; i = w->services[i].starting_next)
		before = i;
	uint32_t next = w->services[id].starting_next;
	if (before == RULES_NONE)
		w->pending_first = next;
	else
		w->services[before].starting_next = next;
	if (w->pending_last == id)
		w->pending_last = before;
}

static void
start_now(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	int64_t limit = c->ready.within_ms;
	s->occupied = true;
	s->proven = false;
	s->told_unkillable = false;
	s->step = 0;
	if (s->exit_code != -1 || s->exit_signal != 0)
		s->restarts++;
	set_state(w, id, SERVICE_STARTING);
	w->cause = s->event != 0 ? s->event : w->cause;
	w->cause = world_tell(w, "service-starting", OBJECT_SERVICE, id, "%s is being started%s", c->name,
			      s->restarts > 0 ? " again" : "");
	world_decide(w, DECIDE_START, id);
	world_arm(w, OBJECT_SERVICE, id, w->now_ms + limit);
}

/* Starts those whose turn it is: not too many at once, and not before what they need. */
void
service_pending(struct world *w)
{
	uint32_t next;
	for (uint32_t id = w->pending_first; id != RULES_NONE && world_room(w); id = next) {
		next = w->services[id].starting_next;
		if (w->starting >= w->rules->settings.starts_at_once || !depends_met(w, id) ||
		    !chain_lets(w, id))
			continue;
		unlist(w, id);
		if (!w->services[id].occupied)
			start_now(w, id);
	}
}

void
service_go(struct world *w)
{
	while (world_room(w) && w->go_next < w->rules->service_count) {
		uint32_t id = w->go_next++;
		struct service_view *s = &w->services[id];
		w->cause = 0; /* none of them is due to the one before */
		if (s->by_command || s->held) {
			pace_checks(w, id, s->by_command ? PACE_OFF : PACE_NORMAL);
			if (s->by_command && s->state == SERVICE_UP && conf(w, id)->run.count > 0)
				service_stop(w, id, AFTER_STAY); /* our death came between order and end */
			continue;
		}
		if (!s->occupied && s->state == SERVICE_STOPPED && !s->pending && !s->moved)
			service_start(w, id);
	}
}

void
service_stop_all(struct world *w)
{
	while (world_room(w) && w->stop_next < w->rules->service_count) {
		uint32_t id = w->stop_next++;
		if (w->services[id].occupied && w->rules->services[id].run.count > 0)
			service_stop(w, id, AFTER_STAY);
		unlist(w, id);
	}
}

static void
became_up(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	bool failing = false;
	char took[32];
	for (uint32_t i = 0; i < c->checks.count; i++) {
		if (w->checks[c->checks.ids[i]].state != CHECK_DOWN)
			continue;
		if (c->ready.kind == READY_DEFAULT) {
			failing = true;
			continue;
		}
		check_forget(w, c->checks.ids[i]); /* what failed during the start says nothing */
		check_pace(w, c->checks.ids[i], PACE_NOW);
	}
	world_arm(w, OBJECT_SERVICE, id, NEVER);
	set_state(w, id, failing ? SERVICE_FAILING : SERVICE_UP);
	s->up_ms = w->now_ms;
	w->cause = s->event;
	if (failing) {
		incident_bad(w, OBJECT_SERVICE, id, "a check of it is down");
		world_tell(w, "service-failing", OBJECT_SERVICE, id, "%s runs, but a check of it is down",
			   c->name);
	} else {
		s->proven = true;
		world_tell(w, "service-up", OBJECT_SERVICE, id, "%s is up, %s after its start", c->name,
			   text_duration(w->now_ms - s->started_ms, took, sizeof took));
		incident_good(w, OBJECT_SERVICE, id);
	}
	world_answer(w, s->waiters, -1, ANSWER_DONE, "up");
	pace_checks(w, id, PACE_NORMAL);
	if (c->drain != RULES_NONE)
		route_drain(w, id, false);
	update_routes(w, id);
	rule_changed(w, OBJECT_SERVICE, id, false);
}

static bool
ready(const struct world *w, uint32_t id)
{
	const struct service *c = conf(w, id);
	if (c->ready.kind == READY_AFTER)
		return w->now_ms - w->services[id].started_ms >= c->ready.within_ms;
	if (c->ready.kind == READY_CHECK) {
		enum check_state state = w->checks[c->ready.check].state;
		return state == CHECK_UP || state == CHECK_DEGRADED;
	}
	if (c->ready.kind != READY_DEFAULT)
		return c->ready.kind == READY_EXEC;
	for (uint32_t i = 0; i < c->checks.count; i++) {
		enum check_state state = w->checks[c->checks.ids[i]].state;
		if (state != CHECK_UP && state != CHECK_DEGRADED)
			return false;
	}
	return true;
}

static void
began(struct world *w, uint32_t id, int32_t pid, int64_t started_ms)
{
	struct service_view *s = &w->services[id];
	s->pid = pid;
	s->alive = s->occupied = true;
	s->started_ms = started_ms;
	s->started_real_ms = w->real_ms - (w->now_ms - started_ms);
	s->sample_ms = 0;
	for (unsigned m = 0; m < METRICS_COUNT; m++)
		s->values[m] = (double)NAN;
	rule_forget(w, id);
	world_mark(w, OBJECT_SERVICE, id);
}

static void
started(struct world *w, const struct event *e)
{
	struct service_view *s = &w->services[e->id];
	const struct service *c = conf(w, e->id);
	if (e->pid == 0)
		return; /* the start command of what is watched: FOUND follows */
	began(w, e->id, e->pid, w->now_ms);
	w->cause = s->event;
	world_tell(w, "service-started", OBJECT_SERVICE, e->id, "%s runs as process %d", c->name, e->pid);
	for (uint32_t i = 0; i < c->checks.count; i++)
		check_forget(w, c->checks.ids[i]);
	pace_checks(w, e->id, PACE_FAST);
	if (c->ready.kind == READY_AFTER)
		world_arm(w, OBJECT_SERVICE, e->id, w->now_ms + c->ready.within_ms);
	else if (ready(w, e->id))
		became_up(w, e->id);
}

static void
adopted(struct world *w, const struct event *e)
{
	struct service_view *s = &w->services[e->id];
	const struct service *c = conf(w, e->id);
	began(w, e->id, e->pid, e->started_ms);
	s->restarts = e->restarts;
	s->proven = true;
	s->up_ms = w->now_ms;
	set_state(w, e->id, SERVICE_UP);
	world_tell(w, "service-adopted", OBJECT_SERVICE, e->id, "%s runs already, as process %d", c->name,
		   e->pid);
	pace_checks(w, e->id, PACE_NOW);
}

/* ---- stopping ---- */

static void
stop_step(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	bool last = s->step >= c->stop_count;
	struct stop_step step = last ? (struct stop_step){ SIGKILL, UNKILLABLE_MS } : c->stop[s->step];
	if (last && !s->told_unkillable && c->stop_count > 0 && s->step > c->stop_count) {
		s->told_unkillable = true;
		incident_bad(w, OBJECT_SERVICE, id, "it cannot be killed");
		world_tell(w, "service-signalled", OBJECT_SERVICE, id,
			   "%s cannot be killed: no second instance is started beside it", c->name);
	}
	struct decision *d = world_decide(w, DECIDE_SIGNAL, id);
	d->signal = step.signal;
	d->scope = step.signal == SIGKILL ? SCOPE_TREE : s->alive ? SCOPE_MAIN : SCOPE_REST;
	s->step++;
	world_arm(w, OBJECT_SERVICE, id, w->now_ms + step.patience_ms);
}

void
service_stop(struct world *w, uint32_t id, enum after_stop after)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	s->draining = false;
	unlist(w, id);
	s->after = after;
	if (s->state == SERVICE_STOPPING)
		return;
	if (!s->occupied) {
		set_state(w, id, SERVICE_STOPPED);
		world_arm(w, OBJECT_SERVICE, id, NEVER);
		return;
	}
	w->cause = world_tell(w, "service-stopping", OBJECT_SERVICE, id, "%s is being stopped%s", c->name,
			      after == AFTER_START ? " to be started again" : "");
	set_state(w, id, SERVICE_STOPPING);
	s->step = 0;
	if (after == AFTER_STAY)
		pace_checks(w, id, PACE_OFF);
	update_routes(w, id);
	if (c->stop_command.count > 0) {
		world_decide(w, DECIDE_STOP_COMMAND, id);
		world_arm(w, OBJECT_SERVICE, id, w->now_ms + 30000);
	} else {
		stop_step(w, id);
	}
}

/* A planned restart: out of its route first, if another backend is healthy. */
void
service_restart(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	if (s->draining || s->state == SERVICE_STOPPING) {
		s->after = s->draining ? s->after : AFTER_START;
		return;
	}
	if (!s->occupied) {
		s->crashes = 0;
		world_arm(w, OBJECT_SERVICE, id, NEVER);
		if (s->state != SERVICE_STARTING)
			set_state(w, id, SERVICE_STOPPED);
		service_start(w, id);
		return;
	}
	if (c->drain != RULES_NONE && route_can_lose(w, c->drain, id)) {
		s->draining = true;
		s->drain_ms = 0;
		world_arm(w, OBJECT_SERVICE, id, w->now_ms + DRAIN_SEEN_MS);
		route_drain(w, id, true);
		return;
	}
	service_stop(w, id, AFTER_START);
}

void
service_drained(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	if ((!s->draining && !s->lingers) || s->drain_ms != 0)
		return;
	s->drain_ms = w->now_ms;
	world_arm(w, OBJECT_SERVICE, id, w->now_ms + DRAIN_GRACE_MS);
}

/* ---- dying ---- */

static void
exit_text(const struct event *e, char *out, size_t cap)
{
	if (e->signal != 0)
		text_print(out, cap, "killed by signal %d (SIG%s)%s%s", e->signal,
			   sigabbrev_np(e->signal) != NULL ? sigabbrev_np(e->signal) : "?",
			   e->core_dumped ? ", core dumped" : "",
			   e->oom_killed ? ", by the kernel for want of memory" : "");
	else if (e->code >= 0)
		text_print(out, cap, "exit code %d", e->code);
	else
		text_print(out, cap, "cause not known");
}

static bool
too_often(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	uint32_t n = 0;
	s->crash_ms[s->crash_next++ % CRASHES_MAX] = w->now_ms;
	if (c->at_most == 0)
		return false;
	for (uint32_t i = 0; i < CRASHES_MAX && i < s->crash_next; i++)
		n += w->now_ms - s->crash_ms[i] < c->at_most_ms;
	return n > c->at_most;
}

static int64_t
backoff(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	if (s->proven && w->now_ms - s->up_ms >= STABLE_MS)
		s->crashes = 0;
	uint32_t n = s->crashes++;
	if (n == 0)
		return 0; /* after a healthy life: at once */
	int64_t delay = c->backoff_first_ms;
	while (--n > 0 && delay < c->backoff_last_ms)
		delay *= 2;
	if (delay > c->backoff_last_ms)
		delay = c->backoff_last_ms;
	return delay + delay / 10 * (int64_t)(world_random(w) % 100) / 100;
}

/* Nothing of it is left after a death of its own, or it could not be started. */
static void
after_crash(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	bool success = s->exit_signal == 0 && s->exit_code >= 0 &&
		       (c->success_mask[s->exit_code / 64] >> s->exit_code % 64 & 1) != 0;
	char delay_text[32];
	if (s->held || w->stopping_all || s->by_command ||
	    (c->run.count == 0 && c->start.count == 0) || c->restart == RESTART_NEVER ||
	    (c->restart == RESTART_FAILURE && success)) {
		set_state(w, id, SERVICE_STOPPED);
		world_arm(w, OBJECT_SERVICE, id, NEVER);
		if (c->restart == RESTART_FAILURE && success)
			incident_good(w, OBJECT_SERVICE, id);
		return;
	}
	if (too_often(w, id)) {
		set_state(w, id, SERVICE_FAILED);
		world_arm(w, OBJECT_SERVICE, id, NEVER);
		w->cause = world_tell(w, "service-failed", OBJECT_SERVICE, id,
				      "%s has failed: more than %u restarts in %s; nothing more is done",
				      c->name, c->at_most,
				      text_duration(c->at_most_ms, delay_text, sizeof delay_text));
		world_answer(w, s->waiters, -1, ANSWER_FAILED, "it has failed");
		return;
	}
	int64_t delay = backoff(w, id);
	set_state(w, id, SERVICE_BACKOFF);
	if (delay == 0) {
		service_start(w, id);
		return;
	}
	world_tell(w, "service-backoff", OBJECT_SERVICE, id, "%s is started again in %s", c->name,
		   text_duration(delay, delay_text, sizeof delay_text));
	world_arm(w, OBJECT_SERVICE, id, w->now_ms + delay);
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

static void
kill_rest(struct world *w, uint32_t id)
{
	struct decision *d = world_decide(w, DECIDE_SIGNAL, id);
	d->signal = SIGKILL;
	d->scope = SCOPE_TREE;
	w->services[id].lingers = false;
	w->services[id].step = conf(w, id)->stop_count;
	world_arm(w, OBJECT_SERVICE, id, w->now_ms + UNKILLABLE_MS);
}

static void
exited(struct world *w, const struct event *e)
{
	struct service_view *s = &w->services[e->id];
	const struct service *c = conf(w, e->id);
	char how[128], lived[32];
	bool asked = s->state == SERVICE_STOPPING;
	if (!s->alive)
		return;
	s->alive = false;
	s->exit_code = e->code;
	s->exit_signal = e->signal;
	exit_text(e, how, sizeof how);
	if (!asked) {
		char text[200];
		text_print(text, sizeof text, "%s exited: %s", c->name, how);
		incident_bad(w, OBJECT_SERVICE, e->id, text);
		set_state(w, e->id, SERVICE_BACKOFF);
	}
	s->draining = false;
	s->lingers = !asked && !watched(c); /* its children may be in the middle of an answer */
	update_routes(w, e->id);	    /* traffic leaves before anything else */
	s->lingers = s->lingers && traffic_left(w, e->id);
	w->cause = world_tell(w, "service-exited", OBJECT_SERVICE, e->id, "%s exited%s: %s, after %s",
			      c->name, asked ? " as asked" : "", how,
			      text_duration(w->now_ms - s->started_ms, lived, sizeof lived));
	world_mark(w, OBJECT_SERVICE, e->id);
	for (uint32_t i = 0; i < c->checks.count; i++)
		check_forget(w, c->checks.ids[i]);
	if (asked) {
		s->step = 0; /* the same ladder for what outlives it, from the first signal */
		world_arm(w, OBJECT_SERVICE, e->id, w->now_ms + 100);
	} else if (s->lingers) {
		s->drain_ms = 0;
		world_arm(w, OBJECT_SERVICE, e->id, w->now_ms + LINGER_SEEN_MS);
	} else if (!watched(c)) {
		kill_rest(w, e->id);
	}
	rule_changed(w, OBJECT_SERVICE, e->id, false);
}

static void
empty(struct world *w, const struct event *e)
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
		after_crash(w, e->id);
		return;
	}
	set_state(w, e->id, SERVICE_STOPPED);
	world_tell(w, "service-stopped", OBJECT_SERVICE, e->id, "%s is stopped: nothing of it is left",
		   c->name);
	world_answer(w, s->waiters, VERB_STOP, ANSWER_DONE, "stopped");
	if (s->after == AFTER_START && !s->by_command)
		service_start(w, e->id);
	else if (s->after == AFTER_CRASH)
		after_crash(w, e->id);
	else
		incident_good(w, OBJECT_SERVICE, e->id);
	rule_changed(w, OBJECT_SERVICE, e->id, false);
}

static void
start_failed(struct world *w, const struct event *e)
{
	struct service_view *s = &w->services[e->id];
	const struct service *c = conf(w, e->id);
	char text[300];
	s->occupied = s->alive = false;
	text_print(text, sizeof text, "%s cannot be started: %s", c->name, e->text);
	incident_bad(w, OBJECT_SERVICE, e->id, text);
	w->cause = world_tell(w, "start-failed", OBJECT_SERVICE, e->id, "%s", text);
	s->exit_code = -1;
	s->exit_signal = 0;
	world_answer(w, s->waiters, VERB_START, ANSWER_FAILED, text);
	world_answer(w, s->waiters, VERB_RESTART, ANSWER_FAILED, text);
	if (s->state == SERVICE_STOPPING && (s->after == AFTER_STAY || s->by_command)) {
		set_state(w, e->id, SERVICE_STOPPED);
		world_arm(w, OBJECT_SERVICE, e->id, NEVER);
		world_answer(w, s->waiters, VERB_STOP, ANSWER_DONE, "stopped");
		incident_good(w, OBJECT_SERVICE, e->id);
	} else {
		after_crash(w, e->id);
	}
}

/* ---- events and time ---- */

static void
sample(struct world *w, const struct event *e)
{
	struct service_view *s = &w->services[e->id];
	const struct msg_sample *m = e->sample;
	if (!s->alive || m->pid != s->pid)
		return;
	s->sample_ms = w->now_ms;
	for (uint32_t i = 0; i < m->value_count && i < MSG_SAMPLE_VALUES; i++)
		if (m->value[i].metric < METRICS_COUNT)
			s->values[m->value[i].metric] = m->value[i].value;
	world_mark(w, OBJECT_SERVICE, e->id);
	rule_changed(w, OBJECT_SERVICE, e->id, true);
}

static void
found(struct world *w, const struct event *e)
{
	struct service_view *s = &w->services[e->id];
	if (e->pid == 0 || (s->alive && s->pid == e->pid))
		return;
	began(w, e->id, e->pid, w->now_ms);
	w->cause = s->event;
	world_tell(w, "service-started", OBJECT_SERVICE, e->id, "%s is process %d", conf(w, e->id)->name,
		   e->pid);
	set_state(w, e->id, SERVICE_STARTING);
	for (uint32_t i = 0; i < conf(w, e->id)->checks.count; i++)
		check_forget(w, conf(w, e->id)->checks.ids[i]);
	pace_checks(w, e->id, PACE_FAST);
	world_arm(w, OBJECT_SERVICE, e->id, w->now_ms + conf(w, e->id)->ready.within_ms);
	if (ready(w, e->id))
		became_up(w, e->id);
}

void
service_event(struct world *w, const struct event *e)
{
	switch (e->kind) {
	case EVENT_ADOPTED:
		adopted(w, e);
		break;
	case EVENT_STARTED:
		started(w, e);
		break;
	case EVENT_START_FAILED:
		start_failed(w, e);
		break;
	case EVENT_READY:
		if (w->services[e->id].state == SERVICE_STARTING)
			became_up(w, e->id);
		break;
	case EVENT_EXITED:
		exited(w, e);
		break;
	case EVENT_EMPTY:
		empty(w, e);
		break;
	case EVENT_FOUND:
		found(w, e);
		break;
	case EVENT_SAMPLE:
		sample(w, e);
		break;
	case EVENT_TIMER:
	case EVENT_GO:
	case EVENT_RESULT:
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

/* Nobody has measured the check that says when it is ready: our failure, not its own. */
static bool
ready_unmeasured(const struct world *w, uint32_t id)
{
	const struct service *c = conf(w, id);
	return c->ready.kind == READY_CHECK && w->checks[c->ready.check].state == CHECK_UNKNOWN &&
	       w->checks[c->ready.check].seen == 0;
}

static void
not_ready(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	char text[200], took[32];
	text_print(text, sizeof text, "%s was not ready within %s", c->name,
		   text_duration(c->ready.within_ms, took, sizeof took));
	incident_bad(w, OBJECT_SERVICE, id, text);
	w->cause = world_tell(w, "start-failed", OBJECT_SERVICE, id, "%s", text);
	world_answer(w, s->waiters, -1, ANSWER_FAILED, text);
	if (s->occupied && !watched(c))
		service_stop(w, id, AFTER_CRASH);
	else
		after_crash(w, id);
}

void
service_timer(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	w->cause = s->event;
	if (s->lingers) {
		kill_rest(w, id);
		return;
	}
	if (s->draining) {
		service_stop(w, id, AFTER_START); /* drained, or its time is over */
		return;
	}
	switch (s->state) {
	case SERVICE_BACKOFF:
		if (s->occupied)
			stop_step(w, id); /* left-overs of a dead main process */
		else
			service_start(w, id);
		break;
	case SERVICE_STARTING:
		if (ready(w, id) || (c->ready.kind == READY_DEFAULT && s->alive))
			became_up(w, id);
		else if (ready_unmeasured(w, id))
			world_arm(w, OBJECT_SERVICE, id, w->now_ms + c->ready.within_ms);
		else
			not_ready(w, id);
		break;
	case SERVICE_STOPPING:
		stop_step(w, id);
		break;
	case SERVICE_STOPPED:
	case SERVICE_UP:
	case SERVICE_FAILING:
	case SERVICE_FAILED:
	case SERVICE_HELD:
	case SERVICE_STATES:
		break;
	}
}

/* A check of it has another state now. */
void
service_check_changed(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	uint32_t down = RULES_NONE;
	if (s->state == SERVICE_STARTING) {
		if (s->alive && ready(w, id))
			became_up(w, id);
		return;
	}
	for (uint32_t i = 0; i < c->checks.count; i++)
		if (w->checks[c->checks.ids[i]].fell) /* and nobody has seen it well since */
			down = c->checks.ids[i];
	if (s->state == SERVICE_UP && down != RULES_NONE) {
		char text[200];
		set_state(w, id, SERVICE_FAILING);
		text_print(text, sizeof text, "%s is failing: %s is down", c->name,
			   w->rules->checks[down].name);
		incident_bad(w, OBJECT_SERVICE, id, text);
		world_tell(w, "service-failing", OBJECT_SERVICE, id, "%s", text);
	} else if (s->state == SERVICE_FAILING && down == RULES_NONE) {
		set_state(w, id, SERVICE_UP);
		s->proven = true;
		world_tell(w, "service-up", OBJECT_SERVICE, id, "%s is up: no check of it is down", c->name);
		incident_good(w, OBJECT_SERVICE, id);
	}
	rule_changed(w, OBJECT_SERVICE, id, false);
}

void
service_hold(struct world *w, uint32_t id, bool hold)
{
	struct service_view *s = &w->services[id];
	if (s->held == hold)
		return;
	s->held = hold;
	if (hold)
		unlist(w, id); /* a start that waits is an action too */
	world_mark(w, OBJECT_SERVICE, id);
	world_tell(w, hold ? "service-held" : "service-released", OBJECT_SERVICE, id, "%s is %s",
		   conf(w, id)->name, hold ? "held: told of, not acted on" : "released");
	if (!hold && !s->occupied && !s->by_command && s->state != SERVICE_FAILED)
		service_start(w, id);
}

/* True: the answer comes with the outcome. */
bool
service_command(struct world *w, const struct event *e, const char **why)
{
	struct service_view *s = &w->services[e->id];
	const struct service *c = conf(w, e->id);
	bool can_start = c->run.count > 0 || c->start.count > 0;
	switch (e->verb) {
	case VERB_START:
	case VERB_RESTART:
		if (!can_start) {
			*why = "it has no run and no start";
			return false;
		}
		s->by_command = false;
		s->held = false;
		if (e->verb == VERB_START && (s->state == SERVICE_UP || s->state == SERVICE_FAILING))
			return false;
		if (!world_wait(s->waiters, e->token, e->verb)) {
			*why = "too many commands wait for it";
			return false;
		}
		s->crash_next = 0;
		if (e->verb == VERB_RESTART || s->state == SERVICE_STOPPING)
			service_restart(w, e->id);
		else if (s->state != SERVICE_STARTING)
			service_start(w, e->id);
		return true;
	case VERB_STOP:
		s->by_command = true;
		world_answer(w, s->waiters, -1, ANSWER_FAILED, "stopped by another command");
		if (!s->occupied) {
			service_stop(w, e->id, AFTER_STAY);
			pace_checks(w, e->id, PACE_OFF);
			incident_good(w, OBJECT_SERVICE, e->id);
			return false;
		}
		world_wait(s->waiters, e->token, VERB_STOP);
		service_stop(w, e->id, AFTER_STAY);
		return true;
	case VERB_RELOAD_SERVICE:
		if (c->reload_signal == 0 && c->reload_command.count == 0)
			*why = "it has no reload";
		else if (!s->alive)
			*why = "it does not run";
		else
			world_decide(w, DECIDE_RELOAD, e->id);
		return false;
	case VERB_HOLD:
	case VERB_RELEASE:
		service_hold(w, e->id, e->verb == VERB_HOLD);
		return false;
	case VERB_REROUTE:
	case VERB_RESTORE:
	case VERB_RELOAD:
	case VERB_TEST:
	case VERB_ACK:
	case VERBS:
		break;
	}
	return false;
}
