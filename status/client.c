/* Clients: their places, their requests' bytes, and their deadlines. */
#include "status/framing.h"
#include "status/server.h"

#include "base/clock.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define SWEEP_MS 1000
#define IDLE_MS 15000   /* for a whole request to come */
#define ANSWER_MS 60000 /* for a whole answer to be taken */
#define WHO_MS 10000
#define ARGUMENTS_MAX 32 /* of an address; nothing of ours takes more than five */
#define HISTORY_MS 15000
#define COMMAND_MS 900000 /* the longest stop and start that anybody configures */

void
client_suspend(struct client *c, enum client_wait wait)
{
	c->wait = wait;
	c->since_ms = clock_ms();
	MHD_suspend_connection(c->connection);
}

void
client_resume(struct client *c)
{
	if (c->wait == WAIT_NONE)
		return;
	c->wait = WAIT_NONE;
	c->unsent = false;
	c->since_ms = clock_ms();
	c->server->turn = true;
	MHD_resume_connection(c->connection);
}

static void
cut_off(struct client *c)
{
	shutdown(c->fd, SHUT_RDWR); /* MHD sees the end and closes */
	c->since_ms = INT64_MAX;    /* once is enough */
}

/* The one that has kept its place longest without asking for anything; of one user or
 * all. */
static struct client *
idlest(struct server *s, const struct client *of_user)
{
	struct client *found = NULL;
	for (struct client *c = s->clients; c != NULL; c = c->next)
		if (!c->busy && c != of_user && c->since_ms != INT64_MAX &&
		    (of_user == NULL ||
		     (c->uid == of_user->uid && c->tcp == of_user->tcp)) &&
		    (found == NULL || c->since_ms < found->since_ms))
			found = c;
	return found;
}

void
client_cut_slowest(struct server *s, const struct client *except)
{
	struct client *found = NULL;
	for (struct client *c = s->clients; c != NULL; c = c->next)
		if (c->busy && c != except && c->wait == WAIT_NONE && c->follow == NULL &&
		    c->since_ms != INT64_MAX &&
		    (found == NULL || c->since_ms < found->since_ms))
			found = c;
	if (found != NULL)
		cut_off(found);
}

static uint32_t
count_user(const struct server *s, const struct client *of)
{
	uint32_t n = 0;
	for (const struct client *c = s->clients; c != NULL; c = c->next)
		n += c->uid == of->uid && c->tcp == of->tcp && c->since_ms != INT64_MAX;
	return n;
}

/* Too many: who only holds a place gives way; nobody does: the newcomer goes. */
static void
make_room(struct server *s, struct client *c)
{
	bool user_full = (c->uid != 0 || c->tcp) && count_user(s, c) > CLIENTS_OF_USER;
	if (!user_full && s->client_count <= CLIENTS_MAX)
		return;
	struct client *victim = idlest(s, user_full ? c : NULL);
	cut_off(victim != NULL ? victim : c);
}

static void
client_new(struct listener *l, struct MHD_Connection *connection, void **context)
{
	struct server *s = l->server;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct client *c = calloc(1, sizeof *c);
	struct ucred peer;
	socklen_t size = sizeof peer;
	*context = c;
	if (c == NULL) {
		shutdown(info->connect_fd, SHUT_RDWR);
		return;
	}
	c->server = s;
	c->connection = connection;
	c->fd = info->connect_fd;
	c->tcp = l->tcp;
	c->uid = (uid_t)-1;
	if (!l->tcp && getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
		c->uid = peer.uid;
	c->since_ms = clock_ms();
	c->next = s->clients;
	s->clients = c;
	s->client_count++;
	if (!loop_timer_active(&s->sweep)) /* nobody there: nothing wakes us */
		loop_timer_start(s->helper.loop, &s->sweep, SWEEP_MS, SWEEP_MS,
				 client_sweep, s);
	make_room(s, c);
}

static void
client_free(struct client *c)
{
	struct client **at = &c->server->clients;
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	c->server->client_count--;
	follow_forget(c);
	free(c->body);
	free(c->answer);
	free(c);
}

void
client_connection(void *arg, struct MHD_Connection *connection, void **context,
		  enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		client_new(arg, connection, context);
	else if (*context != NULL)
		client_free(*context);
}

static void
forget_request(struct client *c)
{
	free(c->body);
	c->body = NULL;
	c->body_size = 0;
	free(c->answer);
	c->answer = NULL;
	c->asked_history = false;
	c->body_over = c->busy = c->begun = c->done_set = c->late = c->missing = false;
	if (c->since_ms != INT64_MAX)
		c->since_ms = clock_ms();
}

void
client_completed(void *arg, struct MHD_Connection *connection, void **request,
		 enum MHD_RequestTerminationCode code)
{
	(void)arg;
	(void)connection;
	(void)code;
	if (*request != NULL)
		forget_request(*request);
}

static void
take_body(struct client *c, const char *bytes, size_t size)
{
	if (c->body == NULL)
		c->body = malloc(REQUEST_BYTES + 1);
	if (c->body == NULL || size > REQUEST_BYTES - c->body_size) {
		c->body_over = true;
		return;
	}
	memcpy(c->body + c->body_size, bytes, size);
	c->body_size += size;
	c->body[c->body_size] = '\0';
}

static struct client *
client_of(struct MHD_Connection *connection)
{
	return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
		->socket_context;
}

/* The address as it came, before MHD looks into it. Each argument takes of the memory that
 * the answer needs too, so many of them are joined to one, and the request is refused. */
void *
client_address(void *arg, const char *uri, struct MHD_Connection *connection)
{
	struct client *c = client_of(connection);
	unsigned arguments = 0;
	(void)arg;
	if (c == NULL)
		return NULL;
	c->uri_end = uri + strlen(uri);
	c->strange = NULL;
	for (char *p = (char *)(uintptr_t)uri; *p != '\0'; p++) /* MHD's own memory */
		if (*p == '&' && ++arguments > ARGUMENTS_MAX) {
			*p = '+';
			c->strange = "too many arguments";
		}
	return NULL;
}

/* MHD ends an address where a NUL stands in it, and goes on behind it. */
static bool
has_nul(const struct client *c, const char *version)
{
	uintptr_t end = (uintptr_t)c->uri_end, next = (uintptr_t)version;
	return next > end + 1 && next - end < REQUEST_BYTES;
}

enum MHD_Result
client_request(void *arg, struct MHD_Connection *connection, const char *url,
	       const char *method, const char *version, const char *upload,
	       size_t *upload_size, void **request)
{
	(void)arg;
	struct client *c = client_of(connection);
	if (c == NULL || c->since_ms == INT64_MAX)
		return MHD_NO;  /* what a client sent before it was cut off is not done */
	if (*request == NULL) { /* the head; the body follows */
		*request = c;
		unsigned code;
		const char *fault = framing_fault(connection, REQUEST_BYTES, &code);
		if (has_nul(c, version))
			c->strange = "a NUL in the address";
		c->last = fault != NULL;
		return c->last ? request_error(c, code, fault) : MHD_YES;
	}
	if (*upload_size > 0) {
		take_body(c, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	if (!c->busy)
		c->since_ms = clock_ms();
	c->busy = true;
	return c->gone ? MHD_NO : request_answer(c, url, method);
}

/* ---- deadlines ---- */

/* A suspended connection is not read from: whether its client still waits is asked here.
 */
static bool
hung_up(const struct client *c)
{
	/* over TCP a client that closed looks like one that will send no more */
	struct pollfd p = { .fd = c->fd, .events = c->tcp ? POLLRDHUP : 0 };
	return poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR | POLLRDHUP)) != 0;
}

static void
sweep_one(struct client *c, int64_t now)
{
	int64_t waited = now - c->since_ms;
	if (c->since_ms == INT64_MAX)
		return;
	switch (c->wait) {
	case WAIT_NONE:
		if (waited > (c->busy ? ANSWER_MS : IDLE_MS) && c->follow == NULL)
			cut_off(c);
		return;
	case WAIT_WHO:
		c->late = waited > WHO_MS;
		break;
	case WAIT_COMMAND:
		c->late = waited > COMMAND_MS;
		break;
	case WAIT_HISTORY:
		c->late = waited > HISTORY_MS;
		break;
	case WAIT_EVENTS:
		break;
	}
	c->gone = hung_up(c);
	if (c->gone || c->late)
		client_resume(c);
}

void
client_sweep(struct loop_timer *timer)
{
	struct server *s = timer->arg;
	int64_t now = clock_ms();
	for (struct client *c = s->clients; c != NULL; c = c->next)
		sweep_one(c, now);
	if (s->clients == NULL)
		loop_timer_stop(&s->sweep);
}
