/* probes/tree.h: a look at /proc by libproc2: the processes that are wanted, and, when it
 * is asked for, all others with their parents. */
#ifndef PROBES_TREE_H
#define PROBES_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tree;

struct tree_process {
	pid_t pid, parent;
	uint64_t start_ticks; /* field 22 of /proc/PID/stat */
	uint64_t cpu_ticks;   /* user and system */
	uint64_t memory;      /* resident bytes */
	uint64_t swap;        /* bytes; only of wanted ones */
	int threads;          /* only of wanted ones */
	bool zombie;
	uint32_t first_child, next_child; /* indexes, UINT32_MAX: none */
};

struct tree_sum { /* of all below a process */
	uint64_t cpu_ticks, memory;
	uint64_t most_memory;   /* of the largest */
	double most_cpu;        /* of the busiest, percent of one core; NaN: not known yet */
	unsigned count, zombies;
};

struct tree *tree_new(void); /* NULL: no /proc, or out of memory */
void tree_free(struct tree **tp);

void tree_begin(struct tree *t);           /* forgets the last look */
void tree_want(struct tree *t, pid_t pid); /* 0 is ignored */
/* now_ns: of this look. Reads what is wanted; with all, every process besides. False: it cannot
 * be read. */
bool tree_look(struct tree *t, bool all, int64_t now_ns);

/* A wanted process; NULL: there is none. */
const struct tree_process *tree_find(const struct tree *t, pid_t pid);
/* Needs a look at all. */
void tree_below(const struct tree *t, pid_t pid, struct tree_sum *sum);

/* Open descriptors of a process; -1: they may not be counted. */
int tree_fds(pid_t pid);

#endif
