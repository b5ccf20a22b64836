/* What a sample costs that changes nothing: 10,000 services, 10,000 rules over 10,000
 * metrics. usage: samples [SERVICES [RULE]]; RULE is a condition, %u the number. */
#include "base/clock.h"
#include "rules/parse.h"
#include "rules/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURNS 100

static struct decisions out;

static int64_t
turns(struct world *w, uint32_t services, double value, int64_t *now_ms)
{
	struct msg_sample m = { .value_count = 3 };
	struct event e = { .kind = EVENT_SAMPLE, .sample = &m };
	int64_t began = clock_ns();
	for (unsigned t = 0; t < TURNS; t++) {
		*now_ms += 5000;
		for (uint32_t i = 0; i < services; i++) {
			m.service = e.id = i;
			m.pid = (int32_t)i + 1;
			m.value[0] = (struct msg_value){ .metric = METRIC_CPU,
							 .value = value };
			m.value[1] = (struct msg_value){ .metric = METRIC_MEMORY,
							 .value = 1e6 * value };
			m.value[2] =
				(struct msg_value){ .metric = METRIC_FDS, .value = 20 };
			decide(w, &e, *now_ms, *now_ms, &out);
		}
	}
	return clock_ns() - began;
}

int
main(int argc, char **argv)
{
	uint32_t services = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 10000;
	const char *condition =
		argc > 2 ? argv[2] : "s%u.memory > 1G for 30s or s%u.cpu > 95% for 2m";
	struct source source = { .path = (char *)(uintptr_t) "bench.ini" };
	struct sources sources = { .list = &source, .count = 1 };
	struct problems problems = { 0 };
	int64_t now_ms = 1000;
	FILE *f = open_memstream(&source.text, &source.size);
	for (uint32_t i = 0; f != NULL && i < services; i++) {
		fprintf(f, "[service s%u]\nrun = /s\n[rule r%u]\ndo = log\nwhen = ", i,
			i);
		for (const char *p = condition; *p != '\0'; p++) {
			if (p[0] == '%' && p[1] == 'u')
				fprintf(f, "%u", i), p++;
			else
				fputc(*p, f);
		}
		fputc('\n', f);
	}
	if (f == NULL || fclose(f) != 0)
		return 1;
	struct rules *rules = rules_parse(&sources, &problems);
	problems_print(&problems, &sources, stderr);
	struct world *w = rules != NULL ? world_new(rules, 1, "host", now_ms) : NULL;
	if (w == NULL)
		return 1;
	for (uint32_t i = 0; i < services; i++) {
		struct event e = { .kind = EVENT_ADOPTED,
				   .id = i,
				   .pid = (int32_t)i + 1 };
		decide(w, &e, now_ms, now_ms, &out);
	}
	turns(w, services, 5, &now_ms); /* what is new is known then */
	int64_t ns = turns(w, services, 6, &now_ms);
	printf("%u rules over %u services: %.0f ns a sample that changes nothing\n",
	       rules->rule_count, rules->service_count, (double)ns / TURNS / services);
	world_free(&w);
	rules_free(&rules);
	problems_free(&problems);
	free(source.text);
	return 0;
}
