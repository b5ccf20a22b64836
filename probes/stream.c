#include "probes/exchange.h"

#include "base/clock.h"
#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define BEAT_MS 50
#define REST_BEATS 40
#define DESCRIPTORS_KEPT 64 /* for all that is no exchange */

const char *const phase_name[PHASES] = {
	[PHASE_WAIT] = "wait",	     [PHASE_FILES] = "files",	  [PHASE_RESOLVE] = "resolve",
	[PHASE_OPEN] = "open",	     [PHASE_CONNECT] = "connect", [PHASE_TLS] = "tls",
	[PHASE_EXCHANGE] = "exchange",
};

static void on_deadline(struct loop_timer *timer);
static void begin(struct exchange *x);

/* ---- our own lateness ---- */

/* While something is under way: does our loop turn? If it stood still, answers lay unread
 * and deadlines passed unseen: all that was under way proves nothing. */
static void
on_beat(struct loop_timer *timer)
{
	struct stream *s = timer->arg;
	int64_t now = clock_ms();
	if (now - s->beat_ms > STREAM_LATE_MS)
		s->stalled_ns = clock_ns();
	if (s->busy == 0 || ++s->beats % REST_BEATS == 0) {
		pool_rest(&s->plain);
		pool_rest(&s->keeping);
		pool_rest(&s->sockets.pool);
	}
	if (s->busy == 0)
		return;
	s->beat_ms = now + BEAT_MS;
	loop_timer_start(s->loop, &s->beat, BEAT_MS, 0, on_beat, s);
}

static void
beat(struct stream *s)
{
	if (loop_timer_active(&s->beat))
		return;
	s->beat_ms = clock_ms() + BEAT_MS;
	loop_timer_start(s->loop, &s->beat, BEAT_MS, 0, on_beat, s);
}

/* ---- the end of an exchange, whatever ended it ---- */

static void
stop_waiting(struct exchange *x)
{
	struct stream *s = run_stream(x->run);
	for (struct exchange **at = &s->first_waiting; *at != NULL; at = &(*at)->next)
		if (*at == x) {
			*at = x->next;
			if (x->next == NULL)
				s->last_waiting = at;
			return;
		}
}

static struct pool *
pool_of(struct stream *s, const struct run *r)
{
	return kind_table[r->plan.check->kind].kept > 0 ? &s->keeping : &s->plain;
}

static void
let_go(struct exchange *x, bool good)
{
	struct run *r = x->run;
	struct stream *s = run_stream(r);
	exchange_watch(x, 0);
	loop_timer_stop(&x->deadline);
	resolve_cancel(x->lookup);
	x->lookup = NULL;
	exchange_forget(x);
	if (x->phase == PHASE_WAIT)
		stop_waiting(x);
	else
		s->busy--;
	exchange_close(x, good);
	free(x->elsewhere);
	if (x->cap > 0)
		free(x->reply.bytes);
	x->cap = 0;
	r->exchange = NULL;
	x->run = NULL;
	pool_give(pool_of(s, r), x);
}

/* There is room for one more: whoever waits longest has it. */
static void
next_turn(struct stream *s)
{
	struct exchange *x = s->first_waiting;
	if (x == NULL || s->busy >= s->most)
		return;
	s->first_waiting = x->next;
	if (s->first_waiting == NULL)
		s->last_waiting = &s->first_waiting;
	x->began_ns = clock_ns(); /* the peer has all its time */
	exchange_arm(x, x->run->plan.check->timeout_ms);
	begin(x);
}

/* There may be more values than a result holds: those that somebody reads go first. */
static void
add_values(struct msg_result *m, const struct plan *p, const struct answer *a)
{
	unsigned there[METRICS_COUNT], count = 0;
	for (unsigned v = 0; v < METRICS_COUNT; v++)
		if (isfinite(a->value[v]) && v != METRIC_LATENCY)
			there[count++] = v;
	for (unsigned turn = 0; turn < 2; turn++)
		for (unsigned i = 0; i < count && m->value_count < MSG_VALUES; i++)
			if (plan_wants(p, (enum metric)there[i]) == (turn == 0))
				m->value[m->value_count++] =
					(struct msg_value){ .metric = there[i],
							    .value = a->value[there[i]] };
}

void
exchange_finish(struct exchange *x, enum outcome outcome, const struct answer *a,
		const char *why)
{
	struct run *r = x->run;
	struct stream *s = run_stream(r);
	struct msg_result m;
	bool wanted = r->schedule.pace != PACE_OFF, late = x->began_ns < s->stalled_ns;
	memset(&m, 0, sizeof m);
	m.check = r->plan.check->id;
	m.outcome = late ? OUTCOME_UNKNOWN : outcome;
	m.began_ns = x->began_ns;
	m.latency_ns = clock_ns() - x->began_ns;
	m.silent = outcome == OUTCOME_BAD && x->silent;
	if (a != NULL && s->answer != NULL)
		s->answer(s, &r->plan, a);
	if (late)
		why = "our own loop was late: no verdict";
	text_clean(m.text, sizeof m.text, why, strlen(why));
	if (a != NULL && !late)
		add_values(&m, &r->plan, a);
	let_go(x, outcome == OUTCOME_GOOD || outcome == OUTCOME_WARN);
	bool news = m.outcome != OUTCOME_GOOD || r->schedule.said != OUTCOME_GOOD ||
		    r->schedule.pace != PACE_NORMAL || r->schedule.asked;
	r->schedule.said = (uint8_t)m.outcome;
	if (wanted)
		s->report(s, &m, news);
	/* again at once, but not without end where the machine is always late */
	if (late && !r->schedule.dropped)
		schedule_again(&r->schedule);
	r->schedule.dropped = late;
	schedule_done(&r->schedule);
	next_turn(s);
}

void
exchange_fail(struct exchange *x, enum outcome outcome, const char *format, ...)
{
	char why[MSG_TEXT];
	va_list args;
	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	exchange_finish(x, outcome, NULL, why);
}

/* ---- deadlines ---- */

bool
exchange_is_stream(const struct exchange *x)
{
	return x->streamed || !kind_table[x->run->plan.check->kind].datagrams;
}

const char *
exchange_host(const struct exchange *x)
{
	return x->moved               ? x->reply.host
	       : x->elsewhere != NULL ? x->elsewhere->hop.host
				      : x->run->plan.check->host;
}

const char *
exchange_place(const struct exchange *x, char *out, size_t cap)
{
	const struct check *c = x->run->plan.check;
	const char *host = exchange_host(x);
	if (c->host != NULL && c->port == 0 && !x->moved)
		text_print(out, cap, "%.60s", c->host); /* a ping */
	else if (host == NULL)
		text_print(out, cap, "%s", c->path);
	else
		text_print(out, cap,
			   strchr(host, ':') != NULL ? "[%.60s]:%u" : "%.60s:%u", host,
			   x->moved               ? x->reply.port
			   : x->elsewhere != NULL ? x->elsewhere->hop.port
						  : c->port);
	return out;
}

static void
exchange_late(struct exchange *x, const char *after)
{
	const struct check *c = x->run->plan.check;
	char at[110];
	exchange_place(x, at, sizeof at);
	if (exchange_enough(x))
		return;
	x->silent = !exchange_is_stream(x) && x->came == 0;
	if (!exchange_is_stream(x))
		exchange_fail(x, OUTCOME_BAD,
			      x->came == 0 ? "no answer from %s within %s"
					   : "no right answer from %s within %s",
			      at, after);
	else if (x->came == 0)
		exchange_fail(x, OUTCOME_BAD,
			      "connected to %s, but not a byte came within %s", at,
			      after);
	else
		exchange_fail(x, OUTCOME_BAD,
			      "%s of %s was not complete within %s (%zu bytes came)",
			      kind_table[c->kind].wanted, at, after, x->came);
}

static void
on_deadline(struct loop_timer *timer)
{
	struct exchange *x = timer->arg;
	char after[32], at[110];
	if (clock_ms() - x->deadline_ms > STREAM_LATE_MS)
		run_stream(x->run)->stalled_ns = clock_ns();
	text_duration(clock_ms() - x->began_ns / 1000000, after, sizeof after);
	exchange_place(x, at, sizeof at);
	switch (x->phase) {
	case PHASE_WAIT:
		exchange_fail(x, OUTCOME_UNKNOWN,
			      "its turn did not come within %s: %u others are under way",
			      after, run_stream(x->run)->busy);
		return;
	case PHASE_FILES:
		exchange_fail(x, OUTCOME_UNKNOWN, "its files were not opened within %s",
			      after);
		return;
	case PHASE_RESOLVE:
		exchange_fail(x, OUTCOME_UNKNOWN,
			      "no name server told the address of %.60s within %s",
			      exchange_host(x), after);
		return;
	case PHASE_OPEN:
		exchange_fail(x, OUTCOME_UNKNOWN, "the socket was not opened within %s",
			      after);
		return;
	case PHASE_CONNECT:
		x->silent = true;
		exchange_fail(x, OUTCOME_BAD, "no connection to %s within %s", at, after);
		return;
	case PHASE_TLS:
		exchange_fail(x, OUTCOME_BAD,
			      "connected to %s, but its TLS handshake was not complete "
			      "within %s",
			      at, after);
		return;
	case PHASE_EXCHANGE:
		if (!exchange_ask_again(x))
			exchange_late(x, after);
		return;
	case PHASES:
		break;
	}
	assert(!"a deadline without an exchange");
}

void
exchange_arm(struct exchange *x, int64_t limit_ms)
{
	int64_t at = x->began_ns / 1000000 + limit_ms, now = clock_ms();
	int64_t left = at > now ? at - now : 0;
	x->deadline_ms = now + left;
	loop_timer_start(run_stream(x->run)->loop, &x->deadline, left, 0, on_deadline, x);
}

/* ---- the begin ---- */

void
exchange_phase(struct exchange *x, enum phase phase, const char *detail)
{
	struct stream *s = run_stream(x->run);
	x->phase = phase;
	if (s->phase != NULL)
		s->phase(s, phase, detail);
}

static void
begin(struct exchange *x)
{
	struct stream *s = run_stream(x->run);
	s->busy++;
	if (s->busy + s->sockets.spares > s->most)
		sockets_trim(&s->sockets);
	beat(s);
	exchange_open(x);
}

static struct exchange *
take(struct stream *s, const struct run *r)
{
	struct exchange *x = pool_take(pool_of(s, r));
	if (x != NULL)
		memset(x, 0, offsetof(struct exchange, addresses));
	return x;
}

static void
on_due(struct schedule *schedule)
{
	struct run *r = (struct run *)((char *)schedule - offsetof(struct run, schedule));
	struct stream *s = run_stream(r);
	struct exchange *x = take(s, r);
	if (x == NULL) { /* the next one may have more luck */
		schedule_done(&r->schedule);
		return;
	}
	x->run = r;
	x->fd = -1;
	x->days_left = (double)NAN;
	x->began_ns = clock_ns();
	x->silent = false;
	x->unique = ++s->unique;
	size_t kept = kind_table[r->plan.check->kind].kept;
	x->reply.kept = kept > 0 ? x->kept : NULL;
	memset(x->kept, 0, kept);
	r->exchange = x;
	exchange_arm(x, r->plan.check->timeout_ms);
	if (s->busy < s->most && s->first_waiting == NULL) {
		begin(x);
		return;
	}
	exchange_phase(x, PHASE_WAIT, NULL);
	*s->last_waiting = x;
	s->last_waiting = &x->next;
}

void
stream_begin(struct stream *s)
{
	struct rlimit l;
	s->last_waiting = &s->first_waiting;
	s->plain.size = sizeof(struct exchange);
	for (unsigned k = 0; k < CHECK_KINDS; k++)
		if (s->keeping.size < sizeof(struct exchange) + kind_table[k].kept)
			s->keeping.size = sizeof(struct exchange) + kind_table[k].kept;
	timetable_begin(&s->timetable, s->loop, on_due);
	sockets_begin(&s->sockets, s->loop, exchange_event);
	s->most = 1024 - DESCRIPTORS_KEPT;
	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur > 2 * DESCRIPTORS_KEPT)
		s->most = l.rlim_cur > 1000000 ? 1000000
					       : (unsigned)l.rlim_cur - DESCRIPTORS_KEPT;
}

bool
run_begin(struct run *r, struct stream *s, uint32_t check)
{
	const struct check *c = &s->rules->checks[check];
	if (!plan_make(&r->plan, s->rules, check))
		return false;
	if (c->more->files != NULL && (r->files = calloc(1, sizeof *r->files)) == NULL)
		return false;
	return schedule_begin(&r->schedule, &s->timetable, c->name, c->every_ms,
			      c->fast_ms);
}

bool
run_carry(struct run *r, uint32_t check)
{
	const struct rules *rules = run_stream(r)->rules;
	const struct check *c = &rules->checks[check];
	struct plan plan;
	if (!plan_make(&plan, rules, check)) {
		plan_free(&plan);
		return false;
	}
	plan_free(&r->plan);
	r->plan = plan;
	schedule_change(&r->schedule, c->name, c->every_ms, c->fast_ms);
	return true;
}

void
run_end(struct run *r)
{
	if (r->exchange != NULL) {
		struct stream *s = run_stream(r);
		let_go(r->exchange, false);
		next_turn(s);
	}
	schedule_end(&r->schedule);
	tls_peer_free(&r->tls);
	files_free(&r->files);
	plan_free(&r->plan);
}
