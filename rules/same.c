#include "rules/same.h"

#include <string.h>

#define STATUS_BYTES 128 /* of an expect's bit set */

bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
same_list(uint32_t n, const char *const *a, uint32_t m, const char *const *b)
{
	bool same = n == m;
	for (uint32_t i = 0; same && i < n; i++)
		same = strcmp(a[i], b[i]) == 0;
	return same;
}

bool
same_process(const struct service *a, const struct service *b)
{
	return same_list(a->run.count, a->run.argv, b->run.count, b->run.argv) &&
	       same_list(a->env.count, a->env.texts, b->env.count, b->env.texts) &&
	       same_text(a->user, b->user) && same_text(a->group, b->group) &&
	       same_text(a->dir, b->dir) && same_text(a->log, b->log) &&
	       a->umask == b->umask && a->nice == b->nice && a->nice_set == b->nice_set &&
	       same_text(a->env_file, b->env_file) && a->oom_score == b->oom_score &&
	       a->oom_score_set == b->oom_score_set && a->cpu_max == b->cpu_max &&
	       a->memory_max == b->memory_max && a->limit_count == b->limit_count &&
	       (a->limit_count == 0 ||
		memcmp(a->limits, b->limits, a->limit_count * sizeof *a->limits) == 0);
}

bool
same_search(const struct service *a, const struct service *b)
{
	return a->run.count > 0 || b->run.count > 0 ||
	       (same_text(a->pidfile, b->pidfile) && same_text(a->match, b->match) &&
		same_text(a->unit, b->unit) && same_text(a->user, b->user));
}

/* What the action is done to; "": nothing that has a name. */
static const char *
object_of(const struct rules *r, const struct action *a)
{
	static const enum object_kind kinds[ACTION_KINDS] = {
		[ACTION_START] = OBJECT_SERVICE,   [ACTION_STOP] = OBJECT_SERVICE,
		[ACTION_RESTART] = OBJECT_SERVICE, [ACTION_RELOAD] = OBJECT_SERVICE,
		[ACTION_KILL] = OBJECT_SERVICE,	   [ACTION_SIGNAL] = OBJECT_SERVICE,
		[ACTION_HOLD] = OBJECT_SERVICE,	   [ACTION_RELEASE] = OBJECT_SERVICE,
		[ACTION_REROUTE] = OBJECT_ROUTE,   [ACTION_RESTORE] = OBJECT_ROUTE,
		[ACTION_RUN] = OBJECT_KINDS,	   [ACTION_ALERT] = OBJECT_CONTACT,
		[ACTION_PAGE] = OBJECT_CONTACT,	   [ACTION_LOG] = OBJECT_KINDS,
		[ACTION_DRAIN] = OBJECT_SERVICE,   [ACTION_UNDRAIN] = OBJECT_SERVICE,
	};
	return kinds[a->kind] == OBJECT_KINDS ? "" : rules_name(r, kinds[a->kind], a->id);
}

static const char *
backend_of(const struct rules *r, const struct action *a)
{
	bool named = a->kind == ACTION_REROUTE && a->backend != RULES_NONE;
	return named ? r->routes[a->id].backends[a->backend].name : "";
}

bool
same_actions(const struct rules *x, const struct action *a, uint32_t a_count,
	     const struct rules *y, const struct action *b, uint32_t b_count)
{
	bool same = a_count == b_count;
	for (uint32_t i = 0; same && i < a_count; i++)
		same = a[i].kind == b[i].kind && a[i].signal == b[i].signal &&
		       strcmp(object_of(x, &a[i]), object_of(y, &b[i])) == 0 &&
		       strcmp(backend_of(x, &a[i]), backend_of(y, &b[i])) == 0 &&
		       same_list(a[i].command.count, a[i].command.argv,
				 b[i].command.count, b[i].command.argv);
	return same;
}

static bool
same_expects(const struct expect *a, const struct expect *b, uint32_t count)
{
	bool same = true;
	for (uint32_t i = 0; same && i < count; i++) {
		const struct expect *x = &a[i], *y = &b[i];
		same = x->kind == y->kind && x->compare == y->compare &&
		       x->turn == y->turn && same_text(x->header, y->header) &&
		       same_text(x->text, y->text) && x->metric == y->metric &&
		       memcmp(&x->value, &y->value, sizeof x->value) == 0 &&
		       (x->statuses == NULL) == (y->statuses == NULL) &&
		       (x->statuses == NULL ||
			memcmp(x->statuses, y->statuses, STATUS_BYTES) == 0);
	}
	return same;
}

static bool
same_says(const struct check *a, const struct check *b)
{
	bool same = a->more->say_count == b->more->say_count;
	for (uint32_t i = 0; same && i < a->more->say_count; i++)
		same = a->more->says[i].size == b->more->says[i].size &&
		       a->more->says[i].tls == b->more->says[i].tls &&
		       memcmp(a->more->says[i].bytes, b->more->says[i].bytes,
			      a->more->says[i].size) == 0;
	return same;
}

static bool
same_tls(const struct tls_wish *a, const struct tls_wish *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a->encrypt == b->encrypt && a->unverified == b->unverified &&
	       a->least == b->least && same_text(a->name, b->name) &&
	       a->alpn_size == b->alpn_size &&
	       (a->alpn_size == 0 || memcmp(a->alpn, b->alpn, a->alpn_size) == 0);
}

static bool
same_http(const struct http_wish *a, const struct http_wish *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return a->bearer == b->bearer && a->redirects == b->redirects &&
	       same_text(a->auth_user, b->auth_user) && a->body_size == b->body_size &&
	       (a->body_size == 0 || memcmp(a->body, b->body, a->body_size) == 0);
}

static bool
same_labels(const struct check *a, const struct check *b)
{
	bool same = (a->more->labels == NULL) == (b->more->labels == NULL);
	for (unsigned i = 0; same && a->more->labels != NULL && i < LABELS_MAX; i++)
		same = same_text(a->more->labels[i], b->more->labels[i]);
	return same;
}

static bool
same_query(const struct query_wish *a, const struct query_wish *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return same_text(a->database, b->database) && same_text(a->sql, b->sql) &&
	       same_text(a->name, b->name) && a->type == b->type &&
	       a->count == b->count && a->packet_size == b->packet_size &&
	       a->server_key == b->server_key;
}

static bool
same_files(const struct check *a, const struct check *b)
{
	bool same = true;
	for (unsigned f = 0; f < CHECK_FILES; f++)
		same = same &&
		       same_text(a->more->files != NULL ? a->more->files[f] : NULL,
				 b->more->files != NULL ? b->more->files[f] : NULL);
	return same;
}

static const char *
method_of(const struct check *c)
{
	return c->more->method != NULL ? c->more->method : "GET";
}

bool
same_measurement(const struct check *a, const struct check *b)
{
	return a->kind == b->kind && same_text(a->host, b->host) && a->port == b->port &&
	       same_text(a->target, b->target) && same_text(a->path, b->path) &&
	       same_text(a->more->match, b->more->match) &&
	       same_text(method_of(a), method_of(b)) &&
	       same_text(a->more->host_header, b->more->host_header) &&
	       same_text(a->more->user, b->more->user) &&
	       same_list(a->more->headers.count, a->more->headers.texts,
			 b->more->headers.count, b->more->headers.texts) &&
	       same_list(a->more->script.count, a->more->script.argv,
			 b->more->script.count, b->more->script.argv) &&
	       a->timeout_ms == b->timeout_ms && same_says(a, b) &&
	       same_tls(a->more->tls, b->more->tls) &&
	       same_query(a->more->query, b->more->query) && same_labels(a, b) &&
	       same_http(a->more->http, b->more->http) && same_files(a, b) &&
	       a->connect_timeout_ms == b->connect_timeout_ms &&
	       a->expect_count == b->expect_count && a->warn_count == b->warn_count &&
	       same_expects(a->expects, b->expects, a->expect_count) &&
	       same_expects(check_warns(a), check_warns(b), a->warn_count);
}
