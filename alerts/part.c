#include "alerts/part.h"

#include "base/clock.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define USUAL_SOCKET "/run/monitord/status.sock"
#define NEAR_START 24 /* in its text an object is named by then, or before it */
#define STEPS_MAX 12 /* of what was done; the rest stands among the events */

const char *const part_title[PARTS] = {
	[PART_SERVED] = "Who is served by whom now",
	[PART_DONE] = "What was done",
	[PART_NEXT] = "What comes next",
	[PART_EVIDENCE] = "Evidence",
	[PART_AFFECTED] = "Affected",
	[PART_CHAIN] = "Chain",
	[PART_COMMANDS] = "Commands",
	[PART_EVENTS] = "Events, in UTC, and how long after the first",
};
const char *const letter_state[PHASES] = {
	[PHASE_OPEN] = "problem", [PHASE_REMIND] = "still", [PHASE_CLOSE] = "over",
	[PHASE_EVENT] = "alert",  [PHASE_TEST] = "test",    [PHASE_AGAIN] = "again",
	[PHASE_ACK] = "acknowledged",
};

#define KEPT_BREAK " | " /* between lines of a log in one event */

enum { DONE = 1, PROOF = 2, EVIDENCE = 4, SERVED = 8, PLAN = 16, KEPT = 32, WORSE = 64 };
#define BAD (EVIDENCE | WORSE)

/* What an event is in a mail. */
static const struct kind_row {
	const char *kind;
	unsigned what;
} kinds[] = {
	{ "service-exited", EVIDENCE },
	{ "start-failed", EVIDENCE },
	{ "service-failing", WORSE }, /* its checks say why */
	{ "service-evidence", KEPT },
	{ "check-down", EVIDENCE },
	{ "check-degraded", EVIDENCE },
	{ "check-unknown", EVIDENCE },
	{ "log", EVIDENCE },
	{ "rule-fired", EVIDENCE },
	{ "rule-escalated", EVIDENCE | DONE },
	{ "service-restart", DONE },
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

/* That something begins says nothing new once it is done. */
static bool
is_superseded(const struct letter *l, size_t i)
{
	static const char *const pairs[][2] = { { "service-starting", "service-started" },
						{ "service-stopping",
						  "service-stopped" } };
	for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
		for (size_t k = i + 1;
		     strcmp(l->lines[i].kind, pairs[p][0]) == 0 && k < l->line_count; k++)
			if (strcmp(l->lines[k].kind, pairs[p][1]) == 0 &&
			    same_object(&l->lines[i], &l->lines[k]))
				return true;
	return false;
}

bool
part_well(const struct letter *l)
{
	bool proven = false;
	for (size_t i = 0; i < l->line_count; i++) {
		if ((what_is(&l->lines[i]) & BAD) != 0 && newest(l, i, BAD | PROOF))
			return false;
		proven = proven || ((what_is(&l->lines[i]) & PROOF) != 0 &&
				    newest(l, i, BAD | PROOF));
	}
	return proven;
}

static void
done(const struct letter *l, struct text *t)
{
	unsigned steps = 0, proven = 0;
	for (size_t i = 0; i < l->line_count; i++) {
		unsigned what = what_is(&l->lines[i]);
		bool proof = (what & PROOF) != 0 && newest(l, i, BAD | PROOF);
		bool step =
			(what & DONE) != 0 && (what & PROOF) == 0 && !is_superseded(l, i);
		proven += proof;
		if (proof)
			text_add(t, "Verified: %s\n", l->lines[i].text);
		else if (step && ++steps <= STEPS_MAX)
			text_add(t, "%s\n", l->lines[i].text);
	}
	if (steps > STEPS_MAX)
		text_add(t, "and %u more steps, below\n", steps - STEPS_MAX);
	if (steps == 0 && (proven > 0 || l->phase == PHASE_CLOSE))
		text_add(t, "Nothing: it came back by itself.\n");
	else if (steps == 0)
		text_add(t, "Nothing yet.\n");
	else if (proven == 0)
		text_add(t, "Not verified yet.\n");
}

static void
next(const struct letter *l, struct text *t)
{
	if (l->phase == PHASE_CLOSE) {
		text_add(t, "Nothing: this was the end of incident %" PRIu64 ".\n",
			 l->number);
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
	for (; (next_line = strstr(text, KEPT_BREAK)) != NULL;
	     text = next_line + strlen(KEPT_BREAK))
		text_add(t, "%.*s\n  ", (int)(next_line - text), text);
	text_add(t, "%s\n", text);
}

/* A process that ended because it was told to explains nothing. */
static bool
is_evidence(const struct journal_line *line)
{
	return (what_is(line) & EVIDENCE) != 0 &&
	       strstr(line->text, " exited as asked") == NULL;
}

static bool
newest_evidence(const struct letter *l, size_t i)
{
	for (size_t k = i + 1; k < l->line_count; k++)
		if (is_evidence(&l->lines[k]) && same_object(&l->lines[i], &l->lines[k]))
			return false;
	return true;
}

static void
evidence(const struct letter *l, struct text *t)
{
	for (size_t i = 0; i < l->line_count; i++)
		if (is_evidence(&l->lines[i]) && newest_evidence(l, i))
			text_add(t, "%s\n", l->lines[i].text);
	for (size_t i = 0; i < l->line_count; i++)
		if ((what_is(&l->lines[i]) & KEPT) != 0)
			add_kept(t, l->lines[i].text);
}

size_t
part_affected(const struct letter *l)
{
	size_t count = 0;
	for (size_t i = 0; i < l->member_count; i++)
		count += l->members[i].mark != MARK_ROOT;
	return count;
}

/* All of them, several a line: a storm is one list. */
static void
affected(const struct letter *l, struct text *t)
{
	size_t used = 0, count = part_affected(l);
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

#define HOLDS_MAX 2 /* of a chain the cause, and whom it hit first */

static void
commands(const struct letter *l, struct text *t)
{
	char ctl[300];
	unsigned holds = 0;
	bool open = l->phase != PHASE_CLOSE && l->phase != PHASE_EVENT;
	part_ctl(l, ctl, sizeof ctl);
	if (open)
		text_add(t,
			 "%s ack %" PRIu64 " --why TEXT    # you take it: no reminders\n",
			 ctl, l->number);
	for (size_t i = 0; i < l->line_count; i++) {
		const struct journal_line *line = &l->lines[i];
		if (!first_of_object(l, i))
			continue;
		if (strcmp(line->object_kind, "service") == 0 &&
		    l->phase != PHASE_CLOSE && ++holds <= HOLDS_MAX)
			text_add(t, "%s hold %s    # hands off; undo: %s release %s\n",
				 ctl, line->object, ctl, line->object);
		if (strcmp(line->object_kind, "route") == 0 && open)
			text_add(
				t,
				"%s reroute %s    # to another backend; undo: %s restore %s\n",
				ctl, line->object, ctl, line->object);
	}
	if (open && l->about.object[0] != '\0')
		text_add(t, "%s silence %s --for 2h --reason TEXT\n", ctl,
			 l->about.object);
	if (l->about.object[0] != '\0')
		text_add(t, "%s explain %s\n", ctl, l->about.object);
	text_add(t, "%s incidents\n", ctl);
}

/* "+5 ms", "+1 h 2 min" */
static void
add_time_line(struct text *t, const struct journal_line *line, int64_t since_ms)
{
	char time[40], after[32];
	int64_t ms = line->real_ms - since_ms;
	const char *where = strstr(line->text, line->object);
	/* what was told, not what happened */
	bool news = strncmp(line->kind, "incident-", 9) == 0;
	bool named = news || line->object[0] == '\0' ||
		     (where != NULL && where - line->text <= NEAR_START);
	clock_rfc3339(line->real_ms, time, sizeof time);
	if (ms < 10000)
		text_print(after, sizeof after, "%" PRId64 " ms", ms);
	else
		text_duration(ms, after, sizeof after);
	text_add(t, "%.12s  %s%s  %s%s%s\n", time + 11, ms >= 0 ? "+" : "", after,
		 news    ? line->kind
		 : named ? ""
			 : line->object,
		 news || !named ? ": " : "", line->text);
}

static void
events(const struct letter *l, struct text *t)
{
	char day[40] = "", time[40];
	for (size_t i = 0; i < l->line_count; i++) {
		clock_rfc3339(l->lines[i].real_ms, time, sizeof time);
		if (strncmp(day, time, 10) != 0)
			text_add(t, "%.10s\n", time);
		text_print(day, sizeof day, "%s", time);
		if (i == LETTER_HEAD && l->omitted > 0)
			text_add(t, "… %" PRIu64 " more events …\n", l->omitted);
		add_time_line(t, &l->lines[i], l->since_ms);
	}
	if (l->line_count == 0) {
		text_add(t, "%.10s\n",
			 clock_rfc3339(l->about.real_ms, time, sizeof time));
		add_time_line(t, &l->about, l->since_ms);
	}
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
