#include "routes/front.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define EXCHANGE_MS 2000 /* apply and read back, all in all */
#define EVERY_MS 1000    /* how often the front is read when nothing happens */
#define RETRY_MS 25 /* after a failure, doubling to RETRY_MOST_MS: it may be starting */
#define RETRY_MOST_MS 200
#define DRAIN_MS 50      /* how often, while requests end on a backend that left, */
#define DRAIN_LOOKS 1200 /* and how many times */

static void begin(struct front *f);

static const struct driver_calls *const driver_table[DRIVERS] = {
	[DRIVER_SWITCH] = &switch_calls,   [DRIVER_HAPROXY] = &haproxy_calls,
	[DRIVER_VARNISH] = &varnish_calls, [DRIVER_APACHE] = &apache_calls,
	[DRIVER_NGINX] = &lines_calls,     [DRIVER_SQUID] = &lines_calls,
	[DRIVER_RUN] = &run_calls,
};

struct front *
front_new(struct helper *h, const struct route *route)
{
	struct front *f = calloc(1, sizeof *f);
	if (f == NULL)
		return NULL;
	f->helper = h;
	f->route = route;
	f->calls = driver_table[route->driver];
	f->fd = -1;
	return f;
}

void
front_close(struct front *f)
{
	loop_io_stop(&f->io);
	if (f->fd != -1)
		close(f->fd);
	f->fd = -1;
}

static void
disconnect(struct front *f)
{
	front_close(f);
	f->in_size = f->out_size = f->out_sent = 0;
}

void
front_free(struct front **fp)
{
	struct front *f = *fp;
	*fp = NULL;
	if (f == NULL)
		return;
	disconnect(f);
	loop_timer_stop(&f->deadline);
	loop_timer_stop(&f->next);
	free(f);
}

/* ---- its end: one way out ---- */

void
front_report(struct front *f)
{
	f->seen.route = f->route->id;
	f->unsent = helper_send(f->helper, MSG_ROUTE_SEEN, &f->seen, 1) == MSG_FULL;
}

static void
on_next(struct loop_timer *timer)
{
	front_work(timer->arg);
}

static void
finish(struct front *f, int64_t next_ms, bool keep)
{
	if (keep && f->fd != -1)
		f->in_size = f->out_size = f->out_sent = 0;
	else
		disconnect(f);
	f->busy = false;
	f->token = 0;
	loop_timer_stop(&f->deadline);
	front_report(f);
	if (f->again) {
		f->again = false;
		next_ms = 0;
	}
	loop_timer_start(f->helper->loop, &f->next, next_ms, 0, on_next, f);
}

/* While nothing is ordered, what was first seen is as it should be. */
static enum route_change
unordered(struct front *f, const struct front_view *v)
{
	enum route_change change = !f->first || v->told == f->told ? CHANGE_NONE
				   : v->life == f->life            ? CHANGE_BY_HAND
								   : CHANGE_ANEW;
	if (!f->first)
		f->told = v->told;
	f->first = true;
	return change;
}

/* Lost is what it once had: if its life went on, a hand took it away, and monitord says
 * what that means. What is lost with its life, or was never so, is ordered again. */
static enum route_change
ordered(struct front *f, const struct front_view *v, bool applied)
{
	bool by_hand = v->lost && !applied && f->settled && v->life == f->life;
	f->drifted = v->lost && !by_hand;
	f->settled = by_hand || (!v->lost && f->done == f->order.number);
	return by_hand ? CHANGE_BY_HAND : v->lost ? CHANGE_ANEW : CHANGE_NONE;
}

void
front_done(struct front *f, const struct front_view *v)
{
	bool applied = front_applies(f), before = f->drifted;
	f->failures = 0;
	if (applied)
		f->done = f->doing;
	enum route_change change =
		f->order.number == 0 ? unordered(f, v) : ordered(f, v, applied);
	bool again = f->drifted && !before; /* once at once, then with the clock */
	f->life = v->life;
	memset(&f->seen, 0, sizeof f->seen);
	f->seen.number = f->done;
	f->seen.active = v->active;
	f->seen.busy = v->busy & ~v->active;
	f->seen.counts = v->counts;
	f->seen.change = change;
	bool often = f->seen.busy != 0 && f->looks < DRAIN_LOOKS;
	f->looks += often;
	finish(f, again ? 0 : often ? DRAIN_MS : EVERY_MS, f->calls->resume != NULL);
}

void
front_failed(struct front *f, const char *format, ...)
{
	va_list args;
	char text[MSG_TEXT];
	int64_t wait = RETRY_MS << (f->failures < 4 ? f->failures : 4);
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	f->failures++;
	memset(&f->seen, 0, sizeof f->seen);
	f->seen.error = 1;
	f->seen.number = f->done;
	text_clean(f->seen.text, sizeof f->seen.text, text, strlen(text));
	finish(f, wait < RETRY_MOST_MS ? wait : RETRY_MOST_MS, false);
}

/* ---- an exchange ---- */

static int64_t
limit_ms(const struct front *f)
{
	return f->calls->deadline_ms != 0 ? f->calls->deadline_ms : EXCHANGE_MS;
}

static void
on_deadline(struct loop_timer *timer)
{
	struct front *f = timer->arg;
	front_failed(f, "no answer within %lld ms", (long long)limit_ms(f));
}

bool
front_applies(const struct front *f)
{
	return f->doing != 0 && (f->doing != f->done || f->drifted);
}

static void
begin(struct front *f)
{
	f->busy = true;
	f->again = false;
	f->step = 0;
	f->doing = f->order.number;
	loop_timer_stop(&f->next);
	loop_timer_start(f->helper->loop, &f->deadline, limit_ms(f), 0, on_deadline, f);
	if (f->fd != -1)
		f->calls->resume(f);
	else
		f->calls->begin(f);
}

void
front_work(struct front *f)
{
	if (f->busy)
		f->again = true;
	else
		begin(f);
}

void
front_order(struct front *f, const struct msg_route_order *order)
{
	if (order->number == f->order.number && order->number == f->done) {
		front_report(f); /* a new generation asks again for what is so already */
		return;
	}
	f->order = *order;
	f->drifted = f->settled = false;
	f->failures = f->looks = 0;
	front_work(f);
}

void
front_ask(struct front *f, enum open_what what)
{
	static uint64_t last;
	struct msg_open o = { .what = what, .id = f->route->id, .token = ++last };
	f->token = o.token;
	if (helper_send(f->helper, MSG_OPEN, &o, 1) == MSG_FULL)
		front_failed(f, "monitord is busy");
}

static void on_stream(struct loop_io *io, unsigned events);

static void
watch(struct front *f)
{
	loop_io_start(f->helper->loop, &f->io, f->fd,
		      LOOP_READ | (f->out_sent < f->out_size ? LOOP_WRITE : 0u),
		      on_stream, f);
}

/* False: it failed, and the exchange has ended. */
static bool
put_out(struct front *f)
{
	while (f->out_sent < f->out_size) {
		ssize_t n = send(f->fd, f->out + f->out_sent, f->out_size - f->out_sent,
				 MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN)
			return true;
		if (n == -1) {
			front_failed(f, "%s", strerror(errno));
			return false;
		}
		f->out_sent += (size_t)n;
	}
	return true;
}

/* A stream that is kept, and nothing was asked: its end says that the front has ended,
 * and may be back soon; other words are none of ours. */
static void
on_idle(struct front *f)
{
	char byte;
	ssize_t n = recv(f->fd, &byte, 1, MSG_PEEK);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	disconnect(f);
	f->failures = 0;
	loop_timer_start(f->helper->loop, &f->next, n == 0 ? RETRY_MS : 0, 0, on_next, f);
}

static void
on_stream(struct loop_io *io, unsigned events)
{
	struct front *f = io->arg;
	if (!f->busy) {
		on_idle(f);
		return;
	}
	if ((events & LOOP_WRITE) != 0 && !put_out(f))
		return;
	if ((events & LOOP_READ) != 0) {
		int one = 1; /* an answer in two pieces waits for our ACK: not 40 ms of it
			      */
		setsockopt(f->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
		ssize_t n = read(f->fd, f->in + f->in_size, FRONT_IN - f->in_size);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n == -1 || f->in_size + (size_t)n == FRONT_IN) {
			front_failed(f, "%s",
				     n == -1 ? strerror(errno)
					     : "its answer is too long");
			return;
		}
		f->in_size += (size_t)n;
		f->calls->input(f, n == 0);
	}
	if (f->fd != -1 && (f->busy || f->calls->resume != NULL))
		watch(f);
}

void
front_use(struct front *f, int fd)
{
	f->connections += f->fd != fd;
	f->fd = fd;
	watch(f);
}

void
front_go(struct front *f)
{
	if (put_out(f))
		watch(f);
}

void
front_write(struct front *f)
{
	struct msg_route_write w = { .route = f->route->id,
				     .number = f->order.number,
				     .active = f->order.active };
	if (helper_send(f->helper, MSG_ROUTE_WRITE, &w, 1) == MSG_FULL)
		front_failed(f, "monitord is busy");
}

void
front_connect(struct front *f, const char *host, uint16_t port)
{
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	bool four = inet_pton(AF_INET, host, &a4.sin_addr) == 1;
	int one = 1;
	if (!four && inet_pton(AF_INET6, host, &a6.sin6_addr) != 1) {
		front_failed(f, "%s is no literal address", host);
		return;
	}
	int fd = socket(four ? AF_INET : AF_INET6,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1) {
		front_failed(f, "socket: %s", strerror(errno));
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	int r = four ? connect(fd, (struct sockaddr *)&a4, sizeof a4)
		     : connect(fd, (struct sockaddr *)&a6, sizeof a6);
	if (r != 0 && errno != EINPROGRESS) {
		int error = errno;
		close(fd);
		front_failed(f, "%s:%u: %s", host, port, strerror(error));
		return;
	}
	front_use(f, fd);
}

void
front_say(struct front *f, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(f->out + f->out_size, FRONT_OUT - f->out_size, format, args);
	va_end(args);
	if (n > 0 && (size_t)n < FRONT_OUT - f->out_size)
		f->out_size += (size_t)n;
}
