/* network: a link of this host: is it up, what goes through it (rtnetlink(7)). */
#include "probes/look.h"

#include "base/clock.h"
#include "base/text.h"
#include "probes/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IN, OUT, BROKEN, COUNTERS }; /* of s->before */

struct link {
	bool found;
	unsigned flags; /* IFF_… */
	struct rtnl_link_stats64 stats;
};

static void
take_link(void *arg, const struct nlmsghdr *m)
{
	struct link *l = arg;
	const struct ifinfomsg *info = NLMSG_DATA(m);
	if (m->nlmsg_type != RTM_NEWLINK || m->nlmsg_len < NLMSG_LENGTH(sizeof *info))
		return;
	const void *stats =
		netlink_attribute(IFLA_RTA(info), IFLA_PAYLOAD(m), IFLA_STATS64,
				  offsetof(struct rtnl_link_stats64, rx_nohandler));
	l->found = true;
	l->flags = info->ifi_flags;
	if (stats != NULL)
		memcpy(&l->stats, stats,
		       offsetof(struct rtnl_link_stats64, rx_nohandler));
}

static int
ask(const char *name, struct link *l)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
		struct rtattr attribute;
		char name[IFNAMSIZ];
	} request = { .head = { .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST },
		      .attribute = { .rta_type = IFLA_IFNAME } };
	size_t n = text_print(request.name, sizeof request.name, "%s", name) + 1;
	request.attribute.rta_len = (unsigned short)RTA_LENGTH(n);
	request.head.nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof request.info) +
					    RTA_ALIGN(request.attribute.rta_len));
	return netlink_ask(NETLINK_ROUTE, &request.head, take_link, l);
}

/* Bytes per second each way; 0: it is not known (virtual links have none). */
static double
speed_of(const char *name)
{
	char path[64], text[32] = "";
	text_print(path, sizeof path, "/sys/class/net/%s/speed", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd != -1 ? read(fd, text, sizeof text - 1) : 0;
	if (fd != -1)
		close(fd);
	double megabits = n > 0 ? strtod(text, NULL) : 0;
	return megabits > 0 ? megabits * 1e6 / 8 : 0;
}

static void
look_at_rates(struct sight *s, const struct rtnl_link_stats64 *stats)
{
	int64_t now_ns = clock_ns();
	double seconds = (double)(now_ns - s->before_ns) / 1e9, speed = speed_of(s->path);
	uint64_t now[COUNTERS] = { [IN] = stats->rx_bytes,
				   [OUT] = stats->tx_bytes,
				   [BROKEN] = stats->rx_errors + stats->tx_errors };
	double since[COUNTERS];
	for (unsigned i = 0; i < COUNTERS; i++) /* less than before: another link */
		since[i] = now[i] > s->before[i] ? (double)(now[i] - s->before[i]) : 0;
	if (speed > 0)
		s->value[METRIC_SPEED] = speed;
	if (s->before_ns != 0 && seconds > 0) {
		s->value[METRIC_RECEIVE] = since[IN] / seconds;
		s->value[METRIC_SEND] = since[OUT] / seconds;
		s->value[METRIC_RECEIVE_PERCENT] =
			sight_percent(since[IN] / seconds, speed);
		s->value[METRIC_SEND_PERCENT] =
			sight_percent(since[OUT] / seconds, speed);
		s->value[METRIC_ERRORS] = since[BROKEN];
	}
	memcpy(s->before, now, sizeof now);
	s->before_ns = now_ns;
}

void
network_look(struct sight *s)
{
	struct link l = { .found = false };
	int error = ask(s->path, &l);
	if (error == ENODEV || (error == 0 && !l.found)) {
		sight_says(s, OUTCOME_BAD, "there is no link %s", s->path);
		return;
	}
	if (error != 0) {
		sight_says(s, OUTCOME_UNKNOWN, "the kernel does not say: %s",
			   strerror(error));
		return;
	}
	look_at_rates(s, &l.stats);
	if ((l.flags & IFF_UP) == 0)
		sight_says(s, OUTCOME_BAD, "the link is switched off");
	else if ((l.flags & IFF_RUNNING) == 0)
		sight_says(s, OUTCOME_BAD, "the link is down: no carrier");
	else
		sight_says(s, OUTCOME_GOOD, "%s", "");
}
