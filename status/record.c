#include "status/record.h"

#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LATENCY_MS 5.0f /* what differs by less, and by a tenth, is the same */
#define SPAN_MASK ((UINT32_C(1) << 20) - 1)
static_assert(RECORD_SPAN_MS < 1 << 20 && OUTCOMES <= 1 << 3, "struct last has no room");

/* Bytes of the end of a run: a tag, two times within the span and a name in 3 each, and a count
 * in 5. */
#define RUN_MAX 15
#define OBJECT_MAX 80   /* of a name, an entry, and the end of a run; most take less */
#define ENTRY_MAX 2048  /* bytes of the longest entry, with the names that it brings */

struct said { /* what is measured */
	enum outcome outcome;
	float latency;
	uint32_t count;
	uint16_t metrics[RECORD_VALUES];
	float values[RECORD_VALUES];
};

struct last { /* what an object's last entry in this block said; times are since its begin */
	uint32_t name; /* + 1; 0: it has no number yet */
	uint32_t same; /* times more */
	float latency;
	uint32_t first_value;
	uint32_t first_ms : 20, outcome : 3;
	bool there : 1;
	uint32_t room : 8; /* of its values */
	uint32_t last_ms : 20, count : 8;
};

struct record_writer {
	const struct rules *rules;
	void (*put)(void *arg, const void *bytes, size_t size);
	void *arg;
	struct last *checks, *services;
	float *values;	  /* of both */
	uint8_t *metrics_of; /* of the values */
	uint16_t metrics[METRICS_COUNT]; /* + 1 */
	uint32_t names;
	int64_t begin_ms, last_ms;
	size_t used; /* entries */
	size_t most; /* of them */
	struct {
		struct record_head head;
		unsigned char bytes[RECORD_BLOCK];
	} block;
};

/* It says nothing new. */
static bool
is_near(enum metric m, double value, double before)
{
	static const double least[] = {
		[UNIT_NONE] = 0,      [UNIT_COUNT] = 0, [UNIT_PERCENT] = 1,
		[UNIT_BYTES] = 65536, [UNIT_MS] = 1000, [UNIT_RATE] = 16384,
		[UNIT_YESNO] = 0,     [UNIT_TEXT] = 0,
	};
	double gap = fabs(value - before), room = least[metric_table[m].unit];
	return gap <= room || (room > 0 && gap <= 0.01 * fabs(before));
}

/* A check keeps as many values as its kind measures. */
static bool
give_room(struct record_writer *w)
{
	uint32_t first = 0;
	for (uint32_t i = 0; i < w->rules->check_count; i++) {
		w->checks[i].first_value = first;
		w->checks[i].room = (uint8_t)check_values_most(&w->rules->checks[i]);
		first += w->checks[i].room;
	}
	for (uint32_t i = 0; i < w->rules->service_count; i++) {
		w->services[i].first_value = first;
		w->services[i].room = RECORD_VALUES;
		first += RECORD_VALUES;
	}
	w->values = calloc(first + 1, sizeof *w->values);
	w->metrics_of = calloc(first + 1, sizeof *w->metrics_of);
	return w->values != NULL && w->metrics_of != NULL;
}

struct record_writer *
record_writer_new(const struct rules *rules,
		  void (*put)(void *arg, const void *bytes, size_t size), void *arg)
{
	struct record_writer *w = calloc(1, sizeof *w);
	if (w == NULL)
		return NULL;
	w->rules = rules;
	w->put = put;
	w->arg = arg;
	w->most = RECORD_USUAL;
	w->checks = calloc(rules->check_count + 1, sizeof *w->checks);
	w->services = calloc(rules->service_count + 1, sizeof *w->services);
	if (w->checks == NULL || w->services == NULL || !give_room(w))
		record_writer_free(&w);
	return w;
}

void
record_writer_most(struct record_writer *w, size_t most)
{
	size_t objects = (size_t)w->rules->check_count + w->rules->service_count;
	size_t need = objects * OBJECT_MAX + RECORD_USUAL;
	assert(most >= RECORD_LEAST);
	most = most < RECORD_BLOCK ? most : RECORD_BLOCK;
	w->most = need < most ? need : most;
}

/* ---- entries ---- */

static void
byte(struct record_writer *w, unsigned char c)
{
	w->block.bytes[w->used++] = c;
}

static void
number(struct record_writer *w, uint64_t n)
{
	for (; n >= 0x80; n >>= 7)
		byte(w, (unsigned char)(n | 0x80));
	byte(w, (unsigned char)n);
}

static void
text(struct record_writer *w, const char *s)
{
	size_t n = strlen(s);
	number(w, n);
	memcpy(w->block.bytes + w->used, s, n);
	w->used += n;
}

static void
real(struct record_writer *w, float f)
{
	uint32_t bits;
	memcpy(&bits, &f, sizeof bits);
	for (unsigned i = 0; i < 4; i++)
		byte(w, (unsigned char)(bits >> (8 * i)));
}

static void
entry(struct record_writer *w, enum record_tag tag, int64_t real_ms)
{
	int64_t d = real_ms - w->last_ms;
	byte(w, (unsigned char)tag);
	number(w, (uint64_t)d << 1 ^ (uint64_t)(d >> 63));
	w->last_ms = real_ms;
}

static uint32_t
name(struct record_writer *w, enum record_noun noun, const char *s)
{
	entry(w, RECORD_NAME, w->last_ms);
	byte(w, (unsigned char)noun);
	text(w, s);
	return w->names++;
}

static uint32_t
metric(struct record_writer *w, unsigned m)
{
	if (w->metrics[m] == 0)
		w->metrics[m] =
			(uint16_t)(name(w, NOUN_METRIC, metric_table[m].name) + 1);
	return w->metrics[m] - 1u;
}

static void
end_run(struct record_writer *w, struct last *l)
{
	if (l->same == 0)
		return;
	entry(w, RECORD_SAME, w->begin_ms + l->last_ms);
	number(w, l->name - 1);
	number(w, l->same);
	number(w, l->last_ms > l->first_ms ? l->last_ms - l->first_ms
					   : 0); /* else the clock was set */
	l->same = 0;
}

/* What was said is forgotten as well: the next block is whole by itself. */
static void
end_runs(struct record_writer *w, struct last *list, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (list[i].there) {
			end_run(w, &list[i]);
			list[i].name = 0;
			list[i].there = false;
		}
}

static void
flush(struct record_writer *w)
{
	end_runs(w, w->checks, w->rules->check_count);
	end_runs(w, w->services, w->rules->service_count);
	if (w->used > 0) {
		w->block.head = (struct record_head){ .magic = RECORD_MAGIC,
						      .size = (uint32_t)w->used,
						      .real_ms = w->begin_ms,
						      .sum = text_crc32c(w->block.bytes,
									 w->used) };
		w->put(w->arg, &w->block, sizeof w->block.head + w->used);
	}
	memset(w->metrics, 0, sizeof w->metrics);
	w->names = 0;
	w->used = 0;
}

/* Room for an entry, and for the ends of all runs. */
static void
room(struct record_writer *w, int64_t real_ms)
{
	size_t runs = RUN_MAX * ((size_t)w->names + 2);
	if (w->used > 0 &&
	    (w->used + ENTRY_MAX + runs > w->most ||
	     real_ms - w->begin_ms > RECORD_SPAN_MS || real_ms < w->begin_ms))
		flush(w);
	if (w->used == 0)
		w->begin_ms = w->last_ms = real_ms;
}

/* What the object said last, with what is new: changed gets a bit for each value that is.
 * False: nothing is. */
static bool
is_new(const struct record_writer *w, const struct last *l, const struct said *new,
       uint32_t *changed)
{
	bool differs = !l->there || l->outcome != (uint8_t) new->outcome ||
		       l->count != new->count;
	for (uint32_t i = 0; !differs && i < new->count; i++)
		differs = w->metrics_of[l->first_value + i] != new->metrics[i];
	*changed = 0;
	for (uint32_t i = 0; i < new->count; i++)
		if (differs ||
		    !is_near((enum metric) new->metrics[i], (double)new->values[i],
			     (double)w->values[l->first_value + i]))
			*changed |= UINT32_C(1) << i;
	return differs || *changed != 0 ||
	       fabsf(l->latency - new->latency) > LATENCY_MS + l->latency / 10;
}

static void
take(struct said *new, const struct last *l, const struct msg_value *values, uint32_t count)
{
	for (uint32_t i = 0; i < count && new->count < l->room; i++)
		if (values[i].metric < METRICS_COUNT && isfinite(values[i].value)) {
			new->metrics[new->count] = (uint16_t)values[i].metric;
			new->values[new->count++] = (float)values[i].value;
		}
}

/* An entry, or one more of the same. */
static void
put_entry(struct record_writer *w, struct last *l, const struct said *new,
	  enum record_noun noun, const char *object, int64_t real_ms)
{
	float *values = w->values + l->first_value;
	uint8_t *metrics = w->metrics_of + l->first_value;
	uint32_t changed;
	static_assert(METRICS_COUNT <= UINT8_MAX, "a metric needs more than a byte");
	static_assert(RECORD_VALUES >= MSG_VALUES && RECORD_VALUES >= MSG_SAMPLE_VALUES,
		      "no room");
	if (!is_new(w, l, new, &changed)) {
		if (l->same++ == 0)
			l->first_ms = l->last_ms;
		l->last_ms = (uint32_t)(real_ms - w->begin_ms) & SPAN_MASK;
		return;
	}
	end_run(w, l);
	for (uint32_t i = 0; i < new->count; i++) {
		values[i] = (changed >> i & 1) != 0 ? new->values[i] : values[i];
		metrics[i] = (uint8_t) new->metrics[i];
	}
	l->count = (uint8_t) new->count;
	l->outcome = (unsigned)new->outcome & 7u;
	l->latency = new->latency;
	l->there = true;
	l->last_ms = (uint32_t)(real_ms - w->begin_ms) & SPAN_MASK;
	l->name = l->name != 0 ? l->name : name(w, noun, object) + 1;
	for (uint32_t i = 0; i < l->count; i++)
		metric(w, metrics[i]);
	entry(w, noun == NOUN_CHECK ? RECORD_RESULT : RECORD_SAMPLE, real_ms);
	number(w, l->name - 1);
	if (noun == NOUN_CHECK) {
		byte(w, l->outcome);
		real(w, l->latency);
	}
	number(w, (uint64_t)__builtin_popcount(changed));
	for (uint32_t i = 0; i < l->count; i++) {
		if ((changed >> i & 1) == 0)
			continue;
		number(w, metric(w, metrics[i]));
		real(w, values[i]);
	}
}

void
record_result(struct record_writer *w, const struct msg_result *r, int64_t real_ms)
{
	struct said new = { .outcome = (enum outcome)r->outcome };
	if (r->check >= w->rules->check_count || r->outcome >= OUTCOMES)
		return;
	struct last *l = &w->checks[r->check];
	new.latency = (float)((double)r->latency_ns / 1e6);
	take(&new, l, r->value,
	     r->value_count < MSG_VALUES ? r->value_count : MSG_VALUES);
	room(w, real_ms);
	put_entry(w, l, &new, NOUN_CHECK, w->rules->checks[r->check].name, real_ms);
}

void
record_sample(struct record_writer *w, const struct msg_sample *s, int64_t real_ms)
{
	struct said new = { .count = 0 };
	if (s->service >= w->rules->service_count)
		return;
	struct last *l = &w->services[s->service];
	take(&new, l, s->value,
	     s->value_count < MSG_SAMPLE_VALUES ? s->value_count : MSG_SAMPLE_VALUES);
	room(w, real_ms);
	put_entry(w, l, &new, NOUN_SERVICE, w->rules->services[s->service].name, real_ms);
}

void
record_line(struct record_writer *w, const struct journal_line *l)
{
	room(w, l->real_ms);
	entry(w, RECORD_LINE, l->real_ms);
	text(w, l->kind);
	text(w, l->object_kind);
	text(w, l->object);
	text(w, l->rule);
	text(w, l->text);
}

void
record_writer_free(struct record_writer **wp)
{
	struct record_writer *w = *wp;
	if (w == NULL)
		return;
	if (w->metrics_of != NULL) /* it was made in whole */
		flush(w);
	free(w->values);
	free(w->metrics_of);
	free(w->checks);
	free(w->services);
	free(w);
	*wp = NULL;
}
