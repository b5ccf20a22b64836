#include "status/replay.h"

#include "base/clock.h"
#include "base/text.h"
#include "rules/world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OUTCOME_MS 50 /* a start, a stop, a front: they work after so long */
#define SAME_MS 10000 /* so far apart, the same thing counts as the same */
#define OUTCOMES_CAP 4096
#define FRESH_MS 15000   /* functions over time need samples */
#define BEGIN_MS 1000000 /* of the core's clock */

struct due {
	int64_t at_ms;
	enum event_kind kind;
	uint32_t id;
	int32_t pid;
	int signal;
	uint64_t number, active, token;
};

struct replay {
	const struct rules *rules;
	struct world *world;
	int64_t since_ms, real_ms, now_ms; /* since_ms: real */
	bool begun;
	int32_t *pids, last_pid;
	struct due queue[OUTCOMES_CAP]; /* a ring, by time: all wait equally long */
	unsigned first, count;
	int64_t zone_minute;
	struct replay_lines would, was;
	struct replay_sums sums;
	struct decisions out;
};

static bool
is_shown(const char *kind)
{
	static const char *const kinds[] = {
		"rule-fired",     "rule-escalated",
		"rule-dry-run",   "service-stopping",
		"service-exited", "service-failed",
		"route-ordered",  "route-undone",
		"incident-open",  "check-down",
		"alert",          "page",
		"actions-braked", "service-signalled",
	};
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i], kind) == 0)
			return true;
	return false;
}

static void
keep(struct replay_lines *l, const struct journal_line *line)
{
	if (!is_shown(line->kind))
		return;
	if (l->count == l->cap) {
		size_t cap = l->cap == 0 ? 1024 : 2 * l->cap;
		struct replay_line *list = reallocarray(l->list, cap, sizeof *list);
		if (list == NULL)
			return;
		l->list = list;
		l->cap = cap;
	}
	struct replay_line *new = &l->list[l->count++];
	*new = (struct replay_line){ .real_ms = line->real_ms };
	text_print(new->kind, sizeof new->kind, "%s", line->kind);
	text_print(new->object, sizeof new->object, "%s", line->object);
	text_print(new->text, sizeof new->text, "%s", line->text);
}

static uint32_t
window_of(const struct condition *c)
{
	uint32_t most = 0;
	for (uint32_t i = 0; i < c->count; i++)
		if (c->ops[i].window == WINDOW_OF && c->ops[i].of > most)
			most = c->ops[i].of;
	return most;
}

struct record_need
replay_need(const struct rules *rules)
{
	struct record_need need = { .fresh_ms = rules->series_count > 0
							? FRESH_MS
							: RECORD_SPAN_MS };
	for (uint32_t i = 0; i < rules->rule_count; i++) {
		uint32_t when = window_of(&rules->rules[i].when),
			 clear = window_of(&rules->rules[i].clear);
		need.window = when > need.window ? when : need.window;
		need.window = clear > need.window ? clear : need.window;
	}
	return need;
}

struct replay *
replay_new(const struct rules *rules, int64_t since_real_ms)
{
	struct replay *r = calloc(1, sizeof *r);
	if (r == NULL)
		return NULL;
	r->rules = rules;
	r->since_ms = since_real_ms;
	r->pids = calloc(rules->service_count + 1, sizeof *r->pids);
	r->world = world_new(rules, 1, "replay", BEGIN_MS);
	if (r->pids == NULL || r->world == NULL)
		replay_free(&r);
	else
		world_patience(r->world, replay_need(rules).fresh_ms);
	return r;
}

void
replay_free(struct replay **rp)
{
	struct replay *r = *rp;
	if (r != NULL) {
		world_free(&r->world);
		free(r->pids);
		free(r->would.list);
		free(r->was.list);
	}
	free(r);
	*rp = NULL;
}

/* ---- the world outside, which does as it is told ---- */

static void
later(struct replay *r, struct due d)
{
	if (r->count == OUTCOMES_CAP)
		return;
	d.at_ms = r->now_ms + OUTCOME_MS;
	r->queue[(r->first + r->count++) % OUTCOMES_CAP] = d;
}

static void
ends(struct replay *r, uint32_t id, int signal)
{
	if (r->pids[id] == 0)
		return;
	later(r, (struct due){ .kind = EVENT_EXITED,
			       .id = id,
			       .pid = r->pids[id],
			       .signal = signal });
	later(r, (struct due){ .kind = EVENT_EMPTY, .id = id });
}

static void
perform(struct replay *r, const struct decision *d)
{
	switch (d->kind) {
	case DECIDE_TELL:
		keep(&r->would, &d->line);
		break;
	case DECIDE_START:
		later(r, (struct due){ .kind = EVENT_STARTED, .id = d->id });
		break;
	case DECIDE_SIGNAL:
		if (d->signal == SIGKILL || d->signal == SIGTERM ||
		    d->signal == SIGQUIT || d->signal == SIGINT)
			ends(r, d->id, d->signal);
		break;
	case DECIDE_STOP_COMMAND:
		ends(r, d->id, SIGTERM);
		break;
	case DECIDE_ROUTE:
		later(r, (struct due){ .kind = EVENT_ROUTE_SEEN,
				       .id = d->id,
				       .number = d->order.number,
				       .active = d->order.active });
		break;
	case DECIDE_RUN:
		later(r, (struct due){ .kind = EVENT_RUN_DONE,
				       .id = d->id,
				       .token = d->token });
		break;
	case DECIDE_EVIDENCE:
		if (d->token != 0)
			later(r, (struct due){ .kind = EVENT_EVIDENCE,
					       .id = d->id,
					       .token = d->token });
		break;
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
happen(struct replay *r, const struct event *e)
{
	int64_t real_ms = r->real_ms;
	if (real_ms / 60000 != r->zone_minute) {
		r->zone_minute = real_ms / 60000;
		if (r->zone_minute % 15 == 0 || !r->begun)
			world_zone(r->world, clock_zone_s(real_ms));
	}
	r->sums.events++;
	decide(r->world, e, r->now_ms, real_ms, &r->out);
	for (size_t i = 0; i < r->out.count; i++)
		perform(r, &r->out.list[i]);
}

static void
outcome(struct replay *r, const struct due *d)
{
	struct msg_route_seen seen = { .route = d->id,
				       .number = d->number,
				       .active = d->active };
	struct event e = { .kind = d->kind,
			   .id = d->id,
			   .pid = d->pid,
			   .signal = d->signal,
			   .code = d->signal != 0 ? -1 : 0,
			   .token = d->token,
			   .started_ms = r->now_ms };
	if (d->kind == EVENT_STARTED)
		e.pid = r->pids[d->id] = ++r->last_pid;
	if (d->kind == EVENT_EXITED) {
		if (r->pids[d->id] != d->pid)
			return; /* two signals, one end */
		r->pids[d->id] = 0;
	}
	if (d->kind == EVENT_EMPTY && r->pids[d->id] != 0)
		return;
	if (d->kind == EVENT_ROUTE_SEEN)
		e.seen = &seen;
	happen(r, &e);
}

/* Time passes until then, with all that falls due. */
static void
pass(struct replay *r, int64_t to_ms)
{
	int64_t base = r->real_ms - r->now_ms;
	for (unsigned turn = 0; turn < 1000000; turn++) {
		int64_t due = world_deadline(r->world);
		bool out = r->count > 0 && r->queue[r->first].at_ms <= due;
		due = out ? r->queue[r->first].at_ms : due;
		if (due > to_ms)
			break;
		r->now_ms = due > r->now_ms ? due : r->now_ms;
		r->real_ms = base + r->now_ms;
		if (out) {
			struct due d = r->queue[r->first];
			r->first = (r->first + 1) % OUTCOMES_CAP;
			r->count--;
			outcome(r, &d);
		} else {
			struct event timer = { .kind = EVENT_TIMER };
			happen(r, &timer);
		}
	}
	r->now_ms = to_ms > r->now_ms ? to_ms : r->now_ms;
	r->real_ms = base + r->now_ms;
}

/* All that monitord runs is taken to run; what it watches is found when it is measured.
 */
static void
begin(struct replay *r, int64_t real_ms)
{
	r->real_ms = real_ms;
	r->now_ms = BEGIN_MS;
	for (uint32_t i = 0; i < r->rules->service_count; i++) {
		struct event e = { .kind = EVENT_ADOPTED,
				   .id = i,
				   .started_ms = r->now_ms };
		if (r->rules->services[i].run.count == 0)
			continue;
		e.pid = r->pids[i] = ++r->last_pid;
		happen(r, &e);
	}
	struct event go = { .kind = EVENT_GO };
	happen(r, &go);
	for (uint32_t i = 0; i < r->rules->route_count;
	     i++) /* the first choice carries it */
		later(r,
		      (struct due){
			      .kind = EVENT_ROUTE_SEEN,
			      .id = i,
			      .active = r->rules->routes[i].all
						? (UINT64_C(2)
						   << (r->rules->routes[i].backend_count -
						       1)) -
							  1
						: 1 });
	r->begun = true;
}

/* ---- what was ---- */

static void
feed_result(struct replay *r, const struct record_event *e)
{
	struct msg_result m = { .check = rules_find(r->rules, OBJECT_CHECK, e->name),
				.outcome = e->outcome };
	struct event event = { .kind = EVENT_RESULT, .id = m.check, .result = &m };
	if (m.check == RULES_NONE) {
		r->sums.unknown++;
		return;
	}
	m.latency_ns = (int64_t)((double)e->latency_ms * 1e6);
	m.began_ns = r->now_ms * 1000000 - m.latency_ns;
	for (uint32_t i = 0; i < e->count && m.value_count < MSG_VALUES; i++)
		m.value[m.value_count++] =
			(struct msg_value){ .metric = e->values[i].metric,
					    .value = (double)e->values[i].value };
	happen(r, &event);
}

static void
feed_sample(struct replay *r, const struct record_event *e)
{
	struct msg_sample m = { .service =
					rules_find(r->rules, OBJECT_SERVICE, e->name) };
	struct event event = { .kind = EVENT_SAMPLE, .id = m.service, .sample = &m };
	if (m.service == RULES_NONE) {
		r->sums.unknown++;
		return;
	}
	if (r->pids[m.service] == 0) {
		if (r->rules->services[m.service].run.count > 0)
			return; /* by these rules it does not run */
		struct event found = { .kind = EVENT_FOUND, .id = m.service };
		found.pid = r->pids[m.service] = ++r->last_pid;
		happen(r, &found);
	}
	m.pid = r->pids[m.service];
	for (uint32_t i = 0; i < e->count && m.value_count < MSG_SAMPLE_VALUES; i++)
		m.value[m.value_count++] =
			(struct msg_value){ .metric = e->values[i].metric,
					    .value = (double)e->values[i].value };
	happen(r, &event);
}

/* A crash is nobody's decision; what was stopped by a rule or an operator is not one. */
static void
feed_exit(struct replay *r, uint32_t service, const struct journal_line *l)
{
	const char *code = strstr(l->text, "exit code "),
		   *sig = strstr(l->text, "killed by signal ");
	struct event e = {
		.kind = EVENT_EXITED, .id = service, .pid = r->pids[service], .code = -1
	};
	if (strstr(l->text, " exited as asked") != NULL || r->pids[service] == 0)
		return;
	if (code != NULL && sscanf(code, "exit code %d", &e.code) != 1)
		e.code = -1;
	if (sig != NULL && sscanf(sig, "killed by signal %d", &e.signal) != 1)
		e.signal = 0;
	r->pids[service] = 0;
	happen(r, &e);
	later(r, (struct due){ .kind = EVENT_EMPTY, .id = service });
}

static void
feed_command(struct replay *r, const struct journal_line *l)
{
	static const struct {
		const char *word;
		enum verb verb;
		enum object_kind kind;
	} verbs[] = {
		{ "start ", VERB_START, OBJECT_SERVICE },
		{ "stop ", VERB_STOP, OBJECT_SERVICE },
		{ "restart ", VERB_RESTART, OBJECT_SERVICE },
		{ "hold ", VERB_HOLD, OBJECT_SERVICE },
		{ "release ", VERB_RELEASE, OBJECT_SERVICE },
		{ "drain ", VERB_DRAIN, OBJECT_SERVICE },
		{ "undrain ", VERB_UNDRAIN, OBJECT_SERVICE },
		{ "reroute ", VERB_REROUTE, OBJECT_ROUTE },
		{ "restore ", VERB_RESTORE, OBJECT_ROUTE },
	};
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		struct event e = { .kind = EVENT_COMMAND,
				   .verb = verbs[i].verb,
				   .target = RULES_NONE };
		e.id = rules_find(r->rules, verbs[i].kind, l->object);
		if (strncmp(l->text, verbs[i].word, strlen(verbs[i].word)) != 0 ||
		    e.id == RULES_NONE)
			continue;
		if (e.verb == VERB_REROUTE && strncmp(l->text, "reroute to ", 11) == 0) {
			const struct route *c = &r->rules->routes[e.id];
			for (uint32_t k = 0; k < c->backend_count; k++) {
				size_t n = strlen(c->backends[k].name);
				if (strncmp(l->text + 11, c->backends[k].name, n) == 0 &&
				    l->text[11 + n] == ' ')
					e.target = k;
			}
		}
		happen(r, &e);
		return;
	}
}

static void
feed_line(struct replay *r, const struct journal_line *l)
{
	uint32_t service = rules_find(r->rules, OBJECT_SERVICE, l->object);
	keep(&r->was, l);
	if (strcmp(l->kind, "service-exited") == 0 && service != RULES_NONE)
		feed_exit(r, service, l);
	else if (strcmp(l->kind, "command") == 0)
		feed_command(r, l);
}

void
replay_feed(void *replay, const struct record_event *e)
{
	struct replay *r = replay;
	if (e->real_ms < r->since_ms)
		return;
	if (!r->begun) {
		r->sums.first_ms = e->real_ms;
		begin(r, e->real_ms);
	}
	pass(r, r->now_ms + (e->real_ms - r->real_ms));
	r->sums.last_ms = e->real_ms;
	r->sums.measurements += e->tag != RECORD_LINE;
	if (e->tag == RECORD_LINE)
		feed_line(r, e->line);
	else if (e->tag == RECORD_RESULT)
		feed_result(r, e);
	else
		feed_sample(r, e);
}

/* Each of the new ones takes the nearest old one of its kind and object. */
void
replay_end(struct replay *r)
{
	size_t from = 0;
	for (size_t i = 0; i < r->would.count; i++) {
		struct replay_line *a = &r->would.list[i];
		while (from < r->was.count &&
		       r->was.list[from].real_ms < a->real_ms - SAME_MS)
			from++;
		for (size_t k = from; k < r->was.count && !a->matched; k++) {
			struct replay_line *b = &r->was.list[k];
			if (b->real_ms > a->real_ms + SAME_MS)
				break;
			if (!b->matched && strcmp(a->kind, b->kind) == 0 &&
			    strcmp(a->object, b->object) == 0)
				a->matched = b->matched = true;
		}
	}
}

const struct replay_sums *
replay_sums(const struct replay *r)
{
	return &r->sums;
}

const struct replay_lines *
replay_would(const struct replay *r)
{
	return &r->would;
}

const struct replay_lines *
replay_was(const struct replay *r)
{
	return &r->was;
}
