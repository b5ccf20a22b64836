/* The talk of an exchange: TLS, reading, judging. */
#include "probes/exchange.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define READ_TURNS 16 /* reads of one peer before the others have theirs */
#define REPLY_MAX (2 * (HTTP_HEAD_MAX + HTTP_BODY_MAX + 65536u))

static char
	shared[65536]; /* most answers come whole: these need no memory of their own */

/* ---- what was measured, against what is right ---- */

static void
answer_begin(const struct exchange *x, struct answer *a,
	     const char *names[RULES_BACKENDS_MAX])
{
	const struct run *r = x->run;
	const struct stream *s = r->stream;
	*a = (struct answer){ .active = names };
	for (unsigned m = 0; m < METRICS_COUNT; m++)
		a->value[m] = (double)NAN;
	a->value[METRIC_DAYS_LEFT] = x->days_left;
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
active_unknown(struct exchange *x)
{
	exchange_fail(x, OUTCOME_UNKNOWN,
		      "who carries the route's traffic is not known yet");
}

static void
good(struct exchange *x, struct answer *a)
{
	const struct plan *p = &x->run->plan;
	char why[MSG_TEXT] = "";
	int64_t took_ns = clock_ns() - x->began_ns;
	enum outcome outcome = OUTCOME_GOOD;
	a->value[METRIC_LATENCY] = (double)took_ns / 1e6;
	if (took_ns / 1000000 > p->check->timeout_ms + STREAM_LATE_MS)
		exchange_fail(x, OUTCOME_UNKNOWN, "our own loop was late: no verdict");
	else if (expect_unknown(p, a))
		active_unknown(x);
	else {
		if (!expect_all(p, a, false, why))
			outcome = OUTCOME_BAD;
		else if (expect_warns(p, a, why))
			outcome = OUTCOME_WARN;
		exchange_finish(x, outcome, a, why);
	}
}

/* What belongs to the step that is done goes away. */
static void
take_step(struct exchange *x)
{
	struct reply *p = &x->reply;
	assert(p->used <= p->size);
	p->size -= p->used;
	memmove(p->bytes, p->bytes + p->used, p->size);
	p->used = 0;
	p->step++;
	x->sent = 0;
	x->askings = 0;
}

/* HTTP/2 is spoken where the peer chose it, or where the kind knows nothing else. False: the
 * exchange has ended. */
static bool
choose_version(struct exchange *x)
{
	const struct check *c = x->run->plan.check;
	bool chosen = x->ssl != NULL && check_is_http(c) && tls_chose_h2(x->ssl);
	int one = 1;
	if (!chosen && !kind_table[c->kind].h2)
		return true;
	exchange_own(x);
	/* small frames in a row: none waits 40 ms for the ACK of the one before */
	setsockopt(x->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	x->h2 = h2_new();
	if (x->h2 == NULL)
		exchange_fail(x, OUTCOME_UNKNOWN, "out of memory");
	return x->h2 != NULL;
}

/* ---- TLS ---- */

/* False: the exchange has ended. */
static bool
tls_stands(struct exchange *x)
{
	const char *names[RULES_BACKENDS_MAX];
	struct answer a;
	x->days_left = tls_days_left(x->ssl);
	exchange_phase(x, PHASE_EXCHANGE,
		       x->run->stream->phase != NULL ? tls_words(x->ssl) : NULL);
	if (x->run->plan.talks)
		return choose_version(x) && exchange_ask(x);
	answer_begin(x, &a, names);
	good(x, &a);
	return false;
}

/* False: the exchange has ended, or the handshake goes on. */
static bool
shake_hands(struct exchange *x)
{
	char why[MSG_TEXT];
	switch (tls_handshake(x->ssl, why)) {
	case TLS_DONE:
		return tls_stands(x);
	case TLS_WANTS_READ:
		exchange_watch(x, LOOP_READ);
		return false;
	case TLS_WANTS_WRITE:
		exchange_watch(x, LOOP_READ | LOOP_WRITE);
		return false;
	case TLS_ENDED:
	case TLS_BAD:
		break;
	}
	exchange_fail(x, OUTCOME_BAD, "%s", why);
	return false;
}

static void
start_tls(struct exchange *x)
{
	const char *name = x->elsewhere != NULL ? x->elsewhere->hop.host : NULL;
	exchange_phase(x, PHASE_TLS, NULL);
	exchange_own(x);
	x->ssl = x->run->tls != NULL ? tls_open(x->run->tls, name, x->fd) : NULL;
	if (x->ssl == NULL)
		exchange_fail(x, OUTCOME_UNKNOWN, "TLS: out of memory");
	else
		shake_hands(x);
}

/* ---- judging ---- */

/* More may come. True: the exchange has ended. */
static bool
wait_more(struct exchange *x)
{
	const struct kind *kind = &kind_table[x->run->plan.check->kind];
	if (kind->most > 0 && x->reply.size > kind->most) {
		exchange_fail(x, OUTCOME_BAD, "more than %zu bytes came without %s",
			      kind->most, kind->wanted);
		return true;
	}
	if (!x->reply.ended)
		return false;
	exchange_fail(x, OUTCOME_BAD, "closed before %s was complete", kind->wanted);
	return true;
}

/* The peer has agreed to TLS. True: reading is over for now. */
static bool
upgrade(struct exchange *x)
{
	assert(x->ssl == NULL);
	take_step(x);
	if (x->reply.size > 0) {
		exchange_fail(x, OUTCOME_BAD, "%zu bytes came before the TLS handshake",
			      x->reply.size);
		return true;
	}
	if (kind_table[x->run->plan.check->kind].announces) {
		if (!exchange_ask(x))
			return true;
		take_step(x);
	}
	start_tls(x);
	return true;
}

/* A redirect: all begins anew but the deadline. */
static void
go_elsewhere(struct exchange *x)
{
	struct elsewhere *e = x->elsewhere;
	if (e == NULL)
		e = calloc(1, sizeof *e);
	if (e == NULL) {
		exchange_fail(x, OUTCOME_UNKNOWN, "out of memory");
		return;
	}
	if (&e->hop != x->reply.hop)
		e->hop = *x->reply.hop;
	x->elsewhere = e;
	if (x->cap > 0)
		free(x->reply.bytes);
	x->cap = 0;
	x->reply = (struct reply){ .hop = &e->hop,
				   .hops = x->reply.hops + 1,
				   .kept = x->reply.kept };
	x->sent = 0;
	x->days_left = (double)NAN;
	exchange_go(x);
}

static void
note_time(struct exchange *x)
{
	x->reply.stream = exchange_is_stream(x);
	if (x->reply.stream)
		return;
	x->reply.now_ns = clock_ns();
	x->reply.real_ns = exchange_real_ns();
}

bool
exchange_enough(struct exchange *x)
{
	const struct plan *p = &x->run->plan;
	const struct kind *kind = &kind_table[p->check->kind];
	const char *names[RULES_BACKENDS_MAX];
	struct answer a;
	char why[MSG_TEXT] = "";
	if (kind->packets == NULL)
		return false;
	answer_begin(x, &a, names);
	x->reply.ended = true;
	x->reply.size = 0;
	if (kind->judge(p, &x->reply, &a, why) != JUDGE_GOOD)
		return false;
	good(x, &a);
	return true;
}

/* True: the exchange has ended, or goes on otherwise than by reading. */
static bool
judge(struct exchange *x)
{
	const struct plan *p = &x->run->plan;
	const struct kind *kind = &kind_table[p->check->kind];
	const char *names[RULES_BACKENDS_MAX];
	struct answer a;
	char why[MSG_TEXT] = "";
	answer_begin(x, &a, names);
	note_time(x);
	x->reply.unique = x->unique;
	if (expect_unknown(p, &a)) {
		active_unknown(x);
		return true;
	}
	for (;;)
		switch (kind->judge(p, &x->reply, &a, why)) {
		case JUDGE_MORE:
			return wait_more(x);
		case JUDGE_NEXT:
			take_step(x);
			if (!exchange_ask(x))
				return true;
			if (x->reply.size == 0 && !x->reply.ended)
				return false;
			break;
		case JUDGE_ELSEWHERE:
			assert((kind->moves || x->reply.host == NULL) && x->ssl == NULL);
			x->reply.used = x->reply.size;
			take_step(x);
			x->reply.ended = false;
			exchange_move(x);
			return true;
		case JUDGE_STARTTLS:
			return upgrade(x);
		case JUDGE_REDIRECT:
			go_elsewhere(x);
			return true;
		case JUDGE_GOOD:
			good(x, &a);
			return true;
		case JUDGE_BAD:
		case JUDGES:
			exchange_finish(x,
					expect_elsewhere(p, &a) ? OUTCOME_UNKNOWN
								: OUTCOME_BAD,
					&a, why);
			return true;
		}
}

/* ---- the connection stands ---- */

void
exchange_connected(struct exchange *x)
{
	const struct run *r = x->run;
	const struct tls_wish *t = r->plan.check->more->tls;
	const char *names[RULES_BACKENDS_MAX];
	struct answer a;
	if (r->plan.check->connect_timeout_ms > 0)
		exchange_arm(x, r->plan.check->timeout_ms);
	if (x->elsewhere != NULL ? x->elsewhere->hop.tls
				 : t != NULL && t->encrypt == ENCRYPT_TLS) {
		start_tls(x);
		return;
	}
	exchange_phase(x, PHASE_EXCHANGE, NULL);
	if (r->plan.talks) {
		if (choose_version(x))
			exchange_ask(x);
		return;
	}
	answer_begin(x, &a, names);
	good(x, &a);
}

/* ---- reading ---- */

/* Room behind reply.size. False: out of memory, and the exchange has ended. */
static bool
make_room(struct exchange *x)
{
	struct reply *p = &x->reply;
	size_t cap = x->cap == 0 ? 8192 : x->cap * 2;
	if (x->cap > 0 && p->size < x->cap)
		return true;
	while (cap < p->size + 4096)
		cap *= 2;
	char *bytes = NULL;
	if (cap <= REPLY_MAX)
		bytes = x->cap > 0 ? realloc(p->bytes, cap) : malloc(cap);
	if (bytes == NULL) {
		exchange_fail(x, OUTCOME_UNKNOWN, "out of memory");
		return false;
	}
	if (x->cap == 0)
		memcpy(bytes, p->bytes, p->size);
	p->bytes = bytes;
	x->cap = cap;
	return true;
}

/* TLS_DONE: n bytes came; 0 bytes: the peer's end. TLS_BAD: the exchange has ended. */
static enum tls_got
get(struct exchange *x, char *bytes, size_t room, size_t *n)
{
	char why[MSG_TEXT];
	*n = 0;
	if (x->ssl != NULL) {
		enum tls_got got = tls_read(x->ssl, bytes, room, n, why);
		if (got == TLS_BAD)
			exchange_fail(x, OUTCOME_BAD, "%s (%zu bytes came)", why,
				      x->came);
		x->came += *n;
		return got == TLS_ENDED ? TLS_DONE : got;
	}
	ssize_t size = recv(x->fd, bytes, room, 0);
	if (size >= 0) {
		*n = (size_t)size;
		x->came += *n;
		return TLS_DONE;
	}
	if (errno == EAGAIN || errno == EINTR)
		return TLS_WANTS_READ;
	exchange_fail(x, OUTCOME_BAD, "the connection broke after %zu bytes: %s", x->came,
		      strerror(errno));
	return TLS_BAD;
}

/* The same of HTTP/2: what is read of its frames, of one read at most; over: no more comes. */
static enum tls_got
get_h2(struct exchange *x, char *bytes, size_t room, size_t *n, bool *over)
{
	static char frames[16384];
	char why[MSG_TEXT];
	size_t came = 0;
	if (!h2_holds(x->h2) && !h2_ended(x->h2)) {
		enum tls_got got = get(x, frames, sizeof frames, &came);
		if (got != TLS_DONE)
			return got;
		*over = came == 0;
		h2_take(x->h2, frames, came);
		exchange_push(x);
		if (h2_failed(x->h2, why)) {
			exchange_fail(x, OUTCOME_BAD, "%s", why);
			return TLS_BAD;
		}
	}
	*n = h2_text(x->h2, bytes, room);
	*over = *over || h2_ended(x->h2);
	return TLS_DONE;
}

/* One read. False: no more for now, or the exchange has ended. */
static bool
read_once(struct exchange *x)
{
	struct reply *p = &x->reply;
	bool over = false;
	size_t n = 0;
	if (x->cap == 0 && p->size == 0)
		p->bytes = shared;
	else if (!make_room(x))
		return false;
	size_t room = x->cap > 0 ? x->cap - p->size : sizeof shared;
	enum tls_got got = x->h2 != NULL ? get_h2(x, p->bytes + p->size, room, &n, &over)
					 : get(x, p->bytes + p->size, room, &n);
	if (got != TLS_DONE) {
		if (got != TLS_BAD && x->cap == 0)
			p->bytes = NULL;
		return false;
	}
	const struct stream *s = x->run->stream;
	if (x->h2 != NULL && n == 0 && !over)
		return true; /* frames of which the judge knows nothing */
	if (s->bytes != NULL)
		s->bytes(x->run->stream, false, p->bytes + p->size, n);
	p->size += n;
	p->ended = x->h2 != NULL ? over : n == 0 && exchange_is_stream(x);
	if (judge(x))
		return false;
	/* the shared buffer is not ours to keep */
	return x->cap > 0 || p->size == 0 || make_room(x);
}

static void
read_some(struct exchange *x)
{
	/* what TLS or HTTP/2 holds already the descriptor will not tell of */
	for (int turn = 0; turn < READ_TURNS || (x->ssl != NULL && tls_holds(x->ssl)) ||
			   (x->h2 != NULL && h2_holds(x->h2));
	     turn++)
		if (!read_once(x))
			return;
	exchange_own(x); /* what is left tells of itself */
}

static void
proceed(struct exchange *x, unsigned events)
{
	if (x->phase == PHASE_CONNECT) {
		exchange_connect_io(x);
		return;
	}
	if (x->phase == PHASE_TLS) {
		if (shake_hands(x))
			read_some(x);
		return;
	}
	if (x->unsent && (events & LOOP_WRITE) != 0 && !exchange_ask(x))
		return;
	if ((events & LOOP_READ) != 0)
		read_some(x);
}

void
exchange_io(struct loop_io *io, unsigned events)
{
	proceed(io->arg, events);
}

bool
exchange_event(void *arg, unsigned events)
{
	struct exchange *x = arg;
	bool connecting = x->phase == PHASE_CONNECT;
	events &= x->watched;
	if (events != 0)
		proceed(x, events);
	return connecting && events != 0;
}
