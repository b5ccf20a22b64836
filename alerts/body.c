#include "alerts/body.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

#define KEPT_BREAK " | " /* between lines of a log in one event */
#define USUAL_SOCKET "/run/monitord/status.sock"

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
add_served(struct text *t, const struct letter *l)
{
	unsigned found = 0;
	text_add(t, "\nWho is served by whom now:\n");
	for (size_t i = 0; i < l->line_count; i++) {
		if ((what_is(&l->lines[i]) & SERVED) == 0 || !newest(l, i, SERVED))
			continue;
		bool proven = !newest(l, i, PROOF);
		text_add(t, "  %s%s\n", l->lines[i].text,
			 strcmp(l->lines[i].kind, "route-stuck") == 0 ? ""
			 : proven                                     ? " (verified)"
				  : " (not verified)");
		found++;
	}
	if (found == 0)
		text_add(t, "  No traffic was moved because of this.\n");
}

static void
add_done(struct text *t, const struct letter *l)
{
	unsigned done = 0, proven = 0;
	text_add(t, "\nWhat was done:\n");
	for (size_t i = 0; i < l->line_count; i++) {
		unsigned what = what_is(&l->lines[i]);
		if ((what & DONE) != 0 && ++done <= 12)
			text_add(t, "  %s\n", l->lines[i].text);
		if ((what & PROOF) != 0 && newest(l, i, EVIDENCE))
			proven++;
	}
	if (done > 12)
		text_add(t, "  and %u more steps, below\n", done - 12);
	if (done == 0)
		text_add(t, "  Nothing yet.\n");
	else if (proven == 0)
		text_add(t, "  Not verified yet.\n");
	for (size_t i = 0; i < l->line_count && proven > 0; i++)
		if ((what_is(&l->lines[i]) & PROOF) != 0 &&
		    newest(l, i, EVIDENCE | PROOF))
			text_add(t, "  Verified: %s\n", l->lines[i].text);
}

static void
add_next(struct text *t, const struct letter *l)
{
	text_add(t, "\nWhat comes next:\n");
	if (l->phase == PHASE_CLOSE) {
		text_add(t, "  Nothing: this was the end of incident %" PRIu64 ".\n",
			 l->number);
		return;
	}
	for (size_t i = 0; i < l->line_count; i++)
		if ((what_is(&l->lines[i]) & PLAN) != 0 &&
		    newest(l, i, DONE | PLAN | PROOF))
			text_add(t, "  %s\n", l->lines[i].text);
	if (l->phase == PHASE_EVENT)
		text_add(t, "  No further mail about this event.\n");
	else
		text_add(t, "  monitord goes on watching; one more mail says when this "
			    "is over.\n");
}

static void
add_time_line(struct text *t, const struct journal_line *line, int64_t since_ms)
{
	char time[40];
	text_add(t, "  %s %+8" PRId64 " ms  %s",
		 clock_rfc3339(line->real_ms, time, sizeof time),
		 line->real_ms - since_ms, line->kind);
	text_add(t, "%s%s: %s\n", line->object[0] != '\0' ? " " : "", line->object,
		 line->text);
}

/* What was gathered before a kill or after a crash: its lines below each other. */
static void
add_kept(struct text *t, const char *text)
{
	const char *next;
	text_add(t, "  ");
	for (; (next = strstr(text, KEPT_BREAK)) != NULL; text = next + strlen(KEPT_BREAK))
		text_add(t, "%.*s\n    ", (int)(next - text), text);
	text_add(t, "%s\n", text);
}

static void
add_evidence(struct text *t, const struct letter *l)
{
	text_add(t, "\nEvidence:\n");
	for (size_t i = 0; i < l->line_count; i++)
		if ((what_is(&l->lines[i]) & EVIDENCE) != 0 && newest(l, i, EVIDENCE))
			text_add(t, "  %s\n", l->lines[i].text);
	for (size_t i = 0; i < l->line_count; i++)
		if ((what_is(&l->lines[i]) & KEPT) != 0)
			add_kept(t, l->lines[i].text);
	text_add(t, "\n  Events, with milliseconds since the first:\n");
	for (size_t i = 0; i < l->line_count; i++) {
		if (i == LETTER_HEAD && l->omitted > 0)
			text_add(t, "  … %" PRIu64 " more events …\n", l->omitted);
		add_time_line(t, &l->lines[i], l->since_ms);
	}
	if (l->line_count == 0)
		add_time_line(t, &l->about, l->since_ms);
}

static void
add_commands(struct text *t, const struct letter *l)
{
	char ctl[300] = "monitorctl";
	if (l->socket != NULL && strcmp(l->socket, USUAL_SOCKET) != 0)
		text_print(ctl, sizeof ctl, "monitorctl -s %s", l->socket);
	text_add(t, "\nCommands:\n");
	for (size_t i = 0; i < l->line_count; i++) {
		const struct journal_line *line = &l->lines[i];
		if (!first_of_object(l, i))
			continue;
		if (strcmp(line->object_kind, "service") == 0 && l->phase != PHASE_CLOSE)
			text_add(t, "  %s hold %s    # hands off; undo: %s release %s\n",
				 ctl, line->object, ctl, line->object);
		if (strcmp(line->object_kind, "route") == 0)
			text_add(t, "  %s restore %s    # undo a switch made by hand\n",
				 ctl, line->object);
	}
	if (l->about.object[0] != '\0')
		text_add(t, "  %s explain %s\n", ctl, l->about.object);
	text_add(t, "  %s incidents\n", ctl);
}

size_t
body_write(const struct letter *l, char *out, size_t cap)
{
	struct text t;
	text_begin(&t, out, cap);
	text_add(&t, "%s: %s\n", l->host, l->about.text);
	if (l->phase == PHASE_TEST) {
		text_add(&t, "\nNothing is wrong. Somebody asked monitord for a test.\n");
		return t.length;
	}
	add_served(&t, l);
	add_done(&t, l);
	add_next(&t, l);
	add_evidence(&t, l);
	add_commands(&t, l);
	text_add(&t, "\n-- \nmonitord on %s, %s %" PRIu64 ", for contact %s\n", l->host,
		 l->phase == PHASE_EVENT ? "event" : "incident", l->number, l->contact);
	return t.length;
}
