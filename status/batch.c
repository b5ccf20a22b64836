#include "status/batch.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_MAX (32u << 20) /* a disk that hangs for hours costs no more memory */

const struct tier_row tier_table[TIERS] = {
	[TIER_10S] = { 10, 25 * 3600 },
	[TIER_1M] = { 60, 7 * 86400 },
	[TIER_10M] = { 600, 366 * 86400 },
};

const char *const availability_name[AVAILABILITIES] = {
	[AVAILABLE] = "up",
	[BROKEN] = "down",
	[PLANNED] = "planned",
	[UNTOLD] = "unknown",
};

#define NOT_OPEN SIZE_MAX

void
batch_bytes(struct batch *b, const void *bytes, size_t size)
{
	if (b->open == NOT_OPEN)
		return; /* the record is lost already */
	if (b->cap - b->size < size) {
		size_t cap = b->cap == 0 ? 65536 : b->cap;
		while (cap - b->size < size)
			cap *= 2;
		unsigned char *more = cap <= BATCH_MAX ? realloc(b->bytes, cap) : NULL;
		if (more == NULL) {
			b->size = b->open;
			b->open = NOT_OPEN;
			b->lost++;
			return;
		}
		b->bytes = more;
		b->cap = cap;
	}
	memcpy(b->bytes + b->size, bytes, size);
	b->size += size;
}

void
batch_open(struct batch *b, const struct block_head *head)
{
	b->open = b->size;
	batch_bytes(b, head, sizeof *head);
}

void
batch_column(struct batch *b, unsigned metric, const struct column *c)
{
	struct column_head head = { .metric = (uint16_t)metric, .size = c->size };
	batch_bytes(b, &head, sizeof head);
	batch_bytes(b, c->bytes, c->size);
}

void
batch_close(struct batch *b)
{
	if (b->open == NOT_OPEN)
		return;
	uint32_t size = (uint32_t)(b->size - b->open);
	memcpy(b->bytes + b->open + offsetof(struct block_head, size), &size,
	       sizeof size);
}

void
batch_empty(struct batch *b)
{
	free(b->bytes);
	*b = (struct batch){ 0 };
}
