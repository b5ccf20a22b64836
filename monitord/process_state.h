/* monitord/process_state.h: inside the process engine: one service's processes. */
#ifndef MONITORD_PROCESS_STATE_H
#define MONITORD_PROCESS_STATE_H

#include "monitord/account.h"
#include "monitord/cgroup.h"
#include "monitord/process.h"
#include "monitord/spawn.h"

struct process {
	struct processes *owner;
	uint32_t id;
	pid_t pid; /* 0: the main process is not there */
	int pidfd;
	uint64_t ticks;
	pid_t session; /* of the present instance, where there is no cgroup */
	bool occupied; /* something of it lives */
	bool account_good;
	struct account account;
	int group; /* its cgroup while occupied, -1: none */
	int lock;  /* no cgroup: our side of the lock */
	int failure;
	struct loop_io exit, starting;
	struct loop_timer rest;
	uint32_t restarts;
	bool by_command;
};

struct deferred {
	struct event event;
	char text[300];
};

struct retired { /* of a section that is gone: stopped out of sight */
	struct processes *owner;
	struct retired *next;
	char name[96];
	int group, pidfd, step;
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
	struct cgroups cgroups;
	struct process **list; /* by service id */
	uint32_t count;
	struct deferred *deferred;
	size_t deferred_count, deferred_cap;
	struct loop_timer defer, pidfiles, logs;
	uint32_t pidfile_next; /* service whose pid file is looked at next */
	struct retired *retired;
};

const struct service *process_service(const struct process *p);
void process_tell(struct processes *ps, const struct event *e);
void process_hold(struct process *p, pid_t pid, int pidfd, uint64_t ticks);
bool process_failed(struct process *p);

/* ---- record.c: what survives our death ---- */
void record_write(struct processes *ps, const struct process *p);
void record_clear(struct processes *ps, const struct process *p);
/* Where there is no cgroup: takes the lock and gives the child record and lock. False: an
 * earlier instance holds it. */
bool record_lock(struct processes *ps, struct process *p, struct spawn *s);
/* Someone holds the lock, be it we. */
bool record_locked(const struct processes *ps, const struct process *p);
/* This process got the lock from an instance: it is one of its descendants. */
bool record_holds(const struct processes *ps, const struct process *p, pid_t pid);

/* ---- retire.c ---- */
void retired_free(struct processes *ps, struct retired *r);

/* ---- job.c ---- */
/* A start, stop or reload command, as the service's user; its failure is logged. False: errno. */
bool job_command(struct processes *ps, uint32_t service, const struct command *command);

#endif
