#include "monitord/account.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NSS_MS 5000

/* In the child: NSS modules may do anything here. */
static int
look_up(const char *user, const char *group, struct account *a)
{
	struct passwd *p = user != NULL ? getpwnam(user) : getpwuid(getuid());
	if (p == NULL)
		return 1;
	a->set = true;
	a->uid = p->pw_uid;
	a->gid = p->pw_gid;
	text_print(a->name, sizeof a->name, "%s", p->pw_name);
	text_print(a->home, sizeof a->home, "%s", p->pw_dir);
	text_print(a->shell, sizeof a->shell, "%s", *p->pw_shell != '\0' ? p->pw_shell : "/bin/sh");
	a->group_count = ACCOUNT_GROUPS;
	if (group != NULL) {
		struct group *g = getgrnam(group);
		if (g == NULL)
			return 2;
		a->gid = g->gr_gid;
	}
	return getgrouplist(a->name, a->gid, a->groups, &a->group_count) < 0 ? 3 : 0;
}

bool
account_resolve(const char *user, const char *group, struct account *out, char why[MSG_TEXT])
{
	int fds[2], status = 0;
	char own_user[64], own_group[64]; /* the rules' arena is not there in the child */
	memset(out, 0, sizeof *out);
	if (user == NULL && group == NULL)
		return true;
	text_print(own_user, sizeof own_user, "%s", user != NULL ? user : "");
	text_print(own_group, sizeof own_group, "%s", group != NULL ? group : "");
	if (pipe2(fds, O_CLOEXEC) != 0) {
		text_print(why, MSG_TEXT, "user %s: %s", user, strerror(errno));
		return false;
	}
	pid_t pid = fork();
	if (pid == 0) {
		/* NSS may hang here: with nothing of ours, and not beyond our death */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (fds[1] != 3 && dup2(fds[1], 3) == -1)
			_exit(4);
		fds[1] = 3;
		syscall(SYS_close_range, 4u, ~0u, 0u);
		int code = look_up(user != NULL ? own_user : NULL, group != NULL ? own_group : NULL, out);
		_exit(code == 0 && write(fds[1], out, sizeof *out) == (ssize_t)sizeof *out ? 0
		      : code != 0							   ? code
											   : 4);
	}
	close(fds[1]);
	struct pollfd p = { .fd = fds[0], .events = POLLIN };
	bool late = pid == -1 || poll(&p, 1, NSS_MS) != 1;
	bool good = !late && read(fds[0], out, sizeof *out) == (ssize_t)sizeof *out;
	close(fds[0]);
	if (late && pid > 0)
		kill(pid, SIGKILL);
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (good)
		return true;
	memset(out, 0, sizeof *out);
	text_print(why, MSG_TEXT,
		   late ? "user %s: no answer from the user database"
		   : WEXITSTATUS(status) == 2 ? "group of user %s: no such group"
		   : WEXITSTATUS(status) == 3 ? "user %s is in more than 64 groups"
					      : "no such user: %s",
		   user != NULL ? user : "(own)");
	errno = late ? ETIMEDOUT : ENOENT;
	return false;
}

struct account
account_helper(const char *user, uid_t fallback)
{
	struct account a = { .set = false };
	char why[MSG_TEXT];
	if (geteuid() != 0)
		return a;
	if (!account_resolve(user, NULL, &a, why))
		a = (struct account){ .set = true, .uid = fallback, .gid = fallback };
	a.group_count = 0; /* a helper is in no group but its own */
	return a;
}

bool
account_become(const struct account *a)
{
	errno = EPERM;
	if (!a->set || geteuid() != 0)
		return !a->set || (a->uid == geteuid() && getegid() == a->gid);
	return setgroups((size_t)a->group_count, a->groups) == 0 &&
	       setresgid(a->gid, a->gid, a->gid) == 0 && setresuid(a->uid, a->uid, a->uid) == 0;
}
