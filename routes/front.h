/* routes/front.h: one traffic front: what it should do, what it does, and the exchange that
 * makes the two alike: apply, then read back, with one deadline for all of it. */
#ifndef ROUTES_FRONT_H
#define ROUTES_FRONT_H

#include "base/helper.h"
#include "rules/rules.h"

#define FRONT_IN 262144 /* bytes of one answer */
#define FRONT_OUT 32768

struct front;

/* A driver says what to send and judges what came; the engine connects, waits and reports. */
struct driver_calls {
	void (*begin)(struct front *f);	  /* ask for what it needs: front_ask, front_connect */
	void (*opened)(struct front *f, int fd, enum open_what what); /* fd is the driver's */
	void (*input)(struct front *f, bool ended); /* f->in grew, or the peer closed */
};

struct front {
	struct helper *helper;
	const struct route *route;
	const struct driver_calls *calls;
	struct msg_route_order order; /* the newest; number 0: none yet */
	uint64_t doing, done;	      /* number that is being carried out; the last carried out */
	bool busy, again, drifted;    /* drifted: the front lost what it was told */
	unsigned step;		      /* of the driver */
	uint64_t token;		      /* of its last OPEN */
	int fd;
	struct loop_io io;
	struct loop_timer deadline, next;
	unsigned failures;
	struct msg_route_seen seen; /* to be sent while unsent */
	bool unsent;
	char secret[512];
	size_t secret_size;
	size_t out_size, out_sent, in_size;
	char out[FRONT_OUT], in[FRONT_IN];
};

extern const struct driver_calls switch_calls, haproxy_calls, varnish_calls;

struct front *front_new(struct helper *h, const struct route *route); /* NULL: no memory */
void front_free(struct front **fp);

/* A new order, or the route's section after a reload: goes to work at once. */
void front_order(struct front *f, const struct msg_route_order *order);
void front_work(struct front *f);
void front_report(struct front *f); /* sends what could not be sent */

/* ---- for drivers ---- */
bool front_applies(const struct front *f); /* this exchange carries the order out */
void front_ask(struct front *f, enum open_what what);
void front_connect(struct front *f, const char *host, uint16_t port); /* literal address */
void front_use(struct front *f, int fd); /* a connected stream: what is in out goes */
void front_say(struct front *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void front_done(struct front *f, uint64_t active, bool drifted);
void front_failed(struct front *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
