#include "monitord/logfile.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHASES 8                 /* portions copied behind what was there at first */
#define PORTION ((off_t)8 << 20) /* copied, then cut off the head, at a time */

static int
open_here(const char *path)
{
	struct stat st;
	/* who may write in its folder may put a FIFO there: opening one must not wait */
	int fd = open(path,
		      O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY |
			      O_NONBLOCK,
		      0640);
	int error = fd == -1 || fstat(fd, &st) != 0 ? errno : 0;
	if (error == 0 && !S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
		error = EINVAL;
	if (error == 0 && fcntl(fd, F_SETFL, O_APPEND) != 0)
		error = errno; /* the service's writes do wait */
	if (error == 0)
		return fd;
	if (fd != -1)
		close(fd);
	errno = error == ENXIO ? EINVAL : error; /* a FIFO that nobody reads */
	return -1;
}

/* Only root can put anything else in the path's place: none of its folders belongs to, or can
 * be written by, another; /tmp's sticky bit will do for what is not the last of them. */
static bool
folders_are_roots(const char *path)
{
	char part[PATH_MAX];
	struct stat st;
	for (const char *slash = strchr(path, '/'); slash != NULL;) {
		const char *next = strchr(slash + 1, '/');
		text_print(part, sizeof part, "%.*s",
			   slash == path ? 1 : (int)(slash - path), path);
		if (lstat(part, &st) != 0 || !S_ISDIR(st.st_mode) || st.st_uid != 0 ||
		    ((st.st_mode & 022) != 0 &&
		     (next == NULL || (st.st_mode & S_ISVTX) == 0)))
			return false;
		slash = next;
	}
	return true;
}

/* A service need not own its folder of logs; where it, or anybody but root, owns the folder,
 * it gets what its own rights give. */
static bool
needs_own_rights(const char *path, const struct account *account)
{
	return geteuid() == 0 && account->set && account->uid != 0 &&
	       !folders_are_roots(path);
}

static int
peek_here(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
}

int
logfile_open_as(const char *path, const struct account *account, int (*open_it)(const char *path))
{
	gid_t groups[ACCOUNT_GROUPS];
	int group_count = getgroups(ACCOUNT_GROUPS, groups);
	bool other = geteuid() == 0 && account->set;
	if (other) { /* of this thread only: it may be a start's, that shares our memory */
		if (syscall(SYS_setgroups, account->group_count, account->groups) != 0)
			return -1;
		setfsgid(account->gid);
		setfsuid(account->uid);
	}
	int fd = open_it(path);
	int error = errno;
	if (other) {
		setfsuid(geteuid());
		setfsgid(getegid());
		syscall(SYS_setgroups, group_count > 0 ? group_count : 0, groups);
	}
	errno = error;
	return fd;
}

int
logfile_open_by(const char *path, const struct account *account, int (*open_it)(const char *path))
{
	return needs_own_rights(path, account) ? logfile_open_as(path, account, open_it)
					       : open_it(path);
}

int
logfile_open(const char *path, const struct account *account)
{
	return logfile_open_by(path, account, open_here);
}

int
logfile_peek(const char *path, const struct account *account)
{
	return logfile_open_by(path, account, peek_here);
}

/* ---- in a child ---- */

/* Bytes [from, from + size) of in go to the end of out; fewer at the end of in. -1:
 * errno. */
static off_t
copy(int in, int out, off_t from, off_t size)
{
	char buf[65536];
	off_t done = 0;
	while (done < size) {
		off_t want =
			size - done < (off_t)sizeof buf ? size - done : (off_t)sizeof buf;
		ssize_t n = pread(in, buf, (size_t)want, from + done);
		if (n == 0)
			break;
		if (n < 0 || write(out, buf, (size_t)n) != n)
			return -1;
		done += n;
	}
	return done;
}

/* Whole blocks go from the log's head, however fast its end grows; nothing is lost, and
 * only one portion lies on the disk twice. False: this file system cannot, nothing has
 * moved. */
static bool
take_head(int in, int out, const struct stat *st, bool *good)
{
	off_t block = st->st_blksize, head = (st->st_size - 1) / block * block;
	off_t portion = PORTION / block * block;
	*good = true;
	for (off_t moved = 0, n; moved < head; moved += n) {
		n = head - moved < portion ? head - moved : portion;
		*good = copy(in, out, 0, n) == n && fdatasync(out) == 0;
		if (!*good)
			return true;
		if (fallocate(in, FALLOC_FL_COLLAPSE_RANGE, 0, n) == 0)
			continue;
		if (ftruncate(out, moved) != 0 || lseek(out, moved, SEEK_SET) != moved)
			*good = false;
		return moved > 0 || !*good; /* what is here goes with the next turn */
	}
	return head > 0;
}

/* Elsewhere all of it is copied, then cut. A writer that is faster than the copy is not
 * run after for ever: what it writes at the end is lost. */
static bool
take_all(int in, int out, off_t size)
{
	off_t done = copy(in, out, 0, size), n = done;
	for (int i = 0; i < CHASES && n > 0; i++, done += n)
		n = copy(in, out, done, PORTION);
	return n >= 0 && fdatasync(out) == 0 && ftruncate(in, 0) == 0;
}

/* The disk is full: it gets its room back, and the lines are lost. */
static void
drop(int in, uint64_t size)
{
	struct stat st;
	if (fstat(in, &st) != 0 || (uint64_t)st.st_size < size)
		return;
	off_t head = (st.st_size - 1) / st.st_blksize * st.st_blksize;
	if ((head == 0 || fallocate(in, FALLOC_FL_COLLAPSE_RANGE, 0, head) != 0) &&
	    ftruncate(in, 0) != 0)
		log_error("a log of %lld bytes cannot be cut: %s", (long long)st.st_size,
			  strerror(errno));
}

static void
unlink_first(const char *path)
{
	char first[PATH_MAX];
	text_print(first, sizeof first, "%s.1", path);
	unlink(first);
}

/* A fresh PATH.1, the others moved on by one; -1: errno. */
static int
make_room(const char *path, uint32_t keep, const struct stat *st)
{
	char from[PATH_MAX], to[PATH_MAX];
	for (uint32_t i = keep; i > 1; i--) {
		text_print(from, sizeof from, "%s.%u", path, i - 1);
		text_print(to, sizeof to, "%s.%u", path, i);
		rename(from, to);
	}
	text_print(to, sizeof to, "%s.1", path);
	unlink_first(path); /* and never written through: it may be somebody's link */
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (out != -1 && (fchown(out, st->st_uid, st->st_gid) != 0 ||
			  fchmod(out, st->st_mode & 0777) != 0))
		log_warning("%s: %s", to, strerror(errno));
	return out;
}

static void
turn(const char *path, int in, uint64_t size, uint32_t keep, const struct stat *st)
{
	bool good = true;
	int out = make_room(path, keep, st);
	if (out != -1 && !take_head(in, out, st, &good))
		good = take_all(in, out, st->st_size);
	if (out == -1 || !good) {
		log_error("log %s cannot be kept: %s", path, strerror(errno));
		unlink_first(path);
		drop(in, size);
	}
	if (out != -1)
		close(out);
}

void
logfile_turn(const char *path, uint64_t size, uint32_t keep)
{
	struct stat st;
	int in = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	/* one at a time: the one before may not have ended */
	if (in != -1 && flock(in, LOCK_EX | LOCK_NB) == 0 && fstat(in, &st) == 0 &&
	    S_ISREG(st.st_mode) && (uint64_t)st.st_size >= size)
		turn(path, in, size, keep, &st);
	if (in != -1)
		close(in);
}

static _Noreturn void
turn_as(const char *path, uint64_t size, uint32_t keep, const struct account *account)
{
	syscall(SYS_close_range, 3u, ~0u, 0u); /* or our lock outlives us in here */
	if (!needs_own_rights(path, account) || account_become(account))
		logfile_turn(path, size, keep);
	_exit(0);
}

/* ---- in monitord ---- */

void
logfile_rotate(const char *path, uint64_t size, uint32_t keep,
	       const struct account *account)
{
	struct stat st;
	char own[PATH_MAX]; /* the rules' arena is not there in the child */
	text_print(own, sizeof own, "%s", path);
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size < size)
		return;
	pid_t pid = fork();
	if (pid == 0) { /* a grandchild: nobody need reap it */
		if (fork() == 0)
			turn_as(own, size, keep, account);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

void
logfile_rotate_aside(pid_t *child, const char *path, uint64_t size, uint32_t keep,
		     const struct account *account)
{
	char own[PATH_MAX];
	text_print(own, sizeof own, "%s", path);
	if (*child > 0 && waitpid(*child, NULL, WNOHANG) == 0)
		return; /* it is still at it */
	*child = fork();
	if (*child == 0)
		turn_as(own, size, keep, account);
}
