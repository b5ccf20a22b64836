/* monitord -t. */
#include "rules/parse.h"

#include <stdlib.h>
#include <string.h>

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

void
problems_print(struct problems *p, const struct sources *s, FILE *out)
{
	order = s;
	if (p->count > 0)
		qsort(p->list, p->count, sizeof *p->list, by_place);
	for (size_t i = 0; i < p->count; i++) {
		const struct problem *x = &p->list[i];
		if (x->line > 0)
			fprintf(out, "%s:%u: %s%s\n", x->file, x->line, x->warning ? "warning: " : "",
				x->text);
		else
			fprintf(out, "%s: %s\n", x->file, x->text);
	}
}

bool
rules_test(const char *path, bool privileged, FILE *out)
{
	struct sources s = { 0 };
	struct problems p = { 0 };
	struct rules *r = sources_read(path, privileged, &s, &p) ? rules_parse(&s, &p) : NULL;
	bool good = r != NULL;
	problems_print(&p, &s, out);
	if (good)
		fprintf(out, "%s: %u services, %u checks, %u rules, %u routes: no mistake\n", path,
			r->service_count, r->check_count, r->rule_count, r->route_count);
	rules_free(&r);
	problems_free(&p);
	sources_free(&s);
	return good;
}
