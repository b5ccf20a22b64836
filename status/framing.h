/* status/framing.h: where a request ends. A server before us may read a doubtful one otherwise
 * than we do, and what it takes for a body would be the next request here (RFC 9112, 11.2). */
#ifndef STATUS_FRAMING_H
#define STATUS_FRAMING_H

#include <microhttpd.h>
#include <stddef.h>

/* Why the request whose head has come is refused, and with which status; NULL: it is not. Nothing
 * behind it may be read. */
const char *framing_fault(struct MHD_Connection *connection, size_t body_max, unsigned *code);

#endif
