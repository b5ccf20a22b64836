/* What http checks send, and where redirects lead them. */
#include <config.h>

#include "probes/kind.h"

#include "base/text.h"
#include "test/unit/book.h"
#include "test/unit/probes.h"

#include <string.h>

void
planned_begin(struct planned *t, const char *lines)
{
	char text[1024];
	text_print(text, sizeof text, "[check c]\nhttp = http://127.0.0.1:81/x\n%s\n",
		   lines);
	t->rules = book(text);
	assert_true(plan_make(&t->plan, t->rules, 0));
}

void
planned_end(struct planned *t)
{
	plan_free(&t->plan);
	rules_free(&t->rules);
}

/* ---- the request ---- */

static void
asks(void **state)
{
	char buf[PLAN_REQUEST], want[1024];
	struct planned t;
	(void)state;
	planned_begin(&t, "");
	struct asked asked = { .plan = &t.plan, .unique = 0xabc };
	size_t n = http_ask(&asked, buf, sizeof buf);
	text_print(want, sizeof want,
		   "GET /x HTTP/1.1\r\nHost: 127.0.0.1:81\r\nUser-Agent: monitord/"
		   "%s\r\nAccept: */*\r\nConnection: close\r\n\r\n",
		   PACKAGE_VERSION);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(buf, want, n);
	assert_int_equal(http_ask(&asked, buf, n), 0); /* no room for its end */
	planned_end(&t);
	planned_begin(&t,
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
	planned_end(&t);
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
	struct planned t;
	struct hop to;
	(void)state;
	for (unsigned i = 0; i < COUNT(requests); i++) {
		struct blob files[CHECK_FILES] = { { NULL, 0 } };
		struct asked asked = { .plan = &t.plan, .files = files };
		planned_begin(&t, requests[i].lines);
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
		if (n == 0 ||
		    memmem(buf, n, requests[i].asked, strlen(requests[i].asked)) == NULL)
			fail_msg("row %u: %.*s", i, (int)n, buf);
		if (i == 0)
			assert_memory_equal(buf + n - 3, "a\0b", 3);
		assert_true((memmem(buf, n, "Content-Length: 3\r\n", 19) != NULL) ==
			    (i == 0));
		planned_end(&t);
	}
}

/* No secret goes to a foreign host, and none with a line's end anywhere. */
static void
keeps_secrets(void **state)
{
	char buf[4096], why[MSG_TEXT], secret[] = "abc", bad[] = "a\nb";
	struct planned t;
	struct hop to;
	(void)state;
	planned_begin(&t, "redirects = 1\nbearer-file = /p\nheader = Cookie: c");
	struct blob files[CHECK_FILES] = { [FILE_SECRET] = { secret, 3 } };
	struct asked asked = { .plan = &t.plan, .files = files, .hop = &to };
	assert_true(hop_make(&to, &t.rules->checks[0], NULL, 302, "http://h/", why,
			     sizeof why));
	size_t n = http_ask(&asked, buf, sizeof buf);
	assert_true(n > 0);
	assert_null(memmem(buf, n, "abc", 3));
	assert_null(memmem(buf, n, "Cookie", 6));
	files[FILE_SECRET] = (struct blob){ bad, 3 };
	asked.hop = NULL;
	assert_int_equal(http_ask(&asked, buf, sizeof buf), 0);
	planned_end(&t);
}

int
test_probes_http_ask(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks),
		cmocka_unit_test(asks_with_unique_words),
		cmocka_unit_test(redirects_lead_somewhere),
		cmocka_unit_test(sends_what_it_should),
		cmocka_unit_test(keeps_secrets),
	};
	return cmocka_run_group_tests_name("probes_http_ask", tests, NULL, NULL);
}
