#include "status/expects.h"

#include "base/text.h"

#define STATUS_MAX 1024

static bool
has(const struct expect *x, unsigned status)
{
	return status < STATUS_MAX && (x->statuses[status / 64] >> status % 64 & 1) != 0;
}

/* Runs of statuses as FIRST..LAST. */
static void
statuses_text(const struct expect *x, struct text *t)
{
	text_add(t, "status");
	for (unsigned first = 0; first < STATUS_MAX; first++) {
		unsigned last = first;
		if (!has(x, first))
			continue;
		while (has(x, last + 1))
			last++;
		text_add(t, last > first ? " %u..%u" : " %u", first, last);
		first = last;
	}
}

/* A size or count as it is, or the text that is looked for. */
static void
against(const struct expect *x, struct text *t)
{
	text_add(t, " %s ", compare_name[x->compare]);
	if (x->text != NULL)
		text_add(t, "%s", x->text);
	else
		text_add(t, "%.9g", x->value);
}

static void
expect_text(const struct expect *x, struct text *t)
{
	switch (x->kind) {
	case EXPECT_STATUS:
		statuses_text(x, t);
		return;
	case EXPECT_HEADER:
		text_add(t, "header %s", x->header);
		break;
	case EXPECT_BODY:
		text_add(t, "body");
		break;
	case EXPECT_CONTAINS:
		text_add(t, "body contains %s", x->text);
		return;
	case EXPECT_SHA256:
		text_add(t, "sha256");
		break;
	case EXPECT_TARGET:
		text_add(t, "target");
		break;
	case EXPECT_JSON:
		text_add(t, "json %s", x->header);
		break;
	case EXPECT_METRIC:
		text_add(t, "%s",
			 x->header != NULL ? x->header : metric_table[x->metric].name);
		break;
	}
	if (x->compare == COMPARE_PRESENT)
		return;
	against(x, t);
	if (x->kind == EXPECT_METRIC && x->text == NULL &&
	    metric_table[x->metric].unit == UNIT_MS)
		text_add(t, "ms");
	if (x->kind == EXPECT_METRIC && metric_table[x->metric].unit == UNIT_PERCENT)
		text_add(t, "%%");
}

void
expects_json(const struct expect *expects, uint32_t count, struct json *j)
{
	char bytes[512];
	struct text t;
	json_open(j, '[');
	for (uint32_t i = 0; i < count; i++) {
		text_begin(&t, bytes, sizeof bytes);
		expect_text(&expects[i], &t);
		json_text(j, bytes);
	}
	json_close(j, ']');
}
