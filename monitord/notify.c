/* The service manager's protocol of sd_notify(3): one datagram to $NOTIFY_SOCKET. */
#include "monitord/core.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void
notify_send(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	if (path == NULL || (*path != '/' && *path != '@') ||
	    strlen(path) >= sizeof a.sun_path)
		return;
	memcpy(a.sun_path, path, strlen(path));
	if (*path == '@')
		a.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	/* a manager that is busy holds up nobody; that we are ready, it must know */
	int flags = MSG_NOSIGNAL | (strcmp(state, "READY=1") == 0 ? 0 : MSG_DONTWAIT);
	sendto(fd, state, strlen(state), flags, (struct sockaddr *)&a,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)));
	close(fd);
}
