/* probes/mysql_proof.h: how a client of MySQL proves that it knows the password, or shows it to
 * one server alone. */
#ifndef PROBES_MYSQL_PROOF_H
#define PROBES_MYSQL_PROOF_H

#include "probes/tls.h"

#define MYSQL_SALT 20
#define MYSQL_SHOWN 512 /* bytes of a password that is encrypted: keys have up to 4096 bits */

/* mysql_native_password */
void mysql_native_proof(const struct blob *password, const char salt[MYSQL_SALT],
			unsigned char out[MYSQL_SALT]);
/* caching_sha2_password */
void mysql_sha2_proof(const struct blob *password, const char salt[MYSQL_SALT],
		      unsigned char out[32]);
/* The password itself, for whoever has the private part of that key (PEM). 0: the key is none,
 * or too short. */
size_t mysql_show(const struct blob *password, const char salt[MYSQL_SALT], const struct blob *key,
		  unsigned char out[MYSQL_SHOWN]);

#endif
