#include "status/silences.h"

#include "base/text.h"

void
silences_view(struct silences *s, const struct msg_silence_view *v,
	      const struct rules *rules)
{
	if (v->slot >= MSG_SILENCES)
		return;
	struct silence *x = &s->list[v->slot];
	*x = (struct silence){ .until_real_ms = 0 };
	if (v->until_real_ms == 0 || rules == NULL || v->kind >= OBJECT_KINDS)
		return;
	enum object_kind kind = (enum object_kind)v->kind;
	if (kind != OBJECT_MONITORD && v->id >= rules_count(rules, kind))
		return;
	x->until_real_ms = v->until_real_ms;
	x->event = v->event;
	text_print(x->kind, sizeof x->kind, "%s", object_kind_name[kind]);
	text_print(x->name, sizeof x->name, "%s",
		   kind == OBJECT_MONITORD ? "all" : rules_name(rules, kind, v->id));
	text_print(x->who, sizeof x->who, "%.*s", MSG_PERSON - 1, v->who);
	text_print(x->why, sizeof x->why, "%.*s", MSG_TEXT - 1, v->why);
}

void
silences_json(const struct silences *s, struct json *j)
{
	json_open(j, '[');
	for (uint32_t i = 0; i < MSG_SILENCES; i++) {
		const struct silence *x = &s->list[i];
		if (x->until_real_ms == 0)
			continue;
		json_open(j, '{');
		json_key_text(j, "name", x->name);
		json_key_text(j, "kind", x->kind);
		json_key_time(j, "until", x->until_real_ms);
		json_key_text(j, "who", x->who);
		json_key_text(j, "reason", x->why);
		json_key_id(j, "event", x->event);
		json_close(j, '}');
	}
	json_close(j, ']');
}
