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
