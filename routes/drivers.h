/* routes/drivers.h: the pure parts of the drivers: what to say, what an answer means. */
#ifndef ROUTES_DRIVERS_H
#define ROUTES_DRIVERS_H

#include "routes/front.h"

/* The backends that a flag file's text names. */
uint64_t switch_parse(const struct route *r, const char *text, size_t size);
/* Those that a command's output names, parted by blanks, which become line ends. */
uint64_t run_parse(const struct route *r, char *text, size_t size);

/* `show stat` and `show servers state` of HAProxy (management guide, 9.3): list gets an
 * item for each backend. False: no such answer. */
bool haproxy_read(const struct route *r, const char *text, struct haproxy_server *list);
/* It is in maintenance, or drained. */
bool haproxy_is_out(const struct haproxy_server *s);

/* Apache's balancer-manager: what its page says. False: it holds no balancer of that name. */
bool apache_read(const struct route *r, const char *page, struct apache_page *out);

/* One reply of Varnish's CLI (varnish-cli(7)): its status and body, and the size of all;
 * 0: more is to come. body is ended by NUL (in the place of the newline). */
size_t varnish_reply(char *in, size_t size, int *status, char **body, size_t *length);

/* `backend.list -j`: which backend carries the traffic of a fallback director whose order
 * is the route's (or, with active = all, all that are not sick). */
struct varnish_seen {
	uint64_t known;    /* the front has such a backend */
	uint64_t sick;     /* set so by hand */
	uint64_t forced;   /* set healthy by hand */
	uint64_t probe_ok; /* its probe says good, or it has none */
};
bool varnish_parse(const struct route *r, const char *json, size_t size,
		   struct varnish_seen *out);
uint64_t varnish_active(const struct route *r, const struct varnish_seen *s);

/* `vcl.list -j`: which VCL is active, or carries the label. False: no such list; known:
 * the backends that it has. */
bool varnish_vcls(const struct route *r, const char *json, size_t size, uint64_t *known,
		  uint64_t *active);
/* `pid`: the process of the child; 0: none. */
uint64_t varnish_worker(const char *body);

#endif
