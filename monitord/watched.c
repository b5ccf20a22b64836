/* Services that are watched, not run: found by their pid file or by a hint. */
#include "base/text.h"
#include "monitord/process_state.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool
process_is_of(pid_t pid, uid_t owner)
{
	char path[64];
	struct stat st;
	text_print(path, sizeof path, "/proc/%d", pid);
	return stat(path, &st) == 0 && st.st_uid == owner;
}

bool
process_owner(struct processes *ps, uint32_t service, uint32_t *uid)
{
	struct process *p = ps->list[service];
	const struct service *c = process_service(p);
	char why[MSG_TEXT];
	if (c->match == NULL || c->user == NULL)
		return false;
	if (!p->account_good)
		process_account(p, why);
	if (!p->account_good || !p->account->set)
		return false;
	*uid = p->account->uid;
	return true;
}

/* Whoever named it, another user's process is not this one's where the section names one; nor
 * is another service's where only a helper says so: pid files may name one for several. */
bool
watched_may_be(struct process *p, pid_t pid)
{
	const struct processes *ps = p->owner;
	const struct service *c = process_service(p);
	char why[MSG_TEXT];
	if (c->run.count > 0 || pid <= 1 || pid == getpid() || !watched_sought(p))
		return false;
	for (uint32_t i = 0; c->match != NULL && i < ps->rules->service_count; i++)
		if (ps->list[i] != p && ps->list[i]->pid == pid && !ps->list[i]->by_old)
			return false;
	if (c->user != NULL && !p->account_good)
		process_account(p, why);
	return c->user == NULL ||
	       (p->account_good &&
		(!p->account->set || process_is_of(pid, p->account->uid)));
}

bool
watched_sought(const struct process *p)
{
	return p->pidfd == -1 || p->by_old;
}

bool
process_is_sought(const struct processes *ps, uint32_t service)
{
	return ps->list[service]->by_old && ps->rules->services[service].match != NULL;
}

void
watched_nobody(struct process *p)
{
	struct event e = { .kind = EVENT_LEFT, .id = p->id, .pid = p->pid };
	if (!p->by_old)
		return;
	process_main_gone(p);
	p->occupied = false;
	process_tell(p->owner, &e);
}

void
process_search(struct processes *ps, uint32_t service)
{
	struct process *p = ps->list[service];
	bool starts = p->awaits_look;
	pidfile_look_end(p);
	p->awaits_look = p->doubtful = p->unit_asked = false;
	if (p->said != NULL)
		p->said->refused[0] = '\0';
	p->by_old = p->pidfd != -1;
	unit_look_soon(p);
	if (starts)
		watched_start(ps, service);
}

bool
watched_takes(struct process *p, pid_t pid)
{
	bool may = watched_may_be(p, pid);
	if (!may && (process_service(p)->user == NULL || p->account_good))
		watched_nobody(p);
	return may;
}

void
process_found(struct processes *ps, uint32_t service, pid_t pid, uint64_t start_ticks)
{
	struct process *p = ps->list[service];
	if (!watched_takes(p, pid))
		return;
	int fd = pidfd_of(pid);
	uint64_t ticks = fd != -1 ? process_start_ticks(pid, true) : 0;
	if (ticks == 0 || (start_ticks != 0 && ticks != start_ticks)) {
		if (fd != -1)
			close(fd);
		return; /* the hint is stale */
	}
	p->awaits_look = false;
	if (p->pidfd != -1 && p->pid == pid) { /* found in both ways */
		close(fd);
		p->by_old = false;
	} else {
		if (p->pidfd != -1)
			process_main_gone(p);
		process_hold(p, pid, fd, ticks);
	}
	struct event e = { .kind = EVENT_FOUND, .id = service, .pid = pid };
	process_tell(ps, &e);
}

static void
run_start_command(struct processes *ps, uint32_t service)
{
	if (!job_command(ps, service, &ps->rules->services[service].start))
		process_defer_failure(ps, service, strerror(errno));
}

/* It may run already: we may have died since, or someone else started it. */
void
watched_start(struct processes *ps, uint32_t service)
{
	struct process *p = ps->list[service];
	if (process_service(p)->pidfile == NULL || p->pidfd != -1 || pidfile_read(p))
		watched_begin(p);
	else
		p->awaits_look = true;
}

void
watched_begin(struct process *p)
{
	struct processes *ps = p->owner;
	const struct service *c = process_service(p);
	uint32_t service = p->id;
	if (p->pidfd != -1 || c->start.count == 0)
		return;
	if (c->unit != NULL && unit_obstacle() != NULL) {
		process_defer_failure(ps, service, unit_obstacle());
		return;
	}
	if (p->doubtful) { /* it may run, unknown to us: no second one beside it */
		char why[300];
		text_print(why, sizeof why, "pid file %s is not believed: %s", c->pidfile,
			   process_said(p)->refused);
		process_defer_failure(ps, service, why);
		return;
	}
	p->awaits_look = c->match != NULL;
	if (!p->awaits_look)
		run_start_command(ps, service);
}

void
process_absent(struct processes *ps, uint32_t service)
{
	struct process *p = ps->list[service];
	p->hinted = 0;
	watched_nobody(p);
	if (p->awaits_look && p->pidfd == -1)
		run_start_command(ps, service);
	p->awaits_look = false;
}
