/* rules/common.h: what sections of several kinds ask for. */
#ifndef RULES_COMMON_H
#define RULES_COMMON_H

#include "rules/metric.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RULES_NONE UINT32_MAX /* an id that names nothing */
#define RULES_NAME_MAX 64
#define RULES_BACKENDS_MAX 64
#define RULES_CHECKS_MAX 256 /* of one service: what one event may lead to has a limit */
#define AT_MOST_MAX 63	     /* the core remembers one more crash than may be forgiven */
#define TIMES_IN_MAX 16	     /* firings for escalate, moves for flap that it remembers */

enum object_kind {
	OBJECT_MONITORD, OBJECT_SERVICE, OBJECT_CHECK, OBJECT_RULE, OBJECT_ROUTE, OBJECT_CHAIN,
	OBJECT_CONTACT, OBJECT_KINDS
};
extern const char *const object_kind_name[OBJECT_KINDS];

struct place { /* where a text stood, for messages */
	const char *file;
	unsigned line;
};

/* argv of a command line; argv[0] is absolute; argv[count] is NULL. count 0: none. */
struct command {
	uint32_t count;
	const char *const *argv;
};

struct id_list {
	uint32_t count;
	const uint32_t *ids;
};

struct text_list {
	uint32_t count;
	const char *const *texts;
};

/* "alert = ops, boss after 15m"; set: the key stood there (`none` gives set, count 0). */
struct alert_to {
	uint32_t contact;
	int64_t after_ms;
};
struct alerts_to {
	bool set;
	uint32_t count;
	const struct alert_to *to;
};

/* "remind = 1h, 4h, 24h": after so long, then every 24h; count 0: never. */
#define REMIND_MAX 8
struct remind {
	uint32_t count;
	int64_t ms[REMIND_MAX]; /* grows */
};

enum severity { SEVERITY_WARNING, SEVERITY_CRITICAL, SEVERITIES };
extern const char *const severity_name[SEVERITIES];
/* Times of a week, in minutes since Monday, 00:00; one that ends before it begins goes over
 * its end. None: always. */
struct week_span {
	uint16_t from, to;
};
struct during {
	uint32_t count;
	const struct week_span *spans;
};

/* "N in T"; count 0: no limit. */
struct at_most {
	uint32_t count; /* up to AT_MOST_MAX */
	int64_t within_ms;
};

#endif
