/* From the journal to the spool: every line once, none forgotten. */
#include "alerts/alerts.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <string.h>
#include <unistd.h>

#define BATCH 1024        /* lines a transaction */
#define AGAIN_MS 5000     /* after a full disk */
#define ADDRESSEES_MAX 512 /* of one line: contacts, members of lists, ways */
#define MEMBERS_DEEP 5

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
		if (!spool_begin(a->spool) ||
		    !spool_new_life(a->spool, clock_real_ms()) ||
		    !spool_commit(a->spool)) {
			spool_trouble(a, "beginning anew");
			spool_rollback(a->spool);
		}
		cursor = 0;
	}
	a->fresh = cursor == 0;
	if (!journal_reader_open(&a->reader, fd, cursor)) {
		log_error("the journal cannot be read");
		close(a->journal);
		a->journal = -1;
	}
}

/* ---- for whom ---- */

struct addressees {
	struct spool_addressee to[ADDRESSEES_MAX];
	size_t count;
};

static void
add_way(struct addressees *x, const struct contact *c, enum way way)
{
	if (way_list(c, way).count == 0 || x->count == ADDRESSEES_MAX)
		return;
	for (size_t i = 0; i < x->count; i++)
		if (x->to[i].way == way && strcmp(x->to[i].contact, c->name) == 0)
			return;
	text_print(x->to[x->count].contact, sizeof x->to->contact, "%s", c->name);
	x->to[x->count].least = c->severity;
	x->to[x->count++].way = way;
}

/* Mail, text and command, or a page where that is all there is; `page` prefers the page. A
 * list stands for its members. */
static void
add_contact(struct addressees *x, const struct rules *r, const struct contact *c, bool page,
	    unsigned deep)
{
	for (uint32_t i = 0; deep > 0 && i < c->members.count; i++)
		add_contact(x, r, &r->contacts[c->members.ids[i]], page, deep - 1);
	if (c->page.count > 0 &&
	    (page || c->mail.count + c->sms.count + c->run.count == 0)) {
		add_way(x, c, WAY_PAGE);
		return;
	}
	add_way(x, c, WAY_MAIL);
	add_way(x, c, WAY_SMS);
	add_way(x, c, WAY_RUN);
}

static void
addressees(const struct alerts *a, const struct journal_line *line, struct addressees *x,
	   uint64_t *unknown)
{
	char list[JOURNAL_TO], *rest = list, *name;
	bool page = strcmp(line->kind, "page") == 0;
	x->count = 0;
	text_print(list, sizeof list, "%s", line->to);
	while ((name = strsep(&rest, ",")) != NULL) {
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
		add_contact(x, a->rules, &a->rules->contacts[id], page, MEMBERS_DEEP);
	}
}

/* ---- how bad ---- */

static enum severity
severity_of_root(const struct rules *r, const char *kind, const char *object)
{
	uint32_t check = strcmp(kind, "check") == 0 ? rules_find(r, OBJECT_CHECK, object)
						    : RULES_NONE;
	if (check != RULES_NONE)
		return r->checks[check].severity;
	for (uint32_t i = 0; strcmp(kind, "rule") == 0 && i < r->rule_count; i++)
		if (strcmp(r->rules[i].name, object) == 0)
			return r->rules[i].severity;
	return SEVERITY_CRITICAL;
}

static struct spool_severity
severity_of(const struct rules *r, const struct journal_line *l)
{
	static const struct {
		const char *kind;
		bool own; /* what its section says */
		int severity;
	} kinds[] = {
		{ "check-down", true, 0 },
		{ "rule-fired", true, 0 },
		{ "rule-escalated", true, 0 },
		{ "check-degraded", false, SEVERITY_WARNING },
		{ "check-unknown", false, SEVERITY_WARNING },
		{ "service-exited", false, SEVERITY_CRITICAL },
		{ "start-failed", false, SEVERITY_CRITICAL },
		{ "service-failed", false, SEVERITY_CRITICAL },
		{ "route-stuck", false, SEVERITY_CRITICAL },
	};
	struct spool_severity s = { SEVERITY_NONE,
				    severity_of_root(r, l->object_kind, l->object) };
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (strcmp(kinds[i].kind, l->kind) == 0)
			s.line = kinds[i].own ? (int)s.root : kinds[i].severity;
	return s;
}

/* One transaction. False: the spool refused; the reader stands where it stood. */
static bool
take_batch(struct alerts *a, bool *more)
{
	static struct addressees x;
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
		addressees(a, &line, &x, &unknown);
		good = spool_take(a->spool, &line, x.to, x.count, unknown,
				  severity_of(a->rules, &line), clock_real_ms());
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
