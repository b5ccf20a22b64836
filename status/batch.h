/* status/batch.h: what is to be written into the archive, gathered: records one behind
 * the other in one piece of memory, which changes hands as a whole. */
#ifndef STATUS_BATCH_H
#define STATUS_BATCH_H

#include "status/pack.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each step of history: how far its samples are apart, how long it is kept. A block holds
 * the PACK_SLOTS samples of one object that begin at span * PACK_SLOTS * step_s. */
enum tier { TIER_10S, TIER_1M, TIER_10M, TIERS };
struct tier_row {
	int64_t step_s, keep_s;
};
extern const struct tier_row tier_table[TIERS];

enum availability { AVAILABLE, BROKEN, PLANNED, UNTOLD, AVAILABILITIES };
extern const char *const availability_name[AVAILABILITIES];

#define BATCH_NAME 80 /* "service/tomcat-1", with its NUL */

enum block_kind {
	BLOCK_COLUMNS,
	BLOCK_MONTH,   /* AVAILABILITIES int64_t of milliseconds */
	BLOCK_INCIDENT /* struct incident_times, then its JSON */
};

struct block_head {
	uint32_t size; /* of the record, its head included */
	uint8_t kind;  /* enum block_kind */
	uint8_t tier;
	uint8_t merge; /* it is not the whole: what stands there already stays */
	uint8_t pad;
	int64_t span; /* or the month: year * 12 + month; or the incident's id */
	char object[BATCH_NAME];
};

struct incident_times {
	int64_t since_ms, until_ms; /* Unix time */
};

struct column_head {
	uint16_t metric; /* enum metric */
	uint16_t size;
};

struct batch {
	unsigned char *bytes;
	size_t size, cap, open; /* open: where the record that is being written begins */
	uint64_t lost;          /* records that found no room */
};

/* One record: open, columns, close. What fails is counted as lost, not half there. */
void batch_open(struct batch *b, const struct block_head *head);
void batch_column(struct batch *b, unsigned metric, const struct column *c);
void batch_bytes(struct batch *b, const void *bytes, size_t size);
void batch_close(struct batch *b);
void batch_empty(struct batch *b); /* frees the memory */

#endif
