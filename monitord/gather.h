/* monitord/gather.h: what a forked child gathers of a process before it is killed. Nothing here
 * is of the rules' arena, which is not there in the child (MADV_DONTFORK). */
#ifndef MONITORD_GATHER_H
#define MONITORD_GATHER_H

#include "monitord/account.h"
#include "rules/rules.h"

#include <limits.h>
#include <stdio.h>

#define GATHER_PIDS 256		  /* of its tree are looked at */
#define GATHER_FILE_MAX (1 << 20) /* bytes of the file that is kept */
#define GATHER_LINE 560		  /* of an excerpt, with its end */

struct gather {
	char name[RULES_NAME_MAX + 1]; /* of the service */
	char folder[PATH_MAX];	       /* for the file */
	char logs[EVIDENCE_MAX][PATH_MAX]; /* which each item reads, "": none */
	struct evidence items[EVIDENCE_MAX];
	unsigned item_count;
	struct account account; /* of the service: what it may read */
	pid_t pid;		/* 0: it is dead, its logs are all that is left */
	int pidfd;
	pid_t pids[GATHER_PIDS]; /* of its tree, the main process first */
	size_t pid_count;
	/* what it wrote itself of the service's log: before is an earlier instance, and behind may
	 * be the next; until -1: all that there is */
	off_t from, until;
};

struct gathering { /* in the child */
	const struct gather *ask;
	FILE *file;
	size_t size;
	int out; /* excerpts, a line each */
	off_t ends[EVIDENCE_MAX]; /* of the logs, when we began */
};

/* In the child: writes the file, and excerpts to out; does not return. */
_Noreturn void gather(const struct gather *ask, int out);

/* Into the file, up to its limit. */
void gather_put(struct gathering *g, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
#define GATHER_BREAK " | " /* between lines, in an excerpt */
/* As many whole lines from the end as there is room for. */
void gather_excerpt(char out[GATHER_LINE], const char *title, const char *from, const char *end);
/* One excerpt. */
void gather_tell(struct gathering *g, const char *text);

/* ---- gather_proc.c ---- */
void gather_threads(struct gathering *g, unsigned most);
void gather_sockets(struct gathering *g);

#endif
