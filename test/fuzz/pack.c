/* Columns of a damaged archive: no bytes make pack_read leave its slots. */
#include "test/fuzz/fuzz.h"

#include "status/pack.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	float slots[PACK_SLOTS];
	struct column c = { 0 };
	int count = pack_read(bytes, size, slots);
	PROMISE(count >= -1 && count <= PACK_SLOTS);
	for (int i = 0; i < count; i++)
		PROMISE(column_put(&c, (unsigned)i, (double)slots[i]));
	PROMISE(column_flush(&c));
	PROMISE(count <= 0 || pack_read(c.bytes, c.size, slots) == count);
	column_empty(&c);
	return 0;
}
