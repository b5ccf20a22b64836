/* test/fuzz/section.h: for targets whose input is the section of a check, an empty line, and a
 * peer's bytes. */
#ifndef TEST_FUZZ_SECTION_H
#define TEST_FUZZ_SECTION_H

#include <stddef.h>
#include <stdint.h>

struct rules;

/* The rules of head with these lines behind it; NULL: they are wrong. Freed by rules_free. */
struct rules *section_parse(const char *head, const uint8_t *lines, size_t size);

#endif
