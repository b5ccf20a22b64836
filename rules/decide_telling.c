/* Incidents: who is told of one, and again, while it is open and nobody has taken it. */
#include "rules/decide_incident.h"

#include "base/text.h"

#include <string.h>

#define ESCALATE_DEEP 8 /* contacts that hear after each other */

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
	struct due d = { .w = w,
			 .from_ms = from_ms,
			 .until_ms = until_ms,
			 .next_ms = NEVER,
			 .names = &t };
	text_begin(&t, out, cap);
	due_of(&d, rules_alerts(w->rules, x->root_kind, x->root_id), 0, ESCALATE_DEEP);
	return d.next_ms;
}

struct journal_line *
incident_line(struct world *w, uint32_t index, const char *kind, const char *text)
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
	struct journal_line *l = incident_line(w, index, kind, text);
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
	int64_t more =
		contacts_due(w, x, x->elapsed_ms, x->elapsed_ms, names, sizeof names);
	due = more < due ? more : due;
	/* that it is wrong again has its deadline since it turned so */
	if (!x->again && due != NEVER && x->state == INCIDENT_OPEN && !x->quiet &&
	    !incident_silenced(w, x))
		world_arm(w, NODE_INCIDENTS, index, x->told_ms + due);
}

/* Reminders and escalations that have come due. */
void
incident_tell_again(struct world *w, uint32_t index)
{
	struct incident *x = &w->incidents[index];
	char names[JOURNAL_TO], text[400], took[32];
	int64_t elapsed = w->now_ms - x->told_ms,
		remind = next_reminder(remind_of(w, x), x->elapsed_ms);
	if (x->state != INCIDENT_OPEN || x->quiet || incident_silenced(w, x))
		return;
	contacts_due(w, x, x->elapsed_ms, elapsed, names, sizeof names);
	x->elapsed_ms = elapsed > x->elapsed_ms ? elapsed : x->elapsed_ms;
	if (names[0] != '\0') {
		text_print(text, sizeof text, "nobody has taken it for %s: %s",
			   text_duration(elapsed, took, sizeof took), x->text);
		struct journal_line *l =
			incident_line(w, index, "incident-escalate", text);
		text_print(l->to, sizeof l->to, "%s", names);
	}
	if (remind <= elapsed)
		incident_tell(w, index, "incident-remind", x->text);
}
