/* Scripts of checks: the local helper reads what they say. */
#include "monitord/job.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static void
ended(struct job *j, const struct job_end *end)
{
	struct msg_script_end m = { .check = j->id,
				    .code = end->code,
				    .signal = end->signal,
				    .timed_out = end->timed_out,
				    .token = j->token };
	j->ps->scripts--;
	j->script_ended(j->arg, &m);
}

static const struct job_kind scripts = { .group = "script-", .alone = true, .ended = ended };

int
process_script(struct processes *ps, uint32_t check, uint64_t token, script_end_fn fn, void *arg)
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
	struct job *j = job_start(ps, &s, &scripts, check, c->timeout_ms);
	int error = errno;
	close(out[1]);
	if (j == NULL) {
		close(out[0]);
		return -error;
	}
	ps->scripts++;
	j->token = token;
	j->script_ended = fn;
	j->arg = arg;
	return out[0];
}
