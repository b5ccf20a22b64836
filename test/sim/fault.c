/* What goes wrong, and what operators do. */
#include "test/sim/sim.h"

#include "base/arena.h"
#include "rules/parse.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

void
command(enum verb verb, uint32_t id)
{
	struct event e = { .kind = EVENT_COMMAND,
			   .verb = verb,
			   .id = id,
			   .target = RULES_NONE,
			   .token = (uint64_t)++sim.next_pid };
	if (verb == VERB_HOLD && draw(2) == 0)
		e.seconds = 1 + draw(60);
	if (verb == VERB_REROUTE && draw(2) == 0)
		e.target = draw(2);
	handle(&e);
}

void
helper(enum role role)
{
	struct event e = { .role = role };
	sim.lost[role] = !sim.lost[role];
	e.kind = sim.lost[role] ? EVENT_HELPER_LOST : EVENT_HELPER_BACK;
	note("helper %s %s", role_name(role), sim.lost[role] ? "lost" : "back");
	handle(&e);
	if (sim.lost[role] && role == ROLE_ALERTS)
		people_lost();
	for (uint32_t r = 0;
	     !sim.lost[role] && role == ROLE_ROUTES && r < sim.rules->route_count; r++)
		fronts_forgotten(r, false);
}

static enum service_state
note_well(uint32_t id)
{
	const struct service_view *s = &sim.world->services[id];
	sim.was_well[id] = s->state == SERVICE_UP && s->alive && !s->draining &&
			   !s->in_turn && !s->owed;
	return s->state;
}

void
rebirth(void)
{
	enum service_state before[SIM_SERVICES];
	for (uint32_t i = 0; i < sim.rules->service_count; i++)
		before[i] = note_well(i);
	world_free(&sim.world);
	sim.world = world_new(sim.rules, sim.seed, "host", sim.now_ms);
	assert(sim.world != NULL);
	sim.arena = arena_used(sim.world->arena);
	sim.reborn = true;
	note("monitord is killed and begins again");
	for (unsigned i = sim.line_count > SIM_LINES ? sim.line_count - SIM_LINES : 0;
	     i < sim.line_count; i++)
		world_recall(sim.world, &sim.lines[i % SIM_LINES]);
	for (uint32_t i = 0; i < sim.rules->service_count; i++) {
		struct process *p = &sim.processes[i];
		struct event e = { .kind = EVENT_ADOPTED,
				   .id = i,
				   .pid = p->pid,
				   .started_ms = sim.now_ms - 10 };
		if (draw(10) == 0)
			p->alive = false; /* it ends while nobody looks */
		if (p->alive)
			handle(&e);
		else
			p->occupied =
				false; /* left-overs are killed before anything starts */
	}
	memset(sim.bad_row, 0, sizeof sim.bad_row);
	struct event go = { .kind = EVENT_GO };
	handle(&go);
	sim.reborn = false;
	for (uint32_t i = 0; i < sim.rules->service_count; i++)
		if (before[i] == SERVICE_FAILED &&
		    sim.world->services[i].state != SERVICE_FAILED &&
		    sim.rules->services[i].retry_ms == 0)
			breach("what had failed was taken up again by our own death");
	for (uint32_t r = 0; r < sim.rules->route_count; r++)
		fronts_forgotten(r, true);
	people_lost(); /* alerts dies with us */
}

static void
reload(void)
{
	struct world *new = world_new(sim.rules, 1, "host", sim.now_ms);
	assert(new != NULL);
	note("reload");
	world_move(new, sim.world);
	world_free(&sim.world);
	sim.world = new;
	sim.arena = arena_used(new->arena);
}

/* A mistake anywhere: none of it is taken. */
static void
broken_reload(void)
{
	static const char *const mistakes[] = {
		"[service x]\nrun = /x\nbogus = 1\n", "[check a-http]\n",
		"[route y]\nswitch = /y\nbackend = z check nobody\n"
	};
	char text[8192];
	static char path[] = "broken.ini";
	size_t n = strlen(sim_rules), at = draw(3);
	memcpy(text, sim_rules, n);
	strcpy(text + n, mistakes[at]);
	struct source source = { .path = path, .text = text, .size = strlen(text) };
	struct sources sources = { .list = &source, .count = 1 };
	struct problems problems = { 0 };
	struct rules *rules = rules_parse(&sources, &problems);
	problems_free(&problems);
	note("a reload with a mistake");
	if (rules != NULL)
		breach("P8: a rule file with a mistake was taken");
}

void
fault(void)
{
	uint32_t id = draw(sim.rules->service_count);
	struct process *p = &sim.processes[id];
	static const enum verb verbs[] = { VERB_START,  VERB_STOP,    VERB_RESTART,
					   VERB_HOLD,   VERB_RELEASE, VERB_DRAIN,
					   VERB_UNDRAIN };
	struct event late = { .kind = EVENT_LATE };
	struct event changed = { .kind = EVENT_CHANGED, .object = OBJECT_SERVICE };
	switch (draw(22)) {
	case 0:
	case 1:
	case 2:
		note("kill %s", sim.rules->services[id].name);
		die(id, SIGKILL);
		break;
	case 3:
		note("hang %s", sim.rules->services[id].name);
		p->hung = true;
		break;
	case 4:
		p->sick = !p->sick;
		note("%s is %s", sim.rules->services[id].name, p->sick ? "sick" : "well");
		break;
	case 5:
		p->leaks = true;
		break;
	case 6:
		helper(ROLE_NET);
		break;
	case 7:
		helper(ROLE_ROUTES);
		break;
	case 8:
		helper(ROLE_LOCAL);
		break;
	case 9:
		handle(&late);
		memset(sim.bad_row, 0, sizeof sim.bad_row);
		break;
	case 10:
	case 11:
		command(verbs[draw(7)], id);
		break;
	case 12:
		command(draw(2) == 0 ? VERB_REROUTE : VERB_RESTORE,
			draw(sim.rules->route_count));
		break;
	case 13:
		rebirth();
		break;
	case 14:
		reload();
		break;
	case 15:
		note("the family has another section");
		for (uint32_t i = 0; i < sim.rules->service_count; i++)
			if (sim.rules->services[i].family != NULL) {
				changed.id = i;
				handle(&changed);
			}
		break;
	case 16:
	case 17:
		front_fault();
		break;
	case 18:
		people_fault();
		break;
	case 19:
		sim.clock_ms += ((int64_t)draw(7200001) - 3600000) * (1 + draw(2) * 23);
		note("somebody sets the clock: %lld ms from where it began",
		     (long long)sim.clock_ms);
		break;
	case 20:
		draw(2) == 0 ? helper(ROLE_ALERTS) : broken_reload();
		break;
	default:
		p->hung = p->sick = false;
		break;
	}
}
