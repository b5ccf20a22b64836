#include "probes/resolve.h"

#include "base/clock.h"
#include "test/unit/probes.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const struct {
	const char *host;
	int family; /* 0: it is a name */
} hosts[] = {
	{ "127.0.0.1", AF_INET },
	{ "255.255.255.255", AF_INET },
	{ "::1", AF_INET6 },
	{ "fe80::1", AF_INET6 },
	{ "::ffff:127.0.0.1", AF_INET6 },
	{ "localhost", 0 },
	{ "127.0.0.256", 0 },
	{ "127.1", 0 },
	{ "[::1]", 0 },
	{ "", 0 },
};

static void
takes_literals_at_once(void **state)
{
	struct addresses found;
	char text[64];
	(void)state;
	for (size_t i = 0; i < COUNT(hosts); i++) {
		assert_int_equal(resolve_literal(hosts[i].host, 8080, &found),
				 hosts[i].family != 0);
		assert_int_equal(found.count, hosts[i].family != 0);
		if (found.count == 0)
			continue;
		const union address *a = &found.list[0];
		assert_int_equal(a->any.sa_family, hosts[i].family);
		assert_true(found.good_until_ms == INT64_MAX);
		bool v4 = hosts[i].family == AF_INET;
		assert_int_equal(ntohs(v4 ? a->v4.sin_port : a->v6.sin6_port), 8080);
		inet_ntop(hosts[i].family,
			  v4 ? (const void *)&a->v4.sin_addr
			     : (const void *)&a->v6.sin6_addr,
			  text, sizeof text);
		assert_string_equal(text, hosts[i].host);
	}
}

/* ---- a name server of our own ---- */

static struct {
	struct loop *loop;
	struct loop_io io;
	int fd;
	bool mute, absent;
	unsigned asked;     /* queries for an IPv4 address */
	uint8_t last, more; /* the address is 127.0.0.last; more: and as many behind it */
	uint32_t ttl;
} server;

/* The question is copied; answers are A records of its name, none for AAAA. */
static void
on_query(struct loop_io *io, unsigned events)
{
	unsigned char q[512];
	struct sockaddr_in from;
	socklen_t size = sizeof from;
	(void)events;
	ssize_t n = recvfrom(io->ev.fd, q, 300, 0, (struct sockaddr *)&from, &size);
	if (n < 17)
		return;
	size_t end = 12;
	while (end < (size_t)n && q[end] != 0)
		end += q[end] + 1u;
	end += 5;
	bool v4 = q[end - 3] == 1;
	server.asked += v4;
	if (server.mute || end > (size_t)n)
		return;
	unsigned answers = v4 && !server.absent ? 1u + server.more : 0;
	q[2] = 0x81;
	q[3] = server.absent ? 0x83 : 0x80;
	q[7] = (unsigned char)answers;
	memset(q + 8, 0, 4);
	for (unsigned i = 0; i < answers; i++) {
		unsigned char record[] = { 0xc0, 12,
					   0,    1,
					   0,    1,
					   0,    0,
					   0,    (unsigned char)server.ttl,
					   0,    4,
					   127,  0,
					   0,    (unsigned char)(server.last + i) };
		memcpy(q + end, record, sizeof record);
		end += sizeof record;
	}
	sendto(io->ev.fd, q, end, 0, (struct sockaddr *)&from, size);
}

static struct {
	unsigned told, want;
	enum resolved how;
	struct addresses found;
} heard;

static void
on_told(void *arg, enum resolved how, const struct addresses *found, const char *why)
{
	(void)arg;
	(void)why;
	heard.told++;
	heard.how = how;
	if (found != NULL)
		heard.found = *found;
	if (heard.told >= heard.want)
		loop_stop(server.loop);
}

static void
on_limit(struct loop_timer *t)
{
	(void)t;
	loop_stop(server.loop);
}

static void
run_for(int64_t ms)
{
	struct loop_timer limit = { 0 };
	loop_timer_start(server.loop, &limit, ms, 0, on_limit, NULL);
	loop_run(server.loop);
	loop_timer_stop(&limit);
}

/* Asks so many times at once, and waits for all answers. */
static void
ask(const char *host, unsigned times)
{
	heard.told = 0;
	heard.want = times;
	for (unsigned i = 0; i < times; i++)
		resolve_name(host, 80, on_told, NULL);
	if (heard.told < times)
		run_for(20000);
	assert_int_equal(heard.told, times);
}

static unsigned
last_byte(void)
{
	assert_int_equal(heard.how, RESOLVE_GOOD);
	assert_int_equal(heard.found.list[0].any.sa_family, AF_INET);
	assert_int_equal(ntohs(heard.found.list[0].v4.sin_port), 80);
	return ntohl(heard.found.list[0].v4.sin_addr.s_addr) & 255;
}

static int
begin(void **state)
{
	char list[64];
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof a;
	(void)state;
	server.loop = loop_new(0);
	server.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(server.fd, (struct sockaddr *)&a, size), 0);
	getsockname(server.fd, (struct sockaddr *)&a, &size);
	snprintf(list, sizeof list, "127.0.0.1:%u", ntohs(a.sin_port));
	loop_io_start(server.loop, &server.io, server.fd, LOOP_READ, on_query, NULL);
	return resolve_begin(server.loop) && resolve_servers(list) ? 0 : -1;
}

static void
one_query_serves_all(void **state)
{
	(void)state;
	server.last = 1;
	server.more = 2;
	server.ttl = 60;
	ask("many.example", 50);
	assert_int_equal(last_byte(), 1);
	assert_int_equal(heard.found.count, 3);
	assert_int_equal(server.asked, 1);
	ask("many.example", 50); /* it is known */
	assert_int_equal(server.asked, 1);
	resolve_doubt("many.example"); /* nobody was there */
	server.last = 7;
	ask("many.example", 1);
	assert_int_equal(last_byte(), 7);
	assert_int_equal(server.asked, 2);
	server.more = 0;
}

static void
a_ttl_ends(void **state)
{
	(void)state;
	server.last = 1;
	server.ttl = 1;
	ask("short.example", 1);
	server.last = 2;
	int64_t end = clock_ms() + 20000;
	while (last_byte() != 2 && clock_ms() < end) {
		run_for(50);
		ask("short.example", 1);
	}
	assert_int_equal(last_byte(), 2);
}

/* The old address serves, after a moment of patience first, then at once. */
static void
a_mute_server_takes_nothing_away(void **state)
{
	(void)state;
	server.last = 3;
	server.ttl = 60;
	server.mute = false;
	ask("kept.example", 1);
	server.mute = true;
	resolve_doubt("kept.example");
	int64_t began = clock_ms();
	ask("kept.example", 3);
	assert_true(clock_ms() - began >= RESOLVE_PATIENCE_MS - 50);
	assert_int_equal(last_byte(), 3);
	heard.told = 0;
	heard.want = 1;
	resolve_name("kept.example", 80, on_told, NULL); /* it is being asked still */
	assert_int_equal(heard.told, 1);
	assert_int_equal(last_byte(), 3);
	/* a name that never was known is unknown, and another is not held up by it */
	struct lookup *l = resolve_name("never.example", 80, on_told, NULL);
	assert_non_null(l);
	ask("kept.example", 1);
	assert_int_equal(last_byte(), 3);
	resolve_cancel(l);
	ask("other.example", 1);
	assert_int_equal(heard.how, RESOLVE_FAILED);
	server.mute = false;
}

static void
what_is_absent_is_told(void **state)
{
	(void)state;
	server.ttl = 60;
	ask("gone.example", 1);
	assert_int_equal(heard.how, RESOLVE_GOOD);
	server.absent = true;
	resolve_doubt("gone.example");
	ask("gone.example", 1);
	assert_int_equal(heard.how, RESOLVE_ABSENT);
	server.absent = false;
	ask("gone.example", 1);
	assert_int_equal(heard.how, RESOLVE_GOOD);
}

int
test_probes_resolve(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_literals_at_once),
		cmocka_unit_test(one_query_serves_all),
		cmocka_unit_test(a_ttl_ends),
		cmocka_unit_test(a_mute_server_takes_nothing_away),
		cmocka_unit_test(what_is_absent_is_told),
	};
	return cmocka_run_group_tests_name("probes_resolve", tests, begin, NULL);
}
