/* The processes of services. Each is held by a pidfd; the cgroup (or, where none can be
 * written, the session and a lock) says whether anything of it is left. */
#include "monitord/process.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "monitord/age.h"
#include "monitord/cgroup.h"
#include "monitord/process_state.h"
#include "monitord/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
process_tell(struct processes *ps, const struct event *e)
{
	ps->fn(ps->arg, e);
}

const struct service *
process_service(const struct process *p)
{
	return &p->owner->rules->services[p->id];
}

void
process_group_name(const struct process *p, char *out, size_t cap)
{
	text_print(out, cap, "svc-%s", process_service(p)->name);
}

/* ---- what few of them have ---- */

struct said *
process_said(struct process *p)
{
	static struct said nobodys; /* out of memory: told again and again, at worst */
	if (p->said == NULL)
		p->said = calloc(1, sizeof *p->said);
	return p->said != NULL ? p->said : &nobodys;
}

void
process_main_gone(struct process *p)
{
	loop_io_stop(&p->exit);
	if (p->pidfd != -1)
		close(p->pidfd);
	if (p->lock != -1)
		close(p->lock); /* what outlives it holds it still */
	p->pidfd = p->lock = -1;
	p->by_old = false;
	p->pid = 0;
	p->ticks = p->identity = 0;
	if (process_service(p)->match != NULL)
		connector_seek(p->owner);
	unit_look_soon(p);
}

/* ---- its end ---- */

static void
on_exit_event(struct loop_io *io, unsigned events)
{
	struct process *p = io->arg;
	struct processes *ps = p->owner;
	struct event e = { .kind = EVENT_EXITED, .id = p->id, .pid = p->pid };
	(void)events;
	if (process_is_new(p) && process_failed(p))
		return; /* it never was the program: told as a start that failed */
	ready_drain(p); /* what it said, and was said of it, comes first */
	death_read(p, &e);
	if (e.core_dumped || (e.code == -1 && e.signal == 0))
		connector_drain(ps);
	ready_end(p);
	process_main_gone(p);
	p->proven_empty = p->group != -1 && leftover_none(p);
	p->died = !p->signalled;
	process_tell(ps, &e);
	/* not started again, nor told empty, from within */
	if (p->pidfd == -1 && p->occupied)
		leftover_see(p);
	p->died = false;
	death_reap(ps, e.pid);
}

void
process_hold(struct process *p, pid_t pid, int pidfd, uint64_t ticks)
{
	p->pid = pid;
	p->pidfd = pidfd;
	p->unit_starts = p->signalled = false;
	p->identity = pidfd_identity(pidfd);
	p->ticks =
		ticks != 0 || p->identity != 0 ? ticks : process_start_ticks(pid, false);
	p->occupied = true;
	p->began_ms = clock_ms();
	bool counted = p->group != -1 && !p->owner->uncounted;
	p->oom_kills = counted ? cgroup_oom_kills(p->group) : -1;
	p->owner->uncounted = p->owner->uncounted || (counted && p->oom_kills == -1);
	loop_io_start(p->owner->loop, &p->exit, pidfd, LOOP_READ, on_exit_event, p);
	if (process_service(p)->match != NULL)
		connector_seek(p->owner);
}

void
process_stop_command(struct processes *ps, uint32_t service)
{
	const struct service *c = &ps->rules->services[service];
	ps->list[service]->unit_starts = false;
	if (c->stop_command.count > 0 && !job_command(ps, service, &c->stop_command))
		log_error("%s: its stop command: %s", c->name, strerror(errno));
}

void
process_reload(struct processes *ps, uint32_t service)
{
	const struct service *c = &ps->rules->services[service];
	if (c->reload_signal != 0)
		process_signal(ps, service, c->reload_signal, SCOPE_MAIN);
	else if (c->reload_command.count > 0 &&
		 !job_command(ps, service, &c->reload_command))
		log_error("%s: its reload command: %s", c->name, strerror(errno));
}

pid_t
process_pid(const struct processes *ps, uint32_t service, uint64_t *start_ticks)
{
	struct process *p = ps->list[service];
	if (p->pid != 0 && p->ticks == 0) /* held, and not yet reaped: it is it */
		p->ticks = process_start_ticks(p->pid, false);
	*start_ticks = p->ticks;
	return p->pid;
}

bool
processes_begin(const struct processes *ps)
{
	return ps->begins > 0;
}

/* ---- all of them ---- */

static struct process *
process_new(struct processes *ps, uint32_t id)
{
	struct process *p = calloc(1, sizeof *p);
	if (p == NULL)
		return NULL;
	static const struct account own;
	p->owner = ps;
	p->id = id;
	p->account = &own;
	p->pidfd = p->begins.failure = p->group = p->lock = p->ready = p->log.watch = -1;
	return p;
}

void
process_drop_child(struct processes *ps, pid_t child)
{
	int pidfd = pidfd_of(child);
	if (dying_room(&ps->dropped)) {
		dying_add(&ps->dropped, ps->loop, child, pidfd);
		return;
	}
	/* too many are stuck already: it stays a zombie until we end */
	kill(child, SIGKILL);
	if (pidfd != -1)
		close(pidfd);
}

static void
process_free(struct process *p)
{
	process_unborn(p);
	log_unwatch(p);
	record_forget(p->owner, p);
	loop_io_stop(&p->exit);
	loop_timer_stop(&p->rest);
	ready_end(p);
	pidfile_look_end(p);
	if (p->rotating > 0)
		process_drop_child(p->owner, p->rotating);
	process_close_group(p);
	int fds[] = { p->pidfd, p->lock };
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] != -1)
			close(fds[i]);
	free(p->said);
	free(p->measured);
	free(p);
}

static void
start_timers(struct processes *ps)
{
	bool pidfiles = false;
	for (uint32_t i = 0; i < ps->count; i++)
		pidfiles = pidfiles || ps->rules->services[i].pidfile != NULL;
	ps->pidfile_next = 0;
	loop_timer_stop(&ps->pidfiles);
	if (pidfiles)
		loop_timer_start(ps->loop, &ps->pidfiles, 0, 0, pidfiles_read, ps);
	units_begin(ps);
	logs_begin(ps);
}

struct processes *
processes_new(struct loop *loop, const struct rules *rules, const char *run_dir, process_event_fn fn,
	      void *arg, char why[MSG_TEXT])
{
	struct processes *ps = calloc(1, sizeof *ps);
	if (ps == NULL)
		goto out_of_memory;
	ps->loop = loop;
	ps->rules = rules;
	ps->fn = fn;
	ps->arg = arg;
	ps->proofs.out = ps->asking.out = ps->records = ps->logs.inotify = -1;
	ps->accounts_age = 1;
	if (realpath(run_dir, ps->run_dir) == NULL) /* as /proc spells it: record_holds */
		text_print(ps->run_dir, sizeof ps->run_dir, "%s", run_dir);
	ps->boot_ms = age_boot_ms(run_dir);
	cgroups_open(&ps->cgroups, run_dir);
	if (ps->cgroups.base == -1)
		log_info(
			"no cgroup can be written: services are told apart by session and lock");
	death_watch(&ps->deaths);
	connector_begin(ps);
	if (!record_files(ps))
		goto out_of_memory;
	ps->list = calloc(rules->service_count + 1, sizeof *ps->list);
	for (uint32_t i = 0; ps->list != NULL && i < rules->service_count;
	     i++, ps->count++)
		if ((ps->list[i] = process_new(ps, i)) == NULL)
			goto out_of_memory;
	if (ps->list == NULL)
		goto out_of_memory;
	start_timers(ps);
	orphans_begin(ps);
	connector_seek(ps);
	return ps;
out_of_memory:
	text_print(why, MSG_TEXT, "out of memory");
	processes_free(&ps);
	return NULL;
}

void
processes_free(struct processes **pp)
{
	struct processes *ps = *pp;
	*pp = NULL;
	if (ps == NULL)
		return;
	proofs_end(ps);
	for (uint32_t i = 0; ps->list != NULL && i < ps->count; i++)
		process_free(ps->list[i]);
	loop_timer_stop(&ps->defer);
	loop_timer_stop(&ps->exec_asks);
	loop_timer_stop(&ps->pidfiles);
	loop_timer_stop(&ps->units);
	logs_end(ps);
	while (ps->retired != NULL)
		retired_free(ps, ps->retired);
	evidence_end(ps);
	orphans_end(ps);
	cgroups_close(&ps->cgroups);
	death_end(&ps->deaths);
	connector_end(ps);
	known_free(ps);
	dying_forget(&ps->dropped);
	loop_timer_stop(&ps->traced.again);
	if (ps->records != -1)
		close(ps->records);
	free(ps->deferred);
	free(ps->open_files);
	free(ps->list);
	free(ps);
}

bool
processes_reload(struct processes *ps, const struct rules *rules)
{
	struct process **list = calloc(rules->service_count + 1, sizeof *list);
	bool good = list != NULL;
	for (uint32_t i = 0; good && i < rules->service_count; i++) {
		uint32_t old =
			rules_find(ps->rules, OBJECT_SERVICE, rules->services[i].name);
		if (old == RULES_NONE)
			good = (list[i] = process_new(ps, i)) != NULL;
	}
	if (!good) {
		for (uint32_t i = 0; list != NULL && i < rules->service_count; i++)
			if (list[i] != NULL)
				process_free(list[i]);
		free(list);
		return false;
	}
	proofs_forget(ps);
	process_deferred_move(ps, rules);
	ps->accounts_age++;
	ps->probes_known = false;
	for (uint32_t o = 0; o < ps->count; o++) {
		uint32_t n =
			rules_find(rules, OBJECT_SERVICE, ps->rules->services[o].name);
		if (n == RULES_NONE) {
			process_free(ps->list[o]);
			continue;
		}
		list[n] = ps->list[o];
		list[n]->id = n;
		list[n]->account_good = false; /* users may have changed as well */
		list[n]->ports = 0;            /* and checks */
	}
	free(ps->list);
	ps->list = list;
	ps->rules = rules;
	ps->count = rules->service_count;
	known_prefetch(ps);
	start_timers(ps);
	connector_seek(ps);
	return true;
}
