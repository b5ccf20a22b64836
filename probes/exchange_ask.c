/* What an exchange asks: the request of each step, as a stream or as datagrams. */
#include "probes/exchange.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <sys/socket.h>
#include <time.h>

int64_t
exchange_real_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* How many bytes went out. A peer that closed early may have answered first: its failures
 * are told by reading. */
static size_t
put(struct exchange *x, const char *bytes, size_t size)
{
	char why[MSG_TEXT];
	size_t n = 0;
	if (x->ssl != NULL) {
		x->unsent =
			tls_write(x->ssl, bytes, size, &n, why) < TLS_ENDED && n < size;
		return n;
	}
	ssize_t got = send(x->fd, bytes, size, MSG_NOSIGNAL);
	n = got > 0 ? (size_t)got : 0;
	x->unsent = n < size && (got >= 0 || errno == EAGAIN || errno == EINTR);
	return n;
}

static char request[PLAN_REQUEST];

/* The step's request, into the buffer; 0: it cannot be made. */
static size_t
make_request(struct exchange *x)
{
	const struct run *r = x->run;
	const struct blob *files = r->files != NULL ? r->files->of : NULL;
	struct asked asked = { .plan = &r->plan,
			       .unique = x->unique,
			       .step = x->reply.step,
			       .kept = x->reply.kept,
			       .stream = true,
			       .hop = x->elsewhere != NULL ? &x->elsewhere->hop : NULL,
			       .files = files };
	x->reply.files = files;
	size_t size =
		kind_table[r->plan.check->kind].ask(&asked, request, sizeof request);
	return size;
}

static void
watch_answer(struct exchange *x)
{
	if (x->unsent)
		exchange_own(x);
	exchange_watch(x, LOOP_READ | (x->unsent ? LOOP_WRITE : 0u));
}

static void
went_out(struct exchange *x, size_t n)
{
	struct stream *s = run_stream(x->run);
	if (s->bytes != NULL && n > 0)
		s->bytes(s, true, request + x->sent, n);
	x->sent += n;
}

/* The deadline until the datagram is sent again, or until the timeout. */
static void
arm_askings(struct exchange *x, bool once)
{
	int64_t timeout_ms = x->run->plan.check->timeout_ms;
	int64_t spent_ms = clock_ms() - x->began_ns / 1000000;
	int64_t wait_ms = timeout_ms / (ASKINGS_MOST + 1);
	bool last =
		once || x->askings >= ASKINGS_MOST || spent_ms + wait_ms >= timeout_ms;
	exchange_arm(x, last ? timeout_ms : spent_ms + wait_ms);
}

/* One datagram for each step. What cannot be sent is lost, as on its way. */
static bool
ask_packets(struct exchange *x)
{
	const struct plan *p = &x->run->plan;
	const struct kind *kind = &kind_table[p->check->kind];
	const struct stream *s = run_stream(x->run);
	struct sockaddr_storage own = { .ss_family = AF_UNSPEC };
	socklen_t own_size = sizeof own;
	getsockname(x->fd, (struct sockaddr *)&own, &own_size);
	struct asked asked = { .plan = p,
			       .unique = x->unique,
			       .step = x->reply.step,
			       .kept = x->reply.kept,
			       .now_ns = clock_ns(),
			       .again = x->askings,
			       .family = own.ss_family };
	unsigned count = kind->packets != NULL ? kind->packets(p) : 1;
	assert(x->askings < ASKINGS_MOST);
	x->reply.asked_ns[x->askings] = asked.now_ns;
	x->reply.asked_real_ns[x->askings] = exchange_real_ns();
	x->askings++;
	arm_askings(x, kind->packets != NULL);
	for (unsigned i = 0; i < count; i++, asked.step++) {
		size_t size = kind->ask(&asked, request, sizeof request);
		if (size == 0) {
			exchange_fail(x, OUTCOME_UNKNOWN, "the request cannot be made");
			return false;
		}
		if (size == ASK_NOTHING)
			continue;
		ssize_t sent = send(x->fd, request, size, MSG_NOSIGNAL);
		if (s->bytes != NULL && sent > 0)
			s->bytes(run_stream(x->run), true, request, (size_t)sent);
	}
	exchange_watch(x, LOOP_READ);
	return true;
}

bool
exchange_ask_again(struct exchange *x)
{
	if (exchange_is_stream(x) ||
	    kind_table[x->run->plan.check->kind].packets != NULL || x->askings == 0 ||
	    x->askings >= ASKINGS_MOST ||
	    clock_ms() - x->began_ns / 1000000 >= x->run->plan.check->timeout_ms)
		return false;
	ask_packets(x);
	return true;
}

static bool
cannot_ask(struct exchange *x)
{
	exchange_fail(x, OUTCOME_UNKNOWN,
		      "the request cannot be made: it is longer than "
		      "64 KiB, or its secret has no form of one");
	return false;
}

void
exchange_push(struct exchange *x)
{
	const char *bytes;
	size_t n, out = 0;
	x->unsent = false;
	while ((n = h2_out(x->h2, &bytes)) > 0) {
		out = put(x, bytes, n);
		h2_sent(x->h2, out);
		if (out < n)
			break;
	}
	exchange_watch(x, LOOP_READ | (x->unsent ? LOOP_WRITE : 0u));
}

/* The request once, then whatever becomes of it. */
static bool
ask_h2(struct exchange *x)
{
	if (x->sent == 0) {
		size_t size = make_request(x);
		if (size == 0 || !h2_ask(x->h2, request, size, x->ssl != NULL))
			return cannot_ask(x);
		went_out(x, size);
	}
	exchange_push(x);
	return true;
}

bool
exchange_ask(struct exchange *x)
{
	if (!exchange_is_stream(x))
		return ask_packets(x);
	if (x->h2 != NULL)
		return ask_h2(x);
	size_t size = make_request(x);
	x->unsent = false;
	if (size == 0)
		return cannot_ask(x);
	if (size != ASK_NOTHING && x->sent < size)
		went_out(x, put(x, request + x->sent, size - x->sent));
	watch_answer(x);
	return true;
}

int
exchange_early(struct exchange *x)
{
	if (kind_table[x->run->plan.check->kind].h2)
		return EAGAIN;
	size_t size = make_request(x);
	if (size == 0 || size == ASK_NOTHING)
		return EAGAIN;
	ssize_t n = send(x->fd, request, size, MSG_NOSIGNAL);
	if (n < 0)
		return errno;
	if (x->run->plan.check->connect_timeout_ms > 0)
		exchange_arm(x, x->run->plan.check->timeout_ms);
	exchange_phase(x, PHASE_EXCHANGE, NULL);
	went_out(x, (size_t)n);
	x->unsent = x->sent < size;
	watch_answer(x);
	return 0;
}
