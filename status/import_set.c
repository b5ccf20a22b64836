/* "set …": what holds for all becomes [monitord]. */
#include "status/import_state.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static void
set_daemon(struct import *m)
{
	double n = strtod(import_value(m), NULL);
	m->cycle_s = n > 0 ? n : m->cycle_s;
	if (!m->every)
		fprintf(m->settings, "every = %.10gs\n", m->cycle_s);
	m->every = true;
	if (token_is(import_now(m), "with") || token_is(import_now(m), "start"))
		while (import_now(m)->kind != TOKEN_END &&
		       import_now(m)->kind == TOKEN_WORD &&
		       (!import_begins(import_now(m)) ||
			token_is(import_now(m), "start")))
			m->at++; /* the delay of the first cycle: checks are spread anyhow
				  */
}

static void
set_mailserver(struct import *m, size_t begin)
{
	bool first = true;
	while (import_now(m)->kind != TOKEN_END && !import_begins(import_now(m))) {
		const char *host = import_now(m)->text;
		unsigned port = 25;
		m->at++;
		if (import_accept(m, "port"))
			port = (unsigned)strtoul(import_value(m), NULL, 10);
		fprintf(m->settings, "smtp = %s:%u\n", host, port);
		while (import_now(m)->kind != TOKEN_END &&
		       !token_is(import_now(m), ",") && !import_begins(import_now(m))) {
			if (import_accept(m, "username")) {
				const char *user = import_value(m);
				if (first)
					fprintf(m->settings, "smtp-user = %s\n", user);
			} else if (import_accept(m, "password")) {
				import_value(m);
				import_lose(m, begin,
					    "put the password into a file of its own: "
					    "smtp-password-file");
			} else if (import_accept(m, "ssl") || import_accept(m, "tls") ||
				   import_accept(m, "tlsv1") ||
				   import_accept(m, "tlsv12") ||
				   import_accept(m, "tlsv13")) {
				fputs(first ? "smtp-tls = starttls\n" : "", m->settings);
				if (token_is(import_now(m), "with") ||
				    token_is(import_now(m), "{"))
					import_skip(m);
			} else {
				m->at++;
			}
		}
		first = false;
		if (!import_accept(m, ","))
			break;
	}
	m->smtp = true;
}

static void
set_mail_format(struct import *m, size_t begin)
{
	import_accept(m, "{");
	while (import_now(m)->kind != TOKEN_END && !token_is(import_now(m), "}")) {
		if (import_accept(m, "from:")) {
			char from[128];
			text_print(from, sizeof from, "%s", import_value(m));
			if (!m->from)
				fprintf(m->settings, "from = %s\n", from);
			m->from = true;
			continue;
		}
		if (token_is(import_now(m), "subject:") ||
		    token_is(import_now(m), "message:"))
			import_lose(m, begin, "the text of mails");
		m->at++;
	}
	import_accept(m, "}");
}

static void
set_alert(struct import *m, size_t begin)
{
	const char *address = import_value(m);
	const char *contact = import_contact(m, address);
	size_t n = strlen(m->alerts);
	text_print(m->alerts + n, sizeof m->alerts - n, "%s%s", n > 0 ? ", " : "",
		   contact);
	if (token_is(import_now(m), "only") || token_is(import_now(m), "not") ||
	    token_is(import_now(m), "{") || token_is(import_now(m), "on")) {
		m->at +=
			token_is(import_now(m), "not") || token_is(import_now(m), "only");
		import_skip(m);
		import_lose(m, begin, "which events it hears of");
	}
	if (import_accept(m, "reminder") || (token_is(import_now(m), "with") &&
					     token_is(import_now(m) + 1, "reminder"))) {
		while (import_now(m)->kind != TOKEN_END &&
		       (import_now(m)->text[0] < '0' || import_now(m)->text[0] > '9'))
			m->at++;
		double remind_s = import_seconds(m, strtod(import_now(m)->text, NULL));
		if (!m->remind)
			fprintf(m->settings, "remind = %.10gs\n",
				remind_s < 60 ? 60 : remind_s);
		m->remind = true;
		import_skip(m);
	}
}

static void
set_httpd(struct import *m, size_t begin)
{
	unsigned port = 0;
	char host[128] = "localhost";
	for (; import_now(m)->kind != TOKEN_END && !import_begins(import_now(m));
	     m->at++) {
		if (token_is(import_now(m), "port"))
			port = (unsigned)strtoul(import_now(m)[1].text, NULL, 10);
		if (token_is(import_now(m), "address"))
			text_print(host, sizeof host, "%s", import_now(m)[1].text);
		if (token_is(import_now(m), "allow") || token_is(import_now(m), "{"))
			break;
	}
	if (port > 0 && !m->http)
		fprintf(m->settings, "http = %s:%u\n",
			strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, port);
	m->http = m->http || port > 0;
	if (import_now(m)->kind != TOKEN_END && !import_begins(import_now(m))) {
		import_skip(m);
		import_lose(m, begin,
			    "who may: read-group and admin-group on the socket, "
			    "http-token-file over TCP");
	}
}

void
import_set(struct import *m)
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
	if (import_accept(m, "daemon")) {
		set_daemon(m);
	} else if (import_accept(m, "mailserver")) {
		set_mailserver(m, begin);
	} else if (import_accept(m, "mail-format")) {
		set_mail_format(m, begin);
	} else if (import_accept(m, "alert")) {
		set_alert(m, begin);
	} else if (import_accept(m, "httpd")) {
		set_httpd(m, begin);
	} else {
		const char *why = "this setting";
		for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
			if (token_is(import_now(m), ignored[i].word))
				why = ignored[i].why;
		m->at += import_now(m)->kind != TOKEN_END;
		import_skip(m);
		if (why != NULL)
			import_lose(m, begin, why);
	}
}
