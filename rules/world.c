/* The world: its memory, telling, and who waits for an answer. */
#include "rules/world.h"

#include "base/arena.h"
#include "base/text.h"
#include "rules/decide.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const service_state_name[SERVICE_STATES] = {
	[SERVICE_STOPPED] = "stopped",	 [SERVICE_STARTING] = "starting", [SERVICE_UP] = "up",
	[SERVICE_FAILING] = "failing",	 [SERVICE_STOPPING] = "stopping", [SERVICE_BACKOFF] = "backoff",
	[SERVICE_FAILED] = "failed",	 [SERVICE_HELD] = "held",
};
const char *const check_state_name[CHECK_STATES] = {
	[CHECK_UNKNOWN] = "unknown",
	[CHECK_UP] = "up",
	[CHECK_DEGRADED] = "degraded",
	[CHECK_DOWN] = "down",
};
const char *const route_state_name[ROUTE_STATES] = {
	[ROUTE_PRIMARY] = "primary",
	[ROUTE_REROUTED] = "rerouted",
	[ROUTE_MANUAL] = "manual",
	[ROUTE_STUCK] = "stuck",
};
const char *const chain_state_name[CHAIN_STATES] = {
	[CHAIN_UNKNOWN] = "unknown",
	[CHAIN_PRIMARY] = "primary",
	[CHAIN_SECONDARY] = "secondary",
	[CHAIN_DOWN] = "down",
};
const char *const incident_state_name[INCIDENT_STATES] = {
	[INCIDENT_OPEN] = "open",
	[INCIDENT_ACKED] = "acked",
	[INCIDENT_CLOSED] = "closed",
};

/* ---- memory ---- */

/* Zeroed. Once it failed, good stays false. */
static void *
get(struct arena *a, bool *good, size_t size)
{
	void *p = arena_get(a, size);
	*good = *good && p != NULL;
	return p;
}

static void
index_readers(struct world *w, struct readers *r, enum object_kind kind, uint32_t count, bool *good)
{
	const struct rules *rules = w->rules;
	uint32_t total = 0;
	r->first = get(w->arena, good, (count + 2) * sizeof *r->first);
	if (!*good)
		return;
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < rules->rule_count; i++)
			for (int c = 0; c < 2; c++) {
				const struct condition *cond =
					c == 0 ? &rules->rules[i].when
					       : &rules->rules[i].clear;
				for (uint32_t k = 0; k < cond->count; k++) {
					const struct op *op = &cond->ops[k];
					if (op->kind != OP_TEST || op->object != kind)
						continue;
					if (pass == 0)
						total++, r->first[op->id + 1]++;
					else
						r->rules[r->first[op->id]++] = i;
				}
			}
		if (pass == 0 && total == 0)
			return; /* nobody reads any: memory that is not touched */
		if (pass == 0) {
			for (uint32_t i = 0; i < count; i++)
				r->first[i + 1] += r->first[i];
			r->rules = get(w->arena, good, (total + 1) * sizeof *r->rules);
			if (!*good)
				return;
		}
	}
	/* the second pass moved each start to its end */
	for (uint32_t i = count; i > 0; i--)
		r->first[i] = r->first[i - 1];
	r->first[0] = 0;
}

static void
init_views(struct world *w, int64_t now_ms)
{
	const struct rules *r = w->rules;
	w->now_ms = now_ms;
	for (uint32_t i = 0; i < r->service_count; i++) {
		w->services[i].exit_code = -1;
		w->services[i].starting_next = RULES_NONE;
		for (unsigned m = 0; m < MSG_SAMPLE_VALUES; m++)
			w->services[i].values[m] = NAN;
	}
	for (uint32_t i = 0, first = 0; i < r->check_count; i++) {
		struct check_view *c = &w->checks[i];
		c->pace = PACE_NORMAL;
		c->first_value = first;
		c->value_room = (uint8_t)check_values_most(&r->checks[i]);
		first += c->value_room;
	}
	for (uint32_t i = 0; i < r->route_count; i++)
		w->routes[i].manual = RULES_NONE;
	for (uint32_t i = 0; i < r->rule_count; i++)
		w->ruleviews[i].wait_service = RULES_NONE;
	w->pending_first = w->pending_last = RULES_NONE;
}

/* What is believed of each object. */
static void
get_views(struct world *w, bool *good)
{
	const struct rules *rules = w->rules;
	struct arena *a = w->arena;
	size_t values = 0;
	for (uint32_t i = 0; i < rules->check_count; i++)
		values += check_values_most(&rules->checks[i]);
	w->services = get(a, good, rules->service_count * sizeof *w->services + 1);
	w->checks = get(a, good, rules->check_count * sizeof *w->checks + 1);
	w->values = get(a, good, values * sizeof *w->values + 1);
	w->value_metrics = get(a, good, values + 1);
	w->texts = get(a, good, rules->check_count * sizeof *w->texts + 1);
	w->asked_ms = get(a, good, rules->check_count * sizeof *w->asked_ms + 1);
	w->routes = get(a, good, rules->route_count * sizeof *w->routes + 1);
	w->ruleviews = get(a, good, rules->rule_count * sizeof *w->ruleviews + 1);
	w->chains = get(a, good, rules->chain_count * sizeof *w->chains + 1);
	w->waiting = get(a, good, (rules->rule_count + 1) * sizeof *w->waiting);
	w->brakes = get(a, good, (rules->chain_count + 1) * sizeof *w->brakes);
}

/* The row of all objects. */
static void
get_nodes(struct world *w, bool *good)
{
	static const enum object_kind order[] = { OBJECT_SERVICE, OBJECT_CHECK,
						  OBJECT_ROUTE, OBJECT_RULE,
						  OBJECT_CHAIN };
	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		w->base[order[i]] = w->node_count;
		w->node_count += rules_count(w->rules, order[i]);
	}
	w->base[NODE_INCIDENTS] = w->node_count;
	w->node_count += INCIDENTS + 1 + SILENCES;
	w->base[NODE_HOLDS] = w->node_count;
	w->node_count += w->rules->service_count;
	w->nodes = get(w->arena, good, w->node_count * sizeof *w->nodes);
	w->marks = get(w->arena, good, w->node_count);
	w->dry = get(w->arena, good, w->node_count * sizeof *w->dry);
	w->heap = get(w->arena, good, w->node_count * sizeof *w->heap);
	w->dirty = get(w->arena, good, w->node_count * sizeof *w->dirty);
	w->stale = get(w->arena, good, w->node_count * sizeof *w->stale);
}

static void
get_readers(struct world *w, bool *good)
{
	const struct rules *r = w->rules;
	if (*good)
		index_readers(w, &w->service_rules, OBJECT_SERVICE, r->service_count,
			      good);
	if (*good)
		index_readers(w, &w->check_rules, OBJECT_CHECK, r->check_count, good);
	if (*good)
		index_readers(w, &w->route_rules, OBJECT_ROUTE, r->route_count, good);
	if (*good)
		index_readers(w, &w->chain_rules, OBJECT_CHAIN, r->chain_count, good);
}

/* What services remember of crashes, and rules of windows. */
static void
get_memory(struct world *w, bool *good)
{
	const struct rules *rules = w->rules;
	for (uint32_t i = 0; *good && i < rules->service_count; i++) {
		struct service_view *s = &w->services[i];
		s->crash_cap = rules->services[i].at_most + 1;
		s->crash_ms = get(w->arena, good, s->crash_cap * sizeof *s->crash_ms);
	}
	for (uint32_t i = 0; *good && i < rules->rule_count; i++) {
		const struct rule *r = &rules->rules[i];
		w->ruleviews[i].slots =
			get(w->arena, good, (r->when.slots + 1) * sizeof(struct slot));
		w->ruleviews[i].clear_slots =
			get(w->arena, good, (r->clear.slots + 1) * sizeof(struct slot));
	}
	*good = *good && memory_begin(w);
}

struct world *
world_new(const struct rules *rules, uint64_t seed, const char *host, int64_t now_ms)
{
	struct arena *a = arena_new(1);
	bool good = a != NULL;
	struct world *w = good ? get(a, &good, sizeof *w) : NULL;
	if (!good) {
		arena_free(&a);
		return NULL;
	}
	w->rules = rules;
	w->arena = a;
	w->random = seed | 1;
	text_print(w->host, sizeof w->host, "%s", host);
	get_views(w, &good);
	get_nodes(w, &good);
	get_readers(w, &good);
	get_memory(w, &good);
	if (!good) {
		arena_free(&a);
		return NULL;
	}
	init_views(w, now_ms);
	return w;
}

void
world_free(struct world **wp)
{
	if (*wp != NULL) {
		struct arena *a = (*wp)->arena;
		arena_free(&a);
	}
	*wp = NULL;
}

struct node *
world_node(struct world *w, enum object_kind kind, uint32_t id)
{
	return &w->nodes[w->base[kind] + id];
}

/* ---- decisions ---- */

struct decision *
world_decide(struct world *w, enum decision_kind kind, uint32_t id)
{
	assert(w->out->count < DECISIONS_ROOM);
	struct decision *d = &w->out->list[w->out->count++];
	memset(d, 0, offsetof(struct decision, line));
	d->kind = kind;
	d->id = id;
	d->text[0] = '\0';
	return d;
}

uint64_t
world_tell(struct world *w, const char *kind, enum object_kind object, uint32_t id,
	   const char *format, ...)
{
	struct decision *d = world_decide(w, DECIDE_TELL, id);
	struct journal_line *l = &d->line;
	va_list args;
	memset(l, 0, sizeof *l);
	l->id = ++w->last_event;
	l->real_ms = w->real_ms;
	l->cause = w->cause;
	text_print(l->kind, sizeof l->kind, "%s", kind);
	text_print(l->object_kind, sizeof l->object_kind, "%s", object_kind_name[object]);
	text_print(l->object, sizeof l->object, "%s", rules_name(w->rules, object, id));
	if (object == OBJECT_RULE)
		text_print(l->rule, sizeof l->rule, "%s", l->object);
	l->incident = object != OBJECT_MONITORD && object != OBJECT_CONTACT &&
				      object != OBJECT_CHAIN
			      ? incident_of(w, object, id)
			      : 0;
	va_start(args, format);
	vsnprintf(l->text, sizeof l->text, format, args);
	va_end(args);
	if (strncmp(kind, "incident-", 9) == 0)
		return l->id; /* that people are told leads to nothing */
	if (object == OBJECT_SERVICE)
		w->services[id].event = l->id;
	else if (object == OBJECT_CHECK)
		w->checks[id].event = l->id;
	else if (object == OBJECT_ROUTE)
		w->routes[id].event = l->id;
	else if (object == OBJECT_RULE)
		w->ruleviews[id].event = l->id;
	return l->id;
}

void
world_tell_to(struct world *w, const struct alerts_to *to, enum object_kind object, uint32_t id,
	      const char *text)
{
	if (to->count == 0)
		return;
	world_tell(w, "alert", object, id, "%s", text);
	struct journal_line *l = &w->out->list[w->out->count - 1].line;
	struct text t;
	text_begin(&t, l->to, sizeof l->to);
	for (uint32_t i = 0; i < to->count; i++)
		if (to->to[i].after_ms == 0)
			text_add(&t, "%s%s", t.length > 0 ? "," : "",
				 w->rules->contacts[to->to[i].contact].name);
}

void
world_patience(struct world *w, int64_t ms)
{
	w->patience_ms = ms;
}

void
world_zone(struct world *w, int32_t offset_s)
{
	w->zone_s = offset_s;
}

bool
world_wait(struct waiter *waiters, uint64_t token, enum verb verb)
{
	for (unsigned i = 0; i < TOKENS; i++)
		if (waiters[i].token == 0) {
			waiters[i] = (struct waiter){ .token = token, .verb = verb };
			return true;
		}
	return false;
}

bool
world_may_wait(const struct waiter *waiters)
{
	for (unsigned i = 0; i < TOKENS; i++)
		if (waiters[i].token == 0)
			return true;
	return false;
}

void
world_answer(struct world *w, struct waiter *waiters, int verb, enum command_answer answer,
	     const char *text)
{
	for (unsigned i = 0; i < TOKENS; i++) {
		if (waiters[i].token == 0 || (verb >= 0 && (int)waiters[i].verb != verb))
			continue;
		struct decision *d = world_decide(w, DECIDE_ANSWER, 0);
		d->token = waiters[i].token;
		d->answer = answer;
		d->event = w->last_event;
		text_print(d->text, sizeof d->text, "%s", text);
		waiters[i].token = 0;
	}
}

bool
world_room(const struct world *w)
{
	return w->out->count < DECISIONS_ROOM / 4;
}

uint32_t
world_random(struct world *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return (uint32_t)(w->random >> 32);
}

uint64_t
world_last_event(const struct world *w)
{
	return w->last_event;
}
