/* What is left of a service whose main process is gone: its cgroup says, or, where none can be
 * written, the session and the lock. */
#include "base/file.h"
#include "base/text.h"
#include "monitord/process_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POLL_MS 20 /* how often left-overs are looked for while they die */

bool
session_has(const struct processes *ps, const char *service, pid_t session, pid_t pid, pid_t of)
{
	return (session != 0 && of == session) || record_holds(ps, service, pid);
}

size_t
session_pids(const struct processes *ps, const char *service, pid_t session, pid_t *pids, size_t cap)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	size_t n = 0;
	while (d != NULL && (e = readdir(d)) != NULL) {
		char path[300], text[512];
		int pid = atoi(e->d_name), sid;
		char state;
		if (pid <= 0)
			continue;
		text_print(path, sizeof path, "/proc/%d/stat", pid);
		file_read(AT_FDCWD, path, text, sizeof text);
		char *end = strrchr(text, ')');
		if (end != NULL && sscanf(end + 1, " %c %*d %*d %d", &state, &sid) == 2 &&
		    state != 'Z' && state != 'X' &&
		    session_has(ps, service, session, pid, sid)) {
			if (n < cap)
				pids[n] = pid;
			n++;
		}
	}
	if (d != NULL)
		closedir(d);
	return n;
}

size_t
leftover_pids(const struct process *p, pid_t *pids, size_t cap)
{
	return p->group != -1 ? cgroup_pids(p->group, pids, cap)
			      : session_pids(p->owner, process_service(p)->name,
					     p->session, pids, cap);
}

size_t
process_pids(const struct process *p, pid_t *pids, size_t cap)
{
	size_t n = 1;
	pids[0] = p->pid;
	if (process_service(p)->run.count == 0)
		return n; /* watched: its one process is all we answer for */
	size_t found = leftover_pids(p, pids + 1, cap - 1);
	for (size_t i = 1; i <= found && i < cap; i++)
		if (pids[i] != p->pid)
			pids[n++] = pids[i];
	return n;
}

bool
leftover_none(const struct process *p)
{
	pid_t one;
	if (p->group != -1)
		return cgroup_populated_now(record_events(p->owner, p)) == 0;
	if (process_service(p)->run.count == 0)
		return p->pidfd == -1; /* watched: its one process is all we answer for */
	/* the lock goes a little after the descriptor can no longer be seen */
	return leftover_pids(p, &one, 1) == 0 &&
	       !record_locked(p->owner, process_service(p)->name);
}

void
process_close_group(struct process *p)
{
	if (p->group == -1)
		return;
	record_forget(p->owner, p); /* its events are those of this very group */
	close(p->group);
	p->group = -1;
}

void
process_give_back(struct process *p)
{
	char name[96];
	p->proven_empty = p->group_killed = false;
	if (p->group != -1) {
		process_close_group(p);
		process_group_name(p, name, sizeof name);
		cgroup_remove(&p->owner->cgroups, name);
	}
	if (p->lock != -1)
		close(p->lock);
	p->lock = -1;
}

/* Who is started at once takes the empty group over, and writes the record. Not a group that
 * cgroup.kill was written to: Linux 6.14 and later kill what is cloned into it, for ever. */
static void
become_empty(struct process *p)
{
	struct processes *ps = p->owner;
	struct event e = { .kind = EVENT_EMPTY, .id = p->id };
	loop_timer_stop(&p->rest);
	p->occupied = p->told_blind = p->awaits = false;
	p->session = 0;
	if (p->group_killed)
		process_give_back(p);
	p->proven_empty = p->group != -1;
	p->record_old = true;
	process_tell(ps, &e);
	if (!p->occupied)
		process_give_back(p);
	if (p->record_old)
		record_clear(ps, p);
}

/* Our own want: nothing is started beside what may live, and people know why. */
static void
tell_blind(struct process *p, int error)
{
	char text[300];
	const char *name = process_service(p)->name;
	struct event e = {
		.kind = EVENT_NOTE, .object = OBJECT_SERVICE, .id = p->id, .text = text
	};
	text_print(
		text, sizeof text,
		"service-unseen %s waits: whether anything of it is left cannot be seen: %s",
		name, strerror(error));
	if (!p->told_blind)
		process_tell(p->owner, &e);
	p->told_blind = true;
}

static void
look_for_rest(struct loop_timer *timer)
{
	struct process *p = timer->arg;
	errno = 0;
	if (p->pidfd == -1 && leftover_none(p))
		become_empty(p);
	else if (p->group != -1 &&
		 (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		tell_blind(p, errno);
}

void
leftover_look(struct process *p, int64_t after_ms)
{
	loop_timer_start(p->owner->loop, &p->rest, after_ms, POLL_MS, look_for_rest, p);
}

void
leftover_see(struct process *p)
{
	if (p->proven_empty || leftover_none(p))
		become_empty(p);
	else /* the first look is soon: the dead leave their group a little later */
		leftover_look(p, 1);
}
