/* The talk of an exchange: TLS, judging, and what follows of a verdict. */
#include "probes/exchange.h"

#include "base/clock.h"
#include "probes/expect.h"

#include <assert.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- what was measured, against what is right ---- */

static void
answer_begin(const struct exchange *x, struct answer *a,
	     const char *names[RULES_BACKENDS_MAX])
{
	const struct run *r = x->run;
	const struct stream *s = run_stream(r);
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
	if (x->h2 != NULL)
		return true;
	exchange_fail(x, OUTCOME_UNKNOWN, "out of memory");
	return false;
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
		       run_stream(x->run)->phase != NULL ? tls_words(x->ssl) : NULL);
	if (x->run->plan.talks)
		return choose_version(x) && exchange_ask(x);
	answer_begin(x, &a, names);
	good(x, &a);
	return false;
}

bool
exchange_shake_hands(struct exchange *x)
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
		exchange_shake_hands(x);
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

bool
exchange_judge(struct exchange *x)
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
