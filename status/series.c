/* A series out of the archive: the finest samples that are left, put into equal steps. */
#include "status/recorder.h"

#include "base/text.h"
#include "rules/metric.h"
#include "status/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct bucket {
	double sum, low, high;
	uint32_t count;
};

struct series {
	int64_t since_s, step_s;
	unsigned count;
	struct bucket sum[SERIES_POINTS + 1], tier[SERIES_POINTS + 1];
};

static const char *const unit_name[] = {
	[UNIT_NONE] = NULL,      [UNIT_COUNT] = "count", [UNIT_PERCENT] = "percent",
	[UNIT_BYTES] = "bytes",  [UNIT_MS] = "ms",       [UNIT_RATE] = "bytes/s",
	[UNIT_YESNO] = "yes/no", [UNIT_TEXT] = NULL,
};

/* A sample of a coarse tier fills all its steps, if no finer one knows better. */
static void
add_sample(struct series *s, int64_t at_s, int64_t lasts_s, double value)
{
	int64_t first = (at_s - s->since_s) / s->step_s,
		last = (at_s + lasts_s - 1 - s->since_s) / s->step_s;
	if (at_s + lasts_s <= s->since_s)
		return;
	first = first < 0 ? 0 : first;
	for (int64_t i = first; i <= last && i < s->count; i++)
		if (s->sum[i].count > 0)
			return;
	for (int64_t i = first; i <= last && i < s->count; i++) {
		struct bucket *b = &s->tier[i];
		b->low = b->count == 0 || value < b->low ? value : b->low;
		b->high = b->count == 0 || value > b->high ? value : b->high;
		b->sum += value;
		b->count++;
	}
}

static void
add_slots(struct series *s, enum tier tier, int64_t span, const float slots[PACK_SLOTS])
{
	int64_t step = tier_table[tier].step_s;
	for (unsigned i = 0; i < PACK_SLOTS; i++)
		if (!isnan(slots[i]))
			add_sample(s, (span * PACK_SLOTS + i) * step, step,
				   (double)slots[i]);
}

/* What is open replaces what an earlier save holds of the same slots. */
static void
add_block(struct archive *a, const struct ask *ask, struct series *s, enum tier tier,
	  int64_t span)
{
	float slots[PACK_SLOTS];
	const struct open_block *open = &ask->open[tier];
	if (!archive_read(a, ask->object, tier, span, ask->metric, slots))
		for (unsigned i = 0; i < PACK_SLOTS; i++)
			slots[i] = (float)NAN;
	for (unsigned i = 0; open->there && open->span == span && i < PACK_SLOTS; i++)
		if (!isnan(open->slots[i]))
			slots[i] = open->slots[i];
	add_slots(s, tier, span, slots);
}

static void
add_tier(struct archive *a, const struct ask *ask, struct series *s, enum tier tier)
{
	int64_t span_s = tier_table[tier].step_s * PACK_SLOTS,
		oldest = ask->until_s - tier_table[tier].keep_s - span_s,
		first = (ask->since_s > oldest ? ask->since_s : oldest) / span_s;
	memset(s->tier, 0, sizeof s->tier);
	for (int64_t span = first; span * span_s < ask->until_s; span++)
		add_block(a, ask, s, tier, span);
	for (unsigned i = 0; i < s->count; i++)
		if (s->sum[i].count == 0)
			s->sum[i] = s->tier[i];
}

/* ---- JSON ---- */

static void
number(struct json *j, double value)
{
	char text[32];
	if (j->comma)
		json_raw(j, ",", 1);
	if (isnan(value))
		json_raw(j, "null", 4);
	else
		json_raw(j, text, text_print(text, sizeof text, "%.6g", value));
	j->comma = true;
}

enum part { PART_MEAN, PART_LOW, PART_HIGH, PARTS };

static void
write_part(struct json *j, const struct series *s, enum part part)
{
	static const char *const names[PARTS] = { "values", "low", "high" };
	json_key(j, names[part]);
	json_open(j, '[');
	for (unsigned i = 0; i < s->count; i++) {
		const struct bucket *b = &s->sum[i];
		number(j, b->count == 0       ? (double)NAN
			  : part == PART_MEAN ? b->sum / b->count
			  : part == PART_LOW  ? b->low
					      : b->high);
	}
	json_close(j, ']');
}

static void
write_names(struct json *j, const char *object)
{
	char kind[BATCH_NAME];
	const char *name = strchr(object, '/');
	text_print(kind, sizeof kind, "%.*s", (int)(name - object), object);
	json_key_text(j, "object", name + 1);
	json_key_text(j, "kind", kind);
}

static void
write_series(const struct ask *ask, const struct series *s, struct json *j)
{
	json_open(j, '{');
	write_names(j, ask->object);
	json_key_text(j, "metric", metric_table[ask->metric].name);
	json_key_text(j, "unit", unit_name[metric_table[ask->metric].unit]);
	json_key_time(j, "since", s->since_s * 1000);
	json_key_time(j, "until", (s->since_s + s->step_s * s->count) * 1000);
	json_key_whole(j, "step_s", s->step_s);
	for (unsigned p = 0; p < PARTS; p++)
		write_part(j, s, (enum part)p);
	json_close(j, '}');
	json_raw(j, "\n", 1);
}

static void
answer_series(struct archive *a, struct ask *ask)
{
	struct json j;
	struct series *s = calloc(1, sizeof *s);
	int64_t finest = tier_table[TIER_10S].step_s,
		wanted = (ask->until_s - ask->since_s + ask->points - 1) / ask->points;
	if (s == NULL)
		return;
	s->step_s = (wanted + finest - 1) / finest * finest;
	s->step_s = s->step_s < finest ? finest : s->step_s;
	s->since_s = ask->since_s / s->step_s * s->step_s;
	s->count = (unsigned)((ask->until_s - s->since_s + s->step_s - 1) / s->step_s);
	s->count = s->count > SERIES_POINTS ? SERIES_POINTS : s->count;
	for (unsigned t = 0; t < TIERS; t++) /* the finest first */
		add_tier(a, ask, s, (enum tier)t);
	json_begin(&j);
	write_series(ask, s, &j);
	ask->answer = json_end(&j, &ask->answer_size);
	free(s);
}

static void
answer_month(struct archive *a, struct ask *ask)
{
	struct json j;
	char month[32];
	int64_t ms[AVAILABILITIES] = { 0 }, told = 0;
	archive_month(a, ask->object, ask->month, ms);
	text_print(month, sizeof month, "%04d-%02d", (int)(ask->month / 12 % 10000),
		   (int)(ask->month % 12 + 1));
	json_begin(&j);
	json_open(&j, '{');
	write_names(&j, ask->object);
	json_key_text(&j, "month", month);
	for (unsigned i = 0; i < AVAILABILITIES; i++) {
		char key[24];
		ms[i] += ask->month_ms[i];
		text_print(key, sizeof key, "%s_s", availability_name[i]);
		json_key_number(&j, key, (double)ms[i] / 1000.0);
	}
	told = ms[AVAILABLE] + ms[BROKEN];
	json_key_number(&j, "availability_percent",
			told > 0 ? 100.0 * (double)ms[AVAILABLE] / (double)told
				 : (double)NAN);
	json_close(&j, '}');
	json_raw(&j, "\n", 1);
	ask->answer = json_end(&j, &ask->answer_size);
}

void
series_answer(struct archive *a, struct ask *ask)
{
	if (ask->month != 0)
		answer_month(a, ask);
	else
		answer_series(a, ask);
}
