/* When a service starts, and when it counts as up. */
#include "rules/decide_service.h"

#include "base/text.h"

#include <math.h>

#define CHAIN_DEPTH 16 /* so far along a chain a first start looks */

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

bool
service_is_coming(const struct world *w, uint32_t id)
{
	const struct service_view *s = &w->services[id];
	return service_is_new(s) && s->crashes == 0 && is_coming(w, id, CHAIN_DEPTH);
}

/* The chain's order at the first start: what it needs goes first. It forbids nothing:
 * when that has failed, or runs already, it goes too. */
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
	if (!w->services[id].held)
		service_start_again(w, id);
}

void
service_start_again(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	if (s->occupied || s->pending || w->stopping_all)
		return;
	if (conf(w, id)->run.count == 0 && conf(w, id)->start.count == 0)
		return;
	if (dry_instead(w, OBJECT_SERVICE, id, "started")) {
		service_set_state(w, id, SERVICE_STOPPED);
		return;
	}
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
void
service_unlist(struct world *w, uint32_t id)
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
	s->proven = s->owed = s->finished = false;
	s->told_unkillable = false;
	s->after = AFTER_STAY;
	if (s->exit_code != -1 || s->exit_signal != 0)
		s->restarts++;
	service_set_state(w, id, SERVICE_STARTING);
	w->cause = s->event != 0 ? s->event : w->cause;
	w->cause = world_tell(w, "service-starting", OBJECT_SERVICE, id,
			      "%s is being started%s", c->name,
			      s->restarts > 0 ? " again" : "");
	world_decide(w, DECIDE_START, id);
	service_remember(w, id);
	world_arm(w, OBJECT_SERVICE, id, w->now_ms + limit);
}

/* Starts those whose turn it is: not too many at once, and not before what they need. */
void
service_pending(struct world *w)
{
	uint32_t next;
	uint64_t cause = w->cause;
	for (uint32_t id = w->pending_first; id != RULES_NONE && world_room(w);
	     id = next) {
		next = w->services[id].starting_next;
		if (w->starting >= w->rules->settings.starts_at_once)
			break; /* asked after each event: the list may be long */
		if (!depends_met(w, id) || !chain_lets(w, id))
			continue;
		service_unlist(w, id);
		w->cause = cause; /* it is not due to the one before it */
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
			service_pace_checks(w, id,
					    s->by_command ? PACE_OFF : PACE_NORMAL);
			if (s->by_command && s->state == SERVICE_UP &&
			    conf(w, id)->run.count > 0)
				service_stop(w, id, AFTER_STAY); /* our death came between
								    order and end */
			continue;
		}
		if (!s->moved && !s->pending && !service_resume(w, id) && !s->occupied)
			service_start(w, id);
	}
}

bool
service_is_new(const struct service_view *s)
{
	return s->up_ms == 0 && s->exit_code == -1 && s->exit_signal == 0;
}

void
service_became_up(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	bool new = service_is_new(s);
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
		check_forget(
			w,
			c->checks.ids[i]); /* what failed during the start says nothing */
		check_pace(w, c->checks.ids[i], PACE_NOW);
	}
	world_arm(w, OBJECT_SERVICE, id, NEVER);
	service_set_state(w, id, failing ? SERVICE_FAILING : SERVICE_UP);
	s->up_ms = w->now_ms;
	w->cause = s->event;
	if (failing) {
		char text[200];
		text_print(text, sizeof text, "%s runs, but a check of it is down",
			   c->name);
		incident_bad(w, OBJECT_SERVICE, id, text);
		world_tell(w, "service-failing", OBJECT_SERVICE, id, "%s", text);
	} else {
		s->proven = true;
		world_tell(w, "service-up", OBJECT_SERVICE, id,
			   "%s is up, %s after its start", c->name,
			   text_duration(w->now_ms - s->started_ms, took, sizeof took));
		incident_good(w, OBJECT_SERVICE, id);
	}
	world_answer(w, s->waiters, -1, ANSWER_DONE, "up");
	service_pace_checks(w, id, PACE_NORMAL);
	if (c->drain != RULES_NONE)
		route_drain(w, id, false);
	for (uint32_t i = 0; i < c->checks.count; i++)
		check_start_is_over(w, c->checks.ids[i]);
	for (uint32_t i = 0; new && !failing &&i < c->routes.count; i++)
		route_awaited(w, c->routes.ids[i], id);
	service_update_routes(w, id);
	rule_changed(w, OBJECT_SERVICE, id, false);
}

bool
service_is_ready(const struct world *w, uint32_t id)
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

void
service_began(struct world *w, uint32_t id, int32_t pid, int64_t started_ms)
{
	struct service_view *s = &w->services[id];
	s->pid = pid;
	s->alive = s->occupied = true;
	s->dying = s->leaves = false;
	s->suspect = s->gathered = s->kill_next = false;
	s->gathering = s->blame = 0;
	s->started_ms = started_ms;
	s->started_real_ms = w->real_ms - (w->now_ms - started_ms);
	s->sample_ms = 0;
	for (unsigned m = 0; m < MSG_SAMPLE_VALUES; m++)
		s->values[m] = NAN;
	rule_forget(w, id);
	rule_look(w, OBJECT_SERVICE, id);
	world_mark(w, OBJECT_SERVICE, id);
}

void
service_started(struct world *w, const struct event *e)
{
	struct service_view *s = &w->services[e->id];
	const struct service *c = conf(w, e->id);
	if (e->pid == 0)
		return; /* the start command of what is watched: FOUND follows */
	service_began(w, e->id, e->pid, w->now_ms);
	w->cause = s->event;
	world_tell(w, "service-started", OBJECT_SERVICE, e->id, "%s runs as process %d",
		   c->name, e->pid);
	for (uint32_t i = 0; i < c->checks.count; i++)
		check_forget(w, c->checks.ids[i]);
	service_pace_checks(w, e->id, PACE_FAST);
	if (c->ready.kind == READY_AFTER)
		world_arm(w, OBJECT_SERVICE, e->id, w->now_ms + c->ready.within_ms);
	else if (service_is_ready(w, e->id))
		service_became_up(w, e->id);
	else if (s->state == SERVICE_STARTING)
		world_arm(w, OBJECT_SERVICE, e->id, w->now_ms + c->ready.within_ms);
}

/* Its start cannot begin yet, and will: its time to be ready begins then. */
void
service_waits(struct world *w, const struct event *e)
{
	struct service_view *s = &w->services[e->id];
	if (s->state != SERVICE_STARTING || s->alive)
		return;
	w->cause = s->event;
	world_tell(w, "service-waits", OBJECT_SERVICE, e->id, "%s waits: %s",
		   conf(w, e->id)->name, e->text);
	world_arm(w, OBJECT_SERVICE, e->id, NEVER);
}

void
service_adopted(struct world *w, const struct event *e)
{
	struct service_view *s = &w->services[e->id];
	const struct service *c = conf(w, e->id);
	service_began(w, e->id, e->pid, e->started_ms);
	s->restarts = e->restarts;
	s->up_ms = s->proven && s->up_ms > e->started_ms ? s->up_ms : w->now_ms;
	s->proven = true;
	service_set_state(w, e->id, SERVICE_UP);
	world_tell(w, "service-adopted", OBJECT_SERVICE, e->id,
		   "%s runs already, as process %d", c->name, e->pid);
	service_pace_checks(w, e->id, PACE_NOW);
}

/* Nobody has measured the check that says when it is ready: our failure, not its own. */
bool
service_ready_unmeasured(const struct world *w, uint32_t id)
{
	const struct service *c = conf(w, id);
	return c->ready.kind == READY_CHECK &&
	       w->checks[c->ready.check].state == CHECK_UNKNOWN &&
	       w->checks[c->ready.check].seen == 0;
}

/* Told once, and left alone as long as it is held. */
static void
late_but_held(struct world *w, uint32_t id, const char *text)
{
	world_arm(w, OBJECT_SERVICE, id, w->now_ms + conf(w, id)->ready.within_ms);
	if (world_node(w, OBJECT_SERVICE, id)->bad)
		return;
	incident_bad(w, OBJECT_SERVICE, id, text);
	world_tell(w, "service-waits", OBJECT_SERVICE, id, "%s, and is held", text);
}

void
service_not_ready(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	const struct service *c = conf(w, id);
	char text[200], took[32];
	text_print(text, sizeof text, "%s was not ready within %s", c->name,
		   text_duration(c->ready.within_ms, took, sizeof took));
	if (s->held) {
		late_but_held(w, id, text);
		return;
	}
	incident_bad(w, OBJECT_SERVICE, id, text);
	w->cause = world_tell(w, "start-failed", OBJECT_SERVICE, id, "%s", text);
	world_answer(w, s->waiters, -1, ANSWER_FAILED, text);
	if (!watched(c)) {
		evidence_suspect(w, id, 0);
		service_stop(w, id, AFTER_CRASH);
	} else if (s->alive) { /* not ours to end: it may yet come */
		service_set_state(w, id, SERVICE_FAILING);
		service_update_routes(w, id);
	} else { /* nothing came of its start command */
		s->occupied = false;
		service_after_crash(w, id);
	}
}
