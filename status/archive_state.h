/* status/archive_state.h: history on disk, from inside; for its parts only:
 * archive_file.c has the file and its queries, archive_block.c a block's bytes,
 * archive_incident.c incidents, archive.c what is kept. */
#ifndef STATUS_ARCHIVE_STATE_H
#define STATUS_ARCHIVE_STATE_H

#include "rules/metric.h"
#include "status/archive.h"

#include <sqlite3.h>

#define BLOCK_MAX (METRICS_COUNT * (PACK_SLOTS * 5 + 16))

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
	QUERY_INCIDENT_PUT,
	QUERY_INCIDENT_ADD,
	QUERY_INCIDENT_DROP,
	QUERY_INCIDENT,
	QUERY_INCIDENTS,
	QUERIES
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

/* ---- archive_file.c ---- */
/* The file is open, perhaps anew. False: archive_why says why. */
bool archive_ready(struct archive *a);
void archive_shut(struct archive *a);
bool archive_failed(struct archive *a); /* false; archive_why is SQLite's reason */
bool archive_run(struct archive *a, const char *sql);
/* Bound to these; the second only where there is one. */
sqlite3_stmt *
archive_query(struct archive *a, enum query which, int64_t first, int64_t second);
bool archive_done(struct archive *a, sqlite3_stmt *q);       /* it gives no rows */
uint64_t archive_number(struct archive *a, const char *sql); /* 0: none */

/* ---- archive.c ---- */
/* A number of our own, as those of the enumeration change with the version. 0: it has
 * none, or it failed. */
int64_t archive_metric(struct archive *a, unsigned metric, bool make);

/* ---- archive_incident.c ---- */
/* The record of an incident: instead of what is there, or beside it if that is whole and
 * this is not; and forgets what is too old or too much. */
bool archive_put_incident(struct archive *a, const struct block_head *head,
			  const unsigned char *at, const unsigned char *end);

/* ---- archive_block.c: for each column its metric's number, its size, its bytes ---- */
struct block_part {
	uint32_t metric, size;
	const unsigned char *bytes;
};
bool block_find(const unsigned char *bytes, size_t size, uint32_t metric,
		struct block_part *p);
/* The columns of a record, with what the row holds already: in a->block. */
void
block_build(struct archive *a, const struct block_head *head, const unsigned char *at,
	    const unsigned char *end, const unsigned char *old, size_t old_size);

#endif
