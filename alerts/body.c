#include "alerts/body.h"

#include "alerts/part.h"
#include "base/clock.h"

#include <inttypes.h>
#include <string.h>

#define PART_BYTES 65536

/* Each line of a part, set in. */
static void
add_lines(struct text *t, const char *lines, const char *margin)
{
	for (const char *p = lines; *p != '\0';) {
		size_t n = strcspn(p, "\n");
		text_add(t, "%s%.*s\n", margin, (int)n, p);
		p += n + (p[n] == '\n');
	}
}

static void
add_part(struct text *t, const struct letter *l, enum part part)
{
	static char lines[PART_BYTES];
	struct text p;
	text_begin(&p, lines, sizeof lines);
	part_write(l, part, &p);
	if (p.length == 0)
		return;
	text_add(t, "\n%s:\n", part_title[part]);
	add_lines(t, lines, "  ");
}

static void
add_items(struct text *t, const struct letter *l)
{
	char time[40];
	text_add(t, "\nIncidents:\n");
	for (size_t i = 0; i < l->item_count; i++) {
		const struct letter_item *x = &l->items[i];
		text_add(t, "  #%" PRIu64 " %s %s, began %s: %s", x->number,
			 severity_name[x->severity], letter_state[x->phase],
			 clock_rfc3339(x->since_ms, time, sizeof time), x->text);
		if (x->members > 1)
			text_add(t, " (and %u more with it)", x->members - 1);
		text_add(t, "\n");
		if (x->detail != NULL)
			add_lines(t, x->detail, "      ");
	}
}

static void
add_value(struct text *out, enum variable v, const void *arg)
{
	part_variable(arg, v, out);
}

size_t
body_write(const struct letter *l, char *out, size_t cap)
{
	char ctl[300];
	struct text t;
	text_begin(&t, out, cap);
	if (l->body != NULL && l->item_count == 0) {
		template_write(&t, l->body, add_value, l);
		if (t.length > 0 && out[t.length - 1] != '\n')
			text_add(&t, "\n");
		return t.length;
	}
	text_add(&t, "%s: %s\n", l->host, l->about.text);
	if (l->phase == PHASE_TEST) {
		text_add(&t, "\nNothing is wrong. Somebody asked monitord for a test.\n");
		return t.length;
	}
	if (l->item_count > 0) {
		add_items(&t, l);
		if (l->member_count > l->item_count) /* more than the roots */
			add_part(&t, l, PART_AFFECTED);
		text_add(&t, "\nCommands:\n  %s incidents\n",
			 part_ctl(l, ctl, sizeof ctl));
	}
	for (unsigned p = 0; p < PARTS && l->item_count == 0; p++)
		add_part(&t, l, (enum part)p);
	if (l->item_count > 0)
		text_add(&t, "\n-- \nmonitord on %s, for contact %s\n", l->host,
			 l->contact);
	else
		text_add(&t, "\n-- \nmonitord on %s, %s %" PRIu64 ", for contact %s\n",
			 l->host, l->phase == PHASE_EVENT ? "event" : "incident",
			 l->number, l->contact);
	return t.length;
}
