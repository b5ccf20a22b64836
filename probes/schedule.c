#include "probes/schedule.h"

#include "base/clock.h"
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>

#define FIRST_MS 1000 /* the first measurement of all lies within this */

/* ---- the timetable: a heap, the soonest first ---- */

#define BRANCHES 4 /* they lie in one line of the cache; each level costs a schedule's */

static void on_timer(struct loop_timer *timer);

static void
place(struct timetable *t, uint32_t at, struct appointment a)
{
	t->heap[at] = a;
	a.of->place = at + 1;
}

static void
sift(struct timetable *t, uint32_t at)
{
	struct appointment a = t->heap[at];
	while (at > 0 && a.due_ms < t->heap[(at - 1) / BRANCHES].due_ms) {
		place(t, at, t->heap[(at - 1) / BRANCHES]);
		at = (at - 1) / BRANCHES;
	}
	for (;;) {
		uint32_t child = BRANCHES * at + 1, end = child + BRANCHES;
		if (child >= t->count)
			break;
		for (uint32_t k = child + 1; k < end && k < t->count; k++)
			if (t->heap[k].due_ms < t->heap[child].due_ms)
				child = k;
		if (t->heap[child].due_ms >= a.due_ms)
			break;
		place(t, at, t->heap[child]);
		at = child;
	}
	place(t, at, a);
}

/* The timer goes off for the soonest. */
static void
rearm(struct timetable *t)
{
	if (t->turn_ms != 0)
		return; /* at the turn's end */
	if (t->count == 0) {
		loop_timer_stop(&t->timer);
		return;
	}
	if (loop_timer_active(&t->timer) && t->armed_ms == t->heap[0].due_ms)
		return;
	t->armed_ms = t->heap[0].due_ms;
	loop_timer_start(t->loop, &t->timer, t->armed_ms - clock_ms(), 0, on_timer, t);
}

static void
take_out(struct schedule *s)
{
	struct timetable *t = s->table;
	if (s->place == 0)
		return;
	uint32_t hole = s->place - 1;
	struct appointment last = t->heap[--t->count];
	s->place = 0;
	if (last.of != s) {
		place(t, hole, last);
		sift(t, hole);
	}
}

static void
put_in(struct schedule *s, int64_t due_ms)
{
	struct timetable *t = s->table;
	if (due_ms <= t->turn_ms) /* the others have their turn first */
		due_ms = t->turn_ms + 1;
	if (s->place == 0)
		place(t, t->count++, (struct appointment){ due_ms, s });
	t->heap[s->place - 1].due_ms = due_ms;
	sift(t, s->place - 1);
}

static void
begin(struct schedule *s)
{
	assert(!s->running);
	s->running = true;
	s->asked = s->again || s->began_ms == 0;
	s->again = false;
	s->began_ms = clock_ms();
	s->table->due(s);
}

static void
on_timer(struct loop_timer *timer)
{
	struct timetable *t = timer->arg;
	t->turn_ms = clock_ms();
	while (t->count > 0 && t->heap[0].due_ms <= t->turn_ms) {
		struct schedule *s = t->heap[0].of;
		take_out(s);
		if (t->count > 0) /* among thousands it is in no cache */
			__builtin_prefetch(t->heap[0].of);
		begin(s);
	}
	t->turn_ms = 0;
	rearm(t);
}

void
timetable_begin(struct timetable *t, struct loop *loop, void (*due)(struct schedule *s))
{
	*t = (struct timetable){ .loop = loop, .due = due };
}

void
timetable_end(struct timetable *t)
{
	loop_timer_stop(&t->timer);
	free(t->heap);
	*t = (struct timetable){ .loop = NULL };
}

/* ---- one schedule ---- */

/* When the next one is due. */
static int64_t
next_ms(const struct schedule *s)
{
	int64_t now = clock_ms(), every = s->every_ms;
	if (s->again)
		return now;
	if (s->pace == PACE_FAST && s->began_ms != 0)
		return s->began_ms + s->fast_ms;
	if (s->began_ms == 0 && s->pace == PACE_FAST)
		return now + s->phase_ms % s->fast_ms;
	if (s->began_ms == 0)
		return now + s->phase_ms % (every < FIRST_MS ? every : FIRST_MS);
	return now + every - (now - s->phase_ms) % every;
}

static void
arm(struct schedule *s)
{
	if (s->pace == PACE_OFF)
		s->again = false;
	if (s->pace == PACE_OFF || s->running)
		take_out(s);
	else
		put_in(s, next_ms(s));
	rearm(s->table);
}

static void
set(struct schedule *s, const char *name, int64_t every_ms, int64_t fast_ms)
{
	s->phase_ms = (int32_t)((int64_t)(text_hash(name) >> 1) % every_ms);
	s->every_ms = (int32_t)every_ms;
	s->fast_ms = (int32_t)fast_ms;
}

bool
schedule_begin(struct schedule *s, struct timetable *t, const char *name, int64_t every_ms,
	       int64_t fast_ms)
{
	*s = (struct schedule){ .table = NULL, .pace = PACE_OFF };
	if (t->schedules == t->room) {
		uint32_t room = t->room + t->room / 8 + 16;
		struct appointment *heap = reallocarray(t->heap, room, sizeof *heap);
		if (heap == NULL)
			return false;
		t->heap = heap;
		t->room = room;
	}
	t->schedules++;
	s->table = t;
	set(s, name, every_ms, fast_ms);
	return true;
}

void
schedule_change(struct schedule *s, const char *name, int64_t every_ms, int64_t fast_ms)
{
	if (s->every_ms == every_ms && s->fast_ms == fast_ms)
		return;
	set(s, name, every_ms, fast_ms);
	arm(s);
}

void
schedule_begin_now(struct schedule *s)
{
	s->pace = PACE_NORMAL;
	begin(s);
}

void
schedule_pace(struct schedule *s, enum pace pace)
{
	if (pace == PACE_NOW) {
		s->again = true;
		if (s->pace == PACE_OFF)
			s->pace = PACE_NORMAL;
	} else if (pace == s->pace) {
		return;
	} else {
		s->pace = (uint8_t)pace;
	}
	if (!s->running)
		arm(s);
}

void
schedule_again(struct schedule *s)
{
	s->again = true;
}

void
schedule_done(struct schedule *s)
{
	assert(s->running);
	s->running = false;
	arm(s);
}

void
schedule_end(struct schedule *s)
{
	if (s->table == NULL)
		return;
	take_out(s);
	rearm(s->table);
	s->table->schedules--;
	s->table = NULL;
}
