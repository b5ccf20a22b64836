/* rules/believed.h: inside the pure core: what is believed of each object, and remembered for the
 * next decision about it. Times that end in _ms are those of the world's clock unless they say
 * real; those in _ns are of the same clock. */
#ifndef RULES_BELIEVED_H
#define RULES_BELIEVED_H

#include "rules/world.h"

#define TOKENS 4	   /* commands that wait for one object's outcome */

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
	bool finished;	      /* it has ended well, and is not started again */
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
	bool affects; /* services depend on what is not well, and know of it */
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

#endif
