/* alerts/spool.h: what is still to be told, kept over kill -9 and power loss (SQLite).
 *
 * A journal line, the alerts that follow from it and the cursor are one transaction; so
 * are the final answers of a delivery and the alert's new state. An alert is unique by
 * thread, phase, contact and way, so that a line that is read again makes nothing new.
 * Alerts of one thread, contact and way leave in the order in which they came.
 *
 * False from any call: nothing was changed, spool_why says why; the disk may be full, so
 * try again later. spool_damaged: the file is broken; set it aside and begin anew. */
#ifndef ALERTS_SPOOL_H
#define ALERTS_SPOOL_H

#include "alerts/letter.h"

enum way { WAY_MAIL, WAY_PAGE, WAY_SMS, WAY_RUN, WAYS };
enum fate { FATE_QUEUED, FATE_SENT, FATE_FAILED, FATE_DROPPED, FATE_FILTERED, FATES };

struct spool;

struct spool_addressee {
	char contact[JOURNAL_NAME];
	enum way way;
	enum severity least; /* it hears of this and of worse */
};

#define SEVERITY_NONE (-1)
struct spool_severity {
	int line;	    /* what the line adds to its incident, or SEVERITY_NONE */
	enum severity root; /* for want of all others */
};

struct spool_alert {
	int64_t id, thread;
	enum phase phase;
	enum way way;
	enum severity severity;
	int64_t tries, born_ms; /* wall clock */
	char contact[JOURNAL_NAME];
};

struct spool_counts {
	uint64_t queued, sent, failed, undelivered;
};

/* What a contact was sent by one way of late. */
struct spool_pace {
	int64_t count;		   /* since the time that was asked for */
	int64_t first_ms, last_ms; /* of these; 0: none */
	int64_t last_thread;
	enum severity last_severity;
};

/* Opens or makes the file. One that is damaged becomes PATH.damaged and *aside is set.
 * NULL: why (cap >= 200) says what is in the way. */
struct spool *spool_open(const char *path, bool *aside, char *why, size_t cap);
void spool_close(struct spool **sp);
/* Where nothing else is said of a bool, false is a file that cannot be read or written: spool_why
 * says what is in the way, spool_damaged that it is the file itself. Times are of the wall clock. */
const char *spool_why(const struct spool *s);
bool spool_damaged(const struct spool *s);
/* Renames the file and what belongs to it; the next spool_open makes a new one. */
bool spool_set_aside(const char *path);

/* The last line that was committed, and its time; 0: none yet. */
uint64_t spool_cursor(const struct spool *s, int64_t *real_ms);
/* The journal has begun anew and its ids count from below: they mean other things now. What
 * was open in it is over: if it still is so, it is told as new. */
bool spool_new_life(struct spool *s, int64_t now_ms);

/* A transaction: what is taken and the cursor are on the disk together, or neither is. */
bool spool_begin(struct spool *s);
bool spool_commit(struct spool *s);
void spool_rollback(struct spool *s);

/* Takes one line, inside a transaction. to: whom it is for; unknown: how many more it was
 * for that cannot be reached. */
bool spool_take(struct spool *s, const struct journal_line *line,
		const struct spool_addressee *to, size_t to_count, uint64_t unknown,
		struct spool_severity severity, int64_t now_ms);
/* How the metric went that the incident is about. */
bool spool_trace(struct spool *s, const struct msg_trace *trace, const char *name);
bool spool_lost(struct spool *s, uint64_t lines); /* overwritten before they were read */

/* The next alert that is due and not among busy. False: none; *wait_ms says for how long,
 * -1 for ever. */
bool spool_next(struct spool *s, int64_t now_ms, const int64_t *busy, size_t busy_count,
		struct spool_alert *out, int64_t *wait_ms);

/* Fills number, since, severity, about, lines and trace of what the alert tells. */
bool spool_letter(struct spool *s, const struct spool_alert *a, struct letter *l);

/* The objects that were wrong in the alert's incident, root first. Returns how many. */
size_t spool_members(struct spool *s, const struct spool_alert *a, struct letter_link *out,
		     size_t cap);

/* ---- digests ---- */
/* Alerts of this contact and way that are due, have not been tried, and are not this one. */
int64_t spool_waiting(struct spool *s, const struct spool_alert *a, int64_t now_ms);
/* They go with it, and meet its fate. */
bool spool_bundle(struct spool *s, const struct spool_alert *a, const int64_t *busy, size_t busy_count,
		  int64_t now_ms);
/* All objects of what goes with it. */
size_t spool_bundle_members(struct spool *s, const struct spool_alert *a, struct letter_link *out,
			    size_t cap);
/* What goes with it, itself first, one for each incident. 0: it goes alone. */
size_t spool_items(struct spool *s, const struct spool_alert *a, struct letter_item *out, size_t cap);
/* What its contact was sent by its way since then. */
struct spool_pace spool_pace(struct spool *s, const struct spool_alert *a, int64_t since_ms);
/* All that is queued for this contact and way waits until then. */
bool spool_hold(struct spool *s, const struct spool_alert *a, int64_t until_ms);

/* The final answer for one address; final: 1 taken, 2 refused. */
bool
spool_answer(struct spool *s, int64_t alert, const char *address, int final, int code);
int spool_answered(struct spool *s, int64_t alert, const char *address); /* 0: not yet */

/* And of all that goes with it. */
bool spool_settle(struct spool *s, int64_t alert, enum fate fate, int64_t now_ms);
bool spool_retry(struct spool *s, int64_t alert, int64_t due_ms); /* it was tried, in vain */
bool spool_put_off(struct spool *s, int64_t alert, int64_t due_ms); /* it was not tried */
bool spool_wake(struct spool *s, int64_t now_ms);     /* what was tried in vain is due */
bool spool_prune(struct spool *s, int64_t before_ms); /* forgets what was over by then */
/* It can be written. */
bool spool_beat(struct spool *s);
struct spool_counts spool_count(struct spool *s); /* of all that it holds */

#endif
