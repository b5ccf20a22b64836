#include "status/archive_state.h"

#include <string.h>

#define KEPT_MS (INT64_C(366) * 86400000)
#define BYTES_EACH 32768 /* of the archive's size, for each incident that it keeps */

bool
archive_put_incident(struct archive *a, const struct block_head *head,
		     const unsigned char *at, const unsigned char *end)
{
	struct incident_times times;
	if ((size_t)(end - at) < sizeof times)
		return true; /* never of our own making */
	memcpy(&times, at, sizeof times);
	at += sizeof times;
	sqlite3_stmt *q =
		archive_query(a, head->merge ? QUERY_INCIDENT_ADD : QUERY_INCIDENT_PUT,
			      head->span, times.since_ms);
	sqlite3_bind_int64(q, 3, times.until_ms);
	sqlite3_bind_text(q, 4, (const char *)at, (int)(end - at), SQLITE_STATIC);
	return archive_done(a, q) &&
	       archive_done(a, archive_query(a, QUERY_INCIDENT_DROP,
					     times.until_ms - KEPT_MS,
					     (int64_t)(a->limit / BYTES_EACH)));
}

/* Each row to take. */
static void
give(struct archive *a, sqlite3_stmt *q, archive_take *take, void *arg)
{
	int rc;
	while ((rc = sqlite3_step(q)) == SQLITE_ROW)
		take(arg, (uint64_t)sqlite3_column_int64(q, 0),
		     (const char *)sqlite3_column_text(q, 1),
		     (size_t)sqlite3_column_bytes(q, 1));
	if (rc != SQLITE_DONE)
		archive_failed(a);
	sqlite3_reset(q);
}

void
archive_incidents(struct archive *a, int64_t since_ms, int64_t until_ms, unsigned most,
		  archive_take *take, void *arg)
{
	if (!archive_ready(a))
		return;
	sqlite3_stmt *q = archive_query(a, QUERY_INCIDENTS, since_ms, until_ms);
	sqlite3_bind_int64(q, 3, most);
	give(a, q, take, arg);
}

void
archive_incident(struct archive *a, uint64_t id, archive_take *take, void *arg)
{
	if (archive_ready(a))
		give(a, archive_query(a, QUERY_INCIDENT, (int64_t)id, 0), take, arg);
}
