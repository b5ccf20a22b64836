/* A letter in few words: its subject, a text for a small screen, the variables of templates. */
#include "alerts/part.h"

#include "alerts/compose.h"
#include "base/clock.h"

#include <inttypes.h>
#include <string.h>

size_t
part_sms(const struct letter *l, char *out, size_t cap)
{
	char host[64], text[SMS_MAX + 1];
	const char *dot = strchr(l->host, '.');
	text_print(host, sizeof host, "%.*s",
		   (int)(dot != NULL ? (size_t)(dot - l->host) : strlen(l->host)),
		   l->host);
	if (l->item_count > 0)
		text_print(text, sizeof text, "%s: %zu incidents: %s", host,
			   l->item_count, l->items[0].text);
	else if (l->phase == PHASE_CLOSE) /* its text says so itself */
		text_print(text, sizeof text, "%s: %s", host, l->about.text);
	else
		text_print(text, sizeof text, "%s %s #%" PRIu64 ": %s", host,
			   letter_state[l->phase], l->number, l->about.text);
	/* what is not ASCII costs half of the room */
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	return text_print(out, cap < SMS_MAX + 1 ? cap : SMS_MAX + 1, "%s", text);
}

void
part_variable(const struct letter *l, enum variable v, struct text *t)
{
	static const enum part parts[VARIABLES] = {
		[VARIABLE_SERVED] = PART_SERVED,     [VARIABLE_DONE] = PART_DONE,
		[VARIABLE_NEXT] = PART_NEXT,	     [VARIABLE_EVIDENCE] = PART_EVIDENCE,
		[VARIABLE_AFFECTED] = PART_AFFECTED, [VARIABLE_CHAIN] = PART_CHAIN,
		[VARIABLE_COMMANDS] = PART_COMMANDS,
	};
	char time[40], sms[SMS_MAX + 1];
	bool incident = l->phase != PHASE_EVENT && l->phase != PHASE_TEST;
	int64_t until = l->phase == PHASE_CLOSE ? l->until_ms : l->now_ms;
	switch (v) {
	case VARIABLE_HOST:
		text_add(t, "%s", l->host);
		break;
	case VARIABLE_CONTACT:
		text_add(t, "%s", l->contact);
		break;
	case VARIABLE_INCIDENT:
		text_add(t, "%" PRIu64, incident ? l->number : 0);
		break;
	case VARIABLE_ID:
		text_add(t, "%" PRIu64, l->about.id);
		break;
	case VARIABLE_STATE:
		text_add(t, "%s", letter_state[l->phase]);
		break;
	case VARIABLE_SEVERITY:
		text_add(t, "%s", severity_name[l->severity]);
		break;
	case VARIABLE_ROOT:
		text_add(t, "%s", l->about.object);
		break;
	case VARIABLE_TEXT:
		text_add(t, "%s", l->about.text);
		break;
	case VARIABLE_SINCE:
		text_add(t, "%s", clock_rfc3339(l->since_ms, time, sizeof time));
		break;
	case VARIABLE_DURATION:
		text_add(t, "%s",
			 text_duration(until > l->since_ms ? until - l->since_ms : 0,
				       time, sizeof time));
		break;
	case VARIABLE_SMS:
		part_sms(l, sms, sizeof sms);
		text_add(t, "%s", sms);
		break;
	case VARIABLE_SERVED:
	case VARIABLE_DONE:
	case VARIABLE_NEXT:
	case VARIABLE_EVIDENCE:
	case VARIABLE_AFFECTED:
	case VARIABLE_CHAIN:
	case VARIABLE_COMMANDS:
		part_write(l, parts[v], t);
		break;
	case VARIABLES:
		break;
	}
}

static void
add_variable(struct text *out, enum variable v, const void *arg)
{
	part_variable(arg, v, out);
}

/* "problem: …", and what a woken person asks next: is it still so, and how much hangs on it? */
static void
own_subject(const struct letter *l, char *out, size_t cap)
{
	static const char *const word[PHASES] = {
		[PHASE_OPEN] = "problem: ", [PHASE_REMIND] = "still: ",
		[PHASE_CLOSE] = "",         [PHASE_EVENT] = "alert: ",
		[PHASE_TEST] = "test: ",    [PHASE_AGAIN] = "",
		[PHASE_ACK] = "",
	};
	char before[64], after[48] = "", took[32];
	bool open = l->phase == PHASE_OPEN && l->item_count == 0;
	size_t affected = open ? part_affected(l) : 0;
	text_print(before, sizeof before, "%s",
		   open && part_well(l) ? "problem, well again: " : word[l->phase]);
	if (l->phase == PHASE_REMIND && l->item_count == 0)
		text_print(before, sizeof before, "still, after %s: ",
			   text_duration(l->about.real_ms - l->since_ms, took,
					 sizeof took));
	if (affected > 1)
		text_print(after, sizeof after, "; %zu are affected", affected);
	text_print(out, cap, "[%.100s] %s%.400s%s", l->host, before, l->about.text,
		   after);
}

char *
compose_subject(const struct letter *l, char *out, size_t cap)
{
	char text[1024];
	struct text t;
	if (l->subject == NULL || l->item_count > 0) {
		own_subject(l, out, cap);
		return out;
	}
	text_begin(&t, text, sizeof text);
	template_write(&t, l->subject, add_variable, l);
	for (char *p = text; *p != '\0'; p++)
		*p = *p == '\n' ? ' ' : *p;
	text_clean(out, cap, text, strlen(text));
	return out;
}
