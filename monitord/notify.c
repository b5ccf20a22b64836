/* The service manager's protocol of sd_notify(3): one datagram to $NOTIFY_SOCKET. */
#include "monitord/notify.h"

#include "base/text.h"

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

void
notify_status(const struct core *c)
{
	char text[200], services[48], checks[48], incidents[48];
	if (getenv("NOTIFY_SOCKET") == NULL)
		return;
	uint32_t open = world_open_incidents(c->world);
	text_count(open, "incident", incidents, sizeof incidents);
	text_print(text, sizeof text, "STATUS=%s, %s: %s%s",
		   text_count(c->rules->service_count, "service", services,
			      sizeof services),
		   text_count(c->rules->check_count, "check", checks, sizeof checks),
		   open == 0 ? "nothing is wrong" : incidents, open == 0 ? "" : " open");
	notify_send(text);
}

static void
on_watchdog(struct loop_timer *timer)
{
	(void)timer;
	notify_send("WATCHDOG=1");
}

void
notify_watchdog(struct core *c)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	int64_t ms = usec != NULL ? strtoll(usec, NULL, 10) / 3000 : 0;
	if (ms >= 1 && (pid == NULL || strtol(pid, NULL, 10) == getpid()))
		loop_timer_start(c->loop, &c->watchdog, ms, ms, on_watchdog, c);
}
