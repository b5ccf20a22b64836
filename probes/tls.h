/* probes/tls.h: TLS of the checks, by OpenSSL 3.
 *
 * What checks of the same settings need is made once and shared: reading the host's
 * authorities costs 40 ms, a full handshake 1 ms of CPU, a resumed one a third of that. A
 * session is resumed for TLS_RESUME_MS, then the peer has to show its certificate again. */
#ifndef PROBES_TLS_H
#define PROBES_TLS_H

#include "base/msg.h"
#include "rules/rules.h"

#include <openssl/types.h>

#define TLS_RESUME_MS 60000

struct blob { /* a file's content; bytes[size] is NUL */
	char *bytes; /* NULL: none */
	size_t size;
};

/* How one check speaks TLS. */
struct tls_peer;

/* Takes nothing: check and files are looked at and may go. NULL: why says what is wrong
 * with the files. */
struct tls_peer *tls_peer_new(const struct check *c, const struct blob files[CHECK_FILES],
			      char why[MSG_TEXT]);
void tls_peer_free(struct tls_peer **pp);

/* A connection to it, or, with a name, to that host as a redirect led there; fd stays the
 * caller's. NULL: out of memory. */
SSL *tls_open(struct tls_peer *p, const char *name, int fd);
/* clean: says goodbye, so that the peer sees no attack in our end. */
void tls_close(SSL **sp, bool clean);

/* TLS_ENDED: the peer said that no more comes. TLS_BAD: why says what is wrong. */
enum tls_got { TLS_DONE, TLS_WANTS_READ, TLS_WANTS_WRITE, TLS_ENDED, TLS_BAD };
enum tls_got tls_handshake(SSL *ssl, char why[MSG_TEXT]);
enum tls_got
tls_read(SSL *ssl, char *bytes, size_t cap, size_t *got, char why[MSG_TEXT]);
bool tls_chose_h2(const SSL *ssl); /* by ALPN */
bool tls_holds(const SSL *ssl); /* bytes that were read from the socket, not from it */
enum tls_got
tls_write(SSL *ssl, const char *bytes, size_t size, size_t *put, char why[MSG_TEXT]);

/* "TLSv1.3, TLS_AES_256_GCM_SHA384, resumed", for people; good until the next call. */
const char *tls_words(const SSL *ssl);
/* NaN: it has shown none. */
double tls_days_left(const SSL *ssl);

#endif
