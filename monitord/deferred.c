/* What happens inside a call of the core reaches it from the loop's next turn. */
#include "base/log.h"
#include "base/text.h"
#include "monitord/process_state.h"

#include <stdlib.h>

static void
on_deferred(struct loop_timer *timer)
{
	struct processes *ps = timer->arg;
	for (size_t i = 0; i < ps->deferred_count; i++) {
		/* more may come, and move the list */
		char text[sizeof ps->deferred->text];
		struct event e = ps->deferred[i].event;
		text_print(text, sizeof text, "%s", ps->deferred[i].text);
		e.text = ps->deferred[i].ends ? NULL : text;
		if (e.id != RULES_NONE)
			ps->fn(ps->arg, &e);
	}
	ps->deferred_count = 0;
}

void
process_deferred_move(struct processes *ps, const struct rules *rules)
{
	for (size_t i = 0; i < ps->deferred_count; i++) {
		struct event *e = &ps->deferred[i].event;
		if (e->id != RULES_NONE)
			e->id = rules_find(rules, OBJECT_SERVICE,
					   ps->rules->services[e->id].name);
	}
}

static struct deferred *
defer(struct processes *ps)
{
	if (ps->deferred_count == ps->deferred_cap) {
		size_t cap = ps->deferred_cap == 0 ? 32 : 2 * ps->deferred_cap;
		struct deferred *list = reallocarray(ps->deferred, cap, sizeof *list);
		if (list == NULL)
			return NULL;
		ps->deferred = list;
		ps->deferred_cap = cap;
	}
	loop_timer_start(ps->loop, &ps->defer, 0, 0, on_deferred, ps);
	return &ps->deferred[ps->deferred_count++];
}

static void
defer_text(struct processes *ps, enum event_kind kind, uint32_t service, const char *text)
{
	struct deferred *d = defer(ps);
	if (d == NULL) {
		log_error("out of memory: of a start it is not told: %s", text);
		return;
	}
	d->event = (struct event){ .kind = kind, .id = service };
	d->ends = false;
	text_print(d->text, sizeof d->text, "%s", text);
}

void
process_defer_failure(struct processes *ps, uint32_t service, const char *text)
{
	defer_text(ps, EVENT_START_FAILED, service, text);
}

void
process_defer_wait(struct processes *ps, uint32_t service, const char *text)
{
	defer_text(ps, EVENT_WAITS, service, text);
}

/* text NULL: there is no more of it. */
void
process_defer_evidence(struct processes *ps, uint32_t service, uint64_t token, const char *text)
{
	struct deferred *d = defer(ps);
	if (d == NULL)
		return; /* who waits for it does so until its deadline only */
	d->event =
		(struct event){ .kind = EVENT_EVIDENCE, .id = service, .token = token };
	d->ends = text == NULL;
	text_print(d->text, sizeof d->text, "%s", text != NULL ? text : "");
}
