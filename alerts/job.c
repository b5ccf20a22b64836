/* A letter and the rules as a job that a child can do alone: the rules' memory is not
 * copied into children, so everything is. */
#include "alerts/alerts.h"

#include "alerts/compose.h"
#include "alerts/payload.h"

#include <stdlib.h>
#include <string.h>

static char *
copy(const char *text)
{
	return text != NULL ? strdup(text) : NULL;
}

void
job_letter(const struct alerts *a, const struct contact *c, struct letter *l)
{
	const struct settings *s = &a->rules->settings;
	l->host = a->host;
	l->from = s->from;
	l->socket = s->socket;
	l->contact = c->name;
	l->to = c->mail.texts;
	l->to_count = c->mail.count;
}

bool
job_mail(const struct alerts *a, struct job *j, const struct letter *l, uint32_t server)
{
	static char message[COMPOSE_MAX];
	const struct settings *s = &a->rules->settings;
	char sender[COMPOSE_NAME];
	compose_mail(l, message, sizeof message);
	j->server = copy(s->smtp.texts[server]);
	j->sender = copy(compose_sender(l, sender, sizeof sender));
	j->content = copy(message);
	j->tls = s->smtp_tls;
	j->user = copy(s->smtp_user);
	j->password = copy(s->smtp_password != NULL ? s->smtp_password : a->password);
	j->ca = copy(s->smtp_ca);
	return j->server != NULL && j->sender != NULL && j->content != NULL &&
	       j->to_count > 0;
}

bool
job_page(const struct alerts *a, struct job *j, const struct letter *l)
{
	(void)a;
	j->page = true;
	j->content = payload_new(l);
	return j->content != NULL && j->to_count > 0;
}
