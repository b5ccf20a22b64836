/* The helpers: started, given the rules, asked whether they live, replaced. Their death is
 * ours to repair and nobody's fault: their facts are unknown until they are back. */
#include "monitord/core.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "monitord/beat.h"
#include "monitord/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHANNEL_FD 3
#define BEGIN_MS 15000	/* to say HELLO, and to take the rules */
#define END_MS 2000	/* to end by themselves when we end */
#define CALM_MS 60000	/* so long without a death: restarts begin anew */
#define CHANNEL_BYTES 1048576

static const struct helper_row {
	const char *program, *argument, *user, *folder;
	unsigned uid;
	unsigned silence; /* no answer to a ping for so many beats of 500 ms: it is stuck */
} helper_table[ROLES] = {
	[ROLE_NET] = { "monitord-probes", "net", "monitord-probes", NULL, 0, 6 },
	[ROLE_LOCAL] = { "monitord-probes", "local", "monitord-probes", NULL, 0, 10 },
	[ROLE_ROUTES] = { "monitord-routes", NULL, "monitord-routes", NULL, 1, 6 },
	[ROLE_ALERTS] = { "monitord-alerts", NULL, "monitord-alerts", "alerts", 2, 60 },
	[ROLE_STATUS] = { "monitord-status", NULL, "monitord-status", "status", 3, 20 },
};

static void start(struct helper_slot *h);
static void on_channel(struct loop_io *io, unsigned events);

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

/* ---- sending ---- */

void
helper_watch(struct helper_slot *h)
{
	loop_io_start(h->core->loop, &h->io, h->channel,
		      LOOP_READ | (h->full ? LOOP_WRITE : 0u), on_channel, h);
}

static enum msg_sent
put(struct helper_slot *h, enum msg_kind kind, const void *items, size_t count, int fd)
{
	if (h->channel == -1)
		return MSG_GONE;
	enum msg_sent sent = msg_send(h->channel, ROLE_MONITORD, h->role, kind,
				      h->generation, items, count, fd);
	if (sent == MSG_FULL && !h->full) {
		h->full = true;
		helper_watch(h);
	}
	if (kind != MSG_PING) {
		h->unsettled = true;
		beat_begin(h->core);
	}
	return sent;
}

enum msg_sent
helper_put(struct helper_slot *h, enum msg_kind kind, const void *item, int fd)
{
	return put(h, kind, item, 1, fd);
}

enum msg_sent
helper_put_many(struct helper_slot *h, enum msg_kind kind, const void *items, size_t count)
{
	return put(h, kind, items, count, -1);
}

bool
helper_control(struct helper_slot *h, enum msg_kind kind, const void *item, size_t size, int fd)
{
	if (h->channel == -1 || h->queue == NULL || h->queue_count == CONTROL_QUEUE) {
		if (fd != -1)
			close(fd);
		return false;
	}
	uint32_t at = (h->queue_first + h->queue_count++) % CONTROL_QUEUE;
	/* what waits is answered under the new generation */
	if (kind == MSG_RULES || kind == MSG_JOURNAL)
		at = h->queue_first =
			(h->queue_first + CONTROL_QUEUE - 1) % CONTROL_QUEUE;
	struct control *q = &h->queue[at];
	q->kind = kind;
	q->fd = fd;
	memset(q->item, 0, sizeof q->item);
	memcpy(q->item, item, size);
	return true;
}

/* ---- its end ---- */

static void
empty_queue(struct helper_slot *h)
{
	for (; h->queue_count > 0; h->queue_count--) {
		struct control *q = &h->queue[h->queue_first];
		if (q->fd != -1)
			close(q->fd);
		h->queue_first = (h->queue_first + 1) % CONTROL_QUEUE;
	}
	h->queue_first = 0;
}

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
	empty_queue(h);
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

/* Those of child(). */
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
on_channel(struct loop_io *io, unsigned events)
{
	struct helper_slot *h = io->arg;
	char why[MSG_TEXT];
	if ((events & LOOP_WRITE) != 0 && h->full) {
		h->full = false;
		helper_watch(h); /* the flush before the next sleep sends what waits */
	}
	for (int turn = 0; turn < 64 && h->channel != -1; turn++) {
		switch (msg_receive(h->channel, h->role, ROLE_MONITORD, &h->in, why)) {
		case MSG_NONE:
			return;
		case MSG_END:
			loop_io_stop(&h->io); /* its pidfd tells the rest */
			kill(h->pid, SIGKILL);
			return;
		case MSG_FORBIDDEN:
			helper_drop(h, why);
			return;
		case MSG_GOT:
			break;
		}
		bool good = inbox_packet(h, &h->in, why);
		if (h->in.fd != -1)
			close(h->in.fd);
		h->in.fd = -1;
		if (!good) {
			helper_drop(h, why);
			return;
		}
	}
}

static void
on_late(struct loop_timer *timer)
{
	struct helper_slot *h = timer->arg;
	helper_drop(h, h->state == HELPER_STARTED ? "it did not report"
						  : "it did not take the rules");
}

static int
open_program(const struct core *c, const char *program)
{
	char path[PATH_MAX];
	text_print(path, sizeof path, "%s/%s",
		   c->rules->settings.helpers != NULL ? c->rules->settings.helpers
						      : HELPERS_DIR,
		   program);
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd == -1)
		log_error("%s: %s", path, strerror(errno));
	return fd;
}

/* There may be no other left. */
static void
close_but(int one, int other)
{
	unsigned low = (unsigned)(one < other ? one : other),
		 high = (unsigned)(one < other ? other : one);
	if (low > 3)
		syscall(SYS_close_range, 3u, low - 1, 0);
	if (high > low + 1)
		syscall(SYS_close_range, low + 1, high - 1, 0);
	syscall(SYS_close_range, high + 1, ~0u, 0);
}

/* In the child: copies of everything, as the rules' arena is not there. */
static void
child(const struct helper_row *row, const struct account *account, int program, int channel,
      const char *folder, char *journal_stream)
{
	char name[32], argument[16];
	char *argv[] = { name, row->argument != NULL ? argument : NULL, NULL };
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *envp[] = { path, journal_stream, NULL };
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t none;
	text_print(name, sizeof name, "%s", row->program);
	text_print(argument, sizeof argument, "%s",
		   row->argument != NULL ? row->argument : "");
	for (int s = 1; s < NSIG; s++)
		sigaction(s, &dfl, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setsid();
	close_but(program, channel);
	int null = open("/dev/null", O_RDWR);
	program = fcntl(program, F_DUPFD_CLOEXEC, 16);
	channel = fcntl(channel, F_DUPFD, 16);
	if (null == -1 || program == -1 || dup2(null, 0) == -1 || dup2(2, 1) == -1 ||
	    dup2(channel, CHANNEL_FD) == -1 || dup2(program, CHANNEL_FD + 1) == -1)
		_exit(126);
	fcntl(CHANNEL_FD + 1, F_SETFD, FD_CLOEXEC);
	syscall(SYS_close_range, CHANNEL_FD + 2, ~0u, 0);
	umask(077);
	if (chdir(folder) != 0 || !account_become(account))
		_exit(125);
	syscall(SYS_execveat, CHANNEL_FD + 1, "", argv, envp, AT_EMPTY_PATH);
	_exit(127);
}

static bool
make_folder(const struct core *c, enum role role, char *path, size_t cap)
{
	const struct account *a = &c->accounts[role];
	struct stat st;
	text_print(path, cap, "/");
	if (helper_table[role].folder == NULL)
		return true;
	text_print(path, cap, "%s/%s", c->rules->settings.state,
		   helper_table[role].folder);
	bool good = (mkdir(path, 0700) == 0 || errno == EEXIST) && lstat(path, &st) == 0;
	if (good && !S_ISDIR(st.st_mode)) {
		good = false;
		errno = ENOTDIR;
	}
	good = good && (!a->set || lchown(path, a->uid, a->gid) == 0);
	if (!good)
		log_error("the helper %s cannot begin: folder %s: %s", role_name(role),
			  path, strerror(errno));
	return good;
}

static void
start(struct helper_slot *h)
{
	struct core *c = h->core;
	const struct helper_row *row = &helper_table[h->role];
	char folder[PATH_MAX], stream[128] = "MONITORD=1";
	int fds[2] = { -1, -1 }, size = CHANNEL_BYTES;
	if (!wanted(c, h->role) || h->state != HELPER_OFF)
		return;
	if (!h->account_known &&
	    known_helper(c->processes, row->user, c->rules->settings.uid_base + row->uid,
			 &c->accounts[h->role]) != KNOWN_YES)
		return; /* core_accounts goes on with it */
	h->account_known = true;
	if (!dying_room(&h->dying)) {
		log_error(
			"the helper %s: %d killed ones do not end; no further one is begun until one does",
			role_name(h->role), DYING_MAX);
		loop_timer_start(c->loop, &h->timer, 5000, 0, on_restart, h);
		return;
	}
	int program = open_program(c, row->program);
	bool good = program != -1 && make_folder(c, h->role, folder, sizeof folder) &&
		    msg_pair(fds);
	if (getenv("JOURNAL_STREAM") != NULL)
		text_print(stream, sizeof stream, "JOURNAL_STREAM=%s",
			   getenv("JOURNAL_STREAM"));
	pid_t pid = good ? fork() : -1;
	if (pid == 0)
		child(row, &c->accounts[h->role], program, fds[1], folder, stream);
	if (program != -1)
		close(program);
	if (fds[1] != -1)
		close(fds[1]);
	if (pid == -1) {
		if (fds[0] != -1)
			close(fds[0]);
		loop_timer_start(c->loop, &h->timer, 5000, 0, on_restart, h);
		return;
	}
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
	h->pid = pid;
	h->pidfd = pidfd_of(pid);
	h->channel = fds[0];
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
