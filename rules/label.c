/* Performance data of scripts: `mycheck.LABEL` is what the plugin says of that label. Each
 * check has places of its own for the labels that its rules name. */
#include "rules/build.h"

#include <assert.h>
#include <string.h>

static_assert(METRIC_LABEL10 == METRIC_LABEL1 + LABELS_MAX - 1, "they stand in a row");

const char *
check_metric_name(const struct check *c, enum metric m)
{
	if (m < METRIC_LABEL1 || m > METRIC_LABEL10 || c->more->labels == NULL ||
	    c->more->labels[m - METRIC_LABEL1] == NULL)
		return metric_table[m].name;
	return c->more->labels[m - METRIC_LABEL1];
}

/* What every check has; all else of a script is a label, also where another kind has a
 * metric of that name. */
static bool
is_common(enum metric m)
{
	return m == METRIC_UP || m == METRIC_DOWN || m == METRIC_DEGRADED ||
	       m == METRIC_STATE || m == METRIC_LATENCY || m == METRIC_AGE ||
	       m == METRIC_STATUS || m == METRIC_BYTES;
}

bool
build_is_label(const struct check *c, enum metric m)
{
	return c->kind == CHECK_SCRIPT && (m == METRICS_COUNT || !is_common(m));
}

enum metric
build_label(struct build *b, struct check *c, const char *name)
{
	size_t n = strlen(name);
	if (n == 0 || n > RULES_NAME_MAX || strchr(name, '%') != NULL) {
		build_error(b, b->entry->place,
			    "%s: '%.80s' is no label of performance data", b->entry->key,
			    name);
		return METRICS_COUNT;
	}
	struct check_more *more = build_more(b, c);
	if (more->labels == NULL)
		more->labels = build_get(b, LABELS_MAX * sizeof *more->labels);
	for (unsigned i = 0; i < LABELS_MAX; i++) {
		if (more->labels[i] == NULL)
			more->labels[i] = build_text(b, name, n);
		if (strcmp(more->labels[i], name) == 0)
			return (enum metric)(METRIC_LABEL1 + i);
	}
	build_error(b, b->entry->place, "%s: more than %d labels of [check %s]",
		    b->entry->key, LABELS_MAX, c->name);
	return METRICS_COUNT;
}
