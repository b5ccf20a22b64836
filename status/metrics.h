/* status/metrics.h: GET /metrics: the store as OpenMetrics 1.0.0, or for who knows only that
 * in Prometheus's own text format 0.0.4. */
#ifndef STATUS_METRICS_H
#define STATUS_METRICS_H

#include "status/json.h"
#include "status/recorder.h"
#include "status/store.h"

#define METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define METRICS_CLASSIC "text/plain; version=0.0.4; charset=utf-8"

/* history NULL: there is none. */
void metrics_text(const struct store *s, const struct recorder_state *history, bool classic,
		  struct json *out);

#endif
