/* The statements of a check but its ifs. */
#include "status/import_state.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void
take_command(struct import *m, const char *what)
{
	size_t begin = m->at - 1;
	char command[1000];
	const char *text = import_value(m);
	bool good = import_command(text, command, sizeof command),
	     process = strcmp(m->section->type, "process") == 0;
	bool as_user = false;
	while (token_is(import_now(m), "as") || token_is(import_now(m), "and") ||
	       token_is(import_now(m), "with") || token_is(import_now(m), "uid") ||
	       token_is(import_now(m), "gid") || token_is(import_now(m), "using") ||
	       token_is(import_now(m), "timeout")) {
		bool two =
			token_is(import_now(m), "uid") || token_is(import_now(m), "gid");
		as_user = as_user || two;
		if (import_accept(m, "timeout")) {
			import_value(m);
			if (!import_accept(m, "seconds") && !import_accept(m, "second"))
				(void)(import_accept(m, "minutes") ||
				       import_accept(m, "minute"));
			continue;
		}
		m->at += two && import_now(m)[1].kind != TOKEN_END ? 2 : 1;
	}
	if (!good || !process || strcmp(what, "restart") == 0) {
		import_lose(m, begin,
			    !process ? "only a service is started and stopped"
			    : good   ? "a restart is stop and start"
				     : "a command without a full path");
		return;
	}
	fprintf(m->section->keys, "%s = %s\n", what, command);
	if (as_user)
		import_lose(m, begin, "whom its command runs as; see user");
}

/* Adds to a list that stands in one key. */
static void
add_item(char *list, size_t cap, const char *item)
{
	size_t n = strlen(list);
	text_print(list + n, cap - n, "%s%s", n > 0 ? ", " : "", item);
}

static void
take_depends(struct import *m)
{
	char names[600] = "";
	struct text t;
	text_begin(&t, names, sizeof names);
	import_accept(m, "on");
	do {
		char name[IMPORT_BASE];
		import_clean_name(import_value(m), name);
		text_add(&t, "%s%s", t.length > 0 ? ", " : "", name);
	} while (import_accept(m, ","));
	add_item(m->section->depends, sizeof m->section->depends, names);
}

static void
take_group(struct import *m)
{
	char name[IMPORT_BASE];
	import_clean_name(import_value(m), name);
	add_item(m->section->groups, sizeof m->section->groups, name);
}

static void
take_every(struct import *m)
{
	size_t begin = m->at - 1;
	const struct token *t = import_now(m);
	m->at += t->kind != TOKEN_END;
	unsigned n = (unsigned)strtoul(t->kind != TOKEN_END ? t->text : "", NULL, 10);
	if (t->kind == TOKEN_STRING || n == 0) {
		import_lose(m, begin, "times as cron writes them; see during");
		return;
	}
	(void)(import_accept(m, "cycles") || import_accept(m, "cycle"));
	fprintf(m->section->keys, "every = %.10gs\n", m->cycle_s * n);
	m->section->every = n;
}

static void
take_alert(struct import *m, bool none)
{
	size_t begin = m->at - 1;
	const char *address = import_value(m);
	if (none) {
		import_lose(m, begin, "who does not hear of it; see alert = none");
		return;
	}
	add_item(m->section->alerts, sizeof m->section->alerts,
		 import_contact(m, address));
	if (!import_begins(import_now(m)) ||
	    (token_is(import_now(m), "not") && token_is(import_now(m) + 1, "on"))) {
		m->at += token_is(import_now(m), "not");
		import_skip(m);
		import_lose(m, begin, "which events it hears of");
	}
}

static void
take_onreboot(struct import *m)
{
	static const char *const rows[][2] = { { "start", "start" },
					       { "nostart", "stay" },
					       { "laststate", "last" } };
	size_t begin = m->at - 1;
	const char *word = import_value(m);
	for (size_t i = 0; i < 3 && strcmp(m->section->kind, "service") == 0; i++)
		if (strcasecmp(word, rows[i][0]) == 0) {
			fprintf(m->section->keys, "on-boot = %s\n", rows[i][1]);
			return;
		}
	import_lose(m, begin, "what happens at a boot");
}

void
import_never_restart(struct import *m)
{
	if (!m->section->never)
		fputs("restart = never\n", m->section->keys);
	m->section->never = true;
}

static void
take_mode(struct import *m)
{
	size_t begin = m->at - 1;
	const char *word = import_value(m);
	if (strcasecmp(word, "active") == 0)
		return;
	if (strcmp(m->section->kind, "service") == 0 && strcasecmp(word, "passive") == 0)
		import_never_restart(m);
	else if (strcmp(m->section->kind, "service") == 0 &&
		 strcasecmp(word, "manual") == 0)
		fputs("on-boot = stay\n", m->section->keys);
	else
		import_lose(m, begin, "this mode");
}

bool
import_statement(struct import *m)
{
	size_t begin = m->at;
	if (import_accept(m, "if"))
		import_if(m);
	else if (import_accept(m, "start"))
		take_command(m, "start");
	else if (import_accept(m, "stop"))
		take_command(m, "stop");
	else if (import_accept(m, "restart"))
		take_command(m, "restart");
	else if (import_accept(m, "depends") || import_accept(m, "depend"))
		take_depends(m);
	else if (import_accept(m, "every"))
		take_every(m);
	else if (import_accept(m, "alert"))
		take_alert(m, false);
	else if (import_accept(m, "noalert"))
		take_alert(m, true);
	else if (import_accept(m, "onreboot"))
		take_onreboot(m);
	else if (import_accept(m, "mode"))
		take_mode(m);
	else if (import_accept(m, "group"))
		take_group(m);
	else
		return false;
	return m->at > begin;
}
