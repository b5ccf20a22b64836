/* A command of the user's: `get` prints the names of the active backends, `set NAME ...`
 * makes these active. monitord runs it, as the rule's user; its output comes here. */
#include "routes/drivers.h"

#include <errno.h>
#include <string.h>

#define LIFE                                                                             \
	1 /* nothing tells us that it began anew: what differs was changed by a hand */

static void
ask(struct front *f)
{
	f->of.run.ended = f->of.run.good = false;
	front_ask(f, OPEN_ROUTE_GET);
	f->of.run.token = f->token;
}

static void
begin_run(struct front *f)
{
	f->of.run.token = 0;
	if (front_applies(f))
		front_write(f);
	else
		ask(f);
}

/* Names are parted by any blanks. */
uint64_t
run_parse(const struct route *r, char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (text[i] == ' ' || text[i] == '\t')
			text[i] = '\n';
	return switch_parse(r, text, size);
}

static void
judge(struct front *f)
{
	struct front_view v = { .life = LIFE };
	if (!f->of.run.ended || !f->of.run.good)
		return;
	v.active = run_parse(f->route, f->in, f->in_size);
	v.told = v.active;
	v.lost = f->order.number != 0 && v.active != f->order.active;
	front_done(f, &v);
}

static void
opened(struct front *f, int fd, enum open_what what)
{
	(void)what;
	if (fd < 0)
		front_failed(f, "%s cannot be run: %s", f->route->run.argv[0],
			     strerror(-fd));
	else
		front_use(f, fd);
}

static void
input(struct front *f, bool ended)
{
	if (!ended)
		return;
	front_close(f);
	f->of.run.good = true;
	judge(f);
}

static void
written(struct front *f, const struct msg_route_written *w)
{
	bool set = f->of.run.token == 0 && w->number == f->doing;
	bool get = f->of.run.token != 0 && w->number == f->of.run.token;
	if (!f->busy || (!set && !get))
		return;
	if (w->error != 0) {
		front_failed(f, "%s %s: %s", f->route->run.argv[0], set ? "set" : "get",
			     w->text[0] != '\0' ? w->text : strerror(w->error));
	} else if (set) {
		ask(f);
	} else {
		f->of.run.ended = true;
		judge(f);
	}
}

const struct driver_calls run_calls = { .begin = begin_run,
					.opened = opened,
					.input = input,
					.written = written,
					.deadline_ms = 70000 };
