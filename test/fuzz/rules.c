/* Any bytes as a rule file: rules or mistakes, never both or neither, each mistake with
 * its place and on one clean line; and rules that were accepted make a world. */
#include "test/fuzz/fuzz.h"

#include "rules/parse.h"
#include "rules/world.h"

#include <string.h>

static void
check_problems(const struct problems *p, const char *path)
{
	for (size_t i = 0; i < p->count; i++) {
		PROMISE(strcmp(p->list[i].file, path) == 0);
		PROMISE(p->list[i].text[0] != '\0');
		for (const char *c = p->list[i].text; *c != '\0'; c++)
			PROMISE((unsigned char)*c >= ' ' && *c != 0x7f);
	}
}

static void
check_rules(const struct rules *r)
{
	for (uint32_t i = 0; i < r->service_count; i++) {
		PROMISE(rules_find(r, OBJECT_SERVICE, r->services[i].name) == i);
		PROMISE(r->services[i].checks.count <= RULES_CHECKS_MAX);
	}
	for (uint32_t i = 0; i < r->check_count; i++) {
		PROMISE(r->checks[i].kind < CHECK_KINDS && r->checks[i].timeout_ms > 0);
		PROMISE(r->checks[i].down_need <= r->checks[i].down_of);
		PROMISE(rules_alerts(r, OBJECT_CHECK, i) != NULL);
	}
	for (uint32_t i = 0; i < r->route_count; i++)
		PROMISE(r->routes[i].driver < DRIVERS && r->routes[i].backend_count > 0);
	struct world *w = world_new(r, 1, "host", 1000);
	PROMISE(w != NULL);
	world_free(&w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char path[] = "fuzz.ini", *text = malloc(size + 1);
	if (text == NULL)
		return 0;
	memcpy(text, bytes, size);
	struct source one = { .path = path, .text = text, .size = size };
	struct sources s = { .list = &one, .count = 1 };
	struct problems p = { 0 };
	struct rules *r = rules_parse(&s, &p);
	PROMISE((r == NULL) == (p.errors > 0));
	check_problems(&p, path);
	for (size_t i = 0; i < p.count; i++) {
		struct problem_place m;
		if (problem_mark(&p.list[i], &s, &m))
			PROMISE(m.text >= text && m.text + m.length <= text + size &&
				m.column <= m.length && m.width > 0);
	}
	if (r != NULL)
		check_rules(r);
	rules_free(&r);
	problems_free(&p);
	free(text);
	return 0;
}
