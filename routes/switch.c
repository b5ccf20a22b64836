/* The switch: a flag file that names the active backends, one a line. monitord reads it for
 * us (we may open nothing) and replaces it as one. */
#include "routes/drivers.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { STEP_READ, STEP_WRITE };

uint64_t
switch_parse(const struct route *r, const char *text, size_t size)
{
	uint64_t active = 0;
	while (size > 0) {
		const char *end = memchr(text, '\n', size);
		size_t line = end != NULL ? (size_t)(end - text) : size, name = line;
		while (name > 0 && (text[name - 1] == ' ' || text[name - 1] == '\r' || text[name - 1] == '\t'))
			name--;
		for (uint32_t i = 0; i < r->backend_count; i++)
			if (strlen(r->backends[i].name) == name && memcmp(r->backends[i].name, text, name) == 0)
				active |= UINT64_C(1) << i;
		line += end != NULL;
		text += line;
		size -= line;
	}
	return active;
}

static void
begin_switch(struct front *f)
{
	struct msg_route_write w = { .route = f->route->id, .number = f->order.number,
				     .active = f->order.active };
	f->step = STEP_READ;
	if (!front_applies(f)) {
		front_ask(f, OPEN_ROUTE_FILE);
		return;
	}
	f->step = STEP_WRITE;
	if (helper_send(f->helper, MSG_ROUTE_WRITE, &w, 1) == MSG_FULL)
		front_failed(f, "monitord is busy");
}

void
switch_written(struct front *f, const struct msg_route_written *w)
{
	if (!f->busy || f->step != STEP_WRITE || w->number != f->doing)
		return;
	if (w->error != 0) {
		front_failed(f, "%s cannot be replaced: %s", f->route->path, strerror(w->error));
		return;
	}
	f->step = STEP_READ;
	front_ask(f, OPEN_ROUTE_FILE);
}

static void
opened(struct front *f, int fd, enum open_what what)
{
	(void)what;
	ssize_t n = fd < 0 ? 0 : read(fd, f->in, FRONT_IN);
	int error = fd < 0 ? -fd : n == -1 ? errno : 0;
	if (fd >= 0)
		close(fd);
	if (error != 0 && error != ENOENT) {
		front_failed(f, "%s: %s", f->route->path, strerror(error));
		return;
	}
	uint64_t active = switch_parse(f->route, f->in, n > 0 ? (size_t)n : 0);
	front_done(f, active, f->order.number != 0 && active != f->order.active);
}

static void
input(struct front *f, bool ended)
{
	(void)f;
	(void)ended; /* it has no stream */
}

const struct driver_calls switch_calls = { begin_switch, opened, input };
