#include <config.h>

#include "probes/expect.h"
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
	struct planned of;
	struct answer answer;
	size_t fed; /* bytes that it wanted to see */
	char why[MSG_TEXT];
};

static enum judgement
judge(struct trial *t, struct reply *r)
{
	t->answer = (struct answer){ 0 };
	for (unsigned m = 0; m < METRICS_COUNT; m++)
		t->answer.value[m] = (double)NAN;
	t->answer.value[METRIC_LATENCY] = 7;
	return http_judge(&t->of.plan, r, &t->answer, t->why);
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
	if (j == JUDGE_GOOD && expect_all(&t->of.plan, &t->answer, false, t->why))
		outcome = expect_warns(&t->of.plan, &t->answer, t->why) ? OUTCOME_WARN
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
		planned_begin(&t.of, verdicts[i].lines);
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
		planned_end(&t.of);
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
		planned_begin(&t.of, early[i].lines);
		outcome_of(&t, early[i].answer, strlen(early[i].answer), CUT_ALWAYS);
		if (t.fed != early[i].fed) {
			print_error(
				"row %zu '%s': decided after %zu bytes, expected %zu\n",
				i, early[i].lines, t.fed, early[i].fed);
			failed++;
		}
		planned_end(&t.of);
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
		planned_begin(&t.of, "[rule r]\nwhen = c.bytes > 9B\ndo = log");
		assert_int_equal(outcome_of(&t, SIZED("4") "body", 42, cut),
				 OUTCOME_GOOD);
		assert_true(t.answer.value[METRIC_BYTES] == 4);
		assert_true(t.answer.value[METRIC_STATUS] == 200);
		planned_end(&t.of);
		planned_begin(&t.of, "expect = body > 1B");
		assert_int_equal(outcome_of(&t, SIZED("9") "body", 42, cut),
				 OUTCOME_GOOD);
		assert_true(isnan(t.answer.value[METRIC_BYTES]));
		planned_end(&t.of);
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
		planned_begin(&t.of, "expect = body ~ xL$, body !~ N, body > 300K");
		assert_int_equal(outcome_of(&t, answer, sizeof answer, cut),
				 OUTCOME_GOOD);
		planned_end(&t.of);
		planned_begin(&t.of, "expect = body ~ N");
		assert_int_equal(outcome_of(&t, answer, sizeof answer, cut), OUTCOME_BAD);
		assert_non_null(strstr(t.why, "of which 256 KiB were looked at"));
		planned_end(&t.of);
	}
}

int
test_probes_http_check(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_verdicts),
		cmocka_unit_test(reads_no_more_than_it_needs),
		cmocka_unit_test(tells_sizes_of_whole_bodies_only),
		cmocka_unit_test(looks_at_the_first_256_kib),
	};
	return cmocka_run_group_tests_name("probes_http_check", tests, NULL, NULL);
}
