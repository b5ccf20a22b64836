/* Any bytes as a block of the record: what is read is within bounds, and the block
 * may be followed by another. */
#include "test/fuzz/fuzz.h"

#include "base/text.h"
#include "status/record.h"

#include <string.h>

static size_t count;

static void
hear(void *arg, const struct record_event *e)
{
	(void)arg;
	count++;
	if (e->tag == RECORD_LINE) {
		PROMISE(strlen(e->line->text) < JOURNAL_TEXT);
		return;
	}
	PROMISE(e->tag == RECORD_RESULT || e->tag == RECORD_SAMPLE);
	PROMISE(e->name[0] != '\0' && e->count <= RECORD_VALUES && e->outcome < OUTCOMES);
	for (uint32_t i = 0; i < e->count; i++)
		PROMISE(e->values[i].metric < METRICS_COUNT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct record_head head = { .magic = RECORD_MAGIC, .size = (uint32_t)size };
	struct record_reader *r =
		record_reader_new((struct record_need){ .window = 3, .fresh_ms = 1000 });
	if (r == NULL || size > RECORD_BLOCK)
		return 0;
	head.sum = text_crc32c(bytes, size);
	for (int turn = 0; turn < 2; turn++) {
		count = 0;
		record_read(r, &head, bytes, hear, NULL);
		PROMISE(count <= 4000000);
	}
	record_reader_free(&r);
	return 0;
}
