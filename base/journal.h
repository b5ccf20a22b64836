/* base/journal.h: the line format of the journal and its reader.
 *
 * The journal is a preallocated ring of slots of JOURNAL_SLOT bytes in the run directory
 * (tmpfs), one event a slot: event id lies in slot id % slots. A slot is a line of text:
 *
 *   CRC32C(8 hex digits) TAB id TAB real_ms TAB kind TAB object-kind TAB object TAB rule
 *   TAB cause TAB incident TAB to TAB text, padded with spaces, newline
 *
 * The checksum covers all after its TAB up to the padding's end. An empty field is "-".
 * monitord alone writes; a reader holds a read-only descriptor and a cursor, and counts the
 * lines that were overwritten before it came. The ring begins with one slot of its own that
 * holds "monitord journal 1", the slot count, the boot id and the first id that the ring ever
 * held: what came before lay in another one, and is not lost in this.
 */
#ifndef BASE_JOURNAL_H
#define BASE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_SLOT 1024u
#define JOURNAL_TEXT 640
#define JOURNAL_NAME 65
#define JOURNAL_TO 160

struct journal_line {
	uint64_t id;	/* > 0, grows by one */
	int64_t real_ms;
	char kind[24];		   /* "check-down", "service-exited", ... */
	char object_kind[12];	   /* service check rule route contact monitord */
	char object[JOURNAL_NAME]; /* its name, "" none */
	char rule[JOURNAL_NAME];   /* the rule that decided it, "" none */
	uint64_t cause;		   /* id of the event that led to it, 0 none */
	uint64_t incident;	   /* 0 none */
	char to[JOURNAL_TO];	   /* contacts to be told, comma-separated, "" nobody */
	char text[JOURNAL_TEXT];   /* one clean sentence */
};

/* Writes the slot's exact JOURNAL_SLOT bytes. Texts are cleaned and cut to fit. */
void journal_encode(const struct journal_line *line, char slot[JOURNAL_SLOT]);

/* False: not a whole line (torn, empty, never written). */
bool journal_decode(const char slot[JOURNAL_SLOT], struct journal_line *line);

struct journal_reader {
	int fd; /* borrowed */
	uint64_t slots;
	uint64_t first;	     /* the first id of this journal */
	uint64_t cursor;     /* the last id that was read */
	uint64_t lost;	     /* lines overwritten unread, so far */
};

/* False: not a journal; the reader is not usable. */
bool journal_reader_open(struct journal_reader *r, int fd, uint64_t cursor);

enum journal_got { JOURNAL_LINE, JOURNAL_EMPTY };

/* The next line after the cursor; skips (and counts) what was overwritten. last_id is the
 * newest id that the bell told of. */
enum journal_got journal_next(struct journal_reader *r, uint64_t last_id,
			      struct journal_line *line);

struct journal_head {
	uint64_t slots, first;
	char boot_id[65];
};

/* Header slot, for the writer and for journal_reader_open. */
void journal_header(char slot[JOURNAL_SLOT], const struct journal_head *head);
/* False: none. One without a first id, as earlier versions wrote it, begins at 1. */
bool journal_header_read(const char slot[JOURNAL_SLOT], struct journal_head *head);

#endif
