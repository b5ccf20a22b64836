/* What a `run` command is told: the event as JSON on its standard input, and a closed set
 * of variables. Nothing is ever put into its command line, and no shell reads it. */
#include "monitord/core.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

#define ESCALATED 0x10000 /* of a decision's action */
#define WAITING_MOST 16

static struct waiting { /* for an answer of the user database */
	struct decision decision;
	char rule[RULES_NAME_MAX + 1]; /* ids change with a reload */
} waiting[WAITING_MOST];
static unsigned waiting_count;

static void
json_text(struct text *t, const char *name, const char *text)
{
	text_add(t, "\"%s\":\"", name);
	for (; *text != '\0'; text++)
		text_add(t, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
	text_add(t, "\"");
}

/* The first object that the rule's condition names. */
static const char *
object_of(const struct rules *rules, const struct rule *r, const char **kind)
{
	*kind = "rule";
	for (uint32_t i = 0; i < r->when.count; i++)
		if (r->when.ops[i].kind == OP_TEST) {
			*kind = object_kind_name[r->when.ops[i].object];
			return rules_name(rules, r->when.ops[i].object,
					  r->when.ops[i].id);
		}
	return r->name;
}

/* What was decided; NULL: by rules that are no longer in force. */
static const struct action *
action_of(const struct rule *r, uint32_t number)
{
	bool up = (number & ESCALATED) != 0;
	const struct action *list = up ? r->escalate : r->actions;
	uint32_t i = number & (ESCALATED - 1),
		 count = up ? r->escalate_count : r->action_count;
	return i < count && list[i].kind == ACTION_RUN ? &list[i] : NULL;
}

static bool
is_put_off(struct core *c, const struct decision *d)
{
	if (waiting_count == WAITING_MOST || !process_run_waits(c->processes, d->id))
		return false;
	struct waiting *w = &waiting[waiting_count++];
	w->decision = *d;
	text_print(w->rule, sizeof w->rule, "%s", c->rules->rules[d->id].name);
	return true;
}

void
core_run_again(struct core *c)
{
	static struct waiting now[WAITING_MOST];
	unsigned count = waiting_count;
	memcpy(now, waiting, count * sizeof *now);
	waiting_count = 0;
	for (unsigned i = 0; i < count; i++) {
		now[i].decision.id = rules_rule(c->rules, now[i].rule);
		if (now[i].decision.id != RULES_NONE)
			core_run(c, &now[i].decision);
	}
}

void
core_run(struct core *c, const struct decision *d)
{
	if (is_put_off(c, d))
		return;
	const struct rule *r = &c->rules->rules[d->id];
	const struct action *a = action_of(r, d->action);
	const char *kind, *object = object_of(c->rules, r, &kind);
	const char *event =
		(d->action & ESCALATED) != 0 ? "rule-escalated" : "rule-fired";
	struct msg_rule_view v;
	char bytes[4096], time[32], id[24], env[9][700];
	struct text t;
	if (a == NULL)
		return;
	world_rule_view(c->world, d->id, &v);
	clock_rfc3339(v.since_real_ms, time, sizeof time);
	text_print(id, sizeof id, "%llu", (unsigned long long)d->event);
	const char *const variables[][2] = {
		{ "MONITORD_EVENT", id },      { "MONITORD_TIME", time },
		{ "MONITORD_KIND", event },    { "MONITORD_RULE", r->name },
		{ "MONITORD_OBJECT", object }, { "MONITORD_OBJECT_KIND", kind },
		{ "MONITORD_TEXT", d->text },  { "MONITORD_HOST", c->host },
	};
	const size_t count = sizeof variables / sizeof *variables;
	const char *list[sizeof variables / sizeof *variables + 1] = { NULL };
	for (size_t i = 0; i < count; i++) {
		text_print(env[i], sizeof env[i], "%s=%s", variables[i][0],
			   variables[i][1]);
		list[i] = env[i];
	}
	text_begin(&t, bytes, sizeof bytes);
	text_add(&t, "{\"id\":%s,", id);
	json_text(&t, "time", time);
	text_add(&t, ",");
	json_text(&t, "kind", event);
	text_add(&t, ",");
	json_text(&t, "object", object);
	text_add(&t, ",");
	json_text(&t, "rule", r->name);
	text_add(&t, ",");
	json_text(&t, "text", d->text);
	text_add(&t, ",");
	json_text(&t, "host", c->host);
	text_add(&t, "}\n");
	process_run(c->processes, d->id, a, d->token, bytes, list);
}
