/* decide(): one event in, decisions out; time is an argument. */
#include "rules/decide.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

static void
timers(struct world *w)
{
	while (w->heap_count > 0 && world_room(w)) {
		uint32_t index = w->heap[0];
		if (w->nodes[index].due_ms > w->now_ms)
			return;
		static const enum object_kind order[] = { NODE_HOLDS,    NODE_INCIDENTS,
							  OBJECT_CHAIN,  OBJECT_RULE,
							  OBJECT_ROUTE,  OBJECT_CHECK,
							  OBJECT_SERVICE };
		size_t k = 0;
		while (index < w->base[order[k]])
			k++;
		uint32_t id = index - w->base[order[k]];
		world_arm(w, order[k], id, NEVER);
		w->cause = 0;
		switch (order[k]) {
		case OBJECT_SERVICE:
			service_timer(w, id);
			break;
		case OBJECT_ROUTE:
			route_timer(w, id);
			break;
		case OBJECT_RULE:
			rule_timer(w, id);
			break;
		case NODE_INCIDENTS:
			incident_timer(w, id);
			break;
		case NODE_HOLDS:
			service_hold_timer(w, id);
			break;
		case OBJECT_CHECK:
		case OBJECT_CHAIN:
		case OBJECT_KINDS:
			break;
		}
	}
}

static void
answer(struct world *w, const struct event *e, enum command_answer a, const char *text)
{
	struct decision *d = world_decide(w, DECIDE_ANSWER, 0);
	d->token = e->token;
	d->answer = a;
	d->event = a == ANSWER_REFUSED ? 0 : w->last_event;
	text_print(d->text, sizeof d->text, "%s", text);
}

static void
command(struct world *w, const struct event *e)
{
	char who[WORLD_PERSON];
	static const char *const words[VERBS] = {
		[VERB_START] = "start",	    [VERB_STOP] = "stop",	[VERB_RESTART] = "restart",
		[VERB_RELOAD_SERVICE] = "reload", [VERB_HOLD] = "hold", [VERB_RELEASE] = "release",
		[VERB_REROUTE] = "reroute", [VERB_RESTORE] = "restore", [VERB_RELOAD] = "reload-rules",
		[VERB_TEST] = "test",
		[VERB_DRAIN] = "drain",	    [VERB_UNDRAIN] = "undrain",
	};
	bool route = e->verb == VERB_REROUTE || e->verb == VERB_RESTORE;
	const char *why = "";
	if (e->verb == VERB_ACK || e->verb == VERB_SILENCE || e->verb == VERB_UNSILENCE) {
		bool good = e->verb == VERB_ACK ? incident_ack(w, e, &why)
						: silence_command(w, e, &why);
		answer(w, e, good ? ANSWER_DONE : ANSWER_REFUSED, why);
		if (good && e->verb != VERB_ACK)
			world_decide(w, DECIDE_REMEMBER, 0);
		return;
	}
	if (e->verb == VERB_RELOAD || e->verb == VERB_TEST) {
		enum decision_kind kind =
			e->verb == VERB_RELOAD ? DECIDE_RELOAD_RULES : DECIDE_TEST;
		world_tell(w, "command", OBJECT_MONITORD, 0, "%s by %s", words[e->verb],
			   world_person(e->uid, who));
		world_decide(w, kind, e->id)->token = e->token;
		return;
	}
	if (e->id >= (route ? w->rules->route_count : w->rules->service_count)) {
		answer(w, e, ANSWER_REFUSED, "no such object");
		return;
	}
	if (w->rules->settings.dry_run) {
		answer(w, e, ANSWER_REFUSED, "this is a dry run: nothing is done");
		return;
	}
	bool named = e->verb == VERB_REROUTE &&
		     e->target < w->rules->routes[e->id].backend_count;
	char span[48] = "", took[32];
	if ((e->verb == VERB_HOLD || e->verb == VERB_REROUTE) && e->seconds > 0)
		text_print(span, sizeof span, " for %s, %u s",
			   text_duration((int64_t)e->seconds * 1000, took, sizeof took),
			   e->seconds);
	w->cause =
		world_tell(w, "command", route ? OBJECT_ROUTE : OBJECT_SERVICE, e->id,
			   "%s%s%s by %s%s", words[e->verb], named ? " to " : "",
			   named ? w->rules->routes[e->id].backends[e->target].name : "",
			   world_person(e->uid, who), span);
	bool waits = route ? route_command(w, e, &why) : service_command(w, e, &why);
	if (!waits)
		answer(w, e, *why != '\0' ? ANSWER_REFUSED : ANSWER_DONE, why);
	world_decide(w, DECIDE_REMEMBER, 0);
}

static void
helper_lost(struct world *w, enum role role)
{
	if (role == ROLE_NET || role == ROLE_LOCAL)
		check_role_lost(w, role);
	if (role == ROLE_ROUTES)
		for (uint32_t i = 0; i < w->rules->route_count; i++) {
			w->routes[i].is_seen = false;
			world_mark(w, OBJECT_ROUTE, i);
		}
}

/* A reload gave it another section: what was measured or run means something else. */
static void
changed(struct world *w, const struct event *e)
{
	if (e->object == OBJECT_SERVICE && w->services[e->id].alive &&
	    !w->services[e->id].held && w->rules->services[e->id].run.count > 0) {
		w->cause = world_tell(w, "service-changed", OBJECT_SERVICE, e->id,
				      "%s has another section now: it is restarted",
				      w->rules->services[e->id].name);
		w->services[e->id].owed = true;
		w->services[e->id].given_up = false; /* it is another now */
		service_restart(w, e->id);
	}
	if (e->object == OBJECT_CHECK)
		check_forget(w, e->id);
}

/* "KIND words for people" */
static void
note(struct world *w, const struct event *e)
{
	const char *text = e->text;
	bool of_service = e->object == OBJECT_SERVICE && e->id < w->rules->service_count;
	char kind[24];
	size_t n = strcspn(text, " ");
	text_print(kind, sizeof kind, "%.*s", (int)n, text);
	world_tell(w, kind, of_service ? OBJECT_SERVICE : OBJECT_MONITORD,
		   of_service ? e->id : 0, "%s", text[n] != '\0' ? text + n + 1 : text);
}

/* What a rule reads may never have an event of its own: a service that stays stopped. */
void
rule_look_all(struct world *w)
{
	for (uint32_t i = 0; i < w->rules->rule_count; i++)
		world_arm(w, OBJECT_RULE, i, w->now_ms);
}

static void
dispatch(struct world *w, const struct event *e)
{
	switch (e->kind) {
	case EVENT_TIMER:
		break;
	case EVENT_ADOPTED:
	case EVENT_STARTED:
	case EVENT_START_FAILED:
	case EVENT_WAITS:
	case EVENT_READY:
	case EVENT_DYING:
	case EVENT_EVIDENCE:
	case EVENT_EXITED:
	case EVENT_EMPTY:
	case EVENT_FOUND:
	case EVENT_LEFT:
	case EVENT_SAMPLE:
		assert(e->id < w->rules->service_count);
		service_event(w, e);
		break;
	case EVENT_GO:
		w->going = true;
		for (uint32_t i = 0; i < w->rules->route_count; i++)
			/* what does not run is dead from now on */
			world_arm(w, OBJECT_ROUTE, i, w->now_ms);
		rule_look_all(w);
		break;
	case EVENT_RESULT:
		check_result(w, e);
		break;
	case EVENT_ROUTE_SEEN:
		route_seen(w, e);
		break;
	case EVENT_HELPER_LOST:
		helper_lost(w, e->role);
		break;
	case EVENT_HELPER_BACK:
		break;
	case EVENT_COMMAND:
		command(w, e);
		break;
	case EVENT_RUN_DONE:
		rule_run_done(w, e);
		break;
	case EVENT_NOTE:
		note(w, e);
		break;
	case EVENT_STOP_ALL:
		w->stopping_all = w->stops_left = !w->rules->settings.dry_run;
		break;
	case EVENT_CHANGED:
		changed(w, e);
		break;
	case EVENT_LATE:
		for (uint32_t i = 0; i < w->rules->check_count; i++)
			w->checks[i].valid_ns = w->now_ms * 1000000;
		break;
	case EVENT_KINDS:
		break;
	}
}

void
decide(struct world *w, const struct event *e, int64_t now_ms, int64_t real_ms, struct decisions *out)
{
	w->now_ms = now_ms;
	w->real_ms = real_ms;
	w->out = out;
	w->cause = 0;
	out->count = 0;
	if (w->recalled)
		recall_settle(w);
	dispatch(w, e);
	if (w->waiting_rules > 0)
		rule_progress(w);
	if (w->going && w->go_next < w->rules->service_count)
		service_go(w);
	if (e->kind == EVENT_TIMER)
		timers(w);
	if (w->stopping_all && w->stops_left)
		service_stop_all(w);
	if (w->affected > 0)
		need_tell(w);
	if (w->turns > 0 && !w->stopping_all)
		service_turns(w);
	if (w->going)
		service_pending(w);
	if (w->going && w->chains_due)
		chains_look(w);
	dry_drop(w);
	w->out = NULL;
}
