/* Varnish by its CLI: backend.set_health on those before the wanted one, which a fallback
 * director then takes. Those behind it stay with Varnish's own probe: should we die, it
 * still falls back by itself. What is set by hand is lost when its child restarts, so it
 * is read again and again. With `vcl` the active VCL, or that of a label, is the backend.
 * It has no counter of requests on its CLI: drained is who got none for a stated time. */
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
#define STATUS_UNKNOWN 101 /* such a command */

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
		word = json_string_value(
			json_array_get(probe, json_array_size(probe) - 1));
	else
		word = json_string_value(probe);
	return word == NULL || strstr(word, "sick") == NULL;
}

bool
varnish_parse(const struct route *r, const char *text, size_t size,
	      struct varnish_seen *out)
{
	json_t *all = json_loadb(text, size, 0, NULL), *backend;
	const json_t *list =
		json_is_array(all) ? json_array_get(all, json_array_size(all) - 1) : NULL;
	const char *key;
	*out = (struct varnish_seen){ 0 };
	if (!json_is_object(list)) {
		json_decref(all);
		return false;
	}
	json_object_foreach((json_t *)(uintptr_t)list, key,
			    backend) for (uint32_t i = 0; i < r->backend_count; i++)
	{
		uint64_t bit = UINT64_C(1) << i;
		const char *admin =
			json_string_value(json_object_get(backend, "admin_health"));
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

bool
varnish_vcls(const struct route *r, const char *text, size_t size, uint64_t *known,
	     uint64_t *active)
{
	json_t *all = json_loadb(text, size, 0, NULL), *vcl;
	size_t at;
	*known = *active = 0;
	if (!json_is_array(all)) {
		json_decref(all);
		return false;
	}
	json_array_foreach(all, at, vcl)
	{
		const char *name = json_string_value(json_object_get(vcl, "name"));
		const char *status = json_string_value(json_object_get(vcl, "status"));
		const char *labelled = json_string_value(
			json_object_get(json_object_get(vcl, "label"), "name"));
		for (uint32_t i = 0;
		     name != NULL && status != NULL && i < r->backend_count; i++) {
			bool is = strcmp(name, r->backends[i].name) == 0;
			*known |= (uint64_t)is << i;
			if (r->label == NULL && is && strcmp(status, "active") == 0)
				*active |= UINT64_C(1) << i;
			if (r->label != NULL && labelled != NULL &&
			    strcmp(name, r->label) == 0 &&
			    strcmp(labelled, r->backends[i].name) == 0)
				*active |= UINT64_C(1) << i;
		}
	}
	json_decref(all);
	return true;
}

uint64_t
varnish_worker(const char *body)
{
	const char *worker = strstr(body, "Worker: ");
	return worker != NULL ? strtoull(worker + 8, NULL, 10) : 0;
}

/* ---- the exchange ---- */

static void
begin_varnish(struct front *f)
{
	f->step = STEP_SECRET;
	f->of.varnish.secret_size = 0;
	if (f->route->secret != NULL)
		front_ask(f, OPEN_ROUTE_SECRET);
	else
		front_connect(f, f->route->host, f->route->port);
}

static void
opened(struct front *f, int fd, enum open_what what)
{
	(void)what;
	ssize_t n =
		fd < 0 ? -1 : read(fd, f->of.varnish.secret, sizeof f->of.varnish.secret);
	int error = fd < 0 ? -fd : errno;
	if (fd >= 0)
		close(fd);
	if (n < 0) {
		front_failed(f, "secret %s: %s", f->route->secret,
			     text_file_error(error));
		return;
	}
	f->of.varnish.secret_size = (size_t)n;
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
say_healths(struct front *f)
{
	const struct route *r = f->route;
	uint32_t first = 0;
	char name[NAME_CAP];
	while (first < r->backend_count && (f->order.active >> first & 1) == 0)
		first++;
	for (uint32_t k = 0; k < 2 * r->backend_count; k++) {
		uint32_t i = k % r->backend_count;
		bool in = (f->order.active >> i & 1) != 0, in_turn = k < r->backend_count;
		if (in != in_turn)
			continue; /* those that come in first, then those that go */
		const char *health = in                     ? "healthy"
				     : i > first && !r->all ? "auto"
							    : "sick";
		front_say(f, "backend.set_health %s %s\n",
			  quoted(f, i, name, sizeof name), health);
	}
}

static void
say_vcl(struct front *f)
{
	const struct route *r = f->route;
	const char *name = r->backends[__builtin_ctzll(f->order.active)].name;
	if (r->label != NULL)
		front_say(f, "vcl.label %s %s\n", r->label, name);
	else
		front_say(f, "vcl.use %s\n", name);
}

/* The child's process tells whether what is set by hand can still be there. */
static void
say_orders(struct front *f)
{
	f->step = STEP_ORDERS;
	if (front_applies(f) && f->order.active != 0) {
		if (f->route->vcl)
			say_vcl(f);
		else
			say_healths(f);
	}
	front_say(f, "pid\n%s\n", f->route->vcl ? "vcl.list -j" : "backend.list -j *.*");
	front_go(f);
}

static void
say_auth(struct front *f, const char *challenge)
{
	const char *secret = f->of.varnish.secret;
	size_t size = f->of.varnish.secret_size;
	unsigned char bytes[2 * (CHALLENGE + 1) + sizeof f->of.varnish.secret],
		hash[SHA256_DIGEST_LENGTH];
	char hex[2 * SHA256_DIGEST_LENGTH + 1];
	size_t n = 0;
	memcpy(bytes, challenge, CHALLENGE);
	bytes[CHALLENGE] = '\n';
	n = CHALLENGE + 1;
	memcpy(bytes + n, secret, size);
	n += size;
	memcpy(bytes + n, challenge, CHALLENGE);
	n += CHALLENGE;
	bytes[n++] = '\n';
	SHA256(bytes, n, hash);
	for (size_t i = 0; i < sizeof hash; i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	front_say(f, "auth %s\n", hex);
	front_go(f);
}

/* A wanted backend that its own probe calls good needs no word of ours: given back to it.
 */
static bool
relax(struct front *f, const struct varnish_seen *s)
{
	uint64_t give = s->forced & s->probe_ok & f->order.active;
	char name[NAME_CAP];
	if (give == 0 || front_applies(f))
		return false;
	for (uint32_t i = 0; i < f->route->backend_count; i++)
		if ((give >> i & 1) != 0)
			front_say(f, "backend.set_health %s auto\n",
				  quoted(f, i, name, sizeof name));
	front_say(f, "backend.list -j *.*\n");
	front_go(f);
	return true;
}

static bool
knows_all(struct front *f, uint64_t known, const char *what)
{
	const struct route *r = f->route;
	for (uint32_t i = 0; i < r->backend_count; i++)
		if ((known >> i & 1) == 0) {
			front_failed(f, "Varnish has no %s %s", what,
				     r->backends[i].name);
			return false;
		}
	return true;
}

static void
listed_vcls(struct front *f, const char *body, size_t length)
{
	/* it is the manager that keeps them: our connection is as old as what it was told
	 */
	struct front_view v = { .life = f->connections };
	uint64_t known;
	if (!varnish_vcls(f->route, body, length, &known, &v.active)) {
		front_failed(f, "Varnish's list of VCLs cannot be read");
		return;
	}
	v.told = v.active;
	v.lost = f->order.number != 0 && v.active != f->order.active;
	if (knows_all(f, known, "VCL"))
		front_done(f, &v);
}

static void
listed(struct front *f, const char *body, size_t length)
{
	struct varnish_seen s;
	const struct route *r = f->route;
	struct front_view v = { .life = f->of.varnish.worker != 0 ? f->of.varnish.worker
								  : f->connections };
	if (!varnish_parse(r, body, length, &s)) {
		front_failed(f, "Varnish's list of backends cannot be read");
		return;
	}
	if (!knows_all(f, s.known, "backend") || relax(f, &s))
		return;
	/* Lost is what is not as we set it; what its own probe changed is not ours to
	 * undo. */
	uint64_t want = f->order.active, before = r->all ? ~want : (want & -want) - 1;
	uint64_t all = r->backend_count >= 64 ? UINT64_MAX
					      : (UINT64_C(1) << r->backend_count) - 1;
	v.lost = f->order.number != 0 &&
		 ((s.sick & want) != 0 || (~s.sick & before & ~want & all) != 0);
	v.active = varnish_active(r, &s);
	v.told = s.sick ^ (s.forced << 32 | s.forced >> 32); /* its probe is no hand */
	front_done(f, &v);
}

static void
greeted(struct front *f, int status, const char *body, size_t length)
{
	if (f->step != STEP_AUTH && status == STATUS_AUTH && length >= CHALLENGE) {
		f->step = STEP_AUTH;
		say_auth(f, body);
	} else if (status == STATUS_OK) {
		say_orders(f);
	} else if (f->step == STEP_AUTH) {
		front_failed(f, "Varnish refuses the secret (status %d)", status);
	} else {
		front_failed(f, "Varnish greets with status %d", status);
	}
}

static void
replied(struct front *f, int status, char *body, size_t length)
{
	const char *list = memchr(body, '[', length);
	if (f->step != STEP_ORDERS) {
		greeted(f, status, body, length);
	} else if (status == STATUS_UNKNOWN) {
		f->of.varnish.worker = 0; /* a Varnish that has no `pid` */
	} else if (status != STATUS_OK) {
		char text[80];
		text_clean(text, sizeof text, body, length);
		front_failed(f, "Varnish says %d: %s", status, text);
	} else if (strncmp(body, "Master: ", 8) == 0) {
		f->of.varnish.worker = varnish_worker(body);
	} else if (list != NULL && f->route->vcl) {
		listed_vcls(f, list, length - (size_t)(list - body));
	} else if (list != NULL) {
		listed(f, list, length - (size_t)(list - body));
	}
}

static void
input(struct front *f, bool ended)
{
	char *body;
	size_t length, n;
	int status = 0;
	while (f->busy &&
	       (n = varnish_reply(f->in, f->in_size, &status, &body, &length)) > 0) {
		replied(f, status, body, length);
		if (!f->busy || f->fd == -1)
			return;
		memmove(f->in, f->in + n, f->in_size - n);
		f->in_size -= n;
	}
	if (f->busy && (ended || status == -1))
		front_failed(f, ended ? "Varnish closed the connection"
				      : "that is not Varnish's CLI");
}

const struct driver_calls varnish_calls = {
	.begin = begin_varnish, .resume = say_orders, .opened = opened, .input = input
};
