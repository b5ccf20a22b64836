/* Tests of a file's or a program's own: what its check expects. */
#include "status/import_if.h"

#include "base/text.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

static bool
number_of_owner(const char *name, bool group, unsigned *out)
{
	char *end;
	*out = (unsigned)strtoul(name, &end, 10);
	if (*name != '\0' && *end == '\0')
		return true;
	struct passwd *p = group ? NULL : getpwnam(name);
	struct group *g = group ? getgrnam(name) : NULL;
	if (p != NULL)
		*out = p->pw_uid;
	if (g != NULL)
		*out = g->gr_gid;
	return p != NULL || g != NULL;
}

void
test_write_action(struct import *m, const struct test *t)
{
	if (t->outcome.window[0] != '\0' && !m->section->windowed)
		fprintf(m->section->keys, "%s\n", t->outcome.window);
	m->section->windowed = m->section->windowed || t->outcome.window[0] != '\0';
	if (strncmp(t->outcome.action, "run ", 4) == 0)
		fprintf(m->section->keys, "do = %s\n", t->outcome.action);
	else
		import_can(m, t->outcome.action, t->begin);
}

/* "failed permission 644", "failed uid root". False: it is none of these. */
bool
test_owner_or_mode(struct import *m, const struct test *t)
{
	static const char *const modes[] = { "permission", "perm" };
	unsigned id;
	for (size_t i = 0; i < 2; i++) {
		const struct token *mode = test_behind(t, modes[i]);
		if (mode != NULL && mode->text[strspn(mode->text, "01234567")] == '\0') {
			fprintf(m->section->keys, "expect = mode = %lu\n",
				strtoul(mode->text, NULL, 10));
			test_write_action(m, t);
			return true;
		}
	}
	for (size_t i = 0; i < 2; i++) {
		const struct token *owner = test_behind(t, i == 0 ? "uid" : "gid");
		if (owner == NULL)
			continue;
		if (!number_of_owner(owner->text, i == 1, &id)) {
			import_lose(m, t->begin,
				    i == 1 ? "this host has no such group"
					   : "this host has no such user");
			return true;
		}
		fprintf(m->section->keys, "expect = %s = %u\n", i == 0 ? "uid" : "gid",
			id);
		test_write_action(m, t);
		return true;
	}
	return false;
}

/* A line of a file that matches: a log. */
bool
test_content(struct import *m, const struct test *t)
{
	char wanted[100], name[IMPORT_NAME], *path = NULL;
	const struct token *pattern = t->c[t->count - 1];
	if (pattern->kind != TOKEN_STRING && !test_has(t, "match"))
		return false;
	fflush(m->section->keys);
	path = strstr(m->section->keys_text, "file = ");
	if (path == NULL || test_has(t, "not") || test_has(t, "!="))
		return false;
	path += strlen("file = ");
	text_print(wanted, sizeof wanted, "%s-match", m->section->name);
	import_name(m, wanted, name);
	fprintf(m->section->more, "\n[check %s]\nlog   = %.*s\nmatch = \"", name,
		(int)strcspn(path, "\n"), path);
	for (const char *p = pattern->text; *p != '\0'; p++) /* a quote of ours ends it */
		fprintf(m->section->more, "%s%c", *p == '"' ? "\\" : "", *p);
	fputs("\"\nup    = 5m\n", m->section->more);
	if (strncmp(t->outcome.action, "run ", 4) == 0)
		fprintf(m->section->more, "do = %s\n", t->outcome.action);
	return true;
}

bool
test_existence(struct import *m, const struct test *t)
{
	if (!import_is_process(m)) {
		test_write_action(m, t);
		return true;
	}
	if (t->outcome.action[0] == '\0')
		import_never_restart(m);
	return t->outcome.action[0] == '\0' ||
	       strcmp(t->outcome.action, "restart") == 0 ||
	       strcmp(t->outcome.action, "start") == 0;
}

bool
test_restarts(struct import *m, const struct test *t)
{
	unsigned numbers[2] = { 0, 0 }, n = 0;
	for (size_t i = 0; i < t->count && n < 2; i++)
		if (t->c[i]->text[0] >= '0' && t->c[i]->text[0] <= '9')
			numbers[n++] = (unsigned)strtoul(t->c[i]->text, NULL, 10);
	if (!import_is_process(m) || n < 2 || numbers[0] == 0 || numbers[0] > 63)
		return false;
	fprintf(m->section->keys, "at-most = %u in %.10gs\n", numbers[0],
		import_seconds(m, numbers[1]));
	return true;
}
