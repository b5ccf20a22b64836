#include <config.h>

#include "status/objects.h"

#include "base/clock.h"
#include "base/text.h"
#include "rules/during.h"
#include "status/expects.h"
#include "status/values.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

static const char *const truth_name[TRUTHS] = {
	[TRUTH_UNKNOWN] = "unknown",
	[TRUTH_FALSE] = "false",
	[TRUTH_TRUE] = "true",
};

static const char *
word(const char *const *names, uint32_t count, bool known, uint32_t state)
{
	return known && state < count ? names[state] : NULL;
}

static const char *
name_or_null(const struct store *s, enum object_kind kind, uint32_t id)
{
	return id != RULES_NONE ? rules_name(s->rules, kind, id) : NULL;
}

static double
seconds_since(int64_t real_ms)
{
	int64_t ms = clock_real_ms() - real_ms;
	return real_ms != 0 ? (double)(ms > 0 ? ms : 0) / 1000.0 : NAN;
}

/* ---- services ---- */

static void
names_json(const struct store *s, enum object_kind kind, const struct id_list *ids,
	   struct json *j)
{
	json_open(j, '[');
	for (uint32_t i = 0; i < ids->count; i++)
		json_text(j, rules_name(s->rules, kind, ids->ids[i]));
	json_close(j, ']');
}

/* The names of the chains that the object stands in. */
static void
chains_of(const struct store *s, enum object_kind kind, uint32_t id, struct json *j)
{
	json_open(j, '[');
	for (uint32_t c = 0; c < s->rules->chain_count; c++) {
		const struct chain *chain = &s->rules->chains[c];
		uint32_t k = 0;
		while (k < chain->link_count &&
		       (chain->links[k].kind != kind || chain->links[k].id != id))
			k++;
		if (k < chain->link_count)
			json_text(j, chain->name);
	}
	json_close(j, ']');
}

static void
exit_json(const struct msg_service_view *v, struct json *j)
{
	json_open(j, '{');
	json_key(j, "code");
	if (v->exit_code >= 0 && v->exit_signal == 0)
		json_whole(j, v->exit_code);
	else
		json_nothing(j);
	json_key_id(j, "signal", (uint64_t)(v->exit_signal > 0 ? v->exit_signal : 0));
	json_close(j, '}');
}

static const char *
way_of(const struct service *c)
{
	return c->run.count > 0     ? "run"
	       : c->pidfile != NULL ? "pidfile"
	       : c->match != NULL   ? "match"
				    : "unit";
}

static void
service_json(const struct store *s, uint32_t id, struct json *j)
{
	static const struct msg_service_view none = {
		.exit_code = -1, .cpu = NAN, .memory = NAN, .threads = NAN, .fds = NAN
	};
	const struct service *c = &s->rules->services[id];
	const struct msg_service_view *v = store_service(s, id);
	struct sampled more[MSG_SAMPLE_VALUES];
	bool known = v != NULL;
	v = known ? v : &none;
	json_open(j, '{');
	json_key_text(j, "name", c->name);
	json_key_text(j, "state",
		      word(service_state_name, SERVICE_STATES, known, v->state));
	json_key_time(j, "since", v->since_real_ms);
	json_key_id(j, "pid", (uint64_t)(v->pid > 0 ? v->pid : 0));
	json_key_whole(j, "restarts", v->restarts);
	json_key_since(j, "uptime_s",
		       v->pid > 0 && v->started_real_ms != 0 ? CLOCK_OF_REAL : CLOCK_NONE,
		       v->started_real_ms);
	json_key_number(j, "cpu", v->cpu);
	json_key_number(j, "memory", v->memory);
	json_key_number(j, "threads", v->threads);
	json_key_number(j, "fds", v->fds);
	json_key(j, "exit");
	exit_json(v, j);
	json_key(j, "checks");
	names_json(s, OBJECT_CHECK, &c->checks, j);
	json_key(j, "chain");
	chains_of(s, OBJECT_SERVICE, id, j);
	json_key_yes(j, "hold", v->held != 0);
	if (v->hold_until_real_ms != 0)
		json_key_time(j, "hold_until", v->hold_until_real_ms);
	else
		json_key_nothing(j, "hold_until");
	json_key_yes(j, "drained", v->drained != 0);
	json_key_yes(j, "stopped_by_command", v->by_command != 0);
	json_key_yes(j, "finished", v->finished != 0);
	json_key_text(j, "family", c->family);
	json_key(j, "groups");
	json_open(j, '[');
	for (uint32_t i = 0; i < c->groups.count; i++)
		json_text(j, c->groups.texts[i]);
	json_close(j, ']');
	json_key_text(j, "kind", way_of(c));
	json_key(j, "routes");
	names_json(s, OBJECT_ROUTE, &c->routes, j);
	json_key(j, "depends");
	names_json(s, OBJECT_SERVICE, &c->depends_services, j);
	json_key(j, "metrics");
	json_open(j, '{');
	for (unsigned i = 0, n = known ? values_more(v, more) : 0; i < n; i++)
		if (!isnan(more[i].value))
			json_key_number(j, metric_table[more[i].metric].name,
					more[i].value);
	json_close(j, '}');
	json_key_id(j, "event", v->event);
	json_close(j, '}');
}

/* ---- checks ---- */

static void
target_text(const struct check *c, char *out, size_t cap)
{
	bool ipv6 = c->host != NULL && strchr(c->host, ':') != NULL;
	if (c->kind == CHECK_UNIX || c->host == NULL)
		text_print(out, cap, "%s",
			   c->path != NULL             ? c->path
			   : c->more->script.count > 0 ? c->more->script.argv[0]
						       : "");
	else
		text_print(out, cap, "%s%s%s:%u%s", ipv6 ? "[" : "", c->host,
			   ipv6 ? "]" : "", c->port, c->target != NULL ? c->target : "");
}

static void
metrics_json(const struct check *c, const struct msg_check_view *v, struct json *j)
{
	json_open(j, '{');
	for (uint32_t i = 0; v != NULL && i < v->value_count && i < MSG_VALUES; i++)
		if (v->value[i].metric < METRICS_COUNT)
			json_key_number(j, check_metric_name(c, v->value[i].metric),
					v->value[i].value);
	json_close(j, '}');
}

static void
check_json(const struct store *s, uint32_t id, struct json *j)
{
	const struct check *c = &s->rules->checks[id];
	struct msg_check_view room;
	const struct msg_check_view *v = store_check(s, id, &room);
	bool measured = v != NULL && v->measured_ns != 0;
	char text[MSG_TEXT + 1] = "", target[512];
	if (v != NULL)
		text_print(text, sizeof text, "%.*s", MSG_TEXT, v->text);
	target_text(c, target, sizeof target);
	json_open(j, '{');
	json_key_text(j, "name", c->name);
	json_key_text(j, "kind", check_kind_name[c->kind]);
	json_key_text(j, "of", name_or_null(s, OBJECT_SERVICE, c->of));
	json_key_text(j, "state",
		      word(check_state_name, CHECK_STATES, v != NULL,
			   v != NULL ? v->state : 0));
	json_key_time(j, "since", v != NULL ? v->since_real_ms : 0);
	json_key_number(j, "latency_ms",
			measured ? (double)(v->latency_ns / 1000) / 1000.0 : NAN);
	json_key_text(j, "error", v != NULL && v->state == CHECK_UP ? NULL : text);
	json_key_since(j, "age_s", measured ? CLOCK_OF_MONOTONIC : CLOCK_NONE,
		       measured ? v->measured_ns / 1000000 : 0);
	json_key(j, "metrics");
	metrics_json(c, v, j);
	json_key_text(j, "target", target);
	json_key(j, "expect");
	expects_json(c->expects, c->expect_count, j);
	json_key(j, "warn");
	expects_json(check_warns(c), c->warn_count, j);
	json_key_number(j, "every_s", (double)c->every_ms / 1000.0);
	json_key_number(j, "timeout_s", (double)c->timeout_ms / 1000.0);
	json_key_id(j, "event", v != NULL ? v->event : 0);
	json_close(j, '}');
}

/* ---- routes ---- */

static void
active_json(const struct route *c, uint64_t bits, struct json *j)
{
	json_open(j, '[');
	for (uint32_t i = 0; i < c->backend_count; i++)
		if ((bits >> i & 1) != 0)
			json_text(j, c->backends[i].name);
	json_close(j, ']');
}

static void
backend_json(const struct store *s, const struct backend *b, struct json *j)
{
	struct msg_check_view room;
	const struct msg_check_view *check =
		b->check != RULES_NONE ? store_check(s, b->check, &room) : NULL;
	json_open(j, '{');
	json_key_text(j, "name", b->name);
	json_key_text(j, "check", name_or_null(s, OBJECT_CHECK, b->check));
	json_key_text(j, "state",
		      b->check == RULES_NONE
			      ? "up"
			      : word(check_state_name, CHECK_STATES, check != NULL,
				     check != NULL ? check->state : 0));
	json_key_text(j, "service", name_or_null(s, OBJECT_SERVICE, b->service));
	json_close(j, '}');
}

static void
route_json(const struct store *s, uint32_t id, struct json *j)
{
	static const struct msg_route_view none;
	const struct route *c = &s->rules->routes[id];
	const struct msg_route_view *v = store_route(s, id);
	bool known = v != NULL;
	char text[MSG_TEXT + 1];
	v = known ? v : &none;
	text_print(text, sizeof text, "%.*s", MSG_TEXT, v->text);
	json_open(j, '{');
	json_key_text(j, "name", c->name);
	json_key_text(j, "driver", driver_name[c->driver]);
	json_key(j, "active");
	active_json(c, v->active, j);
	json_key(j, "wanted");
	active_json(c, v->wanted, j);
	json_key_time(j, "since", v->since_real_ms);
	json_key_text(j, "state", word(route_state_name, ROUTE_STATES, known, v->state));
	json_key(j, "backends");
	json_open(j, '[');
	for (uint32_t i = 0; i < c->backend_count; i++)
		backend_json(s, &c->backends[i], j);
	json_close(j, ']');
	json_key_yes(j, "seen", v->seen != 0);
	json_key_text(j, "text", text);
	json_key_text(j, "verify", name_or_null(s, OBJECT_CHECK, c->verify));
	json_key_id(j, "event", v->event);
	json_close(j, '}');
}

/* ---- rules ---- */

static void
rule_json(const struct store *s, uint32_t id, struct json *j)
{
	static const struct msg_rule_view none;
	const struct rule *c = &s->rules->rules[id];
	const struct msg_rule_view *v = store_rule(s, id);
	bool known = v != NULL;
	v = known ? v : &none;
	const char *truth = word(truth_name, TRUTHS, known, v->truth);
	json_open(j, '{');
	json_key_text(j, "name", c->name);
	json_key_text(j, "state",
		      v->firing                            ? "firing"
		      : known && v->truth == TRUTH_UNKNOWN ? "unknown"
		      : known                              ? "quiet"
							   : NULL);
	json_key_time(j, "since", v->since_real_ms);
	json_key_text(j, "when", c->when.text);
	json_key_text(j, "clear", c->clear.count > 0 ? c->clear.text : NULL);
	json_key_text(j, "truth", truth);
	json_key_yes(j, "firing", v->firing != 0);
	json_key_whole(j, "fired", v->fired);
	json_key_time(j, "true_at", v->true_at_real_ms);
	json_key_number(j, "samples", v->samples_needed > 0 ? (double)v->samples : NAN);
	json_key_number(j, "samples_needed",
			v->samples_needed > 0 ? (double)v->samples_needed : NAN);
	json_key_yes(j, "dry_run", c->dry_run);
	json_key_number(j, "cooldown_s", (double)c->cooldown_ms / 1000.0);
	int64_t now_ms = clock_real_ms();
	json_key_yes(j, "during",
		     during_holds(&c->during,
				  now_ms + clock_zone_s(now_ms) * INT64_C(1000)));
	json_key(j, "do");
	json_open(j, '[');
	for (uint32_t i = 0; i < c->action_count; i++)
		json_text(j, action_kind_name[c->actions[i].kind]);
	json_close(j, ']');
	json_key_id(j, "event", v->event);
	json_close(j, '}');
}

/* ---- chains ---- */

static void
chain_json(const struct store *s, uint32_t id, struct json *j)
{
	const struct chain *c = &s->rules->chains[id];
	const struct msg_chain_view *v = store_chain(s, id);
	char text[MSG_TEXT + 1] = "";
	uint32_t at = 0;
	if (v != NULL)
		text_print(text, sizeof text, "%.*s", MSG_TEXT, v->text);
	json_open(j, '{');
	json_key_text(j, "name", c->name);
	json_key(j, "paths");
	json_open(j, '[');
	for (uint32_t p = 0; p < c->path_count; p++) {
		json_open(j, '[');
		for (; at < c->path_ends[p]; at++)
			json_text(j, rules_name(s->rules, c->links[at].kind,
						c->links[at].id));
		json_close(j, ']');
	}
	json_close(j, ']');
	json_key_text(j, "state",
		      word(chain_state_name, CHAIN_STATES, true,
			   v != NULL ? v->state : 0));
	json_key_time(j, "since", v != NULL ? v->since_real_ms : 0);
	json_key_text(j, "check", name_or_null(s, OBJECT_CHECK, c->check));
	json_key_text(j, "text", text);
	json_key_id(j, "event", v != NULL ? v->event : 0);
	json_close(j, '}');
}

/* ---- all ---- */

void
object_json(const struct store *s, enum object_kind kind, uint32_t id, struct json *j)
{
	static void (*const writers[OBJECT_KINDS])(const struct store *, uint32_t,
						   struct json *) = {
		[OBJECT_SERVICE] = service_json, [OBJECT_CHECK] = check_json,
		[OBJECT_ROUTE] = route_json,     [OBJECT_RULE] = rule_json,
		[OBJECT_CHAIN] = chain_json,
	};
	writers[kind](s, id, j);
}

void
objects_json(const struct store *s, struct shelf *shelf, enum object_kind kind,
	     struct json *j)
{
	json_open(j, '[');
	for (uint32_t i = 0; i < rules_count(s->rules, kind); i++)
		shelf_write(shelf, s, kind, i, j);
	json_close(j, ']');
}

static void
alerts_json(const struct store *s, struct json *j)
{
	const struct msg_alert_counts *a = &s->alerts;
	bool known = s->alerts_known;
	json_open(j, '{');
	json_key_number(j, "queued", known ? (double)a->queued : NAN);
	json_key_number(j, "sent", known ? (double)a->sent : NAN);
	json_key_number(j, "failed", known ? (double)a->failed : NAN);
	json_key_number(j, "undelivered", known ? (double)a->undelivered : NAN);
	json_close(j, '}');
}

void
status_json(const struct store *s, struct shelf *shelf, struct json *j)
{
	json_open(j, '{');
	json_key(j, "monitord");
	json_open(j, '{');
	json_key_text(j, "version", PACKAGE_VERSION);
	json_key_whole(j, "pid", getppid());
	json_key_text(j, "host", s->host);
	json_key_number(j, "uptime_s", seconds_since(s->began_real_ms));
	json_key_whole(j, "generation", s->generation);
	json_key_yes(j, "dry_run", s->dry_run);
	json_close(j, '}');
	json_key(j, "services");
	objects_json(s, shelf, OBJECT_SERVICE, j);
	json_key(j, "checks");
	objects_json(s, shelf, OBJECT_CHECK, j);
	json_key(j, "routes");
	objects_json(s, shelf, OBJECT_ROUTE, j);
	json_key(j, "rules");
	objects_json(s, shelf, OBJECT_RULE, j);
	json_key(j, "chains");
	objects_json(s, shelf, OBJECT_CHAIN, j);
	json_key(j, "alerts");
	alerts_json(s, j);
	json_key(j, "silences");
	silences_json(&s->silences, j);
	json_close(j, '}');
}
