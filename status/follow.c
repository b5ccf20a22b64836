/* GET /v1/events: each reader has a cursor of its own in the journal, and one line. */
#include "status/server.h"

#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK 16384

struct follow {
	struct client *client;
	struct journal_reader reader;
	bool goes_on; /* follow=1 */
	bool stream;  /* as server-sent events, for a page */
	char *line;   /* what of a line is not sent yet */
	size_t length, sent;
};

static void
event_json(const struct journal_line *l, struct json *j)
{
	json_open(j, '{');
	json_key_id(j, "id", l->id);
	json_key_time(j, "time", l->real_ms);
	json_key_text(j, "kind", l->kind);
	json_key_text(j, "object", l->object);
	json_key_text(j, "rule", l->rule);
	json_key_id(j, "cause", l->cause);
	json_key_text(j, "text", l->text);
	json_key_text(j, "object_kind", l->object_kind);
	json_key_id(j, "incident", l->incident);
	json_key_text(j, "to", l->to);
	json_close(j, '}');
	json_raw(j, "\n", 1);
}

/* False: there is no other line now. */
static bool
next_line(struct follow *f)
{
	struct journal_line line;
	struct json j;
	char id[40];
	if (journal_next(&f->reader, f->client->server->last_event, &line) !=
	    JOURNAL_LINE)
		return false;
	json_begin(&j);
	if (f->stream)
		json_raw(&j, id,
			 text_print(id, sizeof id, "id: %" PRIu64 "\ndata: ", line.id));
	event_json(&line, &j);
	if (f->stream)
		json_raw(&j, "\n", 1); /* an event ends with an empty line */
	free(f->line);
	f->line = json_end(&j, &f->length);
	f->sent = 0;
	return true;
}

static ssize_t
read_events(void *arg, uint64_t position, char *out, size_t cap)
{
	struct follow *f = arg;
	size_t used = 0;
	(void)position;
	if (f->client == NULL || f->client->gone)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	while (used < cap) {
		if (f->sent == f->length && !next_line(f))
			break;
		if (f->line == NULL)
			return MHD_CONTENT_READER_END_WITH_ERROR;
		size_t n = f->length - f->sent < cap - used ? f->length - f->sent
							    : cap - used;
		memcpy(out + used, f->line + f->sent, n);
		f->sent += n;
		used += n;
	}
	if (used > 0)
		return (ssize_t)used;
	if (!f->goes_on)
		return MHD_CONTENT_READER_END_OF_STREAM;
	client_suspend(f->client, WAIT_EVENTS);
	return 0;
}

void
follow_tell(struct server *s)
{
	struct msg_follow m = { .on = 0 };
	for (const struct client *c = s->clients; c != NULL; c = c->next)
		m.on |= c->follow != NULL && c->follow->goes_on;
	if ((m.on != 0) != s->followed &&
	    helper_send(&s->helper, MSG_FOLLOW, &m, 1) == MSG_SENT)
		s->followed = m.on != 0;
}

static void
follow_free(void *arg)
{
	struct follow *f = arg;
	if (f->client != NULL && f->client->follow == f) {
		f->client->follow = NULL;
		follow_tell(f->client->server);
	}
	free(f->line);
	free(f);
}

void
follow_forget(struct client *c)
{
	if (c->follow == NULL)
		return;
	c->follow->client = NULL;
	c->follow = NULL;
	follow_tell(c->server);
}

static const char *
header(const struct client *c, const char *name)
{
	return MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, name);
}

/* A browser that connects again says which it saw last. */
static bool
since_of(struct client *c, uint64_t *since)
{
	const char *text = header(c, "Last-Event-ID");
	if (text == NULL)
		text = MHD_lookup_connection_value(c->connection, MHD_GET_ARGUMENT_KIND,
						   "since");
	char *end;
	*since = 0;
	if (text == NULL)
		return true;
	errno = 0;
	*since = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

static uint32_t
followers(const struct server *s)
{
	uint32_t n = 0;
	for (const struct client *c = s->clients; c != NULL; c = c->next)
		n += c->follow != NULL;
	return n;
}

enum MHD_Result
follow_begin(struct client *c)
{
	struct server *s = c->server;
	const char *on = MHD_lookup_connection_value(c->connection, MHD_GET_ARGUMENT_KIND,
						     "follow");
	uint64_t since;
	if (!since_of(c, &since))
		return request_error(c, 400, "since is not the id of an event");
	if (s->journal == -1)
		return request_error(c, 503, "the journal is not open yet");
	if (followers(s) >= FOLLOWERS_MAX)
		return request_error(c, 503, "too many follow the events already");
	struct follow *f = calloc(1, sizeof *f);
	if (f == NULL)
		return request_error(c, 503, "out of memory");
	f->client = c;
	const char *accept = header(c, "Accept");
	f->stream = accept != NULL && strstr(accept, "text/event-stream") != NULL;
	f->goes_on = f->stream || (on != NULL && strcmp(on, "0") != 0);
	f->reader = s->reader;
	f->reader.cursor = since;
	struct MHD_Response *r =
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_events, f,
						  follow_free);
	if (r == NULL) {
		free(f);
		return MHD_NO;
	}
	c->follow = f;
	follow_tell(s);
	MHD_add_response_header(r, "Content-Type",
				f->stream ? "text/event-stream" : "application/x-ndjson");
	MHD_add_response_header(r, "Cache-Control", "no-store");
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	enum MHD_Result queued = MHD_queue_response(c->connection, 200, r);
	MHD_destroy_response(r);
	return queued;
}
