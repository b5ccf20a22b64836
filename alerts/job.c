/* A letter and the rules as a job that a child can do alone: the rules' memory is not
 * copied into children, so everything is. */
#include "alerts/alerts.h"

#include "alerts/compose.h"
#include "alerts/driver.h"
#include "alerts/part.h"
#include "base/clock.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define ITEMS_MAX 1024 /* of one digest; what is more is counted */

static char *
copy(const char *text)
{
	return text != NULL ? strdup(text) : NULL;
}

const char *
contact_key(const struct alerts *a, const struct contact *c)
{
	return c->key != NULL ? c->key : a->secrets[c->id].key;
}

static const char *
body_of(const struct alerts *a, const struct contact *c)
{
	return c->body != NULL ? c->body : a->secrets[c->id].body;
}

void
job_letter(const struct alerts *a, const struct contact *c, struct job *j, struct letter *l)
{
	const struct settings *s = &a->rules->settings;
	const char *texts[] = { s->from, s->socket, c->name, c->subject, body_of(a, c) };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		j->words[i] = copy(texts[i]);
	l->host = a->host;
	l->from = j->words[0];
	l->socket = j->words[1];
	l->contact = j->words[2];
	l->subject = j->words[3];
	l->body = j->words[4];
	l->now_ms = clock_real_ms();
	l->severity = l->page_severity = SEVERITY_CRITICAL;
	j->letter = l;
}

#define DETAIL_BYTES 3000

/* A few incidents in one mail lose nothing by it. */
static void
fill_details(const struct alerts *a, struct job *j, size_t count)
{
	static const enum part parts[] = { PART_DONE, PART_EVIDENCE };
	static struct letter one;
	static char lines[DETAIL_BYTES], all[2 * DETAIL_BYTES + 100];
	for (size_t i = 0; i < count && count <= LETTER_DETAILED; i++) {
		struct letter_item *x = &j->items[i];
		struct spool_alert alert = { .id = x->alert,
					     .thread = x->thread,
					     .phase = x->phase };
		struct text t;
		memset(&one, 0, sizeof one);
		if (!spool_letter(a->spool, &alert, &one))
			continue;
		text_begin(&t, all, sizeof all);
		for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
			struct text part;
			text_begin(&part, lines, sizeof lines);
			part_write(&one, parts[p], &part);
			if (part.length > 0)
				text_add(&t, "%s:\n%s%s", part_title[parts[p]], lines,
					 lines[part.length - 1] != '\n' ? "\n" : "");
		}
		x->detail = j->details[i] = strdup(all);
	}
}

/* All that the digest gathers, the worst of it in the subject. */
void
job_items(const struct alerts *a, const struct spool_alert *alert, struct job *j, struct letter *l)
{
	char first[256];
	size_t open = 0;
	j->items = calloc(ITEMS_MAX, sizeof *j->items);
	size_t n =
		j->items != NULL ? spool_items(a->spool, alert, j->items, ITEMS_MAX) : 0;
	if (n < 2) {
		free(j->items);
		j->items = NULL;
		return;
	}
	const struct rules *r = a->rules;
	size_t cap = (size_t)r->service_count + r->check_count + r->route_count +
		     r->rule_count + 1;
	j->members = calloc(cap, sizeof *j->members);
	l->members = j->members;
	l->member_count = j->members != NULL
				  ? spool_bundle_members(a->spool, alert, j->members, cap)
				  : 0;
	fill_details(a, j, n);
	l->items = j->items;
	l->item_count = n;
	const struct letter_item *worst = &j->items[0];
	for (size_t i = 0; i < n; i++) {
		open += j->items[i].phase != PHASE_CLOSE;
		if (j->items[i].phase != PHASE_CLOSE &&
		    j->items[i].members > worst->members)
			worst = &j->items[i];
		if (j->items[i].severity > l->severity)
			l->severity = j->items[i].severity;
	}
	text_print(first, sizeof first, "%s", worst->text);
	if (open == 0)
		text_print(l->about.text, sizeof l->about.text,
			   "%zu incidents, all over; the first: %s", n, first);
	else if (open == n)
		text_print(l->about.text, sizeof l->about.text,
			   "%zu incidents; the first: %s", n, first);
	else
		text_print(l->about.text, sizeof l->about.text,
			   "%zu incidents, %zu of them over; the first: %s", n, n - open,
			   first);
	l->phase = open > 0 ? PHASE_OPEN : PHASE_CLOSE;
}

bool
job_mail(const struct alerts *a, struct job *j, struct letter *l, uint32_t server)
{
	const struct settings *s = &a->rules->settings;
	char sender[COMPOSE_NAME];
	l->to = (const char *const *)j->to;
	l->to_count = j->to_count;
	j->server = copy(s->smtp.texts[server]);
	j->sender = copy(compose_sender(l, sender, sizeof sender));
	j->tls = s->smtp_tls;
	j->user = copy(s->smtp_user);
	j->password = copy(s->smtp_password != NULL ? s->smtp_password : a->password);
	j->ca = copy(s->smtp_ca);
	return j->server != NULL && j->sender != NULL && j->to_count > 0;
}

bool
job_page(const struct alerts *a, const struct contact *c, struct job *j, const struct letter *l, char *why,
	 size_t cap)
{
	j->page = true;
	for (uint32_t i = 0; i < j->to_count; i++)
		if (!driver_request(l, j->to[i], contact_key(a, c), &j->requests[i], why,
				    cap))
			return false;
	return j->to_count > 0;
}

bool
job_run(const struct contact *c, struct job *j, const struct letter *l, char *why, size_t cap)
{
	j->page = true;
	if (!driver_request(l, "json -", NULL, &j->requests[0], why, cap))
		return false;
	j->run_s = RUN_SECONDS;
	j->argv = calloc(c->run.count + 1, sizeof *j->argv);
	for (uint32_t i = 0; j->argv != NULL && i < c->run.count; i++)
		if ((j->argv[i] = strdup(c->run.argv[i])) == NULL)
			return false;
	return j->argv != NULL && j->to_count > 0;
}
