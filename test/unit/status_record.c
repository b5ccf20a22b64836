/* The record of measurements and its replay: what is written is read, damage is left out,
 * and other rules over the same measurements do what they say. */
#include "base/text.h"
#include "rules/parse.h"
#include "status/replay.h"
#include "test/unit/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BEGIN_MS INT64_C(1790000000000)

static struct rules *
book(const char *text)
{
	struct source source = { .path = (char *)(uintptr_t) "r.ini",
				 .text = (char *)(uintptr_t)text,
				 .size = strlen(text) };
	struct sources sources = { .list = &source, .count = 1 };
	struct problems problems = { 0 };
	struct rules *r = rules_parse(&sources, &problems);
	problems_print(&problems, &sources, stderr);
	problems_free(&problems);
	assert_non_null(r);
	return r;
}

/* Blocks in memory. */
static struct {
	unsigned char bytes[1 << 20];
	size_t used, blocks;
} tape;

static void
put(void *arg, const void *bytes, size_t size)
{
	(void)arg;
	assert_true(tape.used + size <= sizeof tape.bytes);
	memcpy(tape.bytes + tape.used, bytes, size);
	tape.used += size;
	tape.blocks++;
}

static void
play(struct record_need need, void (*fn)(void *arg, const struct record_event *e),
     void *arg, bool whole)
{
	struct record_reader *r = record_reader_new(need);
	assert_non_null(r);
	for (size_t at = 0; at < tape.used;) {
		struct record_head head;
		memcpy(&head, tape.bytes + at, sizeof head);
		assert_string_equal(head.magic, RECORD_MAGIC);
		assert_true(
			record_read(r, &head, tape.bytes + at + sizeof head, fn, arg) ||
			!whole);
		at += sizeof head + head.size;
	}
	record_reader_free(&r);
}

static void
sample(struct record_writer *w, uint32_t id, double memory, double cpu, int64_t at_ms)
{
	struct msg_sample s = { .service = id, .value_count = 2 };
	s.value[0] = (struct msg_value){ .metric = METRIC_MEMORY, .value = memory };
	s.value[1] = (struct msg_value){ .metric = METRIC_CPU, .value = cpu };
	record_sample(w, &s, BEGIN_MS + at_ms);
}

static void
result(struct record_writer *w, uint32_t id, enum outcome outcome, double latency_ms,
       int64_t at_ms)
{
	struct msg_result r = { .check = id,
				.outcome = outcome,
				.latency_ns = (int64_t)(latency_ms * 1e6) };
	record_result(w, &r, BEGIN_MS + at_ms);
}

static const char rules_text[] =
	"[service a]\nrun = /a\n[service b]\nrun = /b\n[check c]\nof = a\ntcp = h:1\n";

static struct {
	char bytes[8192];
	size_t used;
	unsigned count;
} heard;

static void
hear(void *arg, const struct record_event *e)
{
	(void)arg;
	heard.count++;
	if (e->tag == RECORD_LINE)
		heard.used +=
			(size_t)snprintf(heard.bytes + heard.used,
					 sizeof heard.bytes - heard.used,
					 "%lld line %s %s %s|",
					 (long long)(e->real_ms - BEGIN_MS),
					 e->line->kind, e->line->object, e->line->text);
	else if (e->tag == RECORD_RESULT)
		heard.used +=
			(size_t)snprintf(heard.bytes + heard.used,
					 sizeof heard.bytes - heard.used,
					 "%lld %s %d %g|",
					 (long long)(e->real_ms - BEGIN_MS), e->name,
					 (int)e->outcome, (double)e->latency_ms);
	else
		heard.used += (size_t)snprintf(heard.bytes + heard.used,
					       sizeof heard.bytes - heard.used,
					       "%lld %s %g %g|",
					       (long long)(e->real_ms - BEGIN_MS),
					       e->name, (double)e->values[0].value,
					       (double)e->values[1].value);
	assert_true(heard.used < sizeof heard.bytes - 200);
}

static void
what_is_written_is_read(void **state)
{
	(void)state;
	struct rules *rules = book(rules_text);
	struct record_writer *w = record_writer_new(rules, put, NULL);
	struct journal_line line = { .real_ms = BEGIN_MS + 10100,
				     .kind = "rule-fired",
				     .object = "r",
				     .text = "r: it did" };
	memset(&tape, 0, sizeof tape);
	memset(&heard, 0, sizeof heard);
	sample(w, 0, 1e8, 5, 0);
	result(w, 0, OUTCOME_GOOD, 2, 100);
	sample(w, 0, 1e8 + 1000, 5.5, 5000); /* the same */
	result(w, 0, OUTCOME_GOOD, 4, 5100); /* the same */
	sample(w, 1, 7e7, 1, 5200);
	sample(w, 0, 2e8, 5, 10000);
	record_line(w, &line);
	result(w, 0, OUTCOME_BAD, 500, 10200);
	record_writer_free(&w);
	assert_int_equal(tape.blocks, 1);
	play((struct record_need){ .window = 64 }, hear, NULL, true);
	assert_string_equal(
		heard.bytes,
		"0 a 1e+08 5|100 c 1 2|5000 a 1e+08 5|5100 c 1 2|5200 b 7e+07 1|"
		"10000 a 2e+08 5|10100 line rule-fired r r: it did|10200 c 2 500|");
	rules_free(&rules);
}

static void
nothing(void *arg, const struct record_event *e)
{
	(void)arg;
	heard.count += e->tag != RECORD_LINE;
}

/* An hour of the same costs a few bytes a block, and is told as often as needed. */
static void
the_same_costs_nothing(void **state)
{
	(void)state;
	struct rules *rules = book(rules_text);
	struct record_writer *w = record_writer_new(rules, put, NULL);
	memset(&tape, 0, sizeof tape);
	for (int64_t t = 0; t < 3600000; t += 1000) {
		sample(w, 0, 1e8, 5 + (double)(t / 1000 % 2) * 0.9, t);
		result(w, 0, OUTCOME_GOOD, 2 + (double)(t / 1000 % 3), t + 5);
	}
	record_writer_free(&w);
	assert_true(tape.blocks >= 6 && tape.blocks <= 7 && tape.used < 1500);
	heard.count = 0;
	play((struct record_need){ .window = 10000 }, nothing, NULL, true);
	assert_int_equal(heard.count, 7200);
	heard.count = 0;
	play((struct record_need){ .window = 0, .fresh_ms = 60000 }, nothing, NULL, true);
	assert_true(heard.count > 60 + 64 && heard.count < 80 + 80);
	rules_free(&rules);
}

/* Thousands fit in a block, so that they are named once in it; it keeps to what it may have. */
static void
thousands_are_named_once(void **state)
{
	enum { CHECKS = 3000 };
	static char text[CHECKS * 64];
	size_t used = 0;
	(void)state;
	for (unsigned i = 0; i < CHECKS; i++)
		used += (size_t)snprintf(text + used, sizeof text - used,
					 "[check a-rather-long-name-%u]\ntcp = h:1\n", i);
	struct rules *rules = book(text);
	for (unsigned large = 0; large < 2; large++) {
		struct record_writer *w = record_writer_new(rules, put, NULL);
		memset(&tape, 0, sizeof tape);
		if (large)
			record_writer_most(w, 1 << 20);
		for (unsigned round = 0; round < 4; round++)
			for (unsigned i = 0; i < CHECKS; i++)
				result(w, i, OUTCOME_GOOD, 2, round * 1000 + i / 10);
		record_writer_free(&w);
		assert_true(large ? tape.blocks == 1 : tape.blocks > 4);
		heard.count = 0;
		play((struct record_need){ .window = 64 }, nothing, NULL, true);
		assert_int_equal(heard.count, 4 * CHECKS);
	}
	rules_free(&rules);
}

/* A clock that is set back while the same is counted costs nothing of what is behind it. */
static void
the_clock_is_set_back(void **state)
{
	(void)state;
	struct rules *rules = book(rules_text);
	struct record_writer *w = record_writer_new(rules, put, NULL);
	static const int64_t times[] = { 0, 5000, 9000, 2000, 2500 };
	memset(&tape, 0, sizeof tape);
	for (size_t i = 0; i < sizeof times / sizeof *times; i++)
		result(w, 0, OUTCOME_GOOD, 2, times[i]);
	result(w, 0, OUTCOME_BAD, 2, 3000);
	sample(w, 0, 1e8, 5, 3500);
	for (size_t i = 0; i < sizeof times / sizeof *times; i++)
		sample(w, 1, 1e8, 5, times[4 - i]);
	record_writer_free(&w);
	heard.count = 0;
	play((struct record_need){ .window = 64 }, nothing, NULL, true);
	assert_int_equal(heard.count, 12);
	rules_free(&rules);
}

/* Any byte that is another makes the block one that is left out; sums that hold over
 * nonsense are survived. */
static void
damage_is_left_out(void **state)
{
	(void)state;
	struct rules *rules = book(rules_text);
	struct record_writer *w = record_writer_new(rules, put, NULL);
	memset(&tape, 0, sizeof tape);
	for (int i = 0; i < 50; i++) {
		sample(w, (uint32_t)i % 2, 1e8 * (i % 7), i, i * 1000);
		result(w, 0, i % 3 == 0 ? OUTCOME_BAD : OUTCOME_GOOD, i * 20,
		       i * 1000 + 3);
	}
	record_writer_free(&w);
	struct record_head head;
	memcpy(&head, tape.bytes, sizeof head);
	struct record_reader *r = record_reader_new((struct record_need){ .window = 64 });
	for (uint32_t i = 0; i < head.size; i++) {
		unsigned char *at = tape.bytes + sizeof head + i;
		*at ^= 0x55;
		assert_false(
			record_read(r, &head, tape.bytes + sizeof head, nothing, NULL));
		struct record_head lies = head;
		lies.sum = text_crc32c(tape.bytes + sizeof head, head.size);
		record_read(r, &lies, tape.bytes + sizeof head, nothing, NULL);
		*at ^= 0x55;
	}
	heard.count = 0;
	assert_true(record_read(r, &head, tape.bytes + sizeof head, nothing, NULL));
	assert_int_equal(heard.count, 100);
	record_reader_free(&r);
	rules_free(&rules);
}

static bool
on_block(void *arg, const struct record_head *head, const unsigned char *bytes)
{
	assert_true(record_read(arg, head, bytes, nothing, NULL));
	return true;
}

static void
files_are_kept_within_bounds(void **state)
{
	(void)state;
	char folder[] = "/tmp/monitord-record-XXXXXX", name[80];
	static const char *const old[] = { "record-1000", "record-2000", "record-3000" };
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "%s/%s", folder, old[i]);
		int fd = open(name, O_WRONLY | O_CREAT, 0600);
		assert_true(fd != -1 &&
			    write(fd, "torn block of an earlier life", 29) == 29);
		close(fd);
	}
	struct rules *rules = book(rules_text);
	struct record_files *f =
		record_files_new(folder, INT64_C(400) * 365 * 86400000, 1 << 20);
	assert_non_null(f);
	struct record_writer *w = record_writer_new(rules, record_files_put, f);
	for (int i = 0; i < 100; i++)
		sample(w, 0, 1e8 * (i % 7), i, i * 1000);
	record_writer_free(&w);
	record_files_free(&f); /* waits for what is written */
	struct record_reader *r = record_reader_new((struct record_need){ .window = 64 });
	heard.count = 0;
	assert_int_equal(record_files_read(folder, 0, on_block, r), 1);
	assert_int_equal(heard.count, 100);
	heard.count = 0;
	assert_int_equal(record_files_read(folder, BEGIN_MS + 100 * RECORD_SPAN_MS,
					   on_block, r),
			 0);
	/* a shorter time: what was over before it goes when the next file begins */
	f = record_files_new(folder, 86400000, 1 << 20);
	w = record_writer_new(rules, record_files_put, f);
	sample(w, 0, 1, 1, 0);
	record_writer_free(&w);
	record_files_free(&f);
	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof name, "%s/%s", folder, old[i]);
		/* the third may last until now */
		assert_int_equal(access(name, F_OK), i < 2 ? -1 : 0);
	}
	record_reader_free(&r);
	rules_free(&rules);
	snprintf(name, sizeof name, "rm -r %s", folder);
	assert_int_equal(system(name), 0);
	assert_int_equal(record_files_read(folder, 0, on_block, NULL), -1);
}

/* What a replay says: "+9000 rule-fired x|" */
static const char *
replayed(const char *text)
{
	static char out[4096];
	size_t n = 0;
	struct rules *rules = book(text);
	struct replay *r = replay_new(rules, 0);
	assert_non_null(r);
	play(replay_need(rules), replay_feed, r, true);
	replay_end(r);
	out[0] = '\0';
	for (int side = 0; side < 2; side++) {
		const struct replay_lines *l =
			side == 0 ? replay_would(r) : replay_was(r);
		for (size_t i = 0; i < l->count; i++)
			if (side == 0 || !l->list[i].matched)
				n += (size_t)snprintf(out + n, sizeof out - n,
						      "%c%lld %s %s|",
						      l->list[i].matched ? '='
						      : side == 0        ? '+'
									 : '-',
						      (long long)(l->list[i].real_ms -
								  BEGIN_MS) /
							      1000,
						      l->list[i].kind, l->list[i].object);
	}
	replay_free(&r);
	rules_free(&rules);
	return out;
}

/* A leak of an hour under a rule at 300M: recorded, then played under others. */
static void
other_rules_do_other_things(void **state)
{
	(void)state;
	struct rules *rules = book(rules_text);
	struct record_writer *w = record_writer_new(rules, put, NULL);
	struct journal_line fired = { .real_ms = BEGIN_MS + 1505000,
				      .kind = "rule-fired",
				      .object = "leak",
				      .text = "leak: it did" };
	struct journal_line died = { .real_ms = BEGIN_MS + 2000000,
				     .kind = "service-exited",
				     .object = "b",
				     .text = "b exited with exit code 1, after 1 h" };
	memset(&tape, 0, sizeof tape);
	for (int64_t t = 0; t < 3600000; t += 5000) {
		if (t == 1505000)
			record_line(w, &fired);
		if (t == 2000000)
			record_line(w, &died);
		sample(w, 0, 1e8 + (double)(t / 1000) * 1.45e5, 1, t);
		sample(w, 1, 5e7, 1, t + 1);
		result(w, 0, OUTCOME_GOOD, 2, t + 2);
	}
	record_writer_free(&w);
#define SERVICES                                                                         \
	"[service a]\nrun = /a\n[service b]\nrun = /b\n[check c]\nof = a\ntcp = h:1\n"
	/* the same rule: the same, within the record's exactness */
	assert_string_equal(
		replayed(
			SERVICES
			"[rule leak]\nwhen = a.memory > 301M\ndo = log\ncooldown = 2h\n"),
		"=1500 rule-fired leak|+1502 incident-open leak|=2000 service-exited b|"
		"+2002 incident-open b|");
	assert_string_equal(
		replayed(
			SERVICES
			"[rule leak]\nwhen = a.memory > 150M\ndo = log\ncooldown = 2h\n"),
		"+410 rule-fired leak|+412 incident-open leak|=2000 service-exited b|"
		"+2002 incident-open b|-1505 rule-fired leak|");
	assert_string_equal(replayed("[service a]\nrun = /a\n"),
			    "-1505 rule-fired leak|-2000 service-exited b|");
	/* told in time, by its slope */
	const char *trend = replayed(
		"[service a]\nrun = /a\n[rule trend]\n"
		"when = forecast(a.memory, 20m) > 500M\ndo = log\ncooldown = 2h\n");
	int at = 0;
	assert_int_equal(sscanf(trend, "+%d rule-fired trend", &at), 1);
	assert_true(at > 1500 && at < 1800); /* 500M is reached at 2,926 s */
	rules_free(&rules);
}

/* Why it was not up is not recorded: what was measured is told. */
static void
a_fall_has_its_reason(void **state)
{
	(void)state;
	struct rules *rules = book(rules_text);
	struct record_writer *w = record_writer_new(rules, put, NULL);
	memset(&tape, 0, sizeof tape);
	for (int64_t t = 0; t < 60000; t += 5000)
		result(w, 0, t < 30000 ? OUTCOME_GOOD : OUTCOME_BAD, 250, t);
	record_writer_free(&w);
	rules_free(&rules);
	rules = book("[check c]\ntcp = h:1\ndown = 2\n");
	struct replay *r = replay_new(rules, 0);
	assert_non_null(r);
	play(replay_need(rules), replay_feed, r, true);
	replay_end(r);
	const struct replay_lines *l = replay_would(r);
	assert_true(l->count > 0);
	assert_string_equal(l->list[0].kind, "check-down");
	assert_string_equal(
		l->list[0].text,
		"c is down: it was so then: latency 250 ms (failing for 5.0 s)");
	replay_free(&r);
	rules_free(&rules);
}

int
test_status_record(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(the_same_costs_nothing),
		cmocka_unit_test(thousands_are_named_once),
		cmocka_unit_test(the_clock_is_set_back),
		cmocka_unit_test(damage_is_left_out),
		cmocka_unit_test(files_are_kept_within_bounds),
		cmocka_unit_test(other_rules_do_other_things),
		cmocka_unit_test(a_fall_has_its_reason),
	};
	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
