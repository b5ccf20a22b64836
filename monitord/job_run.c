/* `run` actions of rules. */
#include "monitord/job.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- its record: it is never started twice, also over our death ---- */

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

/* ---- its life ---- */

static void
ended(struct job *j, const struct job_end *end)
{
	struct event e = { .kind = EVENT_RUN_DONE,
			   .id = rules_rule(j->ps->rules, j->name),
			   .token = j->token,
			   .code = end->code,
			   .signal = end->signal,
			   .text = end->text };
	/* first: the news may begin the next one, with a record of its own */
	run_record_clear(j->ps, j->name);
	process_tell(j->ps, &e);
}

static const struct job_kind runs = { .group = "run-", .ended = ended };

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
		j = job_start(ps, &s, &runs, rule, r->timeout_ms);
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
