/* Short-lived commands: `run` actions, script checks, start/stop/reload of what is watched.
 * No shell, a session of their own, a time limit, then the whole session is killed. */
#include "base/log.h"
#include "base/text.h"
#include "monitord/process_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMAND_MS 30000
#define OUTPUT 200
#define LEFT_MS 20
#define LOOKS 100

enum job_kind { JOB_START, JOB_COMMAND, JOB_RUN, JOB_SCRIPT, JOB_FRONT };

struct job {
	struct processes *ps;
	enum job_kind kind;
	uint32_t id; /* service, rule or check */
	uint64_t token;
	pid_t pid;
	int pidfd, failure, output; /* output: of a run, -1 */
	unsigned looks; /* for what is left in its group */
	int group; /* -1: no cgroup can be written */
	bool timed_out;
	struct loop_io exit;
	struct loop_timer limit, left;
	script_end_fn ended;
	void (*front_ended)(void *arg, bool good, const char *text);
	void *arg;
	char name[RULES_NAME_MAX + 1];
	char group_name[64];
};

static const char *const group_prefix[] = {
	[JOB_START] = "cmd-",
	[JOB_COMMAND] = "cmd-",
	[JOB_RUN] = "run-",
	[JOB_SCRIPT] = "script-",
	[JOB_FRONT] = "cmd-",
};

static void
on_limit(struct loop_timer *timer)
{
	struct job *j = timer->arg;
	j->timed_out = true;
	/* its process group: it leads one, and is not yet reaped */
	kill(-j->pid, SIGKILL);
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
	if (id == RULES_NONE)
		return;
	j->ps->list[id]->unit_starts = failure == NULL;
	unit_look_soon(j->ps->list[id]);
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
		struct event e = { .kind = EVENT_RUN_DONE,
				   .id = rules_rule(j->ps->rules, j->name),
				   .token = j->token,
				   .code = code,
				   .signal = sig,
				   .text = text };
		process_tell(j->ps, &e);
	} else if (j->kind == JOB_SCRIPT) {
		struct msg_script_end end = { .check = j->id,
					      .code = code,
					      .signal = sig,
					      .timed_out = j->timed_out,
					      .token = j->token };
		j->ended(j->arg, &end);
	} else if (j->kind == JOB_FRONT) {
		char why[2 * OUTPUT];
		text_print(why, sizeof why, "%s %d%s%s",
			   sig != 0 ? "signal" : "exit code", sig != 0 ? sig : code,
			   *text != '\0' ? ": " : "", text);
		j->front_ended(j->arg, *failure == '\0' && code == 0, why);
	} else if (*failure != '\0' || code != 0) {
		char why[2 * OUTPUT];
		text_print(why, sizeof why, "its %scommand ended with %s %d%s%s",
			   j->kind == JOB_START ? "start " : "",
			   sig != 0 ? "signal" : "exit code", sig != 0 ? sig : code,
			   *text != '\0' ? ": " : "", text);
		log_error("%s: %s", j->name, why);
		if (j->kind == JOB_START)
			start_ended(j, why);
	} else if (j->kind == JOB_START) {
		start_ended(j, NULL);
	}
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

/* ---- the record of a `run`: it is never started twice, also over our death ---- */

static int
run_record(const struct processes *ps, const char *rule)
{
	char path[PATH_MAX];
	text_print(path, sizeof path, "%s/records", ps->run_dir);
	mkdir(path, 0700);
	text_print(path, sizeof path, "%s/records/rule %s", ps->run_dir, rule);
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static void
run_record_clear(const struct processes *ps, const char *rule)
{
	int fd = run_record(ps, rule);
	if (fd == -1 || ftruncate(fd, 0) != 0)
		log_warning("record of rule %s: %s", rule, strerror(errno));
	if (fd != -1)
		close(fd);
}

/* What the child wrote before exec (born.c) is a process that lives. */
static bool
run_goes_on(int record)
{
	struct {
		int64_t pid;
		uint64_t ticks;
	} r;
	return pread(record, &r, sizeof r, 0) == (ssize_t)sizeof r && r.pid > 1 &&
	       process_start_ticks((pid_t)r.pid, true) == r.ticks;
}

/* ---- all jobs ---- */

static void
on_exit_event(struct loop_io *io, unsigned events)
{
	struct job *j = io->arg;
	siginfo_t info = { 0 };
	struct spawn_failure f;
	char failure[300] = "";
	(void)events;
	if (j->kind == JOB_SCRIPT) { /* what a plugin leaves would pile up */
		kill(-j->pid, SIGKILL);
		if (j->group != -1)
			cgroup_kill(j->group);
	}
	pidfd_wait(j->pidfd, &info, WEXITED | WNOHANG);
	bool exited = info.si_code == CLD_EXITED;
	if (read(j->failure, &f, sizeof f) == (ssize_t)sizeof f)
		spawn_failure_text(&f, "it", failure, sizeof failure);
	loop_io_stop(&j->exit);
	loop_timer_stop(&j->limit);
	j->ps->scripts -= j->kind == JOB_SCRIPT;
	told(j, exited ? info.si_status : -1, exited ? 0 : info.si_status, failure);
	if (j->kind == JOB_RUN)
		run_record_clear(j->ps, j->name);
	if (j->group != -1 && cgroup_populated(j->group) == 1)
		loop_timer_start(j->ps->loop, &j->left, LEFT_MS, LEFT_MS, on_left, j);
	else
		forget(j);
}

static struct job *
job_start(struct processes *ps, struct spawn *s, enum job_kind kind, uint32_t id, int64_t limit_ms)
{
	struct job *j = calloc(1, sizeof *j);
	struct spawned new;
	if (j == NULL)
		return NULL;
	text_print(j->group_name, sizeof j->group_name, "%s%d-%u", group_prefix[kind],
		   (int)getpid(), ps->job_next++);
	s->cgroup = j->group = cgroup_open(&ps->cgroups, j->group_name);
	s->lock = s->ready = -1;
	s->dies_with_us = kind == JOB_SCRIPT;
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
jobs_adopt(struct processes *ps)
{
	int fd = ps->cgroups.base != -1
			 ? openat(ps->cgroups.base, ".", O_RDONLY | O_CLOEXEC)
			 : -1;
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	struct dirent *e;
	while (d != NULL && (e = readdir(d)) != NULL) {
		bool script = strncmp(e->d_name, "script-", 7) == 0;
		if (!script && strncmp(e->d_name, "run-", 4) != 0 &&
		    strncmp(e->d_name, "cmd-", 4) != 0)
			continue;
		int group = cgroup_open(&ps->cgroups, e->d_name);
		if (script && group != -1)
			cgroup_kill(group);
		if (group != -1)
			close(group);
		cgroup_remove(&ps->cgroups, e->d_name);
	}
	if (d != NULL)
		closedir(d);
}

bool
job_command(struct processes *ps, uint32_t service, const struct command *command)
{
	bool starts = command == &ps->rules->services[service].start;
	struct process *p = ps->list[service];
	struct spawn s = { .argv = command->argv,
			   .account = p->account,
			   .service = process_service(p),
			   .in = -1,
			   .out = -1,
			   .err = -1,
			   .record = -1 };
	int out[2] = { -1, -1 };
	/* systemctl leaves nobody behind: its words can be kept */
	if (s.service->unit != NULL) {
		s.argv = unit_argv(s.argv);
		s.service = NULL;
		if (pipe2(out, O_CLOEXEC | O_NONBLOCK) == 0)
			s.out = s.err = out[1];
	}
	struct job *j =
		job_start(ps, &s, starts ? JOB_START : JOB_COMMAND, service, COMMAND_MS);
	int error = errno;
	if (out[1] != -1)
		close(out[1]);
	if (j == NULL && out[0] != -1)
		close(out[0]);
	errno = error;
	if (j != NULL)
		j->output = out[0];
	if (j != NULL)
		text_print(j->name, sizeof j->name, "%s", process_service(p)->name);
	return j != NULL;
}

/* The rule's or check's user, else the probes' own; while it is asked for anew, as it was. False:
 * why, and errno is EAGAIN where nobody has answered. */
static bool
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

bool
process_run_waits(struct processes *ps, uint32_t rule)
{
	const char *user = ps->rules->rules[rule].user;
	const struct account *found;
	char why[MSG_TEXT];
	if (user == NULL)
		return process_probes(ps) == NULL;
	return known_account(ps, user, NULL, &found, why) == KNOWN_LATER && found == NULL;
}

void
process_run(struct processes *ps, uint32_t rule, const struct action *action, uint64_t token,
	    const char *json, const char *const *env)
{
	const struct rule *r = &ps->rules->rules[rule];
	struct account account;
	char why[MSG_TEXT];
	int out[2] = { -1, -1 }, in = memfd_create("event", MFD_CLOEXEC);
	int record = run_record(ps, r->name);
	struct job *j = NULL;
	bool good = job_account(ps, r->user, &account, why);
	if (good && (in == -1 || pipe2(out, O_CLOEXEC | O_NONBLOCK) != 0 ||
		     write(in, json, strlen(json)) < 0 || lseek(in, 0, SEEK_SET) != 0)) {
		text_print(why, sizeof why, "%s", strerror(errno));
		good = false;
	}
	if (good && record != -1 && run_goes_on(record)) {
		text_print(why, sizeof why, "its run before this one has not ended");
		good = false;
	}
	if (good) {
		struct spawn s = { .argv = action->command.argv,
				   .account = &account,
				   .in = in,
				   .out = out[1],
				   .err = out[1],
				   .record = record,
				   .env = env };
		j = job_start(ps, &s, JOB_RUN, rule, r->timeout_ms);
		if (j == NULL)
			text_print(why, sizeof why, "%s", strerror(errno));
	}
	if (in != -1)
		close(in);
	if (record != -1)
		close(record);
	if (out[1] != -1)
		close(out[1]);
	if (j != NULL) {
		j->token = token;
		j->output = out[0];
		text_print(j->name, sizeof j->name, "%s", r->name);
		return;
	}
	if (out[0] != -1)
		close(out[0]);
	struct event e = { .kind = EVENT_RUN_DONE,
			   .id = rule,
			   .token = token,
			   .code = -1,
			   .text = why };
	process_tell(ps, &e);
}

int
process_script(struct processes *ps, uint32_t check, uint64_t token, script_end_fn ended, void *arg)
{
	const struct check *c = &ps->rules->checks[check];
	struct account account;
	char why[MSG_TEXT];
	int out[2];
	/* each check has one, and of a helper that was killed one is left: no more, whatever
	 * a helper asks for */
	if (ps->scripts >= 2 * ps->rules->check_count)
		return -EBUSY;
	if (!job_account(ps, c->more->user, &account, why)) {
		int wanting = errno;
		if (wanting == ENOENT)
			log_error("check %s: %s", c->name, why);
		return -wanting;
	}
	if (pipe2(out, O_CLOEXEC) != 0)
		return -errno;
	struct spawn s = { .argv = c->more->script.argv,
			   .account = &account,
			   .in = -1,
			   .out = out[1],
			   .err = out[1],
			   .record = -1 };
	struct job *j = job_start(ps, &s, JOB_SCRIPT, check, c->timeout_ms);
	int error = errno;
	close(out[1]);
	if (j == NULL) {
		close(out[0]);
		return -error;
	}
	ps->scripts++;
	j->token = token;
	j->ended = ended;
	j->arg = arg;
	return out[0];
}

bool
process_front(struct processes *ps, const struct front_command *command, int *out,
	      char why[MSG_TEXT])
{
	struct account account;
	int pipe[2];
	if (!command->own_rights || command->user != NULL)
		if (!job_account(ps, command->user, &account, why))
			return false;
	if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
		text_print(why, MSG_TEXT, "%s", strerror(errno));
		return false;
	}
	struct spawn s = {
		.argv = command->argv, .in = -1, .out = pipe[1], .record = -1
	};
	s.account = command->own_rights && command->user == NULL ? NULL : &account;
	/* what it complains of is no backend's name */
	s.err = out != NULL ? -1 : pipe[1];
	struct job *j = job_start(ps, &s, JOB_FRONT, 0, command->limit_ms);
	if (j == NULL)
		text_print(why, MSG_TEXT, "%s", strerror(errno));
	close(pipe[1]);
	if (j == NULL || out != NULL) {
		if (j != NULL)
			*out = pipe[0];
		else
			close(pipe[0]);
	}
	if (j == NULL)
		return false;
	j->output = out == NULL ? pipe[0] : -1;
	j->front_ended = command->ended;
	j->arg = command->arg;
	return true;
}
