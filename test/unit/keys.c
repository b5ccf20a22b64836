/* Every key of the table: a value that is right, and one that is refused at its line. */
#include "rules/keys.h"
#include "test/unit/book.h"
#include "test/unit/unit.h"

#include <string.h>

/* What the sections under test lean on; NAME x is theirs. */
static const char others[] =
	"[contact ops]\nmail = a@b\n[contact boss]\nmail = c@d\n"
	"[service s]\nrun = /bin/s\n[service t]\nrun = /bin/t\n"
	"[check c]\nof = s\ntcp = h:1\n[check e]\nof = t\ntcp = h:2\n"
	"[route r]\nswitch = /r\nbackend = s check c\nbackend = t check e\n";
#define RUNS "run = /bin/x\n"
#define MATCHED "match = x\n"
#define HTTP "http = http://h/\n"
#define TLS "tls = h:443\n"
#define DOES "when = c.down\ndo = log\n"
#define TWO "backend = s check c\nbackend = t check e\n"
#define SWITCH "switch = /f\n"
#define NGINX "nginx = /i\nreload = /bin/r\nbackend = 127.0.0.1:1 check c\nbackend = 127.0.0.1:2 check e\n"
#define PATH "path = s -> t\n"
#define MAIL "mail = x@y\n"
#define PAGE "page = pagerduty https://events.pagerduty.com/v2/enqueue\n"

static const struct {
	enum object_kind section;
	const char *key, *good, *bad, *with; /* bad NULL: any word is right */
} rows[] = {
	{ OBJECT_MONITORD, "include", "conf.d/*.ini", NULL, "" },
	{ OBJECT_MONITORD, "socket", "/run/monitord/status.sock", NULL, "" },
	{ OBJECT_MONITORD, "state", "/var/lib/monitord", NULL, "" },
	{ OBJECT_MONITORD, "helpers", "/usr/lib/monitord", NULL, "" },
	{ OBJECT_MONITORD, "alert", "ops, boss after 15m", "nobody", "" },
	{ OBJECT_MONITORD, "smtp", "127.0.0.1:25, mail.example.org:587", "mail:port", "" },
	{ OBJECT_MONITORD, "smtp-tls", "starttls", "always", "" },
	{ OBJECT_MONITORD, "smtp-user", "monitord", NULL, "smtp-password-file = /p\n" },
	{ OBJECT_MONITORD, "smtp-password", "secret", NULL, "smtp-user = me\n" },
	{ OBJECT_MONITORD, "smtp-password-file", "/etc/monitord/smtp", NULL, "smtp-user = me\n" },
	{ OBJECT_MONITORD, "smtp-ca", "/etc/ssl/ca.pem", NULL, "" },
	{ OBJECT_MONITORD, "from", "monitord@example.org", NULL, "" },
	{ OBJECT_MONITORD, "http", "127.0.0.1:2812", "2812", "" },
	{ OBJECT_MONITORD, "http-token-file", "/etc/monitord/token", NULL, "http = 127.0.0.1:2812\n" },
	{ OBJECT_MONITORD, "admin-group", "adm", NULL, "" },
	{ OBJECT_MONITORD, "read-group", "adm", NULL, "" },
	{ OBJECT_MONITORD, "uid-base", "64900", "root", "" },
	{ OBJECT_MONITORD, "on-stop", "stop", "kill", "" },
	{ OBJECT_MONITORD, "record", "7d 200M", "200M", "" },
	{ OBJECT_MONITORD, "mode", "dry-run", "dry", "" },
	{ OBJECT_MONITORD, "actions-at-most", "10 in 1m", "10", "" },
	{ OBJECT_MONITORD, "starts-at-once", "16", "0", "" },
	{ OBJECT_MONITORD, "every", "5s", "5", "" },
	{ OBJECT_MONITORD, "timeout", "2s", "2d", "" },
	{ OBJECT_MONITORD, "down", "3 of 5", "5 of 3", "" },
	{ OBJECT_MONITORD, "up", "2", "-2", "" },
	{ OBJECT_MONITORD, "remind", "1h, 4h, 24h", "hourly", "" },
	{ OBJECT_MONITORD, "heartbeat", "https://example.org/beat every 1m", "example.org", "" },
	{ OBJECT_MONITORD, "cooldown", "5m", "5", "" },
	{ OBJECT_MONITORD, "history", "200M", "1y", "" },

	{ OBJECT_SERVICE, "instances", "1..3", "3", RUNS },
	{ OBJECT_SERVICE, "run", "/opt/tomcat/bin/catalina.sh run", "catalina.sh run", "" },
	{ OBJECT_SERVICE, "pidfile", "/run/x.pid", NULL, "" },
	{ OBJECT_SERVICE, "match", "^/usr/sbin/x ", "x(", "" },
	{ OBJECT_SERVICE, "unit", "tomcat10.service", "a/b", "" },
	{ OBJECT_SERVICE, "start", "/bin/x start", "x start", MATCHED },
	{ OBJECT_SERVICE, "stop", "TERM 10s, KILL", "TREM 10s", RUNS },
	{ OBJECT_SERVICE, "reload", "HUP", "UPH", RUNS },
	{ OBJECT_SERVICE, "user", "tomcat", NULL, RUNS },
	{ OBJECT_SERVICE, "group", "tomcat", NULL, RUNS },
	{ OBJECT_SERVICE, "dir", "/opt/tomcat", NULL, RUNS },
	{ OBJECT_SERVICE, "env", "JAVA_OPTS=-Xmx512m", "JAVA_OPTS", RUNS },
	{ OBJECT_SERVICE, "env-file", "/etc/default/x", NULL, RUNS },
	{ OBJECT_SERVICE, "limits", "nofile 65536, core 0", "files 3", RUNS },
	{ OBJECT_SERVICE, "umask", "027", "9", RUNS },
	{ OBJECT_SERVICE, "nice", "5", "20", RUNS },
	{ OBJECT_SERVICE, "ready", "notify within 30s", "check nobody", RUNS },
	{ OBJECT_SERVICE, "restart", "failure", "sometimes", RUNS },
	{ OBJECT_SERVICE, "on-boot", "last", "first", RUNS },
	{ OBJECT_SERVICE, "success", "0 143", "256", RUNS },
	{ OBJECT_SERVICE, "backoff", "100ms..30s", "30s..100ms", RUNS },
	{ OBJECT_SERVICE, "at-most", "5 in 5m", "5", RUNS },
	{ OBJECT_SERVICE, "retry", "10m", "10", RUNS "at-most = 1 in 1m\n" },
	{ OBJECT_SERVICE, "keep", "1", "many", RUNS "instances = 1..3\n" },
	{ OBJECT_SERVICE, "depends", "s, e", "nobody", RUNS },
	{ OBJECT_SERVICE, "log", "/var/log/x.log 50M x 5", "/var/log/x.log 50 x 5", RUNS },
	{ OBJECT_SERVICE, "memory-max", "1G", "1", RUNS },
	{ OBJECT_SERVICE, "cpu-max", "150%", "150", RUNS },
	{ OBJECT_SERVICE, "oom-score", "-500", "2000", RUNS },
	{ OBJECT_SERVICE, "drain", "r", "nowhere", RUNS },
	{ OBJECT_SERVICE, "groups", "web, java", "a b", RUNS },
	{ OBJECT_SERVICE, "alert", "none", "nobody", RUNS },
	{ OBJECT_SERVICE, "every", "1s", "1ms", RUNS },
	{ OBJECT_SERVICE, "evidence", "signal QUIT, log 50 lines, sockets, threads", "logs", RUNS "log = /l\n" },
	{ OBJECT_SERVICE, "during", "Mon-Fri 08:00-18:00", "Monday", RUNS },

	{ OBJECT_CHECK, "of", "s", "nobody", "tcp = h:3\n" },
	{ OBJECT_CHECK, "http", "http://127.0.0.1:8080/health", "127.0.0.1:8080", "" },
	{ OBJECT_CHECK, "https", "https://example.org/", "http://example.org/", "" },
	{ OBJECT_CHECK, "tls", "example.org:443", "example.org", "" },
	{ OBJECT_CHECK, "tcp", "127.0.0.1:22", "127.0.0.1:ssh", "" },
	{ OBJECT_CHECK, "ajp", "127.0.0.1:8009/health", "127.0.0.1:ajp", "" },
	{ OBJECT_CHECK, "jrmp", "127.0.0.1:1099/rmi", "127.0.0.1:rmi", "" },
	{ OBJECT_CHECK, "varnish", "127.0.0.1:6082", "127.0.0.1:x", "" },
	{ OBJECT_CHECK, "haproxy", "/run/haproxy/admin.sock ads", "/a b c d", "" },
	{ OBJECT_CHECK, "pgsql", "/run/postgresql/.s.PGSQL.5432", "h:x", "" },
	{ OBJECT_CHECK, "mysql", "127.0.0.1", "h:x", "" },
	{ OBJECT_CHECK, "redis", "127.0.0.1:6379", "h:x", "" },
	{ OBJECT_CHECK, "memcached", "127.0.0.1:11211", "h:x", "" },
	{ OBJECT_CHECK, "smtp", "127.0.0.1", "h:x", "" },
	{ OBJECT_CHECK, "lmtp", "/run/lmtp.sock", "h:x", "" },
	{ OBJECT_CHECK, "imap", "127.0.0.1", "h:x", "" },
	{ OBJECT_CHECK, "pop3", "127.0.0.1", "h:x", "" },
	{ OBJECT_CHECK, "ftp", "127.0.0.1", "h:x", "" },
	{ OBJECT_CHECK, "ssh", "127.0.0.1", "h:x", "" },
	{ OBJECT_CHECK, "ldap", "127.0.0.1", "h:x", "" },
	{ OBJECT_CHECK, "mqtt", "127.0.0.1:1883", "h:x", "" },
	{ OBJECT_CHECK, "websocket", "127.0.0.1:8080/ws", "h:x", "" },
	{ OBJECT_CHECK, "grpc", "127.0.0.1:50051/my.Service", "h:x", "" },
	{ OBJECT_CHECK, "fastcgi", "/run/php.sock:/ping", "h:x", "" },
	{ OBJECT_CHECK, "oracle", "127.0.0.1:1521", "h:x", "" },
	{ OBJECT_CHECK, "apache-status", "http://127.0.0.1/server-status?auto", "127.0.0.1", "" },
	{ OBJECT_CHECK, "tomcat", "http://127.0.0.1:8080/manager/status?XML=true", "h", "" },
	{ OBJECT_CHECK, "dns", "127.0.0.1", "h:x", "query-name = example.org\n" },
	{ OBJECT_CHECK, "ntp", "127.0.0.1", "h:x", "" },
	{ OBJECT_CHECK, "udp", "127.0.0.1:9", "127.0.0.1", "send = x\nexpect = body ~ x\n" },
	{ OBJECT_CHECK, "ping", "127.0.0.1", "a b", "" },
	{ OBJECT_CHECK, "query-name", "example.org", "a..b", "dns = h\n" },
	{ OBJECT_CHECK, "query-type", "MX", "XM", "dns = h\nquery-name = x.org\n" },
	{ OBJECT_CHECK, "count", "5", "21", "ping = h\n" },
	{ OBJECT_CHECK, "packet-size", "56", "8", "ping = h\n" },
	{ OBJECT_CHECK, "database", "shop", NULL, "pgsql = h\nauth-user = u\n" },
	{ OBJECT_CHECK, "query", "SELECT 1", NULL, "pgsql = h\nauth-user = u\n" },
	{ OBJECT_CHECK, "secret-file", "/etc/varnish/secret", NULL, "varnish = h:6082\n" },
	{ OBJECT_CHECK, "server-key", "/etc/k.pem", NULL, "mysql = h\nauth-user = u\nauth-password-file = /p\n" },
	{ OBJECT_CHECK, "unix", "/run/x.sock", NULL, "" },
	{ OBJECT_CHECK, "script", "/usr/lib/nagios/plugins/check_load -w 1", "check_load", "" },
	{ OBJECT_CHECK, "file", "/etc/passwd", NULL, "" },
	{ OBJECT_CHECK, "directory", "/etc", NULL, "" },
	{ OBJECT_CHECK, "fifo", "/run/x.fifo", NULL, "" },
	{ OBJECT_CHECK, "filesystem", "/var", NULL, "" },
	{ OBJECT_CHECK, "system", "yes", "no", "" },
	{ OBJECT_CHECK, "network", "eth0", "a/b", "" },
	{ OBJECT_CHECK, "listen", "tcp 127.0.0.1:8009", "8009", "" },
	{ OBJECT_CHECK, "log", "/var/log/x.log", NULL, "match = ERROR\n" },
	{ OBJECT_CHECK, "match", "ERROR|FATAL", "(", "log = /l\n" },
	{ OBJECT_CHECK, "during", "Sat,Sun", "25:00-26:00", HTTP },
	{ OBJECT_CHECK, "send", "PING\\r\\n", "\\q", "tcp = h:3\nexpect = body ~ x\n" },
	{ OBJECT_CHECK, "encrypt", "starttls", "ssl", "smtp = h\n" },
	{ OBJECT_CHECK, "tls-verify", "no", "maybe", TLS },
	{ OBJECT_CHECK, "tls-name", "example.org", "a b", TLS },
	{ OBJECT_CHECK, "tls-min", "1.3", "3.0", TLS },
	{ OBJECT_CHECK, "tls-alpn", "h2", "a,,b", TLS },
	{ OBJECT_CHECK, "tls-ca", "/etc/ca.pem", NULL, TLS },
	{ OBJECT_CHECK, "tls-cert", "/etc/c.pem", NULL, TLS "tls-key = /k\n" },
	{ OBJECT_CHECK, "tls-key", "/etc/k.pem", NULL, TLS "tls-cert = /c\n" },
	{ OBJECT_CHECK, "header", "X-Check: yes", "X-Check", HTTP },
	{ OBJECT_CHECK, "method", "HEAD", "DELETE", HTTP },
	{ OBJECT_CHECK, "body", "{}", "\\q", HTTP "method = POST\n" },
	{ OBJECT_CHECK, "body-file", "/etc/b", NULL, HTTP "method = POST\n" },
	{ OBJECT_CHECK, "auth-user", "me", "a:b", HTTP "auth-password-file = /p\n" },
	{ OBJECT_CHECK, "auth-password-file", "/etc/p", NULL, HTTP "auth-user = me\n" },
	{ OBJECT_CHECK, "bearer-file", "/etc/t", NULL, HTTP },
	{ OBJECT_CHECK, "redirects", "3", "99", HTTP },
	{ OBJECT_CHECK, "expect", "status 200, header Content-Type ~ ^image/jpeg, body > 1K, latency < 500ms", "status 2000", HTTP },
	{ OBJECT_CHECK, "warn", "latency > 300ms", "latency > 300", HTTP },
	{ OBJECT_CHECK, "user", "nobody", NULL, "script = /bin/x\n" },
	{ OBJECT_CHECK, "every", "1s", "1", HTTP },
	{ OBJECT_CHECK, "timeout", "500ms", "0s", HTTP },
	{ OBJECT_CHECK, "connect-timeout", "200ms", "2h", HTTP },
	{ OBJECT_CHECK, "fast", "100ms", "1ms", HTTP },
	{ OBJECT_CHECK, "down", "3 of 5", "3 of", HTTP },
	{ OBJECT_CHECK, "up", "2", "0", HTTP },
	{ OBJECT_CHECK, "do", "restart", "resurrect", "of = s\n" HTTP },
	{ OBJECT_CHECK, "severity", "warning", "mild", HTTP },
	{ OBJECT_CHECK, "alert", "ops", "nobody", HTTP },

	{ OBJECT_RULE, "when", "s.memory > 1.5G for 30s or s.cpu > 95% for 2m", "s.memory > 1.5", "do = log\n" },
	{ OBJECT_RULE, "clear", "s.memory < 1G", "s.mem < 1G", DOES },
	{ OBJECT_RULE, "do", "restart s", "restart nobody", "when = c.down\n" },
	{ OBJECT_RULE, "escalate", "3 in 10m -> stop s, reroute r, page boss", "3 -> stop s", DOES },
	{ OBJECT_RULE, "mode", "dry-run", "wet", DOES },
	{ OBJECT_RULE, "cooldown", "1m", "1ms", DOES },
	{ OBJECT_RULE, "remind", "1h", "1", DOES },
	{ OBJECT_RULE, "severity", "critical", "high", DOES },
	{ OBJECT_RULE, "timeout", "10s", "2d", "when = c.down\ndo = run /bin/x\n" },
	{ OBJECT_RULE, "user", "nobody", NULL, "when = c.down\ndo = run /bin/x\n" },
	{ OBJECT_RULE, "alert", "ops", "nobody", DOES },
	{ OBJECT_RULE, "during", "Mon-Fri 08:00-18:00", "08:00", DOES },

	{ OBJECT_ROUTE, "switch", "/run/x", NULL, TWO },
	{ OBJECT_ROUTE, "haproxy", "/run/haproxy/admin.sock ads", "/run/haproxy/admin.sock", TWO },
	{ OBJECT_ROUTE, "varnish", "127.0.0.1:6082 secret=/etc/varnish/secret", "127.0.0.1 secret=/s", TWO },
	{ OBJECT_ROUTE, "apache", "http://127.0.0.1:80/balancer-manager pool", "127.0.0.1 pool", TWO },
	{ OBJECT_ROUTE, "nginx", "/etc/nginx/x.conf", NULL, "reload = /bin/r\nbackend = 127.0.0.1:1 check c\nbackend = 127.0.0.1:2 check e\n" },
	{ OBJECT_ROUTE, "squid", "/etc/squid/x.conf", NULL, "reload = /bin/r\nbackend = 127.0.0.1:1 check c\nbackend = 127.0.0.1:2 check e\n" },
	{ OBJECT_ROUTE, "run", "/usr/local/bin/front", "front", TWO },
	{ OBJECT_ROUTE, "link", "/srv/current", NULL, TWO },
	{ OBJECT_ROUTE, "line", "server {host}:{port};", NULL, NGINX },
	{ OBJECT_ROUTE, "test", "/usr/sbin/nginx -t", "nginx -t", NGINX },
	{ OBJECT_ROUTE, "reload", "/usr/sbin/nginx -s reload", "nginx", "nginx = /i\nbackend = 127.0.0.1:1 check c\nbackend = 127.0.0.1:2 check e\n" },
	{ OBJECT_ROUTE, "user", "nobody", NULL, NGINX },
	{ OBJECT_ROUTE, "slow-start", "30s", "30", "haproxy = /s b\n" TWO },
	{ OBJECT_ROUTE, "drain-limit", "10s", "10ms", SWITCH TWO },
	{ OBJECT_ROUTE, "during", "Mon-Fri", "Mon-", SWITCH TWO },
	{ OBJECT_ROUTE, "backend", "s check c", "s check nobody", SWITCH "backend = t check e\n" },
	{ OBJECT_ROUTE, "active", "all", "3", "haproxy = /s b\n" TWO },
	{ OBJECT_ROUTE, "keep", "1", "0", "haproxy = /s b\nactive = all\n" TWO },
	{ OBJECT_ROUTE, "verify", "c within 3s", "nobody within 3s", SWITCH TWO },
	{ OBJECT_ROUTE, "return", "manual", "never", SWITCH TWO },
	{ OBJECT_ROUTE, "flap", "3 in 10m", "3", SWITCH TWO },
	{ OBJECT_ROUTE, "alert", "ops", "nobody", SWITCH TWO },

	{ OBJECT_CHAIN, "path", "r -> s", "r -> nobody", "" },
	{ OBJECT_CHAIN, "check", "c", "nobody", PATH },
	{ OBJECT_CHAIN, "actions-at-most", "5 in 1m", "5", PATH },
	{ OBJECT_CHAIN, "alert", "ops", "nobody", PATH },

	{ OBJECT_CONTACT, "mail", "ops@example.org, b@c", "not an address", "" },
	{ OBJECT_CONTACT, "sms", "4912345@sms.example.org", "4912345", "" },
	{ OBJECT_CONTACT, "page", "https://example.org/hook", "example.org", "" },
	{ OBJECT_CONTACT, "run", "/usr/local/bin/tell", "tell", "" },
	{ OBJECT_CONTACT, "desktop", "yes", "perhaps", "" },
	{ OBJECT_CONTACT, "members", "ops, boss", "nobody", "" },
	{ OBJECT_CONTACT, "severity", "critical", "high", MAIL },
	{ OBJECT_CONTACT, "rate", "10 in 10m", "10", MAIL },
	{ OBJECT_CONTACT, "escalate", "15m -> boss", "15m -> nobody", MAIL },
	{ OBJECT_CONTACT, "subject", "{host}: {text}", "{nothing}", MAIL },
	{ OBJECT_CONTACT, "body", "{text}", "{nothing}", MAIL },
	{ OBJECT_CONTACT, "body-file", "/etc/monitord/body", NULL, MAIL },
	{ OBJECT_CONTACT, "key", "0123456789", NULL, PAGE },
	{ OBJECT_CONTACT, "key-file", "/etc/monitord/key", NULL, PAGE },
	{ OBJECT_CONTACT, "during", "08:00-20:00", "late", MAIL },
};

/* The rule file for a row with this value, and the key's line in it. */
static size_t
text_of(size_t row, const char *value, char *out, size_t cap, unsigned *line)
{
	const char *kind = object_kind_name[rows[row].section];
	bool own = rows[row].section == OBJECT_MONITORD;
	size_t n = (size_t)snprintf(out, cap, "[monitord]\n%s%s%s%s%s",
				    strcmp(rows[row].key, "smtp") == 0 && own
					    ? ""
					    : "smtp = h:25\n",
				    own ? "" : others, own ? "" : "[", own ? "" : kind,
				    own ? rows[row].with : " x]\n");
	if (!own)
		n += (size_t)snprintf(out + n, cap - n, "%s", rows[row].with);
	*line = 1;
	for (size_t i = 0; i < n; i++)
		*line += out[i] == '\n';
	n += (size_t)snprintf(out + n, cap - n, "%s = %s\n%s", rows[row].key, value,
			      own ? others : "");
	return n;
}

/* At its line, in its own words. */
static bool
is_refused(size_t row, const char *value)
{
	char text[4096], place[32];
	unsigned line;
	size_t n = text_of(row, value, text, sizeof text, &line);
	const char *said = book_mistakes(text, n);
	snprintf(place, sizeof place, "r.ini:%u: ", line);
	if (strstr(said, place) != NULL)
		return true;
	print_error("[%s] %s = %s: expected a mistake at %s, got:\n%s\n",
		    object_kind_name[rows[row].section], rows[row].key, value, place,
		    said);
	return false;
}

static void
every_key_takes_the_right_and_refuses_the_wrong(void **state)
{
	char text[4096];
	unsigned line, wrong = 0;
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		size_t n = text_of(i, rows[i].good, text, sizeof text, &line);
		const char *said = book_mistakes(text, n);
		if (strstr(said, "warning: ") == NULL && *said != '\0') {
			print_error("[%s] %s = %s: %s\n",
				    object_kind_name[rows[i].section], rows[i].key,
				    rows[i].good, said);
			wrong++;
		}
		wrong += rows[i].bad != NULL && !is_refused(i, rows[i].bad);
		wrong += !is_refused(i, "");
	}
	assert_int_equal(wrong, 0);
}

static void
every_key_has_its_row(void **state)
{
	unsigned wrong = 0;
	(void)state;
	for (size_t k = 0; k < key_count; k++) {
		unsigned found = 0;
		for (size_t i = 0; i < COUNT(rows); i++)
			found += rows[i].section == key_table[k].section &&
				 strcmp(rows[i].key, key_table[k].name) == 0;
		if (found != 1)
			print_error("[%s] %s: %u rows\n",
				    object_kind_name[key_table[k].section],
				    key_table[k].name, found);
		wrong += found != 1;
	}
	assert_int_equal(wrong, 0);
	assert_int_equal(COUNT(rows), key_count);
}

int
test_keys(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_has_its_row),
		cmocka_unit_test(every_key_takes_the_right_and_refuses_the_wrong),
	};
	return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
