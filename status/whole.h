/* status/whole.h: the answer to GET /v1/status, rendered once and shared by all who ask
 * while nothing changes. A client that reads slowly keeps the one it got alive: only so
 * many live at a time. */
#ifndef STATUS_WHOLE_H
#define STATUS_WHOLE_H

#include "status/shelf.h"

#include <microhttpd.h>

#define WHOLES_MAX 8

struct whole {
	struct MHD_Response *response; /* NULL: none */
	uint64_t version;              /* of the shelf */
	int64_t made_ms;
	unsigned alive; /* of all that were made */
};

/* An entity tag of the shelf's version, differing in each life of ours; cap >= 48. */
void whole_tag(const struct shelf *s, char *out, size_t cap);

/* The response, borrowed; NULL: out of memory, or too many live. */
struct MHD_Response *
whole_get(struct whole *w, const struct store *store, struct shelf *shelf);

#endif
