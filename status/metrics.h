/* status/metrics.h: GET /metrics: the store as OpenMetrics 1.0.0 text. */
#ifndef STATUS_METRICS_H
#define STATUS_METRICS_H

#include "status/json.h"
#include "status/store.h"

#define METRICS_TYPE "application/openmetrics-text; version=1.0.0; charset=utf-8"

void metrics_text(const struct store *s, struct json *out);

#endif
