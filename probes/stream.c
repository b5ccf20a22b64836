#include "probes/stream.h"

#include "base/clock.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LATE_MS 100   /* so late our own loop may be before a verdict is no verdict */
#define READ_TURNS 16 /* reads of one peer before the others have theirs */
#define REPLY_MAX (HTTP_HEAD_MAX + HTTP_BODY_MAX + 65536u)

static char
	shared[65536]; /* most answers come whole: these need no memory of their own */

static void on_io(struct loop_io *io, unsigned events);
static void connect_next(struct run *r, int error);
static bool send_request(struct run *r);

/* ---- the end of an exchange, whatever ended it ---- */

static void
forget_opening(struct run *r)
{
	for (struct run **at = &r->stream->opening; *at != NULL;
	     at = &(*at)->next_opening)
		if (*at == r) {
			*at = r->next_opening;
			return;
		}
}

static void
let_go(struct run *r)
{
	static const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	loop_io_stop(&r->io);
	loop_timer_stop(&r->deadline);
	resolve_cancel(r->lookup);
	r->lookup = NULL;
	if (r->phase == PHASE_OPEN)
		forget_opening(r);
	if (r->fd != -1) {
		if (r->plan.check->kind != CHECK_UNIX) /* no TIME_WAIT is left behind */
			setsockopt(r->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		close(r->fd);
	}
	r->fd = -1;
	if (r->cap > 0)
		free(r->reply.bytes);
	r->cap = 0;
	r->reply = (struct reply){ 0 };
	r->phase = PHASE_IDLE;
}

static void
add_value(struct msg_result *m, enum metric metric, double value)
{
	if (!isnan(value) && m->value_count < MSG_VALUES)
		m->value[m->value_count++] =
			(struct msg_value){ .metric = metric, .value = value };
}

static void
finish(struct run *r, enum outcome outcome, const struct answer *a, const char *why)
{
	struct msg_result m;
	bool wanted = r->schedule.pace != PACE_OFF;
	assert(r->phase != PHASE_IDLE);
	memset(&m, 0, sizeof m);
	m.check = r->check;
	m.outcome = outcome;
	m.began_ns = r->began_ns;
	m.latency_ns = clock_ns() - r->began_ns;
	text_clean(m.text, sizeof m.text, why, strlen(why));
	if (a != NULL) {
		add_value(&m, METRIC_STATUS, a->value[METRIC_STATUS]);
		add_value(&m, METRIC_BYTES, a->value[METRIC_BYTES]);
	}
	let_go(r);
	if (wanted)
		results_add(r->stream->results, &m);
	schedule_done(&r->schedule);
}

__attribute__((format(printf, 3, 4))) static void
fail(struct run *r, enum outcome outcome, const char *format, ...)
{
	char why[MSG_TEXT];
	va_list args;
	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	finish(r, outcome, NULL, why);
}

/* ---- what was measured, against what is right ---- */

static void
answer_begin(const struct run *r, struct answer *a, const char *names[RULES_BACKENDS_MAX])
{
	const struct stream *s = r->stream;
	*a = (struct answer){ .active = names };
	for (unsigned m = 0; m < METRICS_COUNT; m++)
		a->value[m] = (double)NAN;
	if (r->plan.route == RULES_NONE)
		return;
	const struct route *route = &s->rules->routes[r->plan.route];
	for (uint32_t i = 0; i < route->backend_count; i++)
		if ((s->active[r->plan.route] >> i & 1) != 0)
			names[a->active_count++] = route->backends[i].name;
	a->known_count = a->active_count;
	for (uint32_t i = 0; i < route->backend_count; i++)
		if ((s->active[r->plan.route] >> i & 1) == 0)
			names[a->known_count++] = route->backends[i].name;
}

static void
good(struct run *r, struct answer *a)
{
	char why[MSG_TEXT] = "";
	int64_t took_ns = clock_ns() - r->began_ns;
	enum outcome outcome = OUTCOME_GOOD;
	a->value[METRIC_LATENCY] = (double)took_ns / 1e6;
	if (took_ns / 1000000 > r->plan.check->timeout_ms + LATE_MS) {
		fail(r, OUTCOME_UNKNOWN, "our own loop was late: no verdict");
		return;
	}
	if (expect_unknown(&r->plan, a)) {
		fail(r, OUTCOME_UNKNOWN,
		     "who carries the route's traffic is not known yet");
		return;
	}
	if (!expect_all(&r->plan, a, false, why))
		outcome = OUTCOME_BAD;
	else if (expect_warns(&r->plan, a, why))
		outcome = OUTCOME_WARN;
	finish(r, outcome, a, why);
}

/* The next step asks. False: the exchange has ended. */
static bool
next_step(struct run *r)
{
	struct reply *p = &r->reply;
	assert(p->used <= p->size);
	p->size -= p->used;
	memmove(p->bytes, p->bytes + p->used, p->size);
	p->used = 0;
	p->step++;
	r->sent = 0;
	return send_request(r);
}

/* More may come. True: the exchange has ended. */
static bool
wait_more(struct run *r)
{
	const struct kind *kind = &kind_table[r->plan.check->kind];
	if (kind->most > 0 && r->reply.size > kind->most) {
		fail(r, OUTCOME_BAD, "more than %zu bytes came without %s", kind->most,
		     kind->wanted);
		return true;
	}
	if (!r->reply.ended)
		return false;
	fail(r, OUTCOME_BAD, "closed before %s was complete", kind->wanted);
	return true;
}

/* True: the exchange has ended. */
static bool
judge(struct run *r)
{
	const struct kind *kind = &kind_table[r->plan.check->kind];
	const char *names[RULES_BACKENDS_MAX];
	struct answer a;
	char why[MSG_TEXT] = "";
	answer_begin(r, &a, names);
	if (expect_unknown(&r->plan, &a)) {
		fail(r, OUTCOME_UNKNOWN,
		     "who carries the route's traffic is not known yet");
		return true;
	}
	for (;;)
		switch (kind->judge(&r->plan, &r->reply, &a, why)) {
		case JUDGE_MORE:
			return wait_more(r);
		case JUDGE_NEXT:
			if (!next_step(r))
				return true;
			if (r->reply.size == 0 && !r->reply.ended)
				return false;
			break;
		case JUDGE_GOOD:
			good(r, &a);
			return true;
		case JUDGE_BAD:
		case JUDGES:
			finish(r,
			       expect_elsewhere(&r->plan, &a) ? OUTCOME_UNKNOWN
							      : OUTCOME_BAD,
			       &a, why);
			return true;
		}
}

/* ---- deadlines ---- */

static const char *
place(const struct run *r, char *out, size_t cap)
{
	const struct check *c = r->plan.check;
	if (c->kind == CHECK_UNIX)
		text_print(out, cap, "%s", c->path);
	else
		text_print(out, cap,
			   strchr(c->host, ':') != NULL ? "[%.60s]:%u" : "%.60s:%u",
			   c->host, c->port);
	return out;
}

static void
on_deadline(struct loop_timer *timer)
{
	struct run *r = timer->arg;
	const struct check *c = r->plan.check;
	char after[32], at[100];
	if (clock_ms() - r->deadline_ms > LATE_MS) {
		fail(r, OUTCOME_UNKNOWN, "our own loop was late: no verdict");
		return;
	}
	text_duration(clock_ms() - r->began_ns / 1000000, after, sizeof after);
	switch (r->phase) {
	case PHASE_RESOLVE:
		fail(r, OUTCOME_UNKNOWN,
		     "no name server told the address of %.60s within %s", c->host,
		     after);
		return;
	case PHASE_OPEN:
		fail(r, OUTCOME_UNKNOWN, "the socket was not opened within %s", after);
		return;
	case PHASE_CONNECT:
		fail(r, OUTCOME_BAD, "no connection to %s within %s",
		     place(r, at, sizeof at), after);
		return;
	case PHASE_EXCHANGE:
		if (r->came == 0)
			fail(r, OUTCOME_BAD,
			     "connected to %s, but not a byte came within %s",
			     place(r, at, sizeof at), after);
		else
			fail(r, OUTCOME_BAD,
			     "%s of %s was not complete within %s (%zu bytes came)",
			     kind_table[c->kind].wanted, place(r, at, sizeof at), after,
			     r->came);
		return;
	case PHASE_IDLE:
		break;
	}
	assert(!"a deadline without an exchange");
}

static void
arm(struct run *r, int64_t limit_ms)
{
	int64_t left = r->began_ns / 1000000 + limit_ms - clock_ms();
	r->deadline_ms = clock_ms() + (left > 0 ? left : 0);
	loop_timer_start(r->stream->helper->loop, &r->deadline, left, 0, on_deadline, r);
}

/* ---- the exchange ---- */

static bool
ours(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM ||
	       error == ENOBUFS || error == EADDRNOTAVAIL || error == ESTALE;
}

/* Sends what is left of the step's request. False: the exchange has ended. */
static bool
send_request(struct run *r)
{
	static char request[PLAN_REQUEST];
	const struct kind *kind = &kind_table[r->plan.check->kind];
	struct asked asked = { .plan = &r->plan,
			       .unique = r->unique,
			       .step = r->reply.step };
	size_t size = kind->ask(&asked, request, sizeof request);
	if (size == ASK_NOTHING)
		size = r->sent = 0;
	else if (size == 0) {
		fail(r, OUTCOME_UNKNOWN, "the request is longer than 16 KiB");
		return false;
	}
	ssize_t n = r->sent < size
			    ? send(r->fd, request + r->sent, size - r->sent, MSG_NOSIGNAL)
			    : 0;
	if (n > 0)
		r->sent += (size_t)n;
	/* a peer that closed early may have answered first: reading tells */
	bool more = r->sent < size && (n >= 0 || errno == EAGAIN || errno == EINTR);
	loop_io_start(r->stream->helper->loop, &r->io, r->fd,
		      LOOP_READ | (more ? LOOP_WRITE : 0u), on_io, r);
	return true;
}

static void
connected(struct run *r)
{
	const char *names[RULES_BACKENDS_MAX];
	r->phase = PHASE_EXCHANGE;
	arm(r, r->plan.check->timeout_ms);
	if (!r->plan.talks) {
		struct answer a;
		answer_begin(r, &a, names);
		good(r, &a);
		return;
	}
	send_request(r);
}

/* Room behind reply.size. False: out of memory. */
static bool
make_room(struct run *r)
{
	size_t cap = r->cap == 0 ? 8192 : r->cap * 2;
	if (r->cap > 0 && r->reply.size < r->cap)
		return true;
	while (cap < r->reply.size + 4096)
		cap *= 2;
	if (cap > REPLY_MAX * 2)
		return false;
	char *bytes = r->cap > 0 ? realloc(r->reply.bytes, cap) : malloc(cap);
	if (bytes == NULL)
		return false;
	if (r->cap == 0)
		memcpy(bytes, r->reply.bytes, r->reply.size);
	r->reply.bytes = bytes;
	r->cap = cap;
	return true;
}

static void
read_some(struct run *r)
{
	for (int turn = 0; turn < READ_TURNS; turn++) {
		if (r->cap == 0 && r->reply.size == 0)
			r->reply.bytes = shared;
		else if (!make_room(r)) {
			fail(r, OUTCOME_UNKNOWN, "out of memory");
			return;
		}
		size_t room = r->cap > 0 ? r->cap - r->reply.size : sizeof shared;
		ssize_t n = recv(r->fd, r->reply.bytes + r->reply.size, room, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			if (r->cap == 0)
				r->reply.bytes = NULL;
			return;
		}
		if (n < 0) {
			int error = errno;
			fail(r, OUTCOME_BAD, "the connection broke after %zu bytes: %s",
			     r->came, strerror(error));
			return;
		}
		r->reply.size += (size_t)n;
		r->came += (size_t)n;
		r->reply.ended = n == 0;
		if (judge(r))
			return;
		if (r->cap == 0 && r->reply.size > 0 &&
		    !make_room(r)) { /* the shared buffer is not ours to keep */
			fail(r, OUTCOME_UNKNOWN, "out of memory");
			return;
		}
	}
}

static void
on_io(struct loop_io *io, unsigned events)
{
	struct run *r = io->arg;
	if (r->phase == PHASE_CONNECT) {
		int error = 0;
		socklen_t size = sizeof error;
		getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &error, &size);
		if (error != 0)
			connect_next(r, error);
		else
			connected(r);
		return;
	}
	if ((events & LOOP_WRITE) != 0 && !send_request(r))
		return;
	if ((events & LOOP_READ) != 0)
		read_some(r);
}

/* Tries the next address; error: why the one before failed, 0: there was none. */
static void
connect_next(struct run *r, int error)
{
	char at[100];
	for (; r->address < r->addresses.count; r->address++) {
		const union address *a = &r->addresses.list[r->address];
		if (r->fd != -1) {
			loop_io_stop(&r->io);
			close(r->fd);
		}
		r->fd = socket(a->any.sa_family,
			       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (r->fd == -1) {
			error = errno;
			continue;
		}
		if (connect(r->fd, &a->any,
			    a->any.sa_family == AF_INET ? sizeof a->v4 : sizeof a->v6) ==
		    0) {
			r->address++;
			connected(r);
			return;
		}
		error = errno;
		if (error != EINPROGRESS)
			continue;
		r->address++;
		loop_io_start(r->stream->helper->loop, &r->io, r->fd, LOOP_WRITE, on_io,
			      r);
		return;
	}
	if (r->addresses.good_until_ms != INT64_MAX)
		r->addresses.count = 0; /* perhaps it has moved: ask again */
	fail(r, ours(error) ? OUTCOME_UNKNOWN : OUTCOME_BAD, "no connection to %s: %s",
	     place(r, at, sizeof at), strerror(error));
}

static void
start_connect(struct run *r)
{
	const struct check *c = r->plan.check;
	r->phase = PHASE_CONNECT;
	r->address = 0;
	if (c->connect_timeout_ms > 0)
		arm(r, c->connect_timeout_ms);
	connect_next(r, 0);
}

static void
on_resolved(void *arg, enum resolved how, const struct addresses *found, const char *why)
{
	struct run *r = arg;
	r->lookup = NULL;
	if (how == RESOLVE_GOOD) {
		r->addresses = *found;
	} else if (how == RESOLVE_ABSENT || r->addresses.count == 0) {
		fail(r, how == RESOLVE_ABSENT ? OUTCOME_BAD : OUTCOME_UNKNOWN,
		     "%.60s: %s", r->plan.check->host, why);
		return;
	} /* nobody answers: the last good address serves */
	start_connect(r);
}

static void
ask_to_open(struct run *r)
{
	struct msg_open open = { .what = OPEN_CHECK_SOCKET,
				 .id = r->check,
				 .token = ++r->stream->token };
	r->phase = PHASE_OPEN;
	r->token = open.token;
	r->next_opening = r->stream->opening;
	r->stream->opening = r;
	if (helper_send(r->stream->helper, MSG_OPEN, &open, 1) != MSG_SENT)
		fail(r, OUTCOME_UNKNOWN, "the channel to monitord is full");
}

static void
on_due(struct schedule *s)
{
	struct run *r = (struct run *)((char *)s - offsetof(struct run, schedule));
	const struct check *c = r->plan.check;
	r->began_ns = clock_ns();
	r->unique = ++r->stream->unique;
	r->sent = r->came = 0;
	r->phase = PHASE_RESOLVE;
	arm(r, c->timeout_ms);
	if (c->kind == CHECK_UNIX)
		ask_to_open(r);
	else if (r->addresses.count > 0 && r->addresses.good_until_ms > clock_ms())
		start_connect(r);
	else {
		struct lookup *l = resolve(c->host, c->port, on_resolved, r);
		if (r->phase == PHASE_RESOLVE)
			r->lookup = l;
	}
}

void
run_opened(struct run *r, int fd)
{
	char at[100];
	forget_opening(r);
	r->phase = PHASE_CONNECT;
	if (fd < 0) {
		fail(r, ours(-fd) ? OUTCOME_UNKNOWN : OUTCOME_BAD,
		     "no connection to %s: %s", place(r, at, sizeof at),
		     -fd == EAGAIN ? "its accept queue is full" : strerror(-fd));
		return;
	}
	r->fd = fd;
	connected(r);
}

struct run *
run_of_token(const struct stream *s, uint64_t token)
{
	struct run *r = s->opening;
	while (r != NULL && r->token != token)
		r = r->next_opening;
	return r;
}

bool
run_begin(struct run *r, struct stream *s, uint32_t check)
{
	const struct check *c = &s->rules->checks[check];
	r->stream = s;
	r->check = check;
	r->fd = -1;
	if (!plan_make(&r->plan, s->rules, check))
		return false;
	if (c->kind != CHECK_UNIX)
		resolve_literal(c->host, c->port, &r->addresses);
	schedule_begin(&r->schedule, s->helper->loop, c->name, c->every_ms, c->fast_ms,
		       on_due);
	return true;
}

bool
run_carry(struct run *r, uint32_t check)
{
	const struct check *c = &r->stream->rules->checks[check];
	struct plan plan;
	if (!plan_make(&plan, r->stream->rules, check)) {
		plan_free(&plan);
		return false;
	}
	plan_free(&r->plan);
	r->plan = plan;
	r->check = check;
	schedule_change(&r->schedule, c->every_ms, c->fast_ms);
	return true;
}

void
run_end(struct run *r)
{
	if (r->stream == NULL)
		return;
	if (r->phase != PHASE_IDLE)
		let_go(r);
	schedule_end(&r->schedule);
	plan_free(&r->plan);
}
