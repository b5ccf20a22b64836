/* monitord-probes net as a program: this test is its monitord, and its peers. */
#include "base/clock.h"
#include "base/text.h"
#include "rules/metric.h"
#include "test/unit/probes_play.h"
#include "test/unit/probes_server.h"
#include "test/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TIMEOUT_MS 600
#define SLACK_MS 2000 /* what a busy machine may take on top */
#define MS 1000000

static struct server servers[MANNERS];

static int
begin(void **state)
{
	(void)state;
	for (unsigned m = 0; m < MANNERS; m++)
		server_begin(&servers[m], (enum manner)m);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	play_end();
	return 0;
}

static int
end_all(void **state)
{
	(void)state;
	for (unsigned m = 0; m < MANNERS; m++)
		server_end(&servers[m]);
	return 0;
}

static struct text text;
static char rules[65536];

static void
rules_begin(void)
{
	text_begin(&text, rules, sizeof rules);
}

/* Adds a check of that server; lines: the rest of its section. */
static void
check(unsigned n, const char *kind, enum manner manner, const char *lines)
{
	text_add(&text, "[check c%u]\n%s = %s127.0.0.1:%u%s\n%s\n", n, kind,
		 strcmp(kind, "http") == 0 ? "http://" : "", servers[manner].port,
		 strcmp(kind, "http") == 0 ? "/x" : "", lines);
	assert_false(text.full);
}

/* ---- one verdict for each manner ---- */

#define QUICK "every = 100ms\ntimeout = 600ms"
static const struct {
	const char *kind;
	enum manner manner;
	const char *lines;
	enum outcome outcome;
	const char *why;
	bool late; /* by the timeout, not before */
} manners[] = {
	{ "http", MANNER_GOOD, "", OUTCOME_GOOD, "", false },
	{ "http", MANNER_GOOD, "expect = body ~ hello", OUTCOME_GOOD, "", false },
	{ "http", MANNER_GOOD, "warn = bytes < 6B", OUTCOME_WARN, "warning", false },
	{ "http", MANNER_SICK, "", OUTCOME_BAD, "status 500", false },
	{ "http", MANNER_REFUSE, "", OUTCOME_BAD, "refused", false },
	{ "http", MANNER_FULL, "", OUTCOME_BAD, "no connection to", true },
	{ "http", MANNER_FULL, "connect-timeout = 200ms", OUTCOME_BAD, "no connection to",
	  false },
	{ "http", MANNER_HANG, "", OUTCOME_BAD, "not a byte came within", true },
	{ "http", MANNER_DRIP, "", OUTCOME_BAD, "was not complete within", true },
	{ "http", MANNER_HEADER, "", OUTCOME_BAD, "more than 32 KiB", false },
	{ "http", MANNER_BODY, "", OUTCOME_GOOD, "", false },
	{ "http", MANNER_BODY, "expect = body > 100K", OUTCOME_GOOD, "", false },
	{ "http", MANNER_BODY, "expect = body ~ x", OUTCOME_BAD, "was not complete",
	  true },
	{ "http", MANNER_BANNER, "", OUTCOME_BAD, "no HTTP answer: 'SSH-2.0", false },
	{ "http", MANNER_RESET, "", OUTCOME_BAD, "broke after 20 bytes", false },
	{ "http", MANNER_CLOSE, "", OUTCOME_BAD, "", false },
	{ "http", MANNER_CPONG, "", OUTCOME_BAD, "no HTTP answer: 'AB", false },
	{ "ajp", MANNER_CPONG, "", OUTCOME_GOOD, "", false },
	{ "ajp", MANNER_HANG, "", OUTCOME_BAD, "not a byte came within", true },
	{ "ajp", MANNER_SICK, "", OUTCOME_BAD, "not AJP", false },
	{ "tcp", MANNER_HANG, "", OUTCOME_GOOD, "", false },
	{ "tcp", MANNER_REFUSE, "", OUTCOME_BAD, "refused", false },
	{ "tcp", MANNER_TALK,
	  "expect = body ~ ^220\nsend = EHLO x\\r\\n\nexpect = body ~ ^250", OUTCOME_GOOD,
	  "", false },
	{ "tcp", MANNER_TALK,
	  "expect = body ~ ^220\nsend = EHLO x\\r\\n\nexpect = body ~ ^220", OUTCOME_BAD,
	  "closed after '", false },
	{ "tcp", MANNER_TALK, "expect = body ~ ^250", OUTCOME_BAD,
	  "what is expected of 127.0.0.1", true },
	{ "tcp", MANNER_BODY, "send = x\nexpect = body ~ qqqqq", OUTCOME_BAD,
	  "more than 16384 bytes", false },
	{ "tcp", MANNER_HANG, "expect = body ~ x", OUTCOME_BAD, "not a byte came", true },
	{ "tcp", MANNER_FULL, "", OUTCOME_BAD, "no connection to", true },
};

static void
judges_every_manner(void **state)
{
	char lines[256];
	(void)state;
	rules_begin();
	for (unsigned i = 0; i < COUNT(manners); i++) {
		text_print(lines, sizeof lines, QUICK "\n%s", manners[i].lines);
		check(i, manners[i].kind, manners[i].manner, lines);
	}
	play_start(ROLE_NET, rules);
	for (unsigned i = 0; i < COUNT(manners);
	     i++) { /* one at a time: servers are serial */
		play_pace(i, PACE_NOW);
		const struct msg_result *r = play_verdict(i);
		play_pace(i, PACE_OFF);
		if (r->outcome != manners[i].outcome ||
		    strstr(r->text, manners[i].why) == NULL)
			fail_msg("row %u: expected %d '%s', got %u '%s'", i,
				 (int)manners[i].outcome, manners[i].why, r->outcome,
				 r->text);
		if ((r->silent != 0) != (manners[i].manner == MANNER_FULL))
			fail_msg("row %u: %s", i, r->silent != 0 ? "heard" : "silent");
		int64_t least = manners[i].late ? TIMEOUT_MS - 20 : 0;
		if (r->latency_ns < least * MS ||
		    r->latency_ns > (TIMEOUT_MS + SLACK_MS) * (int64_t)MS)
			fail_msg("row %u: took %lld us", i,
				 (long long)r->latency_ns / 1000);
	}
}

/* ---- P3: hung peers delay nobody ---- */

static void
hung_peers_delay_nobody(void **state)
{
	enum { ALL = 200, EACH = 10 };
	(void)state;
	rules_begin();
	for (unsigned i = 0; i < ALL; i++)
		check(i, "http", i % EACH == 0 ? MANNER_HANG : MANNER_GOOD,
		      "every = 600ms\ntimeout = 600ms");
	play_start(ROLE_NET, rules);
	for (unsigned i = 0; i < ALL; i++)
		play_pace(i, PACE_NORMAL);
	for (unsigned i = 0; i < ALL; i++) {
		const struct msg_result *r = play_result(i, 1);
		while (strstr(r->text, "loop was late") != NULL)
			r = play_verdict(i);
		assert_int_equal(r->outcome, i % EACH == 0 ? OUTCOME_BAD : OUTCOME_GOOD);
		assert_true(r->latency_ns < (TIMEOUT_MS + SLACK_MS) * (int64_t)MS);
	}
	for (unsigned i = 0; i < ALL; i++) /* and once more, with those still hanging */
		play_result(i, 2);
}

/* As many descriptors as there are: who waits has its turn, and its whole time then. */
static void
a_limit_starves_nobody(void **state)
{
	enum { ALL = 100, LIMIT = 129 };
	bool judged[ALL] = { false };
	unsigned left = ALL;
	(void)state;
	rules_begin();
	for (unsigned i = 0; i < ALL; i++)
		check(i, "http", MANNER_HANG, "every = 200ms\ntimeout = 200ms");
	play_nofile = LIMIT;
	play_start(ROLE_NET, rules);
	play_nofile = 0;
	for (unsigned i = 0; i < ALL; i++)
		play_pace(i, PACE_NORMAL);
	while (left > 0) {
		play_hear(MSG_RESULT);
		for (unsigned i = 0; i < ALL; i++) {
			const struct msg_result *r = &play.last[i];
			if (play.count[i] == 0 || judged[i] || r->outcome != OUTCOME_BAD)
				continue;
			assert_true(r->latency_ns >=
				    200 * (int64_t)MS - 20 * (int64_t)MS);
			judged[i] = true;
			left--;
		}
	}
	assert_true(play_fds() <= LIMIT);
}

/* ---- P4: a stall of our own ---- */

static void
a_stall_proves_nothing(void **state)
{
	static const struct timespec stall = { .tv_nsec = 600000000 };
	(void)state;
	rules_begin();
	check(0, "http", MANNER_HANG, "every = 1d\ntimeout = 1s");
	play_start(ROLE_NET, rules);
	unsigned before = play_fds();
	play_pace(0, PACE_NOW);
	play_await_fds(before + 1);
	kill(play.helper, SIGSTOP);
	nanosleep(&stall, NULL);
	kill(play.helper, SIGCONT);
	const struct msg_result *r = play_result(0, 1);
	assert_int_equal(r->outcome, OUTCOME_UNKNOWN);
	assert_non_null(strstr(r->text, "loop was late"));
	int64_t ended = clock_ns();
	r = play_verdict(0); /* it is measured once more, at once */
	assert_int_equal(r->outcome, OUTCOME_BAD);
	assert_true(r->began_ns < ended + SLACK_MS * (int64_t)MS);
}

/* ---- P10: nothing is left behind ---- */

static long
memory_kib(void)
{
	char path[64], line[128];
	long kib = 0;
	text_print(path, sizeof path, "/proc/%d/status", (int)play.helper);
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "VmRSS: %ld", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

static void
failures_leave_nothing_behind(void **state)
{
	static const enum manner bad[] = { MANNER_REFUSE, MANNER_RESET, MANNER_BANNER,
					   MANNER_CLOSE,  MANNER_SICK,  MANNER_HEADER,
					   MANNER_HANG,   MANNER_FULL };
	(void)state;
	rules_begin();
	for (unsigned i = 0; i < 4 * COUNT(bad); i++)
		check(i, "http", bad[i % COUNT(bad)],
		      "every = 10ms\ntimeout = 50ms\nexpect = body ~ x");
	setenv("ASAN_OPTIONS", "quarantine_size_mb=1", 0); /* what is freed is free */
	play_start(ROLE_NET, rules);
	unsigned before = play_fds();
	for (unsigned i = 0; i < 4 * COUNT(bad); i++)
		play_pace(i, PACE_NORMAL);
	while (play.results < 300)
		play_hear(MSG_RESULT);
	long kib = memory_kib();
	while (play.results < 2300)
		play_hear(MSG_RESULT);
	for (unsigned i = 0; i < 4 * COUNT(bad); i++)
		play_pace(i, PACE_OFF);
	play_await_fds(before);
	assert_true(memory_kib() < kib + 8192);
}

static void
say(int peer, const char *words)
{
	size_t size = strlen(words);
	assert_int_equal(send(peer, words, size, MSG_NOSIGNAL), size);
}

/* A good answer ends by a reset, and the next one asks from another port, over the same
 * socket; who greets after the connection stands is read as well. */
static void
sockets_are_used_again(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof at;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	in_port_t last = 0;
	unsigned fds = 0;
	char bytes[1024];
	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&at, size), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &size), 0);
	rules_begin();
	text_add(&text,
		 "[check c0]\nhttp = http://127.0.0.1:%u/x\nevery = 1d\ntimeout = 20s\n"
		 "[check c1]\ntcp = 127.0.0.1:%u\nevery = 1d\ntimeout = 20s\n"
		 "expect = body ~ hello\n",
		 ntohs(at.sin_port), ntohs(at.sin_port));
	play_start(ROLE_NET, rules);
	for (unsigned turn = 0; turn < 6; turn++) {
		struct sockaddr_in from;
		size = sizeof from;
		play_pace(turn % 2, PACE_NOW);
		int peer =
			accept4(listener, (struct sockaddr *)&from, &size, SOCK_CLOEXEC);
		assert_true(peer >= 0 && from.sin_port != last);
		last = from.sin_port;
		if (turn % 2 == 0) {
			assert_true(recv(peer, bytes, sizeof bytes, 0) > 0);
			say(peer, "HTTP/1.1 200 OK\r\nContent-");
			play_settle();
			say(peer, "Length: 3\r\n\r\nok\n");
		} else {
			say(peer, "hello\r\n");
		}
		assert_int_equal(play_result(turn % 2, turn / 2 + 1)->outcome,
				 OUTCOME_GOOD);
		assert_int_equal(recv(peer, bytes, sizeof bytes, 0), -1);
		assert_int_equal(errno, ECONNRESET);
		close(peer);
		assert_true(turn == 0 || play_fds() == fds);
		fds = play_fds();
	}
	close(listener);
}

/* ---- reload ---- */

static void
a_reload_keeps_what_is_in_flight(void **state)
{
	(void)state;
	rules_begin();
	check(5, "http", MANNER_HANG, "every = 1d\ntimeout = 2s");
	check(6, "http", MANNER_HANG, "every = 1d\ntimeout = 2s");
	play_start(ROLE_NET, rules);
	unsigned before = play_fds();
	play_pace(0, PACE_NOW);
	play_pace(1, PACE_NOW);
	play_await_fds(before + 2);
	int64_t loaded_ns = clock_ns();
	rules_begin();
	check(1, "http", MANNER_GOOD, "every = 1d");
	check(6, "http", MANNER_HANG, "every = 1d\ntimeout = 2s\nup = 3");
	play_load(rules);
	assert_int_equal(play_fds(), before + 1); /* the section that is gone gave up */
	const struct msg_result *r = play_result(1, 1);
	assert_true(r->began_ns < loaded_ns);
	assert_int_equal(play.packet.head.generation, 2);
	if (strstr(r->text, "loop was late") == NULL)
		assert_int_equal(r->outcome, OUTCOME_BAD);
	assert_int_equal(play.count[0], 0); /* a new check begins with PACE_OFF */
	play_pace(0, PACE_NOW);
	assert_int_equal(play_verdict(0)->outcome, OUTCOME_GOOD);
}

static void
a_changed_check_is_measured_anew(void **state)
{
	(void)state;
	rules_begin();
	check(1, "http", MANNER_HANG, "every = 1d\ntimeout = 30s");
	play_start(ROLE_NET, rules);
	unsigned before = play_fds();
	play_pace(0, PACE_NOW);
	play_await_fds(before + 1);
	rules_begin();
	check(1, "http", MANNER_GOOD, "every = 1d\ntimeout = 30s");
	play_load(rules);
	assert_int_equal(play_fds(), before);
	play_pace(0, PACE_NOW);
	assert_int_equal(play_verdict(0)->outcome, OUTCOME_GOOD);
	assert_int_equal(play.last[0].value[0].metric, METRIC_STATUS);
	assert_true(play.last[0].value[0].value == 200);
}

/* ---- paces ---- */

static void
goes_as_fast_as_it_is_told(void **state)
{
	(void)state;
	rules_begin();
	check(0, "http", MANNER_GOOD, "every = 1d\nfast = 20ms");
	play_start(ROLE_NET, rules);
	assert_int_equal(play.results, 0);
	play_pace(0, PACE_NOW);
	play_result(0, 1);
	play_pace(0, PACE_FAST);
	play_result(0, 10);
	int64_t asked = clock_ns();
	play_pace(0, PACE_NOW);
	play_pace(0, PACE_NORMAL); /* as monitord says both */
	do {
		play_result(0, play.count[0] + 1);
	} while (play.last[0].began_ns < asked);
	play_pace(0, PACE_OFF);
	play_settle();
	unsigned before = play.results;
	play_settle();
	assert_int_equal(play.results, before);
}

/* ---- P4: what is our own failure is unknown ---- */

static void
too_many_descriptors_is_unknown(void **state)
{
	(void)state;
	rules_begin();
	check(0, "http", MANNER_GOOD, "every = 1d");
	play_start(ROLE_NET, rules);
	struct rlimit low = { .rlim_cur = 4, .rlim_max = 4096 }, high = { 4096, 4096 };
	assert_int_equal(prlimit(play.helper, RLIMIT_NOFILE, &low, NULL), 0);
	play_pace(0, PACE_NOW);
	assert_int_equal(play_verdict(0)->outcome, OUTCOME_UNKNOWN);
	assert_non_null(strstr(play.last[0].text, strerror(EMFILE)));
	assert_int_equal(prlimit(play.helper, RLIMIT_NOFILE, &high, NULL), 0);
	play_pace(0, PACE_NOW);
	assert_int_equal(play_verdict(0)->outcome, OUTCOME_GOOD);
}

/* monitord opens Unix sockets. */
static const struct {
	int error; /* 0: opened; -1: no answer */
	enum outcome outcome;
	const char *why;
} unix_rows[] = {
	{ 0, OUTCOME_GOOD, "" },
	{ ECONNREFUSED, OUTCOME_BAD, "no connection to /run/s" },
	{ ENOENT, OUTCOME_BAD, "No such file" },
	{ EAGAIN, OUTCOME_BAD, "accept queue is full" },
	{ EMFILE, OUTCOME_UNKNOWN, "Too many open files" },
	{ -1, OUTCOME_UNKNOWN, "was not opened within" },
};

static void
answer_open(int error)
{
	struct msg_open open;
	int pair[2];
	play_hear(MSG_OPEN);
	memcpy(&open, play.packet.items, sizeof open);
	assert_int_equal(open.what, OPEN_CHECK_SOCKET);
	assert_int_equal(open.id, 0);
	struct msg_opened opened = {
		.what = open.what, .id = open.id, .token = open.token, .error = error
	};
	if (error == -1)
		return;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	play_tell(MSG_OPENED, &opened, error == 0 ? pair[0] : -1);
	if (error == 0) { /* an answer to what has ended is closed */
		opened.token += 1000;
		play_tell(MSG_OPENED, &opened, pair[1]);
	}
	close(pair[0]);
	close(pair[1]);
}

static void
unix_sockets_are_opened_for_it(void **state)
{
	(void)state;
	play_start(ROLE_NET, "[check u]\nunix = /run/s\nevery = 1d\ntimeout = 600ms\n");
	unsigned before = play_fds();
	for (unsigned i = 0; i < COUNT(unix_rows); i++) {
		play_pace(0, PACE_NOW);
		answer_open(unix_rows[i].error);
		const struct msg_result *r = play_result(0, i + 1);
		if (r->outcome != unix_rows[i].outcome ||
		    strstr(r->text, unix_rows[i].why) == NULL)
			fail_msg("row %u: got %u '%s'", i, r->outcome, r->text);
		play_settle();
		assert_int_equal(play_fds(), before);
	}
}

static void
who_is_active_is_told(void **state)
{
	struct msg_active active = { .route = 0 };
	(void)state;
	rules_begin();
	check(0, "http", MANNER_GOOD, "every = 1d\nexpect = header X-Backend = {active}");
	text_add(&text, "[route r]\nswitch = /tmp/f\nbackend = apache\nbackend = tomcat\n"
			"verify = c0 within 3s\n");
	play_start(ROLE_NET, rules);
	static const enum outcome outcomes[] = { OUTCOME_UNKNOWN, OUTCOME_GOOD,
						 OUTCOME_UNKNOWN, OUTCOME_GOOD };
	for (unsigned i = 0; i < COUNT(outcomes); i++) {
		active.active = i;
		play_tell(MSG_ACTIVE, &active, -1);
		play_pace(0, PACE_NOW);
		assert_int_equal(play_verdict(0)->outcome, outcomes[i]);
	}
	play_load(rules); /* it is remembered */
	play_pace(0, PACE_NOW);
	assert_int_equal(play_verdict(0)->outcome, OUTCOME_GOOD);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, end)
	const struct CMUnitTest tests[] = {
		TEST(judges_every_manner),
		TEST(hung_peers_delay_nobody),
		TEST(a_limit_starves_nobody),
		TEST(a_stall_proves_nothing),
		TEST(failures_leave_nothing_behind),
		TEST(a_reload_keeps_what_is_in_flight),
		TEST(a_changed_check_is_measured_anew),
		TEST(goes_as_fast_as_it_is_told),
		TEST(sockets_are_used_again),
		TEST(too_many_descriptors_is_unknown),
		TEST(unix_sockets_are_opened_for_it),
		TEST(who_is_active_is_told),
	};
	return cmocka_run_group_tests_name("probes_net", tests, begin, end_all);
}
