#include "status/whole.h"

#include "base/clock.h"
#include "base/text.h"
#include "status/objects.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define FRESH_MS 1000 /* the ages in it pass meanwhile */

struct body {
	struct whole *whole;
	char *bytes;
};

void
whole_tag(const struct shelf *s, char *out, size_t cap)
{
	static int64_t life;
	if (life == 0)
		life = clock_real_ms();
	text_print(out, cap, "W/\"%" PRIx64 "-%x-%" PRIx64 "\"", (uint64_t)life,
		   (unsigned)getpid(), s->version);
}

static void
let_go(void *arg)
{
	struct body *b = arg;
	b->whole->alive--;
	free(b->bytes);
	free(b);
}

static struct MHD_Response *
render(struct whole *w, const struct store *store, struct shelf *shelf)
{
	struct json j;
	size_t size;
	struct body *b = calloc(1, sizeof *b);
	if (b == NULL)
		return NULL;
	json_begin(&j);
	status_json(store, shelf, &j);
	json_raw(&j, "\n", 1);
	b->whole = w;
	b->bytes = json_end(&j, &size);
	struct MHD_Response *r =
		b->bytes != NULL
			? MHD_create_response_from_buffer_with_free_callback_cls(size,
										 b->bytes,
										 let_go,
										 b)
			: NULL;
	if (r == NULL) {
		free(b->bytes);
		free(b);
		return NULL;
	}
	w->alive++;
	return r;
}

struct MHD_Response *
whole_get(struct whole *w, const struct store *store, struct shelf *shelf)
{
	int64_t now = clock_ms();
	if (w->response != NULL && w->version == shelf->version &&
	    now - w->made_ms < FRESH_MS)
		return w->response;
	if (w->response != NULL)
		MHD_destroy_response(w->response); /* who still reads it keeps it */
	w->response = NULL;
	if (w->alive >= WHOLES_MAX)
		return NULL;
	w->response = render(w, store, shelf);
	w->version = shelf->version;
	w->made_ms = now;
	return w->response;
}
