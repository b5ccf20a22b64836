/* monitord-alerts: tells people by mail and webhook what the journal says, and keeps what
 * it has not told yet in a durable spool. */
#include "alerts/alerts.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "rules/parse.h"
#include "rules/template.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PRUNE_EVERY_MS 3600000
#define KEEP_MS                                                                          \
	(INT64_C(7) * 86400 * 1000) /* of what is over, for late lines of its thread */
#define PASSWORD_MAX 512
#define BODY_MAX 65536

void
spool_trouble(struct alerts *a, const char *doing)
{
	if (spool_damaged(a->spool)) {
		log_error("the spool is damaged (%s); it is kept as %s.damaged and a new "
			  "one is begun",
			  spool_why(a->spool), SPOOL_PATH);
		spool_set_aside(SPOOL_PATH);
		exit(1); /* monitord begins us anew */
	}
	if (!a->full_told)
		log_error("the spool, %s: %s; it is tried again", doing,
			  spool_why(a->spool));
	a->full_told = true;
}

bool
alerts_commit(struct alerts *a, bool good, const char *doing)
{
	good = good && spool_commit(a->spool);
	if (!good && doing != NULL)
		spool_trouble(a, doing);
	if (!good)
		spool_rollback(a->spool);
	return good;
}

void
ask_password(struct alerts *a)
{
	struct msg_open open = { .what = OPEN_SMTP_PASSWORD };
	if (a->rules->settings.smtp_password_file == NULL)
		return;
	helper_send(&a->helper, MSG_OPEN, &open, 1);
}

static void
forget(char **secret)
{
	if (*secret != NULL)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void
ask_secrets(struct alerts *a, const struct contact *c)
{
	struct msg_open key = { .what = OPEN_CONTACT_KEY, .id = c->id };
	struct msg_open body = { .what = OPEN_CONTACT_BODY, .id = c->id };
	struct secrets *s = &a->secrets[c->id];
	s->key_due = c->key_file != NULL && c->key == NULL;
	s->body_due = c->body_file != NULL && c->body == NULL;
	if (s->key_due)
		helper_send(&a->helper, MSG_OPEN, &key, 1);
	if (s->body_due)
		helper_send(&a->helper, MSG_OPEN, &body, 1);
}

static void
new_secrets(struct alerts *a)
{
	for (uint32_t i = 0; i < a->secret_count; i++) {
		forget(&a->secrets[i].key);
		forget(&a->secrets[i].body);
	}
	free(a->secrets);
	a->secret_count = a->rules->contact_count;
	a->secrets = calloc(a->secret_count + 1, sizeof *a->secrets);
	if (a->secrets == NULL) {
		log_error("out of memory");
		exit(1);
	}
	for (uint32_t i = 0; i < a->secret_count; i++)
		ask_secrets(a, &a->rules->contacts[i]);
}

static void
load(struct alerts *a, int fd, uint32_t generation)
{
	struct rules *new = rules_from_fd(fd);
	if (new == NULL) {
		log_error("the rules cannot be read");
		exit(1); /* monitord begins us anew */
	}
	rules_free(&a->rules);
	a->rules = new;
	helper_loaded(&a->helper, generation);
	a->counts_dirty = true;
	a->password_due = new->settings.smtp_password_file != NULL;
	ask_password(a);
	new_secrets(a);
	heart_begin(a);
	take_lines(a);
	send_changed(a);
}

/* What stands in the file, up to cap - 1 bytes. False: text holds nothing. */
static bool
read_secret(const struct msg_opened *o, int fd, const char *key, char *text, size_t cap)
{
	ssize_t n = o->error == 0 ? pread(fd, text, cap - 1, 0) : -1;
	if (n < 0)
		log_error("%s: %s", key, text_file_error(o->error));
	text[n > 0 ? n : 0] = '\0';
	return n >= 0;
}

/* The first line of the file, without its end. */
static void
take_password(struct alerts *a, const struct msg_opened *o, int fd)
{
	char text[PASSWORD_MAX] = "";
	bool good = read_secret(o, fd, "smtp-password-file", text, sizeof text);
	text[strcspn(text, "\r\n")] = '\0';
	forget(&a->password);
	a->password = good ? strdup(text) : NULL;
	explicit_bzero(text, sizeof text);
	if (a->password_due) {
		a->password_due = false;
		send_due(a);
	}
}

static void
take_key(struct alerts *a, const struct msg_opened *o, int fd)
{
	char text[PASSWORD_MAX] = "";
	bool good = read_secret(o, fd, "key-file", text, sizeof text);
	text[strcspn(text, "\r\n")] = '\0';
	a->secrets[o->id].key_due = false;
	forget(&a->secrets[o->id].key);
	a->secrets[o->id].key = good && text[0] != '\0' ? strdup(text) : NULL;
	explicit_bzero(text, sizeof text);
	send_changed(a);
}

static void
take_body(struct alerts *a, const struct msg_opened *o, int fd)
{
	static char text[BODY_MAX];
	char unknown[64];
	bool good = read_secret(o, fd, "body-file", text, sizeof text);
	if (good && !template_check(text, unknown, sizeof unknown)) {
		log_error(
			"body-file of contact %s: there is no variable {%s}: our own text is sent",
			a->rules->contacts[o->id].name, unknown);
		good = false;
	}
	a->secrets[o->id].body_due = false;
	forget(&a->secrets[o->id].body);
	a->secrets[o->id].body = good ? strdup(text) : NULL;
	send_changed(a);
}

static void
take_opened(struct alerts *a, const struct msg_opened *o, int fd)
{
	if (o->token == HEART_TOKEN && a->rules->settings.heartbeat != NULL)
		heart_answered(a);
	else if (o->what == OPEN_SMTP_PASSWORD)
		take_password(a, o, fd);
	else if (o->what == OPEN_CONTACT_KEY && o->id < a->secret_count)
		take_key(a, o, fd);
	else if (o->what == OPEN_CONTACT_BODY && o->id < a->secret_count)
		take_body(a, o, fd);
}

/* The name is of the rules that the trace was made with. */
static void
take_trace(struct alerts *a, const struct msg_trace *t)
{
	if (a->rules == NULL || t->kind >= OBJECT_KINDS || t->count > MSG_TRACE_POINTS ||
	    t->id >= rules_count(a->rules, (enum object_kind)t->kind))
		return;
	const char *name = rules_name(a->rules, (enum object_kind)t->kind, t->id);
	alerts_commit(a, spool_begin(a->spool) && spool_trace(a->spool, t, name),
		      NULL); /* a mail goes without it */
}

static void
on_packet(struct helper *h, struct msg_packet *p)
{
	struct alerts *a = h->arg;
	struct msg_rules rules;
	struct msg_journal journal;
	struct msg_bell bell;
	struct msg_opened opened;
	struct msg_test test;
	struct msg_trace trace;
	if (p->head.kind == MSG_RULES) {
		memcpy(&rules, p->items, sizeof rules);
		load(a, p->fd, rules.generation);
	} else if (p->head.kind == MSG_JOURNAL) {
		memcpy(&journal, p->items, sizeof journal);
		take_journal(a, p->fd, journal.last_id);
		p->fd = -1;
		take_lines(a);
	} else if (p->head.kind == MSG_BELL) {
		memcpy(&bell, p->items, sizeof bell);
		if (bell.last_id > a->last_id)
			a->last_id = bell.last_id;
		take_lines(a);
	} else if (p->head.kind == MSG_OPENED) {
		memcpy(&opened, p->items, sizeof opened);
		take_opened(a, &opened, p->fd);
	} else if (p->head.kind == MSG_TRACE) {
		memcpy(&trace, p->items, sizeof trace);
		take_trace(a, &trace);
	}
	for (unsigned i = 0; p->head.kind == MSG_TEST && i < p->head.count; i++) {
		memcpy(&test, p->items + i * sizeof test, sizeof test);
		trial_begin(a, &test);
	}
}

static void
on_writable(struct helper *h)
{
	struct alerts *a = h->arg;
	if (a->counts_dirty)
		send_counts(a);
	trial_writable(a);
	if (a->password_due && a->rules != NULL)
		ask_password(a);
}

static void
on_prune(struct loop_timer *timer)
{
	struct alerts *a = timer->arg;
	alerts_commit(a,
		      spool_begin(a->spool) &&
			      spool_prune(a->spool, clock_real_ms() - KEEP_MS),
		      "forgetting what is over");
}

int
main(void)
{
	static struct alerts a;
	char why[256];
	bool aside;
	int64_t cursor_ms;
	log_open("monitord-alerts");
	a.journal = -1;
	if (gethostname(a.host, sizeof a.host - 1) != 0)
		text_print(a.host, sizeof a.host, "localhost");
	text_clean(a.host, sizeof a.host, a.host, strlen(a.host));
	a.helper = (struct helper){ .loop = loop_new(0),
				    .role = ROLE_ALERTS,
				    .packet = on_packet,
				    .writable = on_writable,
				    .arg = &a };
	a.spool = spool_open(SPOOL_PATH, &aside, why, sizeof why);
	if (aside)
		log_error("the spool was damaged; it is kept as %s.damaged and a new one "
			  "is begun",
			  SPOOL_PATH);
	if (a.spool == NULL) {
		log_error("no spool: %s", why);
		return 1;
	}
	if (a.helper.loop == NULL ||
	    !helper_begin(&a.helper, spool_cursor(a.spool, &cursor_ms)))
		return 1;
	loop_timer_start(a.helper.loop, &a.prune, 0, PRUNE_EVERY_MS, on_prune, &a);
	loop_run(a.helper.loop);
	return 0;
}
