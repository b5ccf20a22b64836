#include "probes/schedule.h"

#include "base/clock.h"
#include "base/text.h"

#include <assert.h>

#define FIRST_MS 1000 /* the first measurement of all lies within this */

static void
on_timer(struct loop_timer *timer)
{
	struct schedule *s = timer->arg;
	assert(!s->running);
	s->running = true;
	s->asked = s->again || s->began_ms == 0;
	s->again = false;
	s->began_ms = clock_ms();
	s->due(s);
}

/* Milliseconds until the next one. */
static int64_t
wait_ms(const struct schedule *s)
{
	int64_t now = clock_ms(), every = s->every_ms;
	if (s->pace == PACE_FAST && s->began_ms != 0)
		return s->began_ms + s->fast_ms > now ? s->began_ms + s->fast_ms - now
						      : 0;
	if (s->began_ms == 0 && s->pace == PACE_FAST)
		return s->phase_ms % s->fast_ms;
	if (s->began_ms == 0)
		return s->phase_ms % (every < FIRST_MS ? every : FIRST_MS);
	return every - (now - s->phase_ms) % every;
}

static void
arm(struct schedule *s)
{
	if (s->pace == PACE_OFF)
		s->again = false;
	if (s->pace == PACE_OFF || s->running)
		loop_timer_stop(&s->timer);
	else
		loop_timer_start(s->loop, &s->timer, s->again ? 0 : wait_ms(s), 0,
				 on_timer, s);
}

static void
set(struct schedule *s, int64_t every_ms, int64_t fast_ms)
{
	s->phase_ms = (int32_t)(s->hash % every_ms);
	s->every_ms = (int32_t)every_ms;
	s->fast_ms = (int32_t)fast_ms;
}

void
schedule_begin(struct schedule *s, struct loop *loop, const char *name, int64_t every_ms,
	       int64_t fast_ms, void (*due)(struct schedule *s))
{
	*s = (struct schedule){ .loop = loop, .pace = PACE_OFF, .due = due };
	s->hash = (int64_t)(text_hash(name) >> 1);
	set(s, every_ms, fast_ms);
}

void
schedule_change(struct schedule *s, int64_t every_ms, int64_t fast_ms)
{
	if (s->every_ms == every_ms && s->fast_ms == fast_ms)
		return;
	set(s, every_ms, fast_ms);
	arm(s);
}

void
schedule_begin_now(struct schedule *s)
{
	s->pace = PACE_NORMAL;
	on_timer(&(struct loop_timer){ .arg = s });
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
		s->pace = pace;
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
	loop_timer_stop(&s->timer);
}
