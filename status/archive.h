/* status/archive.h: history on disk (SQLite): blocks of packed columns by tier, time and
 * object, within a size; and how long each object was up, by month. It blocks: for a
 * thread of its own. A damaged file is set aside and begun anew; what fails is told by
 * archive_why, and harms nothing but history. */
#ifndef STATUS_ARCHIVE_H
#define STATUS_ARCHIVE_H

#include "status/batch.h"

struct archive;

/* limit: bytes on disk. The file is opened by the first call that needs it, and tried
 * again by each. NULL: out of memory. */
struct archive *archive_new(const char *path, uint64_t limit);
void archive_free(struct archive **ap);

/* All of the batch, or nothing of it; makes room for it, and forgets what is too old at
 * now_s (Unix time). False: archive_why says why. */
bool archive_write(struct archive *a, const struct batch *b, int64_t now_s);

/* One block's column; NaN where there is nothing. False: nothing is there. */
bool archive_read(struct archive *a, const char *object, enum tier tier, int64_t span,
		  unsigned metric, float out[PACK_SLOTS]);

/* Milliseconds in each availability in that month. False: nothing is there. */
bool archive_month(struct archive *a, const char *object, int64_t month,
		   int64_t out[AVAILABILITIES]);

uint64_t archive_size(const struct archive *a);      /* bytes in use */
const char *archive_why(const struct archive *a);    /* "": all is well */
unsigned archive_set_aside(const struct archive *a); /* files that were damaged */

#endif
