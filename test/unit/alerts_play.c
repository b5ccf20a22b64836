#include "test/unit/alerts_play.h"

#include "base/clock.h"
#include "base/journal.h"
#include "base/text.h"
#include "rules/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 30000

struct play play;

/* ---- the journal ---- */

void
play_begin(void)
{
	char slot[JOURNAL_SLOT];
	play.journal = open("journal", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(play.journal, (off_t)(PLAY_SLOTS + 1) * JOURNAL_SLOT),
			 0);
	journal_header(slot, &(struct journal_head){ PLAY_SLOTS, 1, "boot" });
	assert_int_equal(pwrite(play.journal, slot, sizeof slot, 0), sizeof slot);
	play.last_id = 0;
	play.packet.fd = play.bundle = play.channel = -1;
}

void
play_happens(const char *kind, uint64_t incident, const char *to, const char *text)
{
	char slot[JOURNAL_SLOT];
	struct journal_line l = { .id = ++play.last_id,
				  .real_ms = clock_real_ms(),
				  .incident = incident };
	text_print(l.kind, sizeof l.kind, "%s", kind);
	text_print(l.object_kind, sizeof l.object_kind, "service");
	text_print(l.object, sizeof l.object, "tomcat");
	text_print(l.to, sizeof l.to, "%s", to);
	text_print(l.text, sizeof l.text, "%s", text);
	journal_encode(&l, slot);
	assert_int_equal(pwrite(play.journal, slot, sizeof slot,
				(off_t)((1 + l.id % PLAY_SLOTS) * JOURNAL_SLOT)),
			 sizeof slot);
}

void
play_incident(const char *to)
{
	uint64_t id = play.last_id + 1;
	play_happens("service-exited", id, "", "tomcat exited: signal 9");
	play_happens("incident-open", id, to, "tomcat exited: signal 9");
	play_happens("incident-close", id, to, "over after 2 s: tomcat exited: signal 9");
}

/* ---- the channel ---- */

void
play_tell(enum msg_kind kind, const void *item, int fd)
{
	assert_int_equal(msg_send(play.channel, ROLE_MONITORD, ROLE_ALERTS, kind,
				  play.generation, item, 1, fd),
			 MSG_SENT);
}

void
play_hear(enum msg_kind kind)
{
	char why[MSG_TEXT];
	for (int64_t end = clock_ms() + WAIT_MS; clock_ms() < end;) {
		struct pollfd p = { .fd = play.channel, .events = POLLIN };
		poll(&p, 1, 1000);
		enum msg_got got = msg_receive(play.channel, ROLE_ALERTS, ROLE_MONITORD,
					       &play.packet, why);
		if (got == MSG_GOT && play.packet.head.kind == kind)
			return;
		if (got == MSG_END || got == MSG_FORBIDDEN)
			fail_msg("the helper is gone (%d) before %s", (int)got,
				 msg_name(kind));
	}
	fail_msg("no %s", msg_name(kind));
}

struct msg_alert_counts
play_hear_counts(uint64_t queued, uint64_t over)
{
	struct msg_alert_counts c;
	do {
		play_hear(MSG_ALERT_COUNTS);
		memcpy(&c, play.packet.items, sizeof c);
	} while (c.queued != queued || c.sent + c.failed + c.undelivered != over);
	return c;
}

void
play_ring(void)
{
	struct msg_bell bell = { .last_id = play.last_id };
	/* who was killed meanwhile reads the journal when it begins again */
	assert_int_not_equal(msg_send(play.channel, ROLE_MONITORD, ROLE_ALERTS, MSG_BELL,
				      play.generation, &bell, 1, -1),
			     MSG_FULL);
}

void
play_load(const char *rules)
{
	struct source one = { .path = (char *)"/m.ini",
			      .text = (char *)(uintptr_t)rules,
			      .size = strlen(rules) };
	struct sources s = { .list = &one, .count = 1 };
	struct msg_rules m = { .generation = ++play.generation };
	if (play.bundle != -1)
		close(play.bundle);
	play.bundle = memfd_create("rules", MFD_CLOEXEC);
	assert_true(sources_write(&s, play.bundle));
	play_tell(MSG_RULES, &m, play.bundle);
	play_hear(MSG_LOADED);
}

static void
child(int end)
{
	const char *build = getenv("MONITORD_BUILD");
	char program[512];
	text_print(program, sizeof program, "%s/monitord-alerts",
		   build != NULL ? build : ".");
	dup2(end, 3);
	close_range(4, ~0u, 0);
	execl(program, program, (char *)NULL);
	_exit(127);
}

void
play_start(const char *rules)
{
	int fds[2];
	struct msg_hello hello;
	struct msg_journal m = { .last_id = play.last_id };
	assert_true(msg_pair(fds));
	play.channel = fds[0];
	play.generation = 0;
	play.helper = fork();
	if (play.helper == 0)
		child(fds[1]);
	close(fds[1]);
	play_hear(MSG_HELLO);
	memcpy(&hello, play.packet.items, sizeof hello);
	assert_int_equal(hello.role, ROLE_ALERTS);
	play.hello_cursor = hello.cursor;
	play_load(rules);
	play_tell(MSG_JOURNAL, &m, play.journal);
}

void
play_stop(int signal)
{
	if (play.helper != 0) {
		kill(play.helper, signal);
		waitpid(play.helper, NULL, 0);
		close(play.channel);
	}
	play.helper = 0;
	play.channel = -1;
}

void
play_end(void)
{
	play_stop(SIGKILL);
	close(play.journal);
	close(play.bundle);
}
