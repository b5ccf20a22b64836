/* status/recorder.h: the thread that owns the archive, so that no disk delays an answer:
 * one batch at a time to write, and a queue of questions. What is done is told in the
 * loop. */
#ifndef STATUS_RECORDER_H
#define STATUS_RECORDER_H

#include "base/loop.h"
#include "status/archive.h"

#define SERIES_POINTS 2000
#define ASKS_MAX 64

/* The part of a block that is not on disk yet. */
struct open_block {
	int64_t span;
	float slots[PACK_SLOTS];
	bool there;
};

/* One question, a series, a month or incidents; its memory goes to the recorder and back. */
struct ask {
	struct ask *next;
	uint64_t token;
	char object[BATCH_NAME];          /* "service/tomcat" */
	int64_t month;                    /* 0: a series */
	int64_t month_ms[AVAILABILITIES]; /* filled in: what is to be added to the
					     archive's */
	unsigned metric;
	int64_t since_s, until_s;
	unsigned points; /* at most */
	struct open_block open[TIERS];
	bool incidents;     /* those since then; or, where it is not 0, the one of this id */
	uint64_t incident;
	struct batch known; /* records of what the asker knows of them itself */
	bool missing;	    /* there is no such incident */
	char *answer; /* JSON; NULL: out of memory */
	size_t answer_size;
};

/* How it is, for people. */
struct recorder_state {
	uint64_t size, lost; /* bytes on disk; records that were never written */
	unsigned set_aside;
	char why[200]; /* "": well */
};

struct recorder;

/* answered gets each question back, which it frees by ask_free. NULL: no thread. */
struct recorder *recorder_new(struct loop *loop, const char *path, uint64_t limit,
			      void (*answered)(void *arg, struct ask *ask), void *arg);
/* Takes what b holds, if the last batch is written (else it tries that again, and false).
 */
bool recorder_write(struct recorder *r, struct batch *b);
/* False: too many wait; the question stays the caller's. */
bool recorder_ask(struct recorder *r, struct ask *ask);
void recorder_state(struct recorder *r, struct recorder_state *out);
/* Waits so long for what is being written, then ends. */
void recorder_free(struct recorder **rp, int64_t patience_ms);
void ask_free(struct ask *ask);

/* status/series.c, status/past.c: fill in the answer. */
void series_answer(struct archive *a, struct ask *ask);
void past_answer(struct archive *a, struct ask *ask); /* incidents */

#endif
