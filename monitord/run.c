/* What a `run` command is told: the event as JSON on its standard input, and a closed set
 * of variables. Nothing is ever put into its command line, and no shell reads it. */
#include "monitord/core.h"

#include "base/clock.h"
#include "base/text.h"

#include <string.h>

#define ESCALATED 0x10000 /* of a decision's action */

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

void
core_run(struct core *c, const struct decision *d)
{
	const struct rule *r = &c->rules->rules[d->id];
	bool up = (d->action & ESCALATED) != 0;
	const struct action *a =
		up ? &r->escalate[d->action & (ESCALATED - 1)] : &r->actions[d->action];
	const char *kind, *object = object_of(c->rules, r, &kind);
	const char *event = up ? "rule-escalated" : "rule-fired";
	struct msg_rule_view v;
	char bytes[4096], time[32], id[24], env[9][700];
	struct text t;
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
