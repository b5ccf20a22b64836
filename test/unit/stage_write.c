#include "test/unit/stage_state.h"

#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>

struct stage stage;

enum wanted {
	WANTED_NOT, WANTED,
	WANTED_WHOLE, /* "KIND+": with cause, addressees and text */
	WANTED_PLACED /* "KIND@": with the incident that it belongs to */
};

static enum wanted
wants(const char *kind)
{
	size_t n = strlen(kind);
	for (const char *p = stage.tell; p != NULL && *p != '\0'; p += strspn(p, " ")) {
		size_t m = strcspn(p, " ");
		if (m >= n && memcmp(p, kind, n) == 0 &&
		    (m == n || (m == n + 1 && (p[n] == '+' || p[n] == '@'))))
			return m == n        ? WANTED
			       : p[n] == '+' ? WANTED_WHOLE
					     : WANTED_PLACED;
		p += m;
	}
	return WANTED_NOT;
}

void
stage_add(const char *format, ...)
{
	char word[700];
	va_list args;
	va_start(args, format);
	vsnprintf(word, sizeof word, format, args);
	va_end(args);
	text_add(&stage.trace, "%s%s", stage.trace.length > 0 ? " " : "", word);
}

/* KIND:OBJECT<CAUSE(TO){TEXT} */
static void
write_whole(const struct journal_line *l)
{
	const char *cause = "";
	for (unsigned i = 0; i < stage.line_count; i++)
		if (stage.lines[i].id == l->cause)
			cause = stage.lines[i].kind;
	stage_add("%s:%s%s%s%s%s%s{%s}", l->kind, l->object, *cause != '\0' ? "<" : "",
		  cause, l->to[0] != '\0' ? "(" : "", l->to, l->to[0] != '\0' ? ")" : "",
		  l->text);
}

/* KIND:OBJECT@ROOT */
static void
write_placed(const struct journal_line *l)
{
	struct msg_incident_view v = { .incident = 0 };
	for (uint32_t i = 0; i < world_incidents(stage.world); i++) {
		world_incident_view(stage.world, i, &v);
		if (l->incident != 0 && v.incident == l->incident)
			break;
		v.incident = 0;
	}
	stage_add("%s:%s@%s", l->kind, l->object,
		  v.incident != 0 ? rules_name(stage.rules, (enum object_kind)v.root_kind,
					       v.root_id)
				  : "none");
}

void
stage_backends(uint32_t route, uint64_t set, char *out, size_t cap)
{
	const struct route *r = &stage.rules->routes[route];
	struct text t;
	text_begin(&t, out, cap);
	for (uint32_t i = 0; i < r->backend_count; i++)
		if ((set >> i & 1) != 0)
			text_add(&t, "%s%s", t.length > 0 ? "," : "",
				 r->backends[i].name);
}

static void
write_route(const struct decision *d)
{
	const struct route *r = &stage.rules->routes[d->id];
	char active[200], cut[200];
	if (d->order.number <= stage.newest[d->id])
		fail_msg("an order for %s has no number of its own", r->name);
	stage.newest[d->id] = d->order.number;
	stage.ordered[d->id] = d->order;
	stage_backends(d->id, d->order.active, active, sizeof active);
	stage_backends(d->id, d->order.cut, cut, sizeof cut);
	stage_add("route:%s=%s%s%s", r->name, active, *cut != '\0' ? "-" : "", cut);
}

void
stage_write(const struct decision *d)
{
	static const char *const scopes[] = {
		[SCOPE_MAIN] = "main", [SCOPE_REST] = "rest", [SCOPE_TREE] = "tree"
	};
	static const char *const answers[ANSWERS] = {
		[ANSWER_DONE] = "done",
		[ANSWER_REFUSED] = "refused",
		[ANSWER_NOT_ALLOWED] = "not-allowed",
		[ANSWER_FAILED] = "failed",
		[ANSWER_ACCEPTED] = "accepted",
	};
	static const char *const paces[PACES] = { [PACE_OFF] = "off",
						  [PACE_NORMAL] = "normal",
						  [PACE_FAST] = "fast",
						  [PACE_NOW] = "now" };
	const struct rules *r = stage.rules;
	switch (d->kind) {
	case DECIDE_TELL:
		if (stage.line_count < 256)
			stage.lines[stage.line_count++] = d->line;
		if (wants(d->line.kind) == WANTED)
			stage_add("%s:%s", d->line.kind, d->line.object);
		else if (wants(d->line.kind) == WANTED_WHOLE)
			write_whole(&d->line);
		else if (wants(d->line.kind) == WANTED_PLACED)
			write_placed(&d->line);
		break;
	case DECIDE_START:
		stage_add("start:%s", r->services[d->id].name);
		break;
	case DECIDE_SIGNAL:
		stage_add("%s:%s(%s)", sigabbrev_np(d->signal), r->services[d->id].name,
			  scopes[d->scope]);
		break;
	case DECIDE_STOP_COMMAND:
		stage_add("stop-command:%s", r->services[d->id].name);
		break;
	case DECIDE_EVIDENCE:
		stage.evidence_token = d->token;
		if (d->token != 0 || wants("evidence"))
			stage_add("evidence:%s", r->services[d->id].name);
		break;
	case DECIDE_RELOAD:
		stage_add("reload:%s", r->services[d->id].name);
		break;
	case DECIDE_ROUTE:
		write_route(d);
		break;
	case DECIDE_PACE:
		if (d->pace == PACE_NOW && d->id < 64)
			stage.asked[d->id] = true;
		if (wants("pace"))
			stage_add("pace:%s=%s", r->checks[d->id].name, paces[d->pace]);
		break;
	case DECIDE_RUN:
		stage.run_before = stage.run_token;
		stage.run_token = d->token;
		stage_add("run:%s", r->rules[d->id].name);
		if (wants("run"))
			stage_add("number %u%s of event %llu{%s}", d->action & 0xffff,
				  d->action > 0xffff ? " of escalate" : "",
				  (unsigned long long)d->event, d->text);
		break;
	case DECIDE_ANSWER:
		stage_add("answer:%s", answers[d->answer]);
		break;
	case DECIDE_REMEMBER:
		if (wants("remember"))
			stage_add("remember");
		break;
	case DECIDE_RELOAD_RULES:
	case DECIDE_TEST:
	case DECIDE_KINDS:
		break;
	}
}
