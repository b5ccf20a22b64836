/* monitord/mount.h: which paths are not ours to wait for. */
#ifndef MONITORD_MOUNT_H
#define MONITORD_MOUNT_H

#include <stdbool.h>

/* Looking at it may wait for another host, a daemon or (nothing is known of it yet) a disk: that
 * is a child's work. Takes some microseconds, and never waits. */
bool mount_may_hang(const char *path);

#endif
