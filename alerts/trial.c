/* Tests: an operator asked, and waits for what the server says. They go past the spool.
 */
#include "alerts/alerts.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static void on_done(struct delivery *d);

/* The answer that could not be sent is sent when there is room: done stays, used too. */
static void
answer(struct trial *p)
{
	p->done.token = p->token;
	p->done.ok = p->ok;
	if (helper_send(&p->alerts->helper, MSG_TEST_DONE, &p->done, 1) == MSG_SENT)
		p->used = false;
}

void
trial_writable(struct alerts *a)
{
	for (size_t i = 0; i < TRIALS; i++)
		if (a->trials[i].used && a->trials[i].delivery.pid == 0)
			answer(&a->trials[i]);
}

static void
say(struct trial *p, const char *who, int code, const char *what)
{
	size_t n = strlen(p->done.text);
	text_print(p->done.text + n, sizeof p->done.text - n, "%s%s: %d %s",
		   n > 0 ? "; " : "", who, code,
		   *what != '\0' ? what
		   : code == 0   ? "no answer within the time"
				 : "");
}

static bool
start(struct trial *p, bool page)
{
	static struct letter l;
	const struct contact *c = &p->alerts->rules->contacts[p->contact];
	const struct text_list *list = page ? &c->page : &c->mail;
	struct job *j = &p->delivery.job;
	memset(&l, 0, sizeof l);
	job_letter(p->alerts, c, &l);
	job_free(j);
	l.phase = PHASE_TEST;
	l.since_ms = l.about.real_ms = clock_real_ms();
	l.number = p->token;
	text_print(l.about.text, sizeof l.about.text, "test for contact %s", c->name);
	text_print(l.about.kind, sizeof l.about.kind, "test");
	for (uint32_t i = 0; i < list->count && i < RECIPIENTS_MAX; i++)
		if ((j->to[j->to_count] = strdup(list->texts[i])) != NULL)
			j->to_count++;
	return (page ? job_page(p->alerts, j, &l)
		     : job_mail(p->alerts, j, &l, p->server)) &&
	       delivery_start(p->alerts->helper.loop, &p->delivery, on_done, p);
}

/* What every address was answered goes into the text. */
static void
report(struct trial *p)
{
	struct delivery *d = &p->delivery;
	bool page = d->job.page;
	for (uint32_t i = 0; i < d->job.to_count; i++) {
		const struct answer *r = &d->answers[i];
		enum verdict v = page ? answer_page(r->code)
				      : answer_mail(r->code, d->session.code);
		const struct answer *said =
			page || (r->code != 0 && r->code / 100 != 2) ? r : &d->session;
		p->ok = p->ok && v == VERDICT_SENT;
		say(p, d->job.to[i], said->code, said->text);
	}
}

static bool
silent(const struct delivery *d)
{
	bool silent = d->session.code == 0;
	for (uint32_t i = 0; i < d->job.to_count; i++)
		silent = silent && d->answers[i].code == 0;
	return silent;
}

static void
on_done(struct delivery *d)
{
	struct trial *p = d->arg;
	const struct rules *r = p->alerts->rules;
	bool page = d->job.page, there = p->generation == p->alerts->helper.generation;
	if (!page && silent(d) && there && p->server + 1 < r->settings.smtp.count) {
		say(p, d->job.server, 0, d->session.text);
		p->server++;
		if (start(p, false))
			return;
	}
	report(p);
	job_free(&d->job);
	if (!page && p->page_next && there && start(p, true))
		return;
	answer(p);
}

void
trial_begin(struct alerts *a, const struct msg_test *t)
{
	struct msg_test_done busy = { .token = t->token };
	struct trial *p = NULL;
	for (size_t i = 0; i < TRIALS; i++)
		if (!a->trials[i].used)
			p = &a->trials[i];
	if (p == NULL || t->contact >= a->rules->contact_count) {
		text_print(busy.text, sizeof busy.text, "%s",
			   p == NULL ? "too many tests at once" : "no such contact");
		helper_send(&a->helper, MSG_TEST_DONE, &busy, 1);
		return;
	}
	const struct contact *c = &a->rules->contacts[t->contact];
	memset(&p->done, 0, sizeof p->done);
	p->alerts = a;
	p->used = p->ok = true;
	p->token = t->token;
	p->contact = t->contact;
	p->generation = a->helper.generation;
	p->server = 0;
	p->page_next = c->mail.count > 0 && c->page.count > 0;
	if (start(p, c->mail.count == 0))
		return;
	p->ok = false;
	text_print(p->done.text, sizeof p->done.text, "the test cannot be begun");
	answer(p);
}
