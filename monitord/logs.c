/* Logs that are turned at a size. Only those that are written to are measured: of one
 * that rests the kernel tells the next write, once (inotify), and nothing wakes us until
 * then. */
#include "monitord/logfile.h"
#include "monitord/mount.h"
#include "monitord/process_state.h"

#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOGS_MS 1000 /* how often they are measured: a talker fills a disk in seconds */
#define TELL (IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF)

static bool
is_turned(const struct process *p)
{
	return process_service(p)->log != NULL && process_service(p)->log_size > 0;
}

/* -1: there is none. */
static int64_t
size_of(const struct process *p)
{
	struct stat st;
	bool there = stat(process_service(p)->log, &st) == 0;
	return !there ? -1 : S_ISREG(st.st_mode) ? (int64_t)st.st_size : 0;
}

/* False: the kernel cannot say when it is written to; it is measured on. */
static bool
rests(struct process *p)
{
	int inotify = p->owner->logs.inotify;
	if (p->log.size == -1)
		return p->pid == 0; /* somebody may put one there, and it open that */
	if (inotify == -1)
		return false;
	p->log.watch = inotify_add_watch(inotify, process_service(p)->log,
					 TELL | IN_ONESHOT | IN_DONT_FOLLOW);
	if (p->log.watch == -1 || size_of(p) == p->log.size)
		return p->log.watch != -1;
	log_unwatch(p); /* what was written meanwhile has told nobody */
	return false;
}

static void
measure(struct process *p)
{
	const struct service *c = process_service(p);
	char why[MSG_TEXT];
	/* who was adopted has not been asked for its user yet */
	bool known = process_account(p, why) == KNOWN_YES;
	if (mount_may_hang(c->log)) { /* then a child looks, each time */
		if (known)
			logfile_rotate_aside(&p->rotating, c->log, c->log_size,
					     c->log_keep, p->account);
		return;
	}
	int64_t size = size_of(p), before = p->log.size;
	bool full = size >= (int64_t)c->log_size;
	if (full && known)
		logfile_rotate(c->log, c->log_size, c->log_keep, p->account);
	p->log.size = size;
	p->log.moves = full || size != before || !rests(p);
}

static void
on_slow(struct loop_timer *timer)
{
	struct processes *ps = timer->arg;
	bool moves = false;
	for (uint32_t i = 0; i < ps->count; i++) {
		if (ps->list[i]->log.moves)
			measure(ps->list[i]);
		moves = moves || ps->list[i]->log.moves;
	}
	if (!moves)
		loop_timer_stop(&ps->logs.timer);
}

void
log_moves(struct process *p)
{
	struct processes *ps = p->owner;
	if (!is_turned(p))
		return;
	p->log.moves = true;
	if (!loop_timer_active(&ps->logs.timer))
		loop_timer_start(ps->loop, &ps->logs.timer, LOGS_MS, LOGS_MS, on_slow,
				 ps);
}

void
log_unwatch(struct process *p)
{
	if (p->log.watch != -1)
		inotify_rm_watch(p->owner->logs.inotify, p->log.watch);
	p->log.watch = -1;
}

/* Several services may write to one file, and share its watch. */
static void
take(struct processes *ps, const struct inotify_event *e)
{
	for (uint32_t i = 0; i < ps->count; i++) {
		struct process *p = ps->list[i];
		if (p->log.watch == -1 ||
		    (p->log.watch != e->wd && (e->mask & IN_Q_OVERFLOW) == 0))
			continue;
		if ((e->mask & IN_Q_OVERFLOW) != 0)
			log_unwatch(p);
		p->log.watch = -1; /* once is all that it tells */
		log_moves(p);
	}
}

static void
on_written(struct loop_io *io, unsigned events)
{
	_Alignas(struct inotify_event) char bytes[4096];
	struct processes *ps = io->arg;
	ssize_t n = read(io->ev.fd, bytes, sizeof bytes);
	(void)events;
	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *e = (const void *)(bytes + at);
		take(ps, e);
		at += (ssize_t)(sizeof *e + e->len);
	}
}

void
logs_begin(struct processes *ps)
{
	struct logs *logs = &ps->logs;
	bool some = false;
	for (uint32_t i = 0; i < ps->count; i++) {
		log_unwatch(ps->list[i]);
		ps->list[i]->log.moves = false;
		some = some || is_turned(ps->list[i]);
	}
	if (some && logs->inotify == -1) {
		logs->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		if (logs->inotify != -1)
			loop_io_start(ps->loop, &logs->io, logs->inotify, LOOP_READ,
				      on_written, ps);
	}
	for (uint32_t i = 0; i < ps->count; i++)
		log_moves(ps->list[i]);
}

void
logs_end(struct processes *ps)
{
	struct logs *logs = &ps->logs;
	loop_timer_stop(&logs->timer);
	loop_io_stop(&logs->io);
	if (logs->inotify != -1)
		close(logs->inotify);
	logs->inotify = -1;
}
