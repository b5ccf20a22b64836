/* Processes, and what is measured of them. */
#include "test/sim/sim.h"

#include "base/text.h"

#include <string.h>

static bool
serves(uint32_t service)
{
	const struct process *p = &sim.processes[service];
	return p->alive && !p->hung && !p->sick;
}

static bool
check_good(uint32_t check)
{
	uint32_t of = sim.rules->checks[check].of;
	if (!serves(of))
		return false;
	if (strcmp(sim.rules->services[of].name, "front") != 0)
		return true;
	uint64_t active =
		sim.fronts[0].active; /* the front serves what carries its traffic */
	for (uint32_t i = 0; i < sim.rules->routes[0].backend_count; i++)
		if ((active >> i & 1) != 0)
			return serves(sim.rules->routes[0].backends[i].service);
	return false;
}

void
die(uint32_t id, int sig)
{
	struct process *p = &sim.processes[id];
	struct event e = { .kind = EVENT_EXITED,
			   .id = id,
			   .pid = p->pid,
			   .code = sig == 0 ? 1 : -1,
			   .signal = sig };
	if (!p->alive)
		return;
	p->alive = false;
	later(draw(5) == 0 ? 200 : 1,
	      (struct due){ .kind = DUE_EMPTY, .id = id, .pid = p->pid });
	handle(&e);
}

static void
result(uint32_t check, int64_t began_ns)
{
	struct msg_result r = { .check = check, .began_ns = began_ns };
	struct event e = { .kind = EVENT_RESULT, .id = check, .result = &r };
	if (sim.valid_ns[check] != sim.world->checks[check].valid_ns)
		sim.bad_row[check] = 0; /* what was measured before counts no more */
	bool counts = began_ns >= sim.world->checks[check].valid_ns &&
		      sim.world->checks[check].pace != PACE_OFF;
	r.latency_ns = sim.now_ms * 1000000 - began_ns;
	r.outcome = draw(200) == 0      ? OUTCOME_UNKNOWN
		    : check_good(check) ? OUTCOME_GOOD
					: OUTCOME_BAD;
	r.silent = r.outcome == OUTCOME_BAD && draw(4) != 0;
	text_print(r.text, sizeof r.text, r.outcome == OUTCOME_BAD ? "it failed" : "");
	if (counts)
		sim.bad_row[check] =
			r.outcome == OUTCOME_BAD ? sim.bad_row[check] + 1 : 0;
	if (r.outcome == OUTCOME_UNKNOWN)
		sim.bad_row[check] = 0;
	sim.measuring[check] = false;
	handle(&e);
	if (sim.valid_ns[check] != sim.world->checks[check].valid_ns)
		sim.bad_row[check] = 0; /* it is counted anew from here on */
	sim.valid_ns[check] = sim.world->checks[check].valid_ns;
	if (counts && sim.valid_ns[check] <= began_ns)
		check_verdict(check);
}

static void
measure(uint32_t check, bool once)
{
	const struct check *c = &sim.rules->checks[check];
	enum pace pace = world_pace(sim.world, check);
	if (!once)
		later(pace == PACE_FAST ? c->fast_ms : c->every_ms,
		      (struct due){ .kind = DUE_MEASURE, .id = check });
	if (pace == PACE_OFF || sim.lost[ROLE_NET] || sim.measuring[check])
		return;
	sim.measuring[check] = true;
	bool slow = sim.processes[c->of].hung;
	later(slow ? (int64_t)c->timeout_ms : 1 + draw(5),
	      (struct due){ .kind = DUE_RESULT,
			    .id = check,
			    .began_ns = sim.now_ms * 1000000 });
}

static void
sample(uint32_t id)
{
	struct process *p = &sim.processes[id];
	later(1000 * sim.slow, (struct due){ .kind = DUE_SAMPLE, .id = id });
	if (!p->alive || sim.lost[ROLE_LOCAL])
		return;
	if (p->leaks)
		p->memory += 4e7;
	struct msg_sample m = { .service = id, .pid = p->pid, .value_count = 1 };
	m.value[0].metric = METRIC_MEMORY;
	m.value[0].value = p->memory;
	struct event e = { .kind = EVENT_SAMPLE, .id = id, .sample = &m };
	handle(&e);
}

void
happen(const struct due *d)
{
	struct process *p = &sim.processes[d->id < SIM_SERVICES ? d->id : 0];
	struct event e = { .id = d->id, .pid = d->pid };
	switch (d->kind) {
	case DUE_STARTED:
		e.kind = EVENT_STARTED;
		if (p->pid == d->pid && p->alive)
			handle(&e);
		break;
	case DUE_EXIT:
		if (p->pid == d->pid)
			die(d->id, (int)d->number);
		break;
	case DUE_EMPTY:
		e.kind = EVENT_EMPTY;
		if (p->pid != d->pid || p->alive || !p->occupied)
			break;
		p->occupied = false;
		handle(&e);
		break;
	case DUE_RESULT:
		sim.measuring[d->id] = false;
		if (!sim.lost[ROLE_NET])
			result(d->id, d->began_ns);
		break;
	case DUE_MEASURE:
		measure(d->id, d->number == 1);
		break;
	case DUE_LOOK:
		front_look(d->id, d->number == 1);
		break;
	case DUE_PEOPLE:
		people_tick();
		break;
	case DUE_SAMPLE:
		sample(d->id);
		break;
	}
}
