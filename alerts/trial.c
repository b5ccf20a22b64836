/* Tests: an operator asked, and waits for what the server says. They go past the spool.
 */
#include "alerts/alerts.h"

#include "base/clock.h"
#include "base/text.h"

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
	char number[16] = "";
	if (code != 0) /* a server's */
		text_print(number, sizeof number, "%d ", code);
	text_print(p->done.text + n, sizeof p->done.text - n, "%s%s: %s%s",
		   n > 0 ? "; " : "", who, number,
		   *what != '\0' ? what
		   : code == 0   ? "no answer within the time"
				 : "");
}

/* By the next way that is left. False: there is none, or it cannot be begun. */
static bool
start(struct trial *p)
{
	const struct contact *c = &p->alerts->rules->contacts[p->contact];
	struct job *j = &p->delivery.job;
	struct letter *l = &p->letter;
	char why[200] = "the test cannot be begun";
	bool good = false;
	while (p->way < WAYS && (p->ways >> p->way & 1) == 0)
		p->way = (enum way)(p->way + 1);
	job_free(j);
	if (p->way == WAYS)
		return false;
	struct text_list list = way_list(c, p->way);
	memset(l, 0, sizeof *l);
	job_letter(p->alerts, c, j, l);
	l->phase = PHASE_TEST;
	l->severity = SEVERITY_WARNING;
	l->sms = p->way == WAY_SMS;
	l->since_ms = l->about.real_ms = clock_real_ms();
	l->number = p->token;
	text_print(l->about.text, sizeof l->about.text, "test for contact %s", c->name);
	text_print(l->about.kind, sizeof l->about.kind, "test");
	for (uint32_t i = 0; i < list.count && i < RECIPIENTS_MAX; i++)
		if ((j->to[j->to_count] = strdup(list.texts[i])) != NULL)
			j->to_count++;
	if (p->way == WAY_PAGE)
		good = job_page(p->alerts, c, j, l, why, sizeof why);
	else if (p->way == WAY_RUN)
		good = job_run(c, j, l, why, sizeof why);
	else
		good = job_mail(p->alerts, j, l, p->server);
	if (good && delivery_start(p->alerts->helper.loop, &p->delivery, on_done, p))
		return true;
	p->ok = false;
	say(p, c->name, 0, why);
	return false;
}

/* All that is left; the answer goes when there is nothing more. */
static void
go_on(struct trial *p)
{
	bool there = p->generation == p->alerts->helper.generation;
	for (; there && p->way < WAYS; p->way = (enum way)(p->way + 1))
		if (start(p))
			return;
	answer(p);
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
		if (start(p))
			return;
	}
	report(p);
	job_free(&d->job);
	p->way = (enum way)(p->way + 1);
	go_on(p);
}

static const char *
cannot(const struct alerts *a, const struct msg_test *t, const struct trial *p)
{
	if (p == NULL)
		return "too many tests at once";
	if (t->contact >= a->rules->contact_count)
		return "no such contact";
	return a->rules->contacts[t->contact].members.count > 0
		       ? "it is a list: test its members"
		       : NULL;
}

void
trial_begin(struct alerts *a, const struct msg_test *t)
{
	struct msg_test_done done = { .token = t->token };
	struct trial *p = NULL;
	for (size_t i = 0; i < TRIALS; i++)
		if (!a->trials[i].used)
			p = &a->trials[i];
	const char *why = cannot(a, t, p);
	if (why != NULL) {
		text_print(done.text, sizeof done.text, "%s", why);
		helper_send(&a->helper, MSG_TEST_DONE, &done, 1);
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
	p->way = WAY_MAIL;
	p->ways = 0;
	for (unsigned w = 0; w < WAYS; w++)
		p->ways |= (unsigned)(way_list(c, (enum way)w).count > 0) << w;
	if (p->ways == 0)
		text_print(p->done.text, sizeof p->done.text,
			   "monitord-desktop tells it");
	go_on(p);
}
