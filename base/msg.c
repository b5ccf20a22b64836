#include "base/msg.h"

#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static const struct {
	const char *name;
	size_t size;
	unsigned from, to;
	unsigned fds;
} kinds[MSG_KINDS] = {
#define MSG_ROW(name, item, from, to, fds) [MSG_##name] = { #name, sizeof(item), from, to, fds },
	MESSAGES(MSG_ROW)
#undef MSG_ROW
};

#define MSG_CHECK(name, item, from, to, fds)                                                       \
	static_assert(sizeof(item) % 8 == 0 && sizeof(item) <= MSG_PACKET_MAX, #name);
MESSAGES(MSG_CHECK)
#undef MSG_CHECK

#define FDS_MAX 4 /* taken from one packet, to be closed */

const char *
msg_name(enum msg_kind kind)
{
	assert(kind < MSG_KINDS);
	return kinds[kind].name;
}

size_t
msg_item_size(enum msg_kind kind)
{
	assert(kind < MSG_KINDS);
	return kinds[kind].size;
}

const char *
role_name(enum role role)
{
	static const char *const names[ROLES] = {
		[ROLE_MONITORD] = "monitord", [ROLE_NET] = "net",	[ROLE_LOCAL] = "local",
		[ROLE_ROUTES] = "routes",     [ROLE_ALERTS] = "alerts", [ROLE_STATUS] = "status",
	};
	assert(role < ROLES);
	return names[role];
}

bool
msg_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
			  fds) == 0;
}

enum msg_sent
msg_send(int channel, enum role from, enum role to, enum msg_kind kind, uint32_t generation,
	 const void *items, size_t count, int fd)
{
	assert(kind < MSG_KINDS && count >= 1 &&
	       count * kinds[kind].size <= MSG_PACKET_MAX);
	assert((kinds[kind].from & TO(from)) != 0 && (kinds[kind].to & TO(to)) != 0);
	assert(fd == -1 ? kinds[kind].fds != 1 : kinds[kind].fds != 0 && count == 1);
	struct msg_head head = { .kind = (uint16_t)kind,
				 .count = (uint16_t)count,
				 .generation = generation };
	struct iovec iov[2] = {
		{ .iov_base = &head, .iov_len = sizeof head },
		{ .iov_base = (void *)(uintptr_t)items, .iov_len = count * kinds[kind].size },
	};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { .bytes = { 0 } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	if (fd != -1) {
		m.msg_control = control.bytes;
		m.msg_controllen = sizeof control.bytes;
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	ssize_t n;
	do
		n = sendmsg(channel, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	if (n >= 0)
		return MSG_SENT;
	return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM ||
			       errno == ETOOMANYREFS
		       ? MSG_FULL
		       : MSG_GONE;
}

bool
msg_to_well(const struct msg_result *r, struct msg_well *out)
{
	if (r->outcome != OUTCOME_GOOD || r->text[0] != '\0' ||
	    r->value_count > MSG_WELL_VALUES)
		return false;
	memset(out, 0, sizeof *out);
	out->check = r->check;
	out->began_ns = r->began_ns;
	out->latency_ns = r->latency_ns;
	out->value_count = (uint8_t)r->value_count;
	for (uint32_t i = 0; i < r->value_count; i++) {
		if (r->value[i].metric > UINT8_MAX)
			return false;
		out->metric[i] = (uint8_t)r->value[i].metric;
		out->value[i] = r->value[i].value;
	}
	return true;
}

void
msg_from_well(const struct msg_well *w, struct msg_result *out)
{
	memset(out, 0, sizeof *out);
	out->check = w->check;
	out->outcome = OUTCOME_GOOD;
	out->began_ns = w->began_ns;
	out->latency_ns = w->latency_ns;
	out->value_count =
		w->value_count < MSG_WELL_VALUES ? w->value_count : MSG_WELL_VALUES;
	for (uint32_t i = 0; i < out->value_count; i++)
		out->value[i] = (struct msg_value){ .metric = w->metric[i],
						    .value = w->value[i] };
}

bool
msg_valid(const void *bytes, size_t size, size_t fd_count, enum role from, enum role to,
	  char why[MSG_TEXT])
{
	struct msg_head head;
	if (size < sizeof head) {
		text_print(why, MSG_TEXT, "a packet of %zu bytes", size);
		return false;
	}
	memcpy(&head, bytes, sizeof head);
	if (head.kind >= MSG_KINDS) {
		text_print(why, MSG_TEXT, "unknown kind %u", head.kind);
		return false;
	}
	const char *name = kinds[head.kind].name;
	if ((kinds[head.kind].from & TO(from)) == 0 ||
	    (kinds[head.kind].to & TO(to)) == 0) {
		text_print(why, MSG_TEXT, "%s from %s to %s", name, role_name(from),
			   role_name(to));
		return false;
	}
	if (head.count == 0 || size - sizeof head != head.count * kinds[head.kind].size) {
		text_print(why, MSG_TEXT, "%s with %u items in %zu bytes", name,
			   head.count, size);
		return false;
	}
	unsigned fds = kinds[head.kind].fds;
	if (fd_count > 1 || (fds == 0 && fd_count != 0) || (fds == 1 && fd_count != 1) ||
	    (fd_count == 1 && head.count != 1)) {
		text_print(why, MSG_TEXT, "%s with %zu descriptors", name, fd_count);
		return false;
	}
	return true;
}

/* The descriptors of a received message; never more than FDS_MAX fit the control buffer. */
static size_t
take_fds(struct msghdr *m, int fds[FDS_MAX])
{
	size_t count = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n && count < FDS_MAX; i++)
			memcpy(&fds[count++], CMSG_DATA(c) + i * sizeof(int),
			       sizeof(int));
	}
	return count;
}

static ssize_t
receive(int channel, struct msghdr *m)
{
	ssize_t n;
	do
		n = recvmsg(channel, m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	return n;
}

static void
close_all(const int *fds, size_t count)
{
	while (count > 0)
		close(fds[--count]);
}

/* We have no descriptor left for what came along: that is our own want, and no fault of the
 * peer's. Who sent more than it may has filled all the room there is. */
static bool
is_lost(const struct msghdr *m, size_t fd_count)
{
	return (m->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == MSG_CTRUNC &&
	       fd_count < FDS_MAX;
}

enum msg_got
msg_receive(int channel, enum role from, enum role to, struct msg_packet *p, char why[MSG_TEXT])
{
	static_assert(offsetof(struct msg_packet, items) == sizeof p->head, "no gap");
	struct iovec iov = { .iov_base = p, .iov_len = sizeof p->head + MSG_PACKET_MAX };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.bytes,
			    .msg_controllen = sizeof control.bytes };
	int fds[FDS_MAX];
	p->fd = -1;
	ssize_t n = receive(channel, &m);
	if (n == -1)
		return errno == EAGAIN ? MSG_NONE : MSG_END;
	size_t fd_count = take_fds(&m, fds);
	if (n == 0 && fd_count == 0)
		return MSG_END;
	bool lost = is_lost(&m, fd_count), valid = false;
	if (!lost && (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		text_print(why, MSG_TEXT, "a packet that is too large");
	else if (!lost)
		valid = msg_valid(p, (size_t)n, fd_count, from, to, why);
	if (!valid || fd_count != 1) {
		close_all(fds, fd_count);
		return lost ? MSG_LOST : valid ? MSG_GOT : MSG_FORBIDDEN;
	}
	p->fd = fds[0];
	return MSG_GOT;
}
