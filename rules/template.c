#include "rules/template.h"

#include <assert.h>
#include <string.h>

const char *const variable_name[VARIABLES] = {
	[VARIABLE_HOST] = "host",	  [VARIABLE_CONTACT] = "contact",
	[VARIABLE_INCIDENT] = "incident", [VARIABLE_ID] = "id",
	[VARIABLE_STATE] = "state",	  [VARIABLE_SEVERITY] = "severity",
	[VARIABLE_ROOT] = "root",	  [VARIABLE_TEXT] = "text",
	[VARIABLE_SINCE] = "since",	  [VARIABLE_DURATION] = "duration",
	[VARIABLE_SERVED] = "served",	  [VARIABLE_DONE] = "done",
	[VARIABLE_NEXT] = "next",	  [VARIABLE_EVIDENCE] = "evidence",
	[VARIABLE_AFFECTED] = "affected", [VARIABLE_CHAIN] = "chain",
	[VARIABLE_COMMANDS] = "commands", [VARIABLE_SMS] = "sms",
};
static_assert(sizeof variable_name / sizeof *variable_name == VARIABLES, "a variable lacks a name");

/* The length of the word between braces at p, 0: none begins here. */
static size_t
word_at(const char *p)
{
	size_t n = *p == '{' ? strspn(p + 1, "abcdefghijklmnopqrstuvwxyz-") : 0;
	return n > 0 && p[n + 1] == '}' ? n : 0;
}

static enum variable
variable_of(const char *word, size_t n)
{
	unsigned v = 0;
	while (v < VARIABLES &&
	       (strlen(variable_name[v]) != n || strncmp(variable_name[v], word, n) != 0))
		v++;
	return (enum variable)v;
}

bool
template_check(const char *text, char *unknown, size_t cap)
{
	for (const char *p = text; *p != '\0'; p++) {
		size_t n = word_at(p);
		if (n > 0 && variable_of(p + 1, n) == VARIABLES) {
			text_print(unknown, cap, "%.*s", (int)(n < 60 ? n : 60), p + 1);
			return false;
		}
	}
	return true;
}

void
template_write(struct text *out, const char *text,
	       void (*value)(struct text *out, enum variable v, const void *arg), const void *arg)
{
	for (const char *p = text; *p != '\0';) {
		size_t n = word_at(p);
		enum variable v = n > 0 ? variable_of(p + 1, n) : VARIABLES;
		if (v != VARIABLES) {
			value(out, v, arg);
			p += n + 2;
			continue;
		}
		n = 1 + strcspn(p + 1, "{");
		text_add(out, "%.*s", (int)n, p);
		p += n;
	}
}
