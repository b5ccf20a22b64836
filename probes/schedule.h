/* probes/schedule.h: when a measurement begins. monitord owns how often (PACE), this owns
 * when.
 *
 * Normal measurements lie on a grid of `every`, shifted by the name's hash, so that many
 * checks spread over the interval and keep their place over restarts and reloads. A slot
 * whose measurement still runs is skipped, never queued. */
#ifndef PROBES_SCHEDULE_H
#define PROBES_SCHEDULE_H

#include "base/loop.h"
#include "base/msg.h"

struct schedule {
	struct loop *loop;
	struct loop_timer timer;
	int32_t every_ms, fast_ms, phase_ms; /* up to a day */
	int64_t hash;     /* of the name: its place on any grid */
	int64_t began_ms; /* the last, 0: never */
	enum pace pace;
	bool running; /* due() was called, schedule_done() was not */
	bool again;   /* one more at once, or when the running one has ended */
	bool asked;   /* the running one was: somebody waits for it */
	void (*due)(struct schedule *s);
};

/* Begins with PACE_OFF. due() is called from the loop; it owes one schedule_done(). */
void schedule_begin(struct schedule *s, struct loop *loop, const char *name,
		    int64_t every_ms, int64_t fast_ms, void (*due)(struct schedule *s));
/* After a reload: the same measurement at other intervals. */
void schedule_change(struct schedule *s, int64_t every_ms, int64_t fast_ms);
/* One measurement begins before this returns; for one by hand. */
void schedule_begin_now(struct schedule *s);
void schedule_pace(struct schedule *s, enum pace pace);
/* One more is due at once when the running one has ended: it proves nothing. */
void schedule_again(struct schedule *s);
void schedule_done(struct schedule *s);
void schedule_end(struct schedule *s);

#endif
