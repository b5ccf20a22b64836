/* The promises, after each decision. */
#include "test/sim/sim.h"

#include "base/arena.h"

static bool
is_proven(uint32_t route, uint32_t i)
{
	const struct backend *b = &sim.rules->routes[route].backends[i];
	enum check_state state = world_check_state(sim.world, b->check);
	enum service_state s = sim.world->services[b->service].state;
	return (state == CHECK_UP || state == CHECK_DEGRADED) &&
	       (s == SERVICE_UP || s == SERVICE_FAILING || s == SERVICE_FAILED) &&
	       sim.world->services[b->service].alive;
}

/* Our own failure to know, at a time when nothing else is due. */
bool
is_ours(const struct event *e)
{
	return !sim.timer_due &&
	       (e->kind == EVENT_HELPER_LOST || e->kind == EVENT_LATE ||
		(e->kind == EVENT_RESULT && e->result->outcome == OUTCOME_UNKNOWN));
}

static void
check_order(const struct decision *d, const struct event *e, const uint64_t *before)
{
	const struct route *r = &sim.rules->routes[d->id];
	uint64_t new = d->order.active & ~before[d->id];
	if (d->order.active == 0)
		breach("P7: traffic was taken from everybody");
	for (uint32_t i = 0; i < r->backend_count; i++)
		for (uint32_t k = 0; k < r->backend_count; k++)
			if ((new >> i & 1) != 0 && !is_proven(d->id, i) &&
			    is_proven(d->id, k) &&
			    (sim.world->routes[d->id].refused >> k & 1) == 0 &&
			    (sim.world->routes[d->id].drained >> k & 1) == 0)
				breach("P7: traffic moved to a backend that is not "
				       "proven");
	if (is_ours(e))
		breach(e->kind == EVENT_RESULT ? "P4: traffic moved for an unknown result"
					       : "P4: traffic moved for our own failure");
}

/* Who is needed is not stopped before those that need it. */
static void
check_stop(uint32_t id)
{
	if (sim.world->services[id].by_command || sim.stops_already[id])
		return; /* it was stopped before that */
	for (uint32_t k = 0; k < sim.rules->service_count; k++)
		for (uint32_t i = 0; i < sim.rules->services[k].depends_services.count;
		     i++)
			if (sim.rules->services[k].depends_services.ids[i] == id &&
			    sim.processes[k].occupied)
				breach("stopped before what depends on it is gone");
}

/* A restart by plan of what is up leaves all others of its family up. */
static void
check_keep(uint32_t id)
{
	const struct service *c = &sim.rules->services[id];
	const struct service_view *s = &sim.world->services[id];
	if (c->family == NULL || !sim.was_up[id] || s->state != SERVICE_STOPPING ||
	    s->after != AFTER_START ||
	    sim.world->checks[c->checks.ids[0]].state == CHECK_DOWN)
		return;
	for (uint32_t k = 0; k < sim.rules->service_count; k++) {
		const struct service_view *o = &sim.world->services[k];
		if (k != id && sim.rules->services[k].family == c->family &&
		    !o->by_command && (o->state != SERVICE_UP || !o->alive))
			breach("restarted while another of its family is not up");
	}
}

static void
check_signal(const struct decision *d)
{
	if (!sim.processes[d->id].occupied)
		breach("P2: signalled where nothing of it lives");
	if (sim.reborn && sim.was_well[d->id] && sim.processes[d->id].alive)
		breach("P9: our own death stops a service");
	if (sim.stopping)
		check_stop(d->id);
	else
		check_keep(d->id);
}

static void
check_start(const struct decision *d)
{
	if (sim.processes[d->id].occupied)
		breach("P1: started while an instance lives");
	if (sim.world->starting > sim.rules->settings.starts_at_once)
		breach("too many start at once");
}

void
check_decision(const struct decision *d, const struct event *e, const uint64_t *before)
{
	bool acts = d->kind == DECIDE_START || d->kind == DECIDE_SIGNAL ||
		    d->kind == DECIDE_ROUTE || d->kind == DECIDE_RUN ||
		    d->kind == DECIDE_RELOAD || d->kind == DECIDE_STOP_COMMAND;
	if (acts && sim.rules->settings.dry_run)
		breach("a dry run acts");
	if (acts && d->kind != DECIDE_ROUTE && is_ours(e))
		breach("P4: an action for our own failure");
	if (d->kind == DECIDE_START)
		check_start(d);
	else if (d->kind == DECIDE_SIGNAL)
		check_signal(d);
	else if (d->kind == DECIDE_ROUTE)
		check_order(d, e, before);
}

void
check_verdict(uint32_t id)
{
	const struct check *c = &sim.rules->checks[id];
	const struct check_view *v = &sim.world->checks[id];
	if (sim.bad_row[id] >= c->down_need && c->down_ms == 0 &&
	    v->state != CHECK_DOWN && !v->held)
		breach("P3: enough failures, and no verdict");
}

void
check_memory(void)
{
	if (arena_used(sim.world->arena) != sim.arena)
		breach("P10: memory grows with what happens");
}
