/* probes/look.h: looks at this host's files and itself. A kind is one function in a file
 * of its own, that looks and says what it found; it may block for ever (a dead mount): it
 * runs in a thread, and what is not done at the deadline is unknown. Scheduling,
 * deadlines, the tests of `expect` and reporting exist once, in probes/look.c. */
#ifndef PROBES_LOOK_H
#define PROBES_LOOK_H

#include "probes/kind.h"
#include "probes/mounts.h"
#include "probes/results.h"
#include "probes/schedule.h"
#include "probes/worker.h"

#include <sys/types.h>

#define LOOK_COUNTERS 8
#define SIGHT_TARGET 4096 /* bytes of a link's target */

struct look;
struct log;

/* A look while it runs. It outlives its check when a thread is stuck in it. */
struct sight {
	struct work work;
	struct look *look; /* NULL: the check is gone */
	/* what is asked; copies, as the rules may be replaced meanwhile */
	enum check_kind kind;
	char *path; /* or the address; "*": any */
	uint16_t port;
	char *match; /* NULL: none */
	int64_t began_ns;
	int fd;                     /* lent by monitord, -1: none */
	dev_t device; /* that the path was on when it was seen last; 0: not yet */
	bool wanted[METRICS_COUNT]; /* some test or rule reads it */
	/* what was found */
	enum outcome outcome;
	bool denied; /* we may not see it: monitord may */
	char why[MSG_TEXT];
	double value[METRICS_COUNT]; /* NaN: not measured */
	/* what a kind keeps from look to look, for rates */
	int64_t before_ns; /* 0: nothing yet */
	uint64_t before[LOOK_COUNTERS];
	char sha256[65];         /* of a file's content, "": not asked for */
	uint64_t hashed[5];      /* which content that was */
	char *target; /* SIGHT_TARGET bytes, where the link leads, "": it is none; NULL: not asked for */
	struct log *log; /* where a log's reader stands; NULL: nowhere yet */
};

struct looks { /* what all share */
	struct helper *helper;
	struct results *results;
	const struct rules *rules;
	struct workers *workers;
	struct mounts *mounts;
	struct look *opening; /* list of those that monitord was asked to open for */
	uint64_t token;
	struct timetable timetable;
};

/* False: out of memory. */
bool look_begin(struct look **out, struct looks *all, uint32_t check);
/* After a reload: it measures the same, as another number. False: out of memory. */
bool look_carry(struct look *l, uint32_t check);
void look_end(struct look **lp);
void look_pace(struct look *l, enum pace pace);
/* OPENED: fd (taken), or -errno. NULL when nobody waits for the token. */
struct look *look_of_token(const struct looks *all, uint64_t token);
void look_opened(struct look *l, int fd);

/* Is that kind looked at here? */
bool look_is_kind(enum check_kind kind);

/* ---- the kinds; s->value is NaN throughout and s->outcome unknown before ---- */
void file_look(struct sight *s); /* file, directory, fifo */
void filesystem_look(struct sight *s);
void system_look(struct sight *s);
void network_look(struct sight *s);
void listen_look(struct sight *s);
void log_look(struct sight *s);
void log_free(struct log *l); /* NULL is fine */

/* For the kinds: it was not found (bad), may not be seen (denied) or cannot be (unknown).
 */
void sight_failed(struct sight *s, int error);
/* part of whole in percent; NaN when there is no whole. */
double sight_percent(double part, double whole);
/* A verdict with its reason. */
void sight_says(struct sight *s, enum outcome outcome, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
