/* `send` of [check]: what a dialogue says. */
#include "base/text.h"
#include "rules/keys.h"

#include <string.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)

bool
check_can_talk(const struct check *c)
{
	return c->kind == CHECK_TCP || c->kind == CHECK_UDP || c->kind == CHECK_UNIX;
}

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	char lower = c >= 'A' && c <= 'F' ? (char)(c + 32) : c;
	const char *at = lower != '\0' ? strchr(digits, lower) : NULL;
	return at != NULL ? (int)(at - digits) : -1;
}

/* The byte of an escape; p is behind the backslash, and is moved behind it. -1: none. */
static int
escape(const char **p)
{
	static const char names[] = "rnt\\", values[] = "\r\n\t\\";
	char c = **p;
	const char *at = c != '\0' ? strchr(names, c) : NULL;
	if (at != NULL) {
		(*p)++;
		return values[at - names];
	}
	int high = c == 'x' ? hex_digit((*p)[1]) : -1;
	int low = high >= 0 ? hex_digit((*p)[2]) : -1;
	*p += low >= 0 ? 3 : 0;
	return low >= 0 ? high * 16 + low : -1;
}

char *
build_escaped(struct build *b, const char *text, uint32_t *size)
{
	char word[LINE_MAX_BYTES + 1], out[LINE_MAX_BYTES + 1];
	const char *p = text;
	bool quoted;
	uint32_t n = 0;
	if (*p == '"' && lex_word(b, &p, "", word, sizeof word, &quoted) && *p == '\0')
		text = word;
	for (p = text; *p != '\0'; n++) {
		int byte = (unsigned char)*p++;
		if (byte == '\\')
			byte = escape(&p);
		if (byte < 0) {
			error(b,
			      "%s: expected \\r \\n \\t \\\\ or \\xHH behind a "
			      "backslash",
			      b->entry->key);
			return NULL;
		}
		out[n] = (char)byte;
	}
	*size = n;
	return build_text(b, out, n);
}

void
set_send(struct build *b, void *object, const struct entry *e)
{
	struct check_more *c = build_more(b, object);
	uint32_t n;
	if (c->say_count == SAYS_MAX) {
		error(b, "send: more than %d", SAYS_MAX);
		return;
	}
	char *bytes = build_escaped(b, e->value, &n);
	if (c->says == NULL)
		c->says = build_get(b, SAYS_MAX * sizeof *c->says);
	if (bytes == NULL || b->out_of_memory)
		return;
	bool tls = n == 5 && memcmp(bytes, "{tls}", 5) == 0;
	c->says[c->say_count++] =
		(struct say){ .bytes = bytes, .size = tls ? 0 : n, .tls = tls };
	if (!tls)
		return;
	if (c->tls == NULL)
		c->tls = build_tls(b);
	if (c->tls->encrypt == ENCRYPT_NO)
		c->tls->encrypt = ENCRYPT_STARTTLS;
}
