/* probes/h2.h: HTTP/2 (RFC 9113) of one exchange, by nghttp2. A request that is written as
 * HTTP/1.1 goes out as a stream; what comes back is read as HTTP/1.1 again: interim heads,
 * the head, the body (in chunks where no length is named), the trailers. So whoever asks
 * and judges knows one form of both. */
#ifndef PROBES_H2_H
#define PROBES_H2_H

#include "base/msg.h"

#include <stdbool.h>
#include <stddef.h>

struct h2;

struct h2 *h2_new(void); /* NULL: out of memory */
void h2_free(struct h2 **hp);

/* A whole request; once. False: it is none that a stream can carry, or out of memory. */
bool h2_ask(struct h2 *h, const char *request, size_t size, bool tls);

/* What is to be sent now, 0: nothing; it stays until h2_sent says that it went out. */
size_t h2_out(struct h2 *h, const char **bytes);
void h2_sent(struct h2 *h, size_t size);

/* Bytes of the peer. What h2_out has then (acknowledgements, a word of why it ends) should go
 * out before h2_failed is asked. */
void h2_take(struct h2 *h, const char *bytes, size_t size);
/* They are no HTTP/2, or the answer will never be whole; why says the reason. */
bool h2_failed(const struct h2 *h, char why[MSG_TEXT]);

/* The next bytes of the answer as HTTP/1.1. */
size_t h2_text(struct h2 *h, char *out, size_t cap);
bool h2_holds(const struct h2 *h); /* some are there */
bool h2_ended(const struct h2 *h); /* and these are the last: the stream has ended */

#endif
