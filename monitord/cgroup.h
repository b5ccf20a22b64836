/* monitord/cgroup.h: a v2 cgroup for each service; the kernel's word on who lives. */
#ifndef MONITORD_CGROUP_H
#define MONITORD_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cgroups {
	int base;	/* directory that holds the services' groups; -1: no cgroup can be written */
	char path[4096];
};

/* Finds or makes the folder of groups; run_dir remembers it over our own restarts. */
void cgroups_open(struct cgroups *c, const char *run_dir);
void cgroups_close(struct cgroups *c);

/* The service's group, made if it is not there; -1: errno. Close-on-exec. */
int cgroup_open(const struct cgroups *c, const char *service);
/* The folder was taken away: made again. False: it cannot be. */
bool cgroups_again(struct cgroups *c);
int cgroup_find(const struct cgroups *c, const char *service); /* as it is; -1: there is none */
/* All that stands in our folder, whatever it is. */
void cgroups_each(const struct cgroups *c, void (*fn)(void *arg, const char *name), void *arg);
bool cgroup_lists(int group, pid_t pid); /* itself, not what is below it; false: not known */
void cgroup_remove(const struct cgroups *c, const char *service); /* when it is empty */

/* 1: something lives in it; 0: proven empty; -1: not known. */
int cgroup_populated(int group);
/* The same of a file that stays open: for this group only, not for one that is made anew in its
 * place. */
int cgroup_events(int group); /* -1: errno */
int cgroup_populated_now(int events);
bool cgroup_kill(int group); /* SIGKILL to all, at once */
/* Pids in it, not in what it has below, up to cap; the number there are. */
size_t cgroup_pids(int group, pid_t *pids, size_t cap);
/* Of memory.events: how many of it the kernel killed for want of memory; -1: not counted. */
long cgroup_oom_kills(int group);
bool cgroup_set(int group, const char *file, const char *value);
/* True if the process is in this group now. */
bool cgroup_has(const struct cgroups *c, const char *service, pid_t pid);

#endif
