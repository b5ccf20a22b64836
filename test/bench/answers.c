/* answers [OBJECTS]: what GET /v1/status costs in CPU: rendered anew, with one object in
 * a hundred changed, and when nothing has; of services alone, and with a check each. */
#include "status/objects.h"
#include "status/shelf.h"

#include "rules/parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static struct store store;
static struct shelf shelf;

static double
cpu_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
load(unsigned objects, bool checks)
{
	char path[] = "r.ini", *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	for (unsigned i = 0; i < objects; i++)
		fprintf(f, "[service s-%u]\nrun = /bin/sleep 100\n", i);
	for (unsigned i = 0; checks && i < objects; i++)
		fprintf(f, "[check c-%u]\nof = s-%u\ntcp = 127.0.0.1:80\n", i, i);
	fclose(f);
	struct source one = { .path = path, .text = text, .size = size };
	struct sources s = { .list = &one, .count = 1 };
	int fd = memfd_create("rules", MFD_CLOEXEC);
	if (fd == -1 || !sources_write(&s, fd) || !store_load(&store, fd, 1))
		exit(1);
	close(fd);
	free(text);
}

static void
view(uint32_t id)
{
	static struct msg_packet p;
	struct msg_service_view s;
	struct msg_check_view c;
	memset(&s, 0, sizeof s);
	s.service = id;
	s.state = SERVICE_UP;
	s.since_real_ms = 1700000000123 + id;
	s.started_real_ms = 1700000000000 + id;
	s.pid = 1000 + (int32_t)id;
	s.exit_code = -1;
	s.cpu = 1.25;
	s.memory = 123456789;
	s.threads = 3;
	s.fds = 17;
	p.head = (struct msg_head){ .kind = MSG_SERVICE_VIEW, .count = 1 };
	memcpy(p.items, &s, sizeof s);
	store_take(&store, &p);
	shelf_forget(&shelf, &store, OBJECT_SERVICE, id);
	if (store.rules->check_count == 0)
		return;
	memset(&c, 0, sizeof c);
	c.check = id;
	c.state = CHECK_UP;
	c.since_real_ms = 1700000000123 + id;
	c.measured_ns = 1;
	c.latency_ns = 1234567;
	p.head = (struct msg_head){ .kind = MSG_CHECK_VIEW, .count = 1 };
	memcpy(p.items, &c, sizeof c);
	store_take(&store, &p);
	shelf_forget(&shelf, &store, OBJECT_CHECK, id);
}

static void
render(const char *what)
{
	struct json j;
	size_t size;
	double began = cpu_ms();
	json_begin(&j);
	status_json(&store, &shelf, &j);
	free(json_end(&j, &size));
	printf("%s: %.1f ms, %.0f KiB\n", what, cpu_ms() - began, (double)size / 1024);
}

static void
round_of(unsigned objects, bool checks)
{
	memset(&store, 0, sizeof store);
	store_begin(&store);
	load(objects, checks);
	shelf_load(&shelf, store.rules);
	for (uint32_t i = 0; i < objects; i++)
		view(i);
	printf("%u services%s\n", objects, checks ? " and as many checks" : "");
	render("cold");
	for (uint32_t i = 0; i < objects; i += 100)
		view(i);
	render("one in 100 changed");
	render("nothing changed");
	shelf_load(&shelf, NULL);
	store_end(&store);
}

int
main(int argc, char **argv)
{
	unsigned objects = argc > 1 ? (unsigned)atoi(argv[1]) : 10000;
	round_of(objects, false);
	round_of(objects, true);
	return 0;
}
