/* monitord/envfile.h: files of NAME=VALUE lines for a service's environment. */
#ifndef MONITORD_ENVFILE_H
#define MONITORD_ENVFILE_H

#include "monitord/account.h"

#include <stddef.h>
#include <stdbool.h>
#include <sys/types.h>

#define ENVFILE_MAX 65536

/* Reads the file into text (ENVFILE_MAX bytes), NUL-ended. It must be a regular file that
 * belongs to root, to us or to the account, and that nobody else may write to, as a
 * variable may name what is loaded into the service. Only where root alone can put
 * something in its place it is read with root's rights. -1: errno, EINVAL no regular
 * file, EPERM, EFBIG. */
ssize_t envfile_read(const char *path, const struct account *account, char text[ENVFILE_MAX]);

/* The next NAME=VALUE, cut out of the text in place; *at begins at its start. Empty lines
 * and those that begin with # or ; are skipped; a value within one pair of ' or " loses
 * it. NULL: no more, or *good is false: a line is no assignment. No allocation, for use
 * in a child. */
char *envfile_next(char **at, bool *good);

#endif
