/* The loop around decide(): events in, decisions carried out, one timer for all deadlines. */
#include <config.h>

#include "monitord/core.h"
#include "monitord/nursery.h"
#include "monitord/spawn.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/owner.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEAT_MS 500
#define LOG_MS 1000
#define MS_MINUTE 60000
#define LATE_MS 1000	   /* a turn that took longer: what was measured meanwhile is void */
#define STOP_LIMIT_MS 90000 /* on-stop = stop: then we leave all the same */
#define OWN_FILES 128 /* descriptors: our own and of helpers, jobs, starts */
#define FILES_EACH 3  /* of a service: its pidfd, its group, its log or its word */

/* ---- carrying out ---- */

/* One line for `systemctl status`. */
static void
tell_manager(const struct core *c)
{
	char text[200], services[48], checks[48], incidents[48];
	uint32_t open = world_open_incidents(c->world);
	text_count(open, "incident", incidents, sizeof incidents);
	text_print(text, sizeof text, "STATUS=%s, %s: %s%s",
		   text_count(c->rules->service_count, "service", services,
			      sizeof services),
		   text_count(c->rules->check_count, "check", checks, sizeof checks),
		   open == 0 ? "nothing is wrong" : incidents, open == 0 ? "" : " open");
	notify_send(text);
}

static void
tell(struct core *c, const struct journal_line *line)
{
	traces_told(c, line);
	journal_add(&c->journal, line);
	if (c->ids_kept != 0)
		keep_ids(c);
	if (strncmp(line->kind, "incident-", 9) == 0)
		tell_manager(c);
	if (!c->quiet)
		log_info("%s%s%s: %s", line->kind, line->object[0] != '\0' ? " " : "",
			 line->object, line->text);
}

static void
start(struct core *c, uint32_t id)
{
	struct msg_service_view v;
	world_service_view(c->world, id, &v);
	process_remember(c->processes, id, v.restarts, v.by_command);
	process_start(c->processes, id);
	if (c->rules->services[id].match != NULL)
		ids_add(&c->watches, id); /* look now: it may run already */
}

static void
perform(struct core *c, const struct decision *d)
{
	if (d->kind != DECIDE_TELL)
		journal_flush(&c->journal); /* the intent before the effect */
	switch (d->kind) {
	case DECIDE_TELL:
		tell(c, &d->line);
		break;
	case DECIDE_START:
		start(c, d->id);
		break;
	case DECIDE_SIGNAL:
		process_signal(c->processes, d->id, d->signal, d->scope);
		break;
	case DECIDE_EVIDENCE:
		process_evidence(c->processes, d->id, d->token);
		break;
	case DECIDE_STOP_COMMAND:
		process_stop_command(c->processes, d->id);
		break;
	case DECIDE_RELOAD:
		process_reload(c->processes, d->id);
		break;
	case DECIDE_ROUTE:
		c->order_cut[d->id] = d->order.cut;
		ids_add(&c->orders, d->id);
		break;
	case DECIDE_PACE:
		if (d->pace == PACE_NOW)
			c->pace_now[d->id] = 1;
		ids_add(&c->paces, d->id);
		break;
	case DECIDE_RUN:
		core_run(c, d);
		break;
	case DECIDE_ANSWER:
		command_answer(c, d->token, d->answer, d->event, d->text);
		break;
	case DECIDE_RELOAD_RULES:
		c->reload_asked = true;
		c->reload_token = d->token;
		break;
	case DECIDE_TEST:
		trial_begin(c, d->token, d->id);
		break;
	case DECIDE_REMEMBER:
		keep_write(c);
		break;
	case DECIDE_KINDS:
		break;
	}
}

/* ---- events ---- */

static void
decide_one(struct core *c, const struct event *e)
{
	int64_t real_ms = clock_real_ms();
	if (real_ms / MS_MINUTE != c->zone_minute) {
		c->zone_minute = real_ms / MS_MINUTE;
		world_zone(c->world, clock_zone_s(real_ms));
	}
	decide(c->world, e, clock_ms(), real_ms, &c->decisions);
	for (size_t i = 0; i < c->decisions.count; i++)
		perform(c, &c->decisions.list[i]);
	switch (e->kind) {
	case EVENT_ADOPTED:
	case EVENT_STARTED:
	case EVENT_EXITED:
	case EVENT_FOUND:
		ids_add(&c->watches, e->id);
		break;
	case EVENT_TIMER:
	case EVENT_GO:
	case EVENT_START_FAILED:
	case EVENT_WAITS:
	case EVENT_READY:
	case EVENT_DYING:
	case EVENT_EVIDENCE:
	case EVENT_EMPTY:
	case EVENT_RESULT:
	case EVENT_SAMPLE:
	case EVENT_ROUTE_SEEN:
	case EVENT_HELPER_LOST:
	case EVENT_HELPER_BACK:
	case EVENT_COMMAND:
	case EVENT_RUN_DONE:
	case EVENT_NOTE:
	case EVENT_STOP_ALL:
	case EVENT_LATE:
	case EVENT_CHANGED:
	case EVENT_KINDS:
		break;
	}
}

static void
put_off(struct core *c, const struct event *e)
{
	const unsigned room = sizeof c->pending / sizeof *c->pending;
	if (c->pending_count == room) {
		log_error("an event was lost: too much happened at once");
		return;
	}
	struct pending_event *p =
		&c->pending[(c->pending_first + c->pending_count++) % room];
	p->event = *e;
	text_print(p->text, sizeof p->text, "%s", e->text != NULL ? e->text : "");
}

static bool
take_pending(struct core *c, struct pending_event *p)
{
	if (c->pending_count == 0)
		return false;
	*p = c->pending[c->pending_first];
	p->event.text = p->text;
	c->pending_first =
		(c->pending_first + 1) % (sizeof c->pending / sizeof *c->pending);
	c->pending_count--;
	return true;
}

static void
asked_reload(struct core *c)
{
	char text[MSG_TEXT * 4];
	uint64_t token = c->reload_token;
	c->reload_asked = false;
	bool good = core_reload(c, text, sizeof text);
	if (token != 0)
		command_answer(c, token, good ? ANSWER_DONE : ANSWER_REFUSED,
			       good ? world_last_event(c->world) : 0, text);
}

static void
on_deadline(struct loop_timer *timer)
{
	struct event e = { .kind = EVENT_TIMER };
	core_event(timer->arg, &e);
}

static void
arm_deadline(struct core *c)
{
	int64_t due = world_deadline(c->world);
	if (due == c->due_ms && loop_timer_active(&c->deadline))
		return; /* as after nearly each result */
	c->due_ms = due;
	if (due == INT64_MAX)
		loop_timer_stop(&c->deadline);
	else
		loop_timer_start(c->loop, &c->deadline, due - clock_ms(), 0, on_deadline,
				 c);
}

void
core_event(struct core *c, const struct event *e)
{
	struct pending_event p;
	if (c->deciding) {
		put_off(c, e);
		return;
	}
	c->deciding = true;
	decide_one(c, e);
	while (take_pending(c, &p))
		decide_one(c, &p.event);
	c->deciding = false;
	if (c->reload_asked)
		asked_reload(c);
	arm_deadline(c);
}

void
core_note(struct core *c, const char *kind, const char *format, ...)
{
	char words[400], text[500];
	va_list args;
	va_start(args, format);
	vsnprintf(words, sizeof words, format, args);
	va_end(args);
	text_print(text, sizeof text, "%s %s", kind, words);
	struct event e = { .kind = EVENT_NOTE, .text = text };
	core_event(c, &e);
}

/* ---- the loop's own watchers ---- */

static void
on_process_event(void *arg, const struct event *e)
{
	core_event(arg, e);
}

static void
before_sleep(void *arg)
{
	struct core *c = arg;
	int64_t now = clock_ms();
	processes_ask(c->processes);
	outbox_flush(c);
	if (processes_untold(c->processes) && now - c->log_ms < LOG_MS)
		return; /* it wakes us soon, with more to say */
	c->log_ms = now;
	log_flush();
}

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
stop_awaiting(struct core *c)
{
	for (int i = 0; i < 2; i++)
		loop_io_stop(&c->idle[i]);
}

static void
on_client(struct loop_io *io, unsigned events)
{
	struct core *c = io->arg;
	(void)events;
	stop_awaiting(c);
	c->helpers[ROLE_STATUS].unsettled = true; /* is it there to answer? */
	core_beat(c);
}

/* Status is sent nothing, so nothing tells whether it lives, until a client comes. */
static void
await_client(struct core *c)
{
	for (int i = 0; i < 2; i++)
		if (c->listeners[i] != -1 && !loop_io_active(&c->idle[i]))
			loop_io_start(c->loop, &c->idle[i], c->listeners[i], LOOP_READ,
				      on_client, c);
}

/* Nothing wakes us until something happens. */
static void
be_idle(struct core *c)
{
	loop_timer_stop(&c->beat);
	nursery_rest();
	await_client(c);
}

/* The service manager learns that the loop turns, three times in the time that it gives us. */
static void
on_watchdog(struct loop_timer *timer)
{
	(void)timer;
	notify_send("WATCHDOG=1");
}

static void
watchdog_begin(struct core *c)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	int64_t ms = usec != NULL ? strtoll(usec, NULL, 10) / 3000 : 0;
	if (ms >= 1 && (pid == NULL || strtol(pid, NULL, 10) == getpid()))
		loop_timer_start(c->loop, &c->watchdog, ms, ms, on_watchdog, c);
}

static void
on_beat(struct loop_timer *timer)
{
	struct core *c = timer->arg;
	int64_t now = clock_ms();
	if (now - c->last_beat_ms > BEAT_MS + LATE_MS) {
		struct event e = { .kind = EVENT_LATE };
		core_event(c, &e);
		core_note(c, "daemon-late",
			  "monitord itself stood still for %lld ms: what was in "
			  "flight is measured again",
			  (long long)(now - c->last_beat_ms - BEAT_MS));
	}
	c->last_beat_ms = now;
	const struct helper_slot *status = &c->helpers[ROLE_STATUS];
	if (!helpers_ping(c))
		be_idle(c);
	else if (!look_any(c) && !status->unsettled && status->pong == status->ping)
		await_client(c);
}

void
core_beat(struct core *c)
{
	if (loop_timer_active(&c->beat))
		return;
	stop_awaiting(c);
	c->last_beat_ms = clock_ms();
	loop_timer_start(c->loop, &c->beat, BEAT_MS, BEAT_MS, on_beat, c);
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
	open_renew(c);
}

/* ---- beginning and end ---- */

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
	if (fcntl(c->lock, F_SETLK, &own) != 0) {
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

static void
begin_watching(struct core *c)
{
	loop_signal_start(c->loop, &c->hup, SIGHUP, on_hup, c);
	loop_signal_start(c->loop, &c->term, SIGTERM, on_term, c);
	loop_signal_start(c->loop, &c->intr, SIGINT, on_term, c);
	core_beat(c);
	loop_before_sleep(c->loop, before_sleep, c);
	log_gather(true);
}

/* Better before than when a service cannot be started. */
static void
tell_few(struct core *c)
{
	struct rlimit files;
	unsigned long long need = OWN_FILES + FILES_EACH * c->rules->service_count;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < need)
		core_note(
			c, "descriptors-few",
			"%llu files may be open, and %llu may be needed: raise that limit",
			(unsigned long long)files.rlim_cur, need);
}

bool
core_begin(struct core *c, char why[MSG_TEXT])
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
	tell_manager(c);
	watchdog_begin(c);
	return true;
}

void
core_end(struct core *c)
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
