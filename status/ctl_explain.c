/* monitorctl explain: why something is in the state it is in. */
#include "status/ctl.h"

#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define CHAIN_MAX 24 /* events that are shown */

static bool
on_event(void *arg, const char *line, size_t size)
{
	json_t *e = json_loadb(line, size, 0, NULL);
	if (e != NULL)
		json_array_append_new(arg, e);
	return true;
}

/* Ids grow: the event of that id, NULL: it is no longer in the journal. */
static json_t *
event_of(const json_t *events, double id)
{
	size_t low = 0, high = isnan(id) ? 0 : json_array_size(events);
	while (low < high) {
		size_t middle = (low + high) / 2;
		double at = number_of(json_array_get(events, middle), "id");
		if (at < id)
			low = middle + 1;
		else
			high = middle;
	}
	json_t *e = json_array_get(events, low);
	return e != NULL && !isnan(id) && !(fabs(number_of(e, "id") - id) > 0) ? e : NULL;
}

/* What last befell the object itself: that people were told of its incident explains
 * nothing. */
static double
last_of(const json_t *events, const json_t *o)
{
	double last = number_of(o, "event");
	size_t i;
	json_t *e;
	if (strncmp(text_of(event_of(events, last), "kind"), "incident-", 9) != 0)
		return last;
	json_array_foreach(events, i,
			   e) if (strcmp(text_of(e, "object"), text_of(o, "name")) == 0 &&
				  strncmp(text_of(e, "kind"), "incident-", 9) != 0 &&
				  number_of(e, "id") <= number_of(o, "event")) last =
		number_of(e, "id");
	return last;
}

static double
root_of(const json_t *events, double id)
{
	for (int turn = 0; turn < 100; turn++) {
		const json_t *e = event_of(events, id);
		double cause = number_of(e, "cause");
		if (e == NULL || isnan(cause) || event_of(events, cause) == NULL)
			break;
		id = cause;
	}
	return id;
}

/* The last event that led to the present state, what led to it, and what came of that. */
static json_t *
led_to(const json_t *events, double last)
{
	double root = root_of(events, last);
	json_t *list = json_array(), *e;
	size_t i;
	json_array_foreach(events, i, e)
	{
		double id = number_of(e, "id");
		if (id >= root && !(fabs(root_of(events, id) - root) > 0))
			json_array_append(list, e);
	}
	return list;
}

static void
print_led(const json_t *list)
{
	size_t i;
	json_t *e;
	char when[40];
	puts("  what led to it:");
	json_array_foreach(list, i, e)
	{
		if (i == CHAIN_MAX) {
			puts("    …");
			break;
		}
		printf("    %s  #%-5.0f %-16s  %s\n",
		       local_time(text_of(e, "time"), when, sizeof when),
		       number_of(e, "id"), text_of(e, "kind"), text_of(e, "text"));
	}
}

/* NULL: the event belongs to none that is known. */
static json_t *
incident_of(const struct ctl *ctl, const json_t *event)
{
	char path[64];
	enum ctl_exit code;
	double id = number_of(event, "incident");
	text_print(path, sizeof path, "/v1/incidents/%.0f", id);
	return isnan(id) ? NULL : http_json(ctl, path, &code);
}

static void
print_incident(const json_t *o)
{
	if (o != NULL)
		printf("  incident #%.0f, %s: %s\n", number_of(o, "id"),
		       text_of(o, "state"), text_of(o, "text"));
}

/* ---- what is measured ---- */

static void
print_list(const char *before, const json_t *texts)
{
	size_t i;
	json_t *text;
	json_array_foreach(texts, i, text)
		printf("%s%s", i == 0 ? before : ", ", json_string_value(text));
	if (json_array_size(texts) > 0)
		putchar('\n');
}

static void
print_check(const json_t *o)
{
	char detail[300];
	const char *name;
	json_t *value;
	printf("  measures %s %s every %g s, within %g s\n", text_of(o, "kind"),
	       text_of(o, "target"), number_of(o, "every_s"), number_of(o, "timeout_s"));
	print_list("  expects: ", json_object_get(o, "expect"));
	print_list("  warns of: ", json_object_get(o, "warn"));
	printf("  last measurement: %s", detail_of("check", o, detail, sizeof detail));
	if (!isnan(number_of(o, "age_s")))
		printf(", %.1f s ago", number_of(o, "age_s"));
	json_object_foreach(json_object_get(o, "metrics"), name, value)
		printf(", %s %g", name, json_number_value(value));
	putchar('\n');
	if (*text_of(o, "of") != '\0')
		printf("  of service %s\n", text_of(o, "of"));
}

static void
print_service(const json_t *status, const json_t *o)
{
	char detail[300];
	const char *kind;
	size_t i;
	json_t *name;
	if (*detail_of("service", o, detail, sizeof detail) != '\0')
		printf("  process: %s\n", detail);
	json_array_foreach(json_object_get(o, "checks"), i, name)
	{
		const json_t *c = find_object(status, json_string_value(name), &kind);
		printf("  check %s is %s: %s\n", json_string_value(name),
		       text_of(c, "state"), detail_of("check", c, detail, sizeof detail));
	}
}

static void
print_route(const json_t *o)
{
	char detail[300];
	size_t i;
	json_t *b;
	printf("  driver %s, %s%s\n", text_of(o, "driver"),
	       detail_of("route", o, detail, sizeof detail),
	       json_is_true(json_object_get(o, "seen"))
		       ? ""
		       : " (believed; the front has not said so)");
	json_array_foreach(json_object_get(o, "backends"), i, b)
		printf("  backend %s: %s%s%s\n", text_of(b, "name"), text_of(b, "state"),
		       *text_of(b, "check") != '\0' ? " by check " : "",
		       text_of(b, "check"));
}

static void
print_rule(const json_t *o)
{
	printf("  when %s\n  the condition is %s; it has fired %g time%s%s\n",
	       text_of(o, "when"), text_of(o, "truth"), number_of(o, "fired"),
	       number_of(o, "fired") > 1 || number_of(o, "fired") < 1 ? "s" : "",
	       json_is_true(json_object_get(o, "dry_run")) ? " (dry-run)" : "");
}

static void
print_object(const json_t *status, const char *kind, const json_t *o)
{
	char since[40], took[40];
	const char *state = text_of(o, "state");
	printf("%s %s is %s%s%s", kind, text_of(o, "name"), tone_on(state_tone(state)),
	       *state != '\0' ? state : "not known yet", tone_off());
	if (*text_of(o, "since") != '\0')
		printf(" since %s (%s)",
		       local_time(text_of(o, "since"), since, sizeof since),
		       ago(text_of(o, "since"), took, sizeof took));
	putchar('\n');
	if (strcmp(kind, "service") == 0)
		print_service(status, o);
	else if (strcmp(kind, "check") == 0)
		print_check(o);
	else if (strcmp(kind, "route") == 0)
		print_route(o);
	else
		print_rule(o);
}

static void
explain(const struct ctl *ctl, const json_t *status, const json_t *events, const char *kind, const json_t *o)
{
	const json_t *event = event_of(events, last_of(events, o));
	json_t *list =
		event != NULL ? led_to(events, number_of(event, "id")) : json_array();
	json_t *incident = incident_of(ctl, event);
	if (ctl->json) {
		json_t *all = json_pack("{s:s,s:O,s:O,s:O?}", "kind", kind, "object", o,
					"events", list, "incident", incident);
		print_json(all);
		json_decref(all);
	} else {
		print_object(status, kind, o);
		print_why_not(stdout, status, events, kind, o);
		if (event != NULL)
			print_led(list);
		else
			puts("  the journal holds no event of it");
		print_incident(incident);
	}
	json_decref(incident);
	json_decref(list);
}

enum ctl_exit
ctl_explain(struct ctl *ctl)
{
	enum ctl_exit code;
	size_t i;
	json_t *status = http_json(ctl, "/v1/status", &code);
	if (status == NULL)
		return code;
	const json_t *chain = find_chain(status, ctl->names[0]);
	json_t *found = chain == NULL ? find_objects(status, ctl->names[0]) : NULL;
	json_t *x, *events = json_array();
	if (chain != NULL)
		print_chain(ctl, status, chain);
	else if (found == NULL)
		code = CTL_NO_SUCH_NAME;
	else if (http_lines(ctl, "/v1/events", on_event, events) != 200)
		code = CTL_NO_DAEMON;
	else
		json_array_foreach(found, i, x)
			explain(ctl, status, events, text_of(x, "kind"),
				json_object_get(x, "object"));
	json_decref(found);
	json_decref(events);
	json_decref(status);
	return code;
}
