/* Incidents: what belongs together is told once, when it begins and when it is over. */
#include "rules/decide_incident.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define FLAP_MS 600000	     /* what turned bad so long ago is forgotten */
#define FLAP_SETTLE_MS 300000 /* what flaps is over when it was well for so long */
#define SETTLE_MOST_MS 20000
#define ESCALATE_DEEP 8 /* contacts that hear after each other */

/* The oldest that is closed, or was never used; NO_INCIDENT: all are open. */
static uint32_t
take_place(struct world *w)
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
			node_set_incident(&w->nodes[i], NO_INCIDENT);
			w->nodes[i].bad = false;
		}
	return index;
}

static uint32_t
open_incident(struct world *w, enum object_kind kind, uint32_t id, const char *text)
{
	uint32_t index = take_place(w);
	if (index == NO_INCIDENT) /* a storm: it joins the newest, so that none is forgotten */
		return (w->incident_next + INCIDENTS - 1) % INCIDENTS;
	struct incident *x = &w->incidents[index];
	*x = (struct incident){ .id = w->last_event + 1,
				.root_kind = kind,
				.root_id = id,
				.since_ms = w->now_ms,
				.since_real_ms = w->real_ms,
				.event = w->last_event + 1 };
	text_print(x->text, sizeof x->text, "%s", text);
	world_arm(w, NODE_INCIDENTS, index, w->now_ms + OPEN_MAIL_MS);
	world_mark(w, NODE_INCIDENTS, index);
	return index;
}

/* ---- who is told, and when again ---- */

static const struct remind *
remind_of(const struct world *w, const struct incident *x)
{
	return x->root_kind == OBJECT_RULE ? &w->rules->rules[x->root_id].remind
					   : &w->rules->settings.remind;
}

/* The first reminder after so long. */
static int64_t
next_reminder(const struct remind *r, int64_t elapsed_ms)
{
	for (uint32_t i = 0; i < r->count; i++)
		if (r->ms[i] > elapsed_ms)
			return r->ms[i];
	int64_t step = r->count > 0 ? r->ms[r->count - 1] : 0;
	return step > 0 ? (elapsed_ms / step + 1) * step : NEVER;
}

struct due { /* contacts by the time at which they are told */
	const struct world *w;
	int64_t from_ms, until_ms; /* those that are due then, from_ms excluded, go to names */
	int64_t next_ms;	   /* and the first after until_ms */
	struct text *names;
};

static void
add_name(struct text *t, const char *name)
{
	char list[JOURNAL_TO], *rest = list, *word;
	text_print(list, sizeof list, "%.*s", (int)t->length, t->bytes);
	while ((word = strsep(&rest, ",")) != NULL)
		if (strcmp(word, name) == 0)
			return;
	if (t->length + strlen(name) + 2 < t->cap) /* whole names only */
		text_add(t, "%s%s", t->length > 0 ? "," : "", name);
}

static void
due_of(struct due *d, const struct alerts_to *to, int64_t base_ms, unsigned deep)
{
	for (uint32_t i = 0; i < to->count; i++) {
		int64_t at = base_ms + to->to[i].after_ms;
		const struct contact *c = &d->w->rules->contacts[to->to[i].contact];
		if (at > d->from_ms && at <= d->until_ms)
			add_name(d->names, c->name);
		if (at > d->until_ms && at < d->next_ms)
			d->next_ms = at;
		if (deep > 0)
			due_of(d, &c->escalate, at, deep - 1);
	}
}

/* Who is told between two times after the first telling; returns when more are. */
static int64_t
contacts_due(const struct world *w, const struct incident *x, int64_t from_ms, int64_t until_ms,
	     char *out, size_t cap)
{
	struct text t;
	struct due d = { .w = w, .from_ms = from_ms, .until_ms = until_ms, .next_ms = NEVER,
			 .names = &t };
	text_begin(&t, out, cap);
	due_of(&d, rules_alerts(w->rules, x->root_kind, x->root_id), 0, ESCALATE_DEEP);
	return d.next_ms;
}

static struct journal_line *
write_line(struct world *w, uint32_t index, const char *kind, const char *text)
{
	struct incident *x = &w->incidents[index];
	w->cause = x->id;
	world_tell(w, kind, x->root_kind, x->root_id, "%s", text);
	struct journal_line *l = &w->out->list[w->out->count - 1].line;
	l->incident = x->id;
	world_mark(w, NODE_INCIDENTS, index);
	return l;
}

void
incident_tell(struct world *w, uint32_t index, const char *kind, const char *text)
{
	struct incident *x = &w->incidents[index];
	struct journal_line *l = write_line(w, index, kind, text);
	bool quiet = x->quiet || incident_silenced(w, x);
	x->hidden = x->hidden || quiet;
	if (quiet)
		silence_arm(w);
	if (quiet && strcmp(kind, "incident-close") != 0)
		x->quiet = x->quiet || strcmp(kind, "incident-open") == 0;
	else if (!x->quiet)
		contacts_due(w, x, -1, x->elapsed_ms, l->to, sizeof l->to);
}

void
incident_arm(struct world *w, uint32_t index)
{
	const struct incident *x = &w->incidents[index];
	char names[JOURNAL_TO];
	int64_t due = next_reminder(remind_of(w, x), x->elapsed_ms);
	int64_t more = contacts_due(w, x, x->elapsed_ms, x->elapsed_ms, names, sizeof names);
	due = more < due ? more : due;
	if (x->again)
		world_arm(w, NODE_INCIDENTS, index, x->bad_ms + OPEN_MAIL_MS);
	else if (due != NEVER && x->state == INCIDENT_OPEN && !x->quiet && !incident_silenced(w, x))
		world_arm(w, NODE_INCIDENTS, index, x->told_ms + due);
	else
		world_arm(w, NODE_INCIDENTS, index, NEVER);
}

/* Reminders and escalations that have come due. */
static void
tell_again(struct world *w, uint32_t index)
{
	struct incident *x = &w->incidents[index];
	char names[JOURNAL_TO], text[400], took[32];
	int64_t elapsed = w->now_ms - x->told_ms, remind = next_reminder(remind_of(w, x), x->elapsed_ms);
	if (x->state != INCIDENT_OPEN || x->quiet || incident_silenced(w, x))
		return;
	contacts_due(w, x, x->elapsed_ms, elapsed, names, sizeof names);
	x->elapsed_ms = elapsed > x->elapsed_ms ? elapsed : x->elapsed_ms;
	if (names[0] != '\0') {
		text_print(text, sizeof text, "nobody has taken it for %s: %s",
			   text_duration(elapsed, took, sizeof took), x->text);
		struct journal_line *l = write_line(w, index, "incident-escalate", text);
		text_print(l->to, sizeof l->to, "%s", names);
	}
	if (remind <= elapsed)
		incident_tell(w, index, "incident-remind", x->text);
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
		text_print(text, cap,
			   "%s flaps: wrong %s in %s; you hear again when it has been well for %s: %s",
			   rules_name(w->rules, x->root_kind, x->root_id), n < 2 ? "again" : times, took,
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
		world_arm(w, NODE_INCIDENTS, index, w->now_ms + OPEN_MAIL_MS);
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
	if (x->root_kind == OBJECT_MONITORD || (x->root_kind == kind && x->root_id == id) ||
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
	n->bad = false;
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
	w->incidents[i].good_ms = 0;
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
		return SETTLE_MS;
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
	if (x->bad > 0)
		x->bad--;
	if (x->bad > 0)
		return;
	x->good_ms = w->now_ms;
	int64_t due = w->now_ms + settle_ms(x);
	int64_t open = x->told ? x->bad_ms + OPEN_MAIL_MS : x->since_ms + OPEN_MAIL_MS;
	if ((!x->told || x->again) && open < due)
		due = open > w->now_ms ? open : w->now_ms;
	world_arm(w, NODE_INCIDENTS, i, due);
}

void
incident_worse(struct world *w, enum object_kind kind, uint32_t id, const char *text)
{
	uint64_t cause = w->cause;
	incident_bad(w, kind, id, text);
	uint32_t index = node_incident(world_node(w, kind, id));
	struct incident *x = &w->incidents[index];
	text_print(x->text, sizeof x->text, "%s", text);
	world_mark(w, NODE_INCIDENTS, index);
	if (x->told && !x->again)
		incident_tell(w, index, "incident-remind", text);
	w->cause = cause;
}

static void
close_incident(struct world *w, uint32_t index)
{
	struct incident *x = &w->incidents[index];
	char text[400], took[32];
	x->state = INCIDENT_CLOSED;
	x->closed_ms = w->now_ms;
	int64_t end_ms = x->good_ms != 0 ? x->good_ms : w->now_ms;
	x->until_real_ms = w->real_ms - (w->now_ms - end_ms);
	text_print(text, sizeof text, "over after %s: %s",
		   text_duration(end_ms - x->since_ms, took, sizeof took),
		   x->text);
	incident_tell(w, index, "incident-close", text);
	x->flaps = x->quiet = x->hidden = false;
	for (uint32_t i = 0; i < w->rules->service_count; i++)
		if (w->services[i].affected == x->id)
			w->services[i].affected = 0; /* told anew, should it begin again */
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
	if (x->id == 0 || x->state == INCIDENT_CLOSED)
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
		tell_again(w, index);
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
	while (i < w->incident_end && (w->incidents[i].id != e->incident || e->incident == 0))
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
	if (x->bad > 0 && !x->again && x->told)
		world_arm(w, NODE_INCIDENTS, i, NEVER);
	return true;
}

/* ---- an earlier life, and other rules ---- */

static enum object_kind
kind_of(const char *word)
{
	static const enum object_kind kinds[] = { OBJECT_SERVICE, OBJECT_CHECK,
						  OBJECT_ROUTE, OBJECT_RULE };
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
		if (strcmp(object_kind_name[kinds[k]], word) == 0)
			return kinds[k];
	return OBJECT_MONITORD;
}

/* What its root is called now; what has no section any more is monitord's to end. */
static void
set_root(struct world *w, struct incident *x, enum object_kind kind, const char *name)
{
	uint32_t id =
		kind != OBJECT_MONITORD ? rules_find(w->rules, kind, name) : RULES_NONE;
	x->root_kind = id != RULES_NONE ? kind : OBJECT_MONITORD;
	x->root_id = id != RULES_NONE ? id : 0;
}

static uint32_t
recall_new(struct world *w, const struct journal_line *l)
{
	uint32_t index = take_place(w);
	if (index == NO_INCIDENT)
		return index;
	w->incidents[index] = (struct incident){ .id = l->incident,
						 .since_real_ms = l->real_ms,
						 .event = l->id };
	/* nothing of it is bad until measured again, which gets its time */
	world_arm(w, NODE_INCIDENTS, index, w->now_ms + RECALL_MS);
	return index;
}

static void
recall_ack(struct incident *x, const struct journal_line *l)
{
	const char *who = l->text + strlen("acknowledged by "), *colon;
	if (strncmp(l->text, "acknowledged by ", strlen("acknowledged by ")) != 0 ||
	    (colon = strchr(who, ':')) == NULL)
		return;
	x->state = INCIDENT_ACKED;
	text_print(x->who, sizeof x->who, "%.*s", (int)(colon - who), who);
	text_print(x->why, sizeof x->why, "%s", colon[1] == ' ' ? colon + 2 : colon + 1);
}

/* When it was told, by its own lines; incidents_settle makes our times of these. */
static void
recall_told(struct incident *x, const struct journal_line *l, bool opens)
{
	bool again = strcmp(l->kind, "incident-again") == 0;
	if (strncmp(l->kind, "incident-", 9) != 0)
		return;
	/* the line that opened it may be overwritten already */
	x->told = x->told || strcmp(l->kind, "incident-ack") != 0;
	if (opens || again)
		x->told_ms = l->real_ms;
	if (opens && l->to[0] == '\0')
		x->quiet = true; /* silenced, or for nobody */
	else if (opens)
		x->quiet = false;
	if (again) {
		x->state = INCIDENT_OPEN;
		x->until_real_ms = 0;
		x->flaps = strstr(l->text, " flaps: ") != NULL;
	}
	x->elapsed_ms = l->real_ms > x->told_ms ? l->real_ms - x->told_ms : 0;
	x->recalled = true;
	if (strcmp(l->kind, "incident-ack") == 0)
		recall_ack(x, l);
}

void
incidents_settle(struct world *w)
{
	for (uint32_t i = 0; i < w->incident_end; i++) {
		struct incident *x = &w->incidents[i];
		int64_t ago = w->real_ms - x->told_ms;
		x->hidden = x->quiet = x->quiet && incident_silenced(w, x);
		int64_t old = w->real_ms - x->since_real_ms;
		if (x->recalled)
			x->told_ms = w->now_ms - (ago > 0 ? ago : 0);
		if (x->recalled || x->since_ms == 0) { /* its own lines may be overwritten */
			x->since_ms = w->now_ms - (old > 0 ? old : 0);
			x->good_ms = x->good_ms == 0 ? w->now_ms : x->good_ms;
		}
		x->recalled = false;
		if (x->hidden)
			silence_arm(w);
	}
}

/* What was open is open still, and what was not yet told is told now. */
void
incident_recall(struct world *w, const struct journal_line *l)
{
	uint32_t index = NO_INCIDENT;
	bool opens = strcmp(l->kind, "incident-open") == 0;
	if (l->incident == 0)
		return;
	for (uint32_t i = 0; i < w->incident_end; i++)
		if (w->incidents[i].id == l->incident)
			index = i;
	if (strcmp(l->kind, "incident-close") == 0) {
		if (index == NO_INCIDENT)
			return;
		w->incidents[index].state = INCIDENT_CLOSED;
		w->incidents[index].until_real_ms = w->incidents[index].line_real_ms;
		w->incidents[index].quiet = w->incidents[index].flaps = false;
		world_arm(w, NODE_INCIDENTS, index, NEVER);
		return;
	}
	bool new = index == NO_INCIDENT;
	if (new)
		index = recall_new(w, l);
	if (index == NO_INCIDENT)
		return;
	struct incident *x = &w->incidents[index];
	if (new || strncmp(l->kind, "incident-", 9) != 0)
		x->line_real_ms = l->real_ms;
	if (new || opens || (!x->told && strcmp(l->kind, "service-exited") == 0)) {
		set_root(w, x, kind_of(l->object_kind), l->object);
		text_print(x->text, sizeof x->text, "%s", l->text);
		if (x->root_kind != OBJECT_MONITORD)
			node_set_incident(world_node(w, x->root_kind, x->root_id), index);
	}
	recall_told(x, l, opens);
	if (strcmp(l->kind, "incident-again") == 0)
		world_arm(w, NODE_INCIDENTS, index, w->now_ms + RECALL_MS);
}

void
incidents_move(struct world *to, const struct world *from)
{
	memcpy(to->incidents, from->incidents, sizeof to->incidents);
	to->incident_next = from->incident_next;
	to->incident_end = from->incident_end;
	silences_move(to, from);
	for (uint32_t i = 0; i < to->incident_end; i++) {
		struct incident *x = &to->incidents[i];
		if (x->id != 0)
			set_root(to, x, x->root_kind,
				 rules_name(from->rules, x->root_kind, x->root_id));
	}
}
