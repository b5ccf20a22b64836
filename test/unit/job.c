/* Runs of rules: each has its record as long as it lives. */
#include "monitord/process.h"

#include "test/unit/book.h"
#include "test/unit/folder.h"
#include "test/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static const char text[] = "[check c]\nfile = /\n"
			   "[rule r]\nwhen = c.down\ndo = run /bin/true, run /bin/sleep 1\n";

static struct {
	struct loop *loop;
	struct processes *processes;
	struct loop_timer limit, look;
	const struct rule *rule;
	unsigned ended;
} stage;

static off_t
record_size(void)
{
	struct stat st;
	return stat(folder_path("records/rule r"), &st) == 0 ? st.st_size : 0;
}

static void
begin_run(unsigned number)
{
	static const char *const env[] = { NULL };
	process_run(stage.processes, 0, &stage.rule->actions[number], number + 1, "{}\n",
		    env);
}

/* As decide() has it: the next action of the rule is begun within the news of the one before. */
static void
on_event(void *arg, const struct event *e)
{
	(void)arg;
	if (e->kind != EVENT_RUN_DONE)
		return;
	assert_int_equal(e->token, stage.ended + 1);
	assert_int_equal(e->code, 0);
	if (stage.ended++ == 0) {
		begin_run(1);
		for (int i = 0; i < PATIENCE_MS && record_size() == 0; i++)
			usleep(1000);
	}
	loop_stop(stage.loop);
}

static void
on_limit(struct loop_timer *timer)
{
	(void)timer;
	fail_msg("nothing came");
}

static void
on_known(struct loop_timer *timer)
{
	(void)timer;
	if (!process_run_waits(stage.processes, 0))
		loop_stop(stage.loop);
}

/* Its group goes last. */
static void
on_empty(struct loop_timer *timer)
{
	const char *group = folder_read("cgroup");
	(void)timer;
	if (*group == '\0' || rmdir(group) == 0 || errno == ENOENT)
		loop_stop(stage.loop);
}

static void
until(loop_timer_fn look)
{
	loop_timer_start(stage.loop, &stage.limit, PATIENCE_MS, 0, on_limit, NULL);
	if (look != NULL)
		loop_timer_start(stage.loop, &stage.look, 0, 10, look, NULL);
	loop_run(stage.loop);
	loop_timer_stop(&stage.limit);
	loop_timer_stop(&stage.look);
}

static void
the_next_run_keeps_its_record(void **state)
{
	struct rules *rules = book(text);
	char why[MSG_TEXT];
	(void)state;
	stage.loop = loop_new(0);
	stage.rule = &rules->rules[0];
	stage.processes = processes_new(stage.loop, rules, folder, on_event, NULL, why);
	assert_non_null(stage.processes);
	until(on_known);
	begin_run(0);
	until(NULL);
	assert_int_equal(stage.ended, 1);
	assert_true(record_size() > 0);
	until(NULL);
	assert_int_equal(stage.ended, 2);
	assert_int_equal(record_size(), 0);
	until(on_empty);
	processes_free(&stage.processes);
	rules_free(&rules);
	loop_free(&stage.loop);
}

int
test_job(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_next_run_keeps_its_record,
						folder_make, folder_remove),
	};
	return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
