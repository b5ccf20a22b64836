/* probes/mounts.h: which mount a path lies on, by the words of both alone: nothing is looked at
 * that may block, and a link on the way is not seen. */
#ifndef PROBES_MOUNTS_H
#define PROBES_MOUNTS_H

#include <stdint.h>

struct mounts;

struct mounts *mounts_new(void); /* NULL: out of memory. It lives as long as the program. */
/* The mount's number; 0: not known. */
uint64_t mounts_of(struct mounts *m, const char *path);
/* The same in a text like /proc/self/mountinfo (proc(5)). */
uint64_t mounts_find(const char *text, const char *path);

#endif
