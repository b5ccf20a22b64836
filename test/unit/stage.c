#include "test/unit/stage.h"

#include "rules/units.h"
#include "test/unit/book.h"
#include "test/unit/stage_state.h"
#include "test/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
happen(const struct event *e)
{
	decide(stage.world, e, stage.now_ms,
	       STAGE_REAL_MS + stage.now_ms + stage.clock_ms, &stage.out);
	for (size_t i = 0; i < stage.out.count; i++)
		stage_write(&stage.out.list[i]);
}

static void
pass(int64_t ms)
{
	struct event e = { .kind = EVENT_TIMER };
	int64_t end = stage.now_ms + ms;
	for (unsigned turn = 0; world_deadline(stage.world) <= end; turn++) {
		if (turn > 100000)
			fail_msg("timers without end at %lld ms",
				 (long long)stage.now_ms);
		if (world_deadline(stage.world) > stage.now_ms)
			stage.now_ms = world_deadline(stage.world);
		happen(&e);
	}
	stage.now_ms = end;
}

uint32_t
stage_find(enum object_kind kind, const char *name)
{
	uint32_t id = rules_find(stage.rules, kind, name);
	for (uint32_t i = 0; kind == OBJECT_RULE && i < stage.rules->rule_count; i++)
		if (strcmp(stage.rules->rules[i].name, name) == 0)
			id = i; /* those of a check's `do` have no name of their own */
	return id;
}

static uint64_t
backends(const struct route *r, char *names)
{
	uint64_t set = 0;
	for (char *name; (name = strsep(&names, ",")) != NULL;)
		for (uint32_t i = 0; i < r->backend_count; i++)
			if (strcmp(r->backends[i].name, name) == 0)
				set |= UINT64_C(1) << i;
	return set;
}

static bool
of_a_service(const char *verb, uint32_t id, const char *value)
{
	static const struct {
		const char *verb;
		enum event_kind kind;
	} verbs[] = { { "adopted", EVENT_ADOPTED },     { "started", EVENT_STARTED },
		      { "failed", EVENT_START_FAILED }, { "ready", EVENT_READY },
		      { "dying", EVENT_DYING },         { "evidence", EVENT_EVIDENCE },
		      { "waits", EVENT_WAITS },         { "found", EVENT_FOUND },
		      { "empty", EVENT_EMPTY },         { "left", EVENT_LEFT },
		      { "exited", EVENT_EXITED },       { "killed", EVENT_EXITED } };
	struct event e = { .id = id, .code = -1, .text = "no such file" };
	size_t i = 0;
	while (i < COUNT(verbs) && strcmp(verbs[i].verb, verb) != 0)
		i++;
	if (i == COUNT(verbs))
		return false;
	e.kind = verbs[i].kind;
	if (e.kind == EVENT_ADOPTED || e.kind == EVENT_STARTED || e.kind == EVENT_FOUND)
		e.pid = stage.pid[id] = e.kind == EVENT_FOUND && value != NULL
						? atoi(value)
						: ++stage.last_pid;
	if (e.kind == EVENT_EVIDENCE) {
		e.text = value;
		e.token = stage.evidence_token;
	}
	if (e.kind == EVENT_ADOPTED && value != NULL)
		e.restarts = (uint32_t)atoi(value);
	if (strcmp(verb, "dying") == 0)
		e.core_dumped = value != NULL && strcmp(value, "core") == 0;
	else if (strcmp(verb, "exited") == 0)
		e.code = atoi(value);
	else if (strcmp(verb, "killed") == 0)
		e.signal = atoi(value);
	if (e.kind == EVENT_EXITED || e.kind == EVENT_START_FAILED ||
	    e.kind == EVENT_LEFT)
		stage.pid[id] = 0;
	e.started_ms = stage.now_ms;
	happen(&e);
	return true;
}

/* Who is well says so at once when it is asked; checks that prove switches are played. */
static void
witnesses(void)
{
	for (uint32_t i = 0; i < stage.rules->check_count && i < 64; i++) {
		struct msg_result r = { .check = i,
					.began_ns = stage.now_ms * 1000000,
					.outcome = OUTCOME_GOOD };
		struct event e = { .kind = EVENT_RESULT, .id = i, .result = &r };
		bool asked = stage.asked[i] && stage.well[i] &&
			     stage.rules->checks[i].more->verifies.count == 0;
		stage.asked[i] = false;
		if (asked)
			happen(&e);
	}
}

static bool
of_a_check(const char *verb, uint32_t id, const char *value)
{
	static const char *const verbs[OUTCOMES] = { [OUTCOME_UNKNOWN] = "unknown",
						     [OUTCOME_GOOD] = "good",
						     [OUTCOME_BAD] = "bad",
						     [OUTCOME_WARN] = "warn" };
	struct msg_result r = { .check = id,
				.began_ns = stage.now_ms * 1000000,
				.outcome = OUTCOMES };
	struct event e = { .kind = EVENT_RESULT, .id = id, .result = &r };
	for (unsigned i = 0; i < OUTCOMES; i++)
		if (strcmp(verbs[i], verb) == 0)
			r.outcome = i;
	r.silent = strcmp(verb, "mute") == 0;
	if (r.silent != 0)
		r.outcome = OUTCOME_BAD;
	if (strcmp(verb, "stale") == 0) { /* good, and an answer to an older question */
		r.outcome = OUTCOME_GOOD;
		r.began_ns -= INT64_C(1000000000);
	}
	if (r.outcome == OUTCOMES)
		return false;
	if (value != NULL) { /* it took 5 ms, and measured that */
		r.latency_ns = 5000000;
		r.value_count = 2;
		r.value[0] = (struct msg_value){ .metric = METRIC_STATUS,
						 .value = atof(value) };
		r.value[1] = (struct msg_value){ .metric = METRIC_BYTES,
						 .value = 2 * atof(value) };
		if (stage.rules->checks[id].kind == CHECK_SCRIPT)
			r.value[1].metric = METRIC_LABEL1;
	}
	text_print(r.text, sizeof r.text, "it is %s", verb);
	if (id < 64)
		stage.well[id] = r.outcome == OUTCOME_GOOD || r.outcome == OUTCOME_WARN;
	memset(stage.asked, 0, sizeof stage.asked);
	happen(&e);
	witnesses();
	return true;
}

/* Of its process, or of the one before. */
static void
sample(char *what, const char *value, bool old)
{
	char *dot = strrchr(what, '.');
	assert_non_null(dot);
	*dot = '\0';
	uint32_t id = stage_find(OBJECT_SERVICE, what);
	struct msg_sample s = { .service = id,
				.pid = stage.pid[id] - old,
				.value_count = 2 };
	struct event e = { .kind = EVENT_SAMPLE, .id = id, .sample = &s };
	s.value[0].metric = METRICS_COUNT; /* which we do not know */
	s.value[1].metric = metric_find(dot + 1, strlen(dot + 1), 'S');
	assert_true(s.value[1].metric < METRICS_COUNT);
	s.value[1].value = atof(value);
	happen(&e);
}

/* METRIC=FROM,STEP,COUNT: so many samples, one each 5 s. */
static void
ramp(const char *what, const char *value)
{
	double from, by;
	unsigned n;
	char copy[200], number[40];
	assert_int_equal(sscanf(value, "%lf,%lf,%u", &from, &by, &n), 3);
	for (unsigned i = 0; i < n; i++, pass(5000)) {
		snprintf(copy, sizeof copy, "%s", what);
		snprintf(number, sizeof number, "%.17g", from + by * i);
		sample(copy, number, false);
	}
}

/* Of the last order: seen and unseen; hand and anew: changed by somebody, by a new life of the
 * front; busy and idle: it can count, and requests are in flight on these that left, or none. */
static void
seen(const char *verb, uint32_t id, char *names)
{
	bool busy = strcmp(verb, "busy") == 0;
	struct msg_route_seen s = { .route = id,
				    .error = strcmp(verb, "unseen") == 0,
				    .change = strcmp(verb, "hand") == 0   ? CHANGE_BY_HAND
					      : strcmp(verb, "anew") == 0 ? CHANGE_ANEW
									  : CHANGE_NONE,
				    .counts = busy || strcmp(verb, "idle") == 0,
				    .number = stage.ordered[id].number,
				    .active = stage.ordered[id].active };
	struct event e = { .kind = EVENT_ROUTE_SEEN, .id = id, .seen = &s };
	if (s.error != 0)
		memset(s.text, 'x', sizeof s.text);
	if (names != NULL && busy)
		s.busy = backends(&stage.rules->routes[id], names);
	else if (names != NULL)
		s.active = backends(&stage.rules->routes[id], names);
	happen(&e);
}

/* ack: of the open incident whose root has that name. */
static void
about_incidents(struct event *e, const char *name, const char *value)
{
	static const enum object_kind kinds[] = { OBJECT_SERVICE, OBJECT_CHECK,
						  OBJECT_RULE, OBJECT_ROUTE,
						  OBJECT_CHAIN };
	struct msg_incident_view v;
	const char *slash = value != NULL ? strchr(value, '/') : NULL;
	e->seconds = value != NULL ? (uint32_t)atoi(value) : 0;
	e->who = e->verb == VERB_ACK && value != NULL ? value
		 : slash != NULL                      ? slash + 1
						      : "me";
	e->text = "planned";
	e->object = OBJECT_MONITORD;
	for (size_t k = 0; k < COUNT(kinds); k++)
		if (stage_find(kinds[k], name) != RULES_NONE) {
			e->object = kinds[k];
			e->id = stage_find(kinds[k], name);
		}
	for (uint32_t i = 0; i < world_incidents(stage.world); i++) {
		world_incident_view(stage.world, i, &v);
		if (v.incident != 0 && v.state != INCIDENT_CLOSED &&
		    v.root_kind == e->object && v.root_id == e->id)
			e->incident = v.incident;
	}
	happen(e);
}

static bool
is_of_a_front(const char *verb)
{
	static const char *const verbs[] = { "seen", "unseen", "hand",
					     "anew", "busy",   "idle" };
	for (size_t i = 0; i < COUNT(verbs); i++)
		if (strcmp(verb, verbs[i]) == 0)
			return true;
	return false;
}

static void
command(const char *verb, const char *name, char *value)
{
	static const char *const verbs[VERBS] = {
		[VERB_START] = "start",     [VERB_STOP] = "stop",
		[VERB_RESTART] = "restart", [VERB_RELOAD_SERVICE] = "reload",
		[VERB_HOLD] = "hold",       [VERB_RELEASE] = "release",
		[VERB_REROUTE] = "reroute", [VERB_RESTORE] = "restore",
		[VERB_DRAIN] = "drain",     [VERB_UNDRAIN] = "undrain",
		[VERB_ACK] = "ack",         [VERB_SILENCE] = "silence",
		[VERB_UNSILENCE] = "unsilence", [VERB_RIGHTS] = "rights",
	};
	struct event e = { .kind = EVENT_COMMAND,
			   .target = RULES_NONE,
			   .token = ++stage.token };
	unsigned v = 0;
	while (v < VERBS && (verbs[v] == NULL || strcmp(verbs[v], verb) != 0))
		v++;
	assert_true(v < VERBS);
	e.verb = (enum verb)v;
	if (v == VERB_ACK || v == VERB_SILENCE || v == VERB_UNSILENCE) {
		about_incidents(&e, name, value);
		return;
	}
	if (v == VERB_HOLD && value != NULL) {
		e.seconds = (uint32_t)atoi(value);
		value = NULL;
	}
	char *slash = v == VERB_REROUTE && value != NULL ? strchr(value, '/') : NULL;
	if (slash != NULL) {
		e.seconds = (uint32_t)atoi(slash + 1);
		*slash = '\0';
	}
	e.id = stage_find(v == VERB_REROUTE || v == VERB_RESTORE ? OBJECT_ROUTE
								 : OBJECT_SERVICE,
			  name);
	for (uint32_t i = 0; value != NULL && i < stage.rules->routes[e.id].backend_count;
	     i++)
		if (strcmp(stage.rules->routes[e.id].backends[i].name, value) == 0)
			e.target = i;
	happen(&e);
}

static void
of_a_helper(const char *verb, const char *name)
{
	struct event e = { .kind = strcmp(verb, "lost") == 0 ? EVENT_HELPER_LOST
							     : EVENT_HELPER_BACK };
	while (e.role < ROLES && strcmp(role_name(e.role), name) != 0)
		e.role = (enum role)(e.role + 1);
	happen(&e);
}

/* A reload gave it another section. */
static void
changed(const char *name)
{
	uint32_t service = stage_find(OBJECT_SERVICE, name);
	bool is_service = service != RULES_NONE;
	struct event e = { .kind = EVENT_CHANGED,
			   .object = is_service ? OBJECT_SERVICE : OBJECT_CHECK,
			   .id = is_service ? service : stage_find(OBJECT_CHECK, name) };
	happen(&e);
}

static void
reload(void)
{
	struct rules *to = stage.next != NULL ? stage.next : stage.rules;
	struct world *new = world_new(to, 1, "host", stage.now_ms);
	char text[400];
	assert_non_null(new);
	world_move(new, stage.world);
	for (uint32_t i = 0; i < stage.rules->rule_count; i++)
		if (world_cuts(stage.world, i, to, text, sizeof text))
			stage_add("cut{%s}", text);
	world_free(&stage.world);
	if (stage.next != NULL) {
		int32_t pid[16] = { 0 };
		for (uint32_t i = 0; i < stage.rules->service_count; i++) {
			uint32_t id = rules_find(to, OBJECT_SERVICE,
						 stage.rules->services[i].name);
			if (id != RULES_NONE)
				pid[id] = stage.pid[i];
		}
		memcpy(stage.pid, pid, sizeof pid);
		memset(stage.newest, 0, sizeof stage.newest);
		rules_free(&stage.rules);
		stage.rules = to;
		stage.next = NULL;
	}
	stage.world = new;
	pass(0);
}

/* monitord was killed: what lives is adopted, the journal says the rest. */
static void
reborn(bool boot)
{
	struct event go = { .kind = EVENT_GO };
	memset(stage.newest, 0, sizeof stage.newest);
	world_free(&stage.world);
	stage.world = world_new(stage.rules, 1, "host", stage.now_ms);
	assert_non_null(stage.world);
	for (unsigned i = 0; i < stage.line_count; i++)
		world_recall(stage.world, &stage.lines[i]);
	if (boot)
		world_boot(stage.world);
	for (uint32_t i = 0; i < stage.rules->service_count; i++) {
		struct event e = { .kind = EVENT_ADOPTED,
				   .id = i,
				   .pid = stage.pid[i],
				   .started_ms = stage.now_ms - 1000 };
		if (stage.pid[i] != 0)
			happen(&e);
	}
	happen(&go);
	pass(0);
}

/* One word of the script. */
static void
step(char *word)
{
	char *value = word, *verb = strsep(&value, ":"), *name = strsep(&value, "=");
	struct event e = { .kind = EVENT_KINDS, .pid = 0 };
	char why[UNITS_WHY];
	int64_t ms;
	if (*verb == '+') {
		if (!units_duration(verb + 1, &ms, why))
			fail_msg("%s", why);
		pass(ms);
		return;
	}
	if (strcmp(verb, "go") == 0)
		e.kind = EVENT_GO;
	else if (strcmp(verb, "late") == 0)
		e.kind = EVENT_LATE;
	else if (strcmp(verb, "stop-all") == 0)
		e.kind = EVENT_STOP_ALL;
	if (e.kind != EVENT_KINDS)
		happen(&e);
	else if (*verb == '%')
		stage_ask_incidents(verb[1] == '%');
	else if (*verb == '@')
		stage_ask_silences(verb[1] == '@');
	else if (*verb == '#')
		stage_ask_dirty();
	else if (strcmp(verb, "age") == 0)
		world_age(stage.world);
	else if (strcmp(verb, "due?") == 0)
		stage_add("%s",
			  world_deadline(stage.world) == INT64_MAX ? "at-rest" : "awake");
	else if (*verb == '&')
		stage_ask_rule(verb + 1);
	else if (*verb == '*')
		stage_ask_view(verb + 1);
	else if (strcmp(verb, "changed") == 0)
		changed(name);
	else if (*verb == '?' || *verb == '~')
		stage_ask(verb + 1, *verb == '~');
	else if (strcmp(verb, "clock") == 0)
		stage.clock_ms += INT64_C(1000) * atoi(name);
	else if (strcmp(verb, "zone") == 0)
		world_zone(stage.world, atoi(name));
	else if (strcmp(verb, "reload") == 0)
		reload();
	else if (strcmp(verb, "reborn") == 0)
		reborn(false);
	else if (strcmp(verb, "boot") == 0)
		reborn(true);
	else if (strcmp(verb, "away") == 0)
		stage.pid[stage_find(OBJECT_SERVICE, name)] = 0;
	else if (*verb == '!')
		command(verb + 1, name, value);
	else if (strcmp(verb, "sample") == 0 || strcmp(verb, "old") == 0)
		sample(name, value, *verb == 'o');
	else if (strcmp(verb, "ramp") == 0)
		ramp(name, value);
	else if (is_of_a_front(verb))
		seen(verb, stage_find(OBJECT_ROUTE, name), value);
	else if (strcmp(verb, "lost") == 0 || strcmp(verb, "back") == 0)
		of_a_helper(verb, name);
	else if (strncmp(verb, "done", 4) == 0 || strcmp(verb, "died") == 0) {
		bool died = strcmp(verb, "died") == 0, before = verb[4] != '\0';
		e = (struct event){ .kind = EVENT_RUN_DONE,
				    .id = stage_find(OBJECT_RULE, name),
				    .code = died ? -1 : atoi(value),
				    .signal = died ? atoi(value) : 0,
				    .text = "said",
				    .token =
					    before ? stage.run_before : stage.run_token };
		happen(&e);
	} else if (stage_find(OBJECT_CHECK, name) != RULES_NONE
			   ? !of_a_check(verb, stage_find(OBJECT_CHECK, name), value)
			   : !of_a_service(verb, stage_find(OBJECT_SERVICE, name), value))
		fail_msg("no such step: %s", verb);
}

static bool
differs(const char *rules, const char *next, const struct stage_row *row)
{
	char script[4096], *rest = script;
	memset(&stage, 0, sizeof stage);
	stage.rules = book(rules);
	stage.next = next != NULL ? book(next) : NULL;
	stage.tell = row->tell;
	stage.now_ms = STAGE_BEGIN_MS;
	stage.world = world_new(stage.rules, 1, "host", stage.now_ms);
	assert_non_null(stage.world);
	text_begin(&stage.trace, stage.bytes, sizeof stage.bytes);
	snprintf(script, sizeof script, "%s", row->script);
	for (char *word; (word = strsep(&rest, " ")) != NULL;)
		if (*word != '\0')
			step(word);
	world_free(&stage.world);
	rules_free(&stage.rules);
	if (strcmp(stage.bytes, row->wanted) == 0)
		return false;
	/* one by one: cmocka cuts what is long */
	print_error("of:\n  %s\n", row->script);
	print_error("expected:\n  %.900s\n", row->wanted);
	print_error("got:\n  ");
	for (size_t i = 0; i < strlen(stage.bytes); i += 900)
		print_error("%.900s", stage.bytes + i);
	print_error("\n");
	return true;
}

bool
stage_differs(const char *rules, const struct stage_row *row)
{
	return differs(rules, NULL, row);
}

void
stage_table(const char *rules, const struct stage_row *rows, size_t count)
{
	size_t wrong = 0;
	for (size_t i = 0; i < count; i++)
		wrong += differs(rules, NULL, &rows[i]);
	if (wrong > 0)
		fail_msg("%zu of %zu differ", wrong, count);
}

bool
stage_reload_differs(const char *rules, const char *next, const struct stage_row *row)
{
	return differs(rules, next, row);
}

void
stage_reload(const char *rules, const char *next, const struct stage_row *row)
{
	if (differs(rules, next, row))
		fail();
}
