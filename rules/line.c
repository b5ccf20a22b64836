/* A backend's line in the include of a front: written, and read again. */
#include "rules/driver.h"

#include "base/text.h"

#include <string.h>

#define COMMAND(...)                                                                     \
	{                                                                                \
		sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *),                \
			(const char *const[])                                            \
		{                                                                        \
			__VA_ARGS__, NULL                                                \
		}                                                                        \
	}

static const struct usual {
	const char *line;
	const char *own; /* how a line that another hand wrote begins */
	struct command test, reload;
} usual[DRIVERS] = {
	[DRIVER_NGINX] = { "server {backend};", "server {backend}",
			   COMMAND("/usr/sbin/nginx", "-t", "-q"),
			   COMMAND("/usr/sbin/nginx", "-s", "reload") },
	[DRIVER_SQUID] = { "cache_peer {host} parent {port} 0 no-query no-digest "
			   "originserver "
			   "name={backend}",
			   "cache_peer {host} parent {port}",
			   COMMAND("/usr/sbin/squid", "-k", "parse"),
			   COMMAND("/usr/sbin/squid", "-k", "reconfigure") },
};

bool
driver_has_lines(const struct route *r)
{
	return r->driver == DRIVER_NGINX || r->driver == DRIVER_SQUID;
}

const struct command *
driver_test(const struct route *r)
{
	return r->test.count > 0 ? &r->test : &usual[r->driver].test;
}

const struct command *
driver_reload(const struct route *r)
{
	return r->reload.count > 0 ? &r->reload : &usual[r->driver].reload;
}

/* {backend} {host} {port} become the backend's; false: as driver_line. */
static bool
fill(const char *line, const char *name, char *out, size_t cap)
{
	const char *colon = strrchr(name, ':');
	struct text t;
	text_begin(&t, out, cap);
	while (*line != '\0') {
		bool host = strncmp(line, "{host}", 6) == 0,
		     port = strncmp(line, "{port}", 6) == 0;
		bool backend = strncmp(line, "{backend}", 9) == 0;
		if ((host || port) &&
		    (colon == NULL || colon == name || colon[1] == '\0'))
			return false;
		if (backend)
			text_add(&t, "%s", name);
		else if (host)
			text_add(&t, "%.*s", (int)(colon - name), name);
		else if (port)
			text_add(&t, "%s", colon + 1);
		else
			text_add(&t, "%c", *line);
		line += backend ? 9 : host || port ? 6 : 1;
	}
	return !t.full;
}

bool
driver_line(const struct route *r, uint32_t backend, char *out, size_t cap)
{
	return fill(r->line != NULL ? r->line : usual[r->driver].line,
		    r->backends[backend].name, out, cap);
}

/* The line is ours, or begins with the front's own word, and does not say that it is
 * down. */
static bool
line_names(const struct route *r, uint32_t backend, const char *line, size_t size)
{
	char text[DRIVER_LINE_MAX], own[DRIVER_LINE_MAX];
	if (driver_line(r, backend, text, sizeof text) && strlen(text) == size &&
	    memcmp(text, line, size) == 0)
		return true;
	if (size >= sizeof text ||
	    !fill(usual[r->driver].own, r->backends[backend].name, own, sizeof own))
		return false;
	memcpy(text, line, size);
	text[size] = '\0';
	char *comment = strchr(text, '#'), *word = NULL;
	if (comment != NULL)
		*comment = '\0';
	size_t n = strlen(own);
	if (strncmp(text, own, n) != 0 ||
	    (text[n] != '\0' && strchr(" \t;", text[n]) == NULL))
		return false;
	for (char *p = strtok_r(text, " \t;", &word); p != NULL;
	     p = strtok_r(NULL, " \t;", &word))
		if (strcmp(p, "down") == 0)
			return false;
	return true;
}

uint64_t
driver_read_lines(const struct route *r, const char *text, size_t size)
{
	uint64_t active = 0;
	while (size > 0) {
		const char *end = memchr(text, '\n', size);
		size_t whole = end != NULL ? (size_t)(end - text) : size, at = 0,
		       n = whole;
		while (at < n && (text[at] == ' ' || text[at] == '\t'))
			at++;
		while (n > at && strchr(" \t\r", text[n - 1]) != NULL)
			n--;
		for (uint32_t i = 0; n > at && i < r->backend_count; i++)
			if (line_names(r, i, text + at, n - at))
				active |= UINT64_C(1) << i;
		whole += end != NULL;
		text += whole;
		size -= whole;
	}
	return active;
}
