#include "alerts/spool.h"

#include "alerts/sql.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GATHER_MS 2000 /* an incident's first alert waits for what belongs to it */
#define LINES_KEPT 400 /* of one incident: the first and the newest */

/* clang-format off */
static const char *const schema =
	"CREATE TABLE IF NOT EXISTS state ("
	" one INTEGER PRIMARY KEY CHECK (one = 1), cursor INTEGER NOT NULL,"
	" cursor_ms INTEGER NOT NULL, life INTEGER NOT NULL, sent INTEGER NOT NULL,"
	" failed INTEGER NOT NULL, undelivered INTEGER NOT NULL);"
	"INSERT OR IGNORE INTO state VALUES (1, 0, 0, 1, 0, 0, 0);"

	"CREATE TABLE IF NOT EXISTS thread ("
	" id INTEGER PRIMARY KEY, life INTEGER NOT NULL, number INTEGER NOT NULL,"
	" lone INTEGER NOT NULL, since_ms INTEGER NOT NULL, over_ms INTEGER,"
	" UNIQUE (life, number, lone));"

	"CREATE TABLE IF NOT EXISTS line ("
	" thread INTEGER NOT NULL, event INTEGER NOT NULL, real_ms INTEGER NOT NULL,"
	" kind TEXT NOT NULL, object_kind TEXT NOT NULL, object TEXT NOT NULL,"
	" rule TEXT NOT NULL, cause INTEGER NOT NULL, text TEXT NOT NULL,"
	" PRIMARY KEY (thread, event)) WITHOUT ROWID;"

	"CREATE TABLE IF NOT EXISTS alert ("
	" id INTEGER PRIMARY KEY, thread INTEGER NOT NULL, phase INTEGER NOT NULL,"
	" again INTEGER NOT NULL, contact TEXT NOT NULL, way INTEGER NOT NULL,"
	" event INTEGER NOT NULL, fate INTEGER NOT NULL DEFAULT 0,"
	" tries INTEGER NOT NULL DEFAULT 0, due_ms INTEGER NOT NULL,"
	" born_ms INTEGER NOT NULL, UNIQUE (thread, phase, again, contact, way));"
	"CREATE INDEX IF NOT EXISTS alert_queued ON alert (due_ms) WHERE fate = 0;"

	"CREATE TABLE IF NOT EXISTS answer ("
	" alert INTEGER NOT NULL, address TEXT NOT NULL, final INTEGER NOT NULL,"
	" code INTEGER NOT NULL, PRIMARY KEY (alert, address)) WITHOUT ROWID;";
/* clang-format on */

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
	sqlite3_stmt *q = sql_query(s, "PRAGMA integrity_check(1)", "");
	if (q == NULL)
		return false;
	int rc = sqlite3_step(q);
	const unsigned char *word = rc == SQLITE_ROW ? sqlite3_column_text(q, 0) : NULL;
	bool good = word != NULL && strcmp((const char *)word, "ok") == 0;
	if (rc != SQLITE_ROW)
		sql_fail(s);
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
		sql_fail(s);
	good = good && sql_run(s, "PRAGMA journal_mode = WAL", "") &&
	       sql_run(s, "PRAGMA synchronous = FULL", "") && whole(s) &&
	       (sqlite3_exec(s->db, schema, NULL, NULL, NULL) == SQLITE_OK ||
		sql_fail(s));
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
	*real_ms = sql_number(change, 0, "SELECT cursor_ms FROM state", "");
	return (uint64_t)sql_number(change, 0, "SELECT cursor FROM state", "");
}

bool
spool_new_life(struct spool *s)
{
	return sql_run(s, "UPDATE state SET life = life + 1, cursor = 0, cursor_ms = 0",
		       "");
}

bool
spool_begin(struct spool *s)
{
	return sql_run(s, "BEGIN IMMEDIATE", "");
}

bool
spool_commit(struct spool *s)
{
	return sql_run(s, "COMMIT", "");
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
	if (!sql_run(s,
		     "INSERT OR IGNORE INTO thread (life, number, lone, since_ms)"
		     " SELECT life, ?, ?, ? FROM state",
		     "iii", n, lone, line->real_ms))
		return 0;
	return sql_number(s, 0,
			  "SELECT t.id FROM thread t, state s WHERE t.life = s.life AND"
			  " t.number = ? AND t.lone = ?",
			  "ii", n, lone);
}

static bool
keep_line(struct spool *s, int64_t thread, const struct journal_line *l)
{
	if (!sql_run(s, "INSERT OR REPLACE INTO line VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
		     "iiittttit", thread, (int64_t)l->id, l->real_ms, l->kind,
		     l->object_kind, l->object, l->rule, (int64_t)l->cause, l->text))
		return false;
	if (sql_number(s, 0, "SELECT count(*) FROM line WHERE thread = ?", "i", thread) <=
	    LINES_KEPT)
		return true;
	return sql_run(s,
		       "DELETE FROM line WHERE thread = ?1 AND event = (SELECT event"
		       " FROM line WHERE thread = ?1 ORDER BY event LIMIT 1 OFFSET"
		       " ?2)",
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
	return sql_run(s,
		       "INSERT INTO alert (thread, phase, again, contact, way,"
		       " event, due_ms, born_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON"
		       " CONFLICT DO UPDATE SET event = excluded.event, due_ms ="
		       " excluded.due_ms WHERE fate = 0 AND tries = 0 AND"
		       " excluded.event > event AND NOT ?",
		       "iiitiiiii", thread, (int64_t)phase, again, to->contact,
		       (int64_t)to->way, (int64_t)line->id,
		       early ? now_ms + GATHER_MS : now_ms, now_ms, (int64_t)early);
}

/* Everybody who heard of the beginning hears of the end. */
static bool
add_close(struct spool *s, int64_t thread, const struct journal_line *line,
	  int64_t now_ms)
{
	return sql_run(s, "UPDATE thread SET over_ms = ? WHERE id = ?", "ii", now_ms,
		       thread) &&
	       sql_run(s,
		       "INSERT OR IGNORE INTO alert (thread, phase, again, contact,"
		       " way, event, due_ms, born_ms) SELECT thread, ?, 0, contact,"
		       " way, ?, ?, ? FROM alert WHERE thread = ? AND phase = ?"
		       " ORDER BY id",
		       "iiiiii", (int64_t)PHASE_CLOSE, (int64_t)line->id, now_ms, now_ms,
		       thread, (int64_t)PHASE_OPEN);
}

static bool
move_cursor(struct spool *s, const struct journal_line *line, uint64_t unknown)
{
	return sql_run(s,
		       "UPDATE state SET cursor = ?, cursor_ms = ?, undelivered ="
		       " undelivered + ?",
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
	    !sql_run(s, "UPDATE thread SET over_ms = ? WHERE id = ?", "ii", now_ms,
		     thread))
		return false;
	return move_cursor(s, line, unknown);
}

bool
spool_lost(struct spool *s, uint64_t lines)
{
	return sql_run(s, "UPDATE state SET undelivered = undelivered + ?", "i",
		       (int64_t)lines);
}
