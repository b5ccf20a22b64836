#include "monitord/dying.h"

#include <assert.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

static void
let_go(struct corpse *c)
{
	loop_io_stop(&c->io);
	if (c->pidfd != -1)
		close(c->pidfd);
	c->pid = 0;
}

static bool
reap(struct corpse *c)
{
	if (waitpid(c->pid, NULL, WNOHANG) == 0)
		return false;
	let_go(c);
	return true;
}

static void
on_gone(struct loop_io *io, unsigned events)
{
	(void)events;
	reap(io->arg);
}

bool
dying_room(struct dying *d)
{
	for (size_t i = 0; i < DYING_MAX; i++)
		if (d->list[i].pid == 0 || reap(&d->list[i]))
			return true;
	return false;
}

void
dying_add(struct dying *d, struct loop *loop, pid_t pid, int pidfd)
{
	struct corpse *c = d->list;
	kill(pid, SIGKILL); /* not yet waited for: nobody else's number */
	while (c->pid != 0) {
		c++;
		assert(c < d->list + DYING_MAX);
	}
	c->pid = pid;
	c->pidfd = pidfd;
	if (!reap(c) && pidfd != -1)
		loop_io_start(loop, &c->io, pidfd, LOOP_READ, on_gone, c);
}

void
dying_forget(struct dying *d)
{
	for (size_t i = 0; i < DYING_MAX; i++)
		if (d->list[i].pid != 0)
			let_go(&d->list[i]);
}
