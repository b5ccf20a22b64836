/* monitord-alerts killed at every system call between an event and its removal from the
 * spool: each event is told at least once, always by the same Message-ID, and in order. A
 * tracer (strace) kills at the N-th call after the event was there to be read.
 *   alerts_crash [STEP]    every call, or each STEP-th */
#include "test/unit/alerts_play.h"
#include "test/unit/alerts_server.h"

#include "base/clock.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS_MOST 400 /* after so many it must have been told */
#define WAIT_MS 20000

static char taken[16 << 20];
static unsigned step = 1;
static struct servers servers;

static const char *
rules(void)
{
	static char text[512];
	text_print(
		text, sizeof text,
		"[monitord]\nsmtp = 127.0.0.1:%u\nfrom = m@example.org\n[contact ops]\n"
		"mail = ops@example.org\nrate = 1000 in 1s\n",
		servers.smtp);
	return text;
}

static bool
is_dead(void)
{
	siginfo_t info = { .si_pid = 0 };
	return waitid(P_PID, (id_t)play.helper, &info, WEXITED | WNOHANG | WNOWAIT) ==
		       0 &&
	       info.si_pid != 0;
}

/* A tracer of the helper that kills it at its n-th call from now on. */
static pid_t
trace(unsigned n)
{
	char pid[16], inject[64];
	text_print(pid, sizeof pid, "%d", (int)play.helper);
	text_print(inject, sizeof inject, "inject=all:signal=SIGKILL:when=%u", n);
	pid_t tracer = fork();
	if (tracer == 0) {
		int null = open("/dev/null", O_RDWR);
		dup2(null, 1);
		dup2(null, 2);
		execlp("strace", "strace", "-q", "-e", "trace=all", "-e", inject, "-p",
		       pid, NULL);
		_exit(127);
	}
	char status[64], text[4096];
	text_print(status, sizeof status, "/proc/%d/status", (int)play.helper);
	for (int64_t end = clock_ms() + WAIT_MS; clock_ms() < end; usleep(1000)) {
		int fd = open(status, O_RDONLY | O_CLOEXEC);
		ssize_t size = read(fd, text, sizeof text - 1);
		close(fd);
		text[size > 0 ? size : 0] = '\0';
		char wanted[32];
		text_print(wanted, sizeof wanted, "TracerPid:\t%d\n", (int)tracer);
		if (strstr(text, wanted) != NULL || is_dead()) /* or at its first call */
			return tracer;
	}
	fail_msg("the tracer did not begin");
	return 0;
}

static unsigned
count_mails(const char *id)
{
	unsigned n = 0;
	servers_lines("mails", taken, sizeof taken);
	for (const char *p = taken; (p = strstr(p, id)) != NULL; p++)
		n++;
	return n;
}

/* Until it is dead, or the mail is there and the spool is done with it. */
static bool
killed_before_told(uint64_t over)
{
	struct msg_alert_counts c;
	for (int64_t end = clock_ms() + WAIT_MS; clock_ms() < end; usleep(2000)) {
		char why[MSG_TEXT];
		if (is_dead())
			return true;
		while (msg_receive(play.channel, ROLE_ALERTS, ROLE_MONITORD, &play.packet,
				   why) == MSG_GOT)
			if (play.packet.head.kind == MSG_ALERT_COUNTS) {
				memcpy(&c, play.packet.items, sizeof c);
				if (c.queued == 0 && c.sent >= over)
					return false;
			}
	}
	fail_msg("neither killed nor told");
	return false;
}

static void
every_call(void **state)
{
	(void)state;
	unsigned kills = 0, calls = 1;
	uint64_t events = 0;
	char id[80];
	for (bool more = true; more && calls < CALLS_MOST; calls += step) {
		play_start(rules());
		play_hear_counts(0, events);
		pid_t tracer = trace(calls);
		play_happens("alert", 0, "ops", "something is wrong");
		uint64_t event = play.last_id;
		events++;
		play_ring();
		more = killed_before_told(events);
		kills += more;
		if (!more)
			kill(tracer, SIGTERM);
		waitpid(tracer, NULL, 0);
		play_stop(SIGKILL);
		play_start(rules()); /* what is left is told now */
		play_hear_counts(0, events);
		play_stop(SIGKILL);
		text_print(id, sizeof id, "Message-ID: <event.%llu.",
			   (unsigned long long)event);
		unsigned n = count_mails(id);
		if (n < 1 || n > 2)
			fail_msg("killed at call %u: told %u times", calls, n);
	}
	printf("# killed at %u calls of %u, by steps of %u; %llu events, all told\n",
	       kills, calls, step, (unsigned long long)events);
	assert_true(kills > 60 / step);
	uint64_t last = 0; /* in order: the first of each */
	for (const char *p = taken; (p = strstr(p, "Message-ID: <event.")) != NULL; p++) {
		uint64_t n = strtoull(p + strlen("Message-ID: <event."), NULL, 10);
		assert_true(n == last || n > last);
		last = n;
	}
}

static int
begin(void **state)
{
	(void)state;
	if (!servers_begin(&servers, false))
		return -1;
	play_begin();
	return 0;
}

static int
end(void **state)
{
	(void)state;
	play_end();
	servers_end(&servers);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(every_call,
									    begin, end) };
	int asked = argc > 1 ? atoi(argv[1]) : 0;
	step = asked > 0 ? (unsigned)asked : step;
	if (asked <= 0 && getenv("MONITORD_LONG") == NULL) {
		puts("skipped: it takes ten seconds: MONITORD_LONG is not set");
		return 77;
	}
	if (!servers_possible() || system("strace -V >/dev/null 2>&1") != 0) {
		puts("skipped: there is no python3 or no strace");
		return 77;
	}
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
