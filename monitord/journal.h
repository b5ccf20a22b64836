/* monitord/journal.h: the journal's only writer: a ring of lines in the run directory. */
#ifndef MONITORD_JOURNAL_H
#define MONITORD_JOURNAL_H

#include "base/journal.h"
#include "base/msg.h"

#include <stdbool.h>

#define JOURNAL_SLOTS 8192u

struct journal {
	int fd;	      /* read-only, to be lent */
	int own;      /* to write; -1: not open */
	bool failed;  /* the last write did, and was told */
	uint64_t last_id;
	bool same_boot; /* it was begun since this boot */
};

/* Ids that may be used before the state directory says so again. */
#define JOURNAL_AHEAD UINT64_C(100000)

/* Opens run_dir/journal, or makes it. kept: no id beyond it was used in an earlier life, as
 * the state directory says; a ring that is gone, or older, goes on behind it. False: why. */
bool journal_open(struct journal *j, const char *run_dir, uint64_t kept, char why[MSG_TEXT]);
void journal_close(struct journal *j);
/* One write of one slot into room that is allocated: whole, or not there, also when we are
 * killed meanwhile. */
void journal_write(struct journal *j, const struct journal_line *line);
/* Calls line() for all that are in it, oldest first. */
void journal_replay(const struct journal *j, void (*line)(void *arg, const struct journal_line *l),
		    void *arg);

#endif
