/* if TEST then ACTION: tests of resources become rules, those of a file's or a program's
 * own become expectations. */
#include "status/import.h"

#include "base/text.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

struct test {
	const struct token *c[IMPORT_TEST_TOKENS]; /* the condition */
	size_t count, begin; /* begin: its first token in the file */
	struct outcome_text outcome;
	char window[48];   /* of a rule: " for 60s", " 3 of 5" */
	unsigned need, of; /* cycles; 0: at once */
};

static bool
has(const struct test *t, const char *word)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->c[i]->kind != TOKEN_STRING && token_is(t->c[i], word))
			return true;
	return false;
}

static const struct token *
behind(const struct test *t, const char *word)
{
	for (size_t i = 0; i + 1 < t->count; i++)
		if (token_is(t->c[i], word))
			return t->c[i + 1];
	return NULL;
}

static const char *
comparison(const struct token *t)
{
	static const char *const rows[][2] = {
		{ ">", ">" },         { "<", "<" },     { ">=", ">=" },
		{ "<=", "<=" },       { "=", "=" },     { "==", "=" },
		{ "!=", "!=" },       { "<>", "!=" },   { "greater", ">" },
		{ "gt", ">" },        { "more", ">" },  { "exceeds", ">" },
		{ "older", ">" },     { "less", "<" },  { "lt", "<" },
		{ "newer", "<" },     { "equal", "=" }, { "eq", "=" },
		{ "notequal", "!=" }, { "ne", "!=" },   { "ge", ">=" },
		{ "le", "<=" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (token_is(t, rows[i][0]))
			return rows[i][1];
	return NULL;
}

/* "100 MB" is 100M, "15 minutes" 15m, "500 kB/s" 500K/s, "80 %" 80%. What follows the
 * number without a space counts too. */
static bool
unit_of(const char *word, const char **unit)
{
	static const char *const rows[][2] = {
		{ "%", "%" },
		{ "b", "B" },
		{ "byte", "B" },
		{ "bytes", "B" },
		{ "k", "K" },
		{ "kb", "K" },
		{ "m", "M" },
		{ "mb", "M" },
		{ "g", "G" },
		{ "gb", "G" },
		{ "ms", "ms" },
		{ "millisecond", "ms" },
		{ "milliseconds", "ms" },
		{ "s", "s" },
		{ "second", "s" },
		{ "seconds", "s" },
		{ "minute", "m" },
		{ "minutes", "m" },
		{ "hour", "h" },
		{ "hours", "h" },
		{ "day", "d" },
		{ "days", "d" },
		{ "b/s", "/s" },
		{ "kb/s", "K/s" },
		{ "mb/s", "M/s" },
		{ "gb/s", "G/s" },
		{ "t", "T" },
		{ "tb", "T" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcasecmp(word, rows[i][0]) == 0) {
			*unit = rows[i][1];
			return true;
		}
	return false;
}

/* The comparison and its value: "> 80%". plain: what stands for a number without unit.
 * False: there is none. */
static bool
threshold(const struct test *t, const char *plain, char *out, size_t cap)
{
	for (size_t i = 0; i + 1 < t->count; i++) {
		const char *op = comparison(t->c[i]), *unit = plain;
		size_t n = i + 1;
		char *end;
		while (op != NULL && n < t->count &&
		       (token_is(t->c[n], "than") || token_is(t->c[n], "to")))
			n++;
		if (op == NULL || n >= t->count)
			continue;
		double value = strtod(t->c[n]->text, &end);
		if (end == t->c[n]->text)
			continue;
		if (*end != '\0' && !unit_of(end, &unit))
			return false;
		if (*end == '\0' && n + 1 < t->count)
			unit_of(t->c[n + 1]->text, &unit);
		text_print(out, cap, "%s %.10g%s", op, value, unit);
		return true;
	}
	return false;
}

/* "for 3 cycles", "3 times within 5 cycles": taken out of the condition. */
static void
take_window(const struct import *m, struct test *t)
{
	size_t cut = t->count;
	unsigned numbers[2] = { 0, 0 }, n = 0;
	if (!has(t, "cycles") && !has(t, "cycle"))
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

/* ---- rules ---- */

static bool
is_process(const struct import *m)
{
	return strcmp(m->section->type, "process") == 0;
}

bool
import_can(struct import *m, const char *action, size_t begin)
{
	bool starts = strcmp(action, "restart") == 0 || strcmp(action, "start") == 0,
	     acts = starts || strcmp(action, "stop") == 0 ||
		    strcmp(action, "hold") == 0 || strcmp(action, "release") == 0;
	if (acts && !is_process(m))
		import_lose(m, begin,
			    "the action: only a service is started and stopped");
	else if (starts && !m->section->has_start)
		import_lose(m, begin, "the action: nothing says how it is started");
	else
		return true;
	return false;
}

static void
write_do(struct import *m, FILE *out, const char *action)
{
	const char *verb = strcmp(action, "restart") == 0 ||
					   strcmp(action, "start") == 0 ||
					   strcmp(action, "stop") == 0 ||
					   strcmp(action, "hold") == 0 ||
					   strcmp(action, "release") == 0
				   ? action
				   : NULL;
	if (verb != NULL && is_process(m))
		fprintf(out, "do   = %s %s\n", verb, m->section->name);
	else if (verb == NULL && *action != '\0')
		fprintf(out, "do   = %s\n", action);
	else
		fputs("do   = log\n", out);
}

static void
write_rule(struct import *m, const struct test *t, const char *metric, const char *value)
{
	char wanted[160], name[IMPORT_NAME];
	text_print(wanted, sizeof wanted, "%s-%s", m->section->name, metric);
	import_name(m, wanted, name);
	fprintf(m->section->more, "\n[rule %s]\nwhen = %s.%s %s%s\n", name,
		m->section->name, metric, value, t->window);
	write_do(m, m->section->more,
		 import_can(m, t->outcome.action, t->begin) ? t->outcome.action : "");
}

static bool
resource(struct import *m, const struct test *t)
{
	/* the words that say which, the object's type, the metric, the unit of a plain
	 * number */
	static const struct {
		const char *first, *second, *type, *metric, *plain;
	} rows[] = {
		{ "totalcpu", NULL, "process", "cpu-total", "%" },
		{ "total", "cpu", "process", "cpu-total", "%" },
		{ "cpu", NULL, "process", "cpu", "%" },
		{ "totalmem", NULL, "process", "memory-total", "B" },
		{ "totalmemory", NULL, "process", "memory-total", "B" },
		{ "total", "mem", "process", "memory-total", "B" },
		{ "total", "memory", "process", "memory-total", "B" },
		{ "mem", NULL, "process", "memory", "B" },
		{ "memory", NULL, "process", "memory", "B" },
		{ "children", NULL, "process", "children", "" },
		{ "threads", NULL, "process", "threads", "" },
		{ "uptime", NULL, "process", "uptime", "s" },
		{ "read", NULL, "process", "io-read", "/s" },
		{ "write", NULL, "process", "io-write", "/s" },
		{ "filedescriptors", NULL, "process", "fds", "" },
		{ "loadavg", "1min", "system", "load1", "" },
		{ "loadavg", "5min", "system", "load5", "" },
		{ "loadavg", "15min", "system", "load15", "" },
		{ "cpu", "system", "system", "cpu-system", "%" },
		{ "cpu", "wait", "system", "cpu-wait", "%" },
		{ "cpu", "user", "system", "cpu-used", "%" },
		{ "cpu", NULL, "system", "cpu-used", "%" },
		{ "memory", NULL, "system", "memory-used", "B" },
		{ "mem", NULL, "system", "memory-used", "B" },
		{ "swap", NULL, "system", "swap-used", "B" },
		{ "uptime", NULL, "system", "uptime", "s" },
		{ "space", "free", "filesystem", "free", "B" },
		{ "space", NULL, "filesystem", "used", "B" },
		{ "inode", NULL, "filesystem", "inodes-used", "" },
		{ "inodes", NULL, "filesystem", "inodes-used", "" },
		{ "size", NULL, "file", "size", "B" },
		{ "timestamp", NULL, "file", "mtime", "s" },
		{ "mtime", NULL, "file", "mtime", "s" },
		{ "ctime", NULL, "file", "ctime", "s" },
		{ "atime", NULL, "file", "atime", "s" },
		{ "timestamp", NULL, "directory", "mtime", "s" },
		{ "mtime", NULL, "directory", "mtime", "s" },
		{ "timestamp", NULL, "fifo", "mtime", "s" },
		{ "saturation", NULL, "network", "receive-percent", "%" },
		{ "download", NULL, "network", "receive", "/s" },
		{ "upload", NULL, "network", "send", "/s" },
	};
	char value[80];
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (strcmp(m->section->type, rows[i].type) != 0 ||
		    !has(t, rows[i].first) ||
		    (rows[i].second != NULL && !has(t, rows[i].second)))
			continue;
		if (!threshold(t, rows[i].plain, value, sizeof value))
			return false;
		write_rule(m, t, rows[i].metric, value);
		if (has(t, "saturation"))
			write_rule(m, t, "send-percent", value);
		return true;
	}
	return false;
}

/* ---- what a check expects ---- */

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

/* "failed permission 644", "failed uid root". False: it is none of these. */
static bool
owner_or_mode(struct import *m, const struct test *t)
{
	static const char *const modes[] = { "permission", "perm" };
	unsigned id;
	for (size_t i = 0; i < 2; i++) {
		const struct token *mode = behind(t, modes[i]);
		if (mode != NULL && mode->text[strspn(mode->text, "01234567")] == '\0') {
			fprintf(m->section->keys, "expect = mode = %lu\n",
				strtoul(mode->text, NULL, 10));
			return true;
		}
	}
	for (size_t i = 0; i < 2; i++) {
		const struct token *owner = behind(t, i == 0 ? "uid" : "gid");
		if (owner == NULL)
			continue;
		if (!number_of_owner(owner->text, i == 1, &id))
			return false;
		fprintf(m->section->keys, "expect = %s = %u\n", i == 0 ? "uid" : "gid",
			id);
		return true;
	}
	return false;
}

static void
write_check_action(struct import *m, const struct test *t)
{
	if (t->outcome.window[0] != '\0' && !m->section->windowed)
		fprintf(m->section->keys, "%s\n", t->outcome.window);
	m->section->windowed = m->section->windowed || t->outcome.window[0] != '\0';
	if (strncmp(t->outcome.action, "run ", 4) == 0)
		fprintf(m->section->keys, "do = %s\n", t->outcome.action);
	else
		import_can(m, t->outcome.action, t->begin);
}

/* A line of a file that matches: a log. */
static bool
content(struct import *m, const struct test *t)
{
	char wanted[100], name[IMPORT_NAME], *path = NULL;
	const struct token *pattern = t->c[t->count - 1];
	if (pattern->kind != TOKEN_STRING && !has(t, "match"))
		return false;
	fflush(m->section->keys);
	path = strstr(m->section->keys_text, "file = ");
	if (path == NULL || has(t, "not") || has(t, "!="))
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

static bool
existence(struct import *m, const struct test *t)
{
	if (!is_process(m)) {
		write_check_action(m, t);
		return true;
	}
	if (t->outcome.action[0] == '\0')
		import_never_restart(m);
	return t->outcome.action[0] == '\0' ||
	       strcmp(t->outcome.action, "restart") == 0 ||
	       strcmp(t->outcome.action, "start") == 0;
}

static bool
restarts(struct import *m, const struct test *t)
{
	unsigned numbers[2] = { 0, 0 }, n = 0;
	for (size_t i = 0; i < t->count && n < 2; i++)
		if (t->c[i]->text[0] >= '0' && t->c[i]->text[0] <= '9')
			numbers[n++] = (unsigned)strtoul(t->c[i]->text, NULL, 10);
	if (!is_process(m) || n < 2 || numbers[0] == 0 || numbers[0] > 63)
		return false;
	fprintf(m->section->keys, "at-most = %u in %.10gs\n", numbers[0],
		import_seconds(m, numbers[1]));
	return true;
}

static const char *
no_counterpart(const struct test *t)
{
	static const char *const rows[][2] = {
		{ "changed",
		  "a change is no fault to monitord; events tell of new processes" },
		{ "checksum", "a checksum of a file" },
		{ "action", "user actions are told as commands" },
		{ "hardlinks", "the number of links" },
		{ "packet", "rates of packets" },
		{ "servicetime", "times of a disk's service" },
		{ "security", "security attributes" },
		{ "status",
		  "which exit codes are good: 0 is, 1 warns, the rest is down" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (has(t, rows[i][0]))
			return rows[i][1];
	return "this test";
}

static bool
is_status_of_program(const struct import *m, const struct test *t)
{
	char value[80];
	return strcmp(m->section->type, "program") == 0 && has(t, "status") &&
	       !has(t, "changed") && threshold(t, "", value, sizeof value) &&
	       (strcmp(value, "!= 0") == 0 || strcmp(value, "> 0") == 0);
}

static bool
translate(struct import *m, const struct test *t)
{
	bool exists = has(t, "exist") || has(t, "exists");
	if (has(t, "restarts") || has(t, "restart"))
		return restarts(m, t);
	if (exists)
		return (has(t, "not") || has(t, "doesnt")) && existence(m, t);
	if (has(t, "changed"))
		return false;
	if (has(t, "port") || has(t, "unixsocket") || has(t, "unix") || has(t, "url") ||
	    has(t, "ping") || has(t, "icmp")) {
		import_port(m, t->c, t->count, &t->outcome, t->begin);
		return true;
	}
	if (has(t, "link") && strcmp(m->section->type, "network") == 0) {
		write_check_action(m, t);
		return true;
	}
	if (is_status_of_program(m, t)) {
		fputs("; exit code 0 is good, 1 warns, any other is down\n",
		      m->section->keys);
		write_check_action(m, t);
		return true;
	}
	if (has(t, "match") || has(t, "content"))
		return content(m, t);
	return resource(m, t) || owner_or_mode(m, t);
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
	if (!has(&t, "restarts") && !has(&t, "restart"))
		take_window(m, &t);
	if (!translate(m, &t) && m->lost == lost)
		import_lose(m, t.begin, no_counterpart(&t));
	skip_rest(m, t.begin);
}
