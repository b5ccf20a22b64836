/* HAProxy by its runtime socket: ready, drain, maint; read back, as silence is success. */
#include "routes/drivers.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADMIN_OUT 0x2f /* forced, inherited or configured maintenance; drain; resolution */

bool
haproxy_parse(const struct route *r, const char *text, uint64_t *active, uint32_t *missing)
{
	uint64_t known = 0;
	char name[128];
	unsigned long admin;
	const char *line = strstr(text, "# be_id ");
	*active = 0;
	*missing = RULES_NONE;
	if (line == NULL)
		return false;
	while ((line = strchr(line, '\n')) != NULL) {
		line++; /* be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state … */
		if (sscanf(line, "%*s %*s %*s %127s %*s %*s %lu", name, &admin) != 2)
			continue;
		for (uint32_t i = 0; i < r->backend_count; i++)
			if (strcmp(r->backends[i].name, name) == 0) {
				known |= UINT64_C(1) << i;
				if ((admin & ADMIN_OUT) == 0)
					*active |= UINT64_C(1) << i;
			}
	}
	for (uint32_t i = 0; i < r->backend_count && *missing == RULES_NONE; i++)
		if ((known >> i & 1) == 0)
			*missing = i;
	return true;
}

static void
begin_haproxy(struct front *f)
{
	front_ask(f, OPEN_ROUTE_SOCKET);
}

/* Those that come in first: at no moment is nobody left. A cut server's sessions end at once,
 * or requests on a hung one would wait for their own timeout. */
static void
say_order(struct front *f)
{
	const struct route *r = f->route;
	for (uint32_t i = 0; i < r->backend_count; i++)
		if ((f->order.active >> i & 1) != 0)
			front_say(f, "set server %s/%s state ready;set server %s/%s health up;", r->front,
				  r->backends[i].name, r->front, r->backends[i].name);
	for (uint32_t i = 0; i < r->backend_count; i++) {
		const char *name = r->backends[i].name;
		if ((f->order.active >> i & 1) != 0)
			continue;
		if ((f->order.cut >> i & 1) != 0)
			front_say(f, "set server %s/%s state maint;shutdown sessions server %s/%s;", r->front,
				  name, r->front, name);
		else
			front_say(f, "set server %s/%s state drain;", r->front, name);
	}
}

static void
opened(struct front *f, int fd, enum open_what what)
{
	(void)what;
	if (fd < 0) {
		front_failed(f, "%s: %s", f->route->path, strerror(-fd));
		return;
	}
	if (front_applies(f))
		say_order(f);
	front_say(f, "show servers state %s\n", f->route->front);
	front_use(f, fd);
}

static void
input(struct front *f, bool ended)
{
	uint64_t active;
	uint32_t missing;
	if (!ended)
		return;
	f->in[f->in_size] = '\0';
	if (!haproxy_parse(f->route, f->in, &active, &missing)) {
		char text[100];
		text_clean(text, sizeof text, f->in, f->in_size);
		front_failed(f, "HAProxy says: %s", text);
	} else if (missing != RULES_NONE) {
		front_failed(f, "HAProxy has no server %s/%s", f->route->front,
			     f->route->backends[missing].name);
	} else {
		front_done(f, active, f->order.number != 0 && active != f->order.active);
	}
}

const struct driver_calls haproxy_calls = { begin_haproxy, opened, input };
