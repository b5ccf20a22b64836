/* The start of a service's process: its group or lock, its log, the clone, the news of
 * exec. */
#include "base/log.h"
#include "base/text.h"
#include "monitord/logfile.h"
#include "monitord/mount.h"
#include "monitord/process_state.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define ASK_MS 100 /* until an exec that wakes nobody is asked for; while it takes longer, twice that */
#define ASK_MOST_MS 1600

bool
process_is_new(const struct process *p)
{
	return p->begins.failure != -1 || p->begins.nursery != NULL;
}

void
process_unborn(struct process *p)
{
	struct processes *ps = p->owner;
	ps->begins -= process_is_new(p);
	loop_io_stop(&p->starting);
	spawn_forget(&p->begins);
	if (ps->untold != p)
		return;
	ps->untold = NULL;
	loop_timer_stop(&ps->exec_asks);
}

/* True: exec failed, told. */
bool
process_failed(struct process *p)
{
	struct processes *ps = p->owner;
	struct spawn_failure f;
	if (!spawn_ask(&p->begins, &f))
		return false;
	process_unborn(p);
	if (f.error == 0) {
		struct event e = { .kind = EVENT_STARTED, .id = p->id, .pid = p->pid };
		process_tell(ps, &e);
		return false;
	}
	char text[300];
	spawn_failure_text(&f, process_service(p)->run.argv[0], text, sizeof text);
	siginfo_t info;
	pidfd_wait(p->pidfd, &info, WEXITED);
	process_main_gone(p);
	ready_end(p);
	p->occupied = false;
	process_give_back(p);
	record_clear(ps, p);
	struct event e = { .kind = EVENT_START_FAILED, .id = p->id, .text = text };
	process_tell(ps, &e);
	return true;
}

bool
process_has_begun(struct process *p)
{
	return !process_is_new(p) || !process_failed(p);
}

void
processes_ask(struct processes *ps)
{
	if (ps->untold != NULL)
		process_failed(ps->untold);
}

bool
processes_untold(const struct processes *ps)
{
	return ps->untold != NULL;
}

static void
on_exec_asks(struct loop_timer *timer)
{
	struct processes *ps = timer->arg;
	processes_ask(ps);
	if (ps->untold == NULL)
		return;
	ps->ask_ms = ps->ask_ms < ASK_MOST_MS ? 2 * ps->ask_ms : ASK_MOST_MS;
	loop_timer_start(ps->loop, &ps->exec_asks, ps->ask_ms, 0, on_exec_asks, ps);
}

static void
on_starting(struct loop_io *io, unsigned events)
{
	(void)events;
	process_failed(io->arg);
}

/* The controller may wait to be let into our groups: then this does it. */
static void
set_limit(struct process *p, const char *key, const char *controller, const char *file,
	  const char *value)
{
	cgroup_set(p->owner->cgroups.base, "cgroup.subtree_control", controller);
	p->owner->uncounted = false;
	if (!cgroup_set(p->group, file, value))
		log_warning("%s: %s cannot be set: %s", process_service(p)->name, key,
			    strerror(errno));
}

static void
set_limits(struct process *p, const struct service *c)
{
	char value[64];
	if (c->memory_max > 0) {
		text_print(value, sizeof value, "%llu",
			   (unsigned long long)c->memory_max);
		set_limit(p, "memory-max", "+memory", "memory.max", value);
	}
	if (c->cpu_max > 0) { /* microseconds in each 100 ms */
		text_print(value, sizeof value, "%u 100000", c->cpu_max * 1000);
		set_limit(p, "cpu-max", "+cpu", "cpu.max", value);
	}
}

/* Its group, -1: none can be had here. False: for now, why says the reason. */
static bool
take_group(struct process *p, char *why, size_t cap)
{
	struct cgroups *cgroups = &p->owner->cgroups;
	char name[96];
	process_group_name(p, name, sizeof name);
	if (p->group == -1)
		p->group = cgroup_open(cgroups, name);
	if (p->group == -1 && errno == ENOENT && cgroups_again(cgroups))
		p->group = cgroup_open(cgroups, name);
	if (p->group != -1 || cgroups->base == -1 ||
	    (errno != EMFILE && errno != ENFILE && errno != ENOMEM))
		return true;
	text_print(why, cap, "its cgroup: %s", strerror(errno));
	return false;
}

/* Its own group, else the lock: at most one instance lives. False: why. */
static bool
take_place(struct process *p, struct spawn *s, char *why, size_t cap)
{
	struct processes *ps = p->owner;
	const struct service *c = process_service(p);
	bool proven = p->proven_empty;
	p->proven_empty = false;
	if (!take_group(p, why, cap))
		return false;
	if (p->group != -1 && !proven && cgroup_populated(p->group) == 1) {
		process_close_group(p);
		text_print(why, cap,
			   "something of an earlier instance still lives in its cgroup");
		return false;
	}
	s->cgroup = p->group;
	if (p->group != -1) {
		char name[96];
		process_group_name(p, name, sizeof name);
		retired_forget(ps, name);
		set_limits(p, c);
	}
	if (p->group == -1 && !record_lock(ps, p, s)) {
		text_print(why, cap, "an earlier instance still holds its lock");
		return false;
	}
	return true;
}

/* What it is born with beside its place. False: why. */
static bool
take_files(struct process *p, struct spawn *s, char *why, size_t cap)
{
	const struct service *c = process_service(p);
	struct stat st;
	if (!ready_open(p, s, why, cap))
		return false;
	p->log_from = 0;
	if (c->log == NULL)
		return true;
	if (mount_may_hang(c->log)) {
		s->log = c->log;
		return true;
	}
	s->out = s->err = logfile_open(c->log, p->account);
	if (s->out == -1)
		text_print(why, cap, "log %s: %s", c->log, text_file_error(errno));
	else if (fstat(s->out, &st) == 0)
		p->log_from = st.st_size;
	log_moves(p);
	return s->out != -1;
}

/* After a death at rest nobody waits for word of the exec: it is asked for with what wakes us
 * next, or a little later. Checks and routes do wait, and so does who else starts. */
static bool
may_be_untold(struct processes *ps, const struct process *p)
{
	const struct service *c = process_service(p);
	processes_ask(ps);
	return p->died && ps->begins == 0 && c->checks.count == 0 && c->routes.count == 0;
}

static void
await(struct process *p)
{
	struct processes *ps = p->owner;
	ps->begins++;
	if (p->begins.failure != -1) {
		loop_io_start(ps->loop, &p->starting, p->begins.failure, LOOP_READ,
			      on_starting, p);
		return;
	}
	ps->untold = p;
	ps->ask_ms = ASK_MS;
	loop_timer_start(ps->loop, &ps->exec_asks, ps->ask_ms, 0, on_exec_asks, ps);
}

static void
start_run(struct processes *ps, struct process *p)
{
	const struct service *c = process_service(p);
	char why[300];
	struct spawned new;
	struct spawn s = { .argv = c->run.argv,
			   .account = p->account,
			   .service = c,
			   .in = -1,
			   .out = -1,
			   .err = -1,
			   .cgroup = -1,
			   .record = -1,
			   .lock = -1,
			   .ready = -1,
			   .untold = may_be_untold(ps, p) };
	bool good = ports_free(p, why, sizeof why) &&
		    take_place(p, &s, why, sizeof why) &&
		    take_files(p, &s, why, sizeof why);
	if (good && !spawn(&s, &new)) {
		text_print(why, sizeof why, "no process could be made: %s",
			   strerror(errno));
		good = false;
	}
	int lent[] = { s.out, s.record, s.ready };
	for (size_t i = 0; i < sizeof lent / sizeof *lent; i++)
		if (lent[i] != -1)
			close(lent[i]);
	if (!good) {
		ready_end(p);
		process_give_back(p);
		process_defer_failure(ps, p->id, why);
		return;
	}
	p->session = new.pid;
	p->begins = new;
	process_hold(p, new.pid, new.pidfd, 0);
	record_write(ps, p);
	await(p);
}

void
process_start(struct processes *ps, uint32_t service)
{
	struct process *p = ps->list[service];
	const struct service *c = process_service(p);
	if (p->occupied) {
		process_defer_failure(ps, service, "an earlier instance still lives");
		return;
	}
	if (ps->retired != NULL && retired_lives(ps, c->name)) {
		p->awaits = p->occupied = true;
		process_defer_wait(
			ps, service,
			"what ran before its section was taken away is still ending");
		return;
	}
	char why[MSG_TEXT];
	enum known known = process_account(p, why);
	if (known == KNOWN_LATER) {
		p->awaits = p->occupied = true;
		return;
	}
	if (known != KNOWN_YES) {
		process_defer_failure(ps, service, why);
		return;
	}
	if (c->run.count > 0)
		start_run(ps, p);
	else
		watched_start(ps, service);
}

void
process_again(struct process *p)
{
	if (!p->awaits)
		return; /* stopped meanwhile */
	p->awaits = p->occupied = false;
	process_start(p->owner, p->id);
}

void
process_accounts_came(struct processes *ps)
{
	for (uint32_t i = 0; i < ps->count; i++) {
		struct process *p = ps->list[i];
		process_again(p);
		if (p->socket_waits)
			ready_adopted(p);
	}
}
