/* How a process ended: of children by wait, of others by what the kernel keeps of them;
 * and whether it was the kernel that killed it, for want of memory. */
#include "base/text.h"
#include "monitord/process_state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACED_MS 100
#define KMSG_TURN 1000                        /* records read at one death */
#define INIT_PID_NAMESPACE "pid:[4026531836]" /* PROC_PID_INIT_INO of the kernel */

/* PIDFD_GET_INFO of Linux 6.13, its exit status of 6.15, which older headers lack. */
struct pidfd_exit {
	uint64_t mask, cgroup;
	uint32_t ids[11]; /* pid, tgid, ppid, and four pairs of uid and gid */
	int32_t status;
};
#define PIDFD_EXIT_ASK _IOWR(0xFF, 11, struct pidfd_exit)
#define PIDFD_EXIT_KNOWN (UINT64_C(1) << 3)

/* Field 52 of the zombie's stat (proc(5)); -1: it is no zombie, or that may not be read.
 */
static int
zombie_status(pid_t pid)
{
	char path[64], text[1024];
	struct stat st;
	text_print(path, sizeof path, "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd != -1 ? read(fd, text, sizeof text - 1) : -1;
	/* to those who may not know, the kernel says 0 */
	bool may = fd != -1 && fstat(fd, &st) == 0 &&
		   (geteuid() == 0 || st.st_uid == geteuid());
	if (fd != -1)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	char *p = strrchr(text, ')');
	if (!may || p == NULL || p[2] != 'Z')
		return -1;
	for (int field = 2; field < 52 && p != NULL; field++)
		p = strchr(p + 1, ' ');
	return p != NULL ? atoi(p + 1) : -1;
}

/* What the kernel keeps beside the descriptor once its parent has asked; -1: nothing. */
static int
reaped_status(int pidfd)
{
	struct pidfd_exit info = { .mask = PIDFD_EXIT_KNOWN };
	if (ioctl(pidfd, PIDFD_EXIT_ASK, &info) != 0 ||
	    (info.mask & PIDFD_EXIT_KNOWN) == 0)
		return -1;
	return info.status;
}

static void
put_status(struct event *e, int status)
{
	if (WIFEXITED(status)) {
		e->code = WEXITSTATUS(status);
	} else if (WIFSIGNALED(status)) {
		e->signal = WTERMSIG(status);
		e->core_dumped = WCOREDUMP(status);
	}
}

/* It stays a zombie: to take one away costs as much as a new process does, and that goes first. */
static bool
peek(int pidfd, struct event *e)
{
	siginfo_t info = { 0 };
	if (pidfd_wait(pidfd, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
	    info.si_pid == 0)
		return false;
	if (info.si_code == CLD_EXITED)
		e->code = info.si_status;
	else
		e->signal = info.si_status;
	e->core_dumped = info.si_code == CLD_DUMPED;
	return true;
}

/* False: it is dead, and a tracer has not let go of it yet. */
static bool
reap(pid_t pid)
{
	siginfo_t info = { 0 };
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG) != 0 ||
	       info.si_pid != 0;
}

static void
on_traced(struct loop_timer *timer)
{
	struct processes *ps = timer->arg;
	struct traced *t = &ps->traced;
	unsigned left = 0;
	for (unsigned i = 0; i < t->count; i++)
		if (!reap(t->list[i]))
			t->list[left++] = t->list[i];
	t->count = left;
	if (left == 0)
		loop_timer_stop(&t->again);
}

void
death_reap(struct processes *ps, pid_t pid)
{
	struct traced *t = &ps->traced;
	if (reap(pid) || t->count == TRACED_KEPT)
		return;
	t->list[t->count++] = pid; /* nobody else's number until it is reaped */
	if (!loop_timer_active(&t->again))
		loop_timer_start(ps->loop, &t->again, TRACED_MS, TRACED_MS, on_traced,
				 ps);
}

/* ---- want of memory ---- */

pid_t
death_oom_victim(const char *record)
{
	static const char words[] = "Killed process ";
	const char *text = strchr(record, ';');
	char *end;
	unsigned long level = strtoul(record, &end, 10);
	if (text == NULL || *end != ',' || level >= 8)
		return 0; /* 8 and more: not said by the kernel */
	text = strstr(text, words);
	long pid = text != NULL ? strtol(text + strlen(words), &end, 10) : 0;
	return pid > 0 && pid <= INT32_MAX && strncmp(end, " (", 2) == 0 ? (pid_t)pid : 0;
}

void
death_watch(struct deaths *d)
{
	char name[64];
	ssize_t n = readlink("/proc/self/ns/pid", name, sizeof name - 1);
	*d = (struct deaths){ .kmsg = -1 };
	name[n > 0 ? n : 0] = '\0';
	if (strcmp(name, INIT_PID_NAMESPACE) != 0)
		return; /* the kernel speaks of other numbers than we do */
	d->kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (d->kmsg != -1)
		lseek(d->kmsg, 0, SEEK_END);
}

void
death_end(struct deaths *d)
{
	if (d->kmsg != -1)
		close(d->kmsg);
	d->kmsg = -1;
}

static void
read_kmsg(struct deaths *d)
{
	char record[2048];
	for (int i = 0; i < KMSG_TURN && d->kmsg != -1; i++) {
		ssize_t n = read(d->kmsg, record, sizeof record - 1);
		if (n == -1 && errno != EPIPE) /* EPIPE: some were overwritten unread */
			return;
		record[n > 0 ? n : 0] = '\0';
		pid_t pid = n > 0 ? death_oom_victim(record) : 0;
		if (pid != 0)
			d->victims[d->next++ % DEATHS_KEPT] = pid;
	}
}

static bool
killed_for_memory(struct process *p, pid_t pid)
{
	struct deaths *d = &p->owner->deaths;
	long kills =
		p->group != -1 && p->oom_kills != -1 ? cgroup_oom_kills(p->group) : -1;
	if (kills != -1)
		return kills > p->oom_kills;
	read_kmsg(d);
	for (unsigned i = 0; i < DEATHS_KEPT; i++)
		if (d->victims[i] == pid) {
			d->victims[i] = 0; /* the number will be another's */
			return true;
		}
	return false;
}

void
death_read(struct process *p, struct event *e)
{
	e->code = -1;
	if (!peek(p->pidfd, e)) {
		int status = zombie_status(p->pid);
		if (status == -1) /* reaped meanwhile, so the other source knows */
			status = reaped_status(p->pidfd);
		if (status != -1)
			put_status(e, status);
	}
	e->oom_killed = e->signal == SIGKILL && killed_for_memory(p, p->pid);
}
