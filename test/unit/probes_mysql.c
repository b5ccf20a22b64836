/* A login at MySQL that wants to see the password, on a plain connection: it is shown to the
 * owner of server-key alone, whatever the server says. */
#include "probes/bytes.h"
#include "probes/kind.h"
#include "probes/mysql_proof.h"
#include "test/unit/book.h"
#include "test/unit/probes.h"
#include "test/unit/probes_talk.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <string.h>

#define SALT "abcdefghijklmnopqrst"
/* protocol 10, thread, salt, abilities, salt, plugin */
#define GREETING                                                                         \
	"\x4a\0\0\0\12" "8.0.36\0" "\1\0\0\0" "abcdefgh\0" "\377\377\377\2\0\377\337\25"     \
	"\0\0\0\0\0\0\0\0\0\0" "ijklmnopqrst\0" "caching_sha2_password\0"
#define FULL "\2\0\0\2\1\4"	  /* show it */
#define IN "\7\0\0\4\0\0\0\2\0\0\0" /* fine */
#define LOGIN "[check c]\nmysql = h\nauth-user = a\nauth-password-file = /p\n"

static EVP_PKEY *key;
static char pem[4096];

static void
make_key(int bits)
{
	BIO *bio = BIO_new(BIO_s_mem());
	EVP_PKEY_free(key);
	key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
	assert_non_null(key);
	assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
	int n = BIO_read(bio, pem, sizeof pem - 1);
	assert_true(n > 0);
	pem[n] = '\0';
	BIO_free(bio);
}

static size_t
decrypt(const char *bytes, size_t size, unsigned char *out, size_t cap)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
	assert_int_equal(EVP_PKEY_decrypt_init(c), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING), 1);
	assert_int_equal(EVP_PKEY_decrypt(c, out, &cap, (const unsigned char *)bytes,
					  size),
			 1);
	EVP_PKEY_CTX_free(c);
	return cap;
}

static enum judgement
hold(struct talk *t, const char *rules_text, const char *bytes, size_t size, unsigned cut)
{
	struct rules *rules = book(rules_text);
	memset(t, 0, sizeof *t);
	assert_true(plan_make(&t->plan, rules, 0));
	t->secret = "a longer password than the salt has bytes\n";
	t->files[FILE_CA] = (struct blob){ pem, strlen(pem) };
	if (t->plan.check->more->files[FILE_CA] == NULL)
		t->files[FILE_CA] = (struct blob){ 0 };
	enum judgement j = talk_hold(t, bytes, size, cut);
	plan_free(&t->plan);
	rules_free(&rules);
	return j;
}

static struct talk t;

static void
shows_it_to_the_owner_of_the_key(void **state)
{
	static const char said[] = GREETING FULL IN;
	(void)state;
	for (int bits = 2048; bits <= 4096; bits += 2048) {
		make_key(bits);
		for (unsigned cut = 0; cut < 4; cut++) {
			unsigned char plain[512];
			enum judgement j = hold(&t, LOGIN "server-key = /k\n", said,
						sizeof said - 1, cut);
			assert_int_equal(j, JUDGE_MORE); /* statistics are awaited */
			size_t n = (size_t)bits / 8,
			       login = 3 + (unsigned char)t.asked[0] + 1;
			const char *at = t.asked + login;
			assert_true(t.asked_size > login + 4 + n);
			assert_int_equal(bytes_read_little(at, 3), n);
			assert_int_equal(at[3], 3);
			size_t size = decrypt(at + 4, n, plain, sizeof plain);
			assert_int_equal(size, strlen(t.secret));
			for (size_t i = 0; i < size; i++)
				plain[i] ^= (unsigned char)SALT[i % 20];
			assert_memory_equal(plain, t.secret, size - 1);
			assert_int_equal(plain[size - 1], '\0');
		}
	}
}

static void
shows_it_to_nobody_else(void **state)
{
	static const char said[] = GREETING FULL IN,
			  twice[] = GREETING FULL "\2\0\0\4\1\4";
	static const char offers[] = GREETING "\5\0\0\2\1-key";
	(void)state;
	make_key(2048);
	assert_int_equal(hold(&t, LOGIN, said, sizeof said - 1, 0), JUDGE_BAD);
	assert_string_equal(
		t.why,
		"it wants to see the password itself: encrypt = starttls, or server-key");
	assert_int_equal(hold(&t, LOGIN "server-key = /k\n", twice, sizeof twice - 1, 0),
			 JUDGE_BAD);
	assert_int_equal(hold(&t, LOGIN "server-key = /k\n", offers, sizeof offers - 1,
			      0),
			 JUDGE_BAD);
	strcpy(pem, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
	assert_int_equal(hold(&t, LOGIN "server-key = /k\n", said, sizeof said - 1, 0),
			 JUDGE_BAD);
	assert_string_equal(t.why, "server-key is no public key that it could have");
}

int
test_probes_mysql(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_it_to_the_owner_of_the_key),
		cmocka_unit_test(shows_it_to_nobody_else),
	};
	int failed = cmocka_run_group_tests_name("probes_mysql", tests, NULL, NULL);
	EVP_PKEY_free(key);
	return failed;
}
