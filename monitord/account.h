/* monitord/account.h: users and groups as numbers, resolved once, when rules are loaded. */
#ifndef MONITORD_ACCOUNT_H
#define MONITORD_ACCOUNT_H

#include "base/msg.h"

#include <stdbool.h>
#include <sys/types.h>

#define ACCOUNT_GROUPS 64

struct account {
	bool set; /* false: monitord's own */
	uid_t uid;
	gid_t gid;
	int group_count;
	gid_t groups[ACCOUNT_GROUPS];
	char name[64], home[256], shell[128];
};

/* Asks NSS in a child, as it may block; within 5 s. user may be NULL (own), group NULL (the
 * user's). False: why, and errno is ETIMEDOUT where there was no answer. */
bool account_resolve(const char *user, const char *group, struct account *out, char why[MSG_TEXT]);

/* The uid of a helper's user, or base + index where there is none; own uid when not root. */
struct account account_helper(const char *user, uid_t fallback);

/* Sets groups, gid, uid for good. For use in a child. False: errno. */
bool account_become(const struct account *a);

#endif
