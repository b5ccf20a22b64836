/* Tests of resources: each becomes a rule. */
#include "status/import_if.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

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

bool
test_threshold(const struct test *t, const char *plain, char *out, size_t cap)
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
	if (verb != NULL && import_is_process(m))
		fprintf(out, "do   = %s %s\n", verb, m->section->name);
	else if (verb == NULL && *action != '\0')
		fprintf(out, "do   = %s\n", action);
	else
		fputs("do   = log\n", out);
}

/* value NULL: of any change. */
static void
write_rule(struct import *m, const struct test *t, const char *metric, const char *value)
{
	char wanted[160], name[IMPORT_NAME];
	text_print(wanted, sizeof wanted, "%s-%s", m->section->name, metric);
	import_name(m, wanted, name);
	if (value != NULL)
		fprintf(m->section->more, "\n[rule %s]\nwhen = %s.%s %s%s\n", name,
			m->section->name, metric, value, t->window);
	else
		fprintf(m->section->more, "\n[rule %s]\nwhen = changed(%s.%s, 1m)\n",
			name, m->section->name, metric);
	write_do(m, m->section->more,
		 import_can(m, t->outcome.action, t->begin) ? t->outcome.action : "");
}

bool
test_resource(struct import *m, const struct test *t)
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
		    !test_has(t, rows[i].first) ||
		    (rows[i].second != NULL && !test_has(t, rows[i].second)))
			continue;
		if (!test_threshold(t, rows[i].plain, value, sizeof value))
			return false;
		write_rule(m, t, rows[i].metric, value);
		if (test_has(t, "saturation"))
			write_rule(m, t, "send-percent", value);
		return true;
	}
	return false;
}

bool
test_checksum(struct import *m, const struct test *t)
{
	const char *hex = t->c[t->count - 1]->text;
	bool wanted = test_has(t, "expect");
	if (wanted &&
	    (strlen(hex) != 64 || hex[strspn(hex, "0123456789abcdefABCDEF")] != '\0'))
		return false;
	if (wanted) {
		fprintf(m->section->keys, "expect = sha256 = %s\n", hex);
		test_write_action(m, t);
	} else {
		write_rule(m, t, "checksum", NULL);
	}
	return true;
}
