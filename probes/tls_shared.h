/* probes/tls_shared.h: what checks of the same TLS settings and files share: a context, made
 * once; for tls.c only. */
#ifndef PROBES_TLS_SHARED_H
#define PROBES_TLS_SHARED_H

#include "probes/tls.h"

#include <openssl/ssl.h>

struct tls_shared { /* a context of certain settings, and who uses it */
	unsigned char key[32];
	SSL_CTX *context;
	unsigned users;
	struct tls_shared *next;
};

/* A session that may be resumed: 1: it is the callee's now. */
typedef int tls_session(SSL *ssl, SSL_SESSION *session);

/* NULL: why says what is wrong with the files. */
struct tls_shared *tls_share(const struct check *c, const struct blob files[CHECK_FILES],
			     tls_session *session, char why[MSG_TEXT]);
void tls_unshare(struct tls_shared *s); /* NULL: nothing */

#endif
