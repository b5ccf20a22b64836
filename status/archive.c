#include "status/archive.h"

#include "base/log.h"
#include "base/text.h"
#include "rules/metric.h"

#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECT_BITS 24
#define TIER_SHIFT 58
#define PRUNED_AT_ONCE 256
#define MONTHS_KEPT 60
#define BLOCK_MAX (METRICS_COUNT * (PACK_SLOTS * 5 + 16))
#define WAL_BYTES "4194304"

enum query {
	QUERY_NAME,
	QUERY_NAME_NEW,
	QUERY_BLOCK,
	QUERY_BLOCK_PUT,
	QUERY_BLOCK_SIZE,
	QUERY_BLOCK_DROP,
	QUERY_MONTH,
	QUERY_MONTH_PUT,
	QUERY_MONTH_DROP,
	QUERIES
};

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
};

/* A third of the whole each would keep the year and starve the day. */
static const double tier_share[TIERS] = {
	[TIER_10S] = 0.6, [TIER_1M] = 0.2, [TIER_10M] = 0.2
};

struct archive {
	char path[256], why[200];
	uint64_t limit;
	sqlite3 *db; /* NULL: not open */
	sqlite3_stmt *queries[QUERIES];
	double tier_bytes[TIERS];
	int64_t metric_id[METRICS_COUNT]; /* 0: not looked up yet */
	bool damaged;
	unsigned set_aside;
	unsigned char block[BLOCK_MAX];
	size_t block_size;
	bool block_over;
};

static bool
failed(struct archive *a)
{
	int rc = sqlite3_errcode(a->db) & 0xff;
	a->damaged = a->damaged || rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB;
	text_print(a->why, sizeof a->why, "%s", sqlite3_errmsg(a->db));
	return false;
}

static bool
run(struct archive *a, const char *sql)
{
	return sqlite3_exec(a->db, sql, NULL, NULL, NULL) == SQLITE_OK || failed(a);
}

static void
shut(struct archive *a)
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
		return failed(a);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW)
		if ((uint64_t)sqlite3_column_int64(q, 0) < TIERS)
			a->tier_bytes[sqlite3_column_int64(q, 0)] =
				sqlite3_column_double(q, 1);
	sqlite3_finalize(q);
	return rc == SQLITE_DONE || failed(a);
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
		"WITHOUT ROWID";
	if (sqlite3_open_v2(a->path, &a->db,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
				    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
			    NULL) != SQLITE_OK) {
		if (a->db == NULL)
			text_print(a->why, sizeof a->why, "out of memory");
		else
			failed(a);
		return false;
	}
	sqlite3_busy_timeout(a->db, 2000);
	if (!run(a, schema))
		return false;
	for (unsigned q = 0; q < QUERIES; q++)
		if (sqlite3_prepare_v3(a->db, query_text[q], -1,
				       SQLITE_PREPARE_PERSISTENT, &a->queries[q],
				       NULL) != SQLITE_OK)
			return failed(a);
	return count_tiers(a);
}

/* What of it is still good somebody may want to look for: it is kept, once. */
static void
put_aside(struct archive *a)
{
	char to[280], extra[280];
	static const char *const others[] = { "-wal", "-shm" };
	shut(a);
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

static bool
ready(struct archive *a)
{
	for (int try = 0; try < 2; try++) {
		if (a->damaged)
			put_aside(a);
		if (a->db != NULL || open_file(a))
			return true;
		if (!a->damaged)
			shut(a);
	}
	return false;
}

struct archive *
archive_new(const char *path, uint64_t limit)
{
	struct archive *a = calloc(1, sizeof *a);
	if (a == NULL)
		return NULL;
	text_print(a->path, sizeof a->path, "%s", path);
	a->limit = limit;
	return a;
}

void
archive_free(struct archive **ap)
{
	if (*ap != NULL)
		shut(*ap);
	free(*ap);
	*ap = NULL;
}

/* ---- queries ---- */

static sqlite3_stmt *
query(struct archive *a, enum query which, int64_t first, int64_t second)
{
	sqlite3_stmt *q = a->queries[which];
	sqlite3_reset(q);
	sqlite3_clear_bindings(q);
	sqlite3_bind_int64(q, 1, first);
	if (sqlite3_bind_parameter_count(q) > 1)
		sqlite3_bind_int64(q, 2, second);
	return q;
}

static bool
done(struct archive *a, sqlite3_stmt *q)
{
	bool good = sqlite3_step(q) == SQLITE_DONE || failed(a);
	sqlite3_reset(q);
	return good;
}

/* The number of a name; 0: there is none, or it failed. */
static int64_t
name_id(struct archive *a, const char *name, bool make)
{
	sqlite3_stmt *q = a->queries[QUERY_NAME];
	sqlite3_reset(q);
	sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC);
	int rc = sqlite3_step(q);
	int64_t id = rc == SQLITE_ROW ? sqlite3_column_int64(q, 0) : 0;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		failed(a);
	sqlite3_reset(q);
	if (id != 0 || !make || rc != SQLITE_DONE)
		return id;
	q = a->queries[QUERY_NAME_NEW];
	sqlite3_reset(q);
	sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC);
	id = done(a, q) ? sqlite3_last_insert_rowid(a->db) : 0;
	if (id >= 1 << OBJECT_BITS) {
		text_print(a->why, sizeof a->why, "there are too many names");
		return 0;
	}
	return id;
}

/* Numbers of our own, as those of the enumeration change with the version. */
static int64_t
metric_id(struct archive *a, unsigned metric, bool make)
{
	char name[80];
	if (metric >= METRICS_COUNT)
		return 0;
	if (a->metric_id[metric] == 0) {
		text_print(name, sizeof name, "metric/%s", metric_table[metric].name);
		a->metric_id[metric] = name_id(a, name, make);
	}
	return a->metric_id[metric];
}

static int64_t
block_id(enum tier tier, int64_t span, int64_t object)
{
	return ((int64_t)tier << TIER_SHIFT) | (span << OBJECT_BITS) | object;
}

/* ---- blocks: for each column its metric's number, its size, its bytes ---- */

static void
block_add(struct archive *a, uint32_t metric, const unsigned char *bytes, size_t size)
{
	unsigned char head[10];
	size_t n = pack_number(head, metric);
	n += pack_number(head + n, (uint32_t)size);
	if (n + size > sizeof a->block - a->block_size) {
		a->block_over = true;
		return;
	}
	memcpy(a->block + a->block_size, head, n);
	memcpy(a->block + a->block_size + n, bytes, size);
	a->block_size += n + size;
}

struct part {
	uint32_t metric, size;
	const unsigned char *bytes;
};

static bool
next_part(const unsigned char **at, const unsigned char *end, struct part *p)
{
	if (*at >= end || !pack_take(at, end, &p->metric) ||
	    !pack_take(at, end, &p->size) || p->size > (size_t)(end - *at))
		return false;
	p->bytes = *at;
	*at += p->size;
	return true;
}

static bool
find_part(const unsigned char *bytes, size_t size, uint32_t metric, struct part *p)
{
	const unsigned char *at = bytes;
	while (next_part(&at, bytes + size, p))
		if (p->metric == metric)
			return true;
	return false;
}

static bool
next_column(const unsigned char **at, const unsigned char *end, struct column_head *head)
{
	if ((size_t)(end - *at) < sizeof *head)
		return false;
	memcpy(head, *at, sizeof *head);
	*at += sizeof *head;
	return head->size <= (size_t)(end - *at);
}

/* The column of a span that had begun before: its slots, and behind them the new ones. */
static bool
merged(struct archive *a, uint32_t metric, const struct part *old,
       const unsigned char *bytes, size_t size)
{
	float slots[PACK_SLOTS], newer[PACK_SLOTS];
	struct column c = { 0 };
	bool good = true;
	int count = pack_read(bytes, size, newer);
	if (pack_read(old->bytes, old->size, slots) < 0 || count < 0)
		return false;
	for (unsigned i = 0; i < PACK_SLOTS; i++)
		if (!isnan(newer[i]))
			slots[i] = newer[i];
	for (unsigned i = 0; i < PACK_SLOTS && good; i++)
		if (!isnan(slots[i]))
			good = column_put(&c, i, (double)slots[i]);
	if (good && column_flush(&c))
		block_add(a, metric, c.bytes, c.size);
	column_empty(&c);
	return good;
}

/* The columns of a record, with what the row holds already: in a->block. */
static void
build_block(struct archive *a, const struct block_head *head, const unsigned char *at,
	    const unsigned char *end, const unsigned char *old, size_t old_size)
{
	bool there[METRICS_COUNT] = { false };
	struct column_head column;
	struct part part;
	a->block_size = 0;
	a->block_over = false;
	for (; next_column(&at, end, &column); at += column.size) {
		int64_t metric = metric_id(a, column.metric, true);
		if (metric == 0)
			continue;
		there[column.metric] = true;
		if (!head->merge || !find_part(old, old_size, (uint32_t)metric, &part) ||
		    !merged(a, (uint32_t)metric, &part, at, column.size))
			block_add(a, (uint32_t)metric, at, column.size);
	}
	for (const unsigned char *o = old;
	     head->merge && next_part(&o, old + old_size, &part);) {
		bool again = false;
		for (unsigned m = 0; m < METRICS_COUNT; m++)
			again = again || (there[m] && a->metric_id[m] == part.metric);
		if (!again)
			block_add(a, part.metric, part.bytes, part.size);
	}
}

static bool
write_block(struct archive *a, const struct block_head *head, const unsigned char *at,
	    const unsigned char *end)
{
	int64_t object = name_id(a, head->object, true);
	if (object == 0)
		return false;
	int64_t id = block_id(head->tier, head->span, object);
	sqlite3_stmt *q = query(a, QUERY_BLOCK, id, 0);
	int rc = sqlite3_step(q);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return failed(a);
	size_t old_size = rc == SQLITE_ROW ? (size_t)sqlite3_column_bytes(q, 0) : 0;
	build_block(a, head, at, end, old_size > 0 ? sqlite3_column_blob(q, 0) : NULL,
		    old_size);
	sqlite3_reset(q);
	if (a->block_over) /* more metrics than there are: never of our own making */
		return true;
	q = query(a, QUERY_BLOCK_PUT, id, 0);
	sqlite3_bind_blob(q, 2, a->block, (int)a->block_size, SQLITE_STATIC);
	if (!done(a, q))
		return false;
	a->tier_bytes[head->tier] += (double)a->block_size - (double)old_size;
	return true;
}

static bool
write_month(struct archive *a, const struct block_head *head, const unsigned char *at,
	    const unsigned char *end)
{
	int64_t ms[AVAILABILITIES], object = name_id(a, head->object, true);
	if (object == 0 || (size_t)(end - at) != sizeof ms)
		return false;
	memcpy(ms, at, sizeof ms);
	sqlite3_stmt *q = query(a, QUERY_MONTH_PUT, object, head->span);
	for (int i = 0; i < AVAILABILITIES; i++)
		sqlite3_bind_int64(q, 3 + i, ms[i]);
	return done(a, q);
}

static bool
write_all(struct archive *a, const struct batch *b)
{
	struct block_head head;
	for (size_t at = 0; at < b->size; at += head.size) {
		memcpy(&head, b->bytes + at, sizeof head);
		const unsigned char *first = b->bytes + at + sizeof head,
				    *end = b->bytes + at + head.size;
		if (!(head.months ? write_month(a, &head, first, end)
				  : write_block(a, &head, first, end)))
			return false;
	}
	return true;
}

/* ---- its size ---- */

static uint64_t
number(struct archive *a, const char *sql)
{
	sqlite3_stmt *q;
	uint64_t n = 0;
	if (sqlite3_prepare_v2(a->db, sql, -1, &q, NULL) == SQLITE_OK &&
	    sqlite3_step(q) == SQLITE_ROW)
		n = (uint64_t)sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return n;
}

uint64_t
archive_size(const struct archive *a)
{
	struct archive *me = (struct archive *)(uintptr_t)a; /* SQLite knows no const */
	return a->db == NULL ? 0
			     : (number(me, "PRAGMA page_count") -
				number(me, "PRAGMA freelist_count")) *
				       number(me, "PRAGMA page_size");
}

/* Drops the oldest blocks of the tier, up to some number and id. False: failed, or none.
 */
static bool
drop_oldest(struct archive *a, enum tier tier, int64_t below, int64_t most)
{
	int64_t first = block_id(tier, 0, 0);
	sqlite3_stmt *q = query(a, QUERY_BLOCK_SIZE, first, below);
	sqlite3_bind_int64(q, 3, most);
	if (sqlite3_step(q) != SQLITE_ROW)
		return failed(a);
	double size = sqlite3_column_double(q, 0);
	int64_t last = sqlite3_column_int64(q, 1);
	sqlite3_reset(q);
	if (last == 0)
		return false;
	if (!done(a, query(a, QUERY_BLOCK_DROP, first, last)))
		return false;
	a->tier_bytes[tier] -= size;
	return true;
}

static enum tier
fattest(const struct archive *a)
{
	enum tier most = TIER_10S;
	for (unsigned t = 0; t < TIERS; t++)
		if (a->tier_bytes[t] / tier_share[t] >
		    a->tier_bytes[most] / tier_share[most])
			most = (enum tier)t;
	return most;
}

static void
make_room(struct archive *a, int64_t now_s)
{
	uint64_t most = a->limit - a->limit / 8; /* the rest is the journal's */
	for (unsigned t = 0; t < TIERS; t++) {
		int64_t span_s = tier_table[t].step_s * PACK_SLOTS,
			span = (now_s - tier_table[t].keep_s) / span_s;
		if (span > 0)
			drop_oldest(a, (enum tier)t, block_id((enum tier)t, span, 0),
				    INT64_MAX);
	}
	while (archive_size(a) > most) {
		enum tier t = fattest(a);
		if (!drop_oldest(a, t, block_id(t + 1, 0, 0), PRUNED_AT_ONCE))
			break;
	}
	done(a, query(a, QUERY_MONTH_DROP, now_s / 2629800 + 1970 * 12 - MONTHS_KEPT, 0));
}

bool
archive_write(struct archive *a, const struct batch *b, int64_t now_s)
{
	if (!ready(a) || !run(a, "BEGIN IMMEDIATE"))
		return false;
	double before[TIERS];
	memcpy(before, a->tier_bytes, sizeof before);
	a->why[0] = '\0';
	bool good = write_all(a, b);
	if (good)
		make_room(a, now_s);
	good = good && a->why[0] == '\0' && run(a, "COMMIT");
	if (!good) { /* the reason stays the first one */
		sqlite3_exec(a->db, "ROLLBACK", NULL, NULL, NULL);
		memcpy(a->tier_bytes, before, sizeof before);
		memset(a->metric_id, 0,
		       sizeof a->metric_id); /* names may be gone again */
	}
	if (a->damaged)
		ready(a);
	return good;
}

/* ---- reading ---- */

bool
archive_read(struct archive *a, const char *object, enum tier tier, int64_t span,
	     unsigned metric, float out[PACK_SLOTS])
{
	struct part part;
	if (!ready(a))
		return false;
	int64_t id = name_id(a, object, false), m = metric_id(a, metric, false);
	if (id == 0 || m == 0)
		return false;
	sqlite3_stmt *q = query(a, QUERY_BLOCK, block_id(tier, span, id), 0);
	int rc = sqlite3_step(q);
	bool found = rc == SQLITE_ROW && sqlite3_column_bytes(q, 0) > 0 &&
		     find_part(sqlite3_column_blob(q, 0),
			       (size_t)sqlite3_column_bytes(q, 0), (uint32_t)m, &part) &&
		     pack_read(part.bytes, part.size, out) >= 0;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		failed(a);
	sqlite3_reset(q);
	return found;
}

bool
archive_month(struct archive *a, const char *object, int64_t month,
	      int64_t out[AVAILABILITIES])
{
	if (!ready(a))
		return false;
	int64_t id = name_id(a, object, false);
	sqlite3_stmt *q = query(a, QUERY_MONTH, id, month);
	int rc = id != 0 ? sqlite3_step(q) : SQLITE_DONE;
	for (int i = 0; rc == SQLITE_ROW && i < AVAILABILITIES; i++)
		out[i] = sqlite3_column_int64(q, i);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		failed(a);
	sqlite3_reset(q);
	return rc == SQLITE_ROW;
}

const char *
archive_why(const struct archive *a)
{
	return a->why;
}

unsigned
archive_set_aside(const struct archive *a)
{
	return a->set_aside;
}
