/* What stands in the rule file: names, commands, contacts, and what is lost. */
#include "status/import_state.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

double
import_seconds(const struct import *m, double cycles)
{
	unsigned every =
		m->section != NULL && m->section->every > 0 ? m->section->every : 1;
	return cycles * m->cycle_s * every;
}

/* The statement's words on one line, for the report and for the comment. */
void
import_lose(struct import *m, size_t begin, const char *why)
{
	char words[300];
	size_t from = m->tokens[begin].from,
	       to = m->at > begin ? m->tokens[m->at - 1].to : m->tokens[begin].to;
	text_clean(words, sizeof words, m->text + from, to - from);
	fprintf(m->report, "%s:%u: no counterpart: %s (%s)\n", m->file,
		m->tokens[begin].line, words, why);
	fprintf(m->section != NULL ? m->section->more : m->settings,
		"; no counterpart: %s (%s)\n", words, why);
	m->lost++;
}

void
import_clean_name(const char *wanted, char base[IMPORT_BASE])
{
	size_t n = 0;
	if (!isalpha((unsigned char)*wanted))
		base[n++] = 'x';
	for (; *wanted != '\0' && n < IMPORT_BASE - 1; wanted++)
		base[n++] =
			isalnum((unsigned char)*wanted) || strchr("-_.", *wanted) != NULL
				? *wanted
				: '-';
	base[n] = '\0';
}

void
import_name(struct import *m, const char *wanted, char out[IMPORT_NAME])
{
	char base[IMPORT_BASE];
	import_clean_name(wanted, base);
	text_print(out, IMPORT_NAME, "%s", base);
	for (unsigned try = 2;; try++) {
		unsigned i = 0;
		while (i < m->name_count && strcmp(m->names[i], out) != 0)
			i++;
		if (i == m->name_count)
			break;
		text_print(out, IMPORT_NAME, "%s-%u", base, try);
	}
	if (m->name_count < sizeof m->names / sizeof *m->names)
		text_print(m->names[m->name_count++], IMPORT_NAME, "%s", out);
}

bool
import_command(const char *monit, char *out, size_t cap)
{
	struct text t;
	text_begin(&t, out, cap);
	for (const char *p = monit + strspn(monit, " \t\n"); *p != '\0';
	     p += strspn(p, " \t\n")) {
		char word[512];
		size_t n = 0;
		char quote = '\0';
		bool quoted = false;
		for (; *p != '\0' && (quote != '\0' || strchr(" \t\n", *p) == NULL);
		     p++) {
			if (quote == '\0' && (*p == '\'' || *p == '"')) {
				quote = *p;
				quoted = true;
			} else if (quote != '\0' && *p == quote) {
				quote = '\0';
			} else if (n < sizeof word - 1) {
				word[n++] = *p == '\n' ? ' ' : *p;
			}
		}
		word[n] = '\0';
		quoted = quoted || strpbrk(word, " \t,;()\"") != NULL;
		text_add(&t, "%s%s", t.length > 0 ? " " : "", quoted ? "\"" : "");
		for (const char *c = word; *c != '\0'; c++)
			text_add(&t, "%s%c", *c == '"' ? "\\" : "", *c);
		text_add(&t, "%s", quoted ? "\"" : "");
	}
	return out[0] == '/' && !t.full;
}

const char *
import_contact(struct import *m, const char *address)
{
	for (unsigned i = 0; i < m->contact_count; i++)
		if (strcasecmp(m->contact[i][0], address) == 0)
			return m->contact[i][1];
	if (m->contact_count == sizeof m->contact / sizeof *m->contact)
		return m->contact[0][1];
	char name[IMPORT_NAME], local[64];
	text_print(local, sizeof local, "%.*s", (int)strcspn(address, "@"), address);
	import_name(m, local, name);
	text_print(m->contact[m->contact_count][0], 128, "%s", address);
	text_print(m->contact[m->contact_count][1], 128, "%s", name);
	fprintf(m->contacts, "\n[contact %s]\nmail = %s\n", name, address);
	m->mail = true;
	return m->contact[m->contact_count++][1];
}
