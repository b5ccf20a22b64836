/* rules/world.h: what is believed, and the one place where policy lives.
 *
 * decide() is pure: no clock, no file, no socket. It is told what happened and what time it
 * is, changes the world, and appends what should be done. All its deadlines are one heap;
 * world_deadline() says when EVENT_TIMER is due. The outcome of a decision comes back as an
 * event. Event ids are given here, in order; they are the journal's.
 */
#ifndef RULES_WORLD_H
#define RULES_WORLD_H

#include "base/journal.h"
#include "base/msg.h"
#include "rules/rules.h"

enum service_state {
	SERVICE_STOPPED, SERVICE_STARTING, SERVICE_UP, SERVICE_FAILING, SERVICE_STOPPING,
	SERVICE_BACKOFF, SERVICE_FAILED, SERVICE_HELD, SERVICE_STATES
};
enum check_state { CHECK_UNKNOWN, CHECK_UP, CHECK_DEGRADED, CHECK_DOWN, CHECK_STATES };
enum route_state { ROUTE_PRIMARY, ROUTE_REROUTED, ROUTE_MANUAL, ROUTE_STUCK, ROUTE_STATES };
enum incident_state { INCIDENT_OPEN, INCIDENT_ACKED, INCIDENT_CLOSED, INCIDENT_STATES };
enum chain_state { CHAIN_UNKNOWN, CHAIN_PRIMARY, CHAIN_SECONDARY, CHAIN_DOWN, CHAIN_STATES };
enum truth { TRUTH_UNKNOWN, TRUTH_FALSE, TRUTH_TRUE, TRUTHS };
extern const char *const service_state_name[SERVICE_STATES];
extern const char *const check_state_name[CHECK_STATES];
extern const char *const route_state_name[ROUTE_STATES];
extern const char *const chain_state_name[CHAIN_STATES];
extern const char *const incident_state_name[INCIDENT_STATES];

/* ---- what happened ---- */
enum event_kind {
	EVENT_TIMER,	     /* a deadline of the world has come */
	EVENT_ADOPTED,	     /* service: a running process was found at our start */
	EVENT_GO,	     /* all that could be adopted was told: start what should run */
	EVENT_STARTED,	     /* service: the process exists (pid) */
	EVENT_START_FAILED,  /* service: text says why */
	EVENT_WAITS,	     /* service: its start does, and goes on by itself; text says for what */
	EVENT_READY,	     /* service: it said so itself (notify, fd) */
	EVENT_DYING,	     /* service: it ends by its own word (text), or core_dumped: begins to */
	EVENT_EVIDENCE,	     /* service: text, some of what DECIDE_EVIDENCE asked for; NULL: that was all */
	EVENT_EXITED,	     /* service: the main process is gone (code, signal) */
	EVENT_EMPTY,	     /* service: nothing of it is left: tree proven gone */
	EVENT_FOUND,	     /* watched service: its process is now pid */
	EVENT_LEFT,	     /* watched service: its process is none by the section that it has now */
	EVENT_RESULT,	     /* check: result */
	EVENT_SAMPLE,	     /* service: sample */
	EVENT_ROUTE_SEEN,    /* route: seen */
	EVENT_HELPER_LOST,   /* role: its facts are unknown */
	EVENT_HELPER_BACK,   /* role: it has the rules; orders and paces must be sent again */
	EVENT_COMMAND,	     /* an operator's order: verb, id, target, token, uid */
	EVENT_RUN_DONE,	     /* a command that DECIDE_RUN began has ended (code, signal, text) */
	EVENT_NOTE,	     /* something for the journal only: text, object */
	EVENT_STOP_ALL,	     /* shutdown with on-stop = stop */
	EVENT_CHANGED,	     /* object, id: its section is another after a reload */
	EVENT_LATE,	     /* our own loop stalled: drop what was in flight */
	EVENT_KINDS
};

struct event {
	enum event_kind kind;
	uint32_t id; /* service, check or route by kind; rule for RUN_DONE */
	int32_t pid;
	int64_t started_ms; /* ADOPTED: when its process began (monotonic) */
	uint32_t restarts;  /* ADOPTED: from the record */
	bool by_command;    /* ADOPTED, GO: it is stopped or held by command */
	int32_t code, signal; /* EXITED, RUN_DONE: -1 / 0 when not known */
	bool core_dumped, oom_killed;
	const struct msg_result *result;
	const struct msg_sample *sample;
	const struct msg_route_seen *seen;
	enum role role;
	enum verb verb;
	uint32_t target;
	uint32_t seconds; /* COMMAND hold, silence: for so long; 0: until it is released */
	uint64_t incident; /* COMMAND ack */
	const char *who;   /* COMMAND ack, silence: who says so; text: why */
	uint64_t token; /* COMMAND; RUN_DONE, EVIDENCE: of the decision */
	uint32_t uid;
	enum object_kind object; /* NOTE; COMMAND silence: what kind id is */
	const char *text;
};

/* ---- what should be done ---- */
enum decision_kind {
	DECIDE_TELL,	/* write line to the journal (ids and causes are set), ring the bells */
	DECIDE_START,	/* service: run it (clone3, or the watched one's start command) */
	DECIDE_SIGNAL,	/* service: signal to scope */
	DECIDE_EVIDENCE, /* service: gather it as token, before a kill; token 0: after a crash */
	DECIDE_STOP_COMMAND, /* watched service: run its stop command */
	DECIDE_RELOAD,	/* service: its reload signal or command */
	DECIDE_ROUTE,	/* route: order */
	DECIDE_PACE,	/* check: pace */
	DECIDE_RUN,	/* rule's command number `action`, as token; event JSON on its stdin */
	DECIDE_ANSWER,	/* command token: answer, event, text */
	DECIDE_RELOAD_RULES, /* an operator asked */
	DECIDE_TEST,	/* contact: an operator asked */
	DECIDE_REMEMBER,/* by-command states changed: keep them for the next boot */
	DECIDE_KINDS
};
enum signal_scope {
	SCOPE_MAIN, /* the main process */
	SCOPE_REST, /* what outlives it: every process of the group, cgroup.kill not used */
	SCOPE_TREE  /* everything, at once: cgroup.kill */
};

struct decision {
	enum decision_kind kind;
	uint32_t id;
	int signal;
	enum signal_scope scope;
	enum pace pace;
	uint32_t action; /* RUN: index in the rule's actions, or in escalate + 0x10000 */
	uint64_t token;
	enum command_answer answer;
	uint64_t event;
	struct msg_route_order order;
	struct journal_line line;
	char text[MSG_TEXT * 4];
};

/* A fixed buffer of the caller, emptied before each call. One call appends at most
 * DECISIONS_ROOM; what concerns many objects (EVENT_GO, EVENT_STOP_ALL, a sample that many
 * rules read) is done in portions: the rest has a deadline that is at once. */
#define DECISIONS_ROOM 1024
struct decisions {
	struct decision list[DECISIONS_ROOM];
	size_t count;
};

struct world;

/* rules must outlive the world. seed: jitter. host: for texts. NULL: out of memory. */
struct world *world_new(const struct rules *rules, uint64_t seed, const char *host, int64_t now_ms);
void world_free(struct world **wp);

/* After a reload: to, new and made of the new rules at this time, takes over the state of what has
 * the same kind and name. A service that has no section any more was stopped by the caller. */
void world_move(struct world *to, const struct world *from);

/* Of what the rule has begun something is still to be done, and the new rules will not: text says
 * what. What they do as well goes on there. */
bool world_cuts(const struct world *from, uint32_t rule, const struct rules *to, char *text, size_t cap);

/* Feeds one journal line of an earlier life, oldest first, before EVENT_ADOPTED: restores
 * the last event id, open incidents, holds, manual routes, stops by command. */
void world_recall(struct world *w, const struct journal_line *line);

/* What was recalled is of an earlier boot: for `on-boot` only. Between recall and ADOPTED. */
void world_boot(struct world *w);

/* It runs, or is on its way there: what `on-boot = last` asks for after a boot. */
bool world_runs(const struct world *w, uint32_t id);

/* What an event means: w changes, and out gets what is to be done, in this order. now_ms:
 * CLOCK_MONOTONIC, never less than before; real_ms: CLOCK_REALTIME, for what people read. e and out
 * are not kept. Never fails; ids of e must be in range. */
void decide(struct world *w, const struct event *e, int64_t now_ms, int64_t real_ms,
	    struct decisions *out);

/* Samples stay fresh for so much longer: where the same ones are left out. */
void world_patience(struct world *w, int64_t ms);

/* Local time less UTC, now: before decide() whenever it may have changed. */
void world_zone(struct world *w, int32_t offset_s);

/* When EVENT_TIMER is due; INT64_MAX: never. */
int64_t world_deadline(const struct world *w);

/* The believed states, for status; exact copies of the message's item, zeroed pads. */
void world_service_view(const struct world *w, uint32_t id, struct msg_service_view *v);
void world_check_view(const struct world *w, uint32_t id, struct msg_check_view *v);
void world_route_view(const struct world *w, uint32_t id, struct msg_route_view *v);
void world_rule_view(const struct world *w, uint32_t id, struct msg_rule_view *v);
void world_chain_view(const struct world *w, uint32_t id, struct msg_chain_view *v);
uint32_t world_incidents(const struct world *w); /* how many are remembered */
uint32_t world_open_incidents(const struct world *w);
void world_incident_view(const struct world *w, uint32_t index, struct msg_incident_view *v);
#define WORLD_SILENCES MSG_SILENCES
void world_silence_view(const struct world *w, uint32_t slot, struct msg_silence_view *v);
/* A silence of the last boot, from what was kept. */
void world_silence_keep(struct world *w, enum object_kind kind, const char *name, int64_t until_real_ms,
			const char *who, const char *why);

/* Whose view has changed since it was taken: at once dirty; what was only measured anew is stale,
 * and dirty after world_age. */
bool world_is_stale(const struct world *w);
void world_age(struct world *w);
bool world_is_dirty(const struct world *w); /* something is to be taken */
/* The next, oldest first. OBJECT_MONITORD: *id is an incident below world_incidents(), else the
 * silence behind. False: none. */
bool world_take_dirty(struct world *w, enum object_kind *kind, uint32_t *id);
void world_dirty_again(struct world *w, enum object_kind kind, uint32_t id); /* it was not sent */
void world_all_dirty(struct world *w); /* who reads knows nothing yet */

void world_forget_sample(struct world *w, uint32_t service); /* it is measured no more */

/* The backend that an operator chose; RULES_NONE: none. */
uint32_t world_manual(const struct world *w, uint32_t route);
int64_t world_manual_until(const struct world *w, uint32_t route); /* real ms; 0: restored */
/* Which helper measures it. */
enum role check_role(const struct check *c);
enum pace world_pace(const struct world *w, uint32_t check); /* how often it is measured now */
/* The newest order, but for cut, which is of the moment. False: none was given, or is to be. */
bool world_order(const struct world *w, uint32_t route, struct msg_route_order *o);
uint64_t world_last_event(const struct world *w); /* its id; 0: none yet */
enum service_state world_service_state(const struct world *w, uint32_t id); /* held counts */
enum check_state world_check_state(const struct world *w, uint32_t id);

#endif
