/* status/record.h: every measurement as it came, in files of blocks, so that other rules can
 * be played over it.
 *
 * A block is whole by itself: its head, then entries: a tag, the time since the entry before
 * (zigzag, ms), and numbers in base 128. Names stand once in a block and are numbers from
 * then on. What is measured again and is the same is counted, not repeated: the same is what
 * differs from the value written last by no more than 1 % (a point for percentages, 64 KiB
 * for sizes, 16 KiB/s for rates; latencies 10 % and 5 ms). A block that is torn is left out.
 */
#ifndef STATUS_RECORD_H
#define STATUS_RECORD_H

#include "base/journal.h"
#include "base/msg.h"
#include "rules/rules.h"

#define RECORD_MAGIC "monrec1"
#define RECORD_BLOCK 1000000  /* bytes of entries, at most */
#define RECORD_USUAL 65536    /* what a block has for few objects */
#define RECORD_LEAST 32768    /* no writer can do with less */
#define RECORD_SPAN_MS 600000 /* a block is written after so long */
#define RECORD_VALUES 24

struct record_head {
	char magic[8];
	uint32_t size, sum; /* of the entries behind it */
	int64_t real_ms;    /* that the first entry's time is since */
};

enum record_tag { RECORD_NAME = 1, RECORD_RESULT, RECORD_SAMPLE, RECORD_SAME, RECORD_LINE, RECORD_TAGS };
enum record_noun { NOUN_SERVICE, NOUN_CHECK, NOUN_METRIC, NOUNS };


/* ---- writing: record.c ---- */

struct record_writer;

/* put gets each block that is full. NULL: out of memory. */
struct record_writer *record_writer_new(const struct rules *rules,
					void (*put)(void *arg, const void *bytes, size_t size), void *arg);
/* A block has as many bytes as each object needs to say something in it and then to be counted,
 * but no more than this: RECORD_LEAST or more. */
void record_writer_most(struct record_writer *w, size_t most);
void record_writer_free(struct record_writer **wp); /* what is open is put first */
void record_result(struct record_writer *w, const struct msg_result *r, int64_t real_ms);
void record_sample(struct record_writer *w, const struct msg_sample *s, int64_t real_ms);
void record_line(struct record_writer *w, const struct journal_line *l);

/* ---- reading: record_read.c ---- */

struct record_value {
	enum metric metric;
	float value;
};
struct record_event { /* one measurement, or a line of the journal */
	int64_t real_ms;
	enum record_tag tag;
	const char *name; /* of the check or service */
	uint32_t object;  /* a number for the name, the same in all blocks */
	enum outcome outcome;
	float latency_ms;
	uint32_t count; /* all values, also those that stayed */
	const struct record_value *values;
	const struct journal_line *line; /* RECORD_LINE */
};

struct record_reader;
/* What is needed of measurements that say the same as the one before: so many of them, then
 * one in fresh_ms. (What decides a verdict is told in full.) */
struct record_need {
	uint32_t window;
	int64_t fresh_ms;
};
struct record_reader *record_reader_new(struct record_need need);
void record_reader_free(struct record_reader **rp);
/* One block's events in the order of their times, to fn. False: the block is damaged; what could be read was told. */
bool record_read(struct record_reader *r, const struct record_head *head, const unsigned char *bytes,
		 void (*fn)(void *arg, const struct record_event *e), void *arg);

/* ---- files: record_file.c ---- */

struct record_files;
/* In this folder, kept for keep_ms within limit bytes; written by a thread of their own.
 * NULL: no thread, or no pipe to it that holds a block; it has been told. */
struct record_files *record_files_new(const char *folder, int64_t keep_ms, uint64_t limit);
/* Bytes of a block that has room on its way to the thread: RECORD_LEAST or more. */
size_t record_files_most(const struct record_files *f);
void record_files_put(void *files, const void *bytes, size_t size); /* never waits */
void record_files_free(struct record_files **fp); /* writes what is left, within a second */
/* All blocks since then, oldest first. Returns how many; -1: errno. */
int record_files_read(const char *folder, int64_t since_real_ms,
		      bool (*fn)(void *arg, const struct record_head *head, const unsigned char *bytes),
		      void *arg);

#endif
