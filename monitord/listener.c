/* Where clients of status come in. The listeners are ours and outlive that helper: clients wait
 * while it is replaced. */
#include "monitord/core.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024 /* hundreds who connect at once lock nobody out */

bool
listener_has_room(const char *path)
{
	struct stat st;
	return lstat(path, &st) != 0 || S_ISSOCK(st.st_mode) || S_ISLNK(st.st_mode);
}

/* Everyone may connect; who may read or act is asked of the kernel, for each connection. */
static int
unix_listener(const char *path)
{
	struct sockaddr_un a;
	if (!open_address(path, &a))
		return -ENAMETOOLONG;
	if (!listener_has_room(path))
		return -EEXIST;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -errno;
	unlink(path); /* of an earlier life: we hold the state directory's lock */
	if (bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && chmod(path, 0666) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	int error = errno;
	close(fd);
	return -error;
}

static int
tcp_listener(const char *address)
{
	char host[256], *port;
	struct addrinfo hints = { .ai_flags =
					  AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
				  .ai_socktype = SOCK_STREAM },
			*found = NULL;
	int one = 1;
	text_print(host, sizeof host, "%s", address[0] == '[' ? address + 1 : address);
	port = strrchr(host, ':');
	if (port == NULL)
		return -EINVAL;
	*port++ = '\0';
	if (host[0] != '\0' && host[strlen(host) - 1] == ']')
		host[strlen(host) - 1] = '\0';
	if (getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &found) != 0)
		return -EINVAL;
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;
	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
	    bind(fd, found->ai_addr, found->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0)
		error = errno;
	freeaddrinfo(found);
	if (error == 0)
		return fd;
	if (fd != -1)
		close(fd);
	return -error;
}

static void
note_place(struct core *c)
{
	struct stat st = { 0 };
	lstat(c->rules->settings.socket, &st);
	c->socket_dev = st.st_dev;
	c->socket_ino = st.st_ino;
}

void
listener_change(struct core *c)
{
	c->listener_errors[1] = 0;
	if (c->listeners[1] == -1)
		return;
	loop_io_stop(&c->idle[1]);
	close(c->listeners[1]);
	c->listeners[1] = -1;
}

void
listener_renew(struct core *c)
{
	struct stat st;
	const char *path = c->rules->settings.socket;
	if (c->listeners[0] == -1 ||
	    (lstat(path, &st) == 0 && st.st_dev == c->socket_dev &&
	     st.st_ino == c->socket_ino))
		return;
	core_note(c, "socket-renewed", "%s was gone or another's: it is made anew", path);
	if (!open_folder(c->run_dir, 0755))
		log_error("folder %s: %s", c->run_dir, strerror(errno));
	processes_record(c->processes);
	loop_io_stop(&c->idle[0]);
	close(c->listeners[0]);
	c->listeners[0] = -1;
	/* the next one asks for it */
	helper_drop(&c->helpers[ROLE_STATUS], "nobody could reach it");
}

/* Once for each reason: status asks again and again. */
static void
tell_failure(struct core *c, uint32_t which, const char *place, int error)
{
	if (c->listener_errors[which] == error)
		return;
	c->listener_errors[which] = error;
	core_note(c, "listener-failed", "%s: no client is served there yet: %s", place,
		  strerror(error));
}

int
listener_get(struct core *c, uint32_t which)
{
	const struct settings *s = &c->rules->settings;
	if (which > 1 || (which == 1 && s->http == NULL))
		return -EINVAL;
	if (c->listeners[which] == -1) {
		const char *place = which == 0 ? s->socket : s->http;
		int fd = which == 0 ? unix_listener(place) : tcp_listener(place);
		if (fd < 0) {
			tell_failure(c, which, place, -fd);
			return fd;
		}
		if (c->listener_errors[which] != 0)
			core_note(c, "listener-open", "%s: clients are served", place);
		c->listener_errors[which] = 0;
		c->listeners[which] = fd;
		if (which == 0)
			note_place(c);
	}
	int copy = fcntl(c->listeners[which], F_DUPFD_CLOEXEC, 0);
	return copy == -1 ? -errno : copy;
}
