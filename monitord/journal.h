/* monitord/journal.h: the journal's only writer: a ring of lines in the run directory. */
#ifndef MONITORD_JOURNAL_H
#define MONITORD_JOURNAL_H

#include "base/journal.h"
#include "base/msg.h"

#include <stdbool.h>

#define JOURNAL_SLOTS 8192u
#define JOURNAL_GATHERED 4u /* lines that wait for one write */

struct journal {
	int fd;	      /* read-only, to be lent */
	int own;      /* to write; -1: not open */
	bool failed;  /* the last write did, and was told */
	uint64_t last_id;
	bool same_boot; /* it was begun since this boot */
	unsigned waiting; /* the newest so many lines are in gathered only */
	char gathered[JOURNAL_GATHERED * JOURNAL_SLOT];
};

/* Ids that may be used before the state directory says so again. */
#define JOURNAL_AHEAD UINT64_C(100000)

/* Opens run_dir/journal, or makes it. kept: no id beyond it was used in an earlier life, as
 * the state directory says; a ring that is gone, or older, goes on behind it. False: why. */
bool journal_open(struct journal *j, const char *run_dir, uint64_t kept, char why[MSG_TEXT]);
void journal_close(struct journal *j);
/* The next line, which journal_flush writes: nobody else may see, and nothing be done for, what
 * was not flushed. Ids grow by one. */
void journal_add(struct journal *j, const struct journal_line *line);
/* One write of whole slots into room that is allocated: of each all is there, or nothing, also
 * when we are killed meanwhile. */
void journal_flush(struct journal *j);
/* Calls line() for all that are in it, oldest first. */
void journal_replay(const struct journal *j, void (*line)(void *arg, const struct journal_line *l),
		    void *arg);

#endif
