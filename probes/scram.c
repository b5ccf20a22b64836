#include "probes/scram.h"

#include "base/text.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define HASH SHA256_DIGEST_LENGTH
#define ITERATIONS_MOST 20000 /* some 15 ms: a peer must not keep us busy */
#define SALT_MOST 64

static void
nonce(uint64_t unique, char out[33])
{
	uint64_t mixed = (unique ^ unique >> 29) * 0x9e3779b97f4a7c15;
	snprintf(out, 33, "%016llx%016llx", (unsigned long long)unique,
		 (unsigned long long)mixed);
}

void
scram_first(uint64_t unique, char *out, size_t cap)
{
	char own[33];
	nonce(unique, own);
	text_print(out, cap, "n,,n=,r=%s", own);
}

/* "r=NONCE,s=SALT,i=ITERATIONS"; salt: decoded, in place of `out`. */
static bool
parse(const char *challenge, const char *own, char *nonce_out, unsigned char *salt,
      size_t *salt_size, int *iterations)
{
	char coded[2 * SALT_MOST];
	unsigned char raw[2 * SALT_MOST];
	int end = 0;
	if (sscanf(challenge, "r=%127[^,],s=%127[^,],i=%9d%n", nonce_out, coded,
		   iterations, &end) != 3 ||
	    challenge[end] != '\0' || strncmp(nonce_out, own, 32) != 0 ||
	    strlen(nonce_out) <= 32 || *iterations < 1 || *iterations > ITERATIONS_MOST)
		return false;
	size_t length = strlen(coded), padding = 0;
	while (padding < 2 && length > padding && coded[length - 1 - padding] == '=')
		padding++;
	int n = length % 4 == 0
			? EVP_DecodeBlock(raw, (unsigned char *)coded, (int)length)
			: -1;
	if (n < 0 || (size_t)n < padding || (size_t)n - padding > SALT_MOST)
		return false;
	*salt_size = (size_t)n - padding;
	memcpy(salt, raw, *salt_size);
	return *salt_size > 0;
}

static bool
hmac(const unsigned char key[HASH], const char *text, unsigned char out[HASH])
{
	unsigned size = 0;
	return HMAC(EVP_sha256(), key, HASH, (const unsigned char *)text, strlen(text),
		    out, &size) != NULL;
}

/* Both proofs, of the client and of the server, for what both have said. */
static bool
prove(const unsigned char salted[HASH], const char *said, unsigned char client[HASH],
      unsigned char server[HASH])
{
	unsigned char key[HASH], stored[HASH], signature[HASH], server_key[HASH];
	bool good = hmac(salted, "Client Key", key) &&
		    SHA256(key, HASH, stored) != NULL && hmac(stored, said, signature) &&
		    hmac(salted, "Server Key", server_key) &&
		    hmac(server_key, said, server);
	for (unsigned i = 0; good && i < HASH; i++)
		client[i] = key[i] ^ signature[i];
	return good;
}

bool
scram_answer(struct scram *s, uint64_t unique, const struct blob *password,
	     const char *challenge, size_t size)
{
	char own[33], text[SCRAM_MOST], theirs[128], said[3 * SCRAM_MOST], coded[48];
	unsigned char salt[SALT_MOST], salted[HASH], client[HASH], server[HASH];
	size_t salt_size = 0;
	int iterations = 0;
	if (size >= sizeof text || memchr(challenge, '\0', size) != NULL)
		return false;
	text_print(text, sizeof text, "%.*s", (int)size, challenge);
	nonce(unique, own);
	if (!parse(text, own, theirs, salt, &salt_size, &iterations) ||
	    PKCS5_PBKDF2_HMAC(password->bytes, (int)password->size, salt, (int)salt_size,
			      iterations, EVP_sha256(), HASH, salted) != 1)
		return false;
	text_print(said, sizeof said, "n=,r=%s,%s,c=biws,r=%s", own, text, theirs);
	bool good = prove(salted, said, client, server);
	explicit_bzero(salted, sizeof salted);
	if (!good)
		return false;
	EVP_EncodeBlock((unsigned char *)coded, client, HASH);
	text_print(s->final, sizeof s->final, "c=biws,r=%s,p=%s", theirs, coded);
	EVP_EncodeBlock((unsigned char *)coded, server, HASH);
	text_print(s->proof, sizeof s->proof, "v=%s", coded);
	return true;
}

bool
scram_proves(const struct scram *s, const char *text, size_t size)
{
	return s->proof[0] != '\0' && size == strlen(s->proof) &&
	       memcmp(text, s->proof, size) == 0;
}
