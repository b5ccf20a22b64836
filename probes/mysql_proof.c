#include "probes/mysql_proof.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <string.h>

#define SALT MYSQL_SALT
#define PASSWORD_MOST 256

/* SHA1(password) xor SHA1(salt, SHA1(SHA1(password))) */
void
mysql_native_proof(const struct blob *password, const char salt[SALT], unsigned char out[SALT])
{
	unsigned char once[SALT], twice[2 * SALT];
	SHA1((const unsigned char *)password->bytes, password->size, once);
	memcpy(twice, salt, SALT);
	SHA1(once, SALT, twice + SALT);
	SHA1(twice, sizeof twice, out);
	for (unsigned i = 0; i < SALT; i++)
		out[i] ^= once[i];
}

/* SHA256(password) xor SHA256(SHA256(SHA256(password)), salt) */
void
mysql_sha2_proof(const struct blob *password, const char salt[SALT], unsigned char out[32])
{
	unsigned char once[32], twice[32 + SALT];
	SHA256((const unsigned char *)password->bytes, password->size, once);
	SHA256(once, 32, twice);
	memcpy(twice + 32, salt, SALT);
	SHA256(twice, sizeof twice, out);
	for (unsigned i = 0; i < 32; i++)
		out[i] ^= once[i];
}

/* The password with its NUL, each byte xor one of the salt, by RSA with OAEP. */
size_t
mysql_show(const struct blob *password, const char salt[SALT], const struct blob *key,
	   unsigned char out[MYSQL_SHOWN])
{
	unsigned char plain[PASSWORD_MOST];
	size_t size = MYSQL_SHOWN;
	if (password->size + 1 > sizeof plain || key->bytes == NULL)
		return 0;
	for (size_t i = 0; i <= password->size; i++)
		plain[i] =
			(unsigned char)((i < password->size ? password->bytes[i] : '\0') ^
					salt[i % SALT]);
	BIO *bio = BIO_new_mem_buf(key->bytes, (int)key->size);
	EVP_PKEY *k = bio != NULL ? PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL) : NULL;
	EVP_PKEY_CTX *c = k != NULL ? EVP_PKEY_CTX_new(k, NULL) : NULL;
	bool good = c != NULL && EVP_PKEY_get_base_id(k) == EVP_PKEY_RSA &&
		    EVP_PKEY_get_size(k) <= MYSQL_SHOWN &&
		    EVP_PKEY_encrypt_init(c) == 1 &&
		    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
		    EVP_PKEY_encrypt(c, out, &size, plain, password->size + 1) == 1;
	OPENSSL_cleanse(plain, sizeof plain);
	EVP_PKEY_CTX_free(c);
	EVP_PKEY_free(k);
	BIO_free(bio);
	ERR_clear_error();
	return good ? size : 0;
}
