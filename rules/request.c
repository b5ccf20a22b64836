/* Keys of [check] that say what an http check sends. */
#include "base/text.h"
#include "rules/keys.h"
#include "rules/units.h"

#include <string.h>

#define error(b, ...) build_error(b, (b)->entry->place, __VA_ARGS__)

struct http_wish *
build_http(struct build *b, struct check *c)
{
	struct check_more *more = build_more(b, c);
	if (more->http == NULL)
		more->http = build_get(b, sizeof *more->http);
	return more->http;
}

void
set_header(struct build *b, void *object, const struct entry *e)
{
	struct check_more *c = build_more(b, object);
	size_t n = strcspn(e->value, ":");
	if (n == 0 || e->value[n] == '\0' ||
	    strcspn(e->value, " \t\"(),/;<=>?@[\\]{}") < n) {
		error(b, "header: expected NAME: VALUE, not '%.80s'", e->value);
		return;
	}
	build_add_text(b, &c->headers, e->value);
}

void
set_method(struct build *b, void *object, const struct entry *e)
{
	static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "OPTIONS" };
	struct check_more *c = build_more(b, object);
	for (unsigned i = 0; i < sizeof methods / sizeof *methods; i++)
		if (strcmp(e->value, methods[i]) == 0) {
			c->method = methods[i];
			return;
		}
	error(b, "method: expected GET, HEAD, POST, PUT or OPTIONS, not '%.40s'",
	      e->value);
}

void
set_http_body(struct build *b, void *object, const struct entry *e)
{
	struct http_wish *h = build_http(b, object);
	h->body = build_escaped(b, e->value, &h->body_size);
}

void
set_auth_user(struct build *b, void *object, const struct entry *e)
{
	if (strchr(e->value, ':') != NULL) /* RFC 7617: it would end there */
		error(b, "auth-user: no ':' may stand in it");
	build_http(b, object)->auth_user = e->value;
}

void
set_redirects(struct build *b, void *object, const struct entry *e)
{
	char why[UNITS_WHY];
	uint64_t n = 0;
	if (!units_count(e->value, 0, REDIRECTS_MAX, &n, why))
		error(b, "redirects: %s", why);
	build_http(b, object)->redirects = (unsigned)n;
}
