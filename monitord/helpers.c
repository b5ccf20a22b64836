/* The helpers' lives: state by state, from a start to an end and a start anew. */
#include "monitord/helpers.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "monitord/core.h"
#include "monitord/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BEGIN_MS 15000	/* to say HELLO, and to take the rules */
#define END_MS 2000	/* to end by themselves when we end */
#define CALM_MS 60000	/* so long without a death: restarts begin anew */
#define RETRY_MS 5000	/* where one could not begin */

static const struct helper_row {
	struct helper_program program;
	const char *user;
	unsigned uid; /* above uid-base, where there is no such user */
	unsigned silence; /* no answer to a ping for so many beats of 500 ms: it is stuck */
} helper_table[ROLES] = {
	[ROLE_NET] = { { "monitord-probes", "net", NULL }, "monitord-probes", 0, 6 },
	[ROLE_LOCAL] = { { "monitord-probes", "local", NULL }, "monitord-probes", 0, 10 },
	[ROLE_ROUTES] = { { "monitord-routes", NULL, NULL }, "monitord-routes", 1, 6 },
	[ROLE_ALERTS] = { { "monitord-alerts", NULL, "alerts" }, "monitord-alerts", 2, 60 },
	[ROLE_STATUS] = { { "monitord-status", NULL, "status" }, "monitord-status", 3, 20 },
};

static void start(struct helper_slot *h);

static bool
wanted(const struct core *c, enum role role)
{
	const struct rules *r = c->rules;
	bool net = false, local = look_needs_local(c);
	for (uint32_t i = 0; i < r->check_count; i++) {
		local = local || check_role(&r->checks[i]) == ROLE_LOCAL;
		net = net || check_role(&r->checks[i]) == ROLE_NET;
	}
	return role == ROLE_NET      ? net
	       : role == ROLE_LOCAL  ? local
	       : role == ROLE_ROUTES ? r->route_count > 0
	       : role == ROLE_ALERTS ? r->contact_count > 0
				     : role == ROLE_STATUS;
}

/* ---- its end ---- */

static void
on_restart(struct loop_timer *timer)
{
	start(timer->arg);
}

static void
let_go(struct helper_slot *h)
{
	loop_io_stop(&h->io);
	loop_io_stop(&h->exit);
	loop_timer_stop(&h->timer);
	if (h->channel != -1)
		close(h->channel);
	if (h->pidfd != -1)
		close(h->pidfd);
	h->channel = h->pidfd = -1;
	h->pid = 0;
	h->full = false;
	h->state = HELPER_OFF;
	helper_queue_empty(h);
	if (h->role == ROLE_ALERTS)
		trials_lost(h->core);
}

static void
lost(struct helper_slot *h, const char *why)
{
	struct core *c = h->core;
	struct event e = { .kind = EVENT_HELPER_LOST, .role = h->role };
	int64_t lived = clock_ms() - h->started_ms, delay;
	bool used = h->state == HELPER_READY;
	let_go(h);
	if (lived > CALM_MS)
		h->crashes = 0;
	delay = h->crashes == 0 ? 0 : 100 << (h->crashes < 7 ? h->crashes : 7);
	h->crashes++;
	if (used)
		core_event(c, &e);
	core_note(c, "helper-lost",
		  "the helper %s is gone (%s): its facts are unknown until it is back",
		  role_name(h->role), why);
	loop_timer_start(c->loop, &h->timer, delay, 0, on_restart, h);
}

/* Of the child in helper_start.c. */
static const char *
code_says(int code)
{
	return code == 125   ? ": its folder or its user could not be taken"
	       : code == 126 ? ": it could not be given its descriptors"
	       : code == 127 ? ": its program cannot be run"
			     : "";
}

/* Its pid is ours to wait for; what it still sent was read by the caller. */
static void
on_exit_event(struct loop_io *io, unsigned events)
{
	struct helper_slot *h = io->arg;
	int status = 0;
	char why[MSG_TEXT];
	(void)events;
	if (waitpid(h->pid, &status, WNOHANG) != h->pid)
		return;
	if (WIFSIGNALED(status))
		text_print(why, sizeof why, "signal %d", WTERMSIG(status));
	else
		text_print(why, sizeof why, "exit code %d%s", WEXITSTATUS(status),
			   code_says(WEXITSTATUS(status)));
	lost(h, why);
}

/* It was begun, so there is room for it among the dying. */
static void
end(struct helper_slot *h)
{
	loop_io_stop(&h->exit);
	dying_add(&h->dying, h->core->loop, h->pid, h->pidfd);
	h->pidfd = -1;
}

void
helper_drop(struct helper_slot *h, const char *why)
{
	if (h->pid == 0)
		return;
	log_warning("the helper %s is killed: %s", role_name(h->role), why);
	end(h);
	lost(h, why);
}

/* ---- its life ---- */

static void
on_late(struct loop_timer *timer)
{
	struct helper_slot *h = timer->arg;
	helper_drop(h, h->state == HELPER_STARTED ? "it did not report"
						  : "it did not take the rules");
}

/* It may begin now: the rules need it, its user is known, and its predecessors end. */
static bool
may_start(struct helper_slot *h, const struct helper_row *row)
{
	struct core *c = h->core;
	if (!wanted(c, h->role) || h->state != HELPER_OFF)
		return false;
	if (!h->account_known &&
	    known_helper(c->processes, row->user, c->rules->settings.uid_base + row->uid,
			 &c->accounts[h->role]) != KNOWN_YES)
		return false; /* core_accounts goes on with it */
	h->account_known = true;
	if (dying_room(&h->dying))
		return true;
	log_error(
		"the helper %s: %d killed ones do not end; no further one is begun until one does",
		role_name(h->role), DYING_MAX);
	loop_timer_start(c->loop, &h->timer, RETRY_MS, 0, on_restart, h);
	return false;
}

static void
start(struct helper_slot *h)
{
	struct core *c = h->core;
	const struct helper_row *row = &helper_table[h->role];
	if (!may_start(h, row))
		return;
	pid_t pid = helper_start(c, h->role, &row->program, &h->channel);
	if (pid == -1) {
		loop_timer_start(c->loop, &h->timer, RETRY_MS, 0, on_restart, h);
		return;
	}
	h->pid = pid;
	h->pidfd = pidfd_of(pid);
	h->state = HELPER_STARTED;
	h->generation = 0;
	h->ping = h->pong = 0;
	h->bell = 0;
	if (h->role == ROLE_STATUS)
		c->look.followed = false;
	h->started_ms = clock_ms();
	helper_watch(h);
	if (h->pidfd == -1) {
		helper_drop(h, "no descriptor is left to see its end");
		return;
	}
	loop_io_start(c->loop, &h->exit, h->pidfd, LOOP_READ, on_exit_event, h);
	loop_timer_start(c->loop, &h->timer, BEGIN_MS, 0, on_late, h);
}

/* ---- all of them ---- */

static void
send_rules(struct helper_slot *h)
{
	struct core *c = h->core;
	struct msg_rules rules = { .generation = c->generation, .dry_run = c->dry_run };
	int fd = fcntl(c->bundle, F_DUPFD_CLOEXEC, 0);
	h->state = HELPER_LOADING;
	if (fd == -1 || !helper_control(h, MSG_RULES, &rules, sizeof rules, fd)) {
		loop_timer_start(c->loop, &h->timer, 0, 0, on_late, h);
		return;
	}
	loop_timer_start(c->loop, &h->timer, BEGIN_MS, 0, on_late, h);
}

bool
helper_greeted(struct helper_slot *h)
{
	struct core *c = h->core;
	if (h->state != HELPER_STARTED)
		return false;
	bool good = true;
	if (h->role == ROLE_ALERTS || h->role == ROLE_STATUS) {
		struct msg_journal journal = { .last_id = c->journal.last_id };
		int fd = fcntl(c->journal.fd, F_DUPFD_CLOEXEC, 0);
		good = fd != -1 &&
		       helper_control(h, MSG_JOURNAL, &journal, sizeof journal, fd);
	}
	send_rules(h); /* before the journal: both go before all that waits */
	return good;
}

void
helper_is_ready(struct helper_slot *h)
{
	struct core *c = h->core;
	bool first = h->generation == 0;
	struct event e = { .kind = EVENT_HELPER_BACK, .role = h->role };
	loop_timer_stop(&h->timer);
	h->generation = c->generation;
	h->state = HELPER_READY;
	outbox_all(c, h->role);
	core_event(c, &e);
	if (first && h->crashes > 0)
		core_note(c, "helper-back", "the helper %s is back", role_name(h->role));
}

void
helpers_begin(struct core *c)
{
	for (unsigned r = ROLE_MONITORD + 1; r < ROLES; r++) {
		struct helper_slot *h = &c->helpers[r];
		*h = (struct helper_slot){
			.core = c, .role = (enum role)r, .pidfd = -1, .channel = -1
		};
		h->in.fd = -1;
		h->queue = calloc(CONTROL_QUEUE, sizeof *h->queue);
	}
	helpers_wanted(c);
}

void
helpers_wanted(struct core *c)
{
	for (unsigned r = ROLE_MONITORD + 1; r < ROLES; r++) {
		struct helper_slot *h = &c->helpers[r];
		if (wanted(c, h->role)) {
			if (h->state == HELPER_OFF && !loop_timer_active(&h->timer))
				start(h);
		} else if (h->pid != 0) {
			end(h);
			let_go(h);
		}
	}
}

void
helpers_rules(struct core *c)
{
	for (unsigned r = ROLE_MONITORD + 1; r < ROLES; r++)
		if (c->helpers[r].state == HELPER_LOADING ||
		    c->helpers[r].state == HELPER_READY)
			send_rules(&c->helpers[r]);
}

/* Who works by itself is asked always: it may be stuck at any time. */
static bool
works_alone(const struct helper_slot *h)
{
	return h->role != ROLE_STATUS;
}

bool
helpers_ping(struct core *c)
{
	bool awaits = false;
	for (unsigned r = ROLE_MONITORD + 1; r < ROLES; r++) {
		struct helper_slot *h = &c->helpers[r];
		struct msg_ping ping = { .number = (uint64_t)clock_ms() };
		if (h->state != HELPER_READY)
			continue;
		if (h->ping != 0 && h->pong != h->ping) {
			awaits = true;
			if (++h->silent > helper_table[r].silence)
				helper_drop(h, "it does not answer");
			continue;
		}
		h->silent = 0;
		if (!works_alone(h) && !h->unsettled)
			continue;
		awaits = true;
		h->unsettled = false;
		if (helper_control(h, MSG_PING, &ping, sizeof ping, -1))
			h->ping = ping.number;
	}
	return awaits;
}

void
helpers_end(struct core *c)
{
	int64_t limit = clock_ms() + END_MS;
	for (unsigned r = ROLE_MONITORD + 1; r < ROLES; r++) {
		struct helper_slot *h = &c->helpers[r];
		if (h->channel != -1)
			shutdown(h->channel, SHUT_RDWR);
	}
	for (unsigned r = ROLE_MONITORD + 1; r < ROLES; r++) {
		struct helper_slot *h = &c->helpers[r];
		int wait = (int)(limit - clock_ms());
		struct pollfd p = { .fd = h->pidfd, .events = POLLIN };
		if (h->pid != 0) {
			poll(&p, 1, wait > 0 ? wait : 0);
			end(h);
		}
		let_go(h);
		dying_forget(&h->dying);
		free(h->queue);
		h->queue = NULL;
	}
}
