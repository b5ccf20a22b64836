/* Incidents of an earlier life of monitord, by its journal, and under other rules. */
#include "rules/decide_incident.h"

#include "base/text.h"

#include <string.h>

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
	uint32_t index = incident_place(w);
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
		/* its own lines may be overwritten */
		if (x->recalled || x->since_ms == 0) {
			x->since_ms = w->now_ms - (old > 0 ? old : 0);
			x->good_ms = x->good_ms == 0 ? w->now_ms : x->good_ms;
		}
		x->recalled = false;
		if (x->id != 0 && x->state != INCIDENT_CLOSED && !x->told)
			world_arm(w, NODE_INCIDENTS, i, w->now_ms + OPEN_MAIL_MS);
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
