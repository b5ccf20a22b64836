#include "base/loop.h"

#include <stdlib.h>

struct loop {
	struct ev_loop *ev;
	ev_prepare prepare;
	void (*before_sleep)(void *);
	void *arg;
};

struct loop *
loop_new(unsigned collect_ms)
{
	struct loop *loop = calloc(1, sizeof *loop);
	if (loop == NULL)
		return NULL;
	loop->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	if (loop->ev == NULL) {
		free(loop);
		return NULL;
	}
	if (collect_ms > 0)
		ev_set_timeout_collect_interval(loop->ev, collect_ms / 1000.0);
	return loop;
}

void
loop_free(struct loop **lp)
{
	if (*lp != NULL)
		ev_loop_destroy((*lp)->ev);
	free(*lp);
	*lp = NULL;
}

void
loop_run(struct loop *loop)
{
	ev_run(loop->ev, 0);
}

void
loop_stop(struct loop *loop)
{
	ev_break(loop->ev, EVBREAK_ALL);
}

static void
on_prepare(struct ev_loop *ev, ev_prepare *p, int events)
{
	struct loop *loop = p->data;
	(void)ev;
	(void)events;
	loop->before_sleep(loop->arg);
}

void
loop_before_sleep(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	ev_prepare_stop(loop->ev, &loop->prepare);
	if (fn == NULL)
		return;
	loop->before_sleep = fn;
	loop->arg = arg;
	ev_prepare_init(&loop->prepare, on_prepare);
	loop->prepare.data = loop;
	ev_prepare_start(loop->ev, &loop->prepare);
}

static void
on_io(struct ev_loop *ev, ev_io *w, int events)
{
	struct loop_io *io = (struct loop_io *)w; /* its first member */
	(void)ev;
	io->fn(io, (events & EV_READ ? LOOP_READ : 0u) |
			   (events & EV_WRITE ? LOOP_WRITE : 0u));
}

void
loop_io_start(struct loop *loop, struct loop_io *io, int fd, unsigned events, loop_io_fn fn,
	      void *arg)
{
	loop_io_stop(io);
	io->loop = loop;
	io->fn = fn;
	io->arg = arg;
	ev_io_init(&io->ev, on_io, fd,
		   (events & LOOP_READ ? EV_READ : 0) |
			   (events & LOOP_WRITE ? EV_WRITE : 0));
	ev_io_start(loop->ev, &io->ev);
}

void
loop_io_stop(struct loop_io *io)
{
	if (io->loop != NULL)
		ev_io_stop(io->loop->ev, &io->ev);
}

bool
loop_io_active(const struct loop_io *io)
{
	return ev_is_active(&io->ev);
}

static void
on_timer(struct ev_loop *ev, ev_timer *w, int events)
{
	struct loop_timer *timer = (struct loop_timer *)w; /* its first member */
	(void)ev;
	(void)events;
	timer->fn(timer);
}

void
loop_timer_start(struct loop *loop, struct loop_timer *timer, int64_t after_ms, int64_t every_ms,
		 loop_timer_fn fn, void *arg)
{
	loop_timer_stop(timer);
	timer->loop = loop;
	timer->fn = fn;
	timer->arg = arg;
	ev_now_update(loop->ev); /* a long turn must not make the wait shorter */
	ev_timer_init(&timer->ev, on_timer,
		      after_ms > 0 ? (double)after_ms / 1000.0 : 0.0,
		      (double)every_ms / 1000.0);
	ev_timer_start(loop->ev, &timer->ev);
}

void
loop_timer_stop(struct loop_timer *timer)
{
	if (timer->loop != NULL)
		ev_timer_stop(timer->loop->ev, &timer->ev);
}

bool
loop_timer_active(const struct loop_timer *timer)
{
	return ev_is_active(&timer->ev);
}

static void
on_signal(struct ev_loop *ev, ev_signal *w, int events)
{
	struct loop_signal *sig = (struct loop_signal *)w; /* its first member */
	(void)ev;
	(void)events;
	sig->fn(sig);
}

void
loop_signal_start(struct loop *loop, struct loop_signal *sig, int signum, loop_signal_fn fn,
		  void *arg)
{
	sig->loop = loop;
	sig->fn = fn;
	sig->arg = arg;
	ev_signal_init(&sig->ev, on_signal, signum);
	ev_signal_start(loop->ev, &sig->ev);
}
