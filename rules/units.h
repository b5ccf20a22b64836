/* rules/units.h: values with units, as users write and read them. Each that reads returns false
 * with a message that says which units fit. */
#ifndef RULES_UNITS_H
#define RULES_UNITS_H

#include "rules/metric.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNITS_WHY 200

/* "250ms 5s 2m 1h 7d"; a fraction is allowed ("1.5s"). 0 to 10 years. */
bool units_duration(const char *text, int64_t *out_ms, char why[UNITS_WHY]);
/* "64K 512M 1.5G", powers of 1024; "100B". */
bool units_size(const char *text, double *out, char why[UNITS_WHY]);
/* A whole number without unit, least to most. */
bool units_count(const char *text, uint64_t least, uint64_t most, uint64_t *out,
		 char why[UNITS_WHY]);
/* The threshold of a metric, in the unit that the metric has. */
bool units_value(const char *text, enum unit unit, double *out, char why[UNITS_WHY]);

/* "1.5 GiB", "120 ms", "94.1%", "yes": a metric's value for people; cut off at cap. */
void units_text(enum unit unit, double value, char *out, size_t cap);

#endif
