/* rules/world_state.h: inside the pure core: the world, and how its objects are marked, awaited and
 * told of. Only the files that decide or remember for them include it, and the simulator, which
 * holds them to promises. */
#ifndef RULES_WORLD_STATE_H
#define RULES_WORLD_STATE_H

#include "rules/believed.h"
#include "rules/series.h"

#include <assert.h>

#define INCIDENTS 512	   /* remembered; the oldest closed one is replaced */
#define NO_INCIDENT UINT32_MAX
#define NEVER INT64_MAX

struct brake { /* on actions, of the machine or a chain */
	int64_t times_ms[AT_MOST_MAX];
	uint32_t next;
	bool told;
};

/* The objects of all kinds in one row: services, checks, routes, rules, chains, incidents. */
struct node {
	int64_t due_ms;
	uint32_t heap; /* place in the heap + 1; 0: no deadline */
	uint16_t behind_incident; /* its index + 1; 0: NO_INCIDENT */
	bool bad;
};
static_assert(INCIDENTS < UINT16_MAX, "struct node has no room");

/* Index or NO_INCIDENT. */
static inline uint32_t
node_incident(const struct node *n)
{
	return (uint32_t)n->behind_incident - 1;
}

static inline void
node_set_incident(struct node *n, uint32_t index)
{
	n->behind_incident = (uint16_t)(index + 1); /* NO_INCIDENT + 1 is 0 */
}

enum { MARK_DIRTY = 1, MARK_STALE = 2 }; /* of nodes */

struct readers { /* which rules read an object, or series remember it: CSR */
	uint32_t *first; /* count + 1; NULL: none at all */
	uint32_t *rules;
};

struct world {
	const struct rules *rules;
	struct arena *arena;
	char host[256];
	uint64_t random;
	struct service_view *services;
	struct check_view *checks;
	double *values; /* of checks, as many as their kinds measure */
	uint8_t *value_metrics; /* enum metric of each */
	char (*texts)[MSG_TEXT]; /* by check: why it is not up */
	int64_t *asked_ms;	 /* by check: when, as a witness; 0: not */
	struct route_view *routes;
	struct rule_view *ruleviews;
	struct chain_view *chains;
	bool chains_due; /* something of them may have changed */
	struct incident incidents[INCIDENTS];
	uint32_t incident_end; /* behind the last place that was ever used: no more is looked at */
	struct silence silences[SILENCES];
	bool unspoken; /* a silence is over, and not all that it hid is told */
	uint32_t incident_next;
	struct node *nodes;
	uint8_t *marks; /* by node: MARK_... */
	const char **dry; /* by node: what a dry run told last that would be done */
	uint32_t node_count, base[OBJECT_KINDS + 1];
	uint32_t *heap, heap_count;
	uint32_t *dirty, dirty_first, dirty_count; /* ring of node indexes */
	uint32_t *stale, stale_count;		   /* nodes that will be dirty in time */
	struct readers service_rules, check_rules, route_rules, chain_rules;
	struct series_view *series;
	struct brake *brakes; /* one a chain, then the machine's */
	int64_t patience_ms;
	int32_t zone_s;	      /* local time less UTC */
	struct readers series_of[OBJECT_KINDS]; /* which remember an object's metrics */
	uint32_t pending_first, pending_last, starting;
	uint32_t *waiting, waiting_rules; /* ids of the rules whose action is waited for */
	bool going; /* EVENT_GO came */
	bool suspects;	      /* ourselves: falls of checks are held back, and it was told */
	uint32_t held;	      /* checks whose fall is held back */
	int64_t suspected_ms; /* when it was last found so */
	bool moved; /* after a reload: nothing of this is a boot */
	bool recalled; /* times of services are still real ones */
	uint32_t go_next;
	bool stopping_all;
	bool stops_left, stops_due; /* some wait for their turn; the turn of some has come */
	uint32_t turns;		    /* services in_turn */
	uint32_t affected;	    /* so many services must be told of */
	uint64_t last_event, last_token;
	/* during one decide(): */
	int64_t now_ms, real_ms;
	struct decisions *out;
	uint64_t cause; /* of what is told now */
};

/* ---- world.c, deadline.c, dirty.c ---- */
struct decision *world_decide(struct world *w, enum decision_kind kind, uint32_t id);
void world_arm(struct world *w, enum object_kind kind, uint32_t id, int64_t due_ms); /* NEVER: none */
void world_mark(struct world *w, enum object_kind kind, uint32_t id); /* its view changed */
/* It was measured anew, and is as before: who looks may hear of it later. */
void world_mark_later(struct world *w, enum object_kind kind, uint32_t id);
double world_sampled(const struct service_view *s, enum metric m); /* NaN: not known */
bool world_room(const struct world *w); /* false: what can wait takes a later turn */
uint32_t world_random(struct world *w);
struct node *world_node(struct world *w, enum object_kind kind, uint32_t id);
#define NODE_HOLDS OBJECT_CONTACT /* ends of holds, a node a service, take this one's */
#define NODE_INCIDENTS OBJECT_MONITORD /* incidents take this kind's place in the row */
#define NODE_SILENCE INCIDENTS	       /* behind them: the end of the next silence, and then */
#define NODE_SILENCES (INCIDENTS + 1)  /* the views of silences */

/* Writes a journal line about an object, with the incident it belongs to, caused by
 * w->cause; returns its id. */
uint64_t world_tell(struct world *w, const char *kind, enum object_kind object, uint32_t id,
		    const char *format, ...) __attribute__((format(printf, 5, 6)));
void world_answer(struct world *w, struct waiter *waiters, int verb, enum command_answer answer,
		  const char *text); /* verb -1: all */
bool world_wait(struct waiter *waiters, uint64_t token, enum verb verb);
bool world_may_wait(const struct waiter *waiters); /* there is room for one more */
#define WORLD_MANY_WAIT "too many commands wait for it: once more, when one has ended"

/* Tells these contacts at once, as an alert. */
void world_tell_to(struct world *w, const struct alerts_to *to, enum object_kind object, uint32_t id,
		   const char *text);

/* ---- view.c ---- */
#define WORLD_PERSON 32
/* Who gave a command: "uid 0", or "a token" (over TCP there is no user). Returns out. */
const char *world_person(uint32_t uid, char out[WORLD_PERSON]);

#endif
