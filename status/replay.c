#include "status/replay.h"

#include "base/clock.h"
#include "base/text.h"
#include "status/replay_state.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define OUTCOME_MS 50    /* a start, a stop, a front: they work after so long */
#define SAME_MS 10000    /* so far apart, the same thing counts as the same */
#define FRESH_MS 15000   /* functions over time need samples */
#define BEGIN_MS 1000000 /* of the core's clock */

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

void
replay_keep(struct replay_lines *l, const struct journal_line *line)
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

void
replay_later(struct replay *r, struct due d)
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
	replay_later(r, (struct due){ .kind = EVENT_EXITED,
				      .id = id,
				      .pid = r->pids[id],
				      .signal = signal });
	replay_later(r, (struct due){ .kind = EVENT_EMPTY, .id = id });
}

static void
perform(struct replay *r, const struct decision *d)
{
	switch (d->kind) {
	case DECIDE_TELL:
		replay_keep(&r->would, &d->line);
		break;
	case DECIDE_START:
		replay_later(r, (struct due){ .kind = EVENT_STARTED, .id = d->id });
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
		replay_later(r, (struct due){ .kind = EVENT_ROUTE_SEEN,
					      .id = d->id,
					      .number = d->order.number,
					      .active = d->order.active });
		break;
	case DECIDE_RUN:
		replay_later(r, (struct due){ .kind = EVENT_RUN_DONE,
					      .id = d->id,
					      .token = d->token });
		break;
	case DECIDE_EVIDENCE:
		if (d->token != 0)
			replay_later(r, (struct due){ .kind = EVENT_EVIDENCE,
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

void
replay_happen(struct replay *r, const struct event *e)
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
	replay_happen(r, &e);
}

void
replay_pass(struct replay *r, int64_t to_ms)
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
			replay_happen(r, &timer);
		}
	}
	r->now_ms = to_ms > r->now_ms ? to_ms : r->now_ms;
	r->real_ms = base + r->now_ms;
}

void
replay_begin(struct replay *r, int64_t real_ms)
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
		replay_happen(r, &e);
	}
	struct event go = { .kind = EVENT_GO };
	replay_happen(r, &go);
	for (uint32_t i = 0; i < r->rules->route_count;
	     i++) /* the first choice carries it */
		replay_later(r, (struct due){
					.kind = EVENT_ROUTE_SEEN,
					.id = i,
					.active = r->rules->routes[i].all
							  ? (UINT64_C(2)
							     << (r->rules->routes[i]
									 .backend_count -
								 1)) -
								    1
							  : 1 });
	r->begun = true;
}

/* ---- what both did ---- */

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
