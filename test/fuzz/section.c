/* For targets whose input is the section of a check, an empty line, and a peer's bytes: the
 * section mostly stays as it is, as it is the bytes that are in question. */
#include "test/fuzz/section.h"

#include "rules/parse.h"
#include "test/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

struct rules *
section_parse(const char *head, const uint8_t *lines, size_t size)
{
	size_t n = strlen(head);
	char path[] = "fuzz.ini", *text = malloc(n + size + 1);
	if (text == NULL)
		exit(1);
	memcpy(text, head, n);
	memcpy(text + n, lines, size);
	struct source one = { .path = path, .text = text, .size = n + size };
	struct sources s = { .list = &one, .count = 1 };
	struct problems p = { 0 };
	struct rules *r = rules_parse(&s, &p);
	problems_free(&p);
	free(text);
	return r;
}

size_t
LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t cap, unsigned seed)
{
	const uint8_t *end = memmem(bytes, size, "\n\n", 2);
	size_t head = end != NULL && seed % 16 != 0 ? (size_t)(end - bytes) + 2 : 0;
	if (head >= cap)
		head = 0;
	return head + LLVMFuzzerMutate(bytes + head, size - head, cap - head);
}
