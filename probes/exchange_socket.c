/* What an exchange speaks over: watched, taken from those that are used again, given back. */
#include "probes/exchange.h"

#include <sys/socket.h>
#include <unistd.h>

void
exchange_watch(struct exchange *x, unsigned events)
{
	if (x->watched == events)
		return;
	x->watched = events;
	if (x->socket != NULL)
		return;
	if (events == 0)
		loop_io_stop(&x->io);
	else
		loop_io_start(run_stream(x->run)->loop, &x->io, x->fd, events,
			      exchange_io, x);
}

void
exchange_own(struct exchange *x)
{
	unsigned events = x->watched;
	if (x->socket == NULL)
		return;
	sockets_part(&run_stream(x->run)->sockets, x->socket);
	x->socket = NULL;
	x->watched = 0;
	exchange_watch(x, events);
}

void
exchange_drop(struct exchange *x)
{
	if (x->socket != NULL)
		sockets_close(&run_stream(x->run)->sockets, x->socket);
	else if (x->fd != -1)
		close(x->fd);
	x->socket = NULL;
	x->fd = -1;
}

/* The same reset, but the socket serves the next one. */
static bool
keep(struct exchange *x)
{
	if (x->phase != PHASE_EXCHANGE || x->reply.ended ||
	    !sockets_keep(&run_stream(x->run)->sockets, x->socket))
		return false;
	x->socket = NULL;
	x->fd = -1;
	return true;
}

/* Without TLS a reset: no TIME_WAIT is left behind, however many checks there are; TLS
 * and Unix sockets close as peers expect it. */
void
exchange_close(struct exchange *x, bool good)
{
	static const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
	bool kind = x->ssl != NULL && good;
	h2_free(&x->h2);
	tls_close(&x->ssl, good);
	if (x->fd == -1 || (good && x->socket != NULL && keep(x)))
		return;
	if (!kind && x->run->plan.check->host != NULL && !x->reply.ended)
		setsockopt(x->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
	exchange_drop(x);
}
