#include "status/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTION_BYTES                                                                 \
	32768u          /* MHD's memory for a connection: head and answer's frame */
#define SPARE 32        /* connections that MHD may hold until those cut off are closed */
#define STALL_S 30u     /* a client that takes no byte for so long is cut off */
#define IDLE_MS 15000   /* for a whole request to come */
#define ANSWER_MS 60000 /* for a whole answer to be taken */
#define WHO_MS 10000
#define COMMAND_MS 900000 /* the longest stop and start that anybody configures */
#define SWEEP_MS 1000

/* ---- MHD in our loop ---- */

static void on_timer(struct loop_timer *timer);

static void
run(struct listener *l)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;
	if (l->daemon == NULL)
		return;
	MHD_run(l->daemon);
	if (MHD_get_timeout(l->daemon, &wait_ms) == MHD_YES)
		loop_timer_start(l->server->helper.loop, &l->timer,
				 wait_ms < 60000 ? (int64_t)wait_ms : 60000, 0, on_timer,
				 l);
	else
		loop_timer_stop(&l->timer);
}

static void
on_timer(struct loop_timer *timer)
{
	run(timer->arg);
}

static void
on_ready(struct loop_io *io, unsigned events)
{
	(void)events;
	run(io->arg);
}

static void
before_sleep(void *arg)
{
	struct server *s = arg;
	if (!s->turn)
		return;
	s->turn = false;
	run(&s->listeners[0]);
	run(&s->listeners[1]);
}

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

/* ---- clients ---- */

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
	free(c);
}

static void
on_connection(void *arg, struct MHD_Connection *connection, void **context,
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
	c->body_over = c->busy = c->begun = c->done_set = c->late = false;
	if (c->since_ms != INT64_MAX)
		c->since_ms = clock_ms();
}

static void
on_completed(void *arg, struct MHD_Connection *connection, void **request,
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

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *connection, const char *url,
	   const char *method, const char *version, const char *upload,
	   size_t *upload_size, void **request)
{
	(void)arg;
	(void)version;
	struct client *c =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
			->socket_context;
	if (c == NULL)
		return MHD_NO;
	if (*request == NULL) { /* the head; the body follows */
		*request = c;
		return MHD_YES;
	}
	if (*upload_size > 0) {
		take_body(c, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	if (!c->busy && c->since_ms != INT64_MAX)
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
	case WAIT_EVENTS:
		break;
	}
	c->gone = hung_up(c);
	if (c->gone || c->late)
		client_resume(c);
}

static void
on_sweep(struct loop_timer *timer)
{
	struct server *s = timer->arg;
	int64_t now = clock_ms();
	for (struct client *c = s->clients; c != NULL; c = c->next)
		sweep_one(c, now);
}

/* ---- what monitord is asked ---- */

void
server_ask_who(struct client *c)
{
	struct msg_who who = { .token = c->server->token++ };
	c->token = who.token;
	c->unsent = helper_send_fd(&c->server->helper, MSG_WHO, &who, c->fd) != MSG_SENT;
	if (c->wait == WAIT_NONE)
		client_suspend(c, WAIT_WHO);
	c->wait = WAIT_WHO;
}

static struct client *
waiting(struct server *s, enum client_wait wait, uint64_t token)
{
	for (struct client *c = s->clients; c != NULL; c = c->next)
		if (c->wait == wait && c->token == token)
			return c;
	return NULL;
}

void
server_who_done(struct server *s, const struct msg_who_done *done)
{
	struct client *c = waiting(s, WAIT_WHO, done->token);
	if (c == NULL)
		return; /* it has left, or had an earlier life of ours */
	c->known = true;
	c->may_read = done->may_read != 0;
	client_resume(c);
}

void
server_command_done(struct server *s, const struct msg_command_done *done)
{
	struct client *c = waiting(s, WAIT_COMMAND, done->token);
	if (c == NULL)
		return;
	if (done->answer == ANSWER_REFUSED && !c->asked.again &&
	    c->asked.generation != s->helper.generation) {
		c->asked.again =
			true; /* the rules changed on the way, and the ids with them */
		c->unsent = !command_send(c);
		return;
	}
	c->done = *done;
	c->done.text[sizeof c->done.text - 1] = '\0';
	c->done_set = true;
	client_resume(c);
}

void
server_writable(struct server *s)
{
	for (struct client *c = s->clients; c != NULL && !s->helper.full; c = c->next)
		if (c->unsent && c->wait == WAIT_WHO)
			server_ask_who(c);
		else if (c->unsent && c->wait == WAIT_COMMAND)
			c->unsent = !command_send(c);
}

void
server_bell(struct server *s)
{
	struct journal_line line;
	while (s->journal != -1 &&
	       journal_next(&s->reader, s->last_event, &line) == JOURNAL_LINE)
		incidents_line(&s->store.incidents, &line);
	for (struct client *c = s->clients; c != NULL; c = c->next)
		if (c->wait == WAIT_EVENTS)
			client_resume(c);
}

/* ---- beginning ---- */

void
server_begin(struct server *s)
{
	s->journal = -1;
	s->token =
		(uint64_t)clock_ns(); /* answers to an earlier life of ours find nobody */
	for (unsigned i = 0; i < 2; i++) {
		s->listeners[i].server = s;
		s->listeners[i].tcp = i == 1;
	}
	loop_before_sleep(s->helper.loop, before_sleep, s);
	loop_timer_start(s->helper.loop, &s->sweep, SWEEP_MS, SWEEP_MS, on_sweep, s);
}

void
server_listen(struct server *s, unsigned which, int fd)
{
	struct listener *l = &s->listeners[which];
	if (l->daemon != NULL) {
		close(fd);
		return;
	}
	l->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL,
				     NULL, on_request, l, MHD_OPTION_LISTEN_SOCKET, fd,
				     MHD_OPTION_NOTIFY_CONNECTION, on_connection, l,
				     MHD_OPTION_NOTIFY_COMPLETED, on_completed, l,
				     MHD_OPTION_CONNECTION_LIMIT, CLIENTS_MAX + SPARE,
				     MHD_OPTION_CONNECTION_TIMEOUT, STALL_S,
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT,
				     (size_t)CONNECTION_BYTES, MHD_OPTION_END);
	if (l->daemon == NULL) {
		log_error("the HTTP server does not begin: %s", strerror(errno));
		exit(1); /* monitord begins us anew */
	}
	int ready = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	loop_io_start(s->helper.loop, &l->io, ready, LOOP_READ, on_ready, l);
	run(l);
}
