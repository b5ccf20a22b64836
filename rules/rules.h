/* rules/rules.h: what the rule files asked for: structs that never change once parsed. Each kind
 * of section has a header of its own; this one holds [monitord] and the whole.
 *
 * Everything lies in one arena and lives as long as the struct rules. Ids are indexes into
 * the arrays; the same text gives the same ids in every program. `instances` are already
 * expanded: tomcat-1, tomcat-2, …, with their own checks and rules.
 */
#ifndef RULES_RULES_H
#define RULES_RULES_H

#include "rules/check.h"
#include "rules/common.h"
#include "rules/contact.h"
#include "rules/route.h"
#include "rules/rule.h"
#include "rules/service.h"

enum smtp_tls { SMTP_TLS_NO, SMTP_TLS_STARTTLS, SMTP_TLS_OPTIONAL };

struct settings { /* [monitord] */
	struct place place;
	const char *socket, *state; /* absolute */
	const char *helpers;	    /* folder of the helper programs, NULL: built in */
	struct text_list smtp;	    /* HOST:PORT, in order of preference */
	enum smtp_tls smtp_tls;
	const char *smtp_user, *smtp_password, *smtp_password_file, *smtp_ca, *from;
	const char *http; /* HOST:PORT or NULL */
	const char *http_token_file; /* who shows its content over TCP may act; or NULL */
	const char *admin_group, *read_group;
	uint32_t uid_base;
	bool stop_services_on_stop; /* on-stop = stop */
	bool dry_run; /* nothing is done, all is told */
	struct at_most actions;
	struct alerts_to alert;
	struct remind remind;
	const char *heartbeat; /* URL, NULL: none */
	int64_t heartbeat_ms;
	uint32_t starts_at_once;
	uint64_t history_bytes; /* 0: off */
	int64_t record_ms;	/* measurements as they came; 0: off */
	uint64_t record_bytes;
	/* defaults of checks, services, rules */
	int64_t every_ms, timeout_ms, cooldown_ms;
	uint32_t down_need, down_of;
	int64_t down_ms;
	uint32_t up_need;
	int64_t up_ms;
};

struct rules {
	struct settings settings;
	struct service *services;
	struct check *checks;
	struct rule *rules;
	struct route *routes;
	struct chain *chains;
	struct contact *contacts;
	const char **files; /* that they stood in */
	uint32_t file_count;
	struct series *series;
	uint32_t series_count;
	uint32_t service_count, check_count, rule_count, route_count, chain_count, contact_count;
};

/* Where its section begins. */
struct place check_place(const struct rules *rules, const struct check *c);

/* How often the object is measured; 0: it is not. */
int64_t rules_every_ms(const struct rules *rules, enum object_kind kind, uint32_t id);

/* Looks a name up (hash table inside); RULES_NONE: none. */
uint32_t rules_find(const struct rules *rules, enum object_kind kind, const char *name);
/* That of a check's `do` has no name but the check's. */
uint32_t rules_rule(const struct rules *rules, const char *name);
const char *rules_name(const struct rules *rules, enum object_kind kind, uint32_t id);
uint32_t rules_count(const struct rules *rules, enum object_kind kind);
/* "3 services, 1 check, 0 rules, 1 route". cap >= 128. */
char *rules_counts(const struct rules *rules, char *out, size_t cap);

/* Who hears of this object: the nearest `alert`: check or rule, its service, chain, [monitord]. */
const struct alerts_to *rules_alerts(const struct rules *rules, enum object_kind kind, uint32_t id);

/* When people hear of it: a check's own times, or its service's. NULL: always. */
const struct during *rules_during(const struct rules *rules, enum object_kind kind, uint32_t id);

void rules_free(struct rules **rp);

#endif
