#include "monitord/logfile.h"

#include "test/unit/folder.h"
#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
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
	return size_of("log") < *(off_t *)arg;
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

/* Where the head of a file can be cut off, nothing may be lost. */
static bool
can_collapse(void)
{
	int fd = open(folder_path("try"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	bool can = ftruncate(fd, 1 << 20) == 0 &&
		   fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 65536) == 0;
	close(fd);
	unlink(folder_path("try"));
	return can;
}

static void
chat(long lines)
{
	int fd = logfile_open(folder_path("log"), &own); /* never opened again */
	char line[64];
	for (long i = 1; i <= lines; i++) {
		int n = snprintf(line, sizeof line, "%ld says one who never reopens\n",
				 i);
		if (write(fd, line, (size_t)n) != n)
			_exit(1);
	}
	_exit(0);
}

/* Reads the numbers in the old ones and the present one as a single text. */
static long
count(long *gaps)
{
	char name[32], line[256];
	size_t n = 0;
	long lines = 0, last = 0;
	for (int i = 999; i >= 0; i--) {
		snprintf(name, sizeof name, i > 0 ? "log.%d" : "log", i);
		FILE *f = fopen(folder_path(name), "r");
		for (int c; f != NULL && (c = getc(f)) != EOF;) {
			if (n < sizeof line - 1)
				line[n++] = (char)c;
			if (c != '\n')
				continue;
			line[n] = '\0';
			n = 0;
			lines++;
			*gaps += atol(line) != last + 1;
			last = atol(line);
		}
		if (f != NULL)
			fclose(f);
	}
	return lines;
}

static void
a_writer_that_never_reopens_loses_nothing(void **state)
{
	enum { LINES = 200000 };
	off_t limit = 20000;
	long gaps = 0;
	int status;
	(void)state;
	if (!can_collapse())
		skip();
	pid_t pid = fork();
	if (pid == 0)
		chat(LINES);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		logfile_turn(folder_path("log"), (uint64_t)limit, 999);
		usleep(1000);
	}
	assert_int_equal(status, 0);
	logfile_turn(folder_path("log"), (uint64_t)limit, 999);
	assert_true(size_of("log.2") > 0); /* there was more than one turn */
	assert_int_equal(count(&gaps), LINES);
	assert_int_equal(gaps, 0);
}

static void
a_long_one_moves_on(void **state)
{
	(void)state;
	off_t limit =
		1000; /* less than a block: it is copied and cut, as on any file system */
	int fd = logfile_open(folder_path("log"), &own);
	assert_int_equal(symlink(folder_path("bait"), folder_path("log.1")), 0);
	folder_write("bait", "mine");
	for (char letter = 'a'; letter <= 'd'; letter++) {
		fill(fd, letter, 70);
		logfile_turn(folder_path("log"), (uint64_t)limit, 2);
		assert_int_equal(folder_read("log.1")[0], letter);
	}
	assert_int_equal(folder_read("log.2")[0], 'c');
	assert_int_equal(size_of("log.1"), 1120);
	assert_int_equal(size_of("log.3"), -1);
	assert_string_equal(folder_read("bait"), "mine");
	fill(fd, 'e', 70);
	logfile_rotate(folder_path("log"), (uint64_t)limit, 2,
		       &own); /* as the daemon does */
	folder_await(is_short, &limit);
	fill(fd, 'z', 1); /* and the service writes on */
	assert_string_equal(folder_read("log"), "z234567890 2345\n");
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
	small.rlim_cur = 1024;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	off_t size = size_of("log");
	logfile_turn(folder_path("log"), (uint64_t)size, 2);
	assert_true(size_of("log") < size);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(size_of("log.1"), -1);
	close(fd);
}

/* What another may put in the log's place is opened with the service's rights alone. */
static void
a_foreign_folder_lends_no_rights(void **state)
{
	struct account nobody = { .set = true, .uid = 65534, .gid = 65534 };
	(void)state;
	if (geteuid() != 0)
		return;
	assert_int_equal(mkdir(folder_path("theirs"), 0755), 0);
	int fd = open(folder_path("theirs/secret"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd != -1);
	close(fd);
	assert_int_equal(chown(folder_path("theirs"), 65534, 65534), 0);
	assert_int_equal(chmod(folder_path("."), 0755), 0);
	assert_int_equal(logfile_open(folder_path("theirs/secret"), &nobody), -1);
	assert_int_equal(errno, EACCES);
	fd = logfile_open(folder_path("theirs/log"), &nobody);
	assert_true(fd != -1);
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_uid, 65534);
	close(fd);
	/* nor do the groups of who began us; his own do count */
	static const gid_t group = 54321;
	gid_t before[64];
	int count = getgroups(64, before);
	assert_true(count >= 0);
	assert_int_equal(setgroups(1, &group), 0);
	assert_int_equal(chown(folder_path("theirs"), 54322, group), 0);
	assert_int_equal(chmod(folder_path("theirs"), 0770), 0);
	assert_int_equal(logfile_open(folder_path("theirs/more"), &nobody), -1);
	assert_int_equal(errno, EACCES);
	gid_t after[64];
	assert_int_equal(getgroups(64, after), 1);
	assert_int_equal(after[0], group);
	assert_int_equal(setgroups((size_t)count, before), 0);
	nobody.group_count = 1;
	nobody.groups[0] = group;
	fd = logfile_open(folder_path("theirs/more"), &nobody);
	assert_true(fd != -1);
	close(fd);
	unlink(folder_path("theirs/more"));
	/* root's folder: no own rights needed */
	fd = logfile_open(folder_path("log"), &nobody);
	assert_true(fd != -1);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_uid, 0);
	close(fd);
	unlink(folder_path("theirs/secret"));
	unlink(folder_path("theirs/log"));
	rmdir(folder_path("theirs"));
}

int
test_logfile(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_files, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(a_foreign_folder_lends_no_rights, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(opens_for_append, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(a_short_one_stays, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(a_long_one_moves_on, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(a_full_disk_gets_room, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(a_writer_that_never_reopens_loses_nothing,
						folder_make, folder_remove),
	};
	return cmocka_run_group_tests_name("logfile", tests, NULL, NULL);
}
