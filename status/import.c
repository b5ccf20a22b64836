#include "status/import.h"

#include "base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
token_is(const struct token *t, const char *word)
{
	return t->kind != TOKEN_END && t->kind != TOKEN_STRING &&
	       strcasecmp(t->text, word) == 0;
}

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

/* Made of what monitord's names are made of. */
static void
clean_name(const char *wanted, char base[IMPORT_NAME - 8])
{
	size_t n = 0;
	if (!isalpha((unsigned char)*wanted))
		base[n++] = 'x';
	for (; *wanted != '\0' && n < IMPORT_NAME - 9; wanted++)
		base[n++] =
			isalnum((unsigned char)*wanted) || strchr("-_.", *wanted) != NULL
				? *wanted
				: '-';
	base[n] = '\0';
}

void
import_name(struct import *m, const char *wanted, char out[IMPORT_NAME])
{
	char base[IMPORT_NAME - 8];
	clean_name(wanted, base);
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

/* ---- reading ---- */

static const struct token *
now(const struct import *m)
{
	return &m->tokens[m->at];
}

static bool
accept(struct import *m, const char *word)
{
	if (!token_is(now(m), word))
		return false;
	m->at++;
	return true;
}

static void
skip_noise(struct import *m)
{
	static const char *const words[] = { "with", "is",    "as",  "are",     "has",
					     "the",  "using", "use", "program", "=",
					     "path", "and",   "on" };
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (accept(m, words[i]))
			i = (size_t)-1;
}

static const char *
value(struct import *m)
{
	skip_noise(m);
	const char *text = now(m)->kind != TOKEN_END ? now(m)->text : "";
	m->at += now(m)->kind != TOKEN_END;
	return text;
}

static bool
begins_statement(const struct token *t)
{
	static const char *const words[] = {
		"set",     "check",   "include", "if",    "start",   "stop",
		"restart", "depends", "depend",  "group", "mode",    "onreboot",
		"every",   "alert",   "noalert", "not",   "pidfile", "restartlimit"
	};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (token_is(t, words[i]))
			return true;
	return t->kind == TOKEN_END;
}

/* Past braces and what is left of a statement. */
static void
skip_statement(struct import *m)
{
	int depth = 0;
	while (now(m)->kind != TOKEN_END && (depth > 0 || !begins_statement(now(m)))) {
		depth += token_is(now(m), "{") || token_is(now(m), "[");
		depth -= token_is(now(m), "}") || token_is(now(m), "]");
		m->at++;
	}
}

/* ---- set ---- */

static void
set_daemon(struct import *m)
{
	double n = strtod(value(m), NULL);
	m->cycle_s = n > 0 ? n : m->cycle_s;
	if (!m->every)
		fprintf(m->settings, "every = %.10gs\n", m->cycle_s);
	m->every = true;
	if (token_is(now(m), "with") || token_is(now(m), "start"))
		while (now(m)->kind != TOKEN_END && now(m)->kind == TOKEN_WORD &&
		       (!begins_statement(now(m)) || token_is(now(m), "start")))
			m->at++; /* the delay of the first cycle: checks are spread anyhow
				  */
}

static void
set_mailserver(struct import *m, size_t begin)
{
	bool first = true;
	while (now(m)->kind != TOKEN_END && !begins_statement(now(m))) {
		const char *host = now(m)->text;
		unsigned port = 25;
		m->at++;
		if (accept(m, "port"))
			port = (unsigned)strtoul(value(m), NULL, 10);
		fprintf(m->settings, "smtp = %s:%u\n", host, port);
		while (now(m)->kind != TOKEN_END && !token_is(now(m), ",") &&
		       !begins_statement(now(m))) {
			if (accept(m, "username")) {
				const char *user = value(m);
				if (first)
					fprintf(m->settings, "smtp-user = %s\n", user);
			} else if (accept(m, "password")) {
				value(m);
				import_lose(m, begin,
					    "put the password into a file of its own: "
					    "smtp-password-file");
			} else if (accept(m, "ssl") || accept(m, "tls") ||
				   accept(m, "tlsv1") || accept(m, "tlsv12") ||
				   accept(m, "tlsv13")) {
				fputs(first ? "smtp-tls = starttls\n" : "", m->settings);
				if (token_is(now(m), "with") || token_is(now(m), "{"))
					skip_statement(m);
			} else {
				m->at++;
			}
		}
		first = false;
		if (!accept(m, ","))
			break;
	}
	m->smtp = true;
}

static void
set_mail_format(struct import *m, size_t begin)
{
	accept(m, "{");
	while (now(m)->kind != TOKEN_END && !token_is(now(m), "}")) {
		if (accept(m, "from:")) {
			char from[128];
			text_print(from, sizeof from, "%s", value(m));
			if (!m->from)
				fprintf(m->settings, "from = %s\n", from);
			m->from = true;
			continue;
		}
		if (token_is(now(m), "subject:") || token_is(now(m), "message:"))
			import_lose(m, begin, "the text of mails");
		m->at++;
	}
	accept(m, "}");
}

static void
set_alert(struct import *m, size_t begin)
{
	const char *address = value(m);
	const char *contact = import_contact(m, address);
	size_t n = strlen(m->alerts);
	text_print(m->alerts + n, sizeof m->alerts - n, "%s%s", n > 0 ? ", " : "",
		   contact);
	if (token_is(now(m), "only") || token_is(now(m), "not") ||
	    token_is(now(m), "{") || token_is(now(m), "on")) {
		m->at += token_is(now(m), "not") || token_is(now(m), "only");
		skip_statement(m);
		import_lose(m, begin, "which events it hears of");
	}
	if (accept(m, "reminder") ||
	    (token_is(now(m), "with") && token_is(now(m) + 1, "reminder"))) {
		while (now(m)->kind != TOKEN_END &&
		       (now(m)->text[0] < '0' || now(m)->text[0] > '9'))
			m->at++;
		double remind_s = import_seconds(m, strtod(now(m)->text, NULL));
		if (!m->remind)
			fprintf(m->settings, "remind = %.10gs\n",
				remind_s < 60 ? 60 : remind_s);
		m->remind = true;
		skip_statement(m);
	}
}

static void
set_httpd(struct import *m, size_t begin)
{
	unsigned port = 0;
	char host[128] = "localhost";
	for (; now(m)->kind != TOKEN_END && !begins_statement(now(m)); m->at++) {
		if (token_is(now(m), "port"))
			port = (unsigned)strtoul(now(m)[1].text, NULL, 10);
		if (token_is(now(m), "address"))
			text_print(host, sizeof host, "%s", now(m)[1].text);
		if (token_is(now(m), "allow") || token_is(now(m), "{"))
			break;
	}
	if (port > 0 && !m->http)
		fprintf(m->settings, "http = %s:%u\n",
			strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, port);
	m->http = m->http || port > 0;
	if (now(m)->kind != TOKEN_END && !begins_statement(now(m))) {
		skip_statement(m);
		import_lose(m, begin,
			    "who may: read-group and admin-group on the socket, "
			    "http-token-file over TCP");
	}
}

static void
take_set(struct import *m)
{
	size_t begin = m->at - 1;
	static const struct {
		const char *word, *why; /* NULL: there is nothing to be done about it */
	} ignored[] = {
		{ "pidfile", NULL },
		{ "idfile", NULL },
		{ "statefile", NULL },
		{ "eventqueue", NULL },
		{ "limits", NULL },
		{ "terminal", NULL },
		{ "logfile", "it logs to standard error or the journal" },
		{ "log", "it logs to standard error or the journal" },
		{ "mmonit", "M/Monit; see /metrics and webhooks" },
		{ "ssl", "options of TLS: certificates are verified" },
		{ "tls", "options of TLS: certificates are verified" },
		{ "fips", "the FIPS mode" },
		{ "expectbuffer", NULL },
	};
	if (accept(m, "daemon")) {
		set_daemon(m);
	} else if (accept(m, "mailserver")) {
		set_mailserver(m, begin);
	} else if (accept(m, "mail-format")) {
		set_mail_format(m, begin);
	} else if (accept(m, "alert")) {
		set_alert(m, begin);
	} else if (accept(m, "httpd")) {
		set_httpd(m, begin);
	} else {
		const char *why = "this setting";
		for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
			if (token_is(now(m), ignored[i].word))
				why = ignored[i].why;
		m->at += now(m)->kind != TOKEN_END;
		skip_statement(m);
		if (why != NULL)
			import_lose(m, begin, why);
	}
}

/* ---- check ---- */

static void
end_section(struct import *m, FILE *rules)
{
	struct section *s = m->section;
	if (s == NULL)
		return;
	if (s->depends[0] != '\0')
		fprintf(s->keys, "%s%s\n",
			strcmp(s->kind, "service") == 0 ? "depends = " : "; depends on ",
			s->depends);
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
	for (const struct token *t = now(m); t->kind != TOKEN_END; t++) {
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
	skip_noise(m);
	if (accept(m, "pidfile")) {
		fprintf(m->section->keys, "pidfile = %s\n", value(m));
	} else if (accept(m, "matching") || accept(m, "match")) {
		fputs("match = \"", m->section->keys);
		for (const char *p = value(m); *p != '\0'; p++)
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
	const char *path = value(m);
	if (!import_command(path, command, sizeof command))
		import_lose(m, begin, "a command without a full path");
	else
		fprintf(m->section->keys, "script = %s\n", command);
	while (!begins_statement(now(m))) {
		if (accept(m, "timeout")) {
			double n = strtod(value(m), NULL);
			bool minutes =
				token_is(now(m), "minutes") || token_is(now(m), "minute");
			fprintf(m->section->keys, "timeout = %.10gs\n",
				minutes ? n * 60 : n);
		} else {
			m->at++;
		}
	}
}

static void
take_check(struct import *m)
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
		   now(m)->kind != TOKEN_END ? now(m)->text : "");
	m->at += now(m)->kind != TOKEN_END;
	text_print(name, sizeof name, "%s",
		   now(m)->kind != TOKEN_END ? now(m)->text : "");
	m->at += now(m)->kind != TOKEN_END;
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
		skip_noise(m);
		accept(m, "address");
		text_print(m->section->host, sizeof m->section->host, "%s", value(m));
	} else {
		for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
			if (strcasecmp(type, paths[i].monit) == 0) {
				begin_section(m, paths[i].type, "check", name);
				skip_noise(m);
				bool address = accept(m, "address");
				accept(m, "interface");
				fprintf(m->section->keys, "%s = %s\n", paths[i].key,
					value(m));
				if (address)
					import_lose(m, begin,
						    "a network by its address: put the "
						    "link's name there");
				return;
			}
		if (m->section == NULL) {
			skip_statement(m);
			import_lose(m, begin, "this kind of check");
		}
	}
}

/* ---- statements of a check ---- */

static void
take_command(struct import *m, const char *what)
{
	size_t begin = m->at - 1;
	char command[1000];
	const char *text = value(m);
	bool good = import_command(text, command, sizeof command),
	     process = strcmp(m->section->type, "process") == 0;
	bool as_user = false;
	while (token_is(now(m), "as") || token_is(now(m), "and") ||
	       token_is(now(m), "with") || token_is(now(m), "uid") ||
	       token_is(now(m), "gid") || token_is(now(m), "using") ||
	       token_is(now(m), "timeout")) {
		bool two = token_is(now(m), "uid") || token_is(now(m), "gid");
		as_user = as_user || two;
		if (accept(m, "timeout")) {
			value(m);
			if (!accept(m, "seconds") && !accept(m, "second"))
				(void)(accept(m, "minutes") || accept(m, "minute"));
			continue;
		}
		m->at += two && now(m)[1].kind != TOKEN_END ? 2 : 1;
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
	accept(m, "on");
	do {
		char name[IMPORT_NAME - 8];
		clean_name(value(m), name);
		text_add(&t, "%s%s", t.length > 0 ? ", " : "", name);
	} while (accept(m, ","));
	add_item(m->section->depends, sizeof m->section->depends, names);
}

static void
take_every(struct import *m)
{
	size_t begin = m->at - 1;
	const struct token *t = now(m);
	m->at += t->kind != TOKEN_END;
	unsigned n = (unsigned)strtoul(t->kind != TOKEN_END ? t->text : "", NULL, 10);
	if (t->kind == TOKEN_STRING || n == 0) {
		import_lose(m, begin, "times as cron writes them; see during");
		return;
	}
	(void)(accept(m, "cycles") || accept(m, "cycle"));
	fprintf(m->section->keys, "every = %.10gs\n", m->cycle_s * n);
	m->section->every = n;
}

static void
take_alert(struct import *m, bool none)
{
	size_t begin = m->at - 1;
	const char *address = value(m);
	if (none) {
		import_lose(m, begin, "who does not hear of it; see alert = none");
		return;
	}
	add_item(m->section->alerts, sizeof m->section->alerts,
		 import_contact(m, address));
	if (!begins_statement(now(m)) ||
	    (token_is(now(m), "not") && token_is(now(m) + 1, "on"))) {
		m->at += token_is(now(m), "not");
		skip_statement(m);
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
	const char *word = value(m);
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
	const char *word = value(m);
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

static bool
take_statement(struct import *m)
{
	size_t begin = m->at;
	if (accept(m, "if"))
		import_if(m);
	else if (accept(m, "start"))
		take_command(m, "start");
	else if (accept(m, "stop"))
		take_command(m, "stop");
	else if (accept(m, "restart"))
		take_command(m, "restart");
	else if (accept(m, "depends") || accept(m, "depend"))
		take_depends(m);
	else if (accept(m, "every"))
		take_every(m);
	else if (accept(m, "alert"))
		take_alert(m, false);
	else if (accept(m, "noalert"))
		take_alert(m, true);
	else if (accept(m, "onreboot"))
		take_onreboot(m);
	else if (accept(m, "mode"))
		take_mode(m);
	else if (accept(m, "group"))
		fprintf(m->section->keys,
			"; group %s: a [chain] may name what belongs together\n",
			value(m));
	else
		return false;
	return m->at > begin;
}

static void
take_include(struct import *m)
{
	const char *pattern = value(m);
	fprintf(m->settings,
		"; include %s: import those files too, and name them in include =\n",
		pattern);
	fprintf(m->report, "%s:%u: import %s as well\n", m->file,
		m->tokens[m->at - 1].line, pattern);
}

static void
read_all(struct import *m, FILE *rules)
{
	while (now(m)->kind != TOKEN_END) {
		size_t begin = m->at;
		if (accept(m, "set")) {
			end_section(m, rules);
			take_set(m);
		} else if (accept(m, "include")) { /* may stand within a check */
			take_include(m);
		} else if (accept(m, "check")) {
			end_section(m, rules);
			take_check(m);
		} else if (m->section == NULL || !take_statement(m)) {
			m->at = begin + 1;
			skip_statement(m);
			import_lose(m, begin, "this statement");
		}
	}
	end_section(m, rules);
}

int
import_monitrc(const char *file, const char *text, FILE *rules, FILE *report)
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
	m->report = report;
	m->cycle_s = 30;
	m->settings = open_memstream(&settings, &sizes[1]);
	m->contacts = open_memstream(&contacts, &sizes[2]);
	if (m->settings == NULL || m->contacts == NULL)
		goto out;
	read_all(m, body);
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
