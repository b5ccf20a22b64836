/* status/replay.h: other rules over recorded measurements: what they would have done.
 *
 * The pure core is fed what was measured, the crashes, and what operators ordered. What
 * it decides works at once: a stop ends the process, a start is followed by one, a front
 * does as told. So what was measured after a restart that only the new rules do is still
 * of the process that was not restarted.
 */
#ifndef STATUS_REPLAY_H
#define STATUS_REPLAY_H

#include "status/record.h"

struct replay_line {
	int64_t real_ms;
	char kind[24], object[JOURNAL_NAME], text[200];
	bool matched; /* the other side has it too */
};
struct replay_lines {
	struct replay_line *list; /* by time */
	size_t count, cap;
};

struct replay;

struct record_need replay_need(const struct rules *rules);

/* rules must outlive it. NULL: out of memory. */
struct replay *replay_new(const struct rules *rules, int64_t since_real_ms);
void replay_free(struct replay **rp);
/* In the order of their times. */
void replay_feed(void *replay, const struct record_event *e);
/* Marks what both did. */
void replay_end(struct replay *r);

struct replay_sums {
	int64_t first_ms, last_ms;
	uint64_t measurements, events,
		unknown; /* unknown: of objects that the rules do not have */
};
const struct replay_sums *replay_sums(const struct replay *r);
const struct replay_lines *replay_would(const struct replay *r);
const struct replay_lines *replay_was(const struct replay *r);

#endif
