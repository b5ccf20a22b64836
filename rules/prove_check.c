/* What only a whole section of a check shows: keys that go together, keys of another kind,
 * and the limits that follow from others. */
#include "rules/prove.h"

#include "base/text.h"
#include "rules/protocol.h"

#include <string.h>

#define LOG_UP_MS 300000 /* without a line that fits */

/* {active} is who carries the traffic of the route that the check verifies. */
static void
prove_active(struct build *b, const struct check *c)
{
	for (uint32_t i = 0; i < c->expect_count; i++) {
		const char *text = c->expects[i].text;
		if (text == NULL || strcmp(text, "{active}") != 0 ||
		    c->more->verifies.count == 1)
			continue;
		build_error(
			b, check_place(b->rules, c),
			"[check %s]: {active} needs one route whose verify is this check%s",
			c->name, c->more->verifies.count > 1 ? ", not several" : "");
	}
}

static void
prove_dialogue(struct build *b, const struct check *c)
{
	if (c->more->say_count > 0 && !check_can_talk(c))
		build_error(b, check_place(b->rules, c),
			    "[check %s]: send is for tcp, udp and unix", c->name);
	for (uint32_t i = 0; i < c->expect_count && check_can_talk(c); i++)
		if (c->expects[i].kind == EXPECT_BODY &&
		    c->expects[i].compare != COMPARE_MATCH)
			build_error(
				b, check_place(b->rules, c),
				"[check %s]: in a dialogue only body ~ REGEX is expected",
				c->name);
	for (uint32_t i = 0; i < c->warn_count && check_can_talk(c); i++)
		if (check_warns(c)[i].kind == EXPECT_BODY)
			build_error(b, check_place(b->rules, c),
				    "[check %s]: a dialogue has no warn of a body",
				    c->name);
}

static void
prove_request(struct build *b, const struct check *c)
{
	const struct http_wish *h = c->more->http;
	bool file = c->more->files != NULL && c->more->files[FILE_BODY] != NULL;
	bool secret = c->more->files != NULL && c->more->files[FILE_SECRET] != NULL;
	bool empty = c->more->method == NULL || strcmp(c->more->method, "GET") == 0 ||
		     strcmp(c->more->method, "HEAD") == 0;
	if (protocol_is(c->kind))
		return; /* protocol_prove() sees to it */
	if (!check_is_http(c))
		build_error(
			b, check_place(b->rules, c),
			"[check %s]: body, auth-user, bearer-file and redirects are for http",
			c->name);
	if (h->body != NULL && file)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: body and body-file are two", c->name);
	if ((h->body != NULL || file) && empty)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: a body needs method = POST, PUT or OPTIONS",
			    c->name);
	if (h->auth_user != NULL && (h->bearer || !secret))
		build_error(b, check_place(b->rules, c),
			    "[check %s]: auth-user needs auth-password-file%s", c->name,
			    h->bearer ? ", not bearer-file" : "");
	if (h->auth_user == NULL && secret && !h->bearer)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: auth-password-file needs auth-user", c->name);
}

/* TLS in the middle of a dialogue begins where its rule says so. */
static void
prove_starttls(struct build *b, const struct check *c)
{
	bool answered[SAYS_MAX + 1] = { false }, found = false;
	for (uint32_t i = 0; i < c->expect_count; i++)
		if (c->expects[i].kind == EXPECT_BODY)
			answered[c->expects[i].turn] = true;
	for (uint32_t i = 0; i < c->more->say_count; i++) {
		if (!c->more->says[i].tls)
			continue;
		if (found || !answered[i] || c->more->tls->encrypt != ENCRYPT_STARTTLS)
			build_error(
				b, check_place(b->rules, c),
				"[check %s]: send = {tls} needs an expect = body before it%s",
				c->name, found ? ", and stands once" : "");
		found = true;
	}
	if (check_can_talk(c) && !found && c->more->tls != NULL &&
	    c->more->tls->encrypt == ENCRYPT_STARTTLS)
		build_error(
			b, check_place(b->rules, c),
			"[check %s]: encrypt = starttls needs send = {tls} behind an answer",
			c->name);
}

/* Of the protocols that it asks for, each is one that an http check speaks. */
static bool
speaks_alpn(const struct tls_wish *t)
{
	static const char h2[] = "\2h2", http[] = "\10http/1.1";
	bool known = true;
	for (uint32_t at = 0; known && at < t->alpn_size;) {
		uint32_t n = (unsigned char)t->alpn[at] + 1u;
		known = (n == sizeof h2 - 1 && memcmp(t->alpn + at, h2, n) == 0) ||
			(n == sizeof http - 1 && memcmp(t->alpn + at, http, n) == 0);
		at += n;
	}
	return known;
}

static void
prove_tls(struct build *b, struct check *c)
{
	struct tls_wish *t = c->more->tls;
	bool always = c->https || c->kind == CHECK_TLS;
	if (t == NULL &&
	    (always || (c->more->http != NULL && c->more->http->redirects > 0)))
		build_more(b, c)->tls = t = build_tls(b);
	if (t == NULL)
		return;
	if (always && t->encrypt != ENCRYPT_NO)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: %s is TLS without encrypt", c->name,
			    check_kind_name[c->kind]);
	if (always)
		t->encrypt = ENCRYPT_TLS;
	if (t->encrypt == ENCRYPT_NO &&
	    (c->more->http == NULL || c->more->http->redirects == 0))
		build_error(b, check_place(b->rules, c),
			    "[check %s]: tls-… needs encrypt, https or tls", c->name);
	if (c->https && !speaks_alpn(t))
		build_error(b, check_place(b->rules, c),
			    "[check %s]: of https tls-alpn is h2, http/1.1 or both",
			    c->name);
	if (c->path != NULL && t->name == NULL && !t->unverified)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: tls-name is missing: a path names no host",
			    c->name);
	if (c->more->files != NULL &&
	    (c->more->files[FILE_CERT] == NULL) != (c->more->files[FILE_KEY] == NULL))
		build_error(b, check_place(b->rules, c),
			    "[check %s]: tls-cert and tls-key go together", c->name);
}

static void
prove_kind(struct build *b, const struct check *c)
{
	char kinds[512];
	struct text t;
	text_begin(&t, kinds, sizeof kinds);
	for (unsigned k = 0; k < CHECK_KINDS; k++)
		text_add(&t, "%s%s", k > 0 ? ", " : "", check_kind_name[k]);
	build_error(b, check_place(b->rules, c), "[check %s]: what does it check? (%s)",
		    c->name, kinds);
}

static void
prove_target(struct build *b, const struct check *c, const struct expect *list, uint32_t count)
{
	bool link = c->kind == CHECK_FILE || c->kind == CHECK_DIRECTORY ||
		    c->kind == CHECK_FIFO;
	for (uint32_t i = 0; i < count && !link; i++)
		if (list[i].kind == EXPECT_TARGET)
			build_error(b, check_place(b->rules, c),
				    "[check %s]: a target have file, directory and fifo",
				    c->name);
}

/* What was not said follows from what was. */
static void
prove_times(struct build *b, struct check *c)
{
	if (c->timeout_ms > c->every_ms && c->kind != CHECK_SCRIPT) {
		char timeout[32], every[32];
		build_warning(
			b, check_place(b->rules, c),
			"[check %s]: its timeout (%s) is longer than every (%s): who hangs is measured "
			"once in a timeout only",
			c->name, text_duration(c->timeout_ms, timeout, sizeof timeout),
			text_duration(c->every_ms, every, sizeof every));
	}
	if (c->timeout_ms == 0)
		c->timeout_ms = c->kind == CHECK_SCRIPT
					? 30000
					: (int32_t)b->rules->settings.timeout_ms;
	if (c->fast_ms == 0) {
		c->fast_ms = c->every_ms / 10 > 100 ? c->every_ms / 10 : 100;
		if (c->fast_ms > c->every_ms)
			c->fast_ms = c->every_ms;
	}
	if (c->fast_ms > c->every_ms)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: fast is slower than every", c->name);
	if (c->connect_timeout_ms > c->timeout_ms)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: connect-timeout is longer than timeout",
			    c->name);
}

static void
prove_log(struct build *b, struct check *c)
{
	if ((c->kind == CHECK_LOG) != (c->more->match != NULL) &&
	    (c->more->match != NULL || !build_told(b, check_place(b->rules, c), "match")))
		build_error(b, check_place(b->rules, c),
			    "[check %s]: log and match go together", c->name);
	/* a line is no measurement that may err */
	if (c->kind == CHECK_LOG && !c->down_set) {
		c->down_need = c->down_of = 1;
		c->down_ms = 0;
	}
	if (c->kind == CHECK_LOG && !c->up_set)
		c->up_ms = LOG_UP_MS;
}

void
prove_check(struct build *b, struct check *c)
{
	if (c->kind == CHECK_KINDS) {
		if (!build_told(b, check_place(b->rules, c), ""))
			prove_kind(b, c);
		return;
	}
	prove_times(b, c);
	prove_log(b, c);
	if (!check_is_http(c) && c->more->headers.count > 0 &&
	    (protocol_table[c->kind].takes & TAKES_HEADER) == 0)
		build_error(b, check_place(b->rules, c), "[check %s]: header is for http",
			    c->name);
	if (c->more->http != NULL)
		prove_request(b, c);
	else if (check_is_http(c) && c->more->files != NULL &&
		 c->more->files[FILE_SECRET] != NULL)
		build_error(b, check_place(b->rules, c),
			    "[check %s]: auth-password-file needs auth-user", c->name);
	prove_dialogue(b, c);
	prove_tls(b, c);
	prove_starttls(b, c);
	protocol_prove(b, c);
	prove_target(b, c, c->expects, c->expect_count);
	prove_target(b, c, check_warns(c), c->warn_count);
	for (uint32_t i = 0; i < c->expect_count && !check_is_http(c); i++)
		if ((c->expects[i].kind >= EXPECT_CONTAINS &&
		     (c->kind != CHECK_FILE || c->expects[i].kind != EXPECT_SHA256)) ||
		    (!protocol_is(c->kind) && (c->expects[i].kind == EXPECT_STATUS ||
					       c->expects[i].kind == EXPECT_HEADER)))
			build_error(b, check_place(b->rules, c),
				    "[check %s]: expect status, header, json, sha256 "
				    "and contains are for http",
				    c->name);
	prove_active(b, c);
}
