/* A stream of events for the pure core, with a small model of the world outside: a letter
 * and, for most, a digit that says which. See event() for the letters; any other byte is
 * time. After each decision: P1 no second instance, P4 unknown causes nothing, P7 traffic
 * is never taken from everybody; and the core comes to rest. */
#include "test/fuzz/fuzz.h"

#include "base/text.h"
#include "rules/parse.h"
#include "rules/world.h"

#include <signal.h>
#include <string.h>

static const char rule_text[] =
	"[monitord]\nalert = ops\nsmtp = h:25\nremind = 1m\nactions-at-most = 9 in 10s\n[contact ops]\nmail = o@h\n"
	"[service a]\nrun = /a\ndrain = one\nat-most = 5 in 1m\nreload = HUP\n"
	"[check ca]\nof = a\ntcp = h:1\ndo = restart\n"
	"[service b]\nrun = /b\ndepends = a\nready = check cb within 10s\n"
	"[check cb]\nof = b\ntcp = h:2\ndown = 2 of 3\nup = 1\nexpect = latency < 1s\n"
	"[service c]\nmatch = c\nstart = /c start\nstop = /c stop\nrestart = failure\n"
	"[check cc]\nof = c\ntcp = h:3\ndown = 2s\nup = 2s\n"
	"[check verify]\ntcp = h:4\nwarn = latency > 1s\n"
	"[route one]\nswitch = /s\nbackend = a check ca\nbackend = b check cb\nbackend = "
	"c check cc\n"
	"verify = verify within 3s\nreturn = after 5s\nflap = 3 in 1m\n"
	"[route all]\nswitch = /t\nbackend = a check ca\nbackend = b check cb\nactive = "
	"all\n"
	"[rule leak]\nwhen = a.memory > 1M for 3s or (b.memory > 1M 2 of 3)\ndo = "
	"restart a, run /x, "
	"alert ops\nescalate = 2 in 1m -> stop a, reroute one to b, hold b\ncooldown = "
	"2s\n"
	"[rule sick]\nwhen = not verify.up for 2s and one.healthy < 2\nclear = "
	"verify.up\n"
	"do = reroute one, signal(USR1) b, log\nmode = dry-run\n"
	"[rule trend]\nwhen = forecast(a.memory, 10s) > 1M or avg(b.memory, 10s) > 1M or\n"
	" changed(c.state, 3s) and p99(a.memory, 10s) > 1M or a.state ~ ^fail\n"
	"do = restart b\ncooldown = 1s\nduring = Mon-Fri 08:00-18:00, 22:00-06:00\n"
	"[chain all-of-it]\npath = b -> a\n";

#define SERVICES 3
#define CHECKS 4
#define ROUTES 2
#define STEPS 4000

static struct {
	struct rules *rules;
	struct world *world;
	int64_t now_ms;
	bool gone, alive[SERVICES], occupied[SERVICES], began[SERVICES], went;
	int32_t pid;
	uint64_t ordered[ROUTES], number[ROUTES];
	uint64_t token, run_token;
	struct decisions out;
} x;

static bool
ours(const struct event *e) /* our own failure, which must cause nothing */
{
	return e->kind == EVENT_HELPER_LOST || e->kind == EVENT_LATE ||
	       (e->kind == EVENT_RESULT && e->result->outcome == OUTCOME_UNKNOWN);
}

static void
carry_out(const struct decision *d, const struct event *e)
{
	switch (d->kind) {
	case DECIDE_START:
		/* a start command of what is watched may have done nothing */
		PROMISE((!x.occupied[d->id] || (d->id == 2 && !x.alive[d->id])) &&
			!ours(e));
		x.occupied[d->id] = true;
		x.began[d->id] = false;
		break;
	case DECIDE_SIGNAL:
		PROMISE(x.occupied[d->id] && !ours(e));
		PROMISE(d->signal > 0 && d->signal < NSIG);
		break;
	case DECIDE_ROUTE:
		PROMISE(d->order.active != 0 && (d->order.active & d->order.cut) == 0 &&
			!ours(e));
		PROMISE(d->order.number > x.number[d->id]);
		PROMISE(d->id == 1 || (d->order.active & (d->order.active - 1)) == 0);
		x.ordered[d->id] = d->order.active;
		x.number[d->id] = d->order.number;
		break;
	case DECIDE_RUN:
		x.run_token = d->token;
		break;
	case DECIDE_TELL:
		PROMISE(d->line.id > 0 && d->line.id <= world_last_event(x.world));
		PROMISE(d->line.cause < d->line.id && d->line.text[0] != '\0');
		break;
	case DECIDE_EVIDENCE:
	case DECIDE_STOP_COMMAND:
	case DECIDE_RELOAD:
	case DECIDE_PACE:
	case DECIDE_ANSWER:
	case DECIDE_RELOAD_RULES:
	case DECIDE_TEST:
	case DECIDE_REMEMBER:
	case DECIDE_KINDS:
		break;
	}
}

static void
tell(const struct event *e)
{
	decide(x.world, e, x.now_ms, 1700000000000 + x.now_ms, &x.out);
	for (size_t i = 0; i < x.out.count; i++)
		carry_out(&x.out.list[i], e);
}

/* Until nothing is due now: that must end. */
static void
time_passes(int64_t ms)
{
	struct event e = { .kind = EVENT_TIMER };
	x.now_ms += ms;
	for (int turn = 0; world_deadline(x.world) <= x.now_ms; turn++) {
		PROMISE(turn < 1000);
		tell(&e);
	}
}

static void
result(uint32_t check, enum outcome outcome)
{
	struct msg_result r = { .check = check,
				.outcome = outcome,
				.began_ns = x.now_ms * 1000000,
				.latency_ns = 1000000,
				.value_count = 1 };
	struct event e = { .kind = EVENT_RESULT, .id = check, .result = &r };
	r.value[0].metric = METRIC_STATUS;
	text_print(r.text, sizeof r.text, "it failed");
	tell(&e);
}

static void
sample(uint32_t service, double memory)
{
	struct msg_sample s = { .service = service, .pid = x.pid, .value_count = 1 };
	struct event e = { .kind = EVENT_SAMPLE, .id = service, .sample = &s };
	s.value[0].metric = METRIC_MEMORY;
	s.value[0].value = memory;
	tell(&e);
}

static void
seen(uint32_t route, bool error)
{
	struct msg_route_seen s = { .route = route,
				    .error = error,
				    .number = x.number[route],
				    .active = x.ordered[route] != 0 ? x.ordered[route]
								    : 1 };
	struct event e = { .kind = EVENT_ROUTE_SEEN, .id = route, .seen = &s };
	tell(&e);
}

/* What can happen to a process, as the process engine would tell it. */
static void
process(char letter, uint32_t id)
{
	struct event e = { .id = id, .code = -1, .text = "no such file" };
	bool can = x.occupied[id];
	if (letter == 'A') { /* adopted, before anything is started */
		can = !x.went && !x.occupied[id];
		e.kind = EVENT_ADOPTED;
		e.started_ms = x.now_ms - 5000;
	} else if (letter == 'S') {
		can = can && !x.began[id] && id != 2;
		e.kind = EVENT_STARTED;
	} else if (letter == 'P') { /* the watched one is there, or it is another now */
		can = id == 2 && x.went;
		e.kind = EVENT_FOUND;
	} else if (letter == 'F') {
		can = can && !x.began[id];
		e.kind = EVENT_START_FAILED;
	} else if (letter == 'X' || letter == 'K') {
		can = can && x.alive[id];
		e.kind = EVENT_EXITED;
		e.code = letter == 'X' ? 0 : -1;
		e.signal = letter == 'X' ? 0 : SIGKILL;
	} else {
		can = can && x.began[id] && !x.alive[id];
		e.kind = EVENT_EMPTY;
	}
	if (!can)
		return;
	if (letter == 'A' || letter == 'S' || letter == 'P') {
		e.pid = ++x.pid;
		x.occupied[id] = x.began[id] = x.alive[id] = true;
	} else {
		x.alive[id] = false;
		x.occupied[id] = letter == 'X' || letter == 'K';
	}
	tell(&e);
}

static void
reload(void)
{
	struct world *new = world_new(x.rules, 7, "host", x.now_ms);
	PROMISE(new != NULL);
	world_move(new, x.world);
	world_free(&x.world);
	x.world = new;
	time_passes(0);
}

/* Two bytes; the digit is taken modulo what there is. */
static void
event(char letter, unsigned digit)
{
	struct event e = { .id = digit % SERVICES, .target = RULES_NONE, .uid = 7 };
	static const enum role roles[] = { ROLE_NET, ROLE_LOCAL, ROLE_ROUTES };
	struct event go = { .kind = EVENT_GO };
	/* nobody else speaks before that */
	if (!x.went && letter != 'A' && letter != 'G') {
		x.went = true;
		tell(&go);
		time_passes(0);
	}
	if (strchr("ASPFXKE", letter) != NULL) {
		process(letter, digit % SERVICES);
	} else if (strchr("gbwu", letter) !=
		   NULL) { /* a check is good, bad, warns, unknown */
		result(digit % CHECKS, letter == 'g'   ? OUTCOME_GOOD
				       : letter == 'b' ? OUTCOME_BAD
				       : letter == 'w' ? OUTCOME_WARN
						       : OUTCOME_UNKNOWN);
	} else if (letter == 'm' || letter == 'n') { /* much or no memory */
		sample(digit % SERVICES, letter == 'm' ? 1e9 : 1);
	} else if (letter == 'v' ||
		   letter == 'V') { /* a front was read, or could not be */
		seen(digit % ROUTES, letter == 'V');
	} else if (letter ==
		   'c') { /* an operator: verb by the digit, of service digit / 2 */
		e.kind = EVENT_COMMAND;
		e.verb = (enum verb)(digit % VERBS);
		e.id = e.verb == VERB_REROUTE || e.verb == VERB_RESTORE
			       ? digit / 2 % ROUTES
			       : digit / 2 % SERVICES;
		e.token = ++x.token;
		tell(&e);
	} else if (letter == 'D') {
		e.kind = EVENT_RUN_DONE;
		e.id = 0;
		e.token = x.run_token;
		tell(&e);
	} else {
		e.kind = letter == 'G'   ? EVENT_GO
			 : letter == 'l' ? EVENT_LATE
			 : letter == 'L' ? EVENT_HELPER_LOST
			 : letter == 'B' ? EVENT_HELPER_BACK
					 : EVENT_STOP_ALL;
		e.role = roles[digit % 3];
		if (e.kind == EVENT_GO && x.went)
			return;
		x.went = x.went || e.kind == EVENT_GO;
		tell(&e);
	}
}

static void
look_at_it(void)
{
	struct msg_service_view s;
	struct msg_check_view c;
	struct msg_route_view r;
	enum object_kind kind;
	uint32_t id;
	world_all_dirty(x.world);
	while (world_take_dirty(x.world, &kind, &id))
		PROMISE(kind < OBJECT_KINDS);
	for (uint32_t i = 0; i < SERVICES; i++) {
		world_service_view(x.world, i, &s);
		PROMISE(s.state < SERVICE_STATES && (s.pid == 0) == !x.alive[i]);
	}
	for (uint32_t i = 0; i < CHECKS; i++) {
		world_check_view(x.world, i, &c);
		PROMISE(c.state < CHECK_STATES);
	}
	for (uint32_t i = 0; i < ROUTES; i++) {
		world_route_view(x.world, i, &r);
		PROMISE(r.state < ROUTE_STATES && (x.number[i] == 0 || r.wanted != 0));
	}
}

static void
begin(void)
{
	char path[] = "world.ini", text[sizeof rule_text];
	struct source one = { .path = path, .text = text, .size = sizeof rule_text - 1 };
	struct sources s = { .list = &one, .count = 1 };
	struct problems p = { 0 };
	struct rules *rules = x.rules;
	memcpy(text, rule_text, sizeof text);
	if (rules == NULL)
		rules = rules_parse(&s, &p);
	for (size_t i = 0; i < p.count; i++)
		fprintf(stderr, "%u: %s\n", p.list[i].line, p.list[i].text);
	problems_free(&p);
	PROMISE(rules != NULL);
	memset(&x, 0, sizeof x);
	x.rules = rules;
	x.now_ms = 100000;
	x.world = world_new(rules, 7, "host", x.now_ms);
	PROMISE(x.world != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const char letters[] = "ASPFXKEgbwumnvVcDGlLBZ";
	begin();
	for (size_t i = 0; i < size && i < STEPS; i++) {
		if (bytes[i] == 'r') {
			reload();
		} else if (bytes[i] != '\0' && strchr(letters, bytes[i]) != NULL &&
			   i + 1 < size) {
			event((char)bytes[i],
			      bytes[i + 1] >= '0' ? (unsigned)bytes[i + 1] - '0' : 0u);
			i++;
			time_passes(0);
		} else {
			time_passes(bytes[i] == '\n'  ? 60000
				    : bytes[i] == '-' ? 1000
						      : 100);
		}
	}
	look_at_it();
	world_free(&x.world);
	return 0;
}
