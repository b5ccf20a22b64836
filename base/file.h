/* base/file.h: small files, read at once: what the kernel says in /proc and of cgroups. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* The first cap - 1 bytes, NUL-ended, and how many they are; -1: errno, and out is "". Follows no
 * link in path's place and waits for no writer. folder: AT_FDCWD, or what a relative path is in. */
ssize_t file_read(int folder, const char *path, char *out, size_t cap);

#endif
