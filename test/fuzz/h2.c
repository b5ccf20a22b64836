/* Any bytes as what a peer of HTTP/2 says behind a request: what is read of it is the same
 * however it is cut, and of a form that the judge of HTTP takes or refuses. */
#include "test/fuzz/fuzz.h"

#include "probes/h2.h"
#include "probes/http.h"

#include <string.h>

#define REQUEST "POST /x HTTP/1.1\r\nHost: h\r\nTE: trailers\r\n\r\nabc"

struct said {
	bool over;     /* the peer is no use */
	enum http_read got;
	unsigned status;
	uint64_t body;
};

static void
flush(struct h2 *h)
{
	const char *out;
	for (size_t n; (n = h2_out(h, &out)) > 0;)
		h2_sent(h, n);
}

static void
judge(struct http *http, char *text, size_t *size, bool ended, struct said *o)
{
	char why[MSG_TEXT] = "";
	while (o->got == HTTP_READ_MORE || o->got == HTTP_READ_HEAD) {
		o->got = http_read(http, text, size, ended, false, true, why, sizeof why);
		if (o->got == HTTP_READ_MORE)
			break;
	}
	PROMISE((o->got == HTTP_READ_BAD) == (*why != '\0'));
}

static struct said
hold(const uint8_t *bytes, size_t size, size_t piece)
{
	struct said o = { .got = HTTP_READ_MORE };
	struct http http = { .keep_trailer = true };
	struct h2 *h = h2_new();
	char why[MSG_TEXT] = "";
	size_t cap = 1 << 20, used = 0;
	char *text = malloc(cap);
	if (h == NULL || text == NULL || !h2_ask(h, REQUEST, sizeof REQUEST - 1, false))
		exit(1);
	flush(h);
	for (size_t at = 0; at < size && !o.over && !h2_ended(h);) {
		size_t n = piece < size - at ? piece : size - at;
		char *copy = malloc(n);
		memcpy(copy, bytes + at, n);
		h2_take(h, copy, n);
		free(copy);
		flush(h);
		o.over = h2_failed(h, why);
		PROMISE(o.over == (*why != '\0'));
		at += n;
		while (!o.over && h2_holds(h) && o.got <= HTTP_READ_HEAD) {
			PROMISE(used < cap);
			used += h2_text(h, text + used, cap - used);
			judge(&http, text, &used, false, &o);
		}
	}
	if (!o.over && o.got <= HTTP_READ_HEAD)
		judge(&http, text, &used, true, &o);
	o.status = o.over ? 0 : http.status;
	o.body = o.over ? 0 : http.body_size;
	free(text);
	h2_free(&h);
	return o;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct said whole = hold(bytes, size, size > 0 ? size : 1);
	struct said single = hold(bytes, size, 1);
	/* what was complete may be followed by what breaks the connection */
	PROMISE(whole.over || single.over ||
		(whole.got == single.got && whole.status == single.status &&
		 whole.body == single.body));
	return 0;
}
