/* What was, as events of the core: measurements, crashes, and what operators ordered. */
#include "status/replay_state.h"

#include "base/text.h"
#include "rules/units.h"

#include <stdio.h>
#include <string.h>

/* Why a check was not up is not recorded, but what was measured is. */
static void
reason(const struct record_event *e, char *out, size_t cap)
{
	struct text t;
	char value[64];
	text_begin(&t, out, cap);
	units_text(UNIT_MS, (double)e->latency_ms, value, sizeof value);
	text_add(&t, "it was so then: latency %s", value);
	for (uint32_t i = 0; i < e->count; i++) {
		uint32_t m = e->values[i].metric;
		if (m >= METRICS_COUNT)
			continue;
		units_text(metric_table[m].unit, (double)e->values[i].value, value,
			   sizeof value);
		text_add(&t, ", %s %s", metric_table[m].name, value);
	}
}

static void
feed_result(struct replay *r, const struct record_event *e)
{
	struct msg_result m = { .check = rules_find(r->rules, OBJECT_CHECK, e->name),
				.outcome = e->outcome };
	struct event event = { .kind = EVENT_RESULT, .id = m.check, .result = &m };
	if (m.check == RULES_NONE) {
		r->sums.unknown++;
		return;
	}
	m.latency_ns = (int64_t)((double)e->latency_ms * 1e6);
	m.began_ns = r->now_ms * 1000000 - m.latency_ns;
	for (uint32_t i = 0; i < e->count && m.value_count < MSG_VALUES; i++)
		m.value[m.value_count++] =
			(struct msg_value){ .metric = e->values[i].metric,
					    .value = (double)e->values[i].value };
	if (e->outcome != OUTCOME_GOOD)
		reason(e, m.text, sizeof m.text);
	replay_happen(r, &event);
}

static void
feed_sample(struct replay *r, const struct record_event *e)
{
	struct msg_sample m = { .service =
					rules_find(r->rules, OBJECT_SERVICE, e->name) };
	struct event event = { .kind = EVENT_SAMPLE, .id = m.service, .sample = &m };
	if (m.service == RULES_NONE) {
		r->sums.unknown++;
		return;
	}
	if (r->pids[m.service] == 0) {
		if (r->rules->services[m.service].run.count > 0)
			return; /* by these rules it does not run */
		struct event found = { .kind = EVENT_FOUND, .id = m.service };
		found.pid = r->pids[m.service] = ++r->last_pid;
		replay_happen(r, &found);
	}
	m.pid = r->pids[m.service];
	for (uint32_t i = 0; i < e->count && m.value_count < MSG_SAMPLE_VALUES; i++)
		m.value[m.value_count++] =
			(struct msg_value){ .metric = e->values[i].metric,
					    .value = (double)e->values[i].value };
	replay_happen(r, &event);
}

/* A crash is nobody's decision; what was stopped by a rule or an operator is not one. */
static void
feed_exit(struct replay *r, uint32_t service, const struct journal_line *l)
{
	const char *code = strstr(l->text, "exit code "),
		   *sig = strstr(l->text, "killed by signal ");
	struct event e = {
		.kind = EVENT_EXITED, .id = service, .pid = r->pids[service], .code = -1
	};
	if (strstr(l->text, " exited as asked") != NULL || r->pids[service] == 0)
		return;
	if (code != NULL && sscanf(code, "exit code %d", &e.code) != 1)
		e.code = -1;
	if (sig != NULL && sscanf(sig, "killed by signal %d", &e.signal) != 1)
		e.signal = 0;
	r->pids[service] = 0;
	replay_happen(r, &e);
	replay_later(r, (struct due){ .kind = EVENT_EMPTY, .id = service });
}

static void
feed_command(struct replay *r, const struct journal_line *l)
{
	static const struct {
		const char *word;
		enum verb verb;
		enum object_kind kind;
	} verbs[] = {
		{ "start ", VERB_START, OBJECT_SERVICE },
		{ "stop ", VERB_STOP, OBJECT_SERVICE },
		{ "restart ", VERB_RESTART, OBJECT_SERVICE },
		{ "hold ", VERB_HOLD, OBJECT_SERVICE },
		{ "release ", VERB_RELEASE, OBJECT_SERVICE },
		{ "drain ", VERB_DRAIN, OBJECT_SERVICE },
		{ "undrain ", VERB_UNDRAIN, OBJECT_SERVICE },
		{ "reroute ", VERB_REROUTE, OBJECT_ROUTE },
		{ "restore ", VERB_RESTORE, OBJECT_ROUTE },
	};
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		struct event e = { .kind = EVENT_COMMAND,
				   .verb = verbs[i].verb,
				   .target = RULES_NONE };
		e.id = rules_find(r->rules, verbs[i].kind, l->object);
		if (strncmp(l->text, verbs[i].word, strlen(verbs[i].word)) != 0 ||
		    e.id == RULES_NONE)
			continue;
		if (e.verb == VERB_REROUTE && strncmp(l->text, "reroute to ", 11) == 0) {
			const struct route *c = &r->rules->routes[e.id];
			for (uint32_t k = 0; k < c->backend_count; k++) {
				size_t n = strlen(c->backends[k].name);
				if (strncmp(l->text + 11, c->backends[k].name, n) == 0 &&
				    l->text[11 + n] == ' ')
					e.target = k;
			}
		}
		replay_happen(r, &e);
		return;
	}
}

static void
feed_line(struct replay *r, const struct journal_line *l)
{
	uint32_t service = rules_find(r->rules, OBJECT_SERVICE, l->object);
	replay_keep(&r->was, l);
	if (strcmp(l->kind, "service-exited") == 0 && service != RULES_NONE)
		feed_exit(r, service, l);
	else if (strcmp(l->kind, "command") == 0)
		feed_command(r, l);
}

void
replay_feed(void *replay, const struct record_event *e)
{
	struct replay *r = replay;
	if (e->real_ms < r->since_ms)
		return;
	if (!r->begun) {
		r->sums.first_ms = e->real_ms;
		replay_begin(r, e->real_ms);
	}
	replay_pass(r, r->now_ms + (e->real_ms - r->real_ms));
	r->sums.last_ms = e->real_ms;
	r->sums.measurements += e->tag != RECORD_LINE;
	if (e->tag == RECORD_LINE)
		feed_line(r, e->line);
	else if (e->tag == RECORD_RESULT)
		feed_result(r, e);
	else
		feed_sample(r, e);
}
