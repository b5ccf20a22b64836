/* alerts/letter.h: all that one mail or page is composed of. */
#ifndef ALERTS_LETTER_H
#define ALERTS_LETTER_H

#include "base/journal.h"

#define LETTER_HEAD 20 /* of a long incident the first and the last lines are told */
#define LETTER_TAIL 40
#define LETTER_LINES (LETTER_HEAD + LETTER_TAIL)

enum phase { PHASE_OPEN, PHASE_REMIND, PHASE_CLOSE, PHASE_EVENT, PHASE_TEST, PHASES };

struct letter {
	const char *host;
	const char *from;   /* `from` of the rules, NULL: monitord@host */
	const char *socket; /* for the commands; NULL: the usual one */
	const char *contact;
	const char *const *to; /* mail addresses */
	size_t to_count;
	enum phase phase;
	uint64_t number;  /* of the incident, or of the event that belongs to none */
	int64_t since_ms; /* when it began (wall clock) */
	struct journal_line about;               /* the line that is told */
	struct journal_line lines[LETTER_LINES]; /* of the incident, oldest first */
	size_t line_count;
	uint64_t omitted; /* lines between the first LETTER_HEAD and the others */
};

#endif
