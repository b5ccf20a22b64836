#include "rules/during.h"

#define MS_MINUTE 60000
#define MS_DAY ((int64_t)86400000)
#define MS_WEEK (7 * MS_DAY)
#define THURSDAY 3 /* 1970 began on one; weeks begin on Monday */

/* Since Monday, 00:00; not before 1970. */
static int64_t
of_week(int64_t local_ms)
{
	return (local_ms + THURSDAY * MS_DAY) % MS_WEEK;
}

bool
during_holds(const struct during *d, int64_t local_ms)
{
	int64_t at = of_week(local_ms) / MS_MINUTE;
	bool holds = d->count == 0;
	for (uint32_t i = 0; !holds && i < d->count; i++) {
		const struct week_span *s = &d->spans[i];
		holds = s->from < s->to ? at >= s->from && at < s->to
					: at >= s->from || at < s->to;
	}
	return holds;
}

int64_t
during_changes_ms(const struct during *d, int64_t local_ms)
{
	int64_t at = of_week(local_ms), next = DURING_LOOK_MS;
	for (uint32_t i = 0; i < d->count; i++)
		for (int end = 0; end < 2; end++) {
			int64_t edge = (end == 0 ? d->spans[i].from : d->spans[i].to) *
				       (int64_t)MS_MINUTE;
			int64_t left = (edge - at + MS_WEEK) % MS_WEEK;
			if (left > 0 && left < next)
				next = left;
		}
	return next;
}
