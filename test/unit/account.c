#include "monitord/account.h"

#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void
names_become_numbers(void **state)
{
	struct account a;
	(void)state;
	assert_int_equal(account_look_up("root", NULL, &a), 0);
	assert_true(a.set && a.uid == 0 && a.gid == 0 && a.group_count > 0);
	assert_string_equal(a.name, "root");
	assert_true(a.home[0] == '/' && a.shell[0] == '/');
	assert_int_equal(account_look_up("nobody", "root", &a), 0);
	assert_true(a.uid != 0 && a.gid == 0);
}

static void
nobody_named_is_ourselves(void **state)
{
	struct account a = { .set = false };
	(void)state;
	assert_true(account_become(&a)); /* nothing to do */
	assert_int_equal(account_look_up(NULL, "root", &a), 0);
	assert_true(a.set && a.uid == getuid());
}

static void
who_is_not_known_is_told(void **state)
{
	struct account a;
	char why[MSG_TEXT];
	(void)state;
	account_why(account_look_up("no-such-user-here", NULL, &a), "no-such-user-here",
		    why);
	assert_string_equal(why, "no such user: no-such-user-here");
	account_why(account_look_up("root", "no-such-group-here", &a), "root", why);
	assert_string_equal(why, "group of user root: no such group");
	account_why(-EAGAIN, NULL, why);
	assert_string_equal(why, "user (own): Resource temporarily unavailable");
}

int
test_account(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_become_numbers),
		cmocka_unit_test(nobody_named_is_ourselves),
		cmocka_unit_test(who_is_not_known_is_told),
	};
	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
