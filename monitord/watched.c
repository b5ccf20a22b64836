/* Services that are watched, not run: found by their pid file or by a hint. */
#include "monitord/process_state.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void
process_found(struct processes *ps, uint32_t service, pid_t pid, uint64_t start_ticks)
{
	struct process *p = ps->list[service];
	const struct service *c = process_service(p);
	if (c->run.count > 0 || pid <= 1 || pid == p->pid || p->pidfd != -1)
		return;
	int fd = pidfd_of(pid);
	uint64_t ticks = fd != -1 ? process_start_ticks(pid, true) : 0;
	if (ticks == 0 || (start_ticks != 0 && ticks != start_ticks)) {
		if (fd != -1)
			close(fd);
		return; /* the hint is stale */
	}
	process_hold(p, pid, fd, ticks);
	struct event e = { .kind = EVENT_FOUND, .id = service, .pid = pid };
	process_tell(ps, &e);
}

void
pidfiles_read(struct loop_timer *timer)
{
	struct processes *ps = timer->arg;
	for (uint32_t i = 0; i < ps->count; i++) {
		struct process *p = ps->list[i];
		const struct service *c = process_service(p);
		if (c->pidfile == NULL || p->pidfd != -1)
			continue;
		int fd = open(c->pidfile, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		char text[32] = "";
		ssize_t n = fd != -1 ? read(fd, text, sizeof text - 1) : 0;
		if (fd != -1)
			close(fd);
		char *end;
		long pid = strtol(text, &end, 10);
		if (n > 0 && end != text && pid > 1 && pid <= INT32_MAX)
			process_found(ps, i, (pid_t)pid, 0);
	}
}

