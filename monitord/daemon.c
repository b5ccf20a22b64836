/* The daemon's beginning, its signals, and its end. */
#include <config.h>

#include "monitord/daemon.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/owner.h"
#include "base/text.h"
#include "monitord/beat.h"
#include "monitord/notify.h"
#include "monitord/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define STOP_LIMIT_MS 90000 /* on-stop = stop: then we leave all the same */

/* ---- signals ---- */

static bool
all_stopped(const struct core *c)
{
	for (uint32_t i = 0; i < c->rules->service_count; i++)
		if (c->rules->services[i].run.count > 0 &&
		    world_service_state(c->world, i) == SERVICE_STOPPING)
			return false;
	return !processes_retire(c->processes);
}

static void
on_stopping(struct loop_timer *timer)
{
	struct core *c = timer->arg;
	if (all_stopped(c))
		loop_stop(c->loop);
}

static void
on_stop_limit(struct loop_timer *timer)
{
	struct core *c = timer->arg;
	log_error("not all services could be stopped; leaving");
	loop_stop(c->loop);
}

static void
on_term(struct loop_signal *sig)
{
	struct core *c = sig->arg;
	static struct loop_timer poll, limit;
	notify_send("STOPPING=1");
	if (c->stopping || !c->rules->settings.stop_services_on_stop ||
	    c->rules->settings.dry_run) {
		loop_stop(c->loop);
		return;
	}
	c->stopping = true;
	struct event e = { .kind = EVENT_STOP_ALL };
	core_event(c, &e);
	loop_timer_start(c->loop, &poll, 10, 20, on_stopping, c);
	loop_timer_start(c->loop, &limit, STOP_LIMIT_MS, 0, on_stop_limit, c);
}

static void
on_hup(struct loop_signal *sig)
{
	struct core *c = sig->arg;
	c->reload_asked = true;
	c->reload_token = 0;
	core_note(c, "command", "reload-rules by signal HUP");
	listener_renew(c);
}

static void
begin_watching(struct core *c)
{
	loop_signal_start(c->loop, &c->hup, SIGHUP, on_hup, c);
	loop_signal_start(c->loop, &c->term, SIGTERM, on_term, c);
	loop_signal_start(c->loop, &c->intr, SIGINT, on_term, c);
	beat_begin(c);
	loop_before_sleep(c->loop, beat_sleep, c);
	log_gather(true);
}

/* ---- beginning ---- */

static void
on_process_event(void *arg, const struct event *e)
{
	core_event(arg, e);
}

/* A child may have the descriptors of a monitord that was killed (born.c: leave_files), and
 * with them its lock, for some microseconds more. */
static bool
set_lock(int fd)
{
	for (int tries = 1000;; tries--) {
		struct flock own = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		if (fcntl(fd, F_SETLK, &own) == 0)
			return true;
		int error = errno;
		bool dead = fcntl(fd, F_GETLK, &own) == 0 &&
			    (own.l_type == F_UNLCK ||
			     process_start_ticks(own.l_pid, true) == 0);
		errno = error;
		if (!dead || tries == 0)
			return false;
		usleep(1000);
	}
}

/* A process's own lock, not a file's: a child that was forked a moment ago and has not yet
 * closed what it inherited would hold the latter beyond our death. */
static bool
take_lock(struct core *c, char why[MSG_TEXT])
{
	char path[PATH_MAX], text[32] = "";
	struct flock own = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	text_print(path, sizeof path, "%s/lock", c->rules->settings.state);
	c->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (c->lock == -1) {
		text_print(why, MSG_TEXT, "%s: %s", path, text_file_error(errno));
		return false;
	}
	if (!set_lock(c->lock)) {
		int error = errno;
		ssize_t n = read(c->lock, text, sizeof text - 1);
		text[n > 0 ? n : 0] = '\0';
		bool known = fcntl(c->lock, F_GETLK, &own) == 0 &&
			     own.l_type != F_UNLCK && own.l_pid > 0;
		if (error == EAGAIN || error == EACCES)
			text_print(why, MSG_TEXT,
				   "a monitord (pid %d) works with %s already",
				   known ? (int)own.l_pid : atoi(text),
				   c->rules->settings.state);
		else
			text_print(why, MSG_TEXT, "%s: %s", path, strerror(error));
		return false;
	}
	int n = snprintf(text, sizeof text, "%d\n", (int)getpid());
	if (ftruncate(c->lock, 0) != 0 || write(c->lock, text, (size_t)n) != n)
		log_warning("%s: %s", path, strerror(errno));
	return true;
}

/* What is kept there is believed at our next start. */
static bool
is_private(const char *path, char why[MSG_TEXT])
{
	char at[PATH_MAX];
	struct stat st;
	bool own = stat(path, &st) == 0 && st.st_uid == 0 && (st.st_mode & 022) == 0;
	if (geteuid() != 0 || (own && owner_doubt(path, at) == NULL))
		return true;
	text_print(why, MSG_TEXT, "folder %s: others than root may change what is in %s",
		   path, own ? at : "it");
	return false;
}

static bool
make_folders(struct core *c, char why[MSG_TEXT])
{
	const char *socket = c->rules->settings.socket, *slash = strrchr(socket, '/');
	text_print(c->run_dir, sizeof c->run_dir, "%.*s",
		   slash > socket ? (int)(slash - socket) : 1, socket);
	if (!open_folder(c->run_dir, 0755)) {
		text_print(why, MSG_TEXT, "folder %s: %s", c->run_dir, strerror(errno));
		return false;
	}
	if (!open_folder(c->rules->settings.state, 0755)) {
		text_print(why, MSG_TEXT, "folder %s: %s", c->rules->settings.state,
			   strerror(errno));
		return false;
	}
	if (!listener_has_room(socket)) {
		text_print(why, MSG_TEXT, "socket %s: something else has that name",
			   socket);
		return false;
	}
	return is_private(c->run_dir, why) && is_private(c->rules->settings.state, why);
}

static void
recall_line(void *arg, const struct journal_line *l)
{
	struct core *c = arg;
	world_recall(c->world, l);
}

static uint64_t
seed(void)
{
	uint64_t s = 0;
	if (getrandom(&s, sizeof s, GRND_NONBLOCK) != (ssize_t)sizeof s)
		s = (uint64_t)clock_ns();
	return s;
}

/* Better before than when a service cannot be started. */
static void
tell_few(struct core *c)
{
	struct rlimit files;
	unsigned long long need =
		PROCESS_FILES + PROCESS_FILES_EACH * c->rules->service_count;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < need)
		core_note(
			c, "descriptors-few",
			"%llu files may be open, and %llu may be needed: raise that limit",
			(unsigned long long)files.rlim_cur, need);
}

bool
daemon_begin(struct core *c, char why[MSG_TEXT])
{
	char counts[128];
	c->generation = 1;
	c->listeners[0] = c->listeners[1] = c->lock = c->journal.fd = -1;
	gethostname(c->host, sizeof c->host - 1);
	c->loop = loop_new(0);
	if (c->loop == NULL) {
		text_print(why, MSG_TEXT, "the event loop cannot begin: %s",
			   strerror(errno));
		return false;
	}
	if (!make_folders(c, why) || !take_lock(c, why) ||
	    !journal_open(&c->journal, c->run_dir, keep_open(c), why))
		return false;
	c->world = world_new(c->rules, seed(), c->host, clock_ms());
	if (c->world == NULL || !outbox_new(c) || !traces_new(c)) {
		text_print(why, MSG_TEXT, "out of memory");
		return false;
	}
	keep_read(c);
	journal_replay(&c->journal, recall_line, c);
	if (!c->journal.same_boot)
		world_boot(c->world);
	c->processes =
		processes_new(c->loop, c->rules, c->run_dir, on_process_event, c, why);
	if (c->processes == NULL)
		return false;
	known_on_news(c->processes, core_accounts);
	core_groups(c);
	begin_watching(c);
	core_note(c, "daemon-started", "monitord %s watches %s", PACKAGE_VERSION,
		  rules_counts(c->rules, counts, sizeof counts));
	tell_few(c);
	if (c->keep_lost)
		core_note(c, "state-damaged",
			  "%s/keep was damaged and is set aside: orders of before "
			  "the last boot (hold, stop, silence, reroute) are forgotten",
			  c->rules->settings.state);
	processes_adopt(c->processes);
	helpers_begin(c);
	known_prefetch(c->processes); /* behind the helpers' own */
	struct event go = { .kind = EVENT_GO };
	core_event(c, &go);
	keep_ids(c); /* not before: what does not run yet would not be kept as what ran */
	notify_send("READY=1");
	notify_status(c);
	notify_watchdog(c);
	return true;
}

/* ---- end ---- */

void
daemon_end(struct core *c)
{
	if (c->world != NULL && c->processes != NULL) {
		core_note(c, "daemon-stopped", "monitord ends; its services %s",
			  c->stopping ? "were stopped" : "go on");
		c->answered = true; /* the record is to end with that */
		outbox_flush(c);
		helpers_end(c);
	}
	log_gather(false);
	processes_free(&c->processes);
	journal_close(&c->journal);
	world_free(&c->world);
	look_end(c);
	outbox_free(c);
	traces_free(c);
	free(c->pending);
	rules_free(&c->rules);
	for (int i = 0; i < 2; i++) {
		loop_io_stop(&c->idle[i]);
		if (c->listeners[i] != -1)
			close(c->listeners[i]);
	}
	if (c->lock != -1)
		close(c->lock);
	if (c->loop != NULL)
		loop_free(&c->loop);
}
