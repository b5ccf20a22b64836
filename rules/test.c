/* monitord -t. */
#include "rules/parse.h"

#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 160 /* bytes of a line */

/* The order of the files as they were read, then lines. */
static const struct sources *order;

static size_t
file_index(const char *file)
{
	for (size_t i = 0; i < order->count; i++)
		if (strcmp(order->list[i].path, file) == 0)
			return i;
	return order->count;
}

static int
by_place(const void *a, const void *b)
{
	const struct problem *x = a, *y = b;
	size_t fx = file_index(x->file), fy = file_index(y->file);
	if (fx != fy)
		return fx < fy ? -1 : 1;
	return x->line == y->line ? 0 : x->line < y->line ? -1 : 1;
}

static void
sort(struct problems *p, const struct sources *s)
{
	order = s;
	if (p->count > 0)
		qsort(p->list, p->count, sizeof *p->list, by_place);
}

static void
print_line(const struct problem *x, FILE *out)
{
	if (x->line > 0)
		fprintf(out, "%s:%u: %s%s\n", x->file, x->line,
			x->warning ? "warning: " : "", x->text);
	else
		fprintf(out, "%s: %s\n", x->file, x->text);
}

/* Bytes that begin no character of UTF-8 take no room; a tab is shown as one blank. */
static bool
takes_room(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

/* The line, or the part of it that the mark is in, and the mark below. */
static void
print_mark(const struct problem *x, const struct sources *s, FILE *out)
{
	struct problem_place m;
	if (!problem_mark(x, s, &m))
		return;
	size_t from = m.column + m.width > SHOWN_MAX && m.column > SHOWN_MAX / 2
			      ? m.column - SHOWN_MAX / 2
			      : 0;
	while (from > 0 && !takes_room(m.text[from]))
		from--;
	size_t to = m.length < from + SHOWN_MAX ? m.length : from + SHOWN_MAX;
	fprintf(out, "%6u | %s", m.line, from > 0 ? "..." : "");
	for (size_t i = from; i < to; i++) {
		unsigned char c = (unsigned char)m.text[i];
		fputc(c < 0x20 || c == 0x7f ? ' ' : c, out);
	}
	fprintf(out, "\n       | %s", from > 0 ? "   " : "");
	for (size_t i = from; i < m.column; i++)
		if (takes_room(m.text[i]))
			fputc(' ', out);
	for (size_t i = m.column; i < m.column + m.width && i < to; i++)
		if (takes_room(m.text[i]))
			fputc('^', out);
	fputc('\n', out);
}

static void
print_text(const char *text, size_t length, FILE *out)
{
	fputc('"', out);
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

/* Lines and columns are from 1 on, columns in bytes; "length" of bytes. */
static void
print_json(const struct problems *p, const struct sources *s, FILE *out)
{
	struct problem_place m;
	fputc('[', out);
	for (size_t i = 0; i < p->count; i++) {
		const struct problem *x = &p->list[i];
		fprintf(out, "%s\n{\"file\":", i > 0 ? "," : "");
		print_text(x->file, strlen(x->file), out);
		if (problem_mark(x, s, &m))
			fprintf(out, ",\"line\":%u,\"column\":%zu,\"length\":%zu", m.line,
				m.column + 1, m.width);
		else
			fprintf(out, ",\"line\":%u,\"column\":null,\"length\":null",
				x->line);
		fprintf(out, ",\"severity\":\"%s\",\"message\":",
			x->warning ? "warning" : "error");
		print_text(x->text, strlen(x->text), out);
		fputc('}', out);
	}
	fputs(p->count > 0 ? "\n]\n" : "]\n", out);
}

void
problems_print(struct problems *p, const struct sources *s, FILE *out)
{
	sort(p, s);
	for (size_t i = 0; i < p->count; i++)
		print_line(&p->list[i], out);
}

bool
rules_test(const char *path, bool privileged, enum test_form form, rules_look *look,
	   FILE *out)
{
	struct sources s = { 0 };
	struct problems p = { 0 };
	char counts[128];
	struct rules *r =
		sources_read(path, privileged, &s, &p) ? rules_parse(&s, &p) : NULL;
	bool good = r != NULL;
	if (good && look != NULL)
		look(r, &s, &p);
	sort(&p, &s);
	for (size_t i = 0; form != TEST_JSON && i < p.count; i++) {
		print_line(&p.list[i], out);
		if (form == TEST_MARKS)
			print_mark(&p.list[i], &s, out);
	}
	if (form == TEST_JSON)
		print_json(&p, &s, out);
	else if (good)
		fprintf(out, "%s: %s: no mistake\n", path,
			rules_counts(r, counts, sizeof counts));
	rules_free(&r);
	problems_free(&p);
	sources_free(&s);
	return good;
}
