/* Silences: what an operator expects to be wrong is not told, and is told when the silence
 * ends and it still is. */
#include "rules/decide_incident.h"

#include "base/text.h"
#include "rules/during.h"

#include <stdio.h>
#include <string.h>

#define LOOK_AGAIN_MS 60000 /* the wall clock may be set meanwhile */

static bool
covers(const struct world *w, const struct silence *s, enum object_kind kind, uint32_t id)
{
	if (s->kind == OBJECT_MONITORD || (s->kind == kind && s->id == id))
		return true;
	if (s->kind != OBJECT_CHAIN)
		return false;
	const struct chain *c = &w->rules->chains[s->id];
	for (uint32_t i = 0; i < c->link_count; i++)
		if (c->links[i].kind == kind && c->links[i].id == id)
			return true;
	return false;
}

static bool
silenced_itself(const struct world *w, enum object_kind kind, uint32_t id)
{
	for (uint32_t i = 0; i < SILENCES; i++)
		if (w->silences[i].until_real_ms != 0 &&
		    covers(w, &w->silences[i], kind, id))
			return true;
	return false;
}

/* It is, or what it is of is, or all that its condition reads. */
bool
silenced(const struct world *w, enum object_kind kind, uint32_t id)
{
	if (silenced_itself(w, kind, id))
		return true;
	if (kind == OBJECT_CHECK && w->rules->checks[id].of != RULES_NONE)
		return silenced_itself(w, OBJECT_SERVICE, w->rules->checks[id].of);
	if (kind != OBJECT_RULE)
		return false;
	const struct condition *c = &w->rules->rules[id].when;
	for (uint32_t i = 0; i < c->count; i++)
		if (c->ops[i].kind == OP_TEST &&
		    !silenced(w, c->ops[i].object, c->ops[i].id))
			return false;
	return true;
}

/* Not its time of the week. */
static bool
is_off(const struct world *w, const struct incident *x)
{
	const struct during *d = rules_during(w->rules, x->root_kind, x->root_id);
	return d != NULL && !during_holds(d, w->real_ms + (int64_t)w->zone_s * 1000);
}

bool
incident_silenced(const struct world *w, const struct incident *x)
{
	return silenced(w, x->root_kind, x->root_id) || is_off(w, x);
}

/* When the time comes for what was not told as it was not its time. */
static int64_t
next_during(const struct world *w)
{
	int64_t next = NEVER;
	for (uint32_t i = 0; i < w->incident_end; i++) {
		const struct incident *x = &w->incidents[i];
		if (x->id == 0 || x->state == INCIDENT_CLOSED || !x->hidden ||
		    !is_off(w, x))
			continue;
		int64_t left = during_changes_ms(rules_during(w->rules, x->root_kind,
							      x->root_id),
						 w->real_ms + (int64_t)w->zone_s * 1000);
		next = w->now_ms + left < next ? w->now_ms + left : next;
	}
	return next;
}

void
silence_arm(struct world *w)
{
	int64_t due = w->unspoken ? w->now_ms : next_during(w);
	for (uint32_t i = 0; i < SILENCES; i++) {
		const struct silence *s = &w->silences[i];
		int64_t left = s->until_real_ms - w->real_ms;
		if (s->until_real_ms == 0)
			continue;
		left = left < LOOK_AGAIN_MS ? left : LOOK_AGAIN_MS;
		due = w->now_ms + left < due ? w->now_ms + left : due;
	}
	world_arm(w, NODE_INCIDENTS, NODE_SILENCE, due);
}

/* What went on in silence is told now. */
static void
speak(struct world *w)
{
	w->unspoken = false;
	for (uint32_t i = 0; i < w->incident_end; i++) {
		struct incident *x = &w->incidents[i];
		bool quiet = x->quiet;
		if (!world_room(w)) {
			w->unspoken = true;
			return;
		}
		if (x->id == 0 || x->state == INCIDENT_CLOSED || !x->told ||
		    x->bad == 0 || !x->hidden || incident_silenced(w, x))
			continue;
		x->hidden = false;
		x->quiet = false;
		x->told_ms = quiet ? w->now_ms : x->told_ms;
		x->elapsed_ms = w->now_ms - x->told_ms;
		incident_tell(w, i, quiet ? "incident-open" : "incident-remind", x->text);
		incident_arm(w, i);
	}
}

static const char *
name_of(const struct world *w, const struct silence *s)
{
	return s->kind == OBJECT_MONITORD ? "all" : rules_name(w->rules, s->kind, s->id);
}

static uint32_t
count_wrong(const struct world *w, const struct silence *s)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < w->incident_end; i++) {
		const struct incident *x = &w->incidents[i];
		enum object_kind kind = x->root_kind;
		uint32_t id = x->root_id;
		if (x->id == 0 || x->state == INCIDENT_CLOSED || x->bad == 0)
			continue;
		if (kind == OBJECT_CHECK && !covers(w, s, kind, id) &&
		    w->rules->checks[id].of != RULES_NONE) {
			id = w->rules->checks[id].of;
			kind = OBJECT_SERVICE;
		}
		n += covers(w, s, kind, id);
	}
	return n;
}

static void
end_silence(struct world *w, uint32_t slot, const char *how)
{
	struct silence *s = &w->silences[slot];
	uint32_t wrong = count_wrong(w, s);
	for (uint32_t i = 0; i < w->incident_end; i++)
		w->incidents[i].hidden = w->incidents[i].hidden ||
					 (w->incidents[i].id != 0 &&
					  incident_silenced(w, &w->incidents[i]));
	char state[64] = "all is well";
	if (wrong > 0)
		text_print(state, sizeof state, "%u incident%s %s open", wrong,
			   wrong == 1 ? "" : "s", wrong == 1 ? "is" : "are");
	w->cause = s->event;
	world_tell(w, "silence-over", s->kind, s->id, "the silence of %s (%s) %s: %s",
		   name_of(w, s), s->why, how, state);
	*s = (struct silence){ .until_real_ms = 0 };
	world_mark(w, NODE_INCIDENTS, NODE_SILENCES + slot);
}

void
silence_timer(struct world *w)
{
	bool ended = false;
	speak(w); /* also what has its time now */
	for (uint32_t i = 0; i < SILENCES; i++)
		if (w->silences[i].until_real_ms != 0 &&
		    w->silences[i].until_real_ms <= w->real_ms) {
			end_silence(w, i, "is over");
			ended = true;
		}
	if (ended) {
		speak(w);
		world_decide(w, DECIDE_REMEMBER, 0);
	}
	silence_arm(w);
}

static uint32_t
slot_of(const struct world *w, enum object_kind kind, uint32_t id)
{
	uint32_t free = SILENCES;
	for (uint32_t i = 0; i < SILENCES; i++) {
		const struct silence *s = &w->silences[i];
		if (s->until_real_ms != 0 && s->kind == kind && s->id == id)
			return i;
		if (s->until_real_ms == 0 && free == SILENCES)
			free = i;
	}
	return free;
}

void
silence_add(struct world *w, const struct silence *s)
{
	uint32_t slot = slot_of(w, s->kind, s->id);
	if (slot == SILENCES)
		return;
	w->silences[slot] = *s;
	world_mark(w, NODE_INCIDENTS, NODE_SILENCES + slot);
	/* which looks at the clock */
	world_arm(w, NODE_INCIDENTS, NODE_SILENCE, w->now_ms);
}

bool
silence_command(struct world *w, const struct event *e, const char **why)
{
	char by[WORLD_PERSON];
	static const bool allowed[OBJECT_KINDS] = {
		[OBJECT_MONITORD] = true, [OBJECT_SERVICE] = true, [OBJECT_CHECK] = true,
		[OBJECT_RULE] = true,	  [OBJECT_ROUTE] = true,   [OBJECT_CHAIN] = true,
	};
	char span[32];
	struct silence s = { .kind = e->object,
			     .id = e->id,
			     .until_real_ms = w->real_ms + (int64_t)e->seconds * 1000 };
	if (!allowed[e->object] ||
	    (e->object != OBJECT_MONITORD && e->id >= rules_count(w->rules, e->object))) {
		*why = "no such object";
		return false;
	}
	if (e->object == OBJECT_MONITORD)
		s.id = 0;
	uint32_t slot = slot_of(w, s.kind, s.id);
	bool there = slot != SILENCES && w->silences[slot].until_real_ms != 0;
	if (e->verb == VERB_UNSILENCE) {
		if (!there)
			return true; /* so already */
		w->cause = world_tell(w, "command", s.kind, s.id, "unsilence by %s",
				      world_person(e->uid, by));
		w->silences[slot].event = w->cause;
		end_silence(w, slot, "was ended");
		speak(w);
		silence_arm(w);
		return true;
	}
	if (slot == SILENCES || e->seconds == 0) {
		*why = e->seconds == 0 ? "a silence has an end: for how long?"
				       : "too many silences";
		return false;
	}
	if (e->who != NULL && *e->who != '\0')
		text_print(s.who, sizeof s.who, "%s", e->who);
	else
		text_print(s.who, sizeof s.who, "%s", world_person(e->uid, by));
	for (char *p = s.who; *p != '\0'; p++)
		*p = *p == ':' ? ' ' : *p;
	text_print(s.why, sizeof s.why, "%s", e->text != NULL ? e->text : "");
	s.event = w->cause =
		world_tell(w, "command", s.kind, s.id, "silence for %s, %u s, by %s: %s",
			   text_duration((int64_t)e->seconds * 1000, span, sizeof span),
			   e->seconds, s.who, s.why);
	silence_add(w, &s);
	return true;
}

/* ---- an earlier life, and other rules ---- */

static bool
find(const struct world *w, const char *kind, const char *name, struct silence *s)
{
	for (unsigned k = 0; k < OBJECT_KINDS; k++)
		if (strcmp(object_kind_name[k], kind) == 0) {
			s->kind = (enum object_kind)k;
			s->id = k == OBJECT_MONITORD
					? 0
					: rules_find(w->rules, s->kind, name);
			return s->id != RULES_NONE && k != OBJECT_CONTACT;
		}
	return false;
}

void
silence_recall(struct world *w, const struct journal_line *l)
{
	struct silence s = { .event = l->id };
	const char *comma = strchr(l->text, ','), *by = strstr(l->text, " s, by "),
		   *colon;
	unsigned seconds;
	if (!find(w, l->object_kind, l->object, &s))
		return;
	if (strncmp(l->text, "unsilence ", 10) == 0) {
		uint32_t slot = slot_of(w, s.kind, s.id);
		if (slot != SILENCES)
			w->silences[slot].until_real_ms = 0;
		return;
	}
	if (comma == NULL || by == NULL || sscanf(comma, ", %u s", &seconds) != 1 ||
	    (colon = strchr(by, ':')) == NULL)
		return;
	by += strlen(" s, by ");
	s.until_real_ms = l->real_ms + (int64_t)seconds * 1000;
	text_print(s.who, sizeof s.who, "%.*s", (int)(colon - by), by);
	text_print(s.why, sizeof s.why, "%s", colon[1] == ' ' ? colon + 2 : colon + 1);
	silence_add(w, &s);
}

void
world_silence_keep(struct world *w, enum object_kind kind, const char *name, int64_t until_real_ms,
		   const char *who, const char *why)
{
	struct silence s = { .until_real_ms = until_real_ms };
	if (!find(w, object_kind_name[kind], name, &s))
		return;
	text_print(s.who, sizeof s.who, "%s", who);
	text_print(s.why, sizeof s.why, "%s", why);
	silence_add(w, &s);
}

void
silences_move(struct world *to, const struct world *from)
{
	for (uint32_t i = 0; i < SILENCES; i++) {
		struct silence s = from->silences[i];
		if (s.until_real_ms != 0 &&
		    find(to, object_kind_name[s.kind],
			 s.kind == OBJECT_MONITORD
				 ? ""
				 : rules_name(from->rules, s.kind, s.id),
			 &s))
			to->silences[i] = s;
		if (s.until_real_ms != 0)
			world_mark(to, NODE_INCIDENTS, NODE_SILENCES + i);
	}
}
