/* Tests of ports and sockets: a check of its own each, of the process if it is one's. */
#include "status/import_state.h"

#include "base/text.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SAYS 16

struct port {
	char host[256], path[256], request[512], content[300], host_header[256],
		protocol[24];
	unsigned number;
	bool udp, tls, unix_socket, ping, head, not_content;
	char status[48];
	double timeout_s, days;
	const char *say[SAYS]; /* send and expect, in turn */
	bool sends[SAYS];
	unsigned says;
};

/* Monit's name of a protocol, ours (NULL: a plain connection), its port, and what a plain
 * connection is greeted with where there is no kind for it. */
static const struct protocol_row {
	const char *monit, *kind;
	unsigned port;
	const char *greeting;
} protocols[] = {
	{ "http", "http", 80, NULL },      { "https", "https", 443, NULL },
	{ "smtp", "smtp", 25, NULL },      { "smtps", NULL, 465, NULL },
	{ "lmtp", "lmtp", 24, NULL },      { "imap", "imap", 143, NULL },
	{ "imaps", NULL, 993, NULL },      { "pop", NULL, 110, "^\\+OK" },
	{ "pops", NULL, 995, NULL },       { "ftp", "ftp", 21, NULL },
	{ "ssh", "ssh", 22, NULL },        { "ldap2", "ldap", 389, NULL },
	{ "ldap3", "ldap", 389, NULL },    { "mysql", "mysql", 3306, NULL },
	{ "mysqls", "mysql", 3306, NULL }, { "pgsql", "pgsql", 5432, NULL },
	{ "redis", "redis", 6379, NULL },  { "memcache", "memcached", 11211, NULL },
	{ "mqtt", "mqtt", 1883, NULL },    { "websocket", "websocket", 80, NULL },
	{ "fcgi", "fastcgi", 9000, NULL }, { "ajp", "ajp", 8009, NULL },
	{ "nntp", NULL, 119, "^20[01]" },  { "sieve", NULL, 4190, NULL },
	{ "clamav", NULL, 3310, NULL },    { "default", NULL, 0, NULL },
};

static const struct protocol_row *
protocol_of(const char *name)
{
	for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
		if (strcasecmp(name, protocols[i].monit) == 0)
			return &protocols[i];
	return NULL;
}

/* "http://host:port/path" of `url`. */
static bool
take_url(const char *url, struct port *p)
{
	const char *at = strstr(url, "://");
	if (at == NULL)
		return false;
	text_print(p->protocol, sizeof p->protocol, "%.*s", (int)(at - url), url);
	const struct protocol_row *row = protocol_of(p->protocol);
	at += 3;
	size_t n = strcspn(at, "/:");
	text_print(p->host, sizeof p->host, "%.*s", (int)n, at);
	p->number = row != NULL ? row->port : 0;
	if (at[n] == ':')
		p->number = (unsigned)strtoul(at + n + 1, NULL, 10);
	at += strcspn(at, "/");
	text_print(p->request, sizeof p->request, "%s", *at == '/' ? at : "/");
	return row != NULL;
}

static double
seconds(const struct token *const *c, size_t i, size_t count)
{
	double n = strtod(c[i]->text, NULL);
	if (i + 1 < count &&
	    (token_is(c[i + 1], "minutes") || token_is(c[i + 1], "minute")))
		n *= 60;
	if (i + 1 < count &&
	    (token_is(c[i + 1], "milliseconds") || token_is(c[i + 1], "ms")))
		n /= 1000;
	return n;
}

/* What a word of a test means is kept in p; it takes so many tokens with it, 0: unknown. */
typedef size_t take_word(const struct token *const *c, size_t i, size_t count, struct port *p);

static size_t
take_number(const struct token *const *c, size_t i, size_t count, struct port *p)
{
	p->number = i + 1 < count ? (unsigned)strtoul(c[i + 1]->text, NULL, 10) : 0;
	return 2;
}

static size_t
take_address(const struct token *const *c, size_t i, size_t count, struct port *p)
{
	return i + 1 < count && take_url(c[i + 1]->text, p) ? 2 : 0;
}

static size_t
take_socket(const struct token *const *c, size_t i, size_t count, struct port *p)
{
	p->unix_socket = true;
	text_print(p->path, sizeof p->path, "%s", i + 1 < count ? c[i + 1]->text : "");
	return 2;
}

static size_t
take_type(const struct token *const *c, size_t i, size_t count, struct port *p)
{
	if (p->ping)
		return 2;
	p->udp = i + 1 < count && strcasecmp(c[i + 1]->text, "udp") == 0;
	p->tls = p->tls || (i + 1 < count && strcasecmp(c[i + 1]->text, "tcpssl") == 0);
	return 2;
}

static size_t
take_method(const struct token *const *c, size_t i, size_t count, struct port *p)
{
	p->head = i + 1 < count && strcasecmp(c[i + 1]->text, "head") == 0;
	return 2;
}

static size_t
take_timeout(const struct token *const *c, size_t i, size_t count, struct port *p)
{
	if (i + 1 == count)
		return 0;
	p->timeout_s = seconds(c, i + 1, count);
	return 2;
}

/* "status 200", "status = 200", "status < 400" */
static size_t
take_status(const struct token *const *c, size_t i, size_t count, struct port *p)
{
	bool sign = i + 2 < count && c[i + 1]->kind == TOKEN_SIGN;
	size_t at = i + (sign ? 2 : 1);
	const char *op = sign ? c[i + 1]->text : "=";
	const char *value = at < count ? c[at]->text : "";
	bool equal = strcmp(op, "=") == 0 || strcmp(op, "==") == 0;
	text_print(p->status, sizeof p->status, "status %s%s%s", equal ? "" : op,
		   equal ? "" : " ", value);
	return sign ? 3 : 2;
}

static size_t
take_content(const struct token *const *c, size_t i, size_t count, struct port *p)
{
	if (i + 2 >= count)
		return 0;
	p->not_content = token_is(c[i + 1], "!=");
	text_print(p->content, sizeof p->content, "%s", c[i + 2]->text);
	return 3;
}

static size_t
take_say(const struct token *const *c, size_t i, size_t count, struct port *p)
{
	if (p->says == SAYS)
		return 0;
	p->sends[p->says] = token_is(c[i], "send");
	p->say[p->says++] = i + 1 < count ? c[i + 1]->text : "";
	return 2;
}

/* "certificate valid > 30 days" */
static size_t
take_certificate(const struct token *const *c, size_t i, size_t count, struct port *p)
{
	for (size_t k = i; k < count; k++)
		if (c[k]->text[0] >= '0' && c[k]->text[0] <= '9') {
			p->days = strtod(c[k]->text, NULL);
			return k - i + 1;
		}
	return 1;
}

static size_t
take_tls(const struct token *const *c, size_t i, size_t count, struct port *p)
{
	(void)c, (void)i, (void)count;
	p->tls = true;
	return 1;
}

static size_t
take_ping(const struct token *const *c, size_t i, size_t count, struct port *p)
{
	(void)c, (void)i, (void)count;
	p->ping = true;
	return 1;
}

/* Options of TLS: ours verifies. */
static size_t
take_options(const struct token *const *c, size_t i, size_t count, struct port *p)
{
	size_t k = i;
	(void)p;
	while (k < count && !token_is(c[k], "}"))
		k++;
	return k - i + 1;
}

static const struct word_row {
	const char *word;
	take_word *take; /* NULL: the next word is the text at `text` */
	size_t text, size;
} words[] = {
#define TEXT(field) NULL, offsetof(struct port, field), sizeof((struct port *)NULL)->field
	{ "host", TEXT(host) },
	{ "hostname", TEXT(host) },
	{ "protocol", TEXT(protocol) },
	{ "proto", TEXT(protocol) },
	{ "request", TEXT(request) },
	{ "hostheader", TEXT(host_header) },
	{ "port", take_number, 0, 0 },
	{ "url", take_address, 0, 0 },
	{ "unixsocket", take_socket, 0, 0 },
	{ "unix", take_socket, 0, 0 },
	{ "type", take_type, 0, 0 },
	{ "method", take_method, 0, 0 },
	{ "timeout", take_timeout, 0, 0 },
	{ "status", take_status, 0, 0 },
	{ "content", take_content, 0, 0 },
	{ "send", take_say, 0, 0 },
	{ "expect", take_say, 0, 0 },
	{ "certificate", take_certificate, 0, 0 },
	{ "ssl", take_tls, 0, 0 },
	{ "tls", take_tls, 0, 0 },
	{ "ping", take_ping, 0, 0 },
	{ "ping4", take_ping, 0, 0 },
	{ "icmp", take_ping, 0, 0 },
	{ "{", take_options, 0, 0 },
#undef TEXT
};

/* Words that change nothing here. */
static const char *const noise[] = {
	"failed", "and",      "with",   "using",  "use",          "the",
	"is",     "has",      "for",    "on",     "within",       "options",
	"valid",  "seconds",  "second", "minutes", "ipv4",        "ipv6",
	"days",   "day",      ">",      "=",      "==",           "~",
	"echo",   "http",     "in",     "cycles", "milliseconds", "ms",
	"response", "time",
};

/* One word with what belongs to it. Returns how many tokens it took; 0: unknown. */
static size_t
take(const struct token *const *c, size_t i, size_t count, struct port *p)
{
	bool plain = c[i]->kind == TOKEN_WORD || c[i]->kind == TOKEN_SIGN;
	for (size_t n = 0; plain && n < sizeof words / sizeof *words; n++) {
		const struct word_row *w = &words[n];
		if (!token_is(c[i], w->word))
			continue;
		size_t took = 2;
		if (w->take != NULL)
			took = w->take(c, i, count, p);
		else
			text_print((char *)p + w->text, w->size, "%s",
				   i + 1 < count ? c[i + 1]->text : "");
		if (took > 0)
			return took;
	}
	if (plain && p->ping)
		return token_is(c[i], "count") || token_is(c[i], "size") ? 2 : 1;
	for (size_t n = 0; n < sizeof noise / sizeof *noise; n++)
		if (token_is(c[i], noise[n]))
			return 1;
	return 0;
}

static void
write_quoted(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text != '\0'; text++)
		fprintf(out, "%s%c", *text == '"' ? "\\" : "", *text);
	fputc('"', out);
}

static void
write_target(FILE *out, const struct port *p, const struct protocol_row *row)
{
	const char *kind = row != NULL ? row->kind : NULL,
		   *request = p->request[0] == '/' ? p->request : "/";
	bool http =
		kind != NULL && (strcmp(kind, "http") == 0 || strcmp(kind, "https") == 0);
	if (http && (p->tls || strcmp(kind, "https") == 0))
		fprintf(out, "https = https://%s:%u%s\n", p->host, p->number, request);
	else if (http)
		fprintf(out, "http = http://%s:%u%s\n", p->host, p->number, request);
	else if (p->unix_socket)
		fprintf(out, "%s = %s\n",
			kind != NULL && strcmp(kind, "ajp") != 0 ? kind : "unix",
			p->path);
	else if (kind != NULL && strcmp(kind, "websocket") == 0)
		fprintf(out, "websocket = %s:%u%s\n", p->host, p->number, request);
	else if (kind != NULL && !p->tls)
		fprintf(out, "%s = %s:%u\n", kind, p->host, p->number);
	else
		fprintf(out, "%s = %s:%u\n",
			p->tls || (row != NULL &&
				   strchr("is", row->monit[strlen(row->monit) - 1]) !=
					   NULL &&
				   row->kind == NULL && row->greeting == NULL &&
				   row->port > 400 && row->port < 1000)
				? "tls"
				: "tcp",
			p->host, p->number);
}

static void
write_expectations(FILE *out, const struct port *p, const struct protocol_row *row)
{
	bool http =
		row != NULL && row->kind != NULL && strncmp(row->kind, "http", 4) == 0;
	if (http && p->host_header[0] != '\0')
		fprintf(out, "header = Host: %s\n", p->host_header);
	if (http && p->head)
		fputs("method = HEAD\n", out);
	if (http && p->status[0] != '\0')
		fprintf(out, "expect = %s\n", p->status);
	if (http && p->content[0] != '\0') {
		fprintf(out, "expect = body %s ", p->not_content ? "!~" : "~");
		write_quoted(out, p->content);
		fputc('\n', out);
	}
	if (p->days > 0)
		fprintf(out, "warn = days-left < %.0f\n", p->days);
	if (row != NULL && row->kind == NULL && row->greeting != NULL && !p->tls &&
	    p->says == 0)
		fprintf(out, "expect = body ~ %s\n", row->greeting);
	for (unsigned i = 0; i < p->says; i++) {
		fputs(p->sends[i] ? "send = " : "expect = body ~ ", out);
		write_quoted(out, p->say[i]);
		fputc('\n', out);
	}
}

static void
write_head(struct import *m, const struct port *p, const char *name)
{
	FILE *out = m->section->more;
	fprintf(out, "\n[check %s]\n", name);
	if (import_is_process(m))
		fprintf(out, "of = %s\n", m->section->name);
	if (p->timeout_s > 0)
		fprintf(out, "timeout = %.10gs\n", p->timeout_s);
}

void
import_port(struct import *m, const struct token *const *c, size_t count,
	    const struct outcome_text *o, size_t begin)
{
	struct port p = { 0 };
	char wanted[160], name[IMPORT_NAME], suffix[80];
	FILE *out = m->section->more;
	for (size_t i = 0; i < count;) {
		size_t used = take(c, i, count, &p);
		if (used == 0) {
			char why[200];
			text_print(why, sizeof why, "'%s' in a test of a port",
				   c[i]->text);
			import_lose(m, begin, why);
			return;
		}
		i += used;
	}
	if (p.udp) {
		import_lose(m, begin, "a test over UDP");
		return;
	}
	if (p.host[0] == '\0')
		text_print(p.host, sizeof p.host, "%s",
			   m->section->host[0] != '\0' ? m->section->host : "127.0.0.1");
	const struct protocol_row *row =
		p.protocol[0] != '\0' ? protocol_of(p.protocol) : NULL;
	if (p.protocol[0] != '\0' && row == NULL)
		import_lose(m, begin, "this protocol: only the connection is checked");
	if (p.number == 0 && row != NULL)
		p.number = row->port;
	if (!p.ping && !p.unix_socket && p.number == 0) {
		import_lose(m, begin, "a test without a port");
		return;
	}
	text_print(suffix, sizeof suffix, "%u", p.number);
	text_print(wanted, sizeof wanted, "%s-%s", m->section->name,
		   p.ping          ? "ping"
		   : p.unix_socket ? "socket"
				   : suffix);
	import_name(m, wanted, name);
	write_head(m, &p, name);
	if (p.ping)
		fprintf(out, "ping = %s\n", p.host);
	else
		write_target(out, &p, row);
	write_expectations(out, &p, row);
	if (o->window[0] != '\0')
		fprintf(out, "%s\n", o->window);
	if (o->action[0] != '\0' && import_can(m, o->action, begin))
		fprintf(out, "do = %s\n", o->action);
}
