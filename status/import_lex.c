/* Words, strings and signs of a Monit control file, and reading them in turn. */
#include "status/import_state.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static bool
is_word(char c)
{
	return c != '\0' && strchr(" \t\r\n\v\f\"'#{}()[];,<>=!", c) == NULL;
}

static size_t
skip(const char *text, size_t at, unsigned *line)
{
	for (;; at++) {
		if (text[at] == '#')
			at += strcspn(text + at, "\n");
		if (text[at] == '\n')
			++*line;
		if (text[at] == '\0' || strchr(" \t\r\n\v\f;", text[at]) == NULL)
			return at;
	}
}

/* The text of one token; at moves behind it. */
static enum token_kind
scan(const char *text, size_t *at, size_t *from, size_t *to, unsigned *line)
{
	char c = text[*at];
	if (c == '"' || c == '\'') {
		*from = ++*at;
		while (text[*at] != '\0' && text[*at] != c) {
			*line += text[*at] == '\n';
			*at += text[*at] == '\\' && text[*at + 1] == c ? 2 : 1;
		}
		*to = *at;
		*at += text[*at] != '\0';
		return TOKEN_STRING;
	}
	*from = *at;
	if (strchr("<>=!", c) != NULL) {
		++*at;
		if (text[*at] == '=' || (c == '<' && text[*at] == '>'))
			++*at;
		*to = *at;
		return TOKEN_SIGN;
	}
	if (!is_word(c)) {
		*to = ++*at;
		return TOKEN_SIGN;
	}
	while (is_word(text[*at]))
		++*at;
	*to = *at;
	return TOKEN_WORD;
}

struct token *
import_tokens(const char *text)
{
	size_t count = 0, cap = 0, at = 0;
	unsigned line = 1;
	struct token *list = NULL;
	for (bool end = false; !end; count++) {
		if (count + 1 >= cap) {
			cap = cap == 0 ? 256 : cap * 2;
			struct token *more = realloc(list, cap * sizeof *more);
			if (more == NULL) {
				if (list != NULL) {
					list[count] = (struct token){ .kind = TOKEN_END };
					import_tokens_free(list);
				}
				return NULL;
			}
			list = more;
		}
		at = skip(text, at, &line);
		struct token *t = &list[count];
		*t = (struct token){
			.kind = TOKEN_END, .line = line, .from = at, .to = at
		};
		end = text[at] == '\0';
		size_t from = at, to = at, begin = at;
		if (!end)
			t->kind = scan(text, &at, &from, &to, &line);
		t->text = malloc(to - from + 1);
		t->from = begin;
		t->to = at;
		if (t->text == NULL) {
			t->kind = TOKEN_END;
			end = true;
		} else { /* one line, no control bytes: it goes into a rule file */
			text_clean(t->text, to - from + 1, text + from, to - from);
		}
	}
	return list;
}

void
import_tokens_free(struct token *tokens)
{
	if (tokens == NULL)
		return;
	size_t i = 0;
	for (; tokens[i].kind != TOKEN_END; i++)
		free(tokens[i].text);
	free(tokens[i].text);
	free(tokens);
}

/* ---- reading ---- */

bool
token_is(const struct token *t, const char *word)
{
	return t->kind != TOKEN_END && t->kind != TOKEN_STRING &&
	       strcasecmp(t->text, word) == 0;
}

const struct token *
import_now(const struct import *m)
{
	return &m->tokens[m->at];
}

bool
import_accept(struct import *m, const char *word)
{
	if (!token_is(import_now(m), word))
		return false;
	m->at++;
	return true;
}

void
import_skip_noise(struct import *m)
{
	static const char *const words[] = { "with", "is",    "as",  "are",     "has",
					     "the",  "using", "use", "program", "=",
					     "path", "and",   "on" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (import_accept(m, words[i]))
			i = (size_t)-1;
}

const char *
import_value(struct import *m)
{
	import_skip_noise(m);
	const char *text = import_now(m)->kind != TOKEN_END ? import_now(m)->text : "";
	m->at += import_now(m)->kind != TOKEN_END;
	return text;
}

bool
import_begins(const struct token *t)
{
	static const char *const words[] = {
		"set",     "check",   "include", "if",    "start",   "stop",
		"restart", "depends", "depend",  "group", "mode",    "onreboot",
		"every",   "alert",   "noalert", "not",   "pidfile", "restartlimit"
	};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (token_is(t, words[i]))
			return true;
	return t->kind == TOKEN_END;
}

void
import_skip(struct import *m)
{
	int depth = 0;
	while (import_now(m)->kind != TOKEN_END &&
	       (depth > 0 || !import_begins(import_now(m)))) {
		depth += token_is(import_now(m), "{") || token_is(import_now(m), "[");
		depth -= token_is(import_now(m), "}") || token_is(import_now(m), "]");
		m->at++;
	}
}
