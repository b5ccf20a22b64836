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
	int64_t good_until_ms; /* INT64_MAX: a literal */
	unsigned count;
	union address list[ADDRESSES];
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

/* A name of the rules: one query serves all that ask for it, and what it told is kept as
 * long as it may be. Is that over, the name is asked for again, and the last good address
 * serves where no answer comes within RESOLVE_PATIENCE_MS. fn is called once, perhaps
 * before this returns (then NULL is returned), unless it is cancelled. */
#define RESOLVE_PATIENCE_MS 200
struct lookup *resolve_name(const char *host, uint16_t port, resolve_fn fn, void *arg);
/* Nobody was found at its address: perhaps it has moved. */
void resolve_doubt(const char *host);
/* "127.0.0.1:5353,…" instead of the host's name servers. */
bool resolve_servers(const char *list);

/* A name that a peer told: nothing of it is kept. fn as above. */
struct lookup *resolve(const char *host, uint16_t port, resolve_fn fn, void *arg);
void resolve_cancel(struct lookup *l);

#endif
