/* alerts/letter.h: all that one mail or page is composed of. */
#ifndef ALERTS_LETTER_H
#define ALERTS_LETTER_H

#include "base/journal.h"
#include "base/msg.h"
#include "rules/rules.h"

#define LETTER_HEAD 20 /* of a long incident the first and the last lines are told */
#define LETTER_TAIL 40
#define LETTER_LINES (LETTER_HEAD + LETTER_TAIL)
#define LETTER_CHAIN 16 /* links of the picture; a longer chain is cut behind the root */

/* Kept in the spool by number: new ones go to the end. */
enum phase {
	PHASE_OPEN,
	PHASE_REMIND,
	PHASE_CLOSE,
	PHASE_EVENT,
	PHASE_TEST,
	PHASE_AGAIN, /* it was over, or flaps */
	PHASE_ACK,   /* for pages only */
	PHASES
};

/* One of the objects that an incident concerns, or that stand in a chain with it. */
enum mark { MARK_UNKNOWN, MARK_ROOT, MARK_WRONG, MARK_AFFECTED, MARK_WELL, MARKS };
struct letter_link {
	char name[JOURNAL_NAME];
	enum mark mark;
};

/* One of the alerts that a digest gathers. */
struct letter_item {
	uint64_t number;
	int64_t since_ms;
	enum phase phase;
	enum severity severity;
	uint32_t members;
	char root[JOURNAL_NAME];
	char text[256];
	int64_t alert, thread; /* of the spool */
	const char *detail;    /* what was done, and its evidence, in lines; NULL: not told */
};
#define LETTER_DETAILED 8 /* a digest of no more items tells each one's detail */

struct letter {
	const char *host;
	const char *from;   /* `from` of the rules, NULL: monitord@host */
	const char *socket; /* for the commands; NULL: the usual one */
	const char *contact;
	const char *subject, *body; /* templates of the contact, NULL: ours */
	const char *const *to;	    /* mail addresses */
	size_t to_count;
	bool sms; /* one text of at most 160 characters, and nothing else */
	enum phase phase;
	enum severity severity;
	uint64_t number;  /* of the incident, or of the event that belongs to none */
	int64_t since_ms; /* when it began (wall clock) */
	int64_t until_ms; /* of what is over: when it was well again */
	int64_t now_ms;	  /* when it is composed */
	struct journal_line about;               /* the line that is told */
	struct journal_line lines[LETTER_LINES]; /* of the incident, oldest first */
	size_t line_count;
	uint64_t omitted; /* lines between the first LETTER_HEAD and the others */
	const struct letter_link *members; /* what is wrong or affected, root first */
	size_t member_count;
	struct letter_link chain[LETTER_CHAIN]; /* who needs whom: left needs right */
	size_t chain_count;
	const struct letter_item *items; /* of a digest, oldest first */
	size_t item_count;
	struct msg_trace trace; /* of the metric that tripped; count 0: none */
	char trace_name[JOURNAL_NAME];
	/* pagers know an incident by what it was called first */
	enum severity page_severity;
	char page_root[JOURNAL_NAME];
	/* pictures, as PNG; NULL: none */
	const char *chain_png, *trace_png;
	size_t chain_size, trace_size;
};

/* "problem", "over" …: what it is, in one word. */
extern const char *const letter_state[PHASES];

#endif
