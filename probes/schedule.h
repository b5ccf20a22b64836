/* probes/schedule.h: when a measurement begins. monitord owns how often (PACE), this owns
 * when.
 *
 * Normal measurements lie on a grid of `every`, shifted by the name's hash, so that many
 * checks spread over the interval and keep their place over restarts and reloads. A slot
 * whose measurement still runs is skipped, never queued. All schedules of a program share a
 * timetable: a heap with one timer, as a timer for each would cost more memory and time. */
#ifndef PROBES_SCHEDULE_H
#define PROBES_SCHEDULE_H

#include "base/loop.h"
#include "base/msg.h"

struct schedule;

struct appointment {
	int64_t due_ms;
	struct schedule *of;
};

struct timetable { /* zero-filled before timetable_begin() */
	struct loop *loop;
	void (*due)(struct schedule *s);
	struct loop_timer timer;
	int64_t armed_ms;
	struct appointment *heap; /* with room for all schedules */
	uint32_t count, room, schedules;
	int64_t turn_ms; /* those that are due are called now; 0: not */
};

struct schedule {
	struct timetable *table; /* NULL: not begun, or ended */
	int64_t began_ms;        /* the last, 0: never */
	int32_t every_ms, fast_ms, phase_ms; /* up to a day */
	uint32_t place; /* in the heap + 1; 0: it is not there */
	uint8_t pace;   /* enum pace */
	bool running : 1; /* due() was called, schedule_done() was not */
	bool again : 1; /* one more at once, or when the running one has ended */
	bool asked : 1; /* the running one was: somebody waits for it */
	/* the owner's, who has no room for it but here: */
	bool dropped : 1; /* its last result was dropped because we were late */
	uint8_t said;     /* enum outcome of its last result */
};

/* due() is called from the loop when a measurement begins; it owes one schedule_done(). */
void timetable_begin(struct timetable *t, struct loop *loop,
		     void (*due)(struct schedule *s));
void timetable_end(struct timetable *t); /* all of its schedules have ended */

/* Begins with PACE_OFF. False: out of memory. */
bool schedule_begin(struct schedule *s, struct timetable *t, const char *name,
		    int64_t every_ms, int64_t fast_ms);
/* After a reload: the same measurement at other intervals. */
void schedule_change(struct schedule *s, const char *name, int64_t every_ms,
		     int64_t fast_ms);
/* One measurement begins before this returns; for one by hand. */
void schedule_begin_now(struct schedule *s);
void schedule_pace(struct schedule *s, enum pace pace);
/* One more is due at once when the running one has ended: it proves nothing. */
void schedule_again(struct schedule *s);
void schedule_done(struct schedule *s);
void schedule_end(struct schedule *s);

#endif
