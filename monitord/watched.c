/* Services that are watched, not run: found by their pid file or by a hint. */
#include "monitord/process_state.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define PIDFILES_MS 1000
#define PIDFILES_A_TURN 64 /* then others have theirs */

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

static void
read_pidfile(struct processes *ps, uint32_t service)
{
	int fd = open(ps->rules->services[service].pidfile,
		      O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char text[32] = "";
	ssize_t n = fd != -1 ? read(fd, text, sizeof text - 1) : 0;
	if (fd != -1)
		close(fd);
	char *end;
	long pid = strtol(text, &end, 10);
	if (n > 0 && end != text && pid > 1 && pid <= INT32_MAX)
		process_found(ps, service, (pid_t)pid, 0);
}

void
pidfiles_read(struct loop_timer *timer)
{
	struct processes *ps = timer->arg;
	unsigned read = 0;
	for (; ps->pidfile_next < ps->count && read < PIDFILES_A_TURN; ps->pidfile_next++) {
		const struct process *p = ps->list[ps->pidfile_next];
		if (process_service(p)->pidfile == NULL || p->pidfd != -1)
			continue;
		read_pidfile(ps, p->id);
		read++;
	}
	bool more = ps->pidfile_next < ps->count;
	if (!more)
		ps->pidfile_next = 0;
	loop_timer_start(ps->loop, &ps->pidfiles, more ? 0 : PIDFILES_MS, 0, pidfiles_read, ps);
}
