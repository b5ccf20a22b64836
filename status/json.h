/* status/json.h: the only place that builds JSON (RFC 8259): a text that grows, commas
 * set by itself, every string escaped and cleaned here and nowhere else. */
#ifndef STATUS_JSON_H
#define STATUS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

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
/* Empty, in the memory that it has. */
void json_again(struct json *j);
/* The text, NUL-ended, now the caller's to free; NULL: out of memory. length may be NULL.
 */
char *json_end(struct json *j, size_t *length);

void json_open(struct json *j, char bracket);   /* '{' or '[' */
void json_close(struct json *j, char bracket);  /* '}' or ']' */
void json_key_bytes(struct json *j, const char *key, size_t size);
/* A plain word of ours. Here, so that its length is counted when it is compiled: an answer
 * holds some hundred thousand. */
static inline void
json_key(struct json *j, const char *key)
{
	json_key_bytes(j, key, strlen(key));
}

/* Values. What is missing is null: a NULL or empty text, NaN, a time of 0. */
void json_nothing(struct json *j);
void json_yes(struct json *j, bool yes);
void json_whole(struct json *j, int64_t n);
void json_number(struct json *j, double n);
void json_text(struct json *j, const char *text);
void json_time(struct json *j, int64_t real_ms); /* RFC 3339, milliseconds, UTC */

/* A key and its value. */
static inline void
json_key_nothing(struct json *j, const char *key)
{
	json_key(j, key);
	json_nothing(j);
}

static inline void
json_key_yes(struct json *j, const char *key, bool yes)
{
	json_key(j, key);
	json_yes(j, yes);
}

static inline void
json_key_whole(struct json *j, const char *key, int64_t n)
{
	json_key(j, key);
	json_whole(j, n);
}

static inline void
json_key_id(struct json *j, const char *key, uint64_t id) /* 0: null */
{
	json_key(j, key);
	if (id == 0)
		json_nothing(j);
	else
		json_whole(j, (int64_t)id);
}

static inline void
json_key_number(struct json *j, const char *key, double n)
{
	json_key(j, key);
	json_number(j, n);
}

static inline void
json_key_text(struct json *j, const char *key, const char *text)
{
	json_key(j, key);
	json_text(j, text);
}

static inline void
json_key_time(struct json *j, const char *key, int64_t real_ms)
{
	json_key(j, key);
	json_time(j, real_ms);
}

/* Seconds since; CLOCK_NONE: null. */
void json_key_since(struct json *j, const char *key, enum json_clock clock, int64_t since_ms);
/* A value that was written with keep_hole, its hole filled in. */
void json_kept(struct json *j, const char *bytes, size_t size, const struct json_hole *hole);

/* Bytes that are no JSON: for the writers of other texts that grow alike. */
void json_raw(struct json *j, const char *bytes, size_t size);

#endif
