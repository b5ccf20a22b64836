#include "monitord/logfile.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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

static void
copy_out(const char *path, uint32_t keep)
{
	char from[PATH_MAX], to[PATH_MAX], buf[65536];
	syscall(SYS_close_range, 3u, ~0u, 0u); /* or monitord's lock outlives it in here */
	for (uint32_t i = keep; i > 1; i--) {
		text_print(from, sizeof from, "%s.%u", path, i - 1);
		text_print(to, sizeof to, "%s.%u", path, i);
		rename(from, to);
	}
	text_print(to, sizeof to, "%s.1", path);
	int in = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
	off_t copied = 0;
	ssize_t n;
	while (in != -1 && out != -1 && (n = read(in, buf, sizeof buf)) > 0 && write(out, buf, (size_t)n) == n)
		copied += n;
	/* what came meanwhile stays: whole blocks are taken off the front where the file system
	 * can; elsewhere all goes, and a line written in this very moment with it */
	off_t blocks = copied / 4096 * 4096;
	if (copied > 0 && fallocate(in, FALLOC_FL_COLLAPSE_RANGE, 0, blocks) != 0 &&
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
			copy_out(own, keep);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}
