#include "probes/resolve.h"

#include "base/clock.h"

#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#define SOCKETS 64
#define TTL_MIN_S 1
#define TTL_MAX_S 60
#define TRY_MS 500

struct lookup {
	resolve_fn fn; /* NULL: cancelled */
	void *arg;
	uint16_t port;
	bool ended;   /* fn was called while resolve() had not returned */
	bool started; /* resolve() has returned */
};

static struct {
	struct loop *loop;
	ares_channel channel;
	struct {
		struct loop_io io;
		int fd; /* -1: free */
	} sockets[SOCKETS];
	struct loop_timer timer;
} resolver;

static void arm(void);

static void
on_socket(struct loop_io *io, unsigned events)
{
	int fd = *(int *)io->arg;
	ares_process_fd(resolver.channel,
			(events & LOOP_READ) != 0 ? fd : ARES_SOCKET_BAD,
			(events & LOOP_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
	arm();
}

static void
on_timer(struct loop_timer *timer)
{
	(void)timer;
	ares_process_fd(resolver.channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	arm();
}

static void
arm(void)
{
	struct timeval tv, *left = ares_timeout(resolver.channel, NULL, &tv);
	if (left == NULL)
		loop_timer_stop(&resolver.timer);
	else
		loop_timer_start(resolver.loop, &resolver.timer,
				 (int64_t)left->tv_sec * 1000 + left->tv_usec / 1000 + 1,
				 0, on_timer, NULL);
}

/* Where this descriptor is kept; -1: a free place. */
static int
socket_of(int fd)
{
	for (int i = 0; i < SOCKETS; i++)
		if (resolver.sockets[i].fd == fd)
			return i;
	return -1;
}

static void
on_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	(void)arg;
	int at = socket_of(fd);
	if (at == -1)
		at = socket_of(-1);
	if (at == -1)
		return; /* more sockets than there are servers: the lookup times out */
	loop_io_stop(&resolver.sockets[at].io);
	resolver.sockets[at].fd = -1;
	if (!readable && !writable)
		return;
	resolver.sockets[at].fd = fd;
	loop_io_start(resolver.loop, &resolver.sockets[at].io, fd,
		      (readable ? LOOP_READ : 0u) | (writable ? LOOP_WRITE : 0u),
		      on_socket, &resolver.sockets[at].fd);
}

bool
resolve_begin(struct loop *loop)
{
	struct ares_options o = { .timeout = TRY_MS,
				  .tries = 2,
				  .sock_state_cb = on_state };
	resolver.loop = loop;
	for (int i = 0; i < SOCKETS; i++)
		resolver.sockets[i].fd = -1;
	return ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS &&
	       ares_init_options(&resolver.channel, &o,
				 ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					 ARES_OPT_SOCK_STATE_CB) == ARES_SUCCESS;
}

bool
resolve_literal(const char *host, uint16_t port, struct addresses *out)
{
	union address *a = &out->list[0];
	memset(out, 0, sizeof *out);
	out->good_until_ms = INT64_MAX;
	if (inet_pton(AF_INET, host, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(port);
		out->count = 1;
	} else if (inet_pton(AF_INET6, host, &a->v6.sin6_addr) == 1) {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons(port);
		out->count = 1;
	}
	return out->count == 1;
}

static void
collect(const struct ares_addrinfo *found, uint16_t port, struct addresses *out)
{
	int ttl = TTL_MAX_S;
	for (const struct ares_addrinfo_node *n = found->nodes;
	     n != NULL && out->count < ADDRESSES; n = n->ai_next) {
		union address *a = &out->list[out->count];
		if (n->ai_addrlen > sizeof *a ||
		    (n->ai_family != AF_INET && n->ai_family != AF_INET6))
			continue;
		memcpy(a, n->ai_addr, n->ai_addrlen);
		if (n->ai_family == AF_INET)
			a->v4.sin_port = htons(port);
		else
			a->v6.sin6_port = htons(port);
		out->count++;
		if (n->ai_ttl < ttl)
			ttl = n->ai_ttl;
	}
	out->good_until_ms = clock_ms() + (ttl > TTL_MIN_S ? ttl : TTL_MIN_S) * 1000;
}

static void
on_found(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
	struct lookup *l = arg;
	struct addresses out = { .count = 0 };
	enum resolved how = status == ARES_ENOTFOUND || status == ARES_ENODATA
				    ? RESOLVE_ABSENT
				    : RESOLVE_FAILED;
	(void)timeouts;
	if (status == ARES_SUCCESS) {
		collect(found, l->port, &out);
		how = out.count > 0 ? RESOLVE_GOOD : RESOLVE_ABSENT;
	}
	if (found != NULL)
		ares_freeaddrinfo(found);
	if (l->fn != NULL)
		l->fn(l->arg, how, &out, ares_strerror(status));
	l->ended = true;
	if (l->started)
		free(l);
}

struct lookup *
resolve(const char *host, uint16_t port, resolve_fn fn, void *arg)
{
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC,
					     .ai_socktype = SOCK_STREAM };
	struct lookup *l = calloc(1, sizeof *l);
	if (l == NULL) {
		fn(arg, RESOLVE_FAILED, NULL, "out of memory");
		return NULL;
	}
	*l = (struct lookup){ .fn = fn, .arg = arg, .port = port };
	ares_getaddrinfo(resolver.channel, host, NULL, &hints, on_found, l);
	arm();
	l->started = true;
	if (!l->ended)
		return l;
	free(l);
	return NULL;
}

void
resolve_cancel(struct lookup *l)
{
	if (l != NULL)
		l->fn = NULL;
}
