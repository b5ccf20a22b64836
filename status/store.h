/* status/store.h: the rules in force and the newest view of every object: a copy that may
 * be lost. Views are kept by id; a reload moves them by kind and name until newer ones
 * come. */
#ifndef STATUS_STORE_H
#define STATUS_STORE_H

#include "base/msg.h"
#include "rules/rules.h"
#include "rules/world.h"
#include "status/checks.h"
#include "status/incidents.h"
#include "status/silences.h"

struct views {
	unsigned char *items; /* by id */
	bool *known;
};

struct store {
	struct rules *rules; /* NULL: none yet */
	uint32_t generation;
	bool dry_run; /* by its rules, or asked for when it was started */
	struct views views[OBJECT_KINDS]; /* service, route, rule, chain */
	struct checks *checks;
	struct incidents incidents;
	struct silences silences;
	struct msg_alert_counts alerts;
	bool alerts_known;
	int64_t began_real_ms; /* when monitord began, 0: not known */
	char host[65];
	/* Called once a view has changed. NULL: nobody. */
	void (*changed)(void *arg, enum object_kind kind, uint32_t id);
	void *changed_arg;
};

void store_begin(struct store *s); /* all zero before */

/* Takes the rules of a bundle. False: they cannot be taken, nothing changed. */
bool store_load(struct store *s, int bundle, uint32_t generation);
void store_end(struct store *s); /* gives back what it took */

/* Takes the items of a packet of views; other kinds are ignored. */
void store_take(struct store *s, const struct msg_packet *p);

/* The object of that name; RULES_NONE: none. */
uint32_t store_find(const struct store *s, enum object_kind kind, const char *name);
/* The name of that kind that is most like it; NULL: none is. */
const char *store_nearest(const struct store *s, enum object_kind kind, const char *name);

/* The newest view; NULL: none came yet. */
const struct msg_service_view *store_service(const struct store *s, uint32_t id);
/* It stands in *room. */
const struct msg_check_view *
store_check(const struct store *s, uint32_t id, struct msg_check_view *room);
const struct msg_route_view *store_route(const struct store *s, uint32_t id);
const struct msg_rule_view *store_rule(const struct store *s, uint32_t id);
const struct msg_chain_view *store_chain(const struct store *s, uint32_t id);

#endif
