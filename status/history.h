/* status/history.h: samples of every object's metrics each 10 s, packed in memory and
 * handed to the recorder: each block once it is full, and on the way now and then. */
#ifndef STATUS_HISTORY_H
#define STATUS_HISTORY_H

#include "status/recorder.h"
#include "status/store.h"

struct lane;

struct history {
	struct loop *loop;
	struct store *store;
	struct recorder *recorder; /* NULL: off */
	struct loop_timer timer;
	uint64_t limit;                   /* of the recorder */
	struct lane *lanes[OBJECT_KINDS]; /* by id */
	uint32_t counts[OBJECT_KINDS];
	uint64_t ticks;
	unsigned save_ticks; /* an open block is on disk after so many at most */
	enum object_kind kind; /* the next lane of this tick */
	uint32_t id;
	int64_t now_ms; /* real time of this tick */
	struct batch batch;
};

/* answered as recorder_new says. */
void history_begin(struct history *h, struct loop *loop, struct store *store);
/* Before the store takes other rules: what the lanes hold is handed over. After it: lanes
 * for its rules, and the recorder that they ask for. */
void history_unload(struct history *h);
void
history_load(struct history *h, void (*answered)(void *arg, struct ask *ask), void *arg);
/* Hands over all there is, and waits a little until it is written. */
void history_end(struct history *h);

/* The object's view has changed. */
void history_changed(struct history *h, enum object_kind kind, uint32_t id);

/* Fills in what the lane holds: open blocks, or milliseconds of this month. */
void history_fill(const struct history *h, enum object_kind kind, uint32_t id,
		  struct ask *ask);
/* The metrics that are recorded of an object: fills list, returns how many. */
unsigned history_metrics(const struct history *h, enum object_kind kind, uint32_t id,
			 unsigned list[METRICS_COUNT]);

/* For tests: one sample of everything at this time. */
void history_sample(struct history *h, int64_t now_ms);

/* year * 12 + month - 1, in UTC. */
int64_t history_month(int64_t real_ms);

#endif
