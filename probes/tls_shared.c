#include "probes/tls_shared.h"

#include "base/text.h"
#include "probes/kind.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define CHAIN_BYTES 65536 /* of certificates that a peer may send */
#define CHAIN_DEPTH 8
#define SECURE_LEVEL 2 /* as Debian's own */

static struct tls_shared *all;

static void
say_error(char why[MSG_TEXT], const char *what)
{
	unsigned long code = ERR_peek_error();
	const char *reason = ERR_reason_error_string(code);
	text_print(why, MSG_TEXT, "%s: %s", what,
		   reason != NULL ? reason : "no reason given");
	ERR_clear_error();
}

static void
digest(EVP_MD_CTX *md, const void *bytes, size_t size)
{
	EVP_DigestUpdate(md, &size, sizeof size);
	if (size > 0)
		EVP_DigestUpdate(md, bytes, size);
}

/* What is offered by ALPN; size 0: nothing. */
static const char *
protocols(const struct check *c, size_t *size)
{
	static const char http[] = "\2h2\10http/1.1", h2[] = "\2h2";
	bool always = kind_table[c->kind].h2;
	*size = c->more->tls->alpn != NULL ? c->more->tls->alpn_size
		: check_is_http(c)         ? sizeof http - 1
		: always                   ? sizeof h2 - 1
					   : 0;
	return c->more->tls->alpn != NULL ? c->more->tls->alpn : always ? h2 : http;
}

static bool
key_of(const struct check *c, const struct blob files[CHECK_FILES], unsigned char key[32])
{
	const struct tls_wish *t = c->more->tls;
	unsigned char plain[] = { t->unverified, (unsigned char)t->least };
	size_t offered_size;
	const char *offered = protocols(c, &offered_size);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;
	if (good) {
		digest(md, plain, sizeof plain);
		digest(md, offered, offered_size);
		for (unsigned f = FILE_CA; f <= FILE_KEY; f++)
			digest(md, files[f].bytes, files[f].size);
		good = EVP_DigestFinal_ex(md, key, NULL) == 1;
	}
	EVP_MD_CTX_free(md);
	return good;
}

static bool
trust(SSL_CTX *context, const struct blob *ca, char why[MSG_TEXT])
{
	X509_STORE *store = SSL_CTX_get_cert_store(context);
	unsigned count = 0;
	if (ca->bytes == NULL)
		return SSL_CTX_set_default_verify_paths(context) == 1;
	BIO *bio = BIO_new_mem_buf(ca->bytes, (int)ca->size);
	for (X509 *x;
	     bio != NULL && (x = PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL)) != NULL;
	     count++) {
		X509_STORE_add_cert(store, x);
		X509_free(x);
	}
	BIO_free(bio);
	if (count == 0)
		say_error(why, "tls-ca");
	ERR_clear_error(); /* the file's end is one */
	return count > 0;
}

static bool
show_chain(SSL_CTX *context, const struct blob *cert)
{
	BIO *bio = BIO_new_mem_buf(cert->bytes, (int)cert->size);
	X509 *x = bio != NULL ? PEM_read_bio_X509_AUX(bio, NULL, NULL, NULL) : NULL;
	bool good = x != NULL && SSL_CTX_use_certificate(context, x) == 1;
	X509_free(x);
	while (good && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		good = SSL_CTX_add0_chain_cert(context, x) == 1;
	BIO_free(bio);
	return good;
}

/* A key with a pass phrase is none for us: nobody could type it. */
static int
no_phrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static bool
show_key(SSL_CTX *context, const struct blob *key)
{
	BIO *bio = BIO_new_mem_buf(key->bytes, (int)key->size);
	EVP_PKEY *k =
		bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, no_phrase, NULL) : NULL;
	bool good = k != NULL && SSL_CTX_use_PrivateKey(context, k) == 1;
	EVP_PKEY_free(k);
	BIO_free(bio);
	return good;
}

static bool
show(SSL_CTX *context, const struct blob *cert, const struct blob *key, char why[MSG_TEXT])
{
	if (cert->bytes == NULL)
		return true;
	ERR_clear_error();
	if (!show_chain(context, cert)) {
		say_error(why, "tls-cert");
		return false;
	}
	ERR_clear_error();
	if (!show_key(context, key)) {
		say_error(why, "tls-key");
		return false;
	}
	return true;
}

static SSL_CTX *
make(const struct check *c, const struct blob files[CHECK_FILES], tls_session *session,
     char why[MSG_TEXT])
{
	static const int versions[] = { TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION,
					TLS1_3_VERSION };
	const struct tls_wish *t = c->more->tls;
	SSL_CTX *x = SSL_CTX_new(TLS_client_method());
	text_print(why, MSG_TEXT, "TLS: out of memory");
	if (x == NULL)
		return NULL;
	SSL_CTX_set_options(x, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(x, SSL_MODE_ENABLE_PARTIAL_WRITE |
				    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				    SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_min_proto_version(x, versions[t->least - 10]);
	SSL_CTX_set_security_level(x, t->least < 12 ? 0 : SECURE_LEVEL);
	SSL_CTX_set_max_cert_list(x, CHAIN_BYTES);
	SSL_CTX_set_verify_depth(x, CHAIN_DEPTH);
	SSL_CTX_set_verify(x, t->unverified ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(x, SSL_SESS_CACHE_CLIENT |
						  SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(x, session);
	size_t size;
	const unsigned char *offered = (const unsigned char *)protocols(c, &size);
	if (size > 0)
		SSL_CTX_set_alpn_protos(x, offered, (unsigned)size);
	if ((t->unverified || trust(x, &files[FILE_CA], why)) &&
	    show(x, &files[FILE_CERT], &files[FILE_KEY], why))
		return x;
	SSL_CTX_free(x);
	return NULL;
}

struct tls_shared *
tls_share(const struct check *c, const struct blob files[CHECK_FILES], tls_session *session,
	  char why[MSG_TEXT])
{
	unsigned char key[32];
	text_print(why, MSG_TEXT, "TLS: out of memory");
	if (!key_of(c, files, key))
		return NULL;
	for (struct tls_shared *s = all; s != NULL; s = s->next)
		if (memcmp(s->key, key, sizeof key) == 0) {
			s->users++;
			return s;
		}
	struct tls_shared *s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	s->context = make(c, files, session, why);
	if (s->context == NULL) {
		free(s);
		return NULL;
	}
	memcpy(s->key, key, sizeof key);
	s->users = 1;
	s->next = all;
	all = s;
	return s;
}

void
tls_unshare(struct tls_shared *s)
{
	struct tls_shared **at = &all;
	if (s == NULL || --s->users > 0)
		return;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	SSL_CTX_free(s->context);
	free(s);
}
