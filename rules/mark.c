/* Where a mistake is in its line: what its message quotes first, as that is what it is
 * about; else the value of the key that it begins with. */
#include "rules/parse.h"

#include <string.h>

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

static const struct source *
source_of(const struct sources *s, const char *file)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->list[i].path, file) == 0)
			return &s->list[i];
	return NULL;
}

/* The line that begins there. */
static bool
line_at(const struct source *s, const char *at, unsigned number, struct problem_place *out)
{
	const char *end = s->text + s->size;
	if (at == NULL || at >= end)
		return false;
	const char *newline = memchr(at, '\n', (size_t)(end - at));
	*out = (struct problem_place){ .line = number, .text = at };
	out->length = newline != NULL ? (size_t)(newline - at) : (size_t)(end - at);
	while (out->length > 0 && at[out->length - 1] == '\r')
		out->length--;
	return true;
}

static const char *
line_after(const struct source *s, const char *at)
{
	const char *newline = memchr(at, '\n', (size_t)(s->text + s->size - at));
	return newline != NULL ? newline + 1 : NULL;
}

static bool
next_line(const struct source *s, struct problem_place *m)
{
	return line_at(s, line_after(s, m->text), m->line + 1, m);
}

static bool
line_of(const struct source *s, unsigned number, struct problem_place *out)
{
	const char *at = s->text;
	for (unsigned n = 1; n < number && at != NULL; n++)
		at = line_after(s, at);
	return number > 0 && line_at(s, at, number, out);
}

static bool
in_name(char c)
{
	return c != '\0' && strchr(NAME_BYTES, c) != NULL;
}

/* As a word of its own: `a` is not meant by `tomcat`. */
static bool
find_word(struct problem_place *m, const char *word, size_t length)
{
	for (size_t i = 0; i + length <= m->length; i++) {
		const char *at = m->text + i;
		bool begins = !in_name(*word) || i == 0 || !in_name(at[-1]);
		bool ends = !in_name(word[length - 1]) || i + length == m->length ||
			    !in_name(at[length]);
		if (!begins || !ends || memcmp(at, word, length) != 0)
			continue;
		m->column = i;
		m->width = length;
		return true;
	}
	return false;
}

/* It belongs to what stands in the first line: the rest of a value, or of a section. */
static bool
continues(const struct problem_place *first, const struct problem_place *m)
{
	if (first->length > 0 && *first->text == '[')
		return m->length == 0 || *m->text != '[';
	return m->length > 0 && (m->text[0] == ' ' || m->text[0] == '\t' ||
				 m->text[0] == ';' || m->text[0] == '#');
}

/* The value behind `KEY =`, or all of the line. */
static void
mark_value(struct problem_place *m)
{
	const char *equals = memchr(m->text, '=', m->length);
	size_t from =
		equals != NULL && *m->text != '[' ? (size_t)(equals - m->text) + 1 : 0;
	while (from < m->length && (m->text[from] == ' ' || m->text[from] == '\t'))
		from++;
	m->column = from;
	m->width = m->length > from ? m->length - from : 1;
}

bool
problem_mark(const struct problem *p, const struct sources *s, struct problem_place *out)
{
	const struct source *source = source_of(s, p->file);
	if (source == NULL || !line_of(source, p->line, out))
		return false;
	const char *guess = strstr(p->text, " (did you mean");
	for (const char *q = strchr(p->text, '\'');
	     q != NULL && (guess == NULL || q < guess); q = strchr(q, '\'')) {
		const char *word = q + 1, *end = strchr(word, '\'');
		size_t n = end != NULL ? (size_t)(end - word) : 0;
		if (n == 0)
			break;
		struct problem_place m = *out;
		bool found = find_word(&m, word, n);
		for (unsigned line = p->line + 1;
		     !found && line_of(source, line, &m) && continues(out, &m); line++)
			found = find_word(&m, word, n);
		if (found) {
			*out = m;
			return true;
		}
		q = end + 1;
	}
	mark_value(out);
	return true;
}

static bool
is_key(const struct problem_place *m, const char *key)
{
	size_t n = strlen(key);
	if (m->length <= n || memcmp(m->text, key, n) != 0)
		return false;
	while (n < m->length && (m->text[n] == ' ' || m->text[n] == '\t'))
		n++;
	return n < m->length && m->text[n] == '=';
}

struct place
source_key(const struct sources *s, struct place section, const char *key)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct source *x = &s->list[i];
		struct problem_place m;
		bool whole = section.file == NULL;
		unsigned line = whole ? 1 : section.line + 1;
		if (!whole && strcmp(x->path, section.file) != 0)
			continue;
		for (bool more = line_of(x, line, &m); more; more = next_line(x, &m)) {
			if (is_key(&m, key))
				return (struct place){ x->path, m.line };
			if (!whole && m.length > 0 && *m.text == '[')
				break;
		}
	}
	return section;
}
