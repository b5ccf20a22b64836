#include "alerts/spool.h"

#include "alerts/sql.h"
#include "base/text.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	" severity INTEGER NOT NULL DEFAULT -1,"
	" UNIQUE (life, number, lone));"

	"CREATE TABLE IF NOT EXISTS line ("
	" thread INTEGER NOT NULL, event INTEGER NOT NULL, real_ms INTEGER NOT NULL,"
	" kind TEXT NOT NULL, object_kind TEXT NOT NULL, object TEXT NOT NULL,"
	" rule TEXT NOT NULL, cause INTEGER NOT NULL, text TEXT NOT NULL,"
	" PRIMARY KEY (thread, event)) WITHOUT ROWID;"

	"CREATE TABLE IF NOT EXISTS member ("
	" thread INTEGER NOT NULL, object_kind TEXT NOT NULL, object TEXT NOT NULL,"
	" event INTEGER NOT NULL, PRIMARY KEY (thread, object_kind, object)) WITHOUT ROWID;"

	"CREATE TABLE IF NOT EXISTS trace ("
	" life INTEGER NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL,"
	" data BLOB NOT NULL, PRIMARY KEY (life, number));"

	"CREATE TABLE IF NOT EXISTS alert ("
	" id INTEGER PRIMARY KEY, thread INTEGER NOT NULL, phase INTEGER NOT NULL,"
	" again INTEGER NOT NULL, contact TEXT NOT NULL, way INTEGER NOT NULL,"
	" event INTEGER NOT NULL, fate INTEGER NOT NULL DEFAULT 0,"
	" tries INTEGER NOT NULL DEFAULT 0, due_ms INTEGER NOT NULL,"
	" born_ms INTEGER NOT NULL, least INTEGER NOT NULL DEFAULT 0,"
	" severity INTEGER NOT NULL DEFAULT 1, bundle INTEGER NOT NULL DEFAULT 0,"
	" UNIQUE (thread, phase, again, contact, way));"
	"CREATE INDEX IF NOT EXISTS alert_queued ON alert (due_ms) WHERE fate = 0;"
	"CREATE INDEX IF NOT EXISTS alert_order ON alert (thread, contact, way, id)"
	" WHERE fate = 0;"
	"CREATE INDEX IF NOT EXISTS alert_bundle ON alert (bundle) WHERE bundle <> 0;"

	"CREATE TABLE IF NOT EXISTS pace ("
	" contact TEXT NOT NULL, way INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
	" thread INTEGER NOT NULL, severity INTEGER NOT NULL);"
	"CREATE INDEX IF NOT EXISTS pace_of ON pace (contact, way, at_ms);"

	"CREATE TABLE IF NOT EXISTS answer ("
	" alert INTEGER NOT NULL, address TEXT NOT NULL, final INTEGER NOT NULL,"
	" code INTEGER NOT NULL, PRIMARY KEY (alert, address)) WITHOUT ROWID;"
	"PRAGMA user_version = 2;";

/* What a spool of before lacks; the rest the schema makes. */
static const char *const upgrade =
	"ALTER TABLE thread ADD COLUMN severity INTEGER NOT NULL DEFAULT -1;"
	"ALTER TABLE alert ADD COLUMN least INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE alert ADD COLUMN severity INTEGER NOT NULL DEFAULT 1;"
	"ALTER TABLE alert ADD COLUMN bundle INTEGER NOT NULL DEFAULT 0;";
/* clang-format on */

#define LOG_PAGES 1000 /* SQLite's own default */
#define LOG_BYTES ((LOG_PAGES + 100) * (4096 + 24))

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
	sql_end(s, q);
	return good;
}

static bool
run_all(struct spool *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK || sql_fail(s);
}

static bool
make_tables(struct spool *s)
{
	bool old = sql_number(s, 0, "PRAGMA user_version", "") < 2 &&
		   sql_number(s, 0,
			      "SELECT count(*) FROM sqlite_master WHERE name = 'alert'",
			      "") > 0;
	return run_all(s, "BEGIN") && (!old || run_all(s, upgrade)) &&
	       run_all(s, schema) && run_all(s, "COMMIT");
}

/* Room in the log that is written over and over (SQLite begins it anew once it holds
 * LOG_PAGES). A commit into blocks that are there is one flush of the disk; one that makes
 * the file longer has the file system write its own journal as well. Zeros are no frames
 * to SQLite. What fails here costs speed only. */
static void
lay_out_log(const char *path)
{
	static const char zeros[65536];
	char log[512];
	text_print(log, sizeof log, "%s-wal", path);
	int fd = open(log, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	off_t size = fd != -1 ? lseek(fd, 0, SEEK_END) : LOG_BYTES;
	bool more = size >= 0 && size < LOG_BYTES;
	for (ssize_t n = 1; more && n > 0 && size < LOG_BYTES; size += n)
		n = write(fd, zeros, sizeof zeros);
	if (more)
		fdatasync(fd);
	if (fd != -1)
		close(fd);
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
	       sql_run(s, "PRAGMA synchronous = FULL", "") && whole(s) && make_tables(s);
	if (good) {
		lay_out_log(path);
		return s;
	}
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
	if (*sp != NULL) {
		sql_close(*sp);
		sqlite3_close((*sp)->db);
	}
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

static void
forget_thread(struct spool *s)
{
	s->thread = 0;
	s->member[0] = '\0';
}

#define OVER_TEXT                                                                        \
	"'over: the journal began anew, and what is still wrong is told as new; it was: '"

/* Everybody who heard that it began hears that it is over, or a pager would keep it. */
bool
spool_new_life(struct spool *s, int64_t now_ms)
{
	forget_thread(s);
	return sql_run(s,
		       "INSERT INTO line SELECT t.id, max(l.event) + 1, ?1, 'incident-close',"
		       " l.object_kind, l.object, l.rule, 0, " OVER_TEXT
		       " || l.text FROM thread t"
		       " JOIN line l ON l.thread = t.id WHERE t.over_ms IS NULL AND t.lone = 0 AND"
		       " EXISTS (SELECT 1 FROM alert a WHERE a.thread = t.id AND a.phase IN (0, 5))"
		       " GROUP BY t.id",
		       "i", now_ms) &&
	       sql_run(s,
		       "INSERT OR IGNORE INTO alert (thread, phase, again, contact, way, event,"
		       " due_ms, born_ms, severity) SELECT DISTINCT a.thread, 2, l.event, a.contact,"
		       " a.way, l.event, ?1, ?1, a.severity FROM alert a JOIN thread t ON t.id ="
		       " a.thread JOIN line l ON l.thread = t.id AND l.event = (SELECT max(event)"
		       " FROM line WHERE thread = t.id) WHERE t.over_ms IS NULL AND t.lone = 0 AND"
		       " a.phase IN (0, 5) AND a.fate <> 4",
		       "i", now_ms) &&
	       sql_run(s, "UPDATE thread SET over_ms = ? WHERE over_ms IS NULL", "i",
		       now_ms) &&
	       sql_run(s, "UPDATE state SET life = life + 1, cursor = 0, cursor_ms = 0",
		       "");
}

bool
spool_begin(struct spool *s)
{
	s->moved = false;
	s->unknown = 0;
	return sql_run(s, "BEGIN IMMEDIATE", "");
}

bool
spool_commit(struct spool *s)
{
	if (s->moved &&
	    !sql_run(s,
		     "UPDATE state SET cursor = ?, cursor_ms = ?, undelivered ="
		     " undelivered + ?",
		     "iii", (int64_t)s->cursor, s->cursor_ms, (int64_t)s->unknown))
		return false;
	s->moved = false;
	return sql_run(s, "COMMIT", "");
}

void
spool_rollback(struct spool *s)
{
	forget_thread(s);
	s->moved = false;
	if (sqlite3_get_autocommit(s->db) == 0)
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

bool
spool_beat(struct spool *s)
{
	return sql_run(s, "UPDATE state SET one = one", "");
}

bool
spool_lost(struct spool *s, uint64_t lines)
{
	return sql_run(s, "UPDATE state SET undelivered = undelivered + ?", "i",
		       (int64_t)lines);
}
