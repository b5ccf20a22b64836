/* monitord/spawn.h: one new process: clone3 into its cgroup, set up, exec. */
#ifndef MONITORD_SPAWN_H
#define MONITORD_SPAWN_H

#include "monitord/account.h"
#include "rules/rules.h"

#include <signal.h>
#include <sys/resource.h>

#define LOCK_FD 64 /* struct spawn's lock in the service: open as long as one of it lives */

struct spawn {
	const char *const *argv; /* ends with NULL; argv[0] absolute */
	const struct account *account;
	const struct service *service; /* env, dir, limits, umask, nice; NULL: defaults */
	const char *dir;	       /* NULL: "/" */
	int in, out, err;	       /* descriptors, borrowed; -1: /dev/null */
	const char *log;	       /* the child opens it for both; NULL: out and err stand */
	int cgroup;		       /* directory, -1: none */
	int record, lock;	       /* where no cgroup: the child's own record; -1: none */
	int ready;		       /* becomes descriptor service->ready.fd; -1: none */
	bool dies_with_us;	       /* killed when monitord dies */
	bool untold;		       /* spawn_ask will be asked: its exec need not wake us */
	const char *notify;	       /* NOTIFY_SOCKET; NULL: none */
	const char *const *env;	       /* NAME=VALUE besides, ends with NULL; NULL: none */
};

struct nursery;
struct spawned {
	pid_t pid;
	int pidfd;
	int failure; /* read end: a struct spawn_failure, or end of file once exec succeeded; -1: */
	struct nursery *nursery; /* its memory says that */
};

struct spawn_failure {
	int error; /* errno; 0: none */
	int step;  /* enum born_step */
};

/* Once, when signals are set as they stay: children can then be made at less cost. files: the
 * limit of descriptors that they get unless their section sets one. */
void spawn_begin(const struct rlimit *files);
/* False: errno says why no process could be made. The environment is built from nothing. */
bool spawn(const struct spawn *s, struct spawned *out);
/* False: it is on its way to its exec. Else how that went: failure->error, which is 0 also where
 * it was killed before. Who ended by the word of its pidfd has always got there. */
bool spawn_ask(const struct spawned *s, struct spawn_failure *failure);
void spawn_forget(struct spawned *s); /* nobody asks any more; harmless when repeated */
/* "run /opt/x: No such file or directory" */
void spawn_failure_text(const struct spawn_failure *f, const char *program, char *out, size_t cap);

/* Field 22 of /proc/PID/stat, 0: gone. Zombies count as gone where want_alive. */
uint64_t process_start_ticks(pid_t pid, bool want_alive);
/* What no other process of this boot has (pidfs, Linux 6.9); 0: the kernel has no such. */
uint64_t pidfd_identity(int pidfd);
int pidfd_of(pid_t pid);			 /* pidfd_open, close-on-exec; -1: errno */
int pidfd_kill(int pidfd, int signal);		 /* pidfd_send_signal */
int pidfd_wait(int pidfd, siginfo_t *info, int options); /* waitid */

#endif
