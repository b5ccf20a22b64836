#include <config.h>

#include "status/metrics.h"

#include "base/clock.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

struct exposition {
	struct json *text;
	bool classic; /* Prometheus's text format 0.0.4, else OpenMetrics 1.0.0 */
};

/* Prometheus's own format knows no info and no state set, and names a counter's samples. */
static void
family(struct exposition *out, const char *name, const char *type, const char *help)
{
	char line[300];
	const char *suffix = out->classic && strcmp(type, "counter") == 0 ? "_total"
			     : out->classic && strcmp(type, "info") == 0  ? "_info"
									  : "";
	if (out->classic && (strcmp(type, "info") == 0 || strcmp(type, "stateset") == 0))
		type = "gauge";
	json_raw(out->text, line,
		 text_print(line, sizeof line, "# HELP %s%s %s\n# TYPE %s%s %s\n", name,
			    suffix, help, name, suffix, type));
}

struct label {
	const char *name, *value;
};

/* Label values escape backslash, quote and newline (OpenMetrics, "ABNF"). */
static void
labels_text(struct exposition *out, const struct label *labels, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		json_raw(out->text, i == 0 ? "{" : ",", 1);
		json_raw(out->text, labels[i].name, strlen(labels[i].name));
		json_raw(out->text, "=\"", 2);
		for (const char *p = labels[i].value; *p != '\0'; p++) {
			if (*p == '\\' || *p == '"' || *p == '\n')
				json_raw(out->text, "\\", 1);
			json_raw(out->text, *p == '\n' ? "n" : p, 1);
		}
		json_raw(out->text, "\"", 1);
	}
	if (count > 0)
		json_raw(out->text, "}", 1);
}

/* One sample; what is not known is left out. */
static void
sample(struct exposition *out, const char *name, const struct label *labels, size_t count,
       double value)
{
	char text[40];
	if (!isfinite(value))
		return;
	json_raw(out->text, name, strlen(name));
	labels_text(out, labels, count);
	json_raw(out->text, text, text_print(text, sizeof text, " %.15g\n", value));
}

static void
alone(struct exposition *out, const char *name, const char *type, const char *help,
      const char *suffix, double value)
{
	char full[96];
	family(out, name, type, help);
	text_print(full, sizeof full, "%s%s", name, suffix);
	sample(out, full, NULL, 0, value);
}

/* A state set: one sample a state, 1 for the one that holds (OpenMetrics, "StateSet"). */
static void
states(struct exposition *out, const char *name, const char *kind, const char *object,
       const char *const *words, uint32_t count, uint32_t state)
{
	for (uint32_t i = 0; i < count; i++) {
		struct label labels[] = { { kind, object }, { name, words[i] } };
		sample(out, name, labels, 2, state == i);
	}
}

/* ---- services ---- */

enum service_number {
	SERVICE_UP_IS,
	SERVICE_RESTARTS,
	SERVICE_START,
	SERVICE_CPU,
	SERVICE_MEMORY,
	SERVICE_THREADS,
	SERVICE_FDS,
	SERVICE_NUMBERS
};

static double
service_number(const struct msg_service_view *v, enum service_number n)
{
	switch (n) {
	case SERVICE_UP_IS:
		return v->state == SERVICE_UP;
	case SERVICE_RESTARTS:
		return v->restarts;
	case SERVICE_START:
		return v->pid > 0 && v->started_real_ms > 0
			       ? (double)v->started_real_ms / 1000.0
			       : NAN;
	case SERVICE_CPU:
		return v->cpu / 100.0;
	case SERVICE_MEMORY:
		return v->memory;
	case SERVICE_THREADS:
		return v->threads;
	case SERVICE_FDS:
		return v->fds;
	case SERVICE_NUMBERS:
		break;
	}
	return NAN;
}

static void
services_text(const struct store *s, struct exposition *out)
{
	static const struct {
		const char *name, *type, *suffix, *help;
	} rows[SERVICE_NUMBERS] = {
		[SERVICE_UP_IS] = { "monitord_service_up", "gauge", "",
				    "1 while the service is up." },
		[SERVICE_RESTARTS] = { "monitord_service_restarts", "counter", "_total",
				       "Restarts of the service." },
		[SERVICE_START] = { "monitord_service_start_time_seconds", "gauge", "",
				    "When its main process began, Unix time." },
		[SERVICE_CPU] = { "monitord_service_cpu_ratio", "gauge", "",
				  "CPU of the main process, 1 is one core." },
		[SERVICE_MEMORY] = { "monitord_service_memory_bytes", "gauge", "",
				     "Resident memory of the main process." },
		[SERVICE_THREADS] = { "monitord_service_threads", "gauge", "",
				      "Threads of the main process." },
		[SERVICE_FDS] = { "monitord_service_open_fds", "gauge", "",
				  "Open descriptors of the main process." },
	};
	char name[96];
	for (unsigned n = 0; n < SERVICE_NUMBERS; n++) {
		family(out, rows[n].name, rows[n].type, rows[n].help);
		text_print(name, sizeof name, "%s%s", rows[n].name, rows[n].suffix);
		for (uint32_t i = 0; i < s->rules->service_count; i++) {
			const struct msg_service_view *v = store_service(s, i);
			struct label label = { "service", s->rules->services[i].name };
			if (v != NULL)
				sample(out, name, &label, 1,
				       service_number(v, (enum service_number)n));
		}
	}
	family(out, "monitord_service_state", "stateset", "The state of the service.");
	for (uint32_t i = 0; i < s->rules->service_count; i++)
		if (store_service(s, i) != NULL)
			states(out, "monitord_service_state", "service",
			       s->rules->services[i].name, service_state_name,
			       SERVICE_STATES, store_service(s, i)->state);
}

/* ---- checks ---- */

static double
check_value(const struct msg_check_view *v, enum metric metric)
{
	for (uint32_t i = 0; i < v->value_count && i < MSG_VALUES; i++)
		if (v->value[i].metric == metric)
			return v->value[i].value;
	return NAN;
}

static double
check_number(const struct msg_check_view *v, unsigned n)
{
	bool measured = v->measured_ns != 0;
	switch (n) {
	case 0:
		return v->state == CHECK_UP || v->state == CHECK_DEGRADED;
	case 1:
		return measured ? (double)v->latency_ns / 1e9 : NAN;
	case 2:
		return measured ? (double)(clock_ns() - v->measured_ns) / 1e9 : NAN;
	case 3:
		return check_value(v, METRIC_STATUS);
	case 4:
		return check_value(v, METRIC_BYTES);
	}
	return NAN;
}

static void
checks_text(const struct store *s, struct exposition *out)
{
	static const struct {
		const char *name, *help;
	} rows[] = {
		{ "monitord_check_up", "1 while the check is up or degraded." },
		{ "monitord_check_latency_seconds", "How long the last exchange took." },
		{ "monitord_check_age_seconds", "Time since the last measurement." },
		{ "monitord_check_status", "HTTP status, or exit code of a script." },
		{ "monitord_check_body_bytes", "Size of the answer's body." },
	};
	for (unsigned n = 0; n < sizeof rows / sizeof *rows; n++) {
		family(out, rows[n].name, "gauge", rows[n].help);
		for (uint32_t i = 0; i < s->rules->check_count; i++) {
			struct msg_check_view room;
			const struct msg_check_view *v = store_check(s, i, &room);
			struct label label = { "check", s->rules->checks[i].name };
			if (v != NULL)
				sample(out, rows[n].name, &label, 1, check_number(v, n));
		}
	}
	family(out, "monitord_check_value", "gauge",
	       "A metric of the check, in the unit that rules compare it in.");
	for (uint32_t i = 0; i < s->rules->check_count; i++) {
		struct msg_check_view room;
		const struct msg_check_view *v = store_check(s, i, &room);
		for (uint32_t k = 0; v != NULL && k < v->value_count && k < MSG_VALUES;
		     k++) {
			struct label labels[] = {
				{ "check", s->rules->checks[i].name },
				{ "metric", v->value[k].metric < METRICS_COUNT
						    ? check_metric_name(&s->rules->checks[i], v->value[k].metric)
						    : "" },
			};
			sample(out, "monitord_check_value", labels, 2, v->value[k].value);
		}
	}
	family(out, "monitord_check_state", "stateset", "The state of the check.");
	struct msg_check_view room;
	for (uint32_t i = 0; i < s->rules->check_count; i++)
		if (store_check(s, i, &room) != NULL)
			states(out, "monitord_check_state", "check",
			       s->rules->checks[i].name, check_state_name, CHECK_STATES,
			       room.state);
}

/* ---- routes, rules, monitord ---- */

static void
routes_text(const struct store *s, struct exposition *out)
{
	family(out, "monitord_route_state", "stateset", "The state of the route.");
	for (uint32_t i = 0; i < s->rules->route_count; i++)
		if (store_route(s, i) != NULL)
			states(out, "monitord_route_state", "route",
			       s->rules->routes[i].name, route_state_name, ROUTE_STATES,
			       store_route(s, i)->state);
	family(out, "monitord_route_backend_active", "gauge",
	       "1 while the backend carries traffic.");
	for (uint32_t i = 0; i < s->rules->route_count; i++) {
		const struct msg_route_view *v = store_route(s, i);
		const struct route *r = &s->rules->routes[i];
		for (uint32_t b = 0; v != NULL && b < r->backend_count; b++) {
			struct label labels[] = { { "route", r->name },
						  { "backend", r->backends[b].name } };
			sample(out, "monitord_route_backend_active", labels, 2,
			       (double)(v->active >> b & 1));
		}
	}
}

static void
chains_text(const struct store *s, struct exposition *out)
{
	family(out, "monitord_chain_up", "gauge",
	       "1 while the chain is served, by its first choice or another.");
	for (uint32_t i = 0; i < s->rules->chain_count; i++) {
		const struct msg_chain_view *v = store_chain(s, i);
		struct label label = { "chain", s->rules->chains[i].name };
		if (v != NULL && v->state != CHAIN_UNKNOWN)
			sample(out, "monitord_chain_up", &label, 1,
			       v->state != CHAIN_DOWN);
	}
	family(out, "monitord_chain_state", "stateset", "By whom the chain is served.");
	for (uint32_t i = 0; i < s->rules->chain_count; i++)
		if (store_chain(s, i) != NULL)
			states(out, "monitord_chain_state", "chain",
			       s->rules->chains[i].name, chain_state_name, CHAIN_STATES,
			       store_chain(s, i)->state);
}

static void
rules_text(const struct store *s, struct exposition *out)
{
	family(out, "monitord_rule_firing", "gauge", "1 while the rule fires.");
	for (uint32_t i = 0; i < s->rules->rule_count; i++) {
		struct label label = { "rule", s->rules->rules[i].name };
		if (store_rule(s, i) != NULL)
			sample(out, "monitord_rule_firing", &label, 1,
			       store_rule(s, i)->firing != 0);
	}
	family(out, "monitord_rule_fired", "counter", "How often the rule fired.");
	for (uint32_t i = 0; i < s->rules->rule_count; i++) {
		struct label label = { "rule", s->rules->rules[i].name };
		if (store_rule(s, i) != NULL)
			sample(out, "monitord_rule_fired_total", &label, 1,
			       store_rule(s, i)->fired);
	}
}

static void
monitord_text(const struct store *s, struct exposition *out)
{
	struct label version = { "version", PACKAGE_VERSION };
	family(out, "monitord_build", "info", "The running version.");
	sample(out, "monitord_build_info", &version, 1, 1);
	alone(out, "monitord_start_time_seconds", "gauge",
	      "When monitord began, Unix time.", "",
	      s->began_real_ms != 0 ? (double)s->began_real_ms / 1000.0 : NAN);
	alone(out, "monitord_rules_generation", "gauge",
	      "How often rules were put in force.", "", s->generation);
	alone(out, "monitord_incidents_open", "gauge", "Incidents that are not over.", "",
	      incidents_open(&s->incidents));
	if (!s->alerts_known)
		return;
	alone(out, "monitord_alerts_queued", "gauge", "Alerts that wait to be delivered.",
	      "", (double)s->alerts.queued);
	alone(out, "monitord_alerts_sent", "counter", "Alerts that were delivered.",
	      "_total", (double)s->alerts.sent);
	alone(out, "monitord_alerts_failed", "counter", "Alerts that were given up.",
	      "_total", (double)s->alerts.failed);
	alone(out, "monitord_alerts_undelivered", "counter",
	      "Events that were lost untold.", "_total", (double)s->alerts.undelivered);
}

static void
history_text(const struct recorder_state *h, struct exposition *out)
{
	alone(out, "monitord_history_bytes", "gauge", "Size of the history on disk.", "",
	      (double)h->size);
	alone(out, "monitord_history_failing", "gauge",
	      "1 while history cannot be written.", "", h->why[0] != '\0');
	alone(out, "monitord_history_lost", "counter", "Blocks that were never written.",
	      "_total", (double)h->lost);
}

void
metrics_text(const struct store *s, const struct recorder_state *history, bool classic,
	     struct json *text)
{
	struct exposition e = { .text = text, .classic = classic }, *out = &e;
	monitord_text(s, out);
	if (history != NULL)
		history_text(history, out);
	services_text(s, out);
	checks_text(s, out);
	routes_text(s, out);
	chains_text(s, out);
	rules_text(s, out);
	if (!classic)
		json_raw(text, "# EOF\n", 6);
}
