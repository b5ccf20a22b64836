/* Values: what is refused, and what becomes of the right ones. */
#include "test/unit/book.h"
#include "test/unit/unit.h"

#define LOG "log = /l\n"

#include <string.h>

static const struct book_row values[] = {
	{ "[service a]\nrun = bin/a\n",
	  "r.ini:2: run: a command begins with '/'\n" },
	{ RUN "match = x\n",
	  "r.ini:1: [service a]: exactly one of run, pidfile, match and unit is needed\n" },
	{ RUN "start = /x\n",
	  "r.ini:1: [service a]: start is for what is watched, not run\n" },
	{ RUN "stop = /x\n",
	  "r.ini:1: [service a]: stop of what is run is a list of signals\n" },
	{ "[service a]\nmatch = x\nlog = /l\n",
	  "r.ini:1: [service a]: log, env and memory-max need run\n" },
	{ "[service a]\nmatch = a(b\n",
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
	{ RUN "env-file = /e\ncpu-max = 150%\noom-score = -1000\n", "" },
	{ RUN "cpu-max = 0%\n", "r.ini:3: cpu-max: '0%' is not within 1% and 100000%\n" },
	{ RUN "oom-score = 1001\n",
	  "r.ini:3: oom-score: '1001' is no number from -1000 to 1000\n" },
	{ "[service a]\npidfile = /p\nenv-file = /e\n",
	  "r.ini:1: [service a]: env-file, cpu-max and oom-score need run\n" },
	{ "[service a]\npidfile = /p\nready = notify\n",
	  "r.ini:1: [service a]: ready: notify and fd need run\n" },
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
	{ RUN "success = ,\n", "r.ini:3: success: expected exit codes, 0 to 255\n" },
	{ RUN "success = 0,2 3, 256\n",
	  "r.ini:3: success: '256' is no whole number from 0 to 255\n" },
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
	{ RUN LOG "evidence = signal QUIT within 2s, log, log 9 lines, log /x 9 lines, sockets, threads, "
		  "threads 5\n",
	  "" },
	{ RUN LOG "evidence = dump\n",
	  "r.ini:4: evidence: expected signal, log, sockets or threads, not 'dump'\n" },
	{ RUN LOG "evidence = signal\n",
	  "r.ini:4: evidence: signal: '' is no signal that a process can answer\n" },
	{ RUN LOG "evidence = signal KILL\n",
	  "r.ini:4: evidence: signal: 'KILL' is no signal that a process can answer\n" },
	{ RUN LOG "evidence = signal QUIT 5s\n",
	  "r.ini:4: evidence: signal: expected 'within T', not '5s'\n" },
	{ RUN LOG "evidence = signal QUIT within 11s\n",
	  "r.ini:4: evidence: signal: within 1ms to 10s, not '11s'\n" },
	{ RUN LOG "evidence = log 50\n",
	  "r.ini:4: evidence: log: expected N lines, as log 50 lines\n" },
	{ RUN LOG "evidence = sockets all\n", "r.ini:4: evidence: 'all' behind the value\n" },
	{ RUN "evidence = log\n", "r.ini:1: [service a]: evidence: log needs its log, or 'log FILE'\n" },
	{ RUN "evidence = signal QUIT\n",
	  "r.ini:1: [service a]: evidence: signal needs its log, or 'log FILE'\n" },
	{ RUN "evidence = signal QUIT, log /x\n", "" },
	{ RUN LOG "evidence = log, log, log, log, log, log, log, log, log\n",
	  "r.ini:4: evidence: more than 8 items\n" },
	{ RUN "log = x.log\n", "" },
	{ RUN "log = /x.log 0B\n", "r.ini:3: log: rotating below 1K\n" },
	{ RUN "log = /x.log 5M y 3\n",
	  "r.ini:3: log: expected FILE SIZE x COUNT, as /var/log/a.log 50M x 5\n" },
	{ RUN "memory-max = 5K\n", "r.ini:3: memory-max: less than 1M\n" },
	{ RUN "memory-max = 50%\n",
	  "r.ini:3: memory-max: '50%' is no size (a unit is needed: B, K, M, G or T)\n" },
	{ RUN "every = 1\n",
	  "r.ini:3: every: '1': a unit is needed: ms, s, m, h or d\n" },
	{ CHECK "timeout = 0s\n",
	  "r.ini:3: timeout: '0s' is out of range (1 ms to 1 h)\n" },
	{ CHECK "timeout = 2h\n",
	  "r.ini:3: timeout: '2h' is out of range (1 ms to 1 h)\n" },
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
	{ "[check c]\nunix = x\n", "" },
	{ CHECK "ajp = h:2\n", "r.ini:3: ajp: the check is one of tcp already\n" },
	{ CHECK "header = A: b\n", "r.ini:1: [check c]: header is for http\n" },
	{ CHECK "expect = status 200\n",
	  "r.ini:1: [check c]: expect status, header, json, sha256 and contains are for http\n" },
	{ CHECK "expect = latency < 5\n",
	  "r.ini:3: expect: latency: '5': a unit is needed: ms, s, m, h or d\n" },
	{ CHECK "expect = latency < 5ms ms\n",
	  "r.ini:3: expect: 'ms' behind the value\n" },
	{ CHECK "expect = memory < 5M\n",
	  "r.ini:3: expect: expected status, header, body, json, sha256 or a metric, not 'memory'\n" },
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
	{ "[check c]\nhttp = http://h/\nmethod = TRACE\n",
	  "r.ini:3: method: expected GET, HEAD, POST, PUT or OPTIONS, not 'TRACE'\n" },
	{ "[route r]\nbackend = x\n",
	  "r.ini:1: [route r]: a driver is missing (switch, link, haproxy, varnish, apache, "
	  "nginx, squid, run)\n" },
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
	{ "[route r]\napache = http://h:1/b ads\nbackend = x\n",
	  "r.ini:2: apache: 'h' is a name; an address is needed\n" },
	{ "[route r]\napache = 127.0.0.1:1/b\nbackend = x\n",
	  "r.ini:2: apache: expected http://ADDRESS:PORT/PATH BALANCER\n" },
	{ "[route r]\nswitch = /s\nlink = /l\nbackend = x\n",
	  "r.ini:3: link: the route is driven by switch already\n" },
	{ "[route r]\nlink = /l\nbackend = x\nactive = all\n",
	  "r.ini:1: [route r]: a link has one active backend, not all\n" },
	{ "[route r]\nhaproxy = /s ads\nbackend = x/y\n",
	  "r.ini:1: [route r]: backend 'x/y' is no name of haproxy\n" },
	{ "[route r]\nswitch = /s\nbackend = x address 127.0.0.1:1\n",
	  "r.ini:1: [route r]: an address of a backend is for haproxy\n" },
	{ "[route r]\nhaproxy = /s ads\nbackend = x address h:1\n",
	  "r.ini:3: backend: 'h' is a name; an address is needed\n" },
	{ "[route r]\nsquid = /s\nbackend = x\n",
	  "r.ini:1: [route r]: backend 'x': {host} and {port} need HOST:PORT, and a line has up to "
	  "1023 bytes\n" },
	{ "[route r]\nnginx = /s\nbackend = x\nline = server y;\n",
	  "r.ini:1: [route r]: line: {backend} or {host} is missing\n" },
	{ "[route r]\nswitch = /s\nbackend = x\nreload = /bin/true\n",
	  "r.ini:1: [route r]: line, test and reload are for nginx and squid\n" },
	{ "[route r]\nswitch = /s\nbackend = x\nslow-start = 5s\nuser = u\n",
	  "r.ini:1: [route r]: user is for run, nginx and squid\n"
	  "r.ini:1: [route r]: slow-start is for haproxy\n" },
	{ "[route r]\nrun = true\nbackend = -x\n",
	  "r.ini:2: run: a command begins with '/'\n"
	  "r.ini:3: backend: '-x' is no name of a backend\n" },
	{ "[route r]\nvarnish = h:1\nbackend = x\n",
	  "r.ini:2: varnish: 'h' is a name; an address is needed\n" },
	{ "[route r]\nvarnish = 127.0.0.1:1 /s\nbackend = x\n",
	  "r.ini:2: varnish: expected HOST:PORT secret=FILE, then vcl or vcl=LABEL\n" },
	{ "[contact o]\npage = ftp://h/\n",
	  "r.ini:2: page: 'ftp://h/' is no http:// or https:// address and no driver "
	  "(json, pagerduty, alertmanager, slack or ntfy)\n" },
	{ "[monitord]\nsmtp = h:25\n[contact o]\nmail = a\n",
	  "r.ini:4: mail: 'a' is no mail "
	  "address\n" },
	{ "[monitord]\nsmtp-tls = yes\n",
	  "r.ini:2: smtp-tls: expected no, optional or starttls, not 'yes'\n" },
	{ "[monitord]\nhttp = 2812\n",
	  "r.ini:2: http: expected HOST:PORT, not '2812'\n" },
	{ "[monitord]\nuid-base = 5\n",
	  "r.ini:2: uid-base: '5' is no whole number from 1000 to 2000000000\n" },
	{ "[monitord]\non-stop = kill\n",
	  "r.ini:2: on-stop: expected leave or stop, not 'kill'\n" },
	{ "[monitord]\nsmtp = h:25\n[contact o]\nmail = a@b\nseverity = low\n",
	  "r.ini:5: severity: expected warning or critical, not 'low'\n" },
	{ "[monitord]\nsmtp = h:25\n[contact o]\nmail = a@b\nrate = 5 per 10m\n",
	  "r.ini:5: rate: expected N in T, as 5 in 10m, up to 7d, not '5 per 10m'\n" },
	{ "[monitord]\nsmtp = h:25\n[contact o]\nmail = a@b\nrate = 0 in 10m\n",
	  "r.ini:5: rate: expected N in T, as 5 in 10m, up to 7d, not '0 in 10m'\n" },
	{ "[monitord]\nsmtp = h:25\n[contact o]\nmail = a@b\nescalate = 15m oncall\n",
	  "r.ini:5: escalate: expected T -> CONTACT, as 15m -> oncall, not '15m oncall'\n" },
	{ "[monitord]\nsmtp = h:25\n[contact o]\nmail = a@b\nescalate = 15m -> oncall\n",
	  "r.ini:5: escalate: no contact 'oncall'\n" },
	{ "[monitord]\nsmtp = h:25\n[contact o]\nmail = a@b\nsubject = {host} {wat}\n",
	  "r.ini:5: subject: there is no variable {wat}\n" },
	{ "[monitord]\nsmtp = h:25\n[contact o]\nmail = a@b\nsubject = {host} {not a variable}\n",
	  "r.ini:3: warning: [contact o]: nobody alerts it\n" },
	{ "[contact o]\nsms = 4912345\n",
	  "r.ini:2: sms: '4912345' is no mail address\n" },
	{ "[contact o]\npage = pagerduty\n", "r.ini:1: [contact o]: page needs a key or key-file\n" },
	{ "[contact o]\npage = pagerduty\nkey = x\n",
	  "r.ini:1: warning: [contact o]: nobody alerts it\n" },
	{ "[contact o]\npage = slack https://h/{key}\n",
	  "r.ini:1: [contact o]: page needs a key or key-file\n" },
	{ "[contact o]\npage = slack https://h/{kay}\nkey = x\n",
	  "r.ini:2: page: 'https://h/{kay}' is no http:// or https:// address\n" },
	{ "[contact o]\npage = ntfy https://h/topic, alertmanager http://h:9093\n",
	  "r.ini:1: warning: [contact o]: nobody alerts it\n" },
	{ "[contact o]\ndesktop = maybe\n",
	  "r.ini:2: desktop: expected yes or no, not 'maybe'\n" },
	{ "[contact a]\nmembers = b\n[contact b]\nmembers = a\n",
	  "r.ini:1: [contact a]: members go round\nr.ini:3: [contact b]: members go round\n" },
	{ "[contact a]\nmembers = a\n",
	  "r.ini:2: members: 'a' cannot be a member of itself\n" },
	{ "[contact a]\nmembers = b\npage = http://h/\n[contact b]\ndesktop = yes\n",
	  "r.ini:1: [contact a]: members are told instead of mail, sms, page, run and desktop: name "
	  "one or the other\n" },
	{ "[monitord]\nremind = 1h, 30m\n",
	  "r.ini:2: remind: '30m' should be later than what stands before it\n" },
	{ "[monitord]\nremind = 1h, 4h, 24h\n", "" },
	{ "[monitord]\nremind = 30s\n", "r.ini:2: remind: '30s' is out of range (1m to 365d)\n" },
	{ "[monitord]\nheartbeat = http://h/\n",
	  "r.ini:2: heartbeat: expected URL every T, as https://… every 1m\n" },
	{ "[monitord]\nheartbeat = http://h/ every 1m\n", "" },
	{ CONTACT "[service a]\nrun = /x\nalert = ops after 5\n",
	  "r.ini:7: alert: '5': a unit is needed: ms, s, m, h or d\n" },
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
	{ BOTH "[rule r]\nwhen = c.down\ndo = drain a now\n",
	  "r.ini:8: do: 'now' behind the action\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = log\nmode = dry\n",
	  "r.ini:9: mode: expected act or dry-run, not 'dry'\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = log\ncooldown = 0s\n",
	  "r.ini:9: cooldown: '0s' is out of range (1.0 s to 30 d)\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = log\nescalate = 3 in 1m log\n",
	  "r.ini:9: escalate: expected N in T -> actions\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = log\nduring = Mon-Fri 08:00-18:00, Sat, 22:00-06:00\n", "" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = log\nduring = Mon-Frei 08:00-18:00\n",
	  "r.ini:9: during: 'Mon-Frei 08:00-18:00' is no time: expected DAYS HH:MM-HH:MM, as Mon-Fri 08:00-18:00\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = log\nduring = 8:00-18:00\n",
	  "r.ini:9: during: '8:00-18:00' is no time: expected DAYS HH:MM-HH:MM, as Mon-Fri 08:00-18:00\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = log\nduring = 08:00-24:01\n",
	  "r.ini:9: during: '08:00-24:01' is no time: expected DAYS HH:MM-HH:MM, as Mon-Fri 08:00-18:00\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = log\nduring = 08:00-08:00\n",
	  "r.ini:9: during: '08:00-08:00' is no time: expected DAYS HH:MM-HH:MM, as Mon-Fri 08:00-18:00\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = log\nduring = Mon 08:60-18:00\n",
	  "r.ini:9: during: 'Mon 08:60-18:00' is no time: expected DAYS HH:MM-HH:MM, as Mon-Fri 08:00-18:00\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = log\nduring = Mon 08:00-18:00 daily\n",
	  "r.ini:9: during: 'Mon 08:00-18:00 daily' is no time: expected DAYS HH:MM-HH:MM, as Mon-Fri 08:00-18:00\n" },
	{ "[monitord]\nactions-at-most = 64 in 1m\n",
	  "r.ini:2: actions-at-most: '64' is no whole number from 1 to 63\n" },
	{ "[monitord]\nactions-at-most = 6 per 1m\n",
	  "r.ini:2: actions-at-most: expected N in T, as 10 in 1m\n" },
	{ "[monitord]\nmode = dry\n", "r.ini:2: mode: expected act or dry-run, not 'dry'\n" },
	{ BOTH "[rule r]\nwhen = c.down\ndo = log\nescalate = 17 in 1m -> log\n",
	  "r.ini:9: escalate: '17' is no whole number from 1 to 16\n" },
	{ "[service a]\nmatch = x\n[check c]\nof = a\ntcp = h:1\ndo = restart\n",
	  "r.ini:6: do: 'a' has no run and no start: it cannot be restarted\n" },
	{ BOTH "[route s]\nswitch = /s\nbackend = x check c\n[rule r]\nwhen = c.down\ndo "
	       "= reroute s to y\n",
	  "r.ini:11: do: no backend 'y' in route s (did you mean 'x'?)\n" },
};

static const struct book_row conditions[] = {
	{ "c.down", "" },
	{ "c.down and", "a test is missing before ''" },
	{ "c.down c.up", "expected 'and', 'or' or the end before 'c.up'" },
	{ "(c.down", "')' is missing" },
	{ "c.down)", "expected 'and', 'or' or the end before ')'" },
	{ "down", "expected OBJECT.METRIC, not 'down'" },
	{ "zz.down", "no service, check, route or chain 'zz'" },
	{ "c.dwon", "a check has no metric 'dwon' (did you mean 'down'?)" },
	{ "a.down", "a service has no metric 'down'" },
	{ "c.memory > 5M", "a check has no metric 'memory'" },
	{ "a.memory", "'a.memory' needs a comparison: only yes/no metrics stand alone" },
	{ "a.memory >", "a value is missing behind 'a.memory >'" },
	{ "a.memory > 5", "a.memory: '5': a unit is needed: B, K, M, G or T" },
	{ "a.memory > 5s",
	  "a.memory: '5s' is no size (a unit is needed: B, K, M, G or T)" },
	{ "a.memory > 5% and a.fds > 80%", "" },
	{ "c.used > 5%", "'c.used-percent': a check of kind tcp has no such metric (filesystem has)" },
	{ "c.oldest > 5d", "'c.oldest': a check of kind tcp has no such metric (directory has)" },
	{ "c.size > 5%", "'c.size' is part of no whole: a percentage does not fit" },
	{ "a.cpu > 5", "a.cpu: '5' is no percentage: a number and % are needed" },
	{ "a.threads > 5%", "a.threads: '5%' is no number: this metric has no unit" },
	{ "c.latency > 5", "c.latency: '5': a unit is needed: ms, s, m, h or d" },
	{ "a.io-read > 5M",
	  "a.io-read: '5M' is no rate (a unit is needed: B/s, K/s, M/s or G/s)" },
	{ "c.down = 1", "c.down: a yes/no metric stands alone, without a comparison" },
	{ "a.state > up", "a.state: a text is compared by = != ~ or !~" },
	{ "a.state ~ up or c.state !~ ^d", "" },
	{ "a.state ~ upp", "'upp' fits no state; a service is stopped, starting, up, failing, stopping, "
			   "backoff, failed, held" },
	{ "a.state ~ *", "regex '*': quantifier does not follow a repeatable item (at 0)" },
	{ "a.cpu ~ 5", "'a.cpu' is no text: ~ does not fit" },
	{ "c.down for", "'for' needs a duration" },
	{ "c.down for 5", "'for' '5': a unit is needed: ms, s, m, h or d" },
	{ "c.down 3", "expected N of M" },
	{ "c.down 3 of 2", "'3 of 2' is impossible" },
	{ "c.down 3 of 65", "'3 of 65' is impossible" },
	{ "c.down 0 of 2", "'0' is no whole number from 1 to 64" },
	{ "avg(a.cpu, 5m) > 5% and forecast(a.memory, 1h) > 90% and changed(a.state, 1m)", "" },
	{ "rate(a.memory, 1m) > 1M/s or growth(a.memory, 1m) > 1M", "" },
	{ "rate(a.memory, 1m) > 1M", "rate: '1M' is no rate (a unit is needed: B/s, K/s, M/s or G/s)" },
	{ "rate(a.io-read, 1m) > 1M/s", "rate is for sizes, counts and percentages, not 'io-read'" },
	{ "rate(c.latency, 1m) > 1", "rate is for sizes, counts and percentages, not 'latency'" },
	{ "avrg(a.cpu, 5m) > 5%", "no function 'avrg' (did you mean 'avg'?)" },
	{ "avg(a.cpuu, 5m) > 5%", "a service has no metric 'cpuu' (did you mean 'cpu'?)" },
	{ "avg(a.cpu) > 5%", "expected avg(OBJECT.METRIC, DURATION)" },
	{ "avg(a.cpu, ) > 5%", "expected avg(a.cpu, DURATION)" },
	{ "avg(a.cpu, 5m", "expected avg(a.cpu, DURATION)" },
	{ "avg(a.cpu, 5m, 6m) > 5%", "expected avg(a.cpu, DURATION)" },
	{ "avg(a.cpu, 5) > 5%", "avg(a.cpu, 5): '5': a unit is needed: ms, s, m, h or d" },
	{ "avg(a.cpu, 5ms) > 5%", "avg(a.cpu, 5ms): looks back less than a second" },
	{ "avg(a.cpu, 6s) > 5%", "avg(a.cpu, 6s) is never known: it is measured every 5.0 s" },
	{ "avg(a.state, 5m) = up", "avg is for numbers, and 'state' is none" },
	{ "max(c.down, 5m)", "max is for numbers, and 'down' is none" },
	{ "avg(a.cpu, 5m)", "'avg' needs a comparison: only yes/no metrics stand alone" },
	{ "changed(a.cpu, 5m) > 5%", "changed: a yes/no metric stands alone, without a comparison" },
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

static void
of_relative_paths(void **state)
{
	char path[] = "/etc/m/r.ini",
	     text[] = "[service a]\nrun = /x\nlog = a.log 1M x 2\n"
		      "[service b]\nrun = /x\nlog = \"b 1.log\" 1M\n"
		      "evidence = log other.log 5 lines\n"
		      "[check u]\nunix = run/u.sock\n"
		      "[check f]\nfile = /f\n"
		      "[check g]\nlog = g.log\nmatch = x\n"
		      "[check h]\nhaproxy = h.sock ads\n"
		      "[route r]\nswitch = flag\nbackend = x\n"
		      "[route s]\nhaproxy = h.sock ads\nbackend = x\n"
		      "[route v]\nvarnish = 127.0.0.1:1 secret=s\nbackend = x\n";
	(void)state;
	struct source one = { .path = path, .text = text, .size = strlen(text) };
	struct sources s = { .list = &one, .count = 1 };
	struct problems p = { 0 };
	struct rules *r = rules_parse(&s, &p);
	problems_free(&p);
	assert_non_null(r);
	assert_string_equal(r->services[0].log, "/etc/m/a.log");
	assert_string_equal(r->services[1].log, "/etc/m/b 1.log");
	assert_string_equal(r->services[1].evidence[0].file, "/etc/m/other.log");
	assert_string_equal(r->checks[0].path, "/etc/m/run/u.sock");
	assert_string_equal(r->checks[1].path, "/f");
	assert_string_equal(r->checks[2].path, "/etc/m/g.log");
	assert_string_equal(r->checks[3].path, "/etc/m/h.sock");
	assert_string_equal(r->routes[0].path, "/etc/m/flag");
	assert_string_equal(r->routes[1].path, "/etc/m/h.sock");
	assert_string_equal(r->routes[2].secret, "/etc/m/s");
	rules_free(&r);
}

int
test_values(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_values),
		cmocka_unit_test(of_rules),
		cmocka_unit_test(of_conditions),
		cmocka_unit_test(of_relative_paths),
	};
	return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
