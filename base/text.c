#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Length of the well-formed UTF-8 character at p (Unicode table 3-7), 0: none. */
static size_t
utf8_length(const unsigned char *p, size_t size)
{
	size_t n = p[0] < 0x80   ? 1
		   : p[0] < 0xc2 ? 0
		   : p[0] < 0xe0 ? 2
		   : p[0] < 0xf0 ? 3
		   : p[0] < 0xf5 ? 4
				 : 0;
	if (n == 0 || n > size)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return n;
}

/* C1 controls, and the line and paragraph separators, end or garble a line somewhere; marks
 * and overrides of direction make it read otherwise than it is. */
static bool
utf8_control(const unsigned char *p, size_t n)
{
	if (n == 3 && p[0] == 0xe2)
		return (p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f ||
					 (p[2] >= 0xa8 && p[2] <= 0xae))) ||
		       (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
	return (n == 1 && (p[0] < 0x20 || p[0] == 0x7f)) ||
	       (n == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

size_t
text_clean(char *out, size_t cap, const void *bytes, size_t size)
{
	const unsigned char *p = bytes;
	size_t used = 0;
	assert(cap >= 1);
	while (size > 0) {
		/* most are ASCII: of one byte, and as they should be */
		while (size > 0 && *p >= 0x20 && *p < 0x7f && used + 1 < cap) {
			out[used++] = (char)*p++;
			size--;
		}
		if (size == 0)
			break;
		size_t n = utf8_length(p, size), take = n == 0 ? 1 : n;
		bool plain = n != 0 && !utf8_control(p, n);
		if (used + (plain ? n : 1) >= cap)
			break;
		if (plain)
			memcpy(out + used, p, n);
		else
			out[used] = n == 0 ? '?' : ' ';
		used += plain ? n : 1;
		p += take;
		size -= take;
	}
	out[used] = '\0';
	return used;
}

size_t
text_print(char *out, size_t cap, const char *format, ...)
{
	va_list args;
	assert(cap >= 1);
	va_start(args, format);
	int n = vsnprintf(out, cap, format, args);
	va_end(args);
	if (n < 0)
		out[0] = '\0';
	return n < 0 ? 0 : (size_t)n < cap ? (size_t)n : cap - 1;
}

void
text_begin(struct text *t, char *bytes, size_t cap)
{
	assert(cap >= 1);
	*t = (struct text){ .bytes = bytes, .cap = cap };
	bytes[0] = '\0';
}

void
text_put(struct text *t, const char *text)
{
	size_t n = strlen(text), room = t->cap - 1 - t->length;
	if (n > room) {
		n = room;
		t->full = true;
	}
	memcpy(t->bytes + t->length, text, n);
	t->length += n;
	t->bytes[t->length] = '\0';
}

void
text_put_number(struct text *t, uint64_t n)
{
	char digits[21], *d = digits + sizeof digits - 1;
	*d = '\0';
	do
		*--d = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	text_put(t, d);
}

void
text_add(struct text *t, const char *format, ...)
{
	va_list args;
	size_t room = t->cap - t->length;
	va_start(args, format);
	int want = vsnprintf(t->bytes + t->length, room, format, args);
	va_end(args);
	t->full = t->full || want < 0 || (size_t)want >= room;
	if (want < 0)
		t->bytes[t->length] = '\0';
	else
		t->length += (size_t)want < room ? (size_t)want : room - 1;
}

#define DISTANCE_MAX 64

unsigned
text_distance(const char *a, const char *b)
{
	size_t na = strnlen(a, DISTANCE_MAX), nb = strnlen(b, DISTANCE_MAX);
	unsigned row[3][DISTANCE_MAX + 1];
	unsigned *two = row[0], *one = row[1], *now = row[2];
	for (size_t j = 0; j <= nb; j++)
		one[j] = (unsigned)j;
	for (size_t i = 1; i <= na; i++) {
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned best = one[j - 1] + (a[i - 1] != b[j - 1]);
			if (one[j] + 1 < best)
				best = one[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1] && two[j - 2] + 1 < best)
				best = two[j - 2] + 1;
			now[j] = best;
		}
		unsigned *t = two;
		two = one;
		one = now;
		now = t;
	}
	return one[nb];
}

struct text_nearest
text_nearest_of(const char *word)
{
	size_t n = strnlen(word, DISTANCE_MAX);
	return (struct text_nearest){ .word = word,
				      .distance = n < 4   ? 2
						  : n < 8 ? 3
							  : 4 };
}

void
text_nearer(struct text_nearest *n, const char *candidate)
{
	unsigned distance = text_distance(n->word, candidate);
	if (distance >= n->distance)
		return;
	n->distance = distance;
	n->best = candidate;
}

char *
text_hint(const struct text_nearest *n, char *out, size_t cap)
{
	text_print(out, cap, n->best != NULL ? " (did you mean '%s'?)" : "%s",
		   n->best != NULL ? n->best : "");
	return out;
}

const char *
text_file_error(int error)
{
	return error == ELOOP ? "it is a symbolic link"
	       : error == EINVAL || error == ENXIO || error == ESPIPE ? "it is no file"
								      : strerror(error);
}

uint32_t
text_crc32c(const void *bytes, size_t size)
{
	static uint32_t table[256];
	const unsigned char *p = bytes;
	if (table[1] == 0)
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = i;
			for (int k = 0; k < 8; k++)
				c = (c >> 1) ^ (0x82f63b78u & (0u - (c & 1)));
			table[i] = c;
		}
	uint32_t crc = 0xffffffffu;
	while (size-- > 0)
		crc = (crc >> 8) ^ table[(crc ^ *p++) & 0xff];
	return crc ^ 0xffffffffu;
}

uint64_t
text_hash(const char *text)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3u;
	return h;
}

static void
two_units(char *out, size_t cap, long long big, const char *unit, long long small, const char *less)
{
	if (small > 0)
		text_print(out, cap, "%lld %s %lld %s", big, unit, small, less);
	else
		text_print(out, cap, "%lld %s", big, unit);
}

char *
text_duration(int64_t ms, char *out, size_t cap)
{
	long long s = ms / 1000;
	if (ms < 1000)
		text_print(out, cap, "%lld ms", (long long)ms);
	else if (ms < 10000)
		text_print(out, cap, "%lld.%lld s", s, (long long)(ms % 1000 / 100));
	else if (s < 60)
		text_print(out, cap, "%lld s", s);
	else if (s < 3600)
		two_units(out, cap, s / 60, "min", s % 60, "s");
	else if (s < 86400)
		two_units(out, cap, s / 3600, "h", s % 3600 / 60, "min");
	else
		two_units(out, cap, s / 86400, "d", s % 86400 / 3600, "h");
	return out;
}

char *
text_count(uint64_t n, const char *noun, char *out, size_t cap)
{
	text_print(out, cap, "%" PRIu64 " %s%s", n, noun, n == 1 ? "" : "s");
	return out;
}

char *
text_size(double bytes, char *out, size_t cap)
{
	static const char *const unit[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	size_t u = 0;
	while (bytes >= 1024 && u + 1 < sizeof unit / sizeof *unit) {
		bytes /= 1024;
		u++;
	}
	text_print(out, cap, u == 0 ? "%.0f %s" : "%.1f %s", bytes, unit[u]);
	return out;
}
