/* A check by hand of what is no exchange over a stream: the helper that would do it runs as
 * our child, and we are its monitord for one measurement. */
#include "probes/hand.h"

#include "base/clock.h"
#include "base/helper.h"
#include "probes/expect.h"
#include "probes/probes.h"
#include "rules/world.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_MS 5000 /* beyond the check's own timeout */
#define GENERATION 1

static struct {
	const struct rules *rules;
	uint32_t uid_base; /* the rules are not there in a child */
	uint32_t check;
	enum role role;
	int channel;
	pid_t helper, script; /* 0: none */
	uint64_t script_token;
	int script_status;
	bool script_gone;
	struct msg_packet packet;
} us;

static void
tell(enum msg_kind kind, const void *item, int fd)
{
	if (msg_send(us.channel, ROLE_MONITORD, us.role, kind, GENERATION, item, 1, fd) !=
	    MSG_SENT)
		fputs("monitord-probes: the helper does not listen\n", stderr);
}

static void
become_helper(int end)
{
	dup2(end, HELPER_CHANNEL);
	close_range(HELPER_CHANNEL + 1, ~0u, 0);
	expect_show(hand_tests);
	/* that of the network has a socket to make where only root may ping */
	if (us.role == ROLE_LOCAL && !hand_become(us.uid_base, NULL))
		_exit(126);
	_exit(us.role == ROLE_NET ? net_main() : local_main());
}

/* user: who the script runs as, where we may choose; NULL: the probes' own. */
static void
become_script(char **argv, const struct passwd *user, int output)
{
	if (!hand_become(us.uid_base, user))
		_exit(126);
	setpgid(0, 0);
	dup2(output, 1);
	dup2(output, 2);
	close_range(3, ~0u, 0);
	execv(argv[0], argv);
	_exit(127);
}

static void
copy_free(char **argv)
{
	for (uint32_t i = 0; argv != NULL && argv[i] != NULL; i++)
		free(argv[i]);
	free(argv);
}

/* A copy, as what the rules hold is not there behind a fork. NULL: out of memory. */
static char **
copy_of(const struct command *c)
{
	char **argv = calloc(c->count + 1, sizeof *argv);
	for (uint32_t i = 0; argv != NULL && i < c->count; i++)
		if ((argv[i] = strdup(c->argv[i])) == NULL) {
			copy_free(argv);
			return NULL;
		}
	return argv;
}

static void
open_script(const struct msg_open *o)
{
	struct msg_opened answer = { .what = o->what, .id = o->id, .token = o->token };
	const struct check *c = &us.rules->checks[us.check];
	const struct passwd *user =
		c->more->user != NULL ? getpwnam(c->more->user) : NULL;
	char **argv = copy_of(&c->more->script);
	int ends[2] = { -1, -1 };
	if ((c->more->user != NULL && user == NULL) || argv == NULL ||
	    pipe2(ends, O_CLOEXEC) != 0) {
		answer.error = argv == NULL                    ? ENOMEM
			       : ends[0] == -1 && user == NULL ? ESRCH
							       : errno;
		tell(MSG_OPENED, &answer, -1);
		copy_free(argv);
		return;
	}
	us.script = fork();
	if (us.script == 0)
		become_script(argv, user, ends[1]);
	copy_free(argv);
	close(ends[1]);
	us.script_token = o->token;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	tell(MSG_OPENED, &answer, ends[0]);
	close(ends[0]);
}

static void
open_for_helper(const struct msg_open *o)
{
	const struct check *c = &us.rules->checks[us.check];
	struct msg_opened answer = { .what = o->what, .id = o->id, .token = o->token };
	unsigned file = o->what - OPEN_CHECK_SECRET;
	const char *path = o->what == OPEN_CHECK_FILE ? c->path
			   : file < CHECK_FILES && c->more->files != NULL
				   ? c->more->files[file]
				   : NULL;
	if (o->what == OPEN_CHECK_SCRIPT) {
		open_script(o);
		return;
	}
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
			      : -1;
	answer.error = fd != -1 ? 0 : path != NULL ? errno : EPERM;
	tell(MSG_OPENED, &answer, fd);
	if (fd != -1)
		close(fd);
}

static void
look_at_script(void)
{
	if (us.script == 0 || waitpid(us.script, &us.script_status, WNOHANG) != us.script)
		return;
	struct msg_script_end end = {
		.check = us.check,
		.token = us.script_token,
		.code = WIFEXITED(us.script_status) ? WEXITSTATUS(us.script_status) : -1,
		.signal = WIFSIGNALED(us.script_status) ? WTERMSIG(us.script_status) : 0
	};
	us.script = 0;
	tell(MSG_SCRIPT_END, &end, -1);
}

/* The next packet; false: it is over. */
static bool
hear(int64_t end_ms)
{
	char why[MSG_TEXT];
	struct pollfd p = { .fd = us.channel, .events = POLLIN };
	while (clock_ms() < end_ms) {
		look_at_script();
		if (poll(&p, 1, 20) <= 0)
			continue;
		enum msg_got got =
			msg_receive(us.channel, us.role, ROLE_MONITORD, &us.packet, why);
		if (got == MSG_NONE)
			continue;
		return got == MSG_GOT;
	}
	return false;
}

static bool
give_rules(const struct sources *sources)
{
	struct msg_rules m = { .generation = GENERATION };
	int fd = memfd_create("rules", MFD_CLOEXEC);
	bool good = fd != -1 && sources_write(sources, fd);
	if (good)
		tell(MSG_RULES, &m, fd);
	if (fd != -1)
		close(fd);
	return good;
}

/* One measurement. False: none came. */
static bool
measure(const struct sources *sources, int64_t end_ms, struct msg_result *result)
{
	struct msg_open o;
	struct msg_well well;
	struct msg_pace now = { .check = us.check, .pace = PACE_NOW };
	while (hear(end_ms)) {
		const struct msg_packet *p = &us.packet;
		if (p->head.kind == MSG_HELLO && !give_rules(sources))
			return false;
		if (p->head.kind == MSG_LOADED)
			tell(MSG_PACE, &now, -1);
		for (unsigned i = 0; p->head.kind == MSG_OPEN && i < p->head.count; i++) {
			memcpy(&o, p->items + i * sizeof o, sizeof o);
			open_for_helper(&o);
		}
		for (unsigned i = 0; p->head.kind == MSG_RESULT && i < p->head.count;
		     i++) {
			memcpy(result, p->items + i * sizeof *result, sizeof *result);
			if (result->check == us.check)
				return true;
		}
		for (unsigned i = 0; p->head.kind == MSG_WELL && i < p->head.count; i++) {
			memcpy(&well, p->items + i * sizeof well, sizeof well);
			msg_from_well(&well, result);
			if (result->check == us.check)
				return true;
		}
	}
	return false;
}

int
hand_helper(const struct sources *sources, const struct rules *rules, uint32_t check)
{
	const struct check *c = &rules->checks[check];
	struct msg_result result;
	int ends[2];
	us.rules = rules;
	us.uid_base = rules->settings.uid_base;
	us.check = check;
	us.role = check_role(c);
	if (!msg_pair(ends))
		return HAND_NOT_DONE;
	us.channel = ends[0];
	fflush(stdout);
	us.helper = fork();
	if (us.helper == 0)
		become_helper(ends[1]);
	close(ends[1]);
	bool done = measure(sources, clock_ms() + c->timeout_ms + GRACE_MS, &result);
	if (us.script > 0) {
		kill(-us.script, SIGKILL);
		kill(us.script, SIGKILL);
		waitpid(us.script, NULL, 0);
	}
	kill(us.helper, SIGKILL);
	waitpid(us.helper, NULL, 0);
	if (!done) {
		fputs("monitord-probes: no verdict came\n", stderr);
		return HAND_NOT_DONE;
	}
	hand_report(&result);
	return result.outcome == OUTCOME_GOOD || result.outcome == OUTCOME_WARN
		       ? HAND_UP
		       : HAND_DOWN;
}
