/* monitord-status: answers on the status socket from a copy of what monitord believes. */
#include "status/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "status/record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RETRY_MS 5000

static void
ask_listener(struct server *s, unsigned which)
{
	struct listener *l = &s->listeners[which];
	struct msg_open open = { .what = OPEN_LISTENER, .id = which, .token = which };
	if (l->daemon != NULL || l->asked ||
	    (which == 1 && s->store.rules->settings.http == NULL))
		return;
	l->unsent = helper_send(&s->helper, MSG_OPEN, &open, 1) != MSG_SENT;
	l->asked = true;
}

/* The record of the old rules is whole; one by the new ones begins. */
static void
record_begin(struct server *s)
{
	const struct settings *c = &s->store.rules->settings;
	record_files_free(&s->record_files);
	if (c->record_ms > 0)
		s->record_files = record_files_new(".", c->record_ms, c->record_bytes);
	if (s->record_files != NULL)
		s->record = record_writer_new(s->store.rules, record_files_put,
					      s->record_files);
	if (s->record != NULL)
		record_writer_most(s->record, record_files_most(s->record_files));
}

/* Measurements as they came. */
static bool
is_record(unsigned kind)
{
	return kind == MSG_WELL || kind == MSG_MEASURED || kind == MSG_SAMPLED;
}

static void
record(struct server *s, const struct msg_packet *p)
{
	int64_t now_ms = clock_real_ms();
	for (unsigned i = 0; s->record != NULL && i < p->head.count; i++) {
		struct msg_result result;
		struct msg_sample sample;
		struct msg_well well;
		if (p->head.kind == MSG_WELL) {
			memcpy(&well, p->items + i * sizeof well, sizeof well);
			msg_from_well(&well, &result);
			record_result(s->record, &result, now_ms);
		} else if (p->head.kind == MSG_MEASURED) {
			memcpy(&result, p->items + i * sizeof result, sizeof result);
			record_result(s->record, &result, now_ms);
		} else {
			memcpy(&sample, p->items + i * sizeof sample, sizeof sample);
			record_sample(s->record, &sample, now_ms);
		}
	}
}

static void
record_lines(struct server *s)
{
	struct journal_line line;
	while (s->record != NULL && s->journal != -1 &&
	       journal_next(&s->record_reader, s->last_event, &line) == JOURNAL_LINE)
		record_line(s->record, &line);
}

static void
load(struct server *s, const struct msg_packet *p)
{
	struct msg_rules rules;
	char *old = s->store.rules != NULL && s->store.rules->settings.http != NULL
			    ? strdup(s->store.rules->settings.http)
			    : NULL;
	memcpy(&rules, p->items, sizeof rules);
	history_unload(&s->history);
	record_writer_free(&s->record); /* it speaks of the old rules */
	if (!store_load(&s->store, p->fd, rules.generation)) {
		log_error("the rules cannot be taken");
		exit(1); /* monitord begins us anew */
	}
	s->store.dry_run = rules.dry_run != 0 || s->store.rules->settings.dry_run;
	shelf_load(&s->shelf, s->store.rules);
	history_load(&s->history, server_answered, s);
	record_begin(s);
	helper_loaded(&s->helper, rules.generation);
	const char *new = s->store.rules->settings.http;
	if (old != NULL && (new == NULL || strcmp(old, new) != 0))
		server_unlisten(s, 1);
	free(old);
	ask_listener(s, 0);
	ask_listener(s, 1);
}

static void
on_retry(struct loop_timer *timer)
{
	struct listener *l = timer->arg;
	ask_listener(l->server, l->tcp ? 1 : 0);
}

/* Its address is another's, or of a network that is not up yet: monitord has told of it. */
static void
try_again(struct server *s, unsigned which)
{
	struct listener *l = &s->listeners[which];
	loop_timer_start(s->helper.loop, &l->timer, RETRY_MS, 0, on_retry, l);
}

static void
opened(struct server *s, struct msg_packet *p)
{
	struct msg_opened o;
	memcpy(&o, p->items, sizeof o);
	if (o.what != OPEN_LISTENER || o.id > 1)
		return;
	s->listeners[o.id].asked = false;
	if (o.error == ESTALE) { /* the rules changed on the way */
		ask_listener(s, o.id);
	} else if (o.error != 0) {
		try_again(s, o.id);
	} else {
		server_listen(s, o.id, p->fd);
		p->fd = -1;
	}
}

static void
journal(struct server *s, struct msg_packet *p)
{
	struct msg_journal j;
	memcpy(&j, p->items, sizeof j);
	if (s->journal != -1)
		return;
	if (!journal_reader_open(&s->reader, p->fd, 0)) {
		log_error("the journal cannot be read");
		return;
	}
	s->journal = p->fd;
	p->fd = -1;
	s->last_event = j.last_id;
	if (!journal_reader_open(&s->record_reader, s->journal, j.last_id))
		record_writer_free(&s->record);
	server_bell(s);
}

static void
on_packet(struct helper *h, struct msg_packet *p)
{
	struct server *s = h->arg;
	struct msg_who_done who;
	struct msg_command_done done;
	struct msg_bell bell;
	if (p->head.kind == MSG_RULES)
		load(s, p);
	else if (p->head.kind == MSG_OPENED)
		opened(s, p);
	else if (p->head.kind == MSG_JOURNAL)
		journal(s, p);
	else if (is_record(p->head.kind))
		record(s, p);
	else
		store_take(&s->store, p);
	if (!is_record(p->head.kind) && p->head.kind != MSG_BELL &&
	    p->head.kind != MSG_WHO_DONE && p->head.kind != MSG_COMMAND_DONE)
		s->shelf.version++; /* a view of something that the whole tells of */
	for (unsigned i = 0; p->head.kind == MSG_BELL && i < p->head.count; i++) {
		memcpy(&bell, p->items + i * sizeof bell, sizeof bell);
		if (bell.last_id > s->last_event)
			s->last_event = bell.last_id;
		record_lines(s);
		server_bell(s);
	}
	for (unsigned i = 0; p->head.kind == MSG_WHO_DONE && i < p->head.count; i++) {
		memcpy(&who, p->items + i * sizeof who, sizeof who);
		server_who_done(s, &who);
	}
	for (unsigned i = 0; p->head.kind == MSG_COMMAND_DONE && i < p->head.count; i++) {
		memcpy(&done, p->items + i * sizeof done, sizeof done);
		server_command_done(s, &done);
	}
}

static void
on_writable(struct helper *h)
{
	struct server *s = h->arg;
	for (unsigned i = 0; i < 2; i++)
		if (s->listeners[i].unsent) {
			s->listeners[i].asked = false;
			ask_listener(s, i);
		}
	server_writable(s);
}

static struct server server; /* static: at_exit has no argument */

static void
at_exit(void)
{
	history_end(&server.history);
	record_writer_free(&server.record);
	record_files_free(&server.record_files);
}

static void
on_change(void *arg, enum object_kind kind, uint32_t id)
{
	struct server *s = arg;
	history_changed(&s->history, kind, id);
	shelf_forget(&s->shelf, &s->store, kind, id);
}

int
main(void)
{
	struct server *s = &server;
	log_open("monitord-status");
	s->helper = (struct helper){ .loop = loop_new(0),
				     .role = ROLE_STATUS,
				     .packet = on_packet,
				     .writable = on_writable,
				     .arg = s };
	if (s->helper.loop == NULL)
		return 1;
	store_begin(&s->store);
	s->store.changed = on_change;
	s->store.changed_arg = s;
	history_begin(&s->history, s->helper.loop, &s->store);
	atexit(at_exit);
	server_begin(s);
	if (!helper_begin(&s->helper, 0))
		return 1;
	loop_run(s->helper.loop);
	return 0;
}
