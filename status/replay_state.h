/* status/replay_state.h: a replay under way; for its parts only: replay.c plays the world
 * that does as the core decides, replay_feed.c hands it what was. */
#ifndef STATUS_REPLAY_STATE_H
#define STATUS_REPLAY_STATE_H

#include "rules/world.h"
#include "status/replay.h"

#define OUTCOMES_CAP 4096

struct due { /* an outcome on its way */
	int64_t at_ms;
	enum event_kind kind;
	uint32_t id;
	int32_t pid;
	int signal;
	uint64_t number, active, token;
};

struct replay {
	const struct rules *rules;
	struct world *world;
	int64_t since_ms, real_ms, now_ms; /* since_ms: real */
	bool begun;
	int32_t *pids, last_pid;
	struct due queue[OUTCOMES_CAP]; /* a ring, by time: all wait equally long */
	unsigned first, count;
	int64_t zone_minute;
	struct replay_lines would, was;
	struct replay_sums sums;
	struct decisions out;
};

void replay_keep(struct replay_lines *l, const struct journal_line *line);
/* Something that takes as long as all outcomes do. */
void replay_later(struct replay *r, struct due d);
/* Now: the core decides, and what it decides is done. */
void replay_happen(struct replay *r, const struct event *e);
/* Time passes until then, with all that falls due. */
void replay_pass(struct replay *r, int64_t to_ms);
/* All that monitord runs is taken to run; what it watches is found when it is measured.
 */
void replay_begin(struct replay *r, int64_t real_ms);

#endif
