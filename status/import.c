#include "status/import.h"

#include "status/import_state.h"

#include <stdlib.h>

void
import_statements(struct import *m, FILE *rules)
{
	while (import_now(m)->kind != TOKEN_END) {
		size_t begin = m->at;
		if (import_accept(m, "set")) {
			import_end_section(m, rules);
			import_set(m);
		} else if (import_accept(m, "include")) { /* may stand within a check */
			import_include(m, rules);
		} else if (import_accept(m, "check")) {
			import_end_section(m, rules);
			import_check(m);
		} else if (m->section == NULL || !import_statement(m)) {
			m->at = begin + 1;
			import_skip(m);
			import_lose(m, begin, "this statement");
		}
	}
}

int
import_monitrc(const char *file, const char *text, import_read *read, FILE *rules, FILE *report)
{
	char *settings = NULL, *contacts = NULL, *sections = NULL;
	size_t sizes[3];
	struct import *m = calloc(1, sizeof *m);
	FILE *body = open_memstream(&sections, &sizes[0]);
	int lost = -1;
	if (m == NULL || body == NULL || (m->tokens = import_tokens(text)) == NULL)
		goto out;
	m->file = file;
	m->text = text;
	m->read = read;
	m->report = report;
	m->cycle_s = 30;
	m->settings = open_memstream(&settings, &sizes[1]);
	m->contacts = open_memstream(&contacts, &sizes[2]);
	if (m->settings == NULL || m->contacts == NULL)
		goto out;
	import_statements(m, body);
	import_end_section(m, body);
	if (m->alerts[0] != '\0')
		fprintf(m->settings, "alert = %s\n", m->alerts);
	if (m->mail && !m->smtp)
		fputs("smtp = 127.0.0.1:25\n", m->settings);
	lost = m->lost;
out:
	if (body != NULL)
		fclose(body);
	if (m != NULL && m->settings != NULL)
		fclose(m->settings);
	if (m != NULL && m->contacts != NULL)
		fclose(m->contacts);
	if (lost >= 0)
		fprintf(rules, "; made from %s by monitorctl import\n[monitord]\n%s%s%s",
			file, settings, contacts, sections);
	free(settings);
	free(contacts);
	free(sections);
	import_tokens_free(m != NULL ? m->tokens : NULL);
	free(m);
	return lost;
}
