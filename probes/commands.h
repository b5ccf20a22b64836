/* probes/commands.h: the command lines of all processes of this host, for `match`.
 *
 * To read one blocks for as long as its process keeps its memory locked, which whoever owns
 * it may do on purpose. So a thread reads them, one after another; a process that holds it up
 * has that thread for itself, and another one reads those of the others meanwhile. */
#ifndef PROBES_COMMANDS_H
#define PROBES_COMMANDS_H

#include "probes/match.h"
#include "probes/worker.h"

#include <stdint.h>
#include <sys/types.h>

struct commands;
struct commands_read; /* what one pass has read */

struct commands_process {
	pid_t pid; /* 0: none */
	uint64_t start_ticks; /* field 22 of /proc/PID/stat */
};

/* NULL: out of memory. It lives as long as the program. */
struct commands *commands_new(struct loop *loop, struct workers *workers);
/* done() is called once with all of them, which are not there behind it, and may have begun
 * before this. What was asked for before and is not done is not told any more. */
void commands_ask(struct commands *c, void (*done)(void *arg, const struct commands_read *r),
		  void *arg);
void commands_forget(struct commands *c); /* nothing is asked for */
int64_t commands_began_ns(const struct commands_read *r);
/* Why not all could be read: no descriptors, or no memory; who is not found may run. 0: all were. */
int commands_error(const struct commands_read *r);
/* The oldest process of this owner, or of anybody (NULL), whose command line fits; this program
 * and monitord excepted. */
struct commands_process commands_match(const struct commands_read *r, const struct match *m,
				       const uid_t *owner);

#endif
