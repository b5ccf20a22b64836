/* The spool's alerts on their way out: which is next, what it tells, what became of it.
 */
#include "alerts/spool.h"

#include "alerts/sql.h"
#include "base/text.h"

#include <string.h>

#define CLAMP_MS                                                                         \
	600000 /* a due time further off than any wait: the clock was set back           \
		*/

static bool
is_busy(int64_t id, const int64_t *busy, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (busy[i] == id)
			return true;
	return false;
}

/* A contact gets one mail at a time, or a storm would pass its limit. */
static bool
has_one(struct spool *s, sqlite3_stmt *q, const int64_t *busy, size_t count)
{
	char contact[JOURNAL_NAME];
	int64_t way = sqlite3_column_int64(q, 3), n = 0;
	if (way != WAY_MAIL && way != WAY_SMS)
		return false;
	sql_column(q, 6, contact, sizeof contact);
	for (size_t i = 0; i < count && n == 0; i++)
		if (busy[i] != 0)
			n = sql_number(
				s, 0,
				"SELECT count(*) FROM alert WHERE id = ? AND contact = ? AND way = ?",
				"iti", busy[i], contact, way);
	return n > 0;
}

static enum severity
severity_of(sqlite3_stmt *q, int column)
{
	return sqlite3_column_int(q, column) > 0 ? SEVERITY_CRITICAL : SEVERITY_WARNING;
}

bool
spool_next(struct spool *s, int64_t now_ms, const int64_t *busy, size_t busy_count,
	   struct spool_alert *out, int64_t *wait_ms)
{
	bool found = false;
	*wait_ms = -1;
	sqlite3_stmt *q = sql_query(
		s,
		"SELECT id, thread, phase, way, tries, born_ms, contact, severity, CASE"
		" WHEN due_ms > ?1 + ?2 THEN ?1 ELSE due_ms END AS due FROM"
		" alert a WHERE fate = 0 AND bundle = 0 AND NOT EXISTS (SELECT 1 FROM alert"
		" b WHERE b.fate = 0 AND b.thread = a.thread AND b.contact ="
		" a.contact AND b.way = a.way AND b.id < a.id) ORDER BY due,"
		" id",
		"ii", now_ms, (int64_t)CLAMP_MS);
	if (q == NULL)
		return false;
	while (!found && *wait_ms == -1 && sqlite3_step(q) == SQLITE_ROW) {
		if (is_busy(sqlite3_column_int64(q, 0), busy, busy_count) ||
		    has_one(s, q, busy, busy_count))
			continue;
		int64_t due = sqlite3_column_int64(q, 8);
		if (due > now_ms) {
			*wait_ms = due - now_ms;
			continue;
		}
		found = true;
		*out = (struct spool_alert){ .id = sqlite3_column_int64(q, 0),
					     .thread = sqlite3_column_int64(q, 1),
					     .phase =
						     (enum phase)sqlite3_column_int(q, 2),
					     .way = (enum way)sqlite3_column_int(q, 3),
					     .tries = sqlite3_column_int64(q, 4),
					     .born_ms = sqlite3_column_int64(q, 5),
					     .severity = severity_of(q, 7) };
		sql_column(q, 6, out->contact, sizeof out->contact);
	}
	sql_end(s, q);
	return found;
}

static size_t
lines(struct spool *s, const char *sql, int64_t thread, int64_t event, int64_t limit,
      struct journal_line *out)
{
	size_t n = 0;
	sqlite3_stmt *q = sql_query(s, sql, "iii", thread, event, limit);
	while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
		struct journal_line *l = &out[n++];
		memset(l, 0, sizeof *l);
		l->id = (uint64_t)sqlite3_column_int64(q, 0);
		l->real_ms = sqlite3_column_int64(q, 1);
		sql_column(q, 2, l->kind, sizeof l->kind);
		sql_column(q, 3, l->object_kind, sizeof l->object_kind);
		sql_column(q, 4, l->object, sizeof l->object);
		sql_column(q, 5, l->rule, sizeof l->rule);
		l->cause = (uint64_t)sqlite3_column_int64(q, 6);
		sql_column(q, 7, l->text, sizeof l->text);
	}
	sql_end(s, q);
	return n;
}

#define LINE_COLUMNS "event, real_ms, kind, object_kind, object, rule, cause, text"

static void
read_trace(struct spool *s, const struct spool_alert *a, struct letter *l)
{
	l->trace.count = 0;
	sqlite3_stmt *q = sql_query(
		s,
		"SELECT r.data, r.name FROM trace r JOIN thread t ON t.life = r.life"
		" AND t.number = r.number AND t.lone = 0 WHERE t.id = ?",
		"i", a->thread);
	if (q != NULL && sqlite3_step(q) == SQLITE_ROW &&
	    sqlite3_column_bytes(q, 0) == (int)sizeof l->trace) {
		memcpy(&l->trace, sqlite3_column_blob(q, 0), sizeof l->trace);
		sql_column(q, 1, l->trace_name, sizeof l->trace_name);
	}
	sql_end(s, q);
}

/* What the first of its kind called it: pagers know an incident by what does not change. */
static void
first_page(struct spool *s, const struct spool_alert *a, struct letter *l)
{
	l->page_severity = l->severity;
	text_print(l->page_root, sizeof l->page_root, "%s", l->about.object);
	sqlite3_stmt *q = sql_query(
		s,
		"SELECT a.severity, l.object FROM alert a JOIN line l ON l.thread ="
		" a.thread AND l.event = a.event WHERE a.thread = ? AND a.contact"
		" = ? AND a.way = ? AND a.phase IN (0, 5) ORDER BY a.id LIMIT 1",
		"iti", a->thread, a->contact, (int64_t)a->way);
	if (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
		l->page_severity = severity_of(q, 0);
		sql_column(q, 1, l->page_root, sizeof l->page_root);
	}
	sql_end(s, q);
}

/* The objects that the query names, as what is wrong. */
static size_t
take_members(struct spool *s, sqlite3_stmt *q, struct letter_link *out, size_t cap)
{
	size_t n = 0;
	while (q != NULL && n < cap && sqlite3_step(q) == SQLITE_ROW) {
		out[n].mark = MARK_WRONG;
		sql_column(q, 0, out[n].name, sizeof out[n].name);
		n++;
	}
	sql_end(s, q);
	return n;
}

size_t
spool_members(struct spool *s, const struct spool_alert *a, struct letter_link *out, size_t cap)
{
	sqlite3_stmt *q = sql_query(
		s,
		"SELECT object FROM member WHERE thread = ? ORDER BY event, object_kind LIMIT ?",
		"ii", a->thread, (int64_t)cap);
	return take_members(s, q, out, cap);
}

/* ---- digests ---- */

int64_t
spool_waiting(struct spool *s, const struct spool_alert *a, int64_t now_ms)
{
	return sql_number(
		s, 0,
		"SELECT count(*) FROM alert WHERE fate = 0 AND bundle = 0 AND contact = ?"
		" AND way = ? AND id <> ? AND tries = 0 AND due_ms <= ?",
		"tiii", a->contact, (int64_t)a->way, a->id, now_ms);
}

static bool
is_free(int64_t id, const int64_t *busy, size_t count)
{
	return !is_busy(id, busy, count);
}

bool
spool_bundle(struct spool *s, const struct spool_alert *a, const int64_t *busy, size_t busy_count,
	     int64_t now_ms)
{
	if (!sql_run(
		    s,
		    "UPDATE alert SET bundle = ?1 WHERE fate = 0 AND bundle = 0 AND contact = ?2"
		    " AND way = ?3 AND id <> ?1 AND tries = 0 AND due_ms <= ?4",
		    "itii", a->id, a->contact, (int64_t)a->way, now_ms))
		return false;
	for (size_t i = 0; i < busy_count; i++) /* they are on their way by themselves */
		if (is_free(busy[i], &a->id, 1) &&
		    !sql_run(s, "UPDATE alert SET bundle = 0 WHERE id = ? AND bundle = ?",
			     "ii", busy[i], a->id))
			return false;
	return true;
}

size_t
spool_items(struct spool *s, const struct spool_alert *a, struct letter_item *out, size_t cap)
{
	size_t n = 0;
	if (sql_number(s, 0, "SELECT count(*) FROM alert WHERE bundle = ?", "i", a->id) ==
	    0)
		return 0;
	sqlite3_stmt *q = sql_query(
		s,
		"SELECT t.number, t.since_ms, a.phase, t.severity, l.object, l.text, (SELECT count(*)"
		" FROM member m WHERE m.thread = t.id), a.id, t.id FROM alert a JOIN thread t ON t.id = a.thread"
		" JOIN line l ON l.thread = a.thread AND l.event = a.event WHERE (a.id = ?1 OR"
		" a.bundle = ?1) AND NOT EXISTS (SELECT 1 FROM alert b WHERE b.thread = a.thread AND"
		" (b.id = ?1 OR b.bundle = ?1) AND b.id > a.id) ORDER BY t.since_ms, t.id LIMIT ?2",
		"ii", a->id, (int64_t)cap);
	while (q != NULL && n < cap && sqlite3_step(q) == SQLITE_ROW) {
		struct letter_item *x = &out[n++];
		*x = (struct letter_item){ .number = (uint64_t)sqlite3_column_int64(q, 0),
					   .since_ms = sqlite3_column_int64(q, 1),
					   .phase = (enum phase)sqlite3_column_int(q, 2),
					   .severity = severity_of(q, 3),
					   .members = (uint32_t)sqlite3_column_int(q, 6),
					   .alert = sqlite3_column_int64(q, 7),
					   .thread = sqlite3_column_int64(q, 8) };
		sql_column(q, 4, x->root, sizeof x->root);
		sql_column(q, 5, x->text, sizeof x->text);
	}
	sql_end(s, q);
	return n;
}

size_t
spool_bundle_members(struct spool *s, const struct spool_alert *a, struct letter_link *out, size_t cap)
{
	sqlite3_stmt *q = sql_query(
		s,
		"SELECT DISTINCT m.object FROM alert a JOIN member m ON m.thread ="
		" a.thread WHERE a.id = ?1 OR a.bundle = ?1 ORDER BY m.event LIMIT ?2",
		"ii", a->id, (int64_t)cap);
	return take_members(s, q, out, cap);
}

struct spool_pace
spool_pace(struct spool *s, const struct spool_alert *a, int64_t since_ms)
{
	struct spool_pace p = { .count = 0 };
	sqlite3_stmt *q = sql_query(
		s,
		"SELECT at_ms, thread, severity FROM pace WHERE contact = ? AND way = ? AND at_ms > ?"
		" ORDER BY at_ms, rowid",
		"tii", a->contact, (int64_t)a->way, since_ms);
	while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
		p.last_ms = sqlite3_column_int64(q, 0);
		p.first_ms = p.count == 0 ? p.last_ms : p.first_ms;
		p.last_thread = sqlite3_column_int64(q, 1);
		p.last_severity = severity_of(q, 2);
		p.count++;
	}
	sql_end(s, q);
	return p;
}

bool
spool_hold(struct spool *s, const struct spool_alert *a, int64_t until_ms)
{
	return sql_run(
		s,
		"UPDATE alert SET due_ms = ?1 WHERE fate = 0 AND bundle = 0 AND contact = ?2"
		" AND way = ?3 AND due_ms < ?1",
		"iti", until_ms, a->contact, (int64_t)a->way);
}

bool
spool_letter(struct spool *s, const struct spool_alert *a, struct letter *l)
{
	int64_t event =
		sql_number(s, 0, "SELECT event FROM alert WHERE id = ?", "i", a->id);
	l->phase = a->phase;
	l->number = (uint64_t)sql_number(s, 0, "SELECT number FROM thread WHERE id = ?",
					 "i", a->thread);
	l->since_ms = sql_number(s, 0, "SELECT since_ms FROM thread WHERE id = ?", "i",
				 a->thread);
	if (lines(s,
		  "SELECT " LINE_COLUMNS
		  " FROM line WHERE thread = ? AND event = ? LIMIT ?",
		  a->thread, event, 1, &l->about) != 1)
		return false;
	int64_t all =
		sql_number(s, 0,
			   "SELECT count(*) FROM line WHERE thread = ? AND event <= ?",
			   "ii", a->thread, event);
	l->line_count =
		lines(s,
		      "SELECT " LINE_COLUMNS " FROM line WHERE thread = ? AND event <= ?"
		      " ORDER BY event LIMIT ?",
		      a->thread, event, LETTER_HEAD, l->lines);
	int64_t tail = all - LETTER_HEAD < LETTER_TAIL ? all - LETTER_HEAD : LETTER_TAIL;
	if (tail > 0)
		l->line_count += lines(
			s,
			"SELECT * FROM (SELECT " LINE_COLUMNS
			" FROM line WHERE thread = ?"
			" AND event <= ? ORDER BY event DESC LIMIT ?) ORDER BY event",
			a->thread, event, tail, l->lines + l->line_count);
	l->omitted = (uint64_t)all - l->line_count;
	/* it is told to be over once it has been well for a while */
	l->until_ms = sql_number(
		s, l->about.real_ms,
		"SELECT real_ms FROM line WHERE thread = ? AND event <= ? AND kind NOT"
		" LIKE 'incident-%' ORDER BY event DESC LIMIT 1",
		"ii", a->thread, event);
	l->severity = sql_number(s, 1, "SELECT severity FROM thread WHERE id = ?", "i",
				 a->thread) > 0
			      ? SEVERITY_CRITICAL
			      : SEVERITY_WARNING;
	first_page(s, a, l);
	read_trace(s, a, l);
	return true;
}

bool
spool_answer(struct spool *s, int64_t alert, const char *address, int final, int code)
{
	return sql_run(s, "INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?)", "itii",
		       alert, address, (int64_t) final, (int64_t)code);
}

int
spool_answered(struct spool *s, int64_t alert, const char *address)
{
	return (int)sql_number(s, 0,
			       "SELECT final FROM answer WHERE alert = ? AND address = ?",
			       "it", alert, address);
}

bool
spool_settle(struct spool *s, int64_t alert, enum fate fate, int64_t now_ms)
{
	bool mail = fate == FATE_SENT;
	return sql_run(s, "DELETE FROM answer WHERE alert = ?", "i", alert) &&
	       (!mail ||
		sql_run(s,
			"INSERT INTO pace SELECT contact, way, ?, thread, severity FROM alert"
			" WHERE id = ? AND way IN (0, 2)",
			"ii", now_ms, alert)) &&
	       sql_run(s,
		       "UPDATE alert SET fate = ?1 WHERE fate = 0 AND (id = ?2 OR bundle = ?2)",
		       "ii", (int64_t)fate, alert) &&
	       sql_run(s,
		       "UPDATE state SET sent = sent + ?, failed = failed + ?,"
		       " undelivered = undelivered + ?",
		       "iii", fate == FATE_SENT ? (int64_t)sqlite3_changes(s->db) : 0,
		       fate == FATE_FAILED ? (int64_t)sqlite3_changes(s->db) : 0,
		       fate == FATE_DROPPED ? (int64_t)sqlite3_changes(s->db) : 0);
}

bool
spool_retry(struct spool *s, int64_t alert, int64_t due_ms)
{
	return sql_run(s, "UPDATE alert SET tries = tries + 1, due_ms = ? WHERE id = ?",
		       "ii", due_ms, alert);
}

bool
spool_put_off(struct spool *s, int64_t alert, int64_t due_ms)
{
	return sql_run(s, "UPDATE alert SET due_ms = ? WHERE id = ?", "ii", due_ms,
		       alert);
}

bool
spool_wake(struct spool *s, int64_t now_ms)
{
	return sql_run(s,
		       "UPDATE alert SET due_ms = ?1 WHERE fate = 0 AND due_ms > ?1"
		       " AND tries > 0",
		       "i", now_ms);
}

bool
spool_prune(struct spool *s, int64_t before_ms)
{
	return sql_run(s,
		       "DELETE FROM thread WHERE over_ms < ? AND NOT EXISTS (SELECT"
		       " 1 FROM alert a WHERE a.thread = thread.id AND a.fate = 0)",
		       "i", before_ms) &&
	       sql_run(s, "DELETE FROM line WHERE thread NOT IN (SELECT id FROM thread)",
		       "") &&
	       sql_run(s, "DELETE FROM alert WHERE thread NOT IN (SELECT id FROM thread)",
		       "") &&
	       sql_run(s,
		       "DELETE FROM member WHERE thread NOT IN (SELECT id FROM thread)",
		       "") &&
	       sql_run(s,
		       "DELETE FROM trace WHERE NOT EXISTS (SELECT 1 FROM thread t WHERE t.life"
		       " = trace.life AND t.number = trace.number)",
		       "") &&
	       sql_run(s, "DELETE FROM pace WHERE at_ms < ?", "i", before_ms);
}

struct spool_counts
spool_count(struct spool *s)
{
	return (struct spool_counts){
		.queued = (uint64_t)
			sql_number(s, 0, "SELECT count(*) FROM alert WHERE fate = 0", ""),
		.sent = (uint64_t)sql_number(s, 0, "SELECT sent FROM state", ""),
		.failed = (uint64_t)sql_number(s, 0, "SELECT failed FROM state", ""),
		.undelivered =
			(uint64_t)sql_number(s, 0, "SELECT undelivered FROM state", ""),
	};
}
