/* monitord/job.h: one short-lived command: no shell, a session and where there can be one a group of
 * its own, a time limit, then the whole session is killed. */
#ifndef MONITORD_JOB_H
#define MONITORD_JOB_H

#include "monitord/process_state.h"

struct job;
struct job_end {
	int code, signal; /* code -1: none; signal 0: none */
	bool never;	  /* it could not be begun */
	bool timed_out;
	const char *text; /* what it said, cleaned, or why it was ended or not begun; "": nothing */
};

struct job_kind {
	const char *group; /* how the names of their groups begin */
	bool alone;	   /* nothing that it began outlives it, nor it us */
	void (*ended)(struct job *j, const struct job_end *end);
};

struct job {
	struct processes *ps;
	const struct job_kind *kind;
	uint32_t id; /* service, rule or check; as it was when it began */
	uint64_t token;
	pid_t pid;
	int pidfd, failure;
	int output;	/* the read end of what it says, taken; -1: nobody reads it, or a helper */
	unsigned looks; /* for what is left in its group */
	int group;	/* -1: no cgroup can be written */
	bool timed_out;
	struct loop_io exit;
	struct loop_timer limit, left;
	script_end_fn script_ended; /* of its kind, with arg */
	void (*front_ended)(void *arg, bool good, const char *text);
	void *arg;
	char name[RULES_NAME_MAX + 1]; /* of the service or rule: ids change with a reload */
	char group_name[64];
};

/* NULL: errno. What else it needs is set by the caller; it ends from the loop. */
struct job *job_start(struct processes *ps, struct spawn *s, const struct job_kind *kind, uint32_t id,
		      int64_t limit_ms);
/* The user's rights, the probes' own where user is NULL; while it is asked for anew, as it was.
 * False: why, and errno is EAGAIN where nobody has answered. */
bool job_account(struct processes *ps, const char *user, struct account *a, char why[MSG_TEXT]);
/* "exit code 1: what it said" */
void job_outcome(const struct job_end *end, char *out, size_t cap);

#endif
