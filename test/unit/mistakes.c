/* What is wrong with a rule file, in the words and at the line that users see. */
#include "test/unit/book.h"
#include "rules/private.h"
#include "test/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static const struct book_row structure[] = {
	{ "", "" },
	{ "; nothing\n\n# at all\n", "" },
	{ "\xef\xbb\xbf" RUN, "" },
	{ "[service a]\r\nrun = /bin/a\r\n", "" },
	{ "[service a] ; why\nrun=/bin/a", "" },
	{ "run = /bin/a\n", "r.ini:1: 'run' stands before any section\n" },
	{ "[service a]\nrun = /bin/a\x01\n",
	  "r.ini:2: a control byte (0x01) in column 13\n" },
	{ RUN "; a comment with \x7f\n",
	  "r.ini:3: a control byte (0x7f) in column 18\n" },
	{ RUN "nice 5\n", "r.ini:3: expected KEY = VALUE or [KIND NAME]\n" },
	{ RUN "= 5\n", "r.ini:3: expected KEY = VALUE or [KIND NAME]\n" },
	{ RUN "ni ce = 5\n", "r.ini:3: expected KEY = VALUE or [KIND NAME]\n" },
	{ RUN "nice: 5\n", "r.ini:3: expected KEY = VALUE or [KIND NAME]\n" },
	{ RUN "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa = 5\n",
	  "r.ini:3: expected KEY = VALUE or [KIND NAME]\n" },
	{ RUN "nice =\n", "r.ini:3: nice: a value is missing\n" },
	{ RUN "nice = ; five\n", "r.ini:3: nice: a value is missing\n" },
	{ RUN "nice = 5\nnice = 6\n", "r.ini:4: nice: stands in line 3 already\n" },
	{ RUN "Nice = 5\n",
	  "r.ini:3: [service] has no key 'Nice' (did you mean 'nice'?)\n" },
	{ RUN "restrat = never\n",
	  "r.ini:3: [service] has no key 'restrat' (did you mean 'restart'?)\n" },
	{ RUN "expect = status 200\n", "r.ini:3: [service] has no key 'expect'\n" },
	{ CHECK "run = /bin/a\n", "r.ini:3: [check] has no key 'run'\n" },
	{ RUN "unit = tomcat.service\n",
	  "r.ini:1: [service a]: exactly one of run, pidfile, match and unit is needed\n" },
	{ "[service a]\nunit = tomcat@1\nreload = HUP\nstop = TERM 5s\n", "" },
	{ "[service a]\nunit = a.socket\n",
	  "r.ini:2: unit: 'a.socket': only a .service has a main process\n" },
	{ "[service a]\nunit = a b\n",
	  "r.ini:2: unit: 'a b' is no name of a unit\n" },
	{ RUN "groups = web, @java\n", "" },
	{ RUN "groups = 1x\n", "r.ini:3: groups: '1x' is no name\n" },
	{ "[check c]\nlog = /l\n", "r.ini:1: [check c]: log and match go together\n" },
	{ CHECK "match = x\n", "r.ini:1: [check c]: log and match go together\n" },
	{ "[check c]\nlog = l\nmatch = x\n", "" }, /* relative to the file */
	{ "[check c]\nsystem = no\n", "r.ini:2: system: expected yes, not 'no'\n" },
	{ "[check c]\nlisten = 127.0.0.1:80\n",
	  "r.ini:2: listen: expected tcp ADDRESS:PORT or tcp *:PORT, not '127.0.0.1:80'\n" },
	{ "[check c]\nlisten = tcp h:80\n",
	  "r.ini:2: listen: 'h' is a name; an address of this host is needed\n" },
	{ "[check c]\nfilesystem = /\nexpect = mounted = 1\n",
	  "r.ini:3: expect: mounted stands alone: it is a yes/no metric\n" },
	{ "[check c]\nhttps = http://h/\n",
	  "r.ini:2: https: expected https://HOST[:PORT]/PATH, not 'http://h/'\n" },
	{ "[check c]\nhttp = http://h/\nauth-password-file = /s\n",
	  "r.ini:1: [check c]: auth-password-file needs auth-user\n" },
	{ "[check c]\nscript = /x\nexpect = a > 1, b > 1, c > 1, d > 1, e > 1, f > 1, g > 1, "
	  "h > 1, i > 1, j > 1, k > 1\n",
	  "r.ini:3: expect: more than 10 labels of [check c]\n" },
	{ "[check c]\nscript = /x\n[rule r]\nwhen = c.free > 10K\ndo = log\n",
	  "r.ini:4: when: c.free: '10K' is no number: this metric has no unit\n" },
	{ CHECK "tls-name = x\n", "r.ini:1: [check c]: tls-… needs encrypt, https or tls\n" },
	{ "[check c]\nhttp = http://h/\nbody = x\n",
	  "r.ini:1: [check c]: a body needs method = POST, PUT or OPTIONS\n" },
	{ "[check c]\nhttp = http://h/\nauth-user = x\n",
	  "r.ini:1: [check c]: auth-user needs auth-password-file\n" },
	{ "[check c]\nhttp = http://h/\nredirects = 11\n",
	  "r.ini:3: redirects: '11' is no whole number from 0 to 10\n" },
	{ "[check c]\nhttp = http://h/\nexpect = sha256 = 12\n",
	  "r.ini:3: expect: expected sha256 = 64 hex digits\n" },
	{ "[check c]\nhttp = http://h/\nexpect = json x = 1\n",
	  "r.ini:3: expect: json: expected a pointer as /status\n" },
	{ "[check c]\nhttp = http://h/\nexpect = json /x > a\n",
	  "r.ini:3: expect: json: 'a' is no number\n" },
	{ "[check c]\ntcp = h:1\nexpect = json /x\n",
	  "r.ini:1: [check c]: expect status, header, json, sha256 and contains are for http\n" },
	{ CHECK "encrypt = ssl\n",
	  "r.ini:3: encrypt: expected no, tls or starttls, not 'ssl'\n" },
	{ CHECK "encrypt = tls\ntls-min = 1\n",
	  "r.ini:4: tls-min: expected 1.0, 1.1, 1.2 or 1.3, not '1'\n" },
	{ CHECK "encrypt = tls\ntls-cert = /x\n",
	  "r.ini:1: [check c]: tls-cert and tls-key go together\n" },
	{ "[check c]\ntls = h:1\nencrypt = tls\n",
	  "r.ini:1: [check c]: tls is TLS without encrypt\n" },
	{ "[check c]\nhttps = https://h/\ntls-alpn = h2, spdy/3\n",
	  "r.ini:1: [check c]: of https tls-alpn is h2, http/1.1 or both\n" },
	{ "[check c]\npgsql = h\nserver-key = /k\n",
	  "r.ini:1: [check c]: server-key is for the password of mysql\n" },
	{ "[check c]\nmysql = h\nauth-user = a\nauth-password-file = /p\nencrypt = starttls\nserver-key = /k\n"
	  "tls-ca = /c\n",
	  "r.ini:1: [check c]: server-key is for a connection without TLS\n"
	  "r.ini:7: tls-ca: server-key stands there already\n" },
	{ "[check c]\nmysql = h\nauth-user = a\nauth-password-file = /p\nserver-key = /k\nencrypt = starttls\n",
	  "r.ini:1: [check c]: server-key is for a connection without TLS\n" },
	{ "[check c]\ntcp = h:1\nexpect = target = /x\n",
	  "r.ini:1: [check c]: a target have file, directory and fifo\n" },
	{ "[check c]\nfile = /f\nexpect = target > /x\n",
	  "r.ini:3: expect: a target is compared by = != ~ or !~\n" },
	{ "[check c]\ngrpc = h\nencrypt = tls\ntls-alpn = h2\n",
	  "r.ini:1: [check c]: grpc is HTTP/2 always: no tls-alpn\n" },
	{ "[check c]\ngrpc = h\nauth-user = a\n",
	  "r.ini:1: [check c]: body, bearer-file and redirects are for http, and auth-user is not for this\n" },
	{ "[check c]\nunix = /s\nencrypt = tls\n",
	  "r.ini:1: [check c]: tls-name is missing: a path names no host\n" },
	{ "[check c]\ntcp = h:1\nencrypt = starttls\n",
	  "r.ini:1: [check c]: encrypt = starttls needs send = {tls} behind an answer\n" },
	{ "[check c]\ntcp = h:1\nsend = {tls}\n",
	  "r.ini:1: [check c]: send = {tls} needs an expect = body before it\n" },
	{ "[service a\n" RUN, "r.ini:1: '[' without ']'\n" },
	{ "[service a] b\nrun = /x\n", "r.ini:1: text after ']'\n" },
	{ "[servcie a]\nrun = /x\n",
	  "r.ini:1: unknown section kind 'servcie' (did you mean 'service'?)\n" },
	{ "[unit a]\nrun = /x\n", "r.ini:1: unknown section kind 'unit'\n" },
	{ "[]\n", "r.ini:1: unknown section kind ''\n" },
	{ "[service]\nrun = /x\n", "r.ini:1: [service] needs a name\n" },
	{ "[monitord x]\n", "r.ini:1: [monitord] takes no name\n" },
	{ "[service 1a]\nrun = /x\n", "r.ini:1: [service \xe2\x80\xa6]: a name is "
				      "letters, digits, '-', '_' and '.', a letter "
				      "first, at most 64 bytes\n" },
	{ "[service a b]\nrun = /x\n", "r.ini:1: [service \xe2\x80\xa6]: a name is "
				       "letters, digits, '-', '_' and '.', a letter "
				       "first, at most 64 bytes\n" },
	{ "[service ../x]\nrun = /x\n", "r.ini:1: [service \xe2\x80\xa6]: a name is "
					"letters, digits, '-', '_' and '.', a letter "
					"first, at most 64 bytes\n" },
	{ RUN RUN, "r.ini:3: [service a] stands twice\n" },
	{ RUN "[check a]\ntcp = h:1\n",
	  "r.ini:3: [check a]: another section has this name\n" },
	{ RUN "[chain a]\npath = a\n", "" }, /* chains have names of their own */
	{ "[service a]\ninstances = 1..3\nrun = /x\nnice = x\n[check c]\nof = a\ntcp = "
	  "h:1\ndo = restart\n",
	  "r.ini:4: nice: 'x' is no number from -20 to 19\n" }, /* said once, and of all
								   three */
	{ "[service a]\ninstances = 1..3\nrun = /x\n[service a-2]\nrun = /x\n",
	  "r.ini:4: [service a-2] stands twice\n" },
};

static const struct book_row lines[] = {
	{ "[service a]\nrun = /bin/a\n  -x\n\t-y ; and why\n; between\n  -z\n", "" },
	{ RUN "  nice = 5\n",
	  "r.ini:3: 'nice' is indented: it would continue the value above\n" },
	{ RUN "  nie = 5\n", "" }, /* an argument, no key */
	{ RUN "  [check c]\n", "r.ini:3: a section begins at the line's start\n" },
	{ "[service a]\n  run = /bin/a\n",
	  "r.ini:2: an indented line that continues nothing\n" },
	{ RUN "dir = \"/srv\n", "r.ini:3: a double quote is left open\n" },
	{ RUN "dir = \"/a \\\" b\"\n", "" },
	{ RUN "dir = \"/a ; b\" ; a comment\n", "" },
	{ RUN "dir = /a;b\n", "" },
	{ RUN "dir = /a # b\n",
	  "r.ini:3: warning: ' #' begins no comment behind a value; ' ;' does\n" },
	{ RUN "dir = \"/a # b\"\n", "" },
};

static const struct book_row names[] = {
	{ RUN "depends = b\n", "r.ini:3: depends: no service 'b' (did you mean 'a'?)\n" },
	{ RUN "[service tomcat]\nrun = /x\ndepends = tomact\n",
	  "r.ini:5: depends: no service 'tomact' (did you mean 'tomcat'?)\n" },
	{ RUN "depends = a\n", "r.ini:1: [service a]: it depends on itself\n" },
	{ RUN "depends = b\n[service b]\nrun = /x\ndepends = c\n[service c]\nrun = "
	      "/x\ndepends = a\n",
	  "r.ini:1: depends or chains go round: a -> b -> c -> a\n" },
	{ RUN "depends = c\n[check c]\nof = a\ntcp = h:1\n",
	  "r.ini:1: [service a]: it depends on itself, by its check 'c'\n" },
	{ RUN "depends = b-tcp\n[service b]\nrun = /x\ndepends = a\n[check b-tcp]\nof = "
	      "b\ntcp = h:1\n",
	  "r.ini:1: depends or chains go round: a -> b -> a\n" },
	{ "[check c]\nhttp = http://h/\nexpect = header X-B = {active}\n",
	  "r.ini:1: [check c]: {active} needs one route whose verify is this check\n" },
	{ "[service a]\nrun = /bin/a\n[rule r]\nwhen = a.up\ndo = restart r\n",
	  "r.ini:5: do: 'r' is a rule, not a service\n" },
	{ RUN "alert = ops\n", "r.ini:3: alert: no contact 'ops'\n" },
	{ RUN "drain = r\n", "r.ini:3: drain: no route 'r'\n" },
	{ RUN "ready = check c within 3s\n[check c]\ntcp = h:1\n",
	  "r.ini:1: [service a]: ready: check 'c' is not 'of = a'\n" },
	{ "[chain x]\npath = a -> b\n",
	  "r.ini:2: path: no service, check or route 'a'\nr.ini:2: path: no service, "
	  "check or route 'b'\n" },
	{ RUN "[chain x]\npath = a a\n", "r.ini:4: path: expected '->' before 'a'\n" },
	{ "[service a]\ninstances = 1..2\nrun = /x\n[route r]\nswitch = /s\nbackend = x "
	  "check c\n"
	  "[check c]\nof = a\ntcp = h:1\n",
	  "r.ini:6: backend: 'c' has instances: name one, as c-1\n" },
	{ "[contact ops]\nmail = a@b\n",
	  "r.ini:1: a contact has mail, but [monitord] names no smtp server\n" },
	{ "[contact ops]\n", "r.ini:1: [contact ops]: mail, sms, page, run, desktop or members is missing\n" },
};

/* One cause, one mistake; and what is wrong besides is still told. */
static const struct book_row causes[] = {
	{ "[service a]\nnice = 5\n",
	  "r.ini:1: [service a]: exactly one of run, pidfile, match and unit is needed\n" },
	{ "[service a]\nrun =\n", "r.ini:2: run: a value is missing\n" },
	{ "[service a]\nrun = bin/a\nlog = /l\nenv = A=1\nready = notify\n",
	  "r.ini:2: run: a command begins with '/'\n" },
	{ "[service a]\nrun = bin/a\npidfile = /p\n",
	  "r.ini:1: [service a]: exactly one of run, pidfile, match and unit is needed\n"
	  "r.ini:2: run: a command begins with '/'\n" },
	{ "[service a]\nrnu = /bin/a\n",
	  "r.ini:2: [service] has no key 'rnu' (did you mean 'run'?)\n" },
	{ "[service a]\nrun /bin/a\n", "r.ini:2: expected KEY = VALUE or [KIND NAME]\n" },
	{ "[service a]\nrun = \"/bin/a\n", "r.ini:2: a double quote is left open\n" },
	{ "[service a]\nmatch = (\nlog = /l\n",
	  "r.ini:1: [service a]: log, env and memory-max need run\n"
	  "r.ini:2: match: regex '(': missing closing parenthesis (at 1)\n" },
	{ "[monitord]\nsmtp = localhost\n[contact ops]\nmail = a@b\n",
	  "r.ini:2: smtp: expected HOST:PORT, not 'localhost'\n" },
	{ "[contact ops]\nmail = a@b\n[monitord]\nstmp = h:25\n",
	  "r.ini:4: [monitord] has no key 'stmp' (did you mean 'smtp'?)\n" },
	{ "[contact ops]\nmail = ab\n", "r.ini:2: mail: 'ab' is no mail address\n" },
	{ "[route r]\nswitch = /s\nbackend = -x\n",
	  "r.ini:3: backend: '-x' is no name of a backend\n" },
	{ "[route r]\nswitch = /s\n", "r.ini:1: [route r]: a backend is missing\n" },
	{ "[route r]\nswicth = /s\nbackend = x\n",
	  "r.ini:2: [route] has no key 'swicth' (did you mean 'switch'?)\n" },
	{ "[check c]\nhtpp = http://h/\n",
	  "r.ini:2: [check] has no key 'htpp' (did you mean 'http'?)\n" },
	{ "[check c]\nlog = /l\nmatch = (\n", "r.ini:3: match: regex '(': missing closing parenthesis (at 1)\n" },
	{ RUN "[rule r]\nwhen = a.upp\ndo = log\n[rule s]\ndo = log\n[rule t]\nwhen = a.up\n",
	  "r.ini:4: when: a service has no metric 'upp' (did you mean 'up'?)\n"
	  "r.ini:6: [rule s]: when is missing\n"
	  "r.ini:8: [rule t]: do is missing\n" },
	{ RUN "depends = b\n[service b]\nrun = /x\ndepends = a\n",
	  "r.ini:1: depends or chains go round: a -> b -> a\n" },
	{ RUN "[service b]\nrun = /x\ndepends = a\n[chain x]\npath = a -> b\n",
	  "r.ini:1: depends or chains go round: a -> b -> a\n" },
};

static void
of_causes(void **state)
{
	(void)state;
	book_table(causes, COUNT(causes));
}

static void
of_structure(void **state)
{
	(void)state;
	book_table(structure, COUNT(structure));
}

static void
of_lines(void **state)
{
	(void)state;
	book_table(lines, COUNT(lines));
}

static void
of_names(void **state)
{
	(void)state;
	book_table(names, COUNT(names));
}

static void
of_bytes(void **state)
{
	static const char nul[] = RUN "dir = /a\0b\n";
	static char longest[32 + 8192 + 32];
	(void)state;
	book_same(nul, sizeof nul - 1, "r.ini:3: a control byte (0x00) in column 9\n");
	for (size_t n = 8191; n <= 8193; n++) { /* the third line has n bytes */
		size_t at = (size_t)sprintf(longest, RUN "dir = /");
		memset(longest + at, 'x', n - 7);
		strcpy(longest + at + n - 7, "\n");
		book_same(longest, strlen(longest),
			  n > 8192 ? "r.ini:3: a line of 8193 bytes; 8192 are allowed\n"
				   : "");
	}
}

static void
a_value_has_an_end(void **state)
{
	size_t size = 128 * 1024;
	char *text = malloc(size), *p = text;
	(void)state;
	assert_non_null(text);
	p += sprintf(p, "[service a]\nrun = /bin/a\n");
	for (int line = 0; line < 9; line++) { /* nine times 8,000 bytes */
		*p++ = ' ';
		memset(p, 'x', 8000);
		p += 8000;
		*p++ = '\n';
	}
	*p = '\0';
	const char *have = book_mistakes(text, strlen(text));
	assert_string_equal(have, "r.ini:11: the value is longer than 64 KiB\n");
	free(text);
}

/* Many small pieces cost what they are long, not the square of it. */
static void
what_has_many_lines_stays_small(void **state)
{
	static const char *const pieces[] = { " x\n", "env = A=b\n" };
	for (size_t i = 0; i < COUNT(pieces); i++) {
		size_t size = 16000 * strlen(pieces[i]) + 100;
		char *text = malloc(size);
		assert_non_null(text);
		strcpy(text, "[service a]\nrun = /bin/a\nenv = A=b\n");
		size_t used = strlen(text), n = strlen(pieces[i]);
		for (int k = 0; k < 16000; k++, used += n)
			memcpy(text + used, pieces[i], n + 1);
		struct rules *r = book(text);
		assert_true(arena_used(((struct rules_private *)r)->arena) <
			    (size_t)4 << 20);
		rules_free(&r);
		free(text);
	}
	(void)state;
}

static void
another_encoding_is_named(void **state)
{
	static const char little[] = "\xff\xfe[\0m\0]\0\n\0";
	static const char big[] = "\xfe\xff\0[\0m\0]\0\n";
	(void)state;
	assert_string_equal(book_mistakes(little, sizeof little - 1),
			    "r.ini:1: the file is UTF-16: save it as UTF-8\n");
	assert_string_equal(book_mistakes(big, sizeof big - 1),
			    "r.ini:1: the file is UTF-16: save it as UTF-8\n");
}

static void
too_many_checks(void **state)
{
	char *text = malloc(64 * 1024), *p = text;
	(void)state;
	assert_non_null(text);
	p += sprintf(p, RUN);
	for (unsigned i = 1; i <= 257; i++) {
		if (i == 257)
			book_same(text, strlen(text), "");
		p += sprintf(p, "[check c%u]\nof = a\ntcp = h:1\n", i);
	}
	book_same(text, strlen(text), "r.ini:771: service a: more than 256 checks\n");
	free(text);
}

static void
long_names_with_instances(void **state)
{
	(void)state;
	char text[200], name[65];
	memset(name, 'n', 62);
	name[62] = '\0';
	snprintf(text, sizeof text, "[service %s]\ninstances = 9..9\nrun = /x\n", name);
	book_same(text, strlen(text), "");
	snprintf(text, sizeof text, "[service %s]\ninstances = 9..10\nrun = /x\n", name);
	assert_non_null(strstr(book_mistakes(text, strlen(text)), "r.ini:1: "));
}

/* All members of a family are named, however many they are. */
static void
long_lists(void **state)
{
	static const char text[] =
		"[service farm]\ninstances = 1..100\nrun = /x\n"
		"[service a]\nrun = /x\ndepends = farm\n"
		"[rule r]\nwhen = a.memory > 1G\ndo = restart farm, log\n";
	(void)state;
	struct rules *rules = book(text);
	const struct service *a = &rules->services[100];
	assert_string_equal(a->name, "a");
	assert_int_equal(a->depends_services.count, 100);
	assert_int_equal(rules->rules[0].action_count, 101);
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(a->depends_services.ids[i], i);
		assert_int_equal(rules->rules[0].actions[i].id, i);
	}
	rules_free(&rules);
}

static void
all_in_one_run(void **state)
{
	static const char text[] =
		"[service a]\nrun = bin/a\nnice = x\n[check c]\nof = b\ntcp = h:0\n"
		"[rule r]\nwhen = c.latency > 5\ndo = restart b\n";
	(void)state;
	book_same(text, sizeof text - 1,
		  "r.ini:2: run: a command begins with '/'\n"
		  "r.ini:3: nice: 'x' is no number from -20 to 19\n"
		  "r.ini:5: of: no service 'b' (did you mean 'a'?)\n"
		  "r.ini:6: tcp: port '0' is no whole number from 1 to 65535\n"
		  "r.ini:8: when: c.latency: '5': a unit is needed: ms, s, m, h or d\n"
		  "r.ini:9: do: no service 'b' (did you mean 'a'?)\n");
}

int
test_mistakes(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_structure),
		cmocka_unit_test(of_causes),
		cmocka_unit_test(of_lines),
		cmocka_unit_test(of_names),
		cmocka_unit_test(of_bytes),
		cmocka_unit_test(a_value_has_an_end),
		cmocka_unit_test(another_encoding_is_named),
		cmocka_unit_test(what_has_many_lines_stays_small),
		cmocka_unit_test(too_many_checks),
		cmocka_unit_test(long_names_with_instances),
		cmocka_unit_test(long_lists),
		cmocka_unit_test(all_in_one_run),
	};
	return cmocka_run_group_tests_name("mistakes", tests, NULL, NULL);
}
