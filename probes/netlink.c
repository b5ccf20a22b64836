#include "probes/netlink.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* True: that was the last message; *error is its errno. */
static bool
take(const struct nlmsghdr *m, bool dump, int *error,
     void (*fn)(void *arg, const struct nlmsghdr *m), void *arg)
{
	if (m->nlmsg_type == NLMSG_DONE)
		return true;
	if (m->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = NLMSG_DATA(m);
		*error = m->nlmsg_len >= NLMSG_LENGTH(sizeof *e) ? -e->error : EPROTO;
		return true;
	}
	fn(arg, m);
	return !dump;
}

int
netlink_ask(int protocol, const struct nlmsghdr *request,
	    void (*fn)(void *arg, const struct nlmsghdr *m), void *arg)
{
	_Alignas(struct nlmsghdr) char bytes[32768];
	struct timeval limit = { .tv_sec = 1 };
	int error = 0, fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	bool ended = false, dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	if (fd == -1)
		return errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (send(fd, request, request->nlmsg_len, 0) == -1)
		error = errno;
	while (error == 0 && !ended) {
		ssize_t n = recv(fd, bytes, sizeof bytes, 0);
		if (n <= 0) {
			error = n == 0 ? EPROTO : errno;
			break;
		}
		const char *at = bytes;
		for (size_t left = (size_t)n, size; !ended && left >= NLMSG_HDRLEN;
		     at += size, left -= size) {
			const struct nlmsghdr *m = (const void *)at;
			if (m->nlmsg_len < NLMSG_HDRLEN || m->nlmsg_len > left)
				break;
			ended = take(m, dump, &error, fn, arg);
			size = NLMSG_ALIGN(m->nlmsg_len);
			size = size < left ? size : left;
		}
	}
	close(fd);
	return error;
}

const void *
netlink_attribute(const void *attributes, size_t size, unsigned short type, size_t least)
{
	const char *at = attributes;
	while (size >= sizeof(struct rtattr)) {
		const struct rtattr *a = (const void *)at;
		if (a->rta_len < sizeof *a || a->rta_len > size)
			break;
		if ((a->rta_type & NLA_TYPE_MASK) == type &&
		    a->rta_len - sizeof *a >= least)
			return RTA_DATA(a);
		size_t step = RTA_ALIGN(a->rta_len);
		step = step < size ? step : size;
		at += step;
		size -= step;
	}
	return NULL;
}
