#include "status/incidents.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static struct incident *
find(struct incidents *s, uint64_t id)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->list[i].id == id)
			return &s->list[i];
	return NULL;
}

static bool
is_over(const struct incident *x)
{
	return !x->viewed || x->state == INCIDENT_CLOSED;
}

/* In a storm those that are over make room, not what is wrong now. */
static struct incident *
find_or_add(struct incidents *s, uint64_t id)
{
	struct incident *x = find(s, id);
	if (x != NULL)
		return x;
	if (s->count < INCIDENTS_KEPT) {
		x = &s->list[s->count++];
	} else {
		for (uint32_t i = 0; i < s->count && !is_over(&s->list[s->next]); i++)
			s->next = (s->next + 1) % INCIDENTS_KEPT;
		x = &s->list[s->next];
		s->next = (s->next + 1) % INCIDENTS_KEPT;
	}
	*x = (struct incident){ .id = id };
	return x;
}

static void
add_symptom(struct incident *x, const char *name)
{
	if (name[0] == '\0' || strcmp(name, x->root) == 0 ||
	    x->symptom_count == INCIDENT_SYMPTOMS)
		return;
	for (uint32_t i = 0; i < x->symptom_count; i++)
		if (strcmp(x->symptoms[i], name) == 0)
			return;
	text_print(x->symptoms[x->symptom_count++], JOURNAL_NAME, "%s", name);
}

/* monitord revises the root when it sees what explains the rest; what was believed before is a
 * symptom then. The journal's name of one whose section is gone stays. */
static void
take_root(struct incident *x, const struct msg_incident_view *v, const struct rules *rules)
{
	char before[JOURNAL_NAME];
	enum object_kind kind = (enum object_kind)v->root_kind;
	if (x->root[0] != '\0' && kind == OBJECT_MONITORD)
		return;
	text_print(before, sizeof before, "%s", x->root);
	text_print(x->root, sizeof x->root, "%s", rules_name(rules, kind, v->root_id));
	text_print(x->root_kind, sizeof x->root_kind, "%s", object_kind_name[kind]);
	x->revised = kind != OBJECT_MONITORD;
	add_symptom(x, before);
}

void
incidents_view(struct incidents *s, const struct msg_incident_view *v,
	       const struct rules *rules)
{
	if (v->incident == 0 || v->state >= INCIDENT_STATES ||
	    v->root_kind >= OBJECT_KINDS)
		return;
	struct incident *x = find_or_add(s, v->incident);
	x->state = (enum incident_state)v->state;
	x->viewed = true;
	x->saved = false;
	x->since_real_ms = v->since_real_ms;
	x->until_real_ms = v->state == INCIDENT_CLOSED ? v->until_real_ms : 0;
	text_print(x->text, sizeof x->text, "%s", v->text);
	text_print(x->who, sizeof x->who, "%s", v->who);
	text_print(x->why, sizeof x->why, "%s", v->why);
	if (rules != NULL)
		take_root(x, v, rules);
}

static void
add_action(struct incident *x, const char *text)
{
	if (x->action_count == INCIDENT_ACTIONS) {
		memmove(x->actions[0], x->actions[1],
			sizeof x->actions - sizeof x->actions[0]);
		x->action_count--;
	}
	text_print(x->actions[x->action_count++], sizeof x->actions[0], "%s", text);
}

/* What was done about it; a silence is none: it changes only who hears of it. */
static bool
is_action(const struct journal_line *line)
{
	static const char *const words[] = {
		"service-starting", "service-started",   "service-stopping",
		"service-stopped",  "service-signalled", "service-failed",
		"service-up",       "route-moved",       "route-verified",
		"route-restored",   "route-stuck",       "rule-fired",
		"rule-escalated",   "action-done",       "command",
	};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(words[i], line->kind) == 0)
			return strncmp(line->text, "silence ", 8) != 0 &&
			       strncmp(line->text, "unsilence ", 10) != 0;
	return false;
}

void
incidents_line(struct incidents *s, const struct journal_line *line)
{
	bool close = strcmp(line->kind, "incident-close") == 0;
	if (line->incident == 0)
		return;
	struct incident *x = find_or_add(s, line->incident);
	x->saved = false;
	x->whole = x->whole || line->id == line->incident;
	if (x->last_real_ms == 0 || strncmp(line->kind, "incident-", 9) != 0)
		x->last_real_ms = line->real_ms;
	if (x->since_real_ms == 0)
		x->since_real_ms = line->real_ms;
	if (!x->revised && (x->root_kind[0] == '\0' || line->id == line->incident)) {
		text_print(x->root, sizeof x->root, "%s", line->object);
		text_print(x->root_kind, sizeof x->root_kind, "%s", line->object_kind);
	}
	if (close) {
		x->state = INCIDENT_CLOSED;
		if (x->until_real_ms == 0) /* told once it has been well for a while */
			x->until_real_ms = x->last_real_ms;
	}
	if (x->text[0] == '\0' || close)
		text_print(x->text, sizeof x->text, "%s", line->text);
	add_symptom(x, line->object);
	if (is_action(line))
		add_action(x, line->text);
}

static int64_t
until_of(const struct incident *x)
{
	int64_t last = x->last_real_ms != 0 ? x->last_real_ms : x->since_real_ms;
	return x->until_real_ms != 0 ? x->until_real_ms : last;
}

static void
write_as(const struct incident *x, bool over, struct json *j)
{
	json_open(j, '{');
	json_key_id(j, "id", x->id);
	json_key_text(j, "state", incident_state_name[over ? INCIDENT_CLOSED : x->state]);
	json_key_text(j, "root", x->root);
	json_key_text(j, "root_kind", x->root_kind);
	json_key(j, "symptoms");
	json_open(j, '[');
	for (uint32_t i = 0; i < x->symptom_count; i++)
		/* it was one, before it was the root */
		if (strcmp(x->symptoms[i], x->root) != 0)
			json_text(j, x->symptoms[i]);
	json_close(j, ']');
	json_key(j, "actions");
	json_open(j, '[');
	for (uint32_t i = 0; i < x->action_count; i++)
		json_text(j, x->actions[i]);
	json_close(j, ']');
	json_key_time(j, "since", x->since_real_ms);
	json_key_time(j, "until", over ? until_of(x) : 0);
	json_key_text(j, "who", x->who);
	json_key_text(j, "why", x->why);
	json_key_text(j, "text", x->text);
	json_close(j, '}');
}

static void
write_one(const struct incident *x, struct json *j)
{
	write_as(x, is_over(x), j);
}

/* Ids grow with time. */
static int
by_id(const void *a, const void *b)
{
	const struct incident *const *x = a, *const *y = b;
	return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

void
incidents_json(const struct incidents *s, struct json *j)
{
	const struct incident *list[INCIDENTS_KEPT];
	for (uint32_t i = 0; i < s->count; i++)
		list[i] = &s->list[i];
	if (s->count > 0)
		qsort(list, s->count, sizeof *list, by_id);
	json_open(j, '[');
	for (uint32_t i = 0; i < s->count; i++)
		write_one(list[i], j);
	json_close(j, ']');
}

bool
incidents_one(const struct incidents *s, uint64_t id, struct json *j)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->list[i].id == id) {
			write_one(&s->list[i], j);
			return true;
		}
	return false;
}

bool
incidents_known(const struct incidents *s, uint64_t id)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->list[i].id == id)
			return true;
	return false;
}

uint32_t
incidents_open(const struct incidents *s)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < s->count; i++)
		n += !is_over(&s->list[i]);
	return n;
}

/* ---- for the archive ---- */

static void
put_record(const struct incident *x, bool over, struct batch *b)
{
	struct block_head head = { .kind = BLOCK_INCIDENT,
				   .merge = over && !x->whole,
				   .span = (int64_t)x->id };
	struct incident_times times = { x->since_real_ms, until_of(x) };
	struct json j;
	size_t size;
	json_begin(&j);
	write_as(x, over, &j);
	char *text = json_end(&j, &size);
	if (text == NULL)
		return;
	batch_open(b, &head);
	batch_bytes(b, &times, sizeof times);
	batch_bytes(b, text, size);
	batch_close(b);
	free(text);
}

void
incidents_save(struct incidents *s, struct batch *b)
{
	for (uint32_t i = 0; i < s->count; i++) {
		struct incident *x = &s->list[i];
		if (!x->saved)
			put_record(x, true, b);
		x->saved = true;
	}
}

void
incidents_between(const struct incidents *s, int64_t since_ms, int64_t until_ms,
		  struct batch *b)
{
	for (uint32_t i = 0; i < s->count; i++) {
		const struct incident *x = &s->list[i];
		if (x->since_real_ms < until_ms &&
		    (!is_over(x) || until_of(x) >= since_ms))
			put_record(x, is_over(x), b);
	}
}
