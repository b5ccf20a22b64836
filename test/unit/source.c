/* Rule files on disk: includes, who may own them, the bundle for the helpers. */
#include "test/unit/book.h"
#include "test/unit/unit.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[PATH_MAX];

static char *
in_folder(const char *name)
{
	static char path[PATH_MAX + 64];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void
write_file(const char *name, const char *text)
{
	FILE *f = fopen(in_folder(name), "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(in_folder(name), 0644), 0);
}

static int
set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");
	(void)state;
	snprintf(folder, sizeof folder, "%s/monitord-unit-XXXXXX",
		 tmp != NULL ? tmp : "/tmp");
	return mkdtemp(folder) == NULL || mkdir(in_folder("conf.d"), 0755) != 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = { "a.ini",         "b.ini",
					     "conf.d/1.ini",  "conf.d/2.ini",
					     "conf.d/10.ini", "fifo",
					     "conf.d" };
	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		remove(in_folder(names[i]));
	return rmdir(folder) != 0;
}

/* "FILE:LINE: text" with the folder's name left out. */
static const char *
tested_as(bool privileged, enum test_form form)
{
	static char out[8192];
	char all[8192] = "";
	FILE *f = fmemopen(all, sizeof all, "w");
	assert_non_null(f);
	rules_test(in_folder("a.ini"), privileged, form, NULL, f);
	fclose(f);
	char *to = out;
	for (const char *p = all; *p != '\0';)
		if (strncmp(p, folder, strlen(folder)) == 0)
			p += strlen(folder) + 1;
		else
			*to++ = *p++;
	*to = '\0';
	return out;
}

static const char *
tested(bool privileged)
{
	return tested_as(privileged, TEST_LINES);
}

static const struct {
	const char *a, *said;
} marks[] = {
	{ "[service a]\nrun = /x\nmemry-max = 5G\n",
	  "a.ini:3: [service] has no key 'memry-max' (did you mean 'memory-max'?)\n"
	  "     3 | memry-max = 5G\n"
	  "       | ^^^^^^^^^\n" },
	/* in a continuation; as a word of its own */
	{ "[service cpuu]\nrun = /x\n[rule r]\ndo = log\nwhen = cpuu.up and\n\tcpuu.memroy > 5K\n",
	  "a.ini:5: when: a service has no metric 'memroy' (did you mean 'memory'?)\n"
	  "     6 |  cpuu.memroy > 5K\n"
	  "       |       ^^^^^^\n" },
	/* nothing is quoted: the value */
	{ "[service a]\nrun = /x\n[rule r]\ndo = log\nwhen = a.memory < 0B\n",
	  "a.ini:5: when: this can never be true\n"
	  "     5 | when = a.memory < 0B\n"
	  "       |        ^^^^^^^^^^^^^\n" },
	/* in the section that is spoken of; characters of several bytes take one place */
	{ "[service a]\nrun = /x\nnice = \xc3\xa4\xc3\xa4\n",
	  "a.ini:3: nice: '\xc3\xa4\xc3\xa4' is no number from -20 to 19\n"
	  "     3 | nice = \xc3\xa4\xc3\xa4\n"
	  "       |        ^^\n" },
	{ "[route r]\nswitch = /s\nbackend = x ; it\n",
	  "a.ini:1: warning: [route r]: backend 'x' has no check: it is always taken for healthy\n"
	  "     3 | backend = x ; it\n"
	  "       |           ^\n"
	  "a.ini: 0 services, 0 checks, 0 rules, 1 route: no mistake\n" },
	{ "[monitord]\ninclude = none.ini\n",
	  "a.ini:2: include finds no file: none.ini\n"
	  "     2 | include = none.ini\n"
	  "       |           ^^^^^^^^\n" },
};

static void
lines_are_marked(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(marks); i++) {
		write_file("a.ini", marks[i].a);
		assert_string_equal(tested_as(false, TEST_MARKS), marks[i].said);
	}
	write_file("a.ini",
		   "[service a]\nrun = /x\nnice = \"\\a\"\n[contact c]\nmail = a@b\n");
	assert_string_equal(
		tested_as(false, TEST_JSON),
		"[\n{\"file\":\"a.ini\",\"line\":3,\"column\":8,\"length\":4,\"severity\":"
		"\"error\",\"message\":\"nice: '\\\"\\\\a\\\"' is no number from -20 to 19\"},\n"
		"{\"file\":\"a.ini\",\"line\":4,\"column\":1,\"length\":11,\"severity\":\"error\","
		"\"message\":\"a contact has mail, but [monitord] names no smtp server\"}\n]\n");
	write_file("a.ini", "[service a]\nrun = /x\n");
	assert_string_equal(tested_as(false, TEST_JSON), "[]\n");
}

static void
includes_in_sorted_order(void **state)
{
	struct sources s = { 0 };
	struct problems p = { 0 };
	(void)state;
	write_file("a.ini",
		   "[monitord]\ninclude = conf.d/*.ini ; all\n[service a]\nrun = /x\n");
	write_file("conf.d/1.ini", "[service one]\nrun = /x\n");
	write_file("conf.d/10.ini", "[service ten]\nrun = /x\n");
	write_file("conf.d/2.ini", "[service two]\nrun = /x\n");
	assert_true(sources_read(in_folder("a.ini"), false, &s, &p));
	assert_int_equal(s.count, 4);
	assert_non_null(strstr(s.list[1].path, "conf.d/1.ini"));
	assert_non_null(strstr(s.list[2].path, "conf.d/10.ini"));
	assert_non_null(strstr(s.list[3].path, "conf.d/2.ini"));
	sources_free(&s);
	problems_free(&p);
	assert_string_equal(
		tested(false),
		"a.ini: 4 services, 0 checks, 0 rules, 0 routes: no mistake\n");
}

static const struct {
	const char *a, *b, *said;
} pairs[] = {
	/* the reader and the search for includes agree on what [monitord] looks like */
	{ "[ monitord ]\ninclude = b.ini\n", "[service b]\nrun = x\n",
	  "b.ini:2: run: a command begins with '/'\n" },
	{ "\xef\xbb\xbf[monitord]\ninclude=b.ini\t; all\n", "nothing\n",
	  "b.ini:1: expected KEY = VALUE or [KIND NAME]\n" },
	{ "[service a]\nrun = /x\n[monitord]\ninclude = b.ini\r\n", "run = /x\n",
	  "b.ini:1: 'run' stands before any section\n" },
	{ "[service a]\nrun = /x\ninclude = b.ini\n", "",
	  "a.ini:3: [service] has no key 'include'\n" },
	{ "[monitord]\ninclude = c.ini\n", "",
	  "a.ini:2: include finds no file: c.ini\n" },
	{ "[monitord]\ninclude = c*.ini\n", "",
	  "a.ini: 0 services, 0 checks, 0 rules, 0 routes: no mistake\n" },
	/* each file once, by whatever name */
	{ "[monitord]\ninclude = b.ini\n", "[monitord]\ninclude = a.ini\n",
	  "a.ini: 0 services, 0 checks, 0 rules, 0 routes: no mistake\n" },
	{ "[monitord]\ninclude = ./b.ini\n[service a]\nrun = /x\n",
	  "[monitord]\ninclude = ./../%s/a.ini\n",
	  "a.ini: 1 service, 0 checks, 0 rules, 0 routes: no mistake\n" },
	{ "[monitord]\ninclude = b.ini\n[service a]\nrun = /x\n",
	  "[service a]\nrun = /x\n", "b.ini:1: [service a] stands twice\n" },
	{ "[monitord]\nuid-base = 2000\ninclude = b.ini\n",
	  "[monitord]\n\nuid-base = 3000\n",
	  "b.ini:3: uid-base: stands in a.ini, line 2 already\n" },
	{ "[monitord]\ninclude = conf.d\n", "", "a.ini:2: include: conf.d is no file\n" },
	{ "[monitord]\ninclude = fifo\n", "",
	  "a.ini:2: include: fifo is no file\n" }, /* and nobody waits for it */
};

static void
tells_where(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	for (size_t i = 0; i < COUNT(pairs); i++) {
		char b[PATH_MAX + 100];
		const char *percent = strstr(pairs[i].b, "%s");
		if (percent == NULL)
			snprintf(b, sizeof b, "%s", pairs[i].b);
		else
			snprintf(b, sizeof b, "%.*s%s%s", (int)(percent - pairs[i].b),
				 pairs[i].b, strrchr(folder, '/') + 1, percent + 2);
		write_file("a.ini", pairs[i].a);
		write_file("b.ini", b);
		if (strcmp(tested(false), pairs[i].said) != 0)
			fail_msg("of\n%sand\n%sexpected:\n%sgot:\n%s", pairs[i].a, b,
				 pairs[i].said, tested(false));
	}
}

/* Each level needs stack: a chain of files must not be able to use it up. */
static void
includes_have_a_depth(void **state)
{
	char name[32], text[64];
	(void)state;
	write_file("a.ini", "[monitord]\ninclude = conf.d/1.ini\n");
	for (unsigned i = 1; i <= 17; i++) {
		snprintf(name, sizeof name, "conf.d/%u.ini", i);
		snprintf(text, sizeof text, "[monitord]\ninclude = %u.ini\n", i + 1);
		write_file(name, i == 17 ? "" : text);
	}
	assert_string_equal(tested(false),
			    "conf.d/16.ini:2: include within include, more than "
			    "16 deep: 17.ini\n");
	write_file("conf.d/16.ini", "");
	assert_string_equal(
		tested(false),
		"a.ini: 0 services, 0 checks, 0 rules, 0 routes: no mistake\n");
	for (unsigned i = 1; i <= 17; i++) {
		snprintf(name, sizeof name, "conf.d/%u.ini", i);
		remove(in_folder(name));
	}
}

static void
what_root_runs_is_roots(void **state)
{
	(void)state;
	write_file("a.ini", "[service a]\nrun = /x\n");
	if (geteuid() != 0) { /* what an ordinary user owns is not root's */
		assert_non_null(strstr(tested(true), "a.ini: must belong to root"));
		return;
	}
	assert_string_equal(
		tested(true),
		"a.ini: 1 service, 0 checks, 0 rules, 0 routes: no mistake\n");
	static const mode_t modes[] = { 0664, 0646, 0666 };
	for (size_t i = 0; i < COUNT(modes); i++) {
		assert_int_equal(chmod(in_folder("a.ini"), modes[i]), 0);
		assert_string_equal(
			tested(true),
			"a.ini: must be writable by nobody but root: a.ini\n");
		assert_string_equal(
			tested(false),
			"a.ini: 1 service, 0 checks, 0 rules, 0 routes: no mistake\n");
	}
	write_file("a.ini", "[monitord]\ninclude = conf.d/1.ini\n");
	write_file("conf.d/1.ini", "[service a]\nrun = /x\n");
	assert_int_equal(chmod(in_folder("conf.d"), 0775), 0);
	assert_string_equal(
		tested(true),
		"a.ini:2: include: conf.d/1.ini must be writable by nobody but root: "
		"conf.d\n");
	assert_int_equal(chmod(in_folder("conf.d"), 01777), 0); /* as /tmp is */
	assert_string_equal(
		tested(true),
		"a.ini: 1 service, 0 checks, 0 rules, 0 routes: no mistake\n");
	assert_int_equal(chown(in_folder("conf.d/1.ini"), 65534, 0), 0);
	assert_string_equal(tested(true),
			    "a.ini:2: include: conf.d/1.ini must belong to root, as root "
			    "carries it out: conf.d/1.ini\n");
	/* a link of somebody else, in his own folder, to a file of root's */
	remove(in_folder("conf.d/1.ini"));
	write_file("b.ini", "[service a]\nrun = /x\n");
	assert_int_equal(symlink("../b.ini", in_folder("conf.d/1.ini")), 0);
	assert_string_equal(
		tested(true),
		"a.ini: 1 service, 0 checks, 0 rules, 0 routes: no mistake\n");
	assert_int_equal(lchown(in_folder("conf.d/1.ini"), 65534, 0), 0);
	assert_non_null(strstr(tested(true), "conf.d/1.ini must belong to root"));
	assert_int_equal(lchown(in_folder("conf.d/1.ini"), 0, 0), 0);
	assert_int_equal(chown(in_folder("conf.d"), 65534, 0), 0);
	assert_string_equal(tested(true),
			    "a.ini:2: include: conf.d/1.ini must belong to root, as root "
			    "carries it out: conf.d\n");
	assert_int_equal(chown(in_folder("conf.d"), 0, 0), 0);
}

static void
the_bundle_comes_back(void **state)
{
	struct sources s = { 0 }, back = { 0 };
	struct problems p = { 0 };
	(void)state;
	write_file("a.ini", "[monitord]\ninclude = conf.d/*.ini\n");
	write_file("conf.d/1.ini", "");
	write_file("conf.d/2.ini", "12 34\n[service two]\n");
	assert_true(sources_read(in_folder("a.ini"), false, &s, &p));
	int fd = memfd_create("bundle", MFD_CLOEXEC);
	assert_true(sources_write(&s, fd));
	for (int twice = 0; twice < 2;
	     twice++) { /* from the start, wherever others read to */
		assert_true(sources_from_fd(fd, &back));
		assert_int_equal(back.count, s.count);
		for (size_t i = 0; i < s.count; i++) {
			assert_string_equal(back.list[i].path, s.list[i].path);
			assert_int_equal(back.list[i].size, s.list[i].size);
			assert_memory_equal(back.list[i].text, s.list[i].text,
					    s.list[i].size);
		}
		sources_free(&back);
	}
	off_t size = lseek(fd, 0, SEEK_END);
	for (off_t cut = size - 1; cut >= 0; cut -= 7) { /* a torn one is refused */
		assert_int_equal(ftruncate(fd, cut), 0);
		assert_false(sources_from_fd(fd, &back));
		sources_free(&back);
	}
	close(fd);
	sources_free(&s);
}

int
test_source(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_are_marked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(includes_in_sorted_order, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(tells_where, set_up, tear_down),
		cmocka_unit_test_setup_teardown(includes_have_a_depth, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_root_runs_is_roots, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_bundle_comes_back, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
