/* routes/front.h: one traffic front: what it should do, what it does, and the exchange
 * that makes the two alike: apply, then read back, with one deadline for all of it. */
#ifndef ROUTES_FRONT_H
#define ROUTES_FRONT_H

#include "base/helper.h"
#include "rules/rules.h"

#define FRONT_IN 262144 /* bytes of one answer */
#define FRONT_OUT 32768

struct front;

/* A driver says what to send and judges what came; the engine connects, waits and
 * reports. */
struct driver_calls {
	void (*begin)(
		struct front *f); /* ask for what it needs: front_ask, front_connect */
	void (*resume)(struct front *f); /* the same over a stream that was kept; NULL:
					    none is kept */
	void (*opened)(struct front *f, int fd,
		       enum open_what what);        /* fd is the driver's */
	void (*input)(struct front *f, bool ended); /* f->in grew, or the peer closed */
	void (*written)(struct front *f,
			const struct msg_route_written *w); /* may be NULL */
	int64_t deadline_ms;                                /* of one exchange; 0: 2 s */
};

/* What the front does, as a driver read it. */
struct front_view {
	uint64_t active;
	uint64_t busy; /* of the others: requests are in flight, */
	bool counts;   /* as far as this front can tell */
	bool lost;     /* it is not as it was ordered */
	uint64_t told; /* what it was told, by whomsoever: of that, by_hand is judged */
	uint64_t life; /* another number: it began anew, and has lost what it was told */
};

struct haproxy_server {
	unsigned long admin, weight; /* as configured */
	unsigned port, sessions;
	bool known;
	char address[48];
};

/* Apache's balancer-manager: the page for people, the only one it has. */
struct apache_page {
	uint64_t known, active, busy;
	char nonce[64];
	char urls[RULES_BACKENDS_MAX][256]; /* what the members are called there */
};

struct front {
	struct helper *helper;
	const struct route *route;
	const struct driver_calls *calls;
	struct msg_route_order order; /* the newest; number 0: none yet */
	uint64_t doing, done; /* number that is being carried out; the last carried out */
	bool busy, again, drifted; /* drifted: the front lost what it was told */
	bool settled;              /* it was as ordered, in this life of the front: */
	bool first;                /* it was seen once, */
	uint64_t told;             /* told this, when nothing was ordered */
	uint64_t life;
	unsigned looks;       /* at requests that end on a backend that left */
	uint64_t connections; /* how often a stream was begun */
	unsigned step;        /* of the driver */
	uint64_t token;       /* of its last OPEN */
	int fd;
	struct loop_io io;
	struct loop_timer deadline, next;
	unsigned failures;
	struct msg_route_seen seen; /* to be sent while unsent */
	bool unsent;
	union {
		struct {
			char secret[512];
			size_t secret_size;
			uint64_t worker; /* process of its child */
		} varnish;
		struct {
			struct apache_page page; /* as last read */
			uint32_t at;             /* the backend whose turn it is */
			bool posted;
		} apache;
		struct {
			struct haproxy_server
				servers[RULES_BACKENDS_MAX]; /* as last read */
			int64_t in_ms[RULES_BACKENDS_MAX];   /* came in; 0: has its whole
								weight */
			unsigned asked;                      /* commands in flight */
		} haproxy;
		struct {
			uint64_t token;   /* of its OPEN; 0: it sets */
			bool ended, good; /* the command; its output */
		} run;
	} of; /* the driver's own */
	size_t out_size, out_sent, in_size;
	char out[FRONT_OUT], in[FRONT_IN];
};

extern const struct driver_calls switch_calls, haproxy_calls, varnish_calls, apache_calls,
	lines_calls, run_calls;

struct front *
front_new(struct helper *h, const struct route *route); /* NULL: no memory */
void front_free(struct front **fp);

/* A new order, or the route's section after a reload: goes to work at once. */
void front_order(struct front *f, const struct msg_route_order *order);
void front_work(struct front *f);
void front_report(struct front *f); /* sends what could not be sent */

/* ---- for drivers ---- */
bool front_applies(const struct front *f); /* this exchange carries the order out */
void front_ask(struct front *f, enum open_what what);
void
front_connect(struct front *f, const char *host, uint16_t port); /* literal address */
void front_use(struct front *f, int fd); /* a connected stream: what is in out goes */
void front_close(struct front *f);       /* the stream; the exchange goes on */
void front_go(struct front *f);          /* the same over the one that is kept */
void
front_say(struct front *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
void front_write(struct front *f); /* ROUTE_WRITE of the order */
void front_done(struct front *f, const struct front_view *v);
void front_failed(struct front *f, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
