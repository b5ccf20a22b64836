/* How long a replay takes: DAYS of SERVICES services and as many checks, each measured
 * every 5 s, written to a folder and played back. usage: replay FOLDER [SERVICES [DAYS]]
 */
#include "base/clock.h"
#include "rules/parse.h"
#include "status/replay.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t written;

static void
put(void *arg, const void *bytes, size_t size)
{
	written += size;
	if (fwrite(bytes, size, 1, arg) != 1)
		exit(1);
}

static struct rules *
make_rules(uint32_t services)
{
	struct source source = { .path = (char *)(uintptr_t) "bench.ini" };
	struct sources sources = { .list = &source, .count = 1 };
	struct problems problems = { 0 };
	FILE *f = open_memstream(&source.text, &source.size);
	for (uint32_t i = 0; f != NULL && i < services; i++)
		fprintf(f,
			"[service s%u]\nrun = /s\n[check c%u]\nof = s%u\ntcp = h:1\n"
			"[rule r%u]\nwhen = s%u.memory > 300M for 1m\ndo = restart s%u\n",
			i, i, i, i, i, i);
	if (f == NULL || fclose(f) != 0)
		exit(1);
	struct rules *rules = rules_parse(&sources, &problems);
	problems_print(&problems, &sources, stderr);
	free(source.text);
	return rules;
}

static uint32_t
noise(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

/* Half of the samples move; a hundredth of the checks take longer; one in a million
 * fails. */
static void
write_all(const struct rules *rules, FILE *f, int64_t begin_ms, int64_t days)
{
	uint32_t state = 1;
	struct record_writer *w = record_writer_new(rules, put, f);
	for (int64_t t = 0; w != NULL && t < days * 17280; t++)
		for (uint32_t i = 0; i < rules->service_count; i++) {
			int64_t ms = begin_ms + t * 5000 + i * 10 % 5000;
			struct msg_sample s = { .service = i, .value_count = 3 };
			struct msg_result r = { .check = i,
						.outcome = OUTCOME_GOOD,
						.latency_ns = 2000000 };
			s.value[0] =
				(struct msg_value){ METRIC_MEMORY, 0,
						    1e8 + (double)(t / 100 % 50) * 1e6 };
			s.value[1] =
				(struct msg_value){ METRIC_CPU, 0, noise(&state) % 2 };
			s.value[2] = (struct msg_value){ METRIC_FDS, 0, 40 };
			if (noise(&state) % 100 == 0)
				r.latency_ns = 40000000;
			if (noise(&state) % 1000 == 0 && noise(&state) % 1000 == 0)
				r.outcome = OUTCOME_BAD;
			record_sample(w, &s, ms);
			record_result(w, &r, ms + 3);
		}
	record_writer_free(&w);
}

struct play {
	struct record_reader *reader;
	struct replay *replay;
};

static bool
on_block(void *arg, const struct record_head *head, const unsigned char *bytes)
{
	struct play *p = arg;
	return record_read(p->reader, head, bytes, replay_feed, p->replay);
}

int
main(int argc, char **argv)
{
	uint32_t services = argc > 2 ? (uint32_t)atoi(argv[2]) : 500;
	int64_t days = argc > 3 ? atoi(argv[3]) : 30, begin_ms = 1790000000000;
	if (argc < 2)
		return 2;
	struct rules *rules = make_rules(services);
	int folder = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(folder, "record-1790000000",
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *f = fd != -1 ? fdopen(fd, "w") : NULL;
	if (rules == NULL || f == NULL)
		return 1;
	int64_t began = clock_ns();
	write_all(rules, f, begin_ms, days);
	fclose(f);
	uint64_t all = (uint64_t)days * 17280 * services * 2;
	printf("%llu measurements written: %.0f ns each, %.1f MB\n",
	       (unsigned long long)all, (double)(clock_ns() - began) / (double)all,
	       (double)written / 1e6);
	struct play p = { .reader = record_reader_new(replay_need(rules)),
			  .replay = replay_new(rules, 0) };
	began = clock_ns();
	if (p.reader == NULL || p.replay == NULL ||
	    record_files_read(argv[1], 0, on_block, &p) <= 0)
		return 1;
	replay_end(p.replay);
	printf("%u services, %lld days: played in %.1f s (%llu were fed, %llu decided "
	       "on), %zu lines\n",
	       services, (long long)days, (double)(clock_ns() - began) / 1e9,
	       (unsigned long long)replay_sums(p.replay)->measurements,
	       (unsigned long long)replay_sums(p.replay)->events,
	       replay_would(p.replay)->count);
	record_reader_free(&p.reader);
	replay_free(&p.replay);
	rules_free(&rules);
	unlinkat(folder, "record-1790000000", 0);
	close(folder);
	return 0;
}
