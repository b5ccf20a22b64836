/* monitord/helpers.h: the helpers: started, given the rules, asked whether they live, replaced.
 * Their death is ours to repair and nobody's fault: their facts are unknown until they are back. */
#ifndef MONITORD_HELPERS_H
#define MONITORD_HELPERS_H

#include "base/loop.h"
#include "base/msg.h"
#include "monitord/dying.h"

#include <sys/types.h>

struct core;

#define CONTROL_QUEUE 512 /* answers that wait for room in a channel */

enum helper_state { HELPER_OFF, HELPER_STARTED, HELPER_LOADING, HELPER_READY };

struct control { /* one answer that must not be lost */
	enum msg_kind kind;
	int fd; /* owned, -1: none */
	_Alignas(8) unsigned char item[sizeof(struct msg_command_done)];
};

struct helper_slot {
	struct core *core;
	enum role role;
	enum helper_state state;
	pid_t pid;
	int pidfd, channel;
	struct loop_io exit, io;
	struct dying dying; /* its predecessors */
	struct loop_timer timer; /* its deadline while it begins, its restart after a death */
	bool full;
	bool account_known;
	uint32_t generation;
	uint64_t ping, pong;
	unsigned silent; /* of our own beats since the ping: our own lateness is not its */
	bool unsettled;  /* it was sent something since its last ping */
	unsigned crashes;
	int64_t started_ms;
	struct control *queue;
	uint32_t queue_first, queue_count;
	uint64_t bell; /* the last id that it was told of */
	struct msg_packet in;
};

/* ---- helpers.c: all of them ---- */
void helpers_begin(struct core *c);
void helpers_wanted(struct core *c); /* starts and stops them as the rules need */
void helpers_rules(struct core *c);  /* new rules to all */
/* Once a beat: replaces those that do not answer. False: until one is sent something nobody
 * needs to be asked. */
bool helpers_ping(struct core *c);
/* They have 2 s to end by themselves, and are killed then. */
void helpers_end(struct core *c);

/* ---- helpers.c: one of them ---- */
/* Kills it, tells why in the journal, and starts it anew; nothing where it does not run. */
void helper_drop(struct helper_slot *h, const char *why);
bool helper_greeted(struct helper_slot *h);  /* its HELLO came: rules and journal go */
void helper_is_ready(struct helper_slot *h); /* its LOADED came */

/* ---- helper_channel.c ---- */
void helper_watch(struct helper_slot *h);    /* its channel, for writing as well while h->full */
/* Sends one item, or count of them; keeps h->full. fd: stays the caller's, -1: none. MSG_FULL:
 * nothing went, and the loop's next turn with room may try again. */
enum msg_sent helper_put(struct helper_slot *h, enum msg_kind kind, const void *item, int fd);
enum msg_sent helper_put_many(struct helper_slot *h, enum msg_kind kind, const void *items,
			      size_t count);
/* An answer that must not be lost: it waits for room, in order. fd is taken, -1: none. False: the
 * helper is gone, or CONTROL_QUEUE of them wait already. */
bool helper_control(struct helper_slot *h, enum msg_kind kind, const void *item, size_t size, int fd);
void helper_queue_empty(struct helper_slot *h); /* nobody hears what waits */

/* ---- helper_start.c ---- */
struct helper_program {
	const char *name, *argument; /* argument NULL: none */
	const char *folder;	     /* below the state directory; NULL: none */
};
/* Runs it as its role's user (c->accounts), in its folder, with one end of a packet socket as
 * descriptor 3; *channel gets our end, the caller's from now on. Its pid, or -1: it could not
 * begin, and may be tried again. */
pid_t helper_start(const struct core *c, enum role role, const struct helper_program *program,
		   int *channel);

#endif
