/* base/loop.h: the event loop, libev behind one file: a private epoll loop that ignores
 * LIBEV_FLAGS and reaps no children. Watchers live in the caller's structs, which must be
 * zero-filled before their first start and stopped before they are freed. */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_io;
struct loop_timer;
struct loop_signal;

enum { LOOP_READ = 1, LOOP_WRITE = 2 };

typedef void (*loop_io_fn)(struct loop_io *io, unsigned events);
typedef void (*loop_timer_fn)(struct loop_timer *timer);
typedef void (*loop_signal_fn)(struct loop_signal *sig);

struct loop_io {
	ev_io ev;
	struct loop *loop;
	loop_io_fn fn;
	void *arg;
};

struct loop_timer {
	ev_timer ev;
	struct loop *loop;
	loop_timer_fn fn;
	void *arg;
};

struct loop_signal {
	ev_signal ev;
	struct loop *loop;
	loop_signal_fn fn;
	void *arg;
};

/* collect_ms: timers and events within so many milliseconds share a wake-up; 0: none.
 * NULL: no epoll, or out of memory. */
struct loop *loop_new(unsigned collect_ms);
void loop_free(struct loop **lp); /* its watchers are stopped before */
void loop_run(struct loop *loop); /* until loop_stop */
void loop_stop(struct loop *loop);

/* Called before the loop sleeps, each turn; for sending what gathered. NULL: nothing. */
void loop_before_sleep(struct loop *loop, void (*fn)(void *arg), void *arg);

/* (Re)starts; a started watcher is stopped first. events: LOOP_READ | LOOP_WRITE. */
void loop_io_start(struct loop *loop, struct loop_io *io, int fd, unsigned events,
		   loop_io_fn fn, void *arg);
void loop_io_stop(struct loop_io *io); /* harmless when not started */
bool loop_io_active(const struct loop_io *io);

/* Once, after_ms from now (at least 0); every_ms > 0 repeats. */
void loop_timer_start(struct loop *loop, struct loop_timer *timer, int64_t after_ms,
		      int64_t every_ms, loop_timer_fn fn, void *arg);
void loop_timer_stop(struct loop_timer *timer); /* harmless when not started */
bool loop_timer_active(const struct loop_timer *timer);

/* fn runs in the loop, not in the handler; starts once, for the life of the loop. */
void loop_signal_start(struct loop *loop, struct loop_signal *sig, int signum,
		       loop_signal_fn fn, void *arg);

#endif
