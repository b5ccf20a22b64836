#include "status/record.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define NAMES_MAX 65536 /* of one block */
#define VERDICT 64 /* so many results of one outcome decide all there is to decide */
#define BUCKET_MS 100

struct known { /* an object, in all blocks */
	char name[RULES_NAME_MAX + 1];
	uint32_t same, steady; /* the same again, and the same outcome, so often */
	int64_t told_ms;
	struct record_event last;
	struct record_value values[RECORD_VALUES];
};

struct told { /* an event of this block, and its values */
	struct record_event event;
	uint32_t values, next;
};

struct record_reader {
	struct record_need need;
	struct known *known;
	uint32_t known_count, known_cap;
	uint32_t *index, index_cap; /* hash of names, by noun */
	/* of one block: */
	uint32_t *names;
	uint16_t *metrics; /* METRICS_COUNT: one that this version does not have */
	uint32_t name_count;
	struct told *list;
	uint32_t count, cap;
	struct record_value *values;
	uint32_t value_count, value_cap;
	struct journal_line *lines;
	uint32_t line_count, line_cap;
	uint32_t *buckets;
};

struct cursor {
	const unsigned char *at, *end;
	bool bad;
};

struct record_reader *
record_reader_new(struct record_need need)
{
	struct record_reader *r = calloc(1, sizeof *r);
	if (r != NULL)
		r->need = need;
	return r;
}

void
record_reader_free(struct record_reader **rp)
{
	struct record_reader *r = *rp;
	if (r != NULL) {
		free(r->known);
		free(r->index);
		free(r->names);
		free(r->metrics);
		free(r->list);
		free(r->values);
		free(r->lines);
		free(r->buckets);
	}
	free(r);
	*rp = NULL;
}

/* ---- bytes ---- */

static uint64_t
number(struct cursor *c)
{
	uint64_t n = 0;
	for (unsigned shift = 0; shift < 64 && c->at < c->end; shift += 7) {
		unsigned char b = *c->at++;
		n |= (uint64_t)(b & 0x7f) << shift;
		if ((b & 0x80) == 0)
			return n;
	}
	c->bad = true;
	return 0;
}

static unsigned
byte(struct cursor *c)
{
	if (c->at < c->end)
		return *c->at++;
	c->bad = true;
	return 0;
}

static float
real(struct cursor *c)
{
	uint32_t bits = 0;
	float f;
	for (unsigned i = 0; i < 4; i++)
		bits |= (uint32_t)byte(c) << (8 * i);
	memcpy(&f, &bits, sizeof f);
	return f;
}

static void
text(struct cursor *c, char *out, size_t cap)
{
	uint64_t n = number(c);
	if (c->bad || n > (uint64_t)(c->end - c->at)) {
		c->bad = true;
		*out = '\0';
		return;
	}
	text_clean(out, cap, (const char *)c->at, (size_t)n);
	c->at += n;
}

/* ---- memory ---- */

static bool
grow(void **list, uint32_t count, uint32_t *cap, size_t size)
{
	if (count < *cap)
		return true;
	uint32_t more = *cap == 0 ? 256 : 2 * *cap;
	void *new = reallocarray(*list, more, size);
	if (new == NULL)
		return false;
	*list = new;
	*cap = more;
	return true;
}

static bool
index_grow(struct record_reader *r)
{
	uint32_t cap = r->index_cap == 0 ? 1024 : 2 * r->index_cap;
	uint32_t *index = calloc(cap, sizeof *index);
	if (index == NULL)
		return false;
	for (uint32_t i = 0; i < r->known_count; i++) {
		uint32_t at = (uint32_t)text_hash(r->known[i].name) & (cap - 1);
		while (index[at] != 0)
			at = (at + 1) & (cap - 1);
		index[at] = i + 1;
	}
	free(r->index);
	r->index = index;
	r->index_cap = cap;
	return true;
}

/* Services and checks share one set of names. UINT32_MAX: out of memory. */
static uint32_t
know(struct record_reader *r, const char *name)
{
	if (2 * (r->known_count + 1) > r->index_cap && !index_grow(r))
		return UINT32_MAX;
	uint32_t at = (uint32_t)text_hash(name) & (r->index_cap - 1);
	for (; r->index[at] != 0; at = (at + 1) & (r->index_cap - 1))
		if (strcmp(r->known[r->index[at] - 1].name, name) == 0)
			return r->index[at] - 1;
	if (!grow((void **)&r->known, r->known_count, &r->known_cap, sizeof *r->known))
		return UINT32_MAX;
	r->known[r->known_count] = (struct known){ .same = 0 };
	text_print(r->known[r->known_count].name, sizeof r->known->name, "%s", name);
	r->index[at] = ++r->known_count;
	return r->known_count - 1;
}

/* ---- entries ---- */

static struct told *
add(struct record_reader *r, enum record_tag tag, int64_t real_ms)
{
	if (!grow((void **)&r->list, r->count, &r->cap, sizeof *r->list))
		return NULL;
	r->list[r->count] = (struct told){ .event = { .real_ms = real_ms, .tag = tag } };
	return &r->list[r->count++];
}

/* The object's last measurement, at this time. */
static void
tell(struct record_reader *r, uint32_t object, int64_t real_ms)
{
	struct known *k = &r->known[object];
	bool decided = k->last.tag == RECORD_SAMPLE || k->steady > VERDICT;
	bool fresh = real_ms >= k->told_ms && real_ms - k->told_ms < r->need.fresh_ms;
	if (k->same > r->need.window && decided &&
	    (fresh || k->last.tag == RECORD_RESULT))
		return;
	struct told *t = add(r, k->last.tag, real_ms);
	if (t == NULL)
		return;
	k->told_ms = real_ms;
	t->event = k->last;
	t->event.real_ms = real_ms;
	t->event.object = object;
	t->values = r->value_count;
	for (uint32_t i = 0; i < k->last.count; i++)
		if (grow((void **)&r->values, r->value_count, &r->value_cap,
			 sizeof *r->values))
			r->values[r->value_count++] = k->values[i];
}

/* Whosoever has it. */
static enum metric
metric_named(const char *name)
{
	unsigned m = 0;
	while (m < METRICS_COUNT && strcmp(metric_table[m].name, name) != 0)
		m++;
	return (enum metric)m;
}

static void
read_name(struct record_reader *r, struct cursor *c)
{
	char name[RULES_NAME_MAX + 1];
	unsigned noun = byte(c);
	text(c, name, sizeof name);
	if (c->bad || noun >= NOUNS || r->name_count == NAMES_MAX || *name == '\0') {
		c->bad = true;
		return;
	}
	r->metrics[r->name_count] = METRICS_COUNT;
	r->names[r->name_count] = UINT32_MAX;
	if (noun == NOUN_METRIC)
		r->metrics[r->name_count] = (uint16_t)metric_named(name);
	else
		r->names[r->name_count] = know(r, name);
	r->name_count++;
}

static struct known *
read_object(struct record_reader *r, struct cursor *c, uint32_t *object)
{
	uint64_t n = number(c);
	*object = !c->bad && n < r->name_count ? r->names[n] : UINT32_MAX;
	c->bad = c->bad || *object == UINT32_MAX;
	return c->bad ? NULL : &r->known[*object];
}

/* Sets one of its values. True: it is another than before. */
static bool
set_value(struct known *k, enum metric m, float value)
{
	for (uint32_t i = 0; i < k->last.count; i++)
		if (k->values[i].metric == m) {
			bool changed =
				memcmp(&k->values[i].value, &value, sizeof value) != 0;
			k->values[i].value = value;
			return changed;
		}
	if (k->last.count < RECORD_VALUES)
		k->values[k->last.count++] =
			(struct record_value){ .metric = m, .value = value };
	return true;
}

static void
read_measurement(struct record_reader *r, struct cursor *c, enum record_tag tag,
		 int64_t real_ms)
{
	uint32_t object;
	struct known *k = read_object(r, c, &object);
	if (k == NULL)
		return;
	bool same = k->last.tag == tag;
	if (!same)
		k->last = (struct record_event){ .tag = tag };
	if (tag == RECORD_RESULT) {
		unsigned outcome = byte(c);
		float latency_ms = real(c);
		c->bad = c->bad || outcome >= OUTCOMES;
		k->steady = k->last.outcome == outcome ? k->steady + 1 : 0;
		same = same && k->last.outcome == outcome &&
		       memcmp(&k->last.latency_ms, &latency_ms, sizeof latency_ms) == 0;
		k->last.outcome = (enum outcome)(c->bad ? 0 : outcome);
		k->last.latency_ms = latency_ms;
	}
	uint64_t count = number(c);
	c->bad = c->bad || count > RECORD_VALUES;
	for (uint32_t i = 0; !c->bad && i < count; i++) {
		uint64_t m = number(c);
		float value = real(c);
		c->bad = c->bad || m >= r->name_count;
		if (!c->bad && r->metrics[m] < METRICS_COUNT &&
		    set_value(k, (enum metric)r->metrics[m], value))
			same = false;
	}
	if (c->bad)
		return;
	k->same = same ? k->same + 1 : 0;
	tell(r, object, real_ms);
}

static void
read_same(struct record_reader *r, struct cursor *c, int64_t real_ms)
{
	uint32_t object;
	struct known *k = read_object(r, c, &object);
	uint64_t count = number(c), span = number(c);
	if (c->bad || k->last.tag == 0 || count == 0 || count > RECORD_SPAN_MS ||
	    span > 2 * RECORD_SPAN_MS) {
		c->bad = true;
		return;
	}
	for (uint64_t i = 1; i <= count; i++) {
		k->same++;
		k->steady++;
		tell(r, object, real_ms - (int64_t)(span - span * i / count));
	}
}

static void
read_line(struct record_reader *r, struct cursor *c, int64_t real_ms)
{
	if (!grow((void **)&r->lines, r->line_count, &r->line_cap, sizeof *r->lines)) {
		c->bad = true;
		return;
	}
	struct journal_line *l = &r->lines[r->line_count];
	memset(l, 0, sizeof *l);
	l->real_ms = real_ms;
	text(c, l->kind, sizeof l->kind);
	text(c, l->object_kind, sizeof l->object_kind);
	text(c, l->object, sizeof l->object);
	text(c, l->rule, sizeof l->rule);
	text(c, l->text, sizeof l->text);
	struct told *t = c->bad ? NULL : add(r, RECORD_LINE, real_ms);
	if (t != NULL)
		t->values = r->line_count++;
}

static void
read_entries(struct record_reader *r, struct cursor *c, int64_t real_ms)
{
	while (c->at < c->end && !c->bad) {
		unsigned tag = byte(c);
		uint64_t z = number(c);
		int64_t d = (int64_t)(z >> 1) ^ -(int64_t)(z & 1);
		if (d > 4 * RECORD_SPAN_MS || d < -4 * RECORD_SPAN_MS)
			c->bad = true;
		if (c->bad)
			return;
		real_ms += d;
		if (tag == RECORD_NAME)
			read_name(r, c);
		else if (tag == RECORD_RESULT || tag == RECORD_SAMPLE)
			read_measurement(r, c, (enum record_tag)tag, real_ms);
		else if (tag == RECORD_SAME)
			read_same(r, c, real_ms);
		else if (tag == RECORD_LINE)
			read_line(r, c, real_ms);
		else
			c->bad = true;
	}
}

/* By time, to a tenth of a second; what is in one tenth stays in its order. */
static void
tell_sorted(struct record_reader *r, int64_t begin_ms,
	    void (*fn)(void *arg, const struct record_event *e), void *arg)
{
	const uint32_t buckets = 3 * RECORD_SPAN_MS / BUCKET_MS;
	memset(r->buckets, 0, buckets * sizeof *r->buckets);
	for (uint32_t i = r->count; i > 0; i--) {
		int64_t b = (r->list[i - 1].event.real_ms - begin_ms) / BUCKET_MS +
			    RECORD_SPAN_MS / BUCKET_MS;
		b = b < 0 ? 0 : b >= buckets ? buckets - 1 : b;
		r->list[i - 1].next = r->buckets[b];
		r->buckets[b] = i;
	}
	for (uint32_t b = 0; b < buckets; b++)
		for (uint32_t i = r->buckets[b]; i != 0; i = r->list[i - 1].next) {
			struct told *t = &r->list[i - 1];
			if (t->event.tag == RECORD_LINE) {
				t->event.line = &r->lines[t->values];
			} else {
				t->event.name = r->known[t->event.object].name;
				t->event.values = /* NULL: none of them has any */
					r->values != NULL ? r->values + t->values : NULL;
			}
			fn(arg, &t->event);
		}
}

bool
record_read(struct record_reader *r, const struct record_head *head,
	    const unsigned char *bytes,
	    void (*fn)(void *arg, const struct record_event *e), void *arg)
{
	struct cursor c = { .at = bytes, .end = bytes + head->size };
	if (head->size > RECORD_BLOCK || text_crc32c(bytes, head->size) != head->sum)
		return false;
	if (r->names == NULL) {
		r->names = calloc(NAMES_MAX, sizeof *r->names);
		r->metrics = calloc(NAMES_MAX, sizeof *r->metrics);
		r->buckets = calloc(3 * RECORD_SPAN_MS / BUCKET_MS, sizeof *r->buckets);
		if (r->names == NULL || r->metrics == NULL || r->buckets == NULL)
			return false;
	}
	r->name_count = r->count = r->value_count = r->line_count = 0;
	read_entries(r, &c, head->real_ms);
	tell_sorted(r, head->real_ms, fn, arg);
	return !c.bad;
}
