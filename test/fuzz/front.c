/* Any bytes as what a front says: the first tells which; a flag file, HAProxy's table of
 * servers, a reply on Varnish's command line and the list in it. */
#include "test/fuzz/fuzz.h"

#include "routes/drivers.h"

#include <string.h>

static struct backend backends[] = { { "a", RULES_NONE, RULES_NONE },
				     { "vcl.b", RULES_NONE, RULES_NONE },
				     { "c", RULES_NONE, RULES_NONE } };
static const struct route route = {
	.name = "r", .front = "ads", .backends = backends, .backend_count = 3
};

static void
varnish(char *in, size_t size)
{
	struct varnish_seen s;
	char *body;
	size_t length, n;
	int status = 0;
	while ((n = varnish_reply(in, size, &status, &body, &length)) > 0) {
		PROMISE(n <= size && body >= in && body + length < in + n &&
			body[length] == '\0');
		if (varnish_parse(&route, body, length, &s))
			PROMISE((varnish_active(&route, &s) & ~s.known) == 0);
		in += n;
		size -= n;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint64_t active = 0;
	uint32_t missing;
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
	else if (*bytes == 'h')
		haproxy_parse(&route, in, &active, &missing);
	else
		varnish(in, size - 1);
	PROMISE(active < 8);
	free(in);
	return 0;
}
