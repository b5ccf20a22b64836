/* monitord/process_state.h: inside the process engine: one service's processes. */
#ifndef MONITORD_PROCESS_STATE_H
#define MONITORD_PROCESS_STATE_H

#include "monitord/account.h"
#include "monitord/cgroup.h"
#include "monitord/dying.h"
#include "monitord/known.h"
#include "monitord/process.h"
#include "monitord/spawn.h"

struct said { /* by it and of it, as it was told last */
	char status[200];
	int64_t status_ms;
	char refused[96]; /* why its pid file is not believed */
	bool stranger;	  /* somebody else spoke for it */
};

struct process {
	struct processes *owner;
	uint32_t id;
	pid_t pid; /* 0: the main process is not there */
	int pidfd;
	uint64_t ticks;	   /* 0: not asked yet */
	uint64_t identity; /* of its pidfd, 0: none */
	int64_t began_ms;  /* of a service that we run */
	pid_t session; /* of the present instance, where there is no cgroup */
	bool occupied; /* something of it lives */
	bool died;     /* its end, of its own, is being told: what starts now starts again */
	bool signalled; /* by us, since it began */
	bool unit_asked;   /* systemd is being asked for its process */
	bool unit_starts;  /* its start command ran, and no process was seen since */
	int unit_wait_ms, unit_every_ms; /* until it is asked again, and then */
	bool told_blind; /* that it cannot be seen whether anything is left */
	bool account_good;
	bool awaits; /* its start: an answer about its user, or the end of who ran under its name */
	bool socket_waits; /* it was adopted, and its user is asked for */
	bool by_old; /* held as an earlier section found it: whom the present one names is asked */
	bool awaits_look; /* match: its start waits for word that none runs */
	pid_t hinted; /* match: who the local helper says it is, not proven yet; 0: nobody */
	uint64_t hinted_ticks;
	uint64_t ports; /* of its checks, by their order: it was seen to listen there */
	bool refused; /* match: whom the helper named was not it; it looks anew soon */
	const struct account *account; /* shared by those of one user and group */
	int group; /* its cgroup while occupied, -1: none */
	bool group_killed; /* by cgroup.kill: nothing may be born in it any more */
	bool proven_empty; /* nothing lives in group, and nothing was put there since */
	bool record_old;   /* the record still names a process that is gone */
	int lock;  /* no cgroup: our side of the lock */
	struct spawned begins; /* while it is not known whether its exec succeeded */
	int64_t log_from; /* its log was so long when it began; 0: not known */
	pid_t rotating;	  /* a child that looks at its log, where that may hang; 0: none yet */
	struct pidfile_look *looking; /* a child that reads its pid file, where that may hang */
	struct {
		bool moves;   /* it is measured, as it was written to of late */
		int watch;    /* else the kernel tells its next write; -1 */
		int64_t size; /* when it was measured last; -1: it was not there */
	} log;
	long oom_kills; /* of its group, at its start */
	struct loop_io exit, starting, saying;
	int ready; /* a pipe's read end or the notify socket, -1: it says nothing */
	struct said *said; /* NULL: nothing yet */
	bool doubtful; /* it is not known to name nobody: nothing is started beside it */
	struct loop_timer rest;
	uint32_t restarts;
	bool by_command;
	struct measured *measured; /* NULL: no rule reads its disk traffic */
};

struct logs {
	int inotify; /* -1: none */
	struct loop_io io;
	struct loop_timer timer; /* while some are measured */
};

#define DEATHS_KEPT 32
#define TRACED_KEPT 256
struct deaths { /* the kernel's word on whom it killed for want of memory */
	int kmsg; /* -1: it may not be read */
	pid_t victims[DEATHS_KEPT];
	unsigned next;
};

struct connector {
	int fd;	    /* -1: not permitted here */
	bool execs; /* the filter lets them through */
	uint32_t sought; /* so many services are looked for */
	struct loop_io io;
	struct loop_timer hint;
};

struct orphans { /* who was dead at the last look, sorted */
	pid_t *dead, *next;
	size_t count, cap;
	struct loop_timer timer;
};

#define PROOFS 64 /* that one child answers */
#define EXECS 64  /* that wait for it; of more, the local helper looks at all processes */
struct proofs { /* of those whom the local helper named, or the kernel (proof.c) */
	struct loop_timer next, limit, again;
	struct loop_io io;
	int out; /* of the child, -1: none is at work */
	pid_t child;
	int pidfd;
	struct dying dying;
	unsigned count, told;
	uint32_t from; /* service that comes first the next time */
	struct proof {
		uint32_t id;
		pid_t pid;
		uint64_t ticks;
		bool exec; /* the kernel told of it: it need not be the one */
		unsigned code;
	} list[PROOFS];
	struct pcre2_real_code_8 *codes[PROOFS]; /* while a child is made */
	unsigned code_count;
	pid_t execs[EXECS]; /* began a program, and may be what is looked for */
	unsigned exec_count;
};

#define ASKED_AT_ONCE 64
struct asking { /* the user database (known.c) */
	struct loop_timer limit;
	struct loop_io io;
	int out; /* of the child, -1: none is at work */
	pid_t child;
	int pidfd;
	struct dying dying;
	struct known_account *list[ASKED_AT_ONCE];
	unsigned count, told;
	int64_t silent_ms; /* when it did not answer last; 0: it always did */
};

struct deferred {
	struct event event;
	char text[600];
	bool ends; /* evidence: that was all of it */
};

struct retired { /* of a section that is gone: stopped out of sight */
	struct processes *owner;
	struct retired *next;
	char name[96];
	int group, pidfd;
	pid_t session; /* where there is no cgroup */
	struct stop_step stop[STOP_STEPS_MAX];
	uint32_t stop_count;
	struct loop_timer timer;
};

struct processes {
	struct loop *loop;
	const struct rules *rules;
	process_event_fn fn;
	void *arg;
	char run_dir[4096];
	int records; /* the folder of the records, -1: not opened yet */
	struct open_files { /* of those that began or died last; by id, one for several */
		const struct process *of; /* NULL: none */
		int record, events;	  /* events: of its cgroup; -1: not opened */
	} *open_files;
	uint32_t open_count;
	struct cgroups cgroups;
	struct deaths deaths;
	struct connector connector;
	struct process **list; /* by service id */
	uint32_t count;
	struct deferred *deferred;
	size_t deferred_count, deferred_cap;
	struct loop_timer defer, pidfiles, units;
	struct logs logs;
	int64_t boot_ms;       /* see age.h */
	uint32_t pidfile_next; /* service whose pid file is looked at next */
	struct retired *retired;
	struct inquiry *inquiries;
	struct orphans orphans;
	struct known_account *accounts;
	uint32_t accounts_age; /* of the reload, from 1 */
	struct asking asking;
	void (*on_accounts)(void *arg);
	struct account probes; /* the rights of the probes, once asked for */
	bool probes_known;
	struct proofs proofs;
	bool uncounted;	   /* our groups have no memory.events */
	uint32_t begins;   /* processes whose exec is awaited */
	struct process *untold; /* the one of them that does not wake us, NULL: none */
	struct loop_timer exec_asks;
	struct dying dropped;
	struct traced {
		pid_t list[TRACED_KEPT];
		unsigned count;
		struct loop_timer again;
	} traced; /* dead children whose tracers have not let go of them */
	int64_t ask_ms;
	uint32_t scripts;  /* that run now */
	uint32_t job_next; /* numbers the groups of jobs */
};

const struct service *process_service(const struct process *p);
void process_tell(struct processes *ps, const struct event *e);
/* A child of ours that nobody waits for is killed, and reaped when it is gone. */
void process_drop_child(struct processes *ps, pid_t child);
void process_hold(struct process *p, pid_t pid, int pidfd, uint64_t ticks); /* 0: not known */
struct said *process_said(struct process *p); /* never NULL */
void process_group_name(const struct process *p, char *out, size_t cap);
void process_main_gone(struct process *p);

/* ---- deferred.c: told from the loop's next turn ---- */
void process_defer_failure(struct processes *ps, uint32_t service, const char *text);
void process_defer_wait(struct processes *ps, uint32_t service, const char *text);
void process_defer_evidence(struct processes *ps, uint32_t service, uint64_t token, const char *text);
/* Before a reload: of whom it is to be told; of who has no section any more nothing is. */
void process_deferred_move(struct processes *ps, const struct rules *rules);

/* ---- leftover.c: what is left of it ---- */
/* Where there is no cgroup: a process of the session `of` is of this one (0: none), or it has
 * inherited the service's lock. */
bool session_has(const struct processes *ps, const char *service, pid_t session, pid_t pid, pid_t of);
/* All of whom that is so. */
size_t session_pids(const struct processes *ps, const char *service, pid_t session, pid_t *pids,
		    size_t cap);
size_t process_pids(const struct process *p, pid_t *pids, size_t cap); /* the main one first */
size_t leftover_pids(const struct process *p, pid_t *pids, size_t cap); /* of its group, session or lock */
bool leftover_none(const struct process *p); /* proven; false with errno: that cannot be seen */
void leftover_see(struct process *p); /* its main process is gone: told empty, now or when it is */
void leftover_look(struct process *p, int64_t after_ms); /* until nothing is left */
void process_close_group(struct process *p); /* harmless if it has none */
/* No instance lives in them: the group and the lock are given back. */
void process_give_back(struct process *p);

/* ---- signals.c ---- */
bool process_has(const struct process *p, pid_t pid); /* of its group, session or lock */

/* ---- known.c ---- */
enum known process_account(struct process *p, char why[MSG_TEXT]); /* of its section */
const struct account *process_probes(struct processes *ps); /* NULL: not known yet */

/* ---- start.c ---- */
void process_again(struct process *p);		   /* what its start waited for has come */
void process_accounts_came(struct processes *ps); /* and so may have users that were asked for */
bool process_is_new(const struct process *p); /* its exec is awaited */
/* Reads whether exec succeeded, and tells it. True: it did not, all is cleared. */
bool process_failed(struct process *p);
void process_unborn(struct process *p); /* it is not awaited any more; harmless if it was not */
/* Before news of it: exec's pipe may lie unread yet, and started comes first. False: it never
 * was the program. */
bool process_has_begun(struct process *p);

/* ---- logs.c: logs that are turned at a size ---- */
void logs_begin(struct processes *ps); /* by new rules as well */
void logs_end(struct processes *ps);
void log_moves(struct process *p); /* it may be written to: harmless if it has none */
void log_unwatch(struct process *p);

/* ---- ready.c: what it says of itself ---- */
/* Before its spawn: the descriptor or socket that its `ready` asks for, given to s. False: why. */
bool ready_open(struct process *p, struct spawn *s, char *why, size_t cap);
void ready_adopted(struct process *p); /* the socket again; no descriptor outlives us */
void ready_drain(struct process *p);   /* its last words */
void ready_end(struct process *p);     /* harmless when nothing is open */

/* ---- death.c ---- */
/* Fills code, signal, core_dumped, oom_killed; what is not known stays -1, 0, false. */
void death_read(struct process *p, struct event *e);
/* A dead child that was not waited for; harmless else. One that is traced is its tracer's first:
 * it is tried again. */
void death_reap(struct processes *ps, pid_t pid);
/* From now on; where there is no memory controller the kernel's log is asked. */
void death_watch(struct deaths *d);
void death_end(struct deaths *d);
/* Whom a record of /dev/kmsg says the kernel killed for want of memory; 0: it says no such. */
pid_t death_oom_victim(const char *record);

/* ---- connector.c: faults at once; execs, while some are looked for ---- */
bool connector_seeks(const struct process *p); /* by its match, and it was not found yet */
void connector_begin(struct processes *ps); /* where it is not permitted: a line in the log */
void connector_seek(struct processes *ps);  /* what `match` looks for was found, or is gone */
void connector_drain(struct processes *ps); /* what was told before an end comes first */
void connector_end(struct processes *ps);

/* ---- unit.c ---- */
void units_begin(struct processes *ps); /* looks for the processes of units, as long as there are some */
void unit_look_soon(struct process *p); /* it was started, or has ended */
const char *unit_obstacle(void);	/* why no unit can be watched here; NULL: they can */
/* The command for whom monitord runs as; valid until the next call. */
const char *const *unit_argv(const char *const *argv);
/* ---- orphans.c ---- */
void orphans_begin(struct processes *ps); /* where it inherits processes: reaps them */
void orphans_end(struct processes *ps);

/* ---- port.c ---- */
/* It is about to be stopped: at which of its checks' ports does it listen itself? */
void ports_note(struct process *p);
/* Where its listen checks look, and where it listened, nobody does. False: why names who. */
bool ports_free(const struct process *p, char *why, size_t cap);

/* ---- evidence.c ---- */
void evidence_end(struct processes *ps); /* what is being gathered is broken off */

/* ---- proof.c ---- */
/* It began a program while some are looked for. False: too many do, look at all. */
bool proofs_exec(struct processes *ps, pid_t pid);
void proofs_forget(struct processes *ps); /* who was named is forgotten: ids change */
void proofs_end(struct processes *ps);

/* ---- watched.c ---- */
/* Whom somebody names for it: nobody of another service, or of another user than its own. */
bool watched_may_be(struct process *p, pid_t pid);
/* Runs its start command, if it has one and does not run already: its pid file is read first;
 * where it has a match the command waits for process_absent. */
void watched_start(struct processes *ps, uint32_t service);
void watched_begin(struct process *p); /* its pid file was read */
/* Nobody is held for it yet, or who is must still be named by its section. */
bool watched_sought(const struct process *p);
bool watched_takes(struct process *p, pid_t pid); /* named by its section: false: not believed */
void watched_nobody(struct process *p); /* its section names none: who was held so far goes */
bool process_is_of(pid_t pid, uid_t owner);

/* ---- pidfile.c ---- */
/* False: a child reads it, as its mount may hang; what awaits_look goes on then. */
bool pidfile_read(struct process *p);
void pidfiles_read(struct loop_timer *timer); /* arg: struct processes */
void pidfile_look_end(struct process *p);     /* harmless when there is none */

/* ---- record.c: what survives our death ---- */
/* Places for open files, as many as can be spared. False: out of memory. */
bool record_files(struct processes *ps);
void record_write(struct processes *ps, struct process *p);
void record_clear(struct processes *ps, struct process *p);
void record_forget(struct processes *ps, const struct process *p); /* closes it */
/* cgroup.events of its group, which stays open for its next death; -1: errno. */
int record_events(struct processes *ps, const struct process *p);
/* Where there is no cgroup: takes the lock and gives the child record and lock. False: an
 * earlier instance holds it. */
bool record_lock(struct processes *ps, struct process *p, struct spawn *s);
/* Someone holds the lock, be it we. */
bool record_locked(struct processes *ps, const char *service);
/* This process got the lock from an instance: it is one of its descendants. */
bool record_holds(const struct processes *ps, const char *service, pid_t pid);

/* ---- retire.c ---- */
/* At our begin: groups of an earlier life that no section names are stopped. */
void retire_strangers(struct processes *ps);
/* What is stopped out of sight under this service's name lives still: its start goes on by
 * process_again() when it is gone. */
bool retired_lives(const struct processes *ps, const char *service);
void retired_free(struct processes *ps, struct retired *r);
/* This group was proven empty and is begun anew: who left it is not to be ended in it. */
void retired_forget(struct processes *ps, const char *group);

/* ---- job.c ---- */
/* Of an earlier life: what scripts left is killed; run actions and what start commands left
 * behind go on. */
void jobs_adopt(struct processes *ps);
/* A start, stop or reload command, as the service's user; its failure is logged, that of a
 * start is EVENT_START_FAILED. False: errno. */
bool job_command(struct processes *ps, uint32_t service, const struct command *command);

#endif
