/* What a changed key costs, as the table of keys says: a restart, a new measurement, or nothing. */
#include "rules/same.h"

#include "rules/keys.h"
#include "test/unit/book.h"
#include "test/unit/unit.h"

#include <string.h>

#define A "[service a]\nrun = /bin/a\n"
#define HTTP "[check c]\nhttp = http://h/\n"
#define SQL "[check c]\npgsql = h\nauth-user = u\n"

static const struct {
	const char *key; /* of the section that is called a, or c */
	const char *before, *after;
} rows[] = {
	{ "run", A, "[service a]\nrun = /bin/a -x\n" },
	{ "user", A "user = root\n", A "user = nobody\n" },
	{ "group", A "group = root\n", A "group = nogroup\n" },
	{ "dir", A, A "dir = /tmp\n" },
	{ "env", A "env = X=1\n", A "env = X=2\n" },
	{ "env", A "env = X=1\n", A "env = X=1\nenv = Y=1\n" },
	{ "env-file", A, A "env-file = /e\n" },
	{ "limits", A "limits = core 0\n", A "limits = core 1\n" },
	{ "umask", A, A "umask = 077\n" },
	{ "nice", A, A "nice = 0\n" },
	{ "log", A "log = /a\n", A "log = /b\n" },
	{ "memory-max", A, A "memory-max = 1G\n" },
	{ "cpu-max", A, A "cpu-max = 50%\n" },
	{ "oom-score", A, A "oom-score = 0\n" },
	{ "pidfile", "[service a]\npidfile = /p\n", "[service a]\npidfile = /q\n" },
	{ "match", "[service a]\nmatch = x\n", "[service a]\nmatch = y\n" },
	{ "unit", "[service a]\nunit = x\n", "[service a]\nunit = y\n" },
	{ "unit", "[service a]\npidfile = /p\n", "[service a]\nunit = y\n" },
	{ "start", "[service a]\nmatch = x\n", "[service a]\nmatch = x\nstart = /s\n" },
	{ "instances", "[service a]\nrun = /a\ninstances = 1..2\n",
	  "[service a]\nrun = /a\ninstances = 1..3\n" },
	{ "every", A, A "every = 1s\n" },
	{ "stop", A, A "stop = KILL\n" },
	{ "ready", A, A "ready = exec\n" },
	{ "backoff", A, A "backoff = 1s..2s\n" },

	{ "http", HTTP, "[check c]\nhttp = http://h/x\n" },
	{ "http", HTTP, "[check c]\nhttp = http://h:81/\n" },
	{ "https", HTTP, "[check c]\nhttps = https://h/\n" },
	{ "tls", "[check c]\ntls = h:1\n", "[check c]\ntls = h:2\n" },
	{ "tcp", "[check c]\ntcp = h:1\n", "[check c]\ntcp = g:1\n" },
	{ "udp", "[check c]\nudp = h:1\nsend = a\nexpect = body ~ a\n",
	  "[check c]\nudp = h:2\nsend = a\nexpect = body ~ a\n" },
	{ "unix", "[check c]\nunix = /a\n", "[check c]\nunix = /b\n" },
	{ "script", "[check c]\nscript = /a\n", "[check c]\nscript = /a b\n" },
	{ "file", "[check c]\nfile = /a\n", "[check c]\nfile = /b\n" },
	{ "directory", "[check c]\nfile = /a\n", "[check c]\ndirectory = /a\n" },
	{ "fifo", "[check c]\nfile = /a\n", "[check c]\nfifo = /a\n" },
	{ "filesystem", "[check c]\nfilesystem = /a\n", "[check c]\nfilesystem = /b\n" },
	{ "system", "[check c]\nfile = /a\n", "[check c]\nsystem = yes\n" },
	{ "network", "[check c]\nnetwork = eth0\n", "[check c]\nnetwork = eth1\n" },
	{ "listen", "[check c]\nlisten = tcp *:1\n", "[check c]\nlisten = tcp *:2\n" },
	{ "log", "[check c]\nlog = /a\nmatch = x\n", "[check c]\nlog = /b\nmatch = x\n" },
	{ "match", "[check c]\nlog = /a\nmatch = x\n", "[check c]\nlog = /a\nmatch = y\n" },
	{ "ajp", "[check c]\najp = h\n", "[check c]\najp = h/x\n" },
	{ "jrmp", "[check c]\njrmp = h\n", "[check c]\njrmp = h:1\n" },
	{ "haproxy", "[check c]\nhaproxy = /s\n", "[check c]\nhaproxy = /s b\n" },
	{ "varnish", "[check c]\nvarnish = h\n", "[check c]\nvarnish = g\n" },
	{ "pgsql", SQL, "[check c]\npgsql = g\nauth-user = u\n" },
	{ "mysql", SQL, "[check c]\nmysql = h\nauth-user = u\n" },
	{ "redis", "[check c]\nredis = h\n", "[check c]\nredis = g\n" },
	{ "memcached", "[check c]\nmemcached = h\n", "[check c]\nmemcached = g\n" },
	{ "smtp", "[check c]\nsmtp = h\n", "[check c]\nsmtp = g\n" },
	{ "lmtp", "[check c]\nsmtp = h:24\n", "[check c]\nlmtp = h:24\n" },
	{ "imap", "[check c]\nimap = h\n", "[check c]\nimap = g\n" },
	{ "pop3", "[check c]\npop3 = h\n", "[check c]\npop3 = g\n" },
	{ "ftp", "[check c]\nftp = h\n", "[check c]\nftp = g\n" },
	{ "ssh", "[check c]\nssh = h\n", "[check c]\nssh = g\n" },
	{ "ldap", "[check c]\nldap = h\n", "[check c]\nldap = g\n" },
	{ "mqtt", "[check c]\nmqtt = h\n", "[check c]\nmqtt = g\n" },
	{ "websocket", "[check c]\nwebsocket = h\n", "[check c]\nwebsocket = h/x\n" },
	{ "grpc", "[check c]\ngrpc = h\n", "[check c]\ngrpc = h/x\n" },
	{ "fastcgi", "[check c]\nfastcgi = h\n", "[check c]\nfastcgi = h/x\n" },
	{ "oracle", "[check c]\noracle = h\n", "[check c]\noracle = g\n" },
	{ "apache-status", "[check c]\napache-status = http://h/a\n",
	  "[check c]\napache-status = http://h/b\n" },
	{ "tomcat", "[check c]\ntomcat = http://h/a\n", "[check c]\ntomcat = http://h/b\n" },
	{ "dns", "[check c]\ndns = h\nquery-name = a\n", "[check c]\ndns = g\nquery-name = a\n" },
	{ "query-name", "[check c]\ndns = h\nquery-name = a\n",
	  "[check c]\ndns = h\nquery-name = b\n" },
	{ "query-type", "[check c]\ndns = h\nquery-name = a\n",
	  "[check c]\ndns = h\nquery-name = a\nquery-type = MX\n" },
	{ "ntp", "[check c]\nntp = h\n", "[check c]\nntp = g\n" },
	{ "ping", "[check c]\nping = h\n", "[check c]\nping = g\n" },
	{ "count", "[check c]\nping = h\n", "[check c]\nping = h\ncount = 4\n" },
	{ "packet-size", "[check c]\nping = h\n", "[check c]\nping = h\npacket-size = 57\n" },
	{ "database", SQL "database = a\n", SQL "database = b\n" },
	{ "query", SQL "query = select 1\n", SQL "query = select 2\n" },
	{ "secret-file", "[check c]\nvarnish = h\nsecret-file = /a\n",
	  "[check c]\nvarnish = h\nsecret-file = /b\n" },
	{ "server-key", "[check c]\nmysql = h\nauth-user = u\nauth-password-file = /p\n",
	  "[check c]\nmysql = h\nauth-user = u\nauth-password-file = /p\nserver-key = /k\n" },
	{ "send", "[check c]\ntcp = h:1\nsend = a\nexpect = body ~ b\n",
	  "[check c]\ntcp = h:1\nsend = c\nexpect = body ~ b\n" },
	{ "encrypt", "[check c]\nsmtp = h\n", "[check c]\nsmtp = h\nencrypt = starttls\n" },
	{ "tls-verify", "[check c]\ntls = h:1\n", "[check c]\ntls = h:1\ntls-verify = no\n" },
	{ "tls-name", "[check c]\ntls = h:1\n", "[check c]\ntls = h:1\ntls-name = x\n" },
	{ "tls-min", "[check c]\ntls = h:1\n", "[check c]\ntls = h:1\ntls-min = 1.3\n" },
	{ "tls-alpn", "[check c]\ntls = h:1\n", "[check c]\ntls = h:1\ntls-alpn = x\n" },
	{ "tls-ca", "[check c]\ntls = h:1\n", "[check c]\ntls = h:1\ntls-ca = /x\n" },
	{ "tls-cert", "[check c]\ntls = h:1\ntls-cert = /a\ntls-key = /k\n",
	  "[check c]\ntls = h:1\ntls-cert = /b\ntls-key = /k\n" },
	{ "tls-key", "[check c]\ntls = h:1\ntls-cert = /a\ntls-key = /k\n",
	  "[check c]\ntls = h:1\ntls-cert = /a\ntls-key = /l\n" },
	{ "header", HTTP, HTTP "header = X: y\n" },
	{ "header", HTTP, HTTP "header = Host: y\n" },
	{ "method", HTTP, HTTP "method = HEAD\n" },
	{ "body", HTTP "method = POST\nbody = a\n", HTTP "method = POST\nbody = b\n" },
	{ "body-file", HTTP "method = POST\nbody-file = /a\n",
	  HTTP "method = POST\nbody-file = /b\n" },
	{ "auth-user", HTTP "auth-user = a\nauth-password-file = /p\n",
	  HTTP "auth-user = b\nauth-password-file = /p\n" },
	{ "auth-password-file", HTTP "auth-user = a\nauth-password-file = /p\n",
	  HTTP "auth-user = a\nauth-password-file = /q\n" },
	{ "bearer-file", HTTP "bearer-file = /a\n", HTTP "bearer-file = /b\n" },
	{ "redirects", HTTP, HTTP "redirects = 2\n" },
	{ "expect", HTTP "expect = status 200\n", HTTP "expect = status 204\n" },
	{ "expect", HTTP, HTTP "expect = body ~ x\n" },
	{ "warn", HTTP, HTTP "warn = latency > 1s\n" },
	{ "user", "[check c]\nscript = /a\n", "[check c]\nscript = /a\nuser = nobody\n" },
	{ "timeout", HTTP, HTTP "timeout = 1s\n" },
	{ "connect-timeout", HTTP, HTTP "connect-timeout = 1s\n" },
	{ "of", A "[check c]\ntcp = h:1\n", A "[check c]\ntcp = h:1\nof = a\n" },
	{ "every", HTTP, HTTP "every = 1s\n" },
	{ "fast", HTTP, HTTP "fast = 1s\n" },
	{ "down", HTTP, HTTP "down = 3\n" },
	{ "up", HTTP, HTTP "up = 3\n" },
};

static const struct key *
key_of(size_t row)
{
	bool check = strstr(rows[row].before, "[check c]") != NULL;
	return keys_find(check ? OBJECT_CHECK : OBJECT_SERVICE, rows[row].key,
			 strlen(rows[row].key));
}

/* What it costs that this text takes the place of the row's first. */
static enum key_cost
cost_of(size_t row, const char *text)
{
	struct rules *a = book(rows[row].before), *b = book(text);
	enum key_cost cost = COST_NOTHING;
	if (key_of(row)->section == OBJECT_CHECK)
		cost = same_measurement(&a->checks[0], &b->checks[0]) ? cost
								      : COST_MEASURE;
	else if (!same_process(&a->services[0], &b->services[0]))
		cost = COST_RESTART;
	else if (!same_search(&a->services[0], &b->services[0]))
		cost = COST_SEARCH;
	rules_free(&a);
	rules_free(&b);
	return cost;
}

static void
a_key_costs_what_the_table_says(void **state)
{
	unsigned wrong = 0;
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct key *k = key_of(i);
		if (k == NULL)
			fail_msg("there is no key %s", rows[i].key);
		enum key_cost cost = cost_of(i, rows[i].after), said = k->cost;
		if (k->section == OBJECT_SERVICE && said == COST_MEASURE)
			said = COST_NOTHING; /* of its process */
		if (cost_of(i, rows[i].before) != COST_NOTHING || cost != said) {
			print_error("%s costs %d, by the table %d:\n%s", rows[i].key,
				    cost, said, rows[i].after);
			wrong++;
		}
	}
	assert_int_equal(wrong, 0);
}

/* Whose it must be tells who is found, too; what is run is not looked for. */
static void
who_is_found_may_depend_on_more(void **state)
{
	static const struct {
		const char *before, *after;
		bool same;
	} searches[] = {
		{ "[service a]\nmatch = x\nuser = root\n",
		  "[service a]\nmatch = x\nuser = nobody\n", false },
		{ A, "[service a]\nmatch = x\n", true },
		{ "[service a]\nmatch = x\n", A, true },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(searches); i++) {
		struct rules *a = book(searches[i].before), *b = book(searches[i].after);
		assert_int_equal(same_search(&a->services[0], &b->services[0]),
				 searches[i].same);
		rules_free(&a);
		rules_free(&b);
	}
}

static void
each_key_that_costs_is_tried(void **state)
{
	unsigned missing = 0;
	(void)state;
	for (size_t k = 0; k < key_count; k++) {
		const struct key *key = &key_table[k];
		bool tried =
			key->cost == COST_NOTHING ||
			(key->section != OBJECT_SERVICE && key->section != OBJECT_CHECK);
		for (size_t i = 0; !tried && i < COUNT(rows); i++)
			tried = key_of(i) == key;
		if (!tried)
			print_error("no row for %s of %s\n", key->name,
				    object_kind_name[key->section]);
		missing += !tried;
	}
	assert_int_equal(missing, 0);
}

int
test_same(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_costs_what_the_table_says),
		cmocka_unit_test(who_is_found_may_depend_on_more),
		cmocka_unit_test(each_key_that_costs_is_tried),
	};
	return cmocka_run_group_tests_name("same", tests, NULL, NULL);
}
