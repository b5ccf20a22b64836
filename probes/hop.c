#include "probes/hop.h"

#include "base/text.h"

#include <string.h>
#include <strings.h>

static bool
refuse(char *why, size_t cap, const char *what, const char *location)
{
	char shown[60];
	text_clean(shown, sizeof shown, location, strlen(location));
	text_print(why, cap, "a redirect %s: '%s'", what, shown);
	return false;
}

static void
origin(struct hop *to, const struct check *c, const struct hop *from)
{
	if (from != NULL) {
		*to = *from;
		return;
	}
	memset(to, 0, sizeof *to);
	text_print(to->host, sizeof to->host, "%s", c->host);
	check_host(c, to->host_header, sizeof to->host_header);
	text_print(to->target, sizeof to->target, "%s", c->target);
	to->port = c->port;
	to->tls = c->https;
}

/* "host", "host:80", "[::1]:80": n bytes. */
static bool
authority(struct hop *to, const char *text, size_t n)
{
	const char *host = text, *colon = NULL;
	size_t size;
	if (n == 0 || n >= sizeof to->host || memchr(text, '@', n) != NULL)
		return false;
	if (*text == '[') {
		const char *close = memchr(text, ']', n);
		if (close == NULL || close == text + 1)
			return false;
		host = text + 1;
		size = (size_t)(close - host);
		if (close + 1 < text + n)
			colon = close + 1;
		if (colon != NULL && *colon != ':')
			return false;
	} else {
		colon = memchr(text, ':', n);
		size = colon != NULL ? (size_t)(colon - text) : n;
	}
	if (size == 0)
		return false;
	to->port = to->tls ? 443 : 80;
	if (colon != NULL && colon + 1 < text + n) {
		unsigned port = 0;
		for (const char *c = colon + 1; c < text + n; c++) {
			if (*c < '0' || *c > '9' ||
			    (port = port * 10 + (unsigned)(*c - '0')) > 65535)
				return false;
		}
		if (port == 0)
			return false;
		to->port = (uint16_t)port;
	}
	text_print(to->host, sizeof to->host, "%.*s", (int)size, host);
	text_print(to->host_header, sizeof to->host_header, "%.*s", (int)n, text);
	return true;
}

/* Path and query; what stands behind a '#' is the client's own. False: too long. */
static bool
target(struct hop *to, const char *text)
{
	char base[sizeof to->target];
	size_t n = strcspn(text, "#"), kept;
	text_print(base, sizeof base, "%s", to->target);
	kept = strcspn(base, "?");
	if (*text == '/' || n == 0)
		kept = 0;
	else if (*text != '?')
		while (kept > 0 && base[kept - 1] != '/')
			kept--;
	if (n == 0)
		return true; /* the same again */
	bool slash = kept == 0 && *text != '/';
	if (kept + n + slash >= sizeof to->target)
		return false;
	text_print(to->target, sizeof to->target, "%.*s%s%.*s", (int)kept, base,
		   slash ? "/" : "", (int)n, text);
	return true;
}

/* RFC 9110 15.4: what a GET becomes of; 307 and 308 keep all. */
static bool
becomes_get(unsigned status, const char *method)
{
	bool get = method == NULL || strcmp(method, "GET") == 0 ||
		   strcmp(method, "HEAD") == 0;
	return !get && (status == 303 || status == 301 || status == 302);
}

bool
hop_make(struct hop *to, const struct check *c, const struct hop *from, unsigned status,
	 const char *location, char *why, size_t cap)
{
	const char *rest = location;
	size_t scheme = strcspn(location, ":/?#");
	for (const char *p = location; *p != '\0'; p++)
		if (*p <= ' ' || *p == 127 || *p == '"')
			return refuse(why, cap, "with bytes that no address has",
				      location);
	origin(to, c, from);
	to->bare = to->bare || becomes_get(status, c->more->method);
	if (location[scheme] == ':') {
		to->tls = scheme == 5 && strncasecmp(location, "https", 5) == 0;
		if (!to->tls && (scheme != 4 || strncasecmp(location, "http", 4) != 0))
			return refuse(why, cap, "to what is not http", location);
		rest = location + scheme + 1;
		if (strncmp(rest, "//", 2) != 0)
			return refuse(why, cap, "without a host", location);
	}
	if (strncmp(rest, "//", 2) == 0) {
		size_t n = strcspn(rest + 2, "/?#");
		if (!authority(to, rest + 2, n))
			return refuse(why, cap, "to no host", location);
		rest += 2 + n;
		text_print(to->target, sizeof to->target, "/");
	}
	if (!target(to, rest))
		return refuse(why, cap, "that is too long", location);
	to->foreign = to->foreign || to->port != c->port || to->tls != c->https ||
		      strcasecmp(to->host, c->host) != 0;
	return true;
}
