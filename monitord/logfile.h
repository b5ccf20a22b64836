/* monitord/logfile.h: files that services write to; they outlive us, we only rotate them. */
#ifndef MONITORD_LOGFILE_H
#define MONITORD_LOGFILE_H

#include "monitord/account.h"

#include <stdint.h>

/* For append, made with mode 0640; never waits. -1: errno, EINVAL where it is neither a file
 * nor a character device. */
int logfile_open(const char *path, const struct account *account);

/* Past size bytes: PATH.1 … PATH.keep, in a child, as services hold the file open: what was
 * copied is cut off its front. */
void logfile_rotate(const char *path, uint64_t size, uint32_t keep, const struct account *account);

#endif
