/* Services that are watched, not run: found by their pid file or by a hint. */
#include "base/text.h"
#include "monitord/process_state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIDFILE_MAX 31 /* bytes: more is no number and its newline */
#define PIDFILES_MS 1000
#define PIDFILES_A_TURN 64 /* then others have theirs */

static bool
owned_by(pid_t pid, uid_t owner)
{
	char path[64];
	struct stat st;
	text_print(path, sizeof path, "/proc/%d", pid);
	return stat(path, &st) == 0 && st.st_uid == owner;
}

/* Whoever named it, another user's process is not this one's where the section names one; nor
 * is another service's where only a helper says so: pid files may name one for several. */
bool
watched_may_be(struct process *p, pid_t pid)
{
	const struct processes *ps = p->owner;
	const struct service *c = process_service(p);
	char why[MSG_TEXT];
	if (c->run.count > 0 || pid <= 1 || pid == getpid() || pid == p->pid || p->pidfd != -1)
		return false;
	for (uint32_t i = 0; c->match != NULL && i < ps->rules->service_count; i++)
		if (ps->list[i] != p && ps->list[i]->pid == pid)
			return false;
	if (c->user != NULL && !p->account_good)
		process_account(p, why);
	return c->user == NULL ||
	       (p->account_good && (!p->account->set || owned_by(pid, p->account->uid)));
}

void
process_found(struct processes *ps, uint32_t service, pid_t pid, uint64_t start_ticks)
{
	struct process *p = ps->list[service];
	if (!watched_may_be(p, pid))
		return;
	int fd = pidfd_of(pid);
	uint64_t ticks = fd != -1 ? process_start_ticks(pid, true) : 0;
	if (ticks == 0 || (start_ticks != 0 && ticks != start_ticks)) {
		if (fd != -1)
			close(fd);
		return; /* the hint is stale */
	}
	p->awaits_look = false;
	process_hold(p, pid, fd, ticks);
	struct event e = { .kind = EVENT_FOUND, .id = service, .pid = pid };
	process_tell(ps, &e);
}

/* Who owns the file speaks for own processes only; root's file, and ours, for all. */
static bool
may_name(uid_t owner, pid_t pid)
{
	return owner == 0 || owner == geteuid() || owned_by(pid, owner);
}

/* Why nothing in the file may be believed; NULL: it may. */
static const char *
distrust(int fd, struct stat *st)
{
	if (fd == -1)
		return errno == ELOOP    ? "it is a symbolic link"
		       : errno == ENOENT ? NULL
					 : strerror(errno);
	if (fstat(fd, st) != 0)
		return strerror(errno);
	if (!S_ISREG(st->st_mode))
		return "it is no regular file";
	if ((st->st_mode & S_IWOTH) != 0)
		return "anybody may write to it";
	return st->st_size >= PIDFILE_MAX ? "it is longer than a number" : NULL;
}

/* Told once, until it is another reason or none. */
static void
refuse(struct process *p, const char *why)
{
	const struct service *c = process_service(p);
	char text[400];
	if (strcmp(p->said != NULL ? p->said->refused : "", why) == 0)
		return;
	text_print(process_said(p)->refused, sizeof p->said->refused, "%s", why);
	text_print(text, sizeof text,
		   "pidfile-refused %s: pid file %s is not believed: %s", c->name,
		   c->pidfile, why);
	struct event e = { .kind = EVENT_NOTE, .text = text };
	if (*why != '\0')
		process_tell(p->owner, &e);
}

static void
read_pidfile(struct processes *ps, uint32_t service)
{
	struct process *p = ps->list[service];
	int fd = open(process_service(p)->pidfile,
		      O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	char text[PIDFILE_MAX + 1] = "", *end;
	struct stat st;
	const char *why = distrust(fd, &st);
	ssize_t n = fd != -1 && why == NULL ? read(fd, text, PIDFILE_MAX) : 0;
	if (fd != -1)
		close(fd);
	long pid = strtol(text, &end, 10);
	bool named = n > 0 && end != text && pid > 1 && pid <= INT32_MAX;
	p->doubtful = why != NULL;
	if (n > 0 && !named)
		why = "it holds no process number";
	else if (named && kill((pid_t)pid, 0) == 0 && !may_name(st.st_uid, (pid_t)pid))
		why = "the process is not its owner's";
	refuse(p, why != NULL ? why : "");
	if (named && why == NULL)
		process_found(ps, service, (pid_t)pid, 0);
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
	const struct service *c = process_service(p);
	if (c->pidfile != NULL && p->pidfd == -1)
		read_pidfile(ps, service);
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
	if (p->awaits_look && p->pidfd == -1)
		run_start_command(ps, service);
	p->awaits_look = false;
}

void
pidfiles_read(struct loop_timer *timer)
{
	struct processes *ps = timer->arg;
	unsigned read = 0;
	for (; ps->pidfile_next < ps->count && read < PIDFILES_A_TURN;
	     ps->pidfile_next++) {
		const struct process *p = ps->list[ps->pidfile_next];
		if (process_service(p)->pidfile == NULL || p->pidfd != -1)
			continue;
		read_pidfile(ps, p->id);
		read++;
	}
	bool more = ps->pidfile_next < ps->count;
	if (!more)
		ps->pidfile_next = 0;
	loop_timer_start(ps->loop, &ps->pidfiles, more ? 0 : PIDFILES_MS, 0,
			 pidfiles_read, ps);
}
