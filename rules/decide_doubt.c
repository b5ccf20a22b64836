/* Ourselves in doubt: when checks of unrelated services fail together, though their
 * processes live and nothing is heard of them, the network, or monitord itself, is more
 * likely ill than they. The fall of a check is then held back: it is unknown, and unknown
 * causes nothing. Whoever refuses, or gives a wrong answer, was heard: that is believed.
 *
 * A check that fails for the first time has some others measured at once, so that by its
 * last re-check it is known how they are: one that is well answers at once, and no time
 * is lost. */
#include "rules/decide.h"

#include "base/text.h"

#define WITNESSES 4
#define LOOKED_AT 64    /* when they are chosen */
#define FAILING_LEAST 3 /* services, or checks of none */
#define RECENT_MS 10000 /* failing for longer is another matter */
#define SOME_MS 60000   /* how long it is held: some are well, or one needs all others */
#define ALL_MS 600000   /* nobody is, and they have nothing to do with each other */
#define PENDING_MS 500  /* after a witness's own time limit */

enum vote { VOTE_NONE, VOTE_GOOD, VOTE_BAD, VOTE_PENDING };

struct poll {
	int64_t since_ms; /* of the first failure */
	uint32_t good, bad, roots, pending;
	int64_t wait_ms; /* for those that were asked */
};

static bool
lives(const struct world *w, uint32_t of)
{
	return of == RULES_NONE ||
	       (w->services[of].alive && !w->services[of].dying && !service_quiet(w, of));
}

static bool
counts(const struct world *w, uint32_t id)
{
	return check_role(&w->rules->checks[id]) == ROLE_NET &&
	       w->checks[id].pace != PACE_OFF && lives(w, w->rules->checks[id].of);
}

void
doubt_begins(struct world *w, uint32_t id)
{
	const struct rules *r = w->rules;
	uint32_t asked = 0, last = r->checks[id].of;
	if (!counts(w, id))
		return;
	for (uint32_t k = 1; k < r->check_count && k < LOOKED_AT && asked < WITNESSES;
	     k++) {
		uint32_t other = (id + k) % r->check_count;
		uint32_t of = r->checks[other].of;
		struct check_view *v = &w->checks[other];
		bool same = of != RULES_NONE && (of == r->checks[id].of || of == last);
		if (same || !counts(w, other) || !world_room(w) ||
		    (v->state != CHECK_UP && v->state != CHECK_DEGRADED))
			continue;
		w->asked_ms[other] = w->now_ms;
		if (v->bad_since_ms == 0) { /* who fails itself is no help */
			last = of;
			asked++;
		}
		if (v->pace == PACE_NORMAL)
			check_pace(w, other, PACE_NOW);
	}
}

static enum vote
vote_of(const struct world *w, uint32_t id, struct poll *p)
{
	const struct check_view *v = &w->checks[id];
	if (!counts(w, id))
		return VOTE_NONE;
	if (v->bad_since_ms != 0 && v->silent)
		return w->now_ms - v->bad_since_ms <= RECENT_MS || v->held ? VOTE_BAD
									   : VOTE_NONE;
	if (v->state == CHECK_UNKNOWN && v->bad_since_ms == 0)
		return VOTE_NONE; /* our own failure to measure it */
	if (v->measured_ns / 1000000 >= p->since_ms)
		return VOTE_GOOD;
	if (w->asked_ms[id] < p->since_ms)
		return VOTE_NONE;
	int64_t wait_ms = w->rules->checks[id].timeout_ms + PENDING_MS;
	p->wait_ms = wait_ms > p->wait_ms ? wait_ms : p->wait_ms;
	return VOTE_PENDING;
}

/* The best that a check of it says. */
static enum vote
vote_of_service(const struct world *w, uint32_t id, struct poll *p)
{
	const struct id_list *checks = &w->rules->services[id].checks;
	enum vote vote = VOTE_NONE;
	for (uint32_t i = 0; i < checks->count && vote != VOTE_GOOD; i++) {
		enum vote one = vote_of(w, checks->ids[i], p);
		if (one == VOTE_GOOD || vote == VOTE_NONE || one == VOTE_BAD)
			vote = one != VOTE_NONE ? one : vote;
	}
	return vote;
}

static bool
any_bad(const struct world *w, const struct id_list *services, struct poll *p)
{
	for (uint32_t i = 0; i < services->count; i++)
		if (vote_of_service(w, services->ids[i], p) == VOTE_BAD)
			return true;
	return false;
}

static void
count(struct poll *p, enum vote vote, bool root)
{
	p->good += vote == VOTE_GOOD;
	p->bad += vote == VOTE_BAD;
	p->roots += vote == VOTE_BAD && root;
	p->pending += vote == VOTE_PENDING;
}

static void
ask_all(const struct world *w, struct poll *p)
{
	const struct rules *r = w->rules;
	for (uint32_t s = 0; s < r->service_count; s++) {
		enum vote vote = vote_of_service(w, s, p);
		const struct service *c = &r->services[s];
		count(p, vote,
		      vote == VOTE_BAD && !any_bad(w, &c->depends_services, p) &&
			      !any_bad(w, &c->after, p));
	}
	for (uint32_t i = 0; i < r->check_count; i++)
		if (r->checks[i].of == RULES_NONE)
			count(p, vote_of(w, i, p), true);
}

/* How long this may be our own fault; 0: it is not. */
static int64_t
hold_ms(const struct poll *p)
{
	uint32_t all = p->good + p->bad + p->pending;
	if (p->bad + p->pending < FAILING_LEAST)
		return 0;
	if (p->pending > 0 && 2 * (p->bad + p->pending) > all)
		return p->wait_ms;
	if (p->good == 0)
		return p->roots > 1 ? ALL_MS : SOME_MS;
	return p->roots >= FAILING_LEAST && 2 * p->bad > all ? SOME_MS : 0;
}

static void
tell(struct world *w, uint32_t id, const struct poll *p)
{
	char text[300];
	if (w->suspects || p->pending > 0)
		return;
	w->suspects = true;
	text_print(
		text, sizeof text,
		"%u of %u services fail their checks at once, though their processes "
		"live: the "
		"network or monitord itself is suspected, and nothing is done for them",
		p->bad, p->bad + p->good);
	incident_bad(w, OBJECT_CHECK, id, text);
	world_tell(w, "checks-suspected", OBJECT_CHECK, id, "%s", text);
}

void
doubt_set(struct world *w, uint32_t id, bool held)
{
	struct check_view *v = &w->checks[id];
	w->held += (uint32_t)held - (uint32_t)v->held;
	if (w->held == 0)
		w->suspects = false; /* the next time it is told again */
	v->held = held;
	v->doubted = held && v->doubted;
}

/* Others are well again: it may have been measured while nobody was, and fails anew or not. */
static void
count_anew(struct world *w, uint32_t id)
{
	struct check_view *v = &w->checks[id];
	v->valid_ns = w->now_ms * 1000000;
	v->window = 0;
	v->bad_since_ms = 0;
	doubt_set(w, id, false);
}

bool
doubt_holds(struct world *w, uint32_t id)
{
	struct check_view *v = &w->checks[id];
	struct poll p = { .since_ms = v->bad_since_ms };
	if (!counts(w, id) || !v->silent) {
		doubt_set(w, id, false);
		return false;
	}
	if (w->suspects && v->held && w->now_ms - w->suspected_ms < 100)
		return true; /* asked just now, by another */
	ask_all(w, &p);
	int64_t limit = hold_ms(&p);
	bool holds = limit > 0 && w->now_ms - v->bad_since_ms <= limit;
	if (limit == 0 && v->doubted) {
		count_anew(w, id);
		return true;
	}
	if (holds) {
		tell(w, id, &p);
		w->suspected_ms = w->now_ms;
	}
	doubt_set(w, id, holds);
	v->doubted = holds && w->suspects;
	return holds;
}

void
doubt_answered(struct world *w, uint32_t id)
{
	bool asked = w->asked_ms[id] != 0;
	if (asked)
		w->asked_ms[id] = 0;
	for (uint32_t i = 0;
	     asked && w->held > 0 && i < w->rules->check_count && world_room(w); i++)
		if (w->checks[i].held && i != id && w->checks[i].bad_since_ms != 0)
			check_falls(w, i);
}
