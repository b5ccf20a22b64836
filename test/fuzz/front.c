/* Any bytes as what a front says: the first tells which; a flag file, a command's output, the
 * include of nginx or Squid, HAProxy's table of servers, Apache's page, a reply on Varnish's
 * command line and the lists in it. */
#include "test/fuzz/fuzz.h"

#include "routes/drivers.h"
#include "rules/driver.h"

#include <string.h>

static struct backend backends[] = { { .name = "a" }, { .name = "vcl.b" }, { .name = "h:3" } };
static const struct route route = {
	.name = "r", .front = "ads", .backends = backends, .backend_count = 3
};

static void
varnish(char *in, size_t size)
{
	struct varnish_seen s;
	char *body;
	size_t length, n;
	uint64_t known, active;
	int status = 0;
	while ((n = varnish_reply(in, size, &status, &body, &length)) > 0) {
		PROMISE(n <= size && body >= in && body + length < in + n &&
			body[length] == '\0');
		if (varnish_parse(&route, body, length, &s))
			PROMISE((varnish_active(&route, &s) & ~s.known) == 0);
		if (varnish_vcls(&route, body, length, &known, &active))
			PROMISE(known < 8 && (active & ~known) == 0);
		varnish_worker(body);
		in += n;
		size -= n;
	}
}

static uint64_t
lines(enum driver driver, const char *in, size_t size)
{
	struct route r = route;
	r.driver = driver;
	return driver_read_lines(&r, in, size);
}

static uint64_t
apache(const char *in)
{
	static struct apache_page page;
	if (!apache_read(&route, in, &page))
		return 0;
	PROMISE((page.active & ~page.known) == 0 && (page.busy & ~page.known) == 0);
	PROMISE(strlen(page.nonce) < sizeof page.nonce);
	return page.known;
}

static uint64_t
haproxy(const char *in)
{
	struct haproxy_server list[3];
	uint64_t active = 0;
	if (!haproxy_read(&route, in, list))
		return 0;
	for (unsigned i = 0; i < 3; i++) {
		PROMISE(memchr(list[i].address, '\0', sizeof list[i].address) != NULL);
		active |= (uint64_t)(list[i].known && !haproxy_is_out(&list[i])) << i;
	}
	return active;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint64_t active = 0;
	if (size < 1)
		return 0;
	char *in = malloc(
		size); /* with one more byte than is said, as the engine keeps one */
	if (in == NULL)
		return 0;
	memcpy(in, bytes + 1, size - 1);
	in[size - 1] = '\0';
	if (*bytes == 's')
		active = switch_parse(&route, in, size - 1);
	else if (*bytes == 'r')
		active = run_parse(&route, in, size - 1);
	else if (*bytes == 'n')
		active = lines(DRIVER_NGINX, in, size - 1);
	else if (*bytes == 'q')
		active = lines(DRIVER_SQUID, in, size - 1);
	else if (*bytes == 'a')
		active = apache(in);
	else if (*bytes == 'h')
		active = haproxy(in);
	else
		varnish(in, size - 1);
	PROMISE(active < 8);
	free(in);
	return 0;
}
