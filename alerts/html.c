/* The letter as HTML: tables and inline styles only, which every mail program shows. Every
 * text is escaped on its way in; a page loads nothing. */
#include "alerts/body.h"

#include "alerts/part.h"
#include "base/clock.h"

#include <inttypes.h>
#include <string.h>

#define PART_BYTES 65536
#define SHOWN_MS 10000 /* less says nothing: news gathers for a moment */
#define FONT "font-family:Helvetica,Arial,sans-serif;"

static void
add_escaped(struct text *t, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c == '<' || c == '>' || c == '&' || c == '"')
			text_add(t, "&#%u;", c);
		else if (c >= ' ' || c == '\t')
			text_add(t, "%c", c);
	}
}

static void
add_text(struct text *t, const char *text)
{
	add_escaped(t, text, strlen(text));
}

/* What is wrong is red, a warning and what is well again amber, what is over green. */
static const char *
colour(enum phase phase, enum severity severity)
{
	return phase == PHASE_CLOSE                          ? "#1a7f37"
	       : phase == PHASE_TEST || phase == PHASE_EVENT ? "#57606a"
	       : severity == SEVERITY_CRITICAL               ? "#b42318"
							     : "#b54708";
}

static void
add_banner(struct text *t, const struct letter *l)
{
	char took[40];
	bool well = l->phase == PHASE_OPEN && l->item_count == 0 && part_well(l);
	int64_t until = l->phase == PHASE_CLOSE ? l->until_ms : l->now_ms;
	text_add(t,
		 "<tr><td style=\"background:%s;color:#fff;padding:16px 20px;\">"
		 "<div style=\"font-size:13px;letter-spacing:.5px;\">",
		 colour(l->phase, well ? SEVERITY_WARNING : l->severity));
	add_text(t, l->host);
	text_add(t, " &middot; %s%s",
		 l->item_count > 0 ? "several incidents" : letter_state[l->phase],
		 well ? ", well again" : "");
	if (l->phase != PHASE_EVENT && l->phase != PHASE_TEST && l->item_count == 0) {
		text_add(t, " &middot; %s &middot; incident %" PRIu64,
			 severity_name[l->severity], l->number);
		/* its text says so itself */
		if (until - l->since_ms >= SHOWN_MS && l->phase != PHASE_CLOSE)
			text_add(t, " &middot; for %s",
				 text_duration(until - l->since_ms, took, sizeof took));
	}
	text_add(t, "</div><div style=\"font-size:20px;font-weight:bold;line-height:1.3;"
		    "padding-top:6px;\">");
	add_text(t, l->about.text);
	text_add(t, "</div></td></tr>\n");
}

static void
open_row(struct text *t, const char *title)
{
	text_add(
		t,
		"<tr><td style=\"padding:14px 20px 0 20px;\"><div style=\"font-size:12px;"
		"font-weight:bold;color:#57606a;text-transform:uppercase;\">%s</div>\n",
		title);
}

static void
close_row(struct text *t)
{
	text_add(t, "</td></tr>\n");
}

static const char *
lines_of(const struct letter *l, enum part part)
{
	static char lines[PART_BYTES];
	struct text p;
	text_begin(&p, lines, sizeof lines);
	part_write(l, part, &p);
	return lines;
}

/* Each line as a paragraph; the first of a part is what it comes to. */
static void
add_part(struct text *t, const struct letter *l, enum part part, bool code)
{
	const char *lines = lines_of(l, part);
	if (*lines == '\0')
		return;
	open_row(t, part_title[part]);
	if (code)
		text_add(
			t,
			"<pre style=\"font-size:12px;background:#f6f8fa;padding:8px 10px;"
			"margin:6px 0 0 0;white-space:pre-wrap;\">");
	for (const char *p = lines; *p != '\0';) {
		size_t n = strcspn(p, "\n");
		text_add(t, code ? "" : "<div style=\"padding-top:4px;\">");
		add_escaped(t, p, n);
		text_add(t, code ? "\n" : "</div>\n");
		p += n + (p[n] == '\n');
	}
	text_add(t, code ? "</pre>" : "");
	close_row(t);
}

/* A picture that is a part of the mail; its text for those who see none. */
static void
add_picture(struct text *t, const char *title, const char *cid, const char *alt)
{
	open_row(t, title);
	text_add(
		t,
		"<img src=\"cid:%s\" style=\"display:block;max-width:100%%;padding-top:6px;\" alt=\"",
		cid);
	for (const char *p = alt; *p != '\0' && *p != '\n'; p++)
		add_escaped(t, p, 1);
	text_add(t, "\">");
	close_row(t);
}

static void
add_items(struct text *t, const struct letter *l)
{
	char time[40];
	open_row(t, "Incidents");
	text_add(t, "<table cellspacing=\"0\" style=\"width:100%%;font-size:13px;" FONT
		    "\">\n");
	for (size_t i = 0; i < l->item_count; i++) {
		const struct letter_item *x = &l->items[i];
		text_add(
			t,
			"<tr><td style=\"padding:4px 8px 4px 0;white-space:nowrap;color:%s;"
			"font-weight:bold;\">%s</td><td style=\"padding:4px 8px 4px 0;\">#%" PRIu64
			"</td><td style=\"padding:4px 8px 4px 0;white-space:nowrap;\">%.19s</td><td>",
			colour(x->phase, x->severity), letter_state[x->phase], x->number,
			clock_rfc3339(x->since_ms, time, sizeof time));
		add_text(t, x->text);
		if (x->members > 1)
			text_add(t, " (and %u more with it)", x->members - 1);
		text_add(t, "</td></tr>\n");
		if (x->detail == NULL)
			continue;
		text_add(
			t,
			"<tr><td></td><td colspan=\"3\" style=\"padding:0 0 8px;color:#57606a;\">");
		for (const char *p = x->detail; *p != '\0'; p += *p == '\n') {
			size_t n = strcspn(p, "\n");
			add_escaped(t, p, n);
			text_add(t, "<br>\n");
			p += n;
		}
		text_add(t, "</td></tr>\n");
	}
	text_add(t, "</table>");
	close_row(t);
}

static void
add_head(struct text *t)
{
	text_add(
		t,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		"<meta name=\"color-scheme\" content=\"light\"><title>monitord</title></head>\n"
		"<body style=\"margin:0;background:#eef1f4;" FONT "color:#1f2328;\">\n"
		"<table role=\"presentation\" cellspacing=\"0\" cellpadding=\"0\" style=\"width:100%%;"
		"max-width:680px;margin:0 auto;background:#fff;font-size:14px;" FONT
		"\">\n");
}

size_t
html_write(const struct letter *l, const char *chain_cid, const char *trace_cid, char *out, size_t cap)
{
	struct text t;
	text_begin(&t, out, cap);
	add_head(&t);
	add_banner(&t, l);
	if (l->item_count > 0) {
		add_items(&t, l);
		if (l->member_count > l->item_count)
			add_part(&t, l, PART_AFFECTED, false);
	} else if (l->phase != PHASE_TEST) {
		add_part(&t, l, PART_SERVED, false);
		add_part(&t, l, PART_DONE, false);
		add_part(&t, l, PART_NEXT, false);
		if (l->trace_png != NULL)
			add_picture(&t, "What was measured", trace_cid, l->about.text);
		add_part(&t, l, PART_EVIDENCE, false);
		add_part(&t, l, PART_AFFECTED, false);
		if (l->chain_png != NULL)
			add_picture(&t, part_title[PART_CHAIN], chain_cid,
				    lines_of(l, PART_CHAIN));
		else
			add_part(&t, l, PART_CHAIN, false);
		add_part(&t, l, PART_COMMANDS, true);
		add_part(&t, l, PART_EVENTS, true);
	} else {
		open_row(&t, "Nothing is wrong");
		text_add(
			&t,
			"<div style=\"padding-top:4px;\">Somebody asked monitord for a test.</div>");
		close_row(&t);
	}
	text_add(
		&t,
		"<tr><td style=\"padding:16px 20px;font-size:12px;color:#57606a;\">monitord on ");
	add_text(&t, l->host);
	text_add(&t, ", for contact ");
	add_text(&t, l->contact);
	text_add(&t, "</td></tr>\n</table></body></html>\n");
	return t.length;
}
