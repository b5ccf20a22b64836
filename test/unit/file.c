/* Small files, and what may stand in their place. */
#include "base/file.h"

#include "test/unit/folder.h"
#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
reads_what_has_room(void **state)
{
	static const struct {
		size_t cap;
		const char *text;
	} rows[] = { { 1, "" }, { 2, "a" }, { 4, "a\nb" }, { 100, "a\nb\n" } };
	char out[100];
	(void)state;
	folder_write("x", "a\nb\n");
	int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < COUNT(rows); i++) {
		memset(out, '#', sizeof out);
		assert_int_equal(file_read(AT_FDCWD, folder_path("x"), out, rows[i].cap),
				 strlen(rows[i].text));
		assert_string_equal(out, rows[i].text);
		assert_int_equal(file_read(at, "x", out, rows[i].cap),
				 strlen(rows[i].text));
	}
	close(at);
}

static void
refuses_what_is_none(void **state)
{
	char out[10] = "before";
	(void)state;
	assert_int_equal(file_read(AT_FDCWD, folder_path("none"), out, sizeof out), -1);
	assert_int_equal(errno, ENOENT);
	assert_string_equal(out, "");
	folder_write("x", "a");
	assert_int_equal(symlink("x", folder_path("link")), 0);
	assert_int_equal(file_read(AT_FDCWD, folder_path("link"), out, sizeof out), -1);
	assert_int_equal(errno, ELOOP);
	assert_int_equal(file_read(AT_FDCWD, folder, out, sizeof out), -1);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(mkfifo(folder_path("fifo"), 0600), 0);
	assert_int_equal(file_read(AT_FDCWD, folder_path("fifo"), out, sizeof out), 0);
}

int
test_file(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_what_has_room, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(refuses_what_is_none, folder_make,
						folder_remove),
	};
	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
