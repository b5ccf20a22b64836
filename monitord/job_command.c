/* Commands of sections: start, stop and reload of what is watched, and those of fronts. */
#include "monitord/job.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define COMMAND_MS 30000

/* ---- of a service ---- */

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

/* True: why it is no success. */
static bool
failed(const struct job *j, const struct job_end *end, const char *what, char *why, size_t cap)
{
	char outcome[400];
	if (!end->never && end->code == 0)
		return false;
	job_outcome(end, outcome, sizeof outcome);
	text_print(why, cap, "its %scommand ended with %s", what, outcome);
	log_error("%s: %s", j->name, why);
	return true;
}

static void
command_ended(struct job *j, const struct job_end *end)
{
	char why[450];
	failed(j, end, "", why, sizeof why);
}

static void
start_command_ended(struct job *j, const struct job_end *end)
{
	char why[450];
	start_ended(j, failed(j, end, "start ", why, sizeof why) ? why : NULL);
}

static const struct job_kind commands = { .group = "cmd-", .ended = command_ended };
static const struct job_kind start_commands = { .group = "cmd-", .ended = start_command_ended };

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
	struct job *j = job_start(ps, &s, starts ? &start_commands : &commands, service,
				  COMMAND_MS);
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

/* ---- of a front ---- */

static void
front_ended(struct job *j, const struct job_end *end)
{
	char why[400];
	job_outcome(end, why, sizeof why);
	j->front_ended(j->arg, !end->never && end->code == 0, why);
}

static const struct job_kind fronts = { .group = "cmd-", .ended = front_ended };

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
	struct job *j = job_start(ps, &s, &fronts, 0, command->limit_ms);
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
