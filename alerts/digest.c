/* Storms: the first mail at once, then not more than a contact wants; what has gathered
 * meanwhile goes as one. */
#include "alerts/alerts.h"

#include "base/clock.h"

#define GAP_MS 10000	 /* between mails about different things, at most */
#define GAP_LEAST_MS 100 /* who wants more than that wants each */
#define LOOK_AGAIN_MS 300000 /* the spool takes no longer waits: the clock may be set */

static int64_t
gap_ms(const struct contact *c)
{
	int64_t ms = c->rate_ms / c->rate_count;
	return ms < GAP_LEAST_MS ? 0 : ms < GAP_MS ? ms : GAP_MS;
}

bool
digest_waits(struct alerts *a, const struct contact *c, const struct spool_alert *alert, int64_t now_ms,
	     int64_t *until_ms)
{
	struct spool_pace p;
	*until_ms = 0;
	if (alert->way == WAY_PAGE || alert->way == WAY_RUN)
		return false; /* who is paged groups by itself */
	if (alert->tries > 0)
		return false; /* it had its turn */
	p = spool_pace(a->spool, alert,
		       now_ms - (c->rate_ms > GAP_MS ? c->rate_ms : GAP_MS));
	if (p.count == 0 || p.last_ms > now_ms) /* the clock was set back */
		return false;
	if (p.count >= c->rate_count)
		*until_ms = p.first_ms + c->rate_ms;
	else if ((p.last_thread != alert->thread ||
		  spool_waiting(a->spool, alert, now_ms) > 0) &&
		 alert->severity <= p.last_severity)
		*until_ms = p.last_ms + gap_ms(c);
	if (*until_ms > now_ms + LOOK_AGAIN_MS)
		*until_ms = now_ms + LOOK_AGAIN_MS;
	return *until_ms > now_ms;
}

bool
digest_gather(struct alerts *a, const struct contact *c, const struct spool_alert *alert, const int64_t *busy, size_t busy_count,
	      int64_t now_ms)
{
	if (alert->way == WAY_PAGE || alert->way == WAY_RUN || alert->tries > 0 ||
	    gap_ms(c) == 0 || spool_waiting(a->spool, alert, now_ms) == 0 ||
	    spool_pace(a->spool, alert, now_ms - gap_ms(c) * 6).count == 0)
		return true; /* alone, or the first after a quiet time */
	return alerts_commit(a,
			     spool_begin(a->spool) && spool_bundle(a->spool, alert, busy,
								   busy_count, now_ms),
			     NULL);
}
