/* monitord-alerts as a program: this test is its monitord, with a journal of its own. */
#include "base/clock.h"
#include "base/journal.h"
#include "base/msg.h"
#include "base/text.h"
#include "rules/parse.h"
#include "test/unit/alerts_server.h"

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

#define SLOTS 256
#define WAIT_MS 30000

static struct servers servers;
static char taken[262144];
static int channel = -1, journal = -1, bundle = -1;
static pid_t helper;
static uint64_t last_id, hello_cursor;
static uint32_t generation;
static struct msg_packet packet;

/* ---- the journal ---- */

static void
journal_begin(void)
{
	char slot[JOURNAL_SLOT];
	journal = open("journal", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(journal, (off_t)(SLOTS + 1) * JOURNAL_SLOT), 0);
	journal_header(slot, SLOTS, "boot");
	assert_int_equal(pwrite(journal, slot, sizeof slot, 0), sizeof slot);
	last_id = 0;
}

static void
happens(const char *kind, uint64_t incident, const char *to, const char *text)
{
	char slot[JOURNAL_SLOT];
	struct journal_line l = { .id = ++last_id,
				  .real_ms = clock_real_ms(),
				  .incident = incident };
	text_print(l.kind, sizeof l.kind, "%s", kind);
	text_print(l.object_kind, sizeof l.object_kind, "service");
	text_print(l.object, sizeof l.object, "tomcat");
	text_print(l.to, sizeof l.to, "%s", to);
	text_print(l.text, sizeof l.text, "%s", text);
	journal_encode(&l, slot);
	assert_int_equal(pwrite(journal, slot, sizeof slot,
				(off_t)((1 + l.id % SLOTS) * JOURNAL_SLOT)),
			 sizeof slot);
}

static void
incident(const char *to)
{
	uint64_t id = last_id + 1;
	happens("service-exited", id, "", "tomcat exited: signal 9");
	happens("incident-open", id, to, "tomcat exited: signal 9");
	happens("incident-close", id, to, "over after 2 s: tomcat exited: signal 9");
}

/* ---- the channel ---- */

static void
tell(enum msg_kind kind, const void *item, int fd)
{
	assert_int_equal(msg_send(channel, ROLE_MONITORD, ROLE_ALERTS, kind, generation,
				  item, 1, fd),
			 MSG_SENT);
}

/* The next packet of that kind. */
static void
hear(enum msg_kind kind)
{
	char why[MSG_TEXT];
	for (int64_t end = clock_ms() + WAIT_MS; clock_ms() < end;) {
		struct pollfd p = { .fd = channel, .events = POLLIN };
		poll(&p, 1, 1000);
		enum msg_got got =
			msg_receive(channel, ROLE_ALERTS, ROLE_MONITORD, &packet, why);
		if (got == MSG_GOT && packet.head.kind == kind)
			return;
		if (got == MSG_END || got == MSG_FORBIDDEN)
			fail_msg("the helper is gone (%d) before %s", (int)got,
				 msg_name(kind));
	}
	fail_msg("no %s", msg_name(kind));
}

/* The counts once so many alerts wait and so many are over with, one way or another. */
static struct msg_alert_counts
hear_counts(uint64_t queued, uint64_t over)
{
	struct msg_alert_counts c;
	do {
		hear(MSG_ALERT_COUNTS);
		memcpy(&c, packet.items, sizeof c);
	} while (c.queued != queued || c.sent + c.failed + c.undelivered != over);
	return c;
}

static void
ring(void)
{
	struct msg_bell bell = { .last_id = last_id };
	tell(MSG_BELL, &bell, -1);
}

static void
load(const char *rules)
{
	struct source one = { .path = (char *)"/m.ini",
			      .text = (char *)(uintptr_t)rules,
			      .size = strlen(rules) };
	struct sources s = { .list = &one, .count = 1 };
	struct msg_rules m = { .generation = ++generation };
	if (bundle != -1)
		close(bundle);
	bundle = memfd_create("rules", MFD_CLOEXEC);
	assert_true(sources_write(&s, bundle));
	tell(MSG_RULES, &m, bundle);
	hear(MSG_LOADED);
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

static void
start(const char *rules)
{
	int fds[2];
	struct msg_hello hello;
	struct msg_journal m = { .last_id = last_id };
	assert_true(msg_pair(fds));
	channel = fds[0];
	generation = 0;
	helper = fork();
	if (helper == 0)
		child(fds[1]);
	close(fds[1]);
	hear(MSG_HELLO);
	memcpy(&hello, packet.items, sizeof hello);
	assert_int_equal(hello.role, ROLE_ALERTS);
	hello_cursor = hello.cursor;
	load(rules);
	tell(MSG_JOURNAL, &m, journal);
}

static void
stop(int signal)
{
	if (helper != 0) {
		kill(helper, signal);
		waitpid(helper, NULL, 0);
		close(channel);
	}
	helper = 0;
	channel = -1;
}

static int
begin(void **state)
{
	(void)state;
	if (!servers_begin(&servers, false))
		return -1;
	journal_begin();
	return 0;
}

static int
begin_secure(void **state)
{
	(void)state;
	if (!servers_begin(&servers, true))
		return -1;
	journal_begin();
	return 0;
}

static int
end(void **state)
{
	(void)state;
	stop(SIGKILL);
	close(journal);
	close(bundle);
	bundle = -1;
	servers_end(&servers);
	return 0;
}

/* [monitord] smtp = these ports, and contacts. */
static const char *
rules(unsigned first, unsigned second, const char *contacts)
{
	static char text[2048];
	text_print(text, sizeof text,
		   "[monitord]\nsmtp = 127.0.0.1:%u%s127.0.0.1:%u\nfrom = "
		   "m@example.org\nalert = ops\n"
		   "state = /nowhere\n%s[service tomcat]\nrun = /bin/true\n",
		   first, ", ", second, contacts);
	return text;
}

#define OPS "[contact ops]\nmail = ops@example.org\n"

static unsigned
count(const char *what)
{
	unsigned n = 0;
	for (const char *p = taken; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

static void
mails_are(unsigned n)
{
	if (!servers_await("mails", n, taken, sizeof taken))
		fail_msg("not %u mails, but: %s", n, taken);
}

/* ---- the tests ---- */

static void
one_incident_is_two_mails_in_one_thread(void **state)
{
	(void)state;
	start(rules(servers.smtp, servers.smtp, OPS));
	assert_int_equal(hello_cursor, 0);
	incident("ops");
	ring();
	mails_are(2);
	struct msg_alert_counts c = hear_counts(0, 2);
	assert_int_equal(c.sent, 2);
	char *first = strstr(taken, "Message-ID: <open.1."),
	     *reply = strstr(taken, "In-Reply-To: <open.1.");
	assert_non_null(first);
	assert_non_null(reply);
	assert_true(first < reply);
	assert_int_equal(count("Message-ID: <close.1."), 1);
}

static void
the_next_server_is_asked_when_one_is_away(void **state)
{
	(void)state;
	start(rules(1, servers.smtp, OPS));
	incident("ops");
	ring();
	struct msg_alert_counts c = hear_counts(0, 2);
	assert_int_equal(c.sent, 2);
	assert_int_equal(servers_lines("mails", taken, sizeof taken), 2); /* none twice */
}

static void
only_who_did_not_answer_is_tried_again(void **state)
{
	(void)state;
	start(rules(servers.smtp, servers.smtp,
		    "[contact ops]\nmail = a@x, later-2@x, c550@x\n"));
	happens("alert", 0, "ops", "alone");
	ring();
	struct msg_alert_counts c = hear_counts(0, 1);
	assert_int_equal(c.failed, 1);
	assert_int_equal(c.sent, 0);
	mails_are(2);
	assert_int_equal(count("\"to\": [\"a@x\"]"), 1);
	assert_int_equal(count("\"to\": [\"later-2@x\"]"), 1);
}

static void
pages_are_posted(void **state)
{
	char contacts[256];
	(void)state;
	text_print(contacts, sizeof contacts,
		   "[contact ops]\nmail = ops@x\npage = http://127.0.0.1:%u/200\n"
		   "[contact web]\npage = http://127.0.0.1:%u/404\n",
		   servers.http, servers.http);
	start(rules(servers.smtp, servers.smtp, contacts));
	happens("page", 0, "ops", "page me");
	happens("alert", 0, "web", "it has no mail");
	happens("alert", 0, "ops", "mail me");
	ring();
	mails_are(1);
	assert_int_equal(count("mail me"), 3); /* subject, sentence, event */
	struct msg_alert_counts c = hear_counts(0, 3);
	assert_int_equal(c.sent, 2);
	assert_int_equal(c.failed, 1);
	assert_int_equal(servers_lines("posts", taken, sizeof taken), 2);
	assert_non_null(strstr(taken, "\\\"text\\\":\\\"page me\\\""));
}

/* Killed at any moment, again and again: every mail arrives, and none twice but those
 * that the server answered just before the kill. */
static void
a_kill_loses_nothing(void **state)
{
	enum { INCIDENTS = 12 };
	char id[64];
	(void)state;
	for (int i = 0; i < INCIDENTS; i++) {
		start(rules(servers.smtp, servers.smtp, OPS));
		assert_true(hello_cursor <= last_id);
		incident("ops");
		ring();
		if (i % 3 == 0) /* before it can have read it */
			stop(SIGKILL);
		else if (i % 3 == 1) { /* somewhere on the way */
			hear(MSG_ALERT_COUNTS);
			stop(SIGKILL);
		} else {
			hear_counts(0, 2 * ((unsigned)i + 1));
			stop(SIGKILL);
		}
	}
	start(rules(servers.smtp, servers.smtp, OPS));
	struct msg_alert_counts c = hear_counts(0, 2 * INCIDENTS);
	assert_int_equal(c.sent, 2 * INCIDENTS);
	mails_are(2 * INCIDENTS);
	for (int i = 0; i < INCIDENTS; i++)
		for (int k = 0; k < 2; k++) {
			text_print(id, sizeof id, "Message-ID: <%s.%d.",
				   k == 0 ? "open" : "close", 1 + 3 * i);
			unsigned n = count(id);
			if (n < 1 || n > 2)
				fail_msg("%u mails with %s", n, id);
		}
}

static void
overwritten_lines_are_counted(void **state)
{
	(void)state;
	start(rules(servers.smtp, servers.smtp, OPS));
	happens("alert", 0, "ops", "first");
	ring();
	mails_are(1);
	hear_counts(0, 1);
	stop(SIGKILL);
	for (int i = 0; i < SLOTS + 10; i++)
		happens("service-up", 0, "", "tomcat is up");
	start(rules(servers.smtp, servers.smtp, OPS));
	struct msg_alert_counts c = hear_counts(0, 11);
	assert_int_equal(hello_cursor, 1);
	assert_int_equal(c.undelivered, 10);
}

static void
a_reload_applies_to_what_waits(void **state)
{
	(void)state;
	start(rules(1, 1, OPS "[contact boss]\nmail = boss@x\n"));
	happens("alert", 0, "ops,boss", "waits");
	ring();
	hear_counts(2, 0);
	load(rules(servers.smtp, servers.smtp, "[contact ops]\nmail = new@x\n"));
	struct msg_alert_counts c = hear_counts(0, 2);
	assert_int_equal(c.sent, 1);
	assert_int_equal(c.undelivered, 1);
	mails_are(1);
	assert_int_equal(count("new@x"), 2); /* envelope and To */
}

static void
a_test_says_what_the_server_said(void **state)
{
	char contacts[256];
	struct msg_test test = { .token = 77 };
	struct msg_test_done done;
	(void)state;
	text_print(contacts, sizeof contacts,
		   "[contact bad]\nmail = ops@x, c550@x\npage = "
		   "http://127.0.0.1:%u/500\n" OPS,
		   servers.http);
	start(rules(servers.smtp, servers.smtp, contacts));
	for (uint32_t i = 0; i < 2; i++) {
		test.contact = i;
		tell(MSG_TEST, &test, -1);
		hear(MSG_TEST_DONE);
		memcpy(&done, packet.items, sizeof done);
		assert_int_equal(done.token, 77);
		assert_int_equal(done.ok, i);
		if (i == 0 &&
		    (strstr(done.text, "ops@x: 250 taken; c550@x: 550 not now; ") ==
			     NULL ||
		     strstr(done.text, "/500: 500 as asked") == NULL))
			fail_msg("%s", done.text);
	}
	assert_string_equal(done.text, "ops@example.org: 250 taken");
	mails_are(2);
}

static void
a_damaged_spool_is_begun_anew(void **state)
{
	char junk[4096];
	(void)state;
	memset(junk, 'x', sizeof junk);
	int fd = open("spool.db", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, junk, sizeof junk), sizeof junk);
	close(fd);
	start(rules(servers.smtp, servers.smtp, OPS));
	assert_int_equal(access("spool.db.damaged", F_OK), 0);
	incident("ops");
	ring();
	mails_are(2);
}

/* As monitord does on OPEN: the file that the rules name. */
static void
lend_password(const char *text)
{
	struct msg_open asked;
	struct msg_opened opened = { .what = OPEN_SMTP_PASSWORD };
	hear(MSG_OPEN);
	memcpy(&asked, packet.items, sizeof asked);
	assert_int_equal(asked.what, OPEN_SMTP_PASSWORD);
	opened.token = asked.token;
	int fd = memfd_create("password", MFD_CLOEXEC);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	tell(MSG_OPENED, &opened, fd);
	close(fd);
}

static void
a_password_is_asked_for_until_it_is_right(void **state)
{
	char keys[512];
	(void)state;
	text_print(keys, sizeof keys,
		   "smtp-tls = starttls\nsmtp-ca = %s/cert.pem\nsmtp-user = monitord\n"
		   "smtp-password-file = %s/none\n" OPS,
		   servers.folder, servers.folder);
	start(rules(servers.smtp, servers.smtp, keys));
	happens("alert", 0, "ops", "secret");
	ring();
	lend_password("wrong\n");
	lend_password("secret\n");
	struct msg_alert_counts c = hear_counts(0, 1);
	assert_int_equal(c.sent, 1);
	mails_are(1);
	assert_int_equal(count("\"tls\": true, \"login\": true"), 1);
}

#define SECURE(test) cmocka_unit_test_setup_teardown(test, begin_secure, end)
#define WITH(test) cmocka_unit_test_setup_teardown(test, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(one_incident_is_two_mails_in_one_thread),
		WITH(the_next_server_is_asked_when_one_is_away),
		WITH(only_who_did_not_answer_is_tried_again),
		WITH(pages_are_posted),
		WITH(a_kill_loses_nothing),
		WITH(overwritten_lines_are_counted),
		WITH(a_reload_applies_to_what_waits),
		WITH(a_test_says_what_the_server_said),
		WITH(a_damaged_spool_is_begun_anew),
		SECURE(a_password_is_asked_for_until_it_is_right),
	};
	if (!servers_possible())
		return 77; /* automake: skipped */
	signal(SIGPIPE, SIG_IGN);
	packet.fd = -1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
