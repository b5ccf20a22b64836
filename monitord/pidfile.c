/* Pid files: who is believed, and for whom he may speak. */
#include "base/text.h"
#include "monitord/age.h"
#include "monitord/mount.h"
#include "monitord/process_state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX 31 /* bytes: more is no number and its newline */
#define LOOK_MS 1000
#define A_TURN 64 /* then others have theirs */

struct pidfile { /* what was found at its path */
	char text[TEXT_MAX + 1];
	ssize_t size;
	int error; /* 0: it is there */
	struct stat st;
};

struct pidfile_look { /* in a child: it may hang, and hurts its own service only */
	pid_t child; /* 0: it was reaped */
	int out;
	struct loop_io io;
};

static void
look(const char *path, struct pidfile *f)
{
	memset(f, 0, sizeof *f);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	f->error = fd == -1 || fstat(fd, &f->st) != 0 ? errno : 0;
	if (f->error == 0 && S_ISREG(f->st.st_mode)) {
		f->size = read(fd, f->text, TEXT_MAX);
		/* when it was written: not before what was just read was */
		f->error = fstat(fd, &f->st) != 0 ? errno : 0;
	}
	if (fd != -1)
		close(fd);
}

/* Who owns the file speaks for own processes only; root's file, and ours, for all. */
static bool
may_name(uid_t owner, pid_t pid)
{
	return owner == 0 || owner == geteuid() || process_is_of(pid, owner);
}

/* A file outlives its process, and the number becomes another's. */
static bool
is_stale(struct processes *ps, const struct pidfile *f, uint64_t ticks)
{
	const struct timespec *t = &f->st.st_mtim;
	int64_t now = age_now_ms();
	if (now < ps->boot_ms)
		ps->boot_ms = now; /* the clock was set back */
	return age_after(ticks, ps->boot_ms,
			 (int64_t)t->tv_sec * 1000 + t->tv_nsec / 1000000);
}

/* Why nothing in the file may be believed; NULL: it may. */
static const char *
distrust(const struct pidfile *f)
{
	if (f->error != 0)
		return f->error == ELOOP    ? "it is a symbolic link"
		       : f->error == ENOENT ? NULL
					    : strerror(f->error);
	if (!S_ISREG(f->st.st_mode))
		return "it is no regular file";
	if ((f->st.st_mode & S_IWOTH) != 0)
		return "anybody may write to it";
	return f->st.st_size >= TEXT_MAX ? "it is longer than a number" : NULL;
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
	struct event e = {
		.kind = EVENT_NOTE, .object = OBJECT_SERVICE, .id = p->id, .text = text
	};
	if (*why != '\0')
		process_tell(p->owner, &e);
}

static void
believe(struct process *p, const struct pidfile *f)
{
	const char *why = distrust(f);
	char stale[64], *end;
	long pid = strtol(f->text, &end, 10);
	bool named = why == NULL && f->size > 0 && end != f->text && pid > 1 &&
		     pid <= INT32_MAX;
	/* whose it is, and how old, is asked of this very one */
	uint64_t ticks = named ? process_start_ticks((pid_t)pid, true) : 0;
	if (ticks != 0 && is_stale(p->owner, f, ticks)) {
		text_print(stale, sizeof stale, "process %ld began after it was written",
			   pid);
		why = stale;
	}
	p->doubtful = why != NULL;
	if (why == NULL && f->size > 0 && !named)
		why = "it holds no process number";
	else if (ticks != 0 && why == NULL && !may_name(f->st.st_uid, (pid_t)pid))
		why = "the process is not its owner's";
	refuse(p, why != NULL ? why : "");
	if (ticks != 0 && why == NULL)
		process_found(p->owner, p->id, (pid_t)pid, ticks);
	else
		watched_nobody(p);
}

/* ---- where it may hang ---- */

void
pidfile_look_end(struct process *p)
{
	struct pidfile_look *l = p->looking;
	p->looking = NULL;
	if (l == NULL)
		return;
	loop_io_stop(&l->io);
	close(l->out);
	if (l->child != 0)
		process_drop_child(p->owner, l->child);
	free(l);
}

static void
on_found(struct loop_io *io, unsigned events)
{
	struct process *p = io->arg;
	struct pidfile_look *l = p->looking;
	struct pidfile f;
	(void)events;
	if (read(l->out, &f, sizeof f) != (ssize_t)sizeof f)
		f = (struct pidfile){ .error = EIO };
	waitpid(l->child, NULL, 0); /* that, or its end, was the last that it had to do */
	l->child = 0;
	pidfile_look_end(p);
	if (!watched_sought(p))
		return; /* found otherwise */
	believe(p, &f);
	if (p->awaits_look && p->pidfd == -1)
		watched_begin(p);
	p->awaits_look = false;
}

static _Noreturn void
look_and_tell(const char *path, int out)
{
	struct pidfile f;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (out != 3 && dup2(out, 3) == -1)
		_exit(1);
	syscall(SYS_close_range, 4u, ~0u, 0u); /* or our lock outlives us in it */
	look(path, &f);
	_exit(write(3, &f, sizeof f) == (ssize_t)sizeof f ? 0 : 1);
}

static bool
look_aside(struct process *p)
{
	char path[4096]; /* the rules' arena is not there in the child */
	int ends[2] = { -1, -1 };
	struct pidfile_look *l = calloc(1, sizeof *l);
	text_print(path, sizeof path, "%s", process_service(p)->pidfile);
	if (l == NULL || pipe2(ends, O_CLOEXEC) != 0 || (l->child = fork()) == -1) {
		if (ends[0] != -1) {
			close(ends[0]);
			close(ends[1]);
		}
		free(l);
		return false;
	}
	if (l->child == 0)
		look_and_tell(path, ends[1]);
	close(ends[1]);
	l->out = ends[0];
	p->looking = l;
	loop_io_start(p->owner->loop, &l->io, l->out, LOOP_READ, on_found, p);
	return true;
}

bool
pidfile_read(struct process *p)
{
	struct pidfile f;
	if (p->looking != NULL)
		return false;
	if (!mount_may_hang(process_service(p)->pidfile)) {
		look(process_service(p)->pidfile, &f);
		believe(p, &f);
		return true;
	}
	if (look_aside(p))
		return false;
	f = (struct pidfile){ .error = errno };
	believe(p, &f);
	return true;
}

void
pidfiles_read(struct loop_timer *timer)
{
	struct processes *ps = timer->arg;
	unsigned read = 0;
	for (; ps->pidfile_next < ps->count && read < A_TURN; ps->pidfile_next++) {
		struct process *p = ps->list[ps->pidfile_next];
		if (process_service(p)->pidfile == NULL || !watched_sought(p))
			continue;
		pidfile_read(p);
		read++;
	}
	bool more = ps->pidfile_next < ps->count;
	if (!more)
		ps->pidfile_next = 0;
	loop_timer_start(ps->loop, &ps->pidfiles, more ? 0 : LOOK_MS, 0, pidfiles_read,
			 ps);
}
