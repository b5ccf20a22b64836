/* probes/perf.h: performance data of monitoring plugins (Monitoring Plugins Development
 * Guidelines): behind a '|', 'LABEL'=VALUE[UNIT];[WARN];[CRIT];[MIN];[MAX] … */
#ifndef PROBES_PERF_H
#define PROBES_PERF_H

#include <stddef.h>

/* The number behind that label in a plugin's output, as it stands there, without its
 * unit; NaN: there is none. */
double perf_value(const char *output, size_t size, const char *label);

#endif
