/* Real processes under the engine: what they say, how they end, why they cannot begin. */
#include "monitord/process.h"

#include "base/clock.h"
#include "monitord/age.h"

#include "test/unit/book.h"
#include "test/unit/folder.h"
#include "test/unit/unit.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static struct {
	struct loop *loop;
	struct rules *rules;
	struct processes *processes;
	struct loop_timer limit;
	const char *until; /* a word of the story that ends the turn */
	char story[2000];  /* what was told, in words */
} stage;

static void
add(const char *words)
{
	size_t n = strlen(stage.story);
	snprintf(stage.story + n, sizeof stage.story - n, "%s%s", n > 0 ? " " : "",
		 words);
	if (stage.until != NULL && strstr(words, stage.until) != NULL)
		loop_stop(stage.loop);
}

static void
on_event(void *arg, const struct event *e)
{
	char words[400] = "";
	(void)arg;
	if (e->kind == EVENT_STARTED)
		snprintf(words, sizeof words, "started");
	else if (e->kind == EVENT_READY)
		snprintf(words, sizeof words, "ready");
	else if (e->kind == EVENT_DYING)
		snprintf(words, sizeof words, "dying");
	else if (e->kind == EVENT_EMPTY)
		snprintf(words, sizeof words, "empty");
	else if (e->kind == EVENT_FOUND)
		snprintf(words, sizeof words, "found");
	else if (e->kind == EVENT_EXITED)
		snprintf(words, sizeof words, "exited %d/%d%s", e->code, e->signal,
			 e->core_dumped ? " core" : "");
	else if (e->kind == EVENT_NOTE || e->kind == EVENT_START_FAILED)
		snprintf(words, sizeof words, "[%s]", e->text);
	else
		snprintf(words, sizeof words, "event %d", (int)e->kind);
	add(words);
}

static void
on_limit(struct loop_timer *timer)
{
	(void)timer;
	add("nothing came");
	loop_stop(stage.loop);
}

static void
until(const char *word)
{
	stage.until = word;
	loop_timer_start(stage.loop, &stage.limit, PATIENCE_MS, 0, on_limit, NULL);
	loop_run(stage.loop);
	loop_timer_stop(&stage.limit);
}

static void
end(void)
{
	char path[4096];
	processes_free(&stage.processes);
	rules_free(&stage.rules);
	loop_free(&stage.loop);
	stage.limit = (struct loop_timer){ 0 }; /* it knew that loop */
	snprintf(path, sizeof path, "%s", folder_read("cgroup"));
	if (*path != '\0')
		rmdir(path);
}

/* A world of one service, begun: PUPPET in its section stands for the test's own program.
 */
static void
begin(const char *section)
{
	char text[4000] = "[service a]\n", why[MSG_TEXT];
	const char *build = getenv("MONITORD_BUILD"), *mark;
	while ((mark = strstr(section, "PUPPET")) != NULL) {
		snprintf(text + strlen(text), sizeof text - strlen(text),
			 "%.*s%s/test/system/puppet", (int)(mark - section), section,
			 build != NULL ? build : ".");
		section = mark + 6;
	}
	snprintf(text + strlen(text), sizeof text - strlen(text), "%s", section);
	stage.story[0] = '\0';
	stage.rules = book(text);
	stage.loop = loop_new(0);
	assert_non_null(stage.loop);
	stage.processes =
		processes_new(stage.loop, stage.rules, folder, on_event, NULL, why);
	assert_non_null(stage.processes);
	process_start(stage.processes, 0);
}

static const struct {
	const char *section, *story;
} plays[] = {
	{ "run = PUPPET exit 3\n", "started exited 3/0 empty" },
	{ "run = PUPPET ready 3 exit 0\nready = fd 3\n",
	  "started ready exited 0/0 empty" },
	{ "run = PUPPET ready 4 exit 0\nready = fd 4 within 9s\n",
	  "started ready exited 0/0 empty" },
	{ "run = PUPPET ready 63 exit 0\nready = fd 63\n",
	  "started ready exited 0/0 empty" },
	{ "run = /bin/sh -c \"printf x >&5; exec sleep 0\"\nready = fd 5\n",
	  "started exited 0/0 empty" }, /* no newline */
	{ "run = PUPPET say READY=1 sleep 300 exit 4\nready = notify\n",
	  "started ready exited 4/0 empty" },
	{ "run = PUPPET say X=1|READY=1|Y=2 sleep 300\nready = notify\n",
	  "started ready exited 0/0 empty" },
	{ "run = PUPPET child READY=1\nready = notify\n",
	  "started ready exited 0/0 empty" }, /* another process of it may speak */
	{ "run = PUPPET say READY=0|READY=11|READ sleep 300\nready = notify\n",
	  "started exited 0/0 empty" },
	{ "run = PUPPET say \"STATUS=half\tdone\" sleep 300\nready = notify\n",
	  "started [service-says a: half done] exited 0/0 empty" },
	{ "run = PUPPET say STATUS=on|STATUS=on|STATUS=off sleep 300\nready = notify\n",
	  "started [service-says a: on] exited 0/0 empty" }, /* not too often */
	{ "run = PUPPET say STOPPING=1 sleep 300\nready = notify\n",
	  "started dying exited 0/0 empty" },
	{ "run = /no/such/program\nready = notify\n",
	  "[running /no/such/program: No such file or directory]" },
	{ "run = /bin/true\nuser = no-such-user\n", "[no such user: no-such-user]" },
	{ "run = /bin/true\ndir = /no/such/folder\n",
	  "[the folder (dir) of /bin/true: No such file or directory]" },
	{ "run = /no/such/program\nready = fd 3\n",
	  "[running /no/such/program: No such file or directory]" },
};

static void
tells_what_becomes_of_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(plays); i++) {
		const char *last = strrchr(plays[i].story, ' ');
		begin(plays[i].section);
		until(*plays[i].story == '[' ? "[" : last + 1);
		end();
		if (strcmp(stage.story, plays[i].story) != 0)
			fail_msg("of\n%sexpected: %s\ngot:      %s", plays[i].section,
				 plays[i].story, stage.story);
	}
}

static void
believes_no_stranger(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	(void)state;
	snprintf(a.sun_path, sizeof a.sun_path, "%s", folder_path("notify/a"));
	begin("run = PUPPET wait\nready = notify\n");
	until("started");
	assert_int_equal(sendto(fd, "READY=1", 7, 0, (struct sockaddr *)&a, sizeof a), 7);
	close(fd);
	process_signal(stage.processes, 0, SIGKILL, SCOPE_TREE);
	until("empty");
	assert_string_equal(stage.story, "started exited -1/9 empty");
	end();
}

/* With a descriptor of its own: some kernels and containers permit none. */
static bool
faults_are_told(void)
{
	struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	char name[64] = "";
	int fd = socket(PF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_CONNECTOR);
	bool may = fd != -1 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
	if (fd != -1)
		close(fd);
	return may && readlink("/proc/self/ns/pid", name, sizeof name - 1) > 0 &&
	       strcmp(name, "pid:[4026531836]") == 0;
}

static void
tells_of_a_fault_before_its_core_is_written(void **state)
{
	char section[4200];
	(void)state;
	if (!faults_are_told())
		skip();
	snprintf(section, sizeof section, "run = PUPPET fill 100 crash\ndir = %s\n",
		 folder);
	begin(section);
	until("empty");
	assert_string_equal(stage.story, "started dying exited -1/11 core empty");
	end();
}

/* Told, but it names nobody: the start command is run. */
static void
a_pid_file_without_a_number(void **state)
{
	static const char *const texts[] = { "none\n", "-5\n", "1\n", "99999999999\n" };
	char section[4200];
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		folder_write("pid", texts[i]);
		assert_int_equal(chmod(folder_path("pid"), 0644), 0);
		snprintf(section, sizeof section, "pidfile = %s\nstart = /bin/true\n",
			 folder_path("pid"));
		begin(section);
		until("started");
		assert_non_null(
			strstr(stage.story, "it holds no process number] started"));
		end();
	}
}

static void
doubtful_pid_files_are_refused(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		const char *why;
	} rows[] = {
		{ "1234567890123456789012345678901234567890\n", 0644,
		  "it is longer than a number" },
		{ "%d\n", 0666, "anybody may write to it" },
		{ NULL, 0, "it is no regular file" },
		{ NULL, 1, "it is a symbolic link" },
	};
	char section[4200], text[100], want[600];
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *path = folder_path("pid");
		unlink(path);
		snprintf(text, sizeof text, "%d\n", (int)getppid());
		folder_write("other", text);
		if (rows[i].text != NULL) {
			folder_write("pid", rows[i].text[0] == '%' ? text : rows[i].text);
			assert_int_equal(chmod(path, rows[i].mode), 0);
		} else {
			assert_int_equal(rows[i].mode == 0
						 ? mkfifo(path, 0600)
						 : symlink(folder_path("other"), path),
					 0);
		}
		snprintf(section, sizeof section, "pidfile = %s\nstart = /bin/false\n",
			 path);
		snprintf(want, sizeof want,
			 "[pidfile-refused a: pid file %s is not believed: %s] "
			 "[pid file %s is not believed: %s]",
			 path, rows[i].why, path, rows[i].why);
		begin(section);
		until("[pid file");
		assert_string_equal(stage.story, want);
		end();
	}
}

/* A service died, its pid file stayed, and its number was given to somebody else. */
static void
an_old_pid_file_names_no_young_process(void **state)
{
	static const struct {
		time_t before_s;
		const char *word, *story;
	} rows[] = {
		{ 3600, "[pid file", "began after it was written] [pid file" },
		{ 0, "found", "found" },
	};
	char section[4200], text[100];
	(void)state;
	pid_t stranger = fork();
	if (stranger == 0) {
		pause();
		_exit(0);
	}
	snprintf(text, sizeof text, "%d\n", (int)stranger);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *path = folder_path("pid");
		struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
		folder_write("pid", text);
		assert_int_equal(chmod(path, 0644), 0);
		times[1].tv_sec = time(NULL) - rows[i].before_s;
		assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
		snprintf(section, sizeof section, "pidfile = %s\nstart = /bin/false\n",
			 path);
		begin(section);
		until(rows[i].word);
		assert_non_null(strstr(stage.story, rows[i].story));
		end();
	}
	kill(stranger, SIGKILL);
	waitpid(stranger, NULL, 0);
}

/* A clock that was set forward since makes nobody younger. */
static void
the_earliest_wall_clock_of_the_boot_is_kept(void **state)
{
	char text[200];
	(void)state;
	int64_t now = age_now_ms(), first = age_boot_ms(folder);
	assert_true(first >= now - 1000 && first <= now + 1000);
	snprintf(text, sizeof text, "%s %lld\n", clock_boot_id(),
		 (long long)now - 7200000);
	folder_write("clock", text);
	assert_int_equal(age_boot_ms(folder), now - 7200000);
	snprintf(text, sizeof text, "%s %lld\n", clock_boot_id(),
		 (long long)now + 7200000);
	folder_write("clock", text); /* it was set back */
	assert_true(age_boot_ms(folder) <= now + 1000);
	folder_write("clock", "of-another-boot 1\n");
	assert_true(age_boot_ms(folder) >= now - 1000);
	assert_false(age_after(100, 1000000, 1000000));
	assert_true(age_after((uint64_t)sysconf(_SC_CLK_TCK) * 11, 1000000, 1000000));
}

static struct {
	char names[100]; /* whose starts failed, as the rules of then call them */
} failed;

static void
on_failed(void *arg, const struct event *e)
{
	size_t n = strlen(failed.names);
	(void)arg;
	if (e->kind != EVENT_START_FAILED)
		return;
	assert_true(e->id < rules_count(stage.rules, OBJECT_SERVICE));
	snprintf(failed.names + n, sizeof failed.names - n, "%s ",
		 rules_name(stage.rules, OBJECT_SERVICE, e->id));
	loop_stop(stage.loop);
}

/* Between a start that failed and the word of it the rules were read again. */
static void
whose_start_failed_is_known_by_name(void **state)
{
	static const char none[] = "run = /bin/true\nlog = /no/such/folder/log\n";
	char text[1000], why[MSG_TEXT];
	(void)state;
	snprintf(text, sizeof text,
		 "[service gone]\n%s[service stays]\n%s[service last]\n%s", none, none,
		 none);
	struct rules *old = stage.rules = book(text);
	stage.loop = loop_new(0);
	stage.processes = processes_new(stage.loop, old, folder, on_failed, NULL, why);
	assert_non_null(stage.processes);
	for (uint32_t i = 0; i < 3; i++)
		process_start(stage.processes, i);
	snprintf(text, sizeof text, "[service stays]\n%s", none);
	stage.rules = book(text);
	assert_true(processes_reload(stage.processes, stage.rules));
	rules_free(&old);
	until(NULL);
	assert_string_equal(failed.names, "stays ");
	process_start(stage.processes, 0); /* nothing else comes before this one's */
	until(NULL);
	assert_string_equal(failed.names, "stays stays ");
	end();
}

int
test_process(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tells_what_becomes_of_them, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(
			tells_of_a_fault_before_its_core_is_written, folder_make,
			folder_remove),
		cmocka_unit_test_setup_teardown(a_pid_file_without_a_number, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(doubtful_pid_files_are_refused,
						folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(an_old_pid_file_names_no_young_process,
						folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(
			the_earliest_wall_clock_of_the_boot_is_kept, folder_make,
			folder_remove),
		cmocka_unit_test_setup_teardown(whose_start_failed_is_known_by_name,
						folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(believes_no_stranger, folder_make,
						folder_remove),
	};
	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
