/* probes/plan.h: what a check needs to be carried out many times: compiled regexes, its
 * request, how much of an answer it wants. */
#ifndef PROBES_PLAN_H
#define PROBES_PLAN_H

#include "rules/rules.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define PLAN_UNIQUE "{unique}" /* in a request: a number that does not repeat */
#define PLAN_REQUEST 65536 /* bytes of a request */

#define PLAN_WORDS ((METRICS_COUNT + 63) / 64)

struct plan_tests { /* what a check without expect, warn and rules needs not */
	pcre2_code **expects; /* by index of check->expects; NULL: no regex there */
	pcre2_code **warns;
	uint64_t body_enough; /* bytes of the body that decide all tests of it; 0: only
				 its end does */
	uint64_t wanted[PLAN_WORDS]; /* bit set of metrics that a test or a rule reads */
};

struct plan {
	const struct check *check; /* borrowed from the rules */
	const struct plan_tests *tests; /* never NULL */
	uint32_t route;  /* the route that it verifies, or RULES_NONE */
	bool unique;     /* {unique} stands in its request */
	bool talks;      /* something is sent or awaited behind the connection */
	bool wants_body; /* its end must be seen: a test or a rule looks at its size or
			    text */
	bool keeps_body; /* a test looks at its text */
};

/* False: out of memory; plan_free is due all the same. */
bool plan_make(struct plan *p, const struct rules *rules, uint32_t check);
void plan_free(struct plan *p);
bool plan_starttls(const struct plan *p); /* encrypt = starttls */
/* Some test or rule reads that metric of it. */
bool plan_wants(const struct plan *p, enum metric m);

#endif
