/* test/unit/probes_play.h: a test plays monitord to the built monitord-probes: the other
 * end of its channel. Each call fails the running test when the helper does not do its
 * part within 30 s. */
#ifndef TEST_UNIT_PROBES_PLAY_H
#define TEST_UNIT_PROBES_PLAY_H

#include "base/msg.h"
#include "rules/metric.h"

#include <sys/types.h>

#define PLAY_CHECKS 256

struct play {
	enum role role;      /* ROLE_NET or ROLE_LOCAL */
	int channel, bundle; /* -1: none */
	pid_t helper;        /* 0: not running */
	uint32_t generation;
	struct msg_packet packet; /* that was heard last */
	unsigned results;         /* since play_load() */
	unsigned count[PLAY_CHECKS];
	struct msg_result last[PLAY_CHECKS]; /* by check */
};
extern struct play play;
extern unsigned play_nofile; /* its limit of descriptors; 0: the test's own */
extern uid_t play_user; /* the helper runs as this one; 0: as the test itself */

void play_start(enum role role, const char *rules);
void play_load(const char *rules); /* counts begin anew */
void play_end(void);
void play_tell(enum msg_kind kind, const void *item, int fd);
void play_pace(uint32_t check, enum pace pace);
void play_hear(enum msg_kind kind); /* the next of that kind; results are counted */
/* Waits for results until that check has had so many. */
const struct msg_result *play_result(uint32_t check, unsigned count);
/* The next verdict of that check: one that is not due to a late machine. */
const struct msg_result *play_verdict(uint32_t check);
/* NaN: the result has none. */
double play_value(const struct msg_result *r, enum metric metric);
/* All that was told before has been done. */
void play_settle(void);
unsigned play_fds(void); /* open descriptors of the helper */
void play_await_fds(unsigned count);

#endif
