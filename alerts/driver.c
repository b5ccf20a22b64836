#include "alerts/driver.h"

#include "alerts/compose.h"
#include "alerts/part.h"
#include "alerts/payload.h"
#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define PART_BYTES 16384
#define FAR_MS (INT64_C(365) * 86400000) /* Alertmanager ends what is not told again */
#define EVENT_MS 300000			 /* a lone event is of interest so long */

static const char *
lines_of(const struct letter *l, enum part part)
{
	static char lines[PART_BYTES];
	struct text t;
	text_begin(&t, lines, sizeof lines);
	part_write(l, part, &t);
	return lines;
}

/* The same for all that is told of one incident, on this host. */
static char *
incident_key(const struct letter *l, char *out, size_t cap)
{
	const char *what = l->phase == PHASE_EVENT  ? "event"
			   : l->phase == PHASE_TEST ? "test"
						    : "incident";
	text_print(out, cap, "monitord/%.150s/%s/%" PRIu64 "/%" PRId64, l->host, what,
		   l->number, l->since_ms);
	return out;
}

static json_t *
time_of(int64_t real_ms)
{
	char time[40];
	return json_string(clock_rfc3339(real_ms, time, sizeof time));
}

static char *
dump(json_t *j)
{
	char *out = j != NULL ? json_dumps(j, JSON_COMPACT) : NULL;
	json_decref(j);
	return out;
}

/* ---- PagerDuty, Events API v2 ---- */

static char *
pagerduty(const struct letter *l, const char *key, const char *action)
{
	char dedup[256], summary[512];
	incident_key(l, dedup, sizeof dedup);
	text_print(summary, sizeof summary, "%.100s: %.400s", l->host, l->about.text);
	json_t *j = json_pack("{s:s,s:s,s:s}", "routing_key", key, "event_action", action,
			      "dedup_key", dedup);
	if (strcmp(action, "trigger") == 0)
		json_object_set_new(
			j, "payload",
			json_pack("{s:s,s:s,s:s,s:s,s:o,s:s,s:{s:s,s:s,s:s,s:s,s:s}}",
				  "summary", summary, "source", l->host, "severity",
				  l->phase == PHASE_TEST ? "info"
							 : severity_name[l->severity],
				  "component", l->about.object, "timestamp",
				  time_of(l->since_ms), "group", "monitord",
				  "custom_details", "served", lines_of(l, PART_SERVED),
				  "next", "", "chain", "", "done", "", "evidence", ""));
	json_t *details =
		json_object_get(json_object_get(j, "payload"), "custom_details");
	static const struct {
		const char *name;
		enum part part;
	} more[] = { { "done", PART_DONE },
		     { "next", PART_NEXT },
		     { "chain", PART_CHAIN },
		     { "evidence", PART_EVIDENCE } };
	for (size_t i = 0; details != NULL && i < sizeof more / sizeof *more; i++)
		json_object_set_new(details, more[i].name,
				    json_string(lines_of(l, more[i].part)));
	return dump(j);
}

static bool
make_pagerduty(const struct letter *l, const char *key, struct request *r)
{
	static const char *const action[PHASES] = {
		[PHASE_OPEN] = "trigger",  [PHASE_REMIND] = "trigger", [PHASE_AGAIN] = "trigger",
		[PHASE_EVENT] = "trigger", [PHASE_TEST] = "trigger",   [PHASE_ACK] = "acknowledge",
		[PHASE_CLOSE] = "resolve",
	};
	r->content = pagerduty(l, key != NULL ? key : "", action[l->phase]);
	if (l->phase == PHASE_TEST) /* a test wakes nobody for long */
		r->then = pagerduty(l, key != NULL ? key : "", "resolve");
	return r->content != NULL;
}

/* ---- Alertmanager, API v2 ---- */

static bool
make_alertmanager(const struct letter *l, const char *key, struct request *r)
{
	char number[24];
	int64_t end = l->phase == PHASE_CLOSE   ? l->until_ms
		      : l->phase == PHASE_TEST  ? l->now_ms + 1000
		      : l->phase == PHASE_EVENT ? l->now_ms + EVENT_MS
						: l->now_ms + FAR_MS;
	(void)key;
	if (l->phase == PHASE_ACK) /* it knows silences only */
		return (r->content = strdup("")) != NULL;
	text_print(number, sizeof number, "%" PRIu64, l->number);
	/* by its labels it knows an alert again: none of these changes */
	json_t *labels = json_pack("{s:s,s:s,s:s,s:s,s:s}", "alertname", "monitord",
				   "host", l->host, "object", l->page_root, "incident",
				   number, "severity", severity_name[l->page_severity]);
	json_t *notes = json_pack("{s:s,s:s}", "summary", l->about.text, "served",
				  lines_of(l, PART_SERVED));
	if (notes != NULL)
		json_object_set_new(notes, "done", json_string(lines_of(l, PART_DONE)));
	r->content = dump(json_pack("[{s:o,s:o,s:o,s:o}]", "labels", labels,
				    "annotations", notes, "startsAt",
				    time_of(l->since_ms), "endsAt", time_of(end)));
	return r->content != NULL;
}

/* ---- Slack, and what understands its webhooks ---- */

/* Its control characters: no name of ours becomes a link or a call to everybody. */
static json_t *
slack_text(const char *a, const char *separator, const char *b)
{
	char raw[1200], clean[2400];
	struct text t;
	text_print(raw, sizeof raw, "%.100s%s%.1000s", a, separator, b);
	text_begin(&t, clean, sizeof clean);
	for (const char *p = raw; *p != '\0'; p++)
		text_add(&t,
			 *p == '&'   ? "&amp;"
			 : *p == '<' ? "&lt;"
			 : *p == '>' ? "&gt;"
				     : "%c",
			 *p);
	return json_string(clean);
}

static bool
make_slack(const struct letter *l, const char *key, struct request *r)
{
	const char *colour = l->phase == PHASE_CLOSE            ? "good"
			     : l->severity == SEVERITY_CRITICAL ? "danger"
								: "warning";
	char title[64], served[1000];
	(void)key;
	text_print(title, sizeof title, "%s #%" PRIu64, letter_state[l->phase],
		   l->number);
	text_print(served, sizeof served, "%.900s", lines_of(l, PART_SERVED));
	json_t *j = json_pack("{s:o}", "text", slack_text(l->host, ": ", l->about.text));
	if (j != NULL && l->phase != PHASE_TEST && l->phase != PHASE_ACK)
		json_object_set_new(j, "attachments",
				    json_pack("[{s:s,s:o,s:o,s:o,s:I}]", "color", colour,
					      "title", slack_text(title, "", ""), "text",
					      slack_text("", "", served), "fallback",
					      slack_text(l->host, ": ", l->about.text),
					      "ts",
					      (json_int_t)(l->about.real_ms / 1000)));
	r->content = dump(j);
	return r->content != NULL;
}

/* ---- ntfy ---- */

static bool
make_ntfy(const struct letter *l, const char *key, struct request *r)
{
	char headers[1600], title[200], body[1024];
	struct text t;
	bool bad = l->phase == PHASE_OPEN || l->phase == PHASE_AGAIN ||
		   l->phase == PHASE_REMIND;
	text_print(title, sizeof title, "%.80s %s", l->host, letter_state[l->phase]);
	for (char *p = title; *p != '\0'; p++)
		*p = (unsigned char)*p >= 0x80 || (unsigned char)*p < ' ' ? '?' : *p;
	text_begin(&t, headers, sizeof headers);
	text_add(&t, "Title: %s\nPriority: %d\nTags: %s", title,
		 !bad                               ? 3
		 : l->severity == SEVERITY_CRITICAL ? 5
						    : 4,
		 l->phase == PHASE_CLOSE ? "white_check_mark"
		 : bad                   ? "rotating_light"
					 : "bell");
	if (key != NULL)
		text_add(&t, "\nAuthorization: Bearer %.1000s", key);
	text_print(body, sizeof body, "%.900s", l->about.text);
	r->type = "text/plain; charset=utf-8";
	r->headers = strdup(headers);
	r->content = strdup(body);
	return r->headers != NULL && r->content != NULL;
}

/* ---- our own JSON, or the contact's ---- */

/* As within a string of JSON. */
static void
add_escaped(struct text *out, enum variable v, const void *arg)
{
	static char value[PART_BYTES];
	struct text t;
	text_begin(&t, value, sizeof value);
	part_variable(arg, v, &t);
	while (t.length > 0 && value[t.length - 1] == '\n')
		value[--t.length] = '\0';
	for (const char *p = value; *p != '\0'; p++)
		if (*p == '\n')
			text_add(out, "\\n");
		else if ((unsigned char)*p < ' ')
			text_add(out, "\\u%04x", (unsigned)*p);
		else
			text_add(out, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
}

static bool
make_json(const struct letter *l, const char *key, struct request *r)
{
	static char text[4 * PART_BYTES];
	struct text t;
	(void)key;
	if (l->body == NULL)
		return (r->content = payload_new(l)) != NULL;
	text_begin(&t, text, sizeof text);
	template_write(&t, l->body, add_escaped, l);
	json_t *j = json_loads(text, JSON_DECODE_ANY, NULL);
	r->content = j != NULL ? strdup(text) : NULL;
	json_decref(j);
	return r->content != NULL;
}

/* The address with the key in its place. */
static bool
put_key(const char *page, const char *key, struct request *r)
{
	const char *url, *at;
	contact_page(page, &url);
	if ((at = strstr(url, "{key}")) == NULL || key == NULL)
		return at == NULL;
	size_t size = strlen(url) + strlen(key) + 1;
	r->url = malloc(size);
	if (r->url != NULL)
		text_print(r->url, size, "%.*s%s%s", (int)(at - url), url, key,
			   at + strlen("{key}"));
	return r->url != NULL;
}

bool
driver_request(const struct letter *l, const char *page, const char *key, struct request *r, char *why,
	       size_t cap)
{
	static bool (*const makers[PAGE_DRIVERS])(const struct letter *, const char *,
						  struct request *) = {
		[PAGE_JSON] = make_json,
		[PAGE_PAGERDUTY] = make_pagerduty,
		[PAGE_ALERTMANAGER] = make_alertmanager,
		[PAGE_SLACK] = make_slack,
		[PAGE_NTFY] = make_ntfy,
	};
	const char *url;
	enum page_driver d = contact_page(page, &url);
	if ((d == PAGE_PAGERDUTY && key == NULL) || !put_key(page, key, r)) {
		text_print(why, cap, "the key of contact %s is not known", l->contact);
		return false;
	}
	if (makers[d](l, key, r))
		return true;
	text_print(why, cap, d == PAGE_JSON && l->body != NULL ? "the body of contact %s is no JSON"
							       : "out of memory for contact %s",
		   l->contact);
	return false;
}
