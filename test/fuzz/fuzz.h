/* test/fuzz/fuzz.h: what every fuzz target offers. libFuzzer calls it with bytes of its
 * own making; replay.c, where there is no clang, with those of the corpus. */
#ifndef TEST_FUZZ_FUZZ_H
#define TEST_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
/* Of targets that say how their input is changed (section.c); the library's own way, where
 * there is the library. */
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t cap, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t cap) __attribute__((weak));

/* A promise that does not hold ends the run, with the place. */
#define PROMISE(what)                                                                    \
	do {                                                                             \
		if (!(what)) {                                                           \
			fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__,       \
				#what);                                                  \
			abort();                                                         \
		}                                                                        \
	} while (0)

#endif
