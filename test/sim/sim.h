/* test/sim/sim.h: the simulated world around the pure core. */
#ifndef TEST_SIM_SIM_H
#define TEST_SIM_SIM_H

#include "rules/world_state.h"

#define SIM_SERVICES 16
#define SIM_CHECKS 16
#define SIM_ROUTES 4
#define SIM_QUEUE 512
#define SIM_HISTORY 60
#define SIM_LINES 8192
#define SIM_INCIDENTS 1024

struct process {
	int32_t pid;
	bool alive, occupied, hung, sick, leaks;
	double memory;
};

struct front {
	uint64_t active; /* who really carries the traffic */
	uint64_t first;	 /* as routes first saw it; 0: not yet */
	uint64_t ordered, ordered_number, number; /* what routes was told, and carried out */
	bool down;	 /* it does not answer */
	bool by_hand;	 /* somebody changed it */
};

enum what {
	DUE_STARTED, DUE_EXIT, DUE_EMPTY, DUE_RESULT, DUE_MEASURE, DUE_LOOK, DUE_SAMPLE, DUE_PEOPLE
};
struct due {
	int64_t at_ms;
	enum what kind;
	uint32_t id;
	int32_t pid;
	uint64_t number; /* signal of EXIT; 1: once, of MEASURE and LOOK */
	int64_t began_ns;
};

/* Who is told: alerts reads the journal, keeps what it read on a disk, sends it. */
struct people {
	uint64_t last_id, cursor, committed, sent, undelivered;
	bool mail_down, disk_down;
	struct told {
		uint64_t incident, line; /* that opened it */
		bool open;
	} incidents[SIM_INCIDENTS];
};

extern struct sim {
	uint64_t random;
	int64_t now_ms;
	const struct rules *rules;
	bool sparse;  /* everything a minute apart, for months */
	int64_t slow; /* how much slower than a second */
	struct world *world;
	size_t arena; /* what the world took at its beginning */
	struct process processes[SIM_SERVICES];
	int32_t next_pid;
	struct due queue[SIM_QUEUE];
	unsigned count;
	struct front fronts[SIM_ROUTES];
	struct people people;
	bool lost[ROLES];
	unsigned bad_row[SIM_CHECKS]; /* bad results in a row that count */
	int64_t valid_ns[SIM_CHECKS];
	bool measuring[SIM_CHECKS];
	char history[SIM_HISTORY][200];
	unsigned told;
	bool was_up[SIM_SERVICES];  /* before the event */
	bool was_well[SIM_SERVICES]; /* before monitord was killed: nobody may touch it now */
	bool reborn;		    /* it begins again just now */
	bool stopping;		    /* all are being stopped, who is needed last */
	bool stops_already[SIM_SERVICES]; /* it was being stopped when that began */
	bool timer_due;		    /* a deadline of the core has come with the event */
	int64_t clock_ms;	    /* how far somebody has set the real clock */
	uint64_t seed, decisions, events, orders, starts;
	int64_t minutes;
	unsigned line_count;
	struct journal_line lines[SIM_LINES]; /* a ring; what is behind here needs no beginning */
	struct decisions out;
} sim;

extern const char sim_rules[]; /* rules.c */

/* ---- main.c ---- */
uint32_t draw(uint32_t below);
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void breach(const char *what) __attribute__((noreturn)); /* and how to repeat it */

/* ---- time.c ---- */
void later(int64_t ms, struct due d);
void run_until(int64_t end_ms);

/* ---- perform.c: an event through the core, and what it decided ---- */
void handle(const struct event *e);

/* ---- outside.c: processes, and what is measured of them ---- */
void die(uint32_t id, int sig);
void happen(const struct due *d);

/* ---- fronts.c ---- */
uint64_t front_usual(uint32_t route); /* as it begins */
void front_order(const struct decision *d);
void front_look(uint32_t route, bool once);
void front_fault(void);
void fronts_forgotten(uint32_t route, bool all); /* by routes, which begins anew */

/* ---- people.c ---- */
void people_hear(const struct journal_line *line);
void people_tick(void);
void people_fault(void);
void people_lost(void); /* alerts was killed */
void people_all_told(void);

/* ---- promises.c ---- */
bool is_ours(const struct event *e); /* our own failure to know, and nothing else is due */
void check_decision(const struct decision *d, const struct event *e, const uint64_t *before);
void check_verdict(uint32_t check);
void check_memory(void);

/* ---- fault.c ---- */
void fault(void);
void command(enum verb verb, uint32_t id);
void helper(enum role role);
void rebirth(void);

/* ---- play.c ---- */
void play(const struct rules *rules, uint64_t seed);

#endif
