/* The switch: a flag file that names the active backends, one a line, or a symlink to the
 * active one. monitord reads it for us (we may open nothing) and replaces it as one. */
#include "routes/drivers.h"
#include "base/text.h"
#include "rules/driver.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define LIFE_THERE 1 /* a file outlives everybody: what changes it is a hand, */
#define LIFE_GONE 2  /* but one that is not there was taken by nobody's choice */

uint64_t
switch_parse(const struct route *r, const char *text, size_t size)
{
	uint64_t active = 0;
	while (size > 0) {
		const char *end = memchr(text, '\n', size);
		size_t line = end != NULL ? (size_t)(end - text) : size, name = line;
		while (name > 0 && (text[name - 1] == ' ' || text[name - 1] == '\r' ||
				    text[name - 1] == '\t'))
			name--;
		for (uint32_t i = 0; i < r->backend_count; i++)
			if (strlen(r->backends[i].name) == name &&
			    memcmp(r->backends[i].name, text, name) == 0)
				active |= UINT64_C(1) << i;
		line += end != NULL;
		text += line;
		size -= line;
	}
	return active;
}

static uint64_t
file_parse(const struct route *r, const char *text, size_t size)
{
	return driver_has_lines(r) ? driver_read_lines(r, text, size)
				   : switch_parse(r, text, size);
}

static void
begin_switch(struct front *f)
{
	if (front_applies(f))
		front_write(f);
	else
		front_ask(f, OPEN_ROUTE_FILE);
}

static void
file_written(struct front *f, const struct msg_route_written *w)
{
	if (!f->busy || w->number != f->doing)
		return;
	if (w->error != 0)
		front_failed(f, "%s cannot be replaced: %s%s%s", f->route->path,
			     strerror(w->error), w->text[0] != '\0' ? ": " : "", w->text);
	else
		front_ask(f, OPEN_ROUTE_FILE);
}

/* Of a link we get a handle on itself. */
static ssize_t
read_it(struct front *f, int fd)
{
	return f->route->link ? readlinkat(fd, "", f->in, FRONT_IN)
			      : read(fd, f->in, FRONT_IN);
}

static void
file_opened(struct front *f, int fd, enum open_what what)
{
	struct front_view v = { .life = fd == -ENOENT ? LIFE_GONE : LIFE_THERE };
	(void)what;
	ssize_t n = fd < 0 ? 0 : read_it(f, fd);
	int error = fd < 0 ? -fd : n == -1 ? errno : 0;
	if (fd >= 0)
		close(fd);
	if (error == EAGAIN) {
		front_failed(f, "%s: an earlier change of it is being finished",
			     f->route->path);
		return;
	}
	if (error != 0 && error != ENOENT) {
		front_failed(f, "%s: %s", f->route->path,
			     f->route->link && error == EINVAL ? "it is no symbolic link"
							       : text_file_error(error));
		return;
	}
	v.active = file_parse(f->route, f->in, n > 0 ? (size_t)n : 0);
	v.told = v.active;
	v.lost = f->order.number != 0 && v.active != f->order.active;
	front_done(f, &v);
}

static void
input(struct front *f, bool ended)
{
	(void)f;
	(void)ended; /* it has no stream */
}

const struct driver_calls switch_calls = { .begin = begin_switch,
					   .opened = file_opened,
					   .input = input,
					   .written = file_written };

/* nginx and Squid: monitord writes the include, has it tested by the front itself, and
 * makes it read its configuration; a test that fails brings the old file back. */
const struct driver_calls lines_calls = { .begin = begin_switch,
					  .opened = file_opened,
					  .input = input,
					  .written = file_written,
					  .deadline_ms = 40000 };
