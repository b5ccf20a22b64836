/* status/json.h: the only place that builds JSON (RFC 8259): a text that grows, commas
 * set by itself, every string escaped and cleaned here and nowhere else. */
#ifndef STATUS_JSON_H
#define STATUS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seconds that have passed since some time: the one value of a text that changes by itself. */
enum json_clock { CLOCK_NONE, CLOCK_OF_MONOTONIC, CLOCK_OF_REAL };
struct json_hole {
	enum json_clock clock; /* CLOCK_NONE: the text has none */
	int64_t since_ms;
	size_t at;
};

struct json {
	char *bytes; /* json_end's caller frees it */
	size_t length, cap;
	bool comma;  /* the next value needs one before it */
	bool failed; /* out of memory: the text is not whole */
	bool keep_hole; /* json_key_since leaves out its value, once, and notes where */
	struct json_hole hole;
};

void json_begin(struct json *j);
/* The text, NUL-ended, now the caller's to free; NULL: out of memory. length may be NULL.
 */
char *json_end(struct json *j, size_t *length);

void json_open(struct json *j, char bracket);   /* '{' or '[' */
void json_close(struct json *j, char bracket);  /* '}' or ']' */
void json_key(struct json *j, const char *key); /* a plain word of ours */

/* Values. What is missing is null: a NULL or empty text, NaN, a time of 0. */
void json_nothing(struct json *j);
void json_yes(struct json *j, bool yes);
void json_whole(struct json *j, int64_t n);
void json_number(struct json *j, double n);
void json_text(struct json *j, const char *text);
void json_time(struct json *j, int64_t real_ms); /* RFC 3339, milliseconds, UTC */

/* A key and its value. */
void json_key_nothing(struct json *j, const char *key);
void json_key_yes(struct json *j, const char *key, bool yes);
void json_key_whole(struct json *j, const char *key, int64_t n);
void json_key_id(struct json *j, const char *key, uint64_t id); /* 0: null */
void json_key_number(struct json *j, const char *key, double n);
void json_key_text(struct json *j, const char *key, const char *text);
void json_key_time(struct json *j, const char *key, int64_t real_ms);

/* Seconds since; CLOCK_NONE: null. */
void json_key_since(struct json *j, const char *key, enum json_clock clock, int64_t since_ms);
/* A value that was written with keep_hole, its hole filled in. */
void json_kept(struct json *j, const char *bytes, size_t size, const struct json_hole *hole);

/* Bytes that are no JSON: for the writers of other texts that grow alike. */
void json_raw(struct json *j, const char *bytes, size_t size);

#endif
