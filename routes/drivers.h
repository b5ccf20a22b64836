/* routes/drivers.h: the pure parts of the drivers: what to say, what an answer means. */
#ifndef ROUTES_DRIVERS_H
#define ROUTES_DRIVERS_H

#include "routes/front.h"

/* The backends that a flag file's text names. */
uint64_t switch_parse(const struct route *r, const char *text, size_t size);
/* The answer to ROUTE_WRITE. */
void switch_written(struct front *f, const struct msg_route_written *w);

/* `show servers state` of HAProxy (management guide, 9.3): those in no maintenance and no
 * drain. False: no such answer; missing names a backend that the front does not know. */
bool haproxy_parse(const struct route *r, const char *text, uint64_t *active, uint32_t *missing);

/* One reply of Varnish's CLI (varnish-cli(7)): its status and body, and the size of all; 0:
 * more is to come. body is ended by NUL (in the place of the newline). */
size_t varnish_reply(char *in, size_t size, int *status, char **body, size_t *length);

/* `backend.list -j`: which backend carries the traffic of a fallback director whose order is
 * the route's (or, with active = all, all that are not sick). */
struct varnish_seen {
	uint64_t known;	   /* the front has such a backend */
	uint64_t sick;	   /* set so by hand */
	uint64_t forced;   /* set healthy by hand */
	uint64_t probe_ok; /* its probe says good, or it has none */
};
bool varnish_parse(const struct route *r, const char *json, size_t size, struct varnish_seen *out);
uint64_t varnish_active(const struct route *r, const struct varnish_seen *s);

#endif
