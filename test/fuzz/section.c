/* For targets whose input is the section of a check, an empty line, and a peer's bytes: the
 * section mostly stays as it is, as it is the bytes that are in question. */
#include "test/fuzz/fuzz.h"

#include <string.h>

size_t
LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t cap, unsigned seed)
{
	const uint8_t *end = memmem(bytes, size, "\n\n", 2);
	size_t head = end != NULL && seed % 16 != 0 ? (size_t)(end - bytes) + 2 : 0;
	if (head >= cap)
		head = 0;
	return head + LLVMFuzzerMutate(bytes + head, size - head, cap - head);
}
