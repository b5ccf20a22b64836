/* "check …": a section begins. */
#include "status/import_state.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void
import_end_section(struct import *m, FILE *rules)
{
	struct section *s = m->section;
	if (s == NULL)
		return;
	if (s->depends[0] != '\0')
		fprintf(s->keys, "%s%s\n",
			strcmp(s->kind, "service") == 0 ? "depends = " : "; depends on ",
			s->depends);
	if (s->groups[0] != '\0')
		fprintf(s->keys, "%s%s\n",
			strcmp(s->kind, "service") == 0 ? "groups = "
							: "; only services have groups: ",
			s->groups);
	if (s->alerts[0] != '\0')
		fprintf(s->keys, "alert = %s\n", s->alerts);
	fclose(s->keys);
	fclose(s->more);
	/* a host is no object: only its checks are */
	if (strcmp(s->type, "host") != 0)
		fprintf(rules, "\n[%s %s]\n%s", s->kind, s->name, s->keys_text);
	fputs(s->more_text, rules);
	free(s->keys_text);
	free(s->more_text);
	free(s);
	m->section = NULL;
}

static bool
begin_section(struct import *m, const char *type, const char *kind, const char *name)
{
	struct section *s = calloc(1, sizeof *s);
	if (s == NULL)
		return false;
	s->keys = open_memstream(&s->keys_text, &s->keys_size);
	s->more = open_memstream(&s->more_text, &s->more_size);
	if (s->keys == NULL || s->more == NULL)
		exit(1); /* out of memory */
	text_print(s->type, sizeof s->type, "%s", type);
	text_print(s->kind, sizeof s->kind, "%s", kind);
	if (strcmp(type, "host") ==
	    0) /* only its checks are objects: its name stays free */
		text_print(s->name, sizeof s->name, "%s", name);
	else
		import_name(m, name, s->name);
	m->section = s;
	return true;
}

/* Somewhere in its statements: what is done about it may stand before. */
static bool
can_be_started(const struct import *m)
{
	for (const struct token *t = import_now(m); t->kind != TOKEN_END; t++) {
		if (token_is(t, "check") || token_is(t, "set"))
			return false;
		if (token_is(t, "start") && !token_is(t - 1, "then") &&
		    !token_is(t - 1, "else"))
			return true;
	}
	return false;
}

static void
check_process(struct import *m, size_t begin, const char *name)
{
	begin_section(m, "process", "service", name);
	m->section->has_start = can_be_started(m);
	import_skip_noise(m);
	if (import_accept(m, "pidfile")) {
		fprintf(m->section->keys, "pidfile = %s\n", import_value(m));
	} else if (import_accept(m, "matching") || import_accept(m, "match")) {
		fputs("match = \"", m->section->keys);
		for (const char *p = import_value(m); *p != '\0'; p++)
			fprintf(m->section->keys, "%s%c", *p == '"' ? "\\" : "", *p);
		fputs("\"\n", m->section->keys);
	} else {
		import_lose(m, begin, "a process without a pid file or pattern");
	}
}

static void
check_program(struct import *m, size_t begin, const char *name)
{
	char command[1000];
	begin_section(m, "program", "check", name);
	const char *path = import_value(m);
	if (!import_command(path, command, sizeof command))
		import_lose(m, begin, "a command without a full path");
	else
		fprintf(m->section->keys, "script = %s\n", command);
	while (!import_begins(import_now(m))) {
		if (import_accept(m, "timeout")) {
			double n = strtod(import_value(m), NULL);
			bool minutes = token_is(import_now(m), "minutes") ||
				       token_is(import_now(m), "minute");
			fprintf(m->section->keys, "timeout = %.10gs\n",
				minutes ? n * 60 : n);
		} else {
			m->at++;
		}
	}
}

void
import_check(struct import *m)
{
	size_t begin = m->at - 1;
	char type[16], name[128];
	static const struct {
		const char *monit, *type, *key;
	} paths[] = {
		{ "file", "file", "file" },
		{ "directory", "directory", "directory" },
		{ "fifo", "fifo", "fifo" },
		{ "filesystem", "filesystem", "filesystem" },
		{ "device", "filesystem", "filesystem" },
		{ "network", "network", "network" },
	};
	text_print(type, sizeof type, "%s",
		   import_now(m)->kind != TOKEN_END ? import_now(m)->text : "");
	m->at += import_now(m)->kind != TOKEN_END;
	text_print(name, sizeof name, "%s",
		   import_now(m)->kind != TOKEN_END ? import_now(m)->text : "");
	m->at += import_now(m)->kind != TOKEN_END;
	if (strcasecmp(name, "$HOST") == 0)
		text_print(name, sizeof name, "host");
	if (strcasecmp(type, "process") == 0) {
		check_process(m, begin, name);
	} else if (strcasecmp(type, "program") == 0) {
		check_program(m, begin, name);
	} else if (strcasecmp(type, "system") == 0) {
		begin_section(m, "system", "check", name);
		fputs("system = yes\n", m->section->keys);
	} else if (strcasecmp(type, "host") == 0) {
		begin_section(m, "host", "check", name);
		import_skip_noise(m);
		import_accept(m, "address");
		text_print(m->section->host, sizeof m->section->host, "%s",
			   import_value(m));
	} else {
		for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
			if (strcasecmp(type, paths[i].monit) == 0) {
				begin_section(m, paths[i].type, "check", name);
				import_skip_noise(m);
				bool address = import_accept(m, "address");
				import_accept(m, "interface");
				fprintf(m->section->keys, "%s = %s\n", paths[i].key,
					import_value(m));
				if (address)
					import_lose(m, begin,
						    "a network by its address: put the "
						    "link's name there");
				return;
			}
		if (m->section == NULL) {
			import_skip(m);
			import_lose(m, begin, "this kind of check");
		}
	}
}
