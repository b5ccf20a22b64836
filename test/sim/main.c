/* A simulator of the pure core: virtual clock, processes, probes, fronts, mail, disk,
 * faults and commands drawn from a seed. After each decision the promises of doc/DESIGN
 * are checked. usage: sim [-s] [SEEDS [MINUTES [FIRST]]]; -s: sparse, for months. A
 * breach prints the history and the command that repeats it. */
#include "test/sim/sim.h"

#include "base/text.h"
#include "rules/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MONTH (30 * 24 * 60) /* minutes */

struct sim sim;

uint32_t
draw(uint32_t below)
{
	sim.random ^= sim.random << 13;
	sim.random ^= sim.random >> 7;
	sim.random ^= sim.random << 17;
	return (uint32_t)(sim.random >> 33) % below;
}

void
note(const char *format, ...)
{
	char *line = sim.history[sim.told++ % SIM_HISTORY];
	int n = snprintf(line, 200, "%8lld ", (long long)sim.now_ms);
	va_list args;
	va_start(args, format);
	vsnprintf(line + n, 200 - (size_t)n, format, args);
	va_end(args);
}

void
breach(const char *what)
{
	printf("seed %llu, %lld ms: %s\n", (unsigned long long)sim.seed,
	       (long long)sim.now_ms, what);
	for (unsigned i = sim.told > SIM_HISTORY ? sim.told - SIM_HISTORY : 0;
	     i < sim.told; i++)
		printf("  %s\n", sim.history[i % SIM_HISTORY]);
	printf("repeat: test/sim/sim %s1 %lld %llu\n", sim.sparse ? "-s " : "",
	       (long long)sim.minutes, (unsigned long long)sim.seed);
	exit(1);
}

/* In a sparse world what is measured each second is measured each minute, and windows of
 * seconds see nothing. */
static char *
rule_text(bool sparse)
{
	char *text = strdup(sim_rules), *every = strstr(text, "every = 1s");
	char *from = strstr(text, "[rule trend]"), *to = strstr(text, "[rule states]");
	if (!sparse)
		return text;
	memcpy(every, "every = 1m", 10);
	memmove(from, to, strlen(to) + 1);
	return text;
}

static struct rules *
parse(char *text)
{
	static char path[] = "sim.ini";
	struct source source = { .path = path, .text = text, .size = strlen(text) };
	struct sources sources = { .list = &source, .count = 1 };
	struct problems problems = { 0 };
	struct rules *rules = rules_parse(&sources, &problems);
	problems_print(&problems, &sources, stdout);
	problems_free(&problems);
	return rules;
}

static void
play_all(struct rules *rules, uint64_t first, uint64_t seeds)
{
	for (uint64_t s = first; s < first + seeds; s++)
		play(rules, s);
	rules->settings.dry_run = true;
	for (uint64_t s = first; s < first + seeds / 10 + 1; s++)
		play(rules, s);
}

static bool
run(bool sparse, uint64_t seeds, int64_t minutes, uint64_t first)
{
	char *text = rule_text(sparse);
	struct rules *rules = parse(text);
	sim.sparse = sparse;
	sim.slow = sparse ? 60 : 1;
	sim.minutes = minutes;
	sim.decisions = sim.events = sim.orders = sim.starts = 0;
	if (rules == NULL)
		return false;
	play_all(rules, first, seeds);
	printf("%llu seeds of %lld minutes: %llu events, %llu decisions, %llu starts, %llu route orders; "
	       "no promise broken\n",
	       (unsigned long long)seeds, (long long)minutes,
	       (unsigned long long)sim.events, (unsigned long long)sim.decisions,
	       (unsigned long long)sim.starts, (unsigned long long)sim.orders);
	rules_free(&rules);
	free(text);
	return true;
}

int
main(int argc, char **argv)
{
	bool sparse = getopt(argc, argv, "s") == 's';
	argv += optind;
	argc -= optind;
	if (argc == 0 && !sparse) /* make check */
		return run(false, 150, 20, 1) && run(true, 20, MONTH, 1) ? 0 : 1;
	return run(sparse, argc > 0 ? strtoull(argv[0], NULL, 10) : 20,
		   argc > 1 ? atoll(argv[1])
		   : sparse ? MONTH
			    : 20,
		   argc > 2 ? strtoull(argv[2], NULL, 10) : 1)
		       ? 0
		       : 1;
}
