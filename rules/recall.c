/* An earlier life of monitord: what its journal says, and how services go on from there.
 */
#include "rules/decide_service.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define KIND(l, word) (strcmp((l)->kind, word) == 0)
#define SAYS(l, words) (strstr((l)->text, words) != NULL)
#define BEGINS(l, word) (strncmp((l)->text, word, strlen(word)) == 0)

static void
recall_exit(struct service_view *s, const struct journal_line *l)
{
	const char *code = strstr(l->text, "exit code "),
		   *sig = strstr(l->text, "killed by signal ");
	s->ended = true;
	s->broken_off = false;
	s->exit_code = -1;
	s->exit_signal = 0;
	if (code != NULL && (sscanf(code, "exit code %d", &s->exit_code) != 1 ||
			     s->exit_code < 0 || s->exit_code > 255))
		s->exit_code = -1;
	if (sig != NULL && sscanf(sig, "killed by signal %d", &s->exit_signal) != 1)
		s->exit_signal = 0;
	if (!SAYS(l, " exited as asked"))
		service_note_crash(s, l->real_ms);
}

static void
recall_stopping(struct service_view *s, const struct journal_line *l)
{
	bool with_us = SAYS(l, " with monitord"); /* it goes on when monitord does */
	bool again = with_us || SAYS(l, " to be started again");
	if (!with_us)
		s->last = again ? LAST_RAN : LAST_STOPPED;
	s->broken_off = true;
	s->owed = false;
	s->after = again ? AFTER_START : AFTER_STAY;
}

static void
recall_starting(struct service_view *s)
{
	s->last = LAST_STARTING;
	s->restarts += s->exit_code != -1 || s->exit_signal != 0;
	s->ended = s->broken_off = s->owed = s->proven = s->finished = false;
}

static void
recall_failed(struct service_view *s, const struct journal_line *l)
{
	s->last = LAST_FAILED;
	s->last_ms = l->real_ms;
	s->given_up = true;
	s->trial = false;
}

static void
recall_service(struct service_view *s, const struct journal_line *l)
{
	if (KIND(l, "service-exited")) {
		recall_exit(s, l);
	} else if (KIND(l, "start-failed")) {
		s->ended = true;
		service_note_crash(s, l->real_ms);
	} else if (KIND(l, "service-stopping")) {
		recall_stopping(s, l);
	} else if (KIND(l, "service-stopped")) {
		s->ended = true;
		s->broken_off = false;
		s->last = SAYS(l, " not started again") ? LAST_STOPPED : s->last;
		s->finished = SAYS(l, " has ended well, ");
	} else if (KIND(l, "service-starting")) {
		recall_starting(s);
	} else if (KIND(l, "service-started") || KIND(l, "service-adopted")) {
		s->last = s->last == LAST_FAILED || s->last == LAST_STOPPED ? s->last
									    : LAST_RAN;
		s->ended = false;
	} else if (KIND(l, "service-up")) {
		s->proven = true;
		s->up_ms = l->real_ms;
	} else if (KIND(l, "service-failed")) {
		recall_failed(s, l);
	} else if (KIND(l, "service-retry")) {
		s->trial = true;
	} else if (KIND(l, "service-restart")) {
		service_count(s, l->real_ms);
	} else if (KIND(l, "service-released")) {
		s->held = false;
	} else if (KIND(l, "service-drained") || KIND(l, "service-undrained")) {
		s->drained = KIND(l, "service-drained");
	} else if (KIND(l, "service-changed")) {
		s->owed = true;
	} else if (KIND(l, "restart-refused") || KIND(l, "service-held")) {
		s->owed = false;
	}
}

static void
recall_hold(struct service_view *s, const struct journal_line *l)
{
	const char *span = strrchr(l->text, ',');
	unsigned seconds;
	long long until;
	s->held = true;
	s->hold_until_ms = 0;
	if (BEGINS(l, "hold to ") && sscanf(l->text, "hold to %lld", &until) == 1)
		s->hold_until_ms = until; /* kept over a boot */
	else if (span != NULL && sscanf(span, ", %u s", &seconds) == 1)
		s->hold_until_ms = l->real_ms + (int64_t)seconds * 1000;
}

static void
recall_service_command(struct service_view *s, const struct journal_line *l)
{
	if (BEGINS(l, "stop ")) {
		s->by_command = true;
		s->owed = false;
	}
	if (BEGINS(l, "start ") || BEGINS(l, "restart ")) {
		s->by_command = s->held = s->given_up = s->trial = false;
		s->crash_next = s->crashes = 0;
		s->last = LAST_RAN;
		/* until it is seen to stop, or to start */
		s->owed = BEGINS(l, "restart ");
	}
	if (BEGINS(l, "hold "))
		recall_hold(s, l);
	if (BEGINS(l, "drain by an earlier order")) /* a new one may have been refused */
		s->drained = true;
	if (BEGINS(l, "ran by an earlier order"))
		s->ran_before = true;
	if (BEGINS(l, "release "))
		s->held = false;
}

/* "…, 7200 s", or as kept over a boot "…, until MS"; 0: no end is named */
static int64_t
recall_until(const struct journal_line *l)
{
	const char *span = strrchr(l->text, ',');
	unsigned seconds;
	long long until;
	if (span != NULL && sscanf(span, ", until %lld", &until) == 1)
		return until;
	if (span != NULL && sscanf(span, ", %u s", &seconds) == 1)
		return l->real_ms + (int64_t)seconds * 1000;
	return 0;
}

static void
recall_route_command(struct world *w, uint32_t id, const struct journal_line *l)
{
	const struct route *c = &w->rules->routes[id];
	struct route_view *r = &w->routes[id];
	if (BEGINS(l, "restore ")) {
		r->manual = RULES_NONE;
		r->manual_until_ms = 0;
		r->hand_out = 0;
	}
	for (uint32_t b = 0; b < c->backend_count; b++) {
		size_t n = strlen(c->backends[b].name);
		if (BEGINS(l, "reroute to ") && l->text[11 + n] == ' ' &&
		    strncmp(l->text + 11, c->backends[b].name, n) == 0) {
			r->manual = b;
			r->manual_until_ms = recall_until(l);
		}
	}
}

/* "… it is carried by a, b, no longer by …": so it is until it is restored */
static void
recall_by_hand(struct world *w, uint32_t id, const struct journal_line *l)
{
	const struct route *c = &w->rules->routes[id];
	struct route_view *r = &w->routes[id];
	const char *p = strstr(l->text, " is carried by "),
		   *end = strstr(l->text, ", no longer by ");
	uint64_t set = 0;
	if (p == NULL || end == NULL)
		return;
	for (p += 15; p < end; p += strncmp(p, ", ", 2) == 0 ? 2 : 0) {
		size_t n = strcspn(p, ",");
		n = n < (size_t)(end - p) ? n : (size_t)(end - p);
		for (uint32_t b = 0; b < c->backend_count; b++)
			if (strlen(c->backends[b].name) == n &&
			    memcmp(c->backends[b].name, p, n) == 0)
				set |= UINT64_C(1) << b;
		p += n;
	}
	if (set != 0 && c->all)
		r->hand_out =
			(c->backend_count >= 64 ? 0 : UINT64_C(1) << c->backend_count) -
			1 - set;
	else if (set != 0)
		r->manual = (uint32_t)__builtin_ctzll(set);
}

void
world_recall(struct world *w, const struct journal_line *l)
{
	uint32_t s = rules_find(w->rules, OBJECT_SERVICE, l->object);
	uint32_t r = rules_find(w->rules, OBJECT_ROUTE, l->object);
	bool command = KIND(l, "command");
	if (l->id > w->last_event)
		w->last_event = l->id;
	w->recalled = true;
	incident_recall(w, l);
	chain_recall(w, l);
	if (command && (BEGINS(l, "silence ") || BEGINS(l, "unsilence ")))
		silence_recall(w, l);
	if (s != RULES_NONE && command)
		recall_service_command(&w->services[s], l);
	else if (s != RULES_NONE && strcmp(l->object_kind, "service") == 0)
		recall_service(&w->services[s], l);
	if (r != RULES_NONE && command)
		recall_route_command(w, r, l);
	else if (r != RULES_NONE && KIND(l, "route-released"))
		w->routes[r].manual = RULES_NONE;
	else if (r != RULES_NONE && KIND(l, "route-by-hand"))
		recall_by_hand(w, r, l);
}

static int64_t
settled(const struct world *w, int64_t real_ms)
{
	int64_t ago = w->real_ms - real_ms; /* less than none if the clock was set back */
	return real_ms == 0 ? 0 : w->now_ms - (ago > 0 ? ago : 0);
}

void
recall_settle(struct world *w)
{
	w->recalled = false;
	drains_again(w);
	incidents_settle(w);
	for (uint32_t id = 0; id < w->rules->service_count; id++) {
		struct service_view *s = &w->services[id];
		for (uint32_t i = 0; i < s->crash_cap && i < s->crash_next; i++)
			s->crash_ms[i] = settled(w, s->crash_ms[i]);
		s->up_ms = settled(w, s->up_ms);
		if (s->held && s->hold_until_ms != 0)
			/* which looks at the clock */
			world_arm(w, NODE_HOLDS, id, w->now_ms);
		s->last_ms = settled(w, s->last_ms);
	}
}

static void
resume_failed(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	int64_t retry_ms = conf(w, id)->retry_ms;
	char text[200];
	text_print(text, sizeof text, "%s has failed", conf(w, id)->name);
	service_set_state(w, id, SERVICE_FAILED);
	incident_bad(w, OBJECT_SERVICE, id, text);
	world_arm(w, OBJECT_SERVICE, id, retry_ms > 0 ? s->last_ms + retry_ms : NEVER);
}

/* It was told to stop when we were last here, to be started again, and has: no crash. */
static void
resume_asked(struct world *w, uint32_t id)
{
	w->cause = world_tell(w, "service-exited", OBJECT_SERVICE, id,
			      "%s exited as asked while monitord did not run",
			      conf(w, id)->name);
}

/* It ran when we were last here, and does not now. */
static void
resume_gone(struct world *w, uint32_t id)
{
	char text[200];
	text_print(text, sizeof text,
		   "%s exited while monitord did not run: cause not known",
		   conf(w, id)->name);
	incident_bad(w, OBJECT_SERVICE, id, text);
	w->cause = world_tell(w, "service-exited", OBJECT_SERVICE, id, "%s", text);
	service_after_crash(w, id);
}

bool
service_resume(struct world *w, uint32_t id)
{
	struct service_view *s = &w->services[id];
	enum last last = s->last;
	bool broken_off = s->broken_off, ended = s->ended;
	s->last = LAST_NONE;
	s->broken_off = s->ended = false;
	if (last == LAST_FAILED) {
		resume_failed(w, id);
		return true;
	}
	if (s->occupied) {
		if (broken_off && !watched(conf(w, id)))
			service_stop(w, id, s->after);
		else if (s->owed &&
			 (conf(w, id)->run.count > 0 || conf(w, id)->start.count > 0))
			service_restart(w, id);
		return true;
	}
	if (last == LAST_RAN && !ended && !watched(conf(w, id))) {
		if (broken_off) {
			resume_asked(w, id);
			return false;
		}
		resume_gone(w, id);
		return true;
	}
	if (last == LAST_NONE && !w->moved)
		return conf(w, id)->on_boot == BOOT_STAY ||
		       (conf(w, id)->on_boot == BOOT_LAST && !s->ran_before);
	return last == LAST_STOPPED || (last == LAST_RAN && service_resume_ended(w, id));
}

bool
world_runs(const struct world *w, uint32_t id)
{
	const struct service_view *s = &w->services[id];
	return s->pending || (s->state != SERVICE_STOPPED && s->state != SERVICE_FAILED);
}

void
service_remember(struct world *w, uint32_t id)
{
	if (conf(w, id)->on_boot == BOOT_LAST && !w->stopping_all)
		world_decide(w, DECIDE_REMEMBER, 0);
}

void
world_boot(struct world *w)
{
	for (uint32_t id = 0; id < w->rules->service_count; id++) {
		struct service_view *s = &w->services[id];
		s->ran_before =
			s->ran_before || s->last == LAST_RAN || s->last == LAST_STARTING;
		s->last = LAST_NONE;
		s->crash_next = s->crashes = s->restarts = 0;
		s->given_up = s->trial = s->owed = s->broken_off = s->ended = false;
		s->finished = false;
		s->exit_code = -1;
		s->exit_signal = 0;
	}
}
