/* What helpers say: each id is checked against the rules before anything else. */
#include "monitord/core.h"
#include "monitord/measure.h"
#include "monitord/whole.h"

#include "base/clock.h"
#include "base/text.h"

#include <assert.h>
#include <string.h>

static bool
refuse(char why[MSG_TEXT], const char *what)
{
	text_print(why, MSG_TEXT, "%s", what);
	return false;
}

/* A helper cleans what its peers say; one that was taken over would write lines of its own into our
 * log. */
static void
clean(char *text, size_t size)
{
	char bytes[sizeof(struct msg_test_done)];
	assert(size <= sizeof bytes);
	if (*text == '\0')
		return;
	memcpy(bytes, text, size);
	text_clean(text, size, bytes, strnlen(bytes, size));
}

/* A time of our clock that is past already. */
static int64_t
past(int64_t ns, int64_t now_ns)
{
	return ns < 0 ? 0 : ns > now_ns ? now_ns : ns;
}

static bool
hello(struct helper_slot *h, void *at, char why[MSG_TEXT])
{
	const struct msg_hello *m = at;
	if (m->version != MSG_VERSION)
		return refuse(why, "it is of another version than monitord");
	if (m->role != (uint32_t)h->role)
		return refuse(why, "it takes itself for another helper");
	return helper_greeted(h) ||
	       refuse(why, "it greeted twice, or cannot be answered");
}

static bool
result(struct helper_slot *h, void *at, char why[MSG_TEXT])
{
	struct msg_result *m = at;
	struct core *c = h->core;
	if (m->check >= c->rules->check_count ||
	    check_role(&c->rules->checks[m->check]) != h->role)
		return refuse(why, "it told of a check that is not its own");
	if (m->value_count > MSG_VALUES)
		return refuse(why, "too many values in a result");
	int64_t now_ns = clock_ns();
	m->began_ns = past(m->began_ns, now_ns);
	m->latency_ns = past(m->latency_ns, now_ns);
	clean(m->text, sizeof m->text);
	traces_result(c, m);
	struct event e = { .kind = EVENT_RESULT, .id = m->check, .result = m };
	core_event(c, &e);
	return true;
}

static bool
well(struct helper_slot *h, void *at, char why[MSG_TEXT])
{
	const struct msg_well *m = at;
	struct msg_result r;
	if (m->value_count > MSG_WELL_VALUES)
		return refuse(why, "too many values in a result");
	msg_from_well(m, &r);
	return result(h, &r, why);
}

static bool
sample(struct helper_slot *h, void *at, char why[MSG_TEXT])
{
	struct msg_sample *m = at;
	uint64_t ticks;
	if (m->service >= h->core->rules->service_count ||
	    m->value_count > MSG_SAMPLE_VALUES)
		return refuse(why, "a sample of an unknown service");
	if (process_pid(h->core->processes, m->service, &ticks) != m->pid ||
	    ticks != m->start_ticks)
		return true; /* of an earlier process */
	m->taken_ns = past(m->taken_ns, clock_ns());
	measure_add(h->core->processes, m);
	whole_add(&h->core->rules->services[m->service], m);
	traces_sample(h->core, m);
	struct event e = { .kind = EVENT_SAMPLE, .id = m->service, .sample = m };
	core_event(h->core, &e);
	look_sample(h->core);
	return true;
}

static bool
seen(struct helper_slot *h, void *at, char why[MSG_TEXT])
{
	struct msg_route_seen *m = at;
	if (m->route >= h->core->rules->route_count)
		return refuse(why, "it told of an unknown route");
	clean(m->text, sizeof m->text);
	struct event e = { .kind = EVENT_ROUTE_SEEN, .id = m->route, .seen = m };
	core_event(h->core, &e);
	ids_add(&h->core->actives, m->route);
	return true;
}

static bool
write_front(struct helper_slot *h, void *at, char why[MSG_TEXT])
{
	const struct msg_route_write *m = at;
	const struct rules *r = h->core->rules;
	if (m->route >= r->route_count)
		return refuse(why, "it wants to write an unknown route");
	const struct route *route = &r->routes[m->route];
	if (!front_has_file(route) && route->driver != DRIVER_RUN)
		return refuse(
			why, "it wants to write a route that has no file and no command");
	if (m->active == 0 ||
	    (route->backend_count < 64 && m->active >> route->backend_count != 0))
		return refuse(why, "it wants to take the traffic from everybody");
	front_write(h->core, m);
	return true;
}

static bool
loaded(struct helper_slot *h, void *at, char why[MSG_TEXT])
{
	const struct msg_loaded *m = at;
	(void)why;
	if (h->state == HELPER_LOADING && m->generation == h->core->generation)
		helper_is_ready(h);
	return true;
}

static bool
pong(struct helper_slot *h, void *at, char why[MSG_TEXT])
{
	const struct msg_ping *m = at;
	(void)why;
	h->pong = m->number;
	return true;
}

static bool
open_thing(struct helper_slot *h, void *at, char why[MSG_TEXT])
{
	(void)why;
	open_for(h, at);
	return true;
}

static bool
found(struct helper_slot *h, void *at, char why[MSG_TEXT])
{
	const struct core *c = h->core;
	const struct msg_found *m = at;
	if (m->service >= c->rules->service_count)
		return refuse(why, "it found an unknown service");
	if (c->rules->services[m->service].match == NULL)
		return true;
	if (m->pid <= 0)
		process_absent(c->processes, m->service);
	else
		process_hint(c->processes, m->service, m->pid, m->start_ticks);
	return true;
}

static bool
alert_counts(struct helper_slot *h, void *at, char why[MSG_TEXT])
{
	(void)why;
	memcpy(&h->core->alerts, at, sizeof h->core->alerts);
	h->core->alerts_dirty = true;
	return true;
}

static bool
command(struct helper_slot *h, void *at, char why[MSG_TEXT])
{
	(void)why;
	command_from(h, at, h->in.fd);
	return true;
}

static bool
who(struct helper_slot *h, void *at, char why[MSG_TEXT])
{
	(void)why;
	who_from(h, at, h->in.fd);
	return true;
}

static bool
follow(struct helper_slot *h, void *at, char why[MSG_TEXT])
{
	const struct msg_follow *m = at;
	(void)why;
	h->core->look.followed = m->on != 0;
	return true;
}

static bool
test_done(struct helper_slot *h, void *at, char why[MSG_TEXT])
{
	struct msg_test_done *m = at;
	(void)why;
	clean(m->text, sizeof m->text);
	trial_done(h->core, m);
	return true;
}

/* What monitord receives. msg_receive has checked size and direction. */
static bool (*const take[MSG_KINDS])(struct helper_slot *h, void *at, char why[MSG_TEXT]) = {
	[MSG_HELLO] = hello,
	[MSG_LOADED] = loaded,
	[MSG_PONG] = pong,
	[MSG_OPEN] = open_thing,
	[MSG_RESULT] = result,
	[MSG_WELL] = well,
	[MSG_SAMPLE] = sample,
	[MSG_FOUND] = found,
	[MSG_ROUTE_SEEN] = seen,
	[MSG_ROUTE_WRITE] = write_front,
	[MSG_ALERT_COUNTS] = alert_counts,
	[MSG_COMMAND] = command,
	[MSG_WHO] = who,
	[MSG_FOLLOW] = follow,
	[MSG_TEST_DONE] = test_done,
};

static bool
item(struct helper_slot *h, enum msg_kind kind, void *at, char why[MSG_TEXT])
{
	return take[kind] != NULL ? take[kind](h, at, why)
				  : refuse(why, "a message that it may not send");
}

/* Ids of another generation mean other things: such packets are dropped without reproach,
 * but what awaits an answer gets one. */
static bool
of_old_rules(struct helper_slot *h, enum msg_kind kind, const void *at)
{
	const struct msg_command *command = at;
	const struct msg_open *o = at;
	if (h->in.head.generation == h->core->generation)
		return false;
	if (kind == MSG_COMMAND)
		command_answer(h->core, command->token, ANSWER_REFUSED, 0,
			       "the rules were read again just now: once more, please");
	if (kind == MSG_OPEN) {
		struct msg_opened opened = { .what = o->what,
					     .id = o->id,
					     .token = o->token,
					     .error = 116 /* ESTALE */ };
		helper_control(h, MSG_OPENED, &opened, sizeof opened, -1);
	}
	return kind == MSG_COMMAND || kind == MSG_OPEN || kind == MSG_RESULT ||
	       kind == MSG_WELL || kind == MSG_SAMPLE || kind == MSG_FOUND ||
	       kind == MSG_ROUTE_SEEN || kind == MSG_ROUTE_WRITE;
}

/* Measurements go on to status, for its record, as they came. What finds no room is lost to
 * the record only. */
static void
hand_on(struct helper_slot *h, const struct msg_packet *p)
{
	struct core *c = h->core;
	struct helper_slot *status = &c->helpers[ROLE_STATUS];
	if (c->rules->settings.record_ms > 0 && status->state == HELPER_READY &&
	    !status->full && p->head.generation == c->generation)
		helper_put_many(status,
				p->head.kind == MSG_WELL     ? MSG_WELL
				: p->head.kind == MSG_RESULT ? MSG_MEASURED
							     : MSG_SAMPLED,
				p->items, p->head.count);
}

bool
inbox_packet(struct helper_slot *h, struct msg_packet *p, char why[MSG_TEXT])
{
	enum msg_kind kind = p->head.kind;
	size_t size = msg_item_size(kind);
	if (h->state == HELPER_STARTED && kind != MSG_HELLO)
		return refuse(why, "it did not greet first");
	for (unsigned i = 0; i < p->head.count && h->channel != -1; i++) {
		void *at = p->items + i * size;
		if (!of_old_rules(h, kind, at) && !item(h, kind, at, why))
			return false;
	}
	if (kind == MSG_RESULT || kind == MSG_WELL || kind == MSG_SAMPLE)
		hand_on(h, p);
	return true;
}
