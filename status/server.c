#include "status/server.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTION_BYTES                                                                 \
	32768u      /* MHD's memory for a connection: head and answer's frame */
#define SPARE 32    /* connections that MHD may hold until those cut off are closed */
#define STALL_S 30u /* a client that takes no byte for so long is cut off */

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
	c->known_ms = clock_ms();
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
	follow_tell(s);
	for (struct client *c = s->clients; c != NULL && !s->helper.full; c = c->next)
		if (c->unsent && c->wait == WAIT_WHO)
			server_ask_who(c);
		else if (c->unsent && c->wait == WAIT_COMMAND)
			c->unsent = !command_send(c);
}

void
server_read_on(struct server *s)
{
	struct journal_line line;
	while (s->journal != -1 &&
	       journal_next(&s->reader, s->last_event, &line) == JOURNAL_LINE)
		incidents_line(&s->store.incidents, &line);
}

/* The lines are read when somebody asks, or long before they are overwritten. */
void
server_bell(struct server *s)
{
	if (s->journal != -1 && s->last_event - s->reader.cursor > s->reader.slots / 8)
		server_read_on(s);
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
}

static int
digit_of(char c)
{
	return c >= '0' && c <= '9'                 ? c - '0'
	       : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
						    : -1;
}

/* %HH in place, but no NUL: what stands behind it would not be read, and another object
 * than the one that was asked for would answer. */
static size_t
unescape(void *arg, struct MHD_Connection *connection, char *text)
{
	char *to = text;
	(void)arg;
	(void)connection;
	for (const char *from = text; *from != '\0';) {
		int high = *from == '%' ? digit_of(from[1]) : -1;
		int low = high >= 0 ? digit_of(from[2]) : -1;
		bool decoded = low >= 0 && (high | low) != 0;
		*to++ = (char)(decoded ? high << 4 | low : *from);
		from += decoded ? 3 : 1;
	}
	*to = '\0';
	return (size_t)(to - text);
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
				     NULL, client_request, l, MHD_OPTION_LISTEN_SOCKET,
				     fd, MHD_OPTION_NOTIFY_CONNECTION, client_connection,
				     l, MHD_OPTION_NOTIFY_COMPLETED, client_completed, l,
				     MHD_OPTION_URI_LOG_CALLBACK, client_address, l,
				     MHD_OPTION_CONNECTION_LIMIT, CLIENTS_MAX + SPARE,
				     MHD_OPTION_CONNECTION_TIMEOUT, STALL_S,
				     MHD_OPTION_UNESCAPE_CALLBACK, unescape, NULL,
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

void
server_unlisten(struct server *s, unsigned which)
{
	struct listener *l = &s->listeners[which];
	if (l->daemon == NULL)
		return;
	for (struct client *c = s->clients; c != NULL; c = c->next)
		if (c->tcp == l->tcp) { /* MHD does not end while one is suspended */
			c->gone = true;
			client_resume(c);
		}
	MHD_run(l->daemon);
	loop_io_stop(&l->io);
	loop_timer_stop(&l->timer);
	MHD_stop_daemon(l->daemon);
	l->daemon = NULL;
}
