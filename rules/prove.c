/* What only the whole shows: missing keys, contradictions, cycles; and the links between
 * objects that are derived (a service's checks and routes, a backend's service). */
#include "base/text.h"
#include "rules/prove.h"
#include "rules/protocol.h"
#include "rules/driver.h"

#include <stdlib.h>
#include <string.h>

#define SOCKET_MAX_BYTES 107 /* sun_path of unix(7), with its end */
#define WAYS "run pidfile match unit"
#define LOG_UP_MS 300000 /* without a line that fits */

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

/* {active} is who carries the traffic of the route that the check verifies. */
static void
prove_active(struct build *b, const struct check *c)
{
	for (uint32_t i = 0; i < c->expect_count; i++) {
		const char *text = c->expects[i].text;
		if (text == NULL || strcmp(text, "{active}") != 0 ||
		    c->more->verifies.count == 1)
			continue;
		build_error(
			b, check_place(b->rules, c),
			"[check %s]: {active} needs one route whose verify is this check%s",
			c->name, c->more->verifies.count > 1 ? ", not several" : "");
	}
}

static void
prove_dialogue(struct build *b, const struct check *c)
{
	if (c->more->say_count > 0 && !check_can_talk(c))
		build_error(b, check_place(b->rules, c),
			    "[check %s]: send is for tcp, udp and unix", c->name);
	for (uint32_t i = 0; i < c->expect_count && check_can_talk(c); i++)
		if (c->expects[i].kind == EXPECT_BODY &&
		    c->expects[i].compare != COMPARE_MATCH)
			build_error(
				b, check_place(b->rules, c),
				"[check %s]: in a dialogue only body ~ REGEX is expected",
				c->name);
	for (uint32_t i = 0; i < c->warn_count && check_can_talk(c); i++)
		if (c->warns[i].kind == EXPECT_BODY)
			build_error(b, check_place(b->rules, c),
				    "[check %s]: a dialogue has no warn of a body",
				    c->name);
}

static void
prove_request(struct build *b, const struct check *c)
{
	const struct http_wish *h = c->more->http;
	bool file = c->more->files != NULL && c->more->files[FILE_BODY] != NULL;
	bool secret = c->more->files != NULL && c->more->files[FILE_SECRET] != NULL;
	bool empty = c->more->method == NULL || strcmp(c->more->method, "GET") == 0 ||
		     strcmp(c->more->method, "HEAD") == 0;
	if (protocol_is(c->kind))
		return; /* protocol_prove() sees to it */
	if (!check_is_http(c))
		build_error(
			b, check_place(b->rules, c),
			"[check %s]: body, auth-user, bearer-file and redirects are for http",
			c->name);
	if (h->body != NULL && file)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: body and body-file are two", c->name);
	if ((h->body != NULL || file) && empty)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: a body needs method = POST, PUT or OPTIONS",
			    c->name);
	if (h->auth_user != NULL && (h->bearer || !secret))
		build_error(b, check_place(b->rules, c),
			    "[check %s]: auth-user needs auth-password-file%s", c->name,
			    h->bearer ? ", not bearer-file" : "");
	if (h->auth_user == NULL && secret && !h->bearer)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: auth-password-file needs auth-user", c->name);
}

/* TLS in the middle of a dialogue begins where its rule says so. */
static void
prove_starttls(struct build *b, const struct check *c)
{
	bool answered[SAYS_MAX + 1] = { false }, found = false;
	for (uint32_t i = 0; i < c->expect_count; i++)
		if (c->expects[i].kind == EXPECT_BODY)
			answered[c->expects[i].turn] = true;
	for (uint32_t i = 0; i < c->more->say_count; i++) {
		if (!c->more->says[i].tls)
			continue;
		if (found || !answered[i] || c->more->tls->encrypt != ENCRYPT_STARTTLS)
			build_error(
				b, check_place(b->rules, c),
				"[check %s]: send = {tls} needs an expect = body before it%s",
				c->name, found ? ", and stands once" : "");
		found = true;
	}
	if (check_can_talk(c) && !found && c->more->tls != NULL &&
	    c->more->tls->encrypt == ENCRYPT_STARTTLS)
		build_error(
			b, check_place(b->rules, c),
			"[check %s]: encrypt = starttls needs send = {tls} behind an answer",
			c->name);
}

/* Of the protocols that it asks for, each is one that an http check speaks. */
static bool
speaks_alpn(const struct tls_wish *t)
{
	static const char h2[] = "\2h2", http[] = "\10http/1.1";
	bool known = true;
	for (uint32_t at = 0; known && at < t->alpn_size;) {
		uint32_t n = (unsigned char)t->alpn[at] + 1u;
		known = (n == sizeof h2 - 1 && memcmp(t->alpn + at, h2, n) == 0) ||
			(n == sizeof http - 1 && memcmp(t->alpn + at, http, n) == 0);
		at += n;
	}
	return known;
}

static void
prove_tls(struct build *b, struct check *c)
{
	struct tls_wish *t = c->more->tls;
	bool always = c->https || c->kind == CHECK_TLS;
	if (t == NULL &&
	    (always || (c->more->http != NULL && c->more->http->redirects > 0)))
		build_more(b, c)->tls = t = build_tls(b);
	if (t == NULL)
		return;
	if (always && t->encrypt != ENCRYPT_NO)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: %s is TLS without encrypt", c->name,
			    check_kind_name[c->kind]);
	if (always)
		t->encrypt = ENCRYPT_TLS;
	if (t->encrypt == ENCRYPT_NO &&
	    (c->more->http == NULL || c->more->http->redirects == 0))
		build_error(b, check_place(b->rules, c),
			    "[check %s]: tls-… needs encrypt, https or tls", c->name);
	if (c->https && !speaks_alpn(t))
		build_error(b, check_place(b->rules, c),
			    "[check %s]: of https tls-alpn is h2, http/1.1 or both",
			    c->name);
	if (c->path != NULL && t->name == NULL && !t->unverified)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: tls-name is missing: a path names no host",
			    c->name);
	if (c->more->files != NULL &&
	    (c->more->files[FILE_CERT] == NULL) != (c->more->files[FILE_KEY] == NULL))
		build_error(b, check_place(b->rules, c),
			    "[check %s]: tls-cert and tls-key go together", c->name);
}

static void
prove_kind(struct build *b, const struct check *c)
{
	char kinds[512];
	struct text t;
	text_begin(&t, kinds, sizeof kinds);
	for (unsigned k = 0; k < CHECK_KINDS; k++)
		text_add(&t, "%s%s", k > 0 ? ", " : "", check_kind_name[k]);
	build_error(b, check_place(b->rules, c), "[check %s]: what does it check? (%s)",
		    c->name, kinds);
}

static void
prove_target(struct build *b, const struct check *c, const struct expect *list, uint32_t count)
{
	bool link = c->kind == CHECK_FILE || c->kind == CHECK_DIRECTORY ||
		    c->kind == CHECK_FIFO;
	for (uint32_t i = 0; i < count && !link; i++)
		if (list[i].kind == EXPECT_TARGET)
			build_error(b, check_place(b->rules, c),
				    "[check %s]: a target have file, directory and fifo",
				    c->name);
}

static void
prove_check(struct build *b, struct check *c)
{
	if (c->kind == CHECK_KINDS) {
		if (!build_told(b, check_place(b->rules, c), ""))
			prove_kind(b, c);
		return;
	}
	if (c->timeout_ms > c->every_ms && c->kind != CHECK_SCRIPT) {
		char timeout[32], every[32];
		build_warning(
			b, check_place(b->rules, c),
			"[check %s]: its timeout (%s) is longer than every (%s): who hangs is measured "
			"once in a timeout only",
			c->name, text_duration(c->timeout_ms, timeout, sizeof timeout),
			text_duration(c->every_ms, every, sizeof every));
	}
	if (c->timeout_ms == 0)
		c->timeout_ms = c->kind == CHECK_SCRIPT
					? 30000
					: (int32_t)b->rules->settings.timeout_ms;
	if ((c->kind == CHECK_LOG) != (c->more->match != NULL) &&
	    (c->more->match != NULL || !build_told(b, check_place(b->rules, c), "match")))
		build_error(b, check_place(b->rules, c),
			    "[check %s]: log and match go together", c->name);
	/* a line is no measurement that may err */
	if (c->kind == CHECK_LOG && !c->down_set) {
		c->down_need = c->down_of = 1;
		c->down_ms = 0;
	}
	if (c->kind == CHECK_LOG && !c->up_set)
		c->up_ms = LOG_UP_MS;
	if (c->fast_ms == 0) {
		c->fast_ms = c->every_ms / 10 > 100 ? c->every_ms / 10 : 100;
		if (c->fast_ms > c->every_ms)
			c->fast_ms = c->every_ms;
	}
	if (c->fast_ms > c->every_ms)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: fast is slower than every", c->name);
	if (c->connect_timeout_ms > c->timeout_ms)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: connect-timeout is longer than timeout",
			    c->name);
	if (!check_is_http(c) && c->more->headers.count > 0 &&
	    (protocol_table[c->kind].takes & TAKES_HEADER) == 0)
		build_error(b, check_place(b->rules, c), "[check %s]: header is for http",
			    c->name);
	if (c->more->http != NULL)
		prove_request(b, c);
	else if (check_is_http(c) && c->more->files != NULL &&
		 c->more->files[FILE_SECRET] != NULL)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: auth-password-file needs auth-user", c->name);
	prove_dialogue(b, c);
	prove_tls(b, c);
	prove_starttls(b, c);
	protocol_prove(b, c);
	prove_target(b, c, c->expects, c->expect_count);
	prove_target(b, c, c->warns, c->warn_count);
	for (uint32_t i = 0; i < c->expect_count && !check_is_http(c); i++)
		if ((c->expects[i].kind >= EXPECT_CONTAINS &&
		     (c->kind != CHECK_FILE || c->expects[i].kind != EXPECT_SHA256)) ||
		    (!protocol_is(c->kind) && (c->expects[i].kind == EXPECT_STATUS ||
					       c->expects[i].kind == EXPECT_HEADER)))
			build_error(b, check_place(b->rules, c),
				    "[check %s]: expect status, header, json, sha256 "
				    "and contains are for http",
				    c->name);
	prove_active(b, c);
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

/* Each member needs the next one of its path. */
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
				if (left != right)
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
