/* Values: what is refused, and what becomes of the right ones. */
#include "test/unit/book.h"
#include "test/unit/unit.h"

#include <string.h>

static const struct book_row values[] = {
	{ "[service a]\nrun = bin/a\n",
	  "r.ini:1: [service a]: exactly one of run, pidfile and match is needed\n"
	  "r.ini:2: run: a command begins with '/'\n" },
	{ RUN "match = x\n",
	  "r.ini:1: [service a]: exactly one of run, pidfile and match is needed\n" },
	{ RUN "start = /x\n",
	  "r.ini:1: [service a]: start is for what is watched, not run\n" },
	{ RUN "stop = /x\n",
	  "r.ini:1: [service a]: stop of what is run is a list of signals\n" },
	{ "[service a]\nmatch = x\nlog = /l\n",
	  "r.ini:1: [service a]: log, env and memory-max need run\n" },
	{ "[service a]\nmatch = a(b\n",
	  "r.ini:1: [service a]: exactly one of run, pidfile and match is needed\n"
	  "r.ini:2: match: regex 'a(b': missing closing parenthesis (at 3)\n" },
	{ RUN "instances = 3\n", "r.ini:3: instances: expected FIRST..LAST, as 1..3\n" },
	{ RUN "instances = 3..1\n",
	  "r.ini:3: instances: expected FIRST..LAST, as 1..3\n" },
	{ RUN "instances = 1..2000\n",
	  "r.ini:3: instances: expected FIRST..LAST, as 1..3\n" },
	{ RUN "env = A\n", "r.ini:3: env: expected NAME=VALUE, not 'A'\n" },
	{ RUN "limits = nofile\n",
	  "r.ini:3: limits: expected NAME VALUE, not 'nofile'\n" },
	{ RUN "limits = nofiles 3\n", "r.ini:3: limits: unknown limit 'nofiles'\n" },
	{ RUN "limits = nofile 3 4\n", "r.ini:3: limits: '4' behind the value\n" },
	{ RUN "limits = nofile 3,\n", "r.ini:3: limits: an empty item in the list\n" },
	{ RUN "umask = 8\n", "r.ini:3: umask: '8' is no octal number up to 777\n" },
	{ RUN "umask = 1777\n", "r.ini:3: umask: '1777' is no octal number up to 777\n" },
	{ RUN "nice = -21\n", "r.ini:3: nice: '-21' is no number from -20 to 19\n" },
	{ RUN "ready = soon\n",
	  "r.ini:3: ready: expected check, notify, fd, after or exec, not 'soon'\n" },
	{ RUN "ready = notify within 5s\n", "" },
	{ RUN "ready = fd 3\n", "" },
	{ RUN "ready = fd 2\n", "r.ini:3: ready: fd: expected a number from 3 to 63\n" },
	{ RUN "ready = fd\n", "r.ini:3: ready: fd: expected a number from 3 to 63\n" },
	{ RUN "ready = check\n", "r.ini:3: ready: which check?\n" },
	{ RUN "ready = after\n", "r.ini:3: ready: expected after T\n" },
	{ RUN "ready = after 5\n",
	  "r.ini:3: ready: after: '5': a unit is needed: ms, s, m, h or d\n" },
	{ RUN "ready = exec within 0s\n", "r.ini:3: ready: a time of 0\n" },
	{ RUN "ready = exec now\n", "r.ini:3: ready: expected 'within T', not 'now'\n" },
	{ RUN "ready = exec within 1s now\n",
	  "r.ini:3: ready: 'now' behind the value\n" },
	{ RUN "stop = TREM 5s\n", "r.ini:3: stop: unknown signal 'TREM'\n" },
	{ RUN "stop = TERM 5s 6s\n", "r.ini:3: stop: '6s' behind the value\n" },
	{ RUN "restart = sometimes\n",
	  "r.ini:3: restart: expected always, failure or never, not 'sometimes'\n" },
	{ RUN "success = 256\n",
	  "r.ini:3: success: '256' is no whole number from 0 to 255\n" },
	{ RUN "backoff = 1s\n",
	  "r.ini:3: backoff: expected FIRST..LAST, as 100ms..30s\n" },
	{ RUN "backoff = 2s..1s\n", "r.ini:3: backoff: '2s..1s' is impossible\n" },
	{ RUN "at-most = 5\n", "r.ini:3: at-most: expected N in T, as 5 in 5m\n" },
	{ RUN "at-most = 0 in 5m\n",
	  "r.ini:3: at-most: '0' is no whole number from 1 to 63\n" },
	{ RUN "at-most = 64 in 5m\n",
	  "r.ini:3: at-most: '64' is no whole number from 1 to 63\n" },
	{ RUN "log = x.log\n", "r.ini:3: log: the file's path begins with '/'\n" },
	{ RUN "log = /x.log 0B\n", "r.ini:3: log: rotating below 1K\n" },
	{ RUN "log = /x.log 5M y 3\n",
	  "r.ini:3: log: expected FILE SIZE x COUNT, as /var/log/a.log 50M x 5\n" },
	{ RUN "memory-max = 5K\n", "r.ini:3: memory-max: less than 1M\n" },
	{ RUN "memory-max = 50%\n",
	  "r.ini:3: memory-max: '50%' is no size (a unit is needed: B, K, M, G or T)\n" },
	{ RUN "every = 1\n",
	  "r.ini:3: every: '1': a unit is needed: ms, s, m, h or d\n" },
	{ CHECK "timeout = 0s\n",
	  "r.ini:3: timeout: '0s' is out of range (1 ms to 1 h 0 min)\n" },
	{ CHECK "timeout = 2h\n",
	  "r.ini:3: timeout: '2h' is out of range (1 ms to 1 h 0 min)\n" },
	{ CHECK "connect-timeout = 5s\n",
	  "r.ini:1: [check c]: connect-timeout is longer than timeout\n" },
	{ CHECK "fast = 6s\n", "r.ini:1: [check c]: fast is slower than every\n" },
	{ CHECK "down = 3 of 2\n", "r.ini:3: down: '3 of 2' is impossible\n" },
	{ CHECK "down = 0\n", "r.ini:3: down: '0' is no whole number from 1 to 64\n" },
	{ CHECK "down = 65\n", "r.ini:3: down: '65' is no whole number from 1 to 64\n" },
	{ CHECK "down = 2x\n",
	  "r.ini:3: down: '2x' is no duration (a unit is needed: ms, s, m, h or d)\n" },
	{ CHECK "down = 0s\n", "r.ini:3: down: a time of 0\n" },
	{ CHECK "down = 2 of 3 maybe\n", "r.ini:3: down: 'maybe' behind the value\n" },
	{ CHECK "up = 2 of 3\n", "r.ini:3: up: expected N or a time, not '2 of 3'\n" },
	{ "[check c]\ntcp = h:99999\n",
	  "r.ini:2: tcp: port '99999' is no whole number from 1 to 65535\n" },
	{ "[check c]\ntcp = h:0\n",
	  "r.ini:2: tcp: port '0' is no whole number from 1 to 65535\n" },
	{ "[check c]\ntcp = h\n", "r.ini:2: tcp: expected HOST:PORT, not 'h'\n" },
	{ "[check c]\ntcp = ::1:80\n",
	  "r.ini:2: tcp: an IPv6 address stands in brackets: [::1]:80\n" },
	{ "[check c]\ntcp = [::g]:80\n", "r.ini:2: tcp: '::g' is no IPv6 address\n" },
	{ "[check c]\ntcp = [:80\n", "r.ini:2: tcp: '[' is no host\n" },
	{ "[check c]\ntcp = a,b:80\n", "r.ini:2: tcp: 'a,b' is no host\n" },
	{ "[check c]\ntcp = [::1]:80\n", "" },
	{ "[check c]\nhttp = h/\n",
	  "r.ini:2: http: expected http://HOST[:PORT]/PATH, not 'h/'\n" },
	{ "[check c]\nhttp = http://u:p@h/\n",
	  "r.ini:2: http: no user, blank, quote or '#' may stand in the address\n" },
	{ "[check c]\nunix = x\n",
	  "r.ini:2: unix: an absolute path of up to 107 bytes is needed\n" },
	{ CHECK "ajp = h:2\n", "r.ini:3: ajp: the check is one of tcp already\n" },
	{ CHECK "header = A: b\n", "r.ini:1: [check c]: header is for http\n" },
	{ CHECK "expect = status 200\n",
	  "r.ini:1: [check c]: expect status and header are for http\n" },
	{ CHECK "expect = latency < 5\n",
	  "r.ini:3: expect: latency: '5': a unit is needed: ms, s, m, h or d\n" },
	{ CHECK "expect = latency < 5ms ms\n",
	  "r.ini:3: expect: 'ms' behind the value\n" },
	{ CHECK "expect = memory < 5M\n",
	  "r.ini:3: expect: expected status, header, body or a metric, not 'memory'\n" },
	{ "[check c]\nhttp = http://h/\nexpect = status\n",
	  "r.ini:3: expect: which status?\n" },
	{ "[check c]\nhttp = http://h/\nexpect = status 2000\n",
	  "r.ini:3: expect: status '2000' is no whole number from 100 to 999\n" },
	{ "[check c]\nhttp = http://h/\nexpect = status 299..200\n",
	  "r.ini:3: expect: status '299..200' is impossible\n" },
	{ "[check c]\nhttp = http://h/\nexpect = body ~ [\n",
	  "r.ini:3: expect: regex '[': missing terminating ] for character class (at "
	  "1)\n" },
	{ "[check c]\nhttp = http://h/\nexpect = header A < 3\n",
	  "r.ini:3: expect: a header is compared by = != ~ or !~\n" },
	{ "[check c]\nhttp = http://h/\nheader = A b\n",
	  "r.ini:3: header: expected NAME: VALUE, not 'A b'\n" },
	{ "[check c]\nhttp = http://h/\nmethod = POST\n",
	  "r.ini:3: method: expected GET or HEAD, not 'POST'\n" },
	{ "[route r]\nbackend = x\n",
	  "r.ini:1: [route r]: a driver is missing (switch, haproxy, varnish)\n" },
	{ "[route r]\nswitch = /s\n", "r.ini:1: [route r]: a backend is missing\n" },
	{ "[route r]\nswitch = /s\nbackend = x\nbackend = x\n",
	  "r.ini:4: backend: 'x' stands twice\n" },
	{ "[route r]\nswitch = /s /t\nbackend = x\n",
	  "r.ini:2: switch: '/t' behind the value\n" },
	{ "[route r]\nswitch = /s\nbackend = ok\nbackend = x;y\n",
	  "r.ini:4: backend: 'x;y' is no name of a backend\n" },
	{ "[route r]\nswitch = /s\nbackend = x\nkeep = 2\n",
	  "r.ini:1: [route r]: keep = 2 of 1 backends\n" },
	{ "[route r]\nswitch = /s\nbackend = x\nactive = 2\n",
	  "r.ini:4: active: expected 1 or all, not '2'\n" },
	{ "[route r]\nswitch = /s\nbackend = x\nreturn = 60s\n",
	  "r.ini:4: return: expected 'after T' or 'manual'\n" },
	{ "[route r]\nswitch = /s\nbackend = x\nreturn = after 60s manual\n",
	  "r.ini:4: return: 'manual' behind the value\n" },
	{ "[route r]\nswitch = /s\nbackend = x\nflap = 17 in 1m\n",
	  "r.ini:4: flap: '17' is no whole number from 1 to 16\n" },
	{ "[route r]\nhaproxy = /s\nbackend = x\n",
	  "r.ini:2: haproxy: expected SOCKET BACKEND\n" },
	{ "[route r]\nvarnish = h:1\nbackend = x\n",
	  "r.ini:2: varnish: 'h' is a name; an address is needed\n" },
	{ "[route r]\nvarnish = 127.0.0.1:1 /s\nbackend = x\n",
	  "r.ini:2: varnish: expected HOST:PORT secret=/FILE\n" },
	{ "[contact o]\npage = ftp://h/\n",
	  "r.ini:1: [contact o]: mail or page is missing\n"
	  "r.ini:2: page: 'ftp://h/' is no http:// or https:// address\n" },
	{ "[monitord]\nsmtp = h:25\n[contact o]\nmail = a\n",
	  "r.ini:3: [contact o]: mail or page is missing\nr.ini:4: mail: 'a' is no mail "
	  "address\n" },
	{ "[monitord]\nsmtp-tls = yes\n",
	  "r.ini:2: smtp-tls: expected no, optional or starttls, not 'yes'\n" },
	{ "[monitord]\nhttp = 2812\n",
	  "r.ini:2: http: expected HOST:PORT, not '2812'\n" },
	{ "[monitord]\nuid-base = 5\n",
	  "r.ini:2: uid-base: '5' is no whole number from 1000 to 2000000000\n" },
	{ "[monitord]\non-stop = kill\n",
	  "r.ini:2: on-stop: expected leave or stop, not 'kill'\n" },
	{ CONTACT "[service a]\nrun = /x\nalert = ops after 5m\n",
	  "r.ini:7: alert: 'after' is not supported yet\n" },
};

static const struct book_row rules[] = {
	{ BOTH "[rule r]\ndo = restart a\n", "r.ini:6: [rule r]: when is missing\n" },
	{ BOTH "[rule r]\nwhen = a.state = flying\ndo = log\n",
	  "r.ini:7: when: 'flying' is no state; a service is stopped, starting, up, "
	  "failing, "
	  "stopping, backoff, failed, held\n" },
	{ BOTH "[rule r]\nwhen = c.state != on\ndo = log\n",
	  "r.ini:7: when: 'on' is no state; a check is unknown, up, degraded, down\n" },
	{ BOTH "[rule r]\nwhen = c.down\n", "r.ini:6: [rule r]: do is missing\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = restrt a\n",
	  "r.ini:8: do: unknown action 'restrt' (did you mean 'restart'?)\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = restart\n",
	  "r.ini:8: do: 'restart' of which service?\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = restart a now\n",
	  "r.ini:8: do: 'now' behind the action\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = reload a\n",
	  "r.ini:8: do: 'a' has no reload\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = signal a\n",
	  "r.ini:8: do: expected signal(NAME), as signal(HUP)\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = drain a\n",
	  "r.ini:8: do: 'drain' is not supported yet\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = log\nmode = dry\n",
	  "r.ini:9: mode: expected act or dry-run, not 'dry'\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = log\ncooldown = 0s\n",
	  "r.ini:9: cooldown: '0s' is out of range (1.0 s to 30 d 0 h)\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = log\nescalate = 3 in 1m log\n",
	  "r.ini:9: escalate: expected N in T -> actions\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = log\nescalate = 17 in 1m -> log\n",
	  "r.ini:9: escalate: '17' is no whole number from 1 to 16\n" },
	{ "[service a]\nmatch = x\n[check c]\nof = a\ntcp = h:1\ndo = restart\n",
	  "r.ini:6: do: 'a' has no run and no start: it cannot be restarted\n" },
	{ BOTH "[route s]\nswitch = /s\nbackend = x check c\n[rule r]\nwhen = c.down\ndo "
	       "= reroute s to y\n",
	  "r.ini:11: do: route 's' has no backend 'y'\n" },
};

static const struct book_row conditions[] = {
	{ "c.down", "" },
	{ "c.down and", "a test is missing before ''" },
	{ "c.down c.up", "expected 'and', 'or' or the end before 'c.up'" },
	{ "(c.down", "')' is missing" },
	{ "c.down)", "expected 'and', 'or' or the end before ')'" },
	{ "down", "expected OBJECT.METRIC, not 'down'" },
	{ "zz.down", "no service, check or route 'zz'" },
	{ "c.dwon", "a check has no metric 'dwon' (did you mean 'down'?)" },
	{ "a.down", "a service has no metric 'down'" },
	{ "c.memory > 5M", "a check has no metric 'memory'" },
	{ "a.memory", "'a.memory' needs a comparison: only yes/no metrics stand alone" },
	{ "a.memory >", "a value is missing behind 'a.memory >'" },
	{ "a.memory > 5", "a.memory: '5': a unit is needed: B, K, M, G or T" },
	{ "a.memory > 5s",
	  "a.memory: '5s' is no size (a unit is needed: B, K, M, G or T)" },
	{ "a.memory > 5%", "a percentage of a size is not supported yet" },
	{ "a.cpu > 5", "a.cpu: '5' is no percentage: a number and % are needed" },
	{ "a.threads > 5%", "a.threads: '5%' is no number: this metric has no unit" },
	{ "c.latency > 5", "c.latency: '5': a unit is needed: ms, s, m, h or d" },
	{ "a.io-read > 5M",
	  "a.io-read: '5M' is no rate (a unit is needed: B/s, K/s, M/s or G/s)" },
	{ "c.down = 1", "c.down: a yes/no metric stands alone, without a comparison" },
	{ "a.state > up", "a.state: a text is compared by = != ~ or !~" },
	{ "a.state ~ up", "~ in a condition is not supported yet" },
	{ "a.cpu ~ 5", "'a.cpu' is no text: ~ does not fit" },
	{ "c.down for", "'for' needs a duration" },
	{ "c.down for 5", "'for' '5': a unit is needed: ms, s, m, h or d" },
	{ "c.down 3", "expected N of M" },
	{ "c.down 3 of 2", "'3 of 2' is impossible" },
	{ "c.down 3 of 65", "'3 of 65' is impossible" },
	{ "c.down 0 of 2", "'0' is no whole number from 1 to 64" },
	{ "avg(a.cpu, 5m) > 5%", "'avg(\xe2\x80\xa6)': functions are not supported yet" },
	{ "not not c.down", "" },
	{ "((((((((c.down))))))))", "" },
	{ "((((((((((((((((((((((((((((((((((((c.down", "nested deeper than 32" },
};

static void
of_values(void **state)
{
	(void)state;
	book_table(values, COUNT(values));
}

static void
of_rules(void **state)
{
	(void)state;
	book_table(rules, COUNT(rules));
}

static void
of_conditions(void **state)
{
	static char text[COUNT(conditions)][400], want[COUNT(conditions)][400];
	struct book_row rows[COUNT(conditions)];
	(void)state;
	for (size_t i = 0; i < COUNT(conditions); i++) {
		snprintf(text[i], sizeof *text, BOTH "[rule r]\nwhen = %s\ndo = log\n",
			 conditions[i].text);
		snprintf(want[i], sizeof *want,
			 *conditions[i].mistakes != '\0' ? "r.ini:7: when: %s\n" : "%s",
			 conditions[i].mistakes);
		rows[i] = (struct book_row){ text[i], want[i] };
	}
	book_table(rows, COUNT(rows));
}

int
test_values(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_values),
		cmocka_unit_test(of_rules),
		cmocka_unit_test(of_conditions),
	};
	return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
