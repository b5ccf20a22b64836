#include "rules/series.h"

#include <math.h>
#include <string.h>

#define CODES_OCTAVE 16
#define COVERED 0.9 /* of the window */

static bool
is_percentile(enum function f)
{
	return f == FUNCTION_P95 || f == FUNCTION_P99;
}

bool
series_counts(const struct series *s)
{
	return is_percentile(s->function);
}

uint32_t
series_cap(const struct series *s, int64_t every_ms)
{
	if (series_counts(s))
		return SERIES_HISTOGRAMS + 1;
	if (s->function == FUNCTION_CHANGED)
		return 1; /* it needs none */
	int64_t n = every_ms > 0 ? s->span_ms / every_ms : SERIES_SLICES;
	return (uint32_t)(n < 2 ? 2 : n > SERIES_SLICES ? SERIES_SLICES : n) + 1;
}

size_t
series_counters(uint32_t cap)
{
	return (size_t)(cap + 1) * SERIES_CODES;
}

/* ---- histograms: 16 steps an octave, so that a step's middle is off by 3.2 % at most
 * ---- */

/* The power of two that the second step begins at; the first holds all below. */
static int
lowest(const struct series *s)
{
	enum unit unit = metric_table[s->metric].unit;
	return unit == UNIT_BYTES || unit == UNIT_RATE ? 7 : -10;
}

static uint32_t
code_of(const struct series *s, double value)
{
	int exponent;
	if (!(value > 0))
		return 0;
	double mantissa = frexp(value, &exponent); /* 0.5 to 1 */
	int64_t code = (int64_t)(exponent - 1 - lowest(s)) * CODES_OCTAVE +
		       (int64_t)((mantissa - 0.5) * 2 * CODES_OCTAVE) + 1;
	return code < 0 ? 0 : code >= SERIES_CODES ? SERIES_CODES - 1 : (uint32_t)code;
}

static double
value_of(const struct series *s, uint32_t code)
{
	if (code == 0)
		return 0;
	uint32_t octave = (code - 1) / CODES_OCTAVE, step = (code - 1) % CODES_OCTAVE;
	return ldexp(1 + (step + 0.5) / CODES_OCTAVE, (int)octave + lowest(s));
}

/* ---- the ring ---- */

static struct slice *
slice_at(const struct series_view *v, uint32_t i)
{
	return &v->slices[(v->first + i) % v->cap];
}

static bool
is_in(const struct slice *x, const struct series *s, int64_t now_ms)
{
	return now_ms - x->last_ms <= s->span_ms;
}

/* ---- the ring's histogram: what comes and goes moves the mark by a step or two ---- */

static uint32_t *
counts_of(const struct series_view *v, const struct slice *x)
{
	return v->counts + (size_t)(x - v->slices) * SERIES_CODES;
}

static uint32_t *
sums(const struct series_view *v)
{
	return v->counts + (size_t)v->cap * SERIES_CODES;
}

/* Of the sample that so many percent are not above. */
static uint64_t
rank_of(const struct series *s, uint64_t total)
{
	uint64_t part = s->function == FUNCTION_P95 ? 95 : 99;
	return (total * part + 99) / 100;
}

static void
count_one(struct series_view *v, const struct series *s, const struct slice *x, double value)
{
	uint32_t code = code_of(s, value), *all = sums(v);
	counts_of(v, x)[code]++;
	all[code]++;
	v->total++;
	v->below += code < v->mark;
	uint64_t rank = rank_of(s, v->total);
	while (v->below >= rank)
		v->below -= all[--v->mark];
	while (v->below + all[v->mark] < rank)
		v->below += all[v->mark++];
}

static void
count_off(struct series_view *v, const struct slice *x)
{
	uint32_t *gone = counts_of(v, x), *all = sums(v);
	for (uint32_t code = 0; code < SERIES_CODES; code++) {
		all[code] -= gone[code];
		v->below -= code < v->mark ? gone[code] : 0;
	}
	v->total -= x->count;
	memset(gone, 0, SERIES_CODES * sizeof *gone);
}

static void
drop_oldest(struct series_view *v)
{
	if (v->counts != NULL)
		count_off(v, slice_at(v, 0));
	v->first = (v->first + 1) % v->cap;
	v->used--;
}

static void
drop_old(struct series_view *v, const struct series *s, int64_t now_ms)
{
	while (v->used > 0 && !is_in(slice_at(v, 0), s, now_ms))
		drop_oldest(v);
}

static struct slice *
slice_for(struct series_view *v, const struct series *s, int64_t now_ms, double value)
{
	struct slice *x = v->used > 0 ? slice_at(v, v->used - 1) : NULL;
	if (x != NULL && now_ms - x->first_ms < s->span_ms / (v->cap - 1))
		return x;
	if (v->used == v->cap) /* they came unevenly: the oldest goes a little early */
		drop_oldest(v);
	x = slice_at(v, v->used++);
	*x = (struct slice){
		.first_ms = now_ms, .first = value, .least = value, .most = value
	};
	return x;
}

/* The last value stands until another one comes, however long that takes. */
static void
note_change(struct series_view *v, int64_t now_ms, double value)
{
	if (v->used == 0) {
		v->since_ms = now_ms;
		v->changed_ms = 0;
	} else if (fabs(value - v->last) > 0) {
		v->changed_ms = now_ms;
	}
	v->used = 1;
	v->last = value;
	v->last_ms = now_ms;
}

void
series_push(struct series_view *v, const struct series *s, int64_t now_ms, double value)
{
	if (!isfinite(value))
		return;
	if (s->function == FUNCTION_CHANGED) {
		note_change(v, now_ms, value);
		return;
	}
	drop_old(v, s, now_ms);
	if (v->used == 0)
		v->since_ms = now_ms;
	v->last = value;
	v->last_ms = now_ms;
	struct slice *x = slice_for(v, s, now_ms, value);
	double t = (double)(now_ms - x->first_ms) / 1000, d = value - x->first;
	x->last_ms = now_ms;
	x->last = value;
	x->count++;
	x->least = fmin(x->least, value);
	x->most = fmax(x->most, value);
	x->sum += value;
	x->t += t;
	x->tt += t * t;
	x->v += d;
	x->tv += t * d;
	x->vv += d * d;
	if (v->counts != NULL)
		count_one(v, s, x, value);
}

void
series_forget(struct series_view *v)
{
	while (v->counts != NULL && v->used > 0)
		drop_oldest(v);
	v->used = 0;
}

/* Samples reach back over (nearly) all of the window. */
static bool
covers(const struct series_view *v, const struct series *s, int64_t now_ms)
{
	return v->used > 0 &&
	       (double)(now_ms - v->since_ms) >= COVERED * (double)s->span_ms;
}

/* Some of the samples are too old by now, and none came since. */
static bool
percentile_of_rest(const struct series_view *v, const struct series *s, int64_t now_ms, double *out)
{
	uint64_t total = 0, seen = 0;
	uint32_t from = 0;
	while (from < v->used && !is_in(slice_at(v, from), s, now_ms))
		from++;
	for (uint32_t i = from; i < v->used; i++)
		total += slice_at(v, i)->count;
	for (uint32_t code = 0; code < SERIES_CODES && total > 0; code++) {
		for (uint32_t i = from; i < v->used; i++)
			seen += counts_of(v, slice_at(v, i))[code];
		if (seen >= rank_of(s, total)) {
			*out = value_of(s, code);
			return true;
		}
	}
	return false;
}

static bool
percentile(const struct series_view *v, const struct series *s, int64_t now_ms, double *out)
{
	if (v->used == 0)
		return false;
	if (!is_in(slice_at(v, 0), s, now_ms))
		return percentile_of_rest(v, s, now_ms, out);
	*out = value_of(s, v->mark);
	return true;
}

bool
series_value(const struct series_view *v, const struct series *s, int64_t now_ms,
	     double *out, bool *whole)
{
	const struct slice *oldest = NULL, *newest = NULL;
	double sum = 0, least = (double)INFINITY, most = -(double)INFINITY;
	uint64_t count = 0;
	*whole = covers(v, s, now_ms);
	if (series_counts(s))
		return percentile(v, s, now_ms, out);
	if (s->function == FUNCTION_CHANGED) {
		*out = v->changed_ms != 0 && now_ms - v->changed_ms <= s->span_ms;
		return v->used > 0;
	}
	for (uint32_t i = 0; i < v->used; i++) {
		const struct slice *x = slice_at(v, i);
		if (!is_in(x, s, now_ms))
			continue;
		oldest = oldest != NULL ? oldest : x;
		newest = x;
		sum += x->sum;
		count += x->count;
		least = fmin(least, x->least);
		most = fmax(most, x->most);
	}
	if (newest == NULL)
		return false;
	double gone_s = (double)(newest->last_ms - oldest->first_ms) / 1000;
	double grown = newest->last - oldest->first;
	const double values[FUNCTIONS] = {
		[FUNCTION_AVG] = sum / (double)count,
		[FUNCTION_MAX] = most,
		[FUNCTION_MIN] = least,
		[FUNCTION_GROWTH] = grown,
		[FUNCTION_RATE] = gone_s > 0 ? grown / gone_s : 0,
	};
	*out = values[s->function];
	return true;
}

/* Least squares over all samples, from the slices' sums; times and values are taken less
 * now and the last value, so that nothing cancels. */
bool
series_fit(const struct series_view *v, const struct series *s, int64_t now_ms,
	   struct series_line *out)
{
	double n = 0, t = 0, tt = 0, y = 0, ty = 0, yy = 0;
	for (uint32_t i = 0; i < v->used; i++) {
		const struct slice *x = slice_at(v, i);
		if (!is_in(x, s, now_ms))
			continue;
		double c = x->count, a = (double)(x->first_ms - now_ms) / 1000,
		       b = x->first - v->last;
		n += c;
		t += c * a + x->t;
		tt += c * a * a + 2 * a * x->t + x->tt;
		y += c * b + x->v;
		yy += c * b * b + 2 * b * x->v + x->vv;
		ty += c * a * b + a * x->v + b * x->t + x->tv;
	}
	double spread = n > 0 ? tt - t * t / n : 0;
	double total = n > 0 ? yy - y * y / n : 0;
	if (n < FORECAST_LEAST || !(spread > 0) ||
	    4 * (now_ms - v->since_ms) < s->span_ms)
		return false;
	double both = ty - t * y / n;
	out->slope = both / spread;
	out->fit = total > 1e-12 * yy ? both * both / (spread * total) : 0;
	if (out->fit <= FORECAST_FLAT)
		out->slope = 0;
	else if (out->fit < FORECAST_FIT)
		return false;
	out->value = v->last + (y - out->slope * t) / n;
	return true;
}
