#include "monitord/absent.h"

#include "test/unit/folder.h"
#include "test/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
	const char *text, *said; /* FILE stands for the file's path */
} rows[] = {
	{ "[service a]\nrun = /bin/sh -c x\nuser = root\ngroup = root\ndir = /\n",
	  "FILE: 1 service, 0 checks, 0 rules, 0 routes: no mistake\n" },
	/* once for all instances; the key's own line, not that of a name like it */
	{ "[service web]\ninstances = 1..3\n; user = web\nuser = no-such-user-here\n"
	  "run = /no/such/program %i\ngroup = no-such-group-here\ndir = /no/such/folder\n",
	  "FILE:4: warning: user: this host has no user 'no-such-user-here'\n"
	  "FILE:5: warning: run: this host has no program '/no/such/program'\n"
	  "FILE:6: warning: group: this host has no group 'no-such-group-here'\n"
	  "FILE:7: warning: dir: this host has no folder '/no/such/folder'\n"
	  "FILE: 3 services, 0 checks, 0 rules, 0 routes: no mistake\n" },
	{ "[service a]\nrun = /etc/passwd\nreload = /etc\n[monitord]\nadmin-group = no-such-group-here\n",
	  "FILE:2: warning: run: '/etc/passwd' cannot be executed\n"
	  "FILE:3: warning: reload: '/etc' cannot be executed\n"
	  "FILE:5: warning: admin-group: this host has no group 'no-such-group-here'\n"
	  "FILE: 1 service, 0 checks, 0 rules, 0 routes: no mistake\n" },
	/* a section that lacks what another one has further down */
	{ "[service a]\npidfile = /run/a\nstart = /no/such/a\n[service b]\npidfile = /run/b\nstop = /no/such/b\n",
	  "FILE:3: warning: start: this host has no program '/no/such/a'\n"
	  "FILE:6: warning: stop: this host has no program '/no/such/b'\n"
	  "FILE: 2 services, 0 checks, 0 rules, 0 routes: no mistake\n" },
	{ "[check c]\nscript = /no/such/plugin\nuser = no-such-user-here\ndo = run /no/such/help\n",
	  "FILE:2: warning: script: this host has no program '/no/such/plugin'\n"
	  "FILE:3: warning: user: this host has no user 'no-such-user-here'\n"
	  "FILE:4: warning: do: this host has no program '/no/such/help'\n"
	  "FILE: 0 services, 1 check, 1 rule, 0 routes: no mistake\n" },
	/* a mistake is all that is told then */
	{ "[service a]\nrun = /no/such/program\nnice = 99\n",
	  "FILE:3: nice: '99' is no number from -20 to 19\n" },
};

/* With the file's path in the place of FILE. */
static void
wanted(char *to, const char *said, const char *path)
{
	while (*said != '\0')
		if (strncmp(said, "FILE", 4) == 0) {
			to += sprintf(to, "%s", path);
			said += 4;
		} else {
			*to++ = *said++;
		}
	*to = '\0';
}

static void
what_the_host_lacks_is_warned_of(void **state)
{
	const char *path = folder_path("a.ini");
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char said[4096] = "", want[4096];
		folder_write("a.ini", rows[i].text);
		FILE *f = fmemopen(said, sizeof said, "w");
		assert_non_null(f);
		rules_test(path, false, TEST_LINES, absent_find, f);
		fclose(f);
		wanted(want, rows[i].said, path);
		assert_string_equal(said, want);
	}
}

/* Its user says who runs it: root, or somebody who owns it anyway. */
static void
what_others_may_change_is_not_roots_to_run(void **state)
{
	static const struct {
		const char *keys;
		bool warns;
	} asked[] = { { "[service a]\nrun = FILE\n", true },
		      { "[service a]\nrun = FILE\nuser = nobody\n", false },
		      { "[service a]\nunit = a\nreload = FILE\n", true },
		      { "[check c]\nscript = FILE\n", false },
		      { "[check c]\nscript = FILE\nuser = root\n", true },
		      { "[check c]\nscript = FILE\ndo = run FILE\n", false } };
	char path[256], program[256], text[1024], said[4096];
	(void)state;
	if (geteuid() != 0)
		skip();
	snprintf(path, sizeof path, "%s", folder_path("a.ini"));
	folder_write("program", "#!/bin/sh\n");
	snprintf(program, sizeof program, "%s", folder_path("program"));
	assert_int_equal(chmod(program, 0755), 0);
	for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
		for (unsigned uid = 0; uid <= 65534; uid += 65534) {
			char want[400] = "";
			wanted(text, asked[i].keys, program);
			folder_write("a.ini", text);
			assert_int_equal(chown(program, uid, 0), 0);
			FILE *f = fmemopen(said, sizeof said, "w");
			assert_non_null(f);
			rules_test(path, false, TEST_LINES, absent_find, f);
			fclose(f);
			snprintf(want, sizeof want, "'%s' must belong to root", program);
			assert_int_equal(strstr(said, want) != NULL,
					 asked[i].warns && uid != 0);
		}
	unlink(program);
}

int
test_absent(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_the_host_lacks_is_warned_of,
						folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(what_others_may_change_is_not_roots_to_run,
						folder_make, folder_remove),
	};
	return cmocka_run_group_tests_name("absent", tests, NULL, NULL);
}
