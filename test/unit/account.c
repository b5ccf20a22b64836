#include "monitord/account.h"

#include "test/unit/unit.h"

#include <string.h>
#include <unistd.h>

static void
names_become_numbers(void **state)
{
	struct account a;
	char why[MSG_TEXT];
	(void)state;
	assert_true(account_resolve("root", NULL, &a, why));
	assert_true(a.set && a.uid == 0 && a.gid == 0 && a.group_count > 0);
	assert_string_equal(a.name, "root");
	assert_true(a.home[0] == '/' && a.shell[0] == '/');
	assert_true(account_resolve("nobody", "root", &a, why));
	assert_true(a.uid != 0 && a.gid == 0);
}

static void
nobody_named_is_ourselves(void **state)
{
	struct account a;
	char why[MSG_TEXT];
	(void)state;
	assert_true(account_resolve(NULL, NULL, &a, why));
	assert_false(a.set);
	assert_true(account_become(&a)); /* nothing to do */
	assert_true(account_resolve(NULL, "root", &a, why));
	assert_true(a.set && a.uid == getuid());
}

static void
who_is_not_known_is_told(void **state)
{
	struct account a;
	char why[MSG_TEXT];
	(void)state;
	assert_false(account_resolve("no-such-user-here", NULL, &a, why));
	assert_string_equal(why, "no such user: no-such-user-here");
	assert_false(a.set);
	assert_false(account_resolve("root", "no-such-group-here", &a, why));
	assert_string_equal(why, "group of user root: no such group");
	assert_false(a.set);
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
