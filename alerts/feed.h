/* alerts/feed.h: the event stream of the status socket, for monitord-desktop. */
#ifndef ALERTS_FEED_H
#define ALERTS_FEED_H

#include "base/journal.h"

struct feed {
	const char *socket;
	/* In the feed's own thread; line->rule and cause are not filled. */
	void (*line)(void *arg, const struct journal_line *line);
	void (*caught_up)(void *arg); /* all that happened before was told */
	void *arg;
	uint64_t last_id;
	uint64_t known; /* up to this one all was told */
	bool found;	/* that one is still there: it is the same journal */
	char *rest; /* of a line that has not come whole */
	size_t rest_size;
};

/* Reads what happened, then follows; begins again when monitord is away. Never returns. */
void feed_run(struct feed *f);

/* POST; the HTTP status, 0: no answer. Blocks up to 10 seconds. */
long feed_post(const char *socket, const char *path, const char *body);

#endif
