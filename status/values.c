#include "status/values.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* Percentages of a whole say nothing new. */
static bool
is_more(unsigned m)
{
	static const char tail[] = "-percent";
	size_t n = strlen(metric_table[m].name);
	return m != METRIC_CPU && m != METRIC_MEMORY && m != METRIC_THREADS &&
	       m != METRIC_FDS &&
	       metric_sample_slot((enum metric)m) < MSG_SAMPLE_VALUES &&
	       (n < strlen(tail) ||
		strcmp(metric_table[m].name + n - strlen(tail), tail) != 0);
}

unsigned
values_more(const struct msg_service_view *v, struct sampled out[MSG_SAMPLE_VALUES])
{
	static_assert(METRICS_COUNT <= 256, "a metric needs more than a byte");
	static uint8_t list[MSG_SAMPLE_VALUES]; /* of metrics, looked for once */
	static unsigned count;
	unsigned n = 0;
	for (unsigned m = 0; count == 0 && m < METRICS_COUNT; m++)
		if (is_more(m) && n < MSG_SAMPLE_VALUES)
			list[n++] = (uint8_t)m;
	count = count == 0 ? n : count;
	for (n = 0; n < count; n++)
		out[n] = (struct sampled){
			list[n],
			(double)v->values[metric_sample_slot((enum metric)list[n])]
		};
	return count;
}

static unsigned
service_values(const struct store *s, uint32_t id, struct sampled *out)
{
	const struct msg_service_view *v = store_service(s, id);
	if (v == NULL)
		return 0;
	const struct sampled all[] = {
		{ METRIC_UP, v->state == SERVICE_UP },
		{ METRIC_RESTARTS, v->restarts },
		{ METRIC_CPU, v->cpu },
		{ METRIC_MEMORY, v->memory },
		{ METRIC_THREADS, v->threads },
		{ METRIC_FDS, v->fds },
	};
	memcpy(out, all, sizeof all);
	return sizeof all / sizeof *all + values_more(v, out + sizeof all / sizeof *all);
}

static unsigned
check_values(const struct store *s, uint32_t id, struct sampled *out)
{
	struct msg_check_view room;
	const struct msg_check_view *v = store_check(s, id, &room);
	unsigned count = 0;
	if (v == NULL || v->state >= CHECK_STATES)
		return 0;
	out[count++] = (struct sampled){ METRIC_UP, v->state == CHECK_UNKNOWN
							    ? (double)NAN
							    : v->state != CHECK_DOWN };
	if (v->measured_ns == 0)
		return count;
	out[count++] = (struct sampled){ METRIC_LATENCY, (double)v->latency_ns / 1e6 };
	for (uint32_t i = 0; i < v->value_count && i < MSG_VALUES; i++)
		if (v->value[i].metric < METRICS_COUNT)
			out[count++] =
				(struct sampled){ v->value[i].metric, v->value[i].value };
	return count;
}

static unsigned
route_values(const struct store *s, uint32_t id, struct sampled *out)
{
	const struct msg_route_view *v = store_route(s, id);
	const struct route *r = &s->rules->routes[id];
	unsigned healthy = 0;
	if (v == NULL)
		return 0;
	for (uint32_t i = 0; i < r->backend_count; i++) {
		struct msg_check_view room;
		const struct msg_check_view *c =
			r->backends[i].check != RULES_NONE
				? store_check(s, r->backends[i].check, &room)
				: NULL;
		healthy += r->backends[i].check == RULES_NONE ||
			   (c != NULL &&
			    (c->state == CHECK_UP || c->state == CHECK_DEGRADED));
	}
	out[0] = (struct sampled){ METRIC_HEALTHY, healthy };
	out[1] = (struct sampled){ METRIC_REROUTED, v->state == ROUTE_REROUTED };
	return 2;
}

static unsigned
chain_values(const struct store *s, uint32_t id, struct sampled *out)
{
	const struct msg_chain_view *v = store_chain(s, id);
	if (v == NULL || v->state == CHAIN_UNKNOWN)
		return 0;
	out[0] = (struct sampled){ METRIC_UP, v->state != CHAIN_DOWN };
	out[1] = (struct sampled){ METRIC_REROUTED, v->state == CHAIN_SECONDARY };
	return 2;
}

unsigned
values_of(const struct store *s, enum object_kind kind, uint32_t id,
	  struct sampled out[VALUES_MAX])
{
	return kind == OBJECT_SERVICE ? service_values(s, id, out)
	       : kind == OBJECT_CHECK ? check_values(s, id, out)
	       : kind == OBJECT_CHAIN ? chain_values(s, id, out)
				      : route_values(s, id, out);
}

/* ---- available? ---- */

static enum availability
service_is(const struct msg_service_view *v)
{
	if (v == NULL)
		return UNTOLD;
	if (v->state == SERVICE_UP || (v->state == SERVICE_HELD && v->pid > 0))
		return AVAILABLE;
	return v->by_command || v->finished ||
			       (v->state == SERVICE_STOPPING && !v->suspect)
		       ? PLANNED
		       : BROKEN;
}

static enum availability
check_is(const struct store *s, uint32_t id)
{
	struct msg_check_view room;
	const struct msg_check_view *v = store_check(s, id, &room);
	uint32_t of = s->rules->checks[id].of;
	const struct msg_service_view *service =
		of != RULES_NONE ? store_service(s, of) : NULL;
	if (service != NULL && (service->by_command || service->finished))
		return PLANNED;
	return v == NULL || v->state == CHECK_UNKNOWN ? UNTOLD
	       : v->state == CHECK_DOWN               ? BROKEN
						      : AVAILABLE;
}

static enum availability
chain_is(const struct msg_chain_view *v)
{
	return v == NULL || v->state == CHAIN_UNKNOWN ? UNTOLD
	       : v->state == CHAIN_DOWN               ? BROKEN
						      : AVAILABLE;
}

enum availability
availability_of(const struct store *s, enum object_kind kind, uint32_t id)
{
	if (kind == OBJECT_SERVICE)
		return service_is(store_service(s, id));
	if (kind == OBJECT_CHECK)
		return check_is(s, id);
	if (kind == OBJECT_CHAIN)
		return chain_is(store_chain(s, id));
	const struct msg_route_view *v = store_route(s, id);
	return v == NULL ? UNTOLD : v->state == ROUTE_STUCK ? BROKEN : AVAILABLE;
}
