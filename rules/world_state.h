/* rules/world_state.h: inside the pure core: the believed states. Only the files that
 * decide or remember for them include it, and the simulator, which holds them to promises. */
#ifndef RULES_WORLD_STATE_H
#define RULES_WORLD_STATE_H

#include "rules/series.h"
#include "rules/world.h"

#define TOKENS 4	   /* commands that wait for one object's outcome */
#define INCIDENTS 512	   /* remembered; the oldest closed one is replaced */
#define NO_INCIDENT UINT32_MAX
#define NEVER INT64_MAX

#define OPEN_MAIL_MS 2000  /* an incident gathers before it is told */
#define SETTLE_MS 2000	   /* all good for so long: closed */
#define RECALL_MS 10000	   /* an incident of an earlier life may prove that it goes on */
#define LINGER_SEEN_MS 1000 /* the same, when only left-overs serve */
#define DRAIN_GRACE_MS 500 /* requests in flight end */

struct waiter {
	uint64_t token; /* 0: free */
	enum verb verb;
};

/* What the journal of an earlier life says of a service, until EVENT_GO. */
enum last { LAST_NONE, LAST_STARTING, LAST_RAN, LAST_STOPPED, LAST_FAILED };

enum after_stop { AFTER_STAY, AFTER_START, AFTER_CRASH };

struct service_view {
	enum service_state state;
	bool held, by_command; /* hands off; stopped by an operator */
	bool alive;	       /* the main process lives */
	bool dying;	       /* it lives, but serves nobody new any more */
	bool leaves;	       /* dying by its own word: it ends the requests it has */
	bool occupied;	       /* something of it lives, or is about to */
	int64_t hold_until_ms; /* real time; 0: until it is released */
	bool moved;	       /* a reload carried it over, and starts nothing that was stopped */
	bool pending;	       /* waits for its turn to start, or for what it depends on */
	bool draining;	       /* a planned restart waits for its route */
	bool lingers; /* its main process is dead, the rest ends the requests it has */
	bool proven;	       /* was up since its last start */
	bool told_unkillable;
	bool suspect;	/* it is ended because something is wrong with it */
	bool gathered;	/* the evidence of this process was asked for */
	bool kill_next; /* a rule's kill waits for that */
	uint64_t gathering; /* token of the evidence that its end waits for; 0: none */
	uint64_t blame;	    /* incident that its evidence belongs to, where it has none of its own */
	bool drained; /* out of its routes by order */
	bool in_turn; /* its restart waits for others of its family */
	bool given_up; /* too many crashes: hands off, but for one try after `retry` */
	bool trial;    /* that try is under way */
	enum last last;
	int64_t last_ms;      /* when it failed */
	bool ran_before;      /* when the machine went down */
	bool ended;	      /* its end is known */
	bool owed;	      /* a restart, as its section has changed */
	bool broken_off;      /* we died while it was being stopped, to do `after` */
	enum after_stop after;
	uint32_t step; /* of the stop ladder */
	int32_t pid, exit_code, exit_signal;
	uint32_t restarts, crashes; /* crashes in a row, for the back-off */
	int64_t *crash_ms; /* a ring: of one more than at-most forgives */
	uint32_t crash_cap, crash_next;
	int64_t started_ms, started_real_ms, since_real_ms, up_ms;
	int64_t drain_ms; /* when the drain was seen; 0: not yet */
	uint32_t starting_next; /* list of pending */
	struct waiter waiters[TOKENS];
	uint64_t affected; /* incident of something that it depends on, told of it */
	enum object_kind affected_kind;
	uint32_t affected_by;
	bool tell_affected;
	bool needed;	/* while all are stopped: somebody who needs it is not gone */
	uint64_t event; /* the last about it */
	float values[MSG_SAMPLE_VALUES]; /* by service_value_slot; NaN: not known */
	int64_t sample_ms; /* 0: none of this process */
};

/* What of it is seldom there lies in arrays of their own, by id: memory that nobody has touched
 * costs nothing. */
struct check_view {
	uint64_t window; /* newest in bit 0, 1 = bad */
	int64_t bad_since_ms, good_since_ms; /* 0: not */
	int64_t valid_ns; /* exchanges begun before this prove nothing */
	int64_t measured_ns, latency_ns;
	int64_t since_real_ms;
	uint64_t event;
	uint32_t goods;	      /* in a row */
	uint32_t first_value; /* in the world's values */
	uint8_t value_room, value_count;
	uint8_t seen;  /* observations in the window */
	uint8_t state; /* enum check_state */
	uint8_t pace;  /* enum pace */
	bool held;     /* its fall is held back: decide_doubt.c */
	bool silent;   /* nobody was heard when it failed last */
	bool doubted;  /* while we suspected ourselves: what it failed then proves nothing */
	bool fell;     /* its last verdict was down, though it may be unknown now */
	bool judged;   /* it had a verdict, or could not be measured, once */
	bool has_text; /* in the world's texts */
};

enum verify { VERIFY_NONE, VERIFY_ORDERED, VERIFY_ASKED };

struct route_view {
	enum route_state state;
	uint64_t wanted, seen, undo; /* undo: the set before the last order */
	uint64_t refused;	     /* backends that failed a verify; until they change, */
	int64_t retry_ms[RULES_BACKENDS_MAX]; /* or until then: longer after each failure */
	uint32_t refusals[RULES_BACKENDS_MAX]; /* in a row */
	uint64_t drained;	     /* by planned restarts, or an order */
	uint64_t hand_out, hand_in;  /* by a hand at the front itself, until it is restored */
	int64_t manual_until_ms; /* real time; 0: until it is restored */
	int64_t unclear_ms;	     /* since when two are active by hand; 0: not */
	uint64_t busy;		     /* of those that carry nothing new: requests are in flight, */
	bool counts;		     /* as the front can tell */
	bool panic;		     /* most checks of its backends fell: they are not believed */
	bool told_flap;
	uint64_t planned;	     /* came back from one: waits for no hold-down */
	bool is_seen, error;
	uint64_t dry_set; /* what a dry run told last of */
	bool braked; /* it should move, but it flaps */
	uint64_t number;	     /* of the newest order */
	uint32_t manual;	     /* backend, RULES_NONE: none */
	enum verify verify;
	int64_t verify_due_ms, verify_after_ns;
	int64_t good_since_ms[RULES_BACKENDS_MAX]; /* 0: not good */
	int64_t moves_ms[16];
	uint32_t move_next;
	bool moved;   /* an order is out whose effect was not told yet */
	int64_t since_real_ms;
	struct waiter waiters[TOKENS];
	uint64_t event, cause;
	char text[MSG_TEXT];
};

struct chain_view {
	enum chain_state state, known; /* known: the last that was not unknown, */
	int64_t since_real_ms, known_real_ms; /* and since when */
	uint64_t event;
	char text[MSG_TEXT]; /* which member makes it so */
};

struct slot { /* memory of one window of a condition */
	int64_t since_ms; /* true since; 0: not */
	uint64_t bits;
	uint32_t count;
};

struct waiting { /* windows that are not full yet */
	int64_t true_ms; /* when the first is, if its test goes on; 0: none */
	uint32_t samples, needed; /* of N of M; needed 0: none */
};

struct rule_view {
	enum truth truth;
	struct waiting waiting; /* while it is not true */
	bool firing;
	uint32_t fired;
	int64_t fired_ms, since_real_ms;
	int64_t fire_ms[16]; /* for escalate */
	uint32_t fire_next;
	const struct action *actions; /* running now; NULL: none */
	uint32_t action_count, action_at;
	uint32_t wait_service; /* the running action waits for it */
	uint64_t wait_token;   /* or for this command */
	int64_t wait_due_ms;
	uint64_t event, fired_event; /* the last about it; that it fired last */
	struct slot *slots, *clear_slots;
	uint64_t told_ms;
	char text[MSG_TEXT * 2]; /* measurements against thresholds when it fired */
};

#define FLAP_TURNS 3 /* within FLAP_MS: it flaps */
struct incident {
	uint64_t id; /* of its first event; 0: free */
	enum incident_state state;
	enum object_kind root_kind;
	uint32_t root_id;
	int64_t since_ms, since_real_ms, until_real_ms, good_ms, closed_ms;
	int64_t bad_ms; /* when it last turned bad */
	uint32_t bad;	/* members that are not well */
	bool told;	/* incident-open was written */
	bool quiet;	/* but to nobody, as it was silenced */
	bool hidden;	/* a silence kept something of it from being told */
	bool again;	/* it was over, and that it is not is still to be told */
	bool flaps;
	bool recalled; /* told_ms is a real time yet */
	int64_t line_real_ms; /* of its newest recalled line that tells what happened */
	uint32_t turns;
	int64_t turn_ms[FLAP_TURNS]; /* when it turned bad, a ring */
	uint64_t event;
	int64_t told_ms;
	int64_t elapsed_ms; /* after told_ms: reminders and escalations up to then are done */
	char who[MSG_PERSON], why[MSG_TEXT]; /* that it was acknowledged */
	char text[MSG_TEXT * 2];
};

#define SILENCES 64
struct silence {
	int64_t until_real_ms; /* 0: free */
	enum object_kind kind; /* OBJECT_MONITORD: all */
	uint32_t id;
	uint64_t event; /* that ordered it */
	char who[MSG_PERSON], why[MSG_TEXT];
};

/* The objects of all kinds in one row: services, checks, routes, rules, incidents. */
struct brake { /* on actions, of the machine or a chain */
	int64_t times_ms[AT_MOST_MAX];
	uint32_t next;
	bool told;
};

struct node {
	uint32_t heap; /* place in the heap + 1; 0: no deadline */
	const char *dry; /* what a dry run told last that would be done */
	int64_t due_ms;
	uint32_t behind_incident; /* its index + 1; 0: NO_INCIDENT */
	bool bad;
};

/* Index or NO_INCIDENT. */
static inline uint32_t
node_incident(const struct node *n)
{
	return n->behind_incident - 1;
}

static inline void
node_set_incident(struct node *n, uint32_t index)
{
	n->behind_incident = index + 1;
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

/* Tells these contacts at once, as an alert. */
void world_tell_to(struct world *w, const struct alerts_to *to, enum object_kind object, uint32_t id,
		   const char *text);

/* ---- decide_dry.c ---- */
/* In a dry run: tells what would be done to it, and it must not be done. what: static. */
bool dry_instead(struct world *w, enum object_kind kind, uint32_t id, const char *what);
void dry_drop(struct world *w); /* orders that were decided all the same */

/* ---- decide_brake.c ---- */
/* Too many actions already: it must not be done; told once. Else it is counted. */
bool brake_stops(struct world *w, uint32_t rule, const struct action *a);
void brakes_move(struct world *to, const struct world *from);

/* ---- decide_incident.c, recall_incident.c ---- */
/* The object is bad now: opens an incident or joins one; text is its sentence. */
void incident_bad(struct world *w, enum object_kind kind, uint32_t id, const char *text);
void incident_good(struct world *w, enum object_kind kind, uint32_t id);
/* Something worse has come of it: text is its sentence from now on, and is told at once if
 * the first one was told already. */
void incident_worse(struct world *w, enum object_kind kind, uint32_t id, const char *text);
uint64_t incident_of(struct world *w, enum object_kind kind, uint32_t id);
void incident_timer(struct world *w, uint32_t index);
bool incident_ack(struct world *w, const struct event *e, const char **why);
void incidents_settle(struct world *w); /* what was recalled: real times become ours */
void incidents_move(struct world *to, const struct world *from); /* to a world of new rules */
void incident_recall(struct world *w, const struct journal_line *line);

/* ---- view.c ---- */
#define WORLD_PERSON 32
/* Who gave a command: "uid 0", or "a token" (over TCP there is no user). Returns out. */
const char *world_person(uint32_t uid, char out[WORLD_PERSON]);

/* ---- decide_silence.c ---- */
bool silence_command(struct world *w, const struct event *e, const char **why);
bool silenced(const struct world *w, enum object_kind kind, uint32_t id);
void silence_timer(struct world *w);
void silence_recall(struct world *w, const struct journal_line *line);
void silences_move(struct world *to, const struct world *from);
void silence_add(struct world *w, const struct silence *s); /* of an earlier life */

/* ---- decide_service.c ---- */
void service_event(struct world *w, const struct event *e);
void service_timer(struct world *w, uint32_t id);
void service_go(struct world *w);
void service_stop_all(struct world *w);
void service_check_changed(struct world *w, uint32_t id);
bool service_command(struct world *w, const struct event *e, const char **why);
void service_restart(struct world *w, uint32_t id);
void service_stop(struct world *w, uint32_t id, enum after_stop after);
void service_start(struct world *w, uint32_t id);
void service_kill(struct world *w, uint32_t id); /* all of it at once */
void service_hold_for(struct world *w, uint32_t id, uint32_t seconds);
void service_hold_timer(struct world *w, uint32_t id);
void service_hold(struct world *w, uint32_t id, bool hold);
/* A route no longer sends it traffic; counted: no request is in flight. */
void service_drained(struct world *w, uint32_t id, bool counted);
void service_pending(struct world *w);		    /* starts whose turn it is */
bool service_steady(const struct world *w, uint32_t id); /* no action of it is under way */
void service_arm_retry(struct world *w, uint32_t id); /* of what has failed */
/* It has never been up, and nothing of it has died. */
bool service_is_new(const struct service_view *s);
/* New, and on its way: nothing that it needs has given up. */
bool service_is_coming(const struct world *w, uint32_t id);
bool service_quiet(const struct world *w, uint32_t id);	 /* its checks decide nothing now */

/* ---- decide_need.c ---- */
/* It is not well: who depends on it is told of, in the same incident, and left alone. */
void need_failed(struct world *w, enum object_kind kind, uint32_t by);
void need_tell(struct world *w); /* as many as there is room for */

/* ---- decide_drain.c ---- */
/* False: why says what forbids it. */
bool service_drain(struct world *w, uint32_t id, bool drain, const char **why);
bool service_drain_command(struct world *w, const struct event *e, const char **why);
void service_is_out(struct world *w, uint32_t id); /* a route may have let go of it */
void drains_again(struct world *w);
/* The time is over, and no front said that it is out, or that its requests have ended. */
void drain_is_late(struct world *w, uint32_t id);

/* ---- decide_evidence.c ---- */
bool evidence_kill(struct world *w, uint32_t id); /* False: it is to be killed at once */
void evidence_suspect(struct world *w, uint32_t id, uint64_t incident);

/* ---- decide_turn.c ---- */
void service_turns(struct world *w); /* restarts whose turn has come */

/* ---- recall.c ---- */
void recall_settle(struct world *w); /* real times become those of our clock */

/* ---- decide_death.c ---- */
bool service_count_restart(struct world *w, uint32_t id, const char *by); /* false: given up */

/* ---- decide_check.c ---- */
void check_result(struct world *w, const struct event *e);
void check_unknown(struct world *w, uint32_t id, const char *text);
/* Of its service: a warning that was seen meanwhile is told now. */
void check_start_is_over(struct world *w, uint32_t id);
void check_forget(struct world *w, uint32_t id); /* older exchanges prove nothing */
const char *check_text(const struct world *w, uint32_t id); /* why it is not up, or "" */
void check_pace(struct world *w, uint32_t id, enum pace pace);
void check_falls(struct world *w, uint32_t id); /* it is held back: is it still? */
void check_role_lost(struct world *w, enum role role);

/* ---- decide_doubt.c ---- */
void doubt_begins(struct world *w, uint32_t id); /* it failed for the first time */
/* It would fall now, but so many others do that we suspect ourselves. */
bool doubt_holds(struct world *w, uint32_t id);
void doubt_set(struct world *w, uint32_t id, bool held);
void doubt_answered(struct world *w, uint32_t id); /* a witness has spoken, maybe */

/* ---- decide_route.c ---- */
void route_seen(struct world *w, const struct event *e);
void route_timer(struct world *w, uint32_t id);
void route_update(struct world *w, uint32_t id); /* the health of a backend may have changed */
void route_verify_result(struct world *w, uint32_t id, bool good, int64_t began_ns);
bool route_command(struct world *w, const struct event *e, const char **why);
void route_manual(struct world *w, uint32_t id, uint32_t backend);
void route_take(struct world *w, uint32_t id, uint32_t service, bool out);
void route_drain(struct world *w, uint32_t service, bool drain);
/* The service is up for the first time: it comes in without a hold-down. */
void route_awaited(struct world *w, uint32_t id, uint32_t service);
/* The route has this service for a backend, and does not know how it is. */
bool route_unmeasured(const struct world *w, uint32_t id, uint32_t service);
bool route_can_lose(struct world *w, uint32_t id, uint32_t service);
/* Which backends of the route are this service. */
uint64_t route_places(const struct world *w, uint32_t id, uint32_t service);
uint32_t route_healthy(const struct world *w, uint32_t id);
/* The fall of a backend's check is held back: nobody knows how many are healthy. */
bool route_doubted(const struct world *w, uint32_t id);
/* A backend is not known yet: its first start is under way, or its check has said nothing. */
bool route_is_new(const struct world *w, uint32_t id);

/* ---- decide_chain.c ---- */
void chains_look(struct world *w); /* as something has changed */
void chains_move(struct world *to, const struct world *from);
void chain_recall(struct world *w, const struct journal_line *line);

/* ---- decide_rule.c ---- */
void rule_changed(struct world *w, enum object_kind kind, uint32_t id, bool sample);
/* The same behind this event: what a rule does must not fall into the middle of it. */
void rule_look(struct world *w, enum object_kind kind, uint32_t id);
void rule_timer(struct world *w, uint32_t id);
void rule_progress(struct world *w);
void rule_forget(struct world *w, uint32_t service); /* it has a new process */
void rule_run_done(struct world *w, const struct event *e);
/* "restart tomcat" */
void action_text(const struct world *w, const struct action *a, char *out, size_t cap);

/* ---- memory.c ---- */
/* What functions over time look back on; false: out of memory. */
bool memory_begin(struct world *w);
/* The object's metrics may be others now; sample: they were measured anew. */
void memory_take(struct world *w, enum object_kind kind, uint32_t id, bool sample);
void memory_forget(struct world *w, uint32_t service); /* it has a new process */
void memory_move(struct world *to, const struct world *from);
/* It comes with a measurement of a process, so that a new one begins it anew; the others
 * change by what happens. */
bool memory_is_sampled(enum object_kind kind, enum metric m);

/* ---- condition.c ---- */
/* Evaluates; fresh_kind/fresh_id: whose sample brought us here (OBJECT_KINDS: none). *due_ms
 * gets the earlier of itself and when a window could become true by time alone. */
enum truth condition_eval(const struct world *w, const struct condition *c, struct slot *slots,
			  enum object_kind fresh_kind, uint32_t fresh_id, int64_t *due_ms);
/* What its windows wait for. */
struct waiting condition_waits(const struct condition *c, const struct slot *slots, int64_t now_ms);
/* The service has a new process: windows over samples of the old one begin anew. */
void condition_forget(const struct world *w, const struct condition *c, struct slot *slots,
		      uint32_t service);
/* "memory 1.6 GiB > 1.5 GiB for 30 s": the tests that hold. */
void condition_text(const struct world *w, const struct condition *c, char *out, size_t cap);
bool metric_value(const struct world *w, enum object_kind kind, uint32_t id, enum metric m,
		  double *out);

#endif
