/* Virtual time: what is due, in order. */
#include "test/sim/sim.h"

void
later(int64_t ms, struct due d)
{
	d.at_ms = sim.now_ms + ms;
	if (sim.count == SIM_QUEUE)
		breach("the simulator's queue is full");
	sim.queue[sim.count++] = d;
}

void
run_until(int64_t end_ms)
{
	while (sim.now_ms < end_ms) {
		unsigned next = 0;
		int64_t due = world_deadline(sim.world);
		for (unsigned i = 1; i < sim.count; i++)
			if (sim.queue[i].at_ms < sim.queue[next].at_ms)
				next = i;
		if (sim.count == 0 || due < sim.queue[next].at_ms) {
			struct event e = { .kind = EVENT_TIMER };
			sim.now_ms = due > sim.now_ms ? due : sim.now_ms;
			if (sim.now_ms >= end_ms) {
				sim.now_ms = end_ms;
				return;
			}
			handle(&e);
			continue;
		}
		struct due d = sim.queue[next];
		sim.queue[next] = sim.queue[--sim.count];
		sim.now_ms = d.at_ms > sim.now_ms ? d.at_ms : sim.now_ms;
		happen(&d);
	}
}
