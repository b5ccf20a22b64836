#include "alerts/spool.h"

#include "base/text.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GATHER_MS 2000 /* an incident's first alert waits for what belongs to it */
#define CLAMP_MS                                                                         \
	600000         /* a due time further off than any wait: the clock was set back   \
			*/
#define LINES_KEPT 400 /* of one incident: the first and the newest */

struct spool {
	sqlite3 *db;
	char why[200];
	bool damaged;
};

static const char *const schema =
	"CREATE TABLE IF NOT EXISTS state (one INTEGER PRIMARY KEY CHECK (one = 1),"
	" cursor INTEGER NOT NULL, cursor_ms INTEGER NOT NULL, life INTEGER NOT NULL,"
	" sent INTEGER NOT NULL, failed INTEGER NOT NULL, undelivered INTEGER NOT NULL);"
	"INSERT OR IGNORE INTO state VALUES (1, 0, 0, 1, 0, 0, 0);"
	"CREATE TABLE IF NOT EXISTS thread (id INTEGER PRIMARY KEY, life INTEGER NOT "
	"NULL,"
	" number INTEGER NOT NULL, lone INTEGER NOT NULL, since_ms INTEGER NOT NULL,"
	" over_ms INTEGER, UNIQUE (life, number, lone));"
	"CREATE TABLE IF NOT EXISTS line (thread INTEGER NOT NULL, event INTEGER NOT "
	"NULL,"
	" real_ms INTEGER NOT NULL, kind TEXT NOT NULL, object_kind TEXT NOT NULL,"
	" object TEXT NOT NULL, rule TEXT NOT NULL, cause INTEGER NOT NULL, text TEXT "
	"NOT NULL,"
	" PRIMARY KEY (thread, event)) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS alert (id INTEGER PRIMARY KEY, thread INTEGER NOT "
	"NULL,"
	" phase INTEGER NOT NULL, again INTEGER NOT NULL, contact TEXT NOT NULL,"
	" way INTEGER NOT NULL, event INTEGER NOT NULL, fate INTEGER NOT NULL DEFAULT 0,"
	" tries INTEGER NOT NULL DEFAULT 0, due_ms INTEGER NOT NULL, born_ms INTEGER NOT "
	"NULL,"
	" UNIQUE (thread, phase, again, contact, way));"
	"CREATE INDEX IF NOT EXISTS alert_queued ON alert (due_ms) WHERE fate = 0;"
	"CREATE TABLE IF NOT EXISTS answer (alert INTEGER NOT NULL, address TEXT NOT "
	"NULL,"
	" final INTEGER NOT NULL, code INTEGER NOT NULL, PRIMARY KEY (alert, address))"
	" WITHOUT ROWID;";

static bool
fail(struct spool *s)
{
	int rc = sqlite3_errcode(s->db) & 0xff;
	s->damaged = s->damaged || rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB;
	text_print(s->why, sizeof s->why, "%s", sqlite3_errmsg(s->db));
	return false;
}

/* A statement with its values: "i" an int64_t, "t" a text. NULL: failed. */
static sqlite3_stmt *
prepare(struct spool *s, const char *sql, const char *types, va_list values)
{
	sqlite3_stmt *q;
	if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) != SQLITE_OK) {
		fail(s);
		return NULL;
	}
	for (int i = 0; types[i] != '\0'; i++) {
		if (types[i] == 'i')
			sqlite3_bind_int64(q, i + 1, va_arg(values, int64_t));
		else
			sqlite3_bind_text(q, i + 1, va_arg(values, const char *), -1,
					  SQLITE_TRANSIENT);
	}
	return q;
}

static sqlite3_stmt *
query(struct spool *s, const char *sql, const char *types, ...)
{
	va_list values;
	va_start(values, types);
	sqlite3_stmt *q = prepare(s, sql, types, values);
	va_end(values);
	return q;
}

static bool
run(struct spool *s, const char *sql, const char *types, ...)
{
	va_list values;
	va_start(values, types);
	sqlite3_stmt *q = prepare(s, sql, types, values);
	va_end(values);
	if (q == NULL)
		return false;
	int rc;
	while ((rc = sqlite3_step(q)) == SQLITE_ROW)
		;
	bool good = rc == SQLITE_DONE || fail(s);
	sqlite3_finalize(q);
	return good;
}

/* The first column of the first row; none: instead. */
static int64_t
number(struct spool *s, int64_t none, const char *sql, const char *types, ...)
{
	va_list values;
	va_start(values, types);
	sqlite3_stmt *q = prepare(s, sql, types, values);
	va_end(values);
	if (q == NULL)
		return none;
	int rc = sqlite3_step(q);
	int64_t n = rc == SQLITE_ROW ? sqlite3_column_int64(q, 0) : none;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		fail(s);
	sqlite3_finalize(q);
	return n;
}

static void
column(sqlite3_stmt *q, int i, char *out, size_t cap)
{
	const unsigned char *text = sqlite3_column_text(q, i);
	text_print(out, cap, "%s", text != NULL ? (const char *)text : "");
}

/* ---- the file ---- */

bool
spool_set_aside(const char *path)
{
	static const char *const part[] = { "", "-wal", "-shm" };
	char from[512], to[512];
	bool good = true;
	for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
		text_print(from, sizeof from, "%s%s", path, part[i]);
		text_print(to, sizeof to, "%s.damaged%s", path, part[i]);
		unlink(to);
		if (rename(from, to) != 0 && i == 0)
			good = false;
	}
	return good;
}

static bool
whole(struct spool *s)
{
	sqlite3_stmt *q = query(s, "PRAGMA integrity_check(1)", "");
	if (q == NULL)
		return false;
	int rc = sqlite3_step(q);
	const unsigned char *word = rc == SQLITE_ROW ? sqlite3_column_text(q, 0) : NULL;
	bool good = word != NULL && strcmp((const char *)word, "ok") == 0;
	if (rc != SQLITE_ROW)
		fail(s);
	else if (!good)
		s->damaged = true;
	sqlite3_finalize(q);
	return good;
}

static struct spool *
open_once(const char *path, bool *damaged, char *why, size_t cap)
{
	struct spool *s = calloc(1, sizeof *s);
	*damaged = false;
	if (s == NULL)
		return NULL;
	bool good =
		sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
				NULL) == SQLITE_OK ||
		fail(s);
	good = good && run(s, "PRAGMA journal_mode = WAL", "") &&
	       run(s, "PRAGMA synchronous = FULL", "") && whole(s) &&
	       (sqlite3_exec(s->db, schema, NULL, NULL, NULL) == SQLITE_OK || fail(s));
	if (good)
		return s;
	*damaged = s->damaged;
	text_print(why, cap, "%s: %s", path, s->why);
	spool_close(&s);
	return NULL;
}

struct spool *
spool_open(const char *path, bool *aside, char *why, size_t cap)
{
	bool damaged;
	*aside = false;
	struct spool *s = open_once(path, &damaged, why, cap);
	if (s != NULL || !damaged || !spool_set_aside(path))
		return s;
	*aside = true;
	return open_once(path, &damaged, why, cap);
}

void
spool_close(struct spool **sp)
{
	if (*sp != NULL)
		sqlite3_close((*sp)->db);
	free(*sp);
	*sp = NULL;
}

const char *
spool_why(const struct spool *s)
{
	return s->why;
}

bool
spool_damaged(const struct spool *s)
{
	return s->damaged;
}

uint64_t
spool_cursor(const struct spool *s, int64_t *real_ms)
{
	struct spool *change = (struct spool *)(uintptr_t)s; /* only its error text */
	*real_ms = number(change, 0, "SELECT cursor_ms FROM state", "");
	return (uint64_t)number(change, 0, "SELECT cursor FROM state", "");
}

bool
spool_new_life(struct spool *s)
{
	return run(s, "UPDATE state SET life = life + 1, cursor = 0, cursor_ms = 0", "");
}

bool
spool_begin(struct spool *s)
{
	return run(s, "BEGIN IMMEDIATE", "");
}

bool
spool_commit(struct spool *s)
{
	return run(s, "COMMIT", "");
}

void
spool_rollback(struct spool *s)
{
	if (sqlite3_get_autocommit(s->db) == 0)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

/* ---- lines ---- */

static enum phase
phase_of(const struct journal_line *line)
{
	if (line->incident == 0)
		return PHASE_EVENT;
	return strcmp(line->kind, "incident-close") == 0    ? PHASE_CLOSE
	       : strcmp(line->kind, "incident-remind") == 0 ? PHASE_REMIND
							    : PHASE_OPEN;
}

/* The row of the line's incident, or of the line itself; 0: failed. */
static int64_t
thread_of(struct spool *s, const struct journal_line *line)
{
	int64_t lone = line->incident == 0;
	int64_t n = (int64_t)(lone ? line->id : line->incident);
	if (!run(s,
		 "INSERT OR IGNORE INTO thread (life, number, lone, since_ms)"
		 " SELECT life, ?, ?, ? FROM state",
		 "iii", n, lone, line->real_ms))
		return 0;
	return number(s, 0,
		      "SELECT t.id FROM thread t, state s WHERE t.life = s.life AND "
		      "t.number = ?"
		      " AND t.lone = ?",
		      "ii", n, lone);
}

static bool
keep_line(struct spool *s, int64_t thread, const struct journal_line *l)
{
	if (!run(s, "INSERT OR REPLACE INTO line VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		 "iiittttit", thread, (int64_t)l->id, l->real_ms, l->kind, l->object_kind,
		 l->object, l->rule, (int64_t)l->cause, l->text))
		return false;
	if (number(s, 0, "SELECT count(*) FROM line WHERE thread = ?", "i", thread) <=
	    LINES_KEPT)
		return true;
	return run(
		s,
		"DELETE FROM line WHERE thread = ?1 AND event = (SELECT event FROM line"
		" WHERE thread = ?1 ORDER BY event LIMIT 1 OFFSET ?2)",
		"ii", thread, (int64_t)LETTER_HEAD);
}

/* An alert; what tells of an incident's beginning before its own line does (an action of
 * a rule) waits for that line, and tells what it knows by then. */
static bool
add_alert(struct spool *s, int64_t thread, enum phase phase,
	  const struct journal_line *line, const struct spool_addressee *to,
	  int64_t now_ms)
{
	bool early = phase == PHASE_OPEN && strcmp(line->kind, "incident-open") != 0;
	int64_t again = phase == PHASE_REMIND ? (int64_t)line->id : 0;
	return run(s,
		   "INSERT INTO alert (thread, phase, again, contact, way, event, "
		   "due_ms, born_ms)"
		   " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
		   " event = excluded.event, due_ms = excluded.due_ms"
		   " WHERE fate = 0 AND tries = 0 AND excluded.event > event AND NOT ?",
		   "iiitiiiii", thread, (int64_t)phase, again, to->contact,
		   (int64_t)to->way, (int64_t)line->id,
		   early ? now_ms + GATHER_MS : now_ms, now_ms, (int64_t)early);
}

/* Everybody who heard of the beginning hears of the end. */
static bool
add_close(struct spool *s, int64_t thread, const struct journal_line *line,
	  int64_t now_ms)
{
	return run(s, "UPDATE thread SET over_ms = ? WHERE id = ?", "ii", now_ms,
		   thread) &&
	       run(s,
		   "INSERT OR IGNORE INTO alert (thread, phase, again, contact, way, "
		   "event, due_ms,"
		   " born_ms) SELECT thread, ?, 0, contact, way, ?, ?, ? FROM alert"
		   " WHERE thread = ? AND phase = ?",
		   "iiiiii", (int64_t)PHASE_CLOSE, (int64_t)line->id, now_ms, now_ms,
		   thread, (int64_t)PHASE_OPEN);
}

static bool
move_cursor(struct spool *s, const struct journal_line *line, uint64_t unknown)
{
	return run(s,
		   "UPDATE state SET cursor = ?, cursor_ms = ?, undelivered = "
		   "undelivered + ?",
		   "iii", (int64_t)line->id, line->real_ms, (int64_t)unknown);
}

bool
spool_take(struct spool *s, const struct journal_line *line,
	   const struct spool_addressee *to, size_t to_count, uint64_t unknown,
	   int64_t now_ms)
{
	enum phase phase = phase_of(line);
	if (line->incident == 0 && to_count == 0)
		return move_cursor(s, line, unknown);
	int64_t thread = thread_of(s, line);
	if (thread == 0 || !keep_line(s, thread, line))
		return false;
	for (size_t i = 0; i < to_count; i++)
		if (!add_alert(s, thread, phase, line, &to[i], now_ms))
			return false;
	if (phase == PHASE_CLOSE && !add_close(s, thread, line, now_ms))
		return false;
	if (phase == PHASE_EVENT &&
	    !run(s, "UPDATE thread SET over_ms = ? WHERE id = ?", "ii", now_ms, thread))
		return false;
	return move_cursor(s, line, unknown);
}

bool
spool_lost(struct spool *s, uint64_t lines)
{
	return run(s, "UPDATE state SET undelivered = undelivered + ?", "i",
		   (int64_t)lines);
}

/* ---- alerts ---- */

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
	sqlite3_stmt *q = query(
		s,
		"SELECT id, thread, phase, way, tries, born_ms, contact,"
		" CASE WHEN due_ms > ?1 + ?2 THEN ?1 ELSE due_ms END AS due FROM alert a"
		" WHERE fate = 0 AND NOT EXISTS (SELECT 1 FROM alert b WHERE b.fate = 0 "
		"AND"
		" b.thread = a.thread AND b.contact = a.contact AND b.way = a.way AND "
		"b.id < a.id)"
		" ORDER BY due, id",
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
		column(q, 6, out->contact, sizeof out->contact);
	}
	sqlite3_finalize(q);
	return found;
}

static size_t
lines(struct spool *s, const char *sql, int64_t thread, int64_t event, int64_t limit,
      struct journal_line *out)
{
	size_t n = 0;
	sqlite3_stmt *q = query(s, sql, "iii", thread, event, limit);
	while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
		struct journal_line *l = &out[n++];
		memset(l, 0, sizeof *l);
		l->id = (uint64_t)sqlite3_column_int64(q, 0);
		l->real_ms = sqlite3_column_int64(q, 1);
		column(q, 2, l->kind, sizeof l->kind);
		column(q, 3, l->object_kind, sizeof l->object_kind);
		column(q, 4, l->object, sizeof l->object);
		column(q, 5, l->rule, sizeof l->rule);
		l->cause = (uint64_t)sqlite3_column_int64(q, 6);
		column(q, 7, l->text, sizeof l->text);
	}
	sqlite3_finalize(q);
	return n;
}

#define LINE_COLUMNS "event, real_ms, kind, object_kind, object, rule, cause, text"

bool
spool_letter(struct spool *s, const struct spool_alert *a, struct letter *l)
{
	int64_t event = number(s, 0, "SELECT event FROM alert WHERE id = ?", "i", a->id);
	l->phase = a->phase;
	l->number = (uint64_t)number(s, 0, "SELECT number FROM thread WHERE id = ?", "i",
				     a->thread);
	l->since_ms =
		number(s, 0, "SELECT since_ms FROM thread WHERE id = ?", "i", a->thread);
	if (lines(s,
		  "SELECT " LINE_COLUMNS
		  " FROM line WHERE thread = ? AND event = ? LIMIT ?",
		  a->thread, event, 1, &l->about) != 1)
		return false;
	int64_t all =
		number(s, 0, "SELECT count(*) FROM line WHERE thread = ? AND event <= ?",
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
	return true;
}

bool
spool_answer(struct spool *s, int64_t alert, const char *address, int final, int code)
{
	return run(s, "INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?)", "itii", alert,
		   address, (int64_t) final, (int64_t)code);
}

int
spool_answered(struct spool *s, int64_t alert, const char *address)
{
	return (int)number(s, 0,
			   "SELECT final FROM answer WHERE alert = ? AND address = ?",
			   "it", alert, address);
}

bool
spool_settle(struct spool *s, int64_t alert, enum fate fate)
{
	return run(s, "DELETE FROM answer WHERE alert = ?", "i", alert) &&
	       run(s, "UPDATE alert SET fate = ? WHERE id = ?", "ii", (int64_t)fate,
		   alert) &&
	       run(s,
		   "UPDATE state SET sent = sent + ?, failed = failed + ?,"
		   " undelivered = undelivered + ?",
		   "iii", (int64_t)(fate == FATE_SENT), (int64_t)(fate == FATE_FAILED),
		   (int64_t)(fate == FATE_DROPPED));
}

bool
spool_retry(struct spool *s, int64_t alert, int64_t due_ms)
{
	return run(s, "UPDATE alert SET tries = tries + 1, due_ms = ? WHERE id = ?", "ii",
		   due_ms, alert);
}

bool
spool_wake(struct spool *s, int64_t now_ms)
{
	return run(s,
		   "UPDATE alert SET due_ms = ?1 WHERE fate = 0 AND due_ms > ?1 AND "
		   "tries > 0",
		   "i", now_ms);
}

bool
spool_prune(struct spool *s, int64_t before_ms)
{
	return run(s,
		   "DELETE FROM thread WHERE over_ms < ? AND NOT EXISTS (SELECT 1 FROM "
		   "alert a"
		   " WHERE a.thread = thread.id AND a.fate = 0)",
		   "i", before_ms) &&
	       run(s, "DELETE FROM line WHERE thread NOT IN (SELECT id FROM thread)",
		   "") &&
	       run(s, "DELETE FROM alert WHERE thread NOT IN (SELECT id FROM thread)",
		   "");
}

struct spool_counts
spool_count(struct spool *s)
{
	return (struct spool_counts){
		.queued = (uint64_t)number(
			s, 0, "SELECT count(*) FROM alert WHERE fate = 0", ""),
		.sent = (uint64_t)number(s, 0, "SELECT sent FROM state", ""),
		.failed = (uint64_t)number(s, 0, "SELECT failed FROM state", ""),
		.undelivered =
			(uint64_t)number(s, 0, "SELECT undelivered FROM state", ""),
	};
}
