/* Incidents: what belongs together is told once, when it begins and when it is over. */
#include "rules/decide_incident.h"

#include "base/text.h"

#include <inttypes.h>

#define FLAP_MS 600000	     /* what turned bad so long ago is forgotten */
#define FLAP_SETTLE_MS 300000 /* what flaps is over when it was well for so long */
#define SETTLE_MOST_MS 20000
#define TURN_MS 250 /* who begin to gather within it wake us together */

int64_t
incident_gathered(int64_t began_ms)
{
	return (began_ms + OPEN_MAIL_MS + TURN_MS - 1) / TURN_MS * TURN_MS;
}

/* The oldest that is closed, or was never used; NO_INCIDENT: all are open. */
uint32_t
incident_place(struct world *w)
{
	uint32_t index = NO_INCIDENT;
	for (uint32_t k = 0; index == NO_INCIDENT && k < INCIDENTS; k++) {
		uint32_t i = (w->incident_next + k) % INCIDENTS;
		if (w->incidents[i].id == 0 || w->incidents[i].state == INCIDENT_CLOSED)
			index = i;
	}
	if (index == NO_INCIDENT)
		return index;
	w->incident_next = (index + 1) % INCIDENTS;
	if (index >= w->incident_end) { /* nobody was in it */
		w->incident_end = index + 1;
		return index;
	}
	for (uint32_t i = 0; i < w->node_count; i++)
		if (node_incident(&w->nodes[i]) == index) {
			assert(!w->nodes[i].bad);
			node_set_incident(&w->nodes[i], NO_INCIDENT);
		}
	return index;
}

static uint32_t
open_incident(struct world *w, enum object_kind kind, uint32_t id, const char *text)
{
	uint32_t index = incident_place(w);
	/* a storm: it joins the newest, so that none is forgotten */
	if (index == NO_INCIDENT)
		return (w->incident_next + INCIDENTS - 1) % INCIDENTS;
	struct incident *x = &w->incidents[index];
	*x = (struct incident){ .id = w->last_event + 1,
				.root_kind = kind,
				.root_id = id,
				.since_ms = w->now_ms,
				.since_real_ms = w->real_ms,
				.event = w->last_event + 1 };
	text_print(x->text, sizeof x->text, "%s", text);
	world_arm(w, NODE_INCIDENTS, index, incident_gathered(w->now_ms));
	world_mark(w, NODE_INCIDENTS, index);
	return index;
}

/* ---- it turns bad, and good ---- */

/* So often within FLAP_MS, and since when. */
static uint32_t
turns_of(const struct incident *x, int64_t now_ms, int64_t *since_ms)
{
	uint32_t n = 0;
	*since_ms = now_ms;
	for (uint32_t i = 0; i < FLAP_TURNS && i < x->turns; i++)
		if (now_ms - x->turn_ms[i] < FLAP_MS) {
			n++;
			*since_ms = x->turn_ms[i] < *since_ms ? x->turn_ms[i] : *since_ms;
		}
	return n;
}

static void
flap_text(const struct world *w, const struct incident *x, char *text, size_t cap)
{
	char took[32], settle[32], times[24];
	int64_t since;
	uint32_t n = turns_of(x, w->now_ms, &since);
	text_duration(w->now_ms - since, took, sizeof took);
	text_print(times, sizeof times, "%u times", n);
	if (x->flaps)
		text_print(
			text, cap,
			"%s flaps: wrong %s in %s; you hear again when it has been well for %s: %s",
			rules_name(w->rules, x->root_kind, x->root_id),
			n < 2 ? "again" : times, took,
			text_duration(FLAP_SETTLE_MS, settle, sizeof settle), x->text);
	else
		text_print(text, cap, "again, %s after it began: %s", took, x->text);
}

static void
tell_flap(struct world *w, uint32_t index)
{
	char text[400];
	flap_text(w, &w->incidents[index], text, sizeof text);
	w->incidents[index].again = false;
	incident_tell(w, index, "incident-again", text);
}

/* From well to not well. */
static void
turn(struct world *w, uint32_t index, bool reopened)
{
	struct incident *x = &w->incidents[index];
	int64_t since;
	bool flapped = x->flaps;
	x->bad_ms = w->now_ms;
	x->turn_ms[x->turns++ % FLAP_TURNS] = w->now_ms;
	x->flaps = x->flaps || turns_of(x, w->now_ms, &since) == FLAP_TURNS ||
		   (reopened && x->root_kind == OBJECT_CHECK);
	x->again = x->told && (x->again || reopened || (x->flaps && !flapped));
	if (x->again)
		world_arm(w, NODE_INCIDENTS, index, incident_gathered(w->now_ms));
}

/* The incident that was over a short while ago, and that the object was part of. */
static uint32_t
reopen(struct world *w, enum object_kind kind, uint32_t id)
{
	uint32_t i = node_incident(world_node(w, kind, id));
	if (i == NO_INCIDENT)
		return i;
	struct incident *x = &w->incidents[i];
	if (x->id == 0 || x->state != INCIDENT_CLOSED || x->closed_ms == 0 ||
	    w->now_ms - x->closed_ms >= FLAP_MS || x->root_kind == OBJECT_MONITORD)
		return NO_INCIDENT;
	x->state = INCIDENT_OPEN;
	x->until_real_ms = 0;
	x->who[0] = x->why[0] = '\0';
	x->told_ms = w->now_ms;
	x->elapsed_ms = 0;
	world_mark(w, NODE_INCIDENTS, i);
	return i;
}

static void
revise_root(struct world *w, uint32_t index, enum object_kind kind, uint32_t id, const char *text)
{
	struct incident *x = &w->incidents[index];
	if (x->root_kind == OBJECT_MONITORD ||
	    (x->root_kind == kind && x->root_id == id) ||
	    !incident_explains(w, kind, id, x->root_kind, x->root_id))
		return;
	x->root_kind = kind;
	x->root_id = id;
	text_print(x->text, sizeof x->text, "%s", text);
	world_mark(w, NODE_INCIDENTS, index);
}

void
incident_bad(struct world *w, enum object_kind kind, uint32_t id, const char *text)
{
	struct node *n = world_node(w, kind, id);
	uint32_t i = incident_index(w, kind, id);
	bool reopened = false;
	if (n->bad && i != NO_INCIDENT) {
		revise_root(w, i, kind, id, text);
		return;
	}
	if (i == NO_INCIDENT)
		i = incident_related(w, kind, id);
	if (i == NO_INCIDENT) {
		i = reopen(w, kind, id);
		reopened = i != NO_INCIDENT;
	}
	if (i == NO_INCIDENT)
		i = open_incident(w, kind, id, text);
	else
		revise_root(w, i, kind, id, text);
	node_set_incident(n, i);
	n->bad = true;
	if (w->incidents[i].bad++ == 0)
		turn(w, i, reopened);
}

/* So long it must be well before it is over: twice as long as it was not. */
static int64_t
settle_ms(const struct incident *x)
{
	int64_t ms = 2 * (x->good_ms - x->bad_ms);
	if (x->flaps)
		return FLAP_SETTLE_MS;
	if (x->bad_ms == 0) /* of an earlier life */
		return RECALL_MS;
	return ms < SETTLE_MS ? SETTLE_MS : ms > SETTLE_MOST_MS ? SETTLE_MOST_MS : ms;
}

void
incident_good(struct world *w, enum object_kind kind, uint32_t id)
{
	struct node *n = world_node(w, kind, id);
	if (!n->bad)
		return;
	n->bad = false;
	uint32_t i = node_incident(n);
	struct incident *x = &w->incidents[i];
	assert(x->bad > 0);
	if (--x->bad > 0)
		return;
	x->good_ms = w->now_ms;
	int64_t due = w->now_ms + settle_ms(x);
	int64_t open = incident_gathered(x->told ? x->bad_ms : x->since_ms);
	if ((!x->told || x->again) && open < due)
		due = open > w->now_ms ? open : w->now_ms;
	world_arm(w, NODE_INCIDENTS, i, due);
}

void
incident_worse(struct world *w, enum object_kind kind, uint32_t id, const char *text)
{
	incident_bad(w, kind, id, text);
	uint32_t index = node_incident(world_node(w, kind, id));
	struct incident *x = &w->incidents[index];
	text_print(x->text, sizeof x->text, "%s", text);
	world_mark(w, NODE_INCIDENTS, index);
	if (x->told && !x->again)
		incident_tell(w, index, "incident-remind", text);
}

static void
close_incident(struct world *w, uint32_t index)
{
	struct incident *x = &w->incidents[index];
	char text[400], took[32];
	x->state = INCIDENT_CLOSED;
	x->closed_ms = w->now_ms;
	x->until_real_ms = w->real_ms - (w->now_ms - x->good_ms);
	text_print(text, sizeof text, "over after %s: %s",
		   text_duration(x->good_ms - x->since_ms, took, sizeof took), x->text);
	incident_tell(w, index, "incident-close", text);
	x->flaps = x->quiet = x->hidden = false;
	for (uint32_t i = 0; x->affects && i < w->rules->service_count; i++)
		if (w->services[i].affected == x->id)
			/* told anew, should it begin again */
			w->services[i].affected = 0;
}

/* The open incident whose root explains this one's, and began while this gathered. */
static uint32_t
cause_of(const struct world *w, uint32_t index)
{
	const struct incident *x = &w->incidents[index];
	bool alone = !incident_has_causes(w, x->root_kind, x->root_id);
	for (uint32_t i = 0; !alone && i < w->incident_end; i++) {
		const struct incident *y = &w->incidents[i];
		if (i != index && y->id != 0 && y->state != INCIDENT_CLOSED &&
		    y->root_kind != OBJECT_MONITORD && (y->bad > 0 || x->bad == 0) &&
		    y->since_ms <= x->since_ms + OPEN_MAIL_MS &&
		    incident_explains(w, y->root_kind, y->root_id, x->root_kind,
				      x->root_id))
			return i;
	}
	return NO_INCIDENT;
}

/* Its root was seen before what is to blame for it, and is a symptom now: of that alone people
 * are told. */
static bool
joins_its_cause(struct world *w, uint32_t index)
{
	uint32_t cause = cause_of(w, index);
	if (cause == NO_INCIDENT)
		return false;
	struct incident *x = &w->incidents[index], *y = &w->incidents[cause];
	char text[sizeof x->text];
	for (uint32_t i = 0; i < w->node_count; i++)
		if (node_incident(&w->nodes[i]) == index)
			node_set_incident(&w->nodes[i], cause);
	for (uint32_t i = 0; x->affects && i < w->rules->service_count; i++)
		if (w->services[i].affected == x->id)
			w->services[i].affected = y->id;
	y->affects = y->affects || x->affects;
	y->bad += x->bad;
	text_print(text, sizeof text, "a part of incident %" PRIu64 ": %s", y->id,
		   x->text);
	text_print(x->text, sizeof x->text, "%s", text);
	x->state = INCIDENT_CLOSED;
	x->until_real_ms = w->real_ms;
	incident_line(w, index, "incident-close",
		      text); /* our next life must not tell of it */
	return true;
}

void
incident_timer(struct world *w, uint32_t index)
{
	if (index == NODE_SILENCE) {
		silence_timer(w);
		return;
	}
	struct incident *x = &w->incidents[index];
	char text[400];
	assert(x->id != 0 && x->state != INCIDENT_CLOSED);
	if (!x->told && x->root_kind != OBJECT_MONITORD && joins_its_cause(w, index))
		return;
	if (!x->told) {
		x->told = true;
		x->told_ms = w->now_ms;
		x->elapsed_ms = 0;
		if (x->flaps) /* so soon that this is its first news */
			flap_text(w, x, text, sizeof text);
		incident_tell(w, index, "incident-open", x->flaps ? text : x->text);
	}
	if (x->again)
		tell_flap(w, index);
	if (x->bad > 0) {
		incident_tell_again(w, index);
		incident_arm(w, index);
		return;
	}
	if (x->good_ms + settle_ms(x) > w->now_ms)
		world_arm(w, NODE_INCIDENTS, index, x->good_ms + settle_ms(x));
	else
		close_incident(w, index);
}

bool
incident_ack(struct world *w, const struct event *e, const char **why)
{
	char by[WORLD_PERSON];
	char text[JOURNAL_TEXT];
	uint32_t i = 0;
	while (i < w->incident_end &&
	       (w->incidents[i].id != e->incident || e->incident == 0))
		i++;
	if (i == w->incident_end || w->incidents[i].state == INCIDENT_CLOSED) {
		*why = "no such incident is open";
		return false;
	}
	struct incident *x = &w->incidents[i];
	if (e->who != NULL && *e->who != '\0')
		text_print(x->who, sizeof x->who, "%s", e->who);
	else
		text_print(x->who, sizeof x->who, "%s", world_person(e->uid, by));
	for (char *p = x->who; *p != '\0'; p++)
		*p = *p == ':' ? ' ' : *p; /* it ends at a colon where it is read again */
	text_print(x->why, sizeof x->why, "%s", e->text != NULL ? e->text : "");
	x->state = INCIDENT_ACKED;
	text_print(text, sizeof text, "acknowledged by %s: %s", x->who, x->why);
	incident_tell(w, i, "incident-ack", text);
	return true;
}
