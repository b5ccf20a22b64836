/* Looks at the host and at who listens by monitord-probes local as a program. */
#include "base/text.h"
#include "rules/metric.h"
#include "test/unit/probes_play.h"
#include "test/unit/unit.h"

#include <arpa/inet.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int
end(void **state)
{
	(void)state;
	play_end();
	return 0;
}

/* ---- the host ---- */

static const struct {
	const char *lines;
	enum outcome outcome;
	const char *text;
} hosts[] = {
	{ "filesystem = /proc", OUTCOME_GOOD, "" },
	{ "filesystem = /proc\nexpect = mounted", OUTCOME_GOOD, "" },
	{ "filesystem = /proc/self\nexpect = mounted", OUTCOME_BAD,
	  "not mounted, expected mounted" },
	{ "filesystem = /proc\nwarn = mounted", OUTCOME_WARN,
	  "mounted: warning at mounted" },
	{ "filesystem = /nowhere", OUTCOME_BAD, "No such file or directory" },
	{ "filesystem = /tmp\nexpect = used >= 0%, used <= 100%, free <= 100%, size > 1K",
	  OUTCOME_GOOD, "" },
	{ "filesystem = /tmp\nexpect = used > 100%", OUTCOME_BAD, "used-percent " },
	{ "filesystem = /proc\nexpect = used < 80%", OUTCOME_BAD,
	  "used-percent was not measured" },
	{ "system = yes\nexpect = memory-used > 1M, memory-used < 100%, load1 < 100000, "
	  "uptime > 1s",
	  OUTCOME_GOOD, "" },
	{ "system = yes\nwarn = memory-used > 1K", OUTCOME_WARN, "memory-used " },
	{ "network = lo", OUTCOME_GOOD, "" },
	{ "network = none0", OUTCOME_BAD, "there is no link none0" },
};

static void
the_host_is_judged(void **state)
{
	char rules[512];
	(void)state;
	play_start(ROLE_LOCAL, "");
	for (unsigned i = 0; i < COUNT(hosts); i++) {
		text_print(rules, sizeof rules, "[check c]\nevery = 1d\n%s\n",
			   hosts[i].lines);
		play_load(rules);
		play_pace(0, PACE_NOW);
		const struct msg_result *r = play_result(0, 1);
		if (r->outcome != hosts[i].outcome ||
		    strncmp(r->text, hosts[i].text, strlen(hosts[i].text)) != 0)
			fail_msg("row %u: expected %d '%s', got %u '%s'", i,
				 (int)hosts[i].outcome, hosts[i].text, r->outcome,
				 r->text);
	}
}

/* Rates and shares take two looks. */
static void
rates_are_told_from_the_second_look_on(void **state)
{
	(void)state;
	play_start(ROLE_LOCAL,
		   "[check s]\nsystem = yes\nevery = 1d\n"
		   "[check n]\nnetwork = lo\nevery = 1d\n"
		   "[rule r]\nwhen = s.cpu-used > 1000% or n.errors > 1000000\n"
		   "do = log\n");
	play_pace(0, PACE_NOW);
	play_pace(1, PACE_NOW);
	assert_true(isnan(play_value(play_result(0, 1), METRIC_CPU_USED)));
	assert_true(isnan(play_value(play_result(1, 1), METRIC_RECEIVE)));
	do /* until the clock of ticks has moved */
		play_pace(0, PACE_NOW);
	while (isnan(play_value(play_result(0, play.count[0] + 1), METRIC_CPU_USED)));
	double used = play_value(&play.last[0], METRIC_CPU_USED);
	assert_true(used >= 0 && used <= 100);
	play_pace(1, PACE_NOW);
	const struct msg_result *r = play_result(1, 2);
	assert_true(play_value(r, METRIC_RECEIVE) >= 0);
	assert_true(play_value(r, METRIC_ERRORS) >= 0);
}

/* ---- listeners ---- */

static int
listener(const char *address, int backlog, uint16_t *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t size = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(inet_pton(AF_INET, address, &a.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static const struct msg_result *
look_for(const char *address, uint16_t port, const char *lines)
{
	char rules[256];
	text_print(rules, sizeof rules, "[check c]\nlisten = tcp %s:%u\nevery = 1d\n%s\n",
		   address, port, lines);
	play_load(rules);
	play_pace(0, PACE_NOW);
	return play_result(0, 1);
}

static void
listeners_are_found(void **state)
{
	uint16_t port;
	(void)state;
	play_start(ROLE_LOCAL, "");
	unsigned before = play_fds();
	int fd = listener("127.0.0.2", 5, &port);
	assert_int_equal(look_for("127.0.0.2", port, "")->outcome, OUTCOME_GOOD);
	assert_int_equal(look_for("*", port, "")->outcome, OUTCOME_GOOD);
	const struct msg_result *r = look_for("127.0.0.3", port, "");
	assert_int_equal(r->outcome, OUTCOME_BAD);
	assert_non_null(strstr(r->text, "nobody listens"));
	assert_int_equal(look_for("[::1]", port, "")->outcome, OUTCOME_BAD);
	close(fd);
	assert_int_equal(look_for("127.0.0.2", port, "")->outcome, OUTCOME_BAD);
	fd = listener("0.0.0.0", 5, &port);
	assert_int_equal(look_for("127.0.0.3", port, "")->outcome, OUTCOME_GOOD);
	close(fd);
	play_await_fds(before);
}

/* Those who wait are seen from outside, before any of them knows. */
static void
a_backlog_is_seen(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	int clients[3];
	uint16_t port;
	(void)state;
	play_start(ROLE_LOCAL, "");
	int fd = listener("127.0.0.1", 4, &port);
	a.sin_port = htons(port);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	const struct msg_result *r = look_for("127.0.0.1", port, "warn = backlog > 50%");
	assert_int_equal(r->outcome, OUTCOME_GOOD);
	assert_true(play_value(r, METRIC_BACKLOG) == 0);
	assert_true(play_value(r, METRIC_BACKLOG_LIMIT) == 4);
	for (unsigned i = 0; i < COUNT(clients); i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(clients[i], (struct sockaddr *)&a, sizeof a), 0);
	}
	r = look_for("127.0.0.1", port, "warn = backlog > 50%");
	assert_int_equal(r->outcome, OUTCOME_WARN);
	assert_true(play_value(r, METRIC_BACKLOG) == 3);
	assert_true(play_value(r, METRIC_BACKLOG_PERCENT) == 75);
	for (unsigned i = 0; i < COUNT(clients); i++)
		close(clients[i]);
	close(fd);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, end)
	const struct CMUnitTest tests[] = {
		TEST(the_host_is_judged),
		TEST(rates_are_told_from_the_second_look_on),
		TEST(listeners_are_found),
		TEST(a_backlog_is_seen),
	};
	return cmocka_run_group_tests_name("probes_host", tests, NULL, NULL);
}
