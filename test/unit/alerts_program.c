/* monitord-alerts as a program: this test is its monitord. */
#include "base/text.h"
#include "test/unit/alerts_play.h"
#include "test/unit/alerts_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct servers servers;
static char taken[262144];

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
begin_secure(void **state)
{
	(void)state;
	if (!servers_begin(&servers, true))
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

#define OPS "[contact ops]\nmail = ops@example.org\nrate = 1000 in 1s\n"

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
	play_start(rules(servers.smtp, servers.smtp, OPS));
	assert_int_equal(play.hello_cursor, 0);
	play_incident("ops");
	play_ring();
	mails_are(2);
	struct msg_alert_counts c = play_hear_counts(0, 2);
	assert_int_equal(c.sent, 2);
	char *first = strstr(taken, "Message-ID: <open.1."),
	     *reply = strstr(taken, "In-Reply-To: <open.1.");
	assert_non_null(first);
	assert_non_null(reply);
	assert_true(first < reply);
	assert_int_equal(count("Message-ID: <close.3.1."), 1);
}

static void
the_next_server_is_asked_when_one_is_away(void **state)
{
	(void)state;
	play_start(rules(1, servers.smtp, OPS));
	play_incident("ops");
	play_ring();
	struct msg_alert_counts c = play_hear_counts(0, 2);
	assert_int_equal(c.sent, 2);
	assert_int_equal(servers_lines("mails", taken, sizeof taken), 2); /* none twice */
}

static void
only_who_did_not_answer_is_tried_again(void **state)
{
	(void)state;
	play_start(rules(servers.smtp, servers.smtp,
			 "[contact ops]\nmail = a@x, later-2@x, c550@x\n"));
	play_happens("alert", 0, "ops", "alone");
	play_ring();
	struct msg_alert_counts c = play_hear_counts(0, 1);
	assert_int_equal(c.failed, 1);
	assert_int_equal(c.sent, 0);
	mails_are(2);
	assert_int_equal(count("\"to\": [\"a@x\"]"), 1);
	assert_int_equal(count("\"to\": [\"later-2@x\"]"), 1);
}

/* Two days from now, which is no time for mail today. */
static void
mail_waits_for_its_times(void **state)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed",
					    "Thu", "Fri", "Sat" };
	char contacts[300];
	time_t now = time(NULL);
	struct tm tm;
	(void)state;
	assert_non_null(localtime_r(&now, &tm));
	text_print(
		contacts, sizeof contacts,
		"[contact ops]\nmail = ops@x\nduring = %s\n[contact web]\nmail = web@x\n"
		"during = %s-%s\n[contact pager]\npage = http://127.0.0.1:%u/200\nduring = %s\n",
		days[(tm.tm_wday + 2) % 7], days[(tm.tm_wday + 6) % 7],
		days[(tm.tm_wday + 1) % 7], servers.http, days[(tm.tm_wday + 2) % 7]);
	play_start(rules(servers.smtp, servers.smtp, contacts));
	play_happens("alert", 0, "ops,web,pager", "not now");
	play_ring();
	struct msg_alert_counts c = play_hear_counts(1, 2);
	assert_int_equal(c.sent, 2);
	mails_are(1);
	assert_int_equal(count("ops@x"), 0);
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
	play_start(rules(servers.smtp, servers.smtp, contacts));
	play_happens("page", 0, "ops", "page me");
	play_happens("alert", 0, "web", "it has no mail");
	play_happens("alert", 0, "ops", "mail me");
	play_ring();
	mails_are(1);
	assert_int_equal(count("mail me"), 5); /* subject; sentence and event, twice */
	struct msg_alert_counts c = play_hear_counts(0, 3);
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
		play_start(rules(servers.smtp, servers.smtp, OPS));
		assert_true(play.hello_cursor <= play.last_id);
		play_incident("ops");
		play_ring();
		if (i % 3 == 0) /* before it can have read it */
			play_stop(SIGKILL);
		else if (i % 3 == 1) { /* somewhere on the way */
			play_hear(MSG_ALERT_COUNTS);
			play_stop(SIGKILL);
		} else {
			play_hear_counts(0, 2 * ((unsigned)i + 1));
			play_stop(SIGKILL);
		}
	}
	play_start(rules(servers.smtp, servers.smtp, OPS));
	struct msg_alert_counts c = play_hear_counts(0, 2 * INCIDENTS);
	assert_int_equal(c.sent, 2 * INCIDENTS);
	mails_are(2 * INCIDENTS);
	for (int i = 0; i < INCIDENTS; i++)
		for (int k = 0; k < 2; k++) {
			if (k == 0)
				text_print(id, sizeof id, "Message-ID: <open.%d.",
					   1 + 3 * i);
			else
				text_print(id, sizeof id, "Message-ID: <close.%d.",
					   3 + 3 * i);
			unsigned n = count(id);
			if (n < 1 || n > 2)
				fail_msg("%u mails with %s", n, id);
		}
}

static void
overwritten_lines_are_counted(void **state)
{
	(void)state;
	play_start(rules(servers.smtp, servers.smtp, OPS));
	play_happens("alert", 0, "ops", "first");
	play_ring();
	mails_are(1);
	play_hear_counts(0, 1);
	play_stop(SIGKILL);
	for (int i = 0; i < PLAY_SLOTS + 10; i++)
		play_happens("service-up", 0, "", "tomcat is up");
	play_start(rules(servers.smtp, servers.smtp, OPS));
	struct msg_alert_counts c = play_hear_counts(0, 11);
	assert_int_equal(play.hello_cursor, 1);
	assert_int_equal(c.undelivered, 10);
}

static void
a_reload_applies_to_what_waits(void **state)
{
	(void)state;
	play_start(rules(1, 1, OPS "[contact boss]\nmail = boss@x\n"));
	play_happens("alert", 0, "ops,boss", "waits");
	play_ring();
	play_hear_counts(2, 0);
	play_load(rules(servers.smtp, servers.smtp, "[contact ops]\nmail = new@x\n"));
	struct msg_alert_counts c = play_hear_counts(0, 2);
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
	play_start(rules(servers.smtp, servers.smtp, contacts));
	for (uint32_t i = 0; i < 2; i++) {
		test.contact = i;
		play_tell(MSG_TEST, &test, -1);
		play_hear(MSG_TEST_DONE);
		memcpy(&done, play.packet.items, sizeof done);
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
	play_start(rules(servers.smtp, servers.smtp, OPS));
	assert_int_equal(access("spool.db.damaged", F_OK), 0);
	play_incident("ops");
	play_ring();
	mails_are(2);
}

/* As monitord does on OPEN: the file that the rules name. */
static void
lend_password(const char *text)
{
	struct msg_open asked;
	struct msg_opened opened = { .what = OPEN_SMTP_PASSWORD };
	play_hear(MSG_OPEN);
	memcpy(&asked, play.packet.items, sizeof asked);
	assert_int_equal(asked.what, OPEN_SMTP_PASSWORD);
	opened.token = asked.token;
	int fd = memfd_create("password", MFD_CLOEXEC);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	play_tell(MSG_OPENED, &opened, fd);
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
	play_start(rules(servers.smtp, servers.smtp, keys));
	play_happens("alert", 0, "ops", "secret");
	play_ring();
	lend_password("wrong\n");
	lend_password("secret\n");
	struct msg_alert_counts c = play_hear_counts(0, 1);
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
		WITH(mail_waits_for_its_times),
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
	return cmocka_run_group_tests(tests, NULL, NULL);
}
