/* monitorctl status and incidents. */
#include "status/ctl.h"

#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WATCH_S 2

/* ---- is it as it should be? ---- */

/* By command, or as it has ended well. */
static bool
rests(const json_t *service)
{
	return json_is_true(json_object_get(service, "stopped_by_command")) ||
	       json_is_true(json_object_get(service, "finished"));
}

static bool
its_service_rests(const json_t *status, const json_t *check)
{
	size_t i;
	json_t *o;
	json_array_foreach(json_object_get(status, "services"), i, o)
	{
		if (strcmp(text_of(o, "name"), text_of(check, "of")) == 0)
			return rests(o);
	}
	return false;
}

static bool
is_well(const json_t *status, const char *kind, const json_t *o)
{
	const char *state = text_of(o, "state");
	if (strcmp(kind, "service") == 0)
		return strcmp(state, "up") == 0 ||
		       (strcmp(state, "stopped") == 0 && rests(o));
	if (strcmp(kind, "check") == 0)
		return strcmp(state, "up") == 0 || strcmp(state, "degraded") == 0 ||
		       its_service_rests(status, o);
	if (strcmp(kind, "route") == 0)
		return strcmp(state, "primary") == 0;
	return strcmp(state, "firing") != 0;
}

static enum ctl_exit
judge(const json_t *status, const json_t *found)
{
	size_t i;
	json_t *x;
	json_array_foreach(
		found, i,
		x) if (!is_well(status, text_of(x, "kind"),
				json_object_get(x, "object"))) return CTL_NOT_REACHED;
	return CTL_DONE;
}

/* ---- the table ---- */

static void
print_table(const json_t *found)
{
	int kind_width = 4, name_width = 4, state_width = 5, since_width = 5;
	char since[40], detail[300];
	size_t i;
	json_t *x;
	json_array_foreach(found, i, x)
	{
		const json_t *o = json_object_get(x, "object");
		int n = (int)strlen(text_of(o, "name")),
		    s = (int)strlen(text_of(o, "state"));
		int k = (int)strlen(text_of(x, "kind"));
		int t = (int)strlen(ago(text_of(o, "since"), since, sizeof since));
		name_width = n > name_width ? n : name_width;
		state_width = s > state_width ? s : state_width;
		kind_width = k > kind_width ? k : kind_width;
		since_width = t > since_width ? t : since_width;
	}
	printf("%s%-*s  %-*s  %-*s  %-*s  %s%s\n", tone_on(TONE_DIM), kind_width, "KIND",
	       name_width, "NAME", state_width, "STATE", since_width, "SINCE", "DETAIL",
	       tone_off());
	json_array_foreach(found, i, x)
	{
		const json_t *o = json_object_get(x, "object");
		const char *state = text_of(o, "state");
		printf("%-*s  %-*s  %s%-*s%s  %-*s  %s\n", kind_width, text_of(x, "kind"),
		       name_width, text_of(o, "name"), tone_on(state_tone(state)),
		       state_width, *state != '\0' ? state : "-", tone_off(), since_width,
		       ago(text_of(o, "since"), since, sizeof since),
		       detail_of(text_of(x, "kind"), o, detail, sizeof detail));
	}
}

json_t *
everything(const json_t *status)
{
	json_t *found = json_array(), *o;
	size_t i;
	for (unsigned k = 0; k < CTL_KINDS; k++)
		json_array_foreach(json_object_get(status, ctl_list[k]), i, o)
			json_array_append_new(found, json_pack("{s:s,s:O}", "kind",
							       ctl_kind[k], "object", o));
	return found;
}

/* The names' objects; NULL: one is unknown, printed. */
static json_t *
selected(const struct ctl *ctl, const json_t *status)
{
	json_t *all = json_array();
	for (int i = 0; i < ctl->count; i++) {
		json_t *found = find_objects(status, ctl->names[i]);
		if (found == NULL) {
			json_decref(all);
			return NULL;
		}
		json_array_extend(all, found);
		json_decref(found);
	}
	return all;
}

void
print_json(const json_t *value)
{
	json_dumpf(value, stdout,
		   JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	putchar('\n');
}

/* One name's object alone; an array for more. */
static void
print_objects(const struct ctl *ctl, const json_t *status, const json_t *found)
{
	size_t i;
	json_t *x;
	if (ctl->count == 0) {
		print_json(status);
	} else if (ctl->count == 1 && json_array_size(found) == 1) {
		print_json(json_object_get(json_array_get(found, 0), "object"));
	} else {
		json_t *list = json_array();
		json_array_foreach(found, i, x)
			json_array_append(list, json_object_get(x, "object"));
		print_json(list);
		json_decref(list);
	}
}

static void
print_silences(const json_t *silences)
{
	char until[40];
	size_t i;
	json_t *s;
	json_array_foreach(silences, i, s)
		printf("silence %s until %s, by %s: %s\n", text_of(s, "name"),
		       local_time(text_of(s, "until"), until, sizeof until),
		       text_of(s, "who"), text_of(s, "reason"));
}

static enum ctl_exit
once(struct ctl *ctl)
{
	enum ctl_exit code;
	json_t *status = http_json(ctl, "/v1/status", &code);
	if (status == NULL)
		return code;
	json_t *found = ctl->count == 0 ? everything(status) : selected(ctl, status);
	if (found != NULL && ctl->json)
		print_objects(ctl, status, found);
	else if (found != NULL && json_array_size(found) == 0)
		puts("nothing is watched");
	else if (found != NULL)
		print_table(found);
	if (found != NULL && !ctl->json && ctl->count == 0)
		print_silences(json_object_get(status, "silences"));
	code = found != NULL ? judge(status, found) : CTL_NO_SUCH_NAME;
	json_decref(found);
	json_decref(status);
	return code;
}

enum ctl_exit
ctl_status(struct ctl *ctl)
{
	enum ctl_exit code;
	for (;;) {
		if (ctl->watch && isatty(STDOUT_FILENO) == 1)
			fputs("\033[H\033[2J", stdout);
		code = once(ctl);
		if (!ctl->watch || code == CTL_NO_SUCH_NAME || code == CTL_NOT_ALLOWED)
			return code;
		if (fflush(stdout) != 0)
			return code;
		sleep(WATCH_S);
	}
}

/* ---- incidents ---- */

static void
print_incident(const json_t *o)
{
	char since[40];
	const char *state = text_of(o, "state");
	size_t i;
	json_t *s;
	printf("#%-6.0f %s%-6s%s  %s  %s", number_of(o, "id"), tone_on(state_tone(state)),
	       state, tone_off(), local_time(text_of(o, "since"), since, sizeof since),
	       text_of(o, "text"));
	json_array_foreach(json_object_get(o, "symptoms"), i, s)
		printf("%s%s", i == 0 ? "; with it: " : ", ", json_string_value(s));
	if (*text_of(o, "until") != '\0')
		printf("; until %s",
		       local_time(text_of(o, "until"), since, sizeof since));
	if (strcmp(state, "acked") == 0)
		printf("; taken by %s%s%s", text_of(o, "who"),
		       *text_of(o, "why") != '\0' ? ": " : "", text_of(o, "why"));
	putchar('\n');
}

enum ctl_exit
ctl_incidents(struct ctl *ctl)
{
	char path[160];
	struct text t;
	enum ctl_exit code;
	size_t i, shown = 0;
	json_t *o;
	bool past = ctl->since != NULL || ctl->until != NULL;
	text_begin(&t, path, sizeof path);
	text_add(&t, "/v1/incidents%s", past ? "?" : "");
	if (!add_time(&t, "since", ctl->since) || !add_time(&t, "until", ctl->until))
		return CTL_WRONG_USE;
	json_t *list = http_json(ctl, path, &code);
	if (list == NULL)
		return code;
	if (ctl->json)
		print_json(list);
	json_array_foreach(list, i, o)
	{
		bool closed = strcmp(text_of(o, "state"), "closed") == 0;
		if (ctl->json || (closed && !ctl->all && !past))
			continue;
		print_incident(o);
		shown += past || !closed;
	}
	if (shown == 0 && !ctl->json)
		puts(past ? "nothing was wrong" : "nothing is wrong");
	json_decref(list);
	return CTL_DONE;
}
