#include "monitord/account.h"

#include "base/text.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

int
account_look_up(const char *user, const char *group, struct account *a)
{
	struct passwd *p = user != NULL ? getpwnam(user) : getpwuid(getuid());
	if (p == NULL)
		return 1;
	a->set = true;
	a->uid = p->pw_uid;
	a->gid = p->pw_gid;
	text_print(a->name, sizeof a->name, "%s", p->pw_name);
	text_print(a->home, sizeof a->home, "%s", p->pw_dir);
	text_print(a->shell, sizeof a->shell, "%s",
		   *p->pw_shell != '\0' ? p->pw_shell : "/bin/sh");
	a->group_count = ACCOUNT_GROUPS;
	if (group != NULL) {
		struct group *g = getgrnam(group);
		if (g == NULL)
			return 2;
		a->gid = g->gr_gid;
	}
	return getgrouplist(a->name, a->gid, a->groups, &a->group_count) < 0 ? 3 : 0;
}

void
account_why(int code, const char *user, char why[MSG_TEXT])
{
	user = user != NULL ? user : "(own)";
	if (code < 0)
		text_print(why, MSG_TEXT, "user %s: %s", user, strerror(-code));
	else
		text_print(why, MSG_TEXT,
			   code == 2   ? "group of user %s: no such group"
			   : code == 3 ? "user %s is in more than 64 groups"
				       : "no such user: %s",
			   user);
}

bool
account_become(const struct account *a)
{
	errno = EPERM;
	if (!a->set || geteuid() != 0)
		return !a->set || (a->uid == geteuid() && getegid() == a->gid);
	return setgroups((size_t)a->group_count, a->groups) == 0 &&
	       setresgid(a->gid, a->gid, a->gid) == 0 &&
	       setresuid(a->uid, a->uid, a->uid) == 0;
}
