#include "base/msg.h"

#include "test/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Who may say what to whom, written down a second time: a change of base/msg.h that lets
 * somebody say more must be made here too. Letters: C monitord, N net, L local, R routes,
 * A alerts, S status. */
static const struct {
	enum msg_kind kind;
	const char *from, *to;
	unsigned fds; /* 0 none, 1 always, 2 maybe */
} directions[] = {
	{ MSG_HELLO, "NLRAS", "C", 0 },      { MSG_RULES, "C", "NLRAS", 1 },
	{ MSG_LOADED, "NLRAS", "C", 0 },     { MSG_JOURNAL, "C", "AS", 1 },
	{ MSG_PING, "C", "NLRAS", 0 },       { MSG_PONG, "NLRAS", "C", 0 },
	{ MSG_BELL, "C", "AS", 0 },          { MSG_OPEN, "NLRAS", "C", 0 },
	{ MSG_OPENED, "C", "NLRAS", 2 },     { MSG_PACE, "C", "NL", 0 },
	{ MSG_RESULT, "NL", "C", 0 },        { MSG_WELL, "NLC", "CS", 0 },
	{ MSG_WATCH, "C", "L", 0 },
	{ MSG_SAMPLE, "L", "C", 0 },         { MSG_FOUND, "L", "C", 0 },
	{ MSG_SCRIPT_END, "C", "L", 0 },     { MSG_ROUTE_ORDER, "C", "R", 0 },
	{ MSG_ROUTE_SEEN, "R", "C", 0 },     { MSG_ROUTE_WRITE, "R", "C", 0 },
	{ MSG_ROUTE_WRITTEN, "C", "R", 0 },  { MSG_MEASURED, "C", "S", 0 },
	{ MSG_SAMPLED, "C", "S", 0 },        { MSG_SERVICE_VIEW, "C", "S", 0 },
	{ MSG_CHECK_VIEW, "C", "S", 0 },     { MSG_ROUTE_VIEW, "C", "S", 0 },
	{ MSG_RULE_VIEW, "C", "S", 0 },      { MSG_CHAIN_VIEW, "C", "S", 0 },
	{ MSG_INCIDENT_VIEW, "C", "S", 0 },
	{ MSG_SILENCE_VIEW, "C", "S", 0 },
	{ MSG_ALERT_COUNTS, "CA", "CS", 0 }, { MSG_COMMAND, "S", "C", 1 },
	{ MSG_COMMAND_DONE, "C", "S", 0 },   { MSG_WHO, "S", "C", 1 },
	{ MSG_WHO_DONE, "C", "S", 0 },       { MSG_FOLLOW, "S", "C", 0 },
	{ MSG_TEST, "C", "A", 0 },
	{ MSG_TRACE, "C", "A", 0 },          { MSG_TEST_DONE, "A", "C", 0 },      { MSG_ACTIVE, "C", "N", 0 },
};
_Static_assert(COUNT(directions) == MSG_KINDS, "a kind of message lacks its row");

static const char letters[ROLES] = {
	[ROLE_MONITORD] = 'C', [ROLE_NET] = 'N',    [ROLE_LOCAL] = 'L',
	[ROLE_ROUTES] = 'R',   [ROLE_ALERTS] = 'A', [ROLE_STATUS] = 'S'
};

static struct msg_packet packet;

static size_t
fill(enum msg_kind kind, unsigned count)
{
	memset(&packet, 0, sizeof packet);
	packet.head =
		(struct msg_head){ .kind = (uint16_t)kind, .count = (uint16_t)count };
	return sizeof packet.head + count * msg_item_size(kind);
}

static void
each_kind_has_its_direction(void **state)
{
	char why[MSG_TEXT];
	(void)state;
	for (size_t i = 0; i < COUNT(directions); i++) {
		enum msg_kind kind = directions[i].kind;
		assert_int_equal(kind, i); /* in order, none twice */
		size_t size = fill(kind, 1);
		for (unsigned from = 0; from < ROLES; from++)
			for (unsigned to = 0; to < ROLES; to++) {
				bool may = strchr(directions[i].from, letters[from]) !=
						   NULL &&
					   strchr(directions[i].to, letters[to]) != NULL;
				bool is = msg_valid(&packet, size, directions[i].fds == 1,
						    (enum role)from, (enum role)to, why);
				if (may != is)
					fail_msg("%s from %s to %s: %s", msg_name(kind),
						 role_name((enum role)from),
						 role_name((enum role)to),
						 is ? "allowed" : why);
			}
	}
}

static void
sizes_and_descriptors_are_exact(void **state)
{
	char why[MSG_TEXT];
	(void)state;
	for (size_t i = 0; i < COUNT(directions); i++) {
		enum msg_kind kind = directions[i].kind;
		enum role from = ROLE_MONITORD, to = ROLE_MONITORD;
		for (unsigned r = 0; r < ROLES; r++) {
			if (*directions[i].from == letters[r])
				from = (enum role)r;
			if (*directions[i].to == letters[r])
				to = (enum role)r;
		}
		unsigned fds = directions[i].fds;
		size_t size = fill(kind, 1);
		for (size_t n = 0; n < 4; n++)
			assert_int_equal(msg_valid(&packet, size, n, from, to, why),
					 n == 0 ? fds != 1 : n == 1 && fds != 0);
		assert_false(msg_valid(&packet, size - 1, fds == 1, from, to, why));
		assert_false(msg_valid(&packet, size + 1, fds == 1, from, to, why));
		assert_false(
			msg_valid(&packet, sizeof packet.head, fds == 1, from, to, why));
		assert_false(msg_valid(&packet, sizeof packet.head - 1, fds == 1, from,
				       to, why));
		assert_false(msg_valid(&packet, 0, fds == 1, from, to, why));
		size = fill(kind, 2);
		if (size <=
		    sizeof packet.head + MSG_PACKET_MAX) /* a descriptor comes alone */
			assert_int_equal(msg_valid(&packet, size, fds == 1, from, to,
						   why),
					 fds != 1);
		fill(kind, 0);
		assert_false(
			msg_valid(&packet, sizeof packet.head, fds == 1, from, to, why));
	}
	fill(MSG_HELLO, 1);
	packet.head.kind = MSG_KINDS;
	assert_false(msg_valid(&packet, sizeof packet.head + 16, 0, ROLE_NET,
			       ROLE_MONITORD, why));
	char unknown[MSG_TEXT];
	snprintf(unknown, sizeof unknown, "unknown kind %u", (unsigned)MSG_KINDS);
	assert_string_equal(why, unknown);
}

static unsigned
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;
	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
goes_through_a_pair(void **state)
{
	int fds[2];
	char why[MSG_TEXT];
	struct msg_hello hello = { .version = MSG_VERSION,
				   .role = ROLE_NET,
				   .cursor = 7 };
	(void)state;
	assert_true(msg_pair(fds));
	assert_int_equal(fcntl(fds[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(msg_receive(fds[1], ROLE_NET, ROLE_MONITORD, &packet, why),
			 MSG_NONE);
	assert_int_equal(msg_send(fds[0], ROLE_NET, ROLE_MONITORD, MSG_HELLO, 3, &hello,
				  1, -1),
			 MSG_SENT);
	assert_int_equal(msg_receive(fds[1], ROLE_NET, ROLE_MONITORD, &packet, why),
			 MSG_GOT);
	assert_int_equal(packet.head.kind, MSG_HELLO);
	assert_int_equal(packet.head.generation, 3);
	assert_int_equal(packet.fd, -1);
	assert_memory_equal(packet.items, &hello, sizeof hello);
	close(fds[0]);
	assert_int_equal(msg_receive(fds[1], ROLE_NET, ROLE_MONITORD, &packet, why),
			 MSG_END);
	assert_int_equal(msg_send(fds[1], ROLE_MONITORD, ROLE_NET, MSG_PING, 0,
				  &(struct msg_ping){ 1 }, 1, -1),
			 MSG_GONE);
	close(fds[1]);
}

static void
a_full_pair_says_so(void **state)
{
	int fds[2];
	struct msg_ping ping = { 1 };
	enum msg_sent sent = MSG_SENT;
	char why[MSG_TEXT];
	unsigned n = 0;
	(void)state;
	assert_true(msg_pair(fds));
	while (sent == MSG_SENT && n++ < 1000000)
		sent = msg_send(fds[0], ROLE_MONITORD, ROLE_NET, MSG_PING, 0, &ping, 1,
				-1);
	assert_int_equal(sent, MSG_FULL);
	assert_int_equal(msg_receive(fds[1], ROLE_MONITORD, ROLE_NET, &packet, why),
			 MSG_GOT);
	assert_int_equal(msg_send(fds[0], ROLE_MONITORD, ROLE_NET, MSG_PING, 0, &ping, 1,
				  -1),
			 MSG_SENT);
	close(fds[0]);
	close(fds[1]);
}

/* Sends raw bytes with count descriptors. */
static void
send_raw(int channel, const void *bytes, size_t size, unsigned count)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = size };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control = { .bytes = { 0 } };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	if (count > 0) {
		m.msg_control = control.bytes;
		m.msg_controllen = CMSG_SPACE(count * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		for (unsigned i = 0; i < count; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &channel, sizeof(int));
	}
	assert_int_equal(sendmsg(channel, &m, MSG_NOSIGNAL), size);
}

static void
descriptors_that_are_not_due_are_closed(void **state)
{
	int fds[2];
	char why[MSG_TEXT];
	static unsigned char big[sizeof(struct msg_head) + MSG_PACKET_MAX + 8];
	(void)state;
	assert_true(msg_pair(fds));
	unsigned before = open_descriptors();
	for (unsigned count = 1; count <= 8; count++) {
		send_raw(fds[0], &packet, fill(MSG_HELLO, 1), count);
		assert_int_equal(msg_receive(fds[1], ROLE_NET, ROLE_MONITORD, &packet,
					     why),
				 MSG_FORBIDDEN);
		assert_int_equal(packet.fd, -1);
		assert_int_equal(open_descriptors(), before);
	}
	send_raw(fds[0], &packet, fill(MSG_COMMAND, 1), 2);
	assert_int_equal(msg_receive(fds[1], ROLE_STATUS, ROLE_MONITORD, &packet, why),
			 MSG_FORBIDDEN);
	assert_int_equal(open_descriptors(), before);
	send_raw(fds[0], big, sizeof big, 1);
	assert_int_equal(msg_receive(fds[1], ROLE_STATUS, ROLE_MONITORD, &packet, why),
			 MSG_FORBIDDEN);
	assert_int_equal(open_descriptors(), before);
	send_raw(fds[0], &packet, fill(MSG_COMMAND, 1), 1);
	assert_int_equal(msg_receive(fds[1], ROLE_STATUS, ROLE_MONITORD, &packet, why),
			 MSG_GOT);
	assert_true(packet.fd >= 0);
	assert_int_equal(fcntl(packet.fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(packet.fd);
	assert_int_equal(open_descriptors(), before);
	close(fds[0]);
	close(fds[1]);
}

/* Our own want of them is no fault of the peer's: what came is lost, and the channel goes on. */
static void
no_descriptor_is_left(void **state)
{
	int fds[2];
	char why[MSG_TEXT];
	struct rlimit limit, none;
	(void)state;
	assert_true(msg_pair(fds));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	send_raw(fds[0], &packet, fill(MSG_COMMAND, 1), 1);
	send_raw(fds[0], &packet, fill(MSG_PONG, 1), 0);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	enum msg_got first =
		msg_receive(fds[1], ROLE_STATUS, ROLE_MONITORD, &packet, why);
	enum msg_got second =
		msg_receive(fds[1], ROLE_STATUS, ROLE_MONITORD, &packet, why);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(first, MSG_LOST);
	assert_int_equal(second, MSG_GOT);
	assert_int_equal(packet.head.kind, MSG_PONG);
	close(fds[0]);
	close(fds[1]);
}

int
test_msg(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_has_its_direction),
		cmocka_unit_test(sizes_and_descriptors_are_exact),
		cmocka_unit_test(goes_through_a_pair),
		cmocka_unit_test(a_full_pair_says_so),
		cmocka_unit_test(descriptors_that_are_not_due_are_closed),
		cmocka_unit_test(no_descriptor_is_left),
	};
	return cmocka_run_group_tests_name("msg", tests, NULL, NULL);
}
