/* By hand, called by root: what is measured is read with the rights of the probes, as monitord
 * has it done. What only root may open is opened before. */
#include "base/sandbox.h"
#include "probes/hand.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static struct {
	int files[CHECK_FILES], errors[CHECK_FILES];
	int socket, socket_error; /* -1: used up, or none */
} opened;

bool
hand_become(uint32_t uid_base, const struct passwd *user)
{
	if (geteuid() != 0)
		return true;
	if (user != NULL)
		return initgroups(user->pw_name, user->pw_gid) == 0 &&
		       setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0;
	const struct passwd *probes = getpwnam("monitord-probes");
	uid_t uid = probes != NULL ? probes->pw_uid : uid_base;
	gid_t gid = probes != NULL ? probes->pw_gid : uid_base;
	return setgroups(0, NULL) == 0 && setgid(gid) == 0 && setuid(uid) == 0;
}

static int
unix_socket(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof a.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(a.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd != -1 && connect(fd, (struct sockaddr *)&a, sizeof a) != 0) {
		int error = errno;
		close(fd);
		errno = error;
		fd = -1;
	}
	return fd;
}

bool
hand_drop_rights(const struct rules *rules, const struct check *c)
{
	opened.socket = -1;
	for (unsigned i = 0; i < CHECK_FILES; i++) {
		const char *path = c->more->files != NULL ? c->more->files[i] : NULL;
		opened.files[i] =
			path != NULL ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;
		opened.errors[i] = path != NULL ? errno : EPERM;
	}
	if (check_is_unix(c)) {
		opened.socket = unix_socket(c->path);
		opened.socket_error = errno;
	}
	if (!hand_become(rules->settings.uid_base, NULL)) {
		perror("monitord-probes: the probes' user");
		return false;
	}
	sandbox_enter(ROLE_NET);
	return true;
}

int
hand_opened(const struct check *c, enum open_what what)
{
	unsigned file = what - OPEN_CHECK_SECRET;
	if (what == OPEN_CHECK_SOCKET) { /* once; a second attempt is ours */
		int fd = opened.socket;
		errno = opened.socket_error;
		opened.socket = -1;
		if (fd == -1 && opened.socket_error == 0)
			fd = unix_socket(c->path);
		opened.socket_error = 0;
		return fd;
	}
	if (file >= CHECK_FILES || opened.files[file] == -1) {
		errno = file < CHECK_FILES ? opened.errors[file] : EPERM;
		return -1;
	}
	int fd = fcntl(opened.files[file], F_DUPFD_CLOEXEC, 0);
	if (fd != -1)
		lseek(fd, 0, SEEK_SET); /* it was read before, perhaps */
	return fd;
}

size_t
hand_secret(char out[HAND_SECRET])
{
	int fd = opened.files[FILE_SECRET];
	ssize_t n = fd != -1 ? pread(fd, out, HAND_SECRET, 0) : 0;
	while (n > 0 && (out[n - 1] == '\n' || out[n - 1] == '\r'))
		n--;
	return n > 0 && n < HAND_SECRET ? (size_t)n : 0;
}
