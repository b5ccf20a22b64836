/* Authorities and certificates for the servers of mischief, made anew at each start. */
#include "test/system/mischief.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY 86400L

struct identity {
	X509 *certificate;
	EVP_PKEY *key;
};
static struct identity authority, stranger, servers[SECURES], huge[1];

static void
need(bool good, const char *what)
{
	if (!good) {
		fprintf(stderr, "mischief: %s\n", what);
		exit(1);
	}
}

static void
extend(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;
	X509V3_set_ctx(&context, issuer, x, NULL, NULL, 0);
	X509_EXTENSION *e = X509V3_EXT_nconf_nid(NULL, &context, nid, value);
	need(e != NULL, value);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

static struct identity
identity(const char *name, const char *names, long from, long to, const struct identity *by,
	 bool is_authority)
{
	static long serial = 1;
	struct identity id = { X509_new(), EVP_EC_gen("P-256") };
	X509_NAME *n = X509_NAME_new();
	need(id.certificate != NULL && id.key != NULL && n != NULL, "out of memory");
	X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)name, -1,
				   -1, 0);
	X509_set_version(id.certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(id.certificate), serial++);
	X509_gmtime_adj(X509_getm_notBefore(id.certificate), from);
	X509_gmtime_adj(X509_getm_notAfter(id.certificate), to);
	X509_set_subject_name(id.certificate, n);
	X509_set_issuer_name(id.certificate,
			     by != NULL ? X509_get_subject_name(by->certificate) : n);
	X509_set_pubkey(id.certificate, id.key);
	extend(id.certificate, by != NULL ? by->certificate : id.certificate,
	       NID_basic_constraints, is_authority ? "critical,CA:TRUE" : "CA:FALSE");
	if (names != NULL)
		extend(id.certificate, id.certificate, NID_subject_alt_name, names);
	need(X509_sign(id.certificate, by != NULL ? by->key : id.key, EVP_sha256()) > 0,
	     "sign");
	X509_NAME_free(n);
	return id;
}

static FILE *
file(const char *dir, const char *name)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "we");
	need(f != NULL, path);
	return f;
}

void
certificates_make(const char *dir)
{
	static const char here[] = "IP:127.0.0.1,DNS:localhost";
	authority = identity("mischief", NULL, -DAY, 400 * DAY, NULL, true);
	stranger = identity("stranger", NULL, -DAY, 400 * DAY, NULL, true);
	for (unsigned s = 0; s < SECURES; s++)
		servers[s] = identity("server", here, -DAY, 200 * DAY, &authority, false);
	servers[TLS_EXPIRED] =
		identity("server", here, -9 * DAY, -DAY, &authority, false);
	servers[TLS_FUTURE] =
		identity("server", here, 9 * DAY, 99 * DAY, &authority, false);
	servers[TLS_SOON] = identity("server", here, -DAY, 10 * DAY, &authority, false);
	servers[TLS_OTHER_NAME] = identity("server", "DNS:other.example", -DAY, 200 * DAY,
					   &authority, false);
	servers[TLS_SELF_SIGNED] = identity("server", here, -DAY, 200 * DAY, NULL, false);
	servers[TLS_STRANGER] =
		identity("server", here, -DAY, 200 * DAY, &stranger, false);
	char *names = malloc(100000);
	need(names != NULL, "out of memory");
	size_t n = (size_t)sprintf(names, "DNS:localhost");
	for (unsigned i = 0; i < 5000; i++)
		n += (size_t)sprintf(names + n, ",DNS:n%u.example", i);
	huge[0] = identity("huge", names, -DAY, 200 * DAY, &authority, false);
	free(names);
	struct identity client =
		identity("client", NULL, -DAY, 200 * DAY, &authority, false);
	FILE *f = file(dir, "ca.pem");
	PEM_write_X509(f, authority.certificate);
	fclose(f);
	f = file(dir, "client.pem");
	PEM_write_X509(f, client.certificate);
	fclose(f);
	f = file(dir, "client.key");
	PEM_write_PrivateKey(f, client.key, NULL, NULL, 0, NULL, NULL);
	fclose(f);
}

/* Of the protocols that the client offers h2 is taken, or none at all. */
static int
only_h2(SSL *ssl, const unsigned char **out, unsigned char *out_size,
	const unsigned char *in, unsigned in_size, void *arg)
{
	static const unsigned char h2[] = "\x02h2";
	unsigned char *chosen;
	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_size, h2, 3, in, in_size) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *
certificates_context(enum secure secure)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());
	need(c != NULL, "out of memory");
	SSL_CTX_use_certificate(c, servers[secure].certificate);
	SSL_CTX_use_PrivateKey(c, servers[secure].key);
	for (unsigned i = 0; secure == TLS_HUGE && i < 3; i++)
		SSL_CTX_add1_chain_cert(c, huge[0].certificate);
	if (secure == TLS_OLD) {
		SSL_CTX_set_security_level(c, 0);
		SSL_CTX_set_min_proto_version(c, TLS1_VERSION);
		SSL_CTX_set_max_proto_version(c, TLS1_1_VERSION);
	}
	if (secure == TLS_AGAIN)
		SSL_CTX_set_max_proto_version(c, TLS1_2_VERSION);
	if (secure == TLS_H2)
		SSL_CTX_set_alpn_select_cb(c, only_h2, NULL);
	if (secure == TLS_ASKS) {
		X509_STORE_add_cert(SSL_CTX_get_cert_store(c), authority.certificate);
		SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
				   NULL);
		SSL_CTX_set_session_id_context(c, (const unsigned char *)"m", 1);
	}
	return c;
}
