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
#define RETRY_MS 1000      /* after nobody answered */
#define UNUSED_MS 86400000 /* then a name is forgotten */

struct name;
struct lookup {
	resolve_fn fn; /* NULL: cancelled */
	void *arg;
	uint16_t port;
	bool ended;   /* fn was called while resolve() had not returned */
	bool started; /* resolve() has returned */
	struct name *name;   /* whose list it is on; NULL: a query of its own */
	struct lookup *next;
};

struct name { /* of the rules */
	char *host;
	struct name *next;
	struct addresses found; /* ports are 0; count 0: never found */
	bool absent;            /* that is what was told last */
	bool asking;
	bool impatient; /* asking for so long that the old address serves */
	int64_t asked_ms, used_ms;
	struct lookup *waiting;
	struct loop_timer patience;
};
static struct name *names;

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
	if (inet_pton(AF_INET, host, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons(port);
		out->count = 1;
	} else if (inet_pton(AF_INET6, host, &a->v6.sin6_addr) == 1) {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons(port);
		out->count = 1;
	}
	if (out->count == 1)
		out->good_until_ms = INT64_MAX;
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

bool
resolve_servers(const char *list)
{
	return ares_set_servers_ports_csv(resolver.channel, list) == ARES_SUCCESS;
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

/* ---- names of the rules ---- */

static void
set_ports(struct addresses *a, uint16_t port)
{
	for (unsigned i = 0; i < a->count; i++)
		if (a->list[i].any.sa_family == AF_INET)
			a->list[i].v4.sin_port = htons(port);
		else
			a->list[i].v6.sin6_port = htons(port);
}

static void
tell(const struct name *n, struct lookup *l, enum resolved how, const char *why)
{
	struct addresses found = n->found;
	set_ports(&found, l->port);
	if (l->fn != NULL)
		l->fn(l->arg, how, &found, why);
}

/* Those who wait hear of it. */
static void
tell_all(struct name *n, enum resolved how, const char *why)
{
	struct lookup *all = n->waiting;
	n->waiting = NULL;
	for (struct lookup *l = all, *next; l != NULL; l = next) {
		next = l->next;
		tell(n, l, how, why);
		free(l);
	}
}

static void
on_patience(struct loop_timer *timer)
{
	struct name *n = timer->arg;
	n->impatient = true;
	if (n->found.count > 0)
		tell_all(n, RESOLVE_GOOD, "");
}

static void
on_name(void *arg, enum resolved how, const struct addresses *found, const char *why)
{
	struct name *n = arg;
	n->asking = n->impatient = false;
	loop_timer_stop(&n->patience);
	n->absent = how == RESOLVE_ABSENT;
	if (how == RESOLVE_GOOD)
		n->found = *found;
	else if (how == RESOLVE_ABSENT)
		n->found.count = 0;
	else if (n->found.count > 0) /* nobody answers: what was good serves still */
		how = RESOLVE_GOOD;
	tell_all(n, how, why);
}

static void
forget_unused(int64_t now)
{
	for (struct name **at = &names; *at != NULL;) {
		struct name *n = *at;
		if (n->asking || n->waiting != NULL || now - n->used_ms < UNUSED_MS) {
			at = &n->next;
			continue;
		}
		*at = n->next;
		loop_timer_stop(&n->patience);
		free(n->host);
		free(n);
	}
}

static struct name *
name_of(const char *host)
{
	struct name *n = names;
	while (n != NULL && strcmp(n->host, host) != 0)
		n = n->next;
	if (n != NULL)
		return n;
	forget_unused(clock_ms());
	n = calloc(1, sizeof *n);
	if (n == NULL || (n->host = strdup(host)) == NULL) {
		free(n);
		return NULL;
	}
	n->next = names;
	names = n;
	return n;
}

static void
ask(struct name *n, int64_t now)
{
	n->asking = true;
	n->impatient = false;
	n->asked_ms = now;
	loop_timer_start(resolver.loop, &n->patience, RESOLVE_PATIENCE_MS, 0, on_patience,
			 n);
	resolve(n->host, 0, on_name, n);
}

struct lookup *
resolve_name(const char *host, uint16_t port, resolve_fn fn, void *arg)
{
	int64_t now = clock_ms();
	struct name *n = name_of(host);
	struct lookup one = { .fn = fn, .arg = arg, .port = port }, *l;
	if (n == NULL) {
		fn(arg, RESOLVE_FAILED, NULL, "out of memory");
		return NULL;
	}
	n->used_ms = now;
	bool known = n->found.count > 0;
	if (known && (now < n->found.good_until_ms || n->impatient ||
		      (!n->asking && now - n->asked_ms < RETRY_MS &&
		       n->found.good_until_ms != 0))) {
		tell(n, &one, RESOLVE_GOOD, "");
		return NULL;
	}
	l = calloc(1, sizeof *l);
	if (l == NULL) {
		fn(arg, RESOLVE_FAILED, NULL, "out of memory");
		return NULL;
	}
	*l = one;
	l->name = n;
	l->next = n->waiting;
	n->waiting = l;
	if (!n->asking)
		ask(n, now);
	for (struct lookup *w = n->waiting; w != NULL; w = w->next)
		if (w == l)
			return l;
	return NULL; /* it was told already */
}

void
resolve_doubt(const char *host)
{
	for (struct name *n = names; n != NULL; n = n->next)
		if (strcmp(n->host, host) == 0)
			n->found.good_until_ms = 0;
}

void
resolve_cancel(struct lookup *l)
{
	if (l == NULL)
		return;
	l->fn = NULL;
	if (l->name == NULL)
		return; /* it ends with its query */
	struct lookup **at = &l->name->waiting;
	while (*at != NULL && *at != l)
		at = &(*at)->next;
	if (*at == l) { /* else it is being told right now */
		*at = l->next;
		free(l);
	}
}
