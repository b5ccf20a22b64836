#include "routes/front.h"

#include "base/clock.h"
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
#define EVERY_MS 1000	 /* how often the front is read when nothing happens */
#define RETRY_MS 100	 /* after a failure, doubling to EVERY_MS */

static void begin(struct front *f);

static const struct driver_calls *const driver_table[DRIVERS] = {
	[DRIVER_SWITCH] = &switch_calls,
	[DRIVER_HAPROXY] = &haproxy_calls,
	[DRIVER_VARNISH] = &varnish_calls,
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

static void
disconnect(struct front *f)
{
	loop_io_stop(&f->io);
	if (f->fd != -1)
		close(f->fd);
	f->fd = -1;
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
finish(struct front *f, int64_t next_ms)
{
	disconnect(f);
	f->busy = false;
	f->token = 0;
	loop_timer_stop(&f->deadline);
	f->seen.seen_ns = clock_ns();
	front_report(f);
	if (f->again) {
		f->again = false;
		next_ms = 0;
	}
	loop_timer_start(f->helper->loop, &f->next, next_ms, 0, on_next, f);
}

void
front_done(struct front *f, uint64_t active, bool drifted)
{
	f->failures = 0;
	if (front_applies(f))
		f->done = f->doing;
	bool again = drifted && !f->drifted; /* once at once, then with the clock */
	f->drifted = drifted;
	memset(&f->seen, 0, sizeof f->seen);
	f->seen.number = f->done;
	f->seen.active = active;
	finish(f, again ? 0 : EVERY_MS);
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
	finish(f, wait < EVERY_MS ? wait : EVERY_MS);
}

/* ---- an exchange ---- */

static void
on_deadline(struct loop_timer *timer)
{
	front_failed(timer->arg, "no answer within %d ms", EXCHANGE_MS);
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
	loop_timer_start(f->helper->loop, &f->deadline, EXCHANGE_MS, 0, on_deadline, f);
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
	f->drifted = false;
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

static void
on_stream(struct loop_io *io, unsigned events)
{
	struct front *f = io->arg;
	if ((events & LOOP_WRITE) != 0 && f->out_sent < f->out_size) {
		ssize_t n = send(f->fd, f->out + f->out_sent, f->out_size - f->out_sent, MSG_NOSIGNAL);
		if (n == -1 && errno != EAGAIN && errno != EINTR) {
			front_failed(f, "%s", strerror(errno));
			return;
		}
		f->out_sent += n > 0 ? (size_t)n : 0;
	}
	if ((events & LOOP_READ) != 0) {
		int one = 1; /* an answer in two pieces waits for our ACK: not 40 ms of it */
		setsockopt(f->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
		ssize_t n = recv(f->fd, f->in + f->in_size, FRONT_IN - f->in_size, 0);
		if (n == -1 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n == -1 || f->in_size + (size_t)n == FRONT_IN) {
			front_failed(f, "%s", n == -1 ? strerror(errno) : "its answer is too long");
			return;
		}
		f->in_size += (size_t)n;
		f->calls->input(f, n == 0);
	}
	if (f->busy && f->fd != -1)
		front_use(f, f->fd);
}

void
front_use(struct front *f, int fd)
{
	f->fd = fd;
	loop_io_start(f->helper->loop, &f->io, fd,
		      LOOP_READ | (f->out_sent < f->out_size ? LOOP_WRITE : 0u), on_stream, f);
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
	int fd = socket(four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
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
