/* The bytes of a block: its columns, and how those of two records become one. */
#include "status/archive_state.h"

#include <math.h>
#include <string.h>

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

static bool
next_part(const unsigned char **at, const unsigned char *end, struct block_part *p)
{
	if (*at >= end || !pack_take(at, end, &p->metric) ||
	    !pack_take(at, end, &p->size) || p->size > (size_t)(end - *at))
		return false;
	p->bytes = *at;
	*at += p->size;
	return true;
}

bool
block_find(const unsigned char *bytes, size_t size, uint32_t metric, struct block_part *p)
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
merged(struct archive *a, uint32_t metric, const struct block_part *old,
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

void
block_build(struct archive *a, const struct block_head *head, const unsigned char *at,
	    const unsigned char *end, const unsigned char *old, size_t old_size)
{
	bool there[METRICS_COUNT] = { false };
	struct column_head column;
	struct block_part part;
	a->block_size = 0;
	a->block_over = false;
	for (; next_column(&at, end, &column); at += column.size) {
		int64_t metric = archive_metric(a, column.metric, true);
		if (metric == 0)
			continue;
		there[column.metric] = true;
		if (!head->merge || !block_find(old, old_size, (uint32_t)metric, &part) ||
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
