/* status/pack.h: samples of one metric at equal steps, packed: a value that repeats costs
 * nothing, one that moves by little a byte, any other two or three.
 *
 * A value keeps 13 bits of its mantissa (0.012 %): whole numbers are exact to 8,192. A
 * column is a row of tokens, base-128 numbers: 0 and n: the last slot n times more; 1: a
 * slot without a value; 2 and more: the zigzag difference to the last value's code,
 * and 2.
 */
#ifndef STATUS_PACK_H
#define STATUS_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACK_SLOTS 360

struct column { /* being written; zero-filled: empty */
	unsigned char *bytes;
	uint16_t size, cap;
	uint16_t slots; /* how many stand in it, with the run */
	uint16_t run;   /* of the last, not yet in bytes */
	int32_t code;   /* of the last value */
	bool gap;       /* the last slot had none */
};

/* The value at slot, NaN for none; slots left out before it have none. A slot that is
 * there already, or past PACK_SLOTS, is left as it is. False: out of memory. */
bool column_put(struct column *c, unsigned slot, double value);
/* Ends the run: bytes and size are all of it. False: out of memory. */
bool column_flush(struct column *c);
void column_empty(struct column *c); /* frees */

/* All slots, NaN where there is none. Returns how many stood there; -1: malformed. */
int pack_read(const unsigned char *bytes, size_t size, float out[PACK_SLOTS]);

/* Base-128 numbers, also of the blocks that columns stand in. */
size_t pack_number(unsigned char out[5], uint32_t n);
bool pack_take(const unsigned char **at, const unsigned char *end, uint32_t *n);

/* What the packing makes of a value. */
float pack_round(double value);

#endif
