#include "monitord/mount.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MOUNTS_MOST 4096 /* whatever is mounted beyond them is not waited for */

static struct {
	FILE *table;                 /* of all mounts; NULL: not read yet */
	uint64_t waits[MOUNTS_MOST]; /* their ids */
	size_t count;
	bool all; /* they found no room */
} mounts;

/* A type of file system, of mountinfo (proc(5)). */
static bool
type_waits(const char *type)
{
	static const char *const types[] = {
		"9p",      "afs",    "autofs", "ceph", "cifs", "coda", "fuse",
		"fuseblk", "lustre", "ncpfs",  "nfs",  "nfs4", "smb3", "smbfs",
	};
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (strcmp(type, types[i]) == 0)
			return true;
	return strncmp(type, "fuse.", 5) == 0;
}

/* "36 35 98:0 /root /point options optional ... - type source options" */
static void
read_table(void)
{
	char line[8192], type[64];
	unsigned long long id;
	mounts.count = 0;
	mounts.all = false;
	rewind(mounts.table);
	while (fgets(line, sizeof line, mounts.table) != NULL) {
		const char *behind = strstr(line, " - ");
		if (behind == NULL || sscanf(line, "%llu", &id) != 1 ||
		    sscanf(behind, " - %63s", type) != 1 || !type_waits(type))
			continue;
		if (mounts.count < MOUNTS_MOST)
			mounts.waits[mounts.count++] = id;
		else
			mounts.all = true;
	}
}

static bool
waits(uint64_t id)
{
	if (mounts.table == NULL) {
		mounts.table = fopen("/proc/self/mountinfo", "re");
		if (mounts.table == NULL)
			return false;
		read_table();
	}
	struct pollfd p = { .fd = fileno(mounts.table), .events = POLLPRI };
	if (poll(&p, 1, 0) == 1) /* something was mounted, or is no more */
		read_table();
	for (size_t i = 0; i < mounts.count; i++)
		if (mounts.waits[i] == id)
			return true;
	return mounts.all;
}

/* What the kernel has at hand, without asking any file system; -1: errno. */
static int
open_cached(const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
				.resolve = RESOLVE_CACHED };
	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
}

bool
mount_may_hang(const char *path)
{
	char folder[PATH_MAX];
	struct statx st;
	int fd = open_cached(path);
	const char *slash = strrchr(path, '/');
	if (fd == -1 && (errno == ENOENT || errno == EAGAIN) && slash != NULL) {
		text_print(folder, sizeof folder, "%.*s",
			   slash > path ? (int)(slash - path) : 1, path);
		fd = open_cached(folder);
	}
	if (fd == -1) /* before Linux 5.12: nothing is known, as ever */
		return errno == EAGAIN;
	bool hangs = statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID,
			   &st) == 0 &&
		     (st.stx_mask & STATX_MNT_ID) != 0 && waits(st.stx_mnt_id);
	close(fd);
	return hangs;
}
