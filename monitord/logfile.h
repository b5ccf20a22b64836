/* monitord/logfile.h: files that services write to; they outlive us, we only rotate them. */
#ifndef MONITORD_LOGFILE_H
#define MONITORD_LOGFILE_H

#include "monitord/account.h"

#include <stdint.h>

/* For append, made with mode 0640; never waits. -1: errno, EINVAL where it is neither a file
 * nor a character device. */
int logfile_open(const char *path, const struct account *account);

/* For reading, by the same rights; never waits. */
int logfile_peek(const char *path, const struct account *account);

/* Opens it with the rights of the service's user; open_by: with root's, where nobody but root can
 * have put anything into the path's place. -1: errno. */
int logfile_open_as(const char *path, const struct account *account,
		    int (*open_it)(const char *path));
int logfile_open_by(const char *path, const struct account *account,
		    int (*open_it)(const char *path));

/* Past size bytes its text goes to PATH.1, the older ones up to PATH.keep. In a child, and while
 * services hold the file open and write: on ext4 and XFS (FALLOC_FL_COLLAPSE_RANGE) whole blocks
 * leave its head and nothing is lost; elsewhere, and below a block, it is copied, then cut. */
void logfile_rotate(const char *path, uint64_t size, uint32_t keep, const struct account *account);

/* The same for one that lies where looking at it may hang: all of it in one child, which is
 * remembered in *child (0: none yet), and nobody waits for. */
void logfile_rotate_aside(pid_t *child, const char *path, uint64_t size, uint32_t keep,
			  const struct account *account);

/* The same here and now, however long it takes. */
void logfile_turn(const char *path, uint64_t size, uint32_t keep);

#endif
