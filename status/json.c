#include "status/json.h"

#include "base/clock.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 8192 /* of one string; nothing that we hold is longer */

void
json_begin(struct json *j)
{
	*j = (struct json){ 0 };
}

void
json_again(struct json *j)
{
	*j = (struct json){ .bytes = j->bytes, .cap = j->cap };
}

char *
json_end(struct json *j, size_t *length)
{
	json_raw(j, "", 1); /* the NUL */
	char *bytes = j->bytes;
	if (j->failed) {
		free(bytes);
		bytes = NULL;
	}
	if (length != NULL)
		*length = bytes != NULL ? j->length - 1 : 0;
	*j = (struct json){ 0 };
	return bytes;
}

static bool
more_room(struct json *j, size_t size)
{
	if (j->failed)
		return false;
	size_t cap = j->cap == 0 ? 1024 : j->cap;
	while (cap - j->length < size)
		cap *= 2;
	char *bytes = realloc(j->bytes, cap);
	if (bytes == NULL) {
		j->failed = true;
		return false;
	}
	j->bytes = bytes;
	j->cap = cap;
	return true;
}

/* Room for so many bytes more; NULL: there is none. What is written there is counted by
 * the caller. */
static inline char *
room(struct json *j, size_t size)
{
	if (j->cap - j->length < size && !more_room(j, size))
		return NULL;
	return j->bytes + j->length;
}

void
json_raw(struct json *j, const char *bytes, size_t size)
{
	char *to = room(j, size);
	if (to == NULL)
		return;
	memcpy(to, bytes, size);
	j->length += size;
}

/* With the comma before it, if one is due. */
static inline void
value(struct json *j, const char *bytes, size_t size)
{
	char *to = room(j, size + 1);
	if (to == NULL)
		return;
	if (j->comma)
		*to++ = ',';
	memcpy(to, bytes, size);
	j->length += size + j->comma;
	j->comma = true;
}

static inline void
quoted(struct json *j, const char *bytes, size_t size)
{
	char *to = room(j, size + 3);
	if (to == NULL)
		return;
	if (j->comma)
		*to++ = ',';
	*to++ = '"';
	memcpy(to, bytes, size);
	to[size] = '"';
	j->length += size + 2 + j->comma;
	j->comma = true;
}

void
json_open(struct json *j, char bracket)
{
	value(j, &bracket, 1);
	j->comma = false;
}

void
json_close(struct json *j, char bracket)
{
	json_raw(j, &bracket, 1);
	j->comma = true;
}

void
json_key_bytes(struct json *j, const char *key, size_t size)
{
	quoted(j, key, size);
	json_raw(j, ":", 1);
	j->comma = false;
}

void
json_nothing(struct json *j)
{
	value(j, "null", 4);
}

void
json_yes(struct json *j, bool yes)
{
	if (yes)
		value(j, "true", 4);
	else
		value(j, "false", 5);
}

void
json_whole(struct json *j, int64_t n)
{
	char text[24], *at = text + sizeof text;
	uint64_t v = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	do
		*--at = (char)('0' + v % 10);
	while ((v /= 10) > 0);
	if (n < 0)
		*--at = '-';
	value(j, at, (size_t)(text + sizeof text - at));
}

/* Up to three digits behind the point, as most of what is measured has; 0: it has others,
 * or more than nine in all. */
static size_t
thousandths_text(double n, char out[24])
{
	double size = n < 0 ? -n : n, all = round(size * 1000), off = size * 1000 - all;
	if (size < 1e-3 || size >= 1e6 || off > all * 1e-12 || -off > all * 1e-12)
		return 0;
	unsigned k = (unsigned)all, part = k % 1000;
	char *at = out + 24;
	while (part % 10 == 0 && part > 0)
		part /= 10;
	unsigned digits = k % 10 != 0 ? 3 : k % 100 != 0 ? 2 : 1;
	for (; digits > 0; digits--, part /= 10)
		*--at = (char)('0' + part % 10);
	*--at = '.';
	k /= 1000;
	do
		*--at = (char)('0' + k % 10);
	while ((k /= 10) > 0);
	if (n < 0)
		*--at = '-';
	size_t length = (size_t)(out + 24 - at);
	memmove(out, at, length);
	return length;
}

/* Whole numbers without a point, the rest with the digits that say something. */
void
json_number(struct json *j, double n)
{
	char text[40];
	if (!isfinite(n)) {
		json_nothing(j);
		return;
	}
	if (n > -1e15 && n < 1e15 && n == (double)(int64_t)n) {
		json_whole(j, (int64_t)n);
		return;
	}
	size_t length = thousandths_text(n, text);
	value(j, text, length > 0 ? length : text_print(text, sizeof text, "%.9g", n));
}

static bool
plain(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			return false;
	}
	return true;
}

/* Cleaned text has no control bytes: the quote and the backslash remain (RFC 8259, 7). */
static void
escaped(struct json *j, const char *text, size_t length)
{
	char clean[TEXT_MAX];
	length = text_clean(clean, sizeof clean, text, length);
	for (const char *p = clean, *end = clean + length; p < end;) {
		size_t n = strcspn(p, "\"\\");
		json_raw(j, p, n);
		p += n;
		if (p < end) {
			json_raw(j, "\\", 1);
			json_raw(j, p++, 1);
		}
	}
}

void
json_text(struct json *j, const char *text)
{
	if (text == NULL || *text == '\0') {
		json_nothing(j);
		return;
	}
	size_t length = strlen(text);
	if (plain(text, length)) {
		quoted(j, text, length);
		return;
	}
	value(j, "\"", 1);
	escaped(j, text, length);
	json_raw(j, "\"", 1);
}

void
json_time(struct json *j, int64_t real_ms)
{
	char text[32];
	if (real_ms == 0) {
		json_nothing(j);
		return;
	}
	clock_rfc3339(real_ms, text, sizeof text);
	quoted(j, text, strlen(text));
}

/* Milliseconds as seconds. The digits are set by hand: ten thousand of them are told at
 * once. */
static size_t
seconds_text(int64_t ms, char out[24])
{
	char back[24];
	size_t n = 0, length = 0;
	uint64_t v = (uint64_t)(ms > 0 ? ms : 0);
	for (; n < 5 || v > 0; v /= 10) {
		back[n++] = (char)('0' + v % 10);
		if (n == 3)
			back[n++] = '.';
	}
	while (n > 0)
		out[length++] = back[--n];
	return length;
}

static void
passed(struct json *j, enum json_clock clock, int64_t since_ms)
{
	char text[24];
	int64_t now = clock == CLOCK_OF_REAL ? clock_real_ms() : clock_ms();
	if (clock == CLOCK_NONE)
		json_nothing(j);
	else
		value(j, text, seconds_text(now - since_ms, text));
}

void
json_key_since(struct json *j, const char *key, enum json_clock clock, int64_t since_ms)
{
	json_key(j, key);
	if (!j->keep_hole || clock == CLOCK_NONE) {
		passed(j, clock, since_ms);
		return;
	}
	j->hole = (struct json_hole){ clock, since_ms, j->length };
	j->keep_hole = false;
	j->comma = true;
}

void
json_kept(struct json *j, const char *bytes, size_t size, const struct json_hole *hole)
{
	size_t before = hole->clock != CLOCK_NONE ? hole->at : size;
	value(j, bytes, before);
	if (before < size) {
		j->comma = false;
		passed(j, hole->clock, hole->since_ms);
		json_raw(j, bytes + before, size - before);
	}
	j->comma = true;
}
