/* The spool's alerts on their way out: which is next, what it tells, what became of it.
 */
#include "alerts/spool.h"

#include "alerts/sql.h"

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

bool
spool_next(struct spool *s, int64_t now_ms, const int64_t *busy, size_t busy_count,
	   struct spool_alert *out, int64_t *wait_ms)
{
	bool found = false;
	*wait_ms = -1;
	sqlite3_stmt *q =
		sql_query(s,
			  "SELECT id, thread, phase, way, tries, born_ms, contact, CASE"
			  " WHEN due_ms > ?1 + ?2 THEN ?1 ELSE due_ms END AS due FROM"
			  " alert a WHERE fate = 0 AND NOT EXISTS (SELECT 1 FROM alert"
			  " b WHERE b.fate = 0 AND b.thread = a.thread AND b.contact ="
			  " a.contact AND b.way = a.way AND b.id < a.id) ORDER BY due,"
			  " id",
			  "ii", now_ms, (int64_t)CLAMP_MS);
	if (q == NULL)
		return false;
	while (!found && *wait_ms == -1 && sqlite3_step(q) == SQLITE_ROW) {
		if (is_busy(sqlite3_column_int64(q, 0), busy, busy_count))
			continue;
		int64_t due = sqlite3_column_int64(q, 7);
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
					     .born_ms = sqlite3_column_int64(q, 5) };
		sql_column(q, 6, out->contact, sizeof out->contact);
	}
	sqlite3_finalize(q);
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
	sqlite3_finalize(q);
	return n;
}

#define LINE_COLUMNS "event, real_ms, kind, object_kind, object, rule, cause, text"

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
	int64_t all = sql_number(
		s, 0, "SELECT count(*) FROM line WHERE thread = ? AND event <= ?", "ii",
		a->thread, event);
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
spool_settle(struct spool *s, int64_t alert, enum fate fate)
{
	return sql_run(s, "DELETE FROM answer WHERE alert = ?", "i", alert) &&
	       sql_run(s, "UPDATE alert SET fate = ? WHERE id = ?", "ii", (int64_t)fate,
		       alert) &&
	       sql_run(s,
		       "UPDATE state SET sent = sent + ?, failed = failed + ?,"
		       " undelivered = undelivered + ?",
		       "iii", (int64_t)(fate == FATE_SENT),
		       (int64_t)(fate == FATE_FAILED), (int64_t)(fate == FATE_DROPPED));
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
	return sql_run(s, "UPDATE alert SET due_ms = ? WHERE id = ?", "ii", due_ms, alert);
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
		       "");
}

struct spool_counts
spool_count(struct spool *s)
{
	return (struct spool_counts){
		.queued = (uint64_t)sql_number(
			s, 0, "SELECT count(*) FROM alert WHERE fate = 0", ""),
		.sent = (uint64_t)sql_number(s, 0, "SELECT sent FROM state", ""),
		.failed = (uint64_t)sql_number(s, 0, "SELECT failed FROM state", ""),
		.undelivered =
			(uint64_t)sql_number(s, 0, "SELECT undelivered FROM state", ""),
	};
}
