/* test/unit/alerts_play.h: a test plays monitord to the built monitord-alerts: a journal
 * of its own in the current directory, and the other end of the channel. Each call fails
 * the running test when the helper does not do its part within 30 s. */
#ifndef TEST_UNIT_ALERTS_PLAY_H
#define TEST_UNIT_ALERTS_PLAY_H

#include "base/msg.h"

#include <sys/types.h>

#define PLAY_SLOTS 256 /* of the journal */

struct play {
	int channel, journal, bundle; /* -1: none */
	pid_t helper;                 /* 0: not running */
	uint64_t last_id, hello_cursor;
	uint32_t generation;
	struct msg_packet packet; /* that was heard last */
};
extern struct play play;

void play_begin(void); /* an empty journal */
void play_end(void);
void play_happens(const char *kind, uint64_t incident, const char *to, const char *text);
void play_incident(const char *to); /* it begins, is told, and ends */
void play_ring(void);

void play_start(const char *rules); /* up to JOURNAL */
void play_load(const char *rules);
void play_stop(int signal);
void play_tell(enum msg_kind kind, const void *item, int fd);
void play_hear(enum msg_kind kind); /* the next of that kind */
/* The counts once so many alerts wait and so many are over with, one way or another. */
struct msg_alert_counts play_hear_counts(uint64_t queued, uint64_t over);

#endif
