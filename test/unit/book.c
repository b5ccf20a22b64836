#include "test/unit/book.h"

#include "test/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static char printed[65536];

static struct rules *
parse(const char *text, size_t size)
{
	char path[] = "r.ini",
	     *copy = malloc(size + 1); /* as long as the file: ASan sees past it */
	struct source one = { .path = path, .text = copy, .size = size };
	struct sources s = { .list = &one, .count = 1 };
	struct problems p = { 0 };
	assert_non_null(copy);
	memcpy(copy, text, size);
	struct rules *r = rules_parse(&s, &p);
	FILE *out = fmemopen(printed, sizeof printed, "w");
	assert_non_null(out);
	problems_print(&p, &s, out);
	fputc('\0', out);
	fclose(out);
	if ((r == NULL) != (p.errors > 0))
		fail_msg("%zu errors, yet %s", p.errors,
			 r != NULL ? "rules" : "no rules");
	problems_free(&p);
	free(copy);
	return r;
}

struct rules *
book(const char *text)
{
	struct rules *r = parse(text, strlen(text));
	if (r == NULL)
		fail_msg("%s", printed);
	return r;
}

const char *
book_mistakes(const char *text, size_t size)
{
	struct rules *r = parse(text, size);
	rules_free(&r);
	return printed;
}

static bool
differs(const char *text, size_t size, const char *want)
{
	const char *have = book_mistakes(text, size);
	if (strcmp(have, want) == 0)
		return false;
	print_error("of:\n%.400s\nexpected:\n%.800sgot:\n%.800s\n", text, want, have);
	return true;
}

void
book_same(const char *text, size_t size, const char *mistakes)
{
	if (differs(text, size, mistakes))
		fail();
}

void
book_table(const struct book_row *rows, size_t count)
{
	size_t wrong = 0;
	for (size_t i = 0; i < count; i++)
		wrong += differs(rows[i].text, strlen(rows[i].text), rows[i].mistakes);
	if (wrong > 0)
		fail_msg("%zu of %zu differ", wrong, count);
}
