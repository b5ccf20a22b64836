/* Deliveries to real servers on loopback: what each child reports of them. */
#include "alerts/delivery.h"
#include "base/clock.h"
#include "base/text.h"
#include "test/unit/alerts_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct servers servers;
static struct delivery delivery;
static struct loop *loop;
static char taken[65536];

static int
plain(void **state)
{
	(void)state;
	memset(&delivery, 0, sizeof delivery);
	loop = loop_new(0);
	return servers_begin(&servers, false) ? 0 : -1;
}

static int
secure(void **state)
{
	(void)state;
	memset(&delivery, 0, sizeof delivery);
	loop = loop_new(0);
	return servers_begin(&servers, true) ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	job_free(&delivery.job);
	loop_free(&loop);
	servers_end(&servers);
	return 0;
}

static void
on_done(struct delivery *d)
{
	(void)d;
	loop_stop(loop);
}

static unsigned
descriptors(void)
{
	unsigned n = 0;
	DIR *d = opendir("/proc/self/fd");
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static struct job *
prepare(unsigned port, const char *to)
{
	struct job *j = &delivery.job;
	char server[64], *list = strdup(to), *rest = list, *name;
	job_free(j);
	text_print(server, sizeof server, "localhost:%u", port);
	j->server = strdup(server);
	j->sender = strdup("monitord@example.org");
	while ((name = strsep(&rest, ",")) != NULL)
		j->to[j->to_count++] = strdup(name);
	free(list);
	j->content =
		strdup("Date: Mon, 24 Nov 2025 22:40:00 +0000\r\n"
		       "From: =?UTF-8?B?TcO2bml0b3I=?=\r\n <monitord@example.org>\r\n"
		       "To: ops@example.org,\r\n boss@example.org\r\n"
		       "Subject: =?UTF-8?B?w7xiZXI=?=\r\n =?UTF-8?B?w7xiZXI=?=\r\n"
		       "Message-ID: <open.12.1.0@web1>\r\nIn-Reply-To: <a@b>\r\n"
		       "References: <a@b>\r\nAuto-Submitted: auto-generated\r\n"
		       "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
		       "Content-Transfer-Encoding: 7bit\r\n\r\n"
		       "one\r\n.\r\n..two\r\n");
	return j;
}

static void
page(struct job *j)
{
	j->page = true;
	for (uint32_t i = 0; i < j->to_count; i++)
		j->requests[i].content = strdup("{}");
}

static void
deliver(void)
{
	unsigned before = descriptors();
	assert_true(delivery_start(loop, &delivery, on_done, NULL));
	loop_run(loop);
	assert_int_equal(delivery.pid, 0);
	assert_int_equal(descriptors(), before);
}

/* What the recipients and the message were answered. */
static void
codes_are(int message, int first, int second)
{
	if (delivery.session.code != message || delivery.answers[0].code != first ||
	    delivery.answers[1].code != second)
		fail_msg("expected %d %d %d, got %d (%s) %d %d", message, first, second,
			 delivery.session.code, delivery.session.text,
			 delivery.answers[0].code, delivery.answers[1].code);
}

static void
a_mail_arrives_as_composed(void **state)
{
	(void)state;
	prepare(servers.smtp, "ops@example.org,boss@example.org");
	deliver();
	codes_are(250, 250, 250);
	assert_int_equal(servers_lines("mails", taken, sizeof taken), 1);
	static const char *const parts[] = {
		"\"to\": [\"ops@example.org\", \"boss@example.org\"]",
		"MAIL FROM:<monitord@example.org>",
		"Date: Mon, 24 Nov 2025 22:40:00 +0000\\r\\n",
		"From: =?UTF-8?B?TcO2bml0b3I=?=\\r\\n <monitord@example.org>\\r\\n",
		"Subject: =?UTF-8?B?w7xiZXI=?=\\r\\n =?UTF-8?B?w7xiZXI=?=\\r\\n",
		"Message-ID: <open.12.1.0@web1>\\r\\n",
		"In-Reply-To: <a@b>\\r\\n",
		"References: <a@b>\\r\\n",
		"Auto-Submitted: auto-generated\\r\\n",
		"To: ops@example.org,\\r\\n boss@example.org\\r\\n",
		"\\r\\n\\r\\none\\r\\n.\\r\\n..two\\r\\n",
	};
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		if (strstr(taken, parts[i]) == NULL)
			fail_msg("'%s' is not in %s", parts[i], taken);
	static const char *const once[] = { "Message-I", "Date: ", "From: ", "To: ops",
					    "Subject: " };
	for (size_t i = 0; i < sizeof once / sizeof *once; i++)
		assert_null(strcasestr(strcasestr(taken, once[i]) + 1, once[i]));
}

static void
each_recipient_has_its_answer(void **state)
{
	(void)state;
	prepare(servers.smtp, "c550@x,ops@x,c451@x");
	deliver();
	codes_are(250, 550, 250);
	assert_int_equal(delivery.answers[2].code, 451);
	assert_int_equal(answer_mail(delivery.answers[2].code, delivery.session.code),
			 VERDICT_LATER);
	prepare(servers.smtp, "c550@x,d550@x");
	deliver();
	codes_are(550, 550, 250);
}

static void
no_answer_is_no_success(void **state)
{
	(void)state;
	prepare(servers.smtp, "ops@x,d451@x");
	deliver();
	codes_are(451, 250, 250);
	prepare(servers.smtp, "ops@x,drop@x");
	deliver();
	assert_int_equal(answer_mail(delivery.answers[0].code, delivery.session.code),
			 VERDICT_LATER);
	prepare(1, "ops@x"); /* nobody listens there */
	deliver();
	codes_are(0, 0, 0);
	assert_string_not_equal(delivery.session.text, "");
	assert_int_equal(servers_lines("mails", taken, sizeof taken), 0);
}

/* It accepts and never answers: given up after the time for a greeting, not for ever. */
static void
a_silent_server_is_given_up(void **state)
{
	(void)state;
	prepare(servers.black, "ops@x");
	deliver();
	codes_are(0, 0, 0);
}

static void
tls_and_login_are_used(void **state)
{
	(void)state;
	struct job *j = prepare(servers.smtp, "ops@x");
	j->tls = SMTP_TLS_STARTTLS;
	j->ca = strdup("cert.pem");
	j->user = strdup("monitord");
	j->password = strdup("secret");
	deliver();
	codes_are(250, 250, 0);
	free(j->server);
	text_print(taken, sizeof taken, "127.0.0.1:%u", servers.smtp);
	j->server = strdup(taken);
	deliver();
	codes_are(250, 250, 0);
	assert_int_equal(servers_lines("mails", taken, sizeof taken), 2);
	assert_non_null(strstr(taken, "\"tls\": true, \"login\": true"));
	free(j->password);
	j->password = strdup("wrong");
	deliver();
	assert_int_not_equal(answer_mail(delivery.answers[0].code, delivery.session.code),
			     VERDICT_SENT);
	assert_int_equal(servers_lines("mails", taken, sizeof taken), 2);
}

static void
a_strange_certificate_is_refused(void **state)
{
	(void)state;
	struct job *j = prepare(servers.smtp, "ops@x");
	j->tls = SMTP_TLS_STARTTLS; /* without smtp-ca: the system's authorities do not
				       know it */
	j->user = strdup("monitord");
	j->password = strdup("secret");
	deliver();
	codes_are(0, 0, 0);
	j->tls = SMTP_TLS_OPTIONAL; /* encrypts, to whomever it is */
	deliver();
	codes_are(250, 250, 0);
	j->tls = SMTP_TLS_STARTTLS;
	j->ca = strdup("none.pem");
	deliver();
	codes_are(0, 0, 0);
	assert_int_equal(servers_lines("mails", taken, sizeof taken), 1);
}

static void
no_mail_goes_out_in_the_clear(void **state)
{
	(void)state;
	struct job *j = prepare(servers.smtp, "ops@x");
	j->tls = SMTP_TLS_STARTTLS; /* the server has none */
	deliver();
	assert_int_not_equal(answer_mail(delivery.answers[0].code, delivery.session.code),
			     VERDICT_SENT);
	assert_int_equal(servers_lines("mails", taken, sizeof taken), 0);
	j->tls = SMTP_TLS_OPTIONAL;
	deliver();
	codes_are(250, 250, 0);
}

static void
a_page_is_posted(void **state)
{
	char urls[256];
	(void)state;
	text_print(urls, sizeof urls, "http://127.0.0.1:%u/200,http://127.0.0.1:%u/503",
		   servers.http, servers.http);
	page(prepare(servers.smtp, urls));
	deliver();
	assert_int_equal(delivery.answers[0].code, 200);
	assert_int_equal(delivery.answers[1].code, 503);
	assert_string_equal(delivery.answers[1].text, "as asked");
	assert_int_equal(servers_lines("posts", taken, sizeof taken), 2);
	assert_non_null(strstr(taken, "\"application/json\""));
	page(prepare(servers.smtp, "http://127.0.0.1:1/,file:///etc/passwd"));
	deliver();
	codes_are(0, 0, 0);
	assert_string_not_equal(delivery.answers[0].text, "");
}

/* Its child is killed from outside: that is no answer, and nothing is left over. */
static void
a_killed_child_is_no_answer(void **state)
{
	(void)state;
	prepare(servers.black, "ops@x");
	assert_true(delivery_start(loop, &delivery, on_done, NULL));
	kill(delivery.pid, SIGKILL);
	loop_run(loop);
	codes_are(0, 0, 0);
}

/* A session of its own, which holds the unread standard input, ends with the command too. */
static void
what_a_command_began_ends_with_it(void **state)
{
	static const char script[] =
		"setsid sh -c 'echo $$ >inner; mv inner began; sleep 1000' & exec sleep 1000";
	static char content[200000];
	(void)state;
	memset(content, ' ', sizeof content - 1);
	struct job *j = prepare(servers.smtp, "told");
	page(j);
	free(j->requests[0].content);
	j->requests[0].content = strdup(content);
	j->argv = calloc(4, sizeof *j->argv);
	j->argv[0] = strdup("/bin/sh");
	j->argv[1] = strdup("-c");
	j->argv[2] = strdup(script);
	j->run_s = 1;
	remove("began");
	deliver();
	codes_are(0, 0, 0);
	assert_string_equal(delivery.answers[0].text, "killed: it took longer than 1 s");
	int pid = 0;
	FILE *f = fopen("began", "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	remove("began");
	assert_true(pid > 1 && kill(pid, 0) == -1);
}

#define WITH(test, setup) cmocka_unit_test_setup_teardown(test, setup, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(a_mail_arrives_as_composed, plain),
		WITH(each_recipient_has_its_answer, plain),
		WITH(no_answer_is_no_success, plain),
		WITH(a_silent_server_is_given_up, plain),
		WITH(no_mail_goes_out_in_the_clear, plain),
		WITH(a_page_is_posted, plain),
		WITH(a_killed_child_is_no_answer, plain),
		WITH(what_a_command_began_ends_with_it, plain),
		WITH(tls_and_login_are_used, secure),
		WITH(a_strange_certificate_is_refused, secure),
	};
	if (!servers_possible())
		return 77; /* automake: skipped */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
