/* monitord/born.h: what a new process does between its clone and its exec. */
#ifndef MONITORD_BORN_H
#define MONITORD_BORN_H

#include "monitord/account.h"
#include "monitord/spawn.h"
#include "rules/rules.h"

#include <stdint.h>
#include <stdnoreturn.h>
#include <sys/resource.h>

#define BORN_ENV 512
#define BORN_ARGV 1025
#define BORN_LIMITS 16
#define BORN_BYTES (256 * 1024)

enum born_step {
	STEP_SETUP, STEP_LIMITS, STEP_ENV_FILE, STEP_LOG, STEP_USER, STEP_DIR, STEP_EXEC, STEP_INTERPRETER,
	BORN_STEPS
};

/* All that it reads: nothing else of ours is there in it, or holds still while it looks. */
struct born {
	char *argv[BORN_ARGV];
	char *env[BORN_ENV];
	size_t env_count;
	char *dir;
	struct limit limits[BORN_LIMITS];
	uint32_t limit_count;
	struct rlimit files; /* of descriptors; rlim_max 0: as they are */
	int umask, nice;
	bool nice_set;
	char *env_file; /* NULL: none */
	char *log;	/* NULL: out and err are it, or none */
	int oom_score;
	bool oom_score_set;
	bool dies_with_us;
	pid_t parent;
	bool root; /* we are: it can become another user */
	struct account account;
	bool shares_files; /* our table of descriptors is its own until it leaves it */
	int in, out, err, lock, ready, record; /* -1: none */
	int lock_at, ready_at;		       /* their numbers in the service */
	int failure; /* where a struct spawn_failure goes; exec closes it. -1: to failed, as it
		      * shares our memory */
	struct spawn_failure failed;
	uint64_t ignored; /* signals to set back to their default, from bit 1 */
	size_t used;
	char bytes[BORN_BYTES];
};

/* NAME=VALUE, in the place of an earlier one. False: too many, or too long. */
bool born_set_env(struct born *b, const char *text);
/* A copy in b; NULL once it is full. */
char *born_keep(struct born *b, const char *text);
/* In the child; its argument is a struct born. Where it has neither env_file, log,
 * oom_score nor record it keeps off errno, and all memory but this and its stack: it may share ours. */
noreturn void born(void *arg);

#endif
