/* The heartbeat: somebody elsewhere hears that monitord watches, as long as it does: its
 * loop answers when it is asked, its journal can be read, the spool can be written. Who
 * misses it knows. */
#include "alerts/alerts.h"

#include "base/log.h"

#include <string.h>

static const char *
ill(struct alerts *a)
{
	if (a->journal == -1)
		return "the journal cannot be read";
	if (loop_timer_active(&a->retry_take))
		return "events cannot be taken";
	return spool_beat(a->spool) ? NULL : spool_why(a->spool);
}

static void
tell(struct alerts *a, const char *why)
{
	if (why != NULL && !a->heart_told)
		log_warning("no heartbeat: %s", why);
	if (why == NULL && a->heart_told)
		log_info("the heartbeat is heard again");
	a->heart_told = why != NULL;
}

static void
on_done(struct delivery *d)
{
	struct alerts *a = d->arg;
	const struct answer *r = &d->answers[0];
	tell(a, r->code / 100 == 2   ? NULL
		: r->text[0] != '\0' ? r->text
				     : "it was not answered");
	job_free(&d->job);
}

/* monitord answered: all else is ours to see. */
void
heart_answered(struct alerts *a)
{
	struct job *j = &a->heart.job;
	const char *why = ill(a);
	a->heart_asked = false;
	if (why != NULL) {
		tell(a, why);
		return;
	}
	if (a->heart.pid != 0)
		return;
	job_free(j);
	j->page = true;
	j->to[0] = strdup(a->rules->settings.heartbeat);
	j->to_count = j->to[0] != NULL;
	if (j->to_count == 0 || !delivery_start(a->helper.loop, &a->heart, on_done, a))
		tell(a, "no process can be begun");
}

/* What may not be opened is refused, by a loop that turns; an idle one sends no pings. */
static void
on_beat(struct loop_timer *timer)
{
	struct alerts *a = timer->arg;
	struct msg_open open = { .what = OPEN_CONTACT_BODY,
				 .id = RULES_NONE,
				 .token = HEART_TOKEN };
	if (a->heart_asked)
		tell(a, "monitord's loop does not turn");
	a->heart_asked =
		helper_send(&a->helper, MSG_OPEN, &open, 1) == MSG_SENT || a->heart_asked;
}

void
heart_begin(struct alerts *a)
{
	const struct settings *s = &a->rules->settings;
	loop_timer_stop(&a->heartbeat);
	if (s->heartbeat != NULL)
		loop_timer_start(a->helper.loop, &a->heartbeat,
				 s->heartbeat_ms < 1000 ? s->heartbeat_ms : 1000,
				 s->heartbeat_ms, on_beat, a);
}
