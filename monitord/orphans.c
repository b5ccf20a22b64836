/* Where monitord is the first process of a container, or was made a subreaper, it inherits
 * whoever loses his parent, and must reap him. Its own children are reaped at once by their
 * descriptors: who is dead at two looks a second apart is somebody else's. */
#include "base/log.h"
#include "monitord/process_state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOOK_MS 1000
#define MORE_MS 20
#define TURN 4096 /* reaped in one turn: then others have theirs */

static int
by_number(const void *a, const void *b)
{
	const pid_t *x = a, *y = b;
	return *x < *y ? -1 : *x > *y;
}

static bool
is_dead(pid_t pid, int flags)
{
	siginfo_t info = { 0 };
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | flags) == 0 &&
	       info.si_pid == pid;
}

static bool
was_dead(const struct orphans *o, pid_t pid)
{
	return bsearch(&pid, o->dead, o->count, sizeof pid, by_number) != NULL;
}

static void
note(struct orphans *o, pid_t *list, size_t *n, pid_t pid)
{
	if (*n < o->cap)
		list[(*n)++] = pid;
}

/* proc(5): the children of the calling thread, numbers with a blank behind each. */
static void
look(struct loop_timer *timer)
{
	struct processes *ps = timer->arg;
	struct orphans *o = &ps->orphans;
	char path[64];
	size_t n = 0;
	unsigned reaped = 0;
	int pid;
	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	FILE *f = fopen(path, "re");
	while (f != NULL && fscanf(f, "%d", &pid) == 1) {
		if (!was_dead(o, pid)) {
			if (is_dead(pid, WNOWAIT))
				note(o, o->next, &n, pid);
		} else if (reaped < TURN) {
			reaped += is_dead(pid, 0);
		} else {
			note(o, o->next, &n, pid);
		}
	}
	if (f != NULL)
		fclose(f);
	pid_t *old = o->dead;
	o->dead = o->next;
	o->next = old;
	o->count = n;
	qsort(o->dead, n, sizeof *o->dead, by_number);
	loop_timer_start(ps->loop, &o->timer, reaped == TURN ? MORE_MS : LOOK_MS, 0, look,
			 ps);
}

void
orphans_begin(struct processes *ps)
{
	struct orphans *o = &ps->orphans;
	int subreaper = 0;
	prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
	if (getpid() != 1 && subreaper == 0)
		return;
	o->cap = 65536; /* more wait for the next look */
	o->dead = calloc(o->cap, sizeof *o->dead);
	o->next = calloc(o->cap, sizeof *o->next);
	if (o->dead == NULL || o->next == NULL) {
		log_error("out of memory: processes without a parent are not reaped");
		return;
	}
	loop_timer_start(ps->loop, &o->timer, LOOK_MS, 0, look, ps);
}

void
orphans_end(struct processes *ps)
{
	loop_timer_stop(&ps->orphans.timer);
	free(ps->orphans.dead);
	free(ps->orphans.next);
	ps->orphans.dead = ps->orphans.next = NULL;
}
