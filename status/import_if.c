/* if TEST then ACTION: when, what is done, and who writes what it becomes. */
#include "status/import_if.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

bool
test_has(const struct test *t, const char *word)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->c[i]->kind != TOKEN_STRING && token_is(t->c[i], word))
			return true;
	return false;
}

const struct token *
test_behind(const struct test *t, const char *word)
{
	for (size_t i = 0; i + 1 < t->count; i++)
		if (token_is(t->c[i], word))
			return t->c[i + 1];
	return NULL;
}

/* "for 3 cycles", "3 times within 5 cycles": taken out of the condition. */
static void
take_window(const struct import *m, struct test *t)
{
	size_t cut = t->count;
	unsigned numbers[2] = { 0, 0 }, n = 0;
	if (!test_has(t, "cycles") && !test_has(t, "cycle"))
		return;
	for (size_t i = 0; i < t->count; i++) {
		bool number = t->c[i]->text[strspn(t->c[i]->text, "0123456789")] == '\0';
		bool begins =
			token_is(t->c[i], "for") || (number && i + 1 < t->count &&
						     (token_is(t->c[i + 1], "times") ||
						      token_is(t->c[i + 1], "within") ||
						      token_is(t->c[i + 1], "cycles") ||
						      token_is(t->c[i + 1], "cycle")));
		if (begins && cut == t->count)
			cut = i;
		if (i >= cut && number && n < 2)
			numbers[n++] = (unsigned)strtoul(t->c[i]->text, NULL, 10);
	}
	t->count = cut;
	t->need = numbers[0] > 63 ? 63 : numbers[0];
	t->of = n > 1 && numbers[1] <= 64 ? numbers[1] : t->need;
	if (t->need == 0)
		return;
	if (t->of > t->need) {
		text_print(t->window, sizeof t->window, " %u of %u", t->need, t->of);
		text_print(t->outcome.window, sizeof t->outcome.window, "down = %u of %u",
			   t->need, t->of);
		return;
	}
	if (t->need > 1)
		text_print(t->window, sizeof t->window, " for %.10gs",
			   import_seconds(m, t->need - 1));
	text_print(t->outcome.window, sizeof t->outcome.window, "down = %u", t->need);
}

/* ---- what is done ---- */

/* The action behind "then"; false: unknown. */
static bool
take_action(struct import *m, struct outcome_text *o, bool *timeout)
{
	const struct token *t = &m->tokens[m->at];
	static const char *const plain[][2] = {
		{ "alert", "" },          { "restart", "restart" }, { "start", "start" },
		{ "stop", "stop" },       { "unmonitor", "hold" },  { "timeout", "hold" },
		{ "monitor", "release" },
	};
	char command[400];
	o->action[0] = '\0';
	*timeout = token_is(t, "timeout") || token_is(t, "unmonitor");
	if (token_is(t, "exec") && t[1].kind != TOKEN_END) {
		bool good = import_command(t[1].text, command, sizeof command);
		m->at += 2;
		while (token_is(&m->tokens[m->at], "as") ||
		       token_is(&m->tokens[m->at], "and") ||
		       token_is(&m->tokens[m->at], "uid") ||
		       token_is(&m->tokens[m->at], "gid"))
			m->at += (token_is(&m->tokens[m->at], "uid") ||
				  token_is(&m->tokens[m->at], "gid")) &&
						 m->tokens[m->at + 1].kind != TOKEN_END
					 ? 2
					 : 1;
		if (good)
			text_print(o->action, sizeof o->action, "run %s", command);
		return good;
	}
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		if (token_is(t, plain[i][0])) {
			text_print(o->action, sizeof o->action, "%s", plain[i][1]);
			m->at++;
			return true;
		}
	return false;
}

/* "with reminder on 3 cycles", "repeat every 5 cycles", "else … then …": read and told.
 */
static void
skip_rest(struct import *m, size_t begin)
{
	struct outcome_text other;
	bool timeout;
	if (token_is(&m->tokens[m->at], "and") &&
	    token_is(&m->tokens[m->at + 1], "repeat"))
		m->at++;
	if (token_is(&m->tokens[m->at], "repeat") ||
	    (token_is(&m->tokens[m->at], "with") &&
	     token_is(&m->tokens[m->at + 1], "reminder"))) {
		while (m->tokens[m->at].kind != TOKEN_END &&
		       !token_is(&m->tokens[m->at], "cycles") &&
		       !token_is(&m->tokens[m->at], "cycle"))
			m->at++;
		m->at += m->tokens[m->at].kind != TOKEN_END;
	}
	if (!token_is(&m->tokens[m->at], "else"))
		return;
	m->at++;
	if (token_is(&m->tokens[m->at], "if"))
		while (m->tokens[m->at].kind != TOKEN_END &&
		       !token_is(&m->tokens[m->at++], "then"))
			;
	if (take_action(m, &other, &timeout) && other.action[0] != '\0' &&
	    strcmp(other.action, "release") != 0)
		import_lose(
			m, begin,
			"what is done once it is over; a rule with `when = not …` can");
}

bool
import_is_process(const struct import *m)
{
	return strcmp(m->section->type, "process") == 0;
}

bool
import_can(struct import *m, const char *action, size_t begin)
{
	bool starts = strcmp(action, "restart") == 0 || strcmp(action, "start") == 0,
	     acts = starts || strcmp(action, "stop") == 0,
	     holds = strcmp(action, "hold") == 0 || strcmp(action, "release") == 0;
	if (holds && !import_is_process(m))
		return false; /* nothing is done to a check, and it is told once anyhow */
	if (acts && !import_is_process(m))
		import_lose(m, begin,
			    "the action: only a service is started and stopped");
	else if (starts && !m->section->has_start)
		import_lose(m, begin, "the action: nothing says how it is started");
	else
		return true;
	return false;
}

/* ---- what it becomes ---- */

static const char *
no_counterpart(const struct test *t)
{
	static const char *const rows[][2] = {
		{ "changed",
		  "a change is no fault to monitord; events tell of new processes" },
		{ "checksum", "a checksum other than SHA-256" },
		{ "action", "user actions are told as commands" },
		{ "hardlinks", "the number of links" },
		{ "packet", "rates of packets" },
		{ "servicetime", "times of a disk's service" },
		{ "security", "security attributes" },
		{ "status",
		  "which exit codes are good: 0 is, 1 warns, the rest is down" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (test_has(t, rows[i][0]))
			return rows[i][1];
	return "this test";
}

static bool
is_status_of_program(const struct import *m, const struct test *t)
{
	char value[80];
	return strcmp(m->section->type, "program") == 0 && test_has(t, "status") &&
	       !test_has(t, "changed") && test_threshold(t, "", value, sizeof value) &&
	       (strcmp(value, "!= 0") == 0 || strcmp(value, "> 0") == 0);
}

static bool
translate(struct import *m, const struct test *t)
{
	bool exists = test_has(t, "exist") || test_has(t, "exists");
	if (test_has(t, "restarts") || test_has(t, "restart"))
		return test_restarts(m, t);
	if (exists)
		return (test_has(t, "not") || test_has(t, "doesnt")) &&
		       test_existence(m, t);
	if (test_has(t, "checksum") && strcmp(m->section->type, "file") == 0)
		return test_checksum(m, t);
	if (test_has(t, "changed"))
		return false;
	if (test_has(t, "port") || test_has(t, "unixsocket") || test_has(t, "unix") ||
	    test_has(t, "url") || test_has(t, "ping") || test_has(t, "icmp")) {
		import_port(m, t->c, t->count, &t->outcome, t->begin);
		return true;
	}
	if (test_has(t, "link") && strcmp(m->section->type, "network") == 0) {
		test_write_action(m, t);
		return true;
	}
	if (is_status_of_program(m, t)) {
		fputs("; exit code 0 is good, 1 warns, any other is down\n",
		      m->section->keys);
		test_write_action(m, t);
		return true;
	}
	if (test_has(t, "match") || test_has(t, "content"))
		return test_content(m, t);
	return test_resource(m, t) || test_owner_or_mode(m, t);
}

void
import_if(struct import *m)
{
	struct test t = { .begin = m->at - 1 };
	bool timeout;
	int lost = m->lost;
	for (; m->tokens[m->at].kind != TOKEN_END && !token_is(&m->tokens[m->at], "then");
	     m->at++)
		if (t.count < IMPORT_TEST_TOKENS)
			t.c[t.count++] = &m->tokens[m->at];
	if (m->tokens[m->at].kind == TOKEN_END || t.count == 0) {
		import_lose(m, t.begin, "it has no 'then'");
		return;
	}
	m->at++;
	if (!take_action(m, &t.outcome, &timeout)) {
		m->at += m->tokens[m->at].kind != TOKEN_END;
		import_lose(m, t.begin, "this action");
		return;
	}
	if (!test_has(&t, "restarts") && !test_has(&t, "restart"))
		take_window(m, &t);
	if (!translate(m, &t) && m->lost == lost)
		import_lose(m, t.begin, no_counterpart(&t));
	skip_rest(m, t.begin);
}
