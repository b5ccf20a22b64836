/* status/values.h: what is known of an object now, as numbers: the one place that says
 * which metrics history keeps, and what counts as available. */
#ifndef STATUS_VALUES_H
#define STATUS_VALUES_H

#include "status/batch.h"
#include "status/store.h"

#define VALUES_MAX (MSG_SAMPLE_VALUES + 8)

struct sampled {
	unsigned metric; /* enum metric */
	double value;    /* NaN: not known */
};

/* Kinds: service, check, route. */
unsigned values_of(const struct store *s, enum object_kind kind, uint32_t id,
		   struct sampled out[VALUES_MAX]);
/* What is measured of a service beside its cpu, memory, threads and fds. */
unsigned
values_more(const struct msg_service_view *v, struct sampled out[MSG_SAMPLE_VALUES]);
enum availability
availability_of(const struct store *s, enum object_kind kind, uint32_t id);

#endif
