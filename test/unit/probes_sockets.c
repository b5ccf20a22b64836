#include "probes/sockets.h"

#include "test/unit/probes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_MS 20000

static struct {
	struct sockets sockets;
	struct loop *loop;
	int listener;
	struct sockaddr_in at;
	unsigned told, events; /* since the last wait; all that were told */
	void (*then)(void);    /* called for the first */
	bool again;
} our;

static bool
on_event(void *owner, unsigned events)
{
	assert_ptr_equal(owner, &our);
	our.told++;
	our.events |= events;
	if (our.then != NULL && our.told == 1)
		our.then();
	loop_stop(our.loop);
	return our.again;
}

static void
expired(struct loop_timer *t)
{
	(void)t;
	loop_stop(our.loop);
}

/* Until something is told, or so long. */
static void
wait_ms(int64_t limit_ms)
{
	struct loop_timer limit = { 0 };
	our.told = our.events = 0;
	loop_timer_start(our.loop, &limit, limit_ms, 0, expired, NULL);
	loop_run(our.loop);
	loop_timer_stop(&limit);
}

static int
begin(void **state)
{
	socklen_t size = sizeof our.at;
	(void)state;
	memset(&our, 0, sizeof our);
	our.loop = loop_new(0);
	our.at = (struct sockaddr_in){ .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	our.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(our.listener, (struct sockaddr *)&our.at, size), 0);
	assert_int_equal(listen(our.listener, 8), 0);
	assert_int_equal(getsockname(our.listener, (struct sockaddr *)&our.at, &size), 0);
	sockets_begin(&our.sockets, our.loop, on_event);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	sockets_end(&our.sockets);
	assert_int_equal(our.sockets.spares, 0);
	close(our.listener);
	loop_free(&our.loop);
	return 0;
}

/* Takes one and connects it; its port, and the peer's end. */
static struct socket *
connected(unsigned *port, int *peer)
{
	struct sockaddr_in from;
	socklen_t size = sizeof from;
	struct socket *k = sockets_take(&our.sockets, false, &our);
	assert_non_null(k);
	if (connect(k->fd, (struct sockaddr *)&our.at, sizeof our.at) != 0)
		assert_int_equal(errno, EINPROGRESS);
	*peer = accept4(our.listener, (struct sockaddr *)&from, &size, SOCK_CLOEXEC);
	assert_true(*peer >= 0);
	*port = ntohs(from.sin_port);
	wait_ms(DEADLINE_MS);
	assert_int_equal(our.events, LOOP_WRITE);
	return k;
}

/* The peer of the one sees a reset; nothing of the one shows in the next, which has a port of
 * its own. */
static void
is_connected_again(void **state)
{
	unsigned before = 0, port;
	char bytes[8];
	int peer, fd = -1;
	(void)state;
	for (unsigned turn = 0; turn < 5; turn++, before = port) {
		struct socket *k = connected(&port, &peer);
		assert_true(port != before);
		assert_true(turn == 0 || k->fd == fd);
		fd = k->fd;
		assert_int_equal(recv(fd, bytes, sizeof bytes, 0), -1);
		assert_int_equal(errno, EAGAIN);
		assert_int_equal(send(fd, "ask", 3, 0), 3);
		assert_int_equal(recv(peer, bytes, sizeof bytes, 0), 3);
		assert_int_equal(send(peer, "answer", 6, 0), 6);
		wait_ms(DEADLINE_MS);
		assert_true((our.events & LOOP_READ) != 0);
		assert_int_equal(recv(fd, bytes, 4, 0), 4); /* "er" is never read */
		assert_true(sockets_keep(&our.sockets, k));
		assert_int_equal(our.sockets.spares, 1);
		assert_int_equal(recv(peer, bytes, sizeof bytes, 0), -1);
		assert_int_equal(errno, ECONNRESET);
		close(peer);
		wait_ms(20); /* the end of its connection is told to nobody */
		assert_int_equal(our.told, 0);
	}
}

static struct socket *taken;

static void
keep_and_take(void)
{
	assert_true(sockets_keep(&our.sockets, taken));
	assert_ptr_equal(sockets_take(&our.sockets, false, &our), taken);
}

static void
close_it(void)
{
	sockets_close(&our.sockets, taken);
}

/* Whoever takes a socket while events are handled is not told of those before. */
static void
events_before_it_was_taken_are_not_told(void **state)
{
	unsigned port;
	int peer;
	(void)state;
	taken = connected(&port, &peer);
	our.then = keep_and_take;
	our.again = true;
	assert_int_equal(send(peer, "x", 1, 0), 1);
	wait_ms(DEADLINE_MS);
	assert_int_equal(our.told, 1);
	our.then = NULL;
	our.again = false;
	close(peer);
	sockets_close(&our.sockets, taken);
}

static void
who_waits_for_another_thing_is_told_once_more(void **state)
{
	unsigned port;
	int peer;
	(void)state;
	struct socket *k = connected(&port, &peer);
	our.again = true;
	assert_int_equal(send(peer, "x", 1, 0), 1);
	wait_ms(DEADLINE_MS);
	assert_int_equal(our.told, 2);
	our.again = false;
	close(peer);
	sockets_close(&our.sockets, k);
}

static void
it_may_be_closed_while_it_is_told(void **state)
{
	unsigned port;
	int peer;
	(void)state;
	taken = connected(&port, &peer);
	our.then = close_it;
	our.again = true;
	assert_int_equal(send(peer, "x", 1, 0), 1);
	wait_ms(DEADLINE_MS);
	assert_int_equal(our.told, 1);
	our.then = NULL;
	our.again = false;
	close(peer);
}

/* What is taken out is told of no more, and its connection stands. */
static void
one_may_part(void **state)
{
	unsigned port;
	char byte;
	int peer;
	(void)state;
	struct socket *k = connected(&port, &peer);
	int fd = sockets_part(&our.sockets, k);
	assert_int_equal(send(peer, "x", 1, 0), 1);
	wait_ms(20);
	assert_int_equal(our.told, 0);
	assert_int_equal(recv(fd, &byte, 1, 0), 1);
	close(fd);
	close(peer);
}

static void
spares_are_bounded_and_apart(void **state)
{
	static struct socket *all[SOCKETS_SPARE + 2];
	(void)state;
	for (unsigned i = 0; i < COUNT(all); i++)
		all[i] = sockets_take(&our.sockets, i == 0, &our);
	if (all[0] == NULL) { /* a host without IPv6 */
		assert_int_equal(errno, EAFNOSUPPORT);
		skip();
	}
	for (unsigned i = 0; i < COUNT(all); i++) {
		assert_int_equal(sockets_keep(&our.sockets, all[i]), i < SOCKETS_SPARE);
		if (i >= SOCKETS_SPARE)
			sockets_close(&our.sockets, all[i]);
	}
	assert_int_equal(our.sockets.spares, SOCKETS_SPARE);
	assert_ptr_equal(sockets_take(&our.sockets, true, &our), all[0]);
	assert_ptr_equal(sockets_take(&our.sockets, false, &our), all[SOCKETS_SPARE - 1]);
	sockets_close(&our.sockets, all[0]);
	sockets_close(&our.sockets, all[SOCKETS_SPARE - 1]);
	sockets_trim(&our.sockets);
	assert_int_equal(our.sockets.spares, SOCKETS_SPARE - 3);
}

int
test_probes_sockets(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_connected_again, begin, end),
		cmocka_unit_test_setup_teardown(events_before_it_was_taken_are_not_told,
						begin, end),
		cmocka_unit_test_setup_teardown(
			who_waits_for_another_thing_is_told_once_more, begin, end),
		cmocka_unit_test_setup_teardown(it_may_be_closed_while_it_is_told, begin,
						end),
		cmocka_unit_test_setup_teardown(one_may_part, begin, end),
		cmocka_unit_test_setup_teardown(spares_are_bounded_and_apart, begin, end),
	};
	return cmocka_run_group_tests_name("probes_sockets", tests, NULL, NULL);
}
