/* Checks: from exchanges to verdicts: rise and fall, and what proves nothing. */
#include "rules/decide.h"

#include "base/text.h"

#include <assert.h>
#include <string.h>

enum role
check_role(const struct check *c)
{
	static const bool local[CHECK_KINDS] = {
		[CHECK_SCRIPT] = true,  [CHECK_FILE] = true,	   [CHECK_DIRECTORY] = true,
		[CHECK_FIFO] = true,    [CHECK_FILESYSTEM] = true, [CHECK_SYSTEM] = true,
		[CHECK_NETWORK] = true, [CHECK_LISTEN] = true,	   [CHECK_LOG] = true,
	};
	return local[c->kind] ? ROLE_LOCAL : ROLE_NET;
}

/* ---- what is kept of a result ---- */

const char *
check_text(const struct world *w, uint32_t id)
{
	return w->checks[id].has_text ? w->texts[id] : "";
}

static void
set_text(struct world *w, uint32_t id, const char *text)
{
	w->checks[id].has_text = *text != '\0';
	if (*text != '\0')
		text_print(w->texts[id], sizeof w->texts[id], "%.*s", MSG_TEXT - 1, text);
}

static void
set_values(struct world *w, struct check_view *v, const struct msg_result *r)
{
	uint32_t count = r->value_count < v->value_room ? r->value_count : v->value_room;
	v->value_count = (uint8_t)count;
	for (uint32_t i = 0; i < count; i++) {
		static_assert(METRICS_COUNT <= UINT8_MAX,
			      "a metric needs more than a byte");
		w->value_metrics[v->first_value + i] =
			(uint8_t)(r->value[i].metric < METRICS_COUNT ? r->value[i].metric
								     : METRICS_COUNT);
		w->values[v->first_value + i] = r->value[i].value;
	}
}

void
check_pace(struct world *w, uint32_t id, enum pace pace)
{
	struct check_view *c = &w->checks[id];
	if (c->pace == pace && pace != PACE_NOW)
		return;
	c->pace = (uint8_t)(pace == PACE_NOW ? PACE_NORMAL : pace);
	world_decide(w, DECIDE_PACE, id)->pace = pace;
}

static void
set_state(struct world *w, uint32_t id, enum check_state state)
{
	struct check_view *v = &w->checks[id];
	if (v->state == state)
		return;
	v->judged = v->judged || state != CHECK_UNKNOWN;
	v->state = (uint8_t)state;
	v->since_real_ms = w->real_ms;
	world_mark(w, OBJECT_CHECK, id);
}

void
check_forget(struct world *w, uint32_t id)
{
	struct check_view *v = &w->checks[id];
	v->valid_ns = w->now_ms * 1000000;
	v->window = 0;
	v->seen = 0;
	v->bad_since_ms = v->good_since_ms = 0;
	v->fell = false;
	doubt_set(w, id, false);
	set_state(w, id, CHECK_UNKNOWN);
}

static void
after_change(struct world *w, uint32_t id)
{
	const struct check *c = &w->rules->checks[id];
	if (c->of != RULES_NONE)
		service_check_changed(w, c->of);
	for (uint32_t i = 0; i < c->more->routes.count; i++) {
		if (world_room(w))
			route_update(w, c->more->routes.ids[i]);
		else
			world_arm(w, OBJECT_ROUTE, c->more->routes.ids[i], w->now_ms);
	}
}

static bool
is_quiet(const struct world *w, uint32_t id)
{
	uint32_t of = w->rules->checks[id].of;
	return of != RULES_NONE && service_quiet(w, of);
}

static void
went_down(struct world *w, uint32_t id)
{
	struct check_view *v = &w->checks[id];
	const struct check *c = &w->rules->checks[id];
	char text[300], since[32];
	bool told = v->fell;
	set_state(w, id, CHECK_DOWN);
	v->fell = true;
	if (told || is_quiet(w, id))
		return;
	text_print(text, sizeof text, "%s is down: %s", c->name, check_text(w, id));
	incident_bad(w, OBJECT_CHECK, id, text);
	w->cause =
		world_tell(w, "check-down", OBJECT_CHECK, id, "%s (failing for %s)", text,
			   text_duration(w->now_ms - v->bad_since_ms, since,
					 sizeof since));
	need_failed(w, OBJECT_CHECK, id);
}

static void
tell_degraded(struct world *w, uint32_t id)
{
	char text[300];
	text_print(text, sizeof text, "%s is degraded: %s", w->rules->checks[id].name,
		   check_text(w, id));
	incident_bad(w, OBJECT_CHECK, id, text);
	world_tell(w, "check-degraded", OBJECT_CHECK, id, "%s", text);
}

void
check_start_is_over(struct world *w, uint32_t id)
{
	if (w->checks[id].state == CHECK_DEGRADED &&
	    !world_node(w, OBJECT_CHECK, id)->bad)
		tell_degraded(w, id);
}

static void
came_up(struct world *w, uint32_t id, bool warn)
{
	struct check_view *v = &w->checks[id];
	const struct check *c = &w->rules->checks[id];
	enum check_state old = (enum check_state)v->state;
	bool again = v->fell || old == CHECK_DEGRADED;
	v->fell = false;
	set_state(w, id, warn ? CHECK_DEGRADED : CHECK_UP);
	if (is_quiet(w, id)) {
		if (!warn)
			incident_good(w, OBJECT_CHECK,
				      id); /* news that disturbs nobody */
		return;
	}
	if (warn) {
		tell_degraded(w, id);
	} else if (again) {
		world_tell(w, "check-up", OBJECT_CHECK, id, "%s is up again", c->name);
		incident_good(w, OBJECT_CHECK, id);
	} else {
		incident_good(w, OBJECT_CHECK, id);
	}
}

static void
hold_back(struct world *w, uint32_t id)
{
	char text[MSG_TEXT];
	text_print(text, sizeof text, "not believed, as so many fail: %s",
		   check_text(w, id));
	set_text(w, id, text);
	set_state(w, id, CHECK_UNKNOWN);
}

void
check_falls(struct world *w, uint32_t id)
{
	if (doubt_holds(w, id))
		return;
	went_down(w, id);
	after_change(w, id);
	rule_changed(w, OBJECT_CHECK, id, false);
}

static unsigned
bad_of(uint64_t window, uint32_t of)
{
	return (unsigned)__builtin_popcountll(
		of >= 64 ? window : window & ((UINT64_C(1) << of) - 1));
}

/* One observation; true: the state changed. */
static bool
observe(struct world *w, uint32_t id, enum outcome outcome)
{
	struct check_view *v = &w->checks[id];
	const struct check *c = &w->rules->checks[id];
	bool bad = outcome == OUTCOME_BAD;
	enum check_state old = (enum check_state)v->state;
	v->window = v->window << 1 | bad;
	v->seen = (uint8_t)(v->seen + (v->seen < 64));
	v->goods = bad ? 0 : v->goods + 1;
	if (!bad)
		v->bad_since_ms = 0;
	else if (v->bad_since_ms == 0)
		v->bad_since_ms = w->now_ms;
	if (bad)
		v->good_since_ms = 0;
	else if (v->good_since_ms == 0)
		v->good_since_ms = w->now_ms;
	bool falls =
		bad && (c->down_ms > 0 ? w->now_ms - v->bad_since_ms >= c->down_ms
				       : bad_of(v->window, c->down_of) >= c->down_need);
	bool rises = !bad &&
		     (!v->fell || (c->up_ms > 0 ? w->now_ms - v->good_since_ms >= c->up_ms
						: v->goods >= c->up_need));
	if (v->silent && v->bad_since_ms == w->now_ms && v->state != CHECK_UNKNOWN)
		doubt_begins(w, id);
	if (!bad)
		doubt_set(w, id, false);
	if (falls && old != CHECK_DOWN && doubt_holds(w, id))
		hold_back(w, id);
	else if (falls && old != CHECK_DOWN)
		went_down(w, id);
	else if (rises &&
		 v->state != (outcome == OUTCOME_WARN ? CHECK_DEGRADED : CHECK_UP)) {
		v->window = v->fell ? 0 : v->window; /* old failures count no more */
		came_up(w, id, outcome == OUTCOME_WARN);
	}
	bool doubt = (bad && v->state != CHECK_DOWN) || (!bad && v->fell);
	uint32_t of = c->of;
	bool starting = of != RULES_NONE && w->services[of].state == SERVICE_STARTING;
	if (v->pace != PACE_OFF)
		check_pace(w, id, doubt || starting ? PACE_FAST : PACE_NORMAL);
	return v->state != old;
}

static void
check_unknown(struct world *w, uint32_t id)
{
	struct check_view *v = &w->checks[id];
	v->goods = 0;
	v->bad_since_ms = v->good_since_ms = 0;
	doubt_set(w, id, false);
	if (v->state == CHECK_UNKNOWN && v->judged)
		return;
	v->judged = true;
	set_state(w, id, CHECK_UNKNOWN);
	after_change(w, id);
	rule_changed(w, OBJECT_CHECK, id, false);
}

void
check_role_lost(struct world *w, enum role role)
{
	for (uint32_t i = 0; i < w->rules->check_count; i++)
		if (check_role(&w->rules->checks[i]) == role) {
			/* its state stays what rules and routes last knew: nothing acts
			 * on silence */
			w->checks[i].valid_ns = w->now_ms * 1000000;
			w->checks[i].measured_ns = 0;
			set_text(w, i, "not measured: the helper is being replaced");
			w->checks[i].goods = 0;
			doubt_set(w, i, false);
			set_state(w, i, CHECK_UNKNOWN);
		}
	if (role == ROLE_LOCAL)
		for (uint32_t i = 0; i < w->rules->service_count; i++)
			w->services[i].sample_ms = 0;
}

static void
tell_verified(struct world *w, const struct msg_result *r, bool good)
{
	const struct id_list *verifies = &w->rules->checks[r->check].more->verifies;
	/* or the next result */
	for (uint32_t i = 0; i < verifies->count && world_room(w); i++)
		route_verify_result(w, verifies->ids[i], good, r->began_ns);
}

void
check_result(struct world *w, const struct event *e)
{
	const struct msg_result *r = e->result;
	uint32_t id = r->check;
	struct check_view *v = &w->checks[id];
	if (r->began_ns < v->valid_ns)
		return; /* it measured another process, or another time */
	bool news = v->measured_ns == 0 ||
		    strncmp(check_text(w, id), r->text, MSG_TEXT - 1) != 0;
	v->measured_ns = r->began_ns + r->latency_ns;
	v->latency_ns = r->latency_ns;
	set_values(w, v, r);
	set_text(w, id, r->text);
	if (news)
		world_mark(w, OBJECT_CHECK, id);
	else
		world_mark_later(w, OBJECT_CHECK, id);
	if (v->pace == PACE_OFF || r->outcome == OUTCOME_UNKNOWN ||
	    r->outcome >= OUTCOMES) {
		if (v->pace != PACE_OFF)
			check_unknown(w, id);
		tell_verified(w, r, false); /* it asks again, until its time is over */
		return;
	}
	v->silent = r->outcome == OUTCOME_BAD && r->silent != 0;
	if (observe(w, id, (enum outcome)r->outcome))
		after_change(w, id);
	tell_verified(w, r, r->outcome != OUTCOME_BAD);
	rule_changed(w, OBJECT_CHECK, id, true);
	doubt_answered(w, id);
}
