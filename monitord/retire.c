/* A service whose section is gone: its ladder runs out of sight, then it is forgotten. */
#include "base/log.h"
#include "base/text.h"
#include "monitord/process_state.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MS 50

static const char *
service_of(const struct retired *r)
{
	return r->name + strlen("svc-");
}

/* Without a group the lock goes last, with the last descriptor of it. */
static bool
is_gone(const struct retired *r)
{
	struct pollfd p = { .fd = r->pidfd, .events = POLLIN };
	if (r->pidfd != -1 && poll(&p, 1, 0) == 0)
		return false;
	return r->group == -1 ? !record_locked(r->owner, service_of(r))
			      : cgroup_populated(r->group) != 1;
}

bool
processes_retire(const struct processes *ps)
{
	return ps->retired != NULL;
}

bool
retired_lives(const struct processes *ps, const char *service)
{
	for (const struct retired *r = ps->retired; r != NULL; r = r->next)
		if (strcmp(service_of(r), service) == 0 && !is_gone(r))
			return true;
	return false;
}

/* Where there is no group: what it started and what got its lock. */
static void
signal_session(const struct retired *r, int signal)
{
	pid_t pids[512];
	size_t n = session_pids(r->owner, service_of(r), r->session, pids, 512);
	for (size_t i = 0; i < n && i < 512; i++) {
		int fd = pidfd_of(pids[i]);
		/* the descriptor pins it: now see that it still is one of them */
		if (fd != -1 && session_has(r->owner, service_of(r), r->session, pids[i],
					    getsid(pids[i])))
			pidfd_kill(fd, signal);
		if (fd != -1)
			close(fd);
	}
}

void
retired_free(struct processes *ps, struct retired *r)
{
	struct retired **at = &ps->retired;
	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	loop_timer_stop(&r->timer);
	if (r->pidfd != -1) {
		siginfo_t info;
		/* if it was our child */
		pidfd_wait(r->pidfd, &info, WEXITED | WNOHANG);
		close(r->pidfd);
	}
	if (r->group != -1)
		close(r->group);
	free(r);
}

void
retired_forget(struct processes *ps, const char *group)
{
	for (struct retired *r = ps->retired, *next; r != NULL; r = next) {
		next = r->next;
		if (strcmp(r->name, group) == 0)
			retired_free(ps, r);
	}
}

static void
on_step(struct loop_timer *timer)
{
	struct retired *r = timer->arg;
	struct processes *ps = r->owner;
	if (is_gone(r)) {
		uint32_t back = rules_find(ps->rules, OBJECT_SERVICE, service_of(r));
		cgroup_remove(&ps->cgroups, r->name);
		log_info("%s: nothing of it is left", service_of(r));
		retired_free(ps, r);
		if (back != RULES_NONE)
			process_again(ps->list[back]);
		return;
	}
	if (r->stop[0].patience_ms > 0) { /* the present step has time left */
		r->stop[0].patience_ms -= LOOK_MS;
		return;
	}
	if (r->stop_count > 1) {
		r->stop_count--;
		memmove(r->stop, r->stop + 1, r->stop_count * sizeof *r->stop);
	} else {
		r->stop[0] = (struct stop_step){ SIGKILL, 10000 };
	}
	if (r->pidfd != -1)
		pidfd_kill(r->pidfd, r->stop[0].signal);
	if (r->group == -1)
		signal_session(r, r->stop[0].signal);
	else if (r->stop[0].signal == SIGKILL)
		cgroup_kill(r->group);
}

void
process_retire(struct processes *ps, uint32_t service)
{
	struct process *p = ps->list[service];
	const struct service *c = process_service(p);
	if (c->run.count == 0 || !p->occupied || p->awaits)
		return;
	struct retired *r = calloc(1, sizeof *r);
	if (r == NULL) {
		log_error("out of memory: %s is killed", c->name);
		process_signal(ps, service, SIGKILL, SCOPE_TREE);
		return;
	}
	r->owner = ps;
	text_print(r->name, sizeof r->name, "svc-%s", c->name);
	r->group = p->group;
	r->pidfd = p->pidfd;
	r->session = p->session;
	record_forget(ps, p);
	p->group = p->pidfd = -1; /* its own end closes the lock only */
	memcpy(r->stop, c->stop, sizeof r->stop);
	r->stop_count = c->stop_count;
	if (r->stop_count == 0) {
		r->stop[0] = (struct stop_step){ SIGKILL, 10000 };
		r->stop_count = 1;
	}
	loop_io_stop(&p->exit);
	if (r->pidfd != -1)
		pidfd_kill(r->pidfd, r->stop[0].signal);
	r->next = ps->retired;
	ps->retired = r;
	loop_timer_start(ps->loop, &r->timer, LOOK_MS, LOOK_MS, on_step, r);
}

/* Its section was taken away while we were not there: TERM for all of it, then KILL. */
static void
retire_stranger(struct processes *ps, const char *name)
{
	pid_t pids[512];
	int group = cgroup_open(&ps->cgroups, name);
	if (group == -1)
		return;
	struct retired *r = cgroup_populated(group) == 1 ? calloc(1, sizeof *r) : NULL;
	if (r == NULL) {
		close(group);
		cgroup_remove(&ps->cgroups, name); /* nothing lives in it, or it stays */
		return;
	}
	size_t n = cgroup_pids(group, pids, 512);
	for (size_t i = 0; i < n && i < 512; i++) {
		int fd = pidfd_of(pids[i]);
		if (fd != -1 && cgroup_has(&ps->cgroups, name, pids[i]))
			pidfd_kill(fd, SIGTERM);
		if (fd != -1)
			close(fd);
	}
	log_info("%s: no section names it any more: it is stopped",
		 name + strlen("svc-"));
	*r = (struct retired){ .owner = ps,
			       .next = ps->retired,
			       .group = group,
			       .pidfd = -1,
			       .stop = { { SIGTERM, 10000 } },
			       .stop_count = 1 };
	text_print(r->name, sizeof r->name, "%s", name);
	ps->retired = r;
	loop_timer_start(ps->loop, &r->timer, LOOK_MS, LOOK_MS, on_step, r);
}

/* What no section runs any more; a dry run ends nothing. */
static void
look_at_group(void *arg, const char *name)
{
	struct processes *ps = arg;
	if (strncmp(name, "svc-", 4) != 0 || ps->rules->settings.dry_run)
		return;
	uint32_t id = rules_find(ps->rules, OBJECT_SERVICE, name + 4);
	if (id == RULES_NONE || ps->rules->services[id].run.count == 0)
		retire_stranger(ps, name);
}

void
retire_strangers(struct processes *ps)
{
	cgroups_each(&ps->cgroups, look_at_group, ps);
}
