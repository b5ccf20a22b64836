#include "probes/tls.h"

#include "base/clock.h"
#include "base/text.h"
#include "probes/kind.h"
#include "probes/tls_shared.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct tls_peer {
	struct tls_shared *shared;
	char *name; /* for SNI and the certificate */
	bool verify, resumes, wants_protocol, wants_h2;
	SSL_SESSION *session; /* of the last full handshake */
	int64_t full_ms;
};

static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_peer *p = SSL_get_app_data(ssl);
	if (p == NULL || !p->resumes || !SSL_SESSION_is_resumable(session))
		return 0;
	SSL_SESSION_free(p->session);
	p->session = session;
	return 1; /* it is ours now */
}

struct tls_peer *
tls_peer_new(const struct check *c, const struct blob files[CHECK_FILES], char why[MSG_TEXT])
{
	const char *name = c->more->tls->name != NULL ? c->more->tls->name : c->host;
	struct tls_peer *p = calloc(1, sizeof *p);
	if (p == NULL) {
		text_print(why, MSG_TEXT, "TLS: out of memory");
		return NULL;
	}
	p->name = strdup(name != NULL ? name : "");
	p->verify = !c->more->tls->unverified;
	p->wants_h2 = kind_table[c->kind].h2;
	p->wants_protocol = c->more->tls->alpn != NULL || p->wants_h2;
	p->resumes = c->kind != CHECK_TLS; /* there the certificate is what is measured */
	if (p->name == NULL)
		text_print(why, MSG_TEXT, "TLS: out of memory");
	else
		p->shared = tls_share(c, files, on_session, why);
	if (p->shared == NULL)
		tls_peer_free(&p);
	return p;
}

void
tls_peer_free(struct tls_peer **pp)
{
	struct tls_peer *p = *pp;
	if (p != NULL) {
		SSL_SESSION_free(p->session);
		tls_unshare(p->shared);
		free(p->name);
	}
	free(p);
	*pp = NULL;
}

static bool
expired(X509 *certificate)
{
	return certificate == NULL ||
	       X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0;
}

static void
resume(struct tls_peer *p, SSL *ssl)
{
	if (p->session == NULL)
		return;
	if (clock_ms() - p->full_ms < TLS_RESUME_MS &&
	    !expired(SSL_SESSION_get0_peer(p->session))) {
		SSL_set_session(ssl, p->session);
		return;
	}
	SSL_SESSION_free(p->session);
	p->session = NULL;
}

/* Who it has to be: a name is told to the peer, an address is not (RFC 6066 3). */
static bool
expect_name(SSL *ssl, const char *name, bool verify)
{
	unsigned char address[sizeof(struct in6_addr)];
	if (inet_pton(AF_INET, name, address) == 1 ||
	    inet_pton(AF_INET6, name, address) == 1)
		return !verify ||
		       X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
	return *name == '\0' || (SSL_set_tlsext_host_name(ssl, name) == 1 &&
				 (!verify || SSL_set1_host(ssl, name) == 1));
}

SSL *
tls_open(struct tls_peer *p, const char *name, int fd)
{
	SSL *ssl = SSL_new(p->shared->context);
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 ||
	    !expect_name(ssl, name != NULL ? name : p->name, p->verify)) {
		SSL_free(ssl);
		ERR_clear_error();
		return NULL;
	}
	SSL_set_app_data(ssl, name == NULL ? p : NULL); /* sessions are of its own host */
	SSL_set_connect_state(ssl);
	if (name == NULL)
		resume(p, ssl);
	return ssl;
}

void
tls_close(SSL **sp, bool clean)
{
	if (*sp == NULL)
		return;
	ERR_clear_error();
	if (clean && SSL_is_init_finished(*sp))
		SSL_shutdown(*sp);
	else /* the session stays good */
		SSL_set_shutdown(*sp, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	ERR_clear_error();
	SSL_free(*sp);
	*sp = NULL;
}

/* Why the library is not content. */
static void
explain(SSL *ssl, int kind, int error, char why[MSG_TEXT])
{
	unsigned long code = ERR_peek_error();
	long verified = SSL_get_verify_result(ssl);
	int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
	if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && verified != X509_V_OK)
		text_print(why, MSG_TEXT, "the certificate does not hold: %s",
			   X509_verify_cert_error_string(verified));
	else if (reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST)
		text_print(why, MSG_TEXT,
			   "the peer speaks no TLS: its answer is not of that form");
	else if (reason == SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL)
		text_print(why, MSG_TEXT, "the peer speaks none of our protocols (ALPN)");
	else if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		text_print(why, MSG_TEXT, "the connection was cut without a TLS close");
	else if (code != 0)
		text_print(why, MSG_TEXT, "TLS: %s", ERR_reason_error_string(code));
	else if (kind == SSL_ERROR_SYSCALL && error != 0)
		text_print(why, MSG_TEXT, "the connection broke: %s", strerror(error));
	else
		text_print(why, MSG_TEXT, "the connection was cut without a TLS close");
	ERR_clear_error();
}

static enum tls_got
got_of(SSL *ssl, int result, char why[MSG_TEXT])
{
	int error = errno, kind = SSL_get_error(ssl, result);
	switch (kind) {
	case SSL_ERROR_WANT_READ:
		return TLS_WANTS_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANTS_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_ENDED;
	default:
		explain(ssl, kind, error, why);
		return TLS_BAD;
	}
}

/* The peer chose no protocol although some are wanted. */
static bool
unchosen(SSL *ssl, char why[MSG_TEXT])
{
	const struct tls_peer *p = SSL_get_app_data(ssl);
	const unsigned char *chosen;
	unsigned size;
	SSL_get0_alpn_selected(ssl, &chosen, &size);
	if (size > 0 || p == NULL || !p->wants_protocol)
		return false;
	text_print(why, MSG_TEXT, "%s",
		   p->wants_h2 ? "HTTP/2: not spoken: the peer did not choose it (ALPN)"
			       : "the peer chose none of the protocols of tls-alpn");
	return true;
}

bool
tls_chose_h2(const SSL *ssl)
{
	const unsigned char *chosen;
	unsigned size;
	SSL_get0_alpn_selected(ssl, &chosen, &size);
	return size == 2 && memcmp(chosen, "h2", 2) == 0;
}

enum tls_got
tls_handshake(SSL *ssl, char why[MSG_TEXT])
{
	struct tls_peer *p = SSL_get_app_data(ssl);
	ERR_clear_error();
	errno = 0;
	int result = SSL_do_handshake(ssl);
	if (result != 1) {
		enum tls_got got = got_of(ssl, result, why);
		/* nothing is held against it */
		if (got == TLS_BAD && p != NULL && p->session != NULL) {
			SSL_SESSION_free(p->session);
			p->session = NULL;
		}
		return got;
	}
	if (p != NULL && !SSL_session_reused(ssl))
		p->full_ms = clock_ms();
	return unchosen(ssl, why) ? TLS_BAD : TLS_DONE;
}

enum tls_got
tls_read(SSL *ssl, char *bytes, size_t cap, size_t *got, char why[MSG_TEXT])
{
	ERR_clear_error();
	errno = 0;
	*got = 0;
	int result = SSL_read_ex(ssl, bytes, cap, got);
	return result == 1 ? TLS_DONE : got_of(ssl, result, why);
}

bool
tls_holds(const SSL *ssl)
{
	return SSL_pending(ssl) > 0;
}

enum tls_got
tls_write(SSL *ssl, const char *bytes, size_t size, size_t *put, char why[MSG_TEXT])
{
	ERR_clear_error();
	errno = 0;
	*put = 0;
	int result = SSL_write_ex(ssl, bytes, size, put);
	return result == 1 ? TLS_DONE : got_of(ssl, result, why);
}

double
tls_days_left(const SSL *ssl)
{
	int days = 0, seconds = 0;
	X509 *x = SSL_get0_peer_certificate(ssl);
	if (x == NULL ||
	    ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(x)) != 1)
		return (double)NAN;
	return days + seconds / 86400.0;
}

const char *
tls_words(const SSL *ssl)
{
	static char out[160];
	const unsigned char *chosen;
	unsigned size;
	SSL_get0_alpn_selected(ssl, &chosen, &size);
	text_print(out, sizeof out, "%s, %s%s%s%.*s", SSL_get_version(ssl),
		   SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)),
		   SSL_session_reused(ssl) ? ", resumed" : "", size > 0 ? ", " : "",
		   (int)size, size > 0 ? (const char *)chosen : "");
	return out;
}
