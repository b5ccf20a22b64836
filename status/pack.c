#include "status/pack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOST_BITS 11 /* of a float's mantissa */
#define TOKEN_RUN 0u
#define TOKEN_GAP 1u
#define TOKEN_FIRST 2u

/* Codes are in the order of the values: what is near is near. */
static bool
code_of(double value, int32_t *code)
{
	float f = (float)value;
	uint32_t bits;
	if (!isfinite(f))
		return false;
	memcpy(&bits, &f, sizeof bits);
	uint32_t size = ((bits & 0x7fffffffu) + (1u << (LOST_BITS - 1))) >> LOST_BITS;
	*code = bits >> 31 != 0 ? -(int32_t)size : (int32_t)size;
	return true;
}

static float
value_of(int32_t code)
{
	uint32_t bits = (uint32_t)(code < 0 ? -code : code) << LOST_BITS;
	float f;
	memcpy(&f, &bits, sizeof f);
	return code < 0 ? -f : f;
}

float
pack_round(double value)
{
	int32_t code;
	return code_of(value, &code) ? value_of(code) : (float)NAN;
}

size_t
pack_number(unsigned char out[5], uint32_t n)
{
	size_t used = 0;
	for (; n >= 128; n >>= 7)
		out[used++] = (unsigned char)(n | 128);
	out[used++] = (unsigned char)n;
	return used;
}

bool
pack_take(const unsigned char **at, const unsigned char *end, uint32_t *n)
{
	*n = 0;
	for (unsigned shift = 0; *at < end && shift < 35; shift += 7) {
		unsigned char byte = *(*at)++;
		*n |= (uint32_t)(byte & 127u) << shift;
		if (byte < 128)
			return true;
	}
	return false;
}

static bool
add(struct column *c, uint32_t token)
{
	if (c->cap - c->size < 5) {
		size_t cap = c->cap == 0 ? 16 : c->cap * 2u;
		unsigned char *bytes = cap <= UINT16_MAX ? realloc(c->bytes, cap) : NULL;
		if (bytes == NULL)
			return false;
		c->bytes = bytes;
		c->cap = (uint16_t)cap;
	}
	c->size = (uint16_t)(c->size + pack_number(c->bytes + c->size, token));
	return true;
}

bool
column_flush(struct column *c)
{
	uint16_t run = c->run;
	c->run = 0;
	return run == 0 || (add(c, TOKEN_RUN) && add(c, run));
}

static bool
put_gap(struct column *c)
{
	if (c->slots++ > 0 && c->gap) {
		c->run++;
		return true;
	}
	c->gap = true;
	return column_flush(c) && add(c, TOKEN_GAP);
}

bool
column_put(struct column *c, unsigned slot, double value)
{
	int32_t code;
	bool known = code_of(value, &code);
	if (slot < c->slots || slot >= PACK_SLOTS)
		return true;
	while (c->slots < slot)
		if (!put_gap(c))
			return false;
	if (!known)
		return put_gap(c);
	if (c->slots++ > 0 && !c->gap && code == c->code) {
		c->run++;
		return true;
	}
	int64_t step = (int64_t)code - c->code; /* within 22 bits */
	uint32_t zigzag = step < 0 ? (uint32_t)(-step * 2 - 1) : (uint32_t)(step * 2);
	c->code = code;
	c->gap = false;
	return column_flush(c) && add(c, zigzag + TOKEN_FIRST);
}

void
column_empty(struct column *c)
{
	free(c->bytes);
	*c = (struct column){ 0 };
}

/* What a token says of the slots that follow. False: malformed. */
static bool
token_read(const unsigned char **at, const unsigned char *end, int32_t *code,
	   float *value, uint32_t *times)
{
	uint32_t token;
	*times = 1;
	if (!pack_take(at, end, &token))
		return false;
	if (token == TOKEN_RUN)
		return pack_take(at, end, times);
	if (token == TOKEN_GAP) {
		*value = (float)NAN;
		return true;
	}
	uint32_t zigzag = token - TOKEN_FIRST;
	int64_t next = *code + ((zigzag & 1) != 0 ? -(int64_t)(zigzag / 2) - 1
						  : (int64_t)(zigzag / 2));
	if (next > INT32_MAX >> LOST_BITS || next < -(INT32_MAX >> LOST_BITS))
		return false;
	*code = (int32_t)next;
	*value = value_of(*code);
	return true;
}

int
pack_read(const unsigned char *bytes, size_t size, float out[PACK_SLOTS])
{
	const unsigned char *at = bytes, *end = bytes + size;
	float value = (float)NAN;
	int32_t code = 0;
	unsigned slots = 0;
	for (unsigned i = 0; i < PACK_SLOTS; i++)
		out[i] = (float)NAN;
	while (at < end) {
		uint32_t times;
		if (!token_read(&at, end, &code, &value, &times) ||
		    times > PACK_SLOTS - slots)
			return -1;
		while (times-- > 0)
			out[slots++] = value;
	}
	return (int)slots;
}
