#include "status/history.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "status/values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FILE_NAME "history.db" /* in the helper's own folder */
#define STEP_MS 10000
#define LANES_AT_ONCE 128 /* between two turns of the loop */
#define SAVES_A_TICK 50   /* of open blocks: kill -9 costs what is not saved, disks wear */
#define SAVE_SOONEST 6    /* ticks until an open block is on disk, of few objects, */
#define SAVE_LATEST 60    /* and of many */
#define END_MS 1500
#define GAP_MS 60000 /* nobody sampled for longer: not known how it was */

struct track {
	struct column tiers[TIERS];
	double sum[TIERS];     /* of the coarser step that is being gathered */
	uint16_t count[TIERS]; /* its samples */
	uint16_t metric;
};

struct lane {
	struct track *tracks;
	uint16_t count, cap;
	int64_t span[TIERS]; /* of the open blocks; 0: none */
	int64_t step[TIERS]; /* that is being gathered, since 1970 */
	bool late[TIERS];    /* the span had begun before */
	enum availability how;
	int64_t told_ms;                   /* until then it is counted; 0: not yet */
	int64_t month, ms[AVAILABILITIES]; /* not yet handed over */
};

static const enum object_kind kinds[] = { OBJECT_SERVICE, OBJECT_CHECK, OBJECT_ROUTE,
					  OBJECT_CHAIN };
#define KINDS (sizeof kinds / sizeof *kinds)
/* The coarse blocks change slowly: so many times as long they may wait to be saved. */
static const unsigned save_after[TIERS] = { 1, 6, 36 };

static void on_tick(struct loop_timer *timer);

int64_t
history_month(int64_t real_ms)
{
	time_t s = (time_t)(real_ms / 1000);
	struct tm tm;
	return gmtime_r(&s, &tm) != NULL ? (tm.tm_year + 1900) * 12 + tm.tm_mon : 0;
}

static void
name_of(const struct history *h, enum object_kind kind, uint32_t id, char out[BATCH_NAME])
{
	text_print(out, BATCH_NAME, "%s/%s", object_kind_name[kind],
		   rules_name(h->store->rules, kind, id));
}

/* ---- handing over ---- */

static void
save_tier(struct history *h, enum object_kind kind, uint32_t id, enum tier tier,
	  bool close)
{
	struct lane *l = &h->lanes[kind][id];
	struct block_head head = { .tier = (uint8_t)tier,
				   .merge = l->late[tier],
				   .span = l->span[tier] };
	bool any = false;
	for (unsigned i = 0; i < l->count; i++)
		any = any || l->tracks[i].tiers[tier].slots > 0;
	if (any) {
		name_of(h, kind, id, head.object);
		batch_open(&h->batch, &head);
		for (unsigned i = 0; i < l->count; i++) {
			struct column *c = &l->tracks[i].tiers[tier];
			if (c->slots > 0 && column_flush(c))
				batch_column(&h->batch, l->tracks[i].metric, c);
		}
		batch_close(&h->batch);
	}
	for (unsigned i = 0; close && i < l->count; i++)
		column_empty(&l->tracks[i].tiers[tier]);
}

static void
save_month(struct history *h, enum object_kind kind, uint32_t id)
{
	struct lane *l = &h->lanes[kind][id];
	struct block_head head = { .kind = BLOCK_MONTH, .span = l->month };
	int64_t sum = 0;
	for (unsigned i = 0; i < AVAILABILITIES; i++)
		sum += l->ms[i];
	if (sum == 0)
		return;
	name_of(h, kind, id, head.object);
	batch_open(&h->batch, &head);
	batch_bytes(&h->batch, l->ms, sizeof l->ms);
	batch_close(&h->batch);
	memset(l->ms, 0, sizeof l->ms);
}

static void
hand_over(struct history *h)
{
	if (h->recorder == NULL)
		return;
	incidents_save(&h->store->incidents, &h->batch);
	recorder_write(h->recorder, &h->batch);
}

/* ---- sampling ---- */

static void
count_time(struct history *h, enum object_kind kind, uint32_t id, enum availability how,
	   int64_t now_ms)
{
	struct lane *l = &h->lanes[kind][id];
	int64_t passed = now_ms - l->told_ms, month = history_month(now_ms);
	if (l->month != month) { /* what straddles the border goes to the new month */
		save_month(h, kind, id);
		l->month = month;
	}
	if (l->told_ms != 0 &&
	    passed > 0) /* a clock that went back counts nothing twice */
		l->ms[passed > GAP_MS ? UNTOLD : l->how] += passed;
	if (l->told_ms == 0 || passed > 0 || passed < -GAP_MS)
		l->told_ms = now_ms;
	l->how = how;
}

static struct track *
track_of(struct lane *l, unsigned metric, unsigned hint)
{
	if (hint < l->count && l->tracks[hint].metric == metric)
		return &l->tracks[hint];
	for (unsigned i = 0; i < l->count; i++)
		if (l->tracks[i].metric == metric)
			return &l->tracks[i];
	if (l->count == l->cap) {
		unsigned cap = l->cap + 4u;
		struct track *more = realloc(l->tracks, cap * sizeof *more);
		if (more == NULL)
			return NULL;
		l->tracks = more;
		l->cap = (uint16_t)cap;
	}
	l->tracks[l->count] = (struct track){ .metric = (uint16_t)metric };
	return &l->tracks[l->count++];
}

/* The mean of the step that is over goes into the coarser column. */
static void
end_step(struct lane *l, enum tier tier)
{
	unsigned slot = (unsigned)(l->step[tier] % PACK_SLOTS);
	for (unsigned i = 0; i < l->count; i++) {
		struct track *s = &l->tracks[i];
		if (s->count[tier] > 0)
			column_put(&s->tiers[tier], slot, s->sum[tier] / s->count[tier]);
		s->sum[tier] = 0;
		s->count[tier] = 0;
	}
}

/* Ends steps and blocks that are over. */
static void
begin_slot(struct history *h, enum object_kind kind, uint32_t id, enum tier tier)
{
	struct lane *l = &h->lanes[kind][id];
	int64_t step = h->now_ms / 1000 / tier_table[tier].step_s,
		span = step / PACK_SLOTS;
	if (tier != TIER_10S && l->step[tier] != step && l->span[tier] != 0)
		end_step(l, tier);
	l->step[tier] = step;
	if (l->span[tier] == span)
		return;
	if (l->span[tier] != 0)
		save_tier(h, kind, id, tier, true);
	/* the first span of ours, or one that a clock has come back to */
	l->late[tier] = l->span[tier] == 0 || span < l->span[tier];
	l->span[tier] = span;
}

static void
sample(struct history *h, enum object_kind kind, uint32_t id)
{
	struct lane *l = &h->lanes[kind][id];
	struct sampled v[VALUES_MAX];
	unsigned count = values_of(h->store, kind, id, v);
	for (unsigned t = 0; t < TIERS; t++)
		begin_slot(h, kind, id, (enum tier)t);
	for (unsigned i = 0, hint = 0; i < count; i++) {
		struct track *s =
			isnan(v[i].value) ? NULL : track_of(l, v[i].metric, hint++);
		if (s == NULL)
			continue;
		column_put(&s->tiers[TIER_10S],
			   (unsigned)(l->step[TIER_10S] % PACK_SLOTS), v[i].value);
		for (unsigned t = TIER_1M; t < TIERS; t++) {
			s->sum[t] += v[i].value;
			s->count[t]++;
		}
	}
	count_time(h, kind, id, availability_of(h->store, kind, id), h->now_ms);
	for (unsigned t = 0; t < TIERS; t++)
		if ((h->ticks + id) % (save_after[t] * h->save_ticks) == 0)
			save_tier(h, kind, id, (enum tier)t, false);
	if ((h->ticks + id) % h->save_ticks == 0)
		save_month(h, kind, id);
}

/* So many lanes; false: the tick is over. */
static bool
sample_some(struct history *h, unsigned most)
{
	for (unsigned k = 0; k < KINDS; k++) {
		enum object_kind kind = kinds[k];
		if (h->kind != kind)
			continue;
		for (; h->id < h->counts[kind]; h->id++) {
			if (most-- == 0)
				return true;
			sample(h, kind, h->id);
		}
		h->id = 0;
		h->kind = k + 1 < KINDS ? kinds[k + 1] : OBJECT_KINDS;
	}
	return false;
}

static void
begin_tick(struct history *h, int64_t now_ms)
{
	h->ticks++;
	h->now_ms = now_ms;
	h->kind = kinds[0];
	h->id = 0;
}

void
history_sample(struct history *h, int64_t now_ms)
{
	begin_tick(h, now_ms);
	sample_some(h, UINT32_MAX);
	hand_over(h);
}

static void
next_tick(struct history *h)
{
	loop_timer_start(h->loop, &h->timer, STEP_MS - clock_real_ms() % STEP_MS, 0,
			 on_tick, h);
}

static void
on_slice(struct loop_timer *timer)
{
	struct history *h = timer->arg;
	if (sample_some(h, LANES_AT_ONCE)) {
		loop_timer_start(h->loop, &h->timer, 0, 0, on_slice, h);
		return;
	}
	hand_over(h);
	next_tick(h);
}

static void
on_tick(struct loop_timer *timer)
{
	struct history *h = timer->arg;
	begin_tick(h, clock_real_ms());
	on_slice(timer);
}

/* ---- lanes ---- */

void
history_begin(struct history *h, struct loop *loop, struct store *store)
{
	*h = (struct history){ .loop = loop, .store = store };
}

static void
free_lane(struct lane *l)
{
	for (unsigned i = 0; i < l->count; i++)
		for (unsigned t = 0; t < TIERS; t++)
			column_empty(&l->tracks[i].tiers[t]);
	free(l->tracks);
}

void
history_unload(struct history *h)
{
	loop_timer_stop(&h->timer);
	for (unsigned k = 0; k < KINDS; k++) {
		enum object_kind kind = kinds[k];
		for (uint32_t id = 0; id < h->counts[kind]; id++) {
			struct lane *l = &h->lanes[kind][id];
			for (unsigned t = 0; t < TIERS; t++) {
				if (t != TIER_10S && l->span[t] != 0)
					end_step(l, (enum tier)t);
				save_tier(h, kind, id, (enum tier)t, true);
			}
			if (l->told_ms != 0)
				count_time(h, kind, id, l->how, clock_real_ms());
			save_month(h, kind, id);
			free_lane(l);
		}
		free(h->lanes[kind]);
		h->lanes[kind] = NULL;
		h->counts[kind] = 0;
	}
	hand_over(h);
}

static void
new_recorder(struct history *h, void (*answered)(void *arg, struct ask *ask), void *arg)
{
	uint64_t limit = h->store->rules->settings.history_bytes;
	if (limit == h->limit)
		return;
	recorder_free(&h->recorder, END_MS);
	batch_empty(&h->batch);
	h->limit = limit;
	if (limit == 0)
		return;
	h->recorder = recorder_new(h->loop, FILE_NAME, limit, answered, arg);
	if (h->recorder == NULL) {
		log_error("history: no thread for it: there is none");
		h->limit = 0;
	}
}

void
history_load(struct history *h, void (*answered)(void *arg, struct ask *ask), void *arg)
{
	uint32_t all = 0;
	new_recorder(h, answered, arg);
	for (unsigned k = 0; h->recorder != NULL && k < KINDS; k++) {
		uint32_t count = rules_count(h->store->rules, kinds[k]);
		h->lanes[kinds[k]] = calloc(count + 1, sizeof(struct lane));
		h->counts[kinds[k]] = h->lanes[kinds[k]] != NULL ? count : 0;
		all += count;
	}
	all /= SAVES_A_TICK;
	h->save_ticks = all < SAVE_SOONEST  ? SAVE_SOONEST
			: all > SAVE_LATEST ? SAVE_LATEST
					    : all;
	if (h->recorder != NULL)
		next_tick(h);
}

void
history_end(struct history *h)
{
	history_unload(h);
	recorder_free(&h->recorder, END_MS);
}

void
history_changed(struct history *h, enum object_kind kind, uint32_t id)
{
	if (id >= h->counts[kind])
		return;
	enum availability how = availability_of(h->store, kind, id);
	if (how != h->lanes[kind][id].how)
		count_time(h, kind, id, how, clock_real_ms());
}

/* ---- questions ---- */

void
history_fill(const struct history *h, enum object_kind kind, uint32_t id, struct ask *ask)
{
	if (id >= h->counts[kind])
		return;
	struct lane *l = &h->lanes[kind][id];
	for (unsigned i = 0; ask->month == 0 && i < l->count; i++) {
		struct track *s = &l->tracks[i];
		for (unsigned t = 0; s->metric == ask->metric && t < TIERS; t++) {
			struct open_block *open = &ask->open[t];
			open->span = l->span[t];
			open->there = column_flush(&s->tiers[t]) &&
				      pack_read(s->tiers[t].bytes, s->tiers[t].size,
						open->slots) >= 0;
		}
	}
	if (ask->month != 0 && ask->month == l->month)
		memcpy(ask->month_ms, l->ms, sizeof ask->month_ms);
}

unsigned
history_metrics(const struct history *h, enum object_kind kind, uint32_t id,
		unsigned list[METRICS_COUNT])
{
	unsigned count = 0;
	for (unsigned i = 0; id < h->counts[kind] && i < h->lanes[kind][id].count; i++)
		list[count++] = h->lanes[kind][id].tracks[i].metric;
	return count;
}
