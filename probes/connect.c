/* How an exchange comes to its connection: the name's address, each address in turn, or a
 * socket that monitord opens. */
#include "probes/exchange.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Errors that are ours, not the peer's. */
static bool
ours(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM ||
	       error == ENOBUFS || error == EADDRNOTAVAIL || error == ESTALE;
}

/* ---- OPEN and OPENED ---- */

void
exchange_forget(struct exchange *x)
{
	if (x->awaited == 0)
		return;
	x->awaited = 0;
	for (struct exchange **at = &run_stream(x->run)->opening; *at != NULL;
	     at = &(*at)->next)
		if (*at == x) {
			*at = x->next;
			return;
		}
}

void
exchange_await(struct exchange *x, enum phase phase, unsigned count)
{
	struct stream *s = run_stream(x->run);
	exchange_phase(x, phase, NULL);
	x->token = ++s->token;
	x->awaited = count;
	x->next = s->opening;
	s->opening = x;
}

bool
exchange_ask_to_open(struct exchange *x, enum open_what what)
{
	struct stream *s = run_stream(x->run);
	struct msg_open open = { .what = what,
				 .id = x->run->plan.check->id,
				 .token = x->token };
	if (s->open(s, &open))
		return true;
	exchange_fail(x, OUTCOME_UNKNOWN, "the channel to monitord is full");
	return false;
}

void
stream_opened(struct stream *s, const struct msg_opened *o, int fd)
{
	struct exchange *x = s->opening;
	while (x != NULL && x->token != o->token)
		x = x->next;
	if (x != NULL)
		exchange_opened(x, o, fd);
	else if (fd != -1) /* its exchange has ended */
		close(fd);
}

/* ---- addresses ---- */

static bool
is_loopback(const union address *a)
{
	if (a->any.sa_family == AF_INET)
		return ntohl(a->v4.sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr);
}

/* The first that is said is plain, and ours. */
static bool
says_first(const struct exchange *x)
{
	const struct tls_wish *t = x->run->plan.check->more->tls;
	return x->run->plan.talks && x->elsewhere == NULL &&
	       (t == NULL || t->encrypt != ENCRYPT_TLS);
}

/* On loopback a connection stands, or is refused, when connect() returns: to send at once,
 * or to ask again, costs less than a turn of the loop. 0: it stands, -1: and the request is
 * out, else an errno. */
static int
try_connect(struct exchange *x, const union address *a)
{
	socklen_t size = a->any.sa_family == AF_INET ? sizeof a->v4 : sizeof a->v6;
	int error = connect(x->fd, &a->any, size) == 0 ? 0 : errno;
	if (error == EINPROGRESS && is_loopback(a)) {
		error = says_first(x) ? exchange_early(x) : EAGAIN;
		if (error == 0)
			return -1;
		if (error == EAGAIN)
			error = connect(x->fd, &a->any, size) == 0 ? 0 : errno;
	}
	return error == EALREADY ? EINPROGRESS : error;
}

static struct addresses *
addresses(struct exchange *x)
{
	return x->moved               ? &x->others
	       : x->elsewhere != NULL ? &x->elsewhere->addresses
				      : &x->addresses;
}

/* For people: which one is tried. */
static void
tell_address(struct exchange *x, const union address *a)
{
	char host[INET6_ADDRSTRLEN] = "", text[INET6_ADDRSTRLEN + 16];
	bool v4 = a->any.sa_family == AF_INET;
	if (run_stream(x->run)->phase == NULL)
		return;
	inet_ntop(a->any.sa_family,
		  v4 ? (const void *)&a->v4.sin_addr : (const void *)&a->v6.sin6_addr,
		  host, sizeof host);
	text_print(text, sizeof text, v4 ? "%s:%u" : "[%s]:%u", host,
		   ntohs(v4 ? a->v4.sin_port : a->v6.sin6_port));
	exchange_phase(x, PHASE_CONNECT, text);
}

/* TLS and HTTP/2 have their own ways to end; and what connect(2) does to a socket for some
 * addresses stays with it: the interface of a link, the functions of IPv4. */
static bool
may_use_again(const struct exchange *x, const union address *a)
{
	const struct check *c = x->run->plan.check;
	const struct tls_wish *t = c->more->tls;
	const struct in6_addr *v6 = &a->v6.sin6_addr;
	if (a->any.sa_family == AF_INET6 &&
	    (IN6_IS_ADDR_V4MAPPED(v6) || IN6_IS_ADDR_LINKLOCAL(v6) ||
	     a->v6.sin6_scope_id != 0))
		return false;
	return exchange_is_stream(x) && x->elsewhere == NULL && !kind_table[c->kind].h2 &&
	       (t == NULL || t->encrypt != ENCRYPT_TLS);
}

static int
open_socket(struct exchange *x, const union address *a)
{
	int family = a->any.sa_family;
	const int options = SOCK_NONBLOCK | SOCK_CLOEXEC;
	if (may_use_again(x, a)) {
		x->socket =
			sockets_take(&run_stream(x->run)->sockets, family == AF_INET6, x);
		if (x->socket != NULL || errno != ENOSYS)
			return x->socket != NULL ? x->socket->fd : -1;
	}
	if (x->run->plan.check->kind == CHECK_PING)
		return socket(family, SOCK_DGRAM | options,
			      family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
	return socket(family,
		      (exchange_is_stream(x) ? SOCK_STREAM : SOCK_DGRAM) | options, 0);
}

/* Hosts may keep pings for root (net.ipv4.ping_group_range): monitord lends a socket. */
static bool
may_not_ping(const struct exchange *x, int error)
{
	return x->run->plan.check->kind == CHECK_PING &&
	       (error == EACCES || error == EPERM || error == EPROTONOSUPPORT);
}

/* Tries the next address; error: why the one before failed, 0: there was none. */
static void
connect_next(struct exchange *x, int error)
{
	struct addresses *all = addresses(x);
	char at[110];
	while (x->address < all->count) {
		const union address *a = &all->list[x->address++];
		tell_address(x, a);
		exchange_watch(x, 0);
		exchange_drop(x);
		x->fd = open_socket(x, a);
		if (x->fd == -1 && may_not_ping(x, errno)) {
			x->address--;
			exchange_await(x, PHASE_OPEN, 1);
			exchange_ask_to_open(x, a->any.sa_family == AF_INET
							? OPEN_CHECK_PING4
							: OPEN_CHECK_PING6);
			return;
		}
		error = x->fd == -1 ? errno : try_connect(x, a);
		if (error == -1)
			return;
		if (error == 0) {
			exchange_connected(x);
			return;
		}
		if (error == EINPROGRESS) {
			exchange_watch(x, LOOP_WRITE);
			return;
		}
	}
	if (all == &x->addresses && all->good_until_ms != INT64_MAX)
		resolve_doubt(exchange_host(x));
	x->silent = exchange_host(x) != NULL && error != ECONNREFUSED;
	exchange_fail(x, ours(error) ? OUTCOME_UNKNOWN : OUTCOME_BAD,
		      "no connection to %s: %s", exchange_place(x, at, sizeof at),
		      strerror(error));
}

void
exchange_connect_io(struct exchange *x)
{
	int error = 0;
	socklen_t size = sizeof error;
	getsockopt(x->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (error != 0)
		connect_next(x, error);
	else
		exchange_connected(x);
}

static void
start_connect(struct exchange *x)
{
	const struct check *c = x->run->plan.check;
	x->address = 0;
	x->phase = PHASE_CONNECT;
	if (c->connect_timeout_ms > 0 && !x->moved && x->elsewhere == NULL)
		exchange_arm(x, c->connect_timeout_ms);
	connect_next(x, 0);
}

static void
on_resolved(void *arg, enum resolved how, const struct addresses *found, const char *why)
{
	struct exchange *x = arg;
	struct addresses *all = addresses(x);
	x->lookup = NULL;
	if (how != RESOLVE_GOOD) {
		exchange_fail(x, how == RESOLVE_ABSENT ? OUTCOME_BAD : OUTCOME_UNKNOWN,
			      "%.60s: %s", exchange_host(x), why);
		return;
	}
	*all = *found;
	start_connect(x);
}

void
exchange_move(struct exchange *x)
{
	exchange_watch(x, 0);
	exchange_drop(x);
	x->address = 0;
	x->streamed = true;
	exchange_arm(x, x->run->plan.check->timeout_ms); /* it was to be asked again */
	if (x->reply.host == NULL) {                     /* the same peer */
		start_connect(x);
		return;
	}
	x->moved = true;
	x->others.count = 0;
	exchange_phase(x, PHASE_RESOLVE, x->reply.host);
	struct lookup *l = resolve(x->reply.host, x->reply.port, on_resolved, x);
	if (l != NULL)
		x->lookup = l;
}

void
exchange_resolve(struct exchange *x)
{
	const struct check *c = x->run->plan.check;
	x->addresses.count = 0;
	if (c->host == NULL) {
		exchange_await(x, PHASE_OPEN, 1);
		exchange_ask_to_open(x, OPEN_CHECK_SOCKET);
	} else if (resolve_literal(c->host, c->port, &x->addresses)) {
		start_connect(x);
	} else {
		exchange_phase(x, PHASE_RESOLVE, c->host);
		struct lookup *l = resolve_name(c->host, c->port, on_resolved, x);
		if (l != NULL)
			x->lookup = l;
	}
}

void
exchange_go(struct exchange *x)
{
	static const struct blob none[CHECK_FILES];
	struct elsewhere *e = x->elsewhere;
	struct run *r = x->run;
	char why[MSG_TEXT];
	exchange_watch(x, 0);
	exchange_close(x, true);
	if (e->hop.tls && r->tls == NULL)
		r->tls = tls_peer_new(r->plan.check,
				      r->files != NULL ? r->files->of : none, why);
	if (e->hop.tls && r->tls == NULL) {
		exchange_fail(x, OUTCOME_UNKNOWN, "%s", why);
		return;
	}
	if (resolve_literal(e->hop.host, e->hop.port, &e->addresses)) {
		start_connect(x);
		return;
	}
	exchange_phase(x, PHASE_RESOLVE, e->hop.host);
	struct lookup *l = resolve(e->hop.host, e->hop.port, on_resolved, x);
	if (l != NULL)
		x->lookup = l;
}

static void
socket_opened(struct exchange *x, const struct msg_opened *o, int fd)
{
	char at[110];
	int error = o->error != 0 ? o->error : fd == -1 ? EIO : 0;
	exchange_forget(x);
	exchange_phase(x, PHASE_CONNECT, NULL);
	if (error != 0) {
		exchange_fail(x, ours(error) ? OUTCOME_UNKNOWN : OUTCOME_BAD,
			      "no connection to %s: %s", exchange_place(x, at, sizeof at),
			      error == EAGAIN ? "its accept queue is full"
					      : strerror(error));
		return;
	}
	x->fd = fd;
	if (x->run->plan.check->host == NULL) {
		exchange_connected(x);
		return;
	}
	error = try_connect(x, &addresses(x)->list[x->address++]); /* a ping's */
	if (error == 0)
		exchange_connected(x);
	else
		connect_next(x, error);
}

void
exchange_opened(struct exchange *x, const struct msg_opened *o, int fd)
{
	if (x->phase == PHASE_FILES)
		exchange_file_opened(x, o, fd);
	else
		socket_opened(x, o, fd);
}
