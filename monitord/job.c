#include "monitord/job.h"

#include "base/text.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT 200
#define LEFT_MS 20
#define LOOKS 100

static void
on_limit(struct loop_timer *timer)
{
	struct job *j = timer->arg;
	j->timed_out = true;
	/* its process group: it leads one, and is not yet reaped */
	kill(-j->pid, SIGKILL);
	pidfd_kill(j->pidfd, SIGKILL);
}

static void
forget(struct job *j)
{
	loop_timer_stop(&j->left);
	close(j->pidfd);
	close(j->failure);
	if (j->output != -1)
		close(j->output);
	if (j->group != -1) {
		close(j->group);
		/* stays while something lives */
		cgroup_remove(&j->ps->cgroups, j->group_name);
	}
	free(j);
}

/* What a script left was killed, and is about to be gone; and the dead leave their group a little
 * later. What a command left behind lives on, and so does its group. */
static void
on_left(struct loop_timer *timer)
{
	struct job *j = timer->arg;
	if (cgroup_populated(j->group) != 1 || ++j->looks == LOOKS)
		forget(j);
}

static void
tell(struct job *j, const siginfo_t *info, const char *failure)
{
	char text[300] = "", raw[OUTPUT];
	bool exited = info->si_code == CLD_EXITED;
	struct job_end end = { .code = exited ? info->si_status : -1,
			       .signal = exited ? 0 : info->si_status,
			       .never = *failure != '\0',
			       .timed_out = j->timed_out,
			       .text = text };
	ssize_t n = j->output != -1 ? read(j->output, raw, sizeof raw) : 0;
	if (end.never)
		text_print(text, sizeof text, "%s", failure);
	else if (end.timed_out)
		text_print(text, sizeof text, "killed at its time limit");
	else
		text_clean(text, OUTPUT, raw, n > 0 ? (size_t)n : 0);
	j->kind->ended(j, &end);
}

static void
on_exit_event(struct loop_io *io, unsigned events)
{
	struct job *j = io->arg;
	siginfo_t info = { 0 };
	struct spawn_failure f;
	char failure[300] = "";
	(void)events;
	if (j->kind->alone) { /* what a plugin leaves would pile up */
		kill(-j->pid, SIGKILL);
		if (j->group != -1)
			cgroup_kill(j->group);
	}
	pidfd_wait(j->pidfd, &info, WEXITED | WNOHANG);
	if (read(j->failure, &f, sizeof f) == (ssize_t)sizeof f)
		spawn_failure_text(&f, "it", failure, sizeof failure);
	loop_io_stop(&j->exit);
	loop_timer_stop(&j->limit);
	tell(j, &info, failure);
	if (j->group != -1 && cgroup_populated(j->group) == 1)
		loop_timer_start(j->ps->loop, &j->left, LEFT_MS, LEFT_MS, on_left, j);
	else
		forget(j);
}

struct job *
job_start(struct processes *ps, struct spawn *s, const struct job_kind *kind, uint32_t id,
	  int64_t limit_ms)
{
	struct job *j = calloc(1, sizeof *j);
	struct spawned new;
	if (j == NULL)
		return NULL;
	text_print(j->group_name, sizeof j->group_name, "%s%d-%u", kind->group,
		   (int)getpid(), ps->job_next++);
	s->cgroup = j->group = cgroup_open(&ps->cgroups, j->group_name);
	s->lock = s->ready = -1;
	s->dies_with_us = kind->alone;
	if (!spawn(s, &new)) {
		int error = errno;
		if (j->group != -1)
			close(j->group);
		cgroup_remove(&ps->cgroups, j->group_name);
		free(j);
		errno = error;
		return NULL;
	}
	j->ps = ps;
	j->kind = kind;
	j->id = id;
	j->pid = new.pid;
	j->pidfd = new.pidfd;
	j->failure = new.failure;
	j->output = -1;
	loop_io_start(ps->loop, &j->exit, new.pidfd, LOOP_READ, on_exit_event, j);
	loop_timer_start(ps->loop, &j->limit, limit_ms, 0, on_limit, j);
	return j;
}

void
job_outcome(const struct job_end *end, char *out, size_t cap)
{
	text_print(out, cap, "%s %d%s%s", end->signal != 0 ? "signal" : "exit code",
		   end->signal != 0 ? end->signal : end->code,
		   *end->text != '\0' ? ": " : "", end->text);
}

bool
job_account(struct processes *ps, const char *user, struct account *a, char why[MSG_TEXT])
{
	const struct account *found = NULL;
	enum known known = KNOWN_LATER;
	if (user != NULL)
		known = known_account(ps, user, NULL, &found, why);
	else if ((found = process_probes(ps)) == NULL)
		text_print(why, MSG_TEXT, "the user database has not answered yet");
	errno = known == KNOWN_MISSING ? ENOENT : EAGAIN;
	if (found != NULL)
		*a = *found;
	return found != NULL;
}

/* Scripts end with us; who was run, or commanded, goes on, and its group with it. */
static void
adopt(void *arg, const char *name)
{
	struct processes *ps = arg;
	bool script = strncmp(name, "script-", 7) == 0;
	if (!script && strncmp(name, "run-", 4) != 0 && strncmp(name, "cmd-", 4) != 0)
		return;
	int group = cgroup_open(&ps->cgroups, name);
	if (script && group != -1)
		cgroup_kill(group);
	if (group != -1)
		close(group);
	cgroup_remove(&ps->cgroups, name);
}

void
jobs_adopt(struct processes *ps)
{
	cgroups_each(&ps->cgroups, adopt, ps);
}
