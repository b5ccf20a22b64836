#include "rules/keys.h"

#include "base/text.h"
#include "rules/units.h"

#include <assert.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#define MS_DAY ((int64_t)86400000)
#define AT(type, member) offsetof(struct type, member)
#define CUSTOM(section, name, set, cost, repeats, dflt, help) \
	{ OBJECT_##section, name, KEY_CUSTOM, 0, COST_##cost, repeats, 0, 0, dflt, help, set }
#define PLAIN(section, name, type, offset, cost, dflt, help) \
	{ OBJECT_##section, name, KEY_##type, offset, COST_##cost, false, 0, 0, dflt, help, NULL }
#define TIME(section, name, offset, cost, least, most, dflt, help) \
	{ OBJECT_##section, name, KEY_DURATION, offset, COST_##cost, false, least, most, dflt, help, NULL }
#define SHORT(section, name, offset, cost, least, most, dflt, help) \
	{ OBJECT_##section, name, KEY_SHORT, offset, COST_##cost, false, least, most, dflt, help, NULL }
#define LATER(section, name, help) \
	{ OBJECT_##section, name, KEY_REFUSED, 0, COST_NOTHING, true, 0, 0, NULL, help, NULL }

const struct key key_table[] = {
	/* ---- [monitord] ---- */
	CUSTOM(MONITORD, "include", set_ignored, NOTHING, true, NULL, "further rule files, a pattern"),
	PLAIN(MONITORD, "socket", PATH, AT(settings, socket), NOTHING, "/run/monitord/status.sock", "the status socket; its folder is the run directory"),
	PLAIN(MONITORD, "state", PATH, AT(settings, state), NOTHING, "/var/lib/monitord", "folder of what outlives a boot"),
	PLAIN(MONITORD, "helpers", PATH, AT(settings, helpers), NOTHING, NULL, "folder of the helper programs of an uninstalled build"),
	PLAIN(MONITORD, "alert", ALERT, AT(settings, alert), NOTHING, NULL, "who hears of what has no alert of its own"),
	CUSTOM(MONITORD, "smtp", set_smtp, NOTHING, true, NULL, "mail servers, HOST:PORT, in order of preference"),
	CUSTOM(MONITORD, "smtp-tls", set_smtp_tls, NOTHING, false, "no", "no, optional or starttls"),
	PLAIN(MONITORD, "smtp-user", TEXT, AT(settings, smtp_user), NOTHING, NULL, "login at the mail server"),
	PLAIN(MONITORD, "smtp-password", TEXT, AT(settings, smtp_password), NOTHING, NULL, "its password; better smtp-password-file"),
	PLAIN(MONITORD, "smtp-password-file", PATH, AT(settings, smtp_password_file), NOTHING, NULL, "file that holds the password"),
	PLAIN(MONITORD, "smtp-ca", PATH, AT(settings, smtp_ca), NOTHING, NULL, "certificate authorities for the mail server"),
	PLAIN(MONITORD, "from", TEXT, AT(settings, from), NOTHING, "monitord@HOST", "sender of mails"),
	CUSTOM(MONITORD, "http", set_http, NOTHING, false, NULL, "HOST:PORT for a read-only status over TCP"),
	PLAIN(MONITORD, "http-token-file", PATH, AT(settings, http_token_file), NOTHING, NULL, "file of the token by which clients over TCP may act"),
	PLAIN(MONITORD, "admin-group", TEXT, AT(settings, admin_group), NOTHING, NULL, "group whose members may act"),
	PLAIN(MONITORD, "read-group", TEXT, AT(settings, read_group), NOTHING, NULL, "group whose members may read"),
	CUSTOM(MONITORD, "uid-base", set_uid_base, NOTHING, false, "64900", "first user number of the helpers where their users are missing"),
	CUSTOM(MONITORD, "on-stop", set_on_stop, NOTHING, false, "leave", "leave or stop: what TERM does to the services"),
	CUSTOM(MONITORD, "record", set_record, NOTHING, false, "7d 200M", "how long and how much of all measurements is kept for replay, or off"),
	CUSTOM(MONITORD, "mode", set_daemon_mode, NOTHING, false, "act", "act or dry-run: nothing is done, all is told"),
	CUSTOM(MONITORD, "actions-at-most", set_daemon_actions, NOTHING, false, NULL, "N in T: rules do no more than that"),
	CUSTOM(MONITORD, "starts-at-once", set_starts, NOTHING, false, "16", "services that may be starting at the same time"),
	TIME(MONITORD, "every", AT(settings, every_ms), MEASURE, 10, MS_DAY, "5s", "default of checks and services"),
	TIME(MONITORD, "timeout", AT(settings, timeout_ms), MEASURE, 1, 3600000, "2s", "default of checks"),
	CUSTOM(MONITORD, "down", set_down, MEASURE, false, "2", "default of checks"),
	CUSTOM(MONITORD, "up", set_up, MEASURE, false, "2", "default of checks"),
	CUSTOM(MONITORD, "remind", set_remind, NOTHING, false, NULL, "tell again of what goes on: after these times, then in steps of the last"),
	CUSTOM(MONITORD, "heartbeat", set_heartbeat, NOTHING, false, NULL, "URL every 1m: asked while all is well with monitord itself"),
	TIME(MONITORD, "cooldown", AT(settings, cooldown_ms), NOTHING, 1000, 30 * MS_DAY, "5m", "default of rules"),
	CUSTOM(MONITORD, "history", set_history, NOTHING, false, "200M", "how much history of metrics is kept, or off"),
	/* ---- [service] ---- */
	CUSTOM(SERVICE, "instances", set_ignored, NOTHING, false, NULL, "FIRST..LAST: NAME-1, NAME-2, …; %i is the number"),
	PLAIN(SERVICE, "run", COMMAND, AT(service, run), RESTART, NULL, "command line of a process that stays in the foreground"),
	PLAIN(SERVICE, "pidfile", PATH, AT(service, pidfile), SEARCH, NULL, "watch the process whose number stands in this file"),
	CUSTOM(SERVICE, "match", set_match, SEARCH, false, NULL, "watch the process whose command line fits this regex"),
	CUSTOM(SERVICE, "unit", set_unit, SEARCH, false, NULL, "watch the main process of this systemd service"),
	PLAIN(SERVICE, "start", COMMAND, AT(service, start), NOTHING, NULL, "starts what is watched"),
	CUSTOM(SERVICE, "stop", set_stop, NOTHING, false, "TERM 10s, KILL", "signals and patience; a command for what is watched"),
	CUSTOM(SERVICE, "reload", set_reload, NOTHING, false, NULL, "a signal or a command"),
	PLAIN(SERVICE, "user", TEXT, AT(service, user), RESTART, NULL, "runs as this user, with its groups"),
	PLAIN(SERVICE, "group", TEXT, AT(service, group), RESTART, NULL, "and this group"),
	PLAIN(SERVICE, "dir", PATH, AT(service, dir), RESTART, "/", "working directory"),
	CUSTOM(SERVICE, "env", set_env, RESTART, true, NULL, "NAME=VALUE, to the line's end"),
	PLAIN(SERVICE, "env-file", PATH, AT(service, env_file), RESTART, NULL, "file of NAME=VALUE lines, read at each start"),
	CUSTOM(SERVICE, "limits", set_limits, RESTART, false, NULL, "resource limits: nofile 65536, core 0"),
	CUSTOM(SERVICE, "umask", set_umask, RESTART, false, "022", "octal"),
	CUSTOM(SERVICE, "nice", set_nice, RESTART, false, "0", "-20 to 19"),
	CUSTOM(SERVICE, "ready", set_ready, NOTHING, false, NULL, "check NAME, notify or fd N (within T), after T, or exec"),
	CUSTOM(SERVICE, "restart", set_restart, NOTHING, false, "always", "always, failure or never"),
	CUSTOM(SERVICE, "on-boot", set_on_boot, NOTHING, false, "start", "start, stay or last: when monitord begins after a boot"),
	CUSTOM(SERVICE, "success", set_success, NOTHING, false, "0", "exit codes that are no failure"),
	CUSTOM(SERVICE, "backoff", set_backoff, NOTHING, false, "100ms..30s", "delay between restarts, doubling"),
	CUSTOM(SERVICE, "at-most", set_at_most, NOTHING, false, NULL, "N in T: more restarts than these and the service has failed"),
	TIME(SERVICE, "retry", AT(service, retry_ms), NOTHING, 1000, 365 * MS_DAY, NULL, "one start after so long in failed"),
	CUSTOM(SERVICE, "keep", set_service_keep, NOTHING, false, NULL, "instances that stay up while one restarts"),
	CUSTOM(SERVICE, "depends", set_depends, NOTHING, false, NULL, "services or checks that must be up before it starts"),
	CUSTOM(SERVICE, "log", set_log, RESTART, false, NULL, "FILE SIZE x COUNT: standard output and error, rotated"),
	CUSTOM(SERVICE, "memory-max", set_memory_max, RESTART, false, NULL, "cgroup limit, where cgroups allow it"),
	CUSTOM(SERVICE, "cpu-max", set_cpu_max, RESTART, false, NULL, "percent of one core, where cgroups allow it"),
	CUSTOM(SERVICE, "oom-score", set_oom_score, RESTART, false, NULL, "-1000 to 1000: who is killed first for want of memory"),
	CUSTOM(SERVICE, "drain", set_drain, NOTHING, false, NULL, "route that a planned restart takes it out of first"),
	CUSTOM(SERVICE, "groups", set_groups, NOTHING, true, NULL, "names under which commands reach several services"),
	PLAIN(SERVICE, "alert", ALERT, AT(service, alert), NOTHING, NULL, "who hears of it"),
	TIME(SERVICE, "every", AT(service, every_ms), MEASURE, 10, MS_DAY, "5s", "how often its process is measured"),
	CUSTOM(SERVICE, "evidence", set_evidence, NOTHING, true, NULL, "kept before a kill: signal QUIT, log 50 lines, sockets, threads"),
	CUSTOM(SERVICE, "during", set_service_during, NOTHING, false, NULL, "times at which people hear of it"),
	/* ---- [check] ---- */
	CUSTOM(CHECK, "of", set_of, NOTHING, false, NULL, "the service that it measures"),
	CUSTOM(CHECK, "http", set_kind, MEASURE, false, NULL, "http://HOST[:PORT]/PATH: a final 2xx answer"),
	CUSTOM(CHECK, "https", set_kind, MEASURE, false, NULL, "https://HOST[:PORT]/PATH: the same over TLS"),
	CUSTOM(CHECK, "tls", set_kind, MEASURE, false, NULL, "HOST:PORT: a TLS handshake with a certificate that holds"),
	CUSTOM(CHECK, "tcp", set_kind, MEASURE, false, NULL, "HOST:PORT: a connection, or a dialogue by send and expect"),
	CUSTOM(CHECK, "ajp", set_kind, MEASURE, false, NULL, "HOST[:PORT][/PATH]: AJP13: CPING, or a request"),
	CUSTOM(CHECK, "jrmp", set_kind, MEASURE, false, NULL, "HOST[:PORT][/NAME]: Java RMI: a call is dispatched"),
	CUSTOM(CHECK, "varnish", set_kind, MEASURE, false, NULL, "HOST[:PORT]: Varnish's CLI"),
	CUSTOM(CHECK, "haproxy", set_kind, MEASURE, false, NULL, "SOCKET [BACKEND]: HAProxy's administration socket"),
	CUSTOM(CHECK, "pgsql", set_kind, MEASURE, false, NULL, "HOST[:PORT] or SOCKET: PostgreSQL"),
	CUSTOM(CHECK, "mysql", set_kind, MEASURE, false, NULL, "HOST[:PORT] or SOCKET: MySQL and MariaDB"),
	CUSTOM(CHECK, "redis", set_kind, MEASURE, false, NULL, "HOST[:PORT] or SOCKET: Redis"),
	CUSTOM(CHECK, "memcached", set_kind, MEASURE, false, NULL, "HOST[:PORT] or SOCKET: memcached"),
	CUSTOM(CHECK, "smtp", set_kind, MEASURE, false, NULL, "HOST[:PORT]: a mail server"),
	CUSTOM(CHECK, "lmtp", set_kind, MEASURE, false, NULL, "HOST[:PORT] or SOCKET: local delivery of mail"),
	CUSTOM(CHECK, "imap", set_kind, MEASURE, false, NULL, "HOST[:PORT]: a mailbox server"),
	CUSTOM(CHECK, "pop3", set_kind, MEASURE, false, NULL, "HOST[:PORT]: a mailbox server"),
	CUSTOM(CHECK, "ftp", set_kind, MEASURE, false, NULL, "HOST[:PORT]: a file server"),
	CUSTOM(CHECK, "ssh", set_kind, MEASURE, false, NULL, "HOST[:PORT]: an SSH daemon"),
	CUSTOM(CHECK, "ldap", set_kind, MEASURE, false, NULL, "HOST[:PORT] or SOCKET: a directory"),
	CUSTOM(CHECK, "mqtt", set_kind, MEASURE, false, NULL, "HOST[:PORT]: an MQTT broker"),
	CUSTOM(CHECK, "websocket", set_kind, MEASURE, false, NULL, "HOST[:PORT][/PATH]: a WebSocket"),
	CUSTOM(CHECK, "grpc", set_kind, MEASURE, false, NULL, "HOST[:PORT][/SERVICE] or SOCKET[:/SERVICE]: a gRPC server that says SERVING"),
	CUSTOM(CHECK, "fastcgi", set_kind, MEASURE, false, NULL, "HOST[:PORT][/PATH] or SOCKET[:/PATH]: a FastCGI server"),
	CUSTOM(CHECK, "oracle", set_kind, MEASURE, false, NULL, "HOST[:PORT]: Oracle's listener"),
	CUSTOM(CHECK, "apache-status", set_kind, MEASURE, false, NULL, "URL: Apache's scoreboard, …/server-status?auto"),
	CUSTOM(CHECK, "tomcat", set_kind, MEASURE, false, NULL, "URL: Tomcat's threads, …/manager/status?XML=true"),
	CUSTOM(CHECK, "dns", set_kind, MEASURE, false, NULL, "HOST[:PORT]: a name server"),
	CUSTOM(CHECK, "ntp", set_kind, MEASURE, false, NULL, "HOST[:PORT]: a time server"),
	CUSTOM(CHECK, "udp", set_kind, MEASURE, false, NULL, "HOST:PORT: a dialogue by send and expect"),
	CUSTOM(CHECK, "ping", set_kind, MEASURE, false, NULL, "HOST: ICMP echo"),
	CUSTOM(CHECK, "query-name", set_query_name, MEASURE, false, NULL, "what dns asks for"),
	CUSTOM(CHECK, "query-type", set_query_type, MEASURE, false, "A", "of which type"),
	CUSTOM(CHECK, "count", set_packets, MEASURE, false, "3", "packets of a ping, up to 20"),
	CUSTOM(CHECK, "packet-size", set_packets, MEASURE, false, "56", "bytes in each, 16 to 1472"),
	CUSTOM(CHECK, "database", set_query, MEASURE, false, NULL, "of pgsql and mysql"),
	CUSTOM(CHECK, "query", set_query, MEASURE, false, NULL, "SQL of pgsql and mysql"),
	CUSTOM(CHECK, "secret-file", set_check_file, MEASURE, false, NULL, "FILE of a shared secret: ajp, varnish"),
	CUSTOM(CHECK, "server-key", set_check_file, MEASURE, false, NULL, "FILE of the public key of a mysql server, for a login without TLS"),
	CUSTOM(CHECK, "unix", set_kind, MEASURE, false, NULL, "PATH: a connection to a Unix stream socket"),
	CUSTOM(CHECK, "script", set_kind, MEASURE, false, NULL, "COMMAND: a monitoring plugin, exit codes 0 to 3"),
	CUSTOM(CHECK, "file", set_kind, MEASURE, false, NULL, "PATH: a regular file is there"),
	CUSTOM(CHECK, "directory", set_kind, MEASURE, false, NULL, "PATH: a directory is there"),
	CUSTOM(CHECK, "fifo", set_kind, MEASURE, false, NULL, "PATH: a named pipe is there"),
	CUSTOM(CHECK, "filesystem", set_kind, MEASURE, false, NULL, "PATH: the file system that it lies on"),
	CUSTOM(CHECK, "system", set_kind, MEASURE, false, NULL, "yes: this host"),
	CUSTOM(CHECK, "network", set_kind, MEASURE, false, NULL, "LINK: it is up"),
	CUSTOM(CHECK, "listen", set_kind, MEASURE, false, NULL, "tcp ADDRESS:PORT: somebody listens there"),
	CUSTOM(CHECK, "log", set_kind, MEASURE, false, NULL, "FILE: a line that is added and fits takes it down"),
	CUSTOM(CHECK, "match", set_lines, MEASURE, false, NULL, "REGEX: the lines of a log"),
	CUSTOM(CHECK, "during", set_check_during, NOTHING, false, NULL, "times at which people hear of it"),
	CUSTOM(CHECK, "send", set_send, MEASURE, true, NULL, "bytes of a dialogue, with \\r \\n \\xHH; expect = body ~ REGEX behind it is its answer"),
	CUSTOM(CHECK, "encrypt", set_encrypt, MEASURE, false, "no", "no, tls or starttls: how a connection is secured"),
	CUSTOM(CHECK, "tls-verify", set_tls_verify, MEASURE, false, "yes", "yes or no: the certificate must hold"),
	CUSTOM(CHECK, "tls-name", set_tls_name, MEASURE, false, NULL, "the name that is asked for and must stand in the certificate"),
	CUSTOM(CHECK, "tls-min", set_tls_min, MEASURE, false, "1.2", "the oldest version: 1.0 to 1.3"),
	CUSTOM(CHECK, "tls-alpn", set_tls_alpn, MEASURE, false, NULL, "protocols of which the peer must choose one, as h2"),
	CUSTOM(CHECK, "tls-ca", set_check_file, MEASURE, false, NULL, "FILE of certificate authorities, instead of the host's"),
	CUSTOM(CHECK, "tls-cert", set_check_file, MEASURE, false, NULL, "FILE of the certificate that is shown to the peer"),
	CUSTOM(CHECK, "tls-key", set_check_file, MEASURE, false, NULL, "FILE of its private key"),
	CUSTOM(CHECK, "header", set_header, MEASURE, true, NULL, "NAME: VALUE, sent by http"),
	CUSTOM(CHECK, "method", set_method, MEASURE, false, "GET", "GET, HEAD, POST, PUT or OPTIONS"),
	CUSTOM(CHECK, "body", set_http_body, MEASURE, false, NULL, "bytes that http sends, with \\r \\n \\xHH"),
	CUSTOM(CHECK, "body-file", set_check_file, MEASURE, false, NULL, "FILE of what http sends"),
	CUSTOM(CHECK, "auth-user", set_auth_user, MEASURE, false, NULL, "login of http, basic authentication"),
	CUSTOM(CHECK, "auth-password-file", set_check_file, MEASURE, false, NULL, "FILE of its password"),
	CUSTOM(CHECK, "bearer-file", set_check_file, MEASURE, false, NULL, "FILE of a token that http shows"),
	CUSTOM(CHECK, "redirects", set_redirects, MEASURE, false, "0", "so many redirects are followed"),
	CUSTOM(CHECK, "expect", set_expect, MEASURE, true, NULL, "what is right: status 200, header NAME ~ REGEX, body > 1K, latency < 500ms"),
	CUSTOM(CHECK, "warn", set_warn, MEASURE, true, NULL, "what is wrong, though not down: degraded"),
	CUSTOM(CHECK, "user", set_check_user, MEASURE, false, NULL, "a script runs as this user"),
	SHORT(CHECK, "every", AT(check, every_ms), NOTHING, 10, MS_DAY, "5s", "interval"),
	SHORT(CHECK, "timeout", AT(check, timeout_ms), MEASURE, 1, 3600000, "2s", "limit of the whole exchange"),
	SHORT(CHECK, "connect-timeout", AT(check, connect_timeout_ms), MEASURE, 1, 3600000, NULL, "limit of its first phase"),
	SHORT(CHECK, "fast", AT(check, fast_ms), NOTHING, 10, MS_DAY, NULL, "interval while the verdict is in doubt"),
	CUSTOM(CHECK, "down", set_down, NOTHING, false, "2", "N, N of M, or a time: so much failure takes it down"),
	CUSTOM(CHECK, "up", set_up, NOTHING, false, "2", "N or a time: so much success brings it back"),
	CUSTOM(CHECK, "do", set_check_do, NOTHING, false, NULL, "actions when it goes down"),
	CUSTOM(CHECK, "severity", set_check_severity, NOTHING, false, "critical", "warning or critical: whom its being down concerns"),
	CUSTOM(CHECK, "alert", set_check_alert, NOTHING, false, NULL, "who hears of it"),
	/* ---- [rule] ---- */
	CUSTOM(RULE, "when", set_when, NOTHING, false, NULL, "the condition"),
	CUSTOM(RULE, "clear", set_clear, NOTHING, false, NULL, "the condition that ends it"),
	CUSTOM(RULE, "do", set_do, NOTHING, false, NULL, "actions, in order"),
	CUSTOM(RULE, "escalate", set_escalate, NOTHING, false, NULL, "N in T -> actions: instead of do"),
	CUSTOM(RULE, "mode", set_mode, NOTHING, false, "act", "act or dry-run"),
	TIME(RULE, "cooldown", AT(rule, cooldown_ms), NOTHING, 1000, 30 * MS_DAY, "5m", "acts again after this while it holds"),
	CUSTOM(RULE, "remind", set_rule_remind, NOTHING, false, NULL, "people are told again after these times, then in steps of the last"),
	CUSTOM(RULE, "severity", set_rule_severity, NOTHING, false, "critical", "warning or critical: whom it concerns"),
	TIME(RULE, "timeout", AT(rule, timeout_ms), NOTHING, 1, 86400000, "30s", "limit of run"),
	PLAIN(RULE, "user", TEXT, AT(rule, user), NOTHING, NULL, "run runs as this user"),
	PLAIN(RULE, "alert", ALERT, AT(rule, alert), NOTHING, NULL, "who hears of it"),
	CUSTOM(RULE, "during", set_rule_during, NOTHING, false, NULL, "times at which it acts: Mon-Fri 08:00-18:00"),
	/* ---- [route] ---- */
	CUSTOM(ROUTE, "switch", set_driver, MEASURE, false, NULL, "FILE: holds the active backends' names"),
	CUSTOM(ROUTE, "haproxy", set_driver, MEASURE, false, NULL, "SOCKET BACKEND"),
	CUSTOM(ROUTE, "varnish", set_driver, MEASURE, false, NULL, "HOST:PORT secret=FILE [vcl | vcl=LABEL]"),
	CUSTOM(ROUTE, "apache", set_driver, MEASURE, false, NULL, "http://ADDRESS:PORT/PATH BALANCER: its balancer-manager"),
	CUSTOM(ROUTE, "nginx", set_driver, MEASURE, false, NULL, "FILE: an include of its upstream's servers"),
	CUSTOM(ROUTE, "squid", set_driver, MEASURE, false, NULL, "FILE: an include of its cache_peer lines"),
	CUSTOM(ROUTE, "run", set_driver, MEASURE, false, NULL, "COMMAND: `set NAME ...` and `get`"),
	CUSTOM(ROUTE, "link", set_driver, MEASURE, false, NULL, "PATH: a symlink to the active backend"),
	PLAIN(ROUTE, "line", TEXT, AT(route, line), MEASURE, NULL, "a backend's line in the include; {backend} {host} {port}"),
	PLAIN(ROUTE, "test", COMMAND, AT(route, test), NOTHING, NULL, "the front's own test of its configuration"),
	PLAIN(ROUTE, "reload", COMMAND, AT(route, reload), NOTHING, NULL, "makes the front read its configuration"),
	PLAIN(ROUTE, "user", TEXT, AT(route, user), NOTHING, NULL, "run, test and reload run as this user"),
	TIME(ROUTE, "slow-start", AT(route, slow_ms), NOTHING, 1000, 3600000, NULL, "haproxy: a backend that comes in gets its weight over this time"),
	TIME(ROUTE, "drain-limit", AT(route, drain_ms), NOTHING, 100, 3600000, "5s", "how long a planned restart waits for requests in flight"),
	CUSTOM(ROUTE, "during", set_route_during, NOTHING, false, NULL, "times at which people hear of it"),
	CUSTOM(ROUTE, "backend", set_backend, MEASURE, true, NULL, "NAME [check CHECK] [address HOST:PORT], in order of preference"),
	CUSTOM(ROUTE, "active", set_active, NOTHING, false, "1", "1: the first healthy one; all: all healthy ones"),
	CUSTOM(ROUTE, "keep", set_keep, NOTHING, false, "1", "never fewer than these"),
	CUSTOM(ROUTE, "verify", set_verify, NOTHING, false, NULL, "CHECK within T: proves a switch"),
	CUSTOM(ROUTE, "return", set_return, NOTHING, false, "after 60s", "after T, or manual"),
	CUSTOM(ROUTE, "flap", set_flap, NOTHING, false, NULL, "N in T: then stay, and page"),
	PLAIN(ROUTE, "alert", ALERT, AT(route, alert), NOTHING, NULL, "who hears of it"),
	/* ---- [chain] ---- */
	CUSTOM(CHAIN, "path", set_path, NOTHING, true, NULL, "A -> B -> C: each needs the next"),
	CUSTOM(CHAIN, "check", set_chain_check, NOTHING, false, NULL, "sees all of it, from end to end"),
	CUSTOM(CHAIN, "actions-at-most", set_chain_actions, NOTHING, false, NULL, "N in T: rules do no more than that to its members"),
	PLAIN(CHAIN, "alert", ALERT, AT(chain, alert), NOTHING, NULL, "who hears of its members"),
	/* ---- [contact] ---- */
	CUSTOM(CONTACT, "mail", set_mail, NOTHING, true, NULL, "addresses"),
	CUSTOM(CONTACT, "sms", set_sms, NOTHING, true, NULL, "addresses of a gateway: a mail of at most 160 characters"),
	CUSTOM(CONTACT, "page", set_page, NOTHING, true, NULL, "[DRIVER] URL that gets the incident by POST: pagerduty, alertmanager, slack, ntfy"),
	PLAIN(CONTACT, "run", COMMAND, AT(contact, run), NOTHING, NULL, "command that gets the incident as JSON on standard input"),
	CUSTOM(CONTACT, "desktop", set_desktop, NOTHING, false, "no", "yes: monitord-desktop tells of it"),
	CUSTOM(CONTACT, "members", set_members, NOTHING, false, NULL, "other contacts that are told instead"),
	CUSTOM(CONTACT, "severity", set_severity, NOTHING, false, "warning", "hears of this and of worse"),
	CUSTOM(CONTACT, "rate", set_rate, NOTHING, false, "10 in 10m", "mails; what is more becomes one digest"),
	CUSTOM(CONTACT, "escalate", set_contact_escalate, NOTHING, false, NULL, "15m -> CONTACT: who hears then, if it is neither over nor acknowledged"),
	CUSTOM(CONTACT, "subject", set_subject, NOTHING, false, NULL, "template of the subject"),
	CUSTOM(CONTACT, "body", set_body, NOTHING, false, NULL, "template of the text, or of the JSON of a page"),
	PLAIN(CONTACT, "body-file", PATH, AT(contact, body_file), NOTHING, NULL, "file that holds it"),
	PLAIN(CONTACT, "key", TEXT, AT(contact, key), NOTHING, NULL, "secret of its pages; better key-file"),
	PLAIN(CONTACT, "key-file", PATH, AT(contact, key_file), NOTHING, NULL, "file that holds it"),
	CUSTOM(CONTACT, "during", set_contact_during, NOTHING, false, NULL, "times at which it gets mail; else that waits"),
};
const size_t key_count = sizeof key_table / sizeof *key_table;

const struct key *
keys_find(enum object_kind section, const char *name, size_t length)
{
	for (size_t i = 0; i < key_count; i++)
		if (key_table[i].section == section &&
		    strlen(key_table[i].name) == length &&
		    memcmp(key_table[i].name, name, length) == 0)
			return &key_table[i];
	return NULL;
}

/* " (did you mean 'timeout'?)" or "". */
static const char *
hint_of(enum object_kind section, const char *name, char *out, size_t cap)
{
	struct text_nearest nearest = { .word = name,
					.distance = strlen(name) < 4 ? 2 : 4 };
	for (size_t i = 0; i < key_count; i++)
		if (key_table[i].section == section)
			text_nearer(&nearest, key_table[i].name);
	return text_hint(&nearest, out, cap);
}

/* False: told. */
static bool
duration(struct build *b, const struct key *k, int64_t *out, const struct entry *e)
{
	char why[UNITS_WHY];
	int64_t ms;
	if (!units_duration(e->value, &ms, why)) {
		build_error(b, e->place, "%s: %s", e->key, why);
		return false;
	}
	if (ms < k->least || ms > k->most) {
		char a[32], z[32];
		build_error(b, e->place, "%s: '%s' is out of range (%s to %s)", e->key,
			    e->value, text_duration(k->least, a, sizeof a),
			    text_duration(k->most, z, sizeof z));
		return false;
	}
	*out = ms;
	return true;
}

static void
set_short(struct build *b, const struct key *k, int32_t *out, const struct entry *e)
{
	int64_t ms;
	assert(k->most <= INT32_MAX);
	if (duration(b, k, &ms, e))
		*out = (int32_t)ms;
}

const char *
keys_whole(struct build *b, const char *value)
{
	char out[LINE_MAX_BYTES + 1];
	bool quoted;
	const char *p = value;
	if (*value == '"' && lex_word(b, &p, "", out, sizeof out, &quoted) && *p == '\0')
		return build_text(b, out, strlen(out));
	return value;
}

const char *
keys_path(struct build *b, const char *value, const struct entry *e)
{
	char out[PATH_MAX];
	const char *slash = strrchr(e->place.file, '/');
	value = keys_whole(b, value);
	if (*value == '/' || slash == NULL)
		return value;
	size_t n = text_print(out, sizeof out, "%.*s/%s", (int)(slash - e->place.file),
			      e->place.file, value);
	return build_text(b, out, n);
}

void
keys_apply(struct build *b, enum object_kind section, void *object, const struct entry *e)
{
	const struct key *k = keys_find(section, e->key, strlen(e->key));
	char hint[96];
	b->entry = e;
	if (k == NULL) {
		build_error(b, e->place, "[%s] has no key '%s'%s",
			    object_kind_name[section], e->key,
			    hint_of(section, e->key, hint, sizeof hint));
		return;
	}
	if (k->type == KEY_REFUSED) {
		build_error(b, e->place, "%s: not supported yet", e->key);
		return;
	}
	if (*e->value == '\0') {
		build_error(b, e->place, "%s: a value is missing", e->key);
		return;
	}
	char *at = (char *)object + k->offset;
	switch (k->type) {
	case KEY_CUSTOM:
		k->set(b, object, e);
		break;
	case KEY_TEXT:
		*(const char **)(void *)at = keys_whole(b, e->value);
		break;
	case KEY_PATH:
		*(const char **)(void *)at = keys_path(b, e->value, e);
		break;
	case KEY_DURATION:
		duration(b, k, (int64_t *)(void *)at, e);
		break;
	case KEY_SHORT:
		set_short(b, k, (int32_t *)(void *)at, e);
		break;
	case KEY_COMMAND:
		*(struct command *)(void *)at = build_command(b, e->value);
		break;
	case KEY_ALERT:
		build_alerts(b, e->value, (struct alerts_to *)(void *)at);
		break;
	case KEY_REFUSED:
		break;
	}
}
