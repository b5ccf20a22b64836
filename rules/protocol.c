/* The addresses of the protocols: HOST[:PORT][/PATH], or SOCKET[:/PATH] for those that are
 * also spoken over Unix sockets; and the keys that only some of them take. */
#include "rules/protocol.h"

#include "base/text.h"

#include <string.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)
#define SOCKET_MAX 107 /* bytes of a Unix socket's path: sockaddr_un */

const struct protocol protocol_table[CHECK_KINDS] = {
	[CHECK_AJP] = { 8009, TAKES_PATH | TAKES_SECRET | TAKES_STATUS },
	[CHECK_JRMP] = { 1099, TAKES_PATH },
	[CHECK_VARNISH] = { 6082, TAKES_SECRET },
	[CHECK_HAPROXY] = { 0, TAKES_SOCKET | TAKES_WORD },
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
		error(b, "%s: a socket's path has up to %d bytes and no blank", b->entry->key, SOCKET_MAX);
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
	if (value[n] == '/' && (p->takes & TAKES_PATH) == 0) {
		error(b, "%s: expected %s without a path, not '%.80s'", b->entry->key,
		      (p->takes & TAKES_NO_PORT) != 0 ? "HOST" : "HOST:PORT", value);
		return;
	}
	if (strpbrk(value, " \t\"#") != NULL) {
		error(b, "%s: no blank, quote or '#' may stand in '%.80s'", b->entry->key, value);
		return;
	}
	text_print(address, sizeof address, "%.*s", (int)n, value);
	if ((p->takes & TAKES_NO_PORT) != 0 && has_port(address))
		error(b, "%s: a host without a port is needed", b->entry->key);
	else if (!has_port(address) && (p->port != 0 || (p->takes & TAKES_NO_PORT) != 0))
		text_print(address + n, sizeof address - n, ":%u", p->port != 0 ? p->port : 1u);
	if (build_address(b, address, &c->host, &c->port) && value[n] == '/')
		c->target = build_text(b, value + n, strlen(value + n));
}

void
protocol_address(struct build *b, struct check *c, const char *value)
{
	const struct protocol *p = &protocol_table[c->kind];
	char word[LINE_MAX_BYTES + 1], rest[256];
	const char *at = value;
	bool quoted;
	if ((p->takes & TAKES_URL) != 0) {
		http_address(b, c, value);
		return;
	}
	if ((p->takes & TAKES_WORD) != 0) {
		if (!lex_word(b, &at, "", word, sizeof word, &quoted))
			return;
		if (lex_word(b, &at, "", rest, sizeof rest, &quoted)) {
			c->target = build_text(b, rest, strlen(rest));
			if (!lex_end(b, at))
				return;
		}
		value = build_text(b, word, strlen(word));
	}
	if (*value == '/' && (p->takes & TAKES_SOCKET) != 0)
		socket_address(b, c, value, (p->takes & TAKES_PATH) != 0);
	else
		host_address(b, c, value, p);
}

bool
protocol_is(enum check_kind kind)
{
	return protocol_table[kind].takes != 0;
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
			if (c->expects[i].kind == rows[k].kind && (takes & rows[k].takes) == 0)
				build_error(b, c->place, "[check %s]: %s has no %s to expect", c->name,
					    check_kind_name[c->kind], rows[k].word);
}

void
protocol_prove(struct build *b, const struct check *c)
{
	const char *const secret = c->files != NULL ? c->files[FILE_SECRET] : NULL;
	unsigned takes = protocol_table[c->kind].takes;
	if (secret != NULL && (takes & TAKES_SECRET) == 0 && !check_is_http(c))
		build_error(b, c->place, "[check %s]: %s has no secret-file", c->name,
			    check_kind_name[c->kind]);
	if (c->kind == CHECK_AJP && secret != NULL && c->target == NULL)
		build_error(b, c->place, "[check %s]: a CPing needs no secret: ajp = HOST:PORT/PATH proves it",
			    c->name);
	if (takes != 0)
		prove_expects(b, c, takes);
}
