#include "monitord/logfile.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int
logfile_open(const char *path, const struct account *account)
{
	(void)account; /* opened with our rights: a service need not own its folder of logs */
	struct stat st;
	/* who may write in its folder may put a FIFO there: opening one must not wait */
	int fd = open(path,
		      O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0640);
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

/* So many bytes; false: not all of them. */
static bool
copy(int in, int out, off_t size)
{
	char buf[65536];
	while (size > 0) {
		ssize_t n = read(in, buf, (size_t)size < sizeof buf ? (size_t)size : sizeof buf);
		if (n <= 0 || write(out, buf, (size_t)n) != n)
			return false;
		size -= n;
	}
	return true;
}

static void
copy_out(const char *path, uint64_t limit, uint32_t keep)
{
	char from[PATH_MAX], to[PATH_MAX];
	struct stat st;
	syscall(SYS_close_range, 3u, ~0u, 0u); /* or monitord's lock outlives it in here */
	int in = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	/* one at a time: the one before may not have ended */
	if (in == -1 || flock(in, LOCK_EX | LOCK_NB) != 0 || fstat(in, &st) != 0 ||
	    (uint64_t)st.st_size < limit)
		_exit(1);
	for (uint32_t i = keep; i > 1; i--) {
		text_print(from, sizeof from, "%s.%u", path, i - 1);
		text_print(to, sizeof to, "%s.%u", path, i);
		rename(from, to);
	}
	text_print(to, sizeof to, "%s.1", path);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (out == -1 || !copy(in, out, st.st_size))
		unlink(to); /* a full disk: it gets its room back, the lines are lost */
	/* what came meanwhile stays: whole blocks are taken off the front where the file system
	 * can; elsewhere all goes, and what was written in the meantime with it */
	if (fallocate(in, FALLOC_FL_COLLAPSE_RANGE, 0, st.st_size / 4096 * 4096) != 0 &&
	    ftruncate(in, 0) != 0)
		_exit(1);
	_exit(0);
}

void
logfile_rotate(const char *path, uint64_t size, uint32_t keep, const struct account *account)
{
	struct stat st;
	char own[PATH_MAX]; /* the rules' arena is not there in the child */
	(void)account;
	text_print(own, sizeof own, "%s", path);
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size < size)
		return;
	pid_t pid = fork();
	if (pid == 0) { /* a grandchild: nobody need reap it */
		if (fork() == 0)
			copy_out(own, size, keep);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}
