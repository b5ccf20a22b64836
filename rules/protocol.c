/* The addresses of the protocols: HOST[:PORT][/PATH], or SOCKET[:/PATH] for those that are
 * also spoken over Unix sockets; and the keys that only some of them take. */
#include "rules/protocol.h"
#include "rules/keys.h"
#include "rules/units.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <string.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)
#define SOCKET_MAX 107 /* bytes of a Unix socket's path: sockaddr_un */

#define MAIL (IS_PROTOCOL | TAKES_SOCKET | TAKES_TLS | TAKES_STARTTLS)
#define SQL (IS_PROTOCOL | TAKES_SOCKET | TAKES_STARTTLS | TAKES_LOGIN | TAKES_DATABASE | TAKES_QUERY | TAKES_TEXT)

const struct protocol protocol_table[CHECK_KINDS] = {
	[CHECK_AJP] = { 8009, IS_PROTOCOL | TAKES_PATH | TAKES_SECRET | TAKES_STATUS },
	[CHECK_JRMP] = { 1099, IS_PROTOCOL | TAKES_PATH },
	[CHECK_VARNISH] = { 6082, IS_PROTOCOL | TAKES_SECRET },
	[CHECK_HAPROXY] = { 0, IS_PROTOCOL | TAKES_SOCKET | TAKES_WORD },
	[CHECK_PGSQL] = { 5432, SQL },
	[CHECK_MYSQL] = { 3306, SQL },
	[CHECK_REDIS] = { 6379, IS_PROTOCOL | TAKES_SOCKET | TAKES_TLS | TAKES_LOGIN },
	[CHECK_MEMCACHED] = { 11211, IS_PROTOCOL | TAKES_SOCKET | TAKES_TLS },
	[CHECK_SMTP] = { 25, MAIL },
	[CHECK_LMTP] = { 24, MAIL },
	[CHECK_IMAP] = { 143, MAIL | TAKES_LOGIN },
	[CHECK_POP3] = { 110, MAIL | TAKES_LOGIN },
	[CHECK_FTP] = { 21, IS_PROTOCOL | TAKES_TLS | TAKES_STARTTLS | TAKES_LOGIN },
	[CHECK_SSH] = { 22, IS_PROTOCOL },
	[CHECK_LDAP] = { 389, MAIL | TAKES_LOGIN },
	[CHECK_MQTT] = { 1883, IS_PROTOCOL | TAKES_SOCKET | TAKES_TLS | TAKES_LOGIN },
	[CHECK_WEBSOCKET] = { 80, IS_PROTOCOL | TAKES_PATH | TAKES_TLS | TAKES_HEADER },
	[CHECK_FASTCGI] = { 9000, IS_PROTOCOL | TAKES_SOCKET | TAKES_PATH | TAKES_STATUS | TAKES_TEXT },
	[CHECK_ORACLE] = { 1521, IS_PROTOCOL | TAKES_TLS },
	[CHECK_DNS] = { 53, IS_PROTOCOL | TAKES_NAME | TAKES_TEXT },
	[CHECK_NTP] = { 123, IS_PROTOCOL },
	[CHECK_GRPC] = { 50051, IS_PROTOCOL | TAKES_SOCKET | TAKES_PATH | TAKES_TLS | TAKES_HEADER },
	[CHECK_PING] = { 0, IS_PROTOCOL | TAKES_NO_PORT },
};

bool
check_is_unix(const struct check *c)
{
	return c->kind == CHECK_UNIX ||
	       ((protocol_table[c->kind].takes & TAKES_SOCKET) != 0 && c->host == NULL);
}

static bool
has_port(const char *address)
{
	const char *behind = strrchr(address, ']');
	return strchr(behind != NULL ? behind : address, ':') != NULL;
}

/* "/run/redis.sock", "/run/php.sock:/ping" */
static void
socket_address(struct build *b, struct check *c, const char *value, bool path)
{
	const char *colon = path ? strstr(value, ":/") : NULL;
	size_t n = colon != NULL ? (size_t)(colon - value) : strlen(value);
	if (n > SOCKET_MAX || strpbrk(value, " \t") != NULL) {
		error(b, "%s: a socket's path has up to %d bytes and no blank",
		      b->entry->key, SOCKET_MAX);
		return;
	}
	c->path = build_text(b, value, n);
	if (colon != NULL)
		c->target = build_text(b, colon + 1, strlen(colon + 1));
}

static void
host_address(struct build *b, struct check *c, const char *value, const struct protocol *p)
{
	char address[LINE_MAX_BYTES + 16];
	size_t n = strcspn(value, "/");
	const char *path = value + n;
	if (*path == '/' && (p->takes & TAKES_PATH) == 0) {
		error(b, "%s: expected %s without a path, not '%.80s'", b->entry->key,
		      (p->takes & TAKES_NO_PORT) != 0 ? "HOST" : "HOST:PORT", value);
		return;
	}
	if (strpbrk(value, " \t\"#") != NULL) {
		error(b, "%s: no blank, quote or '#' may stand in '%.80s'", b->entry->key,
		      value);
		return;
	}
	struct in6_addr six;
	bool plain =
		(p->takes & TAKES_NO_PORT) != 0 && inet_pton(AF_INET6, value, &six) == 1;
	n = (size_t)text_print(address, sizeof address, plain ? "[%.*s]" : "%.*s", (int)n,
			       value);
	if ((p->takes & TAKES_NO_PORT) != 0 && has_port(address))
		error(b, "%s: a host without a port is needed", b->entry->key);
	else if (!has_port(address) && (p->port != 0 || (p->takes & TAKES_NO_PORT) != 0))
		text_print(address + n, sizeof address - n, ":%u",
			   p->port != 0 ? p->port : 1u);
	if (build_address(b, address, &c->host, &c->port) && *path == '/')
		c->target = build_text(b, path, strlen(path));
	if ((p->takes & TAKES_NO_PORT) != 0)
		c->port = 0;
}

void
protocol_address(struct build *b, struct check *c, const char *value)
{
	const struct protocol *p = &protocol_table[c->kind];
	char word[LINE_MAX_BYTES + 1], rest[256];
	const char *at = value;
	bool quoted;
	if ((p->takes & TAKES_WORD) != 0) {
		if (!lex_word(b, &at, "", word, sizeof word, &quoted))
			return;
		if (lex_word(b, &at, "", rest, sizeof rest, &quoted)) {
			c->target = build_text(b, rest, strlen(rest));
			if (!lex_end(b, at))
				return;
		}
		value = keys_path(b, build_text(b, word, strlen(word)), b->entry);
	}
	if (*value == '/' && (p->takes & TAKES_SOCKET) != 0)
		socket_address(b, c, value, (p->takes & TAKES_PATH) != 0);
	else
		host_address(b, c, value, p);
}

bool
protocol_is(enum check_kind kind)
{
	return (protocol_table[kind].takes & IS_PROTOCOL) != 0;
}

static void
prove_expects(struct build *b, const struct check *c, unsigned takes)
{
	static const struct {
		enum expect_kind kind;
		unsigned takes; /* 0: none of them has it */
		const char *word;
	} rows[] = {
		{ EXPECT_STATUS, TAKES_STATUS, "status" },
		{ EXPECT_HEADER, 0, "header" },
		{ EXPECT_BODY, TAKES_TEXT, "body" },
	};
	for (uint32_t i = 0; i < c->expect_count; i++)
		for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
			if (c->expects[i].kind == rows[k].kind &&
			    (takes & rows[k].takes) == 0)
				build_error(b, check_place(b->rules, c),
					    "[check %s]: %s has no %s to expect", c->name,
					    check_kind_name[c->kind], rows[k].word);
}

static void
prove_tls(struct build *b, const struct check *c, unsigned takes)
{
	if (c->more->tls == NULL)
		return;
	if (c->more->tls->encrypt == ENCRYPT_TLS && (takes & TAKES_TLS) == 0)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: %s is not spoken over TLS%s", c->name,
			    check_kind_name[c->kind],
			    (takes & TAKES_STARTTLS) != 0
				    ? " from its begin: encrypt = starttls"
				    : "");
	if (c->more->tls->encrypt == ENCRYPT_STARTTLS && (takes & TAKES_STARTTLS) == 0)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: %s has no starttls%s", c->name,
			    check_kind_name[c->kind],
			    (takes & TAKES_TLS) != 0 ? ": encrypt = tls" : "");
}

static void
prove_login(struct build *b, const struct check *c, unsigned takes)
{
	bool secret = c->more->files != NULL && c->more->files[FILE_SECRET] != NULL;
	bool user = c->more->http != NULL && c->more->http->auth_user != NULL;
	bool other = c->more->http != NULL &&
		     (c->more->http->body != NULL || c->more->http->bearer ||
		      c->more->http->redirects > 0);
	if (other || (user && (takes & TAKES_LOGIN) == 0))
		build_error(b, check_place(b->rules, c),
			    "[check %s]: body, bearer-file and redirects are for http%s",
			    c->name, user ? ", and auth-user is not for this" : "");
	if (secret && (takes & (TAKES_LOGIN | TAKES_SECRET)) == 0)
		build_error(b, check_place(b->rules, c), "[check %s]: %s has no %s",
			    c->name, check_kind_name[c->kind], "secret-file");
	if (secret && (takes & TAKES_LOGIN) != 0 && !user && c->kind != CHECK_REDIS)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: auth-password-file needs auth-user", c->name);
	if (c->kind == CHECK_AJP && secret && c->target == NULL)
		build_error(
			b, check_place(b->rules, c),
			"[check %s]: a CPing needs no secret: ajp = HOST:PORT/PATH proves it",
			c->name);
}

void
protocol_prove(struct build *b, const struct check *c)
{
	unsigned takes = protocol_table[c->kind].takes;
	const struct query_wish *q = c->more->query;
	if (q != NULL && ((q->database != NULL && (takes & TAKES_DATABASE) == 0) ||
			  (q->sql != NULL && (takes & TAKES_QUERY) == 0)))
		build_error(b, check_place(b->rules, c),
			    "[check %s]: database and query are for pgsql and mysql",
			    c->name);
	if (q != NULL && q->name != NULL && (takes & TAKES_NAME) == 0)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: query-name is for dns", c->name);
	if ((takes & TAKES_NAME) != 0 && (q == NULL || q->name == NULL))
		build_error(b, check_place(b->rules, c),
			    "[check %s]: query-name is missing: what is asked for?",
			    c->name);
	if (q != NULL && (q->count != 0 || q->packet_size != 0) &&
	    (takes & TAKES_NO_PORT) == 0)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: count and packet-size are for ping", c->name);
	if (c->kind == CHECK_UDP && c->more->say_count == 0)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: udp needs send: there is no connection to make",
			    c->name);
	if (q != NULL && q->server_key &&
	    (c->kind != CHECK_MYSQL || c->more->files[FILE_SECRET] == NULL))
		build_error(b, check_place(b->rules, c),
			    "[check %s]: server-key is for the password of mysql",
			    c->name);
	else if (q != NULL && q->server_key && c->more->tls != NULL)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: server-key is for a connection without TLS",
			    c->name);
	if (c->kind == CHECK_GRPC && c->more->tls != NULL && c->more->tls->alpn != NULL)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: grpc is HTTP/2 always: no tls-alpn", c->name);
	if (c->kind == CHECK_UDP && c->more->tls != NULL)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: udp is not spoken over TLS", c->name);
	if (q != NULL && q->sql != NULL &&
	    (c->more->http == NULL || c->more->http->auth_user == NULL) &&
	    (takes & TAKES_QUERY) != 0)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: a query needs auth-user", c->name);
	if (!protocol_is(c->kind))
		return;
	prove_tls(b, c, takes);
	prove_login(b, c, takes);
	prove_expects(b, c, takes);
}

struct query_wish *
build_query(struct build *b, struct check *c)
{
	struct check_more *more = build_more(b, c);
	if (more->query == NULL)
		more->query = build_get(b, sizeof *more->query);
	return more->query;
}

void
set_query(struct build *b, void *object, const struct entry *e)
{
	struct query_wish *q = build_query(b, object);
	if (strcmp(e->key, "database") == 0)
		q->database = e->value;
	else
		q->sql = e->value;
}

/* Labels of up to 63 bytes, 253 in all. */
void
set_query_name(struct build *b, void *object, const struct entry *e)
{
	size_t label = 0, n = strlen(e->value);
	bool bad = n > 253 || strpbrk(e->value, " \t\"") != NULL;
	for (size_t i = 0; i < n && !bad; i++) {
		bad = e->value[i] == '.' ? label == 0 && n > 1 : ++label > 63;
		if (e->value[i] == '.')
			label = 0;
	}
	if (bad)
		error(b, "query-name: '%.80s' is no name of the DNS", e->value);
	build_query(b, object)->name = e->value;
}

const struct dns_type dns_types[] = { { "A", 1 },      { "NS", 2 },   { "CNAME", 5 },
				      { "SOA", 6 },    { "PTR", 12 }, { "MX", 15 },
				      { "TXT", 16 },   { "AAAA", 28 }, { "SRV", 33 },
				      { "DNSKEY", 48 }, { "CAA", 257 }, { NULL, 0 } };

void
set_query_type(struct build *b, void *object, const struct entry *e)
{
	for (const struct dns_type *t = dns_types; t->name != NULL; t++)
		if (strcmp(t->name, e->value) == 0) {
			build_query(b, object)->type = t->number;
			return;
		}
	error(b, "query-type: expected A, AAAA, MX, NS, TXT, …, not '%.40s'", e->value);
}

void
set_packets(struct build *b, void *object, const struct entry *e)
{
	char why[UNITS_WHY];
	uint64_t n = 0;
	bool count = strcmp(e->key, "count") == 0;
	if (!units_count(e->value, count ? 1 : PING_LEAST,
			 count ? PING_COUNT_MOST : PING_MOST, &n, why))
		error(b, "%s: %s", e->key, why);
	if (count)
		build_query(b, object)->count = (uint32_t)n;
	else
		build_query(b, object)->packet_size = (uint32_t)n;
}
