/* Signals: only ever to what is proven to be of the service. */
#include "monitord/process_state.h"

#include <unistd.h>

bool
process_has(const struct process *p, pid_t pid)
{
	char name[96];
	process_group_name(p, name, sizeof name);
	return p->group != -1 ? cgroup_has(&p->owner->cgroups, name, pid)
			      : session_has(p->owner, process_service(p)->name,
					    p->session, pid, getsid(pid));
}

static void
signal_rest(struct process *p, int signal)
{
	pid_t pids[1024];
	size_t n = leftover_pids(p, pids, 1024);
	for (size_t i = 0; i < n && i < 1024; i++) {
		int fd = pidfd_of(pids[i]);
		/* the descriptor pins the process: now see that it still is one of ours */
		if (fd != -1 && process_has(p, pids[i]))
			pidfd_kill(fd, signal);
		if (fd != -1)
			close(fd);
	}
}

bool
process_may_live(const struct processes *ps, uint32_t service)
{
	const struct process *p = ps->list[service];
	return p->pidfd != -1 || !p->proven_empty;
}

void
process_signal(struct processes *ps, uint32_t service, int signal, enum signal_scope scope)
{
	struct process *p = ps->list[service];
	if (ps->rules->settings.dry_run)
		return;
	p->signalled = p->signalled || p->pidfd != -1;
	switch (scope) {
	case SCOPE_MAIN:
		if (p->pidfd != -1 && process_service(p)->checks.count > 0 &&
		    process_service(p)->run.count > 0)
			ports_note(p);
		if (p->pidfd != -1)
			pidfd_kill(p->pidfd, signal);
		break;
	case SCOPE_REST:
		signal_rest(p, signal);
		break;
	case SCOPE_TREE:
		if (p->pidfd != -1)
			pidfd_kill(p->pidfd, signal);
		if (p->group == -1)
			signal_rest(p, signal);
		else if (!p->proven_empty)
			p->group_killed = cgroup_kill(p->group);
		break;
	}
	p->awaits_look = false;
	/* its start may have led to nothing */
	bool watched = process_service(p)->run.count == 0;
	if ((p->occupied || watched) && p->pidfd == -1 && !loop_timer_active(&p->rest))
		leftover_look(p, 0);
}
