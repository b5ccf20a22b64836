/* alerts/part.h: what a mail says, in parts, in the order in which a woken person wants to
 * know it; the same words for text, HTML and templates. */
#ifndef ALERTS_PART_H
#define ALERTS_PART_H

#include "alerts/letter.h"
#include "base/text.h"

enum part {
	PART_SERVED,   /* who is served by whom now */
	PART_DONE,     /* what was done, and whether it was verified */
	PART_NEXT,     /* what comes next */
	PART_EVIDENCE, /* measurements against thresholds, exit causes, last log lines */
	PART_AFFECTED, /* what is wrong because of it */
	PART_CHAIN,    /* in text */
	PART_COMMANDS, /* to acknowledge, hold, undo */
	PART_EVENTS,   /* what happened, to the millisecond */
	PARTS
};
extern const char *const part_title[PARTS];

/* UTF-8 lines that end in '\n'; nothing: the part has nothing to say. */
void part_write(const struct letter *l, enum part part, struct text *out);

/* Of all that was wrong the newest news is that it is well. */
bool part_well(const struct letter *l);

/* How many are wrong, or will be, because of it. */
size_t part_affected(const struct letter *l);

/* "monitorctl", with the socket where it is not the usual one. */
char *part_ctl(const struct letter *l, char *out, size_t cap);

/* One text for a small screen: at most 160 characters, ASCII. */
#define SMS_MAX 160
size_t part_sms(const struct letter *l, char *out, size_t cap);

/* The value of a template's variable. */
#include "rules/template.h"
void part_variable(const struct letter *l, enum variable v, struct text *out);

#endif
