/* HAProxy by its runtime socket, one connection kept in interactive mode: ready, drain,
 * maint, weight, address; read back, as silence is success. Drained is who has no current
 * session. */
#include "routes/drivers.h"

#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

#define ADMIN_OUT                                                                        \
	0x2f          /* forced, inherited or configured maintenance; drain; resolution */
#define SLOW_LEAST 10 /* percent of its weight that a backend begins with */
#define SHORTEST 10   /* a weight below this one cannot be raised in steps */
#define STEP_LEAVES 99 /* reached after that comes the whole weight */

static uint32_t
find(const struct route *r, const char *name)
{
	uint32_t i = 0;
	while (i < r->backend_count && strcmp(r->backends[i].name, name) != 0)
		i++;
	return i;
}

#define LINE_BYTES 1024 /* of a line that are looked at */

/* sscanf() measures all that is behind a line, however long: it gets the line alone. */
static void
line_of(const char *text, char line[LINE_BYTES])
{
	size_t n = strcspn(text, "\n");
	text_print(line, LINE_BYTES, "%.*s", (int)(n < LINE_BYTES ? n : LINE_BYTES - 1),
		   text);
}

/* be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight
 * srv_iweight … srv_fqdn srv_port */
static void
read_server(const struct route *r, const char *text, struct haproxy_server *list)
{
	char line[LINE_BYTES], name[128], address[48];
	unsigned long admin, weight = 0;
	unsigned port = 0;
	line_of(text, line);
	if (sscanf(line, "%*s %*s %*s %127s %47s %*s %lu", name, address, &admin) != 3)
		return;
	uint32_t i = find(r, name);
	if (i == r->backend_count)
		return;
	sscanf(line,
	       "%*s %*s %*s %*s %*s %*s %*s %*s %lu %*s %*s %*s %*s %*s %*s %*s %*s %*s "
	       "%u",
	       &weight, &port);
	list[i].known = true;
	list[i].admin = admin;
	list[i].weight = weight;
	list[i].port = port;
	memcpy(list[i].address, address, sizeof address);
}

/* BACKEND,SERVER,qcur,qmax,scur,… */
static void
read_sessions(const struct route *r, const char *text, struct haproxy_server *list)
{
	char line[LINE_BYTES], name[128];
	unsigned queued, sessions;
	size_t n = strlen(r->front);
	for (; text != NULL && *text != '\0'; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (strncmp(text, r->front, n) != 0 || text[n] != ',')
			continue;
		line_of(text + n + 1, line);
		if (sscanf(line, "%127[^,],%u,%*[^,],%u", name, &queued, &sessions) != 3)
			continue;
		uint32_t i = find(r, name);
		if (i < r->backend_count)
			list[i].sessions = queued + sessions;
	}
}

bool
haproxy_read(const struct route *r, const char *text, struct haproxy_server *list)
{
	const char *line = strstr(text, "# be_id ");
	memset(list, 0, r->backend_count * sizeof *list);
	if (line == NULL)
		return false;
	read_sessions(r, text, list);
	while ((line = strchr(line, '\n')) != NULL)
		read_server(r, ++line, list);
	return true;
}

bool
haproxy_is_out(const struct haproxy_server *s)
{
	return (s->admin & ADMIN_OUT) != 0;
}

/* ---- the exchange ---- */

static void
begin_haproxy(struct front *f)
{
	memset(&f->of.haproxy, 0, sizeof f->of.haproxy);
	front_ask(f, OPEN_ROUTE_SOCKET);
}

/* Each command of a line gets an answer, and a prompt behind it. */
#define say(f, ...) (front_say((f), __VA_ARGS__), (f)->of.haproxy.asked++)

static void
say_address(struct front *f, uint32_t i)
{
	const struct backend *b = &f->route->backends[i];
	const struct haproxy_server *s = &f->of.haproxy.servers[i];
	if (b->host != NULL &&
	    (!s->known || s->port != b->port || strcmp(s->address, b->host) != 0))
		say(f, "set server %s/%s addr %s port %u;", f->route->front, b->name,
		    b->host, b->port);
}

/* Whoever comes in begins with a part of its weight; what was never read came in long
 * ago. */
static void
say_weight(struct front *f, uint32_t i)
{
	const struct haproxy_server *s = &f->of.haproxy.servers[i];
	int64_t *in_ms = &f->of.haproxy.in_ms[i], slow = f->route->slow_ms;
	bool out = s->known && haproxy_is_out(s);
	if (slow == 0 || (*in_ms == 0 && !out) || s->weight < SHORTEST)
		return;
	if (*in_ms == 0)
		*in_ms = clock_ms();
	int64_t percent = (clock_ms() - *in_ms) * 100 / slow;
	percent = percent < SLOW_LEAST ? SLOW_LEAST : percent;
	if (percent > STEP_LEAVES) {
		percent = 100;
		*in_ms = 0;
	}
	say(f, "set server %s/%s weight %lld%%;", f->route->front,
	    f->route->backends[i].name, (long long)percent);
}

/* Those that come in first: at no moment is nobody left. A cut server's sessions end at
 * once, or requests on a hung one would wait for their own timeout. */
static void
say_order(struct front *f)
{
	const struct route *r = f->route;
	for (uint32_t i = 0; i < r->backend_count; i++) {
		if ((f->order.active >> i & 1) == 0)
			continue;
		say_address(f, i);
		say_weight(f, i);
		say(f, "set server %s/%s state ready;", r->front, r->backends[i].name);
		say(f, "set server %s/%s health up;", r->front, r->backends[i].name);
	}
	for (uint32_t i = 0; i < r->backend_count; i++) {
		const char *name = r->backends[i].name;
		if ((f->order.active >> i & 1) != 0)
			continue;
		f->of.haproxy.in_ms[i] = 0;
		if ((f->order.cut >> i & 1) != 0) {
			say(f, "set server %s/%s state maint;", r->front, name);
			say(f, "shutdown sessions server %s/%s;", r->front, name);
		} else {
			say(f, "set server %s/%s state drain;", r->front, name);
		}
	}
}

static void
say_all(struct front *f)
{
	const struct route *r = f->route;
	if (front_applies(f))
		say_order(f);
	else
		for (uint32_t i = 0; i < r->backend_count; i++)
			if (f->of.haproxy.in_ms[i] != 0)
				say_weight(f, i);
	say(f, "show stat %s 4 -1;", r->front);
	say(f, "show servers state %s\n", r->front);
}

static void
opened(struct front *f, int fd, enum open_what what)
{
	(void)what;
	if (fd < 0) {
		front_failed(f, "%s: %s", f->route->path, strerror(-fd));
		return;
	}
	say(f, "prompt\n");
	say_all(f);
	front_use(f, fd);
	front_go(f);
}

static void
resume(struct front *f)
{
	f->of.haproxy.asked = 0;
	say_all(f);
	front_go(f);
}

static bool
elsewhere(const struct route *r, uint32_t i, const struct haproxy_server *s)
{
	const struct backend *b = &r->backends[i];
	return b->host != NULL &&
	       (s->port != b->port || strcmp(s->address, b->host) != 0);
}

static void
answered(struct front *f)
{
	const struct route *r = f->route;
	struct front_view v = { .counts = true, .life = f->connections };
	char text[100];
	f->in[f->in_size] = '\0';
	if (!haproxy_read(r, f->in, f->of.haproxy.servers)) {
		text_clean(text, sizeof text, f->in, f->in_size);
		front_failed(f, "HAProxy says: %s", text);
		return;
	}
	for (uint32_t i = 0; i < r->backend_count; i++) {
		const struct haproxy_server *s = &f->of.haproxy.servers[i];
		if (!s->known) {
			front_failed(f, "HAProxy has no server %s/%s", r->front,
				     r->backends[i].name);
			return;
		}
		v.active |= (uint64_t)!haproxy_is_out(s) << i;
		v.busy |= (uint64_t)(s->sessions > 0) << i;
		v.lost = v.lost || (f->order.number != 0 && elsewhere(r, i, s));
	}
	v.told = v.active;
	v.lost = v.lost || (f->order.number != 0 && v.active != f->order.active);
	front_done(f, &v);
}

static void
input(struct front *f, bool ended)
{
	unsigned prompts = 0;
	f->in[f->in_size] = '\0';
	for (const char *p = f->in; (p = strstr(p, "\n> ")) != NULL; p += 3)
		prompts++;
	if (prompts >= f->of.haproxy.asked)
		answered(f);
	else if (ended)
		front_failed(f, "HAProxy closed the connection");
}

const struct driver_calls haproxy_calls = {
	.begin = begin_haproxy, .resume = resume, .opened = opened, .input = input
};
