/* Keys of [check]. */
#include "base/text.h"
#include "rules/keys.h"
#include "rules/protocol.h"
#include "rules/units.h"

#include <arpa/inet.h>
#include <assert.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)

const char *const check_kind_name[CHECK_KINDS] = {
	[CHECK_HTTP] = "http", [CHECK_HTTPS] = "https", [CHECK_TLS] = "tls", [CHECK_TCP] = "tcp",	  [CHECK_AJP] = "ajp",
	[CHECK_UNIX] = "unix", [CHECK_SCRIPT] = "script",
	[CHECK_FILE] = "file", [CHECK_DIRECTORY] = "directory", [CHECK_FIFO] = "fifo",
	[CHECK_FILESYSTEM] = "filesystem", [CHECK_SYSTEM] = "system",
	[CHECK_NETWORK] = "network", [CHECK_LISTEN] = "listen", [CHECK_LOG] = "log",
	[CHECK_JRMP] = "jrmp", [CHECK_VARNISH] = "varnish", [CHECK_HAPROXY] = "haproxy",
	[CHECK_PGSQL] = "pgsql", [CHECK_MYSQL] = "mysql", [CHECK_REDIS] = "redis",
	[CHECK_MEMCACHED] = "memcached", [CHECK_SMTP] = "smtp", [CHECK_LMTP] = "lmtp",
	[CHECK_IMAP] = "imap", [CHECK_POP3] = "pop3", [CHECK_FTP] = "ftp", [CHECK_SSH] = "ssh",
	[CHECK_LDAP] = "ldap", [CHECK_MQTT] = "mqtt", [CHECK_WEBSOCKET] = "websocket",
	[CHECK_FASTCGI] = "fastcgi", [CHECK_ORACLE] = "oracle",
	[CHECK_APACHE] = "apache-status", [CHECK_TOMCAT] = "tomcat", [CHECK_DNS] = "dns",
	[CHECK_NTP] = "ntp", [CHECK_UDP] = "udp", [CHECK_PING] = "ping",
	[CHECK_GRPC] = "grpc",
};

const struct check_more check_nothing;

size_t
check_host(const struct check *c, char *out, size_t cap)
{
	bool six = c->host != NULL && strchr(c->host, ':') != NULL;
	if (c->more->host_header != NULL)
		return text_print(out, cap, "%s", c->more->host_header);
	struct text t; /* each request asks for it: text_print() would cost more */
	char port[8], *p = port + sizeof port - 1;
	*p = '\0';
	for (unsigned n = c->port; n > 0; n /= 10)
		*--p = (char)('0' + n % 10);
	text_begin(&t, out, cap);
	text_put(&t, six ? "[" : "");
	text_put(&t, c->host);
	text_put(&t, six ? "]" : "");
	if (c->port != (c->https ? 443 : 80)) {
		text_put(&t, ":");
		text_put(&t, p);
	}
	return t.length;
}

struct check_more *
build_more(struct build *b, struct check *c)
{
	if (c->more == &check_nothing)
		c->more = build_get(b, sizeof *c->more);
	return (struct check_more *)(uintptr_t)c->more;
}

bool
check_is_http(const struct check *c)
{
	return c->kind == CHECK_HTTP || c->kind == CHECK_HTTPS ||
	       c->kind == CHECK_APACHE || c->kind == CHECK_TOMCAT;
}

bool
build_regex(struct build *b, const char *regex)
{
	int code;
	size_t at;
	PCRE2_UCHAR text[160];
	pcre2_code *re = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
				       PCRE2_NEVER_BACKSLASH_C | PCRE2_MATCH_INVALID_UTF,
				       &code, &at, NULL);
	if (re != NULL) {
		pcre2_code_free(re);
		return true;
	}
	pcre2_get_error_message(code, text, sizeof text);
	error(b, "%s: regex '%.80s': %s (at %zu)", b->entry->key, regex,
	      (const char *)text, at);
	return false;
}

void
set_of(struct build *b, void *object, const struct entry *e)
{
	struct check *c = object;
	c->of = build_resolve(b, e->value, OBJECT_SERVICE);
}

static void
http_address(struct build *b, struct check *c, const struct entry *e)
{
	const char *url = e->value;
	const char *kind = check_kind_name[c->kind];
	bool any = c->kind == CHECK_APACHE || c->kind == CHECK_TOMCAT;
	c->https = c->kind == CHECK_HTTPS || (any && strncmp(url, "https:", 6) == 0);
	const char *scheme = c->https ? "https" : "http";
	if (strncmp(url, scheme, strlen(scheme)) != 0 ||
	    strncmp(url + strlen(scheme), "://", 3) != 0) {
		error(b, "%s: expected %s://HOST[:PORT]/PATH, not '%.80s'", kind, scheme,
		      url);
		return;
	}
	const char *host = url + strlen(scheme) + 3;
	size_t n = strcspn(host, "/?#");
	if (memchr(host, '@', n) != NULL || strpbrk(url, " \t\"#") != NULL) {
		error(b, "%s: no user, blank, quote or '#' may stand in the address",
		      kind);
		return;
	}
	char address[LINE_MAX_BYTES + 16], usual[300];
	text_print(address, sizeof address, "%.*s", (int)n, host);
	if (strrchr(address, ':') == NULL || (*address == '[' && address[n - 1] == ']'))
		text_print(address + n, sizeof address - n, ":%d", c->https ? 443 : 80);
	if (build_address(b, address, &c->host, &c->port)) {
		if (check_host(c, usual, sizeof usual) != n ||
		    memcmp(usual, host, n) != 0)
			build_more(b, c)->host_header = build_same(b, host, n);
	}
	const char *target = host + n;
	if (*target == '/') {
		c->target = target;
	} else {
		char with[LINE_MAX_BYTES];
		size_t m = text_print(with, sizeof with, "/%s", target);
		c->target = build_text(b, with, m);
	}
}

/* "tcp 127.0.0.1:8009", "tcp [::1]:80", "tcp *:80" */
static void
listen_address(struct build *b, struct check *c, const struct entry *e)
{
	char word[256], text[256];
	unsigned char address[sizeof(struct in6_addr)];
	bool quoted;
	const char *p = e->value;
	if (!lex_word(b, &p, "", word, sizeof word, &quoted) ||
	    strcmp(word, "tcp") != 0) {
		error(b, "listen: expected tcp ADDRESS:PORT or tcp *:PORT, not '%.80s'",
		      e->value);
		return;
	}
	lex_skip(&p);
	bool any = strncmp(p, "*:", 2) == 0;
	text_print(text, sizeof text, "%s%s", any ? "0.0.0.0" : "", any ? p + 1 : p);
	if (!build_address(b, text, &c->host, &c->port))
		return;
	if (inet_pton(AF_INET, c->host, address) != 1 &&
	    inet_pton(AF_INET6, c->host, address) != 1)
		error(b, "listen: '%s' is a name; an address of this host is needed",
		      c->host);
	if (any)
		c->host = "*";
}

static void
host_and_port(struct build *b, struct check *c, const struct entry *e)
{
	build_address(b, e->value, &c->host, &c->port);
}

static void
path(struct build *b, struct check *c, const struct entry *e)
{
	c->path = keys_path(b, e->value, e);
}

static void
socket_path(struct build *b, struct check *c, const struct entry *e)
{
	path(b, c, e);
	if (strlen(c->path) > 107)
		error(b, "unix: a path of up to 107 bytes is needed");
}

static void
script(struct build *b, struct check *c, const struct entry *e)
{
	build_more(b, c)->script = build_command(b, e->value);
}

static void
whole_system(struct build *b, struct check *c, const struct entry *e)
{
	(void)c;
	if (strcmp(e->value, "yes") != 0)
		error(b, "system: expected yes, not '%.40s'", e->value);
}

static void
link_name(struct build *b, struct check *c, const struct entry *e)
{
	if (strlen(e->value) > 15 || strpbrk(e->value, " \t/:") != NULL)
		error(b, "network: '%.40s' is no name of a link, as eth0", e->value);
	c->path = e->value;
}

/* What the value of a kind's key means, where the kind is none of protocol_table. */
static void (*const kind_value[CHECK_KINDS])(struct build *b, struct check *c,
					     const struct entry *e) = {
	[CHECK_HTTP] = http_address,
	[CHECK_HTTPS] = http_address,
	[CHECK_APACHE] = http_address,
	[CHECK_TOMCAT] = http_address,
	[CHECK_TLS] = host_and_port,
	[CHECK_TCP] = host_and_port,
	[CHECK_UDP] = host_and_port,
	[CHECK_UNIX] = socket_path,
	[CHECK_SCRIPT] = script,
	[CHECK_FILE] = path,
	[CHECK_DIRECTORY] = path,
	[CHECK_FIFO] = path,
	[CHECK_FILESYSTEM] = path,
	[CHECK_LOG] = path,
	[CHECK_SYSTEM] = whole_system,
	[CHECK_LISTEN] = listen_address,
	[CHECK_NETWORK] = link_name,
};

void
set_kind(struct build *b, void *object, const struct entry *e)
{
	struct check *c = object;
	if (c->kind != CHECK_KINDS) {
		error(b, "%s: the check is one of %s already", e->key,
		      check_kind_name[c->kind]);
		return;
	}
	for (unsigned k = 0; k < CHECK_KINDS; k++)
		if (strcmp(check_kind_name[k], e->key) == 0)
			c->kind = (uint8_t)k;
	assert(c->kind < CHECK_KINDS);
	if (protocol_is(c->kind)) {
		protocol_address(b, c, e->value);
		return;
	}
	assert(kind_value[c->kind] != NULL);
	kind_value[c->kind](b, c, e);
}

void
set_lines(struct build *b, void *object, const struct entry *e)
{
	struct check *c = object;
	if (build_regex(b, e->value))
		build_more(b, c)->match = e->value;
}

void
set_check_user(struct build *b, void *object, const struct entry *e)
{
	build_more(b, object)->user = keys_whole(b, e->value);
}

void
set_check_alert(struct build *b, void *object, const struct entry *e)
{
	build_alerts(b, e->value, &build_more(b, object)->alert);
}

/* "2", "3 of 5" or "10s"; [monitord] holds the defaults in members of its own. */
static void
rise_fall(struct build *b, const char *value, bool with_of, uint32_t *need, uint32_t *of, int64_t *ms)
{
	char word[32], why[UNITS_WHY];
	bool quoted;
	const char *p = value;
	uint64_t n, m;
	lex_word(b, &p, "", word, sizeof word, &quoted);
	if (word[strspn(word, "0123456789")] != '\0') {
		int64_t time;
		if (!units_duration(word, &time, why))
			error(b, "%s: %s", b->entry->key, why);
		else if (time == 0)
			error(b, "%s: a time of 0", b->entry->key);
		else if (lex_end(b, p))
			*ms = time;
		return;
	}
	if (!units_count(word, 1, 64, &n, why)) {
		error(b, "%s: %s", b->entry->key, why);
		return;
	}
	m = n;
	if (lex_word(b, &p, "", word, sizeof word, &quoted)) {
		if (!with_of || strcmp(word, "of") != 0 ||
		    !lex_word(b, &p, "", word, sizeof word, &quoted) ||
		    !units_count(word, 1, 64, &m, why)) {
			error(b, "%s: expected N%s or a time, not '%s'", b->entry->key,
			      with_of ? ", N of M" : "", value);
			return;
		}
		if (n > m) {
			error(b, "%s: '%s' is impossible", b->entry->key, value);
			return;
		}
		if (!lex_end(b, p))
			return;
	}
	*ms = 0;
	*need = (uint32_t)n;
	if (of != NULL)
		*of = (uint32_t)m;
}

static void
rise_fall_of(struct build *b, const char *value, bool down, struct check *c)
{
	uint32_t need = down ? c->down_need : c->up_need, of = c->down_of;
	rise_fall(b, value, down, &need, down ? &of : NULL,
		  down ? &c->down_ms : &c->up_ms);
	*(down ? &c->down_need : &c->up_need) = (uint8_t)need; /* up to 64 */
	c->down_of = (uint8_t)of;
}

void
set_down(struct build *b, void *object, const struct entry *e)
{
	struct settings *s = &b->rules->settings;
	struct check *c = object;
	if (object == s) {
		rise_fall(b, e->value, true, &s->down_need, &s->down_of, &s->down_ms);
		return;
	}
	c->down_set = true;
	rise_fall_of(b, e->value, true, c);
}

void
set_up(struct build *b, void *object, const struct entry *e)
{
	struct settings *s = &b->rules->settings;
	struct check *c = object;
	if (object == s) {
		rise_fall(b, e->value, false, &s->up_need, NULL, &s->up_ms);
		return;
	}
	c->up_set = true;
	rise_fall_of(b, e->value, false, c);
}

/* The rule that it is short for was made with the other objects; here its actions come in. */
void
set_check_do(struct build *b, void *object, const struct entry *e)
{
	struct check *c = object;
	if (c->rule == RULES_NONE)
		return; /* its making was refused and told */
	struct rule *r = &b->rules->rules[c->rule];
	*r = (struct rule){ .id = c->rule,
			    .name = c->name,
			    .timeout_ms = 30000,
			    .cooldown_ms = b->rules->settings.cooldown_ms,
			    .alert = c->more->alert };
	struct op *op = build_get(b, sizeof *op);
	if (b->out_of_memory)
		return;
	*op = (struct op){ .kind = OP_TEST,
			   .object = OBJECT_CHECK,
			   .id = c->id,
			   .metric = METRIC_DOWN,
			   .compare = COMPARE_PRESENT };
	char text[RULES_NAME_MAX + 8];
	size_t n = text_print(text, sizeof text, "%s.down", c->name);
	r->when = (struct condition){ .count = 1,
				      .ops = op,
				      .text = build_text(b, text, n) };
	build_actions(b, e->value, c->of, &r->actions, &r->action_count);
}
