/* The file of history: opened, begun anew where it is damaged, asked. */
#include "status/archive_state.h"

#include "base/log.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define WAL_BYTES "4194304"

static const char *const query_text[QUERIES] = {
	[QUERY_NAME] = "SELECT id FROM name WHERE text = ?1",
	[QUERY_NAME_NEW] = "INSERT INTO name (text) VALUES (?1)",
	[QUERY_BLOCK] = "SELECT bytes FROM block WHERE id = ?1",
	[QUERY_BLOCK_PUT] = "INSERT OR REPLACE INTO block (id, bytes) VALUES (?1, ?2)",
	[QUERY_BLOCK_SIZE] =
		"SELECT sum(size), max(id) FROM (SELECT id, length(bytes) AS size "
		"FROM block WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3)",
	[QUERY_BLOCK_DROP] = "DELETE FROM block WHERE id >= ?1 AND id <= ?2",
	[QUERY_MONTH] = "SELECT up, down, planned, unknown FROM month "
			"WHERE object = ?1 AND month = ?2",
	[QUERY_MONTH_PUT] =
		"INSERT INTO month VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
		"ON CONFLICT (object, month) DO UPDATE SET up = up + ?3, "
		"down = down + ?4, planned = planned + ?5, unknown = unknown + ?6",
	[QUERY_MONTH_DROP] = "DELETE FROM month WHERE month < ?1",
	[QUERY_INCIDENT_PUT] = "INSERT OR REPLACE INTO incident VALUES (?1, ?2, ?3, ?4)",
	[QUERY_INCIDENT_ADD] = "INSERT OR IGNORE INTO incident VALUES (?1, ?2, ?3, ?4)",
	[QUERY_INCIDENT_DROP] =
		"DELETE FROM incident WHERE until < ?1 OR id <= "
		"(SELECT id FROM incident ORDER BY id DESC LIMIT 1 OFFSET ?2)",
	[QUERY_INCIDENT] = "SELECT id, json FROM incident WHERE id = ?1",
	[QUERY_INCIDENTS] = "SELECT id, json FROM incident WHERE until >= ?1 AND "
			    "since < ?2 ORDER BY id DESC LIMIT ?3",
};

bool
archive_failed(struct archive *a)
{
	int rc = sqlite3_errcode(a->db) & 0xff;
	a->damaged = a->damaged || rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB;
	text_print(a->why, sizeof a->why, "%s", sqlite3_errmsg(a->db));
	return false;
}

bool
archive_run(struct archive *a, const char *sql)
{
	return sqlite3_exec(a->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
	       archive_failed(a);
}

void
archive_shut(struct archive *a)
{
	for (unsigned q = 0; q < QUERIES; q++) {
		sqlite3_finalize(a->queries[q]);
		a->queries[q] = NULL;
	}
	sqlite3_close(a->db);
	a->db = NULL;
	memset(a->metric_id, 0, sizeof a->metric_id);
}

static bool
count_tiers(struct archive *a)
{
	sqlite3_stmt *q;
	int rc;
	memset(a->tier_bytes, 0, sizeof a->tier_bytes);
	if (sqlite3_prepare_v2(
		    a->db, "SELECT id >> 58, sum(length(bytes)) FROM block GROUP BY 1",
		    -1, &q, NULL) != SQLITE_OK)
		return archive_failed(a);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW)
		if ((uint64_t)sqlite3_column_int64(q, 0) < TIERS)
			a->tier_bytes[sqlite3_column_int64(q, 0)] =
				sqlite3_column_double(q, 1);
	sqlite3_finalize(q);
	return rc == SQLITE_DONE || archive_failed(a);
}

static bool
open_file(struct archive *a)
{
	static const char schema[] =
		"PRAGMA page_size = 1024; PRAGMA journal_mode = WAL; PRAGMA synchronous "
		"= NORMAL; "
		"PRAGMA journal_size_limit = " WAL_BYTES "; PRAGMA cache_size = -2000; "
		"CREATE TABLE IF NOT EXISTS name (id INTEGER PRIMARY KEY, text TEXT "
		"UNIQUE NOT NULL); "
		"CREATE TABLE IF NOT EXISTS block (id INTEGER PRIMARY KEY, bytes BLOB "
		"NOT NULL); "
		"CREATE TABLE IF NOT EXISTS month (object INTEGER, month INTEGER, up "
		"INTEGER, "
		"down INTEGER, planned INTEGER, unknown INTEGER, PRIMARY KEY (object, "
		"month)) "
		"WITHOUT ROWID; "
		"CREATE TABLE IF NOT EXISTS incident (id INTEGER PRIMARY KEY, since INTEGER "
		"NOT NULL, until INTEGER NOT NULL, json TEXT NOT NULL)";
	if (sqlite3_open_v2(a->path, &a->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
			    NULL) != SQLITE_OK) {
		if (a->db == NULL)
			text_print(a->why, sizeof a->why, "out of memory");
		else
			archive_failed(a);
		return false;
	}
	sqlite3_busy_timeout(a->db, 2000);
	if (!archive_run(a, schema))
		return false;
	for (unsigned q = 0; q < QUERIES; q++)
		if (sqlite3_prepare_v3(a->db, query_text[q], -1,
				       SQLITE_PREPARE_PERSISTENT, &a->queries[q],
				       NULL) != SQLITE_OK)
			return archive_failed(a);
	return count_tiers(a);
}

/* What of it is still good somebody may want to look for: it is kept, once. */
static void
put_aside(struct archive *a)
{
	char to[280], extra[280];
	static const char *const others[] = { "-wal", "-shm" };
	archive_shut(a);
	text_print(to, sizeof to, "%s.damaged", a->path);
	log_warning("history: %s is damaged (%s): it is now %s, and history begins anew",
		    a->path, a->why, to);
	if (rename(a->path, to) != 0)
		remove(a->path);
	for (unsigned i = 0; i < 2; i++) {
		text_print(extra, sizeof extra, "%s%s", a->path, others[i]);
		remove(extra);
	}
	a->damaged = false;
	a->set_aside++;
}

bool
archive_ready(struct archive *a)
{
	for (int try = 0; try < 2; try++) {
		if (a->damaged)
			put_aside(a);
		if (a->db != NULL || open_file(a))
			return true;
		if (!a->damaged)
			archive_shut(a);
	}
	return false;
}

sqlite3_stmt *
archive_query(struct archive *a, enum query which, int64_t first, int64_t second)
{
	sqlite3_stmt *q = a->queries[which];
	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
	sqlite3_bind_int64(q, 1, first);
	if (sqlite3_bind_parameter_count(q) > 1)
		sqlite3_bind_int64(q, 2, second);
	return q;
}

bool
archive_done(struct archive *a, sqlite3_stmt *q)
{
	bool good = sqlite3_step(q) == SQLITE_DONE || archive_failed(a);
	sqlite3_reset(q);
	return good;
}

uint64_t
archive_number(struct archive *a, const char *sql)
{
	sqlite3_stmt *q;
	uint64_t n = 0;
	if (sqlite3_prepare_v2(a->db, sql, -1, &q, NULL) == SQLITE_OK &&
	    sqlite3_step(q) == SQLITE_ROW)
		n = (uint64_t)sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return n;
}
