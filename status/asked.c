/* GET /v1/series, /v1/availability and incidents of the past: the recorder is asked, and the
 * client sleeps until its answer comes. */
#include "status/server.h"

#include "base/clock.h"
#include "base/text.h"
#include "rules/units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POINTS 300 /* unless the client says */
#define SPAN_MS INT64_C(3600000)
#define SPAN_MOST_S (INT64_C(366) * 86400)

static const char *
argument(const struct client *c, const char *name)
{
	return MHD_lookup_connection_value(c->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* "6h": so long ago; Unix seconds; or a time in UTC. */
static bool
time_of(const char *text, int64_t now_s, int64_t *out_s)
{
	char why[UNITS_WHY], *end;
	struct tm tm = { 0 };
	int64_t ms;
	if (units_duration(text, &ms, why)) {
		*out_s = now_s - ms / 1000;
		return true;
	}
	errno = 0;
	*out_s = strtoll(text, &end, 10);
	if (*text != '\0' && *end == '\0' && errno == 0)
		return true;
	end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (end != NULL && *end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (end == NULL || strcmp(end, "Z") != 0)
		return false;
	*out_s = timegm(&tm);
	return true;
}

static bool
range_of(const struct client *c, struct ask *a)
{
	int64_t now_s = clock_real_ms() / 1000;
	const char *since = argument(c, "since"), *until = argument(c, "until");
	a->until_s = now_s;
	if (until != NULL && !time_of(until, now_s, &a->until_s))
		return false;
	a->since_s = a->until_s - SPAN_MS / 1000;
	if (since != NULL && !time_of(since, now_s, &a->since_s))
		return false;
	return a->since_s >= 0 && a->until_s <= now_s + 60 && a->since_s < a->until_s &&
	       a->until_s - a->since_s <= SPAN_MOST_S;
}

static bool
points_of(const struct client *c, struct ask *a)
{
	const char *text = argument(c, "points");
	char why[UNITS_WHY];
	uint64_t n = POINTS;
	if (text != NULL && !units_count(text, 1, SERIES_POINTS, &n, why))
		return false;
	a->points = (unsigned)n;
	return true;
}

/* The object of the query, among the kinds that have a history. */
static bool
object_of(const struct client *c, enum object_kind *kind, uint32_t *id)
{
	static const enum object_kind kinds[] = { OBJECT_SERVICE, OBJECT_CHECK,
						  OBJECT_ROUTE, OBJECT_CHAIN };
	const char *name = argument(c, "object");
	for (unsigned k = 0; name != NULL && k < sizeof kinds / sizeof *kinds; k++) {
		*kind = kinds[k];
		*id = store_find(&c->server->store, *kind, name);
		if (*id != RULES_NONE)
			return true;
	}
	return false;
}

static enum MHD_Result
no_object(struct client *c)
{
	char text[128];
	const char *name = argument(c, "object");
	if (name == NULL)
		return request_error(c, 400, "object=NAME says whose");
	text_print(text, sizeof text, "no such service, check, route or chain: %.64s",
		   name);
	return request_error_near(c, 404, text,
				  store_nearest(&c->server->store, OBJECT_SERVICE, name));
}

static enum MHD_Result
send_metric_names(struct client *c, enum object_kind kind, uint32_t id)
{
	struct json j;
	unsigned list[METRICS_COUNT],
		count = history_metrics(&c->server->history, kind, id, list);
	json_begin(&j);
	json_open(&j, '{');
	json_key_text(&j, "object", rules_name(c->server->store.rules, kind, id));
	json_key_text(&j, "kind", object_kind_name[kind]);
	json_key(&j, "metrics");
	json_open(&j, '[');
	for (unsigned i = 0; i < count; i++)
		json_text(&j, metric_table[list[i]].name);
	json_close(&j, ']');
	json_close(&j, '}');
	return request_send(c, 200, &j);
}

static enum MHD_Result
ask_recorder(struct client *c, struct ask *a)
{
	struct server *s = c->server;
	a->token = c->token = s->token++;
	if (!recorder_ask(s->history.recorder, a)) {
		ask_free(a);
		return request_error(c, 503, "too many ask for history already");
	}
	c->asked_history = true;
	client_suspend(c, WAIT_HISTORY);
	return MHD_YES;
}

static enum MHD_Result
ask(struct client *c, enum object_kind kind, uint32_t id, struct ask *a)
{
	struct server *s = c->server;
	text_print(a->object, sizeof a->object, "%s/%s", object_kind_name[kind],
		   rules_name(s->store.rules, kind, id));
	history_fill(&s->history, kind, id, a);
	return ask_recorder(c, a);
}

static const char range_form[] = "since and until: 6h, Unix seconds or "
				 "2026-11-24T12:00:00Z, 366 days at most";

enum MHD_Result
series_begin(struct client *c)
{
	enum object_kind kind;
	uint32_t id;
	char letter[] = "?";
	const char *metric = argument(c, "metric");
	if (!object_of(c, &kind, &id))
		return no_object(c);
	if (c->server->history.recorder == NULL)
		return request_error(c, 404, "history is off");
	if (metric == NULL)
		return send_metric_names(c, kind, id);
	letter[0] = kind == OBJECT_SERVICE ? 'S' : kind == OBJECT_CHECK ? 'C' : 'R';
	struct ask *a = calloc(1, sizeof *a);
	if (a == NULL)
		return request_error(c, 503, "out of memory");
	a->metric = metric_find(metric, strlen(metric), letter[0]);
	const char *wrong = a->metric == METRICS_COUNT ? "the object has no such metric"
			    : !range_of(c, a)          ? range_form
			    : !points_of(c, a)         ? "points: 1 to 2000"
						       : NULL;
	if (wrong == NULL)
		return ask(c, kind, id, a);
	unsigned code = a->metric == METRICS_COUNT ? 404 : 400;
	ask_free(a);
	return request_error(c, code, wrong);
}

enum MHD_Result
availability_begin(struct client *c)
{
	enum object_kind kind;
	uint32_t id;
	int year, month, used = 0;
	const char *text = argument(c, "month");
	if (!object_of(c, &kind, &id))
		return no_object(c);
	if (c->server->history.recorder == NULL)
		return request_error(c, 404, "history is off");
	int64_t wanted = history_month(clock_real_ms());
	if (text != NULL) {
		if (sscanf(text, "%4d-%2d%n", &year, &month, &used) != 2 ||
		    text[used] != '\0' || month < 1 || month > 12 || year < 1970)
			return request_error(c, 400,
					     "month: expected a month as 2026-11");
		wanted = year * 12 + month - 1;
	}
	struct ask *a = calloc(1, sizeof *a);
	if (a == NULL)
		return request_error(c, 503, "out of memory");
	a->month = wanted;
	return ask(c, kind, id, a);
}

bool
incidents_asked(struct client *c)
{
	return argument(c, "since") != NULL || argument(c, "until") != NULL;
}

enum MHD_Result
incidents_begin(struct client *c)
{
	if (c->server->history.recorder == NULL)
		return request_error(c, 404, "history is off");
	struct ask *a = calloc(1, sizeof *a);
	if (a == NULL)
		return request_error(c, 503, "out of memory");
	if (!range_of(c, a)) {
		ask_free(a);
		return request_error(c, 400, range_form);
	}
	a->incidents = true;
	incidents_between(&c->server->store.incidents, a->since_s * 1000,
			  (a->until_s + 1) * 1000, &a->known);
	return ask_recorder(c, a);
}

enum MHD_Result
incident_begin(struct client *c, uint64_t id)
{
	struct ask *a = calloc(1, sizeof *a);
	if (a == NULL)
		return request_error(c, 503, "out of memory");
	a->incidents = true;
	a->incident = id;
	return ask_recorder(c, a);
}

enum MHD_Result
asked_end(struct client *c)
{
	if (c->missing)
		return request_error(c, 404, "no such incident");
	if (c->answer == NULL)
		return request_error(c, 503,
				     c->late ? "the disk does not answer"
					     : "out of memory");
	char *bytes = c->answer;
	c->answer = NULL;
	return request_send_bytes(c, 200, bytes, c->answer_size);
}

void
server_answered(void *arg, struct ask *a)
{
	struct server *s = arg;
	for (struct client *c = s->clients; c != NULL; c = c->next)
		if (c->wait == WAIT_HISTORY && c->token == a->token) {
			c->answer = a->answer;
			c->answer_size = a->answer_size;
			c->missing = a->missing;
			a->answer = NULL;
			client_resume(c);
			break;
		}
	ask_free(a);
}
