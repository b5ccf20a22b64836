/* What libmicrohttpd.a calls of GnuTLS. Status serves no TLS, so nothing of it is ever called
 * after the beginning; without it nine libraries fewer are mapped there, two megabytes. Only
 * linked where libmicrohttpd is (configure). */
#include <stddef.h>

#define REFUSES(name)                                                                    \
	int name(void);                                                                  \
	int name(void)                                                                   \
	{                                                                                \
		return -1;                                                               \
	}
#define DOES_NOTHING(name)                                                               \
	int name(void);                                                                  \
	int name(void)                                                                   \
	{                                                                                \
		return 0;                                                                \
	}

extern void *(*gnutls_malloc)(size_t size);
void *(*gnutls_malloc)(size_t size);

const char *gnutls_strerror(int error);
const char *
gnutls_strerror(int error)
{
	(void)error;
	return "no TLS here";
}

DOES_NOTHING(gnutls_global_init)
DOES_NOTHING(gnutls_global_deinit)
DOES_NOTHING(gnutls_certificate_free_credentials)
DOES_NOTHING(gnutls_deinit)
DOES_NOTHING(gnutls_dh_params_deinit)
DOES_NOTHING(gnutls_priority_deinit)
DOES_NOTHING(gnutls_psk_free_server_credentials)
DOES_NOTHING(gnutls_record_check_pending)

REFUSES(gnutls_alpn_set_protocols)
REFUSES(gnutls_bye)
REFUSES(gnutls_certificate_allocate_credentials)
REFUSES(gnutls_certificate_server_set_request)
REFUSES(gnutls_certificate_set_dh_params)
REFUSES(gnutls_certificate_set_retrieve_function2)
REFUSES(gnutls_certificate_set_retrieve_function3)
REFUSES(gnutls_certificate_set_x509_key_mem)
REFUSES(gnutls_certificate_set_x509_key_mem2)
REFUSES(gnutls_certificate_set_x509_trust_mem)
REFUSES(gnutls_cipher_get)
REFUSES(gnutls_credentials_set)
REFUSES(gnutls_dh_params_import_pkcs3)
REFUSES(gnutls_dh_params_init)
REFUSES(gnutls_handshake)
REFUSES(gnutls_init)
REFUSES(gnutls_priority_init)
REFUSES(gnutls_priority_set)
REFUSES(gnutls_protocol_get_version)
REFUSES(gnutls_psk_allocate_server_credentials)
REFUSES(gnutls_psk_set_server_credentials_function)
REFUSES(gnutls_record_get_direction)
REFUSES(gnutls_record_recv)
REFUSES(gnutls_record_send)
REFUSES(gnutls_session_get_ptr)
REFUSES(gnutls_session_set_ptr)
REFUSES(gnutls_transport_set_int2)
