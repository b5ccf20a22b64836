/* One life of the world, from a seed. */
#include "test/sim/sim.h"

#include "base/arena.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

/* All up, and each route as it was asked for. */
static bool
calm_again(void)
{
	bool calm = true;
	for (uint32_t i = 0; calm && i < sim.rules->service_count; i++)
		calm = sim.world->services[i].state == SERVICE_UP;
	for (uint32_t r = 0; calm && r < sim.rules->route_count; r++)
		calm = sim.world->routes[r].state == ROUTE_PRIMARY;
	return calm;
}

/* An operator undoes what operators did, and takes up again what was given up. */
static void
tidy_up(void)
{
	for (uint32_t i = 0; i < sim.rules->service_count; i++) {
		command(VERB_RELEASE, i);
		command(VERB_UNDRAIN, i);
		if ((sim.world->services[i].state == SERVICE_FAILED &&
		     sim.rules->services[i].retry_ms ==
			     0) || /* else it must come by itself */
		    sim.world->services[i].state == SERVICE_STOPPED)
			command(VERB_START, i);
	}
	for (uint32_t r = 0; r < sim.rules->route_count; r++)
		command(VERB_RESTORE, r);
}

static void
stop_all(void)
{
	struct event e = { .kind = EVENT_STOP_ALL };
	if (draw(2) == 0)
		fault();
	for (uint32_t i = 0; i < sim.rules->service_count; i++)
		sim.stops_already[i] = sim.world->services[i].state == SERVICE_STOPPING;
	sim.stopping = true;
	handle(&e);
	run_until(sim.now_ms + 300000);
	for (uint32_t i = 0; i < sim.rules->service_count; i++)
		if (sim.processes[i].occupied)
			breach("all were to be stopped, and one runs");
}

/* All but the totals begins anew. */
static void
begin(const struct rules *rules, uint64_t seed)
{
	bool sparse = sim.sparse;
	int64_t slow = sim.slow, minutes = sim.minutes;
	uint64_t totals[4] = { sim.decisions, sim.events, sim.orders, sim.starts };
	memset(&sim, 0, offsetof(struct sim, lines));
	sim.sparse = sparse;
	sim.slow = slow;
	sim.minutes = minutes;
	sim.decisions = totals[0];
	sim.events = totals[1];
	sim.orders = totals[2];
	sim.starts = totals[3];
	sim.rules = rules;
	sim.seed = seed;
	sim.random = seed * 0x9e3779b97f4a7c15u + 1;
	sim.now_ms = 1000;
	sim.world = world_new(rules, seed, "host", sim.now_ms);
	assert(sim.world != NULL);
	sim.arena = arena_used(sim.world->arena);
}

static void
set_going(void)
{
	const struct rules *rules = sim.rules;
	struct event go = { .kind = EVENT_GO };
	for (uint32_t i = 0; rules->settings.dry_run && i < rules->service_count; i++) {
		struct process *p = &sim.processes[i];
		*p = (struct process){ .pid = ++sim.next_pid,
				       .alive = true,
				       .occupied = true };
		struct event e = { .kind = EVENT_ADOPTED, .id = i, .pid = p->pid };
		handle(&e);
	}
	handle(&go);
	for (uint32_t i = 0; i < rules->check_count; i++)
		later(draw(1000), (struct due){ .kind = DUE_MEASURE, .id = i });
	for (uint32_t i = 0; i < rules->service_count; i++)
		later(draw(1000), (struct due){ .kind = DUE_SAMPLE, .id = i });
	for (uint32_t i = 0; i < rules->route_count; i++) {
		sim.fronts[i].active = front_usual(i);
		later(10, (struct due){ .kind = DUE_LOOK, .id = i });
	}
	people_tick();
}

/* No more faults: it must become well, and all of it must be over. */
static void
become_well(void)
{
	const struct rules *rules = sim.rules;
	for (unsigned r = 0; r < ROLES; r++)
		if (sim.lost[r])
			helper((enum role)r);
	for (uint32_t r = 0; r < rules->route_count; r++)
		sim.fronts[r].down = false;
	for (int turn = 0; turn < 40; turn++) {
		if (turn % 10 == 0)
			tidy_up();
		for (uint32_t i = 0; i < rules->service_count; i++) {
			struct process *p = &sim.processes[i];
			p->hung = p->sick = p->leaks = false;
			p->memory = 1e6;
		}
		run_until(sim.now_ms + 10000 * sim.slow);
		if (calm_again())
			return;
	}
	for (uint32_t i = 0; i < rules->service_count; i++)
		note("%s is %s", rules->services[i].name,
		     service_state_name[sim.world->services[i].state]);
	for (uint32_t r = 0; r < rules->route_count; r++)
		note("%s is %s: wanted %llx seen %llx", rules->routes[r].name,
		     route_state_name[sim.world->routes[r].state],
		     (unsigned long long)sim.world->routes[r].wanted,
		     (unsigned long long)sim.world->routes[r].seen);
	breach("not well 400 s after the last fault");
}

static void
all_is_over(void)
{
	run_until(sim.now_ms + 420000 * sim.slow); /* what flapped is over after 5 min */
	for (uint32_t i = 0; i < world_incidents(sim.world); i++) {
		struct msg_incident_view v;
		world_incident_view(sim.world, i, &v);
		if (v.incident == 0 || v.state == INCIDENT_CLOSED)
			continue;
		note("incident %llu: %s", (unsigned long long)v.incident, v.text);
		for (uint32_t n = 0; n < sim.world->node_count; n++)
			if (sim.world->nodes[n].bad)
				note("node %u of incident %u is bad", n,
				     node_incident(&sim.world->nodes[n]));
		breach("all is well, and an incident is open still");
	}
}

void
play(const struct rules *rules, uint64_t seed)
{
	begin(rules, seed);
	set_going();
	for (int64_t at = 15000; at < sim.minutes * 60000;
	     at += sim.sparse ? 30000 + draw(1200000) : 200 + draw(8000)) {
		run_until(at);
		fault();
	}
	if (!rules->settings.dry_run) {
		become_well();
		all_is_over();
		people_all_told();
		stop_all();
	}
	world_free(&sim.world);
}
