/* "include PATTERN": what stands in those files is read as if it stood here, as Monit does. */
#include "status/import_state.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#define DEEP 16 /* includes within includes */

/* The section that is under way goes on in the file, and behind it. */
static void
read_file(struct import *m, const char *path, unsigned line, FILE *rules)
{
	const char *file = m->file, *outer = m->text;
	struct token *tokens = m->tokens;
	size_t at = m->at;
	char *text = m->read(path);
	struct token *inner = text != NULL ? import_tokens(text) : NULL;
	if (inner == NULL) {
		fprintf(m->report, "%s:%u: %s: %s\n", file, line, path, strerror(errno));
		fprintf(m->settings, "; include %s: %s\n", path, strerror(errno));
		m->lost++;
	} else {
		m->file = path;
		m->text = text;
		m->tokens = inner;
		m->at = 0;
		m->depth++;
		import_statements(m, rules);
		m->depth--;
		m->file = file;
		m->text = outer;
		m->tokens = tokens;
		m->at = at;
	}
	import_tokens_free(inner);
	free(text);
}

void
import_include(struct import *m, FILE *rules)
{
	size_t begin = m->at - 1;
	unsigned line = m->tokens[begin].line;
	const char *pattern = import_value(m);
	glob_t found = { 0 };
	if (m->read == NULL || m->depth == DEEP)
		import_lose(m, begin, m->read == NULL ? "no files are read" : "too deep");
	else if (glob(pattern, GLOB_MARK, NULL, &found) != 0)
		fprintf(m->report, "%s:%u: include finds no file: %s\n", m->file, line,
			pattern);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *path = found.gl_pathv[i];
		if (path[strlen(path) - 1] != '/')
			read_file(m, path, line, rules);
	}
	globfree(&found);
}
