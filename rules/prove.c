/* What only the whole shows: missing keys, contradictions, cycles; and the links between
 * objects that are derived (a service's checks and routes, a backend's service). */
#include "rules/prove.h"

#include "base/text.h"
#include "rules/driver.h"

#include <stdlib.h>
#include <string.h>

#define SOCKET_MAX_BYTES 107 /* sun_path of unix(7), with its end */
#define WAYS "run pidfile match unit"

static uint32_t
instances_of(const struct rules *r, const struct service *s)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < r->service_count; i++)
		n += s->family != NULL && r->services[i].family == s->family;
	return n;
}

/* A signal's answer, and lines, are read from a log. */
static void
prove_evidence(struct build *b, const struct service *s)
{
	bool file = false;
	for (uint32_t i = 0; i < s->evidence_count; i++)
		file = file || s->evidence[i].file != NULL;
	for (uint32_t i = 0; i < s->evidence_count; i++) {
		const struct evidence *x = &s->evidence[i];
		if (s->log == NULL &&
		    (x->kind == EVIDENCE_LOG ? x->file == NULL
					     : x->kind == EVIDENCE_SIGNAL && !file))
			build_error(
				b, s->place,
				"[service %s]: evidence: %s needs its log, or 'log FILE'",
				s->name, x->kind == EVIDENCE_LOG ? "log" : "signal");
	}
}

static void
prove_service(struct build *b, const struct service *s)
{
	prove_evidence(b, s);
	bool none = s->run.count == 0 && !build_told(b, s->place, "run");
	unsigned ways = build_holds(b, s->place, WAYS);
	if (ways > 1 || (ways == 0 && !build_told(b, s->place, WAYS)))
		build_error(
			b, s->place,
			"[service %s]: exactly one of run, pidfile, match and unit is needed",
			s->name);
	if (s->run.count > 0 && s->start.count > 0)
		build_error(b, s->place,
			    "[service %s]: start is for what is watched, not run",
			    s->name);
	if (s->run.count > 0 && s->stop_command.count > 0)
		build_error(b, s->place,
			    "[service %s]: stop of what is run is a list of signals",
			    s->name);
	if (none && (s->log != NULL || s->memory_max > 0 || s->env.count > 0))
		build_error(b, s->place, "[service %s]: log, env and memory-max need run",
			    s->name);
	if (none && (s->env_file != NULL || s->cpu_max > 0 || s->oom_score_set))
		build_error(b, s->place,
			    "[service %s]: env-file, cpu-max and oom-score need run",
			    s->name);
	if (none && (s->ready.kind == READY_NOTIFY || s->ready.kind == READY_FD))
		build_error(b, s->place, "[service %s]: ready: notify and fd need run",
			    s->name);
	if (s->ready.kind == READY_CHECK && b->rules->checks[s->ready.check].of != s->id)
		build_error(b, s->place,
			    "[service %s]: ready: check '%s' is not 'of = %s'", s->name,
			    b->rules->checks[s->ready.check].name, s->name);
	if (s->keep_set && s->keep >= instances_of(b->rules, s))
		build_error(b, s->place, "[service %s]: keep is less than its instances",
			    s->name);
	for (uint32_t i = 0; i < s->depends_services.count; i++)
		if (s->depends_services.ids[i] == s->id)
			build_error(b, s->place, "[service %s]: it depends on itself",
				    s->name);
	for (uint32_t i = 0; i < s->depends_checks.count; i++) {
		const struct check *c = &b->rules->checks[s->depends_checks.ids[i]];
		if (c->of == s->id)
			build_error(
				b, s->place,
				"[service %s]: it depends on itself, by its check '%s'",
				s->name, c->name);
	}
}

static void
prove_route(struct build *b, const struct route *r)
{
	driver_prove(b, r);
	if (r->backend_count == 0 && !build_told(b, r->place, "backend"))
		build_error(b, r->place, "[route %s]: a backend is missing", r->name);
	if (r->keep > r->backend_count && r->backend_count > 0)
		build_error(b, r->place, "[route %s]: keep = %u of %u backends", r->name,
			    r->keep, r->backend_count);
}

/* The k-th service that a chain's member stands for; RULES_NONE: no more. */
static uint32_t
member_service(const struct rules *r, const struct chain_link *link, uint32_t k)
{
	if (link->id == RULES_NONE)
		return RULES_NONE; /* it was not found: told already */
	if (link->kind == OBJECT_SERVICE)
		return k == 0 ? link->id : RULES_NONE;
	if (link->kind == OBJECT_CHECK)
		return k == 0 ? r->checks[link->id].of : RULES_NONE;
	const struct route *route = &r->routes[link->id];
	while (k < route->backend_count && route->backends[k].service == RULES_NONE)
		k++;
	return k < route->backend_count ? route->backends[k].service : RULES_NONE;
}

static bool
has(const struct id_list *list, uint32_t id)
{
	uint32_t i = 0;
	while (i < list->count && list->ids[i] != id)
		i++;
	return i < list->count;
}

/* Each member needs the next one of its path, which may stand in many. */
static void
link_chain(struct build *b, const struct chain *c)
{
	struct rules *r = b->rules;
	for (uint32_t i = 0, p = 0; i + 1 < c->link_count; i++) {
		while (p < c->path_count && c->path_ends[p] <= i)
			p++;
		if (p < c->path_count && i + 1 == c->path_ends[p])
			continue; /* the last of its path */
		uint32_t left, right;
		for (uint32_t k = 0;
		     (left = member_service(r, &c->links[i], k)) != RULES_NONE; k++)
			for (uint32_t m = 0; (right = member_service(r, &c->links[i + 1],
								     m)) != RULES_NONE;
			     m++)
				if (left != right &&
				    !has(&r->services[left].after, right))
					build_append(b, &r->services[left].after, right);
	}
}

static void
link_route(struct build *b, const struct route *route)
{
	struct rules *r = b->rules;
	if (route->verify != RULES_NONE)
		build_append(b, &build_more(b, &r->checks[route->verify])->verifies,
			     route->id);
	for (uint32_t k = 0; k < route->backend_count; k++) {
		struct backend *x = &route->backends[k];
		if (x->check == RULES_NONE)
			continue;
		build_append(b, &build_more(b, &r->checks[x->check])->routes, route->id);
		x->service = r->checks[x->check].of;
		if (x->service != RULES_NONE)
			build_append(b, &r->services[x->service].routes, route->id);
	}
}

static void
link_reads(struct rules *r, const struct condition *c)
{
	for (uint32_t i = 0; i < c->count; i++) {
		const struct op *op = &c->ops[i];
		if (op->kind == OP_TEST && op->object == OBJECT_SERVICE &&
		    op->id < r->service_count && metric_sample_slot(op->metric) < 64)
			r->services[op->id].reads |= UINT64_C(1)
						     << metric_sample_slot(op->metric);
	}
}

static void
link_needs(struct rules *r, const struct service *s)
{
	for (uint32_t i = 0; i < s->depends_services.count; i++)
		r->services[s->depends_services.ids[i]].is_needed = true;
	for (uint32_t i = 0; i < s->depends_checks.count; i++)
		r->checks[s->depends_checks.ids[i]].is_needed = true;
}

static void
link_objects(struct build *b)
{
	struct rules *r = b->rules;
	for (uint32_t i = 0; i < r->check_count; i++)
		if (r->checks[i].of != RULES_NONE) {
			const struct service *s = &r->services[r->checks[i].of];
			if (s->checks.count == RULES_CHECKS_MAX) {
				build_error(b, check_place(b->rules, &r->checks[i]),
					    "service %s: more than %d checks", s->name,
					    RULES_CHECKS_MAX);
				continue;
			}
			build_append(b, &r->services[r->checks[i].of].checks, i);
		}
	for (uint32_t i = 0; i < r->service_count; i++)
		link_needs(r, &r->services[i]);
	for (uint32_t i = 0; i < r->route_count; i++)
		link_route(b, &r->routes[i]);
	for (uint32_t i = 0; i < r->chain_count; i++)
		link_chain(b, &r->chains[i]);
	for (uint32_t i = 0; i < r->rule_count; i++) {
		link_reads(r, &r->rules[i].when);
		link_reads(r, &r->rules[i].clear);
	}
}

/* What a service needs, number at: services, then those that its checks are of (a check of
 * nobody needs nobody), then those behind it in a chain. RULES_NONE: no more. */
static uint32_t
need(const struct rules *r, const struct service *s, uint32_t *at)
{
	uint32_t services = s->depends_services.count,
		 checks = services + s->depends_checks.count;
	uint32_t to = RULES_NONE;
	while (to == RULES_NONE && *at < checks + s->after.count) {
		uint32_t i = (*at)++;
		to = i < services ? s->depends_services.ids[i]
		     : i < checks ? r->checks[s->depends_checks.ids[i - services]].of
				  : s->after.ids[i - checks];
	}
	return to;
}

/* Depth-first over depends; colours: 0 new, 1 on the path, 2 done. Iterative: a chain of
 * 10,000 services must not eat the stack. */
static void
prove_cycles(struct build *b)
{
	struct rules *r = b->rules;
	uint32_t n = r->service_count, *path = calloc(n + 1, sizeof *path);
	uint32_t *at = calloc(n + 1, sizeof *at);
	char *colour = calloc(n + 1, 1);
	if (path == NULL || at == NULL || colour == NULL) {
		b->out_of_memory = true;
		goto out;
	}
	for (uint32_t root = 0; root < n; root++) {
		uint32_t depth = 0;
		if (colour[root] != 0)
			continue;
		path[depth++] = root;
		colour[root] = 1;
		while (depth > 0) {
			uint32_t id = path[depth - 1];
			uint32_t to = need(r, &r->services[id], &at[id]);
			if (to == RULES_NONE) {
				colour[id] = 2;
				depth--;
				continue;
			}
			if (colour[to] == 0) {
				colour[to] = 1;
				path[depth++] = to;
			} else if (colour[to] == 1 && to != id) {
				char text[200];
				struct text t;
				uint32_t i = depth;
				while (i > 0 && path[i - 1] != to)
					i--;
				text_begin(&t, text, sizeof text);
				for (i = i > 0 ? i - 1 : 0; i < depth; i++)
					text_add(&t, "%s -> ", r->services[path[i]].name);
				build_error(b, r->services[to].place,
					    "depends or chains go round: %s%s", text,
					    r->services[to].name);
			}
		}
	}
out:
	free(path);
	free(at);
	free(colour);
}

static void
prove_settings(struct build *b, const struct settings *s)
{
	if (strlen(s->socket) > SOCKET_MAX_BYTES && s->place.file != NULL)
		build_error(b, s->place,
			    "[monitord]: socket: a path of up to %d bytes is needed",
			    SOCKET_MAX_BYTES);
}

void
build_prove(struct build *b)
{
	struct rules *r = b->rules;
	prove_settings(b, &r->settings);
	link_objects(b);
	for (uint32_t i = 0; i < r->service_count; i++) {
		unit_defaults(b, &r->services[i]);
		prove_service(b, &r->services[i]);
	}
	for (uint32_t i = 0; i < r->check_count; i++)
		prove_check(b, &r->checks[i]);
	for (uint32_t i = 0; i < r->route_count; i++)
		prove_route(b, &r->routes[i]);
	for (uint32_t i = 0; i < r->rule_count; i++) {
		const struct rule *x = &r->rules[i];
		if (x->place.file == NULL)
			continue; /* made of a check's do */
		if (x->when.text == NULL && !build_told(b, x->place, "when"))
			build_error(b, x->place, "[rule %s]: when is missing", x->name);
		if (x->action_count == 0 && !build_told(b, x->place, "do"))
			build_error(b, x->place, "[rule %s]: do is missing", x->name);
	}
	build_contacts(b);
	prove_cycles(b);
	if (b->problems->errors > 0 || b->out_of_memory)
		return; /* what follows speaks of what is whole */
	prove_metrics(b);
	prove_rules(b);
	prove_unused(b);
}
