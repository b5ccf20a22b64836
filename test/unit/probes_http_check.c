#include <config.h>

#include "probes/kind.h"

#include "base/text.h"
#include "test/unit/book.h"
#include "test/unit/probes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OK "HTTP/1.1 200 OK\r\n"
#define SIZED(n) OK "Content-Length: " n "\r\n\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"

struct trial { /* one check of a rule file, and what it thinks of an answer */
	struct rules *rules;
	struct plan plan;
	struct answer answer;
	size_t fed; /* bytes that it wanted to see */
	char why[MSG_TEXT];
};

static void
trial_begin(struct trial *t, const char *lines)
{
	char text[1024];
	text_print(text, sizeof text, "[check c]\nhttp = http://127.0.0.1:81/x\n%s\n",
		   lines);
	t->rules = book(text);
	assert_true(plan_make(&t->plan, t->rules, 0));
}

static void
trial_end(struct trial *t)
{
	plan_free(&t->plan);
	rules_free(&t->rules);
}

static enum judgement
judge(struct trial *t, struct reply *r)
{
	t->answer = (struct answer){ 0 };
	for (unsigned m = 0; m < METRICS_COUNT; m++)
		t->answer.value[m] = (double)NAN;
	t->answer.value[METRIC_LATENCY] = 7;
	return http_judge(&t->plan, r, &t->answer, t->why);
}

/* Feeds an answer, cut as asked, then its end, to the judge; and what is right to what it
 * saw, as the engine does. */
static enum outcome
outcome_of(struct trial *t, const char *bytes, size_t size, unsigned cut)
{
	struct reply r = { .bytes = malloc(size + 1) };
	enum judgement j = JUDGE_MORE;
	enum outcome outcome = OUTCOME_BAD;
	uint32_t chance = 1;
	assert_non_null(r.bytes);
	t->why[0] = '\0';
	for (t->fed = 0; t->fed < size && j == JUDGE_MORE;) {
		size_t n = cut_next(cut, size - t->fed, &chance);
		memcpy(r.bytes + r.size, bytes + t->fed, n);
		r.size += n;
		t->fed += n;
		j = judge(t, &r);
	}
	r.ended = true;
	if (j == JUDGE_MORE)
		j = judge(t, &r);
	if (j == JUDGE_GOOD && expect_all(&t->plan, &t->answer, false, t->why))
		outcome = expect_warns(&t->plan, &t->answer, t->why) ? OUTCOME_WARN
								     : OUTCOME_GOOD;
	free(r.bytes);
	return outcome;
}

static const struct {
	const char *lines, *answer;
	enum outcome outcome;
	const char *why; /* words of it */
} verdicts[] = {
	{ "", OK "\r\n", OUTCOME_GOOD, "" },
	{ "", "HTTP/1.1 204 x\r\n\r\n", OUTCOME_GOOD, "" },
	{ "", "HTTP/1.1 301 x\r\n\r\n", OUTCOME_BAD, "status 301, expected 2xx" },
	{ "", "HTTP/1.1 500 x\r\n\r\n", OUTCOME_BAD, "status 500, expected 2xx" },
	{ "", "HTTP/1.1 101 x\r\n\r\n", OUTCOME_BAD, "status 101, expected 2xx" },
	{ "", "HTTP/1.1 100 x\r\n\r\nHTTP/1.1 500 x\r\n\r\n", OUTCOME_BAD, "status 500" },
	{ "", SIZED("9") "cut", OUTCOME_GOOD, "" }, /* nobody asked for its body */
	{ "", OK "Content-Length: x\r\n\r\n", OUTCOME_BAD, "Content-Length" },
	{ "expect = status 200 301..308", "HTTP/1.1 302 x\r\n\r\n", OUTCOME_GOOD, "" },
	{ "expect = status 200 301..308", "HTTP/1.1 300 x\r\n\r\n", OUTCOME_BAD,
	  "status 300, expected status 200 301 302 …" },
	{ "expect = status 404", "HTTP/1.1 404 x\r\n\r\n", OUTCOME_GOOD, "" },
	{ "expect = status < 400", "HTTP/1.1 302 x\r\n\r\n", OUTCOME_GOOD, "" },
	{ "expect = status < 400", "HTTP/1.1 400 x\r\n\r\n", OUTCOME_BAD, "status 400" },
	{ "expect = status >= 400", "HTTP/1.1 400 x\r\n\r\n", OUTCOME_GOOD, "" },
	{ "expect = status != 500 502", "HTTP/1.1 502 x\r\n\r\n", OUTCOME_BAD, "502" },
	{ "expect = status != 500 502", "HTTP/1.1 501 x\r\n\r\n", OUTCOME_GOOD, "" },
	{ "warn = status > 299", "HTTP/1.1 200 x\r\n\r\n", OUTCOME_GOOD, "" },
	{ "expect = status 404", OK "\r\n", OUTCOME_BAD,
	  "status 200, expected status 404" },
	{ "expect = latency < 8ms", OK "\r\n", OUTCOME_GOOD, "" },
	{ "expect = latency < 7ms", OK "\r\n", OUTCOME_BAD,
	  "latency 7 ms, expected latency < 7 ms" },
	/* headers */
	{ "expect = header X-A", OK "x-a:\r\n\r\n", OUTCOME_GOOD, "" },
	{ "expect = header X-A", OK "X-B: x\r\n\r\n", OUTCOME_BAD,
	  "no header x-a, expected header x-a" },
	{ "expect = header X-A = one", OK "X-A: one\r\n\r\n", OUTCOME_GOOD, "" },
	{ "expect = header X-A = one", OK "X-A: One\r\n\r\n", OUTCOME_BAD,
	  "header x-a: One, expected header x-a = one" },
	{ "expect = header X-A = \"one, two\"", OK "X-A: one\r\nX-A: two\r\n\r\n",
	  OUTCOME_GOOD, "" },
	{ "expect = header X-A != one", OK "X-A: two\r\n\r\n", OUTCOME_GOOD, "" },
	{ "expect = header X-A != one", OK "X-A: one\r\n\r\n", OUTCOME_BAD,
	  "x-a != one" },
	{ "expect = header X-A != one", OK "\r\n", OUTCOME_GOOD, "" },
	{ "expect = header Content-Type ~ ^image/jpeg",
	  OK "Content-Type: image/jpeg\r\n\r\n", OUTCOME_GOOD, "" },
	{ "expect = header Content-Type ~ ^image/jpeg",
	  OK "Content-Type: x image/jpeg\r\n\r\n", OUTCOME_BAD,
	  "expected header content-type ~ ^image/jpeg" },
	{ "expect = header X-A ~ .", OK "\r\n", OUTCOME_BAD, "no header x-a" },
	{ "expect = header X-A !~ b", OK "X-A: abc\r\n\r\n", OUTCOME_BAD, "x-a !~ b" },
	{ "expect = header X-A !~ b", OK "\r\n", OUTCOME_GOOD, "" },
	{ "expect = header X-A, header X-B", OK "X-A: a\r\n\r\n", OUTCOME_BAD,
	  "no header x-b" },
	/* the body */
	{ "expect = body > 4B", SIZED("5") "12345", OUTCOME_GOOD, "" },
	{ "expect = body > 5B", SIZED("5") "12345", OUTCOME_BAD,
	  "a body of 5 bytes, expected body > 5 bytes" },
	{ "expect = body >= 5B", SIZED("5") "12345", OUTCOME_GOOD, "" },
	{ "expect = body < 5B", SIZED("5") "12345", OUTCOME_BAD, "body < 5 bytes" },
	{ "expect = body < 6B", CHUNKED "5\r\n12345\r\n0\r\n\r\n", OUTCOME_GOOD, "" },
	{ "expect = body > 0B", OK "\r\n", OUTCOME_BAD, "a body of 0 bytes" },
	{ "expect = body contains 23", SIZED("5") "12345", OUTCOME_GOOD, "" },
	{ "expect = body contains \"2 3\"", SIZED("5") "12345", OUTCOME_BAD,
	  "a body of 5 bytes, expected body contains 2 3" },
	{ "expect = sha256 = "
	  "5994471ABB01112AFCC18159F6CC74B4F511B99806DA59B3CAF5A9C173CACFC5",
	  SIZED("5") "12345", OUTCOME_GOOD, "" },
	{ "expect = sha256 = "
	  "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5",
	  SIZED("5") "12346", OUTCOME_BAD, "sha256 " },
	{ "expect = json /status = ok", SIZED("15") "{\"status\":\"ok\"}", OUTCOME_GOOD, "" },
	{ "expect = json /status = ok", SIZED("15") "{\"status\":\"no\"}", OUTCOME_BAD,
	  "json /status is no, expected json /status = ok" },
	{ "expect = json /status = ok", SIZED("2") "{}", OUTCOME_BAD, "no json /status" },
	{ "expect = json /status != ok", SIZED("2") "{}", OUTCOME_GOOD, "" },
	{ "expect = json /status", SIZED("2") "{}", OUTCOME_BAD, "no json /status" },
	{ "expect = json /a~1b/0/m~0n > 2", SIZED("21") "{\"a/b\":[{\"m~n\":2.5}]}",
	  OUTCOME_GOOD, "" },
	{ "expect = json /a~1b/00/m~0n > 2", SIZED("21") "{\"a/b\":[{\"m~n\":2.5}]}",
	  OUTCOME_BAD, "no json" },
	{ "expect = json /n < 3", SIZED("7") "{\"n\":3}", OUTCOME_BAD, "json /n is 3" },
	{ "expect = json /n = 3.0", SIZED("7") "{\"n\":3}", OUTCOME_GOOD, "" },
	{ "expect = json /n = true", SIZED("10") "{\"n\":true}", OUTCOME_GOOD, "" },
	{ "expect = json /n ~ ^a.c$", SIZED("11") "{\"n\":\"abc\"}", OUTCOME_GOOD, "" },
	{ "expect = json /n ~ ^a.c$", SIZED("11") "{\"n\":\"abd\"}", OUTCOME_BAD, "is abd" },
	{ "expect = json /n = 1", SIZED("7") "{\"n\":1", OUTCOME_BAD, "closed within" },
	{ "expect = json /n = 1", SIZED("6") "{\"n\":1", OUTCOME_BAD, "no JSON" },
	{ "expect = json /n = 1", SIZED("13") "{\"n\":1,\"n\":1}", OUTCOME_BAD, "no JSON" },
	{ "expect = json /0 = 1", SIZED("3") "[1]", OUTCOME_GOOD, "" },
	{ "expect = json /1 = 1", SIZED("3") "[1]", OUTCOME_BAD, "no json /1" },
	/* redirects */
	{ "redirects = 1", "HTTP/1.1 302 x\r\n\r\n", OUTCOME_BAD, "without a Location" },
	{ "redirects = 1", "HTTP/1.1 302 x\r\nLocation: ftp://h/\r\n\r\n", OUTCOME_BAD,
	  "to what is not http" },
	{ "redirects = 1", "HTTP/1.1 302 x\r\nLocation: http://a@h/\r\n\r\n", OUTCOME_BAD,
	  "to no host" },
	{ "redirects = 1", "HTTP/1.1 304 x\r\nLocation: /y\r\n\r\n", OUTCOME_BAD,
	  "status 304, expected 2xx" },
	{ "expect = body < 9B", SIZED("5") "1234", OUTCOME_BAD,
	  "closed within the body" },
	{ "expect = body ~ ^12345$", SIZED("5") "12345", OUTCOME_GOOD, "" },
	{ "expect = body ~ lazy", OK "\r\nthe lazy dog", OUTCOME_GOOD, "" },
	{ "expect = body ~ lazy", CHUNKED "2\r\nla\r\n2\r\nzy\r\n0\r\n\r\n", OUTCOME_GOOD,
	  "" },
	{ "expect = body ~ lazy", OK "\r\nthe la zy dog", OUTCOME_BAD,
	  "expected body ~ lazy" },
	{ "expect = body !~ Exception", OK "\r\nan Exception", OUTCOME_BAD,
	  "!~ Exception" },
	{ "expect = body !~ Exception", OK "\r\n", OUTCOME_GOOD, "" },
	{ "expect = body ~ ^$", OK "\r\n", OUTCOME_GOOD, "" },
	{ "expect = body = pong", SIZED("4") "pong", OUTCOME_GOOD, "" },
	{ "expect = body = pong", SIZED("5") "pong\n", OUTCOME_BAD,
	  "expected body = pong" },
	{ "expect = body ~ x", SIZED("4") "xyz", OUTCOME_BAD, "closed within the body" },
	{ "expect = body > 2B", SIZED("9") "123456", OUTCOME_GOOD,
	  "" }, /* decided by then */
	{ "expect = body > 2B", CHUNKED "3\r\n123\r\nno size\r\n", OUTCOME_GOOD, "" },
	{ "expect = body > 2B, body < 9B", CHUNKED "3\r\n123\r\nno size\r\n", OUTCOME_BAD,
	  "no number" },
	{ "expect = bytes > 2B", SIZED("3") "123", OUTCOME_GOOD, "" },
	{ "expect = bytes > 2B", SIZED("9") "123456", OUTCOME_BAD,
	  "closed within the body" },
	{ "method = HEAD", SIZED("9"), OUTCOME_GOOD, "" },
	{ "method = HEAD\nexpect = body > 1B", SIZED("9"), OUTCOME_BAD,
	  "a body of 0 bytes" },
	/* warnings */
	{ "warn = latency > 6ms", OK "\r\n", OUTCOME_WARN,
	  "latency 7 ms: warning at latency > 6 ms" },
	{ "warn = latency > 7ms", OK "\r\n", OUTCOME_GOOD, "" },
	{ "warn = status 203", "HTTP/1.1 203 x\r\n\r\n", OUTCOME_WARN,
	  "status 203: warning" },
	{ "warn = header Age", OK "Age: 7\r\n\r\n", OUTCOME_WARN,
	  "header age: 7: warning" },
	{ "warn = body < 9B", SIZED("5") "12345", OUTCOME_WARN,
	  "a body of 5 bytes: warning" },
	{ "warn = body > 3B", SIZED("5") "1234", OUTCOME_BAD, "closed within the body" },
	{ "warn = body ~ slow\nexpect = body ~ ok", OK "\r\nok but slow", OUTCOME_WARN,
	  "~ slow" },
	{ "warn = body ~ slow\nexpect = body ~ ok", OK "\r\nslow", OUTCOME_BAD,
	  "expected body ~ ok" },
	{ "warn = status 500", "HTTP/1.1 500 x\r\n\r\n", OUTCOME_BAD, "expected 2xx" },
};

static void
gives_verdicts(void **state)
{
	unsigned failed = 0;
	(void)state;
	for (size_t i = 0; i < COUNT(verdicts); i++) {
		struct trial t;
		trial_begin(&t, verdicts[i].lines);
		for (unsigned cut = 0; cut < CUTS; cut++) {
			enum outcome o = outcome_of(&t, verdicts[i].answer,
						    strlen(verdicts[i].answer), cut);
			if (o == verdicts[i].outcome &&
			    strstr(t.why, verdicts[i].why) != NULL)
				continue;
			print_error(
				"row %zu, cut %u, '%s': expected %d '%s', got %d '%s'\n",
				i, cut, verdicts[i].lines, (int)verdicts[i].outcome,
				verdicts[i].why, (int)o, t.why);
			failed++;
			break;
		}
		trial_end(&t);
	}
	assert_int_equal(failed, 0);
}

/* How many bytes it takes to decide, given one by one. */
static const struct {
	const char *lines, *answer;
	size_t fed;
} early[] = {
	{ "", OK "\r\nbody", sizeof(OK) + 1 },
	{ "", "HTTP/1.1 500 x\r\nA: b\r\n\r\nbody", 24 },
	{ "", "SSH-2.0-OpenSSH\r\n", 1 },
	{ "", "HTTP/2 200\r\n", 6 },
	{ "expect = latency < 1s", SIZED("4") "body", sizeof(SIZED("4")) - 1 },
	{ "expect = header A, body > 1B", SIZED("4") "body", sizeof(SIZED("4")) - 1 },
	{ "expect = body > 1B", SIZED("4") "body", sizeof(SIZED("4")) + 1 },
	{ "expect = body > 1B, body > 2B", SIZED("4") "body", sizeof(SIZED("4")) + 2 },
	{ "expect = body < 9B", SIZED("4") "bodymore", sizeof(SIZED("4")) + 3 },
	{ "expect = body ~ b", SIZED("4") "bodymore", sizeof(SIZED("4")) + 3 },
	{ "expect = body > 1B\nwarn = body > 3B", SIZED("4") "body",
	  sizeof(SIZED("4")) + 3 },
	{ "[rule r]\nwhen = c.bytes > 9B\ndo = log", SIZED("4") "body",
	  sizeof(SIZED("4")) + 3 },
	{ "expect = body > 1B\n[rule r]\nwhen = c.bytes > 9B\ndo = log",
	  SIZED("4") "body", sizeof(SIZED("4")) + 3 },
};

static void
reads_no_more_than_it_needs(void **state)
{
	unsigned failed = 0;
	(void)state;
	for (size_t i = 0; i < COUNT(early); i++) {
		struct trial t;
		trial_begin(&t, early[i].lines);
		outcome_of(&t, early[i].answer, strlen(early[i].answer), CUT_ALWAYS);
		if (t.fed != early[i].fed) {
			print_error(
				"row %zu '%s': decided after %zu bytes, expected %zu\n",
				i, early[i].lines, t.fed, early[i].fed);
			failed++;
		}
		trial_end(&t);
	}
	assert_int_equal(failed, 0);
}

/* The metric `bytes` is the body's size or nothing, never how much had come. */
static void
tells_sizes_of_whole_bodies_only(void **state)
{
	struct trial t;
	(void)state;
	for (unsigned cut = 0; cut < CUTS; cut++) {
		trial_begin(&t, "[rule r]\nwhen = c.bytes > 9B\ndo = log");
		assert_int_equal(outcome_of(&t, SIZED("4") "body", 42, cut),
				 OUTCOME_GOOD);
		assert_true(t.answer.value[METRIC_BYTES] == 4);
		assert_true(t.answer.value[METRIC_STATUS] == 200);
		trial_end(&t);
		trial_begin(&t, "expect = body > 1B");
		assert_int_equal(outcome_of(&t, SIZED("9") "body", 42, cut),
				 OUTCOME_GOOD);
		assert_true(isnan(t.answer.value[METRIC_BYTES]));
		trial_end(&t);
	}
}

static void
looks_at_the_first_256_kib(void **state)
{
	static char answer[400000];
	struct trial t;
	(void)state;
	size_t head = text_print(answer, sizeof answer, OK "\r\n");
	memset(answer + head, 'x', sizeof answer - head);
	answer[head + HTTP_BODY_MAX - 1] = 'L'; /* the last that is kept */
	answer[head + HTTP_BODY_MAX] = 'N';
	for (unsigned cut = 2; cut < 5; cut++) {
		trial_begin(&t, "expect = body ~ xL$, body !~ N, body > 300K");
		assert_int_equal(outcome_of(&t, answer, sizeof answer, cut),
				 OUTCOME_GOOD);
		trial_end(&t);
		trial_begin(&t, "expect = body ~ N");
		assert_int_equal(outcome_of(&t, answer, sizeof answer, cut), OUTCOME_BAD);
		assert_non_null(strstr(t.why, "of which 256 KiB were looked at"));
		trial_end(&t);
	}
}

/* ---- the request ---- */

static void
asks(void **state)
{
	char buf[PLAN_REQUEST], want[1024];
	struct trial t;
	(void)state;
	trial_begin(&t, "");
	struct asked asked = { .plan = &t.plan, .unique = 0xabc };
	size_t n = http_ask(&asked, buf, sizeof buf);
	text_print(want, sizeof want,
		   "GET /x HTTP/1.1\r\nHost: 127.0.0.1:81\r\nUser-Agent: monitord/"
		   "%s\r\nAccept: */*\r\nConnection: close\r\n\r\n",
		   PACKAGE_VERSION);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(buf, want, n);
	assert_int_equal(http_ask(&asked, buf, n), 0); /* no room for its end */
	trial_end(&t);
	trial_begin(&t,
		    "method = HEAD\nheader = host: a.example\nheader = USER-AGENT: u\n"
		    "header = Accept: a\nheader = Connection: keep-alive\n"
		    "header = X-Id: <{unique}>");
	asked.plan = &t.plan;
	n = http_ask(&asked, buf, sizeof buf);
	text_print(want, sizeof want,
		   "HEAD /x HTTP/1.1\r\nhost: a.example\r\nUSER-AGENT: u\r\nAccept: a\r\n"
		   "Connection: keep-alive\r\nX-Id: <0000000000000abc>\r\n\r\n");
	assert_int_equal(n, strlen(want));
	assert_memory_equal(buf, want, n);
	trial_end(&t);
}

static void
asks_with_unique_words(void **state)
{
	char buf[PLAN_REQUEST];
	(void)state;
	struct rules *r =
		book("[check c]\nhttp = http://h:81/a?{unique}&{unique}&{uniq}\n");
	struct plan plan;
	assert_true(plan_make(&plan, r, 0));
	struct asked asked = { .plan = &plan, .unique = UINT64_MAX };
	static const char line[] =
		"GET /a?ffffffffffffffff&ffffffffffffffff&{uniq} HTTP/1.1\r\n";
	assert_true(http_ask(&asked, buf, sizeof buf) > sizeof line);
	assert_memory_equal(buf, line, sizeof line - 1);
	plan_free(&plan);
	rules_free(&r);
}

/* ---- where redirects lead ---- */

static const struct {
	const char *location;
	bool tls;
	const char *host;
	unsigned port;
	const char *host_header, *target;
	bool foreign;
} hops[] = {
	{ "/y", false, "127.0.0.1", 81, "127.0.0.1:81", "/y", false },
	{ "y?a=b#c", false, "127.0.0.1", 81, "127.0.0.1:81", "/a/y?a=b", false },
	{ "?z", false, "127.0.0.1", 81, "127.0.0.1:81", "/a/x?z", false },
	{ "#top", false, "127.0.0.1", 81, "127.0.0.1:81", "/a/x?q", false },
	{ "http://127.0.0.1:81/z", false, "127.0.0.1", 81, "127.0.0.1:81", "/z", false },
	{ "http://h", false, "h", 80, "h", "/", true },
	{ "HTTPS://h/z", true, "h", 443, "h", "/z", true },
	{ "//h:8080/z", false, "h", 8080, "h:8080", "/z", true },
	{ "https://[::1]:8443?z", true, "::1", 8443, "[::1]:8443", "/?z", true },
};
static const char *const no_hops[] = {
	"ftp://h/",    "http:/h",     "http://",	 "http://:80/",	    "http://u:p@h/",
	"http://h:0/", "http://h:x/", "http://h:65536/", "http://[::1/",    "http://[]/",
	"/a b",	       "/a\x01",      "mailto:x",	 "http://[::1]x:1/",
};

static void
redirects_lead_somewhere(void **state)
{
	struct hop to;
	char why[MSG_TEXT];
	(void)state;
	struct rules *rules = book("[check c]\nhttp = http://127.0.0.1:81/a/x?q\n");
	for (unsigned i = 0; i < COUNT(hops); i++) {
		if (!hop_make(&to, &rules->checks[0], NULL, 302, hops[i].location, why,
			      sizeof why))
			fail_msg("%s: %s", hops[i].location, why);
		assert_string_equal(to.host, hops[i].host);
		assert_string_equal(to.host_header, hops[i].host_header);
		assert_string_equal(to.target, hops[i].target);
		assert_int_equal(to.port, hops[i].port);
		assert_int_equal(to.tls, hops[i].tls);
		assert_int_equal(to.foreign, hops[i].foreign);
	}
	for (unsigned i = 0; i < COUNT(no_hops); i++)
		assert_false(hop_make(&to, &rules->checks[0], NULL, 302, no_hops[i], why,
				      sizeof why));
	rules_free(&rules);
}

/* ---- what is sent ---- */

static const struct {
	const char *lines, *secret, *location, *asked;
} requests[] = {
	{ "method = POST\nbody = a\\x00b", NULL, NULL, "POST /x HTTP/1.1\r\n" },
	{ "method = OPTIONS", NULL, NULL, "OPTIONS /x HTTP/1.1\r\n" },
	{ "auth-user = me\nauth-password-file = /p", "secret\n", NULL,
	  "\r\nAuthorization: Basic bWU6c2VjcmV0\r\n" },
	{ "bearer-file = /p", "abc\r\n", NULL, "\r\nAuthorization: Bearer abc\r\n" },
	{ "redirects = 1\nbearer-file = /p", "abc", "/y",
	  "\r\nAuthorization: Bearer abc\r\n" },
	{ "redirects = 1", NULL, "http://h:99/y", "GET /y HTTP/1.1\r\nHost: h:99\r\n" },
	{ "redirects = 1\nmethod = POST\nbody = a", NULL, "/y", "GET /y HTTP/1.1\r\n" },
};

static void
sends_what_it_should(void **state)
{
	char buf[4096], why[MSG_TEXT], secret[64];
	struct trial t;
	struct hop to;
	(void)state;
	for (unsigned i = 0; i < COUNT(requests); i++) {
		struct blob files[CHECK_FILES] = { { NULL, 0 } };
		struct asked asked = { .plan = &t.plan, .files = files };
		trial_begin(&t, requests[i].lines);
		if (requests[i].secret != NULL) {
			text_print(secret, sizeof secret, "%s", requests[i].secret);
			files[FILE_SECRET] = (struct blob){ secret, strlen(secret) };
		}
		if (requests[i].location != NULL) {
			assert_true(hop_make(&to, &t.rules->checks[0], NULL, 302,
					     requests[i].location, why, sizeof why));
			asked.hop = &to;
		}
		size_t n = http_ask(&asked, buf, sizeof buf);
		if (n == 0 || memmem(buf, n, requests[i].asked, strlen(requests[i].asked)) == NULL)
			fail_msg("row %u: %.*s", i, (int)n, buf);
		if (i == 0)
			assert_memory_equal(buf + n - 3, "a\0b", 3);
		assert_true((memmem(buf, n, "Content-Length: 3\r\n", 19) != NULL) == (i == 0));
		trial_end(&t);
	}
}

/* No secret goes to a foreign host, and none with a line's end anywhere. */
static void
keeps_secrets(void **state)
{
	char buf[4096], why[MSG_TEXT], secret[] = "abc", bad[] = "a\nb";
	struct trial t;
	struct hop to;
	(void)state;
	trial_begin(&t, "redirects = 1\nbearer-file = /p\nheader = Cookie: c");
	struct blob files[CHECK_FILES] = { [FILE_SECRET] = { secret, 3 } };
	struct asked asked = { .plan = &t.plan, .files = files, .hop = &to };
	assert_true(hop_make(&to, &t.rules->checks[0], NULL, 302, "http://h/", why, sizeof why));
	size_t n = http_ask(&asked, buf, sizeof buf);
	assert_true(n > 0);
	assert_null(memmem(buf, n, "abc", 3));
	assert_null(memmem(buf, n, "Cookie", 6));
	files[FILE_SECRET] = (struct blob){ bad, 3 };
	asked.hop = NULL;
	assert_int_equal(http_ask(&asked, buf, sizeof buf), 0);
	trial_end(&t);
}

int
test_probes_http_check(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redirects_lead_somewhere),
		cmocka_unit_test(sends_what_it_should),
		cmocka_unit_test(keeps_secrets),
		cmocka_unit_test(gives_verdicts),
		cmocka_unit_test(reads_no_more_than_it_needs),
		cmocka_unit_test(tells_sizes_of_whole_bodies_only),
		cmocka_unit_test(looks_at_the_first_256_kib),
		cmocka_unit_test(asks),
		cmocka_unit_test(asks_with_unique_words),
	};
	return cmocka_run_group_tests_name("probes_http_check", tests, NULL, NULL);
}
