#include "base/helper.h"

#include "test/unit/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEADLINE_MS 20000
#define PING_NUMBER 4711

static struct helper helper;

/* RULES came: everything that the channel takes is said first, then that they are loaded.
 */
static void
on_packet(struct helper *h, struct msg_packet *p)
{
	struct msg_route_seen seen;
	memset(&seen, 0, sizeof seen);
	if (p->head.kind != MSG_RULES)
		return;
	while (helper_send(h, MSG_ROUTE_SEEN, &seen, 1) == MSG_SENT)
		;
	helper_loaded(h, 1);
}

static void
be_helper(int channel)
{
	alarm(DEADLINE_MS / 1000);
	helper = (struct helper){ .loop = loop_new(0),
				  .role = ROLE_ROUTES,
				  .packet = on_packet };
	if (channel != HELPER_CHANNEL && dup2(channel, HELPER_CHANNEL) == -1)
		_exit(2);
	if (helper.loop == NULL || !helper_begin(&helper, 0))
		_exit(3);
	loop_run(helper.loop);
	_exit(4);
}

/* How many packets of that kind come before one of the kind `last`; fails at the
 * deadline. */
static unsigned
count_until(int channel, enum msg_kind kind, enum msg_kind last, struct msg_packet *p)
{
	char why[MSG_TEXT];
	struct pollfd poller = { .fd = channel, .events = POLLIN };
	unsigned count = 0;
	for (;;) {
		assert_int_equal(poll(&poller, 1, DEADLINE_MS), 1);
		assert_int_equal(msg_receive(channel, ROLE_ROUTES, ROLE_MONITORD, p, why),
				 MSG_GOT);
		if (p->head.kind == last)
			return count;
		count += p->head.kind == kind;
	}
}

static void
full_channel(void **state)
{
	static struct msg_packet p;
	struct msg_rules rules = { .generation = 1 };
	struct msg_ping ping = { .number = PING_NUMBER };
	int fds[2], status, null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	(void)state;
	assert_true(msg_pair(fds));
	pid_t pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0)
		be_helper(fds[1]);
	close(fds[1]);
	assert_int_equal(count_until(fds[0], MSG_KINDS, MSG_HELLO, &p), 0);
	assert_int_equal(msg_send(fds[0], ROLE_MONITORD, ROLE_ROUTES, MSG_RULES, 1,
				  &rules, 1, null),
			 MSG_SENT);
	assert_int_equal(msg_send(fds[0], ROLE_MONITORD, ROLE_ROUTES, MSG_PING, 1, &ping,
				  1, -1),
			 MSG_SENT);
	close(null);
	assert_true(count_until(fds[0], MSG_ROUTE_SEEN, MSG_LOADED, &p) > 0);
	assert_int_equal(count_until(fds[0], MSG_ROUTE_SEEN, MSG_PONG, &p), 0);
	memcpy(&ping, p.items, sizeof ping);
	assert_int_equal(ping.number, PING_NUMBER);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fds[0]);
}

int
test_helper(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_channel),
	};
	return cmocka_run_group_tests_name("helper", tests, NULL, NULL);
}
