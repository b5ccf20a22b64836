/* The keys of [route] that name its driver and backends. */
#include "rules/driver.h"
#include "rules/keys.h"

#include <arpa/inet.h>
#include <string.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)
#define NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/"
#define SOCKET_PATH_MAX 107

const char *const driver_name[DRIVERS] = {
	[DRIVER_SWITCH] = "switch",   [DRIVER_HAPROXY] = "haproxy",
	[DRIVER_VARNISH] = "varnish", [DRIVER_APACHE] = "apache",
	[DRIVER_NGINX] = "nginx",     [DRIVER_SQUID] = "squid",
	[DRIVER_RUN] = "run",
};

static bool
is_literal(const char *host)
{
	struct in6_addr any;
	return inet_pton(AF_INET, host, &any) == 1 ||
	       inet_pton(AF_INET6, host, &any) == 1;
}

static void
set_address(struct build *b, struct route *r, const char *text)
{
	if (build_address(b, text, &r->host, &r->port) && !is_literal(r->host))
		error(b, "%s: '%.80s' is a name; an address is needed", b->entry->key,
		      r->host);
}

static void
path_word(struct build *b, struct route *r, const char *word)
{
	r->path = keys_path(b, build_text(b, word, strlen(word)), b->entry);
}

/* SOCKET BACKEND */
static void
set_haproxy(struct build *b, struct route *r, const char *p)
{
	char word[4096];
	lex_next(b, &p, word, sizeof word);
	path_word(b, r, word);
	if (strlen(r->path) > SOCKET_PATH_MAX)
		error(b, "haproxy: a socket's path has up to %d bytes", SOCKET_PATH_MAX);
	if (!lex_next(b, &p, word, sizeof word))
		error(b, "haproxy: expected SOCKET BACKEND");
	else if (strpbrk(word, ";/\"") != NULL)
		error(b, "haproxy: '%s' is no name of a backend", word);
	r->front = build_text(b, word, strlen(word));
	lex_end(b, p);
}

/* HOST:PORT [secret=FILE] [vcl[=LABEL]] */
static void
set_varnish(struct build *b, struct route *r, const char *p)
{
	char word[4096];
	lex_next(b, &p, word, sizeof word);
	set_address(b, r, word);
	while (lex_next(b, &p, word, sizeof word)) {
		bool label = strncmp(word, "vcl=", 4) == 0;
		if (strncmp(word, "secret=", 7) == 0 && word[7] != '\0') {
			const char *file = build_text(b, word + 7, strlen(word + 7));
			r->secret = keys_path(b, file, b->entry);
		} else if (label && word[4] != '\0' &&
			   strspn(word + 4, NAME_BYTES) == strlen(word + 4)) {
			r->label = build_text(b, word + 4, strlen(word + 4));
			r->vcl = true;
		} else if (strcmp(word, "vcl") == 0) {
			r->vcl = true;
		} else {
			error(b, "varnish: expected HOST:PORT secret=FILE, then vcl or "
				 "vcl=LABEL");
		}
	}
}

/* http://ADDRESS:PORT/PATH BALANCER */
static void
set_apache(struct build *b, struct route *r, const char *p)
{
	char word[4096];
	lex_next(b, &p, word, sizeof word);
	char *slash = strncmp(word, "http://", 7) == 0 ? strchr(word + 7, '/') : NULL;
	if (slash == NULL || strpbrk(word, "\"<>?#") != NULL) {
		error(b, "apache: expected http://ADDRESS:PORT/PATH BALANCER");
		return;
	}
	r->target = build_text(b, slash, strlen(slash));
	*slash = '\0';
	set_address(b, r, word + 7);
	if (!lex_next(b, &p, word, sizeof word) ||
	    strspn(word, NAME_BYTES) != strlen(word))
		error(b, "apache: expected http://ADDRESS:PORT/PATH BALANCER");
	r->front = build_text(b, word, strlen(word));
	lex_end(b, p);
}

static void
set_file(struct build *b, struct route *r, const char *p)
{
	char word[4096];
	lex_next(b, &p, word, sizeof word);
	path_word(b, r, word);
	lex_end(b, p);
}

static void
set_link(struct build *b, struct route *r, const char *p)
{
	set_file(b, r, p);
	r->link = true;
}

static void
set_run(struct build *b, struct route *r, const char *p)
{
	r->run = build_command(b, p);
}

static const struct driver_key {
	const char *key;
	enum driver driver;
	void (*set)(struct build *b, struct route *r, const char *p);
} driver_keys[] = {
	{ "switch", DRIVER_SWITCH, set_file },
	{ "link", DRIVER_SWITCH, set_link },
	{ "haproxy", DRIVER_HAPROXY, set_haproxy },
	{ "varnish", DRIVER_VARNISH, set_varnish },
	{ "apache", DRIVER_APACHE, set_apache },
	{ "nginx", DRIVER_NGINX, set_file },
	{ "squid", DRIVER_SQUID, set_file },
	{ "run", DRIVER_RUN, set_run },
};

void
set_driver(struct build *b, void *object, const struct entry *e)
{
	struct route *r = object;
	const struct driver_key *k = driver_keys;
	if (r->driver != DRIVERS) {
		error(b, "%s: the route is driven by %s already", e->key,
		      driver_name[r->driver]);
		return;
	}
	while (strcmp(k->key, e->key) != 0)
		k++; /* the table of keys names no other */
	r->driver = k->driver;
	k->set(b, r, e->value);
}

/* [check CHECK] [address HOST:PORT] */
static bool
backend_words(struct build *b, const char *p, struct backend *new)
{
	char word[256];
	while (lex_next(b, &p, word, sizeof word)) {
		bool check = strcmp(word, "check") == 0;
		if ((!check && strcmp(word, "address") != 0) ||
		    !lex_next(b, &p, word, sizeof word)) {
			error(b,
			      "backend: expected NAME [check CHECK] [address HOST:PORT], "
			      "not '%.80s'",
			      b->entry->value);
			return false;
		}
		if (check &&
		    (new->check = build_resolve(b, word, OBJECT_CHECK)) == RULES_NONE)
			return false;
		if (!check && !build_address(b, word, &new->host, &new->port))
			return false;
		if (!check && !is_literal(new->host)) {
			error(b, "backend: '%.80s' is a name; an address is needed",
			      new->host);
			return false;
		}
	}
	return true;
}

void
set_backend(struct build *b, void *object, const struct entry *e)
{
	struct route *r = object;
	char word[256];
	const char *p = e->value;
	struct backend new = { .check = RULES_NONE, .service = RULES_NONE };
	lex_next(b, &p, word, sizeof word);
	/* it becomes a line of a file, a word on a front's socket or of a command */
	if (strspn(word, NAME_BYTES) != strlen(word) || strlen(word) > 200 ||
	    *word == '-') {
		error(b, "backend: '%.60s' is no name of a backend", word);
		return;
	}
	new.name = build_text(b, word, strlen(word));
	for (uint32_t i = 0; i < r->backend_count; i++)
		if (strcmp(r->backends[i].name, new.name) == 0) {
			error(b, "backend: '%s' stands twice", new.name);
			return;
		}
	if (!backend_words(b, p, &new))
		return;
	if (r->backend_count == RULES_BACKENDS_MAX) {
		error(b, "backend: a route has at most %d", RULES_BACKENDS_MAX);
		return;
	}
	struct backend *list = build_get(b, (r->backend_count + 1) * sizeof *list);
	if (b->out_of_memory)
		return;
	if (r->backend_count > 0)
		memcpy(list, r->backends, r->backend_count * sizeof *list);
	list[r->backend_count++] = new;
	r->backends = list;
}

/* ---- what was asked for must fit together ---- */

static void
prove_backends(struct build *b, const struct route *r)
{
	char line[DRIVER_LINE_MAX];
	bool plain = r->driver == DRIVER_HAPROXY || r->driver == DRIVER_VARNISH;
	for (uint32_t i = 0; i < r->backend_count; i++) {
		const struct backend *x = &r->backends[i];
		if (plain && strchr(x->name, '/') != NULL)
			build_error(b, r->place,
				    "[route %s]: backend '%s' is no name of %s", r->name,
				    x->name, driver_name[r->driver]);
		if (x->host != NULL && r->driver != DRIVER_HAPROXY)
			build_error(b, r->place,
				    "[route %s]: an address of a backend is for haproxy",
				    r->name);
		if (driver_has_lines(r) && !driver_line(r, i, line, sizeof line))
			build_error(b, r->place,
				    "[route %s]: backend '%s': {host} and {port} need "
				    "HOST:PORT, and "
				    "a line has up to %d bytes",
				    r->name, x->name, DRIVER_LINE_MAX - 1);
	}
}

void
driver_prove(struct build *b, const struct route *r)
{
	const struct place at = r->place;
	if (r->driver == DRIVERS) {
		if (!build_told(b, at, ""))
			build_error(
				b, at,
				"[route %s]: a driver is missing (switch, link, haproxy, "
				"varnish, apache, "
				"nginx, squid, run)",
				r->name);
		return;
	}
	if ((r->link || r->vcl) && r->all)
		build_error(b, at, "[route %s]: %s has one active backend, not all",
			    r->name, r->link ? "a link" : "vcl");
	if (!driver_has_lines(r) &&
	    (r->line != NULL || r->test.count > 0 || r->reload.count > 0))
		build_error(b, at,
			    "[route %s]: line, test and reload are for nginx and squid",
			    r->name);
	if (!driver_has_lines(r) && r->driver != DRIVER_RUN && r->user != NULL)
		build_error(b, at, "[route %s]: user is for run, nginx and squid",
			    r->name);
	if (r->slow_ms > 0 && r->driver != DRIVER_HAPROXY)
		build_error(b, at, "[route %s]: slow-start is for haproxy", r->name);
	if (r->line != NULL && strstr(r->line, "{backend}") == NULL &&
	    strstr(r->line, "{host}") == NULL)
		build_error(b, at, "[route %s]: line: {backend} or {host} is missing",
			    r->name);
	prove_backends(b, r);
}
