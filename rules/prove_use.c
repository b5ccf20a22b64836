/* What is there and serves nobody, and what is asked for and is not there. */
#include "rules/prove.h"

#include "base/msg.h"
#include "base/text.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- metrics that only some kinds of checks have ---- */

#define KIND(k) (UINT64_C(1) << CHECK_##k)
#define STORES (KIND(REDIS) | KIND(MEMCACHED))
#define SQL (KIND(PGSQL) | KIND(MYSQL))
#define FRONTS (KIND(VARNISH) | KIND(HAPROXY))
#define WORKERS (KIND(APACHE) | KIND(TOMCAT))
#define WEB (KIND(HTTP) | KIND(HTTPS) | WORKERS)
#define FILES (KIND(FILE) | KIND(DIRECTORY) | KIND(FIFO))
static_assert(CHECK_KINDS <= 64, "the sets of kinds below have no room");

/* 0: any kind may have it. A script's performance data may be anything. */
static const uint64_t kinds_of[METRICS_COUNT] = {
	[METRIC_STATUS] = WEB | KIND(AJP) | KIND(FASTCGI),
	[METRIC_BYTES] = WEB,
	[METRIC_SIZE] = FILES | KIND(FILESYSTEM),
	[METRIC_MODE] = FILES,
	[METRIC_UID] = FILES,
	[METRIC_GID] = FILES,
	[METRIC_MTIME] = FILES,
	[METRIC_CTIME] = FILES,
	[METRIC_ATIME] = FILES,
	[METRIC_ENTRIES] = KIND(DIRECTORY),
	[METRIC_OLDEST] = KIND(DIRECTORY),
	[METRIC_NEWEST] = KIND(DIRECTORY),
	[METRIC_FREE] = KIND(FILESYSTEM),
	[METRIC_USED] = KIND(FILESYSTEM),
	[METRIC_INODES_USED] = KIND(FILESYSTEM),
	[METRIC_READ_ONLY] = KIND(FILESYSTEM),
	[METRIC_MOUNTED] = KIND(FILESYSTEM),
	[METRIC_FREE_PERCENT] = KIND(FILESYSTEM),
	[METRIC_USED_PERCENT] = KIND(FILESYSTEM),
	[METRIC_INODES_USED_PERCENT] = KIND(FILESYSTEM),
	[METRIC_LOAD1] = KIND(SYSTEM),
	[METRIC_LOAD5] = KIND(SYSTEM),
	[METRIC_LOAD15] = KIND(SYSTEM),
	[METRIC_LOAD1_PERCENT] = KIND(SYSTEM),
	[METRIC_LOAD5_PERCENT] = KIND(SYSTEM),
	[METRIC_LOAD15_PERCENT] = KIND(SYSTEM),
	[METRIC_CPU_USED] = KIND(SYSTEM),
	[METRIC_CPU_SYSTEM] = KIND(SYSTEM),
	[METRIC_CPU_WAIT] = KIND(SYSTEM),
	[METRIC_CPU_STEAL] = KIND(SYSTEM),
	[METRIC_MEMORY_USED] = KIND(SYSTEM) | STORES,
	[METRIC_SWAP_USED] = KIND(SYSTEM),
	[METRIC_MEMORY_USED_PERCENT] = KIND(SYSTEM) | STORES,
	[METRIC_SWAP_USED_PERCENT] = KIND(SYSTEM),
	[METRIC_PRESSURE_CPU] = KIND(SYSTEM),
	[METRIC_PRESSURE_MEMORY] = KIND(SYSTEM),
	[METRIC_PRESSURE_IO] = KIND(SYSTEM),
	[METRIC_RECEIVE] = KIND(NETWORK),
	[METRIC_SEND] = KIND(NETWORK),
	[METRIC_SPEED] = KIND(NETWORK),
	[METRIC_ERRORS] = KIND(NETWORK),
	[METRIC_RECEIVE_PERCENT] = KIND(NETWORK),
	[METRIC_SEND_PERCENT] = KIND(NETWORK),
	[METRIC_BACKLOG] = KIND(LISTEN),
	[METRIC_BACKLOG_LIMIT] = KIND(LISTEN),
	[METRIC_BACKLOG_PERCENT] = KIND(LISTEN),
	[METRIC_MATCHES] = KIND(LOG),
	[METRIC_PRIMARY] = KIND(PGSQL) | KIND(REDIS),
	[METRIC_LAG] = KIND(PGSQL) | KIND(REDIS),
	[METRIC_REPLICAS] = KIND(REDIS),
	[METRIC_CLIENTS] = SQL | STORES,
	[METRIC_CLIENTS_PERCENT] = KIND(PGSQL) | STORES,
	[METRIC_EVICTIONS] = STORES,
	[METRIC_ROWS] = SQL,
	[METRIC_RESULT] = SQL,
	[METRIC_BUSY] = WORKERS,
	[METRIC_BUSY_LIMIT] = WORKERS,
	[METRIC_BUSY_PERCENT] = WORKERS,
	[METRIC_REQUESTS] = WORKERS,
	[METRIC_IDLE] = KIND(APACHE),
	[METRIC_STARTING] = KIND(APACHE),
	[METRIC_READING] = KIND(APACHE),
	[METRIC_WRITING] = KIND(APACHE),
	[METRIC_KEEPING] = KIND(APACHE),
	[METRIC_RESOLVING] = KIND(APACHE),
	[METRIC_CLOSING] = KIND(APACHE),
	[METRIC_LOGGING] = KIND(APACHE),
	[METRIC_FINISHING] = KIND(APACHE),
	[METRIC_ANSWERS] = KIND(DNS),
	[METRIC_RCODE] = KIND(DNS),
	[METRIC_TTL] = KIND(DNS),
	[METRIC_STRATUM] = KIND(NTP),
	[METRIC_OFFSET] = KIND(NTP) | KIND(SYSTEM),
	[METRIC_CHECKSUM] = KIND(FILE),
	[METRIC_FDS] = KIND(SYSTEM),
	[METRIC_FDS_PERCENT] = KIND(SYSTEM),
	[METRIC_CPU_USER] = KIND(SYSTEM),
	[METRIC_CPU_NICE] = KIND(SYSTEM),
	[METRIC_CPU_IRQ] = KIND(SYSTEM),
	[METRIC_CLOCK_SYNCED] = KIND(SYSTEM),
	[METRIC_RTT] = KIND(NTP) | KIND(PING),
	[METRIC_LOSS] = KIND(PING),
	[METRIC_SERVERS] = FRONTS,
	[METRIC_SERVERS_UP] = FRONTS,
	[METRIC_SERVERS_UP_PERCENT] = FRONTS,
	[METRIC_QUEUE] = KIND(HAPROXY),
	[METRIC_SESSIONS] = KIND(HAPROXY),
	[METRIC_SESSIONS_PERCENT] = KIND(HAPROXY),
};

static bool
has_metric(const struct check *c, enum metric m)
{
	return kinds_of[m] == 0 || c->kind == CHECK_KINDS || c->kind == CHECK_SCRIPT ||
	       (kinds_of[m] >> c->kind & 1) != 0;
}

uint32_t
check_values_most(const struct check *c)
{
	static uint8_t most[CHECK_KINDS + 1]; /* + 1; 0: not counted yet */
	uint32_t n = 0;
	for (unsigned m = 0; most[c->kind] == 0 && m < METRICS_COUNT; m++) {
		bool verdict = m == METRIC_UP || m == METRIC_DOWN ||
			       m == METRIC_DEGRADED || m == METRIC_STATE ||
			       m == METRIC_LATENCY || m == METRIC_AGE;
		bool host = m == METRIC_UPTIME && c->kind != CHECK_SYSTEM;
		n += !verdict && !host && strchr(metric_table[m].objects, 'C') != NULL &&
		     has_metric(c, (enum metric)m);
	}
	if (most[c->kind] == 0)
		most[c->kind] = (uint8_t)((n < MSG_VALUES ? n : MSG_VALUES) + 1);
	return most[c->kind] - 1u;
}

static void
no_metric(struct build *b, struct place place, const char *key, const struct check *c,
	  enum metric m)
{
	char list[120];
	struct text t;
	text_begin(&t, list, sizeof list);
	for (unsigned k = 0; k < CHECK_KINDS; k++)
		if ((kinds_of[m] >> k & 1) != 0)
			text_add(&t, "%s%s", t.length > 0 ? ", " : "",
				 check_kind_name[k]);
	build_error(b, place,
		    "%s: '%s.%s': a check of kind %s has no such metric (%s has)", key,
		    c->name, metric_table[m].name, check_kind_name[c->kind], list);
}

static void
prove_tests(struct build *b, const char *key, const struct condition *c)
{
	for (uint32_t i = 0; i < c->count; i++) {
		const struct op *op = &c->ops[i];
		if (op->kind != OP_TEST)
			continue;
		if (op->object == OBJECT_CHECK &&
		    !has_metric(&b->rules->checks[op->id], op->metric))
			no_metric(b, c->place, key, &b->rules->checks[op->id],
				  op->metric);
		if (op->object == OBJECT_SERVICE && op->metric == METRIC_EXIT_CODE &&
		    b->rules->services[op->id].run.count == 0)
			build_error(b, c->place,
				    "%s: '%s.exit-code' is never known: the service is "
				    "watched, not run",
				    key, b->rules->services[op->id].name);
	}
}

void
prove_metrics(struct build *b)
{
	const struct rules *r = b->rules;
	for (uint32_t i = 0; i < r->rule_count; i++) {
		prove_tests(b, "when", &r->rules[i].when);
		prove_tests(b, "clear", &r->rules[i].clear);
	}
	for (uint32_t i = 0; i < r->check_count; i++) {
		const struct check *c = &r->checks[i];
		for (uint32_t k = 0; k < c->expect_count + c->warn_count; k++) {
			bool warn = k >= c->expect_count;
			const struct expect *x = &c->expects[k];
			if (x->kind == EXPECT_METRIC && !has_metric(c, x->metric))
				no_metric(b, check_place(b->rules, c),
					  warn ? "warn" : "expect", c, x->metric);
		}
	}
}

/* ---- contacts that nobody uses ---- */

static void
use_all(char *used, const struct alerts_to *to)
{
	for (uint32_t i = 0; i < to->count; i++)
		used[to->to[i].contact] = 1;
}

static void
use_actions(char *used, const struct action *list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (list[i].kind == ACTION_ALERT || list[i].kind == ACTION_PAGE)
			used[list[i].id] = 1;
}

static void
prove_contacts(struct build *b, char *used)
{
	const struct rules *r = b->rules;
	use_all(used, &r->settings.alert);
	for (uint32_t i = 0; i < r->service_count; i++)
		use_all(used, &r->services[i].alert);
	for (uint32_t i = 0; i < r->check_count; i++)
		use_all(used, &r->checks[i].more->alert);
	for (uint32_t i = 0; i < r->route_count; i++)
		use_all(used, &r->routes[i].alert);
	for (uint32_t i = 0; i < r->chain_count; i++)
		use_all(used, &r->chains[i].alert);
	for (uint32_t i = 0; i < r->rule_count; i++) {
		const struct rule *x = &r->rules[i];
		use_all(used, &x->alert);
		use_actions(used, x->actions, x->action_count);
		use_actions(used, x->escalate, x->escalate_count);
	}
	for (uint32_t i = 0; i < r->contact_count; i++) {
		use_all(used, &r->contacts[i].escalate);
		for (uint32_t k = 0; k < r->contacts[i].members.count; k++)
			used[r->contacts[i].members.ids[k]] = 1;
	}
	for (uint32_t i = 0; i < r->contact_count; i++)
		if (!used[i])
			build_warning(b, r->contacts[i].place,
				      "[contact %s]: nobody alerts it",
				      r->contacts[i].name);
}

static struct place
place_of(const struct build *b, enum object_kind kind, uint32_t id)
{
	const struct rules *r = b->rules;
	return kind == OBJECT_SERVICE ? r->services[id].place
	       : kind == OBJECT_CHECK ? check_place(b->rules, &r->checks[id])
	       : kind == OBJECT_RULE  ? r->rules[id].place
	       : kind == OBJECT_ROUTE ? r->routes[id].place
				      : r->chains[id].place;
}

/* To monitorctl `all` is all of them. */
static void
prove_names(struct build *b)
{
	static const enum object_kind kinds[] = { OBJECT_SERVICE, OBJECT_CHECK,
						  OBJECT_RULE, OBJECT_ROUTE,
						  OBJECT_CHAIN };
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
		for (uint32_t i = 0; i < rules_count(b->rules, kinds[k]); i++)
			if (strcmp(rules_name(b->rules, kinds[k], i), "all") == 0)
				build_warning(
					b, place_of(b, kinds[k], i),
					"[%s all]: to monitorctl 'all' is all services: it cannot "
					"name this one",
					object_kind_name[kinds[k]]);
}

/* Told once for all instances. */
static void
prove_matches(struct build *b)
{
	for (uint32_t i = 0; i < b->rules->service_count; i++) {
		const struct service *s = &b->rules->services[i];
		bool sibling = i > 0 && s->family != NULL && s[-1].family == s->family;
		if (s->match != NULL && s->user == NULL && !sibling)
			build_warning(
				b, s->place,
				"[service %s]: match without user: a process that anybody "
				"begins may be taken for it",
				s->family != NULL ? s->family : s->name);
	}
}

void
prove_unused(struct build *b)
{
	const struct rules *r = b->rules;
	prove_names(b);
	prove_matches(b);
	char *used = calloc(r->contact_count + 1, 1);
	if (used == NULL)
		b->out_of_memory = true;
	else
		prove_contacts(b, used);
	free(used);
	for (uint32_t i = 0; i < r->route_count; i++) {
		const struct route *x = &r->routes[i];
		for (uint32_t k = 0; k < x->backend_count; k++)
			if (x->verify != RULES_NONE && x->backends[k].check == x->verify)
				build_warning(
					b, x->place,
					"[route %s]: verify: check '%s' looks at backend '%s' itself: it "
					"proves nothing of the front",
					x->name, rules_name(r, OBJECT_CHECK, x->verify),
					x->backends[k].name);
			else if (x->backends[k].check == RULES_NONE)
				build_warning(b, x->place,
					      "[route %s]: backend '%s' has no check: it "
					      "is always taken for "
					      "healthy",
					      x->name, x->backends[k].name);
	}
}
