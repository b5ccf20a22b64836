/* probes/netlink.h: questions to the kernel (netlink(7)): links, sockets that listen. */
#ifndef PROBES_NETLINK_H
#define PROBES_NETLINK_H

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stddef.h>

/* Sends one request (length, type and flags filled in) and calls fn for each message of
 * the answer. Returns 0 or the errno. May wait up to a second. */
int netlink_ask(int protocol, const struct nlmsghdr *request,
		void (*fn)(void *arg, const struct nlmsghdr *m), void *arg);

/* The attribute of that type in size bytes of them; NULL: none that has so many bytes. */
const void *
netlink_attribute(const void *attributes, size_t size, unsigned short type, size_t least);

#endif
