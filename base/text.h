/* base/text.h: bounded text: cleaning at the border, building, distance, checksum. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copies size bytes of anybody's making into out as printable UTF-8 on one line: control
 * bytes become spaces, bytes that are no UTF-8 become '?'; cut at a character's border to
 * cap - 1 bytes. Returns the length. cap >= 1. */
size_t text_clean(char *out, size_t cap, const void *bytes, size_t size);

/* snprintf that never fails loudly: cut to cap - 1, always ended. Returns the length kept. */
size_t text_print(char *out, size_t cap, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A text that grows in a fixed buffer; full says that something was cut off. */
struct text {
	char *bytes;
	size_t cap, length;
	bool full;
};
void text_begin(struct text *t, char *bytes, size_t cap);
/* A text as it is: a fraction of text_add's cost. */
void text_put(struct text *t, const char *text);
void text_put_number(struct text *t, uint64_t n); /* in decimal digits */
void text_add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Levenshtein distance with transposition, for "did you mean"; each up to 64 bytes count. */
unsigned text_distance(const char *a, const char *b);

struct text_nearest { /* of many words the one that was meant, perhaps */
	const char *word;  /* as it was written */
	unsigned distance; /* only who is nearer than this comes into question */
	const char *best;  /* NULL: none yet */
};
struct text_nearest text_nearest_of(const char *word); /* the longer, the more may differ */
void text_nearer(struct text_nearest *n, const char *candidate);
/* " (did you mean 'x'?)" or "". cap >= 96. */
char *text_hint(const struct text_nearest *n, char *out, size_t cap);

/* strerror(3) of a file that was opened as ours are: links and what is no file are refused. */
const char *text_file_error(int error);

/* CRC-32C (Castagnoli, RFC 3720 appendix B.4) of the bytes. */
uint32_t text_crc32c(const void *bytes, size_t size);

/* 64-bit FNV-1a: for schedule phases and tables, not for secrets. */
uint64_t text_hash(const char *text);

/* A duration for people: "350 ms", "2.4 s", "3 min 20 s", "2 h 5 min". cap >= 32. */
char *text_duration(int64_t ms, char *out, size_t cap);

/* "1 check", "2 checks"; the noun takes an s. cap >= 48. */
char *text_count(uint64_t n, const char *noun, char *out, size_t cap);

/* A size for people: "512 bytes", "1.5 GiB". cap >= 32. */
char *text_size(double bytes, char *out, size_t cap);

#endif
