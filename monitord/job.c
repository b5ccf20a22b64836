/* Short-lived commands: `run` actions, script checks, start/stop/reload of what is watched.
 * No shell, a session of their own, a time limit, then the whole session is killed. */
#include "base/log.h"
#include "base/text.h"
#include "monitord/process_state.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#define COMMAND_MS 30000
#define OUTPUT 200

enum job_kind { JOB_START, JOB_COMMAND, JOB_RUN, JOB_SCRIPT };

struct job {
	struct processes *ps;
	enum job_kind kind;
	uint32_t id; /* service, rule or check */
	uint64_t token;
	pid_t pid;
	int pidfd, failure, output; /* output: of a run, -1 */
	bool timed_out;
	struct loop_io exit;
	struct loop_timer limit;
	script_end_fn ended;
	void *arg;
	char name[RULES_NAME_MAX + 1];
};

static void
on_limit(struct loop_timer *timer)
{
	struct job *j = timer->arg;
	j->timed_out = true;
	kill(-j->pid, SIGKILL); /* its process group: it leads one, and is not yet reaped */
	pidfd_kill(j->pidfd, SIGKILL);
}

/* A start command has ended: it failed, unless its process is there all the same; or it is
 * time to look for that (EVENT_STARTED of process 0). */
static void
start_ended(struct job *j, const char *failure)
{
	uint32_t id = rules_find(j->ps->rules, OBJECT_SERVICE, j->name);
	struct event e = { .kind = failure != NULL ? EVENT_START_FAILED : EVENT_STARTED,
			   .id = id,
			   .text = failure };
	if (id != RULES_NONE && j->ps->list[id]->pidfd == -1 &&
	    process_service(j->ps->list[id])->run.count == 0)
		process_tell(j->ps, &e);
}

static void
told(struct job *j, int code, int sig, const char *failure)
{
	char text[OUTPUT] = "", raw[OUTPUT];
	if (j->output != -1) {
		ssize_t n = read(j->output, raw, sizeof raw);
		text_clean(text, sizeof text, raw, n > 0 ? (size_t)n : 0);
	}
	if (j->timed_out)
		text_print(text, sizeof text, "killed at its time limit");
	if (*failure != '\0')
		text_print(text, sizeof text, "%s", failure);
	if (j->kind == JOB_RUN) {
		struct event e = { .kind = EVENT_RUN_DONE, .id = j->id, .token = j->token, .code = code,
				   .signal = sig, .text = text };
		process_tell(j->ps, &e);
	} else if (j->kind == JOB_SCRIPT) {
		struct msg_script_end end = { .check = j->id, .code = code, .signal = sig,
					      .timed_out = j->timed_out, .token = j->token };
		j->ended(j->arg, &end);
	} else if (*failure != '\0' || code != 0) {
		char why[2 * OUTPUT];
		text_print(why, sizeof why, "its %scommand ended with %s %d%s%s",
			   j->kind == JOB_START ? "start " : "", sig != 0 ? "signal" : "exit code",
			   sig != 0 ? sig : code, *text != '\0' ? ": " : "", text);
		log_error("%s: %s", j->name, why);
		if (j->kind == JOB_START)
			start_ended(j, why);
	} else if (j->kind == JOB_START) {
		start_ended(j, NULL);
	}
}

static void
on_exit_event(struct loop_io *io, unsigned events)
{
	struct job *j = io->arg;
	siginfo_t info = { 0 };
	struct spawn_failure f;
	char failure[300] = "";
	(void)events;
	if (j->kind == JOB_SCRIPT)
		kill(-j->pid, SIGKILL); /* what a plugin leaves in its group would pile up */
	waitid((idtype_t)P_PIDFD, (id_t)j->pidfd, &info, WEXITED | WNOHANG);
	bool exited = info.si_code == CLD_EXITED;
	if (read(j->failure, &f, sizeof f) == (ssize_t)sizeof f)
		spawn_failure_text(&f, "it", failure, sizeof failure);
	loop_io_stop(&j->exit);
	loop_timer_stop(&j->limit);
	told(j, exited ? info.si_status : -1, exited ? 0 : info.si_status, failure);
	close(j->pidfd);
	close(j->failure);
	if (j->output != -1)
		close(j->output);
	free(j);
}

static struct job *
job_start(struct processes *ps, struct spawn *s, enum job_kind kind, uint32_t id, int64_t limit_ms)
{
	struct job *j = calloc(1, sizeof *j);
	struct spawned new;
	if (j == NULL)
		return NULL;
	s->cgroup = s->record = s->lock = s->ready = -1;
	if (!spawn(s, &new)) {
		int error = errno;
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

bool
job_command(struct processes *ps, uint32_t service, const struct command *command)
{
	bool starts = command == &ps->rules->services[service].start;
	struct process *p = ps->list[service];
	struct spawn s = { .argv = command->argv, .account = &p->account, .service = process_service(p),
			   .in = -1, .out = -1, .err = -1 };
	struct job *j = job_start(ps, &s, starts ? JOB_START : JOB_COMMAND, service, COMMAND_MS);
	if (j != NULL)
		text_print(j->name, sizeof j->name, "%s", process_service(p)->name);
	return j != NULL;
}

/* The rule's or check's user, else the probes' own. */
static bool
job_account(const struct processes *ps, const char *user, struct account *a, char why[MSG_TEXT])
{
	if (user != NULL)
		return account_resolve(user, NULL, a, why);
	*a = account_helper("monitord-probes", ps->rules->settings.uid_base);
	return true;
}

void
process_run(struct processes *ps, uint32_t rule, const struct action *action, uint64_t token,
	    const char *json)
{
	const struct rule *r = &ps->rules->rules[rule];
	struct account account;
	char why[MSG_TEXT];
	int out[2] = { -1, -1 }, in = memfd_create("event", MFD_CLOEXEC);
	struct job *j = NULL;
	bool good = job_account(ps, r->user, &account, why);
	if (good && (in == -1 || pipe2(out, O_CLOEXEC | O_NONBLOCK) != 0 ||
		     write(in, json, strlen(json)) < 0 || lseek(in, 0, SEEK_SET) != 0)) {
		text_print(why, sizeof why, "%s", strerror(errno));
		good = false;
	}
	if (good) {
		struct spawn s = { .argv = action->command.argv, .account = &account, .in = in,
				   .out = out[1], .err = out[1] };
		j = job_start(ps, &s, JOB_RUN, rule, r->timeout_ms);
		if (j == NULL)
			text_print(why, sizeof why, "%s", strerror(errno));
	}
	if (in != -1)
		close(in);
	if (out[1] != -1)
		close(out[1]);
	if (j != NULL) {
		j->token = token;
		j->output = out[0];
		return;
	}
	if (out[0] != -1)
		close(out[0]);
	struct event e = { .kind = EVENT_RUN_DONE, .id = rule, .token = token, .code = -1, .text = why };
	process_tell(ps, &e);
}

int
process_script(struct processes *ps, uint32_t check, uint64_t token, script_end_fn ended, void *arg)
{
	const struct check *c = &ps->rules->checks[check];
	struct account account;
	char why[MSG_TEXT];
	int out[2];
	if (!job_account(ps, c->user, &account, why)) {
		log_error("check %s: %s", c->name, why);
		return -ENOENT;
	}
	if (pipe2(out, O_CLOEXEC) != 0)
		return -errno;
	struct spawn s = { .argv = c->script.argv, .account = &account, .in = -1, .out = out[1],
			   .err = out[1] };
	struct job *j = job_start(ps, &s, JOB_SCRIPT, check, c->timeout_ms);
	int error = errno;
	close(out[1]);
	if (j == NULL) {
		close(out[0]);
		return -error;
	}
	j->token = token;
	j->ended = ended;
	j->arg = arg;
	return out[0];
}
