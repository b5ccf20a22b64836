/* One event through the core, and what it decided carried out in the simulated world. */
#include "test/sim/sim.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static void
perform(const struct decision *d, const struct event *e, const uint64_t *before)
{
	struct process *p = &sim.processes[d->id < SIM_SERVICES ? d->id : 0];
	sim.decisions++;
	check_decision(d, e, before);
	switch (d->kind) {
	case DECIDE_TELL:
		note("%s %s: %s", d->line.kind, d->line.object, d->line.text);
		if (strstr(d->line.text, " after -") != NULL)
			breach("a time below nothing is told: the clock was set meanwhile");
		sim.lines[sim.line_count++ % SIM_LINES] = d->line;
		people_hear(&d->line);
		break;
	case DECIDE_START:
		sim.starts++;
		*p = (struct process){ .pid = ++sim.next_pid,
				       .alive = true,
				       .occupied = true,
				       .memory = 1e6,
				       .sick = draw(12) == 0 };
		later(draw(8) == 0 ? 300 : 1,
		      (struct due){ .kind = DUE_STARTED, .id = d->id, .pid = p->pid });
		break;
	case DECIDE_SIGNAL:
		if (p->alive &&
		    (d->signal == SIGKILL || (d->signal == SIGTERM && !p->hung)))
			later(1 + draw(50),
			      (struct due){ .kind = DUE_EXIT,
					    .id = d->id,
					    .pid = p->pid,
					    .number = (uint64_t)d->signal });
		break;
	case DECIDE_ROUTE:
		note("order %llu of %s: %llx cut %llx (before %llx)",
		     (unsigned long long)d->order.number, sim.rules->routes[d->id].name,
		     (unsigned long long)d->order.active,
		     (unsigned long long)d->order.cut, (unsigned long long)before[d->id]);
		sim.orders++;
		front_order(d);
		break;
	case DECIDE_PACE:
		if (d->pace == PACE_NOW)
			later(1, (struct due){
					 .kind = DUE_MEASURE, .id = d->id, .number = 1 });
		break;
	case DECIDE_EVIDENCE:
	case DECIDE_STOP_COMMAND:
	case DECIDE_RELOAD:
	case DECIDE_RUN:
	case DECIDE_ANSWER:
	case DECIDE_RELOAD_RULES:
	case DECIDE_TEST:
	case DECIDE_REMEMBER:
	case DECIDE_KINDS:
		break;
	}
}

/* Only the newest order of a route leaves monitord, after all was decided (outbox.c). */
static bool
is_superseded(const struct decision *list, size_t n, size_t at)
{
	for (size_t i = at + 1; list[at].kind == DECIDE_ROUTE && i < n; i++)
		if (list[i].kind == DECIDE_ROUTE && list[i].id == list[at].id)
			return true;
	return false;
}

/* One event through the core. Decisions are copied, as carrying out may lead to more. */
void
handle(const struct event *e)
{
	uint64_t before[SIM_ROUTES];
	static int depth;
	struct decision *list;
	for (uint32_t r = 0; r < sim.rules->route_count; r++)
		before[r] =
			sim.world->routes[r].wanted == 0 ||
					(e->kind == EVENT_ROUTE_SEEN &&
					 e->seen->change == CHANGE_BY_HAND)
				? sim.fronts[r].active /* it was not us who moved it */
				: sim.world->routes[r].wanted;
	for (uint32_t i = 0; i < sim.rules->service_count; i++)
		sim.was_up[i] = sim.world->services[i].state == SERVICE_UP &&
				e->kind != EVENT_GO; /* which goes on with a stop */
	sim.events++;
	sim.timer_due = world_deadline(sim.world) <= sim.now_ms;
	decide(sim.world, e, sim.now_ms, 1700000000000 + sim.clock_ms + sim.now_ms,
	       &sim.out);
	size_t n = sim.out.count;
	if (++depth > 8)
		breach("events without end");
	list = malloc(n * sizeof *list + 1);
	assert(list != NULL);
	memcpy(list, sim.out.list, n * sizeof *list);
	for (size_t i = 0; i < n; i++)
		if (!is_superseded(list, n, i))
			perform(&list[i], e, before);
	free(list);
	check_memory();
	depth--;
}
