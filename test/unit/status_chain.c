/* How a chain is as a whole: by its members, its routes and its end-to-end check. */
#include "rules/parse.h"
#include "rules/world.h"
#include "status/chain.h"
#include "test/unit/status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char text[] =
	"[service front]\nrun = /f\n[service a]\nrun = /a\n[service b]\nrun = /b\n"
	"[service db]\nrun = /d\n"
	"[check ca]\nof = a\ntcp = h:1\n[check cb]\nof = b\ntcp = h:2\n"
	"[check all]\ntcp = h:3\n"
	"[route r]\nswitch = /s\nbackend = a check ca\nbackend = b check cb\n"
	"[chain web]\npath = front -> r -> a -> db\n"
	"[chain seen]\npath = front -> r\ncheck = all\n";

struct row {
	/* states of front a b db (U up, F failed, ? unknown), of ca cb all (U D ?), the
	 * route: backends that carry it, p primary, r rerouted or s stuck */
	const char *services, *checks, *route;
	const char *web, *seen;
};

static const struct row rows[] = {
	{ "UUUU", "UUU", "ap", "primary", "primary" },
	{ "UFUU", "DUU", "br", "secondary: a is not served by the first choice",
	  "secondary: r is not served by the first choice" },
	{ "UFFU", "DDU", "as", "down: a does not serve", "down: r does not serve" },
	{ "UUUF", "UUU", "ap", "down: db does not serve", "primary" },
	{ "FUUU", "UUU", "ap", "down: front does not serve",
	  "down: front does not serve" },
	{ "UUUU", "UUD", "ap", "primary", "down: all is down end to end" },
	{ "UFFU", "DDD", "as", "down: a does not serve",
	  "down: all is down end to end, as is r" },
	{ "?UUU", "UU?", "ap", "unknown: front is not known to serve",
	  "unknown: front is not known to serve" },
	{ "?UUU", "UUU", "ap", "unknown: front is not known to serve",
	  "primary" }, /* it is seen */
	{ "?FUU", "DUU", "br", "unknown: front is not known to serve",
	  "secondary: r is not served by the first choice" },
	{ "UFUF", "DUU", "br", "down: db does not serve",
	  "secondary: r is not served by the first choice" },
};

static void
take(struct store *s, enum msg_kind kind, const void *item, size_t size)
{
	struct msg_packet p = { .head = { .kind = (uint16_t)kind, .count = 1 } };
	memcpy(p.items, item, size);
	store_take(s, &p);
}

static void
set(struct store *s, const struct row *r)
{
	for (uint32_t i = 0; i < 4; i++) {
		struct msg_service_view v = { .service = i,
					      .state = r->services[i] == 'U'
							       ? SERVICE_UP
							       : SERVICE_FAILED };
		if (r->services[i] != '?')
			take(s, MSG_SERVICE_VIEW, &v, sizeof v);
	}
	for (uint32_t i = 0; i < 3; i++) {
		struct msg_check_view v = { .check = i,
					    .state = r->checks[i] == 'U' ? CHECK_UP
						     : r->checks[i] == 'D'
							     ? CHECK_DOWN
							     : CHECK_UNKNOWN };
		take(s, MSG_CHECK_VIEW, &v, sizeof v);
	}
	struct msg_route_view v = { .active = r->route[0] == 'a' ? 1 : 2,
				    .state = r->route[1] == 'p'   ? ROUTE_PRIMARY
					     : r->route[1] == 'r' ? ROUTE_REROUTED
								  : ROUTE_STUCK };
	take(s, MSG_ROUTE_VIEW, &v, sizeof v);
}

static int
bundle(void)
{
	struct source source = { .path = (char *)(uintptr_t) "r.ini",
				 .text = (char *)(uintptr_t)text,
				 .size = strlen(text) };
	struct sources sources = { .list = &source, .count = 1 };
	int fd = memfd_create("rules", MFD_CLOEXEC);
	assert_true(fd != -1 && sources_write(&sources, fd));
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void
served_by_whom(void **state)
{
	unsigned wrong = 0;
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		static struct store s;
		memset(&s, 0, sizeof s);
		int fd = bundle();
		store_begin(&s);
		assert_true(store_load(&s, fd, 1));
		close(fd);
		set(&s, &rows[i]);
		for (uint32_t c = 0; c < 2; c++) {
			char why[200], got[300];
			const char *want = c == 0 ? rows[i].web : rows[i].seen;
			enum chain_state is = chain_state_of(&s, c, why, sizeof why);
			snprintf(got, sizeof got, "%s%s%s", chain_state_name[is],
				 *why != '\0' ? ": " : "", why);
			if (strcmp(got, want) != 0) {
				print_error("row %zu, chain %u: %s, not %s\n", i, c, got,
					    want);
				wrong++;
			}
		}
		store_end(&s);
	}
	assert_int_equal(wrong, 0);
}

int
test_status_chain(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(served_by_whom) };
	return cmocka_run_group_tests_name("chain", tests, NULL, NULL);
}
