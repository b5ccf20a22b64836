/* Why nothing is done about an object, though something may be wrong: for monitorctl
 * explain. */
#include "status/ctl.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

static bool
is_true(const json_t *o, const char *key)
{
	return json_is_true(json_object_get(o, key));
}

static bool
is(const json_t *o, const char *key, const char *word)
{
	return strcmp(text_of(o, key), word) == 0;
}

/* ---- what the condition of a rule reads, as it is now ---- */

static bool
is_doubted(const json_t *check)
{
	static const char begins[] = "not believed";
	return is(check, "state", "unknown") &&
	       strncmp(text_of(check, "error"), begins, strlen(begins)) == 0;
}

/* "    web.memory is 20.0 MiB" */
static void
print_now(FILE *out, const json_t *status, const char *name, const char *metric)
{
	char size[64];
	const char *kind;
	const json_t *o = find_quietly(status, name, &kind);
	double v = number_of(o, metric);
	if (o == NULL)
		return;
	if (isnan(v))
		v = number_of(json_object_get(o, "metrics"), metric);
	if (json_object_get(o, metric) == NULL && isnan(v))
		fprintf(out, "    %s is %s\n", name, text_of(o, "state"));
	else if (isnan(v))
		fprintf(out, "    %s.%s has no fresh value\n", name, metric);
	else if (v >= 1048576)
		fprintf(out, "    %s.%s is %s\n", name, metric,
			text_size(v, size, sizeof size));
	else
		fprintf(out, "    %s.%s is %g\n", name, metric, v);
	if (is_doubted(o))
		fprintf(out, "    %s fails, and is not believed: so many fail at once\n",
			name);
}

static void
print_operands(FILE *out, const json_t *status, const char *when)
{
	static const char ends[] = " \t()<>=!~,";
	char name[80], metric[80];
	fputs("  now:\n", out);
	for (const char *p = when; *p != '\0';) {
		size_t n = strcspn(p, ends);
		const char *dot = memrchr(p, '.', n);
		if (dot != NULL) {
			text_print(name, sizeof name, "%.*s", (int)(dot - p), p);
			text_print(metric, sizeof metric, "%.*s", (int)(p + n - dot - 1),
				   dot + 1);
			print_now(out, status, name, metric);
		}
		p += n;
		p += strspn(p, ends);
	}
}

/* ---- rules ---- */

/* The newest event of the object of one of these kinds, parted by blanks; NULL: none. */
static const json_t *
newest_of(const json_t *events, const json_t *o, const char *kinds)
{
	const json_t *last = NULL;
	size_t i;
	json_t *e;
	json_array_foreach(events, i, e)
	{
		const char *kind = text_of(e, "kind"), *at = strstr(kinds, kind);
		size_t n = strlen(kind);
		if (is(e, "object", text_of(o, "name")) && at != NULL && n > 0 &&
		    (at == kinds || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			last = e;
	}
	return last;
}

/* What it would have done last, had a brake, a hold or the like not kept it from that. */
static void
print_not_done(FILE *out, const json_t *events, const json_t *o)
{
	char when[40];
	const json_t *e =
		newest_of(events, o,
			  "actions-braked action-skipped action-done service-signalled");
	if (e != NULL &&
	    (is(e, "kind", "actions-braked") || is(e, "kind", "action-skipped")))
		fprintf(out, "  not done at %s: %s\n",
			local_time(text_of(e, "time"), when, sizeof when),
			text_of(e, "text"));
}

static void
print_window(FILE *out, const json_t *o)
{
	char when[40];
	double samples = number_of(o, "samples"), needed = number_of(o, "samples_needed");
	if (*text_of(o, "true_at") != '\0')
		fprintf(out,
			"  what it waits for has begun: it is true at %s, if that goes "
			"on (for)\n",
			local_time(text_of(o, "true_at"), when, sizeof when));
	if (!isnan(needed))
		fprintf(out,
			"  what it waits for was so in %g samples, and %g are needed\n",
			samples, needed);
}

static void
rule_why(FILE *out, const json_t *status, const json_t *events, const json_t *o)
{
	double cooldown = number_of(o, "cooldown_s");
	print_operands(out, status, text_of(o, "when"));
	if (is(o, "truth", "unknown"))
		fputs("  unknown: a metric in it has no fresh value, so it neither fires "
		      "nor clears\n",
		      out);
	print_window(out, o);
	print_not_done(out, events, o);
	if (json_is_false(json_object_get(o, "during")))
		fputs("  it does not act now: these are not its hours (during)\n", out);
	if (!is_true(o, "firing"))
		return;
	if (is_true(o, "dry_run"))
		fputs("  it fires, and does nothing: mode = dry-run\n", out);
	else if (!isnan(cooldown))
		fprintf(out,
			"  it fires; while it holds it acts again after each %g s "
			"(cooldown)\n",
			cooldown);
}

/* ---- the others ---- */

static void
service_why(FILE *out, const json_t *o)
{
	if (is_true(o, "hold"))
		fputs("  held: it is told of, not acted on, until it is released\n", out);
	if (is_true(o, "stopped_by_command"))
		fputs("  stopped by command: nothing starts it, and its checks alert "
		      "nobody, until it is "
		      "started\n",
		      out);
	if (is_true(o, "finished"))
		fputs("  finished: it has ended well, and its section lets it rest\n",
		      out);
	if (is_true(o, "drained"))
		fputs("  drained: out of its routes, until it is undrained\n", out);
	if (is(o, "state", "failed"))
		fputs("  it has failed too often: it is left to operators, and to its "
		      "retry\n",
		      out);
}

/* While its service does not serve by plan a check speaks to nobody. */
static void
check_why(FILE *out, const json_t *status, const json_t *o)
{
	static const char *const quiet[] = { "starting", "stopping", "stopped",
					     "backoff",  "failed",   "held" };
	const char *kind;
	const json_t *of = *text_of(o, "of") != '\0'
				   ? find_quietly(status, text_of(o, "of"), &kind)
				   : NULL;
	for (size_t i = 0; of != NULL && i < sizeof quiet / sizeof *quiet; i++)
		if (is(of, "state", quiet[i]))
			fprintf(out,
				"  its service is %s: meanwhile it alerts nobody, and "
				"nothing is done for it\n",
				quiet[i]);
	if (is_doubted(o))
		fputs("  it fails, and is not believed: so many fail at once that the "
		      "network, or monitord "
		      "itself, is suspected\n",
		      out);
	else if (is(o, "state", "unknown"))
		fputs("  unknown is our own failure to measure: nothing is done for it\n",
		      out);
}

static void
route_why(FILE *out, const json_t *events, const json_t *o)
{
	const json_t *panic = newest_of(events, o, "route-panic route-calm");
	const json_t *flap =
		newest_of(events, o,
			  "route-flaps route-ordered route-moved route-restored");
	if (panic != NULL && is(panic, "kind", "route-panic"))
		fputs("  most of its backends fell at once, though their processes live: "
		      "their checks are not "
		      "believed, and all stay in\n",
		      out);
	if (flap != NULL && is(flap, "kind", "route-flaps"))
		fprintf(out, "  it stays as it is: %s\n", text_of(flap, "text"));
	if (is(o, "state", "manual"))
		fputs("  moved by hand: it stays so while that backend is healthy, until "
		      "it is restored\n",
		      out);
	if (is(o, "state", "stuck"))
		fputs("  stuck: no switch could be verified, and there is nobody else to "
		      "try\n",
		      out);
}

/* ---- who is not told ---- */

static bool
is_in_chain(const json_t *status, const char *chain, const char *name)
{
	size_t p, k;
	json_t *path, *member;
	json_array_foreach(json_object_get(find_chain(status, chain), "paths"), p, path)
		json_array_foreach(path, k, member) if (strcmp(json_string_value(member),
							       name) == 0) return true;
	return false;
}

static bool
covers(const json_t *status, const json_t *silence, const char *kind, const char *name)
{
	if (is(silence, "kind", "monitord"))
		return true;
	if (is(silence, "kind", "chain"))
		return is_in_chain(status, text_of(silence, "name"), name);
	return is(silence, "kind", kind) && is(silence, "name", name);
}

static void
print_silences(FILE *out, const json_t *status, const char *kind, const json_t *o)
{
	const char *of = strcmp(kind, "check") == 0 ? text_of(o, "of") : "";
	char until[40];
	size_t i;
	json_t *s;
	json_array_foreach(json_object_get(status, "silences"), i, s)
	{
		if (!covers(status, s, kind, text_of(o, "name")) &&
		    (*of == '\0' || !covers(status, s, "service", of)))
			continue;
		fprintf(out, "  nobody is told until %s: %s is silenced by %s (%s)\n",
			local_time(text_of(s, "until"), until, sizeof until),
			text_of(s, "name"), text_of(s, "who"), text_of(s, "reason"));
	}
}

void
print_why_not(FILE *out, const json_t *status, const json_t *events, const char *kind,
	      const json_t *o)
{
	if (is_true(json_object_get(status, "monitord"), "dry_run"))
		fputs("  nothing is done: monitord makes a dry run\n", out);
	if (strcmp(kind, "rule") == 0)
		rule_why(out, status, events, o);
	else if (strcmp(kind, "service") == 0)
		service_why(out, o);
	else if (strcmp(kind, "check") == 0)
		check_why(out, status, o);
	else
		route_why(out, events, o);
	print_silences(out, status, kind, o);
}
