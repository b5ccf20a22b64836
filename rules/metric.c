#include "rules/metric.h"

#include "base/text.h"

#include <string.h>

const struct metric_row metric_table[METRICS_COUNT] = {
#define METRIC_ROW(id, text, objects, unit, help) [METRIC_##id] = { text, objects, unit, help },
	METRICS(METRIC_ROW)
#undef METRIC_ROW
};

enum metric
metric_find(const char *name, size_t length, char object)
{
	for (unsigned m = 0; m < METRICS_COUNT; m++)
		if (strlen(metric_table[m].name) == length &&
		    memcmp(metric_table[m].name, name, length) == 0 &&
		    strchr(metric_table[m].objects, object) != NULL)
			return (enum metric)m;
	return METRICS_COUNT;
}

enum metric
metric_percent(enum metric m)
{
	char name[64];
	size_t n = text_print(name, sizeof name, "%s-percent", metric_table[m].name);
	return metric_find(name, n, metric_table[m].objects[0]);
}

/* What is known of a service without asking its process. */
static bool
is_own(enum metric m)
{
	return m == METRIC_UP || m == METRIC_STATE || m == METRIC_PID ||
	       m == METRIC_UPTIME || m == METRIC_RESTARTS || m == METRIC_EXIT_CODE;
}

size_t
metric_sample_slot(enum metric m)
{
	static unsigned char slots[METRICS_COUNT]; /* slot + 1 */
	static bool counted;
	for (unsigned i = 0, n = 0; !counted && i < METRICS_COUNT; i++)
		if (strchr(metric_table[i].objects, 'S') != NULL &&
		    !is_own((enum metric)i))
			slots[i] = (unsigned char)++n;
	counted = true;
	return m < METRICS_COUNT && slots[m] != 0 ? slots[m] - 1u : SIZE_MAX;
}
