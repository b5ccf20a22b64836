#include "status/archive.h"

#include "base/text.h"
#include "status/archive_state.h"

#include <stdlib.h>
#include <string.h>

#define OBJECT_BITS 24
#define TIER_SHIFT 58
#define PRUNED_AT_ONCE 256
#define MONTHS_KEPT 60

/* A third of the whole each would keep the year and starve the day. */
static const double tier_share[TIERS] = {
	[TIER_10S] = 0.6, [TIER_1M] = 0.2, [TIER_10M] = 0.2
};

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
		archive_shut(*ap);
	free(*ap);
	*ap = NULL;
}

/* ---- names ---- */

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
		archive_failed(a);
	sqlite3_reset(q);
	if (id != 0 || !make || rc != SQLITE_DONE)
		return id;
	q = a->queries[QUERY_NAME_NEW];
	sqlite3_reset(q);
	sqlite3_bind_text(q, 1, name, -1, SQLITE_STATIC);
	id = archive_done(a, q) ? sqlite3_last_insert_rowid(a->db) : 0;
	if (id >= 1 << OBJECT_BITS) {
		text_print(a->why, sizeof a->why, "there are too many names");
		return 0;
	}
	return id;
}

int64_t
archive_metric(struct archive *a, unsigned metric, bool make)
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

/* ---- writing ---- */

static bool
write_block(struct archive *a, const struct block_head *head, const unsigned char *at,
	    const unsigned char *end)
{
	int64_t object = name_id(a, head->object, true);
	if (object == 0)
		return false;
	int64_t id = block_id(head->tier, head->span, object);
	sqlite3_stmt *q = archive_query(a, QUERY_BLOCK, id, 0);
	int rc = sqlite3_step(q);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return archive_failed(a);
	size_t old_size = rc == SQLITE_ROW ? (size_t)sqlite3_column_bytes(q, 0) : 0;
	block_build(a, head, at, end, old_size > 0 ? sqlite3_column_blob(q, 0) : NULL,
		    old_size);
	sqlite3_reset(q);
	if (a->block_over) /* more metrics than there are: never of our own making */
		return true;
	q = archive_query(a, QUERY_BLOCK_PUT, id, 0);
	sqlite3_bind_blob(q, 2, a->block, (int)a->block_size, SQLITE_STATIC);
	if (!archive_done(a, q))
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
	sqlite3_stmt *q = archive_query(a, QUERY_MONTH_PUT, object, head->span);
	for (int i = 0; i < AVAILABILITIES; i++)
		sqlite3_bind_int64(q, 3 + i, ms[i]);
	return archive_done(a, q);
}

/* How each kind of record is written. */
static bool (*const write_kind[])(struct archive *a, const struct block_head *head,
				  const unsigned char *at, const unsigned char *end) = {
	[BLOCK_COLUMNS] = write_block,
	[BLOCK_MONTH] = write_month,
	[BLOCK_INCIDENT] = archive_put_incident,
};

static bool
write_all(struct archive *a, const struct batch *b)
{
	struct block_head head;
	for (size_t at = 0; at < b->size; at += head.size) {
		memcpy(&head, b->bytes + at, sizeof head);
		const unsigned char *first = b->bytes + at + sizeof head,
				    *end = b->bytes + at + head.size;
		if (!write_kind[head.kind](a, &head, first, end))
			return false;
	}
	return true;
}

/* ---- its size ---- */

uint64_t
archive_size(const struct archive *a)
{
	struct archive *me = (struct archive *)(uintptr_t)a; /* SQLite knows no const */
	return a->db == NULL ? 0
			     : (archive_number(me, "PRAGMA page_count") -
				archive_number(me, "PRAGMA freelist_count")) *
				       archive_number(me, "PRAGMA page_size");
}

/* Drops the oldest blocks of the tier, up to some number and id. False: failed, or none.
 */
static bool
drop_oldest(struct archive *a, enum tier tier, int64_t below, int64_t most)
{
	int64_t first = block_id(tier, 0, 0);
	sqlite3_stmt *q = archive_query(a, QUERY_BLOCK_SIZE, first, below);
	sqlite3_bind_int64(q, 3, most);
	if (sqlite3_step(q) != SQLITE_ROW)
		return archive_failed(a);
	double size = sqlite3_column_double(q, 0);
	int64_t last = sqlite3_column_int64(q, 1);
	sqlite3_reset(q);
	if (last == 0)
		return false;
	if (!archive_done(a, archive_query(a, QUERY_BLOCK_DROP, first, last)))
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
	archive_done(a, archive_query(a, QUERY_MONTH_DROP,
				      now_s / 2629800 + 1970 * 12 - MONTHS_KEPT, 0));
}

bool
archive_write(struct archive *a, const struct batch *b, int64_t now_s)
{
	if (!archive_ready(a) || !archive_run(a, "BEGIN IMMEDIATE"))
		return false;
	double before[TIERS];
	memcpy(before, a->tier_bytes, sizeof before);
	a->why[0] = '\0';
	bool good = write_all(a, b);
	if (good)
		make_room(a, now_s);
	good = good && a->why[0] == '\0' && archive_run(a, "COMMIT");
	if (!good) { /* the reason stays the first one */
		sqlite3_exec(a->db, "ROLLBACK", NULL, NULL, NULL);
		memcpy(a->tier_bytes, before, sizeof before);
		memset(a->metric_id, 0,
		       sizeof a->metric_id); /* names may be gone again */
	}
	if (a->damaged)
		archive_ready(a);
	return good;
}

/* ---- reading ---- */

bool
archive_read(struct archive *a, const char *object, enum tier tier, int64_t span,
	     unsigned metric, float out[PACK_SLOTS])
{
	struct block_part part;
	if (!archive_ready(a))
		return false;
	int64_t id = name_id(a, object, false), m = archive_metric(a, metric, false);
	if (id == 0 || m == 0)
		return false;
	sqlite3_stmt *q = archive_query(a, QUERY_BLOCK, block_id(tier, span, id), 0);
	int rc = sqlite3_step(q);
	bool found = rc == SQLITE_ROW && sqlite3_column_bytes(q, 0) > 0 &&
		     block_find(sqlite3_column_blob(q, 0),
				(size_t)sqlite3_column_bytes(q, 0), (uint32_t)m, &part) &&
		     pack_read(part.bytes, part.size, out) >= 0;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		archive_failed(a);
	sqlite3_reset(q);
	return found;
}

bool
archive_month(struct archive *a, const char *object, int64_t month,
	      int64_t out[AVAILABILITIES])
{
	if (!archive_ready(a))
		return false;
	int64_t id = name_id(a, object, false);
	sqlite3_stmt *q = archive_query(a, QUERY_MONTH, id, month);
	int rc = id != 0 ? sqlite3_step(q) : SQLITE_DONE;
	for (int i = 0; rc == SQLITE_ROW && i < AVAILABILITIES; i++)
		out[i] = sqlite3_column_int64(q, i);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		archive_failed(a);
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
