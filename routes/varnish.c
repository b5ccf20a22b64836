/* Varnish by its CLI: backend.set_health on those before the wanted one, which a fallback
 * director then takes. Those behind it stay with Varnish's own probe: should we die, it
 * still falls back by itself. What is set by hand is lost when its child restarts, so it is
 * read again and again. */
#include "routes/drivers.h"

#include "base/text.h"

#include <errno.h>
#include <jansson.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD 13 /* "SSS LLLLLLLL\n" */
#define CHALLENGE 32
#define NAME_CAP 208 /* a backend's name has up to 200 bytes */
#define STATUS_AUTH 107
#define STATUS_OK 200

enum { STEP_SECRET, STEP_GREETING, STEP_AUTH, STEP_ORDERS };

size_t
varnish_reply(char *in, size_t size, int *status, char **body, size_t *length)
{
	char head[HEAD + 1];
	if (size < HEAD)
		return 0;
	memcpy(head, in, HEAD);
	head[HEAD] = '\0';
	char *end;
	*status = (int)strtol(head, &end, 10);
	long n = strtol(head + 4, NULL, 10);
	if (end != head + 3 || n < 0 || n > FRONT_IN) {
		*status = -1;
		return 0;
	}
	if (size < HEAD + (size_t)n + 1)
		return 0;
	*body = in + HEAD;
	*length = (size_t)n;
	in[HEAD + n] = '\0';
	return HEAD + (size_t)n + 1;
}

/* "v_primary.apache", or "apache" in whatever VCL is active. */
static bool
is_named(const char *key, const char *name)
{
	const char *dot = strchr(key, '.');
	return strcmp(key, name) == 0 ||
	       (strchr(name, '.') == NULL && dot != NULL && strcmp(dot + 1, name) == 0);
}

static bool
probe_good(const json_t *backend)
{
	const json_t *probe = json_object_get(backend, "probe_message");
	const char *word = NULL;
	if (json_is_array(probe) && json_array_size(probe) > 0)
		word = json_string_value(json_array_get(probe, json_array_size(probe) - 1));
	else
		word = json_string_value(probe);
	return word == NULL || strstr(word, "sick") == NULL;
}

bool
varnish_parse(const struct route *r, const char *text, size_t size, struct varnish_seen *out)
{
	json_t *all = json_loadb(text, size, 0, NULL), *backend;
	const json_t *list = json_is_array(all) ? json_array_get(all, json_array_size(all) - 1) : NULL;
	const char *key;
	*out = (struct varnish_seen){ 0 };
	if (!json_is_object(list)) {
		json_decref(all);
		return false;
	}
	json_object_foreach((json_t *)(uintptr_t)list, key, backend)
		for (uint32_t i = 0; i < r->backend_count; i++) {
			uint64_t bit = UINT64_C(1) << i;
			const char *admin = json_string_value(json_object_get(backend, "admin_health"));
			if (!is_named(key, r->backends[i].name) || admin == NULL)
				continue;
			out->known |= bit;
			out->sick |= strcmp(admin, "sick") == 0 ? bit : 0;
			out->forced |= strcmp(admin, "healthy") == 0 ? bit : 0;
			out->probe_ok |= probe_good(backend) ? bit : 0;
		}
	json_decref(all);
	return true;
}

uint64_t
varnish_active(const struct route *r, const struct varnish_seen *s)
{
	uint64_t usable = s->known & ~s->sick & (s->forced | s->probe_ok);
	return r->all ? usable : usable & -usable; /* the first of the order */
}

/* ---- the exchange ---- */

static void
begin_varnish(struct front *f)
{
	f->step = STEP_SECRET;
	f->secret_size = 0;
	if (f->route->secret != NULL)
		front_ask(f, OPEN_ROUTE_SECRET);
	else
		front_connect(f, f->route->host, f->route->port);
}

static void
opened(struct front *f, int fd, enum open_what what)
{
	(void)what;
	ssize_t n = fd < 0 ? -1 : read(fd, f->secret, sizeof f->secret);
	int error = fd < 0 ? -fd : errno;
	if (fd >= 0)
		close(fd);
	if (n < 0) {
		front_failed(f, "secret %s: %s", f->route->secret, strerror(error));
		return;
	}
	f->secret_size = (size_t)n;
	f->step = STEP_GREETING;
	front_connect(f, f->route->host, f->route->port);
}

static const char *
quoted(const struct front *f, uint32_t i, char *out, size_t cap)
{
	const char *name = f->route->backends[i].name;
	text_print(out, cap, strchr(name, '.') != NULL ? "%s" : "*.%s", name);
	return out;
}

static void
say_orders(struct front *f)
{
	const struct route *r = f->route;
	uint32_t first = 0;
	char name[NAME_CAP];
	while (first < r->backend_count && (f->order.active >> first & 1) == 0)
		first++;
	for (uint32_t k = 0; front_applies(f) && k < 2 * r->backend_count; k++) {
		uint32_t i = k % r->backend_count;
		bool in = (f->order.active >> i & 1) != 0, in_turn = k < r->backend_count;
		if (in != in_turn)
			continue; /* those that come in first, then those that go */
		const char *health = in ? "healthy" : i > first && !r->all ? "auto" : "sick";
		front_say(f, "backend.set_health %s %s\n", quoted(f, i, name, sizeof name), health);
	}
	front_say(f, "backend.list -j *.*\n");
}

static void
say_auth(struct front *f, const char *challenge)
{
	unsigned char bytes[2 * (CHALLENGE + 1) + sizeof f->secret], hash[SHA256_DIGEST_LENGTH];
	char hex[2 * SHA256_DIGEST_LENGTH + 1];
	size_t n = 0;
	memcpy(bytes, challenge, CHALLENGE);
	bytes[CHALLENGE] = '\n';
	n = CHALLENGE + 1;
	memcpy(bytes + n, f->secret, f->secret_size);
	n += f->secret_size;
	memcpy(bytes + n, challenge, CHALLENGE);
	n += CHALLENGE;
	bytes[n++] = '\n';
	SHA256(bytes, n, hash);
	for (size_t i = 0; i < sizeof hash; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	front_say(f, "auth %s\n", hex);
}

/* A wanted backend that its own probe calls good needs no word of ours: given back to it. */
static bool
relax(struct front *f, const struct varnish_seen *s)
{
	uint64_t give = s->forced & s->probe_ok & f->order.active;
	char name[NAME_CAP];
	if (give == 0 || front_applies(f))
		return false;
	for (uint32_t i = 0; i < f->route->backend_count; i++)
		if ((give >> i & 1) != 0)
			front_say(f, "backend.set_health %s auto\n", quoted(f, i, name, sizeof name));
	front_say(f, "backend.list -j *.*\n");
	return true;
}

static void
listed(struct front *f, const char *body, size_t length)
{
	struct varnish_seen s;
	const struct route *r = f->route;
	if (!varnish_parse(r, body, length, &s)) {
		front_failed(f, "Varnish's list of backends cannot be read");
		return;
	}
	for (uint32_t i = 0; i < r->backend_count; i++)
		if ((s.known >> i & 1) == 0) {
			front_failed(f, "Varnish has no backend %s", r->backends[i].name);
			return;
		}
	if (relax(f, &s))
		return;
	/* Lost is what is not as we set it; what its own probe changed is not ours to undo. */
	uint64_t want = f->order.active, before = r->all ? ~want : (want & -want) - 1;
	uint64_t all = r->backend_count >= 64 ? UINT64_MAX : (UINT64_C(1) << r->backend_count) - 1;
	bool drifted = f->order.number != 0 && ((s.sick & want) != 0 || (~s.sick & before & ~want & all) != 0);
	front_done(f, varnish_active(r, &s), drifted);
}

static void
replied(struct front *f, int status, char *body, size_t length)
{
	switch (f->step) {
	case STEP_SECRET:
	case STEP_GREETING:
		f->step = STEP_ORDERS;
		if (status == STATUS_AUTH && length >= CHALLENGE) {
			f->step = STEP_AUTH;
			say_auth(f, body);
		} else if (status == STATUS_OK) {
			say_orders(f);
		} else {
			front_failed(f, "Varnish greets with status %d", status);
		}
		return;
	case STEP_AUTH:
		f->step = STEP_ORDERS;
		if (status == STATUS_OK)
			say_orders(f);
		else
			front_failed(f, "Varnish refuses the secret (status %d)", status);
		return;
	default:
		break;
	}
	if (status != STATUS_OK) {
		char text[80];
		text_clean(text, sizeof text, body, length);
		front_failed(f, "Varnish says %d: %s", status, text);
	} else if (memchr(body, '[', length) != NULL) {
		listed(f, memchr(body, '[', length), length - (size_t)((char *)memchr(body, '[', length) - body));
	}
}

static void
input(struct front *f, bool ended)
{
	char *body;
	size_t length, n;
	int status = 0;
	while (f->busy && (n = varnish_reply(f->in, f->in_size, &status, &body, &length)) > 0) {
		replied(f, status, body, length);
		if (!f->busy || f->fd == -1)
			return;
		memmove(f->in, f->in + n, f->in_size - n);
		f->in_size -= n;
	}
	if (f->busy && (ended || status == -1))
		front_failed(f, ended ? "Varnish closed the connection" : "that is not Varnish's CLI");
}

const struct driver_calls varnish_calls = { begin_varnish, opened, input };
