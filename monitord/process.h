/* monitord/process.h: the processes of services: start, prove, signal, reap, adopt.
 *
 * One struct processes for all services of the rules. What happens is told through fn as
 * events of rules/world.h (STARTED, START_FAILED, READY, EXITED, EMPTY, ADOPTED, FOUND,
 * RUN_DONE): of a start that fails from the loop, never from within process_start; whom a pid
 * file names, and a run that cannot begin, also from within the call that asks for it.
 * Nothing here decides: world.h does.
 */
#ifndef MONITORD_PROCESS_H
#define MONITORD_PROCESS_H

#include "base/loop.h"
#include "monitord/known.h"
#include "rules/world.h"

#include <sys/types.h>

#define PROCESS_FILES 128    /* descriptors: our own and of helpers, jobs, starts */
#define PROCESS_FILES_EACH 3 /* of a service: its pidfd, its group, its log or its word */

struct processes;
typedef void (*process_event_fn)(void *arg, const struct event *e);

/* run_dir: folder for records and locks (tmpfs). NULL: why says the reason. */
struct processes *processes_new(struct loop *loop, const struct rules *rules,
				const char *run_dir, process_event_fn fn, void *arg,
				char why[MSG_TEXT]);
/* Frees memory and descriptors; the services go on. */
void processes_free(struct processes **pp);

/* At start: finds what runs (cgroup first, then record), tells EVENT_ADOPTED for each,
 * begins killing left-overs (EVENT_EMPTY follows). Calls fn before it returns. */
void processes_adopt(struct processes *ps);

/* Ids now mean those of new rules; matched by name. What has no section any more must have
 * been stopped before (process_pid tells). False: out of memory, nothing changed. */
bool processes_reload(struct processes *ps, const struct rules *rules);

/* Before a reload: its section is gone; it is stopped, by its own ladder, out of sight. */
void process_retire(struct processes *ps, uint32_t service);

/* DECIDE_START: run it in its own cgroup, or the start command of what is watched. Refuses
 * (START_FAILED) while anything of an earlier instance lives. */
void process_start(struct processes *ps, uint32_t service);
/* False: it is proven that nothing of it is left that a signal could reach. */
bool process_may_live(const struct processes *ps, uint32_t service);
/* DECIDE_SIGNAL. EXITED follows for the main process, EMPTY when nothing is left. */
void process_signal(struct processes *ps, uint32_t service, int signal, enum signal_scope scope);
/* DECIDE_EVIDENCE: EVENT_EVIDENCE follows, a text each, and one without where token is not 0. */
void process_evidence(struct processes *ps, uint32_t service, uint64_t token);
void process_stop_command(struct processes *ps, uint32_t service); /* of what is watched */
void process_reload(struct processes *ps, uint32_t service);	   /* its signal or command */

/* The main process, 0: none; start_ticks: field 22 of /proc/PID/stat. */
pid_t process_pid(const struct processes *ps, uint32_t service, uint64_t *start_ticks);
/* The run directory was removed and is made anew: all that run are written down in it. */
void processes_record(struct processes *ps);
bool processes_retire(const struct processes *ps); /* what a removed section ran is being ended */
bool processes_begin(const struct processes *ps); /* an exec is awaited, any moment now */
bool processes_untold(const struct processes *ps); /* an exec that need not wake us is awaited */
void processes_ask(struct processes *ps); /* before a sleep: what became of who need not wake us */
/* Keeps what must survive our death in the record. */
void process_remember(struct processes *ps, uint32_t service, uint32_t restarts, bool by_command);
/* Whom the local helper names for a `match`: proven in a child, then EVENT_FOUND. */
void process_hint(struct processes *ps, uint32_t service, pid_t pid, uint64_t start_ticks);
/* Its process is this one, if it lives and may be it: EVENT_FOUND. */
void process_found(struct processes *ps, uint32_t service, pid_t pid, uint64_t start_ticks);
/* Its word that no process matches: a start that waited for it goes on. */
void process_absent(struct processes *ps, uint32_t service);
/* After a reload: whom its section names now is its process. Until that is known the one that is
 * held stays; then EVENT_FOUND, or EVENT_LEFT where it names none. */
void process_search(struct processes *ps, uint32_t service);
bool process_is_sought(const struct processes *ps, uint32_t service); /* by its match, just now */
/* Whose its process has to be; false: anybody's, or it is not known yet. */
bool process_owner(struct processes *ps, uint32_t service, uint32_t *uid);

/* A `run` action: as the rule's user, json on standard input, env
 * (NAME=VALUE, ends with NULL) besides its own, output to the log, killed at
 * its timeout; EVENT_RUN_DONE with token. */
void process_run(struct processes *ps, uint32_t rule, const struct action *action,
		 uint64_t token, const char *json, const char *const *env);
bool process_run_waits(struct processes *ps, uint32_t rule); /* its user is not known yet */
/* A `script` check: the read end of its output, or -errno. ended() tells its exit. */
typedef void (*script_end_fn)(void *arg, const struct msg_script_end *end);
int process_script(struct processes *ps, uint32_t check, uint64_t token, script_end_fn ended,
		   void *arg);

/* A command of a traffic front. out: NULL, or gets the read end of its output, which else
 * is the text of ended(), cleaned. False: why. */
struct front_command {
	const char *const *argv;
	const char *user; /* NULL: the probes' rights, or */
	bool own_rights;  /* monitord's own */
	int64_t limit_ms;
	void (*ended)(void *arg, bool good, const char *text);
	void *arg;
};
bool process_front(struct processes *ps, const struct front_command *command, int *out,
		   char why[MSG_TEXT]);

#endif
