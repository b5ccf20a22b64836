/* What turns the loop where nothing happens: a beat while a helper is to answer, and none at rest. */
#include "monitord/beat.h"

#include "base/clock.h"
#include "base/log.h"
#include "monitord/nursery.h"

#define BEAT_MS 500
#define LOG_MS 1000
#define LATE_MS 1000 /* a turn that took longer: what was measured meanwhile is void */

void
beat_sleep(void *core)
{
	struct core *c = core;
	int64_t now = clock_ms();
	processes_ask(c->processes);
	outbox_flush(c);
	if (processes_untold(c->processes) && now - c->log_ms < LOG_MS)
		return; /* it wakes us soon, with more to say */
	c->log_ms = now;
	log_flush();
}

static void
stop_awaiting(struct core *c)
{
	for (int i = 0; i < 2; i++)
		loop_io_stop(&c->idle[i]);
}

static void
on_client(struct loop_io *io, unsigned events)
{
	struct core *c = io->arg;
	(void)events;
	stop_awaiting(c);
	c->helpers[ROLE_STATUS].unsettled = true; /* is it there to answer? */
	beat_begin(c);
}

/* Status is sent nothing, so nothing tells whether it lives, until a client comes. */
static void
await_client(struct core *c)
{
	for (int i = 0; i < 2; i++)
		if (c->listeners[i] != -1 && !loop_io_active(&c->idle[i]))
			loop_io_start(c->loop, &c->idle[i], c->listeners[i], LOOP_READ,
				      on_client, c);
}

/* Nothing wakes us until something happens. */
static void
be_idle(struct core *c)
{
	loop_timer_stop(&c->beat);
	nursery_rest();
	await_client(c);
}

static void
on_beat(struct loop_timer *timer)
{
	struct core *c = timer->arg;
	int64_t now = clock_ms();
	if (now - c->last_beat_ms > BEAT_MS + LATE_MS) {
		struct event e = { .kind = EVENT_LATE };
		core_event(c, &e);
		core_note(c, "daemon-late",
			  "monitord itself stood still for %lld ms: what was in "
			  "flight is measured again",
			  (long long)(now - c->last_beat_ms - BEAT_MS));
	}
	c->last_beat_ms = now;
	const struct helper_slot *status = &c->helpers[ROLE_STATUS];
	if (!helpers_ping(c))
		be_idle(c);
	else if (!look_any(c) && !status->unsettled && status->pong == status->ping)
		await_client(c);
}

void
beat_begin(struct core *c)
{
	if (loop_timer_active(&c->beat))
		return;
	stop_awaiting(c);
	c->last_beat_ms = clock_ms();
	loop_timer_start(c->loop, &c->beat, BEAT_MS, BEAT_MS, on_beat, c);
}
