/* Writes what status would know: the words of a script that ask. */
#include "test/unit/stage_state.h"

#include <string.h>

/* Since the beginning; -1: never. */
static long long
seconds(int64_t real_ms)
{
	return real_ms == 0 ? -1 : (real_ms - STAGE_REAL_MS - STAGE_BEGIN_MS) / 1000;
}

void
stage_ask(const char *name, bool waits)
{
	static const char *const truths[TRUTHS] = { [TRUTH_UNKNOWN] = "unknown",
						    [TRUTH_FALSE] = "false",
						    [TRUTH_TRUE] = "true" };
	struct msg_route_view r;
	struct msg_rule_view u;
	struct msg_chain_view c;
	uint32_t id;
	if ((id = stage_find(OBJECT_CHAIN, name)) != RULES_NONE) {
		world_chain_view(stage.world, id, &c);
		stage_add("%s=%s@%lld%s%s", name, chain_state_name[c.state],
			  seconds(c.since_real_ms), c.text[0] != '\0' ? ":" : "", c.text);
	} else if ((id = stage_find(OBJECT_SERVICE, name)) != RULES_NONE) {
		stage_add("%s=%s", name,
			  service_state_name[world_service_state(stage.world, id)]);
	} else if ((id = stage_find(OBJECT_CHECK, name)) != RULES_NONE) {
		stage_add("%s=%s", name,
			  check_state_name[world_check_state(stage.world, id)]);
	} else if ((id = stage_find(OBJECT_ROUTE, name)) != RULES_NONE) {
		world_route_view(stage.world, id, &r);
		stage_add("%s=%s", name, route_state_name[r.state]);
	} else {
		world_rule_view(stage.world, stage_find(OBJECT_RULE, name), &u);
		stage_add("%s=%s", name, truths[u.truth]);
		if (waits && u.true_at_real_ms != 0)
			stage_add("in %lld ms",
				  (long long)(u.true_at_real_ms - STAGE_REAL_MS -
					      stage.now_ms));
		if (waits && u.samples_needed > 0)
			stage_add("%u/%u", u.samples, u.samples_needed);
	}
}

/* How the service is, as status sees it. */
static void
ask_service(const char *name)
{
	struct msg_service_view v;
	world_service_view(stage.world, stage_find(OBJECT_SERVICE, name), &v);
	stage_add(
		"%s is %s since %lld, process %d of %lld, %u restarts, memory %g, cpu %g%s%s%s%s",
		name, service_state_name[v.state], seconds(v.since_real_ms), v.pid,
		seconds(v.started_real_ms), v.restarts, v.memory, v.cpu,
		v.by_command != 0 ? ", by command" : "",
		v.drained != 0 ? ", drained" : "", v.suspect != 0 ? ", suspect" : "",
		v.finished != 0 ? ", finished" : "");
}

/* What a peer said may fill its place, without an end: how much of it is kept. */
static unsigned
length(const char *text)
{
	return (unsigned)strnlen(text, MSG_TEXT);
}

static void
ask_route(const char *name)
{
	struct msg_route_view v;
	char active[100], wanted[100];
	uint32_t id = stage_find(OBJECT_ROUTE, name);
	world_route_view(stage.world, id, &v);
	stage_backends(id, v.active, active, sizeof active);
	stage_backends(id, v.wanted, wanted, sizeof wanted);
	stage_add("%s is %s since %lld, wanted %s, %s %s, %u bytes of error", name,
		  route_state_name[v.state], seconds(v.since_real_ms), wanted,
		  v.seen != 0 ? "seen" : "believed", active, length(v.text));
}

static void
ask_check(const char *name)
{
	struct msg_check_view v;
	world_check_view(stage.world, stage_find(OBJECT_CHECK, name), &v);
	stage_add("%s is %s since %lld, measured at %lld ms, took %lld ms, '%s'", name,
		  check_state_name[v.state], seconds(v.since_real_ms),
		  (long long)(v.measured_ns / 1000000 -
			      (v.measured_ns != 0) * STAGE_BEGIN_MS),
		  (long long)v.latency_ns / 1000000, v.text);
	for (uint32_t i = 0; i < v.value_count; i++)
		stage_add("value %u=%g", v.value[i].metric, v.value[i].value);
}

/* How the rule is, as status sees it. */
void
stage_ask_rule(const char *name)
{
	static const char *const truths[TRUTHS] = { "unknown", "false", "true" };
	struct msg_rule_view v;
	world_rule_view(stage.world, stage_find(OBJECT_RULE, name), &v);
	stage_add("%s is %s%s, fired %u, since %lld", name, truths[v.truth],
		  v.firing != (v.truth == TRUTH_TRUE)
			  ? (v.firing ? " and fires" : " and does not fire")
			  : "",
		  v.fired, seconds(v.since_real_ms));
}

void
stage_ask_view(const char *name)
{
	if (stage_find(OBJECT_SERVICE, name) != RULES_NONE)
		ask_service(name);
	else if (stage_find(OBJECT_ROUTE, name) != RULES_NONE)
		ask_route(name);
	else
		ask_check(name);
}

/* What status is to be told, since it was asked last. */
void
stage_ask_dirty(void)
{
	char names[300];
	struct text t;
	enum object_kind kind;
	uint32_t id;
	text_begin(&t, names, sizeof names);
	while (world_take_dirty(stage.world, &kind, &id))
		if (kind != OBJECT_MONITORD)
			text_add(&t, "%s%s", t.length > 0 ? " " : "",
				 rules_name(stage.rules, kind, id));
	stage_add("[%s]", names);
}

static const char *
silenced(const struct msg_silence_view *v)
{
	return v->until_real_ms == 0        ? "over"
	       : v->kind == OBJECT_MONITORD ? "all"
					    : rules_name(stage.rules, v->kind, v->id);
}

void
stage_ask_silences(bool changed)
{
	struct msg_silence_view v;
	enum object_kind kind;
	uint32_t id, first = world_incidents(stage.world) + 1;
	while (changed && world_take_dirty(stage.world, &kind, &id))
		if (kind == OBJECT_MONITORD && id >= first) {
			world_silence_view(stage.world, id - first, &v);
			stage_add("[%s]", silenced(&v));
		}
	for (uint32_t i = 0; !changed && i < WORLD_SILENCES; i++) {
		world_silence_view(stage.world, i, &v);
		if (v.until_real_ms != 0)
			stage_add("%s until %lld by %s: %s", silenced(&v),
				  seconds(v.until_real_ms), v.who, v.why);
	}
}

void
stage_ask_incidents(bool changed)
{
	struct msg_incident_view v;
	enum object_kind kind;
	uint32_t id;
	if (changed) {
		while (world_take_dirty(stage.world, &kind, &id))
			if (kind == OBJECT_MONITORD &&
			    id < world_incidents(stage.world)) {
				world_incident_view(stage.world, id, &v);
				stage_add("[%s]", rules_name(stage.rules, v.root_kind,
							     v.root_id));
			}
		return;
	}
	for (uint32_t i = 0; i < world_incidents(stage.world); i++) {
		world_incident_view(stage.world, i, &v);
		if (v.incident == 0)
			continue;
		stage_add("%s%s is %s from %lld to %lld%s%s {%s}",
			  rules_name(stage.rules, v.root_kind, v.root_id),
			  v.event == v.incident ? "" : "(of another event)",
			  incident_state_name[v.state], seconds(v.since_real_ms),
			  seconds(v.until_real_ms), v.who[0] != '\0' ? " taken by " : "",
			  v.who, v.text);
	}
}
