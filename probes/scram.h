/* probes/scram.h: SCRAM-SHA-256 (RFC 5802, RFC 7677) without channel binding: both sides
 * prove that they know the password. */
#ifndef PROBES_SCRAM_H
#define PROBES_SCRAM_H

#include "probes/tls.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCRAM_MOST 256

struct scram {
	bool began, proven;
	char final[SCRAM_MOST]; /* what the client says last */
	char proof[48];         /* what the server must say then: "v=…" */
};

/* "n,,n=,r=…": the nonce is made of unique. */
void scram_first(uint64_t unique, char *out, size_t cap);
/* To the server's challenge. False: it makes no sense, or wants more work than is due. */
bool scram_answer(struct scram *s, uint64_t unique, const struct blob *password,
		  const char *challenge, size_t size);
/* The server knows the password too. */
bool scram_proves(const struct scram *s, const char *text, size_t size);

#endif
