/* Messages are state, not a queue: what changed is a mark, and the newest state goes when
 * the channel takes it. */
#include "monitord/core.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VIEWS_MS 50

static bool
ids_new(struct ids *s, uint32_t cap)
{
	*s = (struct ids){ .cap = cap + 1 };
	s->list = calloc(cap + 1, sizeof *s->list);
	s->in = calloc(cap + 1, 1);
	return s->list != NULL && s->in != NULL;
}

static void
ids_free(struct ids *s)
{
	free(s->list);
	free(s->in);
	*s = (struct ids){ 0 };
}

void
ids_add(struct ids *s, uint32_t id)
{
	if (s->in[id])
		return;
	s->in[id] = 1;
	s->list[(s->first + s->count++) % s->cap] = id;
}

static uint32_t
ids_take(struct ids *s)
{
	uint32_t id = s->list[s->first];
	s->first = (s->first + 1) % s->cap;
	s->count--;
	s->in[id] = 0;
	return id;
}

bool
outbox_new(struct core *c)
{
	const struct rules *r = c->rules;
	c->pace_now = calloc(r->check_count + 1, 1);
	c->order_cut = calloc(r->route_count + 1, sizeof *c->order_cut);
	return ids_new(&c->paces, r->check_count) && ids_new(&c->watches, r->service_count) &&
	       ids_new(&c->orders, r->route_count) && ids_new(&c->actives, r->route_count) && c->pace_now != NULL && c->order_cut != NULL;
}

void
outbox_free(struct core *c)
{
	ids_free(&c->paces);
	ids_free(&c->watches);
	ids_free(&c->orders);
	ids_free(&c->actives);
	free(c->pace_now);
	free(c->order_cut);
	c->pace_now = NULL;
	c->order_cut = NULL;
}

void
outbox_all(struct core *c, enum role role)
{
	const struct rules *r = c->rules;
	for (uint32_t i = 0; i < r->check_count; i++)
		if (check_role(&r->checks[i]) == role)
			ids_add(&c->paces, i);
	for (uint32_t i = 0; role == ROLE_LOCAL && i < r->service_count; i++)
		ids_add(&c->watches, i);
	for (uint32_t i = 0; role == ROLE_NET && i < r->route_count; i++)
		ids_add(&c->actives, i);
	for (uint32_t i = 0; role == ROLE_ROUTES && i < r->route_count; i++)
		ids_add(&c->orders, i);
	if (role == ROLE_STATUS) {
		world_all_dirty(c->world);
		c->alerts_dirty = true;
	}
}

static bool
ready(const struct helper_slot *h)
{
	return h->state == HELPER_READY && !h->full;
}

static void
send_paces(struct core *c)
{
	for (uint32_t n = c->paces.count; n > 0; n--) {
		uint32_t id = ids_take(&c->paces);
		struct helper_slot *h = &c->helpers[check_role(&c->rules->checks[id])];
		struct msg_pace pace = { .check = id, .pace = world_pace(c->world, id) };
		if (h->state != HELPER_READY)
			continue; /* it gets all when it is */
		if (h->full) {
			ids_add(&c->paces, id);
			continue;
		}
		if (c->pace_now[id] && helper_put(h, MSG_PACE, &(struct msg_pace){ id, PACE_NOW }, -1) == MSG_SENT)
			c->pace_now[id] = 0;
		if (h->full || helper_put(h, MSG_PACE, &pace, -1) == MSG_FULL)
			ids_add(&c->paces, id);
	}
}

static void
send_watches(struct core *c)
{
	struct helper_slot *h = &c->helpers[ROLE_LOCAL];
	while (c->watches.count > 0 && ready(h)) {
		uint32_t id = ids_take(&c->watches);
		struct msg_watch watch = { .service = id };
		watch.pid = process_pid(c->processes, id, &watch.start_ticks);
		if (helper_put(h, MSG_WATCH, &watch, -1) == MSG_FULL)
			ids_add(&c->watches, id);
	}
}

static void
send_orders(struct core *c)
{
	struct helper_slot *h = &c->helpers[ROLE_ROUTES];
	while (c->orders.count > 0 && ready(h)) {
		uint32_t id = ids_take(&c->orders);
		struct msg_route_order order;
		if (!world_order(c->world, id, &order))
			continue; /* nothing was ordered: the front is as it was found */
		order.cut = c->order_cut[id] & ~order.active;
		if (helper_put(h, MSG_ROUTE_ORDER, &order, -1) == MSG_FULL)
			ids_add(&c->orders, id);
	}
}

static void
send_actives(struct core *c)
{
	struct helper_slot *h = &c->helpers[ROLE_NET];
	while (c->actives.count > 0 && ready(h)) {
		struct msg_active active = { .route = ids_take(&c->actives) };
		struct msg_route_view v;
		world_route_view(c->world, active.route, &v);
		active.active = v.seen ? v.active : 0;
		if (helper_put(h, MSG_ACTIVE, &active, -1) == MSG_FULL)
			ids_add(&c->actives, active.route);
	}
}

static enum msg_sent
send_view(struct core *c, enum object_kind kind, uint32_t id)
{
	struct helper_slot *h = &c->helpers[ROLE_STATUS];
	union {
		struct msg_service_view service;
		struct msg_check_view check;
		struct msg_route_view route;
		struct msg_rule_view rule;
		struct msg_incident_view incident;
		struct msg_silence_view silence;
	} v;
	switch (kind) {
	case OBJECT_SERVICE:
		world_service_view(c->world, id, &v.service);
		return helper_put(h, MSG_SERVICE_VIEW, &v, -1);
	case OBJECT_CHECK:
		world_check_view(c->world, id, &v.check);
		return helper_put(h, MSG_CHECK_VIEW, &v, -1);
	case OBJECT_ROUTE:
		world_route_view(c->world, id, &v.route);
		return helper_put(h, MSG_ROUTE_VIEW, &v, -1);
	case OBJECT_RULE:
		world_rule_view(c->world, id, &v.rule);
		return helper_put(h, MSG_RULE_VIEW, &v, -1);
	case OBJECT_MONITORD:
		if (id >= world_incidents(c->world)) {
			world_silence_view(c->world, id - world_incidents(c->world) - 1, &v.silence);
			return helper_put(h, MSG_SILENCE_VIEW, &v, -1);
		}
		world_incident_view(c->world, id, &v.incident);
		return helper_put(h, MSG_INCIDENT_VIEW, &v, -1);
	case OBJECT_CHAIN:
	case OBJECT_CONTACT:
	case OBJECT_KINDS:
		break;
	}
	return MSG_SENT;
}

static void
on_views(struct loop_timer *timer)
{
	(void)timer; /* the flush before the next sleep does the work */
}

/* The newest states, not more often than people and dashboards can see. */
static void
send_views(struct core *c)
{
	struct helper_slot *h = &c->helpers[ROLE_STATUS];
	enum object_kind kind;
	uint32_t id;
	int64_t wait = c->views_ms + VIEWS_MS - clock_ms();
	if (!ready(h) || loop_timer_active(&c->views))
		return;
	if (wait > 0) {
		loop_timer_start(c->loop, &c->views, wait, 0, on_views, c);
		return;
	}
	c->views_ms = clock_ms();
	while (ready(h) && world_take_dirty(c->world, &kind, &id))
		if (send_view(c, kind, id) == MSG_FULL)
			world_dirty_again(c->world, kind, id);
	if (ready(h) && c->alerts_dirty &&
	    helper_put(h, MSG_ALERT_COUNTS, &c->alerts, -1) == MSG_SENT)
		c->alerts_dirty = false;
}

static void
ring(struct core *c, enum role role)
{
	struct helper_slot *h = &c->helpers[role];
	struct msg_bell bell = { .last_id = c->journal.last_id };
	if (ready(h) && h->bell < bell.last_id && helper_put(h, MSG_BELL, &bell, -1) == MSG_SENT)
		h->bell = bell.last_id;
}

static void
send_controls(struct helper_slot *h)
{
	while (h->queue_count > 0 && !h->full && h->state != HELPER_OFF) {
		struct control *q = &h->queue[h->queue_first];
		bool first = q->kind == MSG_RULES || q->kind == MSG_JOURNAL;
		if (h->state != HELPER_READY && !first)
			return; /* it would drop it: its generation is about to change */
		if (helper_put(h, q->kind, q->item, q->fd) == MSG_FULL)
			return;
		if (q->fd != -1)
			close(q->fd);
		h->queue_first = (h->queue_first + 1) % CONTROL_QUEUE;
		h->queue_count--;
	}
}

void
outbox_flush(struct core *c)
{
	if (c->answered) { /* who has an answer may ask for the state at once */
		c->answered = false;
		loop_timer_stop(&c->views);
		c->views_ms = 0;
		send_views(c);
	}
	for (unsigned r = ROLE_MONITORD + 1; r < ROLES; r++)
		send_controls(&c->helpers[r]);
	send_orders(c); /* traffic first */
	send_actives(c);
	send_paces(c);
	send_watches(c);
	send_views(c);
	ring(c, ROLE_ALERTS);
	ring(c, ROLE_STATUS);
}
