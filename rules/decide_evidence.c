/* Evidence: what is gathered of a process before something ends it because it is sick, and of
 * its log after a crash. A planned end of a healthy one waits for nothing. */
#include "rules/decide_service.h"

#define GATHER_MS 3000 /* beyond the answers to signals, which have times of their own */

static int64_t
limit_ms(const struct service *c)
{
	int64_t ms = GATHER_MS;
	for (uint32_t i = 0; i < c->evidence_count; i++)
		ms += c->evidence[i].within_ms;
	return ms;
}

void
evidence_suspect(struct world *w, uint32_t id, uint64_t incident)
{
	w->services[id].suspect = true;
	if (incident != 0)
		w->services[id].blame = incident;
}

bool
evidence_first(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	if (s->gathering != 0)
		return true;
	if (conf(w, id)->evidence_count == 0 || !s->alive || s->gathered ||
	    w->stopping_all)
		return false;
	s->gathered = true;
	s->gathering = ++w->last_token;
	world_decide(w, DECIDE_EVIDENCE, id)->token = s->gathering;
	world_arm(w, OBJECT_SERVICE, id, w->now_ms + limit_ms(conf(w, id)));
	return true;
}

bool
evidence_kill(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	bool at_rest =
		(s->state == SERVICE_UP || s->state == SERVICE_FAILING) && !s->draining;
	if (!at_rest || !evidence_first(w, id))
		return false;
	s->kill_next = true;
	return true;
}

void
evidence_over(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	s->gathering = 0;
	world_arm(w, OBJECT_SERVICE, id, NEVER);
	if (s->state != SERVICE_STOPPING) {
		if (s->kill_next)
			service_kill(w, id);
	} else if (s->step == 0) {
		service_stop_begin(w, id);
	} else {
		service_stop_step(w, id);
	}
}

void
evidence_came(struct world *w, const struct event *e)
{
	struct service_view *s = &w->services[e->id];
	w->cause = s->event;
	if (e->text == NULL) {
		if (e->token != 0 && e->token == s->gathering)
			evidence_over(w, e->id);
		return;
	}
	world_tell(w, "service-evidence", OBJECT_SERVICE, e->id, "%s: %s",
		   conf(w, e->id)->name, e->text);
	struct journal_line *l = &w->out->list[w->out->count - 1].line;
	if (l->incident == 0)
		l->incident = s->blame;
}

/* What it wrote last; where evidence is asked for, kept in a file as well. */
void
evidence_of_crash(struct world *w, uint32_t id)
{
	const struct service *c = conf(w, id);
	if (c->log != NULL || c->evidence_count > 0)
		world_decide(w, DECIDE_EVIDENCE, id);
}
