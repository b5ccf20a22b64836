#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

ssize_t
file_read(int folder, const char *path, char *out, size_t cap)
{
	assert(cap >= 1);
	int fd = openat(folder, path,
			O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	ssize_t n = fd != -1 ? read(fd, out, cap - 1) : -1;
	int error = errno;
	if (fd != -1)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	errno = error;
	return n;
}
