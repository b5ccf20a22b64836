/* Looks at files by monitord-probes local as a program. */
#include "base/text.h"
#include "rules/metric.h"
#include "test/unit/folder.h"
#include "test/unit/probes_play.h"
#include "test/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NOBODY 65534

static int
end(void **state)
{
	play_end();
	play_user = 0;
	return folder_remove(state);
}

static void
file_of(const char *name, size_t bytes, mode_t mode, int64_t age_s)
{
	struct timespec times[2];
	int fd = open(folder_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd != -1);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= age_s;
	times[1] = times[0];
	assert_int_equal(futimens(fd, times), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static double
value_of(const struct msg_result *r, enum metric metric)
{
	for (uint32_t i = 0; i < r->value_count; i++)
		if (r->value[i].metric == metric)
			return r->value[i].value;
	return (double)NAN;
}

/* One look at KIND = FOLDER/NAME with these lines. */
static const struct msg_result *
look(const char *kind, const char *name, const char *lines)
{
	char rules[PATH_MAX + 512];
	text_print(rules, sizeof rules, "[check c]\n%s = %s\nevery = 1d\n%s\n", kind,
		   folder_path(name), lines);
	if (play.helper == 0)
		play_start(ROLE_LOCAL, rules);
	else
		play_load(rules);
	play_pace(0, PACE_NOW);
	return play_result(0, play.count[0] + 1);
}

static const struct {
	const char *kind, *name, *lines;
	enum outcome outcome;
	const char *text;
} files[] = {
	{ "file", "plain", "", OUTCOME_GOOD, "" },
	{ "file", "link", "", OUTCOME_GOOD, "" },
	{ "file", "none", "", OUTCOME_BAD, "No such file or directory" },
	{ "file", "plain/none", "", OUTCOME_BAD, "Not a directory" },
	{ "file", "sub", "", OUTCOME_BAD, "it is a directory, not a file" },
	{ "directory", "sub", "", OUTCOME_GOOD, "" },
	{ "directory", "plain", "", OUTCOME_BAD, "it is a file, not a directory" },
	{ "fifo", "fifo", "", OUTCOME_GOOD, "" },
	{ "fifo", "plain", "", OUTCOME_BAD, "it is a file, not a fifo" },
	{ "file", "plain", "expect = size = 5000B, mode = 0640, mtime < 2h", OUTCOME_GOOD,
	  "" },
	{ "file", "plain", "expect = size > 5K", OUTCOME_BAD,
	  "size 5000B, expected size > 5120B" },
	{ "file", "plain", "expect = mode = 644", OUTCOME_BAD,
	  "mode 640, expected mode = 644" },
	{ "file", "plain", "warn = mtime > 30m", OUTCOME_WARN, "mtime " },
	{ "file", "none", "warn = mtime > 30m", OUTCOME_BAD, "No such file" },
	{ "file", "plain", "expect = entries < 3", OUTCOME_BAD,
	  "entries was not measured" },
	{ "directory", "sub", "expect = entries = 4, size = 3000B", OUTCOME_GOOD, "" },
	{ "directory", "sub", "expect = oldest > 2d, newest < 2d", OUTCOME_GOOD, "" },
	{ "directory", "sub", "expect = entries < 4", OUTCOME_BAD,
	  "entries 4, expected entries < 4" },
};

static void
files_are_judged(void **state)
{
	(void)state;
	file_of("plain", 5000, 0640, 3600);
	assert_int_equal(symlink("plain", folder_path("link")), 0);
	assert_int_equal(mkfifo(folder_path("fifo"), 0600), 0);
	assert_int_equal(mkdir(folder_path("sub"), 0700), 0);
	assert_int_equal(mkdir(folder_path("sub/deep"), 0700), 0);
	file_of("sub/a", 1000, 0600, 86400);
	file_of("sub/deep/b", 2000, 0600, 3 * 86400);
	assert_int_equal(symlink("/", folder_path("sub/away")), 0);
	for (unsigned i = 0; i < COUNT(files); i++) {
		const struct msg_result *r =
			look(files[i].kind, files[i].name, files[i].lines);
		if (r->outcome != files[i].outcome ||
		    strncmp(r->text, files[i].text, strlen(files[i].text)) != 0)
			fail_msg("row %u: expected %d '%s', got %u '%s'", i,
				 (int)files[i].outcome, files[i].text, r->outcome,
				 r->text);
	}
}

static void
what_was_seen_is_told(void **state)
{
	(void)state;
	file_of("plain", 5000, 04750, 3600);
	const struct msg_result *r = look("file", "plain", "");
	assert_true(value_of(r, METRIC_SIZE) == 5000);
	assert_true(value_of(r, METRIC_MODE) == 4750);
	assert_true(value_of(r, METRIC_UID) == geteuid());
	assert_true(value_of(r, METRIC_GID) == getegid());
	assert_true(value_of(r, METRIC_MTIME) >= 3600e3 &&
		    value_of(r, METRIC_MTIME) < 3700e3);
	assert_true(value_of(r, METRIC_CTIME) < 100e3);
	assert_true(isnan(value_of(r, METRIC_ENTRIES)));
	unsigned before = play_fds();
	r = look("directory", ".", "");
	assert_true(isnan(value_of(r, METRIC_ENTRIES))); /* nobody asks */
	r = look("directory", ".", "[rule r]\nwhen = c.entries > 9\ndo = log\n");
	assert_true(value_of(r, METRIC_ENTRIES) == 1);
	play_await_fds(before);
}

/* What takes too long is unknown at its deadline, and ends by itself soon after. */
static void
late_is_unknown(void **state)
{
	char name[32], rules[PATH_MAX + 512];
	(void)state;
	for (unsigned i = 0; i < 6000; i++) {
		text_print(name, sizeof name, "%u", i);
		close(open(folder_path(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	}
	text_print(rules, sizeof rules,
		   "[check big]\ndirectory = %s\nevery = 1d\ntimeout = 1ms\n"
		   "expect = entries > 1\n[check small]\ndirectory = %s\nevery = 1d\n",
		   folder, folder);
	play_start(ROLE_LOCAL, rules);
	unsigned before = play_fds();
	play_pace(0, PACE_NOW);
	const struct msg_result *r = play_result(0, 1);
	assert_int_equal(r->outcome, OUTCOME_UNKNOWN);
	assert_non_null(strstr(r->text, "nothing was seen within 1 ms"));
	play_pace(1, PACE_NOW);
	assert_int_equal(play_result(1, 1)->outcome, OUTCOME_GOOD);
	play_await_fds(before);
	r = look("directory", ".", "expect = entries = 6000\ntimeout = 60s\n");
	assert_string_equal(r->text, "");
	assert_int_equal(r->outcome, OUTCOME_GOOD);
}

/* monitord opens what the helper may not see. */
static void
what_may_not_be_seen_is_opened(void **state)
{
	struct msg_open open_for;
	char rules[PATH_MAX + 64];
	(void)state;
	if (geteuid() != 0)
		skip();
	play_user = NOBODY;
	assert_int_equal(chmod(folder, 0711), 0);
	assert_int_equal(mkdir(folder_path("closed"), 0700), 0);
	file_of("closed/secret", 7, 0600, 0);
	text_print(rules, sizeof rules, "[check c]\nfile = %s\nevery = 1d\n",
		   folder_path("closed/secret"));
	play_start(ROLE_LOCAL, rules);
	for (unsigned refused = 0; refused < 2; refused++) {
		play_pace(0, PACE_NOW);
		play_hear(MSG_OPEN);
		memcpy(&open_for, play.packet.items, sizeof open_for);
		assert_int_equal(open_for.what, OPEN_CHECK_FILE);
		struct msg_opened opened = { .what = open_for.what,
					     .id = open_for.id,
					     .token = open_for.token,
					     .error = refused ? EPERM : 0 };
		int fd = refused ? -1
				 : open(folder_path("closed/secret"), O_PATH | O_CLOEXEC);
		play_tell(MSG_OPENED, &opened, fd);
		if (fd != -1)
			close(fd);
		const struct msg_result *r = play_result(0, refused + 1);
		assert_int_equal(r->outcome, refused ? OUTCOME_UNKNOWN : OUTCOME_GOOD);
		if (!refused)
			assert_true(value_of(r, METRIC_SIZE) == 7);
	}
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
	assert_true(isnan(value_of(play_result(0, 1), METRIC_CPU_USED)));
	assert_true(isnan(value_of(play_result(1, 1), METRIC_RECEIVE)));
	do /* until the clock of ticks has moved */
		play_pace(0, PACE_NOW);
	while (isnan(value_of(play_result(0, play.count[0] + 1), METRIC_CPU_USED)));
	double used = value_of(&play.last[0], METRIC_CPU_USED);
	assert_true(used >= 0 && used <= 100);
	play_pace(1, PACE_NOW);
	const struct msg_result *r = play_result(1, 2);
	assert_true(value_of(r, METRIC_RECEIVE) >= 0);
	assert_true(value_of(r, METRIC_ERRORS) >= 0);
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
	assert_true(value_of(r, METRIC_BACKLOG) == 0);
	assert_true(value_of(r, METRIC_BACKLOG_LIMIT) == 4);
	for (unsigned i = 0; i < COUNT(clients); i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(clients[i], (struct sockaddr *)&a, sizeof a), 0);
	}
	r = look_for("127.0.0.1", port, "warn = backlog > 50%");
	assert_int_equal(r->outcome, OUTCOME_WARN);
	assert_true(value_of(r, METRIC_BACKLOG) == 3);
	assert_true(value_of(r, METRIC_BACKLOG_PERCENT) == 75);
	for (unsigned i = 0; i < COUNT(clients); i++)
		close(clients[i]);
	close(fd);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, end)
	const struct CMUnitTest tests[] = {
		TEST(files_are_judged),   TEST(what_was_seen_is_told),
		TEST(late_is_unknown),    TEST(what_may_not_be_seen_is_opened),
		TEST(the_host_is_judged), TEST(listeners_are_found),
		TEST(a_backlog_is_seen),  TEST(rates_are_told_from_the_second_look_on),
	};
	return cmocka_run_group_tests_name("probes_look", tests, NULL, NULL);
}
