#include "status/checks.h"

#include "base/arena.h"
#include "base/text.h"

#include <assert.h>
#include <string.h>

struct kept {
	int64_t since_real_ms, measured_ns, latency_ns;
	uint64_t event;
	uint32_t first_value;
	uint8_t value_room, value_count;
	uint8_t state;
	bool known : 1, has_text : 1;
};

struct checks {
	struct arena *arena; /* what is never written takes no memory */
	struct kept *list;   /* by id, as the texts */
	char (*texts)[MSG_TEXT];
	double *values;
	uint8_t *metrics; /* of the values */
};

static void *
get(struct arena *a, bool *good, size_t size)
{
	void *p = *good ? arena_get(a, size + 1) : NULL;
	*good = p != NULL;
	return p;
}

struct checks *
checks_new(const struct rules *rules)
{
	struct arena *a = arena_new(0);
	uint32_t count = rules->check_count, values = 0;
	bool good = a != NULL;
	struct checks *c = get(a, &good, sizeof *c);
	if (!good) {
		arena_free(&a);
		return NULL;
	}
	c->arena = a;
	c->list = get(a, &good, count * sizeof *c->list);
	for (uint32_t i = 0; good && i < count; i++) {
		c->list[i].first_value = values;
		c->list[i].value_room = (uint8_t)check_values_most(&rules->checks[i]);
		values += c->list[i].value_room;
	}
	c->texts = get(a, &good, count * sizeof *c->texts);
	c->values = get(a, &good, values * sizeof *c->values);
	c->metrics = get(a, &good, values);
	if (!good)
		arena_free(&a);
	return good ? c : NULL;
}

void
checks_free(struct checks **cp)
{
	struct arena *a = *cp != NULL ? (*cp)->arena : NULL;
	*cp = NULL;
	arena_free(&a);
}

void
checks_take(struct checks *c, const struct msg_check_view *v)
{
	struct kept *k = &c->list[v->check];
	static_assert(METRICS_COUNT < UINT8_MAX, "a metric needs more than a byte");
	k->known = true;
	k->state = (uint8_t)(v->state < UINT8_MAX ? v->state : UINT8_MAX);
	k->since_real_ms = v->since_real_ms;
	k->measured_ns = v->measured_ns;
	k->latency_ns = v->latency_ns;
	k->event = v->event;
	k->value_count = 0;
	for (uint32_t i = 0; i < v->value_count && i < MSG_VALUES; i++) {
		if (v->value[i].metric >= METRICS_COUNT ||
		    k->value_count == k->value_room)
			continue;
		c->metrics[k->first_value + k->value_count] = (uint8_t)v->value[i].metric;
		c->values[k->first_value + k->value_count++] = v->value[i].value;
	}
	k->has_text = v->text[0] != '\0';
	if (k->has_text)
		text_print(c->texts[v->check], MSG_TEXT, "%.*s", MSG_TEXT - 1, v->text);
}

bool
checks_known(const struct checks *c, uint32_t id)
{
	return c != NULL && c->list[id].known;
}

void
checks_view(const struct checks *c, uint32_t id, struct msg_check_view *out)
{
	const struct kept *k = &c->list[id];
	memset(out, 0, sizeof *out);
	out->check = id;
	out->state = k->state;
	out->since_real_ms = k->since_real_ms;
	out->measured_ns = k->measured_ns;
	out->latency_ns = k->latency_ns;
	out->event = k->event;
	out->value_count = k->value_count;
	for (uint32_t i = 0; i < k->value_count; i++)
		out->value[i] =
			(struct msg_value){ .metric = c->metrics[k->first_value + i],
					    .value = c->values[k->first_value + i] };
	if (k->has_text)
		memcpy(out->text, c->texts[id], sizeof out->text);
}
