/* Composing and judging, without a server. */
#include "alerts/answer.h"
#include "alerts/body.h"
#include "alerts/compose.h"
#include "alerts/driver.h"
#include "alerts/part.h"
#include "alerts/payload.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static char mail[COMPOSE_MAX];
static struct letter letter;

/* ---- answers ---- */

static const struct {
	int recipient, message;
	enum verdict want;
} mails[] = {
	{ 250, 250, VERDICT_SENT },    { 250, 451, VERDICT_LATER },
	{ 250, 554, VERDICT_REFUSED }, { 250, 0, VERDICT_LATER },
	{ 250, 354, VERDICT_LATER },   { 550, 250, VERDICT_REFUSED },
	{ 451, 250, VERDICT_LATER },   { 0, 0, VERDICT_LATER },
	{ 0, 550, VERDICT_REFUSED },   { 0, 421, VERDICT_LATER },
	{ 451, 550, VERDICT_LATER },   { 0, 250, VERDICT_LATER },
	{ 0, 535, VERDICT_LATER },     { 530, 503, VERDICT_LATER },
};

static void
answers_are_judged(void **state)
{
	static const struct {
		int status;
		enum verdict want;
	} pages[] = { { 200, VERDICT_SENT },    { 204, VERDICT_SENT },
		      { 0, VERDICT_LATER },     { 301, VERDICT_REFUSED },
		      { 404, VERDICT_REFUSED }, { 408, VERDICT_LATER },
		      { 429, VERDICT_LATER },   { 500, VERDICT_LATER },
		      { 503, VERDICT_LATER } };
	(void)state;
	for (size_t i = 0; i < sizeof mails / sizeof *mails; i++)
		if (answer_mail(mails[i].recipient, mails[i].message) != mails[i].want)
			fail_msg("recipient %d, message %d", mails[i].recipient,
				 mails[i].message);
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
		if (answer_page(pages[i].status) != pages[i].want)
			fail_msg("status %d", pages[i].status);
	assert_int_equal(answer_wait_ms(0), 1000);
	assert_int_equal(answer_wait_ms(1), 2000);
	assert_int_equal(answer_wait_ms(8), 256000);
	assert_int_equal(answer_wait_ms(9), 300000);
	assert_int_equal(answer_wait_ms(1000), 300000);
}

/* ---- composing ---- */

static void
line(struct journal_line *l, uint64_t id, const char *kind, const char *object,
     const char *text)
{
	memset(l, 0, sizeof *l);
	l->id = id;
	l->real_ms = 1764024000000 + (int64_t)id;
	l->incident = 12;
	text_print(l->kind, sizeof l->kind, "%s", kind);
	text_print(l->object_kind, sizeof l->object_kind, "%s",
		   strncmp(kind, "route", 5) == 0 ? "route" : "service");
	text_print(l->object, sizeof l->object, "%s", object);
	text_print(l->text, sizeof l->text, "%s", text);
}

static const char *const two[] = { "ops@example.org", "boss@example.org" };

static void
begin(enum phase phase, const char *text)
{
	memset(&letter, 0, sizeof letter);
	letter.host = "web1.example.org";
	letter.contact = "ops";
	letter.to = two;
	letter.to_count = 2;
	letter.phase = phase;
	letter.number = 12;
	letter.since_ms = 1764024000012;
	line(&letter.about, 20, "incident-open", "tomcat", text);
}

static const char *
composed(void)
{
	size_t n = compose_mail(&letter, mail, sizeof mail);
	assert_int_equal(n, strlen(mail));
	return mail;
}

/* No header line passes 78 octets, each is a field or a continuation, and all is CRLF. */
static void
headers_are_well_formed(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n");
	assert_non_null(end);
	for (const char *p = text; p < end + 2;) {
		const char *eol = strstr(p, "\r\n");
		if (eol - p > 78)
			fail_msg("a header line of %td octets: %.90s", eol - p, p);
		for (const char *c = p; c < eol; c++)
			if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
				fail_msg("octet %02x in: %.80s", (unsigned char)*c, p);
		if (*p == ' ') {
			assert_true(p > text);
			assert_true(strspn(p, " ") < (size_t)(eol - p));
		} else {
			size_t name = strcspn(p, ": ");
			assert_true(name > 0 && p[name] == ':');
		}
		p = eol + 2;
	}
}

static unsigned
count(const char *text, const char *what)
{
	unsigned n = 0;
	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

static void
headers_say_who_when_what(void **state)
{
	(void)state;
	begin(PHASE_OPEN, "tomcat exited: signal 9");
	letter.from = "monitord@example.org";
	const char *m = composed();
	headers_are_well_formed(m);
	assert_non_null(strstr(m, "Date: Mon, 24 Nov 2025 22:40:00 +0000\r\n"));
	assert_non_null(strstr(m, "\r\nFrom: monitord@example.org\r\n"));
	assert_non_null(strstr(m, "\r\nTo: ops@example.org, boss@example.org\r\n"));
	assert_non_null(strstr(
		m,
		"\r\nSubject: [web1.example.org] problem: tomcat exited: signal 9\r\n"));
	assert_non_null(strstr(m, "\r\nAuto-Submitted: auto-generated\r\n"));
	assert_non_null(strstr(m, "\r\nMIME-Version: 1.0\r\n"));
	assert_null(strstr(m, "In-Reply-To"));
	letter.from = NULL;
	assert_non_null(strstr(composed(), "\r\nFrom: monitord@web1.example.org\r\n"));
	letter.from = "no address";
	assert_non_null(strstr(composed(), "\r\nFrom: monitord@web1.example.org\r\n"));
	letter.from = "\"Der Wächter\" <m@example.org>";
	m = composed();
	headers_are_well_formed(m);
	assert_non_null(
		strstr(m,
		       "\r\nFrom: =?UTF-8?B?RGVyIFfDpGNodGVy?=\r\n <m@example.org>\r\n"));
}

static void
the_end_answers_the_beginning(void **state)
{
	char open[COMPOSE_NAME], again[COMPOSE_NAME], want[COMPOSE_NAME * 3];
	(void)state;
	begin(PHASE_OPEN, "x");
	compose_id(&letter, PHASE_OPEN, open, sizeof open);
	begin(PHASE_CLOSE, "over after 3 s: x");
	letter.about.id = 77;
	compose_id(&letter, PHASE_OPEN, again, sizeof again);
	assert_string_equal(open, again);
	text_print(want, sizeof want, "\r\nIn-Reply-To: %s\r\nReferences: %s\r\n", open,
		   open);
	const char *m = composed();
	headers_are_well_formed(m);
	assert_non_null(strstr(m, want));
	text_print(want, sizeof want, "\r\nMessage-ID: %s\r\n", open);
	assert_null(strstr(m, want));
	letter.contact = "boss";
	compose_id(&letter, PHASE_OPEN, again, sizeof again);
	assert_string_not_equal(open, again);
	begin(PHASE_REMIND, "x");
	assert_int_equal(count(composed(), "\r\nReferences: <open."), 1);
}

static void
headers_are_folded_and_encoded(void **state)
{
	static const char *const texts[] = {
		"tomcat has a very long sentence that goes on and on until it is folded "
		"for sure, twice, "
		"as it has more than a hundred and sixty octets, which is the length of "
		"two lines",
		"über: Ærøskøbing, "
		"東京のサーバーが応答しません、東京のサーバーが応答しません、東京",
		"averylongwordwithoutanyblankaverylongwordwithoutanyblankaverylongwordwit"
		"houtanyblankx",
		"=?UTF-8?Q?no_word_of_ours?=",
		"",
		"   ",
		"😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀",
	};
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		begin(PHASE_OPEN, texts[i]);
		headers_are_well_formed(composed());
	}
	assert_int_equal(count(mail, "=?UTF-8?B?"),
			 3); /* 20 times 4 octets, and the rest */
	static const char *many[60];
	for (size_t i = 0; i < 60; i++)
		many[i] = "somebody.with.a.long.name@department.example.org";
	begin(PHASE_OPEN, "x");
	letter.to = many;
	letter.to_count = 60;
	headers_are_well_formed(composed());
	assert_int_equal(count(mail, "somebody.with"), 60);
}

static void
nothing_can_be_injected(void **state)
{
	static const char *const bad[] = {
		"ok@example.org", "a@b\r\nBcc: x@y", "<a@b>",
		"é@example.org",  "a b@c",           "nobody"
	};
	(void)state;
	begin(PHASE_OPEN, "x\r\nBcc: evil@example.org\r\n\r\nbody\x01\x7f");
	letter.host = "h\r\nBcc: evil@example.org";
	letter.from = "m@x\r\nBcc: evil@example.org <m@example.org>";
	letter.to = bad;
	letter.to_count = sizeof bad / sizeof *bad;
	const char *m = composed();
	headers_are_well_formed(m);
	const char *body = strstr(m, "\r\n\r\n");
	for (const char *p = m; (p = strstr(p, "\r\nBcc")) != NULL && p < body; p++)
		fail_msg("a header was injected: %s", m);
	assert_non_null(strstr(m, "\r\nTo: ok@example.org\r\n"));
	char sender[COMPOSE_NAME];
	letter.from = "<a@b\r\nRCPT TO:<evil@x>";
	compose_sender(&letter, sender, sizeof sender);
	assert_true(compose_address_ok(sender));
}

static void
the_body_is_in_order(void **state)
{
	static const char *const order[] = {
		"tomcat exited: signal 9\n",
		"Who is served by whom now:\n  traffic of route tile goes to "
		"tomcat (verified)\n",
		"What was done:\n  tomcat is being started\n",
		"Verified:",
		"What comes next:\n",
		"Evidence:\n  tomcat exited: signal 9, after 3 s\n",
		"Commands:\n",
		"monitorctl hold tomcat",
		"monitorctl reroute tile",
		"\n  2025-11-24\n  22:40:00.012  +0 ms  tomcat exited: signal 9",
		"+3 ms  route tile: the switch is verified",
		"for contact ops\n",
	};
	char body[8192];
	(void)state;
	begin(PHASE_OPEN, "tomcat exited: signal 9");
	line(&letter.lines[0], 12, "service-exited", "tomcat",
	     "tomcat exited: signal 9, after 3 s");
	line(&letter.lines[1], 13, "service-starting", "tomcat",
	     "tomcat is being started");
	line(&letter.lines[2], 14, "route-moved", "tile",
	     "traffic of route tile goes to tomcat");
	line(&letter.lines[3], 15, "route-verified", "tile",
	     "route tile: the switch is verified");
	letter.line_count = 4;
	body_write(&letter, body, sizeof body);
	const char *at = body;
	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		const char *p = strstr(at, order[i]);
		if (p == NULL)
			fail_msg("'%s' is missing or out of order in:\n%s", order[i],
				 body);
		at = p;
	}
	char subject[640];
	compose_subject(&letter, subject, sizeof subject);
	assert_string_equal(subject,
			    "[web1.example.org] problem: tomcat exited: signal 9");
	line(&letter.lines[4], 16, "service-up", "tomcat", "tomcat is up");
	letter.line_count = 5;
	compose_subject(&letter, subject, sizeof subject);
	assert_string_equal(
		subject,
		"[web1.example.org] problem, well again: tomcat exited: signal 9");
	line(&letter.lines[5], 17, "service-failing", "tomcat", "tomcat is failing");
	letter.line_count = 6;
	compose_subject(&letter, subject, sizeof subject);
	assert_string_equal(subject,
			    "[web1.example.org] problem: tomcat exited: signal 9");
	letter.phase = PHASE_CLOSE;
	body_write(&letter, body, sizeof body);
	assert_non_null(strstr(body, "Nothing: this was the end of incident 12."));
	assert_null(strstr(body, " ack "));
	letter.line_count = 0;
	body_write(&letter, body, sizeof body);
	assert_non_null(
		strstr(body, "What was done:\n  Nothing: it came back by itself.\n"));
}

/* A digest of a few says of each what was done, and the evidence. */
static void
a_digest_has_details(void **state)
{
	static char body[65536];
	struct letter_item items[2] = {
		{ .number = 7, .phase = PHASE_OPEN, .text = "a died", .members = 1,
		  .detail = "What was done:\na is being started\nEvidence:\nits last lines: <x>\n" },
		{ .number = 9, .phase = PHASE_OPEN, .text = "b died", .members = 1 },
	};
	struct letter l = {
		.host = "h", .contact = "ops", .items = items, .item_count = 2
	};
	(void)state;
	body_write(&l, body, sizeof body);
	assert_non_null(
		strstr(body, ": a died\n      What was done:\n      a is being started\n"
			     "      Evidence:\n      its last lines: <x>\n  #9 "));
	html_write(&l, NULL, NULL, body, sizeof body);
	assert_non_null(
		strstr(body, "Evidence:<br>\nits last lines: &#60;x&#62;<br>\n</td>"));
}

static void
the_body_is_encoded(void **state)
{
	(void)state;
	begin(PHASE_EVENT, "plain");
	assert_non_null(strstr(composed(), "Content-Transfer-Encoding: 7bit\r\n"));
	begin(PHASE_EVENT, "größer = 5");
	const char *body = strstr(composed(), "\r\n\r\n");
	assert_non_null(strstr(mail, "Content-Transfer-Encoding: quoted-printable\r\n"));
	assert_non_null(strstr(body, "gr=C3=B6=C3=9Fer =3D 5\r\n"));
	for (const char *p = body + 4, *eol; (eol = strstr(p, "\r\n")) != NULL;
	     p = eol + 2)
		assert_true(eol - p <= 76);
	assert_int_equal(count(mail, "\n"), count(mail, "\r\n"));
}

/* ---- short texts, templates, drivers ---- */

static void
a_short_text_is_short(void **state)
{
	char sms[SMS_MAX + 1], longest[JOURNAL_TEXT];
	(void)state;
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	begin(PHASE_OPEN, longest);
	assert_int_equal(part_sms(&letter, sms, sizeof sms), SMS_MAX);
	begin(PHASE_OPEN, "größer");
	part_sms(&letter, sms, sizeof sms);
	assert_string_equal(sms, "web1 problem #12: gr????er");
	letter.sms = true;
	assert_non_null(strstr(composed(), "\r\n\r\nweb1 problem #12: gr????er\r\n"));
	assert_null(strstr(mail, "multipart"));
}

static void
a_template_writes_no_header(void **state)
{
	(void)state;
	begin(PHASE_OPEN, "x");
	letter.subject = "{state} {root}: {evidence} {unknown} {";
	line(&letter.lines[0], 12, "check-down", "web", "web\r\nBcc: evil@example.org");
	line(&letter.lines[1], 13, "check-down", "db", "db is down");
	letter.line_count = 2;
	const char *m = composed();
	headers_are_well_formed(m);
	const char *bcc = strstr(m, "\r\nBcc:"), *end = strstr(m, "\r\n\r\n");
	assert_true(bcc == NULL || bcc > end);
	letter.subject = letter.body = "{text}";
	assert_non_null(strstr(composed(), "\r\n\r\nx\r\n"));
	assert_non_null(strstr(mail, "\r\nSubject: x\r\n"));
}

static json_t *
driven(const char *page, const char *key)
{
	struct request r = { .content = NULL };
	char why[200] = "";
	if (!driver_request(&letter, page, key, &r, why, sizeof why))
		return json_string(why);
	json_t *j = json_loads(r.content, JSON_DECODE_ANY, NULL);
	free(r.content);
	free(r.then);
	free(r.headers);
	free(r.url);
	return j;
}

static void
says(json_t *j, const char *key, const char *want)
{
	const char *is = json_string_value(json_object_get(j, key));
	if (is == NULL || strcmp(is, want) != 0)
		fail_msg("%s: expected '%s', got '%s'", key, want,
			 is != NULL ? is : "nothing");
}

static void
drivers_speak(void **state)
{
	static const struct {
		enum phase phase;
		const char *action;
	} actions[] = { { PHASE_OPEN, "trigger" },  { PHASE_REMIND, "trigger" },
			{ PHASE_AGAIN, "trigger" }, { PHASE_ACK, "acknowledge" },
			{ PHASE_CLOSE, "resolve" }, { PHASE_EVENT, "trigger" },
			{ PHASE_TEST, "trigger" } };
	char key[256] = "";
	(void)state;
	for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
		begin(actions[i].phase, "a \"quoted\" text");
		json_t *j = driven("pagerduty https://h/", "k");
		says(j, "event_action", actions[i].action);
		const char *dedup = json_string_value(json_object_get(j, "dedup_key"));
		if (i == 0)
			text_print(key, sizeof key, "%s", dedup);
		else if (i < 5)
			assert_string_equal(dedup, key); /* one incident, one key */
		json_decref(j);
	}
	begin(PHASE_OPEN, "<!channel> & <http://evil|x>");
	json_t *j = driven("slack https://h/{key}", "k");
	says(j, "text", "web1.example.org: &lt;!channel&gt; &amp; &lt;http://evil|x&gt;");
	json_decref(j);
	letter.body = "{\"a\":\"{text}\\n{evidence}\"}";
	line(&letter.lines[0], 12, "check-down", "web", "a \"q\" \\ \t b");
	letter.line_count = 1;
	j = driven("https://h/", NULL);
	says(j, "a", "<!channel> & <http://evil|x>\na \"q\" \\ \t b");
	json_decref(j);
	letter.body = "{\"a\":{text}}";
	j = driven("https://h/", NULL);
	assert_string_equal(json_string_value(j), "the body of contact ops is no JSON");
	json_decref(j);
	j = driven("pagerduty https://h/", NULL);
	assert_string_equal(json_string_value(j), "the key of contact ops is not known");
	json_decref(j);
}

static void
a_page_is_json(void **state)
{
	(void)state;
	begin(PHASE_CLOSE, "over: \"x\" \\ ü");
	line(&letter.lines[0], 12, "service-exited", "tomcat", "tomcat exited");
	letter.line_count = 1;
	char *text = payload_new(&letter);
	json_t *j = json_loads(text, 0, NULL);
	assert_non_null(j);
	assert_int_equal(json_integer_value(json_object_get(j, "incident")), 12);
	assert_string_equal(json_string_value(json_object_get(j, "state")), "closed");
	assert_string_equal(json_string_value(json_object_get(j, "root")), "tomcat");
	assert_string_equal(json_string_value(json_object_get(j, "text")),
			    "over: \"x\" \\ ü");
	json_t *e = json_array_get(json_object_get(j, "events"), 0);
	assert_string_equal(json_string_value(json_object_get(e, "time")),
			    "2025-11-24T22:40:00.012Z");
	assert_true(json_is_null(json_object_get(e, "cause")));
	json_decref(j);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_judged),
		cmocka_unit_test(headers_say_who_when_what),
		cmocka_unit_test(the_end_answers_the_beginning),
		cmocka_unit_test(headers_are_folded_and_encoded),
		cmocka_unit_test(nothing_can_be_injected),
		cmocka_unit_test(the_body_is_in_order),
		cmocka_unit_test(a_digest_has_details),
		cmocka_unit_test(the_body_is_encoded),
		cmocka_unit_test(a_page_is_json),
		cmocka_unit_test(a_short_text_is_short),
		cmocka_unit_test(a_template_writes_no_header),
		cmocka_unit_test(drivers_speak),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
