/* From the journal to the spool: every line once, none forgotten. */
#include "alerts/alerts.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <string.h>
#include <unistd.h>

#define BATCH 256         /* lines a transaction */
#define AGAIN_MS 5000     /* after a full disk */
#define ADDRESSEES_MAX 80 /* more names than JOURNAL_TO holds */

/* The last line that we read was another one, or is not there yet: the ids began anew. */
static bool
begun_anew(const struct alerts *a, uint64_t cursor, int64_t cursor_ms)
{
	struct journal_reader r;
	struct journal_line line;
	if (a->last_id < cursor)
		return true;
	return cursor > 0 && journal_reader_open(&r, a->journal, cursor - 1) &&
	       journal_next(&r, cursor, &line) == JOURNAL_LINE &&
	       line.real_ms != cursor_ms;
}

void
take_journal(struct alerts *a, int fd, uint64_t last_id)
{
	int64_t cursor_ms;
	uint64_t cursor = spool_cursor(a->spool, &cursor_ms);
	if (a->journal != -1)
		close(a->journal);
	a->journal = fd;
	a->last_id = last_id;
	if (begun_anew(a, cursor, cursor_ms)) {
		log_warning(
			"the journal has begun anew: its events are read from the first");
		if (!spool_new_life(a->spool))
			spool_trouble(a, "beginning anew");
		cursor = 0;
	}
	a->fresh = cursor == 0;
	if (!journal_reader_open(&a->reader, fd, cursor)) {
		log_error("the journal cannot be read");
		close(a->journal);
		a->journal = -1;
	}
}

/* Mail, or a webhook where that is all there is; `page` prefers the webhook. */
static enum way
way_of(const struct contact *c, bool page)
{
	if (page)
		return c->page.count > 0 ? WAY_PAGE : WAY_MAIL;
	return c->mail.count > 0 ? WAY_MAIL : WAY_PAGE;
}

static size_t
addressees(const struct alerts *a, const struct journal_line *line,
	   struct spool_addressee *to, uint64_t *unknown)
{
	char list[JOURNAL_TO], *rest = list, *name;
	bool page = strcmp(line->kind, "page") == 0;
	size_t n = 0;
	text_print(list, sizeof list, "%s", line->to);
	while ((name = strsep(&rest, ",")) != NULL && n < ADDRESSEES_MAX) {
		if (*name == '\0')
			continue;
		uint32_t id = rules_find(a->rules, OBJECT_CONTACT, name);
		if (id == RULES_NONE) {
			log_warning("event %llu is for %s, who is no contact any more: "
				    "undelivered",
				    (unsigned long long)line->id, name);
			++*unknown;
			continue;
		}
		text_print(to[n].contact, sizeof to[n].contact, "%s", name);
		to[n++].way = way_of(&a->rules->contacts[id], page);
	}
	return n;
}

/* One transaction. False: the spool refused; the reader stands where it stood. */
static bool
take_batch(struct alerts *a, bool *more)
{
	struct spool_addressee to[ADDRESSEES_MAX];
	struct journal_reader before = a->reader;
	struct journal_line line;
	bool was_fresh = a->fresh, good = spool_begin(a->spool);
	int n = 0;
	while (good && n < BATCH &&
	       journal_next(&a->reader, a->last_id, &line) == JOURNAL_LINE) {
		uint64_t unknown = 0;
		if (a->fresh)
			a->reader.lost = before.lost = 0;
		a->fresh = false;
		size_t count = addressees(a, &line, to, &unknown);
		good = spool_take(a->spool, &line, to, count, unknown, clock_real_ms());
		n++;
	}
	uint64_t lost = a->fresh ? 0 : a->reader.lost - before.lost;
	if (good && lost > 0) {
		log_warning(
			"%llu events were overwritten before they were read: undelivered",
			(unsigned long long)lost);
		good = spool_lost(a->spool, lost);
	}
	good = good && spool_commit(a->spool);
	*more = good && n == BATCH;
	if (good)
		return true;
	spool_trouble(a, "taking events");
	spool_rollback(a->spool);
	a->reader = before;
	a->fresh = was_fresh;
	return false;
}

static void
on_again(struct loop_timer *timer)
{
	take_lines(timer->arg);
}

void
take_lines(struct alerts *a)
{
	bool more = true;
	if (a->journal == -1 || a->rules == NULL)
		return;
	while (more && a->reader.cursor < a->last_id)
		if (!take_batch(a, &more)) {
			loop_timer_start(a->helper.loop, &a->retry_take, AGAIN_MS, 0,
					 on_again, a);
			return;
		}
	a->full_told = false;
	send_due(a);
}
