#include "alerts/payload.h"

#include "alerts/compose.h"
#include "alerts/part.h"
#include "base/clock.h"

#include <jansson.h>

static json_t *
text_or_null(const char *text)
{
	return *text != '\0' ? json_string(text) : json_null();
}

static json_t *
number_or_null(uint64_t n)
{
	return n != 0 ? json_integer((json_int_t)n) : json_null();
}

static json_t *
time_of(int64_t real_ms)
{
	char time[40];
	return json_string(clock_rfc3339(real_ms, time, sizeof time));
}

static json_t *
event(const struct journal_line *line)
{
	return json_pack("{s:I,s:o,s:s,s:o,s:o,s:o,s:s}", "id", (json_int_t)line->id,
			 "time", time_of(line->real_ms), "kind", line->kind, "object",
			 text_or_null(line->object), "rule", text_or_null(line->rule),
			 "cause", number_or_null(line->cause), "text", line->text);
}

char *
payload_new(const struct letter *l)
{
	static const char *const state[PHASES] = {
		[PHASE_OPEN] = "open",    [PHASE_REMIND] = "open",
		[PHASE_CLOSE] = "closed", [PHASE_EVENT] = "event",
		[PHASE_TEST] = "test",    [PHASE_AGAIN] = "open",
		[PHASE_ACK] = "acked",
	};
	char key[COMPOSE_NAME];
	json_t *events = json_array();
	for (size_t i = 0; i < l->line_count; i++)
		json_array_append_new(events, event(&l->lines[i]));
	if (l->line_count == 0 && l->phase != PHASE_TEST)
		json_array_append_new(events, event(&l->about));
	json_t *affected = json_array();
	for (size_t i = 0; i < l->member_count; i++)
		if (l->members[i].mark != MARK_ROOT)
			json_array_append_new(affected, json_string(l->members[i].name));
	bool incident = l->phase != PHASE_EVENT && l->phase != PHASE_TEST;
	json_t *j =
		json_pack("{s:s,s:o,s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:s,s:o,s:I}", "key",
			  compose_id(l, l->phase, key, sizeof key), "incident",
			  number_or_null(incident ? l->number : 0), "state",
			  state[l->phase], "host", l->host, "contact", l->contact, "root",
			  text_or_null(l->about.object), "root_kind",
			  text_or_null(l->about.object_kind), "since",
			  time_of(l->since_ms), "until",
			  l->phase == PHASE_CLOSE ? time_of(l->until_ms) : json_null(),
			  "text", l->about.text, "events", events, "omitted",
			  (json_int_t)l->omitted);
	if (j != NULL) {
		char sms[SMS_MAX + 1];
		part_sms(l, sms, sizeof sms);
		json_object_set_new(j, "severity",
				    json_string(severity_name[l->severity]));
		json_object_set_new(j, "affected", affected);
		json_object_set_new(j, "sms", json_string(sms));
	} else {
		json_decref(affected);
	}
	char *out = j != NULL ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	return out;
}
