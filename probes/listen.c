/* listen: who listens on a TCP port of this host, and how full the accept queue is
 * (sock_diag(7)): one dump for all that asked before it began. */
#include "probes/look.h"

#include "base/clock.h"
#include "probes/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct listener {
	struct in6_addr address; /* IPv4 as ::ffff:… */
	uint16_t port;
	bool wide; /* :: that takes IPv4 as well */
	uint32_t backlog, limit;
};

static struct {
	pthread_mutex_t lock; /* of all below: looks run in many threads */
	int64_t taken_ns;     /* when the dump began, 0: never */
	int error;
	struct listener *list;
	size_t count, cap;
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct in6_addr
mapped(const void *ipv4)
{
	struct in6_addr a = IN6ADDR_ANY_INIT;
	a.s6_addr[10] = a.s6_addr[11] = 0xff;
	memcpy(&a.s6_addr[12], ipv4, 4);
	return a;
}

static void
take(void *arg, const struct nlmsghdr *m)
{
	const struct inet_diag_msg *d = NLMSG_DATA(m);
	int *error = arg;
	if (m->nlmsg_len < NLMSG_LENGTH(sizeof *d) || d->idiag_state != TCP_LISTEN)
		return;
	if (seen.count == seen.cap) {
		size_t cap = seen.cap == 0 ? 64 : seen.cap * 2;
		struct listener *list = realloc(seen.list, cap * sizeof *list);
		if (list == NULL) {
			*error = ENOMEM;
			return;
		}
		seen.list = list;
		seen.cap = cap;
	}
	struct listener *l = &seen.list[seen.count++];
	const unsigned char *only =
		netlink_attribute(d + 1, m->nlmsg_len - NLMSG_LENGTH(sizeof *d),
				  INET_DIAG_SKV6ONLY, 1);
	*l = (struct listener){ .port = ntohs(d->id.idiag_sport),
				.backlog = d->idiag_rqueue,
				.limit = d->idiag_wqueue };
	if (d->idiag_family == AF_INET)
		l->address = mapped(d->id.idiag_src);
	else
		memcpy(&l->address, d->id.idiag_src, sizeof l->address);
	l->wide = d->idiag_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&l->address) &&
		  (only == NULL || *only == 0);
}

static int
dump(int family)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 ask;
	} request = { .head = { .nlmsg_len = sizeof request,
				.nlmsg_type = SOCK_DIAG_BY_FAMILY,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		      .ask = { .sdiag_family = (unsigned char)family,
			       .sdiag_protocol = IPPROTO_TCP,
			       .idiag_states = 1u << TCP_LISTEN } };
	int memory = 0;
	int error = netlink_ask(NETLINK_SOCK_DIAG, &request.head, take, &memory);
	return error != 0 ? error : memory;
}

/* With the lock held. */
static int
look_at_all(int64_t asked_ns)
{
	if (seen.taken_ns >= asked_ns)
		return seen.error;
	seen.taken_ns = clock_ns();
	seen.count = 0;
	seen.error = dump(AF_INET);
	if (seen.error == 0)
		seen.error = dump(AF_INET6);
	if (seen.error == ENOENT) /* a kernel without IPv6 */
		seen.error = 0;
	return seen.error;
}

/* How well it fits: 0 not, 1 it listens for all addresses, 2 for this one. */
static unsigned
fits(const struct listener *l, const struct sight *s, const struct in6_addr *address)
{
	struct in6_addr any = mapped(&(struct in_addr){ .s_addr = INADDR_ANY });
	bool ipv4 = IN6_IS_ADDR_V4MAPPED(address);
	if (l->port != s->port)
		return 0;
	if (strcmp(s->path, "*") == 0 ||
	    memcmp(&l->address, address, sizeof *address) == 0)
		return 2;
	if (ipv4)
		return l->wide || memcmp(&l->address, &any, sizeof any) == 0;
	return IN6_IS_ADDR_UNSPECIFIED(&l->address) ? 1 : 0;
}

/* Several sockets may share an address (SO_REUSEPORT): their queues count together. */
static bool
sum(const struct sight *s, double *backlog, double *limit)
{
	struct in6_addr address = IN6ADDR_ANY_INIT;
	struct in_addr ipv4;
	unsigned best = 0;
	if (inet_pton(AF_INET, s->path, &ipv4) == 1)
		address = mapped(&ipv4);
	else
		inet_pton(AF_INET6, s->path, &address);
	for (size_t i = 0; i < seen.count; i++) {
		unsigned fit = fits(&seen.list[i], s, &address);
		if (fit == 0 || fit < best)
			continue;
		if (fit > best)
			*backlog = *limit = 0;
		best = fit;
		*backlog += seen.list[i].backlog;
		*limit += seen.list[i].limit;
	}
	return best > 0;
}

void
listen_look(struct sight *s)
{
	double backlog = 0, limit = 0;
	pthread_mutex_lock(&seen.lock);
	int error = look_at_all(s->began_ns);
	bool found = error == 0 && sum(s, &backlog, &limit);
	pthread_mutex_unlock(&seen.lock);
	if (error != 0) {
		sight_says(s, OUTCOME_UNKNOWN, "the kernel does not say: %s",
			   strerror(error));
		return;
	}
	if (!found) {
		sight_says(s, OUTCOME_BAD, "nobody listens on port %u there", s->port);
		return;
	}
	s->value[METRIC_BACKLOG] = backlog;
	s->value[METRIC_BACKLOG_LIMIT] = limit;
	s->value[METRIC_BACKLOG_PERCENT] = sight_percent(backlog, limit);
	sight_says(s, OUTCOME_GOOD, "%s", "");
}
