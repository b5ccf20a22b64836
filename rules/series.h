/* rules/series.h: what functions over time remember of one metric.
 *
 * A window of a duration is cut into slices; each holds what avg, max, min, rate, growth,
 * changed and forecast need of its samples, or a histogram for percentiles. Memory is of a
 * fixed size, whatever comes: a window reaches back up to one slice further than asked for
 * (a 60th of it; a 16th for percentiles), and a percentile is told to within 4 %.
 */
#ifndef RULES_SERIES_H
#define RULES_SERIES_H

#include "rules/rules.h"

#define SERIES_SLICES 60	 /* at most, of one window */
#define SERIES_HISTOGRAMS 16	 /* slices of a percentile's window */
#define SERIES_CODES 640	 /* 40 octaves of 16 steps */
#define FORECAST_LEAST 12	 /* samples */
#define FORECAST_FIT 0.7	 /* r squared, from which on a line is believed */
#define FORECAST_FLAT 0.1	 /* up to here there is no trend: it stays where it is */

struct slice {
	int64_t first_ms, last_ms;
	uint32_t count;
	double first, last, least, most, sum;
	/* of times in seconds and values, both less the first */
	double t, tt, v, tv, vv;
};

struct series_view {
	struct slice *slices; /* a ring of cap */
	uint32_t *counts;     /* SERIES_CODES for each slice, then of all; NULL: no percentile */
	uint32_t cap, first, used;
	uint32_t mark;	      /* the code at which its percentile stands, */
	uint64_t below, total; /* so many samples are below that, of so many */
	int64_t since_ms;   /* samples came without a gap of a whole window since then */
	int64_t changed_ms; /* when the value was last another; 0: never */
	double last;
	int64_t last_ms; /* of the last sample */
};

/* A line through the samples: at now_ms it is at `value`, and moves by `slope` a second. */
struct series_line {
	double value, slope, fit;
};

/* How many slices its ring needs, for samples that come every_ms. */
uint32_t series_cap(const struct series *s, int64_t every_ms);
bool series_counts(const struct series *s); /* it is of a percentile */
size_t series_counters(uint32_t cap);	    /* so many then */

void series_push(struct series_view *v, const struct series *s, int64_t now_ms, double value);
void series_forget(struct series_view *v);

/* False: not known. *whole: the window is covered; else max can only grow, min only shrink. */
bool series_value(const struct series_view *v, const struct series *s, int64_t now_ms,
		  double *out, bool *whole);
bool series_fit(const struct series_view *v, const struct series *s, int64_t now_ms,
		struct series_line *out);

#endif
