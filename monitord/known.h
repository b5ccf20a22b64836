/* monitord/known.h: users and groups as numbers. The user database may be slow, or silent for
 * ever: children ask it, and nothing of ours waits. */
#ifndef MONITORD_KNOWN_H
#define MONITORD_KNOWN_H

#include "monitord/account.h"

struct processes;

enum known {
	KNOWN_YES,
	KNOWN_LATER,   /* it is asked: known_on_news() tells when it has answered */
	KNOWN_MISSING, /* it says that there is none: why */
	KNOWN_SILENT,  /* it did not answer, and is not asked for a minute: why */
};

/* The numbers of a user and group, each NULL or a name, asked for once a reload; both NULL: our
 * own. out: good until known_free; where the answer is not KNOWN_YES what it was before, or NULL.
 * A database that has become silent has no say: KNOWN_YES, as it was. */
enum known known_account(struct processes *ps, const char *user, const char *group,
			 const struct account **out, char why[MSG_TEXT]);
/* Of a helper: in no group but its own, under uid where there is no such user; set only as root.
 * KNOWN_YES or KNOWN_LATER. */
enum known known_helper(struct processes *ps, const char *user, uid_t uid, struct account *out);
/* After answers have come; its argument is the one of processes_new's fn. */
void known_on_news(struct processes *ps, void (*fn)(void *arg));
/* All that the rules name is asked for now. */
void known_prefetch(struct processes *ps);
void known_free(struct processes *ps);

#endif
