/* From the spool to people: what is due goes out, what cannot waits, what is answered for
 * good is settled. */
#include "alerts/alerts.h"

#include "alerts/compose.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "rules/during.h"

#include <stdlib.h>
#include <string.h>

#define SECRET_MS 300 /* for a file to be opened for us */
#define AGAIN_MS 5000                          /* after a full disk */
#define LOOK_MS 300000 /* the longest wait at once: the spool takes far times for a set clock */
#define GIVE_UP_MS (INT64_C(5) * 86400 * 1000) /* RFC 5321 4.5.4.1: four to five days */

static void on_done(struct delivery *d);

static const struct contact *
contact_of(const struct alerts *a, const struct spool_alert *alert)
{
	uint32_t id = rules_find(a->rules, OBJECT_CONTACT, alert->contact);
	return id != RULES_NONE ? &a->rules->contacts[id] : NULL;
}

/* The addresses of a way; a command is its own. */
struct text_list
way_list(const struct contact *c, enum way way)
{
	switch (way) {
	case WAY_MAIL:
		return c->mail;
	case WAY_SMS:
		return c->sms;
	case WAY_PAGE:
		return c->page;
	case WAY_RUN:
		return (struct text_list){ .count = c->run.count > 0,
					   .texts = c->run.argv };
	case WAYS:
		break;
	}
	return (struct text_list){ .count = 0 };
}

void
send_counts(struct alerts *a)
{
	struct spool_counts n = spool_count(a->spool);
	struct msg_alert_counts now = { .queued = n.queued,
					.sent = n.sent,
					.failed = n.failed,
					.undelivered = n.undelivered };
	if (memcmp(&now, &a->counts, sizeof now) == 0 && !a->counts_dirty)
		return;
	a->counts = now;
	a->counts_dirty = a->helper.generation == 0 ||
			  helper_send(&a->helper, MSG_ALERT_COUNTS, &now, 1) != MSG_SENT;
}

/* One that can never be told: it is counted, and said. */
static bool
drop(struct alerts *a, const struct spool_alert *alert, enum fate fate, const char *why)
{
	log_warning("the alert %lld to %s is given up: %s", (long long)alert->id,
		    alert->contact, why);
	return alerts_commit(a,
			     spool_begin(a->spool) && spool_settle(a->spool, alert->id,
								   fate, clock_real_ms()),
			     "giving an alert up");
}

/* The addresses that have no final answer yet. False: out of memory. */
static bool
fill_recipients(struct sending *s, const struct text_list *list)
{
	struct job *j = &s->delivery.job;
	for (uint32_t i = 0; i < list->count && j->to_count < RECIPIENTS_MAX; i++) {
		if (spool_answered(s->alerts->spool, s->alert.id, list->texts[i]) != 0)
			continue;
		char *address = strdup(list->texts[i]);
		if (address == NULL)
			return false;
		j->to[j->to_count++] = address;
	}
	return true;
}

enum started { STARTED, STARTED_NOBODY, STARTED_NOT };

static bool
fill_job(struct sending *s, const struct contact *c, char *why, size_t cap)
{
	struct alerts *a = s->alerts;
	struct job *j = &s->delivery.job;
	struct letter *l = &s->letter;
	job_letter(a, c, j, l);
	if (!spool_letter(a->spool, &s->alert, l)) {
		text_print(why, cap, "%s", spool_why(a->spool));
		return false;
	}
	job_items(a, &s->alert, j, l);
	if (l->item_count == 0)
		facts_fill(a, &s->alert, j, l);
	l->sms = s->alert.way == WAY_SMS;
	if (s->alert.way == WAY_PAGE)
		return job_page(a, c, j, l, why, cap);
	if (s->alert.way == WAY_RUN)
		return job_run(c, j, l, why, cap);
	return job_mail(a, j, l, s->server);
}

static enum started
start(struct sending *s, const struct contact *c)
{
	char why[200] = "no memory, or no process";
	struct job *j = &s->delivery.job;
	struct text_list list = way_list(c, s->alert.way);
	memset(&s->letter, 0, sizeof s->letter);
	job_free(j);
	if (!fill_recipients(s, &list))
		return STARTED_NOT;
	if (j->to_count == 0)
		return STARTED_NOBODY;
	bool good = fill_job(s, c, why, sizeof why);
	j->tls13 = s->alert.tries > 0 && s->alert.tries % 2 == 0; /* every second retry */
	if (good && delivery_start(s->alerts->helper.loop, &s->delivery, on_done, s))
		return STARTED;
	log_warning("alert %lld to %s cannot be sent now: %s", (long long)s->alert.id,
		    s->alert.contact, why);
	job_free(j);
	return STARTED_NOT;
}

/* Records what was answered and what is to become of the alert. */
static bool
record(struct sending *s, const enum verdict *verdicts, enum fate fate, int64_t due_ms)
{
	struct spool *spool = s->alerts->spool;
	const struct delivery *d = &s->delivery;
	bool good = spool_begin(spool);
	for (uint32_t i = 0; good && i < d->job.to_count; i++)
		if (verdicts[i] != VERDICT_LATER)
			good = spool_answer(spool, s->alert.id, d->job.to[i],
					    verdicts[i] == VERDICT_SENT ? 1 : 2,
					    d->answers[i].code);
	good = good && (fate == FATE_QUEUED ? spool_retry(spool, s->alert.id, due_ms)
					    : spool_settle(spool, s->alert.id, fate,
							   clock_real_ms()));
	return good && spool_commit(spool);
}

static void
log_answer(const struct sending *s, uint32_t i, enum verdict verdict)
{
	const struct delivery *d = &s->delivery;
	const struct answer *r = &d->answers[i];
	bool own =
		d->job.page || r->code / 100 != 2; /* else the message's answer decided */
	const struct answer *said =
		own && (r->code != 0 || d->job.page) ? r : &d->session;
	const char *text = said->text[0] != '\0' ? said->text
			   : d->late             ? "no answer within the time"
						 : "no answer";
	char number[16] = "";
	if (said->code != 0)
		text_print(number, sizeof number, "%d ", said->code);
	if (verdict == VERDICT_SENT)
		log_info("alert %lld to %s <%s>: %d %s", (long long)s->alert.id,
			 s->alert.contact, d->job.to[i], said->code, said->text);
	else
		log_warning("alert %lld to %s <%s>%s%s %s: %s%s", (long long)s->alert.id,
			    s->alert.contact, d->job.to[i], d->job.page ? "" : " by ",
			    d->job.page ? "" : d->job.server,
			    verdict == VERDICT_REFUSED ? "refused for good"
						       : "not taken, yet",
			    number, text);
}

/* Sent only if all addresses are answered for good; failed if one of them refused. */
static enum fate
fate_of(const struct sending *s, const struct text_list *list,
	const enum verdict *verdicts)
{
	const struct job *j = &s->delivery.job;
	bool refused = false;
	for (uint32_t i = 0; i < list->count; i++) {
		int final = spool_answered(s->alerts->spool, s->alert.id, list->texts[i]);
		for (uint32_t k = 0; k < j->to_count && final == 0; k++)
			if (strcmp(j->to[k], list->texts[i]) == 0 &&
			    verdicts[k] != VERDICT_LATER)
				final = verdicts[k] == VERDICT_SENT ? 1 : 2;
		if (final == 0)
			return FATE_QUEUED;
		refused = refused || final == 2;
	}
	return refused ? FATE_FAILED : FATE_SENT;
}

static bool
unanswered(const struct delivery *d)
{
	for (uint32_t i = 0; i < d->job.to_count; i++)
		if (d->answers[i].code != 0)
			return false;
	return d->session.code == 0;
}

/* Longer after each try, and as long as the server asks for. */
static int64_t
wait_ms(const struct sending *s, uint32_t i)
{
	int64_t ours = answer_wait_ms(s->alert.tries);
	int64_t theirs = (int64_t)s->delivery.answers[i].wait_s * 1000;
	return theirs > ours ? theirs : ours;
}

/* True: the slot is free again. */
static bool
settle(struct sending *s)
{
	struct alerts *a = s->alerts;
	struct delivery *d = &s->delivery;
	enum verdict verdicts[RECIPIENTS_MAX];
	const struct contact *c = contact_of(a, &s->alert);
	int64_t now = clock_real_ms(), due = now;
	if (d->job.to_count == 0)
		due = now + answer_wait_ms(s->alert.tries);
	for (uint32_t i = 0; i < d->job.to_count; i++) {
		verdicts[i] = d->job.page
				      ? answer_page(d->answers[i].code)
				      : answer_mail(d->answers[i].code, d->session.code);
		if (verdicts[i] == VERDICT_LATER)
			due = now + wait_ms(s, i);
		if (!s->unrecorded)
			log_answer(s, i, verdicts[i]);
	}
	struct text_list list = { .count = d->job.to_count,
				  .texts = (const char *const *)d->job.to };
	/* a contact that is gone since: what was sent counts, the rest is given up later
	 */
	if (c != NULL)
		list = way_list(c, s->alert.way);
	enum fate fate = fate_of(s, &list, verdicts);
	if (fate == FATE_QUEUED && now - s->alert.born_ms > GIVE_UP_MS)
		fate = FATE_FAILED;
	if (due != now && !d->job.page)
		ask_password(a); /* it may be the reason, and be right by now */
	s->unrecorded = !record(s, verdicts, fate, due);
	if (s->unrecorded) {
		spool_trouble(a, "recording an answer");
		spool_rollback(a->spool);
		return false;
	}
	job_free(&d->job);
	s->alert.id = 0;
	return true;
}

static void
on_done(struct delivery *d)
{
	struct sending *s = d->arg;
	struct alerts *a = s->alerts;
	const struct contact *c = contact_of(a, &s->alert);
	if (!d->job.page && unanswered(d)) {
		log_warning("alert %lld: mail server %s: %s", (long long)s->alert.id,
			    d->job.server,
			    d->session.text[0] != '\0' ? d->session.text
						       : "no answer within the time");
		if (c != NULL && ++s->server < a->rules->settings.smtp.count &&
		    start(s, c) == STARTED)
			return; /* the next server, at once */
	}
	settle(s);
	send_due(a);
}

static void
on_again(struct loop_timer *timer)
{
	send_due(timer->arg);
}

/* It waits, and counts as no try. */
static bool
hold(struct alerts *a, const struct spool_alert *alert, int64_t until_ms)
{
	return alerts_commit(a,
			     spool_begin(a->spool) &&
				     spool_hold(a->spool, alert, until_ms),
			     "putting an alert off");
}

/* What cannot be begun (a key that is not there yet, no process) is no reason to keep the
 * others waiting. */
static bool
hold_one(struct alerts *a, const struct spool_alert *alert, int64_t due_ms)
{
	return alerts_commit(a,
			     spool_begin(a->spool) &&
				     spool_put_off(a->spool, alert->id, due_ms),
			     "putting an alert off");
}

/* Begins the alert in the slot, or gives it up. False: the spool or the system is in
 * trouble. */
static bool
begin(struct alerts *a, struct sending *s, const struct spool_alert *next, const int64_t *busy)
{
	const struct contact *c = contact_of(a, next);
	int64_t until, now = clock_real_ms();
	if (c != NULL && (a->secrets[c->id].key_due || a->secrets[c->id].body_due)) {
		if (next->born_ms < now - AGAIN_MS)
			ask_secrets(a, c); /* the channel may have been full */
		return hold_one(a, next, now + SECRET_MS);
	}
	if (c != NULL && digest_waits(a, c, next, now, &until))
		return hold(a, next, until);
	if (now - next->born_ms > GIVE_UP_MS)
		return drop(a, next, FATE_FAILED, "it could not be sent for five days");
	if (c == NULL || way_list(c, next->way).count == 0)
		return drop(a, next, FATE_DROPPED,
			    c == NULL ? "the contact is gone"
				      : "the contact has no such address any more");
	if (!digest_gather(a, c, next, busy, SLOTS, now)) {
		spool_trouble(a, "gathering a digest");
		return false;
	}
	s->alerts = a;
	s->alert = *next;
	s->server = 0;
	s->unrecorded = false;
	enum started started = start(s, c);
	if (started == STARTED)
		return true;
	s->alert.id = 0;
	if (started ==
	    STARTED_NOBODY) /* what was not answered is no address of it any more */
		return drop(a, next, FATE_SENT, "the addresses that were left are gone");
	return hold_one(a, next, now + AGAIN_MS);
}

static int64_t
local_ms(void)
{
	int64_t now = clock_real_ms();
	return now + (int64_t)clock_zone_s(now) * 1000;
}

/* Mail comes in the contact's times; a page at any. */
static bool
is_time(const struct alerts *a, const struct spool_alert *next)
{
	const struct contact *c = contact_of(a, next);
	return c == NULL || next->way == WAY_PAGE || during_holds(&c->during, local_ms());
}

static bool
put_off(struct alerts *a, const struct spool_alert *next)
{
	int64_t left = during_changes_ms(&contact_of(a, next)->during, local_ms());
	return hold(a, next, clock_real_ms() + (left < LOOK_MS ? left : LOOK_MS));
}

void
send_due(struct alerts *a)
{
	int64_t busy[SLOTS], wait = -1;
	bool trouble = false;
	if (a->rules == NULL || a->password_due)
		return;
	for (size_t i = 0; i < SLOTS; i++)
		if (a->sendings[i].unrecorded)
			trouble = !settle(&a->sendings[i]) || trouble;
	for (size_t i = 0; i < SLOTS && !trouble; i++) {
		struct spool_alert next;
		while (a->sendings[i].alert.id == 0 && !trouble) {
			for (size_t k = 0; k < SLOTS; k++)
				busy[k] = a->sendings[k].alert.id;
			if (!spool_next(a->spool, clock_real_ms(), busy, SLOTS, &next,
					&wait))
				break;
			trouble = !(is_time(a, &next)
					    ? begin(a, &a->sendings[i], &next, busy)
					    : put_off(a, &next));
		}
	}
	if (trouble)
		wait = AGAIN_MS;
	loop_timer_stop(&a->retry_send);
	if (wait >= 0)
		loop_timer_start(a->helper.loop, &a->retry_send, wait, 0, on_again, a);
	send_counts(a);
}

void
send_changed(struct alerts *a)
{
	if (!spool_wake(a->spool, clock_real_ms()))
		spool_trouble(a, "waking what waits");
	send_due(a);
}
