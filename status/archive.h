/* status/archive.h: history on disk (SQLite): blocks of packed columns by tier, time and
 * object, within a size; how long each object was up, by month; and incidents that are over,
 * for a year, one for each 32 KiB of the size. It blocks: for a
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

/* Takes one incident's JSON. */
typedef void archive_take(void *arg, uint64_t id, const char *json, size_t size);
/* Those that were not over before since_ms and had begun before until_ms (Unix time), the
 * newest first, no more than most; or the one of that id. */
void archive_incidents(struct archive *a, int64_t since_ms, int64_t until_ms, unsigned most,
		       archive_take *take, void *arg);
void archive_incident(struct archive *a, uint64_t id, archive_take *take, void *arg);

uint64_t archive_size(const struct archive *a);      /* bytes in use */
const char *archive_why(const struct archive *a);    /* "": all is well */
unsigned archive_set_aside(const struct archive *a); /* files that were damaged */

#endif
