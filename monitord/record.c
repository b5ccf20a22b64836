/* Records in the run directory: a cache of what the kernel knows, and our counters. Where no
 * cgroup can be written the child writes its own record before exec, and holds a lock that
 * outlives us: it says whether an instance lives. */
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "monitord/process_state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_LEAST 32u
#define OPEN_MOST 256u

struct record { /* begins with what the child writes (born.c) */
	int64_t pid;
	uint64_t ticks;
	uint32_t restarts, by_command;
	char boot[40];
	uint64_t identity; /* of the pidfd; 0: ticks tell whether it is the same process */
	int64_t began_ms;  /* CLOCK_MONOTONIC; 0: not known */
};

static int
open_folder(const struct processes *ps)
{
	char path[PATH_MAX];
	text_print(path, sizeof path, "%s/records", ps->run_dir);
	mkdir(path, 0700);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static int
open_named(struct processes *ps, const char *service, const char *suffix)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	char name[96];
	text_print(name, sizeof name, "%s%s", service, suffix);
	if (ps->records == -1)
		ps->records = open_folder(ps);
	int fd = openat(ps->records, name, flags, 0600);
	if (fd != -1 || errno != ENOENT || ps->records == -1)
		return fd;
	close(ps->records); /* somebody removed the folder */
	ps->records = open_folder(ps);
	return openat(ps->records, name, flags, 0600);
}

static int
open_record(struct processes *ps, const struct process *p, const char *suffix)
{
	return open_named(ps, process_service(p)->name, suffix);
}

/* Two files each; with that of a group the kernel keeps a page for what was read. Of what may be
 * open, what all services need (process.h) is not touched, nor half of the rest. */
bool
record_files(struct processes *ps)
{
	struct rlimit files;
	uint64_t need =
		PROCESS_FILES + (uint64_t)PROCESS_FILES_EACH * ps->rules->service_count;
	ps->open_count = OPEN_LEAST;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur > need) {
		uint64_t spare = (files.rlim_cur - need) / 4;
		ps->open_count = spare > OPEN_MOST    ? OPEN_MOST
				 : spare > OPEN_LEAST ? (uint32_t)spare
						      : OPEN_LEAST;
	}
	ps->open_files = calloc(ps->open_count, sizeof *ps->open_files);
	return ps->open_files != NULL;
}

static void
close_files(struct open_files *o)
{
	if (o->record != -1)
		close(o->record);
	if (o->events != -1)
		close(o->events);
	o->of = NULL;
}

/* A start writes its record twice, and who dies once often dies again: those of the last ones
 * stay open. */
static struct open_files *
files_of(struct processes *ps, const struct process *p)
{
	struct open_files *o = &ps->open_files[p->id % ps->open_count];
	if (o->of == p)
		return o;
	if (o->of != NULL)
		close_files(o);
	*o = (struct open_files){ .of = p, .record = -1, .events = -1 };
	return o;
}

static int
keep_open(struct processes *ps, const struct process *p)
{
	struct open_files *o = files_of(ps, p);
	if (o->record == -1)
		o->record = open_record(ps, p, "");
	return o->record;
}

int
record_events(struct processes *ps, const struct process *p)
{
	struct open_files *o = files_of(ps, p);
	if (o->events == -1)
		o->events = cgroup_events(p->group);
	return o->events;
}

void
record_forget(struct processes *ps, const struct process *p)
{
	for (unsigned i = 0; i < ps->open_count; i++)
		if (ps->open_files[i].of == p)
			close_files(&ps->open_files[i]);
}

static void
put(struct processes *ps, struct process *p, const struct record *r)
{
	p->record_old = false;
	int fd = keep_open(ps, p);
	if (fd == -1 || pwrite(fd, r, sizeof *r, 0) != (ssize_t)sizeof *r)
		log_warning("record of %s: %s", process_service(p)->name,
			    text_file_error(errno));
}

static struct record
make(const struct process *p)
{
	struct record r;
	memset(&r, 0, sizeof r);
	r.pid = p->pid;
	r.ticks = p->ticks;
	r.identity = p->identity;
	r.began_ms = p->began_ms;
	r.restarts = p->restarts;
	r.by_command = p->by_command;
	text_print(r.boot, sizeof r.boot, "%s", clock_boot_id());
	return r;
}

void
record_write(struct processes *ps, struct process *p)
{
	struct record r = make(p);
	put(ps, p, &r);
}

void
record_clear(struct processes *ps, struct process *p)
{
	struct record r = make(p);
	r.pid = 0;
	r.ticks = 0;
	r.identity = 0;
	r.began_ms = 0;
	put(ps, p, &r);
}

void
processes_record(struct processes *ps)
{
	if (ps->records != -1)
		close(ps->records);
	ps->records = -1;
	for (uint32_t i = 0; i < ps->count; i++) {
		record_forget(ps, ps->list[i]);
		if (ps->list[i]->pid > 0)
			record_write(ps, ps->list[i]);
	}
}

void
process_remember(struct processes *ps, uint32_t service, uint32_t restarts, bool by_command)
{
	struct process *p = ps->list[service];
	p->restarts = restarts;
	p->by_command = by_command;
	record_write(ps, p);
}

bool
record_lock(struct processes *ps, struct process *p, struct spawn *s)
{
	int lock = open_record(ps, p, ".lock");
	if (lock == -1 || flock(lock, LOCK_EX | LOCK_NB) != 0) {
		if (lock != -1)
			close(lock);
		return false;
	}
	p->lock = lock;
	s->lock = lock;
	s->record = open_record(ps, p, "");
	return true;
}

bool
record_holds(const struct processes *ps, const char *service, pid_t pid)
{
	char path[64], lock[PATH_MAX], target[PATH_MAX];
	text_print(path, sizeof path, "/proc/%d/fd/%d", pid, LOCK_FD);
	ssize_t n = readlink(path, target, sizeof target - 1);
	if (n <= 0 || pid == getpid())
		return false;
	target[n] = '\0';
	text_print(lock, sizeof lock, "%s/records/%s.lock", ps->run_dir, service);
	size_t length = strlen(lock);
	return strncmp(lock, target, length) == 0 &&
	       (target[length] == '\0' || strcmp(target + length, " (deleted)") == 0);
}

static bool
read_record(struct processes *ps, const struct process *p, struct record *r)
{
	int fd = open_record(ps, p, "");
	bool good =
		fd != -1 && pread(fd, r, sizeof *r, 0) >= (ssize_t)(2 * sizeof(uint64_t));
	if (fd != -1)
		close(fd);
	return good;
}

bool
record_locked(struct processes *ps, const char *service)
{
	int lock = open_named(ps, service, ".lock");
	bool held = lock != -1 && flock(lock, LOCK_EX | LOCK_NB) != 0;
	if (lock != -1)
		close(lock);
	return held;
}

/* A pidfd of the recorded main process if it is that very process and lives; -1. Fills in its
 * ticks. */
static int
recorded_main(struct record *r)
{
	if (r->pid <= 1)
		return -1;
	int fd = pidfd_of((pid_t)r->pid);
	uint64_t ticks = fd != -1 ? process_start_ticks((pid_t)r->pid, true) : 0;
	bool same =
		r->identity != 0 ? pidfd_identity(fd) == r->identity : ticks == r->ticks;
	if (fd != -1 && ticks != 0 && same) {
		r->ticks = ticks;
		return fd;
	}
	if (fd != -1)
		close(fd);
	return -1;
}

/* Without a usable record: the oldest process of the group, or of those that hold the lock, that
 * leads its session. */
static pid_t
oldest_leader(const struct process *p, uint64_t *ticks)
{
	pid_t pids[1024], best = 0;
	size_t n = p->group != -1 ? cgroup_pids(p->group, pids, 1024)
				  : session_pids(p->owner, process_service(p)->name, 0,
						 pids, 1024);
	*ticks = 0;
	for (size_t i = 0; i < n && i < 1024; i++) {
		uint64_t t = getsid(pids[i]) == pids[i]
				     ? process_start_ticks(pids[i], true)
				     : 0;
		if (t != 0 && (*ticks == 0 || t < *ticks)) {
			best = pids[i];
			*ticks = t;
		}
	}
	return best;
}

static int64_t
started_ms(uint64_t ticks)
{
	return (int64_t)(ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK));
}

static void
adopt(struct processes *ps, struct process *p, int pidfd, const struct record *r)
{
	p->session = (pid_t)r->pid;
	process_hold(p, (pid_t)r->pid, pidfd, r->ticks);
	p->began_ms = r->began_ms != 0 ? r->began_ms : started_ms(r->ticks);
	struct record now = make(p);
	if (memcmp(&now, r, sizeof now) != 0)
		record_write(ps, p);
	ready_adopted(p);
	struct event e = { .kind = EVENT_ADOPTED,
			   .id = p->id,
			   .pid = (int32_t)r->pid,
			   .started_ms = p->began_ms,
			   .restarts = p->restarts };
	process_tell(ps, &e);
}

/* The kernel says that it is the recorded process, wherever that may have moved to; one that has
 * ended meanwhile is told as ended. -1: it is not known to be. */
static int
recorded_itself(const struct record *r)
{
	int fd = r->pid > 1 && r->identity != 0 && r->began_ms != 0
			 ? pidfd_of((pid_t)r->pid)
			 : -1;
	if (fd == -1 || pidfd_identity(fd) == r->identity)
		return fd;
	close(fd);
	return -1;
}

/* Its group or lock says that something of it lives, and the record perhaps which process. */
static int
find_main(struct processes *ps, struct process *p, struct record *r, bool same_boot)
{
	char name[96];
	process_group_name(p, name, sizeof name);
	bool listed =
		p->group != -1 && r->pid > 0 && cgroup_lists(p->group, (pid_t)r->pid);
	if (p->group != -1 && !listed && cgroup_populated(p->group) != 1) {
		process_close_group(p);
		cgroup_remove(&ps->cgroups, name);
	}
	bool held = p->group == -1 && (r->pid != 0 || ps->cgroups.base == -1) &&
		    record_locked(ps, process_service(p)->name);
	if (p->group == -1 && !held)
		return -1; /* nothing of it lives */
	p->occupied = true;
	int fd = r->pid > 0 ? recorded_main(r) : -1;
	if (fd != -1 && p->group != -1 && !listed &&
	    !cgroup_has(&ps->cgroups, name, (pid_t)r->pid)) {
		close(fd);
		fd = -1;
	}
	/* no number: we died between its start and our record of it */
	if (fd == -1 && (!same_boot || r->pid == 0)) {
		r->pid = oldest_leader(p, &r->ticks);
		fd = r->pid != 0 ? pidfd_of((pid_t)r->pid) : -1;
	}
	return fd;
}

static void
adopt_one(struct processes *ps, struct process *p)
{
	const struct service *c = process_service(p);
	struct record r;
	char name[96];
	memset(&r, 0, sizeof r);
	bool same_boot = read_record(ps, p, &r) && strcmp(r.boot, clock_boot_id()) == 0;
	p->restarts = same_boot ? r.restarts : 0;
	if (c->run.count == 0)
		return; /* found anew by its pid file or match */
	process_group_name(p, name, sizeof name);
	p->group = cgroup_find(&ps->cgroups, name);
	int fd = same_boot ? recorded_itself(&r) : -1;
	if (fd == -1)
		fd = find_main(ps, p, &r, same_boot);
	if (fd != -1) {
		adopt(ps, p, fd, &r);
		return;
	}
	if (!p->occupied)
		return;
	p->occupied = !ps->rules->settings.dry_run;
	if (!p->occupied) {
		log_info("%s: left-overs of an earlier instance would be killed",
			 c->name);
		return;
	}
	log_info("%s: left-overs of an earlier instance are killed", c->name);
	p->session = (pid_t)r.pid;
	process_signal(ps, p->id, SIGKILL, SCOPE_TREE);
}

void
processes_adopt(struct processes *ps)
{
	for (uint32_t i = 0; i < ps->count; i++)
		adopt_one(ps, ps->list[i]);
	retire_strangers(ps);
	jobs_adopt(ps);
}
