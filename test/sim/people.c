/* Who is told: the lines in order, each incident opened before it is closed, and all of
 * it read, kept and sent, or counted as undelivered, whatever fails meanwhile. */
#include "test/sim/sim.h"

#include <string.h>

#define BEGINS(l, word) (strcmp((l)->kind, word) == 0)

static struct told *
told_of(uint64_t incident)
{
	return &sim.people.incidents[incident % SIM_INCIDENTS];
}

void
people_hear(const struct journal_line *l)
{
	struct people *p = &sim.people;
	struct told *t = told_of(l->incident);
	if (p->last_id != 0 && l->id != p->last_id + 1)
		breach("P5: an id was left out, or came twice");
	if (l->cause >= l->id)
		breach("P5: a cause behind its effect");
	p->last_id = l->id;
	if (BEGINS(l, "incident-open")) {
		/* unless the line was overwritten, and a new life of ours cannot know of it */
		if (t->incident == l->incident && t->open && l->id - t->line < SIM_LINES)
			breach("P6: an incident was told twice");
		*t = (struct told){ l->incident, l->id, true };
	} else if (BEGINS(l, "incident-again")) {
		*t = (struct told){ l->incident, l->id, true };
	} else if (BEGINS(l, "incident-close")) {
		if (t->incident == l->incident && !t->open)
			breach("P6: an incident ended twice");
		t->incident = l->incident;
		t->open = false;
	} else if (BEGINS(l, "incident-remind") && t->incident == l->incident &&
		   !t->open) {
		breach("P6: a reminder of what is over");
	}
}

void
people_tick(void)
{
	struct people *p = &sim.people;
	later(1000 * sim.slow, (struct due){ .kind = DUE_PEOPLE });
	if (sim.lost[ROLE_ALERTS])
		return;
	for (; p->cursor < p->last_id; p->cursor++) {
		const struct journal_line *l = &sim.lines[p->cursor % SIM_LINES];
		bool there = p->last_id - p->cursor <= SIM_LINES;
		if (there && l->id != p->cursor + 1)
			breach("P5: the journal lost a line");
		p->undelivered += !there;
	}
	if (!p->disk_down)
		p->committed = p->cursor;
	if (!p->mail_down && p->sent < p->committed)
		p->sent = p->committed;
}

void
people_fault(void)
{
	struct people *p = &sim.people;
	if (draw(2) == 0)
		p->mail_down = !p->mail_down;
	else
		p->disk_down = !p->disk_down;
	note("mail server %s, disk %s", p->mail_down ? "silent" : "well",
	     p->disk_down ? "full" : "well");
}

/* What was read and not kept is read again. */
void
people_lost(void)
{
	sim.people.cursor = sim.people.committed;
}

void
people_all_told(void)
{
	struct people *p = &sim.people;
	p->mail_down = p->disk_down = false;
	run_until(sim.now_ms + 3000 * sim.slow);
	if (p->sent + SIM_LINES < p->last_id)
		breach("P5: what was decided is not told");
}
