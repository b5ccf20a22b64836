#include "alerts/part.h"

#include "base/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define USUAL_SOCKET "/run/monitord/status.sock"
#define STEPS_MAX 12 /* of what was done; the rest stands among the events */

const char *const part_title[PARTS] = {
	[PART_SERVED] = "Who is served by whom now",
	[PART_DONE] = "What was done",
	[PART_NEXT] = "What comes next",
	[PART_EVIDENCE] = "Evidence",
	[PART_AFFECTED] = "Affected",
	[PART_CHAIN] = "Chain",
	[PART_COMMANDS] = "Commands",
	[PART_EVENTS] = "Events, with milliseconds since the first",
};
const char *const letter_state[PHASES] = {
	[PHASE_OPEN] = "problem", [PHASE_REMIND] = "still", [PHASE_CLOSE] = "over",
	[PHASE_EVENT] = "alert",  [PHASE_TEST] = "test",    [PHASE_AGAIN] = "again",
	[PHASE_ACK] = "acknowledged",
};

#define KEPT_BREAK " | " /* between lines of a log in one event */

enum { DONE = 1, PROOF = 2, EVIDENCE = 4, SERVED = 8, PLAN = 16, KEPT = 32 };

/* What an event is in a mail. */
static const struct kind_row {
	const char *kind;
	unsigned what;
} kinds[] = {
	{ "service-exited", EVIDENCE },
	{ "start-failed", EVIDENCE },
	{ "service-failing", EVIDENCE },
	{ "service-evidence", KEPT },
	{ "check-down", EVIDENCE },
	{ "check-degraded", EVIDENCE },
	{ "check-unknown", EVIDENCE },
	{ "log", EVIDENCE },
	{ "rule-fired", EVIDENCE | DONE },
	{ "rule-escalated", EVIDENCE | DONE },
	{ "service-failed", EVIDENCE | PLAN },
	{ "service-backoff", PLAN },
	{ "service-starting", DONE },
	{ "service-started", DONE },
	{ "service-stopping", DONE },
	{ "service-stopped", DONE },
	{ "service-signalled", DONE },
	{ "service-held", DONE },
	{ "service-released", DONE },
	{ "action-done", DONE },
	{ "incident-ack", DONE },
	{ "service-up", DONE | PROOF },
	{ "check-up", PROOF },
	{ "rule-cleared", PROOF },
	{ "route-verified", DONE | PROOF },
	{ "route-moved", DONE | SERVED },
	{ "route-restored", DONE | SERVED },
	{ "route-undone", DONE | SERVED },
	{ "route-stuck", EVIDENCE | SERVED | PLAN },
};

static unsigned
what_is(const struct journal_line *line)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].kind, line->kind) == 0)
			return kinds[i].what;
	return 0;
}

static bool
same_object(const struct journal_line *a, const struct journal_line *b)
{
	return strcmp(a->object_kind, b->object_kind) == 0 &&
	       strcmp(a->object, b->object) == 0;
}

/* Is line i the newest of its object that is `what`? */
static bool
newest(const struct letter *l, size_t i, unsigned what)
{
	for (size_t k = i + 1; k < l->line_count; k++)
		if ((what_is(&l->lines[k]) & what) != 0 &&
		    same_object(&l->lines[i], &l->lines[k]))
			return false;
	return true;
}

static bool
first_of_object(const struct letter *l, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (same_object(&l->lines[i], &l->lines[k]))
			return false;
	return true;
}

static void
served(const struct letter *l, struct text *t)
{
	unsigned found = 0;
	for (size_t i = 0; i < l->line_count; i++) {
		if ((what_is(&l->lines[i]) & SERVED) == 0 || !newest(l, i, SERVED))
			continue;
		bool proven = !newest(l, i, PROOF);
		text_add(t, "%s%s\n", l->lines[i].text,
			 strcmp(l->lines[i].kind, "route-stuck") == 0 ? ""
			 : proven                                     ? " (verified)"
								      : " (not verified)");
		found++;
	}
	if (found == 0)
		text_add(t, "No traffic was moved because of this.\n");
}

static void
done(const struct letter *l, struct text *t)
{
	unsigned steps = 0, proven = 0;
	for (size_t i = 0; i < l->line_count; i++) {
		unsigned what = what_is(&l->lines[i]);
		if ((what & DONE) != 0 && ++steps <= STEPS_MAX)
			text_add(t, "%s\n", l->lines[i].text);
		if ((what & PROOF) != 0 && newest(l, i, EVIDENCE))
			proven++;
	}
	if (steps > STEPS_MAX)
		text_add(t, "and %u more steps, below\n", steps - STEPS_MAX);
	if (steps == 0)
		text_add(t, l->phase == PHASE_CLOSE ? "Nothing: it came back by itself.\n" : "Nothing yet.\n");
	else if (proven == 0)
		text_add(t, "Not verified yet.\n");
	for (size_t i = 0; i < l->line_count && proven > 0; i++)
		if ((what_is(&l->lines[i]) & PROOF) != 0 &&
		    newest(l, i, EVIDENCE | PROOF))
			text_add(t, "Verified: %s\n", l->lines[i].text);
}

static void
next(const struct letter *l, struct text *t)
{
	if (l->phase == PHASE_CLOSE) {
		text_add(t, "Nothing: this was the end of incident %" PRIu64 ".\n", l->number);
		return;
	}
	for (size_t i = 0; i < l->line_count; i++)
		if ((what_is(&l->lines[i]) & PLAN) != 0 &&
		    newest(l, i, DONE | PLAN | PROOF))
			text_add(t, "%s\n", l->lines[i].text);
	if (l->phase == PHASE_EVENT)
		text_add(t, "No further mail about this event.\n");
	else
		text_add(t, "monitord goes on watching; one more mail says when this "
			    "is over.\n");
}

/* What was gathered before a kill or after a crash: its lines below each other. */
static void
add_kept(struct text *t, const char *text)
{
	const char *next_line;
	for (; (next_line = strstr(text, KEPT_BREAK)) != NULL; text = next_line + strlen(KEPT_BREAK))
		text_add(t, "%.*s\n  ", (int)(next_line - text), text);
	text_add(t, "%s\n", text);
}

static void
evidence(const struct letter *l, struct text *t)
{
	for (size_t i = 0; i < l->line_count; i++)
		if ((what_is(&l->lines[i]) & EVIDENCE) != 0 && newest(l, i, EVIDENCE))
			text_add(t, "%s\n", l->lines[i].text);
	for (size_t i = 0; i < l->line_count; i++)
		if ((what_is(&l->lines[i]) & KEPT) != 0)
			add_kept(t, l->lines[i].text);
}

/* All of them, several a line: a storm is one list. */
static void
affected(const struct letter *l, struct text *t)
{
	size_t used = 0, count = 0;
	for (size_t i = 0; i < l->member_count; i++)
		count += l->members[i].mark != MARK_ROOT;
	if (count > 8)
		text_add(t, "%zu:\n", count);
	for (size_t i = 0; i < l->member_count; i++) {
		const char *name = l->members[i].name;
		if (l->members[i].mark == MARK_ROOT)
			continue;
		if (used > 0 && used + strlen(name) + 2 > 72) {
			text_add(t, ",\n");
			used = 0;
		}
		text_add(t, "%s%s", used > 0 ? ", " : "", name);
		used += strlen(name) + 2;
	}
	if (used > 0)
		text_add(t, "\n");
}

static void
chain(const struct letter *l, struct text *t)
{
	static const char *const word[MARKS] = {
		[MARK_UNKNOWN] = "", [MARK_ROOT] = " (the cause)", [MARK_WRONG] = " (wrong)",
		[MARK_AFFECTED] = " (affected)", [MARK_WELL] = "",
	};
	for (size_t i = 0; i < l->chain_count; i++)
		text_add(t, "%s%s%s", i > 0 ? " -> " : "", l->chain[i].name,
			 l->phase == PHASE_CLOSE ? "" : word[l->chain[i].mark]);
	if (l->chain_count > 0)
		text_add(t, "\n");
}

char *
part_ctl(const struct letter *l, char *out, size_t cap)
{
	if (l->socket != NULL && strcmp(l->socket, USUAL_SOCKET) != 0)
		text_print(out, cap, "monitorctl -s %s", l->socket);
	else
		text_print(out, cap, "monitorctl");
	return out;
}

#define HOLDS_MAX 8

static void
commands(const struct letter *l, struct text *t)
{
	char ctl[300];
	unsigned holds = 0;
	bool open = l->phase != PHASE_CLOSE && l->phase != PHASE_EVENT;
	part_ctl(l, ctl, sizeof ctl);
	if (open)
		text_add(t, "%s ack %" PRIu64 " --why TEXT    # you take it: no reminders\n", ctl,
			 l->number);
	for (size_t i = 0; i < l->line_count; i++) {
		const struct journal_line *line = &l->lines[i];
		if (!first_of_object(l, i))
			continue;
		if (strcmp(line->object_kind, "service") == 0 && l->phase != PHASE_CLOSE &&
		    ++holds <= HOLDS_MAX)
			text_add(t, "%s hold %s    # hands off; undo: %s release %s\n", ctl,
				 line->object, ctl, line->object);
		if (strcmp(line->object_kind, "route") == 0)
			text_add(t, "%s restore %s    # undo a switch made by hand\n", ctl,
				 line->object);
	}
	if (open && l->about.object[0] != '\0')
		text_add(t, "%s silence %s --for 2h --reason TEXT\n", ctl, l->about.object);
	if (l->about.object[0] != '\0')
		text_add(t, "%s explain %s\n", ctl, l->about.object);
	text_add(t, "%s incidents\n", ctl);
}

static void
add_time_line(struct text *t, const struct journal_line *line, int64_t since_ms)
{
	char time[40];
	text_add(t, "%s %+8" PRId64 " ms  %s", clock_rfc3339(line->real_ms, time, sizeof time),
		 line->real_ms - since_ms, line->kind);
	text_add(t, "%s%s: %s\n", line->object[0] != '\0' ? " " : "", line->object,
		 line->text);
}

static void
events(const struct letter *l, struct text *t)
{
	for (size_t i = 0; i < l->line_count; i++) {
		if (i == LETTER_HEAD && l->omitted > 0)
			text_add(t, "… %" PRIu64 " more events …\n", l->omitted);
		add_time_line(t, &l->lines[i], l->since_ms);
	}
	if (l->line_count == 0)
		add_time_line(t, &l->about, l->since_ms);
}

void
part_write(const struct letter *l, enum part part, struct text *out)
{
	static void (*const writers[PARTS])(const struct letter *, struct text *) = {
		[PART_SERVED] = served,	    [PART_DONE] = done,
		[PART_NEXT] = next,	    [PART_EVIDENCE] = evidence,
		[PART_AFFECTED] = affected, [PART_CHAIN] = chain,
		[PART_COMMANDS] = commands, [PART_EVENTS] = events,
	};
	assert(part < PARTS && writers[part] != NULL);
	writers[part](l, out);
}

size_t
part_sms(const struct letter *l, char *out, size_t cap)
{
	char host[64], text[SMS_MAX + 1];
	const char *dot = strchr(l->host, '.');
	text_print(host, sizeof host, "%.*s",
		   (int)(dot != NULL ? (size_t)(dot - l->host) : strlen(l->host)), l->host);
	if (l->item_count > 0)
		text_print(text, sizeof text, "%s: %zu incidents: %s", host, l->item_count,
			   l->items[0].text);
	else if (l->phase == PHASE_CLOSE) /* its text says so itself */
		text_print(text, sizeof text, "%s: %s", host, l->about.text);
	else
		text_print(text, sizeof text, "%s %s #%" PRIu64 ": %s", host, letter_state[l->phase],
			   l->number, l->about.text);
	for (char *p = text; *p != '\0'; p++) /* what is not ASCII costs half of the room */
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
		text_add(t, "%s", text_duration(until > l->since_ms ? until - l->since_ms : 0, time,
						sizeof time));
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
