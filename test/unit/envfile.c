/* Files of variables: what their lines mean, whose they must be, and why a start fails.
 */
#include "monitord/envfile.h"
#include "monitord/spawn.h"

#include "test/unit/book.h"
#include "test/unit/folder.h"
#include "test/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	const char *text,
		*out; /* assignments with '|' between them; '!' where it is wrong */
} files[] = {
	{ "", "" },
	{ "A=1\nB=2", "A=1|B=2|" },
	{ "\n\n  # A=1\n;B=2\n\tC = 3 \n", "!" },
	{ "A=b c \t\r\n\r\n_x1=$HOME `id`\n", "A=b c|_x1=$HOME `id`|" },
	{ "A=\nB=\"\"\nC='a \"b'\nD=\"\nE='a\"\n", "A=|B=|C=a \"b|D=\"|E='a\"|" },
	{ "A=1\nexport B=2\nC=3\n", "A=1|!" },
	{ "1A=1\n", "!" },
	{ "=1\n", "!" },
	{ "A\n", "!" },
	{ "A=1=2\n", "A=1=2|" },
};

static void
lines_are_assignments(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		char text[200], out[200] = "", *at = text, *line;
		bool good;
		snprintf(text, sizeof text, "%s", files[i].text);
		while ((line = envfile_next(&at, &good)) != NULL)
			snprintf(out + strlen(out), sizeof out - strlen(out), "%s|",
				 line);
		if (!good)
			strcat(out, "!");
		assert_string_equal(out, files[i].out);
	}
}

static const struct account own;

static void
who_may_write_it_is_trusted(void **state)
{
	char text[ENVFILE_MAX];
	(void)state;
	folder_write("env", "A=1\n");
	assert_int_equal(chmod(folder_path("env"), 0644), 0);
	assert_int_equal(envfile_read(folder_path("env"), &own, text), 4);
	assert_string_equal(text, "A=1\n");
	for (mode_t mode = 0620; mode <= 0622; mode += 2) {
		assert_int_equal(chmod(folder_path("env"), mode), 0);
		assert_int_equal(envfile_read(folder_path("env"), &own, text), -1);
		assert_int_equal(errno, EPERM);
	}
	assert_int_equal(envfile_read(folder_path("none"), &own, text), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(mkfifo(folder_path("fifo"), 0600), 0);
	assert_int_equal(envfile_read(folder_path("fifo"), &own, text), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(truncate(folder_path("env"), ENVFILE_MAX), 0);
	assert_int_equal(chmod(folder_path("env"), 0600), 0);
	assert_int_equal(envfile_read(folder_path("env"), &own, text), -1);
	assert_int_equal(errno, EFBIG);
}

/* In its user's folder a link may lead to what only root may read: it is read as the user. */
static void
it_shows_nobody_roots_secrets(void **state)
{
	struct account nobody = { .set = true, .uid = 65534, .gid = 65534 };
	char text[ENVFILE_MAX], link[PATH_MAX];
	(void)state;
	if (geteuid() != 0)
		skip();
	folder_write("secret", "KEY=root\n");
	assert_int_equal(chmod(folder_path("secret"), 0600), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	/* root's file in root's folder: for the service, as the rules say */
	assert_int_equal(envfile_read(folder_path("secret"), &nobody, text), 9);
	assert_int_equal(mkdir(folder_path("theirs"), 0755), 0);
	snprintf(link, sizeof link, "%s/env", folder_path("theirs"));
	assert_int_equal(symlink(folder_path("secret"), link), 0);
	assert_int_equal(chown(folder_path("theirs"), nobody.uid, nobody.gid), 0);
	assert_int_equal(envfile_read(link, &nobody, text), -1);
	assert_int_equal(errno, EACCES);
	/* root's link leads into their folder, and on from there */
	assert_int_equal(symlink(link, folder_path("env")), 0);
	assert_int_equal(envfile_read(folder_path("env"), &nobody, text), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(chmod(folder_path("secret"), 0644), 0);
	assert_int_equal(envfile_read(folder_path("env"), &nobody, text), 9);
}

/* What a service says at its start, or why there is none. */
static void
start(const char *section, char *out, size_t cap)
{
	char text[9000];
	snprintf(text, sizeof text, "[service a]\n%s", section);
	struct rules *r = book(text);
	struct spawn_failure f = { 0 };
	struct spawned p;
	int fds[2];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	struct spawn s = { .argv = r->services[0].run.argv,
			   .service = &r->services[0],
			   .in = -1,
			   .out = fds[1],
			   .err = fds[1],
			   .cgroup = -1,
			   .record = -1,
			   .lock = -1,
			   .ready = -1 };
	assert_true(spawn(&s, &p));
	close(fds[1]);
	struct pollfd end = { .fd = p.pidfd, .events = POLLIN };
	assert_int_equal(poll(&end, 1, 20000), 1);
	assert_int_equal(waitpid(p.pid, NULL, 0), p.pid);
	ssize_t n = read(fds[0], out, cap - 1);
	out[n > 0 ? n : 0] = '\0';
	if (read(p.failure, &f, sizeof f) == (ssize_t)sizeof f)
		spawn_failure_text(&f, "X", out, cap);
	close(fds[0]);
	close(p.failure);
	close(p.pidfd);
	rules_free(&r);
}

static void
they_reach_the_service(void **state)
{
	char section[5000], out[1000];
	(void)state;
	folder_write("env", "# ours\nA=file\nHOME='/srv'\n");
	assert_int_equal(chmod(folder_path("env"), 0600), 0);
	snprintf(section, sizeof section,
		 "run = /bin/sh -c \"echo $A $HOME $B\"\nenv = A=rules\nenv = B=b\n"
		 "env-file = %s\n",
		 folder_path("env"));
	start(section, out, sizeof out);
	assert_string_equal(out, "file /srv b\n");
	folder_write("env", "A=1\nnonsense\n");
	start(section, out, sizeof out);
	assert_string_equal(out, "the env-file of X: Invalid argument");
	start("run = /bin/true\nenv-file = /no/such/file\n", out, sizeof out);
	assert_string_equal(out, "the env-file of X: No such file or directory");
}

static void
a_score_is_set(void **state)
{
	char out[200];
	(void)state;
	start("run = /bin/cat /proc/self/oom_score_adj\noom-score = 321\n", out,
	      sizeof out);
	assert_string_equal(out, "321\n");
}

static void
programs_that_cannot_run(void **state)
{
	static const struct {
		const char *first, *said;
	} programs[] = {
		{ "#!/no/such/interpreter\n",
		  "the interpreter of X: No such file or directory" },
		{ "no program at all\n", "running X: Exec format error" },
	};
	char section[5000], out[1000];
	(void)state;
	snprintf(section, sizeof section, "run = %s\n", folder_path("program"));
	for (size_t i = 0; i < COUNT(programs); i++) {
		folder_write("program", programs[i].first);
		assert_int_equal(chmod(folder_path("program"), 0755), 0);
		start(section, out, sizeof out);
		assert_string_equal(out, programs[i].said);
	}
	int fd = open(folder_path("program"), O_WRONLY | O_CLOEXEC);
	start(section, out, sizeof out);
	assert_string_equal(out, "running X: Text file busy");
	close(fd);
	assert_int_equal(chmod(folder_path("program"), 0644), 0);
	start(section, out, sizeof out);
	assert_string_equal(out, "running X: Permission denied");
}

int
test_envfile(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_assignments),
		cmocka_unit_test_setup_teardown(who_may_write_it_is_trusted, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(it_shows_nobody_roots_secrets, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(they_reach_the_service, folder_make,
						folder_remove),
		cmocka_unit_test(a_score_is_set),
		cmocka_unit_test_setup_teardown(programs_that_cannot_run, folder_make,
						folder_remove),
	};
	return cmocka_run_group_tests_name("envfile", tests, NULL, NULL);
}
