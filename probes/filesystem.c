/* filesystem: space and inodes of the file system that a path lies on. */
#include "probes/look.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* A directory on another device than the one above it; so is /. Bind mounts of the same
 * file system do not show. */
static bool
is_mounted(struct sight *s)
{
	char above[PATH_MAX];
	struct stat here, there;
	text_print(above, sizeof above, "%s/..", s->path);
	if (stat(s->path, &here) != 0 || stat(above, &there) != 0)
		return false;
	s->device = here.st_dev;
	return here.st_dev != there.st_dev || here.st_ino == there.st_ino;
}

void
filesystem_look(struct sight *s)
{
	struct statvfs v;
	if (statvfs(s->path, &v) != 0) {
		sight_failed(s, errno);
		s->denied = false; /* nobody can open it for us */
		return;
	}
	double block = (double)v.f_frsize;
	double used = (double)(v.f_blocks - v.f_bfree) * block;
	double available = (double)v.f_bavail * block;
	double inodes = (double)(v.f_files - v.f_ffree);
	s->value[METRIC_SIZE] = (double)v.f_blocks * block;
	s->value[METRIC_FREE] = available;
	s->value[METRIC_USED] = used;
	/* as df: what is kept for root is no part of the whole */
	s->value[METRIC_USED_PERCENT] = sight_percent(used, used + available);
	s->value[METRIC_FREE_PERCENT] = sight_percent(available, used + available);
	if (v.f_files > 0) { /* btrfs has no number of inodes */
		s->value[METRIC_INODES_USED] = inodes;
		s->value[METRIC_INODES_USED_PERCENT] =
			sight_percent(inodes, inodes + (double)v.f_favail);
	}
	s->value[METRIC_READ_ONLY] = (v.f_flag & ST_RDONLY) != 0;
	s->value[METRIC_MOUNTED] = is_mounted(s);
	sight_says(s, OUTCOME_GOOD, "%s", "");
}
