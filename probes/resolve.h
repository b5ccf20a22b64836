/* probes/resolve.h: host names to addresses by c-ares, never blocking. */
#ifndef PROBES_RESOLVE_H
#define PROBES_RESOLVE_H

#include "base/loop.h"

#include <netinet/in.h>
#include <stdbool.h>

#define ADDRESSES 4

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct addresses {
	union address list[ADDRESSES];
	unsigned count;
	int64_t good_until_ms; /* INT64_MAX: a literal */
};

struct lookup; /* one that is under way */

/* RESOLVE_ABSENT: a name server answered that there is no such name. RESOLVE_FAILED:
 * nobody could be asked; why is a library's text. */
enum resolved { RESOLVE_GOOD, RESOLVE_ABSENT, RESOLVE_FAILED };
typedef void (*resolve_fn)(void *arg, enum resolved how, const struct addresses *found,
			   const char *why);

/* False: no resolver can be made. */
bool resolve_begin(struct loop *loop);

/* "127.0.0.1" or "::1": fills out at once. False: it is a name. */
bool resolve_literal(const char *host, uint16_t port, struct addresses *out);

/* fn is called once, perhaps before this returns (then NULL is returned), unless it is
 * cancelled. */
struct lookup *resolve(const char *host, uint16_t port, resolve_fn fn, void *arg);
void resolve_cancel(struct lookup *l);

#endif
