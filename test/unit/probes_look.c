/* Looks at files and logs by monitord-probes local as a program. */
#include "base/text.h"
#include "rules/metric.h"
#include "test/unit/folder.h"
#include "test/unit/probes_play.h"
#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NOBODY 65534

static int
end(void **state)
{
	play_end();
	play_user = 0;
	return folder_remove(state);
}

static void
file_of(const char *name, size_t bytes, mode_t mode, int64_t age_s)
{
	struct timespec times[2];
	int fd = open(folder_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd != -1);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	clock_gettime(CLOCK_REALTIME, &times[0]);
	times[0].tv_sec -= age_s;
	times[1] = times[0];
	assert_int_equal(futimens(fd, times), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* One look at KIND = FOLDER/NAME with these lines. */
static const struct msg_result *
look(const char *kind, const char *name, const char *lines)
{
	char rules[PATH_MAX + 512];
	text_print(rules, sizeof rules, "[check c]\n%s = %s\nevery = 1d\n%s\n", kind,
		   folder_path(name), lines);
	if (play.helper == 0)
		play_start(ROLE_LOCAL, rules);
	else
		play_load(rules);
	play_pace(0, PACE_NOW);
	return play_result(0, play.count[0] + 1);
}

static const struct {
	const char *kind, *name, *lines;
	enum outcome outcome;
	const char *text;
} files[] = {
	{ "file", "plain", "", OUTCOME_GOOD, "" },
	{ "file", "link", "", OUTCOME_GOOD, "" },
	{ "file", "none", "", OUTCOME_BAD, "No such file or directory" },
	{ "file", "plain/none", "", OUTCOME_BAD, "Not a directory" },
	{ "file", "sub", "", OUTCOME_BAD, "it is a directory, not a file" },
	{ "directory", "sub", "", OUTCOME_GOOD, "" },
	{ "directory", "plain", "", OUTCOME_BAD, "it is a file, not a directory" },
	{ "fifo", "fifo", "", OUTCOME_GOOD, "" },
	{ "fifo", "plain", "", OUTCOME_BAD, "it is a file, not a fifo" },
	{ "file", "plain", "expect = size = 5000B, mode = 0640, mtime < 2h", OUTCOME_GOOD,
	  "" },
	{ "file", "plain", "expect = size > 5K", OUTCOME_BAD,
	  "size 5000B, expected size > 5120B" },
	{ "file", "plain", "expect = mode = 644", OUTCOME_BAD,
	  "mode 640, expected mode = 644" },
	{ "file", "plain", "warn = mtime > 30m", OUTCOME_WARN, "mtime " },
	{ "file", "none", "warn = mtime > 30m", OUTCOME_BAD, "No such file" },
	{ "directory", "sub", "expect = entries = 4, size = 3000B", OUTCOME_GOOD, "" },
	{ "directory", "sub", "expect = oldest > 2d, newest < 2d", OUTCOME_GOOD, "" },
	{ "directory", "sub", "expect = entries < 4", OUTCOME_BAD,
	  "entries 4, expected entries < 4" },
	{ "file", "link", "expect = target = plain", OUTCOME_GOOD, "" },
	{ "file", "link", "expect = target ~ ^pl", OUTCOME_GOOD, "" },
	{ "file", "link", "expect = target = other", OUTCOME_BAD,
	  "target plain, expected target = other" },
	{ "file", "link", "warn = target != other", OUTCOME_WARN, "target plain: warning at target != other" },
	{ "file", "plain", "expect = target = plain", OUTCOME_BAD, "no link, expected target = plain" },
	{ "file", "plain", "expect = target != plain", OUTCOME_GOOD, "" },
	{ "directory", "sub/away", "expect = target = /", OUTCOME_GOOD, "" },
	{ "file", "dangling", "expect = target = nowhere", OUTCOME_BAD, "No such file" },
	{ "file", "none", "expect = target = nowhere", OUTCOME_BAD, "No such file" },
};

static void
files_are_judged(void **state)
{
	(void)state;
	file_of("plain", 5000, 0640, 3600);
	assert_int_equal(symlink("plain", folder_path("link")), 0);
	assert_int_equal(symlink("nowhere", folder_path("dangling")), 0);
	assert_int_equal(mkfifo(folder_path("fifo"), 0600), 0);
	assert_int_equal(mkdir(folder_path("sub"), 0700), 0);
	assert_int_equal(mkdir(folder_path("sub/deep"), 0700), 0);
	file_of("sub/a", 1000, 0600, 86400);
	file_of("sub/deep/b", 2000, 0600, 3 * 86400);
	assert_int_equal(symlink("/", folder_path("sub/away")), 0);
	for (unsigned i = 0; i < COUNT(files); i++) {
		const struct msg_result *r =
			look(files[i].kind, files[i].name, files[i].lines);
		if (r->outcome != files[i].outcome ||
		    strncmp(r->text, files[i].text, strlen(files[i].text)) != 0)
			fail_msg("row %u: expected %d '%s', got %u '%s'", i,
				 (int)files[i].outcome, files[i].text, r->outcome,
				 r->text);
	}
}

static void
what_was_seen_is_told(void **state)
{
	(void)state;
	file_of("plain", 5000, 04750, 3600);
	const struct msg_result *r = look("file", "plain", "");
	assert_true(play_value(r, METRIC_SIZE) == 5000);
	assert_true(play_value(r, METRIC_MODE) == 4750);
	assert_true(play_value(r, METRIC_UID) == geteuid());
	assert_true(play_value(r, METRIC_GID) == getegid());
	assert_true(play_value(r, METRIC_MTIME) >= 3600e3 &&
		    play_value(r, METRIC_MTIME) < 3700e3);
	assert_true(play_value(r, METRIC_CTIME) < 100e3);
	assert_true(isnan(play_value(r, METRIC_ENTRIES)));
	unsigned before = play_fds();
	r = look("directory", ".", "");
	assert_true(isnan(play_value(r, METRIC_ENTRIES))); /* nobody asks */
	r = look("directory", ".", "[rule r]\nwhen = c.entries > 9\ndo = log\n");
	assert_true(play_value(r, METRIC_ENTRIES) == 1);
	play_await_fds(before);
}

/* SHA-256 of "foo", and of "bar" (FIPS 180-4, by sha256sum). */
static void
content_is_hashed(void **state)
{
	static const char foo[] =
		"expect = sha256 = 2c26b46b68ffc68ff99b453c1d30413413422d706"
		"483bfa0f98a5e886266e7ae\n"
		"[rule r]\nwhen = c.checksum = 1\ndo = log\n";
	(void)state;
	folder_write("content", "foo");
	const struct msg_result *r = look("file", "content", foo);
	assert_int_equal(r->outcome, OUTCOME_GOOD);
	assert_true(play_value(r, METRIC_CHECKSUM) == (double)0x2c26b46b68ff);
	folder_write("content", "bar");
	r = look("file", "content", foo);
	assert_int_equal(r->outcome, OUTCOME_BAD);
	assert_memory_equal(r->text, "sha256 fcde2b2edba56bf4", 23);
	assert_true(play_value(r, METRIC_CHECKSUM) == (double)0xfcde2b2edba5);
	r = look("file", "content", "");
	assert_true(isnan(play_value(r, METRIC_CHECKSUM))); /* nobody asks */
}

/* What takes too long is unknown at its deadline, and ends by itself soon after. */
static void
late_is_unknown(void **state)
{
	char name[32], rules[PATH_MAX + 512];
	(void)state;
	for (unsigned i = 0; i < 6000; i++) {
		text_print(name, sizeof name, "%u", i);
		close(open(folder_path(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	}
	text_print(rules, sizeof rules,
		   "[check big]\ndirectory = %s\nevery = 1d\ntimeout = 1ms\n"
		   "expect = entries > 1\n[check small]\ndirectory = %s\nevery = 1d\n",
		   folder, folder);
	play_start(ROLE_LOCAL, rules);
	unsigned before = play_fds();
	play_pace(0, PACE_NOW);
	const struct msg_result *r = play_result(0, 1);
	assert_int_equal(r->outcome, OUTCOME_UNKNOWN);
	assert_non_null(strstr(r->text, "nothing was seen within 1 ms"));
	play_pace(1, PACE_NOW);
	assert_int_equal(play_result(1, 1)->outcome, OUTCOME_GOOD);
	play_await_fds(before);
	r = look("directory", ".", "expect = entries = 6000\ntimeout = 60s\n");
	assert_string_equal(r->text, "");
	assert_int_equal(r->outcome, OUTCOME_GOOD);
}

/* monitord opens what the helper may not see. */
static void
what_may_not_be_seen_is_opened(void **state)
{
	struct msg_open open_for;
	char rules[PATH_MAX + 64];
	(void)state;
	if (geteuid() != 0)
		skip();
	play_user = NOBODY;
	assert_int_equal(chmod(folder, 0711), 0);
	assert_int_equal(mkdir(folder_path("closed"), 0700), 0);
	file_of("closed/secret", 7, 0600, 0);
	text_print(rules, sizeof rules, "[check c]\nfile = %s\nevery = 1d\n",
		   folder_path("closed/secret"));
	play_start(ROLE_LOCAL, rules);
	for (unsigned refused = 0; refused < 2; refused++) {
		play_pace(0, PACE_NOW);
		play_hear(MSG_OPEN);
		memcpy(&open_for, play.packet.items, sizeof open_for);
		assert_int_equal(open_for.what, OPEN_CHECK_FILE);
		struct msg_opened opened = { .what = open_for.what,
					     .id = open_for.id,
					     .token = open_for.token,
					     .error = refused ? EPERM : 0 };
		int fd = refused ? -1
				 : open(folder_path("closed/secret"), O_PATH | O_CLOEXEC);
		play_tell(MSG_OPENED, &opened, fd);
		if (fd != -1)
			close(fd);
		const struct msg_result *r = play_result(0, refused + 1);
		assert_int_equal(r->outcome, refused ? OUTCOME_UNKNOWN : OUTCOME_GOOD);
		if (!refused)
			assert_true(play_value(r, METRIC_SIZE) == 7);
	}
}

/* ---- logs ---- */

static void
append(const char *name, const char *text)
{
	FILE *f = fopen(folder_path(name), "ae");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* The next look of the log's check: its outcome, how its text begins, all matches. */
static void
log_says(enum outcome outcome, const char *text, double matches)
{
	unsigned count = play.count[0] + 1;
	play_pace(0, PACE_NOW);
	const struct msg_result *r = play_result(0, count);
	if (r->outcome != outcome || strncmp(r->text, text, strlen(text)) != 0)
		fail_msg("expected %d '%s', got %u '%s'", (int)outcome, text, r->outcome,
			 r->text);
	assert_true(play_value(r, METRIC_MATCHES) == matches);
}

static void
start_log(const char *lines)
{
	char rules[PATH_MAX + 256];
	text_print(
		rules, sizeof rules,
		"[check c]\nlog = %s\nmatch = SEVERE|Out ?Of ?Memory\nevery = 1d\n%s\n",
		folder_path("log"), lines);
	play_start(ROLE_LOCAL, rules);
}

static void
logs_are_followed(void **state)
{
	(void)state;
	append("log", "SEVERE: of yesterday\n");
	start_log("");
	log_says(OUTCOME_GOOD, "", 0);
	append("log", "INFO: fine\n");
	log_says(OUTCOME_GOOD, "", 0);
	append("log", "SEVERE: \x1b[1mall threads are busy\r\nINFO: fine\n");
	log_says(OUTCOME_BAD, "SEVERE:  [1mall threads are busy", 1);
	log_says(OUTCOME_GOOD, "", 1);
	append("log", "java.lang.OutOfMemory\nSEVERE: a\n");
	log_says(OUTCOME_BAD, "2 lines, the last: SEVERE: a", 3);
	append("log", "SEV"); /* its line has not ended */
	log_says(OUTCOME_GOOD, "", 3);
	append("log", "ERE: b\n");
	log_says(OUTCOME_BAD, "SEVERE: b", 4);
}

static void
rotation_and_truncation_lose_no_line(void **state)
{
	(void)state;
	append("log", "INFO: fine\n");
	start_log("");
	log_says(OUTCOME_GOOD, "", 0);
	unsigned before = play_fds();
	append("log", "SEVERE: at the end\n");
	char from[PATH_MAX + 64];
	text_print(from, sizeof from, "%s", folder_path("log"));
	assert_int_equal(rename(from, folder_path("log.1")), 0);
	append("log", "INFO: fine\nSEVERE: at the beginning\n");
	log_says(OUTCOME_BAD, "2 lines, the last: SEVERE: at the beginning", 2);
	assert_int_equal(truncate(from, 0), 0);
	append("log", "SEVERE: anew\n");
	log_says(OUTCOME_BAD, "SEVERE: anew", 3);
	append("log", "SEVERE: the last");
	assert_int_equal(unlink(from), 0);
	log_says(OUTCOME_BAD, "SEVERE: the last", 4);
	log_says(OUTCOME_UNKNOWN, "No such file", 4);
	append("log", "SEVERE: back\n");
	log_says(OUTCOME_BAD, "SEVERE: back", 5);
	play_await_fds(before);
}

/* Of a long line the first bytes are looked at; it is one line all the same. */
static void
long_lines_are_bounded(void **state)
{
	char text[9000];
	(void)state;
	append("log", "");
	start_log("");
	log_says(OUTCOME_GOOD, "", 0);
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	memcpy(text + 100, "SEVERE", 6);
	memcpy(text + 8000, "SEVERE", 6);
	append("log", text);
	append("log", text);
	append("log", "\n");
	log_says(OUTCOME_BAD, "xxx", 1);
	memset(text + 100, 'x', 6);
	append("log", text);
	append("log", "\nSEVERE: short\n");
	log_says(OUTCOME_BAD, "SEVERE: short", 2);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, end)
	const struct CMUnitTest tests[] = {
		TEST(files_are_judged),
		TEST(what_was_seen_is_told),
		TEST(content_is_hashed),
		TEST(late_is_unknown),
		TEST(what_may_not_be_seen_is_opened),
		TEST(logs_are_followed),
		TEST(rotation_and_truncation_lose_no_line),
		TEST(long_lines_are_bounded),
	};
	return cmocka_run_group_tests_name("probes_look", tests, NULL, NULL);
}
