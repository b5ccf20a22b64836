/* Messages are state, not a queue: what changed is a mark, and the newest state goes when
 * the channel takes it. */
#include "monitord/core.h"

#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#define VIEWS_MS 50
#define LINES_MS 10000 /* while nobody looks: of events for the record, where nothing else is in it */
#define LATER_MS 10000 /* what was only measured anew; as often as the history is kept */
#define NEWS_MS 10 /* a death is told with the start that follows, unless that takes longer */

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
	if (!look_new(c))
		return false;
	return ids_new(&c->paces, r->check_count) &&
	       ids_new(&c->watches, r->service_count) &&
	       ids_new(&c->orders, r->route_count) &&
	       ids_new(&c->actives, r->route_count) && c->pace_now != NULL &&
	       c->order_cut != NULL;
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
	free(c->measured);
	c->measured = NULL;
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
		if (c->pace_now[id] &&
		    helper_put(h, MSG_PACE, &(struct msg_pace){ id, PACE_NOW }, -1) ==
			    MSG_SENT)
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
		if (look_measures(c, id) && !process_is_sought(c->processes, id))
			watch.pid = process_pid(c->processes, id, &watch.start_ticks);
		watch.owned = process_owner(c->processes, id, &watch.owner);
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

/* Views of one kind that share a packet. */
struct batch {
	enum msg_kind kind;
	uint32_t count;
	struct {
		enum object_kind kind;
		uint32_t id;
	} of[MSG_PACKET_MAX / sizeof(struct msg_rule_view)];
	_Alignas(8) unsigned char items[MSG_PACKET_MAX];
};
static_assert(sizeof(struct msg_rule_view) <= sizeof(struct msg_silence_view) &&
		      sizeof(struct msg_rule_view) <= sizeof(struct msg_route_view),
	      "the smallest view");

/* MSG_KINDS: it has no view. */
static enum msg_kind
view_kind(const struct world *w, enum object_kind kind, uint32_t id)
{
	return kind == OBJECT_SERVICE    ? MSG_SERVICE_VIEW
	       : kind == OBJECT_CHECK    ? MSG_CHECK_VIEW
	       : kind == OBJECT_ROUTE    ? MSG_ROUTE_VIEW
	       : kind == OBJECT_RULE     ? MSG_RULE_VIEW
	       : kind == OBJECT_CHAIN    ? MSG_CHAIN_VIEW
	       : kind != OBJECT_MONITORD ? MSG_KINDS
	       : id < world_incidents(w) ? MSG_INCIDENT_VIEW
					 : MSG_SILENCE_VIEW;
}

static void
put_view(const struct world *w, struct batch *b, enum object_kind kind, uint32_t id)
{
	void *at = b->items + b->count * msg_item_size(b->kind);
	b->of[b->count].kind = kind;
	b->of[b->count++].id = id;
	if (b->kind == MSG_SERVICE_VIEW)
		world_service_view(w, id, at);
	else if (b->kind == MSG_CHECK_VIEW)
		world_check_view(w, id, at);
	else if (b->kind == MSG_ROUTE_VIEW)
		world_route_view(w, id, at);
	else if (b->kind == MSG_RULE_VIEW)
		world_rule_view(w, id, at);
	else if (b->kind == MSG_CHAIN_VIEW)
		world_chain_view(w, id, at);
	else if (b->kind == MSG_INCIDENT_VIEW)
		world_incident_view(w, id, at);
	else
		world_silence_view(w, id - world_incidents(w) - 1, at);
}

/* What the channel does not take is marked again. */
static void
send_batch(struct core *c, struct batch *b)
{
	struct helper_slot *h = &c->helpers[ROLE_STATUS];
	if (b->count > 0 && helper_put_many(h, b->kind, b->items, b->count) == MSG_FULL)
		for (uint32_t i = 0; i < b->count; i++)
			world_dirty_again(c->world, b->of[i].kind, b->of[i].id);
	b->count = 0;
}

static void
send_dirty(struct core *c)
{
	struct batch b = { .kind = MSG_KINDS };
	enum object_kind kind;
	uint32_t id;
	while (ready(&c->helpers[ROLE_STATUS]) &&
	       world_take_dirty(c->world, &kind, &id)) {
		enum msg_kind view = view_kind(c->world, kind, id);
		if (view == MSG_KINDS)
			continue;
		if (view != b.kind ||
		    (b.count + 1) * msg_item_size(view) > MSG_PACKET_MAX)
			send_batch(c, &b);
		b.kind = view;
		put_view(c->world, &b, kind, id);
	}
	send_batch(c, &b);
}

static void
on_views(struct loop_timer *timer)
{
	(void)timer; /* the flush before the next sleep does the work */
}

static void
ring(struct core *c, enum role role)
{
	struct helper_slot *h = &c->helpers[role];
	struct msg_bell bell = { .last_id = c->journal.last_id };
	if (ready(h) && h->bell < bell.last_id &&
	    helper_put(h, MSG_BELL, &bell, -1) == MSG_SENT)
		h->bell = bell.last_id;
}

static void
on_later(struct loop_timer *timer)
{
	struct core *c = timer->arg;
	world_age(c->world);
}

/* Whether status has not heard of something that it needs to: while nobody looks, of events for
 * its record, and that would be overwritten unread one day. */
static bool
news(const struct core *c, const struct helper_slot *h, bool looked)
{
	uint64_t lines = c->journal.last_id - h->bell;
	if (!looked)
		return lines >
		       (c->rules->settings.record_ms > 0 ? 0 : JOURNAL_SLOTS / 16);
	return lines > 0 || c->alerts_dirty || world_is_dirty(c->world);
}

/* The newest states and events, not more often than people and dashboards can see. */
static void
send_views(struct core *c)
{
	struct helper_slot *h = &c->helpers[ROLE_STATUS];
	int64_t now = clock_ms();
	bool looked = look_any(c) || c->answered;
	if (world_is_stale(c->world) && !loop_timer_active(&c->later) && looked)
		loop_timer_start(c->loop, &c->later, LATER_MS, 0, on_later, c);
	if (!ready(h) || !news(c, h, looked))
		return;
	if (c->news_ms == 0)
		c->news_ms = now;
	int64_t wait = c->views_ms + (looked ? VIEWS_MS : LINES_MS) - now,
		begun = c->news_ms + NEWS_MS - now;
	if (begun > wait && processes_begin(c->processes))
		wait = begun;
	if (wait > 0) {
		if (!loop_timer_active(&c->views))
			loop_timer_start(c->loop, &c->views, wait, 0, on_views, c);
		return;
	}
	loop_timer_stop(&c->views);
	c->views_ms = now;
	c->news_ms = 0;
	ring(c, ROLE_STATUS);
	if (looked)
		send_dirty(c);
	if (looked && ready(h) && c->alerts_dirty &&
	    helper_put(h, MSG_ALERT_COUNTS, &c->alerts, -1) == MSG_SENT)
		c->alerts_dirty = false;
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

/* Who has an answer may ask for the state at once: that goes first, all of it. */
static void
send_answered(struct core *c)
{
	c->views_ms = c->news_ms = 1; /* long ago */
	send_views(c);
	c->answered = c->helpers[ROLE_STATUS].full && world_is_dirty(c->world);
}

void
outbox_flush(struct core *c)
{
	journal_flush(&c->journal); /* bells are about to ring for it */
	if (c->answered)
		send_answered(c);
	for (unsigned r = ROLE_MONITORD + 1; r < ROLES; r++)
		if (r != ROLE_STATUS || !c->answered)
			send_controls(&c->helpers[r]);
	send_orders(c); /* traffic first */
	send_actives(c);
	send_paces(c);
	send_watches(c);
	send_views(c);
	ring(c, ROLE_ALERTS);
}
