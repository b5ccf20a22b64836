/* probes/hop.h: where a redirect leads. */
#ifndef PROBES_HOP_H
#define PROBES_HOP_H

#include "rules/rules.h"

#include <stddef.h>

struct hop {
	char host[256];
	uint16_t port;
	bool tls;
	char host_header[264];
	char target[2048];
	bool foreign; /* another host, port or scheme than the check's: no secrets go there */
	bool bare;    /* the method has become GET, without a body */
};

/* The address of a Location header, from where we are (from, NULL: the check's own), for
 * the status of the answer. False: why says what is wrong with it. */
bool hop_make(struct hop *to, const struct check *c, const struct hop *from,
	      unsigned status, const char *location, char *why, size_t cap);

#endif
