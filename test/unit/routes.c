/* The unit tests of routes/: what fronts say, and what it means. */
#include "routes/drivers.h"

#include "test/unit/book.h"
#include "test/unit/unit.h"

#include <string.h>

static struct rules *rules;

static int
set_up(void **state)
{
	(void)state;
	rules = book("[route first]\nvarnish = 127.0.0.1:1\nbackend = a\nbackend = "
		     "vcl.b\nbackend = c\n"
		     "[route all]\nhaproxy = /s ads\nbackend = a\nbackend = b\nbackend = "
		     "c\nactive = all\n");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	rules_free(&rules);
	return 0;
}

static const struct {
	const char *text;
	uint64_t active;
} flags[] = {
	{ "", 0 },          { "a\n", 1 },    { "a", 1 },      { "c\na\n", 5 },
	{ "b\r\n", 2 },     { "b \t\n", 2 }, { " b\n", 0 },   { "aa\nab\n", 0 },
	{ "\n\nc\n\n", 4 }, { "a b\n", 0 },  { "d\nc\n", 4 },
};

static void
reads_a_flag_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(flags); i++)
		if (switch_parse(&rules->routes[1], flags[i].text,
				 strlen(flags[i].text)) != flags[i].active)
			fail_msg("'%s'", flags[i].text);
}

#define SERVERS                                                                          \
	"1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state\n"

static const struct {
	const char *text;
	bool good;
	uint64_t active;
	uint32_t missing;
} servers[] = {
	{ SERVERS "3 ads 1 a 10.0.0.1 2 0 1\n3 ads 2 b 10.0.0.2 2 0 1\n3 ads 3 c "
		  "10.0.0.3 2 0 1\n\n",
	  true, 7, RULES_NONE },
	{ SERVERS "3 ads 1 a ip 0 1 1\n3 ads 2 b ip 2 8 1\n3 ads 3 c ip 0 0 1\n", true, 4,
	  RULES_NONE },
	{ SERVERS "3 ads 1 a ip 2 32 1\n3 ads 2 b ip 2 4 1\n3 ads 3 c ip 2 16 1\n", true,
	  4, RULES_NONE },
	{ SERVERS "3 ads 1 a ip 2 0 1\n3 ads 3 c ip 2 0 1\n", true, 5, 1 },
	{ SERVERS, true, 0, 0 },
	{ SERVERS "3 ads 1 a ip\n3 ads 1 a ip up no\n", true, 0,
	  0 }, /* cut, or of another make */
	{ "No such backend.\n", false, 0, RULES_NONE },
	{ "", false, 0, RULES_NONE },
};

static void
reads_the_state_of_servers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(servers); i++) {
		uint64_t active;
		uint32_t missing;
		bool good = haproxy_parse(&rules->routes[1], servers[i].text, &active,
					  &missing);
		if (good != servers[i].good || active != servers[i].active ||
		    missing != servers[i].missing)
			fail_msg("'%s': %d %llx %u", servers[i].text, good,
				 (unsigned long long)active, missing);
	}
}

static const struct {
	const char *in;
	size_t taken;
	int status;
	const char *body;
} replies[] = {
	{ "200 5       \nhello\n", 19, 200, "hello" },
	{ "107 0       \n\n200", 14, 107, "" },
	{ "200 5       \nhell", 0, 200, NULL },
	{ "200 5       \nhello", 0, 200, NULL },
	{ "200 5", 0, 0, NULL },
	{ "", 0, 0, NULL },
	{ "HTTP/1.1 400 Bad", 0, -1, NULL },
	{ "200 -1      \nhello\n", 0, -1, NULL },
	{ "200 99999999\nhello\n", 0, -1, NULL }, /* more than we would hold */
};

static void
takes_a_whole_reply(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(replies); i++) {
		char in[64], *body = NULL;
		size_t length = 0;
		int status = 0;
		strcpy(in, replies[i].in);
		size_t n =
			varnish_reply(in, strlen(replies[i].in), &status, &body, &length);
		if (n != replies[i].taken || status != replies[i].status)
			fail_msg("'%s': took %zu, status %d", replies[i].in, n, status);
		if (n > 0)
			assert_string_equal(body, replies[i].body);
	}
}

#define LIST(a, b, c)                                                                    \
	"[2,[\"backend.list\"],1795435200.1,{\"vcl.a\":{" a "},\"vcl.b\":{" b            \
	"},\"vcl.c\":{" c "}}]"
#define AUTO "\"admin_health\":\"auto\",\"probe_message\":[5,8,\"good\"]"
#define ILL "\"admin_health\":\"auto\",\"probe_message\":[0,8,\"sick\"]"
#define BARE "\"admin_health\":\"probe\""
#define SICK "\"admin_health\":\"sick\",\"probe_message\":[5,8,\"good\"]"
#define FORCED "\"admin_health\":\"healthy\",\"probe_message\":[0,8,\"sick\"]"

static const struct {
	const char *json;
	bool good;
	uint64_t known, first, all;
} lists[] = {
	{ LIST(AUTO, AUTO, AUTO), true, 7, 1, 7 },
	{ LIST(SICK, AUTO, AUTO), true, 7, 2, 6 },
	{ LIST(ILL, BARE, AUTO), true, 7, 2, 6 },
	{ LIST(ILL, ILL, FORCED), true, 7, 4, 4 },
	{ LIST(ILL, SICK, SICK), true, 7, 0, 0 },
	{ "[1,{\"vcl.a\":{" AUTO "},\"old.b\":{" AUTO "}}]", true, 1, 1,
	  1 }, /* b of another VCL */
	{ "[1,{\"vcl.a\":{}}]", true, 0, 0, 0 },
	{ "[]", false, 0, 0, 0 },
	{ "[1,2]", false, 0, 0, 0 },
	{ "{}", false, 0, 0, 0 },
	{ "[1,{\"vcl.a\":", false, 0, 0, 0 },
	{ "", false, 0, 0, 0 },
};

static void
reads_the_list_of_backends(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(lists); i++) {
		struct varnish_seen s;
		struct route r = rules->routes[0];
		bool good = varnish_parse(&r, lists[i].json, strlen(lists[i].json), &s);
		r.all = false;
		uint64_t first = varnish_active(&r, &s);
		r.all = true;
		if (good != lists[i].good || s.known != lists[i].known ||
		    first != lists[i].first || varnish_active(&r, &s) != lists[i].all)
			fail_msg("'%s': %d known %llx first %llx", lists[i].json, good,
				 (unsigned long long)s.known, (unsigned long long)first);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_flag_file),
		cmocka_unit_test(reads_the_state_of_servers),
		cmocka_unit_test(takes_a_whole_reply),
		cmocka_unit_test(reads_the_list_of_backends),
	};
	return cmocka_run_group_tests_name("routes", tests, set_up, tear_down) != 0;
}
