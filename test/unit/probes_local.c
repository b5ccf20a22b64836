/* monitord-probes local as a program: this test is its monitord, and runs its scripts. */
#include "base/text.h"
#include "rules/metric.h"
#include "test/unit/probes_play.h"
#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCRIPT "[check s]\nscript = /bin/plugin\nevery = 1d\n"

static int
end(void **state)
{
	(void)state;
	play_end();
	return 0;
}

/* ---- scripts ---- */

struct script {
	uint64_t token;
	int out; /* -1: none; what it writes to */
};

/* monitord began the script, or could not. */
static struct script
begin_script(int error)
{
	struct msg_open open;
	struct script s = { .out = -1 };
	int ends[2] = { -1, -1 };
	play_hear(MSG_OPEN);
	memcpy(&open, play.packet.items, sizeof open);
	assert_int_equal(open.what, OPEN_CHECK_SCRIPT);
	struct msg_opened opened = { .what = open.what,
				     .id = open.id,
				     .token = s.token = open.token,
				     .error = error };
	if (error == 0)
		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	play_tell(MSG_OPENED, &opened, ends[0]);
	if (error == 0)
		close(ends[0]);
	s.out = ends[1];
	return s;
}

static void
end_script(struct script *s, struct msg_script_end ended)
{
	ended.token = s->token;
	close(s->out);
	s->out = -1;
	play_tell(MSG_SCRIPT_END, &ended, -1);
}

static const struct {
	const char *lines, *output;
	struct msg_script_end end;
	enum outcome outcome;
	const char *text;
} ends[] = {
	{ "", "OK - fine | load=1", { .code = 0 }, OUTCOME_GOOD, "" },
	{ "", "", { .code = 0 }, OUTCOME_GOOD, "" },
	{ "", "WARN: slow | t=9\nmore", { .code = 1 }, OUTCOME_WARN, "WARN: slow" },
	{ "",
	  "CRIT\x1b[31m: away\r\nmore",
	  { .code = 2 },
	  OUTCOME_BAD,
	  "CRIT [31m: away" },
	{ "", "no idea", { .code = 3 }, OUTCOME_UNKNOWN, "no idea" },
	{ "", "usage: x", { .code = 64 }, OUTCOME_BAD, "" },
	{ "",
	  "half",
	  { .code = -1, .signal = SIGSEGV },
	  OUTCOME_BAD,
	  "killed by signal 11 (SEGV)" },
	{ "",
	  "half",
	  { .code = -1, .signal = SIGKILL, .timed_out = 1 },
	  OUTCOME_BAD,
	  "killed: it did not end within 30 s" },
	{ "expect = body ~ ^OK", "OK - fine", { .code = 0 }, OUTCOME_GOOD, "" },
	{ "expect = body ~ ^OK",
	  "well",
	  { .code = 0 },
	  OUTCOME_BAD,
	  "a body of 4 bytes, expected body ~ ^OK" },
	{ "warn = body ~ slow",
	  "OK but slow",
	  { .code = 0 },
	  OUTCOME_WARN,
	  "a body of 11 bytes: warning at body ~ slow" },
};

static void
scripts_end_in_many_ways(void **state)
{
	char rules[512];
	(void)state;
	play_start(ROLE_LOCAL, SCRIPT);
	unsigned before = play_fds();
	for (unsigned i = 0; i < COUNT(ends); i++) {
		text_print(rules, sizeof rules, SCRIPT "%s\n", ends[i].lines);
		play_load(rules);
		play_pace(0, PACE_NOW);
		struct script s = begin_script(0);
		dprintf(s.out, "%s", ends[i].output);
		end_script(&s, ends[i].end);
		const struct msg_result *r = play_result(0, 1);
		if (r->outcome != ends[i].outcome ||
		    strncmp(r->text, ends[i].text, strlen(ends[i].text)) != 0 ||
		    r->text[strlen(ends[i].text)] == ' ')
			fail_msg("row %u: expected %d '%s', got %u '%s'", i,
				 (int)ends[i].outcome, ends[i].text, r->outcome, r->text);
		assert_int_equal(r->value_count, ends[i].end.code >= 0);
		if (ends[i].end.code >= 0) {
			assert_int_equal(r->value[0].metric, METRIC_STATUS);
			assert_true(r->value[0].value == ends[i].end.code);
		}
		play_await_fds(before);
	}
}

static void
scripts_that_cannot_be_started(void **state)
{
	static const struct {
		int error;
		enum outcome outcome;
	} rows[] = {
		{ ENOENT, OUTCOME_BAD },
		{ EACCES, OUTCOME_BAD },
		{ EAGAIN, OUTCOME_UNKNOWN },
		{ EMFILE, OUTCOME_UNKNOWN },
	};
	(void)state;
	play_start(ROLE_LOCAL, SCRIPT);
	for (unsigned i = 0; i < COUNT(rows); i++) {
		play_pace(0, PACE_NOW);
		begin_script(rows[i].error);
		const struct msg_result *r = play_result(0, i + 1);
		assert_int_equal(r->outcome, rows[i].outcome);
		assert_non_null(strstr(r->text, strerror(rows[i].error)));
	}
}

/* Output is read to its end whatever its size, so that the script is not held up by a
 * full pipe; its beginning is kept. */
static void
output_without_end_is_read_on(void **state)
{
	char page[4096];
	(void)state;
	memset(page, 'y', sizeof page);
	play_start(ROLE_LOCAL, SCRIPT "expect = body ~ ^first, bytes = 4096B\n");
	play_pace(0, PACE_NOW);
	struct script s = begin_script(0);
	dprintf(s.out, "first\n");
	alarm(60); /* a write that blocks for ever ends the test */
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(write(s.out, page, sizeof page), sizeof page);
	alarm(0);
	end_script(&s, (struct msg_script_end){ .code = 0 });
	const struct msg_result *r = play_result(0, 1);
	assert_string_equal(r->text, "");
	assert_int_equal(r->outcome, OUTCOME_GOOD);
}

/* A grandchild may hold the output open: the script's end counts, not the output's. */
static void
held_output_delays_nothing(void **state)
{
	(void)state;
	play_start(ROLE_LOCAL, SCRIPT);
	unsigned before = play_fds();
	play_pace(0, PACE_NOW);
	struct script s = begin_script(0);
	int held = dup(s.out);
	dprintf(s.out, "CRITICAL\n");
	end_script(&s, (struct msg_script_end){ .code = 2 });
	assert_string_equal(play_result(0, 1)->text, "CRITICAL");
	play_await_fds(before);
	close(held);
}

static void
a_script_that_is_gone_is_not_told(void **state)
{
	(void)state;
	play_start(ROLE_LOCAL, SCRIPT);
	unsigned before = play_fds();
	play_pace(0, PACE_NOW);
	struct script s = begin_script(0);
	play_load("[check t]\nscript = /bin/other\nevery = 1d\n");
	end_script(&s, (struct msg_script_end){ .code = 2 });
	play_settle();
	assert_int_equal(play.results, 0);
	play_await_fds(before);
}

/* ---- processes ---- */

static unsigned long long
start_ticks(pid_t pid)
{
	char path[64], line[2048];
	text_print(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	fclose(f);
	char *at = strrchr(line, ')') + 1;
	for (int n = 22; n > 3; n--)
		at = strchr(at + 1, ' ');
	return strtoull(at, NULL, 10);
}

static double
value_of(const struct msg_sample *m, enum metric metric)
{
	for (uint32_t i = 0; i < m->value_count; i++)
		if (m->value[i].metric == metric)
			return m->value[i].value;
	return -1;
}

static struct msg_sample
hear_sample(void)
{
	struct msg_sample m;
	play_hear(MSG_SAMPLE);
	memcpy(&m, play.packet.items, sizeof m);
	assert_true(m.value_count <= MSG_SAMPLE_VALUES);
	return m;
}

static void
watched_processes_are_measured(void **state)
{
	(void)state;
	play_start(ROLE_LOCAL,
		   "[service a]\nrun = /bin/a\nevery = 300ms\n"
		   "[service b]\nrun = /bin/b\nevery = 300ms\n"
		   "[rule r]\nwhen = b.children > 1 or b.cpu > 90%\ndo = log\n");
	struct msg_watch watch = { .service = 1,
				   .pid = getpid(),
				   .start_ticks = start_ticks(getpid()) };
	play_tell(MSG_WATCH, &watch, -1);
	struct msg_sample m = hear_sample();
	assert_int_equal(m.service, 1);
	assert_int_equal(m.pid, getpid());
	assert_int_equal(m.start_ticks, watch.start_ticks);
	assert_true(value_of(&m, METRIC_MEMORY) > 100000);
	assert_true(value_of(&m, METRIC_MEMORY_TOTAL) > value_of(&m, METRIC_MEMORY));
	assert_true(value_of(&m, METRIC_THREADS) == 1);
	assert_true(value_of(&m, METRIC_FDS) > 2);
	assert_true(value_of(&m, METRIC_CHILDREN) == 1); /* the helper */
	assert_true(value_of(&m, METRIC_CPU) < 0);       /* it takes two looks */
	int64_t first = m.taken_ns;
	m = hear_sample();
	assert_true(m.taken_ns > first);
	assert_true(value_of(&m, METRIC_CPU) >= 0);
	assert_true(value_of(&m, METRIC_CPU_TOTAL) >= value_of(&m, METRIC_CPU));
	assert_true(value_of(&m, METRIC_CHILD_MEMORY) > 100000); /* the helper's */
	assert_true(value_of(&m, METRIC_CHILD_CPU) >= 0);
	watch.service = 0; /* no rule could take its whole life for the present */
	play_tell(MSG_WATCH, &watch, -1);
	do
		m = hear_sample();
	while (m.service != 0);
	assert_true(value_of(&m, METRIC_CPU) >= 0);
}

/* A pid that another process has by now is not the service's. */
static void
other_processes_are_not_measured(void **state)
{
	(void)state;
	play_start(ROLE_LOCAL, "[service a]\nrun = /bin/a\nevery = 300ms\n"
			       "[service b]\nrun = /bin/b\nevery = 300ms\n");
	struct msg_watch other = { .service = 0,
				   .pid = getpid(),
				   .start_ticks = start_ticks(getpid()) - 1 };
	struct msg_watch ours = { .service = 1,
				  .pid = getpid(),
				  .start_ticks = other.start_ticks + 1 };
	play_tell(MSG_WATCH, &other, -1);
	play_tell(MSG_WATCH, &ours, -1);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(hear_sample().service, 1);
}

static void
matching_processes_are_found(void **state)
{
	char rules[256], name[64];
	struct msg_found found;
	(void)state;
	text_print(name, sizeof name, "monitord-local-test-%d", (int)getpid());
	text_print(rules, sizeof rules, "[service a]\nmatch = ^%s 60$\nevery = 300ms\n",
		   name);
	play_start(ROLE_LOCAL, rules);
	play_hear(MSG_FOUND);
	memcpy(&found, play.packet.items, sizeof found);
	assert_int_equal(found.pid, 0);
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/sleep", name, "60", (char *)NULL);
		_exit(127);
	}
	play_hear(MSG_FOUND);
	memcpy(&found, play.packet.items, sizeof found);
	assert_int_equal(found.service, 0);
	assert_int_equal(found.pid, pid);
	assert_int_equal(found.start_ticks, start_ticks(pid));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	play_hear(MSG_FOUND);
	memcpy(&found, play.packet.items, sizeof found);
	assert_int_equal(found.pid, 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, end)
	const struct CMUnitTest tests[] = {
		TEST(scripts_end_in_many_ways),
		TEST(scripts_that_cannot_be_started),
		TEST(output_without_end_is_read_on),
		TEST(held_output_delays_nothing),
		TEST(a_script_that_is_gone_is_not_told),
		TEST(watched_processes_are_measured),
		TEST(other_processes_are_not_measured),
		TEST(matching_processes_are_found),
	};
	return cmocka_run_group_tests_name("probes_local", tests, NULL, NULL);
}
