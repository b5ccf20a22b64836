/* GET / and what it loads. The policy forbids whatever is not ours: no script in the
 * page, nothing from elsewhere, no frame around it. */
#include "status/page.h"

#include "status/server.h"

#include <string.h>

#define POLICY                                                                           \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "  \
	"img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static const struct page_file *
find(const char *path)
{
	for (size_t i = 0; i < page_file_count; i++)
		if (strcmp(page_files[i].path, path) == 0)
			return &page_files[i];
	return NULL;
}

bool
page_has(const char *path)
{
	return find(path) != NULL;
}

enum MHD_Result
page_send(struct client *c, const char *path)
{
	static const struct {
		const char *name, *value;
	} headers[] = {
		{ "Content-Security-Policy", POLICY },
		{ "X-Content-Type-Options", "nosniff" },
		{ "X-Frame-Options", "DENY" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Cache-Control", "no-cache" },
	};
	const struct page_file *f = find(path);
	/* MHD takes the bytes as its own to read, not to change */
	void *bytes = (void *)(uintptr_t)f->bytes;
	struct MHD_Response *r =
		MHD_create_response_from_buffer(f->size, bytes, MHD_RESPMEM_PERSISTENT);
	if (r == NULL)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", f->type);
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
		MHD_add_response_header(r, headers[i].name, headers[i].value);
	enum MHD_Result queued = MHD_queue_response(c->connection, 200, r);
	MHD_destroy_response(r);
	return queued;
}
