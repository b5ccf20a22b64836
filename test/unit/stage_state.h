/* test/unit/stage_state.h: between stage.c, which plays, stage_ask.c, which asks, and stage_write.c,
 * which writes. */
#ifndef TEST_UNIT_STAGE_STATE_H
#define TEST_UNIT_STAGE_STATE_H

#include "base/text.h"
#include "rules/world.h"

#define STAGE_BEGIN_MS INT64_C(1000000)	     /* the clock when a script begins */
#define STAGE_REAL_MS INT64_C(1800000000000) /* real time less that clock */

extern struct stage {
	struct rules *rules, *next;
	struct world *world;
	const char *tell;
	int64_t now_ms, clock_ms; /* clock_ms: real time was set by so much */
	int32_t pid[16], last_pid;
	struct msg_route_order ordered[8];
	uint64_t newest[8]; /* numbers of the last orders, in this life and by these rules */
	bool well[64], asked[64]; /* checks: the last result was good; one is asked for now */
	uint64_t token, run_token, run_before, evidence_token;
	struct journal_line lines[256]; /* for reborn */
	unsigned line_count;
	struct decisions out;
	char bytes[8192]; /* of trace */
	struct text trace;
} stage;

/* Adds a word to what is written. */
void stage_add(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The names of these backends of a route. */
void stage_backends(uint32_t route, uint64_t set, char *out, size_t cap);
/* Writes a decision down. */
void stage_write(const struct decision *d);

/* The id of that name; RULES_NONE: there is none. */
uint32_t stage_find(enum object_kind kind, const char *name);

/* ---- stage_ask.c ---- */
void stage_ask(const char *name, bool waits); /* its state; of a rule also what it waits for */
void stage_ask_rule(const char *name);
void stage_ask_view(const char *name); /* all that status knows of a service, route or check */
void stage_ask_incidents(bool changed); /* all of them; only the roots of those whose views have */
void stage_ask_silences(bool changed);  /* all of them; those whose views have changed */
void stage_ask_dirty(void);	       /* whose views have changed since this was asked last */

#endif
