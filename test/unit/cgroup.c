/* What is read from and written to a control group, on ordinary files in its place. */
#include "monitord/cgroup.h"

#include "test/unit/folder.h"
#include "test/unit/unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct cgroups groups;

static int
set_up(void **state)
{
	if (folder_make(state) != 0)
		return -1;
	groups.base = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return groups.base == -1;
}

static int
tear_down(void **state)
{
	cgroups_close(&groups);
	return groups.base != -1 || folder_remove(state) != 0;
}

static const struct {
	const char *events;
	int populated;
} texts[] = {
	{ "populated 1\nfrozen 0\n", 1 },
	{ "populated 0\nfrozen 0\n", 0 },
	{ "frozen 1\npopulated 0\n", 0 },
	{ "frozen 1\npopulated 1\n", 1 },
	{ "frozen 0\n", -1 },
	{ "", -1 },
};

static void
says_whether_something_lives(void **state)
{
	int group = cgroup_open(&groups, "svc-a");
	(void)state;
	assert_true(group != -1);
	/* no such file: it was removed, and is empty */
	assert_int_equal(cgroup_populated(group), 0);
	assert_int_equal(cgroup_populated_now(cgroup_events(group)), 0);
	folder_write("svc-a/cgroup.events", "");
	int events = cgroup_events(group);
	assert_true(events != -1);
	for (size_t i = 0; i < COUNT(texts); i++) {
		folder_write("svc-a/cgroup.events", texts[i].events);
		assert_int_equal(cgroup_populated(group), texts[i].populated);
		assert_int_equal(cgroup_populated_now(events), texts[i].populated);
	}
	close(events);
	close(group);
}

static void
counts_all_and_keeps_what_fits(void **state)
{
	pid_t pids[3] = { 0 };
	int group = cgroup_open(&groups, "svc-a");
	(void)state;
	assert_int_equal(cgroup_pids(group, pids, 3), 0);
	folder_write("svc-a/cgroup.procs", "");
	assert_int_equal(cgroup_pids(group, pids, 3), 0);
	folder_write("svc-a/cgroup.procs", "11\n4194304\n13\n14\n15\n");
	assert_int_equal(cgroup_pids(group, pids, 3), 5);
	assert_true(pids[0] == 11 && pids[1] == 4194304 && pids[2] == 13);
	close(group);
}

static void
kills_all_at_once(void **state)
{
	int group = cgroup_open(&groups, "svc-a");
	(void)state;
	folder_write("svc-a/cgroup.kill", "");
	assert_true(cgroup_kill(group));
	assert_string_equal(folder_read("svc-a/cgroup.kill"), "1");
	assert_false(cgroup_set(group, "memory.max",
				"1")); /* a controller that is not there */
	close(group);
}

static bool
is_there(const char *service)
{
	int group = cgroup_find(&groups, service);
	if (group != -1)
		close(group);
	return group != -1;
}

static void
groups_come_and_go(void **state)
{
	struct cgroups none = { .base = -1 };
	(void)state;
	assert_false(is_there("svc-a"));
	int group = cgroup_open(&groups, "svc-a");
	assert_int_equal(fcntl(group, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	close(group);
	group = cgroup_open(&groups, "svc-a"); /* there already */
	assert_true(group != -1);
	close(group);
	assert_true(is_there("svc-a"));
	assert_false(cgroup_has(&groups, "svc-a", getpid()));
	cgroup_remove(&groups, "svc-a");
	assert_false(is_there("svc-a"));
	assert_int_equal(cgroup_open(&none, "svc-a"), -1);
	assert_int_equal(cgroup_find(&none, "svc-a"), -1);
	cgroup_remove(&none, "svc-a");
}

/* Root alone writes to the run directory, and may err: no other file is written, nobody is
 * waited for. */
static void
its_note_is_a_file(void **state)
{
	struct cgroups c;
	struct stat st;
	(void)state;
	folder_write("other", "other");
	assert_int_equal(symlink(folder_path("other"), folder_path("cgroup")), 0);
	cgroups_open(&c, folder);
	bool has = c.base != -1;
	cgroups_close(&c);
	assert_string_equal(folder_read("other"), "other");
	assert_int_equal(lstat(folder_path("cgroup"), &st), 0);
	assert_true(!has || S_ISREG(st.st_mode));
	unlink(folder_path("cgroup"));
	assert_int_equal(mkfifo(folder_path("cgroup"), 0600), 0);
	cgroups_open(&c, folder);
	assert_int_equal(c.base != -1, has);
	cgroups_close(&c);
}

int
test_cgroup(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(says_whether_something_lives, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(counts_all_and_keeps_what_fits, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(kills_all_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(groups_come_and_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(its_note_is_a_file, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
