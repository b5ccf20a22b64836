#include "probes/bytes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void
bytes_add(struct bytes *b, const void *data, size_t size)
{
	if (b->full || size > b->cap - b->size) {
		b->full = true;
		return;
	}
	if (size > 0)
		memcpy(b->at + b->size, data, size);
	b->size += size;
}

void
bytes_text(struct bytes *b, const char *text)
{
	bytes_add(b, text, strlen(text));
}

void
bytes_number(struct bytes *b, uint64_t n, unsigned size)
{
	char out[8];
	for (unsigned i = 0; i < size; i++)
		out[i] = (char)(n >> 8 * (size - 1 - i) & 0xff);
	bytes_add(b, out, size);
}

void
bytes_little(struct bytes *b, uint64_t n, unsigned size)
{
	char out[8];
	for (unsigned i = 0; i < size; i++)
		out[i] = (char)(n >> 8 * i & 0xff);
	bytes_add(b, out, size);
}

size_t
bytes_asked(const struct bytes *b)
{
	return b->full ? 0 : b->size;
}

uint64_t
bytes_read(const char *at, unsigned size)
{
	uint64_t n = 0;
	for (unsigned i = 0; i < size; i++)
		n = n << 8 | (unsigned char)at[i];
	return n;
}

uint64_t
bytes_read_little(const char *at, unsigned size)
{
	uint64_t n = 0;
	for (unsigned i = size; i > 0; i--)
		n = n << 8 | (unsigned char)at[i - 1];
	return n;
}

struct blob
bytes_secret(const struct blob *files)
{
	struct blob secret = { .bytes = NULL };
	if (files != NULL)
		secret = files[FILE_SECRET];
	while (secret.size > 0 && (secret.bytes[secret.size - 1] == '\n' ||
				   secret.bytes[secret.size - 1] == '\r'))
		secret.size--;
	return secret;
}

const char *
bytes_user(const struct plan *p)
{
	return p->check->more->http != NULL ? p->check->more->http->auth_user : NULL;
}

double
bytes_line_number(const char *text, size_t size, const char *name, char behind)
{
	size_t n = strlen(name);
	const char *end = text + size;
	for (const char *line = text; line < end;) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)((stop != NULL ? stop : end) - line);
		if (length > n + 1 && memcmp(line, name, n) == 0 && line[n] == behind) {
			char number[32] = "";
			size_t rest = length - n - 1;
			memcpy(number, line + n + 1, rest < 31 ? rest : 31);
			char *after;
			double value = strtod(number, &after);
			return after != number && isfinite(value) ? value : (double)NAN;
		}
		line = stop != NULL ? stop + 1 : end;
	}
	return (double)NAN;
}
