/* rules/route.h: [route] and [chain]: who gets the traffic, and who needs whom. */
#ifndef RULES_ROUTE_H
#define RULES_ROUTE_H

#include "rules/common.h"

enum driver {
	DRIVER_SWITCH, DRIVER_HAPROXY, DRIVER_VARNISH, DRIVER_APACHE, DRIVER_NGINX, DRIVER_SQUID,
	DRIVER_RUN, DRIVERS
};
extern const char *const driver_name[DRIVERS];

struct backend {
	const char *name;
	uint32_t check;	  /* RULES_NONE: always healthy */
	uint32_t service; /* of its check, or RULES_NONE */
	const char *host; /* haproxy: the address it is given; NULL: as configured */
	uint16_t port;
};

struct route {
	uint32_t id;
	const char *name;
	struct place place;
	struct during during;
	enum driver driver;
	const char *path;     /* switch: flag file; haproxy: socket; nginx, squid: include */
	bool link;	      /* switch: path is a symlink instead */
	const char *front;    /* haproxy, apache: backend's or balancer's name there */
	const char *host;     /* varnish, apache: address */
	uint16_t port;
	const char *target;   /* apache: path of its balancer-manager */
	const char *secret;   /* varnish: path */
	bool vcl;	      /* varnish: its backends are VCLs, */
	const char *label;    /* and this label is put on the active one; NULL: vcl.use */
	const char *line;     /* nginx, squid: of a backend, in the include; NULL: the usual */
	struct command test, reload; /* nginx, squid: commands */
	struct command run;   /* run: with `get`, or `set` and names */
	const char *user;     /* of these commands */
	int64_t slow_ms;      /* haproxy: a backend that comes in gets its weight over this time */
	int64_t drain_ms;     /* requests in flight get so long, when one leaves by plan */
	struct backend *backends;
	uint32_t backend_count;
	bool all;	      /* active = all */
	uint32_t keep;	      /* never fewer than these */
	uint32_t verify;      /* check, or RULES_NONE */
	int64_t verify_ms;
	int64_t return_ms;    /* -1: manual */
	uint32_t flap_count;  /* 0: none */
	int64_t flap_ms;
	struct alerts_to alert;
};

struct chain {
	uint32_t id;
	const char *name;
	struct place place;
	struct chain_link { enum object_kind kind; uint32_t id; } *links; /* who needs whom: left needs right */
	uint32_t link_count;
	uint32_t *path_ends; /* index one past each path's last link */
	uint32_t path_count;
	struct at_most actions;
	uint32_t check; /* sees all of it, end to end; RULES_NONE: none */
	struct alerts_to alert;
};

#endif
