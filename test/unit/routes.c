/* The unit tests of routes/: what fronts say, and what it means. */
#include "routes/drivers.h"
#include "rules/driver.h"

#include "test/unit/book.h"
#include "test/unit/unit.h"

#include <string.h>

static struct rules *rules;

#define ROUTE(name) (&rules->routes[rules_find(rules, OBJECT_ROUTE, (name))])

static int
set_up(void **state)
{
	(void)state;
	rules = book(
		"[route first]\nvarnish = 127.0.0.1:1\nbackend = a\nbackend = "
		"vcl.b\nbackend = c\n"
		"[route farm]\napache = http://127.0.0.1:1/bm ads\nbackend = ajp://h:1\n"
		"backend = h:2\nbackend = https://h:3\n"
		"[route lines]\nnginx = /n\nbackend = h:1\nbackend = h:2\nline = server {backend} "
		"max_fails=0;\n"
		"[route peers]\nsquid = /q\nbackend = h:1\nbackend = h:2\n"
		"[route vcls]\nvarnish = 127.0.0.1:1 vcl=it\nbackend = a\nbackend = b\n"
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
		if (switch_parse(ROUTE("all"), flags[i].text, strlen(flags[i].text)) !=
		    flags[i].active)
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
		const struct route *r = ROUTE("all");
		struct haproxy_server list[RULES_BACKENDS_MAX];
		bool good = haproxy_read(r, servers[i].text, list);
		uint64_t active = 0;
		uint32_t missing = RULES_NONE;
		for (uint32_t b = r->backend_count; good && b-- > 0;) {
			if (!list[b].known)
				missing = b;
			else
				active |= (uint64_t)!haproxy_is_out(&list[b]) << b;
		}
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
		struct route r = *ROUTE("first");
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

static void
counts_the_sessions_of_servers(void **state)
{
	static const char text[] =
		"# pxname,svname,qcur,qmax,scur,smax,slim\n"
		"ads,a,0,3,2,9,\nads,b,1,1,0,0,\nother,c,0,0,7,7,\nads,BACKEND,0,0,9,9,\n\n> " SERVERS
		"3 ads 1 a 10.0.0.1 2 0 5 10 99 1 0 2 6 0 0 0 - 8001 - 0 0 - - 0\n"
		"3 ads 2 b 10.0.0.2 2 0 10 10 99 1 0 2 6 0 0 0 - 8002 - 0 0 - - 0\n"
		"3 ads 3 c 10.0.0.3 2 8 10 10 99\n\n> ";
	struct haproxy_server list[RULES_BACKENDS_MAX];
	(void)state;
	assert_true(haproxy_read(ROUTE("all"), text, list));
	assert_int_equal(list[0].sessions, 2);
	assert_int_equal(list[1].sessions, 1); /* that waits in its queue */
	assert_int_equal(list[2].sessions, 0);
	assert_int_equal(list[0].weight, 10); /* as configured */
	assert_int_equal(list[0].port, 8001);
	assert_string_equal(list[1].address, "10.0.0.2");
	assert_int_equal(list[2].admin, 8);
}

#define LINK(balancer, url) "<a href=\"/bm?b=" balancer "&amp;w=" url "&amp;nonce=1-a\">" url "</a></td>"
#define ROW(balancer, url, status, busy)                                                           \
	"<tr>\n<td>" LINK(balancer, url) "<td>r</td><td></td><td>1.00</td><td>0</td><td>" status       \
	"</td><td>4</td><td>" busy "</td><td>0</td></tr>\n"

static const struct {
	const char *page;
	bool good;
	uint64_t known, active, busy;
} pages[] = {
	{ ROW("ads", "ajp://h:1", "Init Ok ", "0") ROW("ads", "http://h:2", "Init Stby Ok ", "3")
	  ROW("ads", "https://h:3", "Init Dis ", "1"), true, 7, 1, 6 },
	{ ROW("ads", "ajp://h:1", "Init Drn Ok ", "2") ROW("ads", "http://h:2", "Init Err ", "0"), true,
	  3, 2, 1 },
	{ ROW("old", "ajp://h:1", "Init Ok ", "0") ROW("ads", "http://h:22", "Init Ok ", "0"), true, 0, 0,
	  0 },
	{ "<a href=\"/bm?b=ads&amp;nonce=1-a\">", true, 0, 0, 0 },
	{ ROW("old", "ajp://h:1", "Init Ok ", "0"), false, 0, 0, 0 },
	{ LINK("ads", "ajp://h:1") "<td>r</td></tr><td></td><td>1</td><td>0</td><td>Ok</td>", true, 0, 0,
	  0 },
	{ "?b=ads&amp;w=", false, 0, 0, 0 },
	{ "", false, 0, 0, 0 },
};

static void
reads_the_page_of_a_balancer(void **state)
{
	struct apache_page p;
	(void)state;
	for (size_t i = 0; i < COUNT(pages); i++) {
		bool good = apache_read(ROUTE("farm"), pages[i].page, &p);
		if (good != pages[i].good || p.known != pages[i].known ||
		    p.active != pages[i].active || p.busy != pages[i].busy)
			fail_msg("row %zu: %d known %llx active %llx busy %llx", i, good,
				 (unsigned long long)p.known,
				 (unsigned long long)p.active,
				 (unsigned long long)p.busy);
		if (good)
			assert_string_equal(p.nonce, "1-a");
	}
	apache_read(ROUTE("farm"), pages[0].page, &p);
	assert_string_equal(p.urls[1], "http://h:2"); /* as it is called there */
}

static const struct {
	const char *route, *text;
	uint64_t active;
} includes[] = {
	{ "lines", "server h:1 max_fails=0;\n", 1 },
	{ "lines", "  server h:2;\r\n\tserver h:1 weight=3;", 3 },
	{ "lines", "server h:1 down;\nserver h:2 max_fails=0 down;\n", 0 },
	{ "lines", "# server h:1;\nserver h:11;\nserver h:2; # down\n", 2 },
	{ "lines", "", 0 },
	{ "peers", "cache_peer h parent 1 0 no-query no-digest originserver name=h:1\n", 1 },
	{ "peers", "cache_peer h parent 2 0 proxy-only\ncache_peer h parent 11 0\n", 2 },
	{ "peers", "cache_peer h sibling 1 0\n", 0 },
};

static void
reads_and_writes_an_include(void **state)
{
	char line[DRIVER_LINE_MAX];
	(void)state;
	for (size_t i = 0; i < COUNT(includes); i++)
		if (driver_read_lines(ROUTE(includes[i].route), includes[i].text,
				      strlen(includes[i].text)) != includes[i].active)
			fail_msg("'%s'", includes[i].text);
	assert_true(driver_line(ROUTE("lines"), 1, line, sizeof line));
	assert_string_equal(line, "server h:2 max_fails=0;");
	assert_true(driver_line(ROUTE("peers"), 0, line, sizeof line));
	assert_string_equal(
		line, "cache_peer h parent 1 0 no-query no-digest originserver name=h:1");
	assert_false(driver_line(ROUTE("peers"), 0, line, 20));
	assert_string_equal(driver_test(ROUTE("lines"))->argv[1], "-t");
}

static const struct {
	const char *json;
	bool good;
	uint64_t known, label, use;
} vcls[] = {
	{ "[2,[\"vcl.list\"],1.5,{\"status\":\"active\",\"name\":\"b\"},{\"status\":\"available\",\"name\":"
	  "\"a\"},{\"status\":\"available\",\"name\":\"it\",\"label\":{\"name\":\"a\"}}]",
	  true, 3, 1, 2 },
	{ "[2,{\"status\":\"active\",\"name\":\"c\"},{\"name\":\"it\",\"label\":{\"name\":\"a\"}}]", true, 0,
	  0, 0 },
	{ "[]", true, 0, 0, 0 },
	{ "{}", false, 0, 0, 0 },
	{ "[", false, 0, 0, 0 },
};

static void
reads_the_list_of_vcls(void **state)
{
	struct route use = *ROUTE("vcls");
	(void)state;
	use.label = NULL;
	for (size_t i = 0; i < COUNT(vcls); i++) {
		uint64_t known, label, active;
		size_t n = strlen(vcls[i].json);
		bool good = varnish_vcls(ROUTE("vcls"), vcls[i].json, n, &known, &label);
		varnish_vcls(&use, vcls[i].json, n, &known, &active);
		if (good != vcls[i].good || known != vcls[i].known ||
		    label != vcls[i].label || active != vcls[i].use)
			fail_msg("'%s': %d known %llx label %llx use %llx", vcls[i].json,
				 good, (unsigned long long)known,
				 (unsigned long long)label, (unsigned long long)active);
	}
	assert_int_equal(varnish_worker("Master: 22230\nWorker: 22709\n"), 22709);
	assert_int_equal(varnish_worker("Master: 22230\n"), 0);
}

static void
reads_what_a_command_prints(void **state)
{
	char words[] = "a  c\tx\n", none[] = "";
	(void)state;
	assert_int_equal(run_parse(ROUTE("all"), words, sizeof words - 1), 5);
	assert_int_equal(run_parse(ROUTE("all"), none, 0), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_flag_file),
		cmocka_unit_test(reads_the_state_of_servers),
		cmocka_unit_test(takes_a_whole_reply),
		cmocka_unit_test(reads_the_list_of_backends),
		cmocka_unit_test(counts_the_sessions_of_servers),
		cmocka_unit_test(reads_the_page_of_a_balancer),
		cmocka_unit_test(reads_and_writes_an_include),
		cmocka_unit_test(reads_the_list_of_vcls),
		cmocka_unit_test(reads_what_a_command_prints),
	};
	return cmocka_run_group_tests_name("routes", tests, set_up, tear_down) != 0;
}
