#include "probes/resolve.h"

#include "test/unit/probes.h"

#include <arpa/inet.h>
#include <string.h>

static const struct {
	const char *host;
	int family; /* 0: it is a name */
} hosts[] = {
	{ "127.0.0.1", AF_INET },
	{ "255.255.255.255", AF_INET },
	{ "::1", AF_INET6 },
	{ "fe80::1", AF_INET6 },
	{ "::ffff:127.0.0.1", AF_INET6 },
	{ "localhost", 0 },
	{ "127.0.0.256", 0 },
	{ "127.1", 0 },
	{ "[::1]", 0 },
	{ "", 0 },
};

static void
takes_literals_at_once(void **state)
{
	struct addresses found;
	char text[64];
	(void)state;
	for (size_t i = 0; i < COUNT(hosts); i++) {
		assert_int_equal(resolve_literal(hosts[i].host, 8080, &found),
				 hosts[i].family != 0);
		assert_int_equal(found.count, hosts[i].family != 0);
		if (found.count == 0)
			continue;
		const union address *a = &found.list[0];
		assert_int_equal(a->any.sa_family, hosts[i].family);
		assert_true(found.good_until_ms == INT64_MAX);
		bool v4 = hosts[i].family == AF_INET;
		assert_int_equal(ntohs(v4 ? a->v4.sin_port : a->v6.sin6_port), 8080);
		inet_ntop(hosts[i].family,
			  v4 ? (const void *)&a->v4.sin_addr
			     : (const void *)&a->v6.sin6_addr,
			  text, sizeof text);
		assert_string_equal(text, hosts[i].host);
	}
}

int
test_probes_resolve(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_literals_at_once),
	};
	return cmocka_run_group_tests_name("probes_resolve", tests, NULL, NULL);
}
