/* monitord/account.h: users and groups as numbers. */
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

/* user NULL: our own; group NULL: the user's. NSS modules may do anything here, and take for ever:
 * for use in a child. 0, or a code for account_why. */
int account_look_up(const char *user, const char *group, struct account *a);
/* code < 0: it could not be asked, -errno. */
void account_why(int code, const char *user, char why[MSG_TEXT]);

/* Sets groups, gid, uid for good. For use in a child. False: errno. */
bool account_become(const struct account *a);

#endif
