/* A simulator of the pure core: virtual clock, processes, probes, a front, faults and
 * commands drawn from a seed. After each decision the promises of doc/DESIGN are checked:
 * P1 one instance, P3 verdicts fall, P4 unknown causes nothing, P7 traffic stays on the
 * proven. usage: sim [SEEDS [MINUTES [FIRST]]]; prints the seed and the history of a breach. */
#include "base/text.h"
#include "rules/parse.h"
#include "rules/world_state.h"

#include <assert.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char rule_text[] =
	"[monitord]\nalert = ops\nsmtp = 127.0.0.1:25\nevery = 1s\nstarts-at-once = 3\n"
	"actions-at-most = 20 in 1m\n"
	"[contact ops]\nmail = ops@example.org\n"
	"[service db]\nrun = /bin/db\n[check db-tcp]\nof = db\ntcp = 127.0.0.1:1\n"
	"[service a]\nrun = /bin/a\ndepends = db\ndrain = site\nat-most = 20 in 1m\n"
	"[check a-http]\nof = a\nhttp = http://127.0.0.1:2/\nfast = 100ms\ndo = restart\n"
	"[service b]\nrun = /bin/b\ndrain = site\nbackoff = 200ms..5s\nat-most = 3 in 1m\nretry = 20s\n"
	"[check b-http]\nof = b\nhttp = http://127.0.0.1:3/\ndown = 2 of 3\n"
	"[service front]\nrun = /bin/front\nready = check front-http within 10s\n"
	"[check front-http]\nof = front\nhttp = http://127.0.0.1:4/\n"
	"[route site]\nswitch = /tmp/x\nbackend = a check a-http\nbackend = b check b-http\n"
	"verify = front-http within 3s\nreturn = after 5s\nflap = 6 in 1m\n"
	"[route farm]\nswitch = /tmp/y\nbackend = a check a-http\nbackend = b check b-http\n"
	"active = all\nkeep = 1\nreturn = after 2s\n"
	"[service w]\ninstances = 1..3\nrun = /bin/w\ndrain = pool\n"
	"ready = check w-http-%i within 10s\n"
	"[check w-http]\nof = w\nhttp = http://127.0.0.1:5%i/\n"
	"[route pool]\nswitch = /tmp/z\nbackend = w-1 check w-http-1\nbackend = w-2 check w-http-2\n"
	"backend = w-3 check w-http-3\nactive = all\nkeep = 1\nreturn = after 20s\n"
	"[rule leak]\nwhen = a.memory > 100M for 3s\ndo = restart a\ncooldown = 20s\n"
	"[rule sick]\nwhen = b-http.down for 5s\ndo = restart b, alert ops\n"
	"escalate = 3 in 5m -> page ops, hold b\n"
	"[rule trend]\nwhen = forecast(db.memory, 1m) > 2G\ndo = restart db\ncooldown = 30s\n"
	"[rule odd]\nwhen = avg(b.memory, 20s) > 60M and p95(b.memory, 30s) > 60M or\n"
	"  changed(b.pid, 10s) and max(b.memory, 10s) > 1G or rate(b.memory, 20s) > 1G/s\n"
	"do = signal(USR1) b\nduring = 08:00-09:00, 22:30-23:00\ncooldown = 5s\n"
	"[rule states]\nwhen = farm.state ~ ^re and not a.state ~ \"up|failing\" for 5s\ndo = run /x\n"
	"[chain all]\npath = front -> a -> db\nactions-at-most = 5 in 1m\n";

#define SERVICES 16
#define CHECKS 16
#define QUEUE 512
#define HISTORY 60
#define LINES 8192

struct process {
	int32_t pid;
	bool alive, occupied, hung, sick, leaks;
	double memory;
};
struct due {
	int64_t at_ms;
	int kind; /* enum what */
	uint32_t id;
	int32_t pid;
	uint64_t number, active;
	int64_t began_ns;
};
enum what { DUE_STARTED, DUE_EXIT, DUE_EMPTY, DUE_RESULT, DUE_MEASURE, DUE_SEEN, DUE_SAMPLE };

static struct {
	uint64_t random;
	int64_t now_ms;
	const struct rules *rules;
	struct world *world;
	struct process processes[SERVICES];
	int32_t next_pid;
	struct due queue[QUEUE];
	unsigned count;
	uint64_t front[4], number[4];
	bool lost[ROLES];
	unsigned bad_row[CHECKS]; /* bad results in a row that count */
	int64_t valid_ns[CHECKS];
	bool measuring[CHECKS];
	char history[HISTORY][200];
	unsigned told;
	bool was_up[SERVICES]; /* before the event */
	bool stopping; /* all are being stopped, who is needed last */
	bool timer_due; /* a deadline of the core has come with the event */
	uint64_t seed, decisions, events, orders, starts;
	struct journal_line lines[LINES]; /* a ring */
	unsigned line_count;
	struct decisions out;
} sim;

static uint32_t
draw(uint32_t below)
{
	sim.random ^= sim.random << 13;
	sim.random ^= sim.random >> 7;
	sim.random ^= sim.random << 17;
	return (uint32_t)(sim.random >> 33) % below;
}

static void
note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void
note(const char *format, ...)
{
	char *line = sim.history[sim.told++ % HISTORY];
	int n = snprintf(line, 200, "%8lld ", (long long)sim.now_ms);
	va_list args;
	va_start(args, format);
	vsnprintf(line + n, 200 - (size_t)n, format, args);
	va_end(args);
}

static void
breach(const char *what)
{
	printf("seed %llu, %lld ms: %s\n", (unsigned long long)sim.seed, (long long)sim.now_ms, what);
	for (unsigned i = sim.told > HISTORY ? sim.told - HISTORY : 0; i < sim.told; i++)
		printf("  %s\n", sim.history[i % HISTORY]);
	exit(1);
}

static void
later(int64_t ms, struct due d)
{
	d.at_ms = sim.now_ms + ms;
	if (sim.count == QUEUE)
		breach("the simulator's queue is full");
	sim.queue[sim.count++] = d;
}

/* ---- the world outside ---- */

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
	uint64_t active = sim.front[0]; /* the front serves what carries its traffic */
	for (uint32_t i = 0; i < sim.rules->routes[0].backend_count; i++)
		if ((active >> i & 1) != 0)
			return serves(sim.rules->routes[0].backends[i].service);
	return false;
}

static void handle(const struct event *e);

static void
die(uint32_t id, int sig)
{
	struct process *p = &sim.processes[id];
	struct event e = { .kind = EVENT_EXITED, .id = id, .pid = p->pid, .code = sig == 0 ? 1 : -1,
			   .signal = sig };
	if (!p->alive)
		return;
	p->alive = false;
	later(draw(5) == 0 ? 200 : 1, (struct due){ .kind = DUE_EMPTY, .id = id, .pid = p->pid });
	handle(&e);
}

/* ---- promises ---- */

static bool
is_proven(uint32_t route, uint32_t i)
{
	const struct backend *b = &sim.rules->routes[route].backends[i];
	enum check_state state = world_check_state(sim.world, b->check);
	enum service_state s = sim.world->services[b->service].state;
	return (state == CHECK_UP || state == CHECK_DEGRADED) &&
	       (s == SERVICE_UP || s == SERVICE_FAILING || s == SERVICE_FAILED) && sim.world->services[b->service].alive;
}

/* Our own failure to know, at a time when nothing else is due. */
static bool
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
	sim.orders++;
	if (d->order.active == 0)
		breach("P7: traffic was taken from everybody");
	for (uint32_t i = 0; i < r->backend_count; i++)
		for (uint32_t k = 0; k < r->backend_count; k++)
			if ((new >> i & 1) != 0 && !is_proven(d->id, i) && is_proven(d->id, k) &&
			    (sim.world->routes[d->id].refused >> k & 1) == 0 &&
			    (sim.world->routes[d->id].drained >> k & 1) == 0)
				breach("P7: traffic moved to a backend that is not proven");
	if (is_ours(e))
		breach(e->kind == EVENT_RESULT ? "P4: traffic moved for an unknown result"
					       : "P4: traffic moved for our own failure");
}

/* Who is needed is not stopped before those that need it. */
static void
check_stop(uint32_t id)
{
	if (sim.world->services[id].by_command)
		return; /* an operator had stopped it before */
	for (uint32_t k = 0; k < sim.rules->service_count; k++)
		for (uint32_t i = 0; i < sim.rules->services[k].depends_services.count; i++)
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
	    s->after != AFTER_START || sim.world->checks[c->checks.ids[0]].state == CHECK_DOWN)
		return;
	for (uint32_t k = 0; k < sim.rules->service_count; k++) {
		const struct service_view *o = &sim.world->services[k];
		if (k != id && sim.rules->services[k].family == c->family && !o->by_command &&
		    (o->state != SERVICE_UP || !o->alive))
			breach("restarted while another of its family is not up");
	}
}

static void
perform(const struct decision *d, const struct event *e, const uint64_t *before)
{
	struct process *p = &sim.processes[d->id < SERVICES ? d->id : 0];
	bool ours = is_ours(e);
	sim.decisions++;
	bool acts = d->kind == DECIDE_START || d->kind == DECIDE_SIGNAL || d->kind == DECIDE_ROUTE ||
		    d->kind == DECIDE_RUN || d->kind == DECIDE_RELOAD || d->kind == DECIDE_STOP_COMMAND;
	if (acts && sim.rules->settings.dry_run)
		breach("a dry run acts");
	switch (d->kind) {
	case DECIDE_TELL:
		note("%s %s: %s", d->line.kind, d->line.object, d->line.text);
		sim.lines[sim.line_count++ % LINES] = d->line;
		break;
	case DECIDE_START:
		sim.starts++;
		if (p->occupied)
			breach("P1: started while an instance lives");
		if (ours)
			breach("P4: started for our own failure");
		if (sim.world->starting > sim.rules->settings.starts_at_once)
			breach("too many start at once");
		*p = (struct process){ .pid = ++sim.next_pid, .alive = true, .occupied = true,
				       .memory = 1e6, .sick = draw(12) == 0 };
		later(draw(8) == 0 ? 300 : 1, (struct due){ .kind = DUE_STARTED, .id = d->id, .pid = p->pid });
		break;
	case DECIDE_SIGNAL:
		if (ours)
			breach("P4: signalled for our own failure");
		if (sim.stopping)
			check_stop(d->id);
		else
			check_keep(d->id);
		if (p->alive && (d->signal == SIGKILL || (d->signal == SIGTERM && !p->hung)))
			later(1 + draw(50), (struct due){ .kind = DUE_EXIT, .id = d->id, .pid = p->pid,
							   .number = (uint64_t)d->signal });
		break;
	case DECIDE_ROUTE:
		note("order %llu of %s: %llx cut %llx (before %llx)", (unsigned long long)d->order.number,
		     sim.rules->routes[d->id].name, (unsigned long long)d->order.active,
		     (unsigned long long)d->order.cut, (unsigned long long)before[d->id]);
		check_order(d, e, before);
		if (!sim.lost[ROLE_ROUTES])
			later(1 + draw(20), (struct due){ .kind = DUE_SEEN, .id = d->id,
							  .number = d->order.number,
							  .active = d->order.active });
		break;
	case DECIDE_PACE:
		if (d->pace == PACE_NOW)
			later(1, (struct due){ .kind = DUE_MEASURE, .id = d->id, .number = 1 });
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

static void
check_verdict(uint32_t id)
{
	const struct check *c = &sim.rules->checks[id];
	const struct check_view *v = &sim.world->checks[id];
	if (sim.bad_row[id] >= c->down_need && c->down_ms == 0 && v->state != CHECK_DOWN &&
	    !v->held)
		breach("P3: enough failures, and no verdict");
}

/* One event through the core. Decisions are copied, as carrying out may lead to more. */
static void
handle(const struct event *e)
{
	uint64_t before[4];
	static int depth;
	struct decision *list;
	for (uint32_t r = 0; r < sim.rules->route_count; r++)
		before[r] = sim.world->routes[r].wanted != 0 ? sim.world->routes[r].wanted : sim.front[r];
	for (uint32_t i = 0; i < sim.rules->service_count; i++)
		sim.was_up[i] = sim.world->services[i].state == SERVICE_UP &&
				e->kind != EVENT_GO; /* which goes on with a stop */
	sim.events++;
	sim.timer_due = world_deadline(sim.world) <= sim.now_ms;
	decide(sim.world, e, sim.now_ms, 1700000000000 + sim.now_ms, &sim.out);
	size_t n = sim.out.count;
	if (++depth > 8)
		breach("events without end");
	list = malloc(n * sizeof *list + 1);
	assert(list != NULL);
	memcpy(list, sim.out.list, n * sizeof *list);
	for (size_t i = 0; i < n; i++)
		perform(&list[i], e, before);
	free(list);
	depth--;
}

/* ---- time ---- */

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
	r.outcome = draw(200) == 0 ? OUTCOME_UNKNOWN : check_good(check) ? OUTCOME_GOOD : OUTCOME_BAD;
	text_print(r.text, sizeof r.text, r.outcome == OUTCOME_BAD ? "it failed" : "");
	if (counts)
		sim.bad_row[check] = r.outcome == OUTCOME_BAD ? sim.bad_row[check] + 1 : 0;
	if (r.outcome == OUTCOME_UNKNOWN)
		sim.bad_row[check] = 0;
	sim.measuring[check] = false;
	handle(&e);
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
	later(slow ? c->timeout_ms : 1 + draw(5), (struct due){ .kind = DUE_RESULT, .id = check,
								.began_ns = sim.now_ms * 1000000 });
}

static void
sample(uint32_t id)
{
	struct process *p = &sim.processes[id];
	later(1000, (struct due){ .kind = DUE_SAMPLE, .id = id });
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

static void
seen(uint32_t id, uint64_t number, uint64_t active)
{
	if (sim.lost[ROLE_ROUTES] || number < sim.number[id])
		return;
	sim.front[id] = active;
	sim.number[id] = number;
	struct msg_route_seen m = { .route = id, .number = number, .active = active };
	m.error = draw(30) == 0;
	struct event e = { .kind = EVENT_ROUTE_SEEN, .id = id, .seen = &m };
	handle(&e);
	if (m.error)
		later(100, (struct due){ .kind = DUE_SEEN, .id = id, .number = number, .active = active });
}

static void
happen(const struct due *d)
{
	struct process *p = &sim.processes[d->id < SERVICES ? d->id : 0];
	struct event e = { .id = d->id, .pid = d->pid };
	switch ((enum what)d->kind) {
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
	case DUE_SEEN:
		seen(d->id, d->number, d->active);
		break;
	case DUE_SAMPLE:
		sample(d->id);
		break;
	}
}

/* ---- faults and commands ---- */

static void
command(enum verb verb, uint32_t id)
{
	struct event e = { .kind = EVENT_COMMAND, .verb = verb, .id = id, .target = RULES_NONE,
			   .token = (uint64_t)++sim.next_pid };
	if (verb == VERB_HOLD && draw(2) == 0)
		e.seconds = 1 + draw(60);
	if (verb == VERB_REROUTE && draw(2) == 0)
		e.target = draw(2);
	handle(&e);
}

static void
helper(enum role role)
{
	struct event e = { .role = role };
	sim.lost[role] = !sim.lost[role];
	e.kind = sim.lost[role] ? EVENT_HELPER_LOST : EVENT_HELPER_BACK;
	note("helper %s %s", role_name(role), sim.lost[role] ? "lost" : "back");
	handle(&e);
	for (uint32_t r = 0; !sim.lost[role] && role == ROLE_ROUTES && r < sim.rules->route_count; r++) {
		struct msg_route_order o;
		if (world_order(sim.world, r, &o))
			later(5, (struct due){ .kind = DUE_SEEN, .id = r, .number = o.number,
					       .active = o.active });
		else
			later(5, (struct due){ .kind = DUE_SEEN, .id = r, .active = sim.front[r] });
	}
}

static void
rebirth(void)
{
	enum service_state before[SERVICES];
	for (uint32_t i = 0; i < sim.rules->service_count; i++)
		before[i] = sim.world->services[i].state;
	world_free(&sim.world);
	sim.world = world_new(sim.rules, sim.seed, "host", sim.now_ms);
	assert(sim.world != NULL);
	note("monitord is killed and begins again");
	for (unsigned i = sim.line_count > LINES ? sim.line_count - LINES : 0; i < sim.line_count; i++)
		world_recall(sim.world, &sim.lines[i % LINES]);
	for (uint32_t i = 0; i < sim.rules->service_count; i++) {
		struct process *p = &sim.processes[i];
		struct event e = { .kind = EVENT_ADOPTED, .id = i, .pid = p->pid, .started_ms = sim.now_ms - 10 };
		if (draw(10) == 0)
			p->alive = false; /* it ends while nobody looks */
		if (p->alive)
			handle(&e);
		else
			p->occupied = false; /* left-overs are killed before anything starts */
	}
	memset(sim.bad_row, 0, sizeof sim.bad_row);
	struct event go = { .kind = EVENT_GO };
	handle(&go);
	for (uint32_t i = 0; i < sim.rules->service_count; i++)
		if (before[i] == SERVICE_FAILED && sim.world->services[i].state != SERVICE_FAILED &&
		    sim.rules->services[i].retry_ms == 0)
			breach("what had failed was taken up again by our own death");
	for (uint32_t r = 0; r < sim.rules->route_count; r++) {
		sim.number[r] = 0;
		later(5, (struct due){ .kind = DUE_SEEN, .id = r, .active = sim.front[r] });
	}
}

static void
reload(void)
{
	struct world *new = world_new(sim.rules, 1, "host", sim.now_ms);
	assert(new != NULL);
	note("reload");
	world_move(new, sim.world, sim.now_ms);
	world_free(&sim.world);
	sim.world = new;
}

static void
fault(void)
{
	uint32_t id = draw(sim.rules->service_count);
	struct process *p = &sim.processes[id];
	static const enum verb verbs[] = { VERB_START, VERB_STOP, VERB_RESTART, VERB_HOLD, VERB_RELEASE,
					   VERB_DRAIN, VERB_UNDRAIN };
	struct event late = { .kind = EVENT_LATE };
	struct event changed = { .kind = EVENT_CHANGED, .object = OBJECT_SERVICE };
	switch (draw(17)) {
	case 0: case 1: case 2:
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
	case 10: case 11:
		command(verbs[draw(7)], id);
		break;
	case 12:
		command(draw(2) == 0 ? VERB_REROUTE : VERB_RESTORE, draw(sim.rules->route_count));
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
	default:
		p->hung = p->sick = false;
		break;
	}
}

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
		     sim.rules->services[i].retry_ms == 0) || /* else it must come by itself */
		    sim.world->services[i].state == SERVICE_STOPPED)
			command(VERB_START, i);
	}
	for (uint32_t r = 0; r < sim.rules->route_count; r++)
		command(VERB_RESTORE, r);
}

static void
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

static void
stop_all(void)
{
	struct event e = { .kind = EVENT_STOP_ALL };
	if (draw(2) == 0)
		fault();
	sim.stopping = true;
	handle(&e);
	run_until(sim.now_ms + 300000);
	for (uint32_t i = 0; i < sim.rules->service_count; i++)
		if (sim.processes[i].occupied)
			breach("all were to be stopped, and one runs");
}

static void
play(uint64_t seed, int64_t minutes)
{
	uint64_t totals[4] = { sim.decisions, sim.events, sim.orders, sim.starts };
	const struct rules *rules = sim.rules;
	memset(&sim, 0, offsetof(__typeof__(sim), out));
	sim.rules = rules;
	sim.decisions = totals[0];
	sim.events = totals[1];
	sim.orders = totals[2];
	sim.starts = totals[3];
	sim.seed = seed;
	sim.random = seed * 0x9e3779b97f4a7c15u + 1;
	sim.now_ms = 1000;
	sim.world = world_new(rules, seed, "host", sim.now_ms);
	assert(sim.world != NULL);
	struct event go = { .kind = EVENT_GO };
	for (uint32_t i = 0; rules->settings.dry_run && i < rules->service_count; i++) {
		struct process *p = &sim.processes[i];
		*p = (struct process){ .pid = ++sim.next_pid, .alive = true, .occupied = true };
		struct event e = { .kind = EVENT_ADOPTED, .id = i, .pid = p->pid };
		handle(&e);
	}
	handle(&go);
	for (uint32_t i = 0; i < rules->check_count; i++)
		later(draw(1000), (struct due){ .kind = DUE_MEASURE, .id = i });
	for (uint32_t i = 0; i < rules->service_count; i++)
		later(draw(1000), (struct due){ .kind = DUE_SAMPLE, .id = i });
	for (uint32_t i = 0; i < rules->route_count; i++)
		later(10, (struct due){ .kind = DUE_SEEN, .id = i, .active = i == 0 ? 1 : i == 1 ? 3 : 7 });
	for (int64_t at = 15000; at < minutes * 60000; at += 200 + draw(8000)) {
		run_until(at);
		fault();
	}
	if (rules->settings.dry_run) {
		world_free(&sim.world);
		return;
	}
	for (unsigned r = 0; r < ROLES; r++)
		if (sim.lost[r])
			helper((enum role)r);
	for (int turn = 0; turn < 40; turn++) { /* no more faults: it must become well */
		if (turn % 10 == 0)
			tidy_up();
		for (uint32_t i = 0; i < rules->service_count; i++) {
			struct process *p = &sim.processes[i];
			p->hung = p->sick = p->leaks = false;
			p->memory = 1e6;
		}
		run_until(sim.now_ms + 10000);
		if (calm_again())
			break;
	}
	if (!calm_again()) {
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
	run_until(sim.now_ms + 420000); /* what flapped is over after 5 min */
	for (uint32_t i = 0; i < world_incidents(sim.world); i++) {
		struct msg_incident_view v;
		world_incident_view(sim.world, i, &v);
		if (v.incident != 0 && v.state != INCIDENT_CLOSED) {
			note("incident %llu: %s", (unsigned long long)v.incident, v.text);
			for (uint32_t n = 0; n < sim.world->node_count; n++)
				if (sim.world->nodes[n].bad)
					note("node %u of incident %u is bad", n, sim.world->nodes[n].incident);
			breach("all is well, and an incident is open still");
		}
	}
	stop_all();
	world_free(&sim.world);
}

int
main(int argc, char **argv)
{
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : 300;
	int64_t minutes = argc > 2 ? atoll(argv[2]) : 20;
	uint64_t first = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	static char path[] = "sim.ini";
	struct source source = { .path = path, .text = strdup(rule_text), .size = sizeof rule_text - 1 };
	struct sources sources = { .list = &source, .count = 1 };
	struct problems problems = { 0 };
	struct rules *rules = rules_parse(&sources, &problems);
	problems_print(&problems, &sources, stdout);
	problems_free(&problems);
	if (rules == NULL)
		return 1;
	sim.rules = rules;
	for (uint64_t s = first; s < first + seeds; s++)
		play(s, minutes);
	rules->settings.dry_run = true;
	for (uint64_t s = first; s < first + seeds / 10 + 1; s++)
		play(s, minutes);
	printf("%llu seeds of %lld minutes: %llu events, %llu decisions, %llu starts, %llu route orders; "
	       "no promise broken\n",
	       (unsigned long long)seeds, (long long)minutes, (unsigned long long)sim.events,
	       (unsigned long long)sim.decisions, (unsigned long long)sim.starts,
	       (unsigned long long)sim.orders);
	rules_free(&rules);
	free(source.text);
	return 0;
}
