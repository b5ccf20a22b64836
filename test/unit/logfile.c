#include "monitord/logfile.h"

#include "test/unit/folder.h"
#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct account own;

static off_t
size_of(const char *name)
{
	struct stat st;
	return stat(folder_path(name), &st) == 0 ? st.st_size : -1;
}

/* Fills the log with so many lines of 16 bytes. */
static void
fill(int fd, char letter, unsigned lines)
{
	char line[17];
	snprintf(line, sizeof line, "%c234567890 2345\n", letter);
	for (unsigned i = 0; i < lines; i++)
		assert_int_equal(write(fd, line, 16), 16);
}

static int
is_short(void *arg)
{
	if (size_of("log") < *(off_t *)arg)
		return 1;
	logfile_rotate(folder_path("log"), 8192, 2,
		       &own); /* the one before may not have ended */
	return 0;
}

static void
opens_for_append(void **state)
{
	(void)state;
	int fd = logfile_open(folder_path("log"), &own);
	assert_true(fd != -1);
	fill(fd, 'a', 1);
	close(fd);
	fd = logfile_open(folder_path("log"), &own);
	fill(fd, 'b', 1);
	close(fd);
	assert_string_equal(folder_read("log"), "a234567890 2345\nb234567890 2345\n");
	struct stat st;
	assert_int_equal(stat(folder_path("log"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(symlink(folder_path("log"), folder_path("link")), 0);
	assert_int_equal(logfile_open(folder_path("link"), &own),
			 -1); /* who planted that? */
	assert_int_equal(logfile_open(folder_path("no/log"), &own), -1);
}

/* Who may write in the folder may put anything there: root's loop waits for none of it.
 */
static void
only_files(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(folder_path("fifo"), 0600), 0);
	assert_int_equal(logfile_open(folder_path("fifo"), &own), -1);
	assert_int_equal(errno, EINVAL);
	int reader = open(folder_path("fifo"), O_RDONLY | O_NONBLOCK);
	assert_int_equal(logfile_open(folder_path("fifo"), &own), -1);
	assert_int_equal(errno, EINVAL);
	close(reader);
	int fd = logfile_open("/dev/null", &own);
	assert_true(fd != -1);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
}

static void
a_short_one_stays(void **state)
{
	(void)state;
	int fd = logfile_open(folder_path("log"), &own);
	fill(fd, 'a', 10);
	logfile_rotate(folder_path("log"), 161, 2, &own);
	logfile_rotate(folder_path("none"), 1, 2, &own);
	assert_int_equal(size_of("log"), 160);
	assert_int_equal(size_of("log.1"), -1);
	close(fd);
}

static void
a_long_one_moves_on(void **state)
{
	(void)state;
	int fd = logfile_open(folder_path("log"), &own); /* as the service holds it */
	for (char letter = 'a'; letter <= 'd'; letter++) {
		fill(fd, letter, 512);
		off_t before = size_of("log");
		logfile_rotate(folder_path("log"), 8192, 2, &own);
		folder_await(is_short, &before);
		assert_int_equal(folder_read("log.1")[0], letter);
	}
	assert_int_equal(folder_read("log.2")[0], 'c');
	assert_int_equal(size_of("log.3"), -1);
	assert_int_equal(size_of("log.1"), 8192);
	fill(fd, 'z', 1); /* and the service writes on */
	const char *last = folder_read("log");
	assert_true(strlen(last) >= 16);
	assert_int_equal(last[strlen(last) - 16], 'z');
	close(fd);
}

/* Where the copy finds no room the log is cut all the same. */
static void
a_full_disk_gets_room(void **state)
{
	(void)state;
	struct rlimit before, small;
	int fd = logfile_open(folder_path("log"), &own);
	fill(fd, 'a', 512);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 4096;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	off_t size = size_of("log");
	folder_await(is_short, &size);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(size_of("log.1"), -1);
	close(fd);
}

int
test_logfile(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_files, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(opens_for_append, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(a_short_one_stays, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(a_long_one_moves_on, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(a_full_disk_gets_room, folder_make,
						folder_remove),
	};
	return cmocka_run_group_tests_name("logfile", tests, NULL, NULL);
}
