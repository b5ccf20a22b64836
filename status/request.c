/* What is asked for, and what is answered: the paths of the status socket. */
#include "status/server.h"

#include "base/clock.h"
#include "base/text.h"
#include "status/metrics.h"
#include "status/objects.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PATH_PARTS 5
#define KNOWN_MS 30000 /* monitord measures for those who look, and forgets them */

/* What every answer says of itself. */
static void
add_headers(struct MHD_Response *r, const char *type)
{
	MHD_add_response_header(r, "Content-Type", type);
	MHD_add_response_header(r, "Cache-Control", "no-store");
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
}

static enum MHD_Result
queue(struct client *c, unsigned code, const char *type, const char *allow, char *bytes,
      size_t size)
{
	if (bytes == NULL)
		return MHD_NO; /* out of memory: the connection is closed */
	struct MHD_Response *r =
		MHD_create_response_from_buffer(size, bytes, MHD_RESPMEM_MUST_FREE);
	if (r == NULL) {
		free(bytes);
		return MHD_NO;
	}
	add_headers(r, type);
	if (allow != NULL)
		MHD_add_response_header(r, "Allow", allow);
	if (c->last)
		MHD_add_response_header(r, "Connection", "close");
	enum MHD_Result queued = MHD_queue_response(c->connection, code, r);
	MHD_destroy_response(r);
	return queued;
}

enum MHD_Result
request_send(struct client *c, unsigned code, struct json *body)
{
	size_t size;
	json_raw(body, "\n", 1);
	char *bytes = json_end(body, &size);
	return queue(c, code, "application/json", NULL, bytes, size);
}

enum MHD_Result
request_send_bytes(struct client *c, unsigned code, char *bytes, size_t size)
{
	return queue(c, code, "application/json", NULL, bytes, size);
}

static void
error_json(struct json *j, const char *text)
{
	json_begin(j);
	json_open(j, '{');
	json_key_text(j, "error", text);
}

enum MHD_Result
request_error(struct client *c, unsigned code, const char *text)
{
	struct json j;
	error_json(&j, text);
	json_close(&j, '}');
	return request_send(c, code, &j);
}

enum MHD_Result
request_error_near(struct client *c, unsigned code, const char *text, const char *nearest)
{
	struct json j;
	error_json(&j, text);
	json_key_text(&j, "nearest", nearest);
	json_close(&j, '}');
	return request_send(c, code, &j);
}

static enum MHD_Result
not_so(struct client *c, const char *allow)
{
	struct json j;
	size_t size;
	char text[64];
	text_print(text, sizeof text, "only %s here", allow);
	error_json(&j, text);
	json_close(&j, '}');
	json_raw(&j, "\n", 1);
	char *bytes = json_end(&j, &size);
	return queue(c, 405, "application/json", allow, bytes, size);
}

/* ---- GET ---- */

/* The client has it already: "If-None-Match" names the tag (RFC 9110, 13.1.2). */
static bool
is_known(struct client *c, const char *tag)
{
	const char *known = MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND,
							"If-None-Match");
	return known != NULL && (strcmp(known, "*") == 0 || strstr(known, tag) != NULL);
}

static enum MHD_Result
send_unchanged(struct client *c, const char *tag)
{
	struct MHD_Response *r =
		MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	if (r == NULL)
		return MHD_NO;
	MHD_add_response_header(r, "ETag", tag);
	MHD_add_response_header(r, "Cache-Control", "no-cache");
	enum MHD_Result queued = MHD_queue_response(c->connection, 304, r);
	MHD_destroy_response(r);
	return queued;
}

static enum MHD_Result
send_status(struct client *c)
{
	struct server *s = c->server;
	char tag[64];
	whole_tag(&s->shelf, tag, sizeof tag);
	if (is_known(c, tag))
		return send_unchanged(c, tag);
	struct MHD_Response *r = whole_get(&s->whole, &s->store, &s->shelf);
	if (r == NULL) { /* the slowest reader gives way to the next who asks */
		client_cut_slowest(s, c);
		return request_error(c, 503, "too many read slowly: ask again");
	}
	if (MHD_get_response_header(r, "ETag") == NULL) {
		MHD_add_response_header(r, "Content-Type", "application/json");
		MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
		MHD_add_response_header(r, "Cache-Control", "no-cache");
		MHD_add_response_header(r, "ETag", tag);
	}
	return MHD_queue_response(c->connection, 200, r);
}

static enum MHD_Result
send_objects(struct client *c, enum object_kind kind, const char *name)
{
	const struct store *s = &c->server->store;
	uint32_t id = name != NULL ? store_find(s, kind, name) : 0;
	struct json j;
	char text[128];
	if (id == RULES_NONE) {
		text_print(text, sizeof text, "no such %s: %.64s", object_kind_name[kind],
			   name);
		return request_error_near(c, 404, text, store_nearest(s, kind, name));
	}
	json_begin(&j);
	if (name != NULL)
		shelf_write(&c->server->shelf, s, kind, id, &j);
	else
		objects_json(s, &c->server->shelf, kind, &j);
	return request_send(c, 200, &j);
}

/* How they are reached is nobody's business who only reads. */
static enum MHD_Result
send_contacts(struct client *c)
{
	const struct rules *r = c->server->store.rules;
	struct json j;
	json_begin(&j);
	json_open(&j, '[');
	for (uint32_t i = 0; i < r->contact_count; i++) {
		json_open(&j, '{');
		json_key_text(&j, "name", r->contacts[i].name);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	return request_send(c, 200, &j);
}

/* Those that are remembered at once; others, and those of a time, by the recorder. */
static enum MHD_Result
send_incidents(struct client *c, const char *id)
{
	const struct incidents *s = &c->server->store.incidents;
	uint64_t number = id != NULL ? strtoull(id, NULL, 10) : 0;
	struct json j;
	if (id == NULL && incidents_asked(c))
		return incidents_begin(c);
	if (id != NULL && !incidents_known(s, number))
		return number != 0 && c->server->history.recorder != NULL
			       ? incident_begin(c, number)
			       : request_error(c, 404, "no such incident");
	json_begin(&j);
	if (id == NULL)
		incidents_json(s, &j);
	else
		incidents_one(s, number, &j);
	return request_send(c, 200, &j);
}

static enum MHD_Result
send_metrics(struct client *c)
{
	struct json text;
	size_t size;
	struct recorder *recorder = c->server->history.recorder;
	struct recorder_state history;
	const char *accept =
		MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, "Accept");
	/* who asks for no format gets OpenMetrics */
	bool classic = accept != NULL && strstr(accept, "text/plain") != NULL &&
		       strstr(accept, "openmetrics") == NULL;
	if (recorder != NULL)
		recorder_state(recorder, &history);
	json_begin(&text);
	metrics_text(&c->server->store, recorder != NULL ? &history : NULL, classic,
		     &text);
	char *bytes = json_end(&text, &size);
	return queue(c, 200, classic ? METRICS_CLASSIC : METRICS_TYPE, NULL, bytes, size);
}

/* ---- paths ---- */

struct path {
	char bytes[512];
	const char *part[PATH_PARTS];
	size_t count; /* PATH_PARTS: too many */
};

static void
split(const char *url, struct path *p)
{
	char *rest = p->bytes;
	*p = (struct path){ .count = strlen(url) < sizeof p->bytes ? 0 : PATH_PARTS };
	text_print(p->bytes, sizeof p->bytes, "%s", url);
	for (char *part; p->count < PATH_PARTS && (part = strsep(&rest, "/")) != NULL;)
		if (*part != '\0')
			p->part[p->count++] = part;
}

static enum object_kind
kind_of(const char *plural)
{
	static const enum object_kind kinds[] = { OBJECT_SERVICE, OBJECT_CHECK,
						  OBJECT_ROUTE,   OBJECT_RULE,
						  OBJECT_CHAIN,   OBJECT_CONTACT };
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		size_t n = strlen(object_kind_name[kinds[i]]);
		if (strncmp(plural, object_kind_name[kinds[i]], n) == 0 &&
		    strcmp(plural + n, "s") == 0)
			return kinds[i];
	}
	return OBJECT_KINDS;
}

static enum MHD_Result
answer_v1(struct client *c, const struct path *p, bool get, bool post)
{
	const char *what = p->count > 1 ? p->part[1] : "",
		   *name = p->count > 2 ? p->part[2] : NULL;
	enum object_kind kind = kind_of(what);
	if (p->count == 2 && strcmp(what, "status") == 0)
		return get ? send_status(c) : not_so(c, "GET, HEAD");
	if (p->count == 2 && strcmp(what, "events") == 0)
		return get ? follow_begin(c) : not_so(c, "GET, HEAD");
	if (p->count == 2 && strcmp(what, "series") == 0)
		return get ? series_begin(c) : not_so(c, "GET, HEAD");
	if (p->count == 2 && strcmp(what, "availability") == 0)
		return get ? availability_begin(c) : not_so(c, "GET, HEAD");
	if (p->count == 2 && (strcmp(what, "reload") == 0 || strcmp(what, "rights") == 0))
		return post ? command_begin(c, OBJECT_MONITORD, "", what)
			    : not_so(c, "POST");
	if ((p->count == 2 || p->count == 3) && strcmp(what, "incidents") == 0)
		return get ? send_incidents(c, name) : not_so(c, "GET, HEAD");
	if (p->count == 4 && strcmp(what, "incidents") == 0 &&
	    strcmp(p->part[3], "ack") == 0)
		return post ? command_ack(c, name) : not_so(c, "POST");
	if (p->count == 2 &&
	    (strcmp(what, "silence") == 0 || strcmp(what, "unsilence") == 0))
		return post ? command_begin(c, OBJECT_MONITORD, "", what)
			    : not_so(c, "POST");
	if (kind == OBJECT_CONTACT && p->count == 2)
		return get ? send_contacts(c) : not_so(c, "GET, HEAD");
	if (kind != OBJECT_KINDS && p->count == 4)
		return post ? command_begin(c, kind, name, p->part[3])
			    : not_so(c, "POST");
	if (kind != OBJECT_KINDS && kind != OBJECT_CONTACT &&
	    (p->count == 2 || p->count == 3))
		return get ? send_objects(c, kind, name) : not_so(c, "GET, HEAD");
	return request_error(c, 404, "nothing is here");
}

/* A page of somebody else's, open in a browser of this host, reaches a TCP port of ours
 * by a name of its own: only addresses and names of this host are answered. */
static bool
host_is_ours(struct client *c)
{
	const char *host =
		MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, "Host");
	char name[256];
	struct in6_addr address;
	if (!c->tcp || host == NULL)
		return true;
	text_print(name, sizeof name, "%s", host[0] == '[' ? host + 1 : host);
	char *end = host[0] == '[' ? strchr(name, ']') : strrchr(name, ':');
	if (end != NULL)
		*end = '\0';
	return inet_pton(AF_INET, name, &address) == 1 ||
	       inet_pton(AF_INET6, name, &address) == 1 ||
	       strcasecmp(name, "localhost") == 0 ||
	       strcasecmp(name, c->server->store.host) == 0;
}

enum MHD_Result
request_answer(struct client *c, const char *url, const char *method)
{
	bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	struct path p;
	server_read_on(c->server);
	if (c->begun)
		return command_end(c);
	if (c->asked_history)
		return asked_end(c);
	if (c->strange != NULL)
		return request_error(c, 400, c->strange);
	if (c->body_over)
		return request_error(c, 413, "the body is larger than 64 KiB");
	if (!c->known && c->late)
		return request_error(c, 503,
				     "monitord does not say whether you may read");
	/* and that it looks still */
	if (!c->known || clock_ms() - c->known_ms > KNOWN_MS) {
		c->known = false;
		server_ask_who(c);
		return MHD_YES;
	}
	if (!c->may_read || !host_is_ours(c) ||
	    (c->tcp && c->server->store.rules->settings.http == NULL))
		return request_error(
			c, 403, "you may not read this: see read-group in the rule file");
	if (page_has(url))
		return get ? page_send(c, url) : not_so(c, "GET, HEAD");
	split(url, &p);
	if (p.count == 0)
		return request_error(c, 404, "nothing is here");
	if (p.count == 1 && strcmp(p.part[0], "metrics") == 0)
		return get ? send_metrics(c) : not_so(c, "GET, HEAD");
	if (strcmp(p.part[0], "v1") == 0)
		return answer_v1(c, &p, get, strcmp(method, "POST") == 0);
	return request_error(c, 404, "nothing is here");
}
