/* Any bytes as a slot of the journal: as they are after a '=', else under a right
 * checksum, so that what reads the fields is reached. What was read is written and read
 * alike. */
#include "test/fuzz/fuzz.h"

#include "base/journal.h"
#include "base/text.h"

#include <string.h>

static void
fill(const uint8_t *bytes, size_t size, char slot[JOURNAL_SLOT])
{
	char crc[9];
	memset(slot, ' ', JOURNAL_SLOT);
	if (size > 0 && bytes[0] == '=') {
		memcpy(slot, bytes + 1,
		       size - 1 < JOURNAL_SLOT ? size - 1 : JOURNAL_SLOT);
		return;
	}
	while (size > 0 && (size > JOURNAL_SLOT - 10 || bytes[size - 1] == ' '))
		size--;
	snprintf(crc, sizeof crc, "%08x", text_crc32c(bytes, size));
	memcpy(slot, crc, 8);
	slot[8] = '\t';
	memcpy(slot + 9, bytes, size);
	slot[JOURNAL_SLOT - 1] = '\n';
}

static bool
same(const struct journal_line *a, const struct journal_line *b)
{
	return a->id == b->id && a->real_ms == b->real_ms && a->cause == b->cause &&
	       a->incident == b->incident && strcmp(a->kind, b->kind) == 0 &&
	       strcmp(a->object_kind, b->object_kind) == 0 &&
	       strcmp(a->object, b->object) == 0 && strcmp(a->rule, b->rule) == 0 &&
	       strcmp(a->to, b->to) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct journal_line once, twice, third;
	char slot[JOURNAL_SLOT];
	fill(bytes, size, slot);
	if (!journal_decode(slot, &once))
		return 0;
	PROMISE(once.id > 0 && once.real_ms >= 0);
	journal_encode(&once, slot); /* blanks at a field's end go here, */
	PROMISE(journal_decode(slot, &twice));
	journal_encode(&twice, slot);
	PROMISE(journal_decode(slot, &third));
	PROMISE(same(&twice, &third) &&
		strcmp(twice.text, third.text) == 0); /* and only once */
	PROMISE(once.id == twice.id && once.real_ms == twice.real_ms);
	return 0;
}
